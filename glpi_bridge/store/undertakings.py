"""Undertakings as rows: the occurrences they are opened for, what is due, who works on it, how a deed ended."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from glpi_bridge import facts
from glpi_bridge.facts import Facts
from glpi_bridge.model import Sameness
from glpi_bridge.recurrence import Occurrence
from glpi_bridge.store import attempts
from glpi_bridge.store.attempts import Attempt
from glpi_bridge.store.events import due_of
from glpi_bridge.store.overview import DROPPED
from glpi_bridge.store.tables import events, incidents, occurrences, undertakings
from glpi_bridge.undertaking import Kind, Undertaking

_CAUSES = 50
_TICKETED = events.join(incidents, incidents.c.id == events.c.incident_id)
_COUNTED = occurrences.join(
    events, and_(events.c.source == occurrences.c.source, events.c.eventid == occurrences.c.eventid)
).join(incidents, incidents.c.id == events.c.incident_id)
_OCCURRENCE: Any = select(
    events.c.source, events.c.eventid, events.c.facts, events.c.incident_id, incidents.c.ticket_id
).where(incidents.c.ticket_id.is_not(None))
_OF_CAUSE = _OCCURRENCE.select_from(_COUNTED).where(occurrences.c.cause == bindparam("cause"))
_TICKETED_SINCE = _OCCURRENCE.select_from(_TICKETED).where(events.c.changed_at >= bindparam("since"))
_FRESH_CAUSES = (
    select(occurrences.c.cause)
    .select_from(_COUNTED)
    .where(occurrences.c.fresh, incidents.c.ticket_id.is_not(None))
    .distinct()
    .limit(_CAUSES)
)
_DUE = due_of(undertakings)


@dataclass(frozen=True, slots=True)
class Ended:
    """How an undertaking leaves a deed; `told` is the deed and the id that GLPI has given for it."""

    told: tuple[str, int] | None = None
    glpi_id: int | None = None
    state: str = ""
    not_before: float = 0.0
    tries: int = 0
    refused_at: float | None = None
    parked: str | None = None


# -- occurrences ------------------------------------------------------------------------------------------------------


def followed(connection: Connection) -> frozenset[Sameness]:
    """Return by what the incidents of Problems that are under way are told: their new ones join."""
    open_ = and_(undertakings.c.kind == Kind.PROBLEM.value, undertakings.c.finished_at.is_(None))
    names = connection.scalars(select(undertakings.c.same).where(open_).distinct())
    return frozenset(Sameness(name) for name in names if name)


def add_occurrences(connection: Connection, found: Iterable[tuple[str, str, str]]) -> None:
    """Note events (cause, source, event id) as occurrences; those that are noted stay as they are."""
    wanted = set(found)
    by_cause: dict[str, set[tuple[str, str, str]]] = {}
    for one in wanted:
        by_cause.setdefault(one[0], set()).add(one)
    columns = select(occurrences.c.cause, occurrences.c.source, occurrences.c.eventid)
    for cause, some in sorted(by_cause.items()):
        ids = sorted(eventid for _, _, eventid in some)
        for part in (ids[start : start + 400] for start in range(0, len(ids), 400)):
            there = connection.execute(columns.where(occurrences.c.cause == cause, occurrences.c.eventid.in_(part)))
            wanted -= {(row.cause, row.source, row.eventid) for row in there}
    rows = [{"cause": cause, "source": source, "eventid": id_, "fresh": True} for cause, source, id_ in sorted(wanted)]
    if rows:
        connection.execute(insert(occurrences), rows)


def fresh_causes(connection: Connection) -> list[str]:
    """Return causes with an occurrence that was not looked at and has its ticket by now."""
    return list(connection.scalars(_FRESH_CAUSES))


def of_cause(connection: Connection, cause: str) -> list[Occurrence]:
    """Return every occurrence of a cause that has its ticket."""
    return [_occurrence(row) for row in connection.execute(_OF_CAUSE, {"cause": cause})]


def _occurrence(row: Row[Any]) -> Occurrence:
    event = facts.event(row.source, row.eventid, Facts.from_json(row.facts))
    return Occurrence(event, row.ticket_id, row.incident_id)


def ticketed_since(connection: Connection, since: datetime) -> list[Occurrence]:
    """Return every event that has a ticket and changed since a time, whether anybody counts it or not."""
    rows = connection.execute(_TICKETED_SINCE, {"since": since.timestamp()})
    found = [_occurrence(row) for row in rows]
    return [one for one in found if one.at is not None and one.at >= since]


def looked_at(
    connection: Connection, cause: str, seen: Sequence[Occurrence], begun: Undertaking | None, now: float
) -> Undertaking | None:
    """Note that occurrences were looked at: they join the Problem under way for their cause, else `begun` is begun.

    One transaction, so that no cause has two under way. Returns the one that was begun.
    """
    ids = [one.event.eventid for one in seen]
    for part in (ids[start : start + 400] for start in range(0, len(ids), 400)):
        mine = (occurrences.c.cause == cause, occurrences.c.eventid.in_(part))
        connection.execute(update(occurrences).where(*mine).values(fresh=False))
    held = under_way(connection, Kind.PROBLEM, cause)
    if held is not None:
        given = dict(held.given)
        if begun is not None and given.get("since") is not None:  # an older one was heard of later
            given["since"] = min(float(given["since"]), float(begun.given["since"]))
        changed = {"given": json.dumps(given), "due_at": now, "version": undertakings.c.version + 1}
        connection.execute(update(undertakings).where(undertakings.c.id == held.id).values(changed))
        return None
    return None if begun is None else begin(connection, begun, now)


# -- undertakings -----------------------------------------------------------------------------------------------------


def begin(connection: Connection, one: Undertaking, now: float) -> Undertaking:
    """Begin an undertaking, or return the one that is under way for its cause."""
    held = latest(connection, one.kind, one.cause)
    if held is not None and held.finished_at is None:
        return held
    generation = 1 if held is None else held.generation + 1
    if generation > 1:  # or what is new would be taken for the one that is over
        one = replace(one, marker=f"{one.marker}/{generation}")
    values = {
        "kind": one.kind.value, "cause": one.cause, "generation": generation, "marker": one.marker,
        "same": str(one.given.get("same", "")), "glpi_id": one.glpi_id, "given": json.dumps(one.given),
        "told": json.dumps(one.told), "seen": json.dumps(one.seen), "state": one.state, "version": 0, "due_at": now,
        "not_before": 0.0, "tries": 0, "created_at": now,
    }  # fmt: skip
    made = connection.execute(insert(undertakings).values(values)).inserted_primary_key
    assert made is not None  # noqa: S101 - an insert of one row has its key
    return replace(one, id=int(made[0]), generation=generation, created_at=now)


def latest(connection: Connection, kind: Kind, cause: str) -> Undertaking | None:
    """Return the newest undertaking of a cause, finished or not."""
    mine = and_(undertakings.c.kind == kind.value, undertakings.c.cause == cause)
    newest = select(undertakings).where(mine).order_by(undertakings.c.generation.desc()).limit(1)
    row = connection.execute(newest).first()
    return None if row is None else _undertaking(row)


def last_finished(connection: Connection, kind: Kind, cause: str) -> Undertaking | None:
    """Return the newest undertaking of a cause that is finished."""
    mine = and_(
        undertakings.c.kind == kind.value, undertakings.c.cause == cause, undertakings.c.finished_at.is_not(None)
    )
    row = connection.execute(
        select(undertakings).where(mine).order_by(undertakings.c.generation.desc()).limit(1)
    ).first()
    return None if row is None else _undertaking(row)


def under_way(connection: Connection, kind: Kind, cause: str) -> Undertaking | None:
    """Return the undertaking of a cause that is not finished."""
    found = latest(connection, kind, cause)
    return None if found is None or found.finished_at is not None else found


def by_id(connection: Connection, id_: int) -> Undertaking | None:
    """Return an undertaking by the store's own number."""
    row = connection.execute(select(undertakings).where(undertakings.c.id == id_)).first()
    return None if row is None else _undertaking(row)


def of_glpi(connection: Connection, kind: Kind, glpi_id: int) -> Undertaking | None:
    """Return the newest undertaking that is this Problem or Change in GLPI."""
    mine = and_(undertakings.c.kind == kind.value, undertakings.c.glpi_id == glpi_id)
    row = connection.execute(select(undertakings).where(mine).order_by(undertakings.c.id.desc()).limit(1)).first()
    return None if row is None else _undertaking(row)


def listed(connection: Connection, kind: Kind) -> list[Undertaking]:
    """Return every undertaking of a kind, oldest first."""
    rows = select(undertakings).where(undertakings.c.kind == kind.value).order_by(undertakings.c.id)
    return [_undertaking(row) for row in connection.execute(rows)]


def due(connection: Connection, now: float, limit: int = 50, *, besides: Collection[int] = ()) -> list[Undertaking]:
    """Return undertakings that are to be looked at, longest due first."""
    rows = connection.execute(_DUE, {"now": now, "ids": list(besides), "limit": limit})
    return [_undertaking(row) for row in rows]


def next_due(connection: Connection, now: float) -> float | None:
    """Return when an undertaking is to be looked at after `now`; None when none is."""
    columns = undertakings.c
    later = case((columns.not_before > columns.due_at, columns.not_before), else_=columns.due_at)
    free = (columns.due_at.is_not(None), columns.attempt_id.is_(None), columns.parked.is_(None))
    first: float | None = connection.scalar(select(func.min(later)).where(later > now, *free))
    return first


def give(connection: Connection, id_: int, given: Mapping[str, Any], now: float) -> None:
    """Replace what an undertaking was begun with, and let it be looked at; what was parked is tried anew."""
    values = {
        "given": json.dumps(given), "due_at": now, "not_before": 0.0, "parked": None, "tries": 0, "refused_at": None,
        "version": undertakings.c.version + 1,
    }  # fmt: skip
    connection.execute(update(undertakings).where(undertakings.c.id == id_).values(values))


def say(connection: Connection, change_id: int, text: str, now: float) -> None:
    """Owe GLPI's timeline a note on a Change, whoever made that; each is written once. `text` is HTML."""
    held = of_glpi(connection, Kind.CHANGE, change_id)
    if held is None:
        cause = f"change-{change_id}"
        new = Undertaking(0, Kind.CHANGE, cause, 1, f"zabbix glpi/{change_id} change {cause}", change_id)
        held = begin(connection, replace(new, given={"reason": "it has planned work"}), now)
    notes = held.given.get("notes", [])
    number = max([int(now), *(int(one["id"]) + 1 for one in notes)])
    give(connection, held.id, {**held.given, "notes": [*notes, {"id": number, "text": text}]}, now)


def trouble(connection: Connection, change_id: int, text: str, note: str, now: float) -> None:
    """Say once on a Change what is in the way of its maintenance; "" takes it back, so that it may be said again."""
    held = of_glpi(connection, Kind.CHANGE, change_id)
    if text == ("" if held is None else held.given.get("trouble", "")):
        return
    if text:
        say(connection, change_id, note, now)
        held = of_glpi(connection, Kind.CHANGE, change_id)
    if held is not None:
        give(connection, held.id, {**held.given, "trouble": text}, now)


def waiting(connection: Connection) -> list[tuple[Undertaking, bool]]:
    """Return those that are parked, or were refused and wait for their next try, and whether one is parked."""
    columns = undertakings.c
    refused = and_(columns.tries > 0, columns.finished_at.is_(None))
    rows = select(undertakings).where(or_(_is_parked(), refused)).order_by(columns.id)
    return [(_undertaking(row), row.parked is not None) for row in connection.execute(rows)]


def count_parked(connection: Connection) -> int:
    """Count what waits for a person."""
    return int(connection.scalar(select(func.count()).select_from(undertakings).where(_is_parked())) or 0)


def retry(connection: Connection, id_: int, now: float) -> bool:
    """Let what is parked, or waits for its next try, be tried at once, with what was left out; False if none is so."""
    row = connection.execute(select(undertakings).where(undertakings.c.id == id_).with_for_update()).first()
    if row is None or row.finished_at is not None or row.attempt_id is not None:
        return False
    told = json.loads(row.told)
    done = {deed: glpi_id for deed, glpi_id in told.items() if glpi_id}
    if row.parked is None and not row.tries and len(done) == len(told):
        return False
    values: dict[str, Any] = {"told": json.dumps(done), "not_before": 0.0, "due_at": now, "version": row.version + 1}
    if row.parked is not None:
        values |= {"parked": None, "tries": 0, "refused_at": None}
    connection.execute(update(undertakings).where(undertakings.c.id == id_).values(values))
    return True


def retry_all(connection: Connection, now: float) -> int:
    """Let all that is parked be tried at once; return how many."""
    ids = connection.scalars(select(undertakings.c.id).where(_is_parked())).all()
    return sum(retry(connection, id_, now) for id_ in ids)


def drop(connection: Connection, id_: int, now: float) -> bool:
    """Let nothing more be done for it; False while a deed is in flight, or where it is finished.

    Its cause is free again: what recurs from now on may become another.
    """
    columns = undertakings.c
    mine = and_(columns.id == id_, columns.attempt_id.is_(None), columns.finished_at.is_(None))
    values = {
        "state": DROPPED, "parked": None, "due_at": None, "finished_at": now, "version": columns.version + 1,
    }  # fmt: skip
    return connection.execute(update(undertakings).where(mine).values(values)).rowcount == 1


def _is_parked() -> ColumnElement[bool]:
    return and_(undertakings.c.parked.is_not(None), undertakings.c.finished_at.is_(None))


def rest(
    connection: Connection, one: Undertaking, why: str, until: float | None, now: float, *, is_final: bool
) -> None:
    """Let an undertaking rest until its time; what has changed meanwhile stays due. `seen` is kept."""
    same = and_(undertakings.c.id == one.id, undertakings.c.version == one.version)
    values = {
        "due_at": None if is_final else until, "state": why[:255], "seen": json.dumps(one.seen),
        "finished_at": now if is_final else None,
    }  # fmt: skip
    connection.execute(update(undertakings).where(same).values(values))


def claim(connection: Connection, attempt: Attempt, one: Undertaking) -> bool:
    """Commit to a deed before it is sent; False if more is known by now or another worker has the undertaking."""
    free = and_(undertakings.c.id == one.id, undertakings.c.version == one.version, undertakings.c.attempt_id.is_(None))
    if connection.execute(update(undertakings).where(free).values(attempt_id=attempt.id)).rowcount != 1:
        return False
    attempts.begin(connection, attempt)
    return True


def conclude(connection: Connection, attempt: Attempt, id_: int, ended: Ended, now: float) -> bool:
    """Record how a deed ended and give its claim back, in one transaction; False if another worker has settled it."""
    if not attempts.forget(connection, attempt):
        return False
    end(connection, id_, ended, now)
    return True


def end(connection: Connection, id_: int, ended: Ended, now: float) -> None:
    """Record what a deed came to, and let the undertaking be looked at again."""
    row = connection.execute(select(undertakings).where(undertakings.c.id == id_).with_for_update()).one()
    values: dict[str, Any] = {
        "attempt_id": None, "due_at": max(now, ended.not_before), "not_before": ended.not_before,
        "tries": ended.tries, "refused_at": ended.refused_at, "parked": ended.parked,
        "state": (ended.parked or ended.state)[:255], "version": row.version + 1,
    }  # fmt: skip
    if ended.told is not None:
        values["told"] = json.dumps({**json.loads(row.told), ended.told[0]: ended.told[1]})
    if ended.glpi_id is not None:
        values["glpi_id"] = ended.glpi_id
    connection.execute(update(undertakings).where(undertakings.c.id == id_).values(values))


def _undertaking(row: Row[Any]) -> Undertaking:
    return Undertaking(
        id=row.id, kind=Kind(row.kind), cause=row.cause, generation=row.generation, marker=row.marker,
        glpi_id=row.glpi_id, given=json.loads(row.given), told=json.loads(row.told), seen=json.loads(row.seen),
        state=row.state, version=row.version, tries=row.tries, refused_at=row.refused_at, parked=row.parked,
        created_at=row.created_at, finished_at=row.finished_at,
    )  # fmt: skip
