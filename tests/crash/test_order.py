"""What reaches the disk before what, by a trace: nothing is let go, or sent, before it is safe.

The alert script's order is in test_script_kill.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash import strace
from tests.crash.apart import Bridge, standin
from tests.crash.server import Workers

_CALL = re.compile(r"(?:\d+\s+)?([a-z]\w*)\(")

pytestmark = pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace")


@pytest.fixture(scope="module")
def glpi() -> Iterator[Control]:
    with standin() as control:
        yield control


@pytest.fixture(scope="module")
def lines(glpi: Control, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The trace of one whole pass: a new problem becomes a ticket."""
    bridge = Bridge(tmp_path_factory.mktemp("traced"), glpi, "order")
    bridge.write()
    workers = Workers()
    try:
        assert workers.do_pass(bridge.settings) == 0  # makes the store
        bridge.alert("101")
        log = bridge.home / "trace"
        names = "trace=pwrite64,fsync,fdatasync,unlink,unlinkat,sendto,openat"
        assert workers.do_pass(bridge.settings, "-y", "-s", "8000", "-o", str(log), "-e", names) == 0
    finally:
        workers.close()
    assert bridge.marked() == {"101": 1}
    return log.read_text(errors="replace").splitlines()


def unsynced(lines: list[str]) -> list[str]:
    """The writes to the store's journal that no sync has followed yet."""
    waiting: list[str] = []
    for line in lines:
        call = _CALL.match(line)
        if call and "bridge.db-wal" in line.split(",")[0]:
            if call[1] == "pwrite64":
                waiting.append(line)
            elif call[1] in ("fsync", "fdatasync"):
                waiting.clear()
    return waiting


def first(lines: list[str], *words: str) -> int:
    return next(number for number, line in enumerate(lines) if all(word in line for word in words))


def test_facts_are_synced_before_the_spool_file_goes(lines: list[str]) -> None:
    goes = first(lines, "unlink", "/spool/new/")
    before = lines[:goes]
    assert any("bridge.db-wal" in line and "CPU is high" in line for line in before)
    assert unsynced(before) == []


def test_the_attempt_is_synced_before_the_call_leaves(lines: list[str]) -> None:
    leaves = first(lines, "sendto", "POST /apirest.php/Ticket?session_write=true")
    token = re.search(r"Session-Token: (\w+)", lines[leaves])
    assert token is not None
    before = lines[:leaves]
    assert any("bridge.db-wal" in line and token[1] in line and "create" in line for line in before)
    assert unsynced(before) == []


def test_every_commit_is_synced(lines: list[str]) -> None:
    """synchronous=FULL: with less the journal is synced at checkpoints only."""
    assert unsynced(lines) == []
    synced = sum("bridge.db-wal" in line and line.split("(")[0].endswith("sync") for line in lines)
    assert synced >= 5
