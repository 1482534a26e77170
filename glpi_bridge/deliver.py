"""One pass of delivery, from top to bottom: take in, sort, settle, then claim, call, record, until nothing is due.

`run` (the daemon) is this in a loop that waits on the spool; `deliver` (cron) calls it once. There is no second way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from glpi_bridge import intake, look, plan, settle
from glpi_bridge.acknowledge import acknowledge
from glpi_bridge.context import Context
from glpi_bridge.errors import TargetError
from glpi_bridge.itil import upkeep
from glpi_bridge.itil.delivery import undertake
from glpi_bridge.model import Incident, NoteKind, Route, Step, StepKind, Wait
from glpi_bridge.recollect import is_recollected, recollect
from glpi_bridge.send import Due, Sender, may_go_on, trouble, verify
from glpi_bridge.store import Connection, events, incidents, meta
from glpi_bridge.store.incidents import Owed, Rest


def one_pass(context: Context) -> int:
    """Do all that can be done now; return how many steps were told. Errors of GLPI and Zabbix are noted, not raised."""
    intake.take_in(context)
    told_count = 0
    try:
        if not context.is_held("GLPI"):
            recollect(context)
        if is_recollected(context):  # else a problem whose ticket a lost store has forgotten would get a second one
            # a call's worth is enough to begin with: the others are sorted while calls are under way
            while intake.sort_events(context, _call_size(context)) and not may_go_on(context):
                pass
        settle.settle_due(context)
        with Sender(context) as sender:
            while may_go_on(context):
                done = deliver_some(context, sender)
                told_count += done or 0
                context.heartbeat()
                if not intake.take_in(context) and done is None:
                    break
        verify(context)
        upkeep.look(context)
        told_count += undertake(context)
    except TargetError as error:
        trouble(context, error)
    if upkeep.keep(context):
        told_count += _note(context)
    acknowledge(context)
    context.spool.clean(context.now())
    context.store.write(_passed, context.now(), context.terms.retention, context.glpi.version, context.glpi.answered_in)
    return told_count


def _note(context: Context) -> int:
    """Write to GLPI's timelines at once what was done in Zabbix; else the next pass does."""
    try:
        return undertake(context)
    except TargetError as error:
        trouble(context, error)
        return 0


def _passed(
    connection: Connection, now: float, retention: float, version: Sequence[int], answered_in: float | None
) -> None:
    meta.put(connection, "last pass", now)
    if answered_in is not None:
        meta.put(connection, "GLPI answered in", answered_in)
    if version:
        meta.put(connection, "version GLPI", ".".join(str(number) for number in version))
    events.forget(connection, now - retention)
    meta.forget_notices(connection, now - retention)


def deliver_some(context: Context, sender: Sender) -> int | None:
    """Plan what is due and send it, call by call; None when nothing is due and nothing under way."""
    told_count = None
    ended: list[Owed] = []
    for group in _calls(context, ended):
        if not may_go_on(context):
            break
        told_count = (told_count or 0) + sender.send(group)
    if ended and may_go_on(context):
        told_count = (told_count or 0) + sender.land()
        for start in range(0, len(ended), _call_size(context)):
            _read_ends(context, ended[start : start + _call_size(context)])
    elif told_count is None and sender.is_busy:
        return sender.land()
    return told_count


def _calls(context: Context, ended: list[Owed]) -> Iterator[list[Due]]:
    """Give steps of one kind together, as many as a call takes while there are more; planned while calls are under way.

    What was refused or in doubt before goes alone, so that the culprit is found. What ended unsaid goes into `ended`.
    """
    size = _call_size(context)
    left = max(context.terms.batch_incidents // size * size, 1)
    together: dict[StepKind, list[Due]] = {}
    while left > 0:
        in_hand = [one.owed for group in together.values() for one in group] + ended
        besides = [owed.incident.id for owed in in_hand]
        owed = context.store.read(incidents.due, context.now(), min(size, left), besides=besides)
        if not owed and not intake.sort_events(context, context.terms.batch_incidents):
            break
        due, unsaid = _planned(context, owed)
        ended += unsaid
        left -= len(due) + len(unsaid)
        for one in due:
            if one.owed.tries or one.owed.doubts > 1:
                yield [one]
                continue
            group = together.setdefault(one.step.kind, [])
            group.append(one)
            if len(group) == size:
                yield together.pop(one.step.kind)
    yield from together.values()


def _planned(context: Context, owed: Iterable[Owed]) -> tuple[list[Due], list[Owed]]:
    """Ask the plan about each: what is due, and what ended unsaid. What has to wait is put to rest."""
    due: list[Due] = []
    ended: list[Owed] = []
    rests: list[Rest] = []
    for one in owed:
        route = _route(context, one.incident, texts=False)
        step = plan.plan(one.incident, route, context.time())
        if isinstance(step, Step) and step.kind is StepKind.PART:
            if (rest := _part(context, one, route)) is not None:
                rests.append(rest)
        elif isinstance(step, Step):
            if step.kind is StepKind.CREATE:
                route = _route(context, one.incident, texts=True)
            due.append(Due(one, step, route))
        elif step.is_final and plan.ended_unsaid(one.incident):
            ended.append(one)
        else:
            rests.append(Rest(one, step, plan.acknowledgement(one.incident, route.policy) is not None))
    if rests:
        context.store.write(incidents.rest, rests, context.now())
    return due, ended


def _part(context: Context, one: Owed, route: Route) -> Rest | None:
    """Let events leave a ticket that takes nothing any more; where that cannot be yet, the rest until then."""
    leave = [event.eventid for event in plan.parting(one.incident, route.policy)]
    if context.store.write(events.part, one.incident.source, leave, one.incident.id, context.now()):
        return None
    until = context.time() + timedelta(seconds=context.terms.first_pause)
    return Rest(one, Wait("what Zabbix has heard of the ticket is in doubt", until), acknowledges=False)


def _route(context: Context, incident: Incident, *, texts: bool) -> Route:
    """Ask the rules. A storm has texts of its own, and its children make no mails where its rule does not want them."""
    lead, now = plan.lead(incident), context.time()
    if incident.children is not None:
        return context.rules.storm(lead, incident.children.count, now, texts=texts)
    route = context.rules.route(lead, now, texts=texts)
    source = context.sources.get(incident.source)
    if source is not None and source.news.close_solved:  # who solves it ends it in Zabbix too, in a moment
        route = replace(route, policy=replace(route.policy, notes=route.policy.notes - {NoteKind.STILL_OPEN}))
    rule = route.policy.storm
    if incident.parent is None or rule is None or rule.notify:
        return route
    return replace(route, draft=replace(route.draft, notify=False))


def _read_ends(context: Context, ended: Iterable[Owed]) -> None:
    """Read whether the tickets are finished as they are thought to be: then nothing has to be said."""
    by_ticket = {one.incident.told.ticket_id or 0: one for one in ended}
    for id_, shown in look.look(context, by_ticket).items():
        if id_ not in by_ticket:
            continue  # a witness
        owed, incident = by_ticket[id_], by_ticket[id_].incident
        look.check_owner(context, shown, incident.marker)
        seen = look.newer(incident.seen, shown.seen)
        if look.same_ticket(incident.seen, seen):
            told = replace(incident.told, solved=incident.told.solved | plan.ended_unsaid(incident))
            context.store.write(incidents.set_told, owed, told, context.now())
        else:
            context.store.write(incidents.set_seen, incident.id, seen, context.now())


def _call_size(context: Context) -> int:
    return min(context.terms.bulk_items, context.glpi.bulk_size)
