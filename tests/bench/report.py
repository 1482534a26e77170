"""A report on a year of 100,000 tickets: its time and its memory, and whether that is flat."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

from glpi_bridge.sandbox import month
from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.store import Store
from tests.bench.ratio import Ratio
from tests.crash.apart import ROOT

FIRST, LAST = date(2025, 10, 1), date(2026, 9, 30)
_OFTEN = 21.0
_SECONDS, _MEGABYTES = 60.0, 200.0


@dataclass(frozen=True)
class _Run:
    seconds: float
    megabytes: float


def measure(quick: bool) -> Iterator[Ratio]:
    """A tenth of the tickets first, then all: what is flat needs no more memory for ten times as many."""
    many = 20_000 if quick else 100_000
    few_run, few = _measured(many // 10)
    many_run, found = _measured(many)
    assert (few, found) == (many // 10, many)
    shown = f"{many_run.seconds:.1f} s"
    yield Ratio("report", f"time for {many} tickets, of {_SECONDS:g} s", many_run.seconds / _SECONDS, 1.0, shown)
    shown = f"{many_run.megabytes:.0f} MB"
    yield Ratio(
        "report", f"memory for {many} tickets, of {_MEGABYTES:g} MB", many_run.megabytes / _MEGABYTES, 1.0, shown
    )
    shown = f"{many_run.megabytes:.0f} MB, {few_run.megabytes:.0f} MB"
    yield Ratio("report", "memory against a tenth of the tickets", many_run.megabytes / few_run.megabytes, 1.2, shown)


def _measured(count: int) -> tuple[_Run, int]:
    """How long a report's process took and how large it became, and how many incidents it counted."""
    with tempfile.TemporaryDirectory() as scratch, _desk(Path(scratch), count) as settings:
        days = ["--from", str(FIRST), "--to", str(LAST), "--timezone", "UTC", "--json", "--out", scratch]
        command = [sys.executable, "-m", "glpi_bridge", "-c", str(settings), "report", *days]
        with (Path(scratch) / "told.json").open("wb") as told:
            start = time.perf_counter()
            process = subprocess.Popen(command, cwd=ROOT, stdout=told)
            _, status, used = os.wait4(process.pid, 0)
            took = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        figures = json.loads((Path(scratch) / "told.json").read_text())
    return _Run(took, used.ru_maxrss / 1024), figures["incidents"]


@contextmanager
def _desk(place: Path, count: int) -> Iterator[Path]:
    """A stand-in with so many tickets, in a process of its own, and the bridge's settings for it."""
    command = [sys.executable, "-m", "tests.bench.report", str(place), str(count)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        for name in ("user", "app", "zabbix"):
            secret = place / f"{name}.token"
            secret.touch(mode=0o600)
            secret.write_text(about.get(name, "not asked"))
        settings = place / "bridge.yml"
        glpi = {"url": about["url"], "user_token_file": "./user.token", "app_token_file": "./app.token"}
        zabbix = {"url": "http://127.0.0.1:1/", "token_file": "./zabbix.token"}
        settings.write_text(json.dumps({"glpi": glpi, "zabbix": zabbix, "store": "./bridge.db"}))
        yield settings
    finally:
        process.communicate()  # the end of its input ends it


def _serve(place: Path, count: int) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    with GlpiServer() as server, closing(Store(f"sqlite:///{place}/bridge.db")) as store:
        stories = islice(month.happenings(1, FIRST, LAST, _OFTEN), count)
        assert len(month.lay(server, store, stories, now)) == count
        print(json.dumps({"url": server.url, "user": server.user_token, "app": server.app_token}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
