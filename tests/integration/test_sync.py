"""Sync: fresher facts from both sides, and only positive evidence closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glpi_bridge.render import markers
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.sandbox.zabbix.faults import FaultKind as ZabbixFault
from glpi_bridge.store import events, incidents, meta
from glpi_bridge.sync import sync
from tests.house import CLOSED, CREATE, PENDING, SOLVED, House

Adopts = Callable[[datetime], bool]


@pytest.fixture
def zabbix() -> Iterator[Standin]:
    with Standin(threads=False) as standin:
        yield standin


@pytest.fixture
def pair(home: House, zabbix: Standin) -> House:
    home.one_clock()
    home.ask_zabbix(zabbix)
    return home


def problem(home: House, zabbix: Standin, name: str = "CPU is high", host: str = "web01", **how: Any) -> str:
    """Raise a problem in Zabbix and let its alert arrive."""
    eventid = zabbix.raise_problem(host, name, severity=4, **how)
    event = zabbix.event(eventid)
    home.alert(eventid, event_name=name, host_host=host, trigger_id=event["objectid"])
    return eventid


def synced(home: House) -> None:
    """Sync, then deliver what it found."""
    sync(home.context)
    home.until_calm()


# -- what is newer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0.0, 0.3, 0.9])
def test_a_change_in_the_second_of_a_reading_outweighs_the_reading(pair: House, zabbix: Standin, after: float) -> None:
    eventid = problem(pair, zabbix)
    pair.until_calm()
    pair.ahead += 1.05 - pair.now() % 1 + after  # so far into a second that alerts tell whole
    synced(pair)
    zabbix.update(eventid, message="worse", severity=5)
    moment = datetime.fromtimestamp(int(pair.now()), UTC)
    pair.update(
        eventid, "changed severity", "worse", event_nseverity=5, date=f"{moment:%Y.%m.%d}", time=f"{moment:%H:%M:%S}"
    )
    pair.until_calm()
    assert pair.ticket(eventid)["urgency"] == 5


def test_a_change_while_zabbix_is_asked_outweighs_the_old_answer(
    pair: House, zabbix: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    eventid = problem(pair, zabbix)
    pair.until_calm()
    client = pair.context.sources["zabbix"].zabbix
    assert client is not None
    ask = client.events

    def slowly(eventids: Any) -> Any:
        answer = ask(eventids)
        pair.ahead += 20  # the answer is long under way
        return answer

    monkeypatch.setattr(client, "events", slowly)
    changed = datetime.fromtimestamp(int(pair.now()) + 5, UTC)
    synced(pair)
    pair.update(
        eventid, "changed severity", "worse", event_nseverity=5, date=f"{changed:%Y.%m.%d}", time=f"{changed:%H:%M:%S}"
    )
    pair.until_calm()
    assert pair.ticket(eventid)["urgency"] == 5


# -- nothing new ------------------------------------------------------------------------------------------------------


def test_a_sync_that_finds_nothing_new_writes_nothing(pair: House, zabbix: Standin) -> None:
    problem(pair, zabbix)
    pair.until_calm()
    synced(pair)
    before = len(pair.writes()), zabbix.counts()["calls"].get("event.acknowledge")
    for _ in range(3):
        report = sync(pair.context)
        pair.until_calm()
    assert (len(pair.writes()), zabbix.counts()["calls"].get("event.acknowledge")) == before
    assert (report.learned, report.unknown, report.adopted, report.failed) == (0, 0, 0, ())


def test_a_sync_without_any_zabbix_still_asks_glpi(home: House) -> None:
    home.one_clock()
    home.alert(101)
    home.until_calm()
    home.glpi.people.set_pending(home.ticket(101)["id"])
    assert sync(home.context).tickets == 1


# -- what Zabbix states -----------------------------------------------------------------------------------------------


def test_a_recovery_whose_alert_was_lost_is_found(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    still_open = problem(pair, zabbix, "Disk is full")
    pair.until_calm()
    synced(pair)
    zabbix.recover(eventid)
    synced(pair)
    assert pair.ticket(eventid)["status"] == SOLVED
    assert len(pair.glpi.solutions(pair.ticket(eventid)["id"])) == 1
    assert pair.ticket(still_open)["status"] < SOLVED


def test_a_recovery_that_is_told_and_found_is_one_solution(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(eventid)
    synced(pair)
    pair.recover(eventid)
    synced(pair)
    assert len(pair.glpi.solutions(pair.ticket(eventid)["id"])) == 1


def test_a_severity_that_was_changed_while_updates_were_lost_is_found(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    pair.until_calm()
    zabbix.update(eventid, severity=5)
    pair.ahead += 1  # in the second of the alert itself the alert would count
    synced(pair)
    assert pair.ticket(eventid)["urgency"] == 5


VANISH: dict[str, Callable[[Standin, str], None]] = {
    "the housekeeper": lambda zabbix, eventid: zabbix.housekeep(eventid),
    "a deleted trigger": lambda zabbix, eventid: zabbix.delete_trigger(eventid),
    "a deleted host": lambda zabbix, eventid: zabbix.delete_host("web01"),
    "a host moved out of sight": lambda zabbix, eventid: zabbix.move_host("web01", "Elsewhere"),
}


@pytest.mark.parametrize("how", VANISH)
def test_an_event_that_vanishes_is_unknown_and_closes_nothing(pair: House, zabbix: Standin, how: str) -> None:
    eventid = problem(pair, zabbix)
    problem(pair, zabbix, host="web02")
    pair.until_calm()
    VANISH[how](zabbix, eventid)
    report = sync(pair.context)
    pair.until_calm()
    assert report.unknown == 1
    assert [row["status"] < SOLVED for row in pair.tickets()] == [True, True]
    assert pair.glpi.solutions(pair.ticket(eventid)["id"]) == []


@pytest.mark.field("F25")
@pytest.mark.parametrize("how", ["lost right", "empty list", "all hosts moved"])
def test_an_empty_list_closes_nothing_and_is_said_loudly_with_the_number_of_hosts(
    pair: House, zabbix: Standin, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        problem(pair, zabbix, f"problem {number}")
    pair.until_calm()
    if how == "lost right":
        zabbix.set_rights({})
    elif how == "empty list":
        zabbix.fault(ZabbixFault.EMPTY_RESULT, times=100, method="event.get")
        zabbix.fault(ZabbixFault.EMPTY_RESULT, times=100, method="problem.get")
    else:
        zabbix.move_host("web01", "Elsewhere")
    for _ in range(2):
        report = sync(pair.context)
        pair.until_calm()
    assert report.unknown == 20
    assert all(row["status"] < SOLVED for row in pair.tickets())
    [said] = pair.notices("unknown events")
    assert "none of the 20 open events" in said
    assert f"({1 if how == 'empty list' else 0} visible hosts)" in said
    assert sum("none of the 20" in record.message for record in caplog.records) == 1


def test_the_loud_word_is_taken_back_once_events_are_shown_again(pair: House, zabbix: Standin) -> None:
    problem(pair, zabbix)
    pair.until_calm()
    zabbix.set_rights({})
    sync(pair.context)
    zabbix.set_rights({"Lab servers": 3})
    sync(pair.context)
    assert pair.notices("unknown events") == []


def test_a_zabbix_that_is_down_keeps_nobody_from_asking_glpi(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    pair.until_calm()
    pair.glpi.people.close(pair.ticket(eventid)["id"])
    zabbix.fault(ZabbixFault.ERROR_500, times=100)
    report = sync(pair.context)
    assert report.tickets == 1
    assert len(report.failed) == 1
    zabbix.heal()
    assert sync(pair.context).failed == ()


def test_a_glpi_that_is_down_keeps_nobody_from_asking_zabbix(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(eventid)
    pair.glpi.refuse(0)
    report = sync(pair.context)
    assert report.learned == 1
    assert len(report.failed) == 1
    pair.glpi.accept_again()
    pair.until_calm()
    assert pair.ticket(eventid)["status"] == SOLVED


# -- problems nobody told about ---------------------------------------------------------------------------------------


def _all(_opened: datetime) -> bool:
    return True


def _off(_opened: datetime) -> bool:
    return False


def _last_hour(opened: datetime) -> bool:
    return opened > datetime.now(UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("adopts", "taken"), [(_off, set()), (_last_hour, {"new"}), (_all, {"old", "new"})], ids=["off", "since", "all"]
)
def test_problems_that_no_alert_told_about_are_adopted_as_set(
    home: House, zabbix: Standin, adopts: Adopts, taken: set[str]
) -> None:
    home.ask_zabbix(zabbix, adopts=adopts)
    day_ago = int((datetime.now(UTC) - timedelta(days=1)).timestamp())
    ids = {
        "old": zabbix.raise_problem("web01", "Disk is full", clock=day_ago, alert=False),
        "new": zabbix.raise_problem("web01", "CPU is high", alert=False),
    }
    over = zabbix.raise_problem("web01", "was over before we came", alert=False)
    zabbix.recover(over)
    report = sync(home.context)
    home.until_calm()
    assert set(home.by_marker()) == {f"zabbix zabbix/{ids[name]}" for name in taken}
    assert (report.adopted, report.not_adopted) == (len(taken), 2 - len(taken))
    assert sync(home.context).adopted == 0


def test_a_problem_left_alone_gets_its_ticket_once_an_alert_tells_about_it(pair: House, zabbix: Standin) -> None:
    eventid = zabbix.raise_problem("web01", "CPU is high", alert=False)
    synced(pair)
    assert pair.tickets() == []
    pair.alert(eventid)
    synced(pair)
    assert len(pair.tickets()) == 1


def test_an_adopted_problem_whose_alert_comes_late_has_one_ticket(home: House, zabbix: Standin) -> None:
    home.ask_zabbix(zabbix, adopts=_all)
    eventid = problem(home, zabbix)
    entries = home.context.spool.entries(10)
    assert len(entries) == 1
    sync(home.context)  # before the alert is taken in
    home.until_calm()
    home.alert(eventid)
    home.until_calm()
    assert len(home.tickets()) == 1


# -- what people did in GLPI ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("deed", "expected"), [("close", CLOSED), ("solve", SOLVED), ("set_pending", PENDING)])
def test_what_a_person_did_to_a_ticket_is_learned_once(home: House, deed: str, expected: int) -> None:
    home.one_clock()
    home.alert(101)
    home.until_calm()
    getattr(home.glpi.people, deed)(home.ticket(101)["id"])
    assert [sync(home.context).tickets for _ in range(3)] == [1, 0, 0]
    [owed] = home.context.store.read(incidents.by_tickets, [home.ticket(101)["id"]])
    assert owed.incident.seen.status == expected
    assert not owed.incident.seen.by_us


@pytest.mark.field("F55")
def test_a_ticket_put_into_the_trash_and_taken_out_again_is_learned(home: House) -> None:
    home.one_clock()
    home.alert(101)
    home.until_calm()
    ticket = home.ticket(101)["id"]
    home.glpi.people.delete(ticket)
    synced(home)
    [owed] = home.context.store.read(incidents.by_tickets, [ticket])
    assert owed.incident.seen.is_deleted
    home.glpi.people.restore(ticket)
    synced(home)
    home.recover(101)
    home.until_calm()
    assert home.ticket(101)["status"] == SOLVED


@pytest.mark.parametrize("minutes", [0, 4])
def test_a_change_that_was_dated_before_the_last_sync_and_written_after_it_is_not_missed(
    home: House, minutes: int
) -> None:
    """GLPI dates a change when its work begins; a slow one becomes visible after a sync that began later."""
    home.one_clock()
    home.alert(101)
    home.until_calm()
    home.ahead += 3600
    sync(home.context)
    home.ahead -= minutes * 60
    home.glpi.people.close(home.ticket(101)["id"])
    home.ahead += minutes * 60
    assert sync(home.context).tickets == 1


def test_many_changed_tickets_are_all_learned(home: House) -> None:
    home.one_clock()
    for event in range(101, 341):
        home.alert(event)
    home.until_calm()
    for row in home.tickets():
        home.glpi.people.set_pending(row["id"])
    assert sync(home.context).tickets == 240


# -- second tickets ---------------------------------------------------------------------------------------------------


def test_of_two_tickets_of_a_repeated_call_one_stays_open_and_one_is_closed_unlinked(home: House) -> None:
    home.one_clock()
    home.glpi.order(Fault(FaultKind.REPEATED, CREATE))
    home.alert(101)
    home.until_calm()
    for _ in range(3):
        synced(home)
    lives, closed = sorted(home.tickets(), key=lambda row: row["status"])
    assert lives["status"] < SOLVED
    assert closed["status"] == CLOSED
    assert [len(home.glpi.solutions(row["id"])) for row in (lives, closed)] == [0, 1]
    assert home.glpi.links(closed["id"]) == []
    assert home.context.store.read(meta.get, "duplicates", {}) == {}


@pytest.mark.parametrize("writer", ["a person", "another bridge"])
def test_a_ticket_that_only_looks_like_ours_is_left_alone(home: House, writer: str) -> None:
    home.one_clock()
    home.alert(101)
    home.until_calm()
    marker = "zabbix zabbix/101" if writer == "a person" else "zabbix elsewhere/101"
    user = 8 if writer == "a person" else 7
    foreign = home.glpi.people.create(
        name="CPU is high", content=f"<p>seen it too</p><p><small>{marker}</small></p>", user=user
    )
    for _ in range(3):
        synced(home)
    assert home.glpi.ticket(foreign)["status"] < SOLVED
    assert home.glpi.solutions(foreign) == []


def test_a_person_who_reopens_a_ticket_after_a_short_return_wants_it_open(pair: House, zabbix: Standin) -> None:
    """That return came and went while the ticket was solved: there was nothing to say."""
    first = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(first)
    synced(pair)
    short = problem(pair, zabbix)
    zabbix.recover(short)
    pair.recover(short)
    pair.until_calm()
    pair.glpi.people.reopen(pair.ticket(first)["id"])
    synced(pair)
    assert pair.ticket(first)["status"] < SOLVED
    assert len(pair.glpi.solutions(pair.ticket(first)["id"])) == 1


def test_a_return_that_ended_after_a_person_had_reopened_the_ticket_is_told(pair: House, zabbix: Standin) -> None:
    """The bridge reads before it takes the ticket for finished."""
    first = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(first)
    synced(pair)
    pair.glpi.people.reopen(pair.ticket(first)["id"])
    short = problem(pair, zabbix)
    zabbix.recover(short)
    pair.recover(short)
    pair.until_calm()
    assert pair.ticket(first)["status"] == SOLVED
    assert len(pair.glpi.solutions(pair.ticket(first)["id"])) == 2


# -- a lost store -----------------------------------------------------------------------------------------------------


def test_a_lost_store_finds_its_tickets_and_their_recoveries(pair: House, zabbix: Standin) -> None:
    ended = problem(pair, zabbix)
    lives = problem(pair, zabbix, "Disk is full")
    pair.until_calm()
    zabbix.recover(ended)
    pair.lose_the_store()
    pair.until_calm()
    synced(pair)
    assert (pair.ticket(ended)["status"], pair.ticket(lives)["status"] < SOLVED) == (SOLVED, True)
    assert len(pair.tickets()) == 2


def test_after_a_lost_store_the_same_trigger_joins_its_open_ticket(pair: House, zabbix: Standin) -> None:
    first = problem(pair, zabbix)
    pair.until_calm()
    pair.lose_the_store()
    second = problem(pair, zabbix)
    pair.until_calm()
    assert set(pair.by_marker()) == {f"zabbix zabbix/{first}"}
    assert second != first


def returned(pair: House, zabbix: Standin, first: str) -> str:
    """The problem ends, its ticket is solved, and it comes back."""
    zabbix.recover(first)
    pair.recover(first)
    pair.until_calm()
    back = problem(pair, zabbix)
    pair.until_calm()
    assert pair.ticket(first)["status"] < SOLVED
    return back


def solutions(pair: House, first: str) -> list[str]:
    """The marker lines of a ticket's solutions, without what is the ticket's."""
    rows = pair.glpi.solutions(pair.ticket(first)["id"])
    lines = [line for row in rows for line in markers(row["content"])]
    return [line.removeprefix(f"zabbix zabbix/{first} solution ") for line in lines]


def test_a_lost_store_does_not_solve_a_ticket_whose_problem_had_come_back(pair: House, zabbix: Standin) -> None:
    first = problem(pair, zabbix)
    pair.until_calm()
    back = returned(pair, zabbix, first)
    pair.lose_the_store()
    synced(pair)
    assert pair.ticket(first)["status"] < SOLVED
    zabbix.recover(back)
    synced(pair)
    assert (pair.ticket(first)["status"], solutions(pair, first)) == (SOLVED, [first, back])


def test_a_lost_store_does_not_solve_a_ticket_that_another_open_problem_of_its_trigger_had_joined(
    pair: House, zabbix: Standin
) -> None:
    first = problem(pair, zabbix)
    pair.until_calm()
    joined = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(first)
    pair.lose_the_store()
    synced(pair)
    assert pair.ticket(first)["status"] < SOLVED
    zabbix.recover(joined)
    synced(pair)
    assert pair.ticket(first)["status"] == SOLVED
    assert len(pair.tickets()) == 1


def test_after_a_lost_store_a_recovery_is_not_told_a_second_time(pair: House, zabbix: Standin) -> None:
    """The problem came back, and ended while nobody looked: that end is told, under a name of its own."""
    first = problem(pair, zabbix)
    pair.until_calm()
    back = returned(pair, zabbix, first)
    zabbix.recover(back)
    pair.lose_the_store()
    synced(pair)
    assert (pair.ticket(first)["status"], solutions(pair, first)) == (SOLVED, [first, back])


def test_a_ticket_reopened_by_a_person_stays_so_when_the_store_is_lost(pair: House, zabbix: Standin) -> None:
    first = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(first)
    synced(pair)
    pair.glpi.people.reopen(pair.ticket(first)["id"])
    pair.lose_the_store()
    synced(pair)
    assert (pair.ticket(first)["status"] < SOLVED, solutions(pair, first)) == (True, [first])


def test_reopened_for_an_event_that_zabbix_has_removed_a_ticket_is_not_solved_by_a_lost_store(
    pair: House, zabbix: Standin
) -> None:
    first = problem(pair, zabbix)
    pair.until_calm()
    back = returned(pair, zabbix, first)
    zabbix.housekeep(back)
    pair.lose_the_store()
    synced(pair)
    assert pair.ticket(first)["status"] < SOLVED


def test_a_lost_store_waits_for_a_glpi_that_is_down(home: House) -> None:
    home.alert(101)
    home.until_calm()
    home.lose_the_store()
    home.glpi.order(Fault(FaultKind.DATABASE_DOWN, Match(method="GET"), times=3))
    home.alert(101)
    home.until_calm()
    assert len(home.tickets()) == 1


def test_a_zabbix_that_is_down_when_the_store_is_lost_is_asked_later(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(eventid)
    pair.lose_the_store()
    zabbix.fault(ZabbixFault.ERROR_503, times=2)
    pair.turn()
    zabbix.heal()
    synced(pair)
    assert pair.ticket(eventid)["status"] == SOLVED
    assert len(pair.tickets()) == 1


def test_a_zabbix_that_shows_nothing_when_the_store_is_lost_is_asked_again(pair: House, zabbix: Standin) -> None:
    eventid = problem(pair, zabbix)
    pair.until_calm()
    zabbix.recover(eventid)
    pair.lose_the_store()
    zabbix.fault(ZabbixFault.EMPTY_RESULT, times=2, method="event.get")
    pair.turn()
    zabbix.heal()
    synced(pair)
    assert pair.ticket(eventid)["status"] == SOLVED
    assert len(pair.tickets()) == 1


def test_events_are_asked_about_in_slices_and_none_is_left_out(
    pair: House, zabbix: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glpi_bridge.sync._SLICE", 3)
    ids = [problem(pair, zabbix, f"problem {number}") for number in range(8)]
    pair.until_calm()
    for eventid in ids:
        zabbix.update(eventid, severity=5)  # no recovery: only the slices find it
    pair.ahead += 1  # in the second of the alerts themselves the alerts would count
    assert sum(sync(pair.context).learned for _ in range(3)) == 8
    assert pair.context.store.read(events.open_events, "zabbix", 100, pair.now() + 1)
