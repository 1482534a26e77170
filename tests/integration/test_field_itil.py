"""ITIL objects: GLPI's own records tell the story; what a person did there stands."""

from __future__ import annotations

import pytest

from glpi_bridge.store import incidents
from glpi_bridge.sync import sync
from tests.house import SOLVED, House


@pytest.mark.field("F04")
def test_a_recovery_is_a_solution_with_its_facts_and_the_status_follows(home: House) -> None:
    home.alert(101)
    home.until_calm()
    home.recover(101, event_recovery_name="CPU is fine")
    home.until_calm()
    [solution] = home.glpi.solutions(home.ticket(101)["id"])
    assert "CPU is fine" in solution["content"]
    assert home.ticket(101)["status"] == SOLVED


@pytest.mark.field("F51")
@pytest.mark.parametrize("deed", ["solve", "close"])
def test_who_solved_first_wins(home: House, deed: str) -> None:
    home.alert(101)
    home.until_calm()
    ticket = home.ticket(101)["id"]
    getattr(home.glpi.people, deed)(ticket)
    before = len(home.glpi.solutions(ticket))
    home.recover(101)
    home.recover(101)
    home.until_calm()
    assert len(home.glpi.solutions(ticket)) == before
    assert home.context.store.read(incidents.parked) == []


@pytest.mark.field("F55")
@pytest.mark.parametrize("deed", ["delete", "purge"])
def test_nothing_is_sent_to_a_ticket_that_was_removed_by_hand(home: House, deed: str) -> None:
    home.alert(101)
    home.alert(102)
    home.until_calm()
    ticket = home.ticket(101)["id"]
    getattr(home.glpi.people, deed)(ticket)
    sync(home.context)
    seen = len(home.glpi.log)
    home.recover(101)
    home.until_calm()
    assert not [
        call for call in list(home.glpi.log)[seen:] if call.method in ("POST", "PUT") and "search" not in call.path
    ]
    [owed] = home.context.store.read(incidents.by_tickets, [ticket])
    assert owed.incident.seen.is_deleted or owed.incident.seen.is_gone
