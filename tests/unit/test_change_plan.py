"""What is due for a Change, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from glpi_bridge.itil.change import plan
from glpi_bridge.undertaking import Calm, Due, Kind, Member, Resolution, Undertaking

GIVEN = {"problem": 3, "reason": "asked for", "assets": ["Computer/7"], "approvers": ["User/9", "Group/9"]}
DONE = {"open": 4, "problem 3": 1, "asset 7 Computer": 1, "approve 9 User": 1, "approve 9 Group": 1}


def change(**fields: Any) -> Undertaking:
    given: dict[str, Any] = {"glpi_id": 4, "given": GIVEN, "seen": {"status": 1}}
    return Undertaking(1, Kind.CHANGE, "problem-3", 1, "zabbix glpi/3 change problem-3", **(given | fields))


def without(*keys: str) -> dict[str, int]:
    return {key: id_ for key, id_ in DONE.items() if key not in keys}


ROWS: dict[str, tuple[Undertaking, str]] = {
    "not in GLPI yet → open it": (change(glpi_id=None, seen={}), "open"),
    "made → link its problem": (change(told=without(*DONE)), "problem 3"),
    "linked → its assets": (change(told=without("asset 7 Computer", "approve 9 User")), "asset 7 Computer"),
    "assets there → ask a person": (change(told=without("approve 9 User")), "approve 9 User"),
    "a group of the same number is another": (change(told=without("approve 9 Group")), "approve 9 Group"),
    "all there → nothing": (change(told=DONE), "open now"),
    "what GLPI never took is left out": (change(told=DONE | {"problem 3": 0}), "open now"),
    "closed → the end, nothing more is hung on it": (change(seen={"status": 6}), "ended by a person"),
    "refused → the end": (change(seen={"status": 13}), "ended by a person"),
    "cancelled → the end": (change(seen={"status": 14}), "ended by a person"),
    "removed → the end": (change(seen={"is_gone": True}), "removed by hand"),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_due(row: str) -> None:
    one, wanted = ROWS[row]
    due = plan(one, [Member(1)], Resolution.OFF)
    if isinstance(due, Calm):
        assert (due.reason, due.is_final) == ((wanted, True) if wanted != "open now" else ("open", False))
    else:
        assert due.key == wanted
        again = Due.named(due.key)
        assert (again.verb, again.subject, again.detail) == (str(due.verb), due.subject, due.detail)


@pytest.mark.parametrize(("status", "key"), [(5, "ended 1"), (6, "ended 1"), (13, None), (14, None), (1, None)])
def test_a_change_that_was_applied_is_told_to_its_open_incidents(status: int, key: str | None) -> None:
    due = plan(change(told=DONE, seen={"status": status}), [Member(1)], Resolution.ANNOTATE)
    assert (due.key if isinstance(due, Due) else None) == key
