"""Tickets that belong together: a symptom's and its cause's, a storm's and those of its problems."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.store import incidents
from glpi_bridge.sync import sync
from tests.house import CREATE, SOLVED, VERSIONS, House, house

SON_OF = 3
LINK = Match(method="POST", path="Ticket_Ticket")
STORM = "default: {storm: {by: host, count: 3, window: 5m}, flapping: off}\n"


@pytest.fixture(params=VERSIONS)
def stormy(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    """A house whose rule calls more than three problems of a host a storm."""
    with house(tmp_path, request.param, rules=STORM) as made:
        made.one_clock()
        yield made


def links(home: House) -> list[tuple[int, int, int]]:
    return sorted((row["tickets_id_1"], row["tickets_id_2"], row["link"]) for row in home.glpi.rows("Ticket_Ticket"))


def parents(home: House) -> list[dict[str, Any]]:
    return [rows[0] for marker, rows in home.by_marker().items() if " storm " in marker for _ in rows]


def sons(home: House, *eventids: int) -> list[tuple[int, int, int]]:
    [parent] = parents(home)
    return sorted((home.ticket(eventid)["id"], parent["id"], SON_OF) for eventid in eventids)


def strike(home: House, *eventids: int, **fields: Any) -> None:
    for eventid in eventids:
        home.alert(eventid, **fields)


# -- symptoms ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=VERSIONS)
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[House, Standin]]:
    """A house that may ask a Zabbix."""
    with house(tmp_path, request.param) as made, Standin(threads=False) as zabbix:
        made.one_clock()
        made.ask_zabbix(zabbix)
        yield made, zabbix


def problem(home: House, zabbix: Standin, host: str) -> str:
    eventid = zabbix.raise_problem(host, "CPU is high", severity=4)
    home.alert(eventid, host_host=host, trigger_id=zabbix.event(eventid)["objectid"])
    return eventid


def mark(zabbix: Standin, symptom: str, cause: str) -> None:
    """Let a person mark it; the server does that a moment later."""
    zabbix.update(symptom, cause=cause)
    zabbix.run_alerts()


def synced(home: House) -> None:
    home.ahead += 2
    sync(home.context)
    home.until_calm()


def test_a_symptom_is_the_son_of_its_cause_once_and_each_has_its_own_recovery(pair: tuple[House, Standin]) -> None:
    home, zabbix = pair
    cause, symptom = problem(home, zabbix, "web01"), problem(home, zabbix, "web02")
    home.until_calm()
    mark(zabbix, symptom, cause)
    for _ in range(3):
        synced(home)
    assert links(home) == [(home.ticket(symptom)["id"], home.ticket(cause)["id"], SON_OF)]
    zabbix.recover(cause)
    synced(home)
    assert (home.ticket(cause)["status"], home.ticket(symptom)["status"] < SOLVED) == (SOLVED, True)
    zabbix.recover(symptom)
    synced(home)
    assert home.ticket(symptom)["status"] == SOLVED
    assert len(links(home)) == 1


def test_a_symptom_known_before_its_cause_has_a_ticket_is_linked_when_it_has(pair: tuple[House, Standin]) -> None:
    home, zabbix = pair
    cause, symptom = zabbix.raise_problem("web01", "CPU is high"), problem(home, zabbix, "web02")
    mark(zabbix, symptom, cause)
    home.until_calm()
    synced(home)
    assert links(home) == []
    home.alert(cause, trigger_id=zabbix.event(cause)["objectid"])
    home.until_calm()
    assert links(home) == [(home.ticket(symptom)["id"], home.ticket(cause)["id"], SON_OF)]


def test_the_link_of_a_symptom_stays_when_its_mark_is_taken_away_and_one_that_a_person_removed_stays_away(
    pair: tuple[House, Standin],
) -> None:
    home, zabbix = pair
    cause, symptom = problem(home, zabbix, "web01"), problem(home, zabbix, "web02")
    home.until_calm()
    mark(zabbix, symptom, cause)
    synced(home)
    mark(zabbix, symptom, "0")
    synced(home)
    assert len(links(home)) == 1
    [row] = home.glpi.rows("Ticket_Ticket")
    home.glpi.world.db["Ticket_Ticket"].remove(row["id"])
    mark(zabbix, symptom, cause)
    synced(home)
    assert links(home) == []


def test_a_symptom_of_a_cause_whose_ticket_was_removed_is_linked_to_nothing(pair: tuple[House, Standin]) -> None:
    home, zabbix = pair
    cause, symptom = problem(home, zabbix, "web01"), problem(home, zabbix, "web02")
    home.until_calm()
    home.glpi.people.delete(home.ticket(cause)["id"])
    synced(home)
    mark(zabbix, symptom, cause)
    synced(home)
    assert links(home) == []
    assert home.parked() == []


# -- storms -----------------------------------------------------------------------------------------------------------


@pytest.mark.field("F54")
def test_a_storm_gets_one_parent_and_each_of_its_problems_is_its_son_and_solved_by_its_own_recovery(
    stormy: House,
) -> None:
    strike(stormy, *range(101, 108))
    stormy.until_calm()
    [parent] = parents(stormy)
    assert parent["name"] == "Storm: 7 problems of web01"
    assert links(stormy) == sons(stormy, *range(101, 108))
    assert len(stormy.tickets()) == 8
    for eventid in range(101, 107):
        stormy.recover(eventid)
    stormy.until_calm()
    assert [stormy.ticket(one)["status"] for one in range(101, 107)] == [SOLVED] * 6
    assert parents(stormy)[0]["status"] < SOLVED
    assert stormy.ticket(107)["status"] < SOLVED
    stormy.recover(107)
    stormy.until_calm()
    [parent] = parents(stormy)
    assert parent["status"] == SOLVED
    [solution] = stormy.glpi.solutions(parent["id"])
    assert "The storm is over" in solution["content"]
    assert len(links(stormy)) == 7


def test_as_many_as_the_count_and_those_of_other_hosts_are_no_storm(stormy: House) -> None:
    strike(stormy, 101, 102, 103)
    strike(stormy, 201, 202, 203, host_host="db01")
    stormy.until_calm()
    assert parents(stormy) == []
    assert links(stormy) == []


def test_problems_that_come_later_in_a_storm_join_it_and_those_of_before_are_linked_too(stormy: House) -> None:
    strike(stormy, 101, 102, 103)
    stormy.until_calm()
    strike(stormy, 104)
    stormy.until_calm()
    strike(stormy, 105, 106)
    stormy.until_calm()
    assert links(stormy) == sons(stormy, *range(101, 107))


def test_problems_hours_apart_are_no_storm_however_late_they_are_told(stormy: House) -> None:
    for hour in range(1, 6):
        strike(stormy, 100 + hour, event_date="2026.11.25", event_time=f"{hour:02}:00:00")
    stormy.until_calm()
    assert parents(stormy) == []


@pytest.mark.field("F63")
def test_what_a_storm_makes_sends_no_mails_but_its_parent_unless_its_rule_says_so(stormy: House) -> None:
    strike(stormy, *range(101, 108))
    stormy.until_calm()
    made = [one for call in stormy.writes() if call.path == "/Ticket" for one in _inputs(call)]
    quiet = [one for one in made if one.get("_disablenotif")]
    assert (len(made), len(quiet)) == (8, 7)


@pytest.mark.field("F63")
def test_a_rule_may_let_the_problems_of_a_storm_send_mails(tmp_path: Path) -> None:
    with house(tmp_path, rules=STORM.replace("5m}", "5m, notify: yes}")) as home:
        strike(home, *range(101, 108))
        home.until_calm()
        made = [one for call in home.writes() if call.path == "/Ticket" for one in _inputs(call)]
        assert not any(one.get("_disablenotif") for one in made)


def _inputs(call: Any) -> list[dict[str, Any]]:
    return list(call.items) if isinstance(call.items, list) else [call.items]


def test_a_problem_that_comes_back_reopens_the_storm_and_its_second_end_solves_it_again(stormy: House) -> None:
    strike(stormy, *range(101, 106))
    stormy.until_calm()
    for eventid in range(101, 106):
        stormy.recover(eventid)
    stormy.until_calm()
    assert parents(stormy)[0]["status"] == SOLVED
    stormy.alert(201, trigger_id=101)
    stormy.until_calm()
    assert parents(stormy)[0]["status"] < SOLVED
    stormy.recover(201, trigger_id=101)
    stormy.until_calm()
    [parent] = parents(stormy)
    assert parent["status"] == SOLVED
    assert len(stormy.glpi.solutions(parent["id"])) == 2


@pytest.mark.parametrize("deed", ["solve", "close", "delete"])
def test_a_parent_that_a_person_ended_stays_so_and_a_later_storm_has_its_own(stormy: House, deed: str) -> None:
    strike(stormy, *range(101, 106))
    stormy.until_calm()
    [parent] = parents(stormy)
    getattr(stormy.glpi.people, deed)(parent["id"])
    stormy.ahead += 2
    sync(stormy.context)
    strike(stormy, 106, 107)
    stormy.until_calm()
    assert len(links(stormy)) == 5
    strike(stormy, 108, 109)
    stormy.until_calm()
    made = [row for row in parents(stormy) if row["id"] != parent["id"]]
    assert len(made) == 1
    assert sum(1 for _, father, _ in links(stormy) if father == made[0]["id"]) == 4
    for eventid in range(101, 110):
        stormy.recover(eventid)
    stormy.until_calm()
    assert next(row for row in parents(stormy) if row["id"] == made[0]["id"])["status"] == SOLVED
    assert stormy.parked() == []


@pytest.mark.parametrize("deed", ["purge", "delete"])
def test_a_parent_that_a_person_removed_unnoticed_is_found_removed_and_a_later_storm_has_its_own(
    stormy: House, deed: str
) -> None:
    strike(stormy, *range(101, 106))
    stormy.until_calm()
    [parent] = parents(stormy)
    getattr(stormy.glpi.people, deed)(parent["id"])
    strike(stormy, 106, 107)
    stormy.until_calm()
    before = [row["id"] for row in parents(stormy)]
    strike(stormy, 108, 109)
    stormy.until_calm()
    [made] = [row for row in parents(stormy) if row["id"] not in before]
    fathers = {stormy.ticket(one)["id"]: made["id"] for one in (106, 107, 108, 109)}
    assert {son: father for son, father, _ in links(stormy) if father == made["id"]} == fathers
    for eventid in range(101, 110):
        stormy.recover(eventid)
    stormy.until_calm()
    assert next(row for row in parents(stormy) if row["id"] == made["id"])["status"] == SOLVED
    assert stormy.parked() == []


@pytest.mark.parametrize(("window", "is_new"), [("never", True), ("1h", True), ("always", False)])
def test_a_new_storm_after_the_reopen_window_has_a_ticket_of_its_own(tmp_path: Path, window: str, is_new: bool) -> None:
    with house(tmp_path, rules=STORM.replace("}\n", f", reopen_window: {window}}}\n")) as home:
        home.one_clock()
        strike(home, *range(101, 106))
        home.until_calm()
        for eventid in range(101, 106):
            home.recover(eventid)
        home.until_calm()
        [old] = parents(home)
        assert old["status"] == SOLVED
        home.ahead += 2 * 86400
        now = datetime.fromtimestamp(home.now(), UTC)
        strike(home, *range(201, 206), event_date=f"{now:%Y.%m.%d}", event_time=f"{now:%H:%M:%S}")
        home.until_calm()
        new = [row for row in parents(home) if row["id"] != old["id"]]
        assert len(new) == is_new
        assert (next(row for row in parents(home) if row["id"] == old["id"])["status"] == SOLVED) == is_new


def test_a_parent_that_a_person_reopened_after_its_end_stays_open(stormy: House) -> None:
    strike(stormy, *range(101, 106))
    stormy.until_calm()
    for eventid in range(101, 106):
        stormy.recover(eventid)
    stormy.until_calm()
    stormy.glpi.people.reopen(parents(stormy)[0]["id"])
    for _ in range(2):
        stormy.ahead += 2
        sync(stormy.context)
        stormy.until_calm()
    assert parents(stormy)[0]["status"] < SOLVED


def test_a_storm_that_is_over_when_glpi_comes_back_has_tickets_and_no_parent(stormy: House) -> None:
    strike(stormy, *range(101, 106))
    for eventid in range(101, 106):
        stormy.recover(eventid)
    stormy.until_calm()
    assert parents(stormy) == []
    assert len(stormy.tickets()) == 5


@pytest.mark.parametrize("match", [CREATE, LINK], ids=["parent", "links"])
@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE], ids=["done", "not done"])
def test_an_answer_that_is_lost_makes_no_second_parent_and_no_second_link(
    stormy: House, match: Match, kind: FaultKind
) -> None:
    strike(stormy, *range(101, 104))
    stormy.until_calm()
    strike(stormy, 104)
    stormy.glpi.order(Fault(kind, match=match, times=2))
    stormy.until_calm()
    assert links(stormy) == sons(stormy, *range(101, 105))
    assert len(stormy.tickets()) == 5


def test_a_lost_store_finds_the_parent_of_a_storm_again_and_solves_it_with_the_last_of_its_problems(
    tmp_path: Path,
) -> None:
    with house(tmp_path, rules=STORM) as home, Standin(threads=False) as zabbix:
        home.one_clock()
        home.ask_zabbix(zabbix)
        eventids = []
        for number in range(5):
            eventids.append(zabbix.raise_problem("web01", f"problem {number}"))
            home.alert(eventids[-1], trigger_id=zabbix.event(eventids[-1])["objectid"])
        home.until_calm()
        zabbix.recover(eventids[0])
        zabbix.recover(eventids[1])
        synced(home)
        assert len(parents(home)) == 1
        home.lose_the_store()
        synced(home)
        for eventid in eventids[2:]:
            assert parents(home)[0]["status"] < SOLVED
            zabbix.recover(eventid)
            synced(home)
        assert [row["status"] for row in parents(home)] == [SOLVED]
        assert len(links(home)) == 5
        assert len(home.tickets()) == 6


def test_the_store_keeps_the_children_of_a_storm_as_long_as_it_rages(stormy: House) -> None:
    strike(stormy, *range(101, 106))
    stormy.until_calm()
    for eventid in range(101, 105):
        stormy.recover(eventid)
    stormy.until_calm()
    stormy.ahead += 200 * 86400
    stormy.turn()
    assert len(stormy.context.store.read(incidents.by_ids, list(range(1, 10)))) == 6
    stormy.recover(105)
    stormy.until_calm()
    assert parents(stormy)[0]["status"] == SOLVED
    stormy.ahead += 200 * 86400
    stormy.turn()
    stormy.turn()
    assert stormy.context.store.read(incidents.by_ids, list(range(1, 10))) == []
