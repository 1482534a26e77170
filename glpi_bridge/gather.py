"""Problems that come too many at once become the children of a storm. Calls nobody; `storm` says which they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glpi_bridge import plan, storm
from glpi_bridge.model import Incident, Policy, Route, Storm, Told
from glpi_bridge.store import Connection, events, storms


@dataclass(frozen=True, slots=True)
class Fresh:
    """An incident that was just opened, its number in the store, and when its problem began (epoch seconds)."""

    id: int
    incident: Incident
    route: Route
    began: float


def gather(connection: Connection, fresh: Iterable[Fresh], now: float) -> None:
    """Note the groups of new incidents, and give those of a storm their parent."""
    groups: dict[tuple[str, str], list[Fresh]] = {}
    for one in fresh:
        if one.route.policy.storm is not None and one.route.group:
            groups.setdefault((one.incident.source, _group(one.route.policy.storm, one.route.group)), []).append(one)
    for (source, group), some in groups.items():
        storms.watch(connection, group, {one.id: one.began for one in some})
        _gather(connection, source, group, some[0].route.policy, some, now)


def _group(rule: Storm, name: str) -> str:
    """Shorten a group so that it fits into a marker: the same fields with the same values, the same word."""
    return hashlib.sha256(json.dumps([rule.by, name]).encode()).hexdigest()[:16]


def _gather(
    connection: Connection, source: str, group: str, policy: Policy, fresh: Sequence[Fresh], now: float
) -> None:
    if policy.storm is None:
        return
    begins, window = [one.began for one in fresh], policy.storm.window.total_seconds()
    members = storms.members(connection, source, group, min(begins) - window, max(begins) + window)
    last = storms.newest(connection, source, group)
    live = last if last is not None and plan.gathers(last, min(begins), policy) else None
    if live is None:  # those of a storm that takes no more are no part of the next one
        members = {id_: one for id_, one in members.items() if one.parent_id is None}
    found = storm.gathered(((one.began, id_) for id_, one in members.items()), policy.storm)
    joining = [id_ for id_ in found if members[id_].parent_id is None]
    refound = storms.refound(connection, source, f"{storm.MARKER}{group}")
    if refound is not None and (last is None or (live is not None and live.marker == refound[0])):
        # its tickets were made before the store was lost: how many there were at once is not known any more
        known = {one.id for one in fresh if one.incident.told.ticket_id is not None}
        joining += sorted(known - set(joining))
    if not joining:
        return
    parent = live.id if live is not None else 0
    if not parent:
        marker, told = f"{members[joining[0]].marker}{storm.MARKER}{group}", Told()
        if refound is not None and last is None:
            marker, told = refound
        generation = 1 if last is None else last.generation + 1
        made = Incident(0, source, f"storm:{group}", generation, marker, (), told=told)
        parent = storms.insert(connection, made, group, now)
    storms.join(connection, joining, parent)
    events.make_due(connection, {parent, *joining}, now)
