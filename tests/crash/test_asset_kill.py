"""A pass that links assets, killed at every third call with an effect: afterwards each link is there, and once."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash import strace
from tests.crash.alerts import Point, counted
from tests.crash.apart import Bridge, wait_until
from tests.crash.server import Workers, one_of
from tests.crash.strace import KILL

EVERY = 3

pytestmark = [
    pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace"),
    pytest.mark.timeout(600),
]


def prepared(home: Path, glpi: Control, store: Path, source: str, workers: Workers) -> Bridge:
    """A bridge whose first host has its ticket; in its spool lies one that joins it, and one on its own."""
    home.mkdir()
    bridge = Bridge(home, glpi, source)
    bridge.write(lease="1s")
    rules = {"rules": [{"match": {"host": "app*"}, "key": "one for all apps"}], "default": {"acknowledge": False}}
    (home / "rules.yml").write_text(json.dumps(rules))
    shutil.copy(store, home)
    bridge.alert("101", host_host="app-a")
    assert workers.do_pass(bridge.settings) == 0
    bridge.alert("102", host_host="app-b")
    bridge.alert("103", host_host="web01")
    return bridge


def is_calm(bridge: Bridge) -> bool:
    if any((bridge.home / "spool" / "new").iterdir()):
        return False
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        (owed,) = store.execute("SELECT count(*) FROM incidents WHERE due_at IS NOT NULL").fetchone()
        (flight,) = store.execute("SELECT count(*) FROM attempts").fetchone()
        (sorted_,) = store.execute("SELECT count(*) FROM events WHERE NOT unsorted").fetchone()
    store.close()
    return bool(not owed and not flight and sorted_ == 3)


def deliver_until_calm(bridge: Bridge, workers: Workers, where: object) -> None:
    def calm() -> bool:
        assert workers.do_pass(bridge.settings) == 0, where
        return is_calm(bridge)

    wait_until(calm, 60, lambda: where)


def linked(bridge: Bridge) -> Counter[tuple[int, str, int]]:
    """The links of its tickets in GLPI: by ticket (in their order), itemtype and number."""
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        ids = [row[0] for row in store.execute("SELECT ticket_id FROM incidents ORDER BY id")]
    store.close()
    rows = bridge.glpi.rows("Item_Ticket")
    return Counter(
        (ids.index(row["tickets_id"]), row["itemtype"], row["items_id"]) for row in rows if row["tickets_id"] in ids
    )


def test_a_pass_that_dies_anywhere_leaves_each_link_once(
    glpi: Control, servers: SimpleQueue[Workers], store: Path, tmp_path: Path
) -> None:
    apps = [glpi.people.create(user=2, itemtype="Computer", name=name, entities_id=0) for name in ("app-a", "app-b")]
    wanted = Counter({(0, "Computer", apps[0]): 1, (0, "Computer", apps[1]): 1, (1, "Computer", 1): 1})
    numbers = itertools.count()

    def one(point: Point) -> tuple[Bridge, int]:
        with one_of(servers) as workers:
            bridge = prepared(tmp_path / f"{next(numbers)}", glpi, store, f"link-{point.name}-{point.nth}", workers)
            inject = f"inject={point.name}:{KILL}:when={point.nth}"
            code = workers.do_pass(bridge.settings, "-o", "/dev/null", "-e", f"trace={point.name}", "-e", inject)
            deliver_until_calm(bridge, workers, point)
        return bridge, code

    with one_of(servers) as workers:
        first = prepared(tmp_path / "first", glpi, store, "link-first", workers)
        points = counted(first, workers)
        deliver_until_calm(first, workers, "nothing")
    assert linked(first) == wanted
    with ThreadPoolExecutor(servers.qsize()) as pool:
        outcomes = list(pool.map(one, points[::EVERY]))
    assert {bridge.source: found for bridge, _ in outcomes if (found := linked(bridge)) != wanted} == {}
    assert len(outcomes) > 30
    assert sum(code == -9 for _, code in outcomes) > len(outcomes) * 3 // 4
