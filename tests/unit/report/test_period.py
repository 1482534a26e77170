"""The days of a report: what is asked for, and what is counted together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glpi_bridge.report.period import Period, Step, period
from glpi_bridge.units import Mistake

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("first", "last", "length", "expected"),
    [
        (None, None, None, (date(2026, 10, 21), date(2026, 11, 19))),
        ("2026-11-01", "2026-11-07", None, (date(2026, 11, 1), date(2026, 11, 7))),
        ("2026-11-01", None, None, (date(2026, 11, 1), date(2026, 11, 19))),
        (None, "2026-11-07", None, (date(2026, 10, 9), date(2026, 11, 7))),
        (None, None, "7d", (date(2026, 11, 13), date(2026, 11, 19))),
        (None, None, "4w", (date(2026, 10, 23), date(2026, 11, 19))),
        ("2026-11-07", "2026-11-07", None, (date(2026, 11, 7), date(2026, 11, 7))),
    ],
)
def test_what_is_asked_for_becomes_whole_days(
    first: str | None, last: str | None, length: str | None, expected: tuple[date, date]
) -> None:
    found = period(first, last, length, UTC, NOW)
    assert (found.first, found.last) == expected


@pytest.mark.parametrize(
    ("first", "last", "length", "says"),
    [
        ("2026-11-08", "2026-11-07", None, "--from 2026-11-08 is after --to 2026-11-07"),
        ("yesterday", None, None, '--from "yesterday" is not a day'),
        (None, "2026-13-01", None, '--to "2026-13-01" is not a day'),
        ("2026-11-01", None, "7d", "--last is given beside --from or --to"),
        (None, None, "7", '"7" is not a duration'),
        (None, None, "36h", '--last "36h" is not a number of whole days'),
        (None, None, "0", '--last "0" is not a number of whole days'),
        ("1990-01-01", None, None, "1990-01-01 to 2026-11-19 is more than ten years"),
    ],
)
def test_what_cannot_be_meant_is_said(first: str | None, last: str | None, length: str | None, says: str) -> None:
    with pytest.raises(Mistake) as raised:
        period(first, last, length, UTC, NOW)
    assert raised.value.found == says
    assert raised.value.advice


def test_yesterday_is_that_of_the_zone() -> None:
    late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)  # the 20th in Paris
    assert period(None, None, "1d", PARIS, late).last == date(2026, 11, 19)


@pytest.mark.parametrize(
    ("days", "step"),
    [(1, Step.DAY), (45, Step.DAY), (46, Step.WEEK), (370, Step.WEEK), (371, Step.MONTH), (3000, Step.MONTH)],
)
def test_a_plot_has_as_many_steps_as_can_be_read(days: int, step: Step) -> None:
    found = Period(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days - 1))
    assert found.step is step
    assert len(found.steps) <= 101


def test_a_day_begins_and_ends_at_its_zone_s_midnight_in_summer_and_winter() -> None:
    change = Period(date(2026, 10, 25), date(2026, 10, 25), PARIS)  # 25 hours long
    assert change.end.astimezone(UTC) - change.start.astimezone(UTC) == timedelta(hours=25)
    assert change.index(datetime(2026, 10, 24, 22, 0, tzinfo=UTC)) == 0
    assert change.index(datetime(2026, 10, 25, 22, 59, tzinfo=UTC)) == 0
    assert change.index(datetime(2026, 10, 25, 23, 0, tzinfo=UTC)) is None


@given(st.integers(0, 3653), st.integers(0, 1500), st.integers(-40, 1600), st.integers(0, 86399))
def test_each_moment_is_in_the_step_that_holds_it(since: int, length: int, offset: int, second: int) -> None:
    first = date(2020, 1, 1) + timedelta(days=since)
    one = Period(first, first + timedelta(days=length))
    moment = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=offset, seconds=second)
    step = one.index(moment)
    if not 0 <= offset <= length:
        assert step is None
        return
    assert step is not None
    assert one.steps[step] <= moment.date()
    assert step == len(one.steps) - 1 or moment.date() < one.steps[step + 1]
