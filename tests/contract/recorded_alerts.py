"""Alerts as a real Zabbix 7.0 composed them: the recorded message of folder 04-argv as arguments of our script."""

from __future__ import annotations

import json
import re
from pathlib import Path

from glpi_bridge.alert import ALERT_FIELDS

FOLDER = Path(__file__).parent / "zabbix-7.0" / "04-argv"
# the message template names every macro as `EVENT.ID=[value]`, one after the other; values may have several lines
_MACRO = re.compile(r"^([A-Z$][A-Za-z0-9.$]*)=\[(.*?)\](?=\n[A-Z$][A-Za-z0-9.$]*=\[|\Z)", re.DOTALL | re.MULTILINE)


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def argv(name: str) -> list[str]:
    """The seven parameters that Zabbix passed."""
    record = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [str(argument) for argument in record["argv"]]


def macros(name: str) -> dict[str, str]:
    """Macro without braces → what Zabbix made of it."""
    return dict(_MACRO.findall(argv(name)[2]))


def arguments(name: str) -> list[str]:
    """The alert as our media type would pass it: every accepted name with what its macro became."""
    values = macros(name)
    return [f"{field}={values.get(macro.strip('{}'), macro)}" for field, macro in ALERT_FIELDS.items()]
