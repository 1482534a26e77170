"""What a report says, plot by plot: a title, a sentence, a plot and the same numbers as a table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from glpi_bridge.report import plots
from glpi_bridge.report.figures import BUCKETS, PEOPLE, SEVERITIES, SHARED, Figures, Kept, Opened, Quantiles, Times, Top
from glpi_bridge.report.plots import BAD, BRAND, OK, Bar, Series, Spec
from glpi_bridge.report.words import Words

Draw = Callable[[int], Spec]
"""Gives the specification of a plot for a width in pixels."""
_CATEGORY_COLOURS: Final = tuple(f"var(--c{number})" for number in range(1, 8))
_REST, _PEOPLE = "var(--rest)", "var(--people)"


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers in words; the first cell of each row names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One plot with what is said about it; `draw` is None where there is nothing to draw."""

    id: str
    title: str
    says: str
    draw: Draw | None
    table: Table
    legend: tuple[tuple[str, str], ...] = ()
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """Cards that answer one question."""

    id: str
    title: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A number to see first, with what it means; `tone` is "ok", "bad" or ""."""

    name: str
    value: str
    note: str
    tone: str = ""


def tiles(figures: Figures, words: Words) -> tuple[Tile, ...]:
    """Return the numbers of the first screen."""
    _ = words._
    own, resolve = figures.to_own.all, figures.to_resolve.all
    days = (figures.last - figures.first).days + 1
    opened = {kind: sum(one.from_incidents) for kind, one in figures.undertaken.items()}
    return (
        Tile(_("Incidents"), words.number(figures.incidents), _("{n} a day", n=words.number(figures.incidents / days))),
        Tile(
            _("Time to own"), words.duration(own.median if own else None),
            _("9 of 10 within {time}", time=words.duration(own.p90 if own else None)),
        ),
        Tile(
            _("Time to resolve"), words.duration(resolve.median if resolve else None),
            _("9 of 10 within {time}", time=words.duration(resolve.p90 if resolve else None)),
        ),
        Tile(
            _("SLA kept"), words.percent(figures.sla_resolve.share), _measured(figures.sla_resolve, words),
            _tone(figures.sla_resolve.share),
        ),
        Tile(
            _("Solved by itself"), words.percent(figures.self_solved_share),
            _("of what monitoring reported and is solved"),
        ),
        Tile(
            _("Alerts for each ticket"),
            "–" if figures.alerts_per_ticket is None else words.number(figures.alerts_per_ticket),
            words.many("{count} alert", "{count} alerts", figures.alerts),
        ),
        Tile(
            _("Problems opened"), _count(opened.get("Problem"), words),
            words.many("{count} Change", "{count} Changes", opened.get("Change", 0)),
        ),
        Tile(
            _("Still open"), words.number(figures.open),
            _("{share} of all", share=words.percent(figures.open / figures.incidents if figures.incidents else None)),
        ),
    )  # fmt: skip


def _count(count: int | None, words: Words) -> str:
    return "–" if count is None else words.number(count)


def _tone(share: float | None) -> str:
    if share is None:
        return ""
    return "ok" if share >= 0.95 else "bad" if share < 0.85 else ""


def _measured(kept: Kept, words: Words) -> str:
    if kept.share is None:
        return words._("no ticket had one")
    return words._(
        "{kept} of {all} tickets",
        kept=words.number(sum(kept.kept)), all=words.number(sum(kept.kept) + sum(kept.missed)),
    )  # fmt: skip


def chapters(figures: Figures, words: Words) -> tuple[Chapter, ...]:
    """Return everything below the first screen."""
    _ = words._
    return (
        Chapter(
            "load", _("How much there was"),
            (_by_severity(figures, words), _by_category(figures, words), _rhythm(figures, words)),
        ),
        Chapter(
            "speed", _("How fast it went"),
            (
                _times(figures, figures.to_own, words, "own", _("Time to own"), _says_own(figures, words)),
                _times(
                    figures, figures.to_resolve, words, "resolve", _("Time to resolve"), _says_resolve(figures, words)
                ),
                _spread(figures, words),
                _ends(figures, words),
            ),
        ),
        Chapter(
            "promise", _("Promises kept"),
            (
                _sla(figures, figures.sla_own, words, "sla-own", _("SLA: time to own")),
                _sla(figures, figures.sla_resolve, words, "sla-resolve", _("SLA: time to resolve")),
            ),
        ),
        Chapter(
            "places", _("Where it came from"),
            (
                _top(figures.hosts, words, "hosts", _("Hosts with most tickets")),
                _top(figures.triggers, words, "triggers", _("Triggers with most tickets")),
            ),
        ),
        Chapter(
            "returns", _("What came back"),
            (_again(figures, words), _flapping(figures, words), _shared(figures, words), _flow(figures, words)),
        ),
        Chapter("itil", _("What was done about the causes"), tuple(_undertaken(figures, words))),
    )  # fmt: skip


@dataclass(frozen=True)
class _Steps:
    """The steps of a report in words, and tables and plots over them."""

    figures: Figures
    words: Words
    labels: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", [self.words.step(one, self.figures.step) for one in self.figures.steps])

    @property
    def name(self) -> str:
        return {"day": self.words._("Day"), "week": self.words._("Week from"), "month": self.words._("Month")}[
            self.figures.step
        ]

    def card(self, id_: str, title: str, says: str, series: Sequence[Series], *, is_wide: bool = False) -> Card:
        """Columns of series; a series without any number has no place in plot and legend."""
        some = [one for one in series if any(one.counts)]
        return Card(
            id_, title, says,
            (lambda width: plots.stacked(self.labels, some, width, 260 if is_wide else 230)) if some else None,
            self.table(some), tuple((one.name, one.colour) for one in reversed(some)), is_wide=is_wide,
        )  # fmt: skip

    def table(self, series: Sequence[Series]) -> Table:
        number = self.words.number
        rows = [
            (label, *(number(one.counts[at]) for one in series), number(sum(one.counts[at] for one in series)))
            for at, label in enumerate(self.labels)
        ]
        total = tuple(number(sum(one.counts)) for one in series)
        whole = number(sum(sum(one.counts) for one in series))
        everything = self.words._("Together")
        return Table((self.name, *(one.name for one in series), everything), (*rows, (everything, *total, whole)))

    def most(self, counts: Sequence[int]) -> str:
        """Say which step had most."""
        at = max(range(len(counts)), key=lambda one: counts[one])
        return (
            self.words._("Most on {step}: {n}.", step=self.labels[at], n=self.words.number(counts[at]))
            if counts[at]
            else ""
        )


def _all(series: Sequence[Sequence[int]]) -> list[int]:
    return [sum(counts) for counts in zip(*series, strict=True)]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _by_severity(figures: Figures, words: Words) -> Card:
    _ = words._
    steps = _Steps(figures, words)
    series = [
        Series(_("Reported by people"), _PEOPLE, figures.by_severity[name])
        if name == PEOPLE
        else Series(words.severity(int(name)), f"var(--s{name})", figures.by_severity[name])
        for name in reversed(SEVERITIES)
    ]
    grave = sum(figures.by_severity["5"]) + sum(figures.by_severity["4"])
    says = _(
        "{grave} of {all} were high or disaster, {share} came from monitoring. {most}",
        grave=words.number(grave), all=words.many("{count} incident", "{count} incidents", figures.incidents),
        share=words.percent(_share(figures.monitored, figures.incidents)),
        most=steps.most(_all(list(figures.by_severity.values()))),
    )  # fmt: skip
    return steps.card("severity", _("Incidents by severity"), says, series, is_wide=True)


def _by_category(figures: Figures, words: Words) -> Card:
    _ = words._
    series = [
        Series(
            _("All others") if one.is_rest else one.name or _("Without a category"),
            _REST if one.is_rest else _CATEGORY_COLOURS[at],
            one.counts,
        )
        for at, one in enumerate(figures.by_category)
    ]
    says = ""
    named = [one for one in figures.by_category if one.name]
    if named:
        first = max(named, key=lambda one: sum(one.counts))
        share = words.percent(_share(sum(first.counts), figures.incidents))
        says = _("The largest category is {name}, with {share}.", name=first.name, share=share)
    return _Steps(figures, words).card("category", _("Incidents by category"), says, series)


def _rhythm(figures: Figures, words: Words) -> Card:
    _ = words._
    days = [words.weekday(number) for number in range(7)]
    office = sum(sum(row[8:18]) for row in figures.rhythm[:5])
    says = _(
        "{share} began from Monday to Friday between 8 and 18 o'clock.",
        share=words.percent(_share(office, figures.incidents)),
    )
    head = (_("Hour"), *days)
    rows = tuple((f"{hour}:00", *(words.number(figures.rhythm[day][hour]) for day in range(7))) for hour in range(24))
    draw: Draw | None = (lambda width: plots.rhythm(days, figures.rhythm, width)) if figures.incidents else None
    return Card("rhythm", _("When incidents begin"), says, draw, Table(head, rows))


def _times(figures: Figures, times: Times, words: Words, id_: str, title: str, says: str) -> Card:
    _ = words._
    steps = _Steps(figures, words)
    rows = [None if one is None else (one.median, one.p90) for one in times.by_step]
    texts = [_of_step(label, one, words) for label, one in zip(steps.labels, times.by_step, strict=True)]
    table = Table(
        (steps.name, _("Tickets"), _("Median"), _("9 of 10 within")),
        tuple(_row(label, one, words) for label, one in zip(steps.labels, times.by_step, strict=True)),
    )
    names = {tick: words.duration(tick) for tick in plots.ticks()}
    draw: Draw | None = (lambda width: plots.durations(steps.labels, rows, names, texts, width)) if times.all else None
    legend = ((_("median"), BRAND), (_("9 of 10 within"), "ring"))
    return Card(id_, title, says, draw, table, legend if times.all else ())


def _says_own(figures: Figures, words: Words) -> str:
    all_ = figures.to_own.all
    if all_ is None:
        return words._("Nobody has taken a ticket yet.")
    return words._(
        "Half were taken within {median}, 9 of 10 within {p90}; {n} counted.",
        median=words.duration(all_.median), p90=words.duration(all_.p90), n=words.number(all_.count),
    )  # fmt: skip


def _says_resolve(figures: Figures, words: Words) -> str:
    all_ = figures.to_resolve.all
    if all_ is None:
        return words._("Nothing is solved yet.")
    return words._(
        "Half were solved within {median}, 9 of 10 within {p90}; {n} counted.",
        median=words.duration(all_.median), p90=words.duration(all_.p90), n=words.number(all_.count),
    )  # fmt: skip


def _of_step(label: str, one: Quantiles | None, words: Words) -> str:
    if one is None:
        return label
    median, p90 = words.duration(one.median), words.duration(one.p90)
    return words._("{step}: median {median}, 9 of 10 within {p90}", step=label, median=median, p90=p90)


def _row(label: str, one: Quantiles | None, words: Words) -> tuple[str, ...]:
    if one is None:
        return (label, words.number(0), words.duration(None), words.duration(None))
    return (label, words.number(one.count), words.duration(one.median), words.duration(one.p90))


def _spread(figures: Figures, words: Words) -> Card:
    _ = words._
    counts = figures.to_resolve.spread
    ends = [words.duration(end) for end in BUCKETS]
    labels = [f"< {ends[0]}", *(f"< {end}" for end in ends[1:]), f"≥ {ends[-1]}"]
    solved = sum(counts)
    says = _("{share} were solved within an hour.", share=words.percent(_share(sum(counts[:2]), solved)))
    table = Table(
        (_("Time to resolve"), _("Tickets"), _("Share")),
        tuple(
            (label, words.number(count), words.percent(_share(count, solved)))
            for label, count in zip(labels, counts, strict=True)
        ),
    )
    draw: Draw | None = (lambda width: plots.columns(labels, counts, width)) if solved else None
    return Card("spread", _("How long until it is solved"), says, draw, table)


def _ends(figures: Figures, words: Words) -> Card:
    _ = words._
    says = _(
        "{share} of what monitoring reported and is solved ended by itself: Zabbix saw it recover.",
        share=words.percent(figures.self_solved_share),
    )
    series = [
        Series(_("Solved by itself"), BRAND, figures.by_itself),
        Series(_("Solved by people"), _CATEGORY_COLOURS[1], figures.by_people),
        Series(_("Still open"), _REST, figures.still_open),
    ]
    return _Steps(figures, words).card("ends", _("How incidents ended"), says, series)


def _sla(figures: Figures, kept: Kept, words: Words, id_: str, title: str) -> Card:
    _ = words._
    says = _("No ticket of this time had such an SLA that could be kept or missed.")
    if kept.share is not None:
        says = _("Kept by {share}: {measured}.", share=words.percent(kept.share), measured=_measured(kept, words))
    series = [Series(_("Kept"), OK, kept.kept), Series(_("Missed"), BAD, kept.missed)]
    return _Steps(figures, words).card(id_, title, says, series)


def _top(found: Sequence[Top], words: Words, id_: str, title: str) -> Card:
    _ = words._
    says = _("The store knows of no problem of Zabbix for these tickets.")
    if found:
        says = words.many(
            "“{name}” is first, with {count} ticket.", "“{name}” is first, with {count} tickets.", found[0].tickets,
            name=_name(found[0]),
        )  # fmt: skip
    bars = [Bar(_name(one), one.tickets, words.number(one.tickets)) for one in found]
    draw: Draw | None = (lambda width: plots.ranked(bars, width)) if bars else None
    return Card(id_, title, says, draw, _table(found, words))


def _name(one: Top) -> str:
    return f"{one.host}: {one.trigger}" if one.trigger else one.host


def _table(found: Sequence[Top], words: Words) -> Table:
    _ = words._
    rows = tuple(
        (_name(one), words.number(one.tickets), words.number(one.problems), words.number(one.returns)) for one in found
    )
    return Table((_("Name"), _("Tickets"), _("Zabbix problems"), _("Returns")), rows)


def _again(figures: Figures, words: Words) -> Card:
    _ = words._
    share = words.percent(_share(sum(figures.again), sum(figures.again) + sum(figures.anew)))
    says = _("{share} of monitoring's tickets had one of the same cause before them.", share=share)
    series = [
        Series(_("First of its cause"), BRAND, figures.anew),
        Series(_("Same cause as an earlier one"), _CATEGORY_COLOURS[4], figures.again),
    ]
    return _Steps(figures, words).card("again", _("Recurring incidents"), says, series)


def _flapping(figures: Figures, words: Words) -> Card:
    _ = words._
    found = figures.flapping
    says = _("Nothing came back.")
    if found:
        says = words.many(
            "“{name}” came back most often: {count} time.", "“{name}” came back most often: {count} times.",
            found[0].returns, name=_name(found[0]),
        )  # fmt: skip
    bars = [Bar(_name(one), one.returns, words.number(one.returns), _CATEGORY_COLOURS[4]) for one in found]
    draw: Draw | None = (lambda width: plots.ranked(bars, width)) if bars else None
    return Card("flapping", _("What returns and flaps most"), says, draw, _table(found, words))


def _shared(figures: Figures, words: Words) -> Card:
    _ = words._
    labels = [str(low) if low == high else f"{low}–{high}" for low, high in zip(SHARED, _highs(), strict=True)]
    labels[-1] = f"≥ {SHARED[-1]}"
    tickets = sum(figures.shared)
    says = _(
        "{share} of monitoring's tickets hold more than one problem: it came back while its ticket was young.",
        share=words.percent(_share(sum(figures.shared[1:]), tickets)),
    )
    table = Table(
        (_("Zabbix problems in one ticket"), _("Tickets"), _("Share")),
        tuple(
            (label, words.number(count), words.percent(_share(count, tickets)))
            for label, count in zip(labels, figures.shared, strict=True)
        ),
    )
    draw: Draw | None = (lambda width: plots.columns(labels, figures.shared, width)) if tickets else None
    return Card("shared", _("Flapping: problems that share a ticket"), says, draw, table)


def _highs() -> tuple[int, ...]:
    return (*(low - 1 for low in SHARED[1:]), SHARED[-1])


def _flow(figures: Figures, words: Words) -> Card:
    _ = words._
    says = _("The store knows of no problem of Zabbix for these tickets.")
    if figures.alerts_per_ticket is not None:
        says = _("{n} alerts became one ticket.", n=words.number(figures.alerts_per_ticket))
    steps = (
        (_("Alerts of Zabbix"), figures.alerts, "var(--rest)"),
        (_("Problems of Zabbix"), figures.problems, _CATEGORY_COLOURS[1]),
        (_("Tickets"), figures.monitored, BRAND),
    )
    bars = [Bar(name, count, words.number(count), colour) for name, count, colour in steps]
    table = Table(("", _("Count")), tuple((name, words.number(count)) for name, count, _colour in steps))
    draw: Draw | None = (lambda width: plots.ranked(bars, width)) if figures.monitored else None
    return Card("flow", _("From alerts to tickets"), says, draw, table)


def _undertaken(figures: Figures, words: Words) -> Iterator[Card]:
    _ = words._
    titles = {"Problem": _("Problems opened"), "Change": _("Changes begun")}
    for kind, title in titles.items():
        one = figures.undertaken.get(kind)
        if one is None:
            says = _("The bridge's account may not read them in GLPI.")
            yield Card(kind.lower(), title, says, None, Table((title,), ()))
        else:
            yield _opened(figures, one, words, kind.lower(), title)


def _opened(figures: Figures, one: Opened, words: Words, id_: str, title: str) -> Card:
    _ = words._
    ours, others = sum(one.from_incidents), sum(one.others)
    says = _("None in this time.")
    if ours or others:
        says = _(
            "{ours} of {all} came from incidents, with {linked}.",
            ours=words.number(ours), all=words.number(ours + others),
            linked=words.many("{count} link to them", "{count} links to them", one.incidents),
        )  # fmt: skip
    series = [
        Series(_("From incidents"), BRAND, one.from_incidents),
        Series(_("Others"), _REST, one.others),
    ]
    return _Steps(figures, words).card(id_, title, says, series)
