"""Recovery: only evidence closes, and it closes the right ticket."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import CLOSED, SOLVED, House, house


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
