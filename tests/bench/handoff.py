"""The alert script against bare programs that do the same writes and syncs, and while GLPI is away."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from glpi_bridge.spool import Spool
from tests.bench.ratio import Ratio, seconds
from tests.crash.apart import ROOT, Bridge, standin

ALERT = [
    "event_id=4711",
    "trigger_id=815",
    "event_value=1",
    "event_nseverity=4",
    "event_name=Disk /srv is full",
    "host_host=web01",
    'event_tagsjson=[{"tag":"component","value":"storage"}]',
    "trigger_description=" + "Make room or grow it. " * 20,
]
_PYTHON = """
import os, sys
spool, name, *items = sys.argv[1:]
file = os.open(f"{spool}/tmp/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
for item in items:
    os.write(file, item.encode() + bytes(1))
os.fsync(file)
os.close(file)
os.rename(f"{spool}/tmp/{name}", f"{spool}/new/{name}")
os.fsync(os.open(f"{spool}/new", os.O_RDONLY))
"""


def measure(quick: bool) -> Iterator[Ratio]:
    """Run each in turn, so that what else the machine does meets all alike; compare the medians."""
    rounds = 40 if quick else 150
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        spool = str(Spool.create(place / "spool").path)
        script = shutil.copy(ROOT / "alert_scripts" / "zabbix-glpi", place)
        python = getattr(sys, "_base_executable", sys.executable)
        c = place / "handoff"
        subprocess.run(["cc", "-O2", "-o", c, Path(__file__).with_name("handoff.c")], check=True)
        ways = {
            "script": lambda: _run("/bin/sh", script, spool, *ALERT),
            "python": lambda: _run(python, "-I", "-S", "-c", _PYTHON, spool, uuid.uuid4().hex, *ALERT),
            "c": lambda: _run(str(c), spool, uuid.uuid4().hex, *ALERT),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                took[name].append(seconds(way))
        alone = {name: statistics.median(all_) for name, all_ in took.items()}
    for name, what, goal in (("python", "a bare Python", 1.0), ("c", "a C program", 5.0)):
        shown = f"{alone['script'] * 1e3:.1f} ms, {alone[name] * 1e3:.1f} ms"
        yield Ratio(
            "handoff", f"the script against {what} with the same syncs", alone["script"] / alone[name], goal, shown
        )
    yield _away(rounds)


def _away(rounds: int) -> Ratio:
    """Two daemons run, GLPI answers one of them and is not there for the other: who hands off must not feel it."""
    with contextlib.ExitStack() as stack:
        glpi = stack.enter_context(standin())
        spools = []
        for url in (None, "http://127.0.0.1:9/apirest.php"):
            bridge = Bridge(Path(stack.enter_context(tempfile.TemporaryDirectory())), glpi)
            bridge.write(glpi=url)
            daemon = bridge.start("run")
            stack.callback(daemon.wait)
            stack.callback(daemon.kill)
            spools.append(str(bridge.home / "spool"))
        took: list[list[float]] = [[], []]
        for number in range(rounds):
            for all_, spool in zip(took, spools, strict=True):
                event = f"event_id={number}"
                all_.append(seconds(lambda: _run("/bin/sh", str(_SCRIPT), spool, event, *ALERT[1:])))  # noqa: B023  it runs at once
    here, away = (statistics.median(all_) for all_ in took)
    shown = f"{away * 1e3:.1f} ms, {here * 1e3:.1f} ms"
    return Ratio("handoff", "the script with GLPI away against with GLPI there", away / here, 1.2, shown)


_SCRIPT = ROOT / "alert_scripts" / "zabbix-glpi"


def _run(*command: str) -> None:
    pid = os.posix_spawn(command[0], command, {"PATH": "/usr/bin:/bin"})
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"{command[:3]} ended with {os.waitstatus_to_exitcode(status)}")
