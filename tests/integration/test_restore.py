"""A GLPI restored from a backup gives its numbers out again: nothing is written on the word of a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from glpi_bridge.admin.adopt import Missing, adopt
from glpi_bridge.context import STOPPED
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.store import meta
from glpi_bridge.sync import sync
from tests.house import SOLVED, House


def stopped(home: House) -> str | None:
    why = home.context.store.read(meta.get, STOPPED)
    return None if why is None else str(why)


def confirmed(home: House) -> None:
    """Let the bridge read what it has made, as it does before its next write or at the end of a pass."""
    home.until_calm()
    sync(home.context)
    home.until_calm()


@pytest.fixture
def restored(home: House) -> House:
    """Tickets 101 to 104 are told; a backup of the time when only 101 and 102 were there is put back."""
    for event in (101, 102):
        home.alert(event)
        confirmed(home)
    backup = home.glpi.snapshot()
    for event in range(103, 109):
        home.alert(event)
        confirmed(home)
    home.glpi.restore_backup(backup)
    return home


def people_write(home: House, count: int = 8) -> list[int]:
    """People take the numbers that were ours."""
    return [home.glpi.people.create(name=f"a person's {number}", content="<p>mine</p>") for number in range(count)]


DEEDS: dict[str, Callable[[House], None]] = {
    "a recovery": lambda home: home.recover(104),
    "a message": lambda home: home.update(104, message="being looked at"),
    "a severity": lambda home: home.update(104, "changed severity", event_nseverity=5),
    "a new problem": lambda home: home.alert(201),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("are_reused", [True, False], ids=["given out again", "missing"])
def test_nothing_is_written_to_a_restored_glpi_before_a_person_has_spoken(
    restored: House, deed: str, are_reused: bool
) -> None:
    foreign = people_write(restored) if are_reused else []
    DEEDS[deed](restored)
    before = len(restored.writes())
    for _ in range(5):
        restored.turn()
        restored.ahead += 30
    assert len(restored.writes()) == before
    assert "`glpi-bridge adopt`" in str(stopped(restored))
    for ticket in foreign:
        assert restored.glpi.ticket(ticket)["status"] < SOLVED
        assert restored.glpi.followups(ticket) == restored.glpi.solutions(ticket) == []


@pytest.mark.parametrize("missing", list(Missing))
def test_adopt_reads_the_markers_anew_and_work_goes_on(restored: House, missing: Missing) -> None:
    foreign = people_write(restored)
    restored.recover(104)
    restored.recover(101)
    restored.turn()
    adopt(restored.context, missing)
    restored.until_calm()
    assert stopped(restored) is None
    assert restored.ticket(101)["status"] == SOLVED
    assert restored.ticket(102)["status"] < SOLVED
    markers = restored.by_marker()
    assert all(len(rows) == 1 for rows in markers.values())
    lost = [f"zabbix zabbix/{event}" for event in (103, 105, 106, 107, 108)]
    assert [marker in markers for marker in lost] == [missing is Missing.AGAIN] * 5
    for ticket in foreign:
        assert restored.glpi.ticket(ticket)["status"] < SOLVED


def test_a_restored_glpi_is_noticed_with_many_witnesses_gone_and_one_left(home: House) -> None:
    """One witness that still carries its marker is enough to go on: the others were purged."""
    for event in range(101, 105):
        home.alert(event)
        confirmed(home)
    for event in (102, 103, 104):
        home.glpi.people.purge(home.ticket(event)["id"])
    home.alert(201)
    home.until_calm()
    assert stopped(home) is None
    assert len(home.by_marker()["zabbix zabbix/201"]) == 1


def test_the_only_witness_purged_by_hand_proves_nothing(home: House) -> None:
    home.alert(101)
    confirmed(home)
    home.glpi.people.purge(home.ticket(101)["id"])
    home.alert(102)
    home.until_calm()
    assert stopped(home) is None
    assert set(home.by_marker()) == {"zabbix zabbix/102"}


@pytest.mark.parametrize("deed", ["rename", "edit", "delete", "recategorise"])
def test_what_people_do_to_tickets_is_no_restored_glpi(home: House, deed: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"rename": ("another title",), "recategorise": (7,)}
    for event in range(101, 105):
        home.alert(event)
        confirmed(home)
    for event in range(101, 105):
        named = {"content": "<p>a person's text instead of ours</p>"} if deed == "edit" and event < 104 else {}
        getattr(home.glpi.people, deed)(home.ticket(event)["id"], *arguments.get(deed, ()), **named)
    home.alert(201)
    home.until_calm()
    assert stopped(home) is None
    assert len(home.by_marker()["zabbix zabbix/201"]) == 1


def test_a_backup_of_this_minute_changes_nothing(home: House) -> None:
    for event in range(101, 105):
        home.alert(event)
        confirmed(home)
    home.glpi.restore_backup(home.glpi.snapshot())
    for event in range(101, 105):
        home.recover(event)
    home.until_calm()
    assert {row["status"] for row in home.tickets()} == {SOLVED}
    assert stopped(home) is None


def test_what_joined_a_ticket_that_the_restore_took_gets_one_of_its_own(restored: House) -> None:
    """It came when nobody knew of the restore; nothing of it was on that ticket."""
    restored.recover(108)
    restored.alert(208, trigger_id=108)
    restored.alert(999)
    restored.turn()
    assert stopped(restored) is not None
    adopt(restored.context, Missing.LEAVE)
    restored.until_calm()
    assert "zabbix zabbix/108" not in restored.by_marker()
    assert restored.ticket(208)["status"] < SOLVED


def test_a_new_problem_does_not_stay_with_a_ticket_that_was_purged_meanwhile(home: House) -> None:
    for event in (101, 102):
        home.alert(event)
        confirmed(home)
    home.glpi.people.purge(home.ticket(101)["id"])
    home.alert(201, trigger_id=101)
    home.turn()  # nothing is due for a ticket that is thought to be open
    home.recover(101)
    home.until_calm()
    home.update(201, message="still there")
    home.until_calm()
    assert set(home.by_marker()) == {"zabbix zabbix/102", "zabbix zabbix/201"}
    assert home.ticket(201)["status"] < SOLVED


@pytest.mark.parametrize("is_written", [True, False], ids=["GLPI is written to", "GLPI has nothing to be told"])
def test_zabbix_is_told_no_number_that_is_in_question(restored: House, is_written: bool) -> None:
    with Standin(threads=False) as zabbix:
        restored.ask_zabbix(zabbix)
        eventid = zabbix.raise_problem("web01", "CPU is high", severity=4)
        if is_written:
            restored.recover(108)
            restored.alert(999)
        restored.alert(eventid, trigger_id=108)
        restored.turn()
        restored.ahead += 3600
        restored.turn()
        assert stopped(restored) is not None
        assert zabbix.event(eventid)["acknowledges"] == []
        adopt(restored.context, Missing.LEAVE)
        restored.until_calm()
        [row] = zabbix.event(eventid)["acknowledges"]
        marker = f"zabbix zabbix/{eventid}"
        assert f"ticket {restored.by_marker()[marker][0]['id']}:" in row["message"]
