"""Every field of `status --json` stands in its reference, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glpi_bridge.admin.status import DRIFT, Doubt, Spooled, Status, Trouble
from glpi_bridge.cli.status import as_mapping
from glpi_bridge.plan import plan
from glpi_bridge.store.meta import Notice
from glpi_bridge.store.overview import Counts

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "status.md"
_FREE = {"drift", "duplicates"}  # their keys are what they count


def full() -> Status:
    return Status(
        at=1.0,
        spool=Spooled(1, 1, 1.0, ""),
        counts=Counts(1, 1, 1, 1, 1, 1, 1, 1, 1, 1.0),
        in_doubt=(Doubt("a", "create", ("m",), (1,), 1.0, "why", "next", 1.0, needs_person=False),),
        troubles=(Trouble("GLPI", "text", 1.0, 1.0, 1, is_held=False),),
        paused={"why": "x", "by": "y", "since": 1.0},
        drift={"a": 1},
        duplicates={1: 2},
        notices=(Notice("kind", "subject", "text", 1, 1.0, 1.0),),
        versions={"glpi_bridge": "1", "store": "1", "python": "3", "glpi": "10"},
    )


def paths(value: Any, at: str = "") -> Iterator[str]:
    if at in _FREE:
        yield at
    elif isinstance(value, dict):
        if at == "paused":
            yield at
        for name, part in value.items():
            yield from paths(part, f"{at}.{name}" if at else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield at
        yield from paths(value[0], at)
    else:
        yield at


def test_each_field_is_in_the_reference_and_no_other() -> None:
    documented = re.findall(r"^\| `([\w.]+)` \|", REFERENCE.read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(set(paths(as_mapping(full()))))


def test_the_reasons_that_count_as_drift_are_the_plans_own_words() -> None:
    source = Path(plan.__code__.co_filename).read_text("utf-8")
    for reason in DRIFT:
        assert f'"{reason}"' in source
