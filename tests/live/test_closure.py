"""Closing against a real GLPI: what stayed recovered, what somebody wrote since, what a person finished too early."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import CLOSED, SOLVED
from tests.live.bridge import RULES, Bridge

CLOSING = RULES.replace("default:\n", "default:\n  close_after: 2s\n  flapping: off\n")
GRACE = RULES.replace("default:\n", "default:\n  reopen_after_person: 2s\n")


def ticket_of(bridge: Bridge, reader: Any) -> int:
    (row,) = reader.tickets(bridge.source)
    return int(row["id"])


def status(reader: Any, ticket: int) -> int:
    return int(reader.get(f"Ticket/{ticket}")["status"])


def test_what_stayed_recovered_is_closed_with_the_reason(bridge: Bridge, reader: Any) -> None:
    (bridge.directory / "rules.yml").write_text(CLOSING)
    event = bridge.problem()
    bridge.deliver()
    bridge.recovery(event)
    bridge.deliver()
    ticket = ticket_of(bridge, reader)
    bridge.deliver_until(lambda: status(reader, ticket) == CLOSED)
    (reason,) = reader.timeline("ITILFollowup", ticket)
    assert "stayed recovered for 2s, and nobody objected" in reason["content"]
    assert [row["status"] for row in reader.timeline("ITILSolution", ticket)] == [3]
    back = bridge.problem(trigger_id=f"t{event}")
    bridge.deliver_until(lambda: status(reader, ticket) < SOLVED)
    assert back != event


def test_a_word_of_somebody_since_leaves_it_to_people(bridge: Bridge, reader: Any, person: Any) -> None:
    (bridge.directory / "rules.yml").write_text(CLOSING.replace("2s", "4s"))
    event = bridge.problem()
    bridge.deliver()
    bridge.recovery(event)
    bridge.deliver()
    ticket = ticket_of(bridge, reader)
    person.add("ITILFollowup", itemtype="Ticket", items_id=ticket, content="<p>it is slow still</p>", _no_reopen=1)
    bridge.deliver_until(lambda: bridge.status()["queue"]["held"] == 0)
    bridge.deliver()
    assert status(reader, ticket) == SOLVED
    assert len(reader.timeline("ITILFollowup", ticket)) == 1


@pytest.mark.field("F27")
def test_who_solves_what_still_lives_is_told_and_after_the_grace_time_it_is_opened_again(
    bridge: Bridge, reader: Any, person: Any
) -> None:
    (bridge.directory / "rules.yml").write_text(GRACE)
    event = bridge.problem()
    bridge.deliver()
    ticket = ticket_of(bridge, reader)
    person.add("ITILSolution", itemtype="Ticket", items_id=ticket, content="<p>by hand</p>")
    bridge.run("sync")
    bridge.deliver_until(lambda: status(reader, ticket) < SOLVED)
    note, again = reader.timeline("ITILFollowup", ticket)
    assert "Zabbix still sees this problem" in note["content"]
    assert note["is_private"] == 1
    assert again["content"].rstrip().endswith(f" return {event}</small></p>")
