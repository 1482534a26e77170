"""Both sides in step: people win, and each message crosses once."""

from __future__ import annotations

import pytest

from glpi_bridge.sync import sync
from tests.house import CLOSED, PENDING, SOLVED, House


@pytest.mark.field("F27")
def test_a_ticket_that_a_person_closed_stays_closed_without_another_call(home: House) -> None:
    home.alert(101)
    home.until_calm()
    home.glpi.people.close(home.ticket(101)["id"])
    for _ in range(3):
        sync(home.context)
        home.until_calm()
    writes = [call for call in home.glpi.log if call.method in ("POST", "PUT") and "search" not in call.path]
    assert home.ticket(101)["status"] == CLOSED
    assert len(writes) == 1


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
