"""What people do to a ticket in GLPI is told by messages on its event in a real Zabbix."""

from __future__ import annotations

import pytest

from tests.e2e.journey import ACKNOWLEDGE, MESSAGE, SEVERITY, SUPPRESS, Journey, Signal
from tests.house import VERSIONS

pytestmark = pytest.mark.standin  # its people; tests/live/test_news.py has those of a real GLPI
PAUL = "Durand Paul"
OFF = ("acknowledge", "taken", "assigned", "followups", "solved", "reopened", "closed", "deleted")


@pytest.mark.parametrize("version", VERSIONS)
def test_who_took_a_ticket_whom_it_was_assigned_to_and_what_was_written_is_told(journey: Journey) -> None:
    host = journey.host(Signal("course"))
    journey.start()
    host.send("course", 1)
    event = journey.acknowledged("course", host)
    ticket = journey.ticket(event)["id"]
    people = journey.glpi.people
    people.take(ticket)
    people.assign(ticket, to_group=2)
    people.reply(ticket, "<p>for us alone</p>", user=9, private=True)
    people.reply(ticket, "<p>The disk is on its way<br>a &lt; b &amp; c</p>", user=9)
    journey.until(lambda: len(journey.messages(event)) >= 4, "three pieces of news")
    assert journey.messages(event)[1:] == [
        f"{PAUL} took GLPI ticket {ticket}",
        f"{PAUL} assigned GLPI ticket {ticket} to Networks",
        f"{PAUL} wrote on GLPI ticket {ticket}:\nThe disk is on its way\na < b & c",
    ]
    colleague = journey.sign_in("Ann", "Smith")
    journey.act(event, MESSAGE, session=colleague, message="seen in Zabbix")
    journey.until(lambda: [note for note in journey.notes({"id": ticket}) if "seen in Zabbix" in note], "a followup")
    assert len(journey.notes({"id": ticket})) == 3, "what the bridge told Zabbix came back"
    synced = journey.synced_at()
    journey.until(lambda: journey.synced_at() > synced, "a sync that sees the bridge's own followup")
    assert len(journey.messages(event)) == 5, "what the bridge wrote in GLPI came back"


def test_the_end_of_a_ticket_is_told_and_the_problem_gets_no_second_one(journey: Journey) -> None:
    host = journey.host(Signal("end"))
    journey.write(write_back={"acknowledge": "off"})
    journey.start()
    host.send("end", 1)
    event = host.event("end")
    ticket = journey.ticket(event)["id"]
    journey.until(lambda: journey.messages(event), "the number")
    assert host.event("end")["acknowledged"] == "0"
    people = journey.glpi.people
    people.solve(ticket, "<p>Swapped the disk.</p>")
    assert journey.acknowledged("end", host)["r_eventid"] == "0"
    people.reopen(ticket)
    people.close(ticket)
    people.delete(ticket)
    journey.until(lambda: len(journey.messages(event)) >= 5, "the end of its story")
    assert journey.messages(event)[1:] == [
        f"{PAUL} solved GLPI ticket {ticket}:\nSwapped the disk.",
        f"{PAUL} reopened GLPI ticket {ticket}",
        f"{PAUL} closed GLPI ticket {ticket}",
        f"glpi moved GLPI ticket {ticket} to the trash",
    ]
    journey.act(event, MESSAGE, message="it lasts")
    synced = journey.synced_at()
    journey.until(lambda: journey.synced_at() > synced, "a sync while the problem lasts")
    assert len(journey.tickets(event)) == 1
    assert journey.glpi.tickets() == [], "a second one beside that in the trash"


def test_a_ticket_that_is_solved_closes_the_problem_by_setting_where_that_is_allowed(journey: Journey) -> None:
    host = journey.host(Signal("may", manual_close=True), Signal("may-not"))
    journey.write(write_back={"close_solved": "on"})
    journey.start()
    host.send_all(1)
    may, may_not = journey.acknowledged("may", host), journey.acknowledged("may-not", host)
    tickets = [journey.ticket(event)["id"] for event in (may, may_not)]
    for ticket in tickets:
        journey.glpi.people.solve(ticket, "<p>Done</p>")
    journey.until(lambda: host.events("may")[-1]["r_eventid"] != "0", "a problem that is closed")
    journey.until(lambda: len(journey.messages(may_not)) == 2, "a message for the other")
    assert host.events("may-not")[-1]["r_eventid"] == "0"
    assert len(journey.glpi.tickets()) == 2
    assert all(len(journey.glpi.solutions(ticket)) == 1 for ticket in tickets), "it came back as a solution"


def test_what_is_switched_off_is_not_told_on_either_side(journey: Journey) -> None:
    host = journey.host(Signal("quiet"), Signal("after"))
    journey.write(write_back=dict.fromkeys(OFF, "off"), acknowledge="off", notes=["message"], follow_severity="off")
    journey.start()
    host.send("quiet", 1)
    event = host.event("quiet")
    ticket = journey.ticket(event)
    people, id_ = journey.glpi.people, ticket["id"]
    people.take(id_)
    people.assign(id_, to_group=2)
    people.reply(id_, "<p>x</p>", user=9)
    people.solve(id_)
    people.reopen(id_)
    people.close(id_)
    people.reopen(id_)
    journey.act(event, ACKNOWLEDGE)
    journey.act(event, SEVERITY, severity=5)
    journey.act(event, SUPPRESS, suppress_until=0)
    journey.act(event, MESSAGE, message="this one is told")
    journey.until(lambda: [note for note in journey.notes(ticket) if "this one is told" in note], "the message")
    synced = journey.synced_at()
    journey.until(lambda: journey.synced_at() > synced, "a sync")
    assert journey.messages(event) == ["", "", "", "this one is told"]
    assert len(journey.notes(ticket)) == 2  # the person's, and the message
    assert journey.glpi.ticket(id_)["urgency"] == ticket["urgency"]
