"""What is due next for a Change that was begun from a Problem, or whose planned work is followed. Pure.

The bridge makes the first kind, hangs on it what belongs there, and asks for approval; each once. It notes on either
what became of planned work in Zabbix. All else is people's.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from glpi_bridge.undertaking import NOTE, OVER, SOLUTION, Calm, Due, Kind, Member, Resolution, Undertaking, resolve

FINISHED = OVER[Kind.CHANGE]
"""Change.status: applied, closed, under review, refused, cancelled."""


class Verb(StrEnum):
    """What may be done for a Change."""

    OPEN = "open"
    PROBLEM = "problem"
    ASSET = "asset"
    APPROVE = "approve"
    SAY = "say"
    NOTE = NOTE
    SOLUTION = SOLUTION


def plan(one: Undertaking, members: Sequence[Member], resolution: Resolution) -> Due | Calm:
    """Return the next deed, or why there is none."""
    if one.glpi_id is None:
        return Due(Verb.OPEN, str(one.given["reason"]))
    if one.seen.get("is_gone"):
        return Calm("removed by hand", is_final=True)
    for note in one.given.get("notes", ()):
        due = Due(Verb.SAY, "what became of its planned work", int(note["id"]))
        if due.key not in one.told:
            return due
    if "problem" not in one.given:
        return Calm("a person's; its planned work is followed", is_final=True)
    if one.seen.get("status") in FINISHED:
        return resolve(one, members, resolution) or Calm("ended by a person", is_final=True)
    wanted = [Due(Verb.PROBLEM, "the problem that it is to end", int(one.given["problem"]))]
    for asset in one.given.get("assets", ()):
        itemtype, _, id_ = str(asset).partition("/")
        wanted.append(Due(Verb.ASSET, "an asset of the problem's incidents", int(id_), itemtype))
    for approver in one.given.get("approvers", ()):
        itemtype, _, id_ = str(approver).partition("/")
        wanted.append(Due(Verb.APPROVE, "it is to be approved", int(id_), itemtype))
    return next((due for due in wanted if due.key not in one.told), Calm("open"))
