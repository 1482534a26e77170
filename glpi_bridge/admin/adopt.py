"""After a person's word: read our markers in GLPI anew and set right what was told; or say whose a ticket is.

A GLPI restored from a backup gives numbers out again and has lost what was written since. The markers are the truth:
the ticket that carries an incident's marker is its ticket, the notes and solutions that carry one were told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from glpi_bridge import look
from glpi_bridge.admin.status import UNMATCHED
from glpi_bridge.compose import told as told_by
from glpi_bridge.context import STOPPED, Context
from glpi_bridge.errors import BridgeError
from glpi_bridge.look import Shown
from glpi_bridge.model import Incident, Seen, StepKind, Told
from glpi_bridge.recollect import recollect
from glpi_bridge.render import markers
from glpi_bridge.settle import own_tickets
from glpi_bridge.store import adoption, attempts, incidents, meta
from glpi_bridge.store.attempts import Attempt, Item
from glpi_bridge.store.incidents import End, Owed

_PAGE = 400
_AT_WORK = "`glpi-bridge adopt` is at work, or broke off: run it (again)"


class Missing(StrEnum):
    """What becomes of an incident whose ticket GLPI has not any more."""

    AGAIN = "again"
    LEAVE = "leave"


class NotAdopted(BridgeError):
    """A person's word that does not fit what is in doubt."""


@dataclass(frozen=True, slots=True)
class Change:
    """One incident whose ticket is another than was told; `after` None: GLPI has none."""

    incident: int
    marker: str
    before: int | None
    after: int | None
    is_again: bool = False


@dataclass(slots=True)
class Adopted:
    """What was found and set right."""

    tickets: int = 0
    incidents: int = 0
    changes: list[Change] = field(default_factory=list)
    retold: int = 0
    in_flight: int = 0
    was_stopped: str | None = None


@dataclass(frozen=True, slots=True)
class _Glpi:
    """GLPI as it stands: our tickets by marker, those of ours without one, and all markers of notes and solutions."""

    tickets: Mapping[str, Shown]
    unmarked: frozenset[int]
    written: Mapping[int, frozenset[str]]


def adopt(
    context: Context,
    missing: Missing = Missing.LEAVE,
    *,
    dry_run: bool = False,
    tick: Callable[[str], None] = lambda _doing: None,
) -> Adopted:
    """Set told numbers right by the markers in GLPI, then let work go on. Raises TargetError if GLPI cannot be read.

    Broken off, it leaves all writes stopped, and can be run again. `tick` is told what is being done, now and then.
    """
    report = Adopted(was_stopped=context.store.read(meta.get, STOPPED))
    if not dry_run:
        context.stop(_AT_WORK)
    glpi = _read(context, tick)
    report.tickets = len(glpi.tickets)
    report.in_flight = len(context.store.read(attempts.in_flight))
    moved = {change.before: change.after for change in _changes(context, glpi, missing) if change.before is not None}
    for number, owed in enumerate(_all(context), 1):
        if number % _PAGE == 1:
            tick(f"comparing incident {number}")
        _set_right(context, report, owed, glpi, missing, moved, dry_run=dry_run)
    if not dry_run:
        tick("keeping what was found")
        context.store.write(adoption.forget_numbers)
        recollect(context, again=True)
        context.store.write(meta.put, STOPPED, None)
        context.works("GLPI")
    return report


def _read(context: Context, tick: Callable[[str], None]) -> _Glpi:
    tickets: dict[str, Shown] = {}
    unmarked = set()
    for number, shown in enumerate(own_tickets(context, 0), 1):
        if number % _PAGE == 1:
            tick(f"reading our tickets in GLPI: {number}")
        for marker in shown.markers:
            if marker not in tickets or shown.id < tickets[marker].id:
                tickets[marker] = shown
        if not shown.markers:
            unmarked.add(shown.id)
    written: dict[int, set[str]] = {}
    account = context.glpi.account or context.glpi.login()
    for itemtype in ("ITILFollowup", "ITILSolution"):
        tick(f"reading our notes in GLPI: {itemtype}")
        for row in context.glpi.rows(itemtype, {"searchText[content]": "zabbix "}):
            if row.get("itemtype") == "Ticket" and int(row["users_id"]) == account.user_id:
                written.setdefault(int(row["items_id"]), set()).update(markers(str(row["content"])))
    return _Glpi(tickets, frozenset(unmarked), {id_: frozenset(lines) for id_, lines in written.items()})


def _all(context: Context) -> Iterator[Owed]:
    after = 0
    while owed := context.store.read(adoption.page, after, _PAGE):
        yield from owed
        after = owed[-1].incident.id


def _changes(context: Context, glpi: _Glpi, missing: Missing) -> Iterator[Change]:
    for owed in _all(context):
        change = _change(owed.incident, glpi, missing)
        if change is not None:
            yield change


def _change(incident: Incident, glpi: _Glpi, missing: Missing) -> Change | None:
    before, shown = incident.told.ticket_id, glpi.tickets.get(incident.marker)
    if shown is not None:
        return None if shown.id == before else Change(incident.id, incident.marker, before, shown.id)
    if before is None or before in glpi.unmarked:  # a rule of GLPI rewrites our texts: the number is all there is
        return None
    is_again = missing is Missing.AGAIN and not incident.is_recovered
    if incident.seen.is_gone and not is_again:
        return None  # known already
    return Change(incident.id, incident.marker, before, None, is_again)


def _set_right(
    context: Context,
    report: Adopted,
    owed: Owed,
    glpi: _Glpi,
    missing: Missing,
    moved: Mapping[int, int | None],
    *,
    dry_run: bool,
) -> None:
    incident = owed.incident
    change = _change(incident, glpi, missing)
    shown = glpi.tickets.get(incident.marker)
    if shown is not None:
        told, seen = _as_written(incident, shown, glpi.written.get(shown.id, frozenset()), is_moved=change is not None)
    elif change is None:
        return
    elif change.is_again:
        told, seen = Told(plain=incident.told.plain), Seen()
    else:
        told, seen = incident.told, replace(incident.seen, is_gone=True)
    previous = moved.get(incident.previous, incident.previous) if incident.previous is not None else None
    if (told, previous) == (incident.told, incident.previous) and look.same_ticket(incident.seen, seen):
        return
    if not dry_run and not context.store.write(adoption.put, owed, told, seen, previous, context.now()):
        report.in_flight += 1
        return
    report.incidents += 1
    report.retold += change is None
    if change is not None:
        report.changes.append(change)


def _as_written(incident: Incident, shown: Shown, lines: frozenset[str], *, is_moved: bool) -> tuple[Told, Seen]:
    """What GLPI shows as told: the notes, solutions and reopenings that are there."""
    before = incident.told

    def subjects(word: str) -> frozenset[str]:
        start = f"{incident.marker} {word} "
        return frozenset(line.removeprefix(start) for line in lines if line.startswith(start))

    solved = subjects("solution")
    told = replace(
        before,
        ticket_id=shown.id,
        notes=subjects("note"),
        solved=solved,
        reopened=subjects("return"),
        linked=frozenset() if is_moved else before.linked,
        unconfirmed=before.unconfirmed and bool(solved),
    )
    seen = look.newer(incident.seen, shown.seen)
    if seen.status.is_finished and solved and not is_moved:
        seen = replace(seen, by_us=incident.seen.by_us)
    elif seen.status.is_finished:
        seen = replace(seen, by_us=bool(solved))
    return told, seen


# -- a write in doubt -------------------------------------------------------------------------------------------------


def claim_ticket(context: Context, ticket_id: int, event: str | None) -> str:
    """Take a ticket for that of an incident whose write is in doubt, by a person's word; return its marker.

    `event` (SOURCE/EVENTID) says which, where several are in doubt. Raises NotAdopted.
    """
    attempt, item = _in_doubt(context, event)
    account = context.glpi.account or context.glpi.login()
    row = context.glpi.get(f"Ticket/{ticket_id}")
    if int(row.get("users_id_recipient") or 0) != account.user_id:
        raise NotAdopted(f"ticket {ticket_id} was not written by our account ({account.name}), so it is not that one")
    if others := context.store.read(incidents.by_tickets, [ticket_id]):
        raise NotAdopted(f"ticket {ticket_id} is that of {others[0].incident.marker} already")
    (owed,) = context.store.read(incidents.by_ids, [item.incident_id])
    after, seen = told_by(item, owed, ticket_id, context.time())
    end = End(item.incident_id, told=replace(after, incomplete=True), seen=seen, state="found by a person")
    _conclude(context, attempt, end)
    return item.marker


def owe_again(context: Context, event: str | None) -> str:
    """Let what is in doubt be written again: by a person's word it is not in GLPI. Returns its marker."""
    attempt, item = _in_doubt(context, event)
    (owed,) = context.store.read(incidents.by_ids, [item.incident_id])
    _conclude(context, attempt, End(item.incident_id, doubts=owed.doubts, state="not in GLPI, a person says"))
    return item.marker


def _in_doubt(context: Context, event: str | None) -> tuple[Attempt, Item]:
    """Find the one create that a person may decide: its session is ended, and it was looked for twice."""
    found = [
        (attempt, item)
        for attempt in context.store.read(attempts.in_flight)
        if attempt.note == UNMATCHED and attempt.operation is StepKind.CREATE
        for item in attempt.items
        if event is None or item.marker == f"zabbix {event.removeprefix('zabbix ')}"
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(item.marker.removeprefix("zabbix ") for _, item in found)
        raise NotAdopted(f"several are in doubt: say which by --event, one of {names}")
    raise NotAdopted(
        "nothing that a person has to decide is in doubt" + (f" for {event}" if event else "") + ": see `status`"
    )


def _conclude(context: Context, attempt: Attempt, end: End) -> None:
    now = context.now()
    mine = context.store.write(attempts.take_over, attempt, context.worker, now + context.terms.lease)
    if mine is None or not context.store.write(attempts.conclude, mine, [end], now, doubt=mine.doubt):
        raise NotAdopted("a delivery pass looks at it just now: try again in a minute")
    context.store.write(meta.clear, "in doubt", attempt.id)
