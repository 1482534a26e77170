"""What a step sends to GLPI: the item's fields, and how it is recognised afterwards. Sends nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glpi_bridge import items, look, plan
from glpi_bridge.context import Context
from glpi_bridge.look import Shown
from glpi_bridge.model import MAJOR, Event, Incident, Note, Route, Seen, Step, StepKind, TicketStatus, Told
from glpi_bridge.render import Rendered, Text, severity_name
from glpi_bridge.store.attempts import Item
from glpi_bridge.store.incidents import Owed
from glpi_bridge.text import as_text, spoken, title, with_marker, without_astral

ITEMTYPES = {
    StepKind.CREATE: "Ticket",
    StepKind.NOTE: "ITILFollowup",
    StepKind.REOPEN: "ITILFollowup",
    StepKind.CLOSE: "ITILFollowup",
    StepKind.SOLVE: "ITILSolution",
    StepKind.LINK: "Ticket_Ticket",
    StepKind.ASSET: "Item_Ticket",
    StepKind.RAISE: "Ticket",
    StepKind.HAND_OVER: "Ticket",
    StepKind.COMPLETE: "Ticket",
    StepKind.CONFIRM: "Ticket",
}
UPDATES = frozenset({StepKind.RAISE, StepKind.HAND_OVER, StepKind.COMPLETE, StepKind.CONFIRM})
LINKING = frozenset({StepKind.CREATE, StepKind.COMPLETE, StepKind.ASSET})
_LEFT_OUT = "(Characters that this GLPI cannot store, such as emoji, were left out.)"
_RELATED, _SON_OF = 1, 3  # Ticket_Ticket.link, both versions: solving one leaves the other alone


@dataclass(frozen=True, slots=True)
class Write:
    """One item of a call: its input, and the Item that the attempt keeps of it."""

    owed: Owed
    step: Step
    route: Route
    item: Item
    input: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def compose(
    context: Context, owed: Owed, step: Step, route: Route, shown: Shown | None, belongs: items.Belonging
) -> Write:
    """Return what `step` sends; `belongs` to those that are LINKING only.

    Raises NameNotFound where the draft names an entity that GLPI has not.
    """
    incident = owed.incident
    if step.kind in LINKING:
        route = items.fed(context, route, belongs)
    if step.kind is StepKind.ASSET:
        step = replace(step, subject=unlinked(incident, belongs)[0])
    item = Item(
        incident_id=incident.id,
        kind=step.kind,
        marker=marker(incident, step),
        subject=step.subject,
        ticket_id=incident.told.ticket_id,
        urgency=int(route.draft.urgency),
        impact=int(route.draft.impact),
        status=_confirmed_status(incident, shown) if step.kind is StepKind.CONFIRM else None,
        assets=" ".join(asset.key for asset in belongs.assets) if step.kind is StepKind.CREATE else "",
        looked_for=step.kind is StepKind.CREATE and route.policy.link_asset and belongs.is_final,
    )
    fields, warnings = _FIELDS[step.kind](context, incident, step, route, shown)
    if step.kind is StepKind.CREATE:
        item = replace(item, subject=plan.priority_subject(_sent_priority(fields)))
    if step.kind is StepKind.CREATE and belongs.assets:
        fields["items_id"] = items.by_type(belongs.assets)
    if incident.told.plain:
        fields = _plain(fields, item.marker)
    return Write(owed, step, route, item, fields, (*route.warnings, *warnings))


def _sent_priority(fields: Mapping[str, Any]) -> int | None:
    """Return the priority that a new ticket gets from its rule: that of a major incident, or one of `extra`."""
    sent = str(fields.get("priority", ""))
    return int(sent) if sent.isdigit() else None


def _plain(fields: Mapping[str, Any], marker_line: str) -> dict[str, Any]:
    """Leave out what GLPI's tables refuse, and say so to whoever reads the text."""
    plain = {name: without_astral(value) if isinstance(value, str) else value for name, value in fields.items()}
    if "content" in plain and plain["content"] != fields["content"]:
        bare = str(plain["content"]).removesuffix(with_marker("", marker_line))
        plain["content"] = with_marker(f"{bare}\n<p><small>{_LEFT_OUT}</small></p>", marker_line)
    return plain


def unlinked(incident: Incident, belongs: items.Belonging) -> list[str]:
    """Return the assets that belong on a ticket and are not linked to it yet, as `Computer/7`."""
    return [asset.key for asset in belongs.assets if asset.key not in incident.told.assets]


def marker(incident: Incident, step: Step) -> str:
    """Return the whole marker line of what a step writes."""
    words = {StepKind.NOTE: "note", StepKind.SOLVE: "solution", StepKind.REOPEN: "return", StepKind.CLOSE: "close"}
    word = words.get(step.kind)
    return incident.marker if word is None else f"{incident.marker} {word} {step.subject}"


_Fields = tuple[dict[str, Any], tuple[str, ...]]


def _create(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001 - all share one shape
    draft = route.draft
    first = min(_epoch(event.opened_at) for event in incident.events)
    fields, warnings = context.names.ticket(draft, datetime.fromtimestamp(first, UTC) if first else None)
    name = title(draft.title, encoded_limit=context.glpi.is_10)
    fields["name"] = as_text(name) if context.glpi.is_10 else name
    fields["content"] = with_marker(draft.content, incident.marker)
    return fields, tuple(warnings)


def _note(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    html, warnings = _note_text(context, incident, step, route)
    is_private = route.policy.private_notes or step.subject.startswith((plan.OFF_NOTE, *plan.DERIVED_NOTES))
    return _followup(incident, step, route, html) | {"is_private": int(is_private)}, warnings


def _note_text(context: Context, incident: Incident, step: Step, route: Route) -> tuple[str, tuple[str, ...]]:
    if step.subject.startswith(plan.FLAP_NOTE):
        changes = plan.flap_changes(incident.events, route.policy)
        lead = plan.lead(incident)
        rendered = context.rules.text(Text.FLAPPING, lead, changes=len(changes), since=changes[0], until=changes[-1])
    elif step.subject.startswith(plan.RECOVERY_NOTE):
        rendered = context.rules.text(Text.SOLUTION, plan.last_recovered(incident))
    elif step.subject.startswith(plan.STILL_NOTE):
        rendered = _said(
            context, plan.lead(incident), "Finished while the problem lives", _still_open(context, incident, route)
        )
    elif step.subject.startswith(plan.MAJOR_NOTE):
        rendered = _said(context, plan.lead(incident), "Major incident", _major(incident, route))
    elif step.subject.startswith(plan.HANDED_NOTE):
        rendered = _said(context, plan.lead(incident), "Handed over", _handed(context, incident, step, route))
    else:
        event, note = _noted(incident, step.subject)
        rendered = context.rules.text(Text.NOTE, event, note=note)
    return rendered.text, rendered.warnings


def _said(context: Context, event: Event, action: str, message: str) -> Rendered:
    """Write what nobody in Zabbix said, but both sides together show."""
    return context.rules.text(Text.NOTE, event, note=Note(context.time(), "", "", action, message))


def _still_open(context: Context, incident: Incident, route: Route) -> str:
    policy = route.policy
    takes_more = policy.reopen_closed or incident.seen.status is TicketStatus.SOLVED
    then = "The ticket stays as it is."
    if policy.reopen_after_person and takes_more:
        then = f"Unless it recovers, the ticket is opened again after {spoken(policy.reopen_after_person)}."
    return f"Zabbix still sees this problem. {then}{_dates(context, incident)}"


def _major(incident: Incident, route: Route) -> str:
    why = f"by {route.rule}, at severity {severity_name(plan.lead(incident).severity)}"
    return (
        f"Marked as a major incident ({why if route.draft.major else 'as its rule wanted then'}). "
        "A priority that people set stays as they set it."
    )


def _handed(context: Context, incident: Incident, step: Step, route: Route) -> str:
    place = int(step.subject.removeprefix(plan.HANDED_NOTE)) - 1
    group, levels = incident.told.handed[place].partition(" ")[2], route.policy.hand_over
    lasted = f" for {spoken(levels[place].after)}" if place < len(levels) else ""
    return f"Nobody has taken this ticket{lasted}: it goes to the group {group} too.{_dates(context, incident)}"


def _dates(context: Context, incident: Incident) -> str:
    """Write until when GLPI's agreements want the ticket owned and solved."""
    found = look.dates(context, incident.told.ticket_id)
    return "".join(f"\n{name.capitalize()}: {context.rules.when(moment)}" for name, moment in found.items())


def _noted(incident: Incident, id_: str) -> tuple[Event, Note]:
    return next((event, note) for event in incident.events for note in event.notes if note.id == id_)


def _reopen(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    if (children := incident.children) is not None:
        lead, count = plan.lead(incident), children.count
        rendered = context.rules.text(
            Text.STORM_REOPEN, lead, group=route.group, number=count, unfinished=children.open
        )
    else:
        event = next(event for event in incident.events if event.eventid == step.subject)
        rendered = context.rules.text(Text.REOPEN, event)
    fields = _followup(incident, step, route, rendered.text)
    del fields["_no_reopen"]
    return fields | {"add_reopen": 1}, rendered.warnings


def _close(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    lasted = spoken(route.policy.close_after or timedelta(0))
    event = plan.last_recovered(incident)
    rendered = _said(context, event, "Closed", f"The problem has stayed recovered for {lasted}, and nobody objected.")
    fields = _followup(incident, step, route, rendered.text) | {"is_private": int(route.policy.private_notes)}
    del fields["_no_reopen"]
    return fields | {"add_close": 1}, rendered.warnings


def _followup(incident: Incident, step: Step, route: Route, html: str) -> dict[str, Any]:
    """A followup that neither reopens the ticket by accident nor stops the clock of its time to own."""
    fields: dict[str, Any] = {
        "itemtype": "Ticket",
        "items_id": incident.told.ticket_id,
        "content": with_marker(html, marker(incident, step)),
        "_no_reopen": 1,
        "_do_not_compute_takeintoaccount": 1,
    }
    if not route.draft.notify:
        fields["_disablenotif"] = True
    return fields


def _solve(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    rendered = _end(context, incident, step, route)
    fields: dict[str, Any] = {
        "itemtype": "Ticket",
        "items_id": incident.told.ticket_id,
        "content": with_marker(rendered.text, marker(incident, step)),
        "_disable_auto_assign": 1,
    }
    if not route.draft.notify:
        fields["_disablenotif"] = True
    return fields, rendered.warnings


def _end(context: Context, incident: Incident, step: Step, route: Route) -> Rendered:
    """Write what a solution says: a storm's end, a recovery, or that nothing is watched any more."""
    if incident.children is not None:
        number = incident.children.count
        return context.rules.text(Text.STORM_SOLUTION, plan.lead(incident), group=route.group, number=number)
    if step.subject.startswith(plan.OFF_NOTE):
        event = next(event for event in incident.events if event.is_open)
        said = f"In Zabbix {event.unwatched}: no recovery will come by itself."
        off = Note(context.time(), step.subject, "", "Not watched any more", said)
        return context.rules.text(Text.NOTE, event, note=off)
    return context.rules.text(Text.SOLUTION, next(one for one in incident.events if one.eventid == step.subject))


def _link(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    other = int(step.subject)
    link = _SON_OF if other in incident.fathers else _RELATED
    return {"tickets_id_1": incident.told.ticket_id, "tickets_id_2": other, "link": link}, ()


def _asset(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    itemtype, _, id_ = step.subject.partition("/")
    return {"tickets_id": incident.told.ticket_id, "itemtype": itemtype, "items_id": int(id_)}, ()


def _raise(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    draft = route.draft
    if (priority := plan.priority_of(step.subject)) is not None:
        return {"id": incident.told.ticket_id, "priority": priority}, ()
    return {"id": incident.told.ticket_id, "urgency": int(draft.urgency), "impact": int(draft.impact)}, ()


def _hand_over(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    """Add the group; those before it stay. It is no reason for GLPI to take the ticket for one that is owned."""
    fields: dict[str, Any] = {
        "id": incident.told.ticket_id,
        "_groups_id_assign": [context.names.id("Group", step.subject.partition(" ")[2])],
        "_do_not_compute_takeintoaccount": 1,
    }
    if not route.draft.notify:
        fields["_disablenotif"] = True
    return fields, ()


def _confirm(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    return {"id": incident.told.ticket_id, "status": _confirmed_status(incident, shown)}, ()


def _confirmed_status(incident: Incident, shown: Shown | None) -> int:
    """What GLPI should have made of our solution, of our reopening, or of our closing."""
    if incident.told.unclosed and incident.seen.status is TicketStatus.SOLVED:
        return int(TicketStatus.CLOSED)
    if incident.is_recovered:
        return int(TicketStatus.SOLVED)
    is_assigned = shown is not None and (shown.technicians or shown.groups)
    return int(TicketStatus.ASSIGNED if is_assigned else TicketStatus.NEW)


def _complete(context: Context, incident: Incident, step: Step, route: Route, shown: Shown | None) -> _Fields:  # noqa: ARG001
    """Add the actors that a broken call did not reach; an update of GLPI adds, it removes nobody."""
    fields, warnings = context.names.ticket(route.draft, None)
    added: dict[str, Any] = {"id": incident.told.ticket_id}
    for name, there in (
        ("_users_id_requester", shown.requesters if shown else frozenset()),
        ("_users_id_assign", shown.technicians if shown else frozenset()),
    ):
        if missing := [id_ for id_ in fields.get(name, []) if id_ not in there]:
            added[name] = missing
    groups = {context.names.id("Group", name) for name in shown.groups} if shown else set()
    if missing := [id_ for id_ in fields.get("_groups_id_assign", []) if id_ not in groups]:
        added["_groups_id_assign"] = missing
    return added, tuple(warnings)


_FIELDS = {
    StepKind.CREATE: _create,
    StepKind.NOTE: _note,
    StepKind.REOPEN: _reopen,
    StepKind.CLOSE: _close,
    StepKind.SOLVE: _solve,
    StepKind.LINK: _link,
    StepKind.ASSET: _asset,
    StepKind.RAISE: _raise,
    StepKind.HAND_OVER: _hand_over,
    StepKind.CONFIRM: _confirm,
    StepKind.COMPLETE: _complete,
}


def told(item: Item, owed: Owed, ticket_id: int | None, now: datetime) -> tuple[Told, Seen]:
    """Return what is told and seen of an incident once GLPI has confirmed an item."""
    members = owed.incident.told.members.union(event.eventid for event in owed.incident.events)
    before, seen = replace(owed.incident.told, members=members), owed.incident.seen
    urgency, impact, priority = item.urgency, item.impact, plan.priority_of(item.subject)
    match item.kind:
        case StepKind.CREATE:
            levels = replace(seen, urgency=urgency or 0, impact=impact or 0, priority=priority or 0, computed=0)
            fresh = replace(levels, status=TicketStatus.NEW)
            looked_for = {event.eventid for event in owed.incident.events} if item.looked_for else set()
            made = replace(before, assets=frozenset(item.assets.split()), looked_for=before.looked_for | looked_for)
            made = replace(made, ticket_id=ticket_id, urgency=urgency, impact=impact, open_since=now)
            return replace(made, priority=priority, major=priority == MAJOR), fresh
        case StepKind.NOTE:
            return replace(before, notes=before.notes | {item.subject}), seen
        case StepKind.SOLVE:
            solved = replace(seen, status=TicketStatus.SOLVED, by_us=True, finished_at=now)
            over = {event.eventid for event in owed.incident.events if not event.is_open}
            if owed.incident.children is not None:  # its ends are numbered
                over = set()
            told_ = replace(before, solved=before.solved | before.reopened | over | {item.subject})
            return replace(told_, unconfirmed=False, unopened=False, unclosed=False), solved
        case StepKind.REOPEN:
            opened = replace(seen, status=TicketStatus.NEW, by_us=False, finished_at=None)
            told_ = replace(before, reopened=before.reopened | {item.subject}, open_since=now)
            return replace(told_, unconfirmed=False, unopened=False, unclosed=False), opened
        case StepKind.CLOSE:
            closed = replace(before, closed=before.closed | {item.subject}, unclosed=False)
            return closed, replace(seen, status=TicketStatus.CLOSED)
        case StepKind.LINK:
            return replace(before, linked=before.linked | {int(item.subject)}), seen
        case StepKind.ASSET:
            return replace(before, assets=before.assets | {item.subject}), seen
        case StepKind.RAISE:
            if priority is not None:
                return replace(before, priority=priority, major=priority == MAJOR), replace(seen, priority=priority)
            raised = replace(seen, urgency=urgency or 0, impact=impact or 0, priority=0, computed=0)
            return replace(before, urgency=urgency, impact=impact, priority=None), raised
        case StepKind.HAND_OVER:
            return replace(before, handed=(*before.handed, item.subject)), seen
        case StepKind.COMPLETE:
            return replace(before, incomplete=False), seen
        case StepKind.CONFIRM:
            status = TicketStatus(item.status or TicketStatus.SOLVED)
            is_over = status.is_finished
            confirmed = replace(seen, status=status, by_us=is_over, finished_at=now if is_over else None)
            return replace(before, unconfirmed=False, unopened=False, unclosed=False), confirmed
    raise ValueError(item.kind)


def _epoch(time: datetime | None) -> float:
    return 0.0 if time is None else time.timestamp()
