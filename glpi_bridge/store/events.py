"""Events and their facts: intake merges, sorting gives each event its incident."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Connection

from glpi_bridge.facts import Facts, merge
from glpi_bridge.store.tables import events, incidents, occurrences

T = TypeVar("T")
_CHUNK = 400
_UNSORTED = (
    select(events.c.source, events.c.eventid, events.c.facts, events.c.verdict)
    .where(events.c.unsorted)
    .order_by(events.c.changed_at)
    .limit(bindparam("limit"))
)
_STORM = incidents.alias()
_FORGOTTEN = (
    select(incidents.c.id)
    .where(
        incidents.c.finished_at < bindparam("before"),
        incidents.c.attempt_id.is_(None),
        incidents.c.due_at.is_(None),
        or_(
            incidents.c.parent_id.is_(None),
            # a storm speaks by its children
            incidents.c.parent_id.not_in(select(_STORM.c.id).where(_STORM.c.is_storm, _STORM.c.finished_at.is_(None))),
        ),
    )
    .limit(bindparam("limit"))
)
_LOOSE = delete(events).where(
    events.c.incident_id.is_(None), ~events.c.unsorted, events.c.changed_at < bindparam("before")
)
IDS: BindParameter[Any] = bindparam("ids", expanding=True)
"""As many ids as `chunks` gives; for statements that are asked all the time and so are built once."""
_KNOWN = (
    select(events.c.source, events.c.eventid, events.c.facts, events.c.incident_id, events.c.unsorted)
    .where(events.c.source == bindparam("source"), events.c.eventid.in_(IDS))
    .with_for_update()
)
# A storm's children and what is a symptom of these incidents' events are to be linked to them; a parent waits for sons.
_CAUSE, _PARENT = events.alias(), incidents.alias()
_SYMPTOMS = select(events.c.incident_id).where(
    events.c.cause_eventid != "",
    events.c.source == _CAUSE.c.source,
    events.c.cause_eventid == _CAUSE.c.eventid,
    _CAUSE.c.incident_id.in_(IDS),
)
_CHILDREN = select(incidents.c.id).where(incidents.c.parent_id.in_(IDS))
_PARENTS_WITHOUT_TICKET = select(_PARENT.c.id).where(
    _PARENT.c.id.in_(select(incidents.c.parent_id).where(incidents.c.id.in_(IDS))), _PARENT.c.ticket_id.is_(None)
)
_LEFT = "left incident {}, whose ticket takes nothing any more"


@dataclass(frozen=True, slots=True)
class Unsorted:
    """An event whose facts have changed and that belongs to no incident yet."""

    source: str
    eventid: str
    facts: Facts
    text: str
    verdict: str = ""

    def has_left(self, incident_id: int) -> bool:
        """Tell whether it was taken out of this incident."""
        return self.verdict == _LEFT.format(incident_id)


def intake(connection: Connection, batch: Iterable[tuple[str, str, Facts]], now: float) -> int:
    """Merge facts into the store; return how many events know more than before.

    What belongs to an incident makes it due, the rest is left to be sorted.
    """
    fresh: dict[tuple[str, str], Facts] = {}
    for source, eventid, facts in batch:
        held = fresh.get((source, eventid))
        fresh[source, eventid] = facts if held is None else merge(held, facts)
    known = _known(connection, list(fresh))
    rows, touched = [], set()
    changed = 0
    for (source, eventid), facts in fresh.items():
        row = known.get((source, eventid))
        if row is None:
            rows.append(_row(source, eventid, facts, now))
            continue
        held_facts = Facts.from_json(row.facts)
        whole = merge(held_facts, facts)
        if (text := whole.to_json()) == row.facts:
            continue
        if whole.says_as(held_facts):  # only said anew, by a better witness or later: nothing follows from it
            connection.execute(update(events).where(_is(source, eventid)).values(facts=text))
            continue
        changed += 1
        values = {
            "facts": text,
            "is_open": "recovered_at" not in whole.registers,
            "triggerid": str(whole.value("triggerid"))[:64],
            "cause_eventid": str(whole.value("cause_eventid"))[:64],
            "changed_at": now,
        }
        if row.incident_id is None:
            values["unsorted"] = True
        else:
            touched.add(row.incident_id)
        connection.execute(update(events).where(_is(source, eventid)).values(values))
    if rows:
        connection.execute(insert(events), rows)
    make_due(connection, touched, now)
    return changed + len(rows)


def due_of(table: Table) -> Select[Any]:
    """Build what asks for the rows that the plan should look at `now`, longest due first, without those of `ids`."""
    free = (table.c.attempt_id.is_(None), table.c.parked.is_(None), table.c.id.not_in(IDS))
    is_due = (table.c.due_at <= bindparam("now"), table.c.not_before <= bindparam("now"))
    return select(table).where(*is_due, *free).order_by(table.c.due_at, table.c.id).limit(bindparam("limit"))


def make_due(connection: Connection, ids: Iterable[int], now: float) -> None:
    """Let the plan look at incidents again; a claim that was planned on their old facts fails."""
    for part in chunks(sorted(ids)):
        connection.execute(
            update(incidents).where(incidents.c.id.in_(part)).values(due_at=now, version=incidents.c.version + 1)
        )


def wake_kin(connection: Connection, ids: Sequence[int], now: float) -> None:
    """Let the plan look at what waits for these incidents' tickets: sons for their father's, a parent for its sons'."""
    kin: set[int | None] = set()
    for part_ in chunks(ids):
        for statement in (_SYMPTOMS, _CHILDREN, _PARENTS_WITHOUT_TICKET):
            kin.update(connection.scalars(statement, {"ids": part_}))
    make_due(connection, [id_ for id_ in kin if id_ is not None], now)


def unsorted(connection: Connection, limit: int) -> list[Unsorted]:
    """Return events to be sorted, oldest first."""
    rows = connection.execute(_UNSORTED, {"limit": limit})
    return [Unsorted(row.source, row.eventid, Facts.from_json(row.facts), row.facts, row.verdict) for row in rows]


def unchanged(connection: Connection, waiting: Sequence[Unsorted]) -> set[tuple[str, str]]:
    """Tell which of these events are still unsorted and known as they were read; holds them until the commit."""
    known = _known(connection, [(one.source, one.eventid) for one in waiting])
    found = ((one, known.get((one.source, one.eventid))) for one in waiting)
    return {
        (one.source, one.eventid) for one, row in found if row is not None and row.unsorted and row.facts == one.text
    }


def place(connection: Connection, placed: Iterable[tuple[Unsorted, int | None, str]]) -> None:
    """Note what became of events: their incident, or why they have none."""
    rows = [
        {
            "of": one.source,
            "event": one.eventid,
            "incident": incident,
            "why": (verdict if incident is None else f"incident {incident}")[:255],
        }
        for one, incident, verdict in placed
    ]
    same = and_(events.c.source == bindparam("of"), events.c.eventid == bindparam("event"))
    values = {"unsorted": False, "incident_id": bindparam("incident"), "verdict": bindparam("why")}
    if rows:
        connection.execute(update(events).where(same).values(values), rows)


def part(connection: Connection, source: str, eventids: Sequence[str], incident_id: int, now: float) -> bool:
    """Take events out of their incident, to be sorted again; the incident is planned anew.

    False, and nothing changes, while Zabbix is being told of the incident's ticket, or may have heard: they may be its.
    """
    telling = select(incidents.c.ack_attempt_id).where(incidents.c.id == incident_id).with_for_update()
    if connection.scalar(telling) is not None:
        return False
    for part_ in chunks(eventids):
        mine = (events.c.source == source, events.c.eventid.in_(part_), events.c.incident_id == incident_id)
        values = {"incident_id": None, "unsorted": True, "verdict": _LEFT.format(incident_id), "changed_at": now}
        connection.execute(update(events).where(*mine).values(values))
    make_due(connection, [incident_id], now)
    return True


def facts_of(connection: Connection, source: str, eventid: str) -> Facts | None:
    """Return the facts held about one event."""
    row = connection.execute(select(events.c.facts).where(_is(source, eventid))).first()
    return None if row is None else Facts.from_json(row.facts)


def source_names(connection: Connection) -> list[str]:
    """Return the sources that events came from."""
    return list(connection.scalars(select(events.c.source).distinct()))


def known_ids(connection: Connection, source: str, eventids: Sequence[str]) -> set[str]:
    """Tell which of these events the store has."""
    found: set[str] = set()
    for part in chunks(eventids):
        rows = connection.execute(select(events.c.eventid).where(events.c.source == source, events.c.eventid.in_(part)))
        found |= {row.eventid for row in rows}
    return found


def open_events(connection: Connection, source: str, limit: int, before: float) -> list[str]:
    """Return open events with an incident, those first that were not asked about for the longest time."""
    rows = (
        select(events.c.eventid)
        .where(
            events.c.source == source,
            events.c.is_open,
            events.c.incident_id.is_not(None),
            events.c.checked_at < before,
        )
        .order_by(events.c.checked_at)
        .limit(limit)
    )
    return list(connection.scalars(rows))


def open_of_triggers(connection: Connection, source: str, triggerids: Sequence[str]) -> list[str]:
    """Return the open events that these triggers have made."""
    found: list[str] = []
    for part in chunks(triggerids):
        same = (events.c.source == source, events.c.is_open, events.c.triggerid.in_(part))
        found += connection.scalars(select(events.c.eventid).where(*same))
    return found


def checked(connection: Connection, source: str, eventids: Sequence[str], now: float) -> None:
    """Note that these events were asked about."""
    for part in chunks(eventids):
        same = (events.c.source == source, events.c.eventid.in_(part))
        connection.execute(update(events).where(*same).values(checked_at=now))


def forget(connection: Connection, before: float, limit: int = 1000) -> int:
    """Remove incidents that were finished, and events without one that last changed, before a time."""
    ids = connection.scalars(_FORGOTTEN, {"before": before, "limit": limit}).all()
    for part in chunks(ids):
        theirs = exists().where(
            events.c.source == occurrences.c.source,
            events.c.eventid == occurrences.c.eventid,
            events.c.incident_id.in_(part),
        )
        connection.execute(delete(occurrences).where(theirs))
        connection.execute(delete(events).where(events.c.incident_id.in_(part)))
        connection.execute(delete(incidents).where(incidents.c.id.in_(part)))
    return len(ids) + connection.execute(_LOOSE, {"before": before}).rowcount


def chunks(items: Sequence[T], size: int = _CHUNK) -> Iterable[Sequence[T]]:
    """Cut a sequence so that a statement stays within what databases take."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _is(source: str, eventid: str) -> ColumnElement[bool]:
    return and_(events.c.source == source, events.c.eventid == eventid)


def _known(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    """Read events by source and id, and hold their rows until the commit."""
    by_source: dict[str, list[str]] = {}
    for source, eventid in keys:
        by_source.setdefault(source, []).append(eventid)
    found: dict[tuple[str, str], Row[Any]] = {}
    for source, eventids in sorted(by_source.items()):
        for part_ in chunks(sorted(eventids)):
            rows = connection.execute(_KNOWN, {"source": source, "ids": part_}).all()
            found |= {(row.source, row.eventid): row for row in rows}
    return found


def _row(source: str, eventid: str, facts: Facts, now: float) -> dict[str, object]:
    return {
        "source": source,
        "eventid": eventid,
        "facts": facts.to_json(),
        "is_open": "recovered_at" not in facts.registers,
        "unsorted": True,
        "incident_id": None,
        "verdict": "",
        "triggerid": str(facts.value("triggerid"))[:64],
        "cause_eventid": str(facts.value("cause_eventid"))[:64],
        "checked_at": 0.0,
        "changed_at": now,
    }
