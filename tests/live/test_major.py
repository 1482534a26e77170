"""Major incidents against a real GLPI: the priority is kept as sent, and follows no urgency that is sent later."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live.bridge import Bridge

RULES = "rules:\n  - match: {severity: disaster}\n    major: yes\ndefault: {category: Monitoring}\n"


@pytest.fixture
def desk(bridge: Bridge) -> Bridge:
    """A bridge whose disasters are major incidents."""
    (bridge.directory / "rules.yml").write_text(RULES)
    return bridge


def levels(reader: Any, bridge: Bridge) -> tuple[int, int]:
    """Urgency and priority of the one ticket."""
    (row,) = reader.tickets(bridge.source)
    shown = reader.get(f"Ticket/{row['id']}")
    return int(shown["urgency"]), int(shown["priority"])


def problem(bridge: Bridge, severity_: int) -> str:
    event = bridge.alert(event_name="live problem", event_nseverity=severity_, host_host="web01")
    bridge.deliver()
    return event


def severity(bridge: Bridge, event: str, number: int, minute: int) -> None:
    """Say another severity, at a time of its own: of those of one second the graver counts."""
    said = "changed severity"
    time = f"10:{minute:02}:00"
    bridge.update(event, event_nseverity=number, event_update_action=said, date="2037.01.01", time=time)
    bridge.deliver()


def test_a_running_incident_becomes_major_stays_so_and_says_why(desk: Bridge, reader: Any) -> None:
    event = problem(desk, 3)
    assert levels(reader, desk) == (3, 3)
    severity(desk, event, 5, 1)
    assert levels(reader, desk) == (5, 6)
    severity(desk, event, 2, 2)
    assert levels(reader, desk) == (2, 6)
    (row,) = reader.tickets(desk.source)
    notes = [one["content"] for one in reader.timeline("ITILFollowup", int(row["id"]))]
    assert sum("Marked as a major incident" in note for note in notes) == 1


def test_a_priority_that_a_person_set_is_not_overridden(desk: Bridge, reader: Any, person: Any) -> None:
    event = problem(desk, 5)
    assert levels(reader, desk) == (5, 6)
    (row,) = reader.tickets(desk.source)
    person.change(int(row["id"]), priority=3)
    for minute, number in enumerate((4, 5, 2)):
        severity(desk, event, number, minute)
        assert levels(reader, desk) == (5, 3)
