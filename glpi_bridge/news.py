"""What people did to a ticket, read from its history in GLPI. Pure.

The history (rows of Log, the same in 10.0 and 11.0) says who did what and in which order; the texts of followups and
solutions are no part of it and are read by their ids. What our own account did is no news.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glpi_bridge.model import NewsKind
from glpi_bridge.text import decoded

# Log.linked_action, and the search options of Ticket that Log.id_search_option names
CHANGED, DELETED, LINKED, UNLINKED, ADDED = 0, 13, 15, 16, 17
STATUS, TECHNICIAN, GROUP = 12, 5, 8
FOLLOWUP, SOLUTION = "ITILFollowup", "ITILSolution"
_FINISHED = {"5", "6"}
_NAMED = re.compile(r"(?P<name>.*) \((?P<id>\d+)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which news a source is told; `private`: private followups too.

    `acknowledge_solved`: who solves a ticket acknowledges its events; `close_solved`: and closes those that may be
    closed by hand.
    """

    kinds: frozenset[NewsKind] = frozenset(NewsKind)
    private: bool = False
    acknowledge_solved: bool = True
    close_solved: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """One piece of news as the history has it: the number of its row, when (GLPI's words) and who (empty: GLPI).

    `to` is who it was assigned to; `child` the followup or solution (type, id) that holds its text.
    """

    id: int
    kind: NewsKind
    at: str
    author: str
    to: str = ""
    child: tuple[str, int] | None = None


def is_assigned(history: Iterable[Mapping[str, Any]], own_user: int) -> bool:
    """Tell whether others than `own_user` gave a ticket to somebody, or took it from somebody, group or person.

    GLPI 10 does not say in which role somebody was who is taken away.
    """
    assigned = (("User", TECHNICIAN), ("Group", GROUP))
    rows = [row for row in map(_Row.of, history) if row.user != own_user]
    return any(
        (row.action == LINKED and (row.linked, row.option) in assigned)
        or (row.action == UNLINKED and (row.linked, row.option) in (*assigned, ("User", 0), ("Group", 0)))
        for row in rows
    )


def happenings(history: Iterable[Mapping[str, Any]], own_user: int) -> list[Happening]:
    """Read the history of one ticket: what others than `own_user` did to it, oldest first."""
    rows = [_Row.of(row) for row in sorted(history, key=lambda row: int(row["id"]))]
    return list(_told([row for row in rows if row.user != own_user]))


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    at: str
    author: str
    user: int
    linked: str
    action: int
    option: int
    old: str
    new: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> _Row:
        who = str(row.get("user_name") or "")
        found = _NAMED.fullmatch(who)  # GLPI's own jobs have no number behind their name
        return cls(
            id=int(row["id"]),
            at=str(row["date_mod"]),
            author=decoded(found["name"]) if found else "",
            user=int(found["id"]) if found else 0,
            linked=str(row.get("itemtype_link") or ""),
            action=int(row["linked_action"]),
            option=int(row["id_search_option"]),
            old=str(row.get("old_value") or ""),
            new=str(row.get("new_value") or ""),
        )

    @property
    def is_status(self) -> bool:
        return self.action == CHANGED and self.option == STATUS and not self.linked

    def is_child(self, itemtype: str) -> bool:
        return self.action == ADDED and self.linked == itemtype and self.child_id > 0

    @property
    def child_id(self) -> int:
        found = re.match(r"\d+", self.new)  # a followup is named "32826", a solution "962 (962)"
        return int(found[0]) if found else 0


def _told(rows: Sequence[_Row]) -> Iterator[Happening]:
    solutions = _solutions(rows)
    paired = set(solutions.values())
    for row in rows:
        if row.is_status:
            yield from _status(row, solutions.get(row))
        elif row.is_child(SOLUTION) and row not in paired:
            yield _happening(row, NewsKind.SOLVED, child=(SOLUTION, row.child_id))
        elif row.is_child(FOLLOWUP):
            yield _happening(row, NewsKind.FOLLOWUP, child=(FOLLOWUP, row.child_id))
        elif row.action == LINKED and (row.linked, row.option) in (("User", TECHNICIAN), ("Group", GROUP)):
            yield _assigned(row)
        elif row.action == DELETED and row.linked in ("", "0"):
            yield _happening(row, NewsKind.DELETED)


def _solutions(rows: Sequence[_Row]) -> dict[_Row, _Row]:
    """Join each row that finishes the ticket with that of the solution which did it: GLPI writes them side by side."""
    joined: dict[_Row, _Row] = {}
    changes = [row for row in rows if row.is_status]
    for place, change in enumerate(changes):
        if change.new not in _FINISHED or change.old in _FINISHED:
            continue
        first = changes[place - 1].id if place else 0
        last = changes[place + 1].id if place + 1 < len(changes) else rows[-1].id + 1
        near = [
            row
            for row in rows
            if first < row.id < last and row.is_child(SOLUTION) and row.user == change.user
            if row not in joined.values()
        ]
        if near:
            joined[change] = min(near, key=lambda row: abs(row.id - change.id))
    return joined


def _status(row: _Row, solution: _Row | None) -> Iterator[Happening]:
    if solution is not None:
        yield _happening(solution, NewsKind.SOLVED, child=(SOLUTION, solution.child_id))
    elif row.new == "5":
        yield _happening(row, NewsKind.SOLVED)
    elif row.new == "6":
        yield _happening(row, NewsKind.CLOSED)
    elif row.old in _FINISHED:
        yield _happening(row, NewsKind.REOPENED)


def _assigned(row: _Row) -> Happening:
    found = _NAMED.fullmatch(row.new)
    if row.linked == "User" and found is not None and int(found["id"]) == row.user:
        return _happening(row, NewsKind.TAKEN)
    return _happening(row, NewsKind.ASSIGNED, to=decoded(found["name"] if found else row.new))


def _happening(row: _Row, kind: NewsKind, *, to: str = "", child: tuple[str, int] | None = None) -> Happening:
    return Happening(row.id, kind, row.at, row.author, to, child)
