"""What is due for a Problem, row by row: what it should have against what GLPI has confirmed."""

from __future__ import annotations

from typing import Any

import pytest

from glpi_bridge.itil.problem import plan
from glpi_bridge.undertaking import Calm, Due, Kind, Member, Resolution, Undertaking

OPEN = {"status": 2}
KNOWN = {"status": 2, "workaround": {"id": 5, "text": "Workaround: restart it"}}


def problem(**fields: Any) -> Undertaking:
    return Undertaking(1, Kind.PROBLEM, "c", 1, "zabbix prod/1 problem c", **({"glpi_id": 9, "seen": OPEN} | fields))


A, B = Member(1, "zabbix prod/1"), Member(2, "zabbix prod/2")
DONE = [Member(1, is_finished=True), Member(2, is_finished=True)]
OPEN_STILL = Member(1, "zabbix prod/1", is_recovered=False)
LINKED = {"open": 9, "link 1": 11, "link 2": 12}
ROWS: dict[str, tuple[Undertaking, list[Member], str]] = {
    "not in GLPI yet → open it": (problem(glpi_id=None), [A, B], "open"),
    "not in GLPI yet, known workaround → open it first": (problem(glpi_id=None, seen=KNOWN), [A], "open"),
    "open, nothing linked → link the first": (problem(), [A, B], "link 1"),
    "first linked → link the second": (problem(told={"link 1": 11}), [A, B], "link 2"),
    "all linked → nothing": (problem(told=LINKED), [A, B], "open"),
    "a link that GLPI never took is left out": (problem(told={"link 1": 0, "link 2": 12}), [A, B], "open"),
    "a ticket that is gone is not linked": (problem(), [Member(1, is_gone=True)], "open"),
    "a finished ticket is linked too": (problem(), [Member(1, is_finished=True)], "link 1"),
    "workaround, open ticket → hand it on": (problem(told=LINKED, seen=KNOWN), [A, B], "workaround 1 5"),
    "workaround not before the links": (problem(seen=KNOWN), [A, B], "link 1"),
    "workaround, finished ticket → not needed": (
        problem(told=LINKED, seen=KNOWN), [Member(1, is_finished=True)], "open"
    ),
    "workaround told → nothing": (problem(told={**LINKED, "workaround 1 5": 20}, seen=KNOWN), [A], "open"),
    "a newer workaround → told once more": (
        problem(told={**LINKED, "workaround 1 4": 20}, seen=KNOWN), [A], "workaround 1 5"
    ),
    "solved → nothing more than what is linked": (
        problem(told=LINKED, seen={**KNOWN, "status": 5}), DONE, "solved by a person"
    ),
    "closed → the end": (problem(told=LINKED, seen={"status": 6}), DONE, "solved by a person"),
    "under observation counts as solved": (problem(told=LINKED, seen={"status": 8}), [A], "solved by a person"),
    "solved → each open incident is told": (problem(told=LINKED, seen={"status": 5}), [OPEN_STILL, B], "ended 1"),
    "solved → who was told is not told again": (
        problem(told={**LINKED, "ended 1": 7}, seen={"status": 5}), [OPEN_STILL], "solved by a person"
    ),
    "solved → who was never linked is not told": (
        problem(told={"link 1": 0}, seen={"status": 5}), [OPEN_STILL], "solved by a person"
    ),
    "removed → the end": (problem(seen={"is_gone": True}), [A, B], "removed by hand"),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_what_is_due(row: str) -> None:
    one, members, wanted = ROWS[row]
    due = plan(one, members, Resolution.ANNOTATE)
    assert (due.key if isinstance(due, Due) else due.reason) == wanted
    if isinstance(due, Calm):
        assert due.is_final is (wanted != "open")


@pytest.mark.parametrize(
    "row", [row for row, (one, members, _) in ROWS.items() if isinstance(plan(one, members, Resolution.OFF), Due)]
)
def test_a_deed_is_known_again_by_its_key(row: str) -> None:
    one, members, _ = ROWS[row]
    due = plan(one, members, Resolution.ANNOTATE)
    assert isinstance(due, Due)
    again = Due.named(due.key)
    assert (again.verb, again.subject, again.detail) == (str(due.verb), due.subject, due.detail)


@pytest.mark.parametrize(
    ("wanted", "member", "key"),
    [
        (Resolution.SOLVE, A, "resolution 1"),
        (Resolution.SOLVE, OPEN_STILL, "ended 1"),
        (Resolution.ANNOTATE, A, "ended 1"),
        (Resolution.SOLVE, Member(1, is_finished=True), None),
        (Resolution.SOLVE, Member(1, is_gone=True), None),
        (Resolution.OFF, A, None),
    ],
)
def test_what_the_end_of_a_problem_does_to_an_incident(wanted: Resolution, member: Member, key: str | None) -> None:
    due = plan(problem(told={"link 1": 11}, seen={"status": 5}), [member], wanted)
    assert (due.key if isinstance(due, Due) else None) == key
