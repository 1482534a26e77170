"""Reopening, flapping, maintenance: after calm, ticket and Zabbix agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glpi_bridge.sync import sync
from tests.house import CLOSED, SOLVED, House, house


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
    later = datetime.now(UTC) + timedelta(seconds=5)  # by Zabbix's clock: what is said within one second has no order
    said = {"date": f"{later:%Y.%m.%d}", "time": f"{later:%H:%M:%S}"}
    home.alert(101, event_update_status=1, event_update_action="unsuppressed", **said)
    home.until_calm()
    assert len(home.tickets()) == 2


@pytest.mark.field("F90")
@pytest.mark.parametrize(
    ("window", "minutes", "tickets"),
    [("0", 0, 2), ("0", 30, 2), ("1h", 30, 1), ("1h", 59, 1), ("1h", 60, 2), ("1h", 120, 2), ("always", 43200, 1)],
)
def test_the_reopen_window_is_what_the_words_say(
    version: str, tmp_path: Path, window: str, minutes: int, tickets: int
) -> None:
    rules = f"rules: []\ndefault:\n  reopen_window: {window}\n"
    with house(tmp_path, version, rules=rules) as home:
        ended = datetime.now(UTC) - timedelta(minutes=minutes)
        home.alert(101, trigger_id=7, **stated("event", ended - timedelta(minutes=5)))
        home.until_calm()
        home.recover(101, trigger_id=7, **stated("event_recovery", ended))
        home.until_calm()
        home.alert(102, trigger_id=7, **stated("event", ended + timedelta(minutes=minutes)))
        home.until_calm()
        assert len(home.tickets()) == tickets
        lives = home.ticket(102 if tickets == 2 else 101)
        assert lives["status"] < SOLVED
        if tickets == 2:
            assert home.ticket(101)["status"] == SOLVED


def stated(prefix: str, moment: datetime) -> dict[str, str]:
    """A time as Zabbix states it."""
    return {f"{prefix}_date": f"{moment:%Y.%m.%d}", f"{prefix}_time": f"{moment:%H:%M:%S}"}


@pytest.mark.field("F05")
@pytest.mark.parametrize(("window", "tickets"), [("0", 5), ("1h", 1), ("always", 1)])
def test_five_times_in_ten_minutes_are_as_many_tickets_as_the_window_says(
    version: str, tmp_path: Path, window: str, tickets: int
) -> None:
    rules = f"rules: []\ndefault:\n  reopen_window: {window}\n  flapping: {{count: 0}}\n"
    with house(tmp_path, version, rules=rules) as home:
        start = datetime.now(UTC) - timedelta(minutes=10)
        for number, event in enumerate(range(101, 106)):
            opened = start + timedelta(minutes=2 * number)
            home.alert(event, trigger_id=7, **stated("event", opened))
            home.until_calm()
            home.recover(event, trigger_id=7, **stated("event_recovery", opened + timedelta(minutes=1)))
            home.until_calm()
        assert [row["status"] for row in home.tickets()] == [SOLVED] * tickets
        assert sum(len(home.glpi.solutions(row["id"])) for row in home.tickets()) == 5


@pytest.mark.field("F52")
@pytest.mark.parametrize("reopen_closed", [True, False])
def test_an_entity_that_closes_at_once_is_no_hindrance(version: str, tmp_path: Path, reopen_closed: bool) -> None:
    rules = f"rules: []\ndefault:\n  reopen_closed: {str(reopen_closed).lower()}\n"
    with house(tmp_path, version, rules=rules) as home:
        home.glpi.world.db["Entity"].update(0, {"autoclose_delay": 0})
        home.alert(101, trigger_id=7)
        home.until_calm()
        home.recover(101, trigger_id=7)
        home.until_calm()
        assert home.ticket(101)["status"] == CLOSED
        home.alert(102, trigger_id=7)
        home.until_calm()
        if reopen_closed:
            assert [row["status"] < SOLVED for row in home.tickets()] == [True]
        else:
            assert (home.ticket(101)["status"], home.ticket(102)["status"] < SOLVED) == (CLOSED, True)
            assert len(home.glpi.links(home.ticket(102)["id"])) == 1
        home.recover(102, trigger_id=7)
        home.until_calm()
        assert {row["status"] for row in home.tickets()} == {CLOSED}
        assert home.parked() == []


@pytest.mark.field("F82")
def test_what_opened_and_recovered_while_suppressed_leaves_no_ticket(home: House) -> None:
    home.alert(101)
    home.update(101, "suppressed indefinitely")
    home.alert(102)
    home.turn()
    home.recover(101)
    home.recover(102)
    home.until_calm()
    assert set(home.by_marker()) == {"zabbix zabbix/102"}
