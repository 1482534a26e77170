"""A part is away, slow or wrong while a real Zabbix goes on: in the end there is one right ticket for each problem."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tests.e2e.journey import Host, Journey, Signal, until
from tests.e2e.zabbix_server import ZabbixServer

_OUTAGE_SECONDS = 120


@pytest.mark.standin
@pytest.mark.field("F02")
def test_glpi_is_down_while_problems_come_and_go_and_zabbix_restarts(journey: Journey, zabbix: ZabbixServer) -> None:
    keys = ("before", "stays", "over", "over-before")
    host = journey.host(*(Signal(key) for key in keys))
    journey.start()
    host.send_all(1, ["before", "over-before"])
    early = {key: journey.ticket(host.event(key)) for key in ("before", "over-before")}
    journey.glpi.refuse(0)
    down_since = time.monotonic()
    host.send_all(1, ["stays", "over"])
    events = {key: host.event(key) for key in keys}
    host.send_all(0, ["over", "over-before"])
    zabbix.restart()
    until(lambda: len(host.alerts("over")) == 2 and _all_sent(host, "over"), "both alerts of what is over")
    # what is waited for is the bridge's own patience: its tries of these seconds must not end anything
    until(lambda: time.monotonic() - down_since > _OUTAGE_SECONDS, "the end of the outage", seconds=2 * _OUTAGE_SECONDS)
    journey.glpi.accept_again()
    for key in ("over", "over-before"):
        assert len(journey.glpi.solutions(journey.solved(events[key])["id"])) == 1
    assert journey.ticket(events["stays"])["status"] < 5
    assert journey.ticket(events["before"])["id"] == early["before"]["id"]
    assert journey.ticket(events["over-before"])["id"] == early["over-before"]["id"]
    for key in keys:
        [said] = [one for one in journey.acknowledged(key, host)["acknowledges"] if one["message"]]
        assert str(journey.ticket(events[key])["id"]) in said["message"]
    assert len(journey.glpi.tickets()) == len(keys)


def _all_sent(host: Host, key: str) -> bool:
    return all(alert["status"] == "1" for alert in host.alerts(key))


def test_while_the_bridge_is_down_the_script_still_accepts_and_nothing_is_lost(journey: Journey) -> None:
    host = journey.host(Signal("stays"), Signal("over"))
    journey.start()
    journey.stop(hard=True)
    host.send_all(1)
    stays, over = host.event("stays"), host.event("over")
    host.send("over", 0)
    until(lambda: len(host.alerts("over")) == 2 and _all_sent(host, "over"), "alerts that count as sent")
    assert journey.glpi.tickets() == []
    journey.start()
    journey.solved(over)
    assert journey.ticket(stays)["status"] < 5
    assert len(journey.glpi.tickets()) == 2


def test_a_bridge_that_is_killed_again_and_again_makes_one_ticket_each(journey: Journey) -> None:
    host = journey.host(*(Signal(f"s{number}") for number in range(40)))
    host.send_all(1)
    for _ in range(4):
        journey.start()
        _wait_for_more(journey, min(len(journey.glpi.tickets()) + 1, 40))
        journey.stop(hard=True)
    journey.start()
    for key in host.triggerids:
        journey.acknowledged(key, host)
    assert len(journey.glpi.tickets()) == 40
    for event in host.events():
        journey.ticket(event)


def _wait_for_more(journey: Journey, count: int) -> None:
    journey.until(lambda: len(journey.glpi.tickets()) >= count, f"{count} tickets")


def test_a_storm_of_300_problems_becomes_300_tickets(journey: Journey) -> None:
    host = journey.host(*(Signal(f"s{number}") for number in range(300)))
    journey.start()
    host.send_all(1)
    journey.until(lambda: len(journey.glpi.tickets()) >= 300, "300 tickets", seconds=180)
    host.send_all(0)
    journey.until(lambda: all(row["status"] == 5 for row in journey.glpi.tickets()), "300 solutions", seconds=180)
    events = host.events()
    assert len(events) == 300
    assert len(journey.glpi.tickets()) == 300
    for event in events:
        journey.ticket(event)


def test_a_script_that_is_not_where_the_media_type_says_is_shown_by_zabbix_and_the_problem_can_be_adopted(
    journey: Journey, zabbix: ZabbixServer
) -> None:
    script, away = zabbix.alert_scripts / "zabbix-glpi", zabbix.alert_scripts / "zabbix-glpi.away"
    host = journey.host(Signal("lost"))
    journey.write(adopt="all")
    script.rename(away)
    try:
        host.send("lost", 1)
        event = host.event("lost")
        shown = until(lambda: [one["error"] for one in host.alerts("lost") if one["error"]], "Zabbix's own words")
        assert "zabbix-glpi" in shown[0]
    finally:
        away.rename(script)
    journey.start()  # Zabbix gave up at once: no alert tells of this problem any more, but the comparison does
    journey.ticket(event)
    host.send("lost", 0)
    journey.solved(event)


def test_a_spool_that_is_not_there_is_shown_by_zabbix_with_what_to_do(journey: Journey, zabbix: ZabbixServer) -> None:
    spool = journey.objects.spool
    host = journey.host(Signal("full"))
    journey.start()
    spool.joinpath("new").rename(spool / "elsewhere")
    try:
        host.send("full", 1)
        event = host.event("full")
        shown = until(lambda: [one["error"] for one in host.alerts("full") if one["error"]], "the script's own words")
        assert f"no spool: {spool}/new is not a directory" in shown[0]
        assert "glpi-bridge check" in shown[0]
    finally:
        spool.joinpath("elsewhere").rename(spool / "new")
    journey.ticket(event)


def test_a_trigger_that_is_switched_off_leaves_its_ticket_open_with_a_note_and_no_second_one(journey: Journey) -> None:
    host = journey.host(Signal("off"))
    journey.start()
    host.send("off", 1)
    event = host.event("off")
    ticket = journey.ticket(event)
    journey.acknowledged("off", host)
    journey.zabbix.call("trigger.update", {"triggerid": host.triggerids["off"], "status": 1})
    [note] = journey.until(lambda: journey.notes(ticket), "a note that nobody watches any more")
    assert "disabled" in note
    assert journey.ticket(event)["status"] < 5


def test_a_host_that_is_deleted_closes_nothing(journey: Journey) -> None:
    host = journey.host(Signal("gone"))
    journey.start()
    host.send("gone", 1)
    event = host.event("gone")
    ticket = journey.ticket(event)
    journey.acknowledged("gone", host)
    journey.remove(host)
    began = datetime.now(UTC)
    journey.until(lambda: journey.synced_at() > began, "a comparison of both sides after that")
    assert journey.glpi.ticket(ticket["id"])["status"] < 5
    assert len(journey.glpi.tickets()) == 1
