"""Bulk: every row has its own outcome, every list is read whole, every hit is checked before it is acted on."""

from __future__ import annotations

from pathlib import Path

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind
from tests.house import CREATE, SOLVED, House, house


@pytest.mark.field("F35")
def test_of_a_bulk_each_item_has_its_own_outcome(home: House) -> None:
    home.glpi.order(Fault(FaultKind.POISON, CREATE, text="second", times=None))
    for event, name in ((101, "first"), (102, "second"), (103, "third")):
        home.alert(event, event_name=name)
    home.turn()
    assert sorted(home.by_marker()) == ["zabbix zabbix/101", "zabbix zabbix/103"]


@pytest.mark.field("F38")
@pytest.mark.parametrize("count", [0, 1, 50, 51, 501])
def test_a_list_is_read_whole_whatever_its_length(home: House, count: int) -> None:
    home.glpi.fill(count)
    rows = home.context.glpi.rows("Ticket", page=50)
    assert len({row["id"] for row in rows}) == len(rows) == count


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
