"""What is due next for a Problem: what it should have against what GLPI has confirmed. Pure.

This is the one list of what the bridge does to a Problem and, because of it, to tickets. Each deed is told once: what
a person takes away afterwards (a link, a note) stays away. The Problem itself is a person's from the moment it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from glpi_bridge.undertaking import NOTE, OVER, SOLUTION, Calm, Due, Kind, Member, Resolution, Undertaking, resolve

SOLVED = OVER[Kind.PROBLEM]
"""Problem.status: solved, closed, under observation (which GLPI takes for solved too)."""


class Verb(StrEnum):
    """What may be done for a Problem."""

    OPEN = "open"
    LINK = "link"
    WORKAROUND = "workaround"
    NOTE = NOTE
    SOLUTION = SOLUTION


def plan(one: Undertaking, members: Sequence[Member], resolution: Resolution) -> Due | Calm:
    """Return the next deed, or why there is none."""
    if one.glpi_id is None:
        return Due(Verb.OPEN, str(one.given.get("reason", "incidents recur")))
    if one.seen.get("is_gone"):
        return Calm("removed by hand", is_final=True)
    due = _link(one, members)
    if due is None and not is_solved(one):
        due = _workaround(one, members)
    if due is None:
        due = resolve(one, [member for member in members if one.told.get(f"link {member.ticket_id}")], resolution)
    if due is not None:
        return due
    return Calm("solved by a person", is_final=True) if is_solved(one) else Calm("open")


def is_solved(one: Undertaking) -> bool:
    """Tell whether its Problem is solved or closed."""
    return one.seen.get("status") in SOLVED


def _link(one: Undertaking, members: Sequence[Member]) -> Due | None:
    for member in members:
        due = Due(Verb.LINK, "an incident of this cause", member.ticket_id)
        if not member.is_gone and due.key not in one.told:
            return due
    return None


def _workaround(one: Undertaking, members: Sequence[Member]) -> Due | None:
    """Each open incident gets the newest workaround, once; one that is finished needs none."""
    known = one.seen.get("workaround")
    if not known:
        return None
    for member in members:
        due = Due(Verb.WORKAROUND, "its problem has a workaround", member.ticket_id, str(known["id"]))
        if not member.is_finished and not member.is_gone and due.key not in one.told:
            return due
    return None
