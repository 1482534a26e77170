"""The days a report is about, and the steps that its plots count in. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from glpi_bridge.units import Mistake, duration, shown

_DAYS_MOST = 45
_WEEKS_MOST = 370
_LONGEST = 3660
DEFAULT = timedelta(days=30)


class Step(StrEnum):
    """How much time one bar stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both whole, in a time zone."""

    first: date
    last: date
    zone: tzinfo = UTC

    @property
    def start(self) -> datetime:
        """When it begins."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def end(self) -> datetime:
        """When it is over: the first moment that is not in it."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def step(self) -> Step:
        """What is counted together: so much that a plot stays readable."""
        if self.days <= _DAYS_MOST:
            return Step.DAY
        return Step.WEEK if self.days <= _WEEKS_MOST else Step.MONTH

    @property
    def steps(self) -> tuple[date, ...]:
        """The first day of each step, in order; the first and the last step may be cut by the period."""
        return tuple(self._steps())

    def _steps(self) -> Iterator[date]:
        at = _floor(self.first, self.step)
        while at <= self.last:
            yield at
            at = _floor(
                at + {Step.DAY: timedelta(days=1), Step.WEEK: _WEEK, Step.MONTH: _LONG_MONTH}[self.step], self.step
            )

    def index(self, moment: datetime) -> int | None:
        """Return the number of the step that a moment is in, None where it is not in the period."""
        day = moment.astimezone(self.zone).date()
        if not self.first <= day <= self.last:
            return None
        if self.step is Step.MONTH:
            return (day.year - self.first.year) * 12 + day.month - self.first.month
        return (day - _floor(self.first, self.step)).days // (1 if self.step is Step.DAY else 7)


_WEEK = timedelta(days=7)
_LONG_MONTH = timedelta(days=31)  # from a first of a month always into the next one


def _floor(day: date, step: Step) -> date:
    if step is Step.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step is Step.MONTH else day


def period(first: str | None, last: str | None, length: str | None, zone: tzinfo, now: datetime) -> Period:
    """Read what was asked for: two days, or a `length` as in `7d` that ends yesterday; without any, the last 30 days.

    Raises Mistake, in words.
    """
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    if length is not None and (first or last):
        raise Mistake("--last is given beside --from or --to", "give a length or two days")
    until = yesterday if last is None else _day("--to", last)
    since = until - (DEFAULT if length is None else _length(length)) + timedelta(days=1)
    if first is not None:
        since = _day("--from", first)
    if since > until:
        raise Mistake(f"--from {since} is after --to {until}", "the period ends with the day of --to")
    if (until - since).days > _LONGEST:
        raise Mistake(f"{since} to {until} is more than ten years", "ask for less")
    return Period(since, until, zone)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Mistake(f"{option} {shown(text)} is not a day", "write it as 2026-11-01") from None


def _length(text: str) -> timedelta:
    found = duration(text)
    if found < timedelta(days=1) or found % timedelta(days=1):
        raise Mistake(f"--last {shown(text)} is not a number of whole days", "write it as 7d or 4w")
    return found
