"""Maintenances as rows: what a Change is to have in each Zabbix, who works on it, what was told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, and_, insert, or_, select, update
from sqlalchemy.engine import Connection

from glpi_bridge.maintenance import Content, Step, Upkeep
from glpi_bridge.store import undertakings
from glpi_bridge.store.tables import maintenances


@dataclass(frozen=True, slots=True)
class Wish:
    """What a Change is to have in one Zabbix; `names` tells people its hosts: host id → name.

    Not `is_sure`: the hosts that it was to have before are added.
    """

    change_id: int
    source: str
    name: str
    marker: str
    title: str
    content: Content | None
    why: str
    names: Mapping[str, str]
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call or a look leaves a maintenance. `note` is what GLPI's timeline is told of it, "" for nothing."""

    told: Content | None
    maintenanceid: str = ""
    step: Step | None = None
    left: str = ""
    state: str = ""
    not_before: float = 0.0
    tries: int = 0
    refused_at: float | None = None
    parked: str | None = None
    is_final: bool = False
    note: str = ""


def wish(connection: Connection, one: Wish) -> bool:
    """Keep what is wanted; True when it differs from what was. What was over or parked goes on then."""
    values: dict[str, Any]
    mine = and_(maintenances.c.change_id == one.change_id, maintenances.c.source == one.source)
    row = connection.execute(select(maintenances).where(mine).with_for_update()).first()
    content = _text(_with_former(one, None if row is None else _content(row.wanted)))
    if row is None:
        if content is None:
            return False
        values = {
            "change_id": one.change_id, "source": one.source, "name": one.name, "marker": one.marker,
            "title": one.title[:255], "wanted": content, "why": one.why[:255], "names": json.dumps(dict(one.names)),
            "told": None, "maintenanceid": "", "step": None, "begun_at": 0.0, "worker": "", "lease_until": 0.0,
            "left": "", "state": "", "version": 0, "not_before": 0.0, "tries": 0, "refused_at": None, "parked": None,
            "finished_at": None,
        }  # fmt: skip
        connection.execute(insert(maintenances).values(values))
        return True
    if row.wanted == content:
        return False
    values = {
        "wanted": content, "why": one.why[:255], "title": one.title[:255], "not_before": 0.0, "tries": 0,
        "refused_at": None, "parked": None, "finished_at": None, "version": row.version + 1,
    }  # fmt: skip
    if content is not None:
        values["names"] = json.dumps({**json.loads(row.names), **one.names})
    connection.execute(update(maintenances).where(mine).values(values))
    return True


def _with_former(one: Wish, before: Content | None) -> Content | None:
    if one.is_sure or one.content is None:
        return one.content
    hosts = {*one.content.hosts, *(() if before is None else before.hosts)}
    return replace(one.content, hosts=tuple(sorted(hosts, key=int))) if hosts else None


def under_way(connection: Connection, source: str) -> list[Upkeep]:
    """Return the maintenances of one Zabbix that are not over."""
    mine = and_(maintenances.c.source == source, maintenances.c.finished_at.is_(None))
    return [_upkeep(row) for row in connection.execute(select(maintenances).where(mine).order_by(maintenances.c.id))]


def of_changes(connection: Connection) -> dict[int, list[Upkeep]]:
    """Return every maintenance, by its Change."""
    found: dict[int, list[Upkeep]] = {}
    for row in connection.execute(select(maintenances).order_by(maintenances.c.id)):
        found.setdefault(row.change_id, []).append(_upkeep(row))
    return found


def open_changes(connection: Connection) -> set[int]:
    """Return the Changes that have a maintenance which is not over."""
    return set(connection.scalars(select(maintenances.c.change_id).where(maintenances.c.finished_at.is_(None))))


def claim(connection: Connection, one: Upkeep, step: Step, worker: str, now: float, lease_until: float) -> bool:
    """Commit to a call before it is sent; False if more is known by now or another worker has it in hand."""
    free = and_(
        maintenances.c.id == one.id,
        maintenances.c.version == one.version,
        or_(maintenances.c.worker == "", maintenances.c.lease_until <= now),
    )
    values = {
        "step": json.dumps(step.to_json()), "begun_at": now, "worker": worker, "lease_until": lease_until,
        "version": one.version + 1,
    }  # fmt: skip
    return connection.execute(update(maintenances).where(free).values(values)).rowcount == 1


def end(connection: Connection, one: Upkeep, ended: Ended, worker: str, now: float) -> bool:
    """Record what a call or a look came to, and what GLPI is to be told of it; False if it is another's by now."""
    row = connection.execute(select(maintenances).where(maintenances.c.id == one.id).with_for_update()).one()
    if row.worker != worker and (row.version != one.version or (row.worker and row.lease_until > now)):
        return False
    values: dict[str, Any] = {
        "told": _text(ended.told), "maintenanceid": ended.maintenanceid, "left": ended.left[:255],
        "step": None if ended.step is None else json.dumps(ended.step.to_json()), "worker": "", "lease_until": 0.0,
        "state": (ended.parked or ended.left or ended.state)[:255], "not_before": ended.not_before,
        "tries": ended.tries, "refused_at": ended.refused_at, "parked": ended.parked,
        "finished_at": now if ended.is_final else None, "version": row.version + 1,
    }  # fmt: skip
    connection.execute(update(maintenances).where(maintenances.c.id == one.id).values(values))
    if ended.note:
        undertakings.say(connection, one.change_id, ended.note, now)
    return True


def _text(content: Content | None) -> str | None:
    return None if content is None else json.dumps(content.to_json())


def _content(text: str | None) -> Content | None:
    return None if text is None else Content.from_json(json.loads(text))


def _upkeep(row: Row[Any]) -> Upkeep:
    return Upkeep(
        id=row.id, change_id=row.change_id, source=row.source, name=row.name, marker=row.marker, title=row.title,
        wanted=_content(row.wanted), why=row.why, told=_content(row.told), maintenanceid=row.maintenanceid,
        step=None if row.step is None else Step.from_json(json.loads(row.step)), begun_at=row.begun_at, left=row.left,
        state=row.state, version=row.version, not_before=row.not_before, tries=row.tries, refused_at=row.refused_at,
        parked=row.parked, finished_at=row.finished_at, names=json.loads(row.names), worker=row.worker,
        lease_until=row.lease_until,
    )  # fmt: skip
