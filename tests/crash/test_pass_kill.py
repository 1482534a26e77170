"""A delivery pass, killed or failed at every third call with an effect: afterwards nothing is lost, nothing twice."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash import strace
from tests.crash.alerts import Point, check_consistent, counted, deliver_until_calm, prepared, wrong_with
from tests.crash.apart import Bridge
from tests.crash.server import Workers, one_of
from tests.crash.strace import EIO, ENOSPC, KILL

EVERY = 3
FAILS = frozenset({"openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "unlinkat"})

pytestmark = [
    pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace"),
    pytest.mark.timeout(600),
]


@pytest.mark.parametrize("effect", [KILL, EIO, ENOSPC])
def test_a_pass_that_dies_or_fails_anywhere_leaves_each_problem_one_ticket(
    effect: str, glpi: Control, servers: SimpleQueue[Workers], store: Path, tmp_path: Path
) -> None:
    kind = effect.partition("=")[2].lower()
    numbers = itertools.count()

    def one(point: Point) -> tuple[Bridge, Point, int]:
        bridge = prepared(tmp_path / f"{next(numbers)}", glpi, store, f"{kind}-{point.name}-{point.nth}")
        inject = f"inject={point.name}:{effect}:when={point.nth}"
        with one_of(servers) as workers:
            code = workers.do_pass(bridge.settings, "-o", "/dev/null", "-e", f"trace={point.name}", "-e", inject)
            check_consistent(bridge, point)
            deliver_until_calm(bridge, workers, point)
        return bridge, point, code

    first = prepared(tmp_path / "first", glpi, store, f"{kind}-first")
    with one_of(servers) as workers:
        points = counted(first, workers)
        deliver_until_calm(first, workers, "nothing")
    wanted = [point for point in points if effect == KILL or point.name in FAILS]
    with ThreadPoolExecutor(servers.qsize()) as pool:
        outcomes = list(pool.map(one, wanted[::EVERY]))
    assert wrong_with([first, *(bridge for bridge, _, _ in outcomes)], glpi) == {}
    assert len(outcomes) > 30
    if effect == KILL:
        missed = [str(point) for _, point, code in outcomes if code != -9]
        assert len(missed) < len(outcomes) // 4, f"these kills did not reach the pass: {missed}"
