"""Severity and time: every event has a sensible ticket, and an instant stays the same instant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import House, house


@pytest.mark.field("F08")
@pytest.mark.parametrize(("severity", "urgency"), [(0, 1), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)])
def test_each_severity_has_its_urgency_and_makes_an_incident(home: House, severity: int, urgency: int) -> None:
    home.alert(101, event_nseverity=severity)
    home.until_calm()
    assert (home.ticket(101)["urgency"], home.ticket(101)["type"]) == (urgency, 1)


@pytest.mark.field("F06")
def test_an_internal_event_has_the_urgency_set_for_it(version: str, tmp_path: Path) -> None:
    with house(tmp_path, version, rules="rules: []\ndefault:\n  internal_urgency: high\n") as home:
        home.alert(101, event_source=3, event_name="item became not supported")
        home.until_calm()
        assert home.ticket(101)["urgency"] == 4
