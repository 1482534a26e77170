"""A pass that opens a Problem, links it and hands its workaround on, killed at every third call with an effect."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
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
    """A bridge with one ticket of a cause; in its spool lies the second, with which it is a problem."""
    home.mkdir()
    bridge = Bridge(home, glpi, source)
    bridge.write(lease="1s")
    rules = {
        "default": {"acknowledge": False, "reopen_window": "never", "key": ["host"], "problem_after": "2 in 7 days"}
    }
    (home / "rules.yml").write_text(json.dumps(rules))
    shutil.copy(store, home)
    dates = {"event_date": "2026.11.01", "event_recovery_date": "2026.11.01", "event_recovery_time": "09:00:00"}
    bridge.alert("101", event_time="08:00:00", **dates)
    bridge.alert("101", event_value="0", event_time="08:00:00", **dates)
    assert workers.do_pass(bridge.settings) == 0
    bridge.alert("102", event_date="2026.11.02", event_time="08:00:00")
    return bridge


def is_calm(bridge: Bridge) -> bool:
    if any((bridge.home / "spool" / "new").iterdir()):
        return False
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        (owed,) = store.execute("SELECT count(*) FROM incidents WHERE due_at IS NOT NULL").fetchone()
        (flight,) = store.execute("SELECT count(*) FROM attempts").fetchone()
        (fresh,) = store.execute("SELECT count(*) FROM occurrences WHERE fresh").fetchone()
        (open_,) = store.execute("SELECT count(*) FROM undertakings WHERE state = 'open'").fetchone()
    store.close()
    return bool(not owed and not flight and not fresh and open_ == 1)


def deliver_until_calm(bridge: Bridge, workers: Workers, where: object) -> None:
    def calm() -> bool:
        assert workers.do_pass(bridge.settings) == 0, where
        return is_calm(bridge)

    wait_until(calm, 60, lambda: where)


def made(bridge: Bridge) -> tuple[int, list[int]]:
    """How many Problems of its source GLPI has, and which of its tickets (in their order) are linked to them."""
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        ids = [row[0] for row in store.execute("SELECT ticket_id FROM incidents ORDER BY id")]
    store.close()
    problems = [row["id"] for row in bridge.glpi.rows("Problem") if f"zabbix {bridge.source}/" in row["content"]]
    rows = [row for row in bridge.glpi.rows("Problem_Ticket") if row["problems_id"] in problems]
    return len(problems), sorted(ids.index(row["tickets_id"]) for row in rows)


def test_a_pass_that_dies_anywhere_leaves_one_problem_and_each_link_once(
    glpi: Control, servers: SimpleQueue[Workers], store: Path, tmp_path: Path
) -> None:
    numbers = itertools.count()

    def one(point: Point) -> tuple[Bridge, int]:
        with one_of(servers) as workers:
            bridge = prepared(tmp_path / f"{next(numbers)}", glpi, store, f"p-{point.name}-{point.nth}", workers)
            inject = f"inject={point.name}:{KILL}:when={point.nth}"
            code = workers.do_pass(bridge.settings, "-o", "/dev/null", "-e", f"trace={point.name}", "-e", inject)
            deliver_until_calm(bridge, workers, point)
        return bridge, code

    with one_of(servers) as workers:
        first = prepared(tmp_path / "first", glpi, store, "p-first", workers)
        points = counted(first, workers)
        deliver_until_calm(first, workers, "nothing")
    assert made(first) == (1, [0, 1])
    with ThreadPoolExecutor(servers.qsize()) as pool:
        outcomes = list(pool.map(one, points[::EVERY]))
    assert {bridge.source: found for bridge, _ in outcomes if (found := made(bridge)) != (1, [0, 1])} == {}
    assert len(outcomes) > 30
    assert sum(code == -9 for _, code in outcomes) > len(outcomes) * 3 // 4
