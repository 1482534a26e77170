"""A worker that stands still past its lease, while another goes on, and then wakes up in the middle of what it did."""

from __future__ import annotations

import itertools
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash import strace
from tests.crash.alerts import Point, counted, deliver_until_calm, prepared, wrong_with
from tests.crash.apart import Bridge, wait_until
from tests.crash.server import Workers, one_of

PAUSES = 20
STOPPED = "--- stopped by SIGSTOP ---"
# not inside a transaction: there the store's own lock stands still too, and nobody can overtake
OUTSIDE = frozenset({"sendto", "recvfrom", "connect", "unlink"})
WRITE = re.compile(r'"POST /apirest\.php/(Ticket|ITILFollowup|ITILSolution)\?session_write=true')

pytestmark = [
    pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace"),
    pytest.mark.timeout(600),
]


def chosen(points: list[Point]) -> list[Point]:
    """Both halves of each write (headers, items), the answers to them, and others evenly."""
    outside = [point for point in points if point.name in OUTSIDE and "bridge.db" not in point.line]
    writes = [number for number, point in enumerate(outside) if WRITE.search(point.line)]
    inside = {number + after for number in writes for after in range(3)}
    others = [number for number in range(len(outside)) if number not in inside]
    step = max(1, len(others) // (PAUSES - len(inside)))
    return [outside[number] for number in sorted({*inside, *others[::step][: PAUSES - len(inside)]})]


def test_a_worker_that_wakes_up_after_its_lease_makes_no_second_ticket(
    glpi: Control, servers: SimpleQueue[Workers], store: Path, tmp_path: Path
) -> None:
    numbers = itertools.count()

    def one(point: Point) -> Bridge:
        bridge = prepared(tmp_path / f"{next(numbers)}", glpi, store, f"pause-{point.name}-{point.nth}")
        inject = f"inject={point.name}:signal=SIGSTOP:when={point.nth}"
        with one_of(servers) as paused, one_of(servers) as other:
            watching = paused.start_pass(
                bridge.settings, "-o", str(bridge.home / "trace"), "-e", f"trace={point.name}", "-e", inject
            )
            wait_until(lambda: STOPPED in (bridge.home / "trace").read_text(errors="replace"), 60, lambda: point)
            deliver_until_calm(bridge, other, point)
            paused.signal(signal.SIGCONT)
            assert paused.wait() == 0, point
            assert watching is not None
            watching.communicate(timeout=60)
            deliver_until_calm(bridge, other, point)
        return bridge

    first = prepared(tmp_path / "first", glpi, store, "pause-first")
    with one_of(servers) as workers:
        points = chosen(counted(first, workers))
        deliver_until_calm(first, workers, "nothing")
    assert sum(WRITE.search(point.line) is not None for point in points) >= 3
    assert len(points) == PAUSES
    before = len(glpi.log)
    with ThreadPoolExecutor(servers.qsize() // 2) as pool:
        bridges = list(pool.map(one, points))
    refused = [call for call in glpi.log_after(before) if call.method == "POST" and call.status == 401]
    assert refused, "no worker woke up in the middle of a write"
    assert wrong_with([first, *bridges], glpi) == {}
