"""Major incidents: GLPI's priority *Major* by a rule, said on the timeline; a person's priority stays a person's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.model import MAJOR
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.sync import sync
from tests.house import CREATE, SOLVED, House, house

_SECONDS = itertools.count(1)
RULES = "rules:\n  - name: outage\n    match: {severity: disaster}\n    major: yes\n"


@pytest.fixture
def desk(version: str, tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, version, rules=RULES) as home:
        yield home


def notes(home: House) -> list[dict[str, Any]]:
    rows = home.glpi.followups(home.ticket(101)["id"])
    return [row for row in rows if "Marked as a major incident" in row["content"]]


def severity(home: House, number: int) -> None:
    minute, second = divmod(next(_SECONDS), 60)  # of two severities said in one second the graver counts
    home.update(
        101,
        "changed severity",
        event_nseverity=number,
        date="2037.01.01",
        time=f"00:{minute:02}:{second:02}",
    )
    home.until_calm()


def test_a_major_incident_is_made_with_glpis_priority_major_and_a_note_that_says_why(desk: House) -> None:
    desk.alert(101, event_nseverity=5)
    desk.until_calm()
    assert desk.ticket(101)["priority"] == MAJOR
    (note,) = notes(desk)
    assert "outage" in note["content"]
    assert "Disaster" in note["content"]
    assert note["is_private"] == 1


def test_a_running_incident_that_becomes_major_is_marked_once(desk: House) -> None:
    desk.alert(101, event_nseverity=4)
    desk.until_calm()
    assert (desk.ticket(101)["priority"], notes(desk)) == (4, [])
    severity(desk, 5)
    assert (desk.ticket(101)["urgency"], desk.ticket(101)["priority"]) == (5, MAJOR)
    assert len(notes(desk)) == 1


def test_it_stays_major_when_the_severity_falls_though_glpi_computes_its_priority_anew(desk: House) -> None:
    desk.alert(101, event_nseverity=5)
    desk.until_calm()
    severity(desk, 3)
    assert (desk.ticket(101)["urgency"], desk.ticket(101)["priority"]) == (3, MAJOR)
    severity(desk, 5)
    assert (desk.ticket(101)["urgency"], desk.ticket(101)["priority"]) == (5, MAJOR)
    desk.recover(101)
    desk.until_calm()
    assert (desk.ticket(101)["status"], desk.ticket(101)["priority"]) == (SOLVED, MAJOR)
    assert len(notes(desk)) == 1


@pytest.mark.parametrize("begins", [3, 4, 5], ids=["average", "high", "major"])
@pytest.mark.parametrize("theirs", [1, 3, 5])
def test_a_priority_that_a_person_set_is_never_overridden(desk: House, begins: int, theirs: int) -> None:
    desk.alert(101, event_nseverity=begins)
    desk.until_calm()
    if desk.ticket(101)["priority"] == theirs:  # not a word of theirs: GLPI's matrix gives it
        theirs = 2
    desk.glpi.people.set_priority(desk.ticket(101)["id"], theirs)
    for number in (4, 5, 2):
        severity(desk, number)
        sync(desk.context)
        desk.until_calm()
        assert desk.ticket(101)["priority"] == theirs


def test_a_priority_set_while_the_severity_is_under_way_is_a_persons_too(desk: House) -> None:
    """Between the call that raises the urgency and the one that marks it, as GLPI 10 needs two."""
    desk.alert(101, event_nseverity=4)
    desk.until_calm()
    ticket = desk.ticket(101)["id"]
    sent: list[int] = []

    def meddle() -> None:
        if desk.ticket(101)["urgency"] == 5 and not sent:
            sent.append(ticket)
            desk.glpi.people.set_priority(ticket, 2)

    desk.update(101, "changed severity", event_nseverity=5)
    write = desk.context.store.write

    def watched(*arguments: Any, **more: Any) -> Any:
        result = write(*arguments, **more)
        meddle()
        return result

    desk.context.store.write = watched  # type: ignore[method-assign]  # a person acts between two effects
    desk.until_calm()
    assert sent == [ticket]
    assert desk.ticket(101)["priority"] == 2
    assert notes(desk) == []


def test_what_a_business_rule_makes_of_the_priority_stands_and_is_said(desk: House) -> None:
    desk.glpi.order(Fault(FaultKind.RULE, CREATE, times=None, values={"priority": 2}))
    desk.alert(101, event_nseverity=5)
    desk.until_calm()
    severity(desk, 4)
    assert desk.ticket(101)["priority"] == 2
    assert any("its priority was sent as 'major' and is 'low'" in text for text in desk.notices("rewritten"))


def test_an_answer_that_was_lost_marks_it_neither_twice_nor_not_at_all(desk: House) -> None:
    desk.alert(101, event_nseverity=4)
    desk.until_calm()
    desk.glpi.order(Fault(FaultKind.RESET_AFTER, Match("PUT", "Ticket"), times=2))
    severity(desk, 5)
    assert (desk.ticket(101)["urgency"], desk.ticket(101)["priority"]) == (5, MAJOR)
    assert len(notes(desk)) == 1
