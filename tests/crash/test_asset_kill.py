"""A pass that links assets, killed at every third call with an effect: afterwards each link is there, and once."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from pathlib import Path
from queue import SimpleQueue

import pytest

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash import strace
from tests.crash.apart import Bridge
from tests.crash.killing import Scene, kill_at_each, tickets
from tests.crash.server import Workers

RULES = {"rules": [{"match": {"host": "app*"}, "key": "one for all apps"}], "default": {"acknowledge": False}}

pytestmark = [
    pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace"),
    pytest.mark.timeout(600),
]


def is_over(store: sqlite3.Connection) -> bool:
    (sorted_,) = store.execute("SELECT count(*) FROM events WHERE NOT unsorted").fetchone()
    return bool(sorted_ == 3)


def linked(bridge: Bridge) -> Counter[tuple[int, str, int]]:
    """The links of its tickets in GLPI: by ticket (in their order), itemtype and number."""
    ids = tickets(bridge)
    rows = bridge.glpi.rows("Item_Ticket")
    return Counter(
        (ids.index(row["tickets_id"]), row["itemtype"], row["items_id"]) for row in rows if row["tickets_id"] in ids
    )


def test_a_pass_that_dies_anywhere_leaves_each_link_once(
    glpi: Control, servers: SimpleQueue[Workers], store: Path, tmp_path: Path
) -> None:
    apps = [glpi.people.create(user=2, itemtype="Computer", name=name, entities_id=0) for name in ("app-a", "app-b")]
    wanted = Counter({(0, "Computer", apps[0]): 1, (0, "Computer", apps[1]): 1, (1, "Computer", 1): 1})

    def prepare(home: Path, name: str, workers: Workers) -> Bridge:
        """A bridge whose first host has its ticket; in its spool lies one that joins it, and one on its own."""
        home.mkdir()
        bridge = Bridge(home, glpi, f"link-{name}")
        bridge.write(lease="1s")
        (home / "rules.yml").write_text(json.dumps(RULES))
        shutil.copy(store, home)
        bridge.alert("101", host_host="app-a")
        assert workers.do_pass(bridge.settings) == 0
        bridge.alert("102", host_host="app-b")
        bridge.alert("103", host_host="web01")
        return bridge

    kill_at_each(Scene(prepare, is_over, linked), wanted, servers, tmp_path)
