"""What becomes of a problem of a real Zabbix: a right ticket, and one story on both sides."""

from __future__ import annotations

import pytest

from tests.e2e.journey import AREAS, CLOSE, MESSAGE, SEVERITY, SOLVED, Journey, Signal
from tests.house import VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_a_value_in_each_of_five_areas_becomes_a_right_ticket_and_the_event_names_it(journey: Journey) -> None:
    severities = dict(zip(AREAS, (1, 2, 3, 4, 5), strict=True))
    host = journey.host(*(Signal(area, severities[area], {"component": area}) for area in AREAS))
    journey.start()
    host.send_all(1)
    categories = {row["id"]: row["completename"] for row in journey.glpi.rows("ITILCategory")}
    for area, category in AREAS.items():
        event = host.event(area)
        ticket = journey.ticket(event, seconds=30)
        assert categories[ticket["itilcategories_id"]] == f"Monitoring > {category}"
        assert f"{area} is wrong" in ticket["name"]
        assert host.name in ticket["name"] + ticket["content"]
        assert ticket["urgency"] == {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}[severities[area]]
        [written] = journey.acknowledged(area, host)["acknowledges"]
        assert str(ticket["id"]) in written["message"]
    assert len(journey.glpi.tickets()) == len(AREAS)


def test_a_recovery_solves_the_ticket_of_its_own_problem(journey: Journey) -> None:
    host = journey.host(Signal("first"), Signal("second"))
    journey.write(sync="0")  # it may know of the recovery before the alert, which alone tells the value
    journey.start()
    host.send_all(1)
    first, second = host.event("first"), host.event("second")
    other = journey.ticket(second)
    host.send("first", -7)
    ticket = journey.solved(first)
    [solution] = journey.glpi.solutions(ticket["id"])
    assert "<b>Value now:</b> -7<" in solution["content"]
    assert journey.glpi.ticket(other["id"])["status"] < SOLVED


def test_a_changed_severity_changes_the_urgency_and_a_message_becomes_a_note(journey: Journey) -> None:
    host = journey.host(Signal("disk", severity=2))
    journey.start()
    host.send("disk", 1)
    event = host.event("disk")
    ticket = journey.ticket(event)
    colleague = journey.sign_in("Paul", "Durand")
    journey.act(event, SEVERITY | MESSAGE, session=colleague, severity=5, message="a < b & c\nsecond line")
    journey.until(lambda: journey.glpi.ticket(ticket["id"])["urgency"] == 5, "a higher urgency")
    [note] = journey.until(lambda: journey.notes(ticket), "a note")
    assert "a &lt; b &amp; c" in note
    assert "second line" in note
    assert "Paul Durand" in note
    assert len(journey.tickets(event)) == 1


def test_what_the_bridge_writes_to_an_event_never_comes_back_as_a_note(journey: Journey) -> None:
    host = journey.host(Signal("echo"))
    journey.start()
    host.send("echo", 1)
    event = journey.acknowledged("echo", host)
    ticket = journey.ticket(event)
    journey.act(event, MESSAGE, message="the only word of a person")
    journey.until(lambda: journey.notes(ticket), "the note")
    host.send("echo", 0)
    journey.solved(event)
    assert len(journey.notes(ticket)) == 1
    assert len(host.events("echo")[-1]["acknowledges"]) == 2


def test_a_problem_closed_by_hand_in_zabbix_is_solved_in_glpi(journey: Journey) -> None:
    host = journey.host(Signal("hand", manual_close=True))
    journey.start()
    host.send("hand", 1)
    event = host.event("hand")
    journey.ticket(event)
    journey.act(event, CLOSE | MESSAGE, message="false alarm")
    ticket = journey.solved(event)
    journey.until(lambda: any("false alarm" in note for note in journey.notes(ticket)), "the person's words")
    assert journey.glpi.ticket(ticket["id"])["status"] == SOLVED
    assert len(journey.glpi.solutions(ticket["id"])) == 1
