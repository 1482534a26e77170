"""How the stand-in runs the media script: arguments, environment, tries, order, and what is never told."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.alert import ALERT_FIELDS, parse
from glpi_bridge.sandbox.zabbix import Standin

DUMP = """#!/bin/sh
dir=${0%/*}
{ for one; do printf '%s\\0' "$one"; done; } > "$dir/out/$(date +%s%N).$$"
env > "$dir/env"; pwd > "$dir/cwd"; cat > "$dir/stdin"
"""

Scripted = Callable[..., Standin]


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Scripted]:
    running: list[Standin] = []
    (tmp_path / "out").mkdir()

    def start(text: str = DUMP, **how: Any) -> Standin:
        script = tmp_path / "media-script"
        script.write_text(text)
        script.chmod(0o755)
        running.append(Standin(script=script, spool=tmp_path / "spool", threads=False, **how))
        running[-1].set_media_type(attempt_interval=0.0)
        return running[-1]

    yield start
    for standin in running:
        standin.close()


def told(tmp_path: Path) -> list[list[str]]:
    """The arguments of each execution, in order."""
    files = sorted((tmp_path / "out").iterdir(), key=lambda file: file.name)
    return [file.read_bytes().decode().split("\0")[:-1] for file in files]


def test_the_script_gets_the_spool_and_a_pair_for_each_field(scripted, tmp_path):
    standin = scripted(source="paris")
    eventid = standin.raise_problem("web01", "CPU is high", severity=4, tags={"component": "cpu"}, value="9")
    standin.run_alerts()
    (arguments,) = told(tmp_path)
    assert arguments[:2] == [str(tmp_path / "spool"), "source=paris"]
    assert [one.partition("=")[0] for one in arguments[2:]] == list(ALERT_FIELDS)
    values = dict(one.partition("=")[::2] for one in arguments[2:])
    assert (values["event_id"], values["event_name"], values["event_nseverity"]) == (eventid, "CPU is high", "4")
    assert json.loads(values["event_tagsjson"]) == [{"tag": "component", "value": "cpu"}]
    assert values["event_recovery_id"] == "{EVENT.RECOVERY.ID}"
    assert values["inventory_location"] == "*UNKNOWN*"


def test_the_script_runs_bare_as_under_the_server(scripted, tmp_path):
    standin = scripted()
    standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names - {"_", "SHLVL", "OLDPWD"} == {"PATH", "LANG", "PWD"}
    assert (tmp_path / "cwd").read_text() == "/\n"
    assert (tmp_path / "stdin").read_text() == ""


@pytest.mark.parametrize(
    ("text", "status", "retries", "words"),
    [
        ("exit 0", "1", "0", ""),
        ("echo lost; exit 0", "1", "0", ""),
        ("echo why >&2; exit 1", "2", "3", "why\n"),
        ("kill -KILL $$", "2", "3", "Killed\n"),
        ("exec sleep 60", "2", "1", "Timeout while executing a shell script."),
    ],
)
def test_an_execution_ends_as_recorded(scripted, text, status, retries, words):
    standin = scripted(f"#!/bin/sh\n{text}\n")
    standin.set_media_type(timeout=0.5)
    eventid = standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    (alert,) = standin.alerts(eventid)
    assert (alert["status"], alert["retries"], alert["error"]) == (status, retries, words)


def test_a_script_that_is_missing_is_not_tried_again(scripted, tmp_path):
    standin = scripted()
    (tmp_path / "media-script").unlink()
    eventid = standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    (alert,) = standin.alerts(eventid)
    assert (alert["status"], alert["retries"]) == ("2", "0")
    assert "No such file or directory" in alert["error"]


def test_what_failed_is_tried_again_and_may_go_well(scripted, tmp_path):
    standin = scripted(f"#!/bin/sh\ntest -e {tmp_path}/again || {{ : > {tmp_path}/again; echo no; exit 1; }}\n")
    eventid = standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    (alert,) = standin.alerts(eventid)
    assert (alert["status"], alert["retries"], alert["error"]) == ("1", "1", "")


def test_zabbix_waits_for_whoever_keeps_the_output_open(scripted, tmp_path):
    standin = scripted(f"#!/bin/sh\n(sleep 60) &\n: > {tmp_path}/done\n")
    standin.set_media_type(timeout=0.5)
    eventid = standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    assert (tmp_path / "done").exists()
    assert standin.alerts(eventid)[0]["error"] == "Timeout while executing a shell script."


def test_a_media_type_that_is_disabled_fails_at_once(scripted, tmp_path):
    standin = scripted()
    standin.set_media_type(status=1)
    eventid = standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    assert standin.alerts(eventid)[0]["error"] == "Media type disabled."
    assert told(tmp_path) == []


def kinds(tmp_path: Path) -> list[tuple[str, str]]:
    """Kind and event id of each alert, as the bridge reads them."""
    from datetime import UTC, datetime

    read = []
    for arguments in told(tmp_path):
        alert = parse(b"".join(one.encode() + b"\0" for one in arguments[1:]), datetime.now(UTC))
        read.append((str(alert.kind), alert.eventid))
    return read


@pytest.mark.field("F98")
def test_what_ends_at_once_is_told_as_problems_then_recoveries(scripted, tmp_path):
    standin = scripted()
    first = standin.raise_problem("web01", "CPU is high")
    standin.recover(first)
    second = standin.raise_problem("web01", "CPU is high")
    standin.recover(second)
    standin.run_alerts()
    assert kinds(tmp_path) == [("problem", first), ("problem", second), ("recovery", first), ("recovery", second)]


def test_a_close_by_hand_tells_the_recovery_before_the_update(scripted, tmp_path):
    standin = scripted()
    eventid = standin.raise_problem("web01", "CPU is high", manual_close=True)
    standin.run_alerts()
    standin.update(eventid, message="enough", close=True)
    standin.run_alerts()
    assert kinds(tmp_path) == [("problem", eventid), ("recovery", eventid), ("update", eventid)]


@pytest.mark.field("F72")
def test_one_update_of_several_things_is_one_alert(scripted, tmp_path):
    standin = scripted()
    eventid = standin.raise_problem("web01", "CPU is high", severity=2)
    standin.run_alerts()
    standin.update(eventid, message="worse", acknowledge=True, severity=4)
    standin.run_alerts()
    values = dict(one.partition("=")[::2] for one in told(tmp_path)[1])
    assert values["event_update_action"] == "acknowledged, commented and changed severity from Warning to High"
    assert (values["event_update_message"], values["event_nseverity"]) == ("worse", "4")


@pytest.mark.field("F84")
def test_the_bridges_own_update_does_not_come_back(scripted, tmp_path):
    standin = scripted()
    eventid = standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    standin.update(eventid, message="Ticket 5", acknowledge=True, user="bridge")
    standin.run_alerts()
    assert len(told(tmp_path)) == 1


def test_a_change_of_rank_is_not_told(scripted, tmp_path):
    standin = scripted()
    cause, symptom = (standin.raise_problem(host, "down") for host in ("sw01", "web01"))
    standin.run_alerts()
    standin.update(symptom, cause=cause)
    standin.run_alerts()
    assert standin.event(symptom)["cause_eventid"] == cause
    assert len(told(tmp_path)) == 2


@pytest.mark.field("F82")
def test_maintenance_holds_what_it_means_and_tells_it_at_its_end(scripted, tmp_path):
    standin = scripted()
    standin.raise_problem("web01", "early", alert=False)
    maintenanceid = standin.start_maintenance("web01", tags={"component": "svc"})
    held = standin.raise_problem("web01", "service down", tags={"component": "svc"})
    short = standin.raise_problem("web01", "blip", tags={"component": "svc"})
    told_now = standin.raise_problem("web01", "link down", tags={"component": "link"})
    standin.recover(short)
    standin.run_alerts()
    assert kinds(tmp_path) == [("problem", told_now)]
    standin.end_maintenance(maintenanceid)
    standin.run_alerts()
    assert kinds(tmp_path) == [("problem", told_now), ("problem", held)]


@pytest.mark.field("F22")
@pytest.mark.parametrize("deed", ["disable_trigger", "disable_host"])
def test_what_is_switched_off_is_told_once_more_as_a_problem_and_never_recovers(scripted, tmp_path, deed):
    standin = scripted()
    standin.set_action(esc_period=0.0)
    eventid = standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    if deed == "disable_trigger":
        standin.disable_trigger(eventid)
    else:
        standin.disable_host("web01")
    standin.run_alerts()
    standin.recover(eventid)
    standin.run_alerts()
    assert kinds(tmp_path) == [("problem", eventid), ("problem", eventid)]
    assert standin.alerts(eventid)[1]["message"].startswith("NOTE: Escalation canceled")


@pytest.mark.parametrize("deed", ["delete_trigger", "delete_host", "move_host", "housekeep"])
def test_what_is_gone_or_hidden_is_not_told_any_more(scripted, tmp_path, deed):
    standin = scripted()
    eventid = standin.raise_problem("web01", "CPU is high")
    standin.run_alerts()
    {
        "delete_trigger": lambda: standin.delete_trigger(eventid),
        "delete_host": lambda: standin.delete_host("web01"),
        "move_host": lambda: standin.move_host("web01", "Other"),
        "housekeep": lambda: standin.housekeep(eventid),
    }[deed]()
    standin.run_alerts()
    assert len(told(tmp_path)) == 1


@pytest.mark.field("F06")
def test_an_internal_event_has_only_the_macros_it_is_given(scripted, tmp_path):
    standin = scripted()
    name = 'Cannot evaluate expression: "not supported"'
    eventid = standin.raise_elsewhere(3, 4, {"{EVENT.NAME}": name, "{HOST.HOST}": "web01", "{EVENT.VALUE}": "1"})
    standin.run_alerts()
    values = dict(one.partition("=")[::2] for one in told(tmp_path)[0])
    assert (values["event_id"], values["event_source"], values["event_name"]) == (eventid, "3", name)
    assert values["event_nseverity"] == "{EVENT.NSEVERITY}"


@pytest.mark.field("F24")
def test_times_are_written_in_the_servers_own_zone(tmp_path):
    from glpi_bridge.sandbox.zabbix.server import bridge_world
    from glpi_bridge.sandbox.zabbix.world import World

    world = bridge_world(World(timezone="America/Sao_Paulo"))
    world.media_type.parameters = ("{EVENT.DATE} {EVENT.TIME}",)
    with Standin(world=world, script=tmp_path / "none", threads=False) as standin:
        standin.raise_problem("web01", "CPU is high", clock=1795660200)  # 2026-11-26 02:30:00 UTC
        standin.run_alerts()
        (alert,) = world.alerts.values()
    assert alert.parameters == ("2026.11.25 23:30:00",)


def test_hostile_values_reach_the_script_byte_for_byte(scripted, tmp_path):
    standin = scripted()
    hostile = "a=b:c\n\"q\" 's' `id` $(id) \\ \x07\x1b[31m {HOST.IP} é🔥 -rf " + "W" * 3000
    standin.raise_problem("web01", "Text says: {ITEM.LASTVALUE1}", value=hostile)
    standin.run_alerts()
    values = dict(one.partition("=")[::2] for one in told(tmp_path)[0])
    assert values["item_value"] == hostile
    assert values["event_name"] == ("Text says: " + hostile)[:2048]


def test_in_the_background_everything_is_told_and_the_wait_ends(tmp_path):
    (tmp_path / "out").mkdir()
    script = tmp_path / "media-script"
    script.write_text(DUMP)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with Standin(script=script, spool="-") as standin:
        eventids = [standin.raise_problem(f"web{number}", "CPU is high") for number in range(20)]
        for eventid in eventids:
            standin.recover(eventid)
        standin.wait_idle(60)
        assert len(os.listdir(tmp_path / "out")) == 40
        assert {alert["status"] for alert in standin.alerts()} == {"1"}
