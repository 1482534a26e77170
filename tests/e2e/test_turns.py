"""What a problem goes through before it ends: flapping, maintenance, a cause, people's deeds on both sides."""

from __future__ import annotations

import time

import pytest

from tests.e2e.journey import (
    MESSAGE,
    SOLVED,
    SUPPRESS,
    TO_SYMPTOM,
    UNSUPPRESS,
    Host,
    Journey,
    Signal,
    until,
)
from tests.e2e.zabbix_server import ZabbixServer

SON_OF = 3


@pytest.mark.field("F05")
def test_a_problem_that_comes_back_reopens_its_ticket(journey: Journey) -> None:
    host = journey.host(Signal("back"))
    journey.start()
    host.send("back", 1)
    first = host.event("back")
    host.send("back", 0)
    ticket = journey.solved(first)
    host.send("back", 1)
    journey.until(lambda: journey.glpi.ticket(ticket["id"])["status"] < SOLVED, "a ticket that is open again")
    assert len(journey.glpi.tickets()) == 1
    assert str(ticket["id"]) in journey.acknowledged("back", host)["acknowledges"][-1]["message"]


def test_a_flapping_problem_is_one_ticket_with_one_word_about_it(journey: Journey) -> None:
    journey.write(flapping={"count": 6, "window": "15m", "calm": "8s"})
    host = journey.host(Signal("flap"))
    journey.start()
    for _ in range(5):
        host.send("flap", 1)
        host.send("flap", 0)
    events = until(lambda: host.events("flap") if len(host.events("flap")) == 5 else [], "five problems in Zabbix")
    [ticket] = journey.until(
        lambda: [row for row in journey.glpi.tickets() if row["status"] == SOLVED], "one ticket, solved after the calm"
    )
    assert len(journey.glpi.tickets()) == 1
    assert len([note for note in journey.notes(ticket) if "flap" in note.lower()]) == 1
    assert len(journey.glpi.solutions(ticket["id"])) == 1
    for event in events:
        assert len(journey.tickets(event)) <= 1


_WITH_DATA, _WITHOUT_DATA = 0, 1


def _maintenance(zabbix: ZabbixServer, host: Host, kind: int) -> str:
    now = int(time.time())
    wanted = {
        "name": host.name,
        "maintenance_type": kind,
        "active_since": now - 60,
        "active_till": now + 3600,
        "hosts": [{"hostid": host.hostid}],
        "timeperiods": [{"timeperiod_type": 0, "start_date": now - 60, "period": 3600}],
    }
    [made] = zabbix.call("maintenance.create", wanted)["maintenanceids"]
    return str(made)


def _until_maintained(zabbix: ZabbixServer, host: Host, status: str) -> None:
    until(
        lambda: zabbix.call("host.get", {"hostids": [host.hostid]})[0]["maintenance_status"] == status,
        f"maintenance_status {status}",
        seconds=180,
    )


def test_a_problem_of_a_maintenance_gets_its_ticket_when_that_ends(journey: Journey, zabbix: ZabbixServer) -> None:
    host = journey.host(Signal("stays"), Signal("over"), Signal("ready"))
    journey.start()
    maintenance = _maintenance(zabbix, host, _WITH_DATA)
    try:
        _until_maintained(zabbix, host, "1")
        host.send_all(1, ["stays", "over"])
        stays, over = host.event("stays"), host.event("over")
        host.send("over", 0)
        until(lambda: host.events("over")[-1]["r_eventid"] != "0", "the end of one of them")
    finally:
        zabbix.call("maintenance.delete", [maintenance])
    journey.ticket(stays, seconds=180)
    assert journey.tickets(over) == []
    assert len(journey.glpi.tickets()) == 1


def test_a_maintenance_without_data_makes_no_ticket_and_what_holds_after_it_does(
    journey: Journey, zabbix: ZabbixServer
) -> None:
    host, beside = journey.host(Signal("quiet")), journey.host(Signal("loud"))
    journey.start()
    maintenance = _maintenance(zabbix, host, _WITHOUT_DATA)
    try:
        _until_maintained(zabbix, host, "1")
        host.send("quiet", 1)
        beside.send("loud", 1)
        journey.ticket(beside.event("loud"))  # the server is done with what was sent before it
        assert host.events() == []
    finally:
        zabbix.call("maintenance.delete", [maintenance])
    _until_maintained(zabbix, host, "0")
    host.send("quiet", 1)
    journey.ticket(host.event("quiet"), seconds=180)
    assert len(journey.glpi.tickets()) == 2


def test_what_depends_on_a_problem_has_no_ticket_while_that_lasts(journey: Journey, zabbix: ZabbixServer) -> None:
    host = journey.host(Signal("switch"), Signal("behind"), Signal("beside"))
    needed = {"triggerid": host.triggerids["behind"], "dependencies": [{"triggerid": host.triggerids["switch"]}]}
    zabbix.call("trigger.update", needed)
    zabbix.reload()
    journey.start()
    host.send("switch", 1)
    switch = host.event("switch")
    journey.ticket(switch)
    host.send("behind", 1)
    host.send("beside", 1)
    journey.ticket(host.event("beside"))
    assert host.events("behind") == []
    host.send("switch", 0)
    journey.solved(switch)
    host.send("behind", 1)
    journey.ticket(host.event("behind"))
    assert len(journey.glpi.tickets()) == 3


def test_a_problem_suppressed_by_hand_keeps_its_ticket_and_is_told_of_both_words(journey: Journey) -> None:
    host = journey.host(Signal("quiet"))
    journey.start()
    host.send("quiet", 1)
    event = host.event("quiet")
    ticket = journey.ticket(event)
    journey.act(event, SUPPRESS, suppress_until=0)
    journey.until(lambda: len(journey.notes(ticket)) == 1, "a note of the suppression")
    journey.act(event, UNSUPPRESS)
    journey.until(lambda: len(journey.notes(ticket)) == 2, "a note of its end")
    host.send("quiet", 0)
    journey.solved(event)


def sons(journey: Journey) -> list[tuple[int, int]]:
    """List which ticket is the son of which."""
    rows = journey.glpi.rows("Ticket_Ticket")
    return [(row["tickets_id_1"], row["tickets_id_2"]) for row in rows if row["link"] == SON_OF]


def test_a_symptom_recovers_by_itself_and_so_does_its_cause(journey: Journey) -> None:
    host = journey.host(Signal("cause"), Signal("symptom"))
    journey.start()
    host.send_all(1)
    cause, symptom = host.event("cause"), host.event("symptom")
    journey.ticket(cause)
    journey.ticket(symptom)
    journey.act(symptom, TO_SYMPTOM, cause_eventid=cause["eventid"])
    until(lambda: host.event("symptom")["cause_eventid"] == cause["eventid"], "the rank in Zabbix")
    kin = (journey.ticket(symptom)["id"], journey.ticket(cause)["id"])
    journey.until(lambda: kin in sons(journey), "the symptom's ticket as the son of the cause's")
    host.send("cause", 0)
    journey.solved(cause)
    assert journey.ticket(symptom)["status"] < SOLVED
    host.send("symptom", 0)
    journey.solved(symptom)
    assert len(journey.glpi.tickets()) == 2
    assert sons(journey).count(kin) == 1


def test_a_storm_has_one_ticket_above_those_of_its_problems_which_ends_with_the_last_of_them(journey: Journey) -> None:
    host = journey.host(*(Signal(f"s{number}") for number in range(12)))
    journey.write(storm={"by": "host", "count": 10, "window": "5m"})
    journey.start()
    host.send_all(1)
    events = [host.event(key) for key in host.triggerids]
    tickets = {journey.ticket(event)["id"] for event in events}

    def above() -> list[int]:
        return [row["id"] for row in journey.glpi.tickets() if row["id"] not in tickets]

    [parent] = journey.until(above, "a ticket of the storm")
    journey.until(lambda: {son for son, father in sons(journey) if father == parent} == tickets, "twelve sons")
    last, *others = host.triggerids
    host.send_all(0, others)
    for event in events[1:]:
        journey.solved(event)
    assert journey.glpi.ticket(parent)["status"] < SOLVED
    host.send(last, 0)
    journey.solved(events[0])
    journey.until(lambda: journey.glpi.ticket(parent)["status"] == SOLVED, "the end of the storm")
    assert above() == [parent]
    assert sorted(son for son, father in sons(journey) if father == parent) == sorted(tickets)


def test_a_person_who_solved_the_ticket_wins_and_the_recovery_adds_nothing(journey: Journey) -> None:
    host = journey.host(Signal("person"), Signal("after"))
    journey.start()
    host.send("person", 1)
    event = host.event("person")
    ticket = journey.ticket(event)
    journey.glpi.people.solve(ticket["id"], "<p>by hand</p>")
    host.send("person", 0)
    until(lambda: host.events("person")[-1]["r_eventid"] != "0", "the recovery")
    host.send("after", 1)  # comes later on the same way: when it is there, the recovery was read
    journey.ticket(host.event("after"))
    assert [row["content"] for row in journey.glpi.solutions(ticket["id"])] == ["<p>by hand</p>"]


def test_who_solves_while_the_problem_lives_gets_one_private_note(journey: Journey) -> None:
    host = journey.host(Signal("early"))
    journey.start()
    host.send("early", 1)
    ticket = journey.ticket(host.event("early"))
    journey.glpi.people.solve(ticket["id"], "<p>by hand</p>")
    journey.until(lambda: journey.notes(ticket), "a note")
    synced = journey.synced_at()
    journey.until(lambda: journey.synced_at() > synced, "another sync")
    (note,) = journey.notes(ticket)
    assert "Zabbix still sees this problem" in note


def test_a_ticket_in_the_trash_gets_no_second_one_and_no_words(journey: Journey) -> None:
    host = journey.host(Signal("trash"), Signal("after"))
    journey.start()
    host.send("trash", 1)
    event = host.event("trash")
    ticket = journey.ticket(event)
    journey.glpi.people.delete(ticket["id"])
    journey.act(event, MESSAGE, message="still there?")
    host.send("trash", 0)
    until(lambda: len(host.alerts("trash")) >= 3, "all three alerts")
    host.send("after", 1)
    journey.ticket(host.event("after"))
    journey.until(journey.all_delivered, "an empty spool")
    assert journey.notes(ticket) == []
    assert journey.glpi.solutions(ticket["id"]) == []
    assert len(journey.tickets(event)) == 1
