"""What a person may do to incidents that wait: try them again at once, or let nothing more be written for them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.engine import Connection

from glpi_bridge.store.incidents import Owed, unpark
from glpi_bridge.store.overview import DROPPED
from glpi_bridge.store.tables import incidents

_KEY_LENGTH = 255


def retry(connection: Connection, incident_id: int, now: float) -> bool:
    """Let an incident that is parked, or waits for its next try, be tried at once; False if neither is so."""
    is_dropped = connection.scalar(
        select(incidents.c.id).where(incidents.c.id == incident_id, incidents.c.parked == DROPPED)
    )
    if is_dropped is not None:
        return False
    if unpark(connection, incident_id, now):
        return True
    waits = and_(incidents.c.attempt_id.is_(None), incidents.c.due_at.is_not(None))
    values = {"not_before": 0.0, "due_at": now, "version": incidents.c.version + 1}
    found = update(incidents).where(incidents.c.id == incident_id, waits)
    return connection.execute(found.values(values)).rowcount == 1


def retry_all(connection: Connection, now: float) -> int:
    """Let all parked incidents be tried at once; return how many."""
    columns = incidents.c
    is_parked = or_(and_(columns.parked.is_not(None), columns.parked != DROPPED), columns.ack_parked.is_not(None))
    ids = connection.scalars(select(columns.id).where(is_parked)).all()
    return sum(retry(connection, id_, now) for id_ in ids)


def drop(connection: Connection, owed: Owed, now: float) -> bool:
    """Let nothing more be written for an incident; False while a write of it is in flight or if it changed meanwhile.

    Its key is given free: the next problem of the same trigger begins an incident of its own and gets its ticket.
    """
    incident = owed.incident
    values: dict[str, Any] = {
        "parked": DROPPED,
        "state": DROPPED,
        "key": f"dropped {incident.id} {incident.key}"[:_KEY_LENGTH],
        "due_at": None,
        "finished_at": now,
        "version": incidents.c.version + 1,
        **_told_zabbix(owed),
    }
    return _if_free(connection, owed, values)


def drop_acknowledgement(connection: Connection, owed: Owed) -> bool:
    """Give up telling Zabbix the ticket of an incident; the ticket itself goes on."""
    return _if_free(connection, owed, _told_zabbix(owed))


def _told_zabbix(owed: Owed) -> dict[str, Any]:
    """Count every event as told, so that none is owed again."""
    eventids = {event.eventid for event in owed.incident.events} | owed.incident.acknowledged
    heard = replace(owed.heard, words=())
    return {
        "ack_due_at": None, "ack_parked": None, "acknowledged": json.dumps(sorted(eventids)), "news": heard.to_json(),
    }  # fmt: skip


def _if_free(connection: Connection, owed: Owed, values: dict[str, Any]) -> bool:
    same = and_(
        incidents.c.id == owed.incident.id,
        incidents.c.version == owed.version,
        incidents.c.attempt_id.is_(None),
        incidents.c.ack_attempt_id.is_(None),
    )
    return connection.execute(update(incidents).where(same).values(values)).rowcount == 1
