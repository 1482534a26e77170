"""ticket: create, show, list, from a shell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.common import json_option, print_json, with_settings
from glpi_bridge.model import Draft, Level, TicketStatus, TicketType

if TYPE_CHECKING:
    from glpi_bridge.admin.ticket import Listed
    from glpi_bridge.config import Settings
    from glpi_bridge.glpi import Glpi, Names

_LEVELS = {level.name.lower().replace("_", " "): level for level in Level}
_LEVEL = click.Choice(list(_LEVELS))
_STATUSES = (*(status.name.lower() for status in TicketStatus), "open", "finished")
_TYPES = {kind.name.lower(): kind for kind in TicketType}


@click.group()
def ticket() -> None:
    """Create, show or list tickets of GLPI from a shell, by the bridge's account."""


@contextmanager
def _glpi(settings: Settings) -> Iterator[tuple[Glpi, Names]]:
    from glpi_bridge import build
    from glpi_bridge.glpi import Names

    client = build.glpi(settings)
    try:
        yield client, Names(client)
    finally:
        client.close()


@ticket.command()
@click.option("--title", required=True, help="The ticket's title.")
@click.option("--content", default="", help="Its text (plain; line ends are kept). Default: the title.")
@click.option(
    "--type", "type_", type=click.Choice(list(_TYPES)), default="incident", show_default=True, help="Its type."
)
@click.option("--category", help="ITIL category by its path, as in `Monitoring > Disk`.")
@click.option("--urgency", type=_LEVEL, default="medium", show_default=True, help="Its urgency.")
@click.option("--impact", type=_LEVEL, default="medium", show_default=True, help="Its impact.")
@click.option("--entity", help="Entity by its path; default: the account's.")
@click.option("--group", "groups", multiple=True, help="An assigned group; may be repeated.")
@click.option("--technician", "technicians", multiple=True, help="An assigned user by log-in name; may be repeated.")
@click.option("--requester", "requesters", multiple=True, help="A requesting user by log-in name; may be repeated.")
@click.option("--location", help="Location by its path.")
@click.option("--request-source", help="Request source, as in `Zabbix`.")
@json_option
@with_settings
def create(settings: Settings, /, as_json: bool, type_: str, urgency: str, impact: str, **given: Any) -> None:
    """Create one ticket in GLPI and print its number.

    Writes to GLPI. Names that GLPI has not are left out and said, an unknown entity refuses the ticket.
    """
    from glpi_bridge.admin import ticket as tickets

    draft = Draft(
        **{**given, "content": given["content"] or given["title"]},
        type=_TYPES[type_],
        urgency=_LEVELS[urgency],
        impact=_LEVELS[impact],
    )
    with _glpi(settings) as (client, names):
        made = tickets.create(client, names, draft)
    link = settings.glpi.link(made.id)
    if as_json:
        print_json({"id": made.id, "link": link, "left_out": list(made.left_out)})
    else:
        click.echo(f"ticket {made.id}: {link}")
        for words in made.left_out:
            click.echo(words, err=True)


@ticket.command()
@click.argument("ticket_id", metavar="NUMBER", type=int)
@json_option
@with_settings
def show(settings: Settings, ticket_id: int, as_json: bool) -> None:
    """Show a ticket: status, category, groups, text and timeline. Reads GLPI, changes nothing."""
    from glpi_bridge.admin import ticket as tickets

    with _glpi(settings) as (client, _):
        whole = tickets.show(client, ticket_id)
    link = settings.glpi.link(ticket_id)
    if as_json:
        timeline = [asdict(entry) for entry in whole.timeline]
        print_json({**asdict(whole.ticket), "link": link, "text": whole.text, "timeline": timeline})
        return
    click.echo(_line(whole.ticket))
    one = whole.ticket
    click.echo(f"priority {one.priority}, urgency {one.urgency}, entity {one.entity}, opened {one.opened}, {link}")
    if whole.ticket.groups:
        click.echo(f"group {', '.join(whole.ticket.groups)}")
    click.echo(whole.text)
    for entry in whole.timeline:
        click.echo(f"\n{entry.date} {'private ' if entry.is_private else ''}{entry.kind}\n{entry.text}")


@ticket.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Its status; `open`, `finished`: several.")
@click.option("--category", help="A category by its path, and those below it.")
@click.option("--text", help="A part of the title.")
@click.option("--source", help="Tickets of this source of the bridge.")
@click.option("--mine", is_flag=True, help="Tickets that the bridge's account has made.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many, newest first.")
@json_option
@with_settings
def list_(settings: Settings, /, as_json: bool, **given: Any) -> None:
    """List tickets, newest first. Reads GLPI, changes nothing."""
    from glpi_bridge.admin import ticket as tickets

    with _glpi(settings) as (client, names):
        found, total = tickets.list_(client, names, **given)
    if as_json:
        print_json({"total": total, "tickets": [asdict(one) for one in found]})
        return
    for one in found:
        click.echo(_line(one))
    click.echo(f"{len(found)} of {total}")


def _line(one: Listed) -> str:
    return f"{one.id:<8}{one.status:<10}{one.category or '(no category)'}: {one.name}"
