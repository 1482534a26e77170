"""Bulk: every row has its own outcome, every list is read whole, every hit is checked before it is acted on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from glpi_bridge.model import Draft, Outcome
from glpi_bridge.sandbox.glpi import Cost, Fault, FaultKind, Match
from tests.house import CREATE, SOLVED, House, house


@pytest.fixture
def patient(tmp_path: Path, version: str) -> Iterator[House]:
    """A house whose calls may last: long lists are no fault."""
    with house(tmp_path, version) as made:
        yield made


@pytest.mark.field("F35")
def test_of_a_bulk_each_item_has_its_own_outcome(home: House) -> None:
    home.glpi.order(Fault(FaultKind.POISON, CREATE, text="second", times=None))
    for event, name in ((101, "first"), (102, "second"), (103, "third")):
        home.alert(event, event_name=name)
    home.turn()
    assert sorted(home.by_marker()) == ["zabbix zabbix/101", "zabbix zabbix/103"]


@pytest.mark.field("F35")
@pytest.mark.parametrize("bad", [[0], [2], [0, 1], [0, 1, 2]])
def test_what_is_refused_again_and_again_waits_for_a_person_with_glpis_words(home: House, bad: list[int]) -> None:
    home.glpi.order(Fault(FaultKind.POISON, CREATE, text="poison", times=None))
    for place in range(3):
        home.alert(101 + place, event_name="poison" if place in bad else "healthy")
    for _ in range(30):
        home.turn()
        home.ahead += 120
    assert sorted(home.by_marker()) == [f"zabbix zabbix/{101 + place}" for place in range(3) if place not in bad]
    why = home.parked()
    assert len(why) == len(bad)
    assert all(one.startswith("GLPI refuses to create it: ERROR_GLPI_") for one in why)


@pytest.mark.field("F35")
@pytest.mark.parametrize("call", ["ITILFollowup", "ITILSolution"])
def test_of_a_bulk_of_notes_or_solutions_each_item_has_its_own_outcome(home: House, call: str) -> None:
    for event in (101, 102, 103):
        home.alert(event)
    home.until_calm()
    ticket = home.ticket(102)["id"]
    home.glpi.order(Fault(FaultKind.POISON, Match("POST", call), text=f'"items_id": {ticket},', times=1))
    for event in (101, 102, 103):
        home.update(event, message=f"seen {event}")
        home.recover(event)
    home.until_calm()
    for event in (101, 102, 103):
        id_ = home.ticket(event)["id"]
        assert home.ticket(event)["status"] == SOLVED
        assert len(home.glpi.followups(id_)) == len(home.glpi.solutions(id_)) == 1


@pytest.mark.field("F38")
@pytest.mark.parametrize("count", [0, 1, 50, 51, 501, 1000, 1001])
def test_a_list_is_read_whole_whatever_its_length(patient: House, count: int) -> None:
    patient.glpi.fill(count)
    rows = patient.context.glpi.rows("Ticket", page=50)
    assert len({row["id"] for row in rows}) == len(rows) == count


@pytest.mark.field("F38")
@pytest.mark.parametrize("gone", [[7], [1, 2, 3], [50], [50, 51], list(range(1, 51)), [100], list(range(30, 101))])
@pytest.mark.parametrize("newest_first", [True, False], ids=["newest first", "oldest first"])
def test_what_leaves_while_a_list_is_read_costs_no_other_row(
    patient: House, gone: list[int], newest_first: bool
) -> None:
    patient.glpi.fill(100)
    ids = sorted((row["id"] for row in patient.tickets()), reverse=newest_first)
    leaving = [ids[place - 1] for place in gone]
    if newest_first:
        walk = iter(patient.context.glpi.newest("Ticket", {}, page=50))
    else:
        walk = patient.context.glpi._listed("Ticket", {"sort": "id", "order": "ASC"}, 50)
    read = [next(walk)["id"]]
    for id_ in leaving:
        patient.glpi.people.purge(id_)
    read += [row["id"] for row in walk]
    assert len(set(read)) == len(read)
    assert set(read) >= set(ids) - set(leaving)


@pytest.mark.field("F38")
def test_what_comes_while_a_list_is_read_costs_no_other_row(patient: House) -> None:
    patient.glpi.fill(120)
    ids = [row["id"] for row in patient.tickets()]
    walk = iter(patient.context.glpi.newest("Ticket", {}, page=50))
    read = [next(walk)["id"]]
    patient.glpi.fill(70)
    read += [row["id"] for row in walk]
    assert len(set(read)) == len(read)
    assert set(read) >= set(ids)


@pytest.mark.field("F38")
def test_a_server_that_ignores_the_range_is_read_once(patient: House) -> None:
    patient.glpi.fill(50)
    patient.glpi.order(Fault(FaultKind.RANGE_IGNORED, Match("GET", "Ticket"), times=None))
    assert len(patient.context.glpi.rows("Ticket", page=50)) == 50
    patient.glpi.fill(30)
    assert len(patient.context.glpi.rows("Ticket", page=50)) == 80


@pytest.mark.field("F39")
def test_rows_that_a_search_should_not_have_shown_are_never_taken_for_ours(home: House) -> None:
    home.alert(101)
    home.until_calm()
    text = f"<p>a person's text</p><p><small>zabbix zabbix/{102}</small></p>"
    foreign = home.glpi.people.create(name="typed by a person", content=text)
    home.glpi.order(Fault(FaultKind.BLACK_HOLE, CREATE))
    home.alert(102)
    home.until_calm()
    mine = [row for row in home.by_marker()["zabbix zabbix/102"] if row["id"] != foreign]
    assert len(mine) == 1
    home.recover(102)
    home.until_calm()
    assert home.glpi.ticket(foreign)["status"] < SOLVED


@pytest.mark.field("F62")
def test_lock_waits_lose_and_double_nothing(home: House) -> None:
    home.glpi.order(Fault(FaultKind.LOCK_WAIT, CREATE, times=3))
    for event in range(101, 151):
        home.alert(event)
    home.until_calm()
    assert len(home.tickets()) == 50


@pytest.mark.field("F63")
@pytest.mark.parametrize("notify", [True, False])
def test_mails_are_sent_or_not_by_rule(version: str, tmp_path: Path, notify: bool) -> None:
    rules = f"rules: []\ndefault:\n  notify: {str(notify).lower()}\n  requester: enduser\n"
    with house(tmp_path, version, rules=rules) as home:
        for event in range(101, 111):
            home.alert(event)
        home.until_calm()
        assert bool(home.glpi.mails) is notify


@pytest.mark.field("F63")
def test_the_bridges_account_becomes_nobody_on_its_tickets_so_that_it_gets_no_mail(home: House) -> None:
    home.alert(101)
    home.update(101, message="being looked at")
    home.until_calm()
    home.recover(101)
    home.until_calm()
    home.alert(201, trigger_id=101)
    home.until_calm()
    account = home.context.glpi.account
    assert account is not None
    for row in home.tickets():
        people = home.context.glpi.rows(f"Ticket/{row['id']}/Ticket_User")
        assert [one for one in people if one["users_id"] == account.user_id] == []


def test_the_next_tickets_are_composed_while_the_call_before_is_under_way(home: House) -> None:
    """All but the read and the claim is done by the time GLPI is free again."""
    order: list[str] = []
    names, glpi = home.context.names, home.context.glpi
    compose, add = names.ticket, glpi.add

    def composed(draft: Draft, opened: datetime | None) -> tuple[dict[str, Any], list[str]]:
        order.append("composed")
        return compose(draft, opened)

    def added(itemtype: str, inputs: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        order.append(f"sent {len(inputs)}")
        done = add(itemtype, inputs)
        order.append("answered")
        return done

    home.context.launch = lambda call: call  # made when it is waited for: as late as it can be
    size = home.context.glpi.bulk_size
    for event in range(3 * size):
        home.alert(1000 + event)
    with mock.patch.object(names, "ticket", composed), mock.patch.object(glpi, "add", added):
        home.turn()
    each = ["composed"] * size
    call = [f"sent {size}", "answered"]
    assert order == [*each, *each, *call, *each, *call, *call]
    assert len(home.by_marker()) == 3 * size


def test_a_name_that_is_not_known_yet_is_asked_for_when_the_call_before_is_answered(
    version: str, tmp_path: Path
) -> None:
    rules = """
rules:
  - name: disks
    match: {tag: {component: disk}}
    category: Monitoring > Disk
"""
    with house(tmp_path, version, rules=rules, traits={"cost": Cost(bulk_item=0.005)}) as home:
        size = home.context.glpi.bulk_size
        for event in range(2 * size):
            component = "disk" if event >= size else "load"
            home.alert(1000 + event, event_tagsjson=json.dumps([{"tag": "component", "value": component}]))
        home.turn()
        assert [home.ticket(1000)["itilcategories_id"], home.ticket(1000 + size)["itilcategories_id"] > 0] == [0, True]
        assert len(home.by_marker()) == 2 * size
