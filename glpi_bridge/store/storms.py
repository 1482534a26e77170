"""Storms as rows: the groups that are watched, the parents, whose children incidents are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import Connection

from glpi_bridge.model import Incident, Told
from glpi_bridge.store.events import chunks
from glpi_bridge.store.incidents import by_ids, insert_incidents
from glpi_bridge.store.tables import found, incidents


@dataclass(frozen=True, slots=True)
class Member:
    """An incident of a watched group: when its problem began (epoch seconds), the number of its storm if it has one."""

    id: int
    marker: str
    began: float
    parent_id: int | None


def watch(connection: Connection, group: str, begins: Mapping[int, float]) -> None:
    """Note that incidents (number → when its problem began) belong to a group."""
    rows = [{"incident": id_, "began": began} for id_, began in begins.items()]
    mine = update(incidents).where(incidents.c.id == bindparam("incident"))
    connection.execute(mine.values(storm_group=group, opened_at=bindparam("began")), rows)


def members(connection: Connection, source: str, group: str, since: float, until: float) -> dict[int, Member]:
    """Return the incidents of a group whose problem began between two times."""
    columns = select(incidents.c.id, incidents.c.marker, incidents.c.opened_at, incidents.c.parent_id).where(
        incidents.c.storm_group == group,
        incidents.c.source == source,
        incidents.c.opened_at.between(since, until),
        ~incidents.c.is_storm,
    )
    return {row.id: Member(row.id, row.marker, row.opened_at, row.parent_id) for row in connection.execute(columns)}


def newest(connection: Connection, source: str, group: str) -> Incident | None:
    """Return the latest storm of a group."""
    columns = select(func.max(incidents.c.id)).where(
        incidents.c.storm_group == group, incidents.c.source == source, incidents.c.is_storm
    )
    id_ = connection.scalar(columns)
    return None if id_ is None else by_ids(connection, [id_])[0].incident


def insert(connection: Connection, storm: Incident, group: str, now: float) -> int:
    """Make a storm and return its number; a repeat for `Store.write` if somebody made it first."""
    [id_] = insert_incidents(connection, [storm], now)
    connection.execute(update(incidents).where(incidents.c.id == id_).values(is_storm=True, storm_group=group))
    return id_


def join(connection: Connection, ids: Sequence[int], parent: int) -> None:
    """Make incidents the children of a storm."""
    for part in chunks(ids):
        connection.execute(update(incidents).where(incidents.c.id.in_(part)).values(parent_id=parent))


def leave(connection: Connection, storm: Incident) -> None:
    """Let the children that are not linked to its ticket leave a storm."""
    columns = select(incidents.c.id, incidents.c.told).where(incidents.c.parent_id == storm.id)
    rows = connection.execute(columns).all()
    loose = [row.id for row in rows if storm.told.ticket_id not in json.loads(row.told)["linked"]]
    for part in chunks(loose):
        connection.execute(update(incidents).where(incidents.c.id.in_(part)).values(parent_id=None))


def refound(connection: Connection, source: str, ending: str) -> tuple[str, Told] | None:
    """Return marker and ticket of an open storm that a scan of GLPI has found, by how its marker ends."""
    like = found.c.marker.startswith(f"zabbix {source}/", autoescape=True) & found.c.marker.endswith(
        ending, autoescape=True
    )
    row = connection.execute(select(found).where(like).order_by(found.c.ticket_id.desc())).first()
    return None if row is None else (row.marker, Told(row.ticket_id))
