"""A pass that opens a storm's ticket and links those of its problems to it, killed at every third call."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from queue import SimpleQueue

import pytest

from glpi_bridge.render import markers
from glpi_bridge.sandbox.glpi.control import Control
from tests.crash import strace
from tests.crash.apart import Bridge
from tests.crash.killing import Scene, kill_at_each
from tests.crash.server import Workers

RULES = {"default": {"acknowledge": False, "storm": {"by": "host", "count": 2, "window": "1h"}}}

pytestmark = [
    pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace"),
    pytest.mark.timeout(600),
]


def is_over(store: sqlite3.Connection) -> bool:
    (sorted_,) = store.execute("SELECT count(*) FROM events WHERE NOT unsorted").fetchone()
    return bool(sorted_ == 3)


def made(bridge: Bridge) -> tuple[int, int, list[str]]:
    """How many tickets its problems have and how many its storm, and whose are linked as sons."""
    own = {
        row["id"]: marker
        for row in bridge.glpi.rows("Ticket")
        for marker in markers(row["content"])
        if marker.startswith(f"zabbix {bridge.source}/")
    }
    parents = [id_ for id_, marker in own.items() if " storm " in marker]
    sons = [row["tickets_id_1"] for row in bridge.glpi.rows("Ticket_Ticket") if row["tickets_id_2"] in parents]
    return len(own) - len(parents), len(parents), sorted(own[son].rpartition("/")[2] for son in sons)


def test_a_pass_that_dies_anywhere_leaves_one_ticket_of_a_storm_and_each_son_once(
    glpi: Control, servers: SimpleQueue[Workers], store: Path, tmp_path: Path
) -> None:
    def prepare(home: Path, name: str, workers: Workers) -> Bridge:
        """A bridge with two tickets of a host; in its spool lies the third, with which it is a storm."""
        home.mkdir()
        bridge = Bridge(home, glpi, f"storm-{name}")
        bridge.write(lease="1s")
        (home / "rules.yml").write_text(json.dumps(RULES))
        shutil.copy(store, home)
        bridge.alert("101")
        bridge.alert("102")
        assert workers.do_pass(bridge.settings) == 0
        bridge.alert("103")
        return bridge

    kill_at_each(Scene(prepare, is_over, made), (3, 1, ["101", "102", "103"]), servers, tmp_path)
