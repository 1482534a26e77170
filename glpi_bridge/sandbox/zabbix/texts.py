"""How Zabbix writes things: times, ages, severities, and macros inside names and operational data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glpi_bridge.sandbox.zabbix.model import Trigger
    from glpi_bridge.sandbox.zabbix.world import World

SUPER_ADMIN = 3
UNKNOWN = "*UNKNOWN*"
SEVERITIES = ("Not classified", "Information", "Warning", "Average", "High", "Disaster")

MACRO = re.compile(r"\{[A-Z$?][A-Za-z0-9$._]*\}")


def replace(text: str, value_of: Callable[[str], str]) -> str:
    """Replace macros once: what a value brings in is not looked at again [contract Z04/056]."""
    return MACRO.sub(lambda found: value_of(found.group()), text)


def expand(world: World, trigger: Trigger, text: str) -> str:
    """Expand the macros that names, URLs and operational data of a trigger may hold; others stay."""
    host, item = world.hosts[trigger.hostid], world.items[trigger.itemid]
    known = {
        "{HOST.NAME}": host.name,
        "{HOST.NAME1}": host.name,
        "{HOST.HOST}": host.host,
        "{HOST.HOST1}": host.host,
        "{HOST.IP}": host.ip or UNKNOWN,
        "{ITEM.VALUE}": item.shown,
        "{ITEM.VALUE1}": item.shown,
        "{ITEM.LASTVALUE}": item.shown,
        "{ITEM.LASTVALUE1}": item.shown,
    }
    return replace(text, lambda macro: known.get(macro, macro))


def opdata(world: World, trigger: Trigger) -> str:
    """Write the operational data of an alert; without a text of its own a trigger shows its last value."""
    return expand(world, trigger, trigger.opdata) if trigger.opdata else world.items[trigger.itemid].shown


def date(world: World, clock: int) -> str:
    """Write a day."""
    return datetime.fromtimestamp(clock, world.timezone).strftime("%Y.%m.%d")


def hour(world: World, clock: int) -> str:
    """Write a time of day."""
    return datetime.fromtimestamp(clock, world.timezone).strftime("%H:%M:%S")


def age(seconds: int) -> str:
    """Write a length of time, three units at most, as 1d 2h 3m."""
    left, shown = max(0, seconds), []
    for size, unit in ((31536000, "y"), (2592000, "M"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if left >= size:
            shown.append(f"{left // size}{unit}")
            left %= size
    return " ".join(shown[:3]) or "0s"


def tags(pairs: Sequence[tuple[str, str]]) -> str:
    """Write tags as {EVENT.TAGS} does."""
    return ", ".join(f"{tag}:{value}" if value else tag for tag, value in sorted(pairs))


def tags_json(pairs: Sequence[tuple[str, str]]) -> str:
    """Write tags as {EVENT.TAGSJSON} does."""
    rows = [{"tag": tag, "value": value} for tag, value in pairs]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
