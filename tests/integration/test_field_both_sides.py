"""Both sides in step: people win, and each message crosses once."""

from __future__ import annotations

from pathlib import Path

import pytest

from glpi_bridge.sync import sync
from tests.house import CLOSED, PENDING, SOLVED, House, house


@pytest.mark.field("F27")
def test_a_ticket_that_a_person_closed_stays_closed_with_one_private_note_at_most(home: House) -> None:
    home.alert(101)
    home.until_calm()
    home.glpi.people.close(home.ticket(101)["id"])
    for _ in range(3):
        sync(home.context)
        home.until_calm()
    writes = [call for call in home.glpi.log if call.method in ("POST", "PUT") and "search" not in call.path]
    assert home.ticket(101)["status"] == CLOSED
    assert [call.path for call in writes if "session_write" in call.query] == ["/Ticket", "/ITILFollowup"]
    assert [row["is_private"] for row in home.glpi.followups(home.ticket(101)["id"])] == [1]


@pytest.mark.field("F27")
@pytest.mark.parametrize("deed", ["set_pending", "take", "set_urgency", "recategorise", "edit"])
def test_what_a_person_did_to_a_ticket_stays(home: House, deed: str) -> None:
    home.alert(101)
    home.until_calm()
    ticket = home.ticket(101)["id"]
    arguments = {"set_urgency": (2,), "recategorise": (7,)}.get(deed, ())
    named = {"edit": {"name": "a person's title"}}.get(deed, {})
    getattr(home.glpi.people, deed)(ticket, *arguments, **named)
    before = {name: home.ticket(101)[name] for name in ("name", "urgency", "itilcategories_id")}
    home.alert(101, event_nseverity=5, event_update_status=1, event_update_action="changed severity")
    home.until_calm()
    after = home.ticket(101)
    if deed == "set_urgency":
        assert after["urgency"] == 2
    else:
        assert after["urgency"] == 5
    assert {name: after[name] for name in ("name", "itilcategories_id")} == {
        k: before[k] for k in ("name", "itilcategories_id")
    }
    home.recover(101)
    home.until_calm()
    assert home.ticket(101)["status"] == (PENDING if deed == "set_pending" else SOLVED)


@pytest.mark.field("F27")
def test_by_setting_a_ticket_that_a_person_closed_is_reopened_once(version: str, tmp_path: Path) -> None:
    with house(tmp_path, version, rules="rules: []\ndefault:\n  reopen_after_person: true\n") as home:
        home.one_clock()
        home.alert(101)
        home.until_calm()
        ticket = home.ticket(101)["id"]
        home.glpi.people.close(ticket)
        sync(home.context)
        home.until_calm()
        assert home.ticket(101)["status"] < SOLVED
        home.glpi.people.close(ticket)
        for _ in range(3):
            sync(home.context)
            home.until_calm()
        assert home.ticket(101)["status"] == CLOSED
        assert len(home.glpi.followups(ticket)) == 1


@pytest.mark.field("F72")
@pytest.mark.parametrize("at_once", [False, True], ids=["one after another", "all in one update"])
def test_severity_message_and_acknowledgement_cross_once(home: House, at_once: bool) -> None:
    home.alert(101, event_nseverity=2)
    home.until_calm()
    assert home.ticket(101)["urgency"] == 2
    if at_once:
        action = "changed severity from Warning to High, commented, acknowledged"
        home.update(101, action, "being looked at", event_nseverity=4, event_ack_status="Yes", user_fullname="Ann")
    else:
        home.update(101, "changed severity from Warning to High", event_nseverity=4, user_fullname="Ann")
        home.update(101, "commented", "being looked at", event_nseverity=4, user_fullname="Ann")
        home.update(101, "acknowledged", event_nseverity=4, event_ack_status="Yes", user_fullname="Ann")
    home.until_calm()
    ticket = home.ticket(101)
    notes = [row["content"] for row in home.glpi.followups(ticket["id"])]
    assert ticket["urgency"] == 4
    assert len(notes) == (1 if at_once else 3)
    assert sum("being looked at" in note for note in notes) == 1
    assert sum("acknowledged" in note for note in notes) == 1
    assert all("Ann" in note for note in notes)


@pytest.mark.field("F72")
def test_an_update_alert_that_comes_twice_is_one_note(home: House) -> None:
    home.alert(101)
    said = {"event_update_date": "2026.11.25", "event_update_time": "10:00:00", "event_update_action": "commented"}
    for _ in range(3):
        home.alert(101, event_update_status=1, event_update_message="once", **said)
        home.until_calm()
    assert len(home.glpi.followups(home.ticket(101)["id"])) == 1
