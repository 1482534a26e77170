"""The demo: real script, real daemon, counted against the stand-ins; nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from glpi_bridge.sandbox import demo
from glpi_bridge.sandbox.demo import STORY, DemoFailed, play, stage

DEADLINE_SECONDS = 120


@pytest.mark.parametrize("version", sorted(demo.VERSIONS))
def test_five_problems_an_update_and_a_recovery_arrive_and_nothing_stays(version: str) -> None:
    said: list[str] = []
    with stage(version) as on:
        tally = play(on, said.append)
        assert (tally.alerts, tally.lost, tally.duplicates) == (len(STORY) + 2, 0, 0)
        assert {one.name for one in tally.tickets} == {f"{one.host}: {one.name}" for one in STORY}
        assert {one.category for one in tally.tickets} == {f"Monitoring > {one.area}" for one in STORY}
        assert [one.name for one in tally.tickets if one.status == "solved"] == ["web01: CPU is high"]
        assert {one.name: one.urgency for one in tally.tickets}["db01: Memory is running out"] == "high"
        assert len({one.event for one in tally.tickets}) == len(STORY)
    assert said
    assert not on.directory.exists()
    assert on.daemon.poll() == 0


def test_the_count_is_of_what_glpi_has_not_of_what_the_bridge_believes() -> None:
    with stage() as on:
        play(on, lambda _: None)
        tickets = on.glpi.world.db["Ticket"]
        twin = {**tickets.full(1)}
        del twin["id"]
        tickets.insert(twin)
        assert (on.tally().lost, on.tally().duplicates) == (0, 1)
        for solution in on.glpi.solutions(1):
            on.glpi.world.db["ITILSolution"].remove(solution["id"])
        assert (on.tally().lost, on.tally().duplicates) == (1, 1)


def test_a_daemon_that_dies_is_told_with_its_last_words() -> None:
    with stage() as on:
        on.daemon.kill()
        on.daemon.wait()
        on.log.write_text("why it died\n")
        with pytest.raises(DemoFailed, match=r"exit code -9:\nwhy it died"):
            play(on, lambda _: None)


def _start(tmp_path: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "glpi_bridge", "demo", *options]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_once_as_json_is_one_object_and_exit_code_0(tmp_path: Path) -> None:
    process = _start(tmp_path, "--once", "--json")
    output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    shown = json.loads(output)
    assert list(shown) == ["tickets", "alerts", "lost", "duplicates", "problems", "changes"]
    (problem,), (change,) = shown["problems"], shown["changes"]
    assert problem["tickets"] == [2, 3]
    assert len(shown["tickets"]) == len(STORY)
    assert [one["status"] for one in shown["tickets"]].count("solved") == 1
    assert (shown["alerts"], shown["lost"], shown["duplicates"]) == (len(STORY) + 2, 0, 0)
    assert change["problems"] == [problem["id"]]
    assert {tuple(one) for one in shown["tickets"]} == {
        ("id", "name", "category", "urgency", "status", "event", "link")
    }
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_stays_up_until_it_is_ended_and_takes_everything_along(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = _start(tmp_path)
    assert process.stdout is not None
    shown = []
    for line in process.stdout:
        shown.append(line)
        if line.startswith("Ctrl-C ends"):
            break
    [directory] = tmp_path.iterdir()
    text = "".join(shown)
    assert str(directory) in text
    assert "glpi-bridge check" in text
    daemon = _daemon_of(process.pid)
    process.send_signal(number)
    process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == code
    assert list(tmp_path.iterdir()) == []
    assert not Path(f"/proc/{daemon}").exists()


def _daemon_of(pid: int) -> str:
    [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return child
