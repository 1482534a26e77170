"""The daemon under a storm: calls for each ticket, log-ins, memory; then a sync that finds nothing new."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from glpi_bridge import build, config
from glpi_bridge.sandbox.glpi.control import Control
from glpi_bridge.sandbox.zabbix.control import Control as Zabbix
from glpi_bridge.sync import sync
from tests.bench.ratio import Ratio, seconds
from tests.crash.apart import ROOT, Bridge, standin, wait_until

_DEADLINE_SECONDS = 600
_HOUR = 3600.0


def measure(quick: bool) -> Iterator[Ratio]:
    """A tenth of the alerts first, then the rest: what is flat costs the same after both."""
    few, many = (600, 3_000) if quick else (1_000, 10_000)
    with contextlib.ExitStack() as stack:
        glpi = stack.enter_context(standin())
        zabbix, token = stack.enter_context(_zabbix())
        bridge = Bridge(Path(stack.enter_context(tempfile.TemporaryDirectory())), glpi)
        bridge.write(zabbix=(zabbix.url, token))
        events = zabbix.raise_problems(many)
        _deliver(bridge, glpi, events[:few])
        before = _sync(bridge, glpi, zabbix)
        glpi.forget_log()
        sizes = _deliver(bridge, glpi, events[few:])
        calls = glpi.log
        after = _sync(bridge, glpi, zabbix)
    made = many - few
    logins = sum(call.path.endswith("initSession") for call in calls)
    yield Ratio("storm", "calls of GLPI for each ticket", len(calls) / made, 0.05, f"{len(calls)}, {made}")
    yield Ratio("storm", "log-ins of one daemon", logins, 1.0, f"{logins}")
    yield Ratio(
        "storm", f"memory of the daemon, {many} alerts, of 100 MB", max(sizes) / 100, 1.0, f"{max(sizes):.0f} MB"
    )
    yield Ratio("storm", "memory at the end against after a tenth", *_growth(sizes))
    shown = f"{after[0]}, {before[0]}"
    yield Ratio("sync", f"requests, {many} against {few} incidents held", after[0] / before[0], 1.2, shown)
    shown = f"{after[1] * 1e3:.0f} ms, {before[1] * 1e3:.0f} ms"
    yield Ratio("sync", f"time, {many} against {few} incidents held", after[1] / before[1], 1.5, shown)


def _growth(sizes: Sequence[float]) -> tuple[float, float, str]:
    early, late = max(sizes[: len(sizes) // 10 + 1]), sizes[-1]
    return late / early, 1.15, f"{late:.0f} MB, {early:.0f} MB"


@contextlib.contextmanager
def _zabbix() -> Iterator[tuple[Zabbix, str]]:
    command = [sys.executable, "-m", "glpi_bridge.sandbox.zabbix"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        yield Zabbix(about["url"]), about["token"]
    finally:
        process.terminate()
        process.communicate()


def _deliver(bridge: Bridge, glpi: Control, events: Sequence[str]) -> list[float]:
    """Let a daemon deliver these alerts; returns its size in MB, measured again and again."""
    for event in events:
        bridge.put(event)
    count = int(glpi.about()["tickets"])
    sizes: list[float] = []
    daemon = bridge.start("run")

    def is_done() -> bool:
        made = int(glpi.about()["tickets"]) - count
        if made:
            sizes.append(_resident(daemon.pid))
        return made == len(events)

    try:
        wait_until(is_done, _DEADLINE_SECONDS, glpi.about)
        time.sleep(1)  # the pass records its last call
        sizes.append(_resident(daemon.pid))
    finally:
        daemon.terminate()
        daemon.wait()
    return sizes


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _sync(bridge: Bridge, glpi: Control, zabbix: Zabbix) -> tuple[int, float]:
    """The requests and the time of a sync that finds nothing new, long after the tickets were made."""
    ahead = [_HOUR]
    with build.bridge(config.load(bridge.settings)) as context:
        context.now = lambda: time.time() + ahead[0]
        sync(context)  # reads what was made since the last one
        took = []
        for _ in range(5):
            ahead[0] += _HOUR
            before = _requests(glpi, zabbix)
            took.append(seconds(lambda: sync(context)))
            asked = _requests(glpi, zabbix) - before
    return asked, min(took)


def _requests(glpi: Control, zabbix: Zabbix) -> int:
    counts: dict[str, Any] = zabbix.counts()
    return int(glpi.about()["requests"]) + sum(counts["calls"].values())
