"""One delivery pass killed at every third call with an effect, then passes until all is told: what GLPI holds then."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.crash.alerts import Point, counted
from tests.crash.apart import Bridge, wait_until
from tests.crash.server import Workers, one_of
from tests.crash.strace import KILL

EVERY = 3


@dataclass(frozen=True)
class Scene:
    """What is killed: `prepare` makes a bridge of that home and source whose next pass does it all.

    `is_over` tells from the store whether nothing more is to come, `made` what is in GLPI then.
    """

    prepare: Callable[[Path, str, Workers], Bridge]
    is_over: Callable[[sqlite3.Connection], bool]
    made: Callable[[Bridge], Any]


def kill_at_each(scene: Scene, wanted: object, servers: SimpleQueue[Workers], home: Path) -> None:
    """Fail unless GLPI holds what is `wanted` without a kill, and with one at each third point."""
    numbers = itertools.count()

    def one(point: Point) -> tuple[Bridge, int]:
        with one_of(servers) as workers:
            bridge = scene.prepare(home / f"{next(numbers)}", f"{point.name}-{point.nth}", workers)
            inject = f"inject={point.name}:{KILL}:when={point.nth}"
            code = workers.do_pass(bridge.settings, "-o", "/dev/null", "-e", f"trace={point.name}", "-e", inject)
            _deliver_until_calm(scene, bridge, workers, point)
        return bridge, code

    with one_of(servers) as workers:
        first = scene.prepare(home / "first", "first", workers)
        points = counted(first, workers)
        _deliver_until_calm(scene, first, workers, "nothing")
    assert scene.made(first) == wanted
    with ThreadPoolExecutor(servers.qsize()) as pool:
        outcomes = list(pool.map(one, points[::EVERY]))
    assert {bridge.source: found for bridge, _ in outcomes if (found := scene.made(bridge)) != wanted} == {}
    assert len(outcomes) > 30
    assert sum(code == -9 for _, code in outcomes) > len(outcomes) * 3 // 4


def tickets(bridge: Bridge) -> list[int]:
    """Return the numbers of its tickets, in the order of its incidents."""
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        ids = [row[0] for row in store.execute("SELECT ticket_id FROM incidents ORDER BY id")]
    store.close()
    return ids


def _deliver_until_calm(scene: Scene, bridge: Bridge, workers: Workers, where: object) -> None:
    def calm() -> bool:
        assert workers.do_pass(bridge.settings) == 0, where
        return _is_calm(scene, bridge)

    wait_until(calm, 60, lambda: where)


def _is_calm(scene: Scene, bridge: Bridge) -> bool:
    if any((bridge.home / "spool" / "new").iterdir()):
        return False
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        (owed,) = store.execute("SELECT count(*) FROM incidents WHERE due_at IS NOT NULL").fetchone()
        (flight,) = store.execute("SELECT count(*) FROM attempts").fetchone()
        is_over = scene.is_over(store)
    store.close()
    return bool(not owed and not flight and is_over)
