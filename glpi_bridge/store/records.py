"""What a report reads of the store: for tickets, what of their incidents and events counts. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from glpi_bridge.facts import Facts
from glpi_bridge.store.events import chunks
from glpi_bridge.store.tables import events, incidents


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event as it counts; `alerts` are the messages known of it: problem, updates, recovery."""

    host: str
    trigger: str
    severity: int
    alerts: int


@dataclass(frozen=True, slots=True)
class Record:
    """The incident of a ticket. `generation` counts the tickets of its cause; `by_us`: its recovery solved it.

    A storm's own incident has the events of its children's, which have tickets of their own.
    """

    ticket_id: int
    generation: int
    by_us: bool
    is_storm: bool
    events: tuple[EventRecord, ...]


def of_tickets(connection: Connection, ids: Sequence[int]) -> dict[int, Record]:
    """Return what is known of tickets, by their numbers; those that are not the bridge's, or forgotten, are absent."""
    columns = incidents.c
    asked = select(columns.id, columns.ticket_id, columns.generation, columns.seen, columns.is_storm)
    rows = [row for part in chunks(ids) for row in connection.execute(asked.where(columns.ticket_id.in_(part)))]
    of_storms = _of_children(connection, [row.id for row in rows if row.is_storm])
    of_others = _of_incidents(connection, [row.id for row in rows if not row.is_storm])
    return {
        row.ticket_id: Record(
            ticket_id=row.ticket_id,
            generation=row.generation,
            by_us=row.seen is not None and bool(json.loads(row.seen)["by_us"]),
            is_storm=bool(row.is_storm),
            events=tuple((of_storms if row.is_storm else of_others).get(row.id, ())),
        )
        for row in rows
    }


def _of_incidents(connection: Connection, ids: Sequence[int]) -> dict[int, list[EventRecord]]:
    asked = select(events.c.incident_id.label("owner"), events.c.facts)
    return _by_incident(
        row for part in chunks(ids) for row in connection.execute(asked.where(events.c.incident_id.in_(part)))
    )


def _of_children(connection: Connection, ids: Sequence[int]) -> dict[int, list[EventRecord]]:
    joined = events.join(incidents, events.c.incident_id == incidents.c.id)
    asked = select(incidents.c.parent_id.label("owner"), events.c.facts).select_from(joined)
    return _by_incident(
        row for part in chunks(ids) for row in connection.execute(asked.where(incidents.c.parent_id.in_(part)))
    )


def _by_incident(rows: Iterable[Any]) -> dict[int, list[EventRecord]]:
    found: dict[int, list[EventRecord]] = {}
    for row in rows:
        found.setdefault(row.owner, []).append(_record(Facts.from_json(row.facts)))
    return found


def _record(facts: Facts) -> EventRecord:
    severity = facts.value("severity", 0)
    return EventRecord(
        host=str(facts.value("host_name") or facts.value("host")),
        trigger=str(facts.value("trigger_name") or facts.value("name")),
        severity=severity if isinstance(severity, int) else 0,
        alerts=bool(facts.value("announced", False)) + ("recovered_at" in facts.registers) + len(facts.notes),
    )
