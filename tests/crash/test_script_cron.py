"""cron-glpi, killed or failed at every call with an effect: no failure stays untold, none stays open."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glpi_bridge.model import AlertKind
from glpi_bridge.spool import Spool
from tests.crash import strace
from tests.crash.strace import EIO, KILL, Call, Point

SCRIPT = str(Path(__file__).parents[2] / "alert_scripts" / "cron-glpi")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LOGNAME": "operator"}
# what passes the output on, and what is not started by its name (zabbix-glpi has a test of its own)
BYSTANDERS = frozenset({"tee", "tail", "cat", "timeout", "env", "true", "false", "tr", "zabbix-glpi"})

pytestmark = pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace")


@pytest.fixture
def new_spool(tmp_path: Path) -> Callable[[], Spool]:
    numbers = itertools.count()
    return lambda: Spool.create(tmp_path / f"{next(numbers)}" / "spool")


def command(spool: Spool, job: str) -> list[str | bytes]:
    return ["/bin/sh", SCRIPT, "--spool", str(spool.path), "--key", "job", "--", job]


def run(spool: Spool, job: str) -> None:
    environment = ENVIRONMENT | {"TMPDIR": str(spool.path.parent)}
    result = subprocess.run(command(spool, job), capture_output=True, env=environment, check=False)
    assert (result.returncode, result.stderr) == (int(job == "false"), b"")


def told(spool: Spool) -> dict[str, set[AlertKind]]:
    events: dict[str, set[AlertKind]] = defaultdict(set)
    for entry in spool.entries():
        alert = spool.read(entry)
        events[alert.eventid].add(alert.kind)
    return events


def matters(call: Call) -> bool:
    return call.has_effect and call.program not in BYSTANDERS and ("/spool" in call.line or call.name == "write")


@pytest.mark.parametrize("job", ["false", "true"])
@pytest.mark.parametrize("effect", [KILL, EIO])
def test_a_run_that_dies_anywhere_leaves_nothing_untold_and_nothing_open(
    job: str, effect: str, new_spool: Callable[[], Spool], tmp_path: Path
) -> None:
    def prepared() -> Spool:
        spool = new_spool()
        if job == "true":
            run(spool, "false")  # there is something to recover from
        return spool

    def one(work: tuple[Point, Spool]) -> int:
        point, spool = work
        environment = ENVIRONMENT | {"TMPDIR": str(spool.path.parent)}
        result = strace.run_at(point, effect, command(spool, job), spool.path.parent, environment)
        run(spool, "false")
        assert any(AlertKind.RECOVERY not in kinds for kinds in told(spool).values()), f"a failure is untold: {point}"
        run(spool, "true")
        events = told(spool)
        both = {AlertKind.PROBLEM, AlertKind.RECOVERY}
        assert all(kinds == both for kinds in events.values()), f"{events} after {effect} at {point}"
        left = {name for name in os.listdir(spool.path / "cron") if not name.endswith(".sent")}
        assert not {name for name in left if ".draft." not in name}, f"{left} after {effect} at {point}"
        shutil.rmtree(spool.path.parent, ignore_errors=True)  # children of a killed shell go on
        return result.returncode

    first = prepared()
    seen = strace.trace(command(first, job), tmp_path, env=ENVIRONMENT | {"TMPDIR": str(first.path.parent)})
    numbers = itertools.count()  # of the calls without an effect some are enough
    points = strace.points(
        seen.calls,
        lambda call: matters(call) or (effect == KILL and not call.program and next(numbers) % 5 == 0),
    )
    assert any(point.name.startswith("rename") for point in points)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(one, [(point, prepared()) for point in points]))
    assert len(outcomes) == len(points)
    if effect == KILL:
        assert sum(outcome == -9 for outcome in outcomes) > len(points) // 2, "the kills did not reach the script"
