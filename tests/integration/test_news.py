"""What people do to a ticket in GLPI is told in Zabbix, at least once, and nothing comes back as an echo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from glpi_bridge.context import Source
from glpi_bridge.model import NewsKind
from glpi_bridge.news import Wanted
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.sandbox.zabbix.faults import FaultKind as ZabbixFault
from glpi_bridge.store import queue
from glpi_bridge.sync import sync
from tests.house import CREATE, VERSIONS, House, house

TECHNICIAN = "Durand Paul"


@pytest.fixture
def zabbix() -> Iterator[Standin]:
    with Standin(threads=False) as standin:
        yield standin


@pytest.fixture(params=VERSIONS)
def pair(request: pytest.FixtureRequest, tmp_path: Any, zabbix: Standin) -> Iterator[House]:
    with house(tmp_path, request.param) as home:
        home.one_clock()
        home.ask_zabbix(zabbix)
        yield home


def problem(home: House, zabbix: Standin, name: str = "CPU is high", **how: Any) -> tuple[str, int]:
    """A problem that has its ticket, and Zabbix its number."""
    eventid = zabbix.raise_problem("web01", name, severity=4, **how)
    home.alert(eventid, event_name=name, host_host="web01", trigger_id=zabbix.event(eventid)["objectid"])
    home.until_calm()
    return eventid, home.ticket(eventid)["id"]


def told(home: House, zabbix: Standin, eventid: str) -> list[str]:
    """What the event is told once both sides were compared, but for its number."""
    home.ahead += 60
    sync(home.context)
    home.until_calm()
    return [row["message"] for row in _said(zabbix, eventid)][1:]


def _said(zabbix: Standin, eventid: str) -> list[Mapping[str, Any]]:
    rows = zabbix.event(eventid)["acknowledges"]
    return sorted(rows, key=lambda row: int(row["acknowledgeid"]))


def test_the_course_of_a_ticket_is_told_with_the_persons_name(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    people = pair.glpi.people
    people.take(ticket)
    people.assign(ticket, to_group=2)
    people.reply(ticket, "<p>I look at it<br>at once</p><p>a &lt;b&gt; &amp; c</p>", user=9)
    people.solve(ticket, "<p>swapped the disk</p>")
    people.reopen(ticket)
    people.close(ticket)
    people.delete(ticket)
    assert told(pair, zabbix, eventid) == [
        f"{TECHNICIAN} took GLPI ticket {ticket}",
        f"{TECHNICIAN} assigned GLPI ticket {ticket} to Networks",
        f"{TECHNICIAN} wrote on GLPI ticket {ticket}:\nI look at it\nat once\na <b> & c",
        f"{TECHNICIAN} solved GLPI ticket {ticket}:\nswapped the disk",
        f"{TECHNICIAN} reopened GLPI ticket {ticket}",
        f"{TECHNICIAN} closed GLPI ticket {ticket}",
        f"glpi moved GLPI ticket {ticket} to the trash",
    ]


def test_nothing_is_told_twice_and_nothing_new_costs_no_read(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    assert told(pair, zabbix, eventid) == []
    assert not histories(pair), "nobody but us has touched it"
    pair.glpi.people.take(ticket)
    assert len(told(pair, zabbix, eventid)) == 1
    pair.glpi.log.clear()
    for _ in range(3):
        assert len(told(pair, zabbix, eventid)) == 1
    assert not histories(pair)


def histories(home: House) -> list[str]:
    return [call.path for call in list(home.glpi.log) if "getMultipleItems" in call.path]


def test_the_histories_of_many_tickets_are_read_together(pair: House, zabbix: Standin) -> None:
    tickets = [problem(pair, zabbix, f"problem {number}") for number in range(6)]
    for _, ticket in tickets:
        pair.glpi.people.reply(ticket, "<p>seen</p>", user=9)
    assert len(told(pair, zabbix, tickets[0][0])) == 1
    assert len(histories(pair)) == 2  # the histories, and the texts
    for eventid, _ in tickets:
        assert len(_said(zabbix, eventid)) == 2


def test_what_the_bridge_writes_in_glpi_is_no_news(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    pair.update(eventid, message="a word in Zabbix")
    pair.recover(eventid)
    pair.until_calm()
    assert len(pair.glpi.followups(ticket)) == 1
    pair.glpi.people.rename(ticket, "so that the history is read")
    assert told(pair, zabbix, eventid) == []


def test_a_followup_of_another_account_that_carries_our_marker_is_no_news(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    mark = f"zabbix zabbix/{eventid} note 1"
    pair.glpi.people.reply(ticket, f"<p>of an account of before</p><p><small>{mark}</small></p>", user=9)
    assert told(pair, zabbix, eventid) == []


@pytest.mark.parametrize(
    ("private", "expected"), [(False, ["open to all"]), (True, ["open to all", "for us alone"])], ids=["public", "all"]
)
def test_private_followups_are_told_by_setting_only(
    pair: House, zabbix: Standin, private: bool, expected: list[str]
) -> None:
    zabbix_client = pair.sources["zabbix"].zabbix
    pair.sources["zabbix"] = Source("zabbix", zabbix=zabbix_client, news=Wanted(private=private))
    eventid, ticket = problem(pair, zabbix)
    pair.glpi.people.reply(ticket, "<p>open to all</p>", user=9)
    pair.glpi.people.reply(ticket, "<p>for us alone</p>", user=9, private=True)
    assert [text.split("\n")[1] for text in told(pair, zabbix, eventid)] == expected


@pytest.mark.parametrize("kind", list(NewsKind))
def test_each_kind_can_be_switched_off_for_good(pair: House, zabbix: Standin, kind: NewsKind) -> None:
    client = pair.sources["zabbix"].zabbix
    pair.sources["zabbix"] = Source("zabbix", zabbix=client, news=Wanted(frozenset(NewsKind) - {kind}))
    eventid, ticket = problem(pair, zabbix)
    people = pair.glpi.people
    deeds = {
        NewsKind.TAKEN: lambda: people.take(ticket),
        NewsKind.ASSIGNED: lambda: people.assign(ticket, to_group=2),
        NewsKind.FOLLOWUP: lambda: people.reply(ticket, "<p>x</p>", user=9),
        NewsKind.SOLVED: lambda: people.solve(ticket),
        NewsKind.REOPENED: lambda: people.reopen(ticket),
        NewsKind.CLOSED: lambda: people.close(ticket),
        NewsKind.DELETED: lambda: people.delete(ticket),
    }
    for deed in deeds.values():
        deed()
    assert len(told(pair, zabbix, eventid)) == len(deeds) - 1
    pair.sources["zabbix"] = Source("zabbix", zabbix=client)
    people.restore(ticket)
    assert len(told(pair, zabbix, eventid)) == len(deeds) - 1


def test_who_solves_the_ticket_acknowledges_the_event(pair: House, zabbix: Standin) -> None:
    client = pair.sources["zabbix"].zabbix
    pair.sources["zabbix"] = Source("zabbix", zabbix=client, acknowledges=False)
    eventid, ticket = problem(pair, zabbix)
    assert zabbix.event(eventid)["acknowledged"] == "0"
    pair.glpi.people.take(ticket)
    told(pair, zabbix, eventid)
    assert zabbix.event(eventid)["acknowledged"] == "0"
    pair.glpi.people.solve(ticket)
    told(pair, zabbix, eventid)
    assert zabbix.event(eventid)["acknowledged"] == "1"


@pytest.mark.parametrize("manual_close", [True, False])
def test_who_solves_the_ticket_closes_the_event_by_setting_where_that_is_allowed(
    pair: House, zabbix: Standin, manual_close: bool
) -> None:
    client = pair.sources["zabbix"].zabbix
    pair.sources["zabbix"] = Source("zabbix", zabbix=client, news=Wanted(close_solved=True))
    eventid, ticket = problem(pair, zabbix, manual_close=manual_close)
    pair.glpi.people.solve(ticket, "<p>swapped</p>")
    assert told(pair, zabbix, eventid) == [f"{TECHNICIAN} solved GLPI ticket {ticket}:\nswapped"]
    zabbix.run_alerts()  # the server closes a moment later
    assert (zabbix.event(eventid)["r_eventid"] != "0") is manual_close
    assert len(pair.tickets()) == 1


def test_all_open_events_of_a_ticket_are_told_and_none_that_is_over(tmp_path: Any, zabbix: Standin) -> None:
    with house(tmp_path, rules="default: {key: one, flapping: off}") as home:
        home.one_clock()
        home.ask_zabbix(zabbix)
        over, ticket = problem(home, zabbix, "over")
        first, second = (zabbix.raise_problem("web01", name, severity=4) for name in ("first", "second"))
        for eventid in (first, second):
            home.alert(eventid, event_name="more", trigger_id=zabbix.event(eventid)["objectid"])
        home.recover(over)
        home.until_calm()
        home.glpi.people.take(ticket)
        assert told(home, zabbix, over) == []
        for eventid in (first, second):
            assert [row["message"] for row in _said(zabbix, eventid)][1:] == [f"{TECHNICIAN} took GLPI ticket {ticket}"]
        home.recover(first)
        home.recover(second)
        home.until_calm()
        home.glpi.people.close(ticket)
        told(home, zabbix, first)
        said = [row["message"] for eventid in (first, second) for row in _said(zabbix, eventid)]
        assert said.count(f"{TECHNICIAN} closed GLPI ticket {ticket}") == 1


def test_a_message_whose_answer_was_lost_is_looked_for_before_it_is_repeated(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    pair.glpi.people.take(ticket)
    zabbix.fault(ZabbixFault.RESET_AFTER, method="event.acknowledge")
    assert told(pair, zabbix, eventid) == [f"{TECHNICIAN} took GLPI ticket {ticket}"]


def test_news_of_before_the_ticket_was_found_again_are_history(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    pair.glpi.people.reply(ticket, "<p>long ago</p>", user=9)
    pair.ahead += 600
    pair.lose_the_store()
    pair.alert(eventid, trigger_id=zabbix.event(eventid)["objectid"])
    pair.until_calm()
    before = len(_said(zabbix, eventid))
    pair.ahead += 600
    pair.glpi.people.take(ticket)
    pair.ahead += 60
    sync(pair.context)
    pair.until_calm()
    assert [row["message"] for row in _said(zabbix, eventid)][before:] == [f"{TECHNICIAN} took GLPI ticket {ticket}"]


def test_what_a_person_did_to_a_ticket_whose_making_was_in_doubt_is_told(pair: House, zabbix: Standin) -> None:
    eventid = zabbix.raise_problem("web01", "CPU is high", severity=4)
    pair.alert(eventid, trigger_id=zabbix.event(eventid)["objectid"])
    sync(pair.context)
    pair.glpi.order(Fault(FaultKind.RESET_AFTER, match=CREATE))
    pair.turn()
    [row] = pair.tickets()
    pair.glpi.people.take(row["id"])
    for _ in range(12):  # far longer than the time that a sync looks back, and nobody settles it
        pair.ahead += 60
        sync(pair.context)
    pair.until_calm()
    assert told(pair, zabbix, eventid) == [f"{TECHNICIAN} took GLPI ticket {row['id']}"]


def test_a_profile_that_may_not_see_histories_costs_the_news_alone(pair: House, zabbix: Standin) -> None:
    pair.glpi.people.set_rights(9, {"logs": 0})
    pair.context.glpi.close()
    eventid, ticket = problem(pair, zabbix)
    pair.glpi.people.take(ticket)
    assert told(pair, zabbix, eventid) == []
    assert [text for text in pair.notices("no history") if "logs" in text]
    pair.recover(eventid)
    pair.until_calm()
    assert pair.ticket(eventid)["status"] == 5


def test_a_followup_that_is_gone_before_it_is_read_keeps_no_other_back(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    gone = pair.glpi.people.reply(ticket, "<p>a mistake</p>", user=9)
    pair.glpi.people.reply(ticket, "<p>and this</p>", user=9)
    pair.glpi.world.db["ITILFollowup"].remove(gone)
    assert told(pair, zabbix, eventid) == [f"{TECHNICIAN} wrote on GLPI ticket {ticket}:\nand this"]


def test_news_that_zabbix_refuses_are_parked_and_tickets_go_on(pair: House, zabbix: Standin) -> None:
    client = pair.sources["zabbix"].zabbix
    pair.sources["zabbix"] = Source("zabbix", zabbix=client, news=Wanted(close_solved=True))
    eventid, ticket = problem(pair, zabbix, manual_close=True)
    zabbix.set_role(actions=["acknowledge_problems", "add_problem_comments"])
    pair.glpi.people.solve(ticket)
    for _ in range(12):
        pair.ahead += 600
        sync(pair.context)
        pair.turn()
    assert len(_said(zabbix, eventid)) == 1
    assert any("ermission" in why for why in pair.parked())
    another, _ = problem(pair, zabbix, "Disk is full")
    assert len(_said(zabbix, another)) == 1
    zabbix.set_role(actions=["acknowledge_problems", "add_problem_comments", "close_problems"])
    pair.context.store.write(queue.retry_all, pair.now())
    assert told(pair, zabbix, eventid) == [f"{TECHNICIAN} solved GLPI ticket {ticket}:\nDone"]


def test_a_history_that_glpi_cannot_give_now_is_asked_for_again(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    sync(pair.context)
    pair.glpi.people.take(ticket)
    pair.glpi.order(Fault(FaultKind.ERROR_BEFORE, match=Match(path="getMultipleItems"), times=20))
    for _ in range(20):
        pair.ahead += 60
        report = sync(pair.context)
        assert report.failed
    assert told(pair, zabbix, eventid) == [f"{TECHNICIAN} took GLPI ticket {ticket}"]


def by_mail(home: House, ticket: int) -> None:
    """Let the ticket's last followup be one that GLPI's mail collector took: its history names no person."""
    log = home.glpi.world.db["Log"]
    for row in log.children("parent", ("Ticket", ticket))[-2:]:
        log.update(row, {"user_name": "cron_mailgate"})


def test_who_wrote_by_mail_is_named_and_a_quoted_ticket_below_takes_nothing_away(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    quoted = pair.ticket(eventid)["content"].replace("&#60;", "<").replace("&#62;", ">")
    pair.glpi.people.reply(ticket, f"<p>It is back</p><blockquote>{quoted}</blockquote>", user=9)
    by_mail(pair, ticket)
    [text] = told(pair, zabbix, eventid)
    assert text.startswith(f"{TECHNICIAN} wrote on GLPI ticket {ticket}:\nIt is back\n")


def test_a_long_followup_is_cut_with_an_ellipsis_and_told_once(pair: House, zabbix: Standin) -> None:
    eventid, ticket = problem(pair, zabbix)
    pair.glpi.people.reply(ticket, f"<p>{'word ' * 3000}</p>", user=9)
    zabbix.fault(ZabbixFault.RESET_AFTER, method="event.acknowledge")
    [text] = told(pair, zabbix, eventid)
    assert text.endswith("…")
    assert 1900 < len(text) <= 2048
