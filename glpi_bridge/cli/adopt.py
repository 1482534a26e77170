"""adopt: a person's word after a restore, or about a write in doubt."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from glpi_bridge.cli.common import json_option, print_json, progress, with_settings
from glpi_bridge.text import counted

if TYPE_CHECKING:
    from glpi_bridge.admin.adopt import Adopted, Change
    from glpi_bridge.config import Settings


@click.command()
@click.option(
    "--missing",
    type=click.Choice(["again", "leave"]),
    default="leave",
    show_default=True,
    help="Where GLPI has lost the ticket of a problem that is still open: make it again, or leave it.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--ticket", "ticket_id", type=int, help="This ticket is that of the write in doubt.")
@click.option("--again", is_flag=True, help="The write in doubt is not in GLPI: write it again.")
@click.option("--event", metavar="SOURCE/EVENTID", help="Which write in doubt is meant, where there are several.")
@json_option
@with_settings
def adopt(
    settings: Settings,
    missing: str,
    dry_run: bool,
    ticket_id: int | None,
    again: bool,
    event: str | None,
    as_json: bool,
) -> None:
    """Read our markers in GLPI anew after it (or the store) was restored, set told numbers right, and go on.

    Reads GLPI, writes to the store, and ends a stop; what is owed again is written with the next pass. With --ticket
    or --again it decides a single write in doubt instead, which only a person can.
    """
    from glpi_bridge import build
    from glpi_bridge.admin import adopt as adopting

    if ticket_id is not None and again:
        raise click.UsageError("--ticket and --again exclude each other")
    with build.bridge(settings) as context:
        if ticket_id is not None:
            marker = adopting.claim_ticket(context, ticket_id, event)
            _say({"marker": marker, "ticket": ticket_id}, f"ticket {ticket_id} is that of {marker}", as_json)
        elif again:
            marker = adopting.owe_again(context, event)
            _say({"marker": marker, "ticket": None}, f"{marker} is written again with the next pass", as_json)
        else:
            with progress() as tick:
                report = adopting.adopt(context, adopting.Missing(missing), dry_run=dry_run, tick=tick)
            _report(report, dry_run, as_json)


def _say(value: dict[str, object], words: str, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        click.echo(words)


def _report(report: Adopted, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(report), "dry_run": dry_run})
        return
    if dry_run:
        click.echo("nothing is changed (--dry-run)")
    click.echo(f"{counted(report.tickets, 'ticket')} of ours found in GLPI by their markers")
    for change in report.changes:
        click.echo(f"{change.marker}: {_words(change)}")
    click.echo(
        f"{counted(report.retold, 'incident')} whose ticket is the same and whose notes, solution or status are not"
    )
    if report.in_flight:
        click.echo(f"in flight or in doubt: {counted(report.in_flight, 'write')}, settled in a while without you")
    if report.was_stopped and not dry_run:
        click.echo(f"no longer stopped: {report.was_stopped}")


def _words(change: Change) -> str:
    if change.after is not None:
        return f"told was ticket {change.before or 'none'}, it is ticket {change.after}"
    if change.is_again:
        return f"ticket {change.before} is not in GLPI any more: it is made again"
    return (
        f"ticket {change.before} is not in GLPI any more: left so (`--missing again` makes those of open problems anew)"
    )
