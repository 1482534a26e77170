"""A new or lost store finds our tickets again by their markers: one scan of GLPI, never a second ticket."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glpi_bridge.context import Context, Source
from glpi_bridge.errors import TargetError
from glpi_bridge.look import remember
from glpi_bridge.render import markers
from glpi_bridge.settle import own_tickets, report_duplicate
from glpi_bridge.standing import REFUSED
from glpi_bridge.store import Connection, meta
from glpi_bridge.storm import MARKER
from glpi_bridge.sync import know_later, know_owed

log = logging.getLogger(__name__)
_DONE = "recollected"


def recollect(context: Context, *, again: bool = False) -> int:
    """Scan GLPI for tickets of ours, once in the life of a store; return how many were found.

    The tickets are kept for the incidents that will ask for them. Of those still open the solutions and reopenings are
    read, and the events are asked of Zabbix, so that the next problem of the same trigger joins its ticket. Markers of
    sources that are not ours (another bridge with the same account) are left alone.
    """
    if not again and is_recollected(context):
        return 0
    ours = tuple(f"zabbix {name}/" for name in context.own_sources())
    found: dict[str, list[_Ticket]] = {}
    for shown in own_tickets(context, 0):
        for marker in shown.markers:
            if marker.startswith(ours):
                ticket = _Ticket(shown.id, shown.seen.status.is_finished or shown.seen.is_deleted)
                found.setdefault(marker, []).append(ticket)
    chosen = {marker: min(tickets, key=lambda one: (one.is_over, one.id)) for marker, tickets in found.items()}
    for marker, tickets in found.items():
        for ticket in tickets:
            if ticket is not chosen[marker] and not ticket.is_over:
                report_duplicate(context, ticket.id, chosen[marker].id, marker)
    if context.works("GLPI"):
        log.info("GLPI answers again")
    left_open = {ticket.id: marker for marker, ticket in chosen.items() if not ticket.is_over}
    written = _written(context, left_open) if left_open else {}
    alone = {marker: told for marker, told in written.items() if MARKER not in marker}
    back = [_event_marker(marker, eventid) for marker, told in alone.items() for eventid in told["reopened"]]
    # the first problem of a storm is asked for too: its ticket may be all that is left to end
    still_open = _by_source([*(marker.partition(MARKER)[0] for marker in left_open.values()), *back])
    unended = {marker for marker in left_open.values() if MARKER in marker}
    numbers = {marker: ticket.id for marker, ticket in chosen.items() if MARKER not in marker or marker in unended}
    context.store.write(_keep, numbers, written, still_open, context.now())
    remember(context, {id_: marker for marker, id_ in sorted(numbers.items(), key=lambda one: one[1])[-5:]})
    if numbers:
        log.info("found %d tickets of ours in GLPI by their markers", len(numbers))
    for source in still_open:
        _ask_zabbix(context, context.source(source))
    return len(numbers)


@dataclass(frozen=True, slots=True)
class _Ticket:
    id: int
    is_over: bool


def is_recollected(context: Context) -> bool:
    """Tell whether this store knows the tickets that were made before it."""
    return context.store.read(meta.get, _DONE) is not None


def _written(context: Context, left_open: Mapping[int, str]) -> dict[str, dict[str, list[str]]]:
    """Read which events' recoveries and returns our account has told on these tickets (id → marker).

    A solution that nobody refused, on an open ticket, is `unconfirmed`: GLPI took it and lost its effect.
    """
    written: dict[str, dict[str, list[str]]] = {}
    for itemtype, word, name in (("ITILSolution", "solution", "solved"), ("ITILFollowup", "return", "reopened")):
        for row, line in _lines(context, itemtype, word):
            marker = left_open.get(int(row["items_id"]), "")
            if line.startswith(f"{marker} {word} "):
                told = written.setdefault(marker, {"solved": [], "reopened": [], "unconfirmed": []})
                eventid = line.removeprefix(f"{marker} {word} ")
                told[name].append(eventid)
                if name == "solved" and int(row["status"]) != REFUSED:
                    told["unconfirmed"].append(eventid)
    return written


def _lines(context: Context, itemtype: str, word: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Read what our account wrote on tickets with a word in it, each row with its marker line."""
    account = context.glpi.account or context.glpi.login()
    for row in context.glpi.rows(itemtype, {"searchText[content]": f" {word} "}):
        if row.get("itemtype") == "Ticket" and int(row["users_id"]) == account.user_id:
            for line in markers(str(row["content"])):
                yield row, line


def _event_marker(marker: str, eventid: str) -> str:
    return f"{marker.partition('/')[0]}/{eventid}"


def _keep(
    connection: Connection,
    tickets: dict[str, int],
    written: Mapping[str, Mapping[str, list[str]]],
    still_open: Mapping[str, list[str]],
    now: float,
) -> None:
    meta.put_found(connection, tickets)
    meta.put(connection, meta.WRITTEN, written or None)
    for source, eventids in still_open.items():
        know_later(connection, source, eventids)
    highest = max(tickets.values(), default=0)
    meta.put(connection, "highest", max(highest, int(meta.held(connection, "highest", 0))))
    meta.put(connection, _DONE, now)


def _by_source(markers: Iterable[str]) -> dict[str, list[str]]:
    eventids: dict[str, list[str]] = {}
    for marker in markers:
        source, _, eventid = marker.removeprefix("zabbix ").partition("/")
        if " " not in eventid:
            eventids.setdefault(source, []).append(eventid)
    return eventids


def _ask_zabbix(context: Context, source: Source) -> None:
    """Ask now, or leave it to a sync: GLPI's side does not wait for a Zabbix that is down."""
    target = f"Zabbix {source.name}"
    try:
        know_owed(context, source)
    except TargetError as error:
        if context.failed(target, error):
            log.warning("%s: %s", target, error)
