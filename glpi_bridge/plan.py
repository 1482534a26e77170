"""What is due next for one incident: facts held against what was told, at a given time. Pure.

Each function below is one question, asked in this order; the first that has an answer gives the step. People win:
nothing here undoes what a person did to a ticket (docs/explanation/who-wins.md lists it field by field).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from glpi_bridge import storm
from glpi_bridge.model import (
    MAJOR,
    Event,
    Incident,
    Note,
    NoteKind,
    Policy,
    Route,
    Seen,
    Step,
    StepKind,
    TicketStatus,
    Told,
    Wait,
)

FLAP_NOTE = "flap-"
RECOVERY_NOTE = "recovered-"
OFF_NOTE = "off-"
STILL_NOTE = "still-"
HANDED_NOTE = "handed-"
MAJOR_NOTE = "major-"
DERIVED_NOTES = (STILL_NOTE, HANDED_NOTE, MAJOR_NOTE)
"""How the ids of some notes begin; the others are hexadecimal. DERIVED_NOTES say what both sides together show."""
_PRIORITY = "priority "
_NOTE_WORDS = {
    "commented": NoteKind.MESSAGE,
    "acknowledged": NoteKind.ACKNOWLEDGEMENT,
    "unacknowledged": NoteKind.ACKNOWLEDGEMENT,
    "suppressed": NoteKind.SUPPRESSION,
    "unsuppressed": NoteKind.SUPPRESSION,
    "severity": NoteKind.SEVERITY,
    "closed": NoteKind.CLOSE,
    "rank": NoteKind.RANK,
}


def plan(incident: Incident, route: Route, now: datetime) -> Step | Wait:
    """Return the next step for GLPI, or why there is none and when to look again.

    `route` is what the rules say of `lead(incident)`.
    """
    if incident.children is not None:
        return _or_hand_over(storm.step(incident, route.policy), incident, route.policy, now)
    if incident.told.ticket_id is None:
        return _before_ticket(incident, route, now)
    policy = route.policy
    if parting(incident, policy):
        return Step(StepKind.PART, "new or back, but its ticket takes nothing any more")
    if _is_removed(incident.seen):
        return Wait("the ticket was removed by hand", is_final=incident.is_recovered)
    due = (
        _complete(incident)
        or _asset(incident, policy)
        or _raise(incident, route)
        or _note(incident, policy)
        or _flapping(incident, policy, now)
        or _unwatched(incident, policy)
        or (_recovered(incident, policy, now) if incident.is_recovered else _returned(incident, policy, now))
    )
    # a link is a courtesy: nothing waits for it
    linked = (_link(incident) or due) if isinstance(due, Wait) else due
    return _or_hand_over(linked, incident, policy, now)


def lead(incident: Incident) -> Event:
    """Return the event that speaks for the incident: the gravest open one, else the last to recover."""
    still_open = [event for event in incident.events if event.is_open]
    if still_open:
        return max(still_open, key=lambda event: (event.severity, -_at(event.opened_at)))
    return last_recovered(incident)


def last_recovered(incident: Incident) -> Event:
    """Return the event whose recovery came last."""
    return max(incident.events, key=lambda event: (_at(event.recovered_at), event.eventid))


def joins(event: Event, latest: Incident, policy: Policy) -> bool:
    """Tell whether a new event belongs to the latest incident of its key, else it starts the next generation.

    A ticket that was removed, or closed where closed stays closed, takes nothing new: nobody would see it there.
    """
    if _takes_nothing(latest, policy):
        return False
    if any(other.is_open for other in latest.events):
        return True
    calm_since = max(_at(other.recovered_at) for other in latest.events)
    return _returns(_at(event.opened_at), calm_since, policy)


def gathers(storm: Incident, began: float, policy: Policy) -> bool:
    """Tell whether problems that began then (epoch seconds) belong to this storm.

    Not if a person removed or finished its ticket, nor if it was over for longer than the reopen window.
    """
    seen = storm.seen
    if _takes_nothing(storm, policy) or (seen.status.is_finished and not seen.by_us):
        return False
    if not seen.status.is_finished or seen.finished_at is None:
        return True
    return _returns(began, seen.finished_at.timestamp(), policy)


def _returns(opened: float, calm_since: float, policy: Policy) -> bool:
    """Tell whether what opened then is more of what was calm since then (epoch seconds)."""
    if opened < calm_since or policy.reopen_window is None:
        return True
    return timedelta(seconds=opened - calm_since) < policy.reopen_window


def returned(incident: Incident) -> list[Event]:
    """Return the events that came back after the ticket was finished, by us or by a person, and were not told."""
    seen = incident.seen
    if not seen.status.is_finished:
        return []
    fresh = [event for event in incident.events if event.is_open and event.eventid not in incident.told.reopened]
    if seen.by_us:
        return fresh
    if seen.finished_at is None:
        return []
    finished = seen.finished_at.timestamp()  # GLPI tells whole seconds
    return [event for event in fresh if int(_at(event.opened_at)) > finished]


def ended_unsaid(incident: Incident) -> frozenset[str]:
    """Return the events whose recovery nobody was told, as their ticket was finished already: its state says it.

    Once that was read back they count as told: a person who reopens the ticket later wants it open.
    """
    if incident.children is not None:
        return storm.ended_unsaid(incident)
    seen = incident.seen
    if not incident.is_recovered or not seen.status.is_finished or _is_removed(seen) or incident.told.unconfirmed:
        return frozenset()
    return frozenset(event.eventid for event in incident.events) - incident.told.solved


def parting(incident: Incident, policy: Policy) -> list[Event]:
    """Return the events that are to begin an incident of their own, as the ticket takes nothing any more.

    Those that came back, and those that joined while nobody knew that the ticket was removed: neither GLPI nor Zabbix
    was ever told that it is theirs.
    """
    if not _takes_nothing(incident, policy):
        return []
    leave, told, seen = returned(incident), incident.told, incident.seen
    if _is_removed(seen) and told.members:  # a store of before tells nothing of who was there
        theirs = told.members | incident.acknowledged | {event.eventid for event in leave}
        leave += [event for event in incident.events if event.eventid not in theirs]
    return leave if len(leave) < len(incident.events) else []


def _takes_nothing(incident: Incident, policy: Policy) -> bool:
    seen = incident.seen
    return _is_removed(seen) or (seen.status is TicketStatus.CLOSED and not policy.reopen_closed)


def _is_removed(seen: Seen) -> bool:
    return seen.is_deleted or seen.is_gone


def acknowledgement(incident: Incident, policy: Policy, tries: int = 0) -> Step | None:
    """Return the next step for Zabbix: to tell one event its ticket number, or what people did to the ticket since.

    After `tries` refusals in a row it is another event's turn: one that is gone does not keep a message from others.
    """
    if incident.told.ticket_id is None:
        return None
    numbered = policy.acknowledge and not incident.seen.is_gone
    first = {event.eventid: "" for event in untold_events(incident) if numbered}
    for word in incident.words:
        first.setdefault(word.eventid, str(word.id))  # an event hears the number first, then all else in its order
    if not first:
        return None
    eventid, word_id = list(first.items())[tries % len(first)]
    if word_id:
        return Step(
            StepKind.ACKNOWLEDGE, "the event does not know what people did to its ticket", f"{eventid} {word_id}"
        )
    return Step(StepKind.ACKNOWLEDGE, "the event does not name its ticket yet", eventid)


def untold_events(incident: Incident) -> list[Event]:
    """Return the events that do not name their ticket in Zabbix yet; a storm's events name those of their own."""
    if incident.children is not None:
        return []
    return [event for event in incident.events if event.announced and event.eventid not in incident.acknowledged]


def _before_ticket(incident: Incident, route: Route, now: datetime) -> Step | Wait:
    policy = route.policy
    recovered = incident.is_recovered
    if route.ignore is not None:
        return Wait(f"ignored by {route.rule}: {route.ignore}", is_final=recovered)
    if not any(event.announced for event in incident.events) and not policy.create_unannounced:
        return Wait("a recovery of a problem that nobody told about", is_final=True)
    if recovered:
        return _already_over(incident, policy)
    if policy.hold_suppressed and all(event.suppressed for event in incident.events if event.is_open):
        return Wait("held: suppressed in Zabbix")
    due = min(_time(event.opened_at, now) for event in incident.events if event.is_open) + policy.hold_off
    if policy.hold_off and due > now:  # without one, a Zabbix whose clock is ahead holds nothing up
        return Wait("held off", due)
    return Step(StepKind.CREATE, "a new problem")


def _already_over(incident: Incident, policy: Policy) -> Step | Wait:
    lasted = max(_at(event.recovered_at) - _at(event.opened_at or event.recovered_at) for event in incident.events)
    if timedelta(seconds=lasted) < policy.hold_off:
        return Wait("recovered within its hold-off", is_final=True)
    if policy.hold_suppressed and all(event.suppressed for event in incident.events):
        return Wait("opened and recovered while suppressed", is_final=True)
    if not policy.create_recovered:
        return Wait("recovered before its ticket could be made", is_final=True)
    return Step(StepKind.CREATE, "a problem that recovered before its ticket could be made")


def _complete(incident: Incident) -> Step | None:
    if not incident.told.incomplete:
        return None
    return Step(StepKind.COMPLETE, "the ticket was made by a call that broke off")


def _asset(incident: Incident, policy: Policy) -> Step | None:
    """What a new ticket was made without: the asset of an event that joined later, or one that could not be asked for.

    A finished ticket is left as people closed it.
    """
    if incident.seen.status.is_finished or not policy.link_asset:
        return None
    fresh = [event.eventid for event in incident.events if event.eventid not in incident.told.looked_for]
    return Step(StepKind.ASSET, "its asset was not looked for yet", fresh[0]) if fresh else None


def _link(incident: Incident) -> Step | None:
    linked = incident.told.linked | {incident.told.ticket_id}
    for father in incident.fathers:
        if father not in linked:
            return Step(StepKind.LINK, "it is the son of another ticket", str(father))
    if incident.previous is None or incident.previous in linked:
        return None
    return Step(StepKind.LINK, "the same problem had a ticket before", str(incident.previous))


def _raise(incident: Incident, route: Route) -> Step | None:
    """Follow the severity by urgency and impact, and mark a major incident: each by a call of its own.

    GLPI 10 computes the priority anew wherever the urgency changes, whatever priority came with it.
    """
    told, seen, draft = incident.told, incident.seen, route.draft
    is_rated = (seen.urgency, seen.impact) != (told.urgency, told.impact) or is_prioritised(incident)
    if seen.status.is_finished or is_rated:
        return None  # a person, or a rule of GLPI, has set it otherwise since
    if told.major and told.priority is None:
        return Step(StepKind.RAISE, "a major incident whose priority GLPI has computed anew", priority_subject(MAJOR))
    if incident.is_recovered or not route.policy.follow_severity:
        return None
    if (draft.urgency, draft.impact) != (told.urgency, told.impact):
        return Step(StepKind.RAISE, "the severity has changed")
    if draft.major and not told.major:
        return Step(StepKind.RAISE, "it has become a major incident", priority_subject(MAJOR))
    return None


def is_prioritised(incident: Incident) -> bool:
    """Tell whether the ticket's priority is neither what we set nor what GLPI's matrix gives: it is somebody's."""
    expected = incident.told.priority or incident.seen.computed
    return bool(expected and incident.seen.priority) and incident.seen.priority != expected


def priority_subject(priority: int | None) -> str:
    """Name a priority that a step sets, so that it is told once the step is; empty for none."""
    return "" if priority is None else f"{_PRIORITY}{priority}"


def priority_of(subject: str) -> int | None:
    """Read the priority that a create or raise sets."""
    return int(subject.removeprefix(_PRIORITY)) if subject.startswith(_PRIORITY) else None


def _note(incident: Incident, policy: Policy) -> Step | None:
    fresh = [note for event in incident.events for note in event.notes if note.id not in incident.told.notes]
    owed = sorted(note for note in fresh if not (kinds := kinds_of(note)) or kinds & policy.notes)
    return Step(StepKind.NOTE, "a message from Zabbix", owed[0].id) if owed else None


def kinds_of(note: Note) -> frozenset[NoteKind]:
    """Return what a note tells, by the words of {EVENT.UPDATE.ACTION}; empty for what is none of these."""
    if note.id.startswith(OFF_NOTE):
        return frozenset({NoteKind.SWITCHED_OFF})
    words = set(note.action.replace(",", " ").split())
    kinds = {kind for word, kind in _NOTE_WORDS.items() if word in words}
    return frozenset(kinds | ({NoteKind.MESSAGE} if note.message else set()))


def _flapping(incident: Incident, policy: Policy, now: datetime) -> Step | Wait | None:
    """While it flaps its state is not told; after the calm one note sums up, then the true state is told."""
    changes = flap_changes(incident.events, policy)
    if not changes:
        return None
    calm = changes[-1] + policy.flap_calm
    if calm > now:
        return Wait("flapping", calm)
    subject = f"{FLAP_NOTE}{int(changes[-1].timestamp())}"
    if subject in incident.told.notes:
        return None
    return Step(StepKind.NOTE, f"flapped: {len(changes)} changes, calm since", subject)


def flap_changes(events: Iterable[Event], policy: Policy) -> list[datetime]:
    """Return the changes that make it flap, oldest first; an empty list if it does not."""
    changes = sorted(at for event in events for at in (event.opened_at, event.recovered_at) if at is not None)
    if not policy.flap_count or not changes:
        return []
    recent = [at for at in changes if at >= changes[-1] - policy.flap_window]
    return recent if len(recent) >= policy.flap_count else []


def _unwatched(incident: Incident, policy: Policy) -> Step | Wait | None:
    """Solve, once and by setting only, what Zabbix says it watches no more: no recovery will come by itself."""
    still_open = [event for event in incident.events if event.is_open]
    if not (policy.solve_unwatched and policy.solve and still_open and all(event.unwatched for event in still_open)):
        return None
    subject = f"{OFF_NOTE}{still_open[0].eventid}"
    if incident.seen.status.is_finished:
        return Wait("not watched any more, and finished")
    if subject in incident.told.solved:
        return Wait("not watched any more; its ticket is open all the same")
    if incident.seen.status is TicketStatus.PENDING and not policy.solve_pending:
        return Wait("not watched any more; the ticket is a person's to solve")
    return Step(StepKind.SOLVE, "not watched any more in Zabbix", subject)


def _recovered(incident: Incident, policy: Policy, now: datetime) -> Step | Wait:
    seen, last = incident.seen, last_recovered(incident)
    if seen.status.is_finished:
        return _closing(incident, policy, now)
    if incident.told.unconfirmed:
        return Step(StepKind.CONFIRM, "GLPI took the solution and left the ticket open", last.eventid)
    if incident.told.reopened - {event.eventid for event in incident.events}:
        return Wait("reopened for an event that Zabbix has not shown since the store was lost")
    if last.eventid in incident.told.solved and not _reopened_by_us(incident):
        return Wait("recovered; a person reopened the ticket")
    pending = seen.status is TicketStatus.PENDING and not policy.solve_pending
    if pending or not policy.solve:
        subject = f"{RECOVERY_NOTE}{last.eventid}"
        if subject not in incident.told.notes:
            return Step(StepKind.NOTE, "recovered; the ticket is a person's to solve", subject)
        return Wait("recovered; the ticket is a person's to solve")
    return Step(StepKind.SOLVE, "recovered", _untold_recovery(incident).eventid)


def _closing(incident: Incident, policy: Policy, now: datetime) -> Step | Wait:
    """Close what is solved once its recovery has lasted; whether somebody objected is asked where it is sent.

    The time counts from the recovery and from the solution, whichever came later: people must have had it to object.
    """
    seen, told, last = incident.seen, incident.told, last_recovered(incident)
    if seen.status is TicketStatus.CLOSED or policy.close_after is None:
        return Wait("recovered and solved", is_final=True)
    if last.eventid in told.closed:
        if told.unclosed:
            return Step(StepKind.CONFIRM, "GLPI took the closing and left the ticket solved", last.eventid)
        return Wait("recovered and solved; somebody wrote since, so that people close it", is_final=True)
    due = datetime.fromtimestamp(max(_at(last.recovered_at), _at(seen.finished_at)), now.tzinfo) + policy.close_after
    if due > now:
        return Wait("recovered and solved; closed if it stays so", due, is_final=True)
    return Step(StepKind.CLOSE, "it stayed recovered", last.eventid)


def _reopened_by_us(incident: Incident) -> bool:
    return bool(incident.told.reopened - incident.told.solved)


def _untold_recovery(incident: Incident) -> Event:
    """Each solution has a subject of its own, or a lost answer to it would be taken for an earlier one's."""
    untold = [event for event in incident.events if event.eventid not in incident.told.solved]
    return max(untold or incident.events, key=lambda event: (_at(event.recovered_at), event.eventid))


def _returned(incident: Incident, policy: Policy, now: datetime) -> Step | Wait:
    seen, told = incident.seen, incident.told
    if not seen.status.is_finished:
        return Wait("open in Zabbix and in GLPI")
    early = _early(incident, policy)
    if seen.status is TicketStatus.CLOSED and not policy.reopen_closed:
        return early or Wait("open in Zabbix; closed in GLPI, where closed stays closed")
    still_open = [event.eventid for event in incident.events if event.is_open]
    if told.unopened and (taken := told.reopened.intersection(still_open)):
        return Step(StepKind.CONFIRM, "GLPI took the reopening and left the ticket finished", min(taken))
    if back := returned(incident):
        reason = "the problem is back" if seen.by_us else "the problem is back after a person closed its ticket"
        return Step(StepKind.REOPEN, reason, back[0].eventid)
    if early is not None and policy.reopen_after_person != timedelta(0):  # else the reopening says it, at once
        return early
    untold = [eventid for eventid in still_open if eventid not in told.reopened]
    if policy.reopen_after_person is None or not untold:
        return Wait("open in Zabbix; closed by a person")
    due = _time(seen.finished_at, now) + policy.reopen_after_person
    if policy.reopen_after_person and due > now:
        return Wait("open in Zabbix; closed by a person, and reopened unless it recovers", due)
    return Step(StepKind.REOPEN, "closed by a person while the problem lives", untold[0])


def _early(incident: Incident, policy: Policy) -> Step | None:
    """Tell who finished the ticket while Zabbix still sees the problem, once; solutions of ours are none of theirs."""
    still_open = [event.eventid for event in incident.events if event.is_open]
    subjects = {f"{STILL_NOTE}{eventid}" for eventid in still_open}
    if incident.seen.by_us or NoteKind.STILL_OPEN not in policy.notes or subjects & incident.told.notes:
        return None
    reason = "a person finished the ticket, and Zabbix still sees the problem"
    return Step(StepKind.NOTE, reason, f"{STILL_NOTE}{still_open[0]}")


def _or_hand_over(due: Step | Wait, incident: Incident, policy: Policy, now: datetime) -> Step | Wait:
    """Where nothing else is due, hand an open ticket that nobody has taken to its next group, and say what was done.

    Whether somebody took it is asked where it is sent. Those of a storm's problems wait for the storm's own.
    """
    told = incident.told
    if isinstance(due, Step) or told.ticket_id is None or _is_removed(incident.seen):
        return due
    if (unsaid := _unsaid(told)) is not None:
        return unsaid
    left = policy.hand_over[len(told.handed) :]
    if not left or told.open_since is None or not _is_unowned(incident, policy):
        return due
    at = told.open_since + left[0].after
    if at > now:
        return replace(due, until=at if due.until is None else min(at, due.until))
    return Step(StepKind.HAND_OVER, "nobody has taken the ticket", f"{len(told.handed) + 1} {left[0].to}")


def _unsaid(told: Told) -> Step | None:
    """Return the note about what the bridge did to a ticket by its own rules, where that was not said there yet."""
    if told.major and f"{MAJOR_NOTE}1" not in told.notes:
        return Step(StepKind.NOTE, "it was marked as a major incident", f"{MAJOR_NOTE}1")
    for place in range(1, len(told.handed) + 1):
        if f"{HANDED_NOTE}{place}" not in told.notes:
            return Step(StepKind.NOTE, "it was handed over", f"{HANDED_NOTE}{place}")
    return None


def _is_unowned(incident: Incident, policy: Policy) -> bool:
    """Tell whether a ticket is one that somebody should take: open, not put off, and of a problem that lives."""
    is_waiting = incident.seen.status in (TicketStatus.NEW, TicketStatus.ASSIGNED)
    is_wanted = not incident.is_recovered or not policy.solve
    return is_waiting and is_wanted and incident.parent is None and not incident.told.owned


def _at(time: datetime | None) -> float:
    return 0.0 if time is None else time.timestamp()


def _time(time: datetime | None, default: datetime) -> datetime:
    return default if time is None else time
