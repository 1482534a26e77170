"""Tickets from a shell: create by names, show with the timeline, list. Not the bridge's own tickets alone.

A ticket made here carries a marker of its own source, `zabbix shell/…`: a lost answer is looked up by it, and the
bridge never takes it for one of a problem.
"""

from __future__ import annotations

import html as entities
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glpi_bridge.errors import BridgeError, NoAnswer, Refused
from glpi_bridge.glpi import Glpi, Names
from glpi_bridge.model import Draft, Level, Outcome, TicketStatus, Verdict
from glpi_bridge.render import markers
from glpi_bridge.rewritten import level_word
from glpi_bridge.text import clean, html, lines, title, with_marker

SOURCE = "shell"

# Search options of Ticket, as in `look`
_NAME, _ID, _CONTENT, _STATUS, _URGENCY, _PRIORITY, _CATEGORY = 1, 2, 21, 12, 10, 3, 7
_OPENED, _CHANGED, _ENTITY, _GROUP, _RECIPIENT = 15, 19, 80, 8, 22
_SHOWN = (_NAME, _ID, _STATUS, _URGENCY, _PRIORITY, _CATEGORY, _OPENED, _CHANGED, _ENTITY, _GROUP)
ALL_STATUSES = {
    **{status.name.lower(): str(int(status)) for status in TicketStatus},
    "open": "notold",
    "finished": "old",
}


class NotCreated(BridgeError):
    """GLPI did not take the ticket, or nobody can tell."""


@dataclass(frozen=True, slots=True)
class Made:
    """A ticket that was made, and what had to be left out of it, in words."""

    id: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A ticket in a list; `opened` and `changed` are GLPI's own times."""

    id: int
    name: str
    status: str
    urgency: str
    priority: str
    category: str
    entity: str
    groups: tuple[str, ...]
    opened: str
    changed: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One followup, task or solution on a ticket's timeline."""

    kind: str
    id: int
    date: str
    is_private: bool
    text: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A ticket with its timeline, oldest entry first."""

    ticket: Listed
    text: str
    timeline: tuple[Entry, ...]


def create(glpi: Glpi, names: Names, draft: Draft) -> Made:
    """Create a ticket; `draft.content` is plain text. Raises NotCreated, or NameNotFound for an unknown entity."""
    glpi.login()
    marker = f"zabbix {SOURCE}/{uuid.uuid4().hex}"
    fields, left_out = names.ticket(draft, None)
    fields["name"] = title(draft.title, encoded_limit=glpi.is_10)
    fields["content"] = with_marker(html(str(lines(draft.content))), marker)
    token = str(glpi.token)
    (outcome,) = glpi.add("Ticket", [fields])
    if outcome.verdict is Verdict.DONE and outcome.id is not None:
        return Made(outcome.id, tuple(left_out))
    if outcome.verdict is not Verdict.UNKNOWN:
        raise NotCreated(f"GLPI did not take the ticket: {outcome.text}")
    return Made(_looked_up(glpi, token, marker, outcome), tuple(left_out))


def _looked_up(glpi: Glpi, token: str, marker: str, outcome: Outcome) -> int:
    """Find what a call without a clear answer has made, once it cannot act any more."""
    glpi.drop(token)
    unclear = f"GLPI gave no clear answer ({outcome.text})"
    try:
        if glpi.kill(token).status not in (200, 401) or glpi.is_alive(token):
            raise NotCreated(f"{unclear}, and the call may still act: look in GLPI for {marker!r} before you try again")
        for row in _carrying(glpi, marker):
            return int(row["id"])
    except NoAnswer as error:
        raise NotCreated(f"{unclear}, and then none at all ({error}): look in GLPI for {marker!r}") from error
    raise NotCreated(
        f"{unclear}, and the ticket is not in GLPI; a row may still appear within a minute: look for {marker!r}"
    )


def _carrying(glpi: Glpi, marker: str) -> list[dict[str, Any]]:
    """Return our tickets that carry a marker."""
    account = glpi.account or glpi.login()
    rows = glpi.rows("Ticket", {"searchText[content]": marker})
    return [
        row
        for row in rows
        if marker in markers(str(row["content"])) and int(row["users_id_recipient"]) == account.user_id
    ]


def show(glpi: Glpi, ticket_id: int) -> Whole:
    """Read a ticket and its timeline. Raises Refused if it is not there or not visible."""
    row = glpi.get(f"Ticket/{ticket_id}")
    found = glpi.search("Ticket", [{"field": _ID, "searchtype": "equals", "value": ticket_id}], _SHOWN, limit=1)
    if not found.rows:
        found = glpi.search("Ticket", [{"field": _ID, "searchtype": "equals", "value": ticket_id}], _SHOWN, trash=True)
    if not found.rows:
        raise Refused(f"ticket {ticket_id} is not shown by GLPI's search", target="GLPI", code="ERROR_ITEM_NOT_FOUND")
    entries = [
        *_entries(glpi, ticket_id, "followup", "ITILFollowup"),
        *_entries(glpi, ticket_id, "solution", "ITILSolution"),
        *_entries(glpi, ticket_id, "task", "TicketTask"),
    ]
    entries.sort(key=lambda entry: (entry.date, entry.id))
    return Whole(_listed(found.rows[0]), plain(str(row.get("content") or "")), tuple(entries))


def _entries(glpi: Glpi, ticket_id: int, kind: str, itemtype: str) -> list[Entry]:
    try:
        rows = glpi.rows(f"Ticket/{ticket_id}/{itemtype}")
    except Refused as error:
        if error.code == "ERROR_RIGHT_MISSING":
            return []
        raise
    return [
        Entry(
            kind,
            int(row["id"]),
            str(row.get("date") or row.get("date_creation") or ""),
            bool(int(row.get("is_private") or 0)),
            plain(str(row.get("content") or "")),
        )
        for row in rows
    ]


def list_(
    glpi: Glpi,
    names: Names,
    *,
    status: str | None = None,
    category: str | None = None,
    text: str | None = None,
    source: str | None = None,
    mine: bool = False,
    limit: int = 50,
) -> tuple[list[Listed], int]:
    """List tickets, newest first, and how many there are in all. Raises NameNotFound for an unknown category.

    `source` is a source of the bridge: tickets that carry one of its markers.
    """
    account = glpi.account or glpi.login()
    criteria: list[Mapping[str, Any]] = [{"field": _ID, "searchtype": "contains", "value": ">0"}]

    def also(field: int, searchtype: str, wanted: str | int) -> None:
        criteria.append({"link": "AND", "field": field, "searchtype": searchtype, "value": wanted})

    if status is not None:
        also(_STATUS, "equals", ALL_STATUSES[status])
    if category is not None:
        also(_CATEGORY, "under", names.id("ITILCategory", category))
    if text is not None:
        also(_NAME, "contains", text)
    if source is not None:
        also(_CONTENT, "contains", f"zabbix {source}/")
    if mine or source is not None:
        also(_RECIPIENT, "equals", account.user_id)
    found = glpi.search("Ticket", criteria, _SHOWN, limit=limit, newest_first=True)
    return [_listed(row) for row in found.rows], found.total


def _listed(row: Mapping[str, Any]) -> Listed:
    def text(field: int) -> str:
        return str(row.get(str(field)) or "")

    return Listed(
        id=int(row[str(_ID)]),
        name=text(_NAME),
        status=_status(text(_STATUS)),
        urgency=_level(text(_URGENCY)),
        priority=level_word(text(_PRIORITY)) or text(_PRIORITY),
        category=text(_CATEGORY),
        entity=text(_ENTITY),
        groups=_many(row.get(str(_GROUP))),
        opened=text(_OPENED),
        changed=text(_CHANGED),
    )


def _status(number: str) -> str:
    known = {str(int(status)): status.name.lower() for status in TicketStatus}
    return known.get(number, number)


def _level(number: str) -> str:
    known = {str(int(level)): level.name.lower().replace("_", " ") for level in Level}
    return known.get(number, number)


def _many(shown: Any) -> tuple[str, ...]:
    values: Sequence[Any] = shown if isinstance(shown, list) else [shown]
    return tuple(str(one) for one in values if one)


def plain(content: str) -> str:
    """Return HTML as text to read in a terminal: line ends kept, tags and control characters gone."""
    broken = re.sub(r"(?i)<br\s*/?>|</(p|div|li|tr|h[1-6])>", "\n", content)
    bare = re.sub(r"<[^>]*>", "", broken)
    read = clean(entities.unescape(bare))
    return "\n".join(line.rstrip() for line in re.sub(r"\n{3,}", "\n\n", read).strip().splitlines())
