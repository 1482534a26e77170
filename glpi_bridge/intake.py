"""From the spool to facts, from facts to incidents. Calls nobody."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from glpi_bridge import facts, plan, recurrence
from glpi_bridge.alert import BadAlert
from glpi_bridge.context import CRON, Context
from glpi_bridge.facts import Facts
from glpi_bridge.gather import Fresh, gather
from glpi_bridge.model import Alert, Incident, Route, Told
from glpi_bridge.spool import Entry
from glpi_bridge.store import Connection, events, incidents, meta, undertakings
from glpi_bridge.store.events import Unsorted

log = logging.getLogger(__name__)
_BATCH = 500


def take_in(context: Context) -> int:
    """Turn what lies in the spool into facts, a transaction for each batch; return how many alerts were taken.

    The files go only after the commit: killed in between, the next pass reads them again, which changes nothing.
    """
    taken = 0
    while entries := context.spool.entries(_BATCH):
        read = [(entry, alert) for entry in entries if (alert := _read(context, entry)) is not None]
        if read:
            context.store.write(_merge, context, [alert for _, alert in read])
            taken += len(read)
        for entry, _ in read:
            context.spool.done(entry)
        if len(entries) < _BATCH:
            break
    return taken


def _read(context: Context, entry: Entry) -> Alert | None:
    try:
        return context.spool.read(entry)
    except FileNotFoundError:  # another worker was quicker
        return None
    except BadAlert as error:
        log.warning("alert %s cannot be used and lies in bad/ now: %s", entry.name, error)
        context.spool.reject(entry, str(error))
        return None


def _merge(connection: Connection, context: Context, alerts: Sequence[Alert]) -> None:
    now = context.now()
    batch = [
        (alert.source, alert.eventid, facts.from_alert(alert, context.source(alert.source).zone)) for alert in alerts
    ]
    events.intake(connection, batch, now)
    meta.add(connection, "alerts", len(alerts))
    for name in sorted({alert.source for alert in alerts} - {*context.sources, CRON}):
        text = f'alerts come from source "{name}", which bridge.yml does not name: Zabbix is not told their tickets'
        if context.sources and meta.notice(connection, "source", name, text, now):
            log.warning("%s; pass source=NAME in the media type's parameters", text)
    for alert in alerts:
        for warning in alert.warnings:
            if meta.notice(connection, "alert", f"{alert.source}: {warning}", warning, now):
                log.warning("alert about event %s of %s: %s", alert.eventid, alert.source, warning)


def sort_events(context: Context, limit: int = 500) -> int:
    """Give each new event its incident, by the rules; return how many were looked at."""
    waiting = context.store.read(events.unsorted, limit)
    if not waiting:
        return 0
    now = context.time()
    routed = [
        (one, context.rules.route(facts.event(one.source, one.eventid, one.facts), now, texts=False)) for one in waiting
    ]
    context.store.write(_sort, context, routed)
    return len(waiting)


def _sort(connection: Connection, context: Context, routed: Sequence[tuple[Unsorted, Route]]) -> None:
    """Place events one after the other: the first of a key may open the incident that the next one joins."""
    now = context.now()
    same = events.unchanged(connection, [one for one, _ in routed])
    latest = incidents.latest(connection, {(one.source, route.key) for one, route in routed})
    found = _found(connection, [marker(one) for one, _ in routed])
    routed = sorted(routed, key=lambda pair: marker(pair[0]) not in found)  # others may join the tickets there are
    opened: list[Incident] = []
    routes: list[tuple[Route, float]] = []
    placed: list[tuple[Unsorted, Incident | None, str]] = []
    for one, route in routed:
        if (one.source, one.eventid) not in same:
            continue  # more is known of it by now, or another worker has sorted it
        reason = _no_incident(context, one.facts, route, now)
        if reason is not None:
            placed.append((one, None, reason))
            continue
        event = facts.event(one.source, one.eventid, one.facts)
        held = latest.get((one.source, route.key))
        told = found.get(marker(one))
        if held is None or told or one.has_left(held.id) or not plan.joins(event, held, route.policy):
            held = _new(one, route, held, told, -1 - len(opened))
            opened.append(held)
            routes.append((route, now if event.opened_at is None else event.opened_at.timestamp()))
        latest[one.source, route.key] = replace(held, events=(*held.events, event))
        placed.append((one, held, ""))
    numbers = incidents.insert_incidents(connection, opened, now)
    born = zip(numbers, opened, routes, strict=True)
    gather(connection, [Fresh(id_, one, route, began) for id_, one, (route, began) in born], now)
    events.place(connection, [(one, _number(held, numbers), verdict) for one, held, verdict in placed])
    joined = {held.id for _, held, _ in placed if held is not None and held.id > 0}
    events.make_due(connection, joined, now)
    events.wake_kin(connection, sorted(joined), now)  # what is a symptom of an event that joined
    _count(connection, routed, {(one.source, one.eventid) for one, held, _ in placed if held is not None})


def _count(
    connection: Connection, routed: Sequence[tuple[Unsorted, Route]], placed: Collection[tuple[str, str]]
) -> None:
    """Note the events that a Problem may be opened for, or that belong to one under way."""
    followed = undertakings.followed(connection)
    found = []
    for one, route in routed:
        wanted = followed | ({route.policy.problem_same} if route.policy.problem_after else set())
        if wanted and (one.source, one.eventid) in placed:
            event = facts.event(one.source, one.eventid, one.facts)
            causes = [cause for same in wanted if (cause := recurrence.cause(same, event, route)) is not None]
            found += [(cause, one.source, one.eventid) for cause in causes]
    undertakings.add_occurrences(connection, found)


def _number(held: Incident | None, numbers: Sequence[int]) -> int | None:
    """Return an incident's number; those just opened have one below zero until they are in the store."""
    return None if held is None else held.id if held.id > 0 else numbers[-1 - held.id]


def _found(connection: Connection, markers: Sequence[str]) -> dict[str, Told]:
    """Return what a scan of GLPI has found to be told under these markers."""
    tickets = meta.found_tickets(connection, markers)
    written: dict[str, dict[str, list[str]]] = meta.get(connection, meta.WRITTEN, {}) if tickets else {}
    found = {}
    for name, ticket_id in tickets.items():
        lines = written.get(name, {})
        solved, reopened = frozenset(lines.get("solved", ())), frozenset(lines.get("reopened", ()))
        members = solved | reopened | {name.rpartition("/")[2]}
        is_unconfirmed = bool(lines.get("unconfirmed"))
        found[name] = Told(ticket_id, solved=solved, reopened=reopened, members=members, unconfirmed=is_unconfirmed)
    return found


def _new(one: Unsorted, route: Route, before: Incident | None, told: Told | None, number: int) -> Incident:
    return Incident(
        id=number,
        source=one.source,
        key=route.key,
        generation=1 if before is None else before.generation + 1,
        marker=marker(one),
        events=(),
        told=told or Told(),
        previous=_previous(before),
    )


def _no_incident(context: Context, known: Facts, route: Route, now: float) -> str | None:
    """Say why an event gets no incident (yet), or None."""
    if route.ignore is not None:
        return f"ignored by {route.rule}: {route.ignore}"
    if not known.value("announced", False) and not route.policy.create_unannounced:
        return "a recovery of a problem that nobody told about"
    opened, name = known.registers.get("opened_at"), known.registers.get("name")
    by_update_only = name is None or name[0] <= facts.UPDATE
    if by_update_only and opened is not None and now - float(str(opened[2])) > context.terms.retention:
        return "an update of a problem older than what the store keeps"
    return None


def marker(event: Unsorted) -> str:
    """Return the plain line that finds the ticket of an incident whose first event this is."""
    return f"zabbix {event.source}/{event.eventid}"


def _previous(held: Incident | None) -> int | None:
    if held is None or held.seen.is_deleted or held.seen.is_gone:
        return None
    return held.told.ticket_id
