"""Setting told ids right after a restore: incidents page by page, and forgetting what an earlier scan has found."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, delete, select, update
from sqlalchemy.engine import Connection

from glpi_bridge.model import Seen, Told
from glpi_bridge.store import meta
from glpi_bridge.store.heard import Heard
from glpi_bridge.store.incidents import Owed, by_ids, seen_text, told_text
from glpi_bridge.store.overview import DROPPED
from glpi_bridge.store.tables import found, incidents

# what rests on the numbers that GLPI gave before it was restored
_STALE = ("witnesses", "duplicates", "highest")


def page(connection: Connection, after: int, limit: int) -> list[Owed]:
    """Return incidents with numbers above `after`, but for those that a write in flight holds and those dropped."""
    columns = incidents.c
    ids = connection.scalars(
        select(columns.id)
        .where(columns.id > after, columns.attempt_id.is_(None))
        .where(columns.parked.is_(None) | (columns.parked != DROPPED))
        .order_by(columns.id)
        .limit(limit)
    )
    return by_ids(connection, ids.all())


def put(connection: Connection, owed: Owed, told: Told, seen: Seen, previous: int | None, now: float) -> bool:
    """Set right what was told of an incident, and let the plan look; False if it changed meanwhile."""
    same = and_(
        incidents.c.id == owed.incident.id, incidents.c.version == owed.version, incidents.c.attempt_id.is_(None)
    )
    values: dict[str, Any] = {
        "ticket_id": told.ticket_id,
        "told": told_text(told),
        "seen": seen_text(seen),
        "previous": previous,
        "due_at": now,
        "not_before": 0.0,
        "version": incidents.c.version + 1,
        # a GLPI of before has another history, and gives the numbers of its rows out again
        "news": Heard(since=now, words=owed.heard.words).to_json(),
    }
    if told.ticket_id != owed.incident.told.ticket_id:  # Zabbix has the old number
        values |= {"acknowledged": "[]", "ack_due_at": None if told.ticket_id is None else now}
    return connection.execute(update(incidents).where(same).values(values)).rowcount == 1


def forget_numbers(connection: Connection) -> None:
    """Forget the numbers that an earlier scan, or GLPI before its restore, has given."""
    connection.execute(delete(found))
    for name in _STALE:
        meta.put(connection, name, None)
    meta.clear(connection, "duplicate")
