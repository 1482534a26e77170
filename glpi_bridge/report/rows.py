"""One incident as a report counts it: GLPI's row of its ticket, and what the store knows of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Clock = Callable[[str], datetime]
"""Reads a date of GLPI (`2026-11-25 07:30:16`), which carries no zone."""

_SOLVED = 5
_INCIDENT = 1


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a ticket of the bridge.

    `severity` is the highest of its problems (0 to 5), None where it is unknown. `triggers` are pairs of host and
    trigger, each once. `problems` counts the events of Zabbix that share the ticket, `alerts` the messages about them.
    `is_again`: the same cause had a ticket before. `by_itself`: the recovery solved it.
    """

    severity: int | None
    triggers: tuple[tuple[str, str], ...]
    problems: int
    alerts: int
    is_again: bool
    by_itself: bool


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket of GLPI; times in seconds are GLPI's own count: hours of service, without waiting.

    `owned` and `resolved` are None while nobody has taken it or while it is open. `kept_own` and `kept_resolve` tell
    whether its SLA was kept, None where it has none or where that is still open.
    """

    id: int
    opened_at: datetime
    category: int
    is_done: bool
    owned: float | None
    resolved: float | None
    kept_own: bool | None
    kept_resolve: bool | None


class Kind(StrEnum):
    """What else is opened at a service desk; the values are GLPI's itemtypes."""

    PROBLEM = "Problem"
    CHANGE = "Change"


@dataclass(frozen=True, slots=True)
class Undertaken:
    """A Problem or Change; `incidents` counts the tickets it is linked to, or the Problems, where it is a Change."""

    kind: Kind
    opened_at: datetime
    incidents: int


def is_incident(row: Mapping[str, Any]) -> bool:
    """Tell whether a row of GLPI's list of tickets is an incident; else it is a request."""
    return int(row["type"]) == _INCIDENT


def ticket(row: Mapping[str, Any], clock: Clock, now: str) -> Ticket:
    """Read a row of GLPI's list of tickets; `now` is GLPI's own time, written as it writes dates."""
    opened = str(row["date"] or row["date_creation"])
    taken, solved = row["takeintoaccountdate"], row["solvedate"] or row["closedate"]
    is_done = int(row["status"]) >= _SOLVED
    return Ticket(
        id=int(row["id"]),
        opened_at=clock(opened),
        category=int(row["itilcategories_id"] or 0),
        is_done=is_done,
        owned=_spent(row["takeintoaccount_delay_stat"], opened, taken, clock),
        resolved=_spent(row["solve_delay_stat"], opened, solved, clock) if is_done else None,
        kept_own=_kept(row["time_to_own"], taken or (solved if is_done else None), now),
        kept_resolve=_kept(row["time_to_resolve"], solved if is_done else None, now),
    )


def _spent(counted: Any, opened: str, done: str | None, clock: Clock) -> float | None:
    """GLPI's count of seconds; where it has none (0), the time between both dates."""
    if not done:
        return None
    return float(counted or 0) or max(0.0, (clock(done) - clock(opened)).total_seconds())


def _kept(until: str | None, done: str | None, now: str) -> bool | None:
    """Compare dates as GLPI writes them, which sort as text; one that is not done yet fails once its time is over."""
    if not until:
        return None
    if done:
        return done <= until
    return False if now > until else None
