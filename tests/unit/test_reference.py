"""The reference of settings and rules says what the code does: each key, its default, its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta, tzinfo
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from glpi_bridge.config import (
    Assets,
    Delivery,
    Glpi,
    Health,
    Itil,
    Log,
    Maintenance,
    Settings,
    Store,
    Sync,
    Target,
    WriteBack,
    Zabbix,
)
from glpi_bridge.model import Draft, Event, Policy
from glpi_bridge.render import MORE_NAMES, NAMES
from glpi_bridge.rulefile import Flapping, HandOverWish, Match, RuleSection, RulesFile, StormWish, Wishes
from glpi_bridge.section import Section

REFERENCE = Path(__file__).parents[2] / "docs/reference"
SETTINGS = (
    *(Settings, Glpi, Zabbix, Target, WriteBack, Health, Maintenance),
    *(Store, Assets, Delivery, Itil, Sync, Log),
)
UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def written(value: object) -> str:
    """Write a default as it stands in the file."""
    match value:
        case None | () | []:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            seconds = int(value.total_seconds())
            if seconds == 0:
                return "`0`"
            unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0)
            return f"`{seconds // size}{unit}`"
        case tuple():
            return ", ".join(f"`{one}`" for one in value)
        case Section() | tzinfo():
            return ""
        case _:
            return f"`{value}`"


OF_RULES = {field.name: written(field.default) for field in fields(Policy)} | {
    "type": "`incident`",
    "notes": "`all`",
    "link_asset": "`true`",
    "notify": written(Draft("", "").notify),
    "major": written(Draft("", "").major),
    "flapping": "see below",
    "storm": "`off`",
    "hand_over": "`off`",
    "reopen_after_person": "`false`",
    "close_after": "`off`",
    "internal_urgency": "`medium`",
    "internal_impact": "`medium`",
    "severity_map": "see below",
}


def default(name: str, info: FieldInfo) -> str:
    if info.default is None and name in OF_RULES:
        return OF_RULES[name]
    if info.is_required():
        return "needed"
    return "" if info.default_factory else written(info.default)


def rows(section: type[Section], leave_out: type[Section] | None = None) -> Iterator[str]:
    for name, info in section.model_fields.items():
        if leave_out is None or name not in leave_out.model_fields:
            meaning = (info.description or "").replace("|", "\\|")
            yield f"| `{info.alias or name}` | {default(name, info)} | {meaning} |"


@pytest.mark.parametrize(
    "section",
    [Settings, Glpi, Zabbix, Target, WriteBack, Health, Maintenance, Store, Assets, Delivery, Itil, Sync, Log],
)
def test_each_setting_is_in_the_reference_as_it_is(section: type[Section]) -> None:
    text = (REFERENCE / "settings.md").read_text()
    for row in rows(section, Target if section in {Glpi, Zabbix} else None):
        assert row in text.splitlines()


@pytest.mark.parametrize("section", [RulesFile, RuleSection, Wishes, Match, Flapping, StormWish, HandOverWish])
def test_each_key_of_rules_is_in_the_reference_as_it_is(section: type[Section]) -> None:
    text = (REFERENCE / "rules.md").read_text()
    for row in rows(section, Wishes if section is RuleSection else None):
        assert row in text.splitlines()


def test_each_name_that_templates_know_is_in_the_reference() -> None:
    text = (REFERENCE / "rules.md").read_text()
    for name in sorted(NAMES | {name for names in MORE_NAMES.values() for name in names}):
        assert f"`{name}`" in text, name
    assert set(Event.__dataclass_fields__) <= NAMES


def test_the_reference_knows_no_key_that_is_gone() -> None:
    known = {
        row
        for section in (
            Settings,
            Glpi,
            Zabbix,
            Target,
            WriteBack,
            Health,
            Maintenance,
            Store,
            Assets,
            Delivery,
            Itil,
            Sync,
            Log,
        )
        for row in rows(section)
    }
    known |= {
        row
        for section in (RulesFile, RuleSection, Wishes, Match, Flapping, StormWish, HandOverWish)
        for row in rows(section)
    }
    for name in ("settings.md", "rules.md"):
        for line in (REFERENCE / name).read_text().splitlines():
            if line.startswith("| `") and line.count(" | ") == 2:
                assert line in known
