"""The numbers of a report, counted row by row: a year of tickets needs no more memory than a few numbers each. Pure."""

from __future__ import annotations

import statistics
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from glpi_bridge.report.period import Period, Step
from glpi_bridge.report.rows import Kind, Known, Ticket, Undertaken

PEOPLE = "people"
"""The series of tickets that no problem of Zabbix made, as far as the store knows."""
SEVERITIES = ("5", "4", "3", "2", "1", "0", PEOPLE)
BUCKETS = (15 * 60, 3600, 4 * 3600, 24 * 3600, 3 * 24 * 3600)
"""Upper ends of the groups of times to resolve, in seconds; the last group has none."""
SHARED = (1, 2, 3, 6, 11)
"""Lower ends of the groups of problems that share a ticket."""
_CATEGORIES_MOST = 6
_TOP = 10


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How many there are, the middle one and the one that nine of ten do not exceed (seconds)."""

    count: int
    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took: in all, by step (None where there was none), and how many in each of BUCKETS."""

    all: Quantiles | None
    by_step: tuple[Quantiles | None, ...]
    spread: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """How often an SLA was kept and missed, by step."""

    kept: tuple[int, ...]
    missed: tuple[int, ...]

    @property
    def share(self) -> float | None:
        """The part that was kept, None where nothing was measured."""
        count = sum(self.kept) + sum(self.missed)
        return sum(self.kept) / count if count else None


@dataclass(frozen=True, slots=True)
class Category:
    """Tickets of a category by step; no `name`: of none. `is_rest`: of all that have fewer than those before it."""

    name: str
    counts: tuple[int, ...]
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Top:
    """A host, or a trigger of a host: tickets, problems of Zabbix, and how often it came back."""

    host: str
    trigger: str
    tickets: int
    problems: int
    returns: int


@dataclass(frozen=True, slots=True)
class Opened:
    """Problems or Changes by step: those that came from incidents, the others, and the incidents in all."""

    from_incidents: tuple[int, ...]
    others: tuple[int, ...]
    incidents: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All numbers of a report. Series have a number for each of `steps`; `rhythm` has 24 hours for each weekday.

    `undertaken` lacks what the account may not read in GLPI.
    """

    first: date
    last: date
    step: Step
    steps: tuple[date, ...]
    incidents: int
    open: int
    monitored: int
    by_severity: Mapping[str, tuple[int, ...]]
    by_category: tuple[Category, ...]
    rhythm: tuple[tuple[int, ...], ...]
    to_own: Times
    to_resolve: Times
    sla_own: Kept
    sla_resolve: Kept
    by_itself: tuple[int, ...]
    by_people: tuple[int, ...]
    still_open: tuple[int, ...]
    monitored_done: int
    hosts: tuple[Top, ...]
    triggers: tuple[Top, ...]
    again: tuple[int, ...]
    anew: tuple[int, ...]
    flapping: tuple[Top, ...]
    shared: tuple[int, ...]
    alerts: int
    problems: int
    undertaken: Mapping[str, Opened]

    @property
    def self_solved_share(self) -> float | None:
        """The part of monitoring's solved tickets that a recovery solved, None where there is none."""
        return sum(self.by_itself) / self.monitored_done if self.monitored_done else None

    @property
    def alerts_per_ticket(self) -> float | None:
        """How many alerts one of monitoring's tickets stands for."""
        return self.alerts / self.monitored if self.monitored else None


@dataclass
class _Durations:
    """Times as plain numbers, eight bytes each: that is what exact quantiles cost."""

    by_step: list[array[float]]

    def add(self, step: int, seconds: float | None) -> None:
        if seconds is not None:
            self.by_step[step].append(seconds)

    def times(self) -> Times:
        everything = array("d")
        for one in self.by_step:
            everything.extend(one)
        spread = Counter(bucket(one, BUCKETS) for one in everything)
        return Times(
            all=quantiles(everything),
            by_step=tuple(quantiles(one) for one in self.by_step),
            spread=tuple(spread[number] for number in range(len(BUCKETS) + 1)),
        )


def quantiles(values: Sequence[float]) -> Quantiles | None:
    """Return median and 90th percentile (linear between neighbours), None of nothing."""
    if not values:
        return None
    if len(values) == 1:
        return Quantiles(1, values[0], values[0])
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return Quantiles(len(values), tenths[4], tenths[8])


def bucket(value: float, ends: Sequence[float]) -> int:
    """Return the number of the group that a value is in; each ends before its end."""
    return sum(value >= end for end in ends)


@dataclass
class _Source:
    """What one host or trigger had."""

    tickets: int = 0
    problems: int = 0
    returns: int = 0


@dataclass
class Tally:
    """Counts tickets as they come, in any order; `figures` tells where it stands."""

    period: Period
    steps: tuple[date, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = self.period.steps
        self._incidents = self._open = self._monitored = self._monitored_done = 0
        self._alerts = self._problems = 0
        self._severities = {name: self._zeros() for name in SEVERITIES}
        self._categories: dict[int, list[int]] = {}
        self._rhythm = [[0] * 24 for _ in range(7)]
        self._own = _Durations([array("d") for _ in self.steps])
        self._resolve = _Durations([array("d") for _ in self.steps])
        self._sla = {name: self._zeros() for name in ("own kept", "own missed", "resolve kept", "resolve missed")}
        self._ends = {name: self._zeros() for name in ("itself", "people", "open")}
        self._hosts: dict[str, _Source] = {}
        self._triggers: dict[tuple[str, str], _Source] = {}
        self._again, self._anew = self._zeros(), self._zeros()
        self._shared = [0] * len(SHARED)
        self._undertaken: dict[Kind, tuple[list[int], list[int]]] = {}
        self._linked: Counter[Kind] = Counter()

    def _zeros(self) -> list[int]:
        return [0] * len(self.steps)

    def add(self, one: Ticket, known: Known | None) -> bool:
        """Count a ticket, with what the store knows of it; False where it was opened outside of the period."""
        step = self.period.index(one.opened_at)
        if step is None:
            return False
        local = one.opened_at.astimezone(self.period.zone)
        self._incidents += 1
        self._rhythm[local.weekday()][local.hour] += 1
        self._categories.setdefault(one.category, self._zeros())[step] += 1
        self._own.add(step, one.owned)
        self._resolve.add(step, one.resolved)
        self._count_sla("own", step, kept=one.kept_own)
        self._count_sla("resolve", step, kept=one.kept_resolve)
        self._count_end(step, one, known)
        severity = PEOPLE if known is None else str(known.severity or 0)
        self._severities[severity][step] += 1
        if known is not None:
            self._count_known(step, known)
        return True

    def _count_sla(self, name: str, step: int, *, kept: bool | None) -> None:
        if kept is not None:
            self._sla[f"{name} {'kept' if kept else 'missed'}"][step] += 1

    def _count_end(self, step: int, one: Ticket, known: Known | None) -> None:
        if not one.is_done:
            self._open += 1
            self._ends["open"][step] += 1
            return
        self._monitored_done += known is not None
        self._ends["itself" if known is not None and known.by_itself else "people"][step] += 1

    def _count_known(self, step: int, known: Known) -> None:
        self._monitored += 1
        self._alerts += known.alerts
        self._problems += known.problems
        (self._again if known.is_again else self._anew)[step] += 1
        if known.problems:
            self._shared[sum(known.problems >= low for low in SHARED) - 1] += 1
        # its returns are those of its one cause; of several causes each came at least once
        returns = max(0, known.problems - len(known.triggers)) + known.is_again
        for host in dict.fromkeys(host for host, _ in known.triggers):
            _count(self._hosts.setdefault(host, _Source()), known, returns)
        for pair in known.triggers:
            _count(self._triggers.setdefault(pair, _Source()), known, returns)

    def may_read(self, kind: Kind) -> None:
        """Say that Problems or Changes can be read, though there may be none."""
        self._undertaken.setdefault(kind, (self._zeros(), self._zeros()))

    def undertaken(self, one: Undertaken) -> None:
        """Count a Problem or Change."""
        self.may_read(one.kind)
        step = self.period.index(one.opened_at)
        if step is not None:
            self._undertaken[one.kind][0 if one.incidents else 1][step] += 1
            self._linked[one.kind] += one.incidents

    def figures(self, category: Callable[[int], str]) -> Figures:
        """Return the numbers so far; `category` names one by its id."""
        return Figures(
            first=self.period.first,
            last=self.period.last,
            step=self.period.step,
            steps=self.steps,
            incidents=self._incidents,
            open=self._open,
            monitored=self._monitored,
            by_severity={name: tuple(counts) for name, counts in self._severities.items()},
            by_category=_most(self._categories, category),
            rhythm=tuple(tuple(hours) for hours in self._rhythm),
            to_own=self._own.times(),
            to_resolve=self._resolve.times(),
            sla_own=Kept(tuple(self._sla["own kept"]), tuple(self._sla["own missed"])),
            sla_resolve=Kept(tuple(self._sla["resolve kept"]), tuple(self._sla["resolve missed"])),
            by_itself=tuple(self._ends["itself"]),
            by_people=tuple(self._ends["people"]),
            still_open=tuple(self._ends["open"]),
            monitored_done=self._monitored_done,
            hosts=_top(((host, ""), one) for host, one in self._hosts.items()),
            triggers=_top(self._triggers.items()),
            again=tuple(self._again),
            anew=tuple(self._anew),
            flapping=_flapping(self._triggers),
            shared=tuple(self._shared),
            alerts=self._alerts,
            problems=self._problems,
            undertaken={
                str(kind): Opened(tuple(ours), tuple(others), self._linked[kind])
                for kind, (ours, others) in sorted(self._undertaken.items(), reverse=True)
            },
        )


def _count(one: _Source, known: Known, returns: int) -> None:
    one.tickets += 1
    one.problems += known.problems
    one.returns += returns


def _most(categories: Mapping[int, Sequence[int]], name: Callable[[int], str]) -> tuple[Category, ...]:
    """The categories with most tickets, the rest together; equal counts in order of their names."""
    named: dict[str, tuple[int, ...]] = {}
    for id_, counts in categories.items():
        path = name(id_)
        named[path] = _sum([named[path], counts]) if path in named else tuple(counts)
    order = sorted(named, key=lambda one: (-sum(named[one]), one))
    if len(order) <= _CATEGORIES_MOST + 1:
        return tuple(Category(one, named[one]) for one in order)
    shown = tuple(Category(one, named[one]) for one in order[:_CATEGORIES_MOST])
    return (*shown, Category("", _sum([named[one] for one in order[_CATEGORIES_MOST:]]), is_rest=True))


def _sum(series: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple(sum(counts) for counts in zip(*series, strict=True))


def _top(found: Iterable[tuple[tuple[str, str], _Source]]) -> tuple[Top, ...]:
    order = sorted(found, key=lambda one: (-one[1].tickets, -one[1].problems, one[0]))
    return tuple(Top(*key, one.tickets, one.problems, one.returns) for key, one in order[:_TOP])


def _flapping(found: Mapping[tuple[str, str], _Source]) -> tuple[Top, ...]:
    came_back = [(key, one) for key, one in found.items() if one.returns]
    order = sorted(came_back, key=lambda one: (-one[1].returns, -one[1].tickets, one[0]))
    return tuple(Top(*key, one.tickets, one.problems, one.returns) for key, one in order[:_TOP])
