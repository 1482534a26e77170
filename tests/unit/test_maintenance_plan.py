"""What is due for the maintenance of planned work: one row for each way things can stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glpi_bridge.maintenance import (
    SHORTEST,
    Calm,
    Content,
    Kind,
    Known,
    Left,
    Shown,
    Span,
    Step,
    Upkeep,
    merged,
    plan,
)

NOW = 60_000_000
SETTLE = timedelta(seconds=60)


def at(*pairs: tuple[int, int], hosts: tuple[str, ...] = ("1",), **more: object) -> Content:
    """A content with times in minutes from now."""
    spans = tuple(Span(NOW + since * 60, NOW + till * 60) for since, till in pairs)
    return replace(Content(hosts, spans), **more)  # type: ignore[arg-type]  # a test's own fields


LATER, MOVED, ON = at((60, 120)), at((90, 150)), at((-30, 30))
UPKEEP = Upkeep(1, 12, "zabbix", "GLPI change 12", "marker", wanted=LATER, why="it is approved")
TOLD = replace(UPKEEP, told=LATER, maintenanceid="7")
CREATE = replace(UPKEEP, step=Step(Kind.CREATE, LATER, "it is approved"), begun_at=NOW - 10)
UPDATE = replace(TOLD, wanted=MOVED, step=Step(Kind.UPDATE, MOVED, "x"), begun_at=NOW - 10)
DELETE = replace(TOLD, wanted=None, step=Step(Kind.DELETE, None, "x"), begun_at=NOW - 10)
THERE, ELSE = Shown("7", LATER), Shown("7", MOVED)
OLD = NOW - 61.0

ROWS: dict[str, tuple[Upkeep, Shown | None, object]] = {
    "wanted, nothing there": (UPKEEP, None, Step(Kind.CREATE, LATER, "it is approved")),
    "wanted no more, never made": (replace(UPKEEP, wanted=None, why="cancelled"), None, Calm("cancelled", True)),
    "wanted, its time is over": (replace(UPKEEP, wanted=at((-9, -3))), None, Calm("it is approved", True)),
    "the store was lost, it is there": (UPKEEP, THERE, Known(THERE, "found in Zabbix")),
    "the store was lost, it is otherwise": (UPKEEP, ELSE, Left),
    "the name is somebody else's": (UPKEEP, Shown("9", LATER, is_ours=False), Left),
    "as told": (TOLD, THERE, Calm("as planned")),
    "the description was rewritten": (TOLD, Shown("7", LATER, is_ours=False), Calm("as planned")),
    "other times wanted": (replace(TOLD, wanted=MOVED), THERE, Step(Kind.UPDATE, MOVED, "it is approved")),
    "another host wanted": (
        replace(TOLD, wanted=at((60, 120), hosts=("1", "2"))),
        THERE,
        Step(Kind.UPDATE, at((60, 120), hosts=("1", "2")), "it is approved"),
    ),
    "on, and its end is later": (
        replace(TOLD, told=ON, wanted=at((-30, 60))),
        Shown("7", ON),
        Step(Kind.UPDATE, at((-30, 60)), "it is approved"),
    ),
    "on, and its begin was moved into the past": (replace(TOLD, told=ON, wanted=at((-20, 30))), Shown("7", ON), Calm),
    "on, and wanted no more": (
        replace(TOLD, told=ON, wanted=None, why="applied"),
        Shown("7", ON),
        Step(Kind.END, at((-30, 0)), "applied"),
    ),
    "not begun, and wanted no more": (
        replace(TOLD, wanted=None, why="cancelled"),
        THERE,
        Step(Kind.DELETE, None, "cancelled"),
    ),
    "between two times, and wanted no more": (
        replace(TOLD, told=at((-30, -20), (60, 90)), wanted=None, why="applied"),
        Shown("7", at((-30, -20), (60, 90))),
        Step(Kind.END, at((-30, -20)), "applied"),
    ),
    "one time is over, the other is to come": (
        replace(TOLD, told=at((-30, -20), (60, 90)), wanted=at((60, 90))),
        Shown("7", at((-30, -20), (60, 90))),
        Calm("as planned"),
    ),
    "over": (replace(TOLD, told=at((-30, -20)), wanted=None), Shown("7", at((-30, -20))), Calm("over", True)),
    "over and cleaned away, new work": (
        replace(TOLD, told=at((-30, -20))),
        None,
        Step(Kind.CREATE, LATER, "it is approved"),
    ),
    "over and there, new work": (
        replace(TOLD, told=at((-30, -20))),
        Shown("7", at((-30, -20))),
        Step(Kind.UPDATE, LATER, "it is approved"),
    ),
    "a person deleted it": (TOLD, None, Left),
    "a person moved it": (TOLD, ELSE, Left),
    "a person took a host away": (TOLD, Shown("7", at((60, 120), hosts=())), Left),
    "a person added a host group": (TOLD, Shown("7", at((60, 120), besides=("host group 4",))), Left),
    "a person switched collection off": (TOLD, Shown("7", at((60, 120), collects=False)), Left),
    "left to a person": (replace(TOLD, left="a person changed it"), ELSE, Calm("a person changed it", True)),
    "create in doubt, it is there": (CREATE, THERE, Known(THERE, "it is approved")),
    "create in doubt, not there yet": (CREATE, None, Calm),
    "create in doubt, not there in its time": (
        replace(CREATE, begun_at=OLD),
        None,
        Step(Kind.CREATE, LATER, "it is approved"),
    ),
    "create in doubt, wanted no more, not there in its time": (
        replace(CREATE, wanted=None, why="cancelled", begun_at=OLD),
        None,
        Calm("cancelled", True),
    ),
    "create in doubt, wanted no more, there": (replace(CREATE, wanted=None), THERE, Known(THERE, "it is approved")),
    "create in doubt, a person changed it at once": (CREATE, ELSE, Left),
    "create in doubt, the name is somebody else's": (CREATE, Shown("9", LATER, is_ours=False), Left),
    "update in doubt, done": (UPDATE, ELSE, Known(ELSE, "x")),
    "update in doubt, not done yet": (UPDATE, THERE, Calm),
    "update in doubt, not done in its time": (
        replace(UPDATE, begun_at=OLD),
        THERE,
        Step(Kind.UPDATE, MOVED, "it is approved"),
    ),
    "update in doubt, a person did something else": (UPDATE, Shown("7", at((5, 10))), Left),
    "update in doubt, a person deleted it": (UPDATE, None, Left),
    "delete in doubt, done": (DELETE, None, Known(None, "x")),
    "delete in doubt, not done yet": (DELETE, THERE, Calm),
    "delete in doubt, not done in its time": (
        replace(DELETE, begun_at=OLD),
        THERE,
        Step(Kind.DELETE, None, "it is approved"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_what_is_due(row: str) -> None:
    one, shown, wanted = ROWS[row]
    due = plan(one, shown, NOW, SETTLE)
    if isinstance(wanted, type):
        assert isinstance(due, wanted)
    else:
        assert due == wanted


def test_what_was_ended_is_not_ended_again_in_the_same_minute() -> None:
    one = replace(TOLD, told=ON, wanted=None)
    step = plan(one, Shown("7", ON), NOW + 10, SETTLE)
    assert isinstance(step, Step)
    assert step.content is not None
    ended = replace(one, told=step.content)
    assert isinstance(plan(ended, Shown("7", step.content), NOW + 20, SETTLE), Calm)
    assert plan(ended, Shown("7", step.content), NOW + 60, SETTLE) == Calm("over", is_final=True)


def test_times_are_whole_minutes_that_hold_the_work_and_five_at_least() -> None:
    def moment(seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC)

    assert Span.between(moment(NOW + 59), moment(NOW + 601)) == Span(NOW, NOW + 660)
    assert Span.between(moment(NOW), moment(NOW + 60)) == Span(NOW, NOW + SHORTEST)


SPANS = st.lists(st.builds(lambda since, length: Span(since, since + length), st.integers(0, 99), st.integers(1, 30)))


@given(SPANS)
def test_merged_spans_hold_the_same_moments_and_stand_apart(spans: list[Span]) -> None:
    found = merged(spans)
    moments = {moment for one in spans for moment in range(one.since, one.till)}
    assert {moment for one in found for moment in range(one.since, one.till)} == moments
    assert all(one.till < other.since for one, other in pairwise(found))


@given(SPANS, SPANS, st.integers(0, 130))
def test_following_ends_where_it_is_wanted(told: list[Span], wanted: list[Span], minute: int) -> None:
    """After the step that is due, nothing more is due, and what is still to come is what was wanted."""
    one = replace(TOLD, told=Content(("1",), merged(told)), wanted=Content(("1",), merged(wanted)) if wanted else None)
    step = plan(one, Shown("7", one.told or Content()), minute, SETTLE)
    if not isinstance(step, Step):
        return
    after = replace(one, told=step.content)
    if step.content is None:
        assert one.wanted is None or not one.wanted.ahead(minute).spans
        return
    assert not isinstance(plan(after, Shown("7", step.content), minute, SETTLE), Step)
