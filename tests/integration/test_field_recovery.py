"""Recovery: only evidence closes, and it closes the right ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.sync import sync
from tests.house import CLOSED, SOLVED, House, house


@pytest.fixture
def zabbix() -> Iterator[Standin]:
    with Standin(threads=False) as standin:
        yield standin


@pytest.mark.field("F23")
def test_a_recovery_of_a_problem_that_nobody_told_about_makes_no_ticket(home: House) -> None:
    home.recover(101)
    home.until_calm()
    assert home.tickets() == []
    home.alert(101)  # its problem's alert was late
    home.until_calm()
    assert [row["status"] for row in home.tickets()] == [SOLVED]


@pytest.mark.field("F89")
def test_of_several_tickets_of_one_trigger_the_open_one_is_solved(version: str, tmp_path: Path) -> None:
    with house(tmp_path, version, rules="rules: []\ndefault:\n  reopen_window: 0\n  flapping: {count: 0}\n") as home:
        home.alert(101, trigger_id=7)
        home.until_calm()
        home.recover(101, trigger_id=7)
        home.until_calm()
        home.alert(102, trigger_id=7)
        home.until_calm()
        home.glpi.people.close(home.ticket(102)["id"])
        home.recover(102, trigger_id=7)
        home.until_calm()
        home.alert(103, trigger_id=7)
        home.until_calm()
        home.recover(103, trigger_id=7)
        home.until_calm()
        assert [home.ticket(event)["status"] for event in (101, 102, 103)] == [SOLVED, CLOSED, SOLVED]
        assert [len(home.glpi.solutions(home.ticket(event)["id"])) for event in (101, 102, 103)] == [1, 0, 1]


OFF: dict[str, tuple[Callable[[Standin, str], None], Callable[[Standin, str], None], str]] = {
    "trigger": (
        lambda zabbix, eventid: zabbix.disable_trigger(eventid),
        lambda zabbix, eventid: zabbix.disable_trigger(eventid, disabled=False),
        "the trigger is disabled",
    ),
    "host": (
        lambda zabbix, eventid: zabbix.disable_host("web01"),
        lambda zabbix, eventid: zabbix.disable_host("web01", disabled=False),
        "the host web01 is disabled",
    ),
}


@pytest.mark.field("F22")
@pytest.mark.parametrize("what", OFF)
def test_what_zabbix_states_is_switched_off_is_noted_once_and_listed_and_closes_nothing(
    home: House, zabbix: Standin, what: str
) -> None:
    switch_off, switch_on, words = OFF[what]
    home.ask_zabbix(zabbix)
    eventid = zabbix.raise_problem("web01", "CPU is high")
    other = zabbix.raise_problem("web02", "CPU is high")
    for one in (eventid, other):
        home.alert(one, trigger_id=one)
    home.until_calm()
    switch_off(zabbix, eventid)
    for _ in range(3):
        sync(home.context)
        home.until_calm()
    [note] = home.glpi.followups(home.ticket(eventid)["id"])
    assert words in note["content"]
    assert note["is_private"] == 1
    [said] = home.notices("switched off")
    assert words in said
    assert home.ticket(eventid)["status"] < SOLVED
    assert home.glpi.followups(home.ticket(other)["id"]) == []

    switch_on(zabbix, eventid)
    sync(home.context)
    assert home.notices("switched off") == []
    zabbix.recover(eventid)
    sync(home.context)
    home.until_calm()
    assert home.ticket(eventid)["status"] == SOLVED
    assert len(home.glpi.followups(home.ticket(eventid)["id"])) == 1
