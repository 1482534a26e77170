"""ticket create, show, list: names in, names out, one ticket whatever the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from tests.integration.installation import Installation, installation


@pytest.fixture(params=["10.0.19", "11.0.6"])
def bridge(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with installation(tmp_path, request.param) as made:
        yield made
        assert made.glpi.sessions() == []


def test_a_ticket_is_created_by_names_and_read_back_as_it_was_written(bridge: Installation) -> None:
    made = bridge.json(
        "ticket", "create", "--title", 'R&D <b> "x"', "--content", "load < 5 & rising\nsecond", "--category",
        "Monitoring > Disk", "--urgency", "very high", "--group", "Systems", "--requester", "enduser",
        "--request-source", "Zabbix",
    )  # fmt: skip
    assert made["left_out"] == []
    assert made["link"].endswith(f"?id={made['id']}")
    shown = bridge.json("ticket", "show", str(made["id"]))
    assert shown["name"] == 'R&D <b> "x"'
    assert shown["text"].startswith("load < 5 & rising\nsecond")
    assert (shown["category"], shown["urgency"], shown["groups"]) == ("Monitoring > Disk", "very high", ["Systems"])
    assert ("user", 8, 1) in bridge.glpi.actors(made["id"])
    assert "Monitoring > Disk: R&D" in bridge.ok("ticket", "show", str(made["id"]))


def test_an_unknown_name_is_left_out_and_said_and_an_unknown_entity_refuses(bridge: Installation) -> None:
    result = bridge.run("ticket", "create", "--title", "x", "--category", "Monitoring > Dsk")
    assert result.exit_code == 0
    assert "did you mean 'Monitoring > Disk'" in result.stderr
    refused = bridge.run("ticket", "create", "--title", "x", "--entity", "Nowhere")
    assert refused.exit_code == 1
    assert "entity" in refused.output
    assert len(bridge.glpi.tickets()) == 1


def test_a_refusal_is_told_in_glpis_words(bridge: Installation) -> None:
    bridge.glpi.order(Fault(FaultKind.POISON, Match("POST", "Ticket"), text="poison"))
    result = bridge.run("ticket", "create", "--title", "poison")
    assert result.exit_code == 1
    assert "GLPI did not take the ticket" in result.output


@pytest.mark.field("F14")
@pytest.mark.parametrize("kind", [FaultKind.EMPTY_AFTER, FaultKind.RESET_AFTER, FaultKind.BAD_GATEWAY_AFTER])
def test_a_lost_answer_is_looked_up_and_not_asked_for_again(bridge: Installation, kind: FaultKind) -> None:
    bridge.glpi.order(Fault(kind, Match("POST", "Ticket")))
    made = bridge.json("ticket", "create", "--title", "once")
    assert [ticket["id"] for ticket in bridge.glpi.tickets()] == [made["id"]]


def test_a_lost_request_says_what_to_look_for(bridge: Installation) -> None:
    bridge.glpi.order(Fault(FaultKind.RESET_BEFORE, Match("POST", "Ticket")))
    result = bridge.run("ticket", "create", "--title", "once")
    assert result.exit_code == 1
    assert "zabbix shell/" in result.output
    assert bridge.glpi.tickets() == []


def test_the_timeline_is_shown_in_order_with_what_is_private_marked(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.ok("deliver")
    bridge.alert("1", event_update_status="1", event_update_message="looking <b>into</b> it", event_update_action="x")
    bridge.ok("deliver")
    bridge.recovery("1")
    bridge.ok("deliver")
    shown = bridge.json("ticket", "show", "1")
    assert shown["status"] == "solved"
    assert [entry["kind"] for entry in shown["timeline"]] == ["followup", "solution"]
    assert "looking <b>into</b> it" in shown["timeline"][0]["text"]
    printed = bridge.ok("ticket", "show", "1")
    assert printed.index("followup") < printed.index("solution")


def test_a_missing_ticket_is_said(bridge: Installation) -> None:
    result = bridge.run("ticket", "show", "99")
    assert result.exit_code == 1
    assert "ERROR_ITEM_NOT_FOUND" in result.output


def test_lists_are_filtered_and_counted(bridge: Installation) -> None:
    bridge.glpi.fill(3)
    bridge.alert("1", event_tagsjson='[{"tag":"component","value":"storage"}]', event_name="Disk full")
    bridge.alert("2")
    bridge.ok("deliver")
    bridge.recovery("2")
    bridge.ok("deliver")

    def names(*options: str) -> list[str]:
        return [one["name"] for one in bridge.json("ticket", "list", *options)["tickets"]]

    assert len(names()) == 5
    assert len(names("--limit", "2")) == 2
    assert bridge.json("ticket", "list", "--limit", "2")["total"] == 5
    assert names("--source", "zabbix") == names("--mine") == ["web01: CPU is high", "web01: Disk full"]
    assert names("--source", "zabbix", "--status", "solved") == ["web01: CPU is high"]
    assert names("--mine", "--status", "open") == ["web01: Disk full"]
    assert names("--category", "Monitoring > Disk") == ["web01: Disk full"]
    assert len(names("--category", "Monitoring")) == 2
    assert names("--text", "full") == ["web01: Disk full"]
    assert "5 of 5" in bridge.ok("ticket", "list")
    assert bridge.run("ticket", "list", "--category", "Nowhere").exit_code == 1


def test_a_ticket_made_here_is_no_problem_of_zabbix_and_disturbs_no_delivery(bridge: Installation) -> None:
    bridge.ok("ticket", "create", "--title", "by hand")
    bridge.alert("1")
    bridge.glpi.order(Fault(FaultKind.RESET_AFTER, Match("POST", "Ticket")))
    bridge.ok("deliver")
    for _ in range(3):
        bridge.ok("resume")
        bridge.ok("deliver")
    assert [ticket["name"] for ticket in bridge.glpi.tickets()] == ["by hand", "web01: CPU is high"]
