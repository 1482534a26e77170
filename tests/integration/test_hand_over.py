"""Tickets that nobody takes go to the next group of their rule, and never once a person has had a hand in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.sync import sync
from tests.house import House, house

RULES = """
default:
  group: Systems
  flapping: off
  hand_over: [{after: 30m, to: Databases}, {after: 2h, to: Operations}]
"""
PUT = Match(method="PUT", path="^/?Ticket$")


@pytest.fixture
def desk(version: str, tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, version, rules=RULES, total_timeout=0.6) as home:
        home.one_clock()
        for name in ("Databases", "Operations"):
            home.glpi.world.db["Group"].insert({"name": name, "completename": name, "entities_id": 0})
        home.alert(101)
        home.turn()
        home.turn()
        yield home


def ticket(home: House) -> int:
    return int(home.ticket(101)["id"])


def groups(home: House) -> list[str]:
    """The groups that the one ticket is assigned to, in the order of their coming."""
    names = {row["id"]: str(row["name"]) for row in home.glpi.rows("Group")}
    return [names[row["groups_id"]] for row in home.glpi.rows("Group_Ticket") if row["type"] == 2]


def notes(home: House) -> list[str]:
    return [str(row["content"]) for row in home.glpi.followups(ticket(home))]


def test_who_takes_nothing_sees_it_go_to_the_next_groups_in_time_with_a_note_each(desk: House) -> None:
    desk.ahead += 1700
    desk.turn()
    assert groups(desk) == ["Systems"]
    desk.glpi.people.edit(ticket(desk), user=7, time_to_own="2030-01-01 08:00:00")
    desk.ahead += 200
    for _ in range(3):
        desk.turn()
    assert groups(desk) == ["Systems", "Databases"]
    (why,) = notes(desk)
    assert "Nobody has taken this ticket for 30m: it goes to the group Databases too." in why
    assert "Time to own: 2030-01-01" in why
    assert desk.glpi.followups(ticket(desk))[0]["is_private"]
    desk.until_calm()
    assert groups(desk) == ["Systems", "Databases", "Operations"]
    assert len(notes(desk)) == 2
    before = len(desk.writes())
    desk.ahead += 99_999
    desk.turn()
    assert len(desk.writes()) == before


DEEDS: dict[str, Callable[[Any, int], object]] = {
    "takes it": lambda people, id_: people.take(id_),
    "assigns it to a person": lambda people, id_: people.assign(id_, to_user=8),
    "assigns a group": lambda people, id_: people.assign(id_, to_group=2),
    "puts it off": lambda people, id_: people.set_pending(id_),
    "solves it": lambda people, id_: people.solve(id_),
    "deletes it": lambda people, id_: people.delete(id_),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_person_who_has_a_hand_in_it_keeps_it_from_being_handed_over(desk: House, deed: str) -> None:
    DEEDS[deed](desk.glpi.people, ticket(desk))
    before = groups(desk)
    desk.ahead += 10_000
    sync(desk.context)
    desk.until_calm()
    assert groups(desk) == before
    assert not any("Nobody has taken" in row["content"] for row in desk.glpi.rows("ITILFollowup"))


def test_an_unclear_answer_adds_no_group_twice(desk: House) -> None:
    desk.glpi.order(Fault(FaultKind.BLACK_HOLE_AFTER, PUT))
    desk.until_calm()
    assert groups(desk) == ["Systems", "Databases", "Operations"]
    assert len(notes(desk)) == 2


def test_a_lost_store_hands_nothing_over_anew(desk: House) -> None:
    desk.until_calm()
    found = groups(desk), notes(desk)
    desk.lose_the_store()
    desk.alert(101)
    desk.until_calm()
    desk.ahead += 10_000
    desk.until_calm()
    assert (groups(desk), notes(desk)) == found


def test_a_group_that_glpi_has_not_is_said_and_the_next_one_gets_it(version: str, tmp_path: Path) -> None:
    rules = "default: {hand_over: [{after: 30m, to: Nobodys}, {after: 2h, to: Systems}], flapping: off}"
    with house(tmp_path, version, rules=rules) as home:
        home.one_clock()
        home.alert(101)
        home.until_calm()
        (why,) = [row["content"] for row in home.glpi.followups(ticket(home))]
        assert "for 2h: it goes to the group Systems too" in why
        assert any("Nobodys" in text for text in home.notices("rules"))
        assert home.parked() == []


def test_a_refusal_is_said_and_the_ticket_goes_on(desk: House) -> None:
    desk.glpi.order(Fault(FaultKind.ALL_FAILED, PUT, times=2))
    desk.until_calm()
    assert len(desk.notices("not handed over")) == 1
    assert desk.parked() == []
    desk.recover(101)
    desk.until_calm()
    assert len(desk.glpi.solutions(ticket(desk))) == 1


def test_without_the_right_to_see_histories_nothing_is_handed_over_and_that_is_said(desk: House) -> None:
    rights = desk.glpi.world.db["Profile"].full(9)
    desk.glpi.people.set_rights(9, {**{k: v for k, v in rights.items() if k == "logs"}, "logs": 0})
    desk.context.glpi.drop(str(desk.context.glpi.token))
    desk.until_calm()
    assert groups(desk) == ["Systems"]
    assert any("logs" in text for text in desk.notices())
