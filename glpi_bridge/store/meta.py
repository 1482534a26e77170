"""Single values and notices: what a person should know, and `status` shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection

from glpi_bridge.store.events import chunks
from glpi_bridge.store.tables import found, meta, notices

_WANTED = meta.c.name == bindparam("wanted")
# Asked and kept all the time: built once.
_VALUE = select(meta.c.value).where(_WANTED)
_VALUES = select(meta.c.name, meta.c.value).where(meta.c.name.in_(bindparam("wanted", expanding=True)))
_OLD_NOTICES = delete(notices).where(notices.c.last_at < bindparam("before"))
_FORGET = delete(meta).where(_WANTED)
_KEEP = update(meta).where(_WANTED).values(value=bindparam("kept"))
WRITTEN = "written"
"""What a scan of GLPI has found written on open tickets: marker → event ids `solved`, `reopened`, `unconfirmed`."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something odd that was survived; times are epoch seconds."""

    kind: str
    subject: str
    text: str
    count: int
    first_at: float
    last_at: float


def get(connection: Connection, name: str, default: Any = None) -> Any:
    """Return a value kept under a name (JSON)."""
    text = connection.scalar(_VALUE, {"wanted": name})
    return default if text is None else json.loads(text)


def several(connection: Connection, names: Sequence[str]) -> dict[str, Any]:
    """Return the values kept under these names (JSON); what is not kept is left out."""
    return {name: json.loads(text) for name, text in connection.execute(_VALUES, {"wanted": names})}


def held(connection: Connection, name: str, default: Any = None) -> Any:
    """Return a value that this transaction goes on from: nobody else changes it before the end."""
    text = connection.scalar(_VALUE.with_for_update(), {"wanted": name})
    return default if text is None else json.loads(text)


def put(connection: Connection, name: str, value: Any) -> None:
    """Keep a value under a name; None forgets it."""
    if value is None:
        connection.execute(_FORGET, {"wanted": name})
    elif connection.execute(_KEEP, {"wanted": name, "kept": json.dumps(value)}).rowcount == 0:
        connection.execute(insert(meta).values(name=name, value=json.dumps(value)))


def add(connection: Connection, name: str, amount: int) -> None:
    """Count something."""
    put(connection, name, int(held(connection, name, 0)) + amount)


def notice(connection: Connection, kind: str, subject: str, text: str, now: float, times: int = 1) -> bool:
    """Note something that happened for people; True when it is new, so that it is logged once."""
    same = and_(notices.c.kind == kind, notices.c.subject == subject[:190])
    known = connection.execute(select(notices.c["count"], notices.c.text).where(same).with_for_update()).first()
    if known is None:
        row = {"kind": kind, "subject": subject[:190], "text": text, "count": times, "first_at": now, "last_at": now}
        connection.execute(insert(notices).values(row))
        return True
    connection.execute(update(notices).where(same).values(text=text, count=known[0] + times, last_at=now))
    return bool(known.text != text)


def clear(connection: Connection, kind: str, subject: str | None = None) -> bool:
    """Take a notice back when its reason is gone; True if there was one."""
    same = (
        notices.c.kind == kind if subject is None else and_(notices.c.kind == kind, notices.c.subject == subject[:190])
    )
    return connection.execute(delete(notices).where(same)).rowcount > 0


def all_notices(connection: Connection) -> list[Notice]:
    """Return every notice, newest first."""
    return [Notice(**row._mapping) for row in connection.execute(select(notices).order_by(notices.c.last_at.desc()))]


def forget_notices(connection: Connection, before: float) -> None:
    """Let notices go that did not happen again since a time."""
    connection.execute(_OLD_NOTICES, {"before": before})


def put_found(connection: Connection, tickets: Mapping[str, int]) -> None:
    """Keep what a scan of GLPI has found: marker → ticket id."""
    for part in chunks(sorted(tickets)):
        connection.execute(delete(found).where(found.c.marker.in_(part)))
        connection.execute(insert(found), [{"marker": marker, "ticket_id": tickets[marker]} for marker in part])


def found_tickets(connection: Connection, markers: Sequence[str]) -> dict[str, int]:
    """Return the tickets that a scan has found for these markers."""
    rows: dict[str, int] = {}
    for part in chunks(markers):
        rows |= {row.marker: row.ticket_id for row in connection.execute(select(found).where(found.c.marker.in_(part)))}
    return rows
