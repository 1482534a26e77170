"""A pass that opens a Problem and links its tickets, killed at every third call with an effect."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from queue import SimpleQueue

import pytest

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash import strace
from tests.crash.apart import Bridge
from tests.crash.killing import Scene, kill_at_each, tickets
from tests.crash.server import Workers

RULES = {"default": {"acknowledge": False, "reopen_window": "never", "key": ["host"], "problem_after": "2 in 7 days"}}

pytestmark = [
    pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace"),
    pytest.mark.timeout(600),
]


def is_over(store: sqlite3.Connection) -> bool:
    (fresh,) = store.execute("SELECT count(*) FROM occurrences WHERE fresh").fetchone()
    (is_open,) = store.execute("SELECT count(*) FROM undertakings WHERE state = 'open'").fetchone()
    return bool(not fresh and is_open == 1)


def made(bridge: Bridge) -> tuple[int, list[int]]:
    """How many Problems of its source GLPI has, and which of its tickets (in their order) are linked to them."""
    ids = tickets(bridge)
    problems = [row["id"] for row in bridge.glpi.rows("Problem") if f"zabbix {bridge.source}/" in row["content"]]
    rows = [row for row in bridge.glpi.rows("Problem_Ticket") if row["problems_id"] in problems]
    return len(problems), sorted(ids.index(row["tickets_id"]) for row in rows)


def test_a_pass_that_dies_anywhere_leaves_one_problem_and_each_link_once(
    glpi: Control, servers: SimpleQueue[Workers], store: Path, tmp_path: Path
) -> None:
    def prepare(home: Path, name: str, workers: Workers) -> Bridge:
        """A bridge with one ticket of a cause; in its spool lies the second, with which it is a problem."""
        home.mkdir()
        bridge = Bridge(home, glpi, f"p-{name}")
        bridge.write(lease="1s")
        (home / "rules.yml").write_text(json.dumps(RULES))
        shutil.copy(store, home)
        dates = {"event_date": "2026.11.01", "event_recovery_date": "2026.11.01", "event_recovery_time": "09:00:00"}
        bridge.alert("101", event_time="08:00:00", **dates)
        bridge.alert("101", event_value="0", event_time="08:00:00", **dates)
        assert workers.do_pass(bridge.settings) == 0
        bridge.alert("102", event_date="2026.11.02", event_time="08:00:00")
        return bridge

    kill_at_each(Scene(prepare, is_over, made), (1, [0, 1]), servers, tmp_path)
