"""A new or lost store finds our tickets again by their markers: one scan of GLPI, never a second ticket."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from glpi_bridge.context import Context
from glpi_bridge.look import Shown, remember
from glpi_bridge.settle import own_tickets, report_duplicate
from glpi_bridge.store import Connection, meta
from glpi_bridge.sync import know

log = logging.getLogger(__name__)
_DONE = "recollected"


def recollect(context: Context, *, again: bool = False) -> int:
    """Scan GLPI for tickets of ours, once in the life of a store; return how many were found.

    The tickets are kept for the incidents that will ask for them. Of those still open the events are asked of Zabbix,
    so that the next problem of the same trigger joins its ticket.
    """
    if not again and is_recollected(context):
        return 0
    tickets = sorted((shown for shown in own_tickets(context, 0) if shown.markers), key=lambda shown: shown.id)
    first: dict[str, int] = {}
    for shown in tickets:
        for marker in shown.markers:
            if first.setdefault(marker, shown.id) != shown.id and not shown.seen.status.is_finished:
                report_duplicate(context, shown.id, first[marker], marker)
    _ask_zabbix(context, tickets)
    highest = max((shown.id for shown in tickets), default=0)
    context.store.write(_keep, first, highest, context.now())
    remember(context, {first[marker]: marker for marker in sorted(first, key=lambda one: first[one])[-5:]})
    if tickets:
        log.info("found %d tickets of ours in GLPI by their markers", len(tickets))
    return len(tickets)


def is_recollected(context: Context) -> bool:
    """Tell whether this store knows the tickets that were made before it."""
    return context.store.read(meta.get, _DONE) is not None


def _keep(connection: Connection, tickets: dict[str, int], highest: int, now: float) -> None:
    meta.put_found(connection, tickets)
    meta.put(connection, "highest", max(highest, int(meta.get(connection, "highest", 0))))
    meta.put(connection, _DONE, now)


def _ask_zabbix(context: Context, tickets: Sequence[Shown]) -> None:
    by_source: dict[str, list[str]] = {}
    for shown in tickets:
        for marker in shown.markers:
            source, _, eventid = marker.removeprefix("zabbix ").partition("/")
            if not shown.seen.status.is_finished and " " not in eventid:
                by_source.setdefault(source, []).append(eventid)
    for source, eventids in by_source.items():
        know(context, context.source(source), eventids)
