"""What becomes of an alert, from the real script to a real GLPI; people act in between."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.live.bridge import Bridge

CPU = '[{"tag":"component","value":"cpu"}]'
STORAGE = '[{"tag":"component","value":"storage"}]'
SOLVED, CLOSED = 5, 6


def only_ticket(reader: Any, bridge: Bridge) -> dict[str, Any]:
    tickets = reader.tickets(bridge.source)
    assert len(tickets) == 1, tickets
    return dict(tickets[0])


def status(reader: Any, ticket: int) -> int:
    return int(reader.get(f"Ticket/{ticket}")["status"])


def names(reader: Any, ticket: int) -> dict[str, Any]:
    return dict(reader.get(f"Ticket/{ticket}", expand_dropdowns="true"))


def actors(reader: Any, ticket: int, itemtype: str, field: str) -> list[tuple[int, int]]:
    return [(row[field], row["type"]) for row in reader.get(f"Ticket/{ticket}/{itemtype}")]


# -- new --------------------------------------------------------------------------------------------------------------


def test_an_alert_becomes_one_ticket_with_category_urgency_group_and_source(bridge: Bridge, reader: Any) -> None:
    event = bridge.problem("CPU is high", event_tagsjson=CPU, event_date="2026.11.24", event_time="23:30:00")
    bridge.deliver()
    ticket = only_ticket(reader, bridge)
    shown = names(reader, ticket["id"])
    assert shown["itilcategories_id"] == "Monitoring > CPU"
    assert shown["requesttypes_id"] == "Zabbix"
    assert (shown["urgency"], shown["type"], shown["status"]) == (4, 1, 2)
    assert "CPU is high" in shown["name"]
    assert bridge.marker(event) in shown["content"]
    groups = reader.get(f"Ticket/{ticket['id']}/Group_Ticket", expand_dropdowns="true")
    assert [(row["groups_id"], row["type"]) for row in groups] == [("Systems", 2)]
    assert [kind for _, kind in actors(reader, ticket["id"], "Ticket_User", "users_id")] == [1]


@pytest.mark.field("F24")
def test_the_opening_date_is_that_of_the_problem(bridge: Bridge, reader: Any, glpi: Any) -> None:
    bridge.problem(event_date="2026.11.24", event_time="23:30:00")
    bridge.deliver()
    opened = glpi.to_utc(only_ticket(reader, bridge)["date"])
    assert opened.isoformat() == "2026-11-24T23:30:00+00:00"


def test_delivering_again_changes_nothing(bridge: Bridge, reader: Any) -> None:
    bridge.problem()
    bridge.deliver()
    before = only_ticket(reader, bridge)
    bridge.deliver()
    assert only_ticket(reader, bridge) == before


@pytest.mark.field("F21")
def test_the_same_event_alerted_three_times_is_one_ticket(bridge: Bridge, reader: Any) -> None:
    for _ in range(3):
        bridge.problem(event_id="77")
    bridge.deliver()
    bridge.problem(event_id="77")
    bridge.deliver()
    only_ticket(reader, bridge)


@pytest.mark.field("F94")
def test_problems_of_one_name_on_many_hosts_are_many_tickets(bridge: Bridge, reader: Any) -> None:
    for number in range(12):
        bridge.alert(event_name="High CPU", host_host=f"host{number}", event_nseverity=3)
    bridge.deliver()
    assert len(reader.tickets(bridge.source)) == 12


@pytest.mark.field("F08")
def test_a_problem_without_class_has_the_lowest_urgency_and_is_an_incident(bridge: Bridge, reader: Any) -> None:
    bridge.alert(event_name="odd", event_nseverity=0, host_host="web01")
    bridge.deliver()
    ticket = only_ticket(reader, bridge)
    assert (ticket["urgency"], ticket["type"]) == (1, 1)


@pytest.mark.field("F07")
@pytest.mark.field("F56")
@pytest.mark.field("F57")
@pytest.mark.field("F58")
@pytest.mark.parametrize(
    "name",
    [
        'Load > 5 & <b>rising</b> "x"',
        "Température 🔥 日本",
        'l\'accès C:\\temp\\new "q"',
        "x" * 255,
        "x" * 300,
        "🔥" * 300,
        "a" * 254 + "&&",
        "&<>" * 90,
    ],
    ids=["markup", "emoji", "quotes", "255", "300", "300 emoji", "254 and two ampersands", "270 to encode"],
)
def test_a_title_arrives_as_it_was_or_cut_by_us(bridge: Bridge, reader: Any, name: str) -> None:
    bridge.alert(event_name=name, event_nseverity=2)
    bridge.deliver()
    title = only_ticket(reader, bridge)["name"]
    assert title == name or (title.endswith("…") and name.startswith(title[:-1]))
    assert len(title) <= 255
    if len(name) + 4 * len(re.findall("[&<>]", name)) <= 255:
        assert title == name


@pytest.mark.field("F07")
def test_markup_in_a_problem_reads_as_text_and_its_link_works(bridge: Bridge, reader: Any) -> None:
    bridge.problem(
        'Load > 5 & <b>rising</b> "x"', trigger_url="https://wiki.example/?a=1&b=2", event_opdata="<img src=x>"
    )
    bridge.deliver()
    content = only_ticket(reader, bridge)["content"]
    assert "<b>rising" not in content
    assert "<img" not in content
    assert "&lt;img src=x&gt;" in content
    assert 'href="https://wiki.example/?a=1&amp;b=2"' in content


@pytest.mark.field("F48")
def test_a_category_that_glpi_lacks_costs_the_category_and_is_said(tmp_path: Path, source: str, reader: Any) -> None:
    bridge = Bridge(tmp_path, source, rules="default: {category: Monitoring > Dsk, requester: enduser}\n")
    bridge.problem()
    said = bridge.deliver()
    assert only_ticket(reader, bridge)["itilcategories_id"] == 0
    assert "Monitoring > Dsk" in said


@pytest.mark.field("F93")
@pytest.mark.field("F35")
def test_one_problem_that_glpi_refuses_does_not_hold_the_others(tmp_path: Path, source: str, reader: Any) -> None:
    rules = "rules:\n  - match: {host: poison}\n    extra: {date: no date}\n"
    bridge = Bridge(tmp_path, source, rules=rules)
    for host in ("a", "b", "poison", "c", "d"):
        bridge.alert(event_name=f"problem on {host}", host_host=host, event_nseverity=3)
    said = bridge.deliver_until(lambda: bridge.status()["queue"]["parked"] == 1)
    assert len(reader.tickets(source)) == 4
    assert said.count("waits for a person") == 1


@pytest.mark.field("F13")
def test_an_entity_that_glpi_lacks_holds_that_problem_only(tmp_path: Path, source: str, reader: Any) -> None:
    bridge = Bridge(tmp_path, source, rules="rules:\n  - match: {host: lost}\n    entity: Root entity > Custmers\n")
    for host in ("a", "lost"):
        bridge.alert(event_name=f"problem on {host}", host_host=host, event_nseverity=3)
    said = bridge.deliver()
    assert "Custmers" in said
    assert len(reader.tickets(source)) == 1


# -- over -------------------------------------------------------------------------------------------------------------


@pytest.mark.field("F04")
@pytest.mark.field("F51")
def test_a_recovery_solves_with_one_solution_however_often_it_comes(bridge: Bridge, reader: Any) -> None:
    event = bridge.problem()
    bridge.deliver()
    for _ in range(2):
        bridge.recovery(event, event_recovery_name="CPU is fine")
        bridge.deliver()
    ticket = only_ticket(reader, bridge)["id"]
    [solution] = reader.timeline("ITILSolution", ticket)
    assert "CPU is fine" in solution["content"]
    assert status(reader, ticket) == SOLVED


def test_a_problem_that_was_over_before_its_ticket_is_made_and_solved(bridge: Bridge, reader: Any) -> None:
    event = bridge.problem()
    bridge.recovery(event)
    bridge.deliver()
    ticket = only_ticket(reader, bridge)["id"]
    assert len(reader.timeline("ITILSolution", ticket)) == 1
    assert status(reader, ticket) == SOLVED


@pytest.mark.field("F23")
def test_a_recovery_of_an_unknown_problem_makes_no_ticket(bridge: Bridge, reader: Any) -> None:
    bridge.recovery("4711", event_name="never heard of")
    bridge.deliver()
    assert reader.tickets(bridge.source) == []


@pytest.mark.field("F18")
@pytest.mark.field("F89")
def test_a_recovery_solves_its_own_ticket_only(bridge: Bridge, reader: Any) -> None:
    for event in ("123", "1234", "11234"):
        bridge.problem(f"problem {event}", event_id=event)
    bridge.deliver()
    bridge.recovery("123")
    bridge.deliver()
    states = {row["name"][-5:].strip(): row["status"] == SOLVED for row in reader.tickets(bridge.source)}
    assert sorted(states.values()) == [False, False, True]
    assert [row["status"] == SOLVED for row in reader.tickets(bridge.source) if row["name"].endswith(" 123")] == [True]


@pytest.mark.field("F51")
def test_a_person_who_solved_first_wins(bridge: Bridge, reader: Any, person: Any) -> None:
    event = bridge.problem()
    bridge.deliver()
    ticket = only_ticket(reader, bridge)["id"]
    person.add("ITILSolution", itemtype="Ticket", items_id=ticket, content="<p>by hand</p>")
    bridge.recovery(event)
    bridge.deliver()
    assert [row["content"] for row in reader.timeline("ITILSolution", ticket)] == ["<p>by hand</p>"]


@pytest.mark.field("F55")
@pytest.mark.parametrize("purged", [False, True], ids=["trashed", "purged"])
def test_nothing_is_sent_to_a_ticket_that_was_removed_by_hand(
    bridge: Bridge, reader: Any, person: Any, purged: bool
) -> None:
    event = bridge.problem()
    bridge.deliver()
    ticket = only_ticket(reader, bridge)["id"]
    person.call("DELETE", f"Ticket/{ticket}", **({"force_purge": "true"} if purged else {}))
    bridge.update(event, event_update_message="still there?")
    bridge.recovery(event)
    bridge.deliver()
    assert reader.rows("ITILSolution", f"{bridge.marker(event)} ") == []
    assert reader.rows("ITILFollowup", f"{bridge.marker(event)} ") == []
    assert len(reader.tickets(bridge.source)) == (0 if purged else 1)


# -- meanwhile --------------------------------------------------------------------------------------------------------


@pytest.mark.field("F72")
def test_a_severity_change_and_a_message_cross_once(bridge: Bridge, reader: Any) -> None:
    event = bridge.alert(event_name="x", event_nseverity=2, host_host="web01")
    bridge.deliver()
    for _ in range(2):
        bridge.update(
            event,
            event_nseverity=5,
            event_update_message="a < b & c\nsecond line",
            event_update_action="changed severity from Warning to Disaster, commented",
            event_update_date="2026.11.25",
            event_update_time="10:00:00",
            date="2099.11.25",
            time="10:00:00",
        )
        bridge.deliver()
    ticket = only_ticket(reader, bridge)
    assert ticket["urgency"] == 5
    assert ticket["takeintoaccountdate"] is None, "a note of a machine is not somebody who takes the ticket"
    [note] = reader.timeline("ITILFollowup", ticket["id"])
    assert "a &lt; b &amp; c<br>second line" in note["content"]


def test_an_urgency_that_a_person_set_stays(bridge: Bridge, reader: Any, person: Any) -> None:
    event = bridge.alert(event_name="x", event_nseverity=2, host_host="web01")
    bridge.deliver()
    ticket = only_ticket(reader, bridge)["id"]
    person.change(ticket, urgency=1)
    bridge.update(event, event_nseverity=5, event_update_action="changed severity", date="2099.11.25", time="10:00:00")
    bridge.deliver()
    bridge.deliver()
    assert reader.get(f"Ticket/{ticket}")["urgency"] == 1


@pytest.mark.field("F27")
def test_a_ticket_closed_by_a_person_while_the_problem_lives_is_left_alone_but_for_one_note(
    bridge: Bridge, reader: Any, person: Any
) -> None:
    def shown() -> dict[str, Any]:
        row = reader.get(f"Ticket/{ticket}", get_hateoas="false")
        return {name: value for name, value in row.items() if name not in {"date_mod", "users_id_lastupdater"}}

    bridge.problem()
    bridge.deliver()
    ticket = only_ticket(reader, bridge)["id"]
    person.change(ticket, status=CLOSED)
    before = shown()
    for _ in range(3):
        bridge.run("sync")
    assert shown() == before
    [note] = reader.timeline("ITILFollowup", ticket)
    assert "Zabbix still sees this problem" in note["content"]
    assert note["is_private"] == 1
    only_ticket(reader, bridge)


@pytest.mark.field("F05")
@pytest.mark.parametrize("solved_by", ["recovery", "closed after it"])
def test_a_problem_that_comes_back_reopens_its_ticket(bridge: Bridge, reader: Any, person: Any, solved_by: str) -> None:
    first = bridge.problem(trigger_id="42")
    bridge.deliver()
    bridge.recovery(first)
    bridge.deliver()
    ticket = only_ticket(reader, bridge)["id"]
    if solved_by == "closed after it":
        person.change(ticket, status=CLOSED)
    bridge.problem(trigger_id="42")
    bridge.deliver_until(lambda: status(reader, ticket) < SOLVED)
    only_ticket(reader, bridge)
    assert len(reader.timeline("ITILFollowup", ticket)) == 1


@pytest.mark.field("F90")
def test_outside_the_window_a_new_ticket_is_linked_to_the_old(tmp_path: Path, source: str, reader: Any) -> None:
    bridge = Bridge(tmp_path, source, rules="default: {reopen_window: 0}\n")
    first = bridge.problem(trigger_id="42")
    bridge.deliver()
    bridge.recovery(first)
    bridge.deliver()
    bridge.problem(trigger_id="42")
    bridge.deliver()
    old, new = reader.tickets(source)
    assert (old["status"], new["status"]) == (SOLVED, 1)
    [link] = reader.get("Ticket_Ticket", **{"searchText[tickets_id_1]": f"^{new['id']}$"})
    assert {link["tickets_id_1"], link["tickets_id_2"], link["link"]} == {old["id"], new["id"], 1}


@pytest.mark.field("F52")
def test_in_an_entity_that_closes_at_once_a_ticket_is_reopened_all_the_same(
    tmp_path: Path, source: str, reader: Any, person: Any
) -> None:
    entity = person.add("Entity", name=source, entities_id=0, autoclose_delay=0)
    person.sign_in()  # GLPI 11 shows a session only the entities that were there when it began
    bridge = Bridge(tmp_path, source, rules=f'default: {{entity: "Root entity > {source}"}}\n')
    first = bridge.problem(trigger_id="42")
    bridge.deliver()
    [ticket] = person.tickets(source)
    assert ticket["entities_id"] == entity
    bridge.recovery(first)
    bridge.deliver()
    assert status(person, ticket["id"]) == CLOSED
    bridge.problem(trigger_id="42")
    bridge.deliver_until(lambda: status(person, ticket["id"]) < SOLVED)
    assert len(person.tickets(source)) == 1


# -- found again ------------------------------------------------------------------------------------------------------


@pytest.mark.field("F19")
def test_a_lost_store_makes_no_second_ticket(bridge: Bridge, reader: Any) -> None:
    event = bridge.problem()
    bridge.deliver()
    for file in bridge.directory.glob("bridge.db*"):
        file.unlink()
    bridge.problem(event_id=event)
    bridge.deliver_until(lambda: not any((bridge.directory / "spool" / "new").iterdir()))
    bridge.recovery(event)
    ticket = only_ticket(reader, bridge)["id"]
    bridge.deliver_until(lambda: status(reader, ticket) == SOLVED)
    only_ticket(reader, bridge)


def test_a_second_ticket_of_one_marker_is_closed_and_the_first_goes_on(bridge: Bridge, reader: Any) -> None:
    event = bridge.problem()
    bridge.deliver()
    first = only_ticket(reader, bridge)
    twin = reader.add("Ticket", name=first["name"], content=first["content"])
    for file in bridge.directory.glob("bridge.db*"):
        file.unlink()
    bridge.problem(event_id=event)
    bridge.deliver()
    bridge.run("sync")
    assert (status(reader, twin), status(reader, first["id"]) < SOLVED) == (CLOSED, True)


def test_a_marker_that_a_person_typed_is_not_taken_for_ours(bridge: Bridge, reader: Any, person: Any) -> None:
    typed = person.add("Ticket", name="typed", content=f"<p>{bridge.marker('1')}</p>")
    bridge.problem(event_id="1")
    bridge.deliver()
    bridge.recovery("1")
    bridge.deliver()
    assert status(person, typed) < SOLVED
    assert len(person.tickets(bridge.source)) == 2
