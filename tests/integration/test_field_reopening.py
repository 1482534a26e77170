"""Reopening, flapping, maintenance: after calm, ticket and Zabbix agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from glpi_bridge.sync import sync
from tests.house import SOLVED, House, house


@pytest.mark.field("F05")
def test_a_problem_that_comes_back_within_the_window_is_the_same_ticket(home: House) -> None:
    for event in range(101, 104):
        home.alert(event, trigger_id=7)
        home.turn()
        home.recover(event, trigger_id=7)
        home.turn()
    home.until_calm()
    [ticket] = home.tickets()
    assert ticket["status"] == SOLVED


@pytest.mark.field("F52")
@pytest.mark.parametrize("reopen_closed", [True, False])
def test_closed_counts_as_solved_and_is_reopened_or_followed_by_the_next(
    version: str, tmp_path: Path, reopen_closed: bool
) -> None:
    rules = f"rules: []\ndefault:\n  reopen_closed: {str(reopen_closed).lower()}\n"
    with house(tmp_path, version, rules=rules) as home:
        home.alert(101, trigger_id=7)
        home.until_calm()
        home.recover(101, trigger_id=7)
        home.until_calm()
        home.glpi.people.close(home.ticket(101)["id"])
        sync(home.context)
        home.alert(102, trigger_id=7)
        home.until_calm()
        assert len(home.tickets()) == (1 if reopen_closed else 2)
        assert (home.ticket(101)["status"] < SOLVED) is reopen_closed
        if not reopen_closed:
            assert len(home.glpi.links(home.ticket(102)["id"])) == 1


@pytest.mark.field("F98")
@pytest.mark.parametrize("ends_well", [True, False])
def test_after_flapping_the_ticket_is_as_in_zabbix_with_one_summary(home: House, ends_well: bool) -> None:
    for event in range(101, 107):
        home.alert(event, trigger_id=7)
        if event < 106 or ends_well:
            home.recover(event, trigger_id=7)
    home.turn()
    home.until_calm()
    [ticket] = home.tickets()
    assert (ticket["status"] == SOLVED) is ends_well
    notes = [row["content"] for row in home.glpi.followups(ticket["id"])]
    assert sum("Flapping" in note for note in notes) == 1
    assert len(home.glpi.solutions(ticket["id"])) == int(ends_well)


@pytest.mark.field("F82")
def test_what_is_suppressed_waits_and_what_is_not_does_not(home: House) -> None:
    home.alert(101)
    home.alert(101, event_update_status=1, event_update_action="suppressed until 2026.11.25 12:00:00")
    home.alert(102)
    home.turn()
    assert list(home.by_marker()) == ["zabbix zabbix/102"]
    home.ahead += 5
    home.alert(101, event_update_status=1, event_update_action="unsuppressed")
    home.until_calm()
    assert len(home.tickets()) == 2
