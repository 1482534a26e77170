"""Severity and time: every event has a sensible ticket, and an instant stays the same instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from glpi_bridge.context import Source
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


@pytest.mark.field("F06")
def test_without_a_setting_an_internal_event_is_of_medium_urgency(home: House) -> None:
    home.alert(101, event_source=3, event_name="item became not supported", event_nseverity=0)
    home.until_calm()
    assert home.ticket(101)["urgency"] == 3


@pytest.mark.field("F08")
def test_the_urgency_of_a_severity_is_what_the_rules_say(version: str, tmp_path: Path) -> None:
    rules = "rules: []\ndefault:\n  severity_map: {not classified: high, disaster: low}\n"
    with house(tmp_path, version, rules=rules) as home:
        for event, severity in ((101, 0), (102, 5), (103, 3)):
            home.alert(event, event_nseverity=severity)
        home.until_calm()
        assert [home.ticket(event)["urgency"] for event in (101, 102, 103)] == [4, 2, 3]


@pytest.mark.field("F24")
@pytest.mark.parametrize(
    ("zabbix", "glpi", "date"),
    [
        ("America/Sao_Paulo", "UTC", "2026-11-25 02:30:00"),
        ("America/Sao_Paulo", "Europe/Paris", "2026-11-25 03:30:00"),
        ("Asia/Kolkata", "America/New_York", "2026-11-24 13:00:00"),
        ("UTC", "UTC", "2026-11-24 23:30:00"),
    ],
)
def test_an_event_opens_at_the_same_instant_in_glpis_zone(
    version: str, tmp_path: Path, zabbix: str, glpi: str, date: str
) -> None:
    with house(tmp_path, version, traits={"timezone": ZoneInfo(glpi)}) as home:
        home.sources["zabbix"] = Source("zabbix", ZoneInfo(zabbix))
        home.alert(101, event_date="2026.11.24", event_time="23:30:00")
        home.until_calm()
        assert home.ticket(101)["date"] == date


@pytest.mark.field("F24")
def test_a_zabbix_whose_clock_is_ahead_holds_no_ticket_up(home: House) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=3)
    home.alert(101, event_date=f"{ahead:%Y.%m.%d}", event_time=f"{ahead:%H:%M:%S}")
    home.turn()
    assert len(home.tickets()) == 1
