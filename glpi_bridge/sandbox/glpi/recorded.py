"""What was recorded of each GLPI version: columns and their defaults, the lab's rows, configuration, search options.

The data files hold nothing that was not in an answer of a real GLPI of that version (10.0.19, 11.0.6), except the
columns of a few
itemtypes of which no row was recorded. Nothing here decides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

Row = dict[str, Any]
VERSIONS: Final = ("10.0.19", "11.0.6")


@dataclass(frozen=True)
class Recorded:
    """One version's data; treat every value as read-only, copies are the reader's duty."""

    version: str
    columns: dict[str, Row]
    rows: dict[str, list[Row]]
    profiles: dict[str, Row]
    session: Row
    config: Row
    search_options: dict[str, dict[str, Row]]


@cache
def recorded(version: str) -> Recorded:
    """Load the data of a version, once a process; ValueError names the versions there are."""
    if version not in VERSIONS:
        message = f"GLPI version {version!r} was not recorded; use one of {', '.join(VERSIONS)}"
        raise ValueError(message)
    text = files(__package__).joinpath("data", f"{version}.json").read_text(encoding="utf-8")
    return Recorded(version=version, **json.loads(text))
