"""GLPI's own business rules change what the bridge writes; theirs stands, and nothing is repeated for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.live.bridge import Bridge

ON_ADD, ON_UPDATE, IS, CONTAINS = 1, 2, 0, 2
SOLVED = 5


@contextmanager
def rule(person: Any, title: str, when: int, **actions: str | int) -> Iterator[None]:
    """Have a rule, gone afterwards: for new tickets with `title` in theirs, or for all that are solved."""
    made = person.add("RuleTicket", name=title, sub_type="RuleTicket", match="AND", is_active=1, condition=when)
    try:
        if when == ON_ADD:
            person.add("RuleCriteria", rules_id=made, criteria="name", condition=CONTAINS, pattern=title)
        else:  # of an update a rule sees only what changes
            person.add("RuleCriteria", rules_id=made, criteria="status", condition=IS, pattern=SOLVED)
        for field, value in actions.items():
            person.add("RuleAction", rules_id=made, action_type="assign", field=field, value=value)
        yield
    finally:
        person.call("DELETE", f"RuleTicket/{made}", force_purge="true")


def test_an_urgency_that_a_rule_sets_stays(bridge: Bridge, reader: Any, person: Any) -> None:
    with rule(person, bridge.source, ON_ADD, urgency=1):
        event = bridge.alert(event_name=f"problem {bridge.source}", event_nseverity=4, host_host="web01")
        bridge.deliver()
    [ticket] = reader.tickets(bridge.source)
    [said] = [one for one in bridge.status()["notices"] if one["kind"] == "rewritten"]
    assert (said["subject"], f"ticket {ticket['id']}" in said["text"]) == ("urgency", True)
    assert ticket["urgency"] == 1
    bridge.update(event, event_nseverity=5, event_update_action="changed severity", date="2099.11.25", time="10:00:00")
    bridge.deliver()
    bridge.deliver()
    assert reader.get(f"Ticket/{ticket['id']}")["urgency"] == 1


def test_a_category_and_a_group_that_a_rule_sets_stay(bridge: Bridge, reader: Any, person: Any) -> None:
    networks = person.get("Group", **{"searchText[name]": "^Networks$"})[0]["id"]
    network = person.get("ITILCategory", **{"searchText[completename]": "^Monitoring > Network$"})[0]["id"]
    with rule(person, bridge.source, ON_ADD, itilcategories_id=network, _groups_id_assign=networks):
        bridge.alert(event_name=f"problem {bridge.source}", event_nseverity=4, host_host="web01")
        bridge.deliver()
    [ticket] = reader.tickets(bridge.source)
    bridge.run("sync")
    assert reader.get(f"Ticket/{ticket['id']}")["itilcategories_id"] == network
    assert [row["groups_id"] for row in reader.get(f"Ticket/{ticket['id']}/Group_Ticket")] == [networks]


@pytest.mark.field("F87")
def test_a_title_that_is_rewritten_does_not_matter(bridge: Bridge, reader: Any, person: Any) -> None:
    event = bridge.problem()
    bridge.deliver()
    [ticket] = reader.tickets(bridge.source)
    person.change(ticket["id"], name="rewritten", content="<p>rewritten</p>")
    bridge.recovery(event)
    bridge.deliver()
    assert reader.get(f"Ticket/{ticket['id']}")["status"] == SOLVED
    assert reader.tickets(bridge.source) == []


@pytest.mark.field("F51")
def test_a_rule_that_holds_the_status_is_said_and_nothing_is_repeated(bridge: Bridge, reader: Any, person: Any) -> None:
    event = bridge.alert(event_name=f"problem {bridge.source}", event_nseverity=4, host_host="web01")
    bridge.deliver()
    [ticket] = reader.tickets(bridge.source)
    with rule(person, bridge.source, ON_UPDATE, status=2):
        bridge.recovery(event)
        said = bridge.deliver()
        for _ in range(3):
            said += bridge.deliver()
    assert reader.get(f"Ticket/{ticket['id']}")["status"] == 2
    assert len(reader.timeline("ITILSolution", ticket["id"])) == 1
    assert said.count("stays open in GLPI") == 1
