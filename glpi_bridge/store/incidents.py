"""Incidents as rows: what is due, who works on it, how it ended."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    case,
    distinct,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection

from glpi_bridge import facts
from glpi_bridge.facts import Facts
from glpi_bridge.model import Children, Event, Incident, Seen, TicketStatus, Told, Wait, Word
from glpi_bridge.store.events import IDS, chunks, due_of, make_due
from glpi_bridge.store.heard import Heard, heard_of
from glpi_bridge.store.tables import events, incidents

_KEY_LENGTH = 255

# Asked all the time, so they are built once.
_DUE = due_of(incidents)
_ACKNOWLEDGING = (
    select(incidents)
    .where(
        incidents.c.ack_due_at <= bindparam("now"),
        incidents.c.ack_not_before <= bindparam("now"),
        incidents.c.source.in_(bindparam("sources", expanding=True)),
        incidents.c.ack_attempt_id.is_(None),
        incidents.c.ack_parked.is_(None),
    )
    .order_by(incidents.c.ack_due_at, incidents.c.id)
    .limit(bindparam("limit"))
)
_BY_IDS = select(incidents).where(incidents.c.id.in_(IDS)).order_by(incidents.c.id)
_BY_TICKETS = select(incidents).where(incidents.c.ticket_id.in_(IDS)).order_by(incidents.c.id)
_BY_MARKER = select(incidents).where(incidents.c.marker == bindparam("marker"))
_MEMBERS = select(events.c.source, events.c.eventid, events.c.facts, events.c.incident_id).where(
    events.c.incident_id.in_(IDS)
)
_CAUSES = select(events.c.eventid, events.c.incident_id).where(
    events.c.source == bindparam("source"), events.c.eventid.in_(IDS)
)
_FATHERS = select(incidents.c.id, incidents.c.ticket_id, incidents.c.seen).where(incidents.c.id.in_(IDS))
_COUNTS = (
    select(
        incidents.c.parent_id,
        func.count(),
        func.count(incidents.c.ticket_id),
        func.sum(case((incidents.c.finished_at.is_(None), 1), else_=0)),
        func.min(incidents.c.id),
    )
    .where(incidents.c.parent_id.in_(IDS))
    .group_by(incidents.c.parent_id)
)
_LIVING = (
    select(incidents.c.parent_id, func.count(distinct(incidents.c.id)))
    .join(events, events.c.incident_id == incidents.c.id)
    .where(incidents.c.parent_id.in_(IDS), events.c.is_open)
    .group_by(incidents.c.parent_id)
)
_AS_PLANNED = update(incidents).where(
    incidents.c.id == bindparam("incident"), incidents.c.version == bindparam("planned_on")
)
_TAKE = _AS_PLANNED.where(incidents.c.attempt_id.is_(None)).values(attempt_id=bindparam("attempt"))
_TAKEN = select(incidents.c.id).where(incidents.c.attempt_id == bindparam("attempt"))
_REST = _AS_PLANNED.values(
    due_at=bindparam("until"),
    state=bindparam("why"),
    finished_at=case((bindparam("is_final"), func.coalesce(incidents.c.finished_at, bindparam("now"))), else_=None),
    not_before=0.0,
)
_REST_AND_ACKNOWLEDGE = _REST.values(ack_due_at=bindparam("now"))


@dataclass(frozen=True, slots=True)
class Owed:
    """An incident as the deliverer needs it: with its version and what went wrong so far."""

    incident: Incident
    version: int
    tries: int
    refused_at: float | None
    doubts: int
    acknowledged_text: str
    ack_tries: int
    is_acknowledging: bool
    news_text: str | None = None
    heard: Heard = field(default_factory=Heard)


@dataclass(frozen=True, slots=True)
class Rest:
    """An incident for which nothing is due now; `acknowledges`: but Zabbix is still to be told."""

    owed: Owed
    wait: Wait
    acknowledges: bool


@dataclass(frozen=True, slots=True)
class End:
    """How an incident leaves an attempt; None keeps what was."""

    incident_id: int
    told: Told | None = None
    seen: Seen | None = None
    state: str = ""
    not_before: float = 0.0
    tries: int = 0
    refused_at: float | None = None
    doubts: int = 0
    parked: str | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """An incident that waits for a person."""

    id: int
    marker: str
    ticket_id: int | None
    why: str
    is_acknowledgement: bool
    names: tuple[str, ...] = field(default=())


def due(connection: Connection, now: float, limit: int, *, besides: Collection[int] = ()) -> list[Owed]:
    """Return incidents that the plan should look at, longest due first; not those `besides` which it has already."""
    rows = connection.execute(_DUE, {"now": now, "ids": list(besides), "limit": limit})
    return _owed(connection, rows.all())


def acknowledging(connection: Connection, now: float, sources: Collection[str], limit: int) -> list[Owed]:
    """Return incidents with an event that does not name its ticket in Zabbix yet."""
    rows = connection.execute(_ACKNOWLEDGING, {"now": now, "sources": list(sources), "limit": limit})
    return _owed(connection, rows.all())


def next_due(connection: Connection, now: float) -> tuple[float | None, float | None]:
    """Return when something becomes due after `now` for GLPI and for Zabbix; None where nothing will."""
    free = (incidents.c.attempt_id.is_(None), incidents.c.parked.is_(None))
    ack_free = (incidents.c.ack_attempt_id.is_(None), incidents.c.ack_parked.is_(None))
    glpi = _next(incidents.c.due_at, incidents.c.not_before, free, now)
    zabbix = _next(incidents.c.ack_due_at, incidents.c.ack_not_before, ack_free, now)
    return connection.scalar(glpi), connection.scalar(zabbix)


def _next(
    due_at: Column[Any], not_before: Column[Any], free: Sequence[ColumnElement[bool]], now: float
) -> Select[tuple[Any]]:
    later = case((not_before > due_at, not_before), else_=due_at)
    return select(func.min(later)).where(due_at.is_not(None), later > now, *free)


def latest(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Incident]:
    """Return the newest generation of each (source, key) that has any."""
    found: dict[tuple[str, str], Row[Any]] = {}
    by_source: dict[str, list[str]] = {}
    for source, key in keys:
        by_source.setdefault(source, []).append(key)
    for source, names in by_source.items():
        for part in chunks(names):
            rows = select(incidents).where(incidents.c.source == source, incidents.c.key.in_(part))
            for row in connection.execute(rows.order_by(incidents.c.generation)):
                found[row.source, row.key] = row
    return {owed_key: owed.incident for owed_key, owed in zip(found, _owed(connection, found.values()), strict=True)}


def by_ids(connection: Connection, ids: Sequence[int]) -> list[Owed]:
    """Return incidents by the store's own numbers."""
    rows: list[Row[Any]] = []
    for part in chunks(ids):
        rows += connection.execute(_BY_IDS, {"ids": part})
    return _owed(connection, rows)


def by_tickets(connection: Connection, ids: Sequence[int]) -> list[Owed]:
    """Return incidents by the numbers of their tickets."""
    rows: list[Row[Any]] = []
    for part in chunks(ids):
        rows += connection.execute(_BY_TICKETS, {"ids": part})
    return _owed(connection, rows)


def by_marker(connection: Connection, marker: str) -> Owed | None:
    """Return the incident whose ticket carries a marker."""
    found = _owed(connection, connection.execute(_BY_MARKER, {"marker": marker}).all())
    return found[0] if found else None


def insert_incidents(connection: Connection, made: Sequence[Incident], now: float) -> list[int]:
    """Make incidents and return their numbers; a repeat for `Store.write` if somebody made a generation first."""
    rows = [
        {
            "source": one.source, "key": one.key[:_KEY_LENGTH], "generation": one.generation, "marker": one.marker,
            "previous": one.previous, "ticket_id": one.told.ticket_id, "told": told_text(one.told),
            "seen": seen_text(one.seen), "created_at": now, "due_at": now, "acknowledged": "[]", "not_before": 0.0,
            "ack_not_before": 0.0, "version": 0, "state": "", "tries": 0, "doubts": 0, "ack_tries": 0,
            # a ticket that was found has a history before us
            "news": None if one.told.ticket_id is None else Heard(since=now).to_json(),
        }
        for one in made
    ]  # fmt: skip
    if not rows:
        return []
    connection.execute(insert(incidents), rows)
    numbers: dict[tuple[str, str, int], int] = {}
    for source in {one.source for one in made}:
        for part in chunks(sorted({one.key[:_KEY_LENGTH] for one in made if one.source == source})):
            columns = select(incidents.c.key, incidents.c.generation, incidents.c.id)
            for row in connection.execute(columns.where(incidents.c.source == source, incidents.c.key.in_(part))):
                numbers[source, row.key, row.generation] = row.id
    return [numbers[one.source, one.key[:_KEY_LENGTH], one.generation] for one in made]


def rest(connection: Connection, rests: Sequence[Rest], now: float) -> None:
    """Put incidents to rest until their time or until facts change; what has changed meanwhile stays due.

    A storm is looked at again whenever one of its children has come to rest.
    """
    for acknowledges, statement in ((False, _REST), (True, _REST_AND_ACKNOWLEDGE)):
        some = [one for one in rests if (one.acknowledges and not one.owed.is_acknowledging) is acknowledges]
        if some:
            connection.execute(statement, [{**_rest_row(one), "now": now} for one in some])
    make_due(connection, {one.owed.incident.parent for one in rests if one.owed.incident.parent is not None}, now)


def _rest_row(one: Rest) -> dict[str, Any]:
    wait = one.wait
    return {
        "incident": one.owed.incident.id,
        "planned_on": one.owed.version,
        "until": None if wait.until is None else wait.until.timestamp(),
        "why": wait.reason[:255],
        "is_final": wait.is_final,
    }


def set_seen(connection: Connection, incident_id: int, seen: Seen, now: float) -> None:
    """Note how the ticket stands in GLPI, and let the plan look."""
    connection.execute(
        update(incidents)
        .where(incidents.c.id == incident_id)
        .values(seen=seen_text(seen), due_at=now, version=incidents.c.version + 1)
    )


def end(connection: Connection, ends: Iterable[End], now: float) -> None:
    """Record how incidents left their attempt and let the plan look at them again, unless they are parked."""
    rows: dict[tuple[bool, bool], list[dict[str, Any]]] = {}
    for one in ends:
        rows.setdefault((one.told is not None, one.seen is not None), []).append(_end_row(one, now))
    for (has_told, has_seen), some in rows.items():
        connection.execute(_ending(has_told=has_told, has_seen=has_seen), some)


@cache
def _ending(*, has_told: bool, has_seen: bool) -> Update:
    names = ["due_at", "not_before", "tries", "refused_at", "doubts", "parked", "state"]
    names += ["told", "ticket_id"] if has_told else []
    names += ["seen"] if has_seen else []
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    changed = {**values, "attempt_id": None, "version": incidents.c.version + 1}
    return update(incidents).where(incidents.c.id == bindparam("incident")).values(changed)


def _end_row(one: End, now: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "incident": one.incident_id,
        "new_due_at": max(now, one.not_before),
        "new_not_before": one.not_before,
        "new_tries": one.tries,
        "new_refused_at": one.refused_at,
        "new_doubts": one.doubts,
        "new_parked": one.parked,
        "new_state": (one.parked or one.state)[:255],
    }
    if one.told is not None:
        row |= {"new_told": told_text(one.told), "new_ticket_id": one.told.ticket_id}
    if one.seen is not None:
        row["new_seen"] = seen_text(one.seen)
    return row


def hear(
    connection: Connection, incident_id: int, rows: Collection[int], words: Sequence[Word], read: str, now: float
) -> None:
    """Keep which rows of its ticket's history were read, and owe Zabbix these words; each row is heard once.

    `read` is the ticket's time of change that the history was read at, empty if it must be read again.
    """
    held = _locked(connection, incident_id)
    if held is None:
        return
    fresh = [word for word in words if word.id not in held.heard.rows]
    heard = replace(held.heard, rows=held.heard.rows | set(rows), read=read, words=(*held.heard.words, *fresh))
    values: dict[str, Any] = {"news": heard.to_json()}
    if fresh:
        values["ack_due_at"] = func.coalesce(incidents.c.ack_due_at, now)
    connection.execute(update(incidents).where(incidents.c.id == incident_id).values(values))


def _locked(connection: Connection, incident_id: int) -> Owed | None:
    """Read an incident of which nobody else changes what Zabbix is owed before the end of this transaction."""
    rows = connection.execute(select(incidents).where(incidents.c.id == incident_id).with_for_update()).all()
    return next(iter(_owed(connection, rows)), None)


def end_acknowledgement(
    connection: Connection,
    owed: Owed,
    acknowledged: Collection[str],
    *,
    now: float,
    words: Collection[tuple[int, str]] = (),
    not_before: float = 0.0,
    tries: int = 0,
    parked: str | None = None,
) -> None:
    """Record what Zabbix has confirmed of one incident (`words`: news and event); due again while an event is left."""
    all_told = sorted(owed.incident.acknowledged | set(acknowledged))
    now_held = _locked(connection, owed.incident.id)
    if now_held is None:
        return
    # events may have joined, and more been heard, since it was claimed
    announced = {event.eventid for event in now_held.incident.events if event.announced}
    left = tuple(word for word in now_held.heard.words if (word.id, word.eventid) not in words)
    values: dict[str, Any] = {
        "ack_attempt_id": None,
        "acknowledged": json.dumps(all_told),
        "ack_due_at": max(now, not_before) if left or announced - set(all_told) else None,
        "ack_not_before": not_before,
        "ack_tries": tries,
        "ack_parked": parked,
    }
    if words:
        values["news"] = replace(now_held.heard, words=left).to_json()
    connection.execute(update(incidents).where(incidents.c.id == owed.incident.id).values(values))


def set_told(connection: Connection, owed: Owed, told: Told, now: float) -> None:
    """Correct what is told of an incident, unless it changed meanwhile, and let the plan look, as if anew."""
    same = and_(incidents.c.id == owed.incident.id, incidents.c.version == owed.version)
    values = {"told": told_text(told), "due_at": now, "version": incidents.c.version + 1, "tries": 0}
    connection.execute(update(incidents).where(same).values(values))


def put_off(connection: Connection, owed: Owed, why: str, not_before: float) -> None:
    """Try an incident again later, unless it changed meanwhile; counts as one try."""
    same = and_(incidents.c.id == owed.incident.id, incidents.c.version == owed.version)
    values = {"not_before": not_before, "tries": owed.tries + 1, "state": why[:255]}
    connection.execute(update(incidents).where(same).values(values))


def park(connection: Connection, owed: Owed, why: str) -> None:
    """Let an incident wait for a person."""
    same = and_(incidents.c.id == owed.incident.id, incidents.c.version == owed.version)
    connection.execute(update(incidents).where(same).values(parked=why, state=why[:255]))


def owe_completion(connection: Connection, ticket_id: int, now: float) -> None:
    """Let the actors of a ticket be added."""
    for one in by_tickets(connection, [ticket_id]):
        text = told_text(replace(one.incident.told, incomplete=True))
        values = {"told": text, "due_at": now, "version": incidents.c.version + 1}
        same = and_(incidents.c.id == one.incident.id, incidents.c.version == one.version)
        connection.execute(update(incidents).where(same).values(values))


def no_acknowledgement(connection: Connection, owed: Owed) -> None:
    """Nothing is owed to Zabbix here, as the events now stand."""
    same = and_(
        incidents.c.id == owed.incident.id,
        incidents.c.version == owed.version,
        incidents.c.news.is_not_distinct_from(owed.news_text),
    )
    connection.execute(update(incidents).where(same).values(ack_due_at=None))


def parked(connection: Connection, limit: int = 1000) -> list[Parked]:
    """Return what waits for a person, oldest first."""
    rows = connection.execute(
        select(incidents.c.id, incidents.c.marker, incidents.c.ticket_id, incidents.c.parked, incidents.c.ack_parked)
        .where(incidents.c.parked.is_not(None) | incidents.c.ack_parked.is_not(None))
        .order_by(incidents.c.id)
        .limit(limit)
    )
    return [
        Parked(row.id, row.marker, row.ticket_id, why, is_acknowledgement)
        for row in rows
        for why, is_acknowledgement in ((row.parked, False), (row.ack_parked, True))
        if why is not None
    ]


def unpark(connection: Connection, incident_id: int, now: float) -> bool:
    """Try a parked incident again, at once."""
    values = {
        "parked": None, "ack_parked": None, "tries": 0, "ack_tries": 0, "refused_at": None, "not_before": 0.0,
        "ack_not_before": 0.0, "due_at": now, "ack_due_at": now, "version": incidents.c.version + 1,
    }  # fmt: skip
    is_parked = incidents.c.parked.is_not(None) | incidents.c.ack_parked.is_not(None)
    found = update(incidents).where(incidents.c.id == incident_id, is_parked)
    return connection.execute(found.values(values)).rowcount == 1


def take(connection: Connection, attempt_id: str, versions: Mapping[int, int]) -> set[int]:
    """Mark incidents (id → version planned on) as an attempt's; return those that it got.

    Not those that somebody else works on, nor those of which more is known by now.
    """
    wanted = [{"attempt": attempt_id, "incident": id_, "planned_on": version} for id_, version in versions.items()]
    connection.execute(_TAKE, sorted(wanted, key=itemgetter("incident")))
    return set(connection.scalars(_TAKEN, {"attempt": attempt_id}))


def told_text(told: Told) -> str:
    """Write Told as JSON; the ticket's number has a column of its own."""
    return json.dumps(
        {
            "urgency": told.urgency,
            "impact": told.impact,
            "notes": sorted(told.notes),
            "solved": sorted(told.solved),
            "reopened": sorted(told.reopened),
            "linked": sorted(told.linked),
            "assets": sorted(told.assets),
            "looked_for": sorted(told.looked_for),
            "incomplete": told.incomplete,
            "unconfirmed": told.unconfirmed,
            "unopened": told.unopened,
            "closed": sorted(told.closed),
            "unclosed": told.unclosed,
            "plain": told.plain,
            "members": sorted(told.members),
            "open_since": None if told.open_since is None else told.open_since.timestamp(),
            "handed": list(told.handed),
            "owned": told.owned,
            "major": told.major,
            "priority": told.priority,
        }
    )


def seen_text(seen: Seen) -> str:
    """Write Seen as JSON."""
    return json.dumps(
        {
            "status": int(seen.status),
            "urgency": seen.urgency,
            "impact": seen.impact,
            "priority": seen.priority,
            "computed": seen.computed,
            "finished_at": None if seen.finished_at is None else seen.finished_at.timestamp(),
            "by_us": seen.by_us,
            "is_deleted": seen.is_deleted,
            "is_gone": seen.is_gone,
        }
    )


def _told(text: str, ticket_id: int | None) -> Told:
    raw = json.loads(text)
    return Told(
        ticket_id=ticket_id,
        urgency=raw["urgency"],
        impact=raw["impact"],
        notes=frozenset(raw["notes"]),
        solved=frozenset(raw["solved"]),
        reopened=frozenset(raw["reopened"]),
        linked=frozenset(raw["linked"]),
        assets=frozenset(raw.get("assets", ())),
        looked_for=frozenset(raw.get("looked_for", ())),
        incomplete=raw["incomplete"],
        unconfirmed=raw["unconfirmed"],
        unopened=raw.get("unopened", False),
        closed=frozenset(raw.get("closed", ())),
        unclosed=raw.get("unclosed", False),
        plain=raw["plain"],
        members=frozenset(raw.get("members", ())),
        open_since=_moment(raw.get("open_since")),
        handed=tuple(raw.get("handed", ())),
        owned=raw.get("owned", False),
        major=raw.get("major", False),
        priority=raw.get("priority"),
    )


def _seen(text: str | None) -> Seen:
    if text is None:
        return Seen()
    raw = json.loads(text)
    return Seen(**{**raw, "status": TicketStatus(raw["status"]), "finished_at": _moment(raw["finished_at"])})


def _moment(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def _owed(connection: Connection, rows: Collection[Row[Any]]) -> list[Owed]:
    members: dict[int, list[Event]] = {row.id: [] for row in rows}
    for part in chunks(list(members)):
        for row in connection.execute(_MEMBERS, {"ids": part}):
            event = facts.event(row.source, row.eventid, Facts.from_json(row.facts))
            members[row.incident_id].append(event)
    fathers = _fathers(connection, rows, members)
    children = _children(connection, [row.id for row in rows if row.is_storm], members)
    return [_one(row, members[row.id], fathers.get(row.id, ()), children.get(row.id)) for row in rows]


def _fathers(
    connection: Connection, rows: Collection[Row[Any]], members: Mapping[int, Sequence[Event]]
) -> dict[int, tuple[int, ...]]:
    """Return the tickets whose sons these incidents' tickets are to be; not those that a person has removed."""
    causes = {(row.source, event.cause_eventid): 0 for row in rows for event in members[row.id] if event.cause_eventid}
    for source in {source for source, _ in causes}:
        for part in chunks([eventid for of, eventid in causes if of == source]):
            for cause in connection.execute(_CAUSES, {"source": source, "ids": part}):
                causes[source, cause.eventid] = cause.incident_id or 0
    wanted = {
        row.id: {row.parent_id, *(causes.get((row.source, event.cause_eventid)) for event in members[row.id])}
        for row in rows
    }
    tickets: dict[int | None, int] = {}
    for part in chunks(sorted({id_ for ids in wanted.values() for id_ in ids if id_})):
        for father in connection.execute(_FATHERS, {"ids": part}):
            seen = _seen(father.seen)
            if father.ticket_id is not None and not seen.is_deleted and not seen.is_gone:
                tickets[father.id] = father.ticket_id
    return {id_: tuple(sorted(tickets[one] for one in ids - {id_} if one in tickets)) for id_, ids in wanted.items()}


def _children(connection: Connection, storms: Sequence[int], members: dict[int, list[Event]]) -> dict[int, Children]:
    """Count the children of storms, and let the events of each one's first child speak for it."""
    counted: dict[int, Children] = dict.fromkeys(storms, Children())
    firsts: dict[int, int] = {}
    for part in chunks(storms):
        for storm, count, tickets, still_open, first in connection.execute(_COUNTS, {"ids": part}):
            counted[storm] = Children(int(count), int(tickets), int(still_open))
            firsts[first] = storm
        for storm, live in connection.execute(_LIVING, {"ids": part}):
            counted[storm] = replace(counted[storm], live=int(live))
    for part in chunks(sorted(firsts)):
        for row in connection.execute(_MEMBERS, {"ids": part}):
            event = facts.event(row.source, row.eventid, Facts.from_json(row.facts))
            members[firsts[row.incident_id]].append(event)
    return counted


def _one(row: Row[Any], members: list[Event], fathers: tuple[int, ...], children: Children | None) -> Owed:
    members.sort(key=lambda event: (event.opened_at.timestamp() if event.opened_at else 0.0, event.eventid))
    heard = heard_of(row.news)
    incident = Incident(
        id=row.id,
        source=row.source,
        key=row.key,
        generation=row.generation,
        marker=row.marker,
        events=tuple(members),
        told=_told(row.told, row.ticket_id),
        seen=_seen(row.seen),
        previous=row.previous,
        acknowledged=frozenset(json.loads(row.acknowledged)),
        words=heard.words,
        fathers=fathers,
        parent=row.parent_id,
        children=children,
    )
    return Owed(
        incident=incident,
        version=row.version,
        tries=row.tries,
        refused_at=row.refused_at,
        doubts=row.doubts,
        acknowledged_text=row.acknowledged,
        ack_tries=row.ack_tries,
        is_acknowledging=row.ack_due_at is not None or row.ack_attempt_id is not None,
        news_text=row.news,
        heard=heard,
    )
