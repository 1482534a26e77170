"""A ticket that nobody takes, against a real GLPI: the next group gets it, with GLPI's dates in the note."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live.bridge import RULES, Bridge

LASTS = 5.0


@pytest.fixture
def desk(bridge: Bridge, reader: Any, person: Any) -> Iterator[tuple[Bridge, int, int]]:
    """A bridge with a ticket that is to go to a group made for this test: the bridge, the ticket, the group."""
    group = person.add("Group", name=f"second {bridge.source}", entities_id=0, is_recursive=1)
    wish = f"default:\n  group: Systems\n  hand_over: {{after: {LASTS:g}s, to: second {bridge.source}}}\n"
    (bridge.directory / "rules.yml").write_text(RULES.replace("default:\n", wish))
    bridge.problem()
    bridge.deliver()
    (row,) = reader.tickets(bridge.source)
    yield bridge, int(row["id"]), group
    person.call("DELETE", f"Group/{group}", force_purge="true")


def groups(reader: Any, ticket: int) -> list[int]:
    return [row["groups_id"] for row in reader.get(f"Ticket/{ticket}/Group_Ticket") if row["type"] == 2]


def test_a_ticket_that_nobody_takes_goes_to_the_next_group_with_the_dates_of_glpi(
    desk: tuple[Bridge, int, int], reader: Any, person: Any
) -> None:
    bridge, ticket, group = desk
    before = reader.get(f"Ticket/{ticket}")
    person.change(ticket, time_to_own="2030-01-01 08:00:00", time_to_resolve="2030-01-02 08:00:00")
    bridge.deliver_until(lambda: len(reader.timeline("ITILFollowup", ticket)) > 0)
    assert groups(reader, ticket)[-1] == group
    assert len(groups(reader, ticket)) == 2
    (note,) = reader.timeline("ITILFollowup", ticket)
    assert "Nobody has taken this ticket" in note["content"]
    assert "Time to own: 2030-01-01" in note["content"]
    assert "Time to resolve: 2030-01-02" in note["content"]
    after = reader.get(f"Ticket/{ticket}")
    assert after["takeintoaccountdate"] == before["takeintoaccountdate"]
    bridge.deliver()
    assert len(reader.timeline("ITILFollowup", ticket)) == 1


DEEDS: dict[str, Callable[[Any, int, int], object]] = {
    "takes it": lambda person, ticket, me: person.change(ticket, _users_id_assign=me),
    "takes the group away": lambda person, ticket, me: [
        person.call("DELETE", f"Group_Ticket/{row['id']}", force_purge="true")
        for row in person.get(f"Ticket/{ticket}/Group_Ticket")
    ],
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_person_did_about_it_ends_that(
    desk: tuple[Bridge, int, int], reader: Any, person: Any, deed: str
) -> None:
    bridge, ticket, group = desk
    me = int(person.get("getFullSession")["session"]["glpiID"])
    DEEDS[deed](person, ticket, me)
    bridge.deliver_until(lambda: bridge.status()["queue"]["held"] == 0)
    bridge.deliver()
    assert group not in groups(reader, ticket)
    assert reader.timeline("ITILFollowup", ticket) == []
