"""A spool with a bit of everything, the points of the pass that delivers it, and what must hold afterwards."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash.apart import Bridge, views, wait_until
from tests.crash.server import Workers
from tests.crash.strace import Call
from tests.invariants import Problem, check

EVENTS = ("101", "102", "103", "104", "105")
NOTE = "the-shop-is-slow"
# at these a worker waits for GLPI, which works on what was sent
WAITS = frozenset({"recvfrom"})
_LINE = re.compile(r"(?:\d+\s+)?([a-z]\w*)\(")


@dataclass(frozen=True)
class Point:
    """The nth call of a name in a pass."""

    name: str
    nth: int
    line: str


def prepared(home: Path, glpi: Control, store: Path, source: str) -> Bridge:
    """A bridge that has never delivered, with alerts of five problems, one message and one recovery in its spool."""
    home.mkdir()
    bridge = Bridge(home, glpi, source)
    bridge.write(lease="1s")
    shutil.copy(store, home)
    for event in EVENTS:
        bridge.alert(event)
    bridge.update("101", NOTE)
    bridge.recover("102")
    return bridge


def is_calm(bridge: Bridge) -> bool:
    """Tell whether all alerts were taken and nothing is owed or in flight."""
    if any((bridge.home / "spool" / "new").iterdir()):
        return False
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        (events,) = store.execute("SELECT count(*) FROM events WHERE NOT unsorted").fetchone()
        (owed,) = store.execute("SELECT count(*) FROM incidents WHERE due_at IS NOT NULL").fetchone()
        (flight,) = store.execute("SELECT count(*) FROM attempts").fetchone()
    store.close()
    return bool(events == len(EVENTS) and not owed and not flight)


def check_consistent(bridge: Bridge, where: object) -> None:
    """What was told is in the commit that ends the attempt, and a claim in the one that begins it."""
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        told = store.execute(
            "SELECT count(*) FROM incidents AS i JOIN attempts AS a ON i.attempt_id = a.id "
            "WHERE a.operation = 'create' AND i.ticket_id IS NOT NULL"
        ).fetchone()
        loose = store.execute(
            "SELECT count(*) FROM incidents WHERE attempt_id <> '' AND attempt_id NOT IN (SELECT id FROM attempts)"
        ).fetchone()
        empty = store.execute(
            "SELECT count(*) FROM attempts WHERE id NOT IN (SELECT attempt_id FROM incidents WHERE attempt_id <> '')"
        ).fetchone()
    store.close()
    found = {"told in flight": told, "claimed by nothing": loose, "claims nothing": empty}
    assert found == dict.fromkeys(found, (0,)), where


def deliver_until_calm(bridge: Bridge, workers: Workers, where: object) -> None:
    def calm() -> bool:
        code = workers.do_pass(bridge.settings)
        assert code == 0, f"a clean pass ended with {code} after {where}"
        return is_calm(bridge)

    wait_until(calm, 60, lambda: where)


def problems(bridge: Bridge, tickets: dict[str, int]) -> list[Problem]:
    return [
        Problem(
            bridge.source,
            event,
            event,
            recovered=event == "102",
            told=(tickets.get(f"zabbix {bridge.source}/{event}", 0),),
            notes=(NOTE,) if event == "101" else (),
        )
        for event in EVENTS
    ]


def wrong_with(bridges: list[Bridge], glpi: Control) -> dict[str, list[str]]:
    """What is wrong with each source."""
    found = {bridge.source: bridge for bridge in bridges}
    wrong = {}
    for source, tickets in views(found, glpi).items():
        ids = {ticket.marker: ticket.id for ticket in tickets}
        wrong[source] = check(problems(found[source], ids), tickets, acknowledges=False)
    return {source: sentences for source, sentences in wrong.items() if sentences}


def counted(bridge: Bridge, workers: Workers) -> list[Point]:
    """The calls with an effect of a whole pass, in order of time."""
    log = bridge.home / "trace"
    assert workers.do_pass(bridge.settings, "-y", "-s", "60", "-o", str(log)) == 0
    counts: Counter[str] = Counter()
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if call := _LINE.match(line):
            name = call[1]
            counts[name] += 1
            if Call("", 0, name, line).has_effect or name in WAITS:
                found.append(Point(name, counts[name], line))
    return found
