"""itil: Problems of recurring incidents, and Changes that end them, from a shell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.common import json_option, print_json, with_settings
from glpi_bridge.model import Often, Sameness
from glpi_bridge.text import counted
from glpi_bridge.units import Mistake

if TYPE_CHECKING:
    from glpi_bridge.config import Settings
    from glpi_bridge.context import Context
    from glpi_bridge.undertaking import Undertaking

_SAMENESS = click.Choice([str(one) for one in Sameness])


class _OftenType(click.ParamType):  # type: ignore[type-arg]  # generic in click's stubs of 8.4 only
    name = "often"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Often:
        from glpi_bridge.rulefile import often

        if isinstance(value, Often):
            return value
        try:
            read = often(value)
        except Mistake as mistake:
            self.fail(f"{mistake.found}; {mistake.advice}", param, ctx)
        if read is None:
            self.fail("never is not how often; write it as in `5 in 7 days`", param, ctx)
        return read


_after_option = click.option(
    "--after",
    default="5 in 7 days",
    show_default=True,
    type=_OftenType(),
    metavar="OFTEN",
    help="How often, in what time.",
)


@click.group()
def itil() -> None:
    """Problems of recurring incidents, the Changes that end them, and what their work has in Zabbix."""


@itil.group()
def problem() -> None:
    """Look for what recurs; open, link, show and list Problems of GLPI."""


@contextmanager
def _bridge(settings: Settings) -> Iterator[Context]:
    from glpi_bridge import build

    with build.bridge(settings) as context:
        yield context


@problem.command()
@_after_option
@click.option("--same", type=_SAMENESS, help="What recurs: the same key, host or category. Default: each of them.")
@json_option
@with_settings
def suggest(settings: Settings, /, after: Often, same: str | None, as_json: bool) -> None:
    """List what recurs so often that it could be a Problem.

    Reads the store and the rules only; changes nothing. The cause in the first column is what `open` takes.
    """
    from glpi_bridge.itil import desk

    with _bridge(settings) as context:
        found = desk.suggest(context, after, [Sameness(same)] if same else list(Sameness))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        known = f", problem {one.problem_id}" if one.problem_id else ""
        tickets = counted(len(one.tickets), "ticket")
        click.echo(f"{one.cause}  same {one.same:<9}{one.count:>4} times, {tickets}: {one.what}{known}")
    click.echo(f"causes that recurred {after}: {len(found)}")


@problem.command("open")
@click.argument("cause", required=False)
@click.option(
    "--ticket", "tickets", multiple=True, type=int, metavar="NUMBER", help="A ticket to link; may be repeated."
)
@_after_option
@json_option
@with_settings
def open_(settings: Settings, /, cause: str | None, tickets: tuple[int, ...], after: Often, as_json: bool) -> None:
    """Open a Problem for a CAUSE that `suggest` names, or for tickets.

    Writes to GLPI: the Problem, with a table of the occurrences, and its links. One that is under way for the same
    cause is not opened again.
    """
    from glpi_bridge.itil import desk

    if bool(cause) == bool(tickets):
        raise click.UsageError("give a CAUSE that `itil problem suggest` names, or tickets by --ticket NUMBER")
    with _bridge(settings) as context:
        if cause:
            made = desk.open_cause(context, cause, after.within)
        else:
            made = desk.open_tickets(context, list(tickets), "opened by a person for these tickets")
    _say(made, as_json=as_json)


@itil.command()
@click.argument("ticket", type=int, metavar="TICKET")
@click.option("--reason", default="The incident cannot be resolved as such.", show_default=True, help="Why.")
@json_option
@with_settings
def escalate(settings: Settings, /, ticket: int, reason: str, as_json: bool) -> None:
    """Make a Problem of one incident that cannot be resolved. Writes to GLPI: the Problem and its link."""
    from html import escape

    from glpi_bridge.itil import desk

    with _bridge(settings) as context:
        made = desk.open_tickets(context, [ticket], escape(reason, quote=False))
    _say(made, as_json=as_json)


@problem.command()
@click.argument("number", type=int, metavar="PROBLEM")
@click.argument("ticket", type=int, metavar="TICKET")
@json_option
@with_settings
def link(settings: Settings, /, number: int, ticket: int, as_json: bool) -> None:
    """Link a ticket to a Problem, whoever made it. Writes to GLPI."""
    from glpi_bridge.itil import desk

    with _bridge(settings) as context:
        made = desk.link(context, number, ticket)
    _say(made, as_json=as_json)


@problem.command()
@click.argument("number", type=int, metavar="PROBLEM")
@json_option
@with_settings
def show(settings: Settings, /, number: int, as_json: bool) -> None:
    """Show a Problem: status, text, workaround, tickets. Reads GLPI, changes nothing."""
    from glpi_bridge.itil import desk

    with _bridge(settings) as context:
        found = desk.show(context, number)
    if as_json:
        print_json(found)
        return
    click.echo(f"problem {found['id']}, status {found['status']}, urgency {found['urgency']}: {found['name']}")
    click.echo(f"tickets {', '.join(map(str, found['tickets'])) or 'none'}")
    if found["workaround"]:
        click.echo(found["workaround"])
    click.echo(f"\n{found['text']}")


@problem.command("list")
@json_option
@with_settings
def list_(settings: Settings, /, as_json: bool) -> None:
    """List the Problems that the bridge follows. Reads the store only."""
    from glpi_bridge.itil import desk

    with _bridge(settings) as context:
        found = desk.listed(context)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        tickets = ", ".join(map(str, one.tickets)) or "none"
        click.echo(f"{one.id or '-':<8}{one.state}; {one.reason}; tickets {tickets}")
    click.echo(f"problems: {len(found)}")


@itil.group()
def change() -> None:
    """Begin Changes of GLPI from Problems, and list them."""


@change.command("from-problem")
@click.argument("number", type=int, metavar="PROBLEM")
@click.option("--approver", "users", multiple=True, help="A user, by log-in name, who is asked; may be repeated.")
@click.option("--approver-group", "groups", multiple=True, help="A group that is asked; may be repeated.")
@json_option
@with_settings
def from_problem(
    settings: Settings, /, number: int, users: tuple[str, ...], groups: tuple[str, ...], as_json: bool
) -> None:
    """Begin a Change that is to end a Problem.

    Writes to GLPI: the Change with texts to begin its plans with, its link to the Problem, the assets of the Problem's
    incidents, and requests for approval. One that is under way for the Problem is not begun again.
    """
    from glpi_bridge.itil import desk

    with _bridge(settings) as context:
        made = desk.change_from(context, number, users, groups)
    _say(made, as_json=as_json)


@change.command("list")
@json_option
@with_settings
def list_changes(settings: Settings, /, as_json: bool) -> None:
    """List the Changes that the bridge follows, with their maintenance in Zabbix. Reads the store only."""
    from glpi_bridge.itil import desk
    from glpi_bridge.undertaking import Kind

    with _bridge(settings) as context:
        found = desk.listed(context, Kind.CHANGE)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        maintenance = f"; maintenance in {one.maintenance}" if one.maintenance else ""
        click.echo(f"{one.id or '-':<8}{one.state}; for {one.cause}{maintenance}")
    click.echo(f"changes: {len(found)}")


@change.command("show")
@click.argument("number", type=int, metavar="CHANGE")
@json_option
@with_settings
def show_change(settings: Settings, /, number: int, as_json: bool) -> None:
    """Show a Change: its planned work, and what that has in Zabbix. Reads GLPI and the store, changes nothing."""
    from glpi_bridge.itil import desk

    with _bridge(settings) as context:
        found = desk.show_change(context, number)
    if as_json:
        print_json(found)
        return
    click.echo(f"change {found['id']}, status {found['status']}: {found['name']}")
    click.echo(f"planned {_spans(found['planned'])}")
    for one in found["maintenance"]:
        hosts = ", ".join(one["hosts"]) or "no hosts"
        click.echo(f"Zabbix {one['zabbix']}, {one['name']}: {one['state']}; {hosts}; {_spans(one['times'])}")
    if not found["maintenance"]:
        click.echo("no maintenance in Zabbix")


def _spans(times: list[list[str]]) -> str:
    return ", ".join(f"{since} to {till}" for since, till in times) or "nothing"


def _say(made: Undertaking, *, as_json: bool) -> None:
    """Print what became of it; exit 1 if GLPI does not have it yet."""
    from glpi_bridge.itil import desk

    one = desk.of(made)
    if as_json:
        print_json(asdict(one))
    elif one.id is None:
        click.echo(
            f"GLPI has no {made.kind.lower()} yet, it is tried again by `run` or `deliver`: {one.state}", err=True
        )
    else:
        click.echo(f"{made.kind.lower()} {one.id}; tickets {', '.join(map(str, one.tickets)) or 'none'}; {one.state}")
    if one.id is None:
        raise SystemExit(1)
