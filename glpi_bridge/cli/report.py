"""report: what became of the incidents of a time, as a page to look at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glpi_bridge.cli.common import in_words, json_option, print_json, set_up_log
from glpi_bridge.units import Mistake, system_zone, zone

if TYPE_CHECKING:
    from glpi_bridge.report.figures import Figures
    from glpi_bridge.report.page import About
    from glpi_bridge.report.period import Period
    from glpi_bridge.report.read import Progress

_LANGUAGES = ("en", "es", "fr")


def _zone(_context: click.Context, _option: click.Parameter, value: str | None) -> tzinfo:
    try:
        return system_zone() if value is None else zone(value)
    except Mistake as mistake:
        raise click.BadParameter(f"{mistake.found}; {mistake.advice}") from None


@click.command()
@click.option("--from", "first", metavar="DAY", help="The first day, as 2026-11-01. Default: 30 days up to --to.")
@click.option("--to", "last", metavar="DAY", help="The last day, which counts whole. Default: yesterday.")
@click.option("--last", "length", metavar="LENGTH", help="Instead of two days: how long, up to yesterday, as 7d or 4w.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The directory for the page, incidents-FROM-TO.html; it must be there.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write the numbers beside the page, too: incidents-FROM-TO.csv.")
@click.option("--language", type=click.Choice(_LANGUAGES), default="en", show_default=True, help="Of the page.")
@click.option("--timezone", callback=_zone, metavar="ZONE", help="In which days begin. Default: this machine's zone.")
@click.option(
    "--demo", is_flag=True, help="Show it on a made-up month of the sandbox; needs no settings, calls nobody."
)
@json_option
def report(
    first: str | None,
    last: str | None,
    length: str | None,
    out: Path | None,
    as_csv: bool,
    language: str,
    timezone: tzinfo,
    demo: bool,
    as_json: bool,
) -> None:
    """Write a page about the incidents of a time: how many, how fast, what came back.

    Reads GLPI and the store, page by page, and changes nothing in either. The page is one file without scripts; it
    names hosts, so it is readable for its owner and group only. Its plots need the extra `report`. Without --out the
    main numbers are printed.
    """
    if as_csv and out is None:
        raise click.UsageError("--csv writes beside the page: name its directory with --out DIR")
    if demo and (first or last or length):
        raise click.UsageError("--demo has a month of its own: leave --from, --to and --last out")
    from glpi_bridge.report import memory

    with in_words():
        if out is not None:
            _can_be_written(out)
        with _progress() as (reading, drawing):
            figures, about = _demo(reading) if demo else _real(_period(first, last, length, timezone), reading)
            memory.give_back()
            written = [] if out is None else _write(figures, about, language, out, drawing, as_csv=as_csv)
    if as_json:
        from glpi_bridge.report.data import as_mapping

        print_json(as_mapping(figures))
    else:
        click.echo("\n".join(map(str, written) if written else _told(figures, language)))


def _told(figures: Figures, language: str) -> list[str]:
    """What the page shows first, in lines."""
    from glpi_bridge.report.cards import tiles
    from glpi_bridge.report.words import Words

    shown = tiles(figures, Words(language))
    width = max(len(one.name) for one in shown)
    return [f"{one.name:<{width}}  {one.value} ({one.note})" for one in shown]


def _period(first: str | None, last: str | None, length: str | None, timezone: tzinfo) -> Period:
    from glpi_bridge.report.period import period

    try:
        return period(first, last, length, timezone, datetime.now(UTC))
    except Mistake as mistake:
        raise click.UsageError(f"{mistake.found}; {mistake.advice}") from None


def _can_be_written(out: Path) -> None:
    from glpi_bridge.report import files, plots

    files.check(out)
    plots.check()


def _real(period: Period, reading: Progress) -> tuple[Figures, About]:
    from urllib.parse import urlsplit

    from glpi_bridge import build
    from glpi_bridge.config import load
    from glpi_bridge.errors import StoreError
    from glpi_bridge.report import read
    from glpi_bridge.report.page import About
    from glpi_bridge.store import Store

    settings = load(click.get_current_context().obj)
    set_up_log(settings.log.level, settings.log.format)
    now = datetime.now(UTC)
    if settings.store.url is None and not settings.store.path.exists():
        raise StoreError(f"the store {settings.store.path} is not there yet: start `glpi-bridge run`, or name another")
    with closing(Store(build.store_url(settings))) as store, closing(build.glpi(settings)) as glpi:
        figures = read.figures(glpi, store, period, now, reading)
    return figures, About(str(urlsplit(settings.glpi.url).hostname), now.astimezone(period.zone), str(period.zone))


def _demo(reading: Progress) -> tuple[Figures, About]:
    import tempfile

    from glpi_bridge.report import read
    from glpi_bridge.report.page import About
    from glpi_bridge.report.period import Period
    from glpi_bridge.sandbox import month
    from glpi_bridge.store import Store

    with (
        tempfile.TemporaryDirectory(prefix="glpi-bridge-report-") as place,
        closing(Store(f"sqlite:///{place}/bridge.db")) as store,
        month.standin(store) as glpi,
    ):
        figures = read.figures(glpi, store, Period(month.FIRST, month.LAST), month.NOW, reading)
    return figures, About("Sandbox", month.NOW, "UTC")


def _write(
    figures: Figures, about: About, language: str, out: Path, drawing: Callable[[int, int], None], *, as_csv: bool
) -> list[Path]:
    from glpi_bridge.report import data, files
    from glpi_bridge.report.page import page
    from glpi_bridge.report.words import Words

    name = f"incidents-{figures.first}-{figures.last}"
    written = [files.put(out, f"{name}.html", page(figures, Words(language), about, drawing))]
    if as_csv:
        written.append(files.put(out, f"{name}.csv", data.as_csv(figures)))
    return written


@contextmanager
def _progress() -> Iterator[tuple[Progress, Callable[[int, int], None]]]:
    """Give what shows how far reading and drawing are, on a terminal; elsewhere they show nothing."""
    if not sys.stderr.isatty():
        yield lambda _part, _count: None, lambda _number, _all: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        reads, draws = shown.add_task("reading", total=1.0), shown.add_task("drawing", total=None, visible=False)
        yield (
            lambda part, count: shown.update(reads, completed=part, description=f"reading, {count} incidents"),
            lambda number, all_: shown.update(draws, completed=number, total=all_, visible=True),
        )
