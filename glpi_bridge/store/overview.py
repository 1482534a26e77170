"""What `status`, `queue` and `explain` read of the store. Counts follow what waits, not what is held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.engine import Connection

from glpi_bridge.facts import Facts
from glpi_bridge.store.attempts import in_flight
from glpi_bridge.store.incidents import Owed, by_ids
from glpi_bridge.store.tables import events, incidents

DROPPED = "dropped by a person"
"""What stands as the reason of an incident for which nothing is to be written any more."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as the store has it; `owed` is its incident, `verdict` what became of it when it was sorted."""

    facts: Facts
    verdict: str
    owed: Owed | None


class Standing(StrEnum):
    """Why an incident is in the queue."""

    PARKED = "parked"
    IN_DOUBT = "in doubt"
    SENDING = "being sent"
    RETRY = "refused, tried again"
    WAITING = "waiting"
    LATER = "held"


@dataclass(frozen=True, slots=True)
class Queued:
    """An incident in the queue; times are epoch seconds. `is_acknowledgement`: it is Zabbix's side that waits."""

    id: int
    marker: str
    ticket_id: int | None
    standing: Standing
    why: str
    since: float
    due_at: float | None
    is_acknowledgement: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How much waits, and what is held; `oldest` is when the oldest incident that wants a ticket came (epoch)."""

    incidents: int
    unfinished: int
    due: int
    later: int
    in_flight: int
    parked: int
    acknowledgements: int
    acknowledgements_parked: int
    unsorted: int
    oldest: float | None


def event(connection: Connection, source: str, eventid: str) -> EventRow | None:
    """Return what the store has of an event, None if nothing."""
    columns = select(events.c.facts, events.c.verdict, events.c.incident_id)
    row = connection.execute(columns.where(events.c.source == source, events.c.eventid == eventid)).first()
    if row is None:
        return None
    owed = by_ids(connection, [row.incident_id]) if row.incident_id is not None else []
    return EventRow(Facts.from_json(row.facts), row.verdict, owed[0] if owed else None)


def counts(connection: Connection, now: float) -> Counts:
    """Count what waits. What rests has no due_at, so only the queue itself is read."""
    columns = incidents.c
    in_queue = and_(columns.due_at >= 0, _not_dropped())  # SQLite finds no index for IS NOT NULL
    free = and_(columns.parked.is_(None), columns.attempt_id.is_(None))
    is_later = and_(columns.due_at > now, columns.not_before <= now)
    undelivered = and_(
        columns.ticket_id.is_(None), columns.parked.is_(None), or_(columns.attempt_id.is_not(None), ~is_later)
    )
    queue = connection.execute(
        select(
            _sum(and_(free, ~is_later)),
            _sum(and_(free, is_later)),
            _sum(columns.attempt_id.is_not(None)),
            _sum(columns.parked.is_not(None)),
            func.min(case((undelivered, columns.created_at))),
        ).where(in_queue)
    ).one()
    telling = connection.execute(
        select(_sum(columns.ack_parked.is_(None)), _sum(columns.ack_parked.is_not(None))).where(columns.ack_due_at >= 0)
    ).one()
    unsorted = connection.execute(
        select(func.count(), func.min(events.c.changed_at)).select_from(events).where(events.c.unsorted)
    ).one()
    return Counts(
        incidents=int(connection.scalar(select(func.count()).select_from(incidents)) or 0),
        unfinished=int(connection.scalar(select(func.count()).where(columns.finished_at.is_(None))) or 0),
        due=int(queue[0] or 0),
        later=int(queue[1] or 0),
        in_flight=int(queue[2] or 0),
        parked=int(queue[3] or 0),
        acknowledgements=int(telling[0] or 0),
        acknowledgements_parked=int(telling[1] or 0),
        unsorted=int(unsorted[0] or 0),
        oldest=min((time for time in (queue[4], unsorted[1]) if time is not None), default=None),
    )


def resting(connection: Connection, reasons: Iterable[str]) -> dict[str, int]:
    """Count unfinished incidents by the reason for which nothing is due, of these reasons."""
    columns = incidents.c
    rows = connection.execute(
        select(columns.state, func.count())
        .where(columns.finished_at.is_(None), columns.state.in_(list(reasons)), _not_dropped())
        .group_by(columns.state)
    )
    return {state: int(number) for state, number in rows}


def queue(connection: Connection, now: float, limit: int = 1000) -> list[Queued]:
    """List what is parked, being sent, due or held, on GLPI's side and on Zabbix's, oldest first."""
    columns = incidents.c
    rows = connection.execute(
        select(incidents)
        .where(or_(columns.due_at >= 0, columns.ack_due_at >= 0), _not_dropped())
        .order_by(columns.created_at, columns.id)
        .limit(limit)
    )
    found = []
    for row in rows:
        if row.due_at is not None:
            standing = _standing(row.parked, row.attempt_id, row.due_at, row.not_before, now)
            why = row.parked or row.state or "new"
            found.append(Queued(row.id, row.marker, row.ticket_id, standing, why, row.created_at, row.due_at))
        if row.ack_parked is not None:
            found.append(
                Queued(
                    row.id, row.marker, row.ticket_id, Standing.PARKED, row.ack_parked, row.created_at, None,
                    is_acknowledgement=True,
                )
            )  # fmt: skip
    return found


def in_doubt(connection: Connection, now: float) -> dict[int, str]:
    """Tell which incidents belong to a write without a clear answer, and why it has none."""
    found: dict[int, str] = {}
    for attempt in in_flight(connection):
        if attempt.doubt is not None or attempt.lease_until <= now:
            why = attempt.doubt or f"{attempt.worker} did not end it in its time"
            found |= {item.incident_id: why for item in attempt.items}
    return found


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why an incident waits for a person, on GLPI's side and on Zabbix's; None where it does not."""

    parked: str | None
    ack_parked: str | None


def standing(connection: Connection, incident_id: int) -> Reasons | None:
    """Return why an incident is parked, None if there is no such incident."""
    columns = select(incidents.c.parked, incidents.c.ack_parked)
    row = connection.execute(columns.where(incidents.c.id == incident_id)).first()
    return None if row is None else Reasons(row.parked, row.ack_parked)


def _standing(parked: str | None, attempt_id: str | None, due_at: float, not_before: float, now: float) -> Standing:
    if parked is not None:
        return Standing.PARKED
    if attempt_id is not None:
        return Standing.SENDING
    if not_before > now:
        return Standing.RETRY
    return Standing.LATER if due_at > now else Standing.WAITING


def _not_dropped() -> ColumnElement[bool]:
    return or_(incidents.c.parked.is_(None), incidents.c.parked != DROPPED)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
