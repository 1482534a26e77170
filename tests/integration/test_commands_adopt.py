"""adopt: after a restore the markers are the truth; a write in doubt is a person's to decide."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from glpi_bridge import intake
from glpi_bridge.model import StepKind
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.store import incidents
from glpi_bridge.store.attempts import Attempt, Item
from tests.integration.installation import Installation, installation


@pytest.fixture(params=["10.0.19", "11.0.6"])
def bridge(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with installation(tmp_path, request.param) as made:
        yield made


def told(bridge: Installation) -> dict[str, int | None]:
    """The ticket told for each incident, by its marker."""
    with bridge.context() as context:
        owed = context.store.read(incidents.by_ids, list(range(1, 50)))
    return {one.incident.marker: one.incident.told.ticket_id for one in owed}


def restored(bridge: Installation) -> dict[str, int | None]:
    """Tickets 1 and 2, a backup, tickets 3 to 8; then the backup is put back and strangers take its numbers."""
    bridge.alert("1")
    bridge.alert("2")
    bridge.ok("deliver")
    backup = bridge.glpi.snapshot()
    bridge.recovery("1")
    for number in range(3, 9):
        bridge.alert(str(number))
    bridge.ok("deliver")
    bridge.recovery("8")
    bridge.ok("deliver")
    before = told(bridge)
    bridge.glpi.restore_backup(backup)
    bridge.glpi.fill(2)
    return before


def until_stopped(bridge: Installation) -> None:
    bridge.alert("20")
    bridge.ok("deliver")
    assert "restored from a backup" in bridge.json("status", code=1)["stopped"]


def test_after_a_restore_lost_tickets_are_left_by_default_and_work_goes_on(bridge: Installation) -> None:
    restored(bridge)
    until_stopped(bridge)
    report = bridge.json("adopt")
    assert report["tickets"] == 2
    assert {change["marker"] for change in report["changes"]} == {f"zabbix zabbix/{n}" for n in range(3, 9)}
    assert all(change["after"] is None and not change["is_again"] for change in report["changes"])
    assert "restored from a backup" in report["was_stopped"]
    bridge.ok("deliver")
    assert bridge.json("status", code=bridge.run("status").exit_code)["stopped"] is None
    names = [ticket["name"] for ticket in bridge.glpi.tickets()]
    assert len(names) == 2 + 2 + 1  # two of ours, two of strangers, and the new problem's
    assert told(bridge)["zabbix zabbix/20"] is not None


def test_what_the_restore_has_undone_on_a_ticket_that_is_there_is_told_again(bridge: Installation) -> None:
    restored(bridge)
    until_stopped(bridge)
    assert bridge.glpi.ticket(1)["status"] == 1  # its solution is lost with the restore
    assert bridge.json("adopt")["retold"] >= 1
    bridge.ok("deliver")
    assert bridge.glpi.ticket(1)["status"] == 5
    assert len(bridge.glpi.solutions(1)) == 1


def test_lost_tickets_of_open_problems_are_made_again_on_a_persons_word(bridge: Installation) -> None:
    restored(bridge)
    until_stopped(bridge)
    bridge.ok("adopt")
    report = bridge.json("adopt", "--missing", "again")
    again = {change["marker"] for change in report["changes"] if change["is_again"]}
    assert again == {f"zabbix zabbix/{n}" for n in range(3, 8)}  # 8 has recovered
    bridge.ok("deliver")
    now = told(bridge)
    ours = [now[f"zabbix zabbix/{n}"] for n in range(3, 8)]
    assert len(set(ours)) == 5
    assert all(bridge.glpi.ticket(id_ or 0)["name"] == "web01: CPU is high" for id_ in ours)
    assert len(bridge.glpi.tickets()) == 2 + 2 + 5 + 1


def test_a_dry_run_changes_nothing(bridge: Installation) -> None:
    before = restored(bridge)
    until_stopped(bridge)
    assert "nothing is changed" in bridge.ok("adopt", "--dry-run")
    assert told(bridge) == {**before, "zabbix zabbix/20": None}
    assert bridge.json("status", code=1)["stopped"]


def test_a_second_adopt_finds_nothing_more_to_do(bridge: Installation) -> None:
    restored(bridge)
    until_stopped(bridge)
    bridge.ok("adopt")
    bridge.ok("deliver")
    report = bridge.json("adopt")
    assert report["changes"] == []
    assert report["retold"] == 0


def test_numbers_that_moved_are_corrected_by_the_markers(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.ok("deliver")
    with bridge.context() as context:
        (owed,) = context.store.read(incidents.by_ids, [1])
    content = bridge.glpi.ticket(1)["content"]
    moved = bridge.glpi.people.create(user=7, name="moved", content=content)
    bridge.glpi.people.edit(1, content="<p>a stranger's</p>", users_id_recipient=2)
    report = bridge.json("adopt")
    assert [(change["before"], change["after"]) for change in report["changes"]] == [(1, moved)]
    bridge.recovery("1")
    bridge.ok("deliver")
    assert bridge.glpi.ticket(moved)["status"] == 5
    assert bridge.glpi.ticket(1)["status"] == 1
    assert owed.incident.marker == "zabbix zabbix/1"


@pytest.mark.field("F87")
def test_a_ticket_whose_marker_a_rule_took_away_keeps_its_number(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.glpi.order(Fault(FaultKind.RULE, Match("POST", "Ticket"), values={"content": "<p>rewritten</p>"}))
    bridge.ok("deliver")
    assert bridge.json("adopt")["changes"] == []
    assert told(bridge) == {"zabbix zabbix/1": 1}


def unmatched(bridge: Installation, *eventids: str) -> None:
    """Leave creates in doubt that only a person can decide: looked for twice, and a ticket of ours has no marker."""
    for eventid in eventids:
        bridge.alert(eventid)
    with bridge.context() as context:
        intake.take_in(context)
        intake.sort_events(context)
        items = tuple(
            Item(number, StepKind.CREATE, f"zabbix zabbix/{eventid}") for number, eventid in enumerate(eventids, 1)
        )
        attempt = Attempt(
            id="a" * 36, worker="w", operation=StepKind.CREATE, token="x" * 26, watermark=0, read_at=1.0,
            started_at=time.time() - 100, lease_until=1.0, items=items, doubt="no answer", next_at=time.time() + 3600,
            fenced_at=time.time() - 90, looks=2, note="unmatched",
        )  # fmt: skip
        bridge.claim(context, attempt)


@pytest.mark.field("F87")
def test_a_person_says_which_ticket_is_that_of_a_write_in_doubt(bridge: Installation) -> None:
    unmatched(bridge, "1")
    ours = bridge.glpi.people.create(user=7, name="rewritten", content="<p>rewritten</p>")
    assert bridge.json("adopt", "--ticket", str(ours)) == {"marker": "zabbix zabbix/1", "ticket": ours}
    assert told(bridge) == {"zabbix zabbix/1": ours}
    bridge.recovery("1")
    bridge.ok("deliver")
    assert bridge.glpi.ticket(ours)["status"] == 5
    assert len(bridge.glpi.tickets()) == 1
    assert bridge.json("status")["in_doubt"] == []


def test_a_person_says_that_what_is_in_doubt_is_not_there_and_it_is_made(bridge: Installation) -> None:
    unmatched(bridge, "1")
    assert "again" in bridge.ok("adopt", "--again")
    bridge.ok("deliver")
    assert [ticket["name"] for ticket in bridge.glpi.tickets()] == ["web01: CPU is high"]


def test_of_several_in_doubt_a_person_must_name_one(bridge: Installation) -> None:
    unmatched(bridge, "1", "2")
    ours = bridge.glpi.people.create(user=7, name="rewritten", content="<p>rewritten</p>")
    result = bridge.run("adopt", "--ticket", str(ours))
    assert result.exit_code == 1
    assert "zabbix/1, zabbix/2" in result.output
    bridge.ok("adopt", "--ticket", str(ours), "--event", "zabbix/2")
    bridge.ok("adopt", "--again", "--event", "zabbix/1")
    bridge.ok("deliver")
    assert told(bridge) == {"zabbix zabbix/1": ours + 1, "zabbix zabbix/2": ours}


def test_a_ticket_that_cannot_be_it_is_refused(bridge: Installation) -> None:
    bridge.alert("9")
    bridge.ok("deliver")
    assert "nothing" in bridge.run("adopt", "--ticket", "1").output
    stranger = bridge.glpi.people.create(user=2, name="x", content="<p>x</p>")
    bridge.alert("1")
    with bridge.context() as context:
        intake.take_in(context)
        intake.sort_events(context)
        attempt = Attempt(
            id="b" * 36, worker="w", operation=StepKind.CREATE, token="x" * 26, watermark=0, read_at=1.0,
            started_at=1.0, lease_until=1.0, items=(Item(2, StepKind.CREATE, "zabbix zabbix/1"),), doubt="no answer",
            next_at=time.time() + 3600, fenced_at=2.0, looks=2, note="unmatched",
        )  # fmt: skip
        bridge.claim(context, attempt)
    for number, words in ((stranger, "not written by our account"), (1, "that of zabbix zabbix/9"), (99, "NOT_FOUND")):
        result = bridge.run("adopt", "--ticket", str(number))
        assert result.exit_code == 1
        assert words in result.output


def test_ticket_and_again_exclude_each_other(bridge: Installation) -> None:
    assert bridge.run("adopt", "--ticket", "1", "--again").exit_code == 2
