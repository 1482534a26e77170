"""A pass that makes, changes and takes away maintenances, killed at every third call with an effect."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.control import Control
from glpi_bridge.sandbox.zabbix import Standin
from tests.crash import strace
from tests.crash.apart import Bridge
from tests.crash.killing import Scene, kill_at_each
from tests.crash.server import Workers
from tests.house import let_maintain

HOUR = 3600
CANCELLED = 14
SOON = int(time.time()) // 60 * 60 + 24 * HOUR

pytestmark = [
    pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace"),
    pytest.mark.timeout(900),
]


def stamp(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


class Desk:
    """A GLPI and a Zabbix of one scene's own: the bridge follows every Change that it sees."""

    def __init__(self, stack: ExitStack) -> None:
        self.glpi = stack.enter_context(GlpiServer("11.0.6"))
        self.control = stack.enter_context(Control(self.glpi.url))
        self.zabbix = stack.enter_context(Standin(script=None, threads=False))
        self.token = let_maintain(self.zabbix)
        self.zabbix.world.add_host("web01")
        self.glpi.world.db["Profile"].update(9, {"task": 8193, "networking": 1, "internet": 1})

    def change(self) -> tuple[int, int]:
        """Make a Change about web01 with a task; return both numbers."""
        people = self.glpi.people
        made = people.create(itemtype="Change", user=9, name="Disk", content="<p>x</p>")
        item = {"changes_id": made, "itemtype": "Computer", "items_id": 1}
        self.glpi.world.writers["Change_Item"].add(people.act(9), item)
        times = {"begin": stamp(SOON), "end": stamp(SOON + HOUR)}
        task = people.create(itemtype="ChangeTask", user=9, changes_id=made, state=1, content="<p>x</p>", **times)
        return made, task

    def made(self) -> tuple[list[tuple[str, tuple[tuple[int, int], ...]]], dict[int, int]]:
        """The maintenances in Zabbix by name, and how many notes each Change has."""
        table = self.glpi.world.db["ITILFollowup"]
        rows = [table.full(id_) for id_ in table.ids]
        notes = {number: sum(row["items_id"] == number for row in rows) for number in self.glpi.world.db["Change"].ids}
        return sorted((one.name, one.periods) for one in self.zabbix.world.maintenances.values()), notes


def is_over(store: sqlite3.Connection) -> bool:
    rows = store.execute("SELECT state FROM maintenances WHERE step IS NULL").fetchall()
    (owed,) = store.execute("SELECT count(*) FROM undertakings WHERE due_at IS NOT NULL").fetchone()
    states = sorted(state for (state,) in rows)
    return not owed and states == ["as planned", "as planned", "the change is cancelled"]


def test_a_pass_that_dies_anywhere_leaves_each_maintenance_once_and_each_note(
    servers: SimpleQueue[Workers], store: Path, tmp_path: Path
) -> None:
    desks: dict[str, Desk] = {}

    def prepare(home: Path, name: str, workers: Workers) -> Bridge:
        """Three Changes: the first is maintained and moved since, the second too and cancelled, the third is new."""
        home.mkdir()
        desk = desks[f"m-{name}"] = Desk(stack)
        bridge = Bridge(home, desk.control, f"m-{name}")
        bridge.write(lease="1s", zabbix=(desk.zabbix.url, desk.zabbix.token))
        _maintain(bridge, desk.token)
        shutil.copy(store, home)
        (moved, task), (cancelled, _) = desk.change(), desk.change()
        assert workers.do_pass(bridge.settings) == 0
        assert len(desk.made()[0]) == 2
        desk.glpi.people.edit(task, itemtype="ChangeTask", end=stamp(SOON + 3 * HOUR))
        desk.glpi.people.edit(cancelled, itemtype="Change", status=CANCELLED)
        desk.glpi.world.db["Change"].update(moved, {"date_mod": stamp(SOON)})  # in the same second else
        desk.glpi.world.db["Change"].update(cancelled, {"date_mod": stamp(SOON)})
        desk.change()
        _look_at_once(home)
        return bridge

    wanted = (
        [("GLPI change 1", ((SOON, 3 * HOUR),)), ("GLPI change 3", ((SOON, HOUR),))],
        {1: 2, 2: 2, 3: 1},
    )
    with ExitStack() as stack:
        scene = Scene(prepare, is_over, lambda bridge: desks[bridge.source].made())
        kill_at_each(scene, wanted, servers, tmp_path)


def _maintain(bridge: Bridge, secret: str) -> None:
    """Let planned work be looked at in each pass, and become maintenance."""
    settings: dict[str, Any] = json.loads(bridge.settings.read_text())
    settings["zabbix"][bridge.source]["maintenance"] = {"token_file": "./maintenance.token"}
    settings["glpi"]["timezone"] = "UTC"
    settings["sync"]["interval"] = "1s"
    bridge.settings.write_text(json.dumps(settings))
    token = bridge.home / "maintenance.token"
    token.touch(mode=0o600)
    token.write_text(secret)


def _look_at_once(home: Path) -> None:
    """Let the next pass look, however soon it comes."""
    with sqlite3.connect(home / "bridge.db") as store:
        (text,) = store.execute("SELECT value FROM meta WHERE name = 'planned work'").fetchone()
        looked = json.loads(text) | {"at": 0.0}
        store.execute("UPDATE meta SET value = ? WHERE name = 'planned work'", (json.dumps(looked),))
    store.close()
