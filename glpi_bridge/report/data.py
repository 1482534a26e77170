"""The figures for other programs: as a mapping for JSON, and as one long table for a spreadsheet. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict
from io import StringIO
from typing import Any

from glpi_bridge.report.figures import BUCKETS, SHARED, Figures, Kept, Times, Top

_HEAD = ("figure", "series", "from", "value")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_mapping(figures: Figures) -> dict[str, Any]:
    """Return the figures as docs/how-to/reports.md says: days in ISO 8601, times in seconds, shares from 0 to 1."""
    found = asdict(figures)
    found["self_solved_share"] = figures.self_solved_share
    found["alerts_per_ticket"] = figures.alerts_per_ticket
    found["sla_own"]["share"], found["sla_resolve"]["share"] = figures.sla_own.share, figures.sla_resolve.share
    found["spread_until_seconds"], found["shared_from"] = list(BUCKETS), list(SHARED)
    return found


def as_csv(figures: Figures) -> str:
    """Return one line for each number: which figure, of what, from when (a day, a weekday and hour, or nothing)."""
    written = StringIO()
    lines = csv.writer(written)
    lines.writerow(_HEAD)
    for line in _lines(figures):
        lines.writerow([_cell(cell) for cell in line])
    return written.getvalue()


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a host's name for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


Line = tuple[str, str, str, object]


def _lines(figures: Figures) -> Iterator[Line]:
    for name in ("incidents", "open", "monitored", "alerts", "problems", "self_solved_share", "alerts_per_ticket"):
        yield name, "", "", getattr(figures, name)
    for severity, counts in figures.by_severity.items():
        yield from _series(figures, "incidents by severity", severity, counts)
    for one in figures.by_category:
        yield from _series(figures, "incidents by category", "all others" if one.is_rest else one.name, one.counts)
    for name, counts in (
        ("solved by itself", figures.by_itself),
        ("solved by people", figures.by_people),
        ("still open", figures.still_open),
    ):
        yield from _series(figures, "end", name, counts)
    yield from _series(figures, "recurrence", "first of its cause", figures.anew)
    yield from _series(figures, "recurrence", "same cause as an earlier one", figures.again)
    yield from _times(figures, "time to own", figures.to_own)
    yield from _times(figures, "time to resolve", figures.to_resolve)
    yield from _kept(figures, "SLA, time to own", figures.sla_own)
    yield from _kept(figures, "SLA, time to resolve", figures.sla_resolve)
    for name, found in (("host", figures.hosts), ("trigger", figures.triggers), ("returns", figures.flapping)):
        yield from _tops(name, found)
    for day, hours in enumerate(figures.rhythm):
        for hour, count in enumerate(hours):
            yield "rhythm", "", f"{day + 1} {hour:02}:00", count
    for low, count in zip(SHARED, figures.shared, strict=True):
        yield "problems in one ticket", f"from {low}", "", count
    for kind, opened in figures.undertaken.items():
        yield from _series(figures, kind, "from incidents", opened.from_incidents)
        yield from _series(figures, kind, "others", opened.others)


def _series(figures: Figures, name: str, series: str, counts: tuple[int, ...]) -> Iterator[Line]:
    for start, count in zip(figures.steps, counts, strict=True):
        yield name, series, start.isoformat(), count


def _times(figures: Figures, name: str, times: Times) -> Iterator[Line]:
    whole = ("", times.all)
    for start, one in [whole, *zip((step.isoformat() for step in figures.steps), times.by_step, strict=True)]:
        if one is not None:
            yield name, "count", start, one.count
            yield name, "median seconds", start, one.median
            yield name, "p90 seconds", start, one.p90


def _kept(figures: Figures, name: str, kept: Kept) -> Iterator[Line]:
    yield from _series(figures, name, "kept", kept.kept)
    yield from _series(figures, name, "missed", kept.missed)


def _tops(name: str, found: tuple[Top, ...]) -> Iterator[Line]:
    for one in found:
        of = f"{one.host}: {one.trigger}" if one.trigger else one.host
        yield f"{name}, tickets", of, "", one.tickets
        yield f"{name}, problems", of, "", one.problems
        yield f"{name}, returns", of, "", one.returns
