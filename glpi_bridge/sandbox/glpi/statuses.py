"""The statuses of tickets, problems and changes, and the dates that belong to them [02/015][05/004-009][06/125]."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .recorded import Row

NEW, ASSIGNED_STATUS, PLANNED, WAITING, SOLVED, CLOSED = 1, 2, 3, 4, 5, 6
SOLVED_SET: Final = {"Ticket": {5}, "Problem": {5, 8}, "Change": {5, 8}}
CLOSED_SET: Final = {"Ticket": {6}, "Problem": {6}, "Change": {6, 13, 14}}


@dataclass(frozen=True)
class Statuses:
    """Which statuses of an itemtype count as solved and as closed."""

    solved: frozenset[int]
    closed: frozenset[int]

    @staticmethod
    def of(itemtype: str) -> Statuses:
        """Return those of an itemtype."""
        return Statuses(frozenset(SOLVED_SET[itemtype]), frozenset(CLOSED_SET[itemtype]))

    def date(self, row: Row, old: int, new: int, now: str, full: Row | None = None) -> None:
        """Set or empty the dates that belong to a status [02/015][05/004-009][06/125]."""
        full = full or {}
        opened = full.get("date") or row.get("date") or now
        done = self.solved | self.closed
        if new in self.closed:
            row["closedate"] = now
            row["close_delay_stat"] = seconds(opened, now)
        if new in done and (not full.get("solvedate") or (old in self.solved and new in self.solved)):
            row["solvedate"] = now
            row["solve_delay_stat"] = seconds(opened, now)
        if new not in done and old in done:
            row.update(solvedate=None, closedate=None, solve_delay_stat=0, close_delay_stat=0)
        if new in self.solved and old in self.closed:
            row.update(closedate=None, close_delay_stat=0)
        self.date_waiting(row, old, new, now, full)

    def date_waiting(self, row: Row, old: int, new: int, now: str, full: Row) -> None:
        """Start or end the time that does not count: pending, and solved as long as it is not closed."""
        since = full.get("begin_waiting_date")
        if since and (old == WAITING or (old in self.solved and new not in self.closed) or old in self.closed):
            row["waiting_duration"] = int(full.get("waiting_duration") or 0) + seconds(since, now)
            row["begin_waiting_date"] = None
        if new == WAITING or (new in self.solved and full):
            row["begin_waiting_date"] = now


def seconds(start: str, end: str) -> int:
    """Return the seconds between two dates as GLPI writes them, 0 when one is none."""
    form = "%Y-%m-%d %H:%M:%S"
    try:
        delta = datetime.strptime(end, form) - datetime.strptime(str(start), form)  # noqa: DTZ007  # GLPI's dates carry no zone
    except ValueError:
        return 0
    return max(0, int(delta.total_seconds()))
