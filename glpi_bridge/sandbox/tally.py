"""Counts what Zabbix sent against what GLPI has: every alert leaves exactly one mark there, found by its marker.

A problem leaves a ticket, a recovery a solution, an update a note. Nothing of the bridge is asked, so nothing it
believes about itself counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from glpi_bridge.model import Level, TicketStatus
from glpi_bridge.sandbox.glpi.server import GlpiServer
from glpi_bridge.sandbox.zabbix.control import Control as Zabbix
from glpi_bridge.text import markers

Row = Mapping[str, Any]
Mark = tuple[str, str]
"""What an alert leaves in GLPI (ticket, note, solution), and the event it is about."""

_LEFT_IN: Final = {"ticket": "Ticket", "note": "ITILFollowup", "solution": "ITILSolution"}


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as people see it: names and words, and the Zabbix event that it is about."""

    id: int
    name: str
    category: str
    urgency: str
    status: str
    event: str
    link: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A Problem of ours, and the tickets that are linked to it."""

    id: int
    name: str
    tickets: tuple[int, ...]
    link: str


@dataclass(frozen=True, slots=True)
class Change:
    """A Change of ours, and the Problems that are linked to it."""

    id: int
    name: str
    problems: tuple[int, ...]
    link: str


@dataclass(frozen=True, slots=True)
class Tally:
    """The tickets that carry a marker, the alerts that Zabbix made, and where the two disagree; what they led to."""

    tickets: tuple[Ticket, ...]
    alerts: int
    lost: int
    duplicates: int
    problems: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()


def count(glpi: GlpiServer, zabbix: Zabbix, source: str) -> Tally:
    """Count now. Valid where each event has a ticket of its own."""
    sent = Counter(_mark_of(alert) for alert in zabbix.alerts())
    left = Counter(mark for word in _LEFT_IN for mark in _marks(glpi, word, source))
    return Tally(
        tickets=tuple(_tickets(glpi, source)),
        alerts=sent.total(),
        lost=(sent - left).total(),
        duplicates=(left - sent).total(),
        problems=tuple(
            Problem(
                row["id"], row["name"], _linked(glpi, "Problem_Ticket", "problems_id", "tickets_id", row["id"]), link
            )
            for row, link in _ours(glpi, "Problem", "problem")
        ),
        changes=tuple(
            Change(
                row["id"], row["name"], _linked(glpi, "Change_Problem", "changes_id", "problems_id", row["id"]), link
            )
            for row, link in _ours(glpi, "Change", "change")
        ),
    )


def _ours(glpi: GlpiServer, itemtype: str, word: str) -> Iterable[tuple[Row, str]]:
    for row in glpi.rows(itemtype):
        if any(f" {word} " in marker for marker in markers(str(row["content"] or ""))):
            yield row, f"{glpi.root}/front/{word}.form.php?id={row['id']}"


def _linked(glpi: GlpiServer, itemtype: str, mine: str, theirs: str, id_: int) -> tuple[int, ...]:
    return tuple(sorted(row[theirs] for row in glpi.rows(itemtype) if row[mine] == id_))


def _mark_of(alert: Row) -> Mark:
    if alert["p_eventid"] != "0":
        return "solution", alert["p_eventid"]
    return "ticket" if alert["acknowledgeid"] == "0" else "note", alert["eventid"]


def _marks(glpi: GlpiServer, word: str, source: str) -> Iterable[Mark]:
    for row in glpi.rows(_LEFT_IN[word]):
        for event, what in _marked(row, source):
            if what == word:
                yield word, event


def _marked(row: Row, source: str) -> Iterable[Mark]:
    """Read event and kind from a row's marker: `zabbix SOURCE/EVENT`, or with the kind and more behind it."""
    for marker in markers(str(row["content"] or "")):
        event, _, rest = marker.removeprefix(f"zabbix {source}/").partition(" ")
        if event.isdigit():
            yield event, rest.split(" ")[0] or "ticket"


def _tickets(glpi: GlpiServer, source: str) -> Iterable[Ticket]:
    categories = {row["id"]: row["completename"] for row in glpi.rows("ITILCategory")}
    for row in glpi.tickets():
        for event, _ in _marked(row, source):
            yield Ticket(
                id=row["id"],
                name=row["name"],
                category=categories.get(row["itilcategories_id"], ""),
                urgency=_words(Level(row["urgency"])),
                status=_words(TicketStatus(row["status"])),
                event=event,
                link=f"{glpi.root}/front/ticket.form.php?id={row['id']}",
            )


def _words(one: Level | TicketStatus) -> str:
    return one.name.lower().replace("_", " ")
