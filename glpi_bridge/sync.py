"""Fresher facts from both sides: asks Zabbix and GLPI what changed, writes facts, decides nothing.

Only positive evidence closes: an event that Zabbix does not return is unknown, whatever the reason. What is asked
follows what changed since last time, plus a slice of the open events that is as large however many there are.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice, takewhile

from glpi_bridge import look, twins
from glpi_bridge.context import Context, Source
from glpi_bridge.errors import TargetError
from glpi_bridge.facts import ASKED, GUESS, Facts, Register
from glpi_bridge.hear import hear
from glpi_bridge.look import Shown
from glpi_bridge.model import Origin, StepKind, TicketStatus
from glpi_bridge.plan import OFF_NOTE
from glpi_bridge.settle import report_duplicate
from glpi_bridge.store import Connection, attempts, events, incidents, meta
from glpi_bridge.zabbix import Zabbix
from glpi_bridge.zabbix_answers import Trigger, ZabbixEvent

log = logging.getLogger(__name__)
_SLICE = 500
_OVERLAP = timedelta(minutes=5)
_PAGE = 200
_LEFT_KEPT = 10_000
_UNREAD_KEPT = 3600.0


@dataclass(slots=True)
class Report:
    """What a sync found, counted."""

    asked: int = 0
    unknown: int = 0
    learned: int = 0
    adopted: int = 0
    not_adopted: int = 0
    tickets: int = 0
    closed_duplicates: int = 0
    failed: tuple[str, ...] = ()


def sync(context: Context) -> Report:
    """Ask both sides once. A side that fails is noted and does not keep the other from being asked."""
    report = Report()
    for source in context.sources.values():
        if source.zabbix is not None:
            _guarded(context, report, f"Zabbix {source.name}", partial(_ask_zabbix, context, source, report))
    _guarded(context, report, "GLPI", partial(_ask_glpi, context, report))
    context.store.write(meta.put, "last sync", context.now())
    return report


def _guarded(context: Context, report: Report, target: str, ask: Callable[[], None]) -> None:
    try:
        ask()
        if context.works(target):
            log.info("%s answers again", target)
    except TargetError as error:
        report.failed += (f"{target}: {error}",)
        if context.failed(target, error):
            log.warning("%s: %s", target, error)


# -- Zabbix -----------------------------------------------------------------------------------------------------------


def know(context: Context, source: Source, eventids: Iterable[str]) -> bool:
    """Read events that are known to have had tickets, and tell whether Zabbix shows any; one without an API does not.

    The open problems of their triggers come too: a ticket that one of them had joined is not over.
    """
    if source.zabbix is None:
        return False
    asked_at = context.now()
    found = source.zabbix.events(eventids)
    if not found:
        return False
    triggers = {event.objectid for event in found.values()}
    beside = {event.eventid: event for event in source.zabbix.open_problems() if event.objectid in triggers}
    held = context.store.read(events.known_ids, source.name, list(beside))
    found = {eventid: event for eventid, event in beside.items() if eventid not in held} | found
    in_order = sorted(found.values(), key=lambda event: int(event.eventid))
    _take(context, source, source.zabbix, in_order, asked_at=asked_at, announced=True)
    return True


def know_later(connection: Connection, source: str, eventids: Sequence[str]) -> None:
    """Keep events to be asked for: those of tickets that a new store has found."""
    meta.put(connection, f"to know {source}", list(eventids) or None)


def know_owed(context: Context, source: Source) -> None:
    """Ask for the events that were kept; until Zabbix shows some of them they stay kept: it may have lost its sight."""
    eventids: list[str] = context.store.read(meta.get, f"to know {source.name}", [])
    if eventids and know(context, source, eventids):
        context.store.write(know_later, source.name, [])


def _ask_zabbix(context: Context, source: Source, report: Report) -> None:
    zabbix = source.zabbix
    if zabbix is None:
        return
    know_owed(context, source)
    position = f"zabbix {source.name}"
    last: str | None = context.store.read(meta.get, position)
    newest = zabbix.newest_eventid()
    _held(context, source, zabbix, report, last)
    _open(context, source, zabbix, report, last)
    context.store.write(meta.put, position, newest)


def _held(context: Context, source: Source, zabbix: Zabbix, report: Report, last: str | None) -> None:
    """Ask about the events we hold: those whose trigger recovered since last time, and the next slice of the others."""
    held = context.store.read(events.open_events, source.name, _SLICE, context.now())
    recovered: set[str] = set()
    if last is not None:
        while rows := zabbix.recoveries(last):
            recovered |= {row.objectid for row in rows}
            last = rows[-1].eventid
    asked = {*held, *context.store.read(events.open_of_triggers, source.name, sorted(recovered))}
    asked_at = context.now()
    found = zabbix.events(sorted(asked))
    report.asked += len(asked)
    report.unknown += len(asked - found.keys())
    report.learned += _take(context, source, zabbix, list(found.values()), asked_at=asked_at, announced=False)
    report.learned += _note_switched_off(context, source, zabbix, found)
    context.store.write(events.checked, source.name, sorted(asked), context.now())
    _say_unknown(context, source, len(asked), len(found))


def _note_switched_off(context: Context, source: Source, zabbix: Zabbix, found: Mapping[str, ZabbixEvent]) -> int:
    """Note on the ticket, once, that Zabbix watches no more: no recovery will come by itself. It closes nothing."""
    still_open = [event for event in found.values() if event.is_open]
    triggers = zabbix.triggers(sorted({event.objectid for event in still_open}, key=int)) if still_open else {}
    off = {event.eventid: why for event in still_open if (why := _switched_off(event, triggers.get(event.objectid)))}
    return context.store.write(_keep_switched_off, source.name, found.keys(), off, context.now())


def _switched_off(event: ZabbixEvent, trigger: Trigger | None) -> str:
    """Say what of an event is disabled; empty if nothing is, as far as Zabbix tells."""
    hosts = [host.name for host in event.hosts if host.is_enabled is False]
    if hosts:
        return f"the host {', '.join(hosts)} is disabled"
    return "the trigger is disabled" if trigger is not None and not trigger.is_enabled else ""


def _keep_switched_off(
    connection: Connection, source: str, asked: Iterable[str], off: Mapping[str, str], now: float
) -> int:
    """Keep it as a note of the event, and for `status` as long as it lasts."""
    kind, batch = "switched off", []
    listed = {one.subject for one in meta.all_notices(connection) if one.kind == kind}
    for subject in {f"{source}/{eventid}" for eventid in asked if eventid not in off} & listed:
        meta.clear(connection, kind, subject)
    for eventid, why in off.items():
        text = f"{source}/{eventid}: {why} in Zabbix, so that no recovery will come by itself; its ticket stays open"
        meta.notice(connection, kind, f"{source}/{eventid}", text, now)
        known = events.facts_of(connection, source, eventid)
        if known is not None and f"{OFF_NOTE}{eventid}" not in known.notes:
            said = (now, "", "Not watched any more", f"In Zabbix {why}: no recovery will come by itself.")
            batch.append((source, eventid, Facts(notes={f"{OFF_NOTE}{eventid}": said})))
    at = math.floor(now) - 0.5
    changed = [one for one in asked if one in off or f"{source}/{one}" in listed]
    batch += [(source, one, Facts({"unwatched": (0, at, off.get(one, ""))})) for one in changed]
    return events.intake(connection, batch, now)


def _say_unknown(context: Context, source: Source, asked: int, found: int) -> None:
    """Nothing is closed by silence; but a silence about everything is worth a loud word."""
    if asked and not found:
        text = (
            f"Zabbix {source.name} shows none of the {asked} open events we asked for: has its user lost the right on "
            "their host groups? Nothing is closed by that"
        )
        visible = source.zabbix.visible() if source.zabbix else None
        if visible is not None:
            text += f" ({visible.hosts} visible hosts)"
        if context.notice("unknown events", source.name, text):
            log.warning("%s", text)
    elif asked:
        context.store.write(meta.clear, "unknown events", source.name)


def _open(context: Context, source: Source, zabbix: Zabbix, report: Report, last: str | None) -> None:
    """Take problems that no alert told about, by the source's `adopt`; newest first."""
    start = None if last is None else str(int(last) + 1)
    takes: list[ZabbixEvent] = []
    leaves: list[str] = []
    asked_at = context.now()
    for event in zabbix.open_problems(eventid_from=start):
        if source.adopts(event.clock):
            takes.append(event)
        else:
            leaves.append(event.eventid)
    known = context.store.read(events.known_ids, source.name, [*leaves, *(event.eventid for event in takes)])
    fresh = [event for event in takes if event.eventid not in known]
    report.adopted += len(fresh)
    report.not_adopted += len(set(leaves) - known)
    if leaves:
        context.store.write(_leave, source.name, leaves)
    _take(context, source, zabbix, fresh, asked_at=asked_at, announced=True)


def _leave(connection: Connection, source: str, eventids: Sequence[str]) -> None:
    """Keep which problems were left alone, for `status`; those that an alert tells about meanwhile are not."""
    name = f"not adopted {source}"
    kept = {*meta.held(connection, name, []), *eventids}
    left = sorted(kept - events.known_ids(connection, source, sorted(kept)), key=int)
    meta.put(connection, name, left[-_LEFT_KEPT:] or None)


def _take(
    context: Context, source: Source, zabbix: Zabbix, found: Sequence[ZabbixEvent], *, asked_at: float, announced: bool
) -> int:
    if not found:
        return 0
    missing = {event.objectid for event in found} if announced else set()
    triggers = zabbix.triggers(sorted(missing, key=int)) if missing else {}
    batch = [
        (source.name, event.eventid, facts_of(event, triggers.get(event.objectid), asked_at, announced=announced))
        for event in found
    ]
    return context.store.write(events.intake, batch, context.now())


def facts_of(event: ZabbixEvent, trigger: Trigger | None, asked_at: float, *, announced: bool) -> Facts:
    """Write what event.get (and trigger.get) say as facts; `asked_at` is when they were asked, in epoch seconds.

    Alerts tell whole seconds. What they tell of the second of the question may be newer than the answer, so it
    outweighs the answer; where the answer was the newer one after all, the next sync says it again.
    """
    read_at = math.floor(asked_at) - 0.5
    registers: dict[str, Register] = {
        "name": (ASKED, 0.0, event.name),
        "triggerid": (ASKED, 0.0, event.objectid),
        "origin": (ASKED, 0.0, (Origin.INTERNAL if event.source == 3 else Origin.TRIGGER).value),
        "tags": (ASKED, 0.0, [[tag.tag, tag.value] for tag in event.tags]),
        "opened_at": (ASKED, -event.clock.timestamp(), event.clock.timestamp()),
        "severity": (0, read_at, int(event.severity)),
        "acknowledged": (0, read_at, event.acknowledged),
        "suppressed": (0, read_at, event.suppressed),
    }
    # empty too: what was marked a symptom may be marked so no more
    registers["cause_eventid"] = (0, read_at, event.cause_eventid)
    for host in event.hosts[:1]:
        registers |= {"host": (ASKED, 0.0, host.host), "host_name": (ASKED, 0.0, host.name)}
        registers["host_id"] = (ASKED, 0.0, host.hostid)
    if trigger is not None:
        registers |= _trigger_facts(trigger)
    if not event.is_open:
        registers |= _recovery_facts(event, asked_at)
    if announced:
        registers["announced"] = (0, 0.0, True)
    if event.opdata:
        registers["opdata"] = (ASKED, 0.0, event.opdata)
    return Facts(registers)


def _trigger_facts(trigger: Trigger) -> dict[str, Register]:
    texts = {
        "trigger_name": trigger.description,
        "trigger_description": trigger.comments,
        "trigger_url": trigger.url,
    }
    registers: dict[str, Register] = {name: (ASKED, 0.0, text) for name, text in texts.items() if text}
    registers["host_groups"] = (ASKED, 0.0, list(trigger.host_groups))
    registers["templates"] = (ASKED, 0.0, list(trigger.templates))
    for item in trigger.items[:1]:
        registers |= {"item_key": (ASKED, 0.0, item.key), "item_name": (ASKED, 0.0, item.name)}
    return registers


def _recovery_facts(event: ZabbixEvent, read_at: float) -> dict[str, Register]:
    at = read_at if event.r_clock is None else event.r_clock.timestamp()
    registers: dict[str, Register] = {"recovered_at": (GUESS if event.r_clock is None else ASKED, -at, at)}
    if event.closed_by:
        registers["closed_by"] = (ASKED, 0.0, event.closed_by)
    if event.r_name:
        registers["recovery_name"] = (ASKED, 0.0, event.r_name)
    return registers


# -- GLPI -------------------------------------------------------------------------------------------------------------


def _ask_glpi(context: Context, report: Report) -> None:
    """Read our tickets that changed since last time, with an overlap, the trash too."""
    started = context.now()
    since = context.store.read(meta.get, "glpi read") or context.store.read(meta.get, "recollected")
    unheard: list[TargetError] = []
    if since is not None:
        moment = datetime.fromtimestamp(since, UTC) - _OVERLAP
        for trash in (False, True):
            report.tickets += _changed(context, moment, unheard, trash=trash)
        twins.find(context, context.glpi.from_utc(moment))
    # what is being made is nobody's yet: what people do to a ticket meanwhile, and a second one, is to be read again
    makes = (StepKind.CREATE, StepKind.DEED)
    making = [one.started_at for one in context.store.read(attempts.in_flight) if one.operation in makes]
    # so is what could not be read, for a while: a history that GLPI never shows must not make each sync longer
    unread = [max(since or 0.0, started - _UNREAD_KEPT)] if unheard else []
    context.store.write(meta.put, "glpi read", min([started, *making, *unread]))
    report.closed_duplicates += close_duplicates(context) + twins.close(context)
    if unheard:
        raise unheard[0]


def _changed(context: Context, since: datetime, unheard: list[TargetError], *, trash: bool) -> int:
    """Learn how these tickets stand and what people did to them; why that could not be read goes into `unheard`."""
    changed = 0
    rows = look.newest_own(context, by="date_mod", trash=trash)
    if context.glpi.token is None:  # the log-in tells the zone of GLPI's times
        context.glpi.login()
    first = context.glpi.from_utc(since)
    recent = takewhile(lambda row: str(row["date_mod"]) >= first, rows)
    while some := list(islice(recent, _PAGE)):
        shown = {one.id: one for one in (look.read_item(context, row) for row in some)}
        changed += context.store.write(_saw, shown, context.now(), trash)
        try:
            hear(context, some, shown)
        except TargetError as error:
            unheard.append(error)
        if not trash:
            _find_twins(context, shown.values())
    return changed


def _saw(connection: Connection, shown: Mapping[int, Shown], now: float, trash: bool) -> int:
    changed = 0
    for owed in incidents.by_tickets(connection, sorted(shown)):
        before, one = owed.incident.seen, shown[owed.incident.told.ticket_id or 0]
        if look.is_anothers(one, owed.incident.marker):
            continue  # after a restore, its number was given out again; its own ticket is gone
        read = replace(one.seen, is_deleted=trash)
        seen = look.newer(before, read)
        if not look.same_ticket(before, seen):
            incidents.set_seen(connection, owed.incident.id, seen, now)
            changed += 1
    return changed


def _find_twins(context: Context, shown: Iterable[Shown]) -> None:
    """Find tickets that carry the marker of an incident whose ticket is another: a call that arrived twice."""
    for one in shown:
        for marker in one.markers:
            owed = context.store.read(incidents.by_marker, marker)
            told = owed.incident.told.ticket_id if owed is not None else None
            if told is not None and told != one.id and not one.seen.status.is_finished:
                report_duplicate(context, one.id, told, marker)


def close_duplicates(context: Context) -> int:
    """Close second tickets of one marker, unlinked: a "duplicate of" link would solve the real one with them.

    Both writes may be repeated: a second solution is refused, a closed ticket stays closed.
    """
    duplicates: dict[str, tuple[int, str]] = context.store.read(meta.get, "duplicates", {})
    some = [int(id_) for id_ in duplicates][: context.glpi.bulk_size]
    if not some:
        return 0
    shown = look.look(context, some)
    over = [id_ for id_ in some if _is_over(shown[id_])]
    left = [id_ for id_ in some if id_ not in over]
    if left:
        context.glpi.add("ITILSolution", [_twin_solution(id_, *duplicates[str(id_)]) for id_ in left])
        context.glpi.update("Ticket", [{"id": id_, "status": int(TicketStatus.CLOSED)} for id_ in left])
        for id_ in left:
            log.warning("ticket %d repeats ticket %s and is closed", id_, duplicates[str(id_)][0])
    if over:
        context.store.write(meta.put, "duplicates", {k: v for k, v in duplicates.items() if int(k) not in over} or None)
    return len(over)


def _is_over(shown: Shown) -> bool:
    return shown.seen.is_gone or shown.seen.is_deleted or shown.seen.status is TicketStatus.CLOSED


def _twin_solution(id_: int, original: int, marker: str) -> dict[str, object]:
    text = f"<p>This ticket repeats ticket {original}: one call arrived twice.</p><p><small>{marker} twin</small></p>"
    return {"itemtype": "Ticket", "items_id": id_, "content": text}
