"""A business rule of GLPI writes over what a new ticket was sent with: it stands, and is said once for each field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.admin import check_glpi
from glpi_bridge.glpi.locks import Tried, Verdict
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from tests.integration.installation import Installation, installation

RULES = "default: {category: Monitoring > Disk, urgency: high, location: Room 1, request_source: Zabbix}\n"


@pytest.fixture(params=["10.0.19", "11.0.6"])
def bridge(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setattr(check_glpi, "try_locks", lambda _make: Tried(Verdict.LOCKS, "assumed"))
    with installation(tmp_path, request.param) as made:
        made.write(rules=RULES)
        yield made


def rule(bridge: Installation, **values: Any) -> None:
    bridge.glpi.order(Fault(FaultKind.RULE, Match("POST", "Ticket"), times=None, values=values))


def number(bridge: Installation, itemtype: str, path: str) -> int:
    table = bridge.glpi.world.db[itemtype]
    return next(id_ for id_ in table.ids if (table.full(id_).get("completename") or table.value(id_, "name")) == path)


def notices(bridge: Installation) -> dict[str, Any]:
    found = bridge.json("status")["notices"]
    return {one["subject"]: one for one in found if one["kind"] == "rewritten"}


@pytest.mark.field("F87")
def test_each_field_that_a_rule_changes_is_said_once_with_an_example(bridge: Installation) -> None:
    network = number(bridge, "ITILCategory", "Monitoring > Network")
    lab = number(bridge, "Entity", "Root entity > Lab")
    rule(bridge, itilcategories_id=network, urgency=1, locations_id=0, entities_id=lab, type=2, requesttypes_id=1)
    bridge.write(rules=RULES.replace("}", ", entity: Root entity}"))
    for eventid in ("1", "2", "3"):
        bridge.alert(eventid)
    bridge.ok("deliver")
    found = notices(bridge)
    assert set(found) == {"category", "urgency", "location", "entity", "type", "request source"}
    assert "its category was sent as 'Monitoring > Disk' and is 'Monitoring > Network'" in found["category"]["text"]
    assert "its urgency was sent as 'high' and is 'very low'" in found["urgency"]["text"]
    assert "its location was sent as 'Room 1' and is empty" in found["location"]["text"]
    assert {one["count"] for one in found.values()} == {3}
    assert all(row["itilcategories_id"] == network for row in bridge.glpi.tickets())


def test_check_says_it_too_and_nothing_is_said_where_all_stands(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.ok("deliver")
    assert notices(bridge) == {}
    rule(bridge, urgency=1)
    bridge.alert("2")
    bridge.ok("deliver")
    lines = bridge.json("check", code=1)["lines"]  # no host is visible in this Zabbix
    [said] = [one for one in lines if one["thing"] == "GLPI rules"]
    assert (said["state"], "urgency" in said["text"], "(1 ticket)" in said["text"]) == ("warning", True, True)


@pytest.mark.field("F87")
def test_the_trial_ticket_tells_it_in_words(bridge: Installation) -> None:
    rule(bridge, itilcategories_id=number(bridge, "ITILCategory", "Monitoring > Network"))
    lines = bridge.json("check", "--ticket", code=1)["lines"]
    assert [one["text"] for one in lines if one["thing"] == "trial ticket" and one["state"] == "warning"] == [
        "GLPI rewrote it: its category was sent as 'Monitoring > Disk' and is 'Monitoring > Network'"
    ]


def test_what_a_person_changes_later_is_not_taken_for_a_rule(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.ok("deliver")
    bridge.glpi.people.set_urgency(1, 1)
    bridge.alert("2")
    bridge.ok("deliver")
    assert notices(bridge) == {}
