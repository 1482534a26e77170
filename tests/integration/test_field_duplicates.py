"""Duplicates: one incident, one ticket, whoever sends, however often, whatever was lost or changed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from glpi_bridge import deliver
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.store import attempts
from tests.house import CREATE, NOTE, SOLVE, SOLVED, House, house


@pytest.mark.field("F01")
def test_an_answer_that_never_came_is_settled_before_anything_is_created_again(home: House) -> None:
    home.glpi.order(Fault(FaultKind.BLACK_HOLE_AFTER, CREATE))
    home.alert(101)
    home.until_calm()
    assert len(home.tickets()) == 1
    paths = [(call.method, call.path.strip("/")) for call in home.glpi.log]
    first = paths.index(("POST", "Ticket"))
    assert ("GET", "killSession") in paths[first:]
    assert paths.count(("POST", "Ticket")) == 1


@pytest.mark.field("F01")
def test_a_row_that_appears_behind_the_fence_is_found_by_the_second_look(home: House) -> None:
    home.glpi.order(Fault(FaultKind.LATE_ROW, CREATE))
    home.alert(101)
    home.turn()
    for _ in range(3):
        home.ahead += 6
        home.turn()
    assert home.tickets() == []
    home.glpi.release_late()
    home.until_calm()
    assert len(home.tickets()) == 1


@pytest.mark.field("F03")
@pytest.mark.parametrize("match", [SOLVE, NOTE], ids=["solution", "note"])
def test_a_recovery_that_is_cut_short_ends_with_one_solution_and_each_note_once(home: House, match: Match) -> None:
    home.alert(101)
    home.until_calm()
    home.glpi.order(Fault(FaultKind.BAD_GATEWAY_AFTER, match))
    home.update(101, message="being looked at")
    home.recover(101)
    home.until_calm()
    ticket = home.ticket(101)["id"]
    assert len(home.glpi.solutions(ticket)) == 1
    assert len(home.glpi.followups(ticket)) == 1
    assert home.ticket(101)["status"] == SOLVED


@pytest.mark.field("F18")
def test_only_the_ticket_of_exactly_that_trigger_and_event_is_solved(home: House) -> None:
    for event in (123, 11234, 1123, 12345):
        home.alert(event)
    home.until_calm()
    home.recover(123)
    home.until_calm()
    assert [marker for marker, rows in home.by_marker().items() if rows[0]["status"] == SOLVED] == ["zabbix zabbix/123"]


@pytest.mark.field("F19")
def test_a_lost_store_finds_its_ticket_behind_thirty_newer_ones(home: House, tmp_path: Path) -> None:
    home.alert(101)
    home.until_calm()
    home.glpi.fill(30)
    home.close()
    home.store_url = f"sqlite:///{tmp_path}/new.db"
    home.context = home.worker()
    home.alert(101)
    home.until_calm()
    home.recover(101)
    home.until_calm()
    assert home.ticket(101)["status"] == SOLVED


@pytest.mark.field("F21")
def test_each_step_of_an_escalation_says_nothing_new(home: House) -> None:
    for _ in range(3):
        home.alert(101, action_name="Escalation")
        home.until_calm()
    assert home.glpi.followups(home.ticket(101)["id"]) == []


@pytest.mark.field("F86")
def test_two_workers_at_the_same_time_make_one_ticket_each(home: House) -> None:
    for event in range(101, 201):
        home.alert(event)
    workers = [home.worker(), home.worker()]
    threads = [threading.Thread(target=deliver.one_pass, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for worker in workers:
        worker.glpi.close()
        worker.store.close()
    home.until_calm()
    assert len(home.tickets()) == 100
    assert all(len(rows) == 1 for rows in home.by_marker().values())


@pytest.mark.field("F94")
def test_one_name_on_fifty_hosts_is_fifty_tickets(home: House) -> None:
    for event in range(101, 151):
        home.alert(event, host_host=f"host{event}", event_name="High CPU")
    home.until_calm()
    assert len(home.tickets()) == 50


@pytest.mark.field("F40")
@pytest.mark.parametrize("text", ["?triggerid=1&eventid=2", "a < b > c", "&#38; &amp;", "100% _wild_ %", "ÄÖÜ 🔥"])
def test_a_ticket_is_found_again_whatever_is_in_its_text(home: House, text: str) -> None:
    home.glpi.order(Fault(FaultKind.BLACK_HOLE_AFTER, CREATE))
    home.alert(101, event_name=text, trigger_description=text, trigger_url=f"https://zbx.example/{text}")
    home.until_calm()
    assert len(home.tickets()) == 1
    home.lose_the_store()
    home.recover(101)
    home.alert(101, event_name=text)
    home.until_calm()
    assert [row["status"] for row in home.tickets()] == [SOLVED]


@pytest.mark.field("F18")
@pytest.mark.parametrize("others", [(10, 1010, 1011, 1101), (1010, 10101, 101010, 10)])
def test_an_answer_that_is_lost_is_looked_for_by_the_whole_number(home: House, others: tuple[int, ...]) -> None:
    for event in others:
        home.alert(event)
    home.until_calm()
    home.glpi.order(Fault(FaultKind.BLACK_HOLE, CREATE))
    home.alert(101)
    home.until_calm()
    assert len(home.tickets()) == len(others) + 1
    assert home.ticket(101)["id"] not in {home.ticket(event)["id"] for event in others}


@pytest.mark.field("F87")
@pytest.mark.parametrize("values", [{"content": "<p>by a rule</p>"}, {"name": "by a rule", "content": ""}])
def test_a_ticket_whose_text_a_rule_rewrites_is_followed_by_its_number(home: House, values: dict[str, str]) -> None:
    home.glpi.order(Fault(FaultKind.RULE, CREATE, times=None, values=values))
    home.alert(101)
    home.until_calm()
    home.recover(101)
    home.until_calm()
    assert [row["status"] for row in home.tickets()] == [SOLVED]
    assert len(home.notices("marker")) == 1


@pytest.mark.field("F87")
def test_a_lost_answer_about_a_rewritten_ticket_stays_in_doubt_and_makes_no_second(home: House) -> None:
    home.glpi.order(Fault(FaultKind.RULE, CREATE, times=None, values={"content": "<p>by a rule</p>"}))
    home.glpi.order(Fault(FaultKind.BLACK_HOLE_AFTER, CREATE))
    home.alert(101)
    for _ in range(20):
        home.turn()
        home.ahead += 120
    assert len(home.tickets()) == 1
    assert len(home.context.store.read(attempts.in_flight)) == 1
    assert len(home.notices("in doubt")) == 1


@pytest.mark.field("F21")
def test_the_steps_of_an_escalation_are_no_news_after_a_solution_either(home: House) -> None:
    home.alert(101)
    home.until_calm()
    home.recover(101)
    home.until_calm()
    home.alert(101, action_name="Escalation")  # a step that was late
    home.until_calm()
    assert [row["status"] for row in home.tickets()] == [SOLVED]


@pytest.mark.field("F94")
def test_hosts_share_a_ticket_only_by_an_explicit_rule(version: str, tmp_path: Path) -> None:
    with house(tmp_path, version, rules="rules: []\ndefault:\n  key: [name]\n") as home:
        for event in range(101, 106):
            home.alert(event, host_host=f"host{event}", event_name="High CPU")
        home.until_calm()
        assert len(home.tickets()) == 1
        for event in range(101, 105):
            home.recover(event, event_name="High CPU")
        home.until_calm()
        assert home.tickets()[0]["status"] < SOLVED  # the last one lives
        home.recover(105, event_name="High CPU")
        home.until_calm()
        assert home.tickets()[0]["status"] == SOLVED
