"""Storms: which problems are one, and what is due next for the parent ticket of one. Pure.

A parent says that many problems came at once; its children keep their own tickets, each with its own recovery. People
win here too: a parent that a person finished stays so, and one that was removed gets no second of its kind.
"""

from __future__ import annotations

from collections.abc import Iterable

from glpi_bridge.model import Incident, Policy, Step, StepKind, Storm, TicketStatus, Wait

MARKER = " storm "
"""What stands between the marker of a storm's first child and the name of its group."""


def gathered(begins: Iterable[tuple[float, int]], storm: Storm) -> list[int]:
    """Return those of one group (when each began in epoch seconds, its number) that came too many at once, in order.

    One is part of a storm if it lies in any window with more than `count` of them; the order of arrival is nothing.
    """
    ordered = sorted(begins)
    window, first, reached = storm.window.total_seconds(), 0, 0
    found: list[int] = []
    for last, (began, _) in enumerate(ordered):
        while began - ordered[first][0] >= window:
            first += 1
        if last - first + 1 > storm.count:
            found += [number for _, number in ordered[max(first, reached) : last + 1]]
            reached = last + 1
    return found


def step(incident: Incident, policy: Policy) -> Step | Wait:
    """Return what is due for the parent ticket of a storm, or why nothing is."""
    if incident.told.ticket_id is None:
        return _before_ticket(incident, policy)
    if incident.seen.is_deleted or incident.seen.is_gone:
        return Wait("the storm's ticket was removed by hand", is_final=incident.is_recovered)
    if incident.told.incomplete:
        return Step(StepKind.COMPLETE, "the ticket was made by a call that broke off")
    return _over(incident, policy) if incident.is_recovered else _raging(incident, policy)


def ended_unsaid(incident: Incident) -> frozenset[str]:
    """Return the end that nobody was told, as a person had finished the ticket already."""
    told = incident.told
    is_unsaid = incident.is_recovered and incident.seen.status.is_finished and len(told.solved) <= len(told.reopened)
    return frozenset({_next_end(incident)}) if is_unsaid and not told.unconfirmed else frozenset()


def _next_end(incident: Incident) -> str:
    """Name an end: each solution has a subject of its own, or a lost answer would be taken for an earlier one's."""
    return str(len(incident.told.solved) + 1)


def _before_ticket(incident: Incident, policy: Policy) -> Step | Wait:
    children = incident.children
    if children is None or policy.storm is None:
        return Wait("the rules ask for no storms any more", is_final=incident.is_recovered)
    if children.live == 0:
        return Wait("the storm was over before its ticket could be made", is_final=incident.is_recovered)
    if children.tickets <= policy.storm.count:
        return Wait("so far too few of the storm's problems have tickets")
    return Step(StepKind.CREATE, f"a storm of {children.count} problems")


def _over(incident: Incident, policy: Policy) -> Step | Wait:
    told, seen = incident.told, incident.seen
    if seen.status.is_finished:
        return Wait("the storm is over, its ticket solved", is_final=True)
    if told.unconfirmed:
        return Step(StepKind.CONFIRM, "GLPI took the solution and left the ticket open", str(len(told.solved)))
    if len(told.solved) > len(told.reopened):
        return Wait("the storm is over; a person reopened its ticket")
    if not policy.solve or (seen.status is TicketStatus.PENDING and not policy.solve_pending):
        return Wait("the storm is over; its ticket is a person's to solve")
    return Step(StepKind.SOLVE, "all of the storm's problems are over", _next_end(incident))


def _raging(incident: Incident, policy: Policy) -> Step | Wait:
    told, seen = incident.told, incident.seen
    if not seen.status.is_finished:
        return Wait("the storm goes on")
    if incident.children is not None and incident.children.live == 0:
        return Wait("the storm is over; a person keeps a ticket of its problems open")
    if told.unopened:
        return Step(StepKind.CONFIRM, "GLPI took the reopening and left the ticket finished", str(len(told.reopened)))
    if not seen.by_us or (seen.status is TicketStatus.CLOSED and not policy.reopen_closed):
        return Wait("the storm goes on; its ticket stays finished")
    return Step(StepKind.REOPEN, "the storm goes on", str(len(told.reopened) + 1))
