"""Zabbix learns each event's ticket: once where answers arrive, read back where one did not, never in tickets' way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.sandbox.zabbix.faults import FaultKind as ZabbixFault
from glpi_bridge.store import meta, overview
from glpi_bridge.sync import sync
from tests.house import CREATE, House

TELL = "event.acknowledge"


@pytest.fixture
def zabbix() -> Iterator[Standin]:
    with Standin(threads=False) as standin:
        yield standin


@pytest.fixture
def pair(home: House, zabbix: Standin) -> House:
    home.ask_zabbix(zabbix)
    return home


def problem(home: House, zabbix: Standin, name: str = "CPU is high", host: str = "web01", **how: Any) -> str:
    eventid = zabbix.raise_problem(host, name, severity=4, **how)
    home.alert(eventid, event_name=name, host_host=host, trigger_id=zabbix.event(eventid)["objectid"])
    return eventid


def messages(zabbix: Standin, eventid: str) -> list[str]:
    return [row["message"] for row in zabbix.event(eventid)["acknowledges"]]


def is_acknowledged(zabbix: Standin, eventid: str) -> bool:
    return bool(zabbix.event(eventid)["acknowledged"] == "1")


def test_an_event_is_told_its_ticket_and_link_once(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    for _ in range(3):
        pair.until_calm()
        sync(pair.context)
        pair.alert(eventid)
    [message] = messages(zabbix, eventid)
    ticket = pair.ticket(eventid)["id"]
    assert str(ticket) in message
    assert f"https://glpi.example/front/ticket.form.php?id={ticket}" in message
    assert is_acknowledged(zabbix, eventid)


def test_each_event_of_a_ticket_is_told(pair: House, zabbix: Standin) -> None:
    first = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(first)
    pair.recover(first)
    pair.until_calm()
    second = problem(pair, zabbix)
    pair.until_calm()
    assert len(pair.tickets()) == 1
    assert messages(zabbix, first) == messages(zabbix, second)
    assert len(messages(zabbix, second)) == 1


@pytest.mark.field("F15")
def test_nothing_is_told_before_there_is_a_number(pair: House, zabbix: Standin) -> None:
    pair.glpi.order(Fault(FaultKind.EMPTY_BEFORE, CREATE))
    eventid = problem(pair, zabbix)
    pair.turn()
    assert messages(zabbix, eventid) == []
    pair.until_calm()
    assert len(messages(zabbix, eventid)) == 1
    assert "undefined" not in messages(zabbix, eventid)[0].lower()


def test_a_source_may_be_told_without_being_acknowledged(home: House, zabbix: Standin) -> None:
    home.ask_zabbix(zabbix, acknowledges=False)
    eventid = problem(home, zabbix)
    home.until_calm()
    assert len(messages(zabbix, eventid)) == 1
    assert not is_acknowledged(zabbix, eventid)


CUT = [ZabbixFault.RESET_AFTER, ZabbixFault.ERROR_500_AFTER]
UNDONE = [ZabbixFault.RESET, ZabbixFault.ERROR_500, ZabbixFault.ERROR_503, ZabbixFault.HTML, ZabbixFault.EMPTY]


@pytest.mark.parametrize("kind", [*CUT, *UNDONE])
def test_without_a_clear_answer_it_is_read_back_before_it_is_said_again(
    pair: House, zabbix: Standin, kind: ZabbixFault
) -> None:
    zabbix.fault(kind, method=TELL)
    ids = [problem(pair, zabbix, f"problem {number}") for number in range(3)]
    pair.until_calm()
    assert [len(messages(zabbix, eventid)) for eventid in ids] == [1, 1, 1]
    assert len(pair.tickets()) == 3


@pytest.mark.parametrize("kind", [ZabbixFault.RESET, ZabbixFault.RESET_AFTER])
def test_of_a_removed_ticket_an_event_leaves_that_was_not_told_its_number(
    pair: House, zabbix: Standin, kind: ZabbixFault
) -> None:
    """Not before it is known what Zabbix has heard: an event is told one ticket."""
    first = problem(pair, zabbix)
    pair.until_calm()
    gone = pair.ticket(first)["id"]
    pair.glpi.people.purge(gone)
    zabbix.fault(kind, method=TELL)
    second = problem(pair, zabbix)  # of the same trigger, and nobody knows yet that the ticket is gone
    pair.turn()
    pair.update(second, message="still there")  # a note: now it is known
    pair.until_calm()
    heard = [ticket for ticket in (gone, *(row["id"] for row in pair.tickets())) if says(zabbix, second, ticket)]
    assert len(heard) == 1
    assert (heard == [gone]) is (kind is ZabbixFault.RESET_AFTER)


def says(zabbix: Standin, eventid: str, ticket: int) -> bool:
    return any(f"ticket.form.php?id={ticket}" in message for message in messages(zabbix, eventid))


def test_a_zabbix_that_is_down_holds_up_no_ticket_and_is_told_later(pair: House, zabbix: Standin) -> None:
    zabbix.fault(ZabbixFault.ERROR_503, times=1000)
    ids = [problem(pair, zabbix, f"problem {number}") for number in range(5)]
    pair.turn()
    assert len(pair.tickets()) == 5
    for _ in range(20):
        pair.ahead += 60
        pair.turn()
    assert pair.context.store.read(meta.get, "trouble Zabbix zabbix") is not None
    zabbix.heal()
    pair.until_calm()
    assert [len(messages(zabbix, eventid)) for eventid in ids] == [1] * 5
    assert pair.parked() == []


def test_a_zabbix_that_is_down_is_not_called_by_every_pass(pair: House, zabbix: Standin) -> None:
    zabbix.fault(ZabbixFault.ERROR_500, times=1000)
    problem(pair, zabbix)
    asked = []
    for _ in range(10):
        pair.turn()
        asked.append(1000 - zabbix.faults._orders[0].times)
    assert asked[-1] <= 2


@pytest.mark.parametrize("role", [{"methods": ["event.get", "problem.get"]}, {"actions": []}], ids=["method", "action"])
def test_a_right_that_is_missing_parks_what_zabbix_is_told_and_no_ticket(
    pair: House, zabbix: Standin, role: dict[str, list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    zabbix.set_role(**role)
    ids = [problem(pair, zabbix, f"problem {number}") for number in range(3)]
    for _ in range(12):
        pair.turn()
        pair.ahead += 600
    assert len(pair.tickets()) == 3
    counts = pair.context.store.read(overview.counts, pair.now())
    assert (counts.parked, counts.acknowledgements_parked) == (0, 3)
    assert all("ermission" in why for why in pair.parked())
    assert sum("refuses the message" in record.message for record in caplog.records) == 3
    calls = zabbix.counts()["calls"][TELL]
    pair.turn()
    assert zabbix.counts()["calls"][TELL] == calls
    for eventid in ids:
        pair.recover(eventid)
    pair.until_calm()
    assert {row["status"] for row in pair.tickets()} == {5}


def test_one_event_that_is_gone_keeps_the_number_from_no_other(pair: House, zabbix: Standin) -> None:
    gone = problem(pair, zabbix, "the housekeeper takes it")
    ids = [problem(pair, zabbix, f"problem {number}") for number in range(3)]
    zabbix.housekeep(gone)
    pair.until_calm()
    assert [len(messages(zabbix, eventid)) for eventid in ids] == [1, 1, 1]
    assert len(pair.tickets()) == 4


@pytest.mark.field("F101")
def test_a_revoked_token_of_zabbix_is_said_once_and_a_good_one_lets_it_go_on(
    pair: House, zabbix: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    zabbix.set_token("0" * 64)
    eventid = problem(pair, zabbix)
    for _ in range(10):
        pair.turn()
        pair.ahead += 60
    assert len(pair.tickets()) == 1
    assert pair.context.store.read(meta.get, "trouble Zabbix zabbix")["is_held"]
    assert sum("Not authorized" in record.message for record in caplog.records) == 1
    zabbix.set_token(zabbix.token)
    pair.until_calm()
    assert len(messages(zabbix, eventid)) == 1
    assert pair.parked() == []


@pytest.mark.field("F84")
@pytest.mark.parametrize("deed", ["take", "reply", "solve"])
def test_only_the_event_of_the_ticket_is_told_never_a_namesake(pair: House, zabbix: Standin, deed: str) -> None:
    first = problem(pair, zabbix, "Disk full", "web01")
    pair.until_calm()
    told = messages(zabbix, first)
    second = zabbix.raise_problem("web02", "Disk full", severity=4)  # its alert has not come yet
    arguments = ("looking at it",) if deed == "reply" else ()
    getattr(pair.glpi.people, deed)(pair.ticket(first)["id"], *arguments)
    for _ in range(3):
        sync(pair.context)
        pair.until_calm()
    assert set(told) < set(messages(zabbix, first))
    assert len(messages(zabbix, first)) == len(told) + 1  # the deed, once
    assert messages(zabbix, second) == []
    assert not is_acknowledged(zabbix, second)
    assert len(pair.tickets()) == 1


@pytest.mark.field("F84")
def test_what_the_bridge_told_zabbix_comes_back_as_no_note(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    for _ in range(4):
        pair.until_calm()
        sync(pair.context)
    assert pair.glpi.followups(pair.ticket(eventid)["id"]) == []
    assert len(messages(zabbix, eventid)) == 1


def test_two_sources_are_told_of_their_own_events_only(home: House, zabbix: Standin) -> None:
    with Standin(threads=False) as other:
        home.ask_zabbix(zabbix)
        home.ask_zabbix(other, "branch")
        here = problem(home, zabbix)
        there = other.raise_problem("web01", "CPU is high", severity=4)
        home.alert(there, source="branch")
        other.fault(ZabbixFault.ERROR_503, times=3)
        home.until_calm()
        assert here == there  # the same number on both
        assert set(home.by_marker()) == {f"zabbix zabbix/{here}", f"zabbix branch/{there}"}
        assert (len(messages(zabbix, here)), len(messages(other, there))) == (1, 1)
        assert messages(zabbix, here) != messages(other, there)
