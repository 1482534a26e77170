"""Dates in search criteria: `2026-11-25 00:00:00` or a span from now such as `-1HOUR` [04/040-043]."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .world import World

_SPAN: Final = re.compile(r"^(-?\d+)(MINUTE|HOUR|DAY|WEEK|MONTH|YEAR)S?$")
_UNITS: Final = {
    "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1),
    "DAY": timedelta(days=1),
    "WEEK": timedelta(weeks=1),
    "MONTH": timedelta(days=30),
    "YEAR": timedelta(days=365),
}


def moment(world: World, value: str) -> str:
    """Return the date a criterion means, as GLPI writes dates."""
    match = _SPAN.match(value)
    if value in {"NOW", "TODAY"}:
        return world.now() if value == "NOW" else world.now()[:10]
    return value if match is None else world.now(int(match[1]) * _UNITS[match[2]])
