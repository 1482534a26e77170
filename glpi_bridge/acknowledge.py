"""Zabbix's side: each event learns its ticket's number, and what people do to the ticket, at least once.

Zabbix has no fence. What may have arrived is read back before it is repeated. Trouble here never holds up tickets.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence

from glpi_bridge import plan
from glpi_bridge.context import Context, Source
from glpi_bridge.errors import Held, NotConnected, Refused, TargetError
from glpi_bridge.model import Event, StepKind, Word
from glpi_bridge.render import Text
from glpi_bridge.store import Connection, attempts, incidents
from glpi_bridge.store.attempts import Attempt, Item
from glpi_bridge.store.incidents import Owed
from glpi_bridge.zabbix import Zabbix

log = logging.getLogger(__name__)
_BATCH = 50
_TRIES_BEFORE_PARKED = 5


def acknowledge(context: Context) -> int:
    """Tell events their tickets and the news of them; return how many messages were told."""
    told = 0
    for source in context.sources.values():
        target = f"Zabbix {source.name}"
        if source.zabbix is None or context.is_held(target):
            continue
        try:
            _settle(context, source, source.zabbix)
            while (done := _some(context, source, source.zabbix)) is not None:
                told += done
        except TargetError as error:
            if context.failed(target, error):
                log.warning("%s: %s", target, error)
    return told


def _answered(context: Context, source: Source) -> None:
    """A call was answered: only that ends a trouble. A pass with nothing to tell says nothing of Zabbix."""
    target = f"Zabbix {source.name}"
    if context.works(target):
        log.info("%s answers again", target)


def _some(context: Context, source: Source, zabbix: Zabbix) -> int | None:
    """Claim a batch, call event by event, record; None when nothing is due."""
    owed = context.store.read(incidents.acknowledging, context.now(), [source.name], _BATCH)
    if not owed:
        return None
    items, idle = [], []
    for one in owed:
        subject = _next(context, one)
        if subject is None:
            idle.append(one)
        else:
            items.append(Item(one.incident.id, StepKind.ACKNOWLEDGE, one.incident.marker, subject))
    for one in idle:
        context.store.write(incidents.no_acknowledgement, one)
    if not items:
        return 0
    now = context.now()
    attempt = Attempt(
        id=str(uuid.uuid4()), worker=context.worker, operation=StepKind.ACKNOWLEDGE, token=source.name, watermark=0,
        read_at=now, started_at=now, lease_until=now + context.terms.lease, items=tuple(items),
    )  # fmt: skip
    by_id = {one.incident.id: one for one in owed}
    working = [by_id[item.incident_id] for item in items]
    claimed = context.store.write(attempts.claim_acknowledgements, attempt, working)
    if claimed is None:
        return 0
    return _send(context, source, zabbix, claimed, [by_id[item.incident_id] for item in claimed.items])


def _next(context: Context, owed: Owed) -> str | None:
    policy = context.rules.route(plan.lead(owed.incident), context.time(), texts=False).policy
    step = plan.acknowledgement(owed.incident, policy, owed.ack_tries)
    return None if step is None else step.subject


def _event(owed: Owed, eventid: str) -> Event:
    return next(event for event in owed.incident.events if event.eventid == eventid)


def _word(owed: Owed, subject: str) -> Word | None:
    """Return the news that a step is about; None: it is about the ticket's number."""
    eventid, _, word_id = subject.partition(" ")
    return next((one for one in owed.incident.words if (one.eventid, str(one.id)) == (eventid, word_id)), None)


def _send(context: Context, source: Source, zabbix: Zabbix, attempt: Attempt, owed: Sequence[Owed]) -> int:
    """Call for each event; an error of the whole server ends the batch, the rest is due again later."""
    done: dict[int, str] = {}
    refused: dict[int, str] = {}
    trouble: TargetError | None = None
    unclear: int | None = None
    for item, one in zip(attempt.items, owed, strict=True):
        try:
            _tell(context, source, zabbix, one, item.subject)
            done[one.incident.id] = item.subject
        except Refused as error:
            refused[one.incident.id] = str(error)
        except TargetError as error:
            trouble = error
            unclear = None if isinstance(error, NotConnected | Held) else one.incident.id
            break
    context.store.write(_record, context, attempt, owed, done, refused, unclear)
    for one in owed:
        if one.incident.id in refused and not one.ack_tries:  # the same refusal again says nothing new
            log.warning(
                "Zabbix refuses the message about ticket %s: %s", one.incident.told.ticket_id, refused[one.incident.id]
            )
    if trouble is not None:
        raise trouble
    _answered(context, source)
    return len(done)


def _tell(context: Context, source: Source, zabbix: Zabbix, owed: Owed, subject: str) -> None:
    eventid, text, word = subject.partition(" ")[0], message(context, owed, subject), _word(owed, subject)
    if word is None:
        zabbix.acknowledge(eventid, text, acknowledge=source.acknowledges)
        return
    closes = word.closes and _may_be_closed(zabbix, _event(owed, eventid))
    zabbix.acknowledge(eventid, text, acknowledge=word.acknowledges, close=closes)


def _may_be_closed(zabbix: Zabbix, event: Event) -> bool:
    trigger = zabbix.triggers([event.triggerid]).get(event.triggerid) if event.triggerid else None
    return trigger is not None and trigger.manual_close


def message(context: Context, owed: Owed, subject: str) -> str:
    """Return what an event is told: the ticket's number and link, or a piece of news."""
    word = _word(owed, subject)
    if word is not None:
        return word.text
    eventid, ticket_id = subject, owed.incident.told.ticket_id
    link = context.ticket_link.replace("{id}", str(ticket_id))
    event = _event(owed, eventid)
    return context.rules.text(Text.ACKNOWLEDGEMENT, event, ticket_id=ticket_id, ticket_link=link).text


def _record(
    connection: Connection,
    context: Context,
    attempt: Attempt,
    owed: Sequence[Owed],
    done: dict[int, str],
    refused: dict[int, str],
    unclear: int | None,
) -> None:
    """One transaction: what was told, what was refused; the one without an answer stays, to be read back."""
    now = context.now()
    left = tuple(item for item in attempt.items if item.incident_id == unclear)
    if not attempts.reduce(connection, attempt, left, now, now + context.terms.first_pause):
        return
    for one in owed:
        id_ = one.incident.id
        if id_ in done:
            eventid, _, word_id = done[id_].partition(" ")
            if word_id:
                incidents.end_acknowledgement(connection, one, [], words=[(int(word_id), eventid)], now=now)
            else:
                incidents.end_acknowledgement(connection, one, [eventid], now=now)
        elif id_ in refused:
            tries = one.ack_tries + 1
            waiting = {event.eventid for event in plan.untold_events(one.incident)}
            waiting |= {word.eventid for word in one.incident.words}
            enough = _TRIES_BEFORE_PARKED + len(waiting) - 1
            parked = refused[id_] if tries >= enough else None
            pause = now + context.terms.pause(tries, context.chance())
            incidents.end_acknowledgement(connection, one, [], now=now, not_before=pause, tries=tries, parked=parked)
        elif id_ != unclear:
            incidents.end_acknowledgement(connection, one, [], now=now, tries=one.ack_tries)


def _settle(context: Context, source: Source, zabbix: Zabbix) -> None:
    """Read back what may have arrived, before it is said again."""
    for attempt in context.store.read(attempts.unsettled, context.now()):
        if attempt.operation is not StepKind.ACKNOWLEDGE or attempt.token != source.name:
            continue
        mine = context.store.write(attempts.take_over, attempt, context.worker, context.now() + context.terms.lease)
        if mine is None:
            continue
        owed = {
            one.incident.id: one for one in context.store.read(incidents.by_ids, [i.incident_id for i in mine.items])
        }
        members = [owed[item.incident_id] for item in mine.items]
        done, refused = {}, {}
        for item in mine.items:
            try:
                eventid = item.subject.partition(" ")[0]
                if zabbix.has_message(eventid, message(context, owed[item.incident_id], item.subject)):
                    done[item.incident_id] = item.subject
            except Refused as error:
                refused[item.incident_id] = str(error)
        context.store.write(_record, context, mine, members, done, refused, None)
        _answered(context, source)
