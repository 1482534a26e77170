"""`glpi-bridge demo`: see it work, without a GLPI and a Zabbix."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from glpi_bridge import share
from glpi_bridge.cli.common import in_words, json_option, print_json
from glpi_bridge.sandbox import demo as show
from glpi_bridge.sandbox.tally import Tally

_COLUMNS = ("Event", "Ticket", "Title", "Category", "Urgency", "Status", "Link")


@click.command()
@click.option("--once", is_flag=True, help="Print the result and end, instead of staying up until Ctrl-C.")
@click.option(
    "--glpi-version",
    type=click.Choice(sorted(show.VERSIONS)),
    default="10",
    show_default=True,
    help="The GLPI that the stand-in answers as.",
)
@json_option
def demo(once: bool, glpi_version: str, as_json: bool) -> None:
    """Show five problems become tickets, on this machine alone.

    Starts stand-ins for Zabbix and GLPI on 127.0.0.1, the real alert script and the real daemon, and lets five
    problems, an update and a recovery happen; a host that fails twice gets a Problem, and that a Change. Calls no
    other machine; leaves nothing behind.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with in_words(), show.stage(glpi_version, _health) as on:
        tell = (lambda _: None) if as_json else click.echo
        show.play(on, tell)
        tally = show.change(on, tell)
        if as_json:
            print_json(asdict(tally))
        else:
            _print(tally)
        if not once:
            _stay(on, quiet=as_json)
    if tally.lost or tally.duplicates:
        raise SystemExit(1)


def _print(tally: Tally) -> None:
    rows = [tuple(str(getattr(ticket, name)) for name in _FIELDS) for ticket in tally.tickets]
    if sys.stdout.isatty():
        table = Table(*_COLUMNS[:-1], Column(_COLUMNS[-1], overflow="fold"), box=SIMPLE_HEAD, pad_edge=False)
        for *cells, link in rows:
            table.add_row(*cells, Text(link, style=f"link {link}"))
        Console().print(table)
    else:
        widths = [max(len(row[at]) for row in (_COLUMNS, *rows)) for at in range(len(_COLUMNS))]
        for row in (_COLUMNS, *rows):
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for problem in tally.problems:
        click.echo(
            f"Problem {problem.id}: {problem.name}; tickets {', '.join(map(str, problem.tickets))}; {problem.link}"
        )
    for change in tally.changes:
        click.echo(f"Change {change.id}: {change.name}; problem {', '.join(map(str, change.problems))}; {change.link}")
    click.echo(f"{tally.alerts} alerts, {tally.lost} lost, {tally.duplicates} duplicates")


_FIELDS = ("event", "id", "name", "category", "urgency", "status", "link")


def _stay(on: show.Stage, *, quiet: bool) -> None:
    """Keep everything up until Ctrl-C, which may come while we still speak."""
    try:
        if not quiet:
            _name_what_is_next(on)
        threading.Event().wait()
    except KeyboardInterrupt:
        if not quiet:
            click.echo("\nended; nothing is left behind")


def _health(settings: Path) -> Mapping[str, Any]:
    from glpi_bridge.admin.status import status
    from glpi_bridge.cli.status import public
    from glpi_bridge.config import load

    return public(status(load(settings, secrets=False), time.time()))


def _name_what_is_next(on: show.Stage) -> None:
    show.people_ask(on.glpi)
    click.echo("\nPortal and panel, in a browser:")
    example = shlex.quote(str(share.path("config", "bridge.yml")))
    for who, name, password, site in show.PEOPLE:
        click.echo(f"{who:14} {on.sites.url}/{site}/   name {name}, password {password}")
    click.echo(
        f"\nLook at it:  GLPI    {on.glpi.root}/\n"
        f"             Zabbix  {on.zabbix.url}/\n"
        f"             settings, rules and log in {on.directory}\n\n"
        "Next, with your own GLPI and Zabbix: copy the example of the settings to /etc/glpi-bridge/bridge.yml,\n"
        "fill in two addresses and two tokens, and ask what is still missing:\n"
        f"             install -D -m 640 {example} /etc/glpi-bridge/bridge.yml\n"
        "             glpi-bridge check\n\n"
        "Ctrl-C ends the demo and removes everything it made."
    )
