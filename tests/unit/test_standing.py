"""A solution or a reopening that GLPI has: did it take effect, and is a number still that of our ticket?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from glpi_bridge.look import Shown, is_anothers, newer
from glpi_bridge.model import Seen, StepKind, TicketStatus, Told
from glpi_bridge.standing import stands

AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
SOLVE, REOPEN = StepKind.SOLVE, StepKind.REOPEN
NEW, SOLVED, CLOSED = TicketStatus.NEW, TicketStatus.SOLVED, TicketStatus.CLOSED
as_solved, as_opened = Seen(SOLVED, finished_at=AT, by_us=True), Seen(NEW)

# sentence, what was written, the ticket as read back, its status then, by us, unconfirmed, unopened
ROWS = [
    ("solved and shown solved", SOLVE, Seen(SOLVED), SOLVED, True, False, False),
    ("solved and closed at once by the entity", SOLVE, Seen(CLOSED), CLOSED, True, False, False),
    ("solved and still open → to be confirmed", SOLVE, Seen(NEW), NEW, False, True, False),
    ("solved and not read back → not sure yet", SOLVE, None, SOLVED, True, True, False),
    ("reopened and shown open", REOPEN, Seen(NEW), NEW, False, False, False),
    ("reopened and still solved → to be confirmed", REOPEN, Seen(SOLVED), SOLVED, False, False, True),
    ("reopened and not read back → not sure yet", REOPEN, None, NEW, False, False, True),
]


@pytest.mark.parametrize(
    ("kind", "now", "status", "by_us", "unconfirmed", "unopened"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_how_it_stands(
    kind: StepKind, now: Seen | None, status: TicketStatus, by_us: bool, unconfirmed: bool, unopened: bool
) -> None:
    told, seen = stands(kind, Told(ticket_id=1), as_solved if kind is SOLVE else as_opened, now)
    assert (seen.status, seen.by_us, told.unconfirmed, told.unopened) == (status, by_us, unconfirmed, unopened)


@pytest.mark.parametrize("kind", [SOLVE, REOPEN])
def test_of_a_purged_ticket_nothing_is_to_be_confirmed(kind: StepKind) -> None:
    told, seen = stands(kind, Told(ticket_id=1), as_solved, Seen(is_gone=True))
    assert seen.is_gone
    assert not told.unconfirmed
    assert not told.unopened


def test_a_purged_ticket_is_remembered_as_it_stood() -> None:
    seen = newer(as_solved, Seen(is_gone=True))
    assert (seen.is_gone, seen.status, seen.by_us) == (True, SOLVED, True)


@pytest.mark.parametrize(
    ("markers", "expected"),
    [({"zabbix prod/1"}, False), (set(), False), ({"zabbix prod/11"}, True), ({"zabbix other/1"}, True)],
    ids=["ours", "rewritten by a person", "a longer number", "another source"],
)
def test_whose_ticket_a_number_is(markers: set[str], expected: bool) -> None:
    assert is_anothers(Shown(5, Seen(), frozenset(markers)), "zabbix prod/1") is expected
