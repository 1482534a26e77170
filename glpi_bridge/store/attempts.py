"""Attempts: writes in flight, recorded before they are sent. The attempt row is the claim on its incidents.

A row holds a live session token, so the store and its backups are secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from glpi_bridge.model import StepKind
from glpi_bridge.store.incidents import End, Owed, end, take
from glpi_bridge.store.tables import attempts, incidents


@dataclass(frozen=True, slots=True)
class Item:
    """What an attempt sends for one incident, as far as it must be found again.

    `marker` is the whole marker line of what is written; `ticket_id` the ticket it goes to (None: it makes one).
    `status` is what a confirm sets; `assets` are those that a new ticket is linked to (`Computer/7 Printer/2`), and
    `looked_for` tells whether they are all.
    """

    incident_id: int
    kind: StepKind
    marker: str
    subject: str = ""
    ticket_id: int | None = None
    urgency: int | None = None
    impact: int | None = None
    status: int | None = None
    assets: str = ""
    looked_for: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """A write in flight. `watermark` is the highest ticket id known before it; times are epoch seconds.

    `doubt` says why its answer is not clear; then `kills`, `fenced_at` and `looks` tell how far it is settled, `found`
    what the looks have found: incident id → [GLPI ids], `next_at` when to go on.
    """

    id: str
    worker: str
    operation: StepKind
    token: str
    watermark: int
    read_at: float
    started_at: float
    lease_until: float
    items: tuple[Item, ...]
    doubt: str | None = None
    next_at: float = 0.0
    kills: int = 0
    fenced_at: float | None = None
    looks: int = 0
    note: str | None = None


_UNSETTLED = (
    select(attempts)
    .where(attempts.c.lease_until <= bindparam("now"), attempts.c.next_at <= bindparam("now"))
    .order_by(attempts.c.started_at)
    .limit(bindparam("limit"))
)
_MINE = and_(attempts.c.id == bindparam("mine"), attempts.c.worker == bindparam("by"))
_KEEP = update(attempts).where(_MINE)
_FORGET = delete(attempts).where(_MINE)
_OF_ITEM = tuple(field.name for field in fields(Item))
_OF_ATTEMPT = tuple(field.name for field in fields(Attempt))


def claim(connection: Connection, attempt: Attempt, versions: Mapping[int, int]) -> Attempt | None:
    """Commit to a write: the attempt's row, and its incidents (id → version planned on) marked as its own.

    Returns the attempt with the items it got: what another worker holds, or what changed meanwhile, is left out.
    None if nothing is left.
    """
    got = take(connection, attempt.id, versions)
    items = tuple(item for item in attempt.items if item.incident_id in got)
    if not items:
        return None
    claimed = replace(attempt, items=items)
    begin(connection, claimed)
    return claimed


def claim_acknowledgements(connection: Connection, attempt: Attempt, owed: Sequence[Owed]) -> Attempt | None:
    """The same for Zabbix's side: what was acknowledged or changed meanwhile by another worker is left out."""
    got = set()
    for one in owed:
        same = and_(
            incidents.c.id == one.incident.id,
            incidents.c.version == one.version,
            incidents.c.ack_attempt_id.is_(None),
            incidents.c.acknowledged == one.acknowledged_text,
            incidents.c.news.is_not_distinct_from(one.news_text),
        )
        if connection.execute(update(incidents).where(same).values(ack_attempt_id=attempt.id)).rowcount == 1:
            got.add(one.incident.id)
    items = tuple(item for item in attempt.items if item.incident_id in got)
    if not items:
        return None
    claimed = replace(attempt, items=items)
    begin(connection, claimed)
    return claimed


def begin(connection: Connection, attempt: Attempt) -> None:
    """Commit to a write whose claim is kept elsewhere (an undertaking's)."""
    connection.execute(insert(attempts), _row(attempt))


def forget(connection: Connection, attempt: Attempt) -> bool:
    """End an attempt as a whole; False if it is another worker's now."""
    return connection.execute(_FORGET, _mine(attempt)).rowcount == 1


def conclude(
    connection: Connection, attempt: Attempt, ends: Sequence[End], now: float, *, doubt: str | None = None
) -> bool:
    """Record how an attempt ended: what was told and the end of the claim, in one transaction.

    Incidents without an End stay in the attempt, in doubt for the reason `doubt`. False, and nothing changes, if
    another worker has taken the attempt over: it has fenced and settled what we sent.
    """
    ended = {one.incident_id for one in ends}
    left = tuple(item for item in attempt.items if item.incident_id not in ended)
    if left:
        rest = replace(attempt, items=left, doubt=doubt or attempt.doubt, next_at=now, lease_until=now)
        is_mine = _put(connection, rest)
    else:
        is_mine = forget(connection, attempt)
    if not is_mine:
        return False
    end(connection, ends, now)
    return True


def reduce(connection: Connection, attempt: Attempt, left: tuple[Item, ...], now: float, next_at: float) -> bool:
    """End an attempt but for the items `left`, which stay in doubt; the caller ends the incidents of the others.

    False if it is another worker's now.
    """
    if not left:
        return forget(connection, attempt)
    return _put(connection, replace(attempt, items=left, doubt="no clear answer", next_at=next_at, lease_until=now))


def keep(connection: Connection, attempt: Attempt, next_at: float) -> None:
    """Record how far an attempt is settled, and let anyone go on with it from `next_at`."""
    _put(connection, replace(attempt, next_at=next_at, lease_until=next_at))


def unsettled(connection: Connection, now: float, limit: int = 100) -> list[Attempt]:
    """Return attempts in doubt whose time has come, and those of workers whose lease is over."""
    return [_attempt(row) for row in connection.execute(_UNSETTLED, {"now": now, "limit": limit})]


def take_over(connection: Connection, attempt: Attempt, worker: str, lease_until: float) -> Attempt | None:
    """Become the one who settles an attempt; None if somebody else was quicker."""
    same = and_(
        attempts.c.id == attempt.id,
        attempts.c.worker == attempt.worker,
        attempts.c.lease_until == attempt.lease_until,
    )
    why = attempt.doubt or f"{attempt.worker} did not end it in its time"
    values = {"worker": worker, "lease_until": lease_until, "doubt": why}
    if connection.execute(update(attempts).where(same).values(values)).rowcount != 1:
        return None
    return replace(attempt, worker=worker, lease_until=lease_until, doubt=why)


def next_time(connection: Connection, *, acknowledgements: bool) -> float | None:
    """Return when the next attempt of one side is to be settled, or its lease is over; None when there is none."""
    later = case((attempts.c.next_at > attempts.c.lease_until, attempts.c.next_at), else_=attempts.c.lease_until)
    is_ack = attempts.c.operation == StepKind.ACKNOWLEDGE.value
    first: float | None = connection.scalar(select(func.min(later)).where(is_ack if acknowledgements else ~is_ack))
    return first


def in_flight(connection: Connection) -> list[Attempt]:
    """Return every attempt, oldest first."""
    return [_attempt(row) for row in connection.execute(select(attempts).order_by(attempts.c.started_at))]


def _put(connection: Connection, attempt: Attempt) -> bool:
    """Write an attempt as it is now; False if it is another worker's."""
    return connection.execute(_KEEP, _row(attempt) | _mine(attempt)).rowcount == 1


def _mine(attempt: Attempt) -> dict[str, str]:
    return {"mine": attempt.id, "by": attempt.worker}


def _row(attempt: Attempt) -> dict[str, Any]:
    # dataclasses.asdict copies deeply, which costs milliseconds between two calls
    items = [{name: getattr(item, name) for name in _OF_ITEM} for item in attempt.items]
    row = {name: getattr(attempt, name) for name in _OF_ATTEMPT}
    return row | {"operation": attempt.operation.value, "items": json.dumps(items)}


def _attempt(row: Row[Any]) -> Attempt:
    items = tuple(Item(**{**item, "kind": StepKind(item["kind"])}) for item in json.loads(row.items))
    values = dict(row._mapping)
    return Attempt(**{**values, "operation": StepKind(row.operation), "items": items})
