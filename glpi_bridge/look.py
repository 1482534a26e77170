"""The read before a write: how the tickets stand now, that the session is fresh, that the told numbers still hold.

People win, so nothing is written to a ticket that has not just been read. The same search asks for a few *witnesses*,
the newest tickets once seen with our marker: where none of them carries it any more, GLPI was restored from a backup.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NoReturn

from glpi_bridge import rewritten
from glpi_bridge.context import Context
from glpi_bridge.errors import Held, Refused
from glpi_bridge.model import Seen, TicketStatus
from glpi_bridge.render import markers
from glpi_bridge.store import meta

log = logging.getLogger(__name__)

# Search options of Ticket (GET listSearchOptions/Ticket): the same numbers on 10.0 and 11.0.
ID, CONTENT, STATUS, URGENCY, IMPACT, PRIORITY = 2, 21, 12, 10, 11, 3
SOLVED_AT, CLOSED_AT, CHANGED_AT = 17, 16, 19
RECIPIENT, REQUESTER, TECHNICIAN, GROUP = 22, 4, 5, 8
EDITOR = 64
SHOWN = (ID, CONTENT, STATUS, URGENCY, IMPACT, PRIORITY, SOLVED_AT, CLOSED_AT, CHANGED_AT, REQUESTER, TECHNICIAN, GROUP)
_WITNESSES = "witnesses"
_WITNESS_COUNT = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """A ticket as a search shows it; people are ids of users, `groups` names.

    Where that was asked for: `is_taken`, and `edited_by`, the login of who last wrote to it.
    """

    id: int
    seen: Seen
    markers: frozenset[str]
    requesters: frozenset[int] = frozenset()
    technicians: frozenset[int] = frozenset()
    groups: frozenset[str] = frozenset()
    changed_at: datetime | None = None
    is_taken: bool = False
    edited_by: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


class Tickets(Mapping[int, Shown]):
    """Tickets by number, of the rows of a search: each is read when it is asked for, as GLPI may wait for the call."""

    def __init__(self, context: Context, rows: Iterable[Mapping[str, Any]]) -> None:
        self._context = context
        self._rows = {int(row[str(ID)]): row for row in rows}
        self._read: dict[int, Shown] = {}

    def __getitem__(self, id_: int) -> Shown:
        if id_ not in self._read:
            self._read[id_] = read_row(self._context, self._rows[id_])
        return self._read[id_]

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows.keys() | self._read.keys())

    def __len__(self) -> int:
        return len(self._rows.keys() | self._read.keys())

    def __contains__(self, id_: object) -> bool:
        return id_ in self._rows or id_ in self._read

    def add(self, one: Shown) -> None:
        """Put in a ticket that was read by itself: the search hides the trash."""
        self._read[one.id] = one


def look(
    context: Context, ticket_ids: Iterable[int], *, with_fields: bool = False, with_editor: bool = False
) -> Mapping[int, Shown]:
    """Read these tickets on the session that is about to write; stop if the witnesses' markers are gone.

    GLPI is asked also where there is none to read: what is to be written needs a session that lives.
    With the `fields` that rules of GLPI may have written over, where they are asked for or new tickets are among them.
    Who last wrote to a ticket costs GLPI some milliseconds each, and is read where it is asked for.
    A ticket in the trash comes with `is_deleted`, one that GLPI does not have (or show) any more with `is_gone`.
    """
    wanted = set(ticket_ids)
    witnesses: dict[str, str] = context.store.read(meta.get, _WITNESSES, {})
    more = rewritten.SHOWN if with_fields or wanted & context.unverified.keys() else ()
    editor = (EDITOR,) if with_editor else ()
    shown = _search(context, wanted | {int(id_) for id_ in witnesses}, (*SHOWN, *more, *editor))
    for id_ in wanted - shown.keys():
        shown.add(_one(context, id_))
    _check_witnesses(context, witnesses, shown)
    return shown


def remember(context: Context, tickets: Mapping[int, str]) -> None:
    """Keep the newest tickets that were read with their marker as witnesses."""
    held: dict[str, str] = context.store.read(meta.get, _WITNESSES, {})
    newest = sorted({**{int(id_): marker for id_, marker in held.items()}, **tickets}.items())[-_WITNESS_COUNT:]
    context.store.write(meta.put, _WITNESSES, {str(id_): marker for id_, marker in newest})


def check_owner(context: Context, shown: Shown, marker: str) -> None:
    """Stop if a number that we were told for `marker` now belongs to another of our tickets."""
    if is_anothers(shown, marker):
        markers_now = ", ".join(shown.markers)
        stop_restored(context, f"ticket {shown.id} was that of {marker} and is that of {markers_now} now")


def is_anothers(shown: Shown, marker: str) -> bool:
    """Tell whether a number that we were told now belongs to another of our tickets: GLPI gave it out again.

    A ticket without any marker may still be ours: people may rewrite a text.
    """
    return bool(shown.markers) and marker not in shown.markers


def same_ticket(before: Seen, now: Seen) -> bool:
    """Tell whether a ticket stands as it was known, in what the plan asks about."""
    return _judged(before) == _judged(now)


def newer(before: Seen, now: Seen) -> Seen:
    """Join what was known with what was read: who finished a ticket is only known from before."""
    if now.is_gone:  # a purged ticket tells nothing of how it stood
        return replace(before, is_gone=True)
    still_ours = before.by_us and before.status.is_finished and now.status.is_finished
    return replace(now, by_us=still_ours, finished_at=before.finished_at if still_ours else now.finished_at)


def _judged(seen: Seen) -> tuple[object, ...]:
    own = seen.priority if seen.priority != seen.computed else 0  # not the one that follows from the others
    return seen.status, seen.urgency, seen.impact, own, seen.is_deleted, seen.is_gone


def _search(context: Context, ids: set[int], show: Sequence[int]) -> Tickets:
    criteria: list[dict[str, Any]] = [
        {"link": "OR", "field": ID, "searchtype": "equals", "value": id_} for id_ in sorted(ids)
    ]
    found = context.glpi.search("Ticket", criteria, show, limit=max(1, len(ids)), newest_first=True)
    return Tickets(context, (row for row in found.rows if int(row[str(ID)]) in ids))


def read_row(context: Context, row: Mapping[str, Any]) -> Shown:
    """Read a row of search/Ticket that shows the columns above."""
    finished = context.glpi.to_utc(row.get(str(CLOSED_AT)) or row.get(str(SOLVED_AT)))
    status = int(row[str(STATUS)])
    urgency, impact = int(row.get(str(URGENCY)) or 0), int(row.get(str(IMPACT)) or 0)
    seen = Seen(
        status=TicketStatus(status) if status in set(TicketStatus) else TicketStatus.ASSIGNED,
        urgency=urgency,
        impact=impact,
        priority=int(row.get(str(PRIORITY)) or 0),
        computed=context.glpi.computed_priority(urgency, impact),
        finished_at=finished,
    )
    return Shown(
        id=int(row[str(ID)]),
        seen=seen,
        markers=markers(str(row.get(str(CONTENT)) or "")),
        requesters=_numbers(row.get(str(REQUESTER))),
        technicians=_numbers(row.get(str(TECHNICIAN))),
        groups=_names(row.get(str(GROUP))),
        changed_at=context.glpi.to_utc(row.get(str(CHANGED_AT))),
        fields=rewritten.as_shown(row),
        edited_by=row.get(str(EDITOR)),
    )


def _one(context: Context, id_: int) -> Shown:
    """Read a ticket that the search does not show: it hides the trash."""
    try:
        row = context.glpi.get(f"Ticket/{id_}")
    except Refused as error:
        if error.code in ("ERROR_ITEM_NOT_FOUND", "ERROR_RIGHT_MISSING"):
            return Shown(id_, Seen(is_gone=True), frozenset())
        raise
    return read_item(context, row)


def read_item(context: Context, row: Mapping[str, Any]) -> Shown:
    """Read a ticket of GET Ticket, alone or in a list; its actors are not in it."""
    status = int(row["status"])
    seen = Seen(
        status=TicketStatus(status) if status in set(TicketStatus) else TicketStatus.ASSIGNED,
        urgency=int(row["urgency"]),
        impact=int(row["impact"]),
        priority=int(row["priority"]),
        computed=context.glpi.computed_priority(int(row["urgency"]), int(row["impact"])),
        finished_at=context.glpi.to_utc(row.get("closedate") or row.get("solvedate")),
        is_deleted=bool(int(row["is_deleted"])),
    )
    changed_at = context.glpi.to_utc(row.get("date_mod"))
    return Shown(int(row["id"]), seen, markers(str(row.get("content") or "")), changed_at=changed_at)


def has_group(shown: Shown, name: str) -> bool:
    """Tell whether a ticket is assigned to a group, by its path or the last name of it."""
    return name in shown.groups or any(path.split(" > ")[-1] == name for path in shown.groups)


def dates(context: Context, ticket_id: int | None) -> dict[str, datetime]:
    """Read until when a ticket is to be owned and solved by GLPI's agreements (SLA); what it has not is left out."""
    row = context.glpi.get(f"Ticket/{ticket_id}")
    found = {"time to own": row.get("time_to_own"), "time to resolve": row.get("time_to_resolve")}
    read = {name: context.glpi.to_utc(value) for name, value in found.items() if value}
    return {name: moment for name, moment in read.items() if moment is not None}


def newest_own(context: Context, *, by: str, trash: bool) -> Iterator[dict[str, Any]]:
    """GET the tickets that our account has written, the highest `by` first (id, date_mod); as many as are taken.

    A list, for a search that asks or shows who wrote a ticket costs GLPI 4 ms a row.
    """
    account = context.glpi.account or context.glpi.login()
    mine: dict[str, str | int] = {"searchText[users_id_recipient]": f"^{account.user_id}$"}
    return context.glpi.newest("Ticket", mine | {"is_deleted": "true"} if trash else mine, by=by)


def _check_witnesses(context: Context, witnesses: Mapping[str, str], shown: Mapping[int, Shown]) -> None:
    if any(_testifies(shown.get(int(id_)), marker) for id_, marker in witnesses.items()):
        return
    known = {int(id_): shown.get(int(id_)) or _one(context, int(id_)) for id_ in witnesses}
    if any(_testifies(known[int(id_)], marker) for id_, marker in witnesses.items()):
        return
    if len(witnesses) == 1:  # one ticket that a person has purged proves nothing
        context.store.write(meta.put, _WITNESSES, None)
        return
    if witnesses:
        numbers = ", ".join(sorted(witnesses, key=int))
        stop_restored(context, f"GLPI does not know our newest tickets any more ({numbers})")


def stop_restored(context: Context, evidence: str) -> NoReturn:
    """Stop all writes: the numbers that GLPI gave us cannot be trusted until a person has looked."""
    why = (
        f"{evidence}: it was restored from a backup, or a person purged them. All writes wait. "
        "`glpi-bridge adopt` reads the markers anew and goes on"
    )
    context.stop(why)
    raise Held(why, target="GLPI")


def _testifies(shown: Shown | None, marker: str) -> bool:
    return shown is not None and not shown.seen.is_gone and marker in shown.markers


def _numbers(value: Any) -> frozenset[int]:
    values = value if isinstance(value, list) else [value]
    return frozenset(int(one) for one in values if str(one or "").isdigit() and int(one) > 0)


def _names(value: Any) -> frozenset[str]:
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    return frozenset(str(one) for one in values if one)
