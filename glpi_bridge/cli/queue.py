"""queue: list, show, retry, drop what waits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.common import json_option, print_json, with_calm_settings
from glpi_bridge.text import spoken

if TYPE_CHECKING:
    from glpi_bridge.admin.queue import Detail, Pending
    from glpi_bridge.config import Settings
    from glpi_bridge.spool import Rejected
    from glpi_bridge.store.overview import Queued
    from glpi_bridge.undertaking import Undertaking

_MOST = 1000


@click.group()
def queue() -> None:
    """List, show, retry or drop what waits: incidents, problems, changes, and alerts that cannot be read."""


@queue.command("list")
@json_option
@with_calm_settings
def list_(settings: Settings, as_json: bool) -> None:
    """List what waits: incidents (parked, in doubt, due, held), problems and changes that GLPI refuses, bad alerts.

    Changes nothing.
    """
    from glpi_bridge.admin.queue import desk

    now = time.time()
    with desk(settings) as open_desk:
        found = open_desk.all(now)
    if as_json:
        print_json(
            {
                "incidents": [_queued(one) for one in found.incidents],
                "undertakings": [_pending(one) for one in found.undertakings],
                "bad": [_bad(one) for one in found.bad],
            }
        )
        return
    for one in found.incidents:
        ticket = f"ticket {one.ticket_id}" if one.ticket_id else "no ticket"
        side = " (note to Zabbix)" if one.is_acknowledgement else ""
        when = f", next in {spoken(timedelta(seconds=one.due_at - now))}" if one.due_at and one.due_at > now else ""
        click.echo(f"{one.id:<8}{one.standing}{side}{when}: {one.marker}, {ticket}: {one.why}")
    for pending in found.undertakings:
        in_glpi = f"{pending.one.kind.lower()} {pending.one.glpi_id}" if pending.one.glpi_id else "not made yet"
        click.echo(f"{pending.name}  {pending.standing}: {pending.one.marker}, {in_glpi}: {pending.one.state}")
    for bad in found.bad:
        click.echo(f"{bad.name}  unreadable alert: {bad.reason}")
    if len(found.incidents) >= _MOST:
        click.echo(f"only the oldest {_MOST} are listed; `glpi-bridge status` counts all", err=True)
    if not found.incidents and not found.undertakings and not found.bad:
        click.echo("nothing waits")


@queue.command()
@click.argument("name", metavar="ID")
@json_option
@with_calm_settings
def show(settings: Settings, name: str, as_json: bool) -> None:
    """Show one incident, problem or change whole, or why an alert cannot be read. Changes nothing.

    ID is an incident's number, SOURCE/EVENTID of its first event, the name of a problem or change as listed
    (problem-3), or that of an unreadable alert.
    """
    from glpi_bridge.admin.queue import desk

    now = time.time()
    with desk(settings) as open_desk:
        bad = open_desk.bad(name)
        if bad is not None:
            _show(_bad(bad), as_json)
            return
        one = open_desk.undertaking(name)
        if one is not None:
            _show(_undertaking(one), as_json)
            return
        detail = open_desk.detail(name, now)
    _show(_detail(detail), as_json)


def _show(value: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(value)
        return
    for name, text in value.items():
        for number, line in enumerate(text if isinstance(text, list) else [text]):
            shown = ", ".join(f"{key} {part}" for key, part in line.items()) if isinstance(line, dict) else line
            click.echo(f"{name.replace('_', ' ') if number == 0 else '':<16}{'' if shown is None else shown}")


@queue.command()
@click.argument("name", metavar="ID|all")
@json_option
@with_calm_settings
def retry(settings: Settings, name: str, as_json: bool) -> None:
    """Let something be tried again with the next pass: one incident, problem, change or alert, or all that are parked.

    Changes the store, or moves a file in the spool; the next pass then writes to GLPI or Zabbix.
    """
    from glpi_bridge.admin.queue import desk

    with desk(settings) as open_desk:
        said = open_desk.retry(name, time.time())
    _say(said, as_json)


@queue.command()
@click.argument("name", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_calm_settings
def drop(settings: Settings, name: str, yes: bool, as_json: bool) -> None:
    """Let nothing more be written for an incident, problem or change, or delete an alert; says first what that means.

    Changes the store, or deletes a file in the spool; GLPI and Zabbix stay as they are.
    """
    from glpi_bridge.admin.queue import desk

    with desk(settings) as open_desk:
        said = open_desk.would_drop(name)
        if not yes:
            click.confirm(f"{said}. Drop it?", abort=True, err=True)
        open_desk.drop(name, time.time())
    _say(f"dropped: {said}", as_json)


def _say(said: str, as_json: bool) -> None:
    if as_json:
        print_json({"done": said})
    else:
        click.echo(said)


def _queued(one: Queued) -> dict[str, Any]:
    return {
        "id": one.id,
        "marker": one.marker,
        "ticket": one.ticket_id,
        "standing": str(one.standing),
        "side": "Zabbix" if one.is_acknowledgement else "GLPI",
        "why": one.why,
        "since": _iso(one.since),
        "due_at": _iso(one.due_at),
    }


def _pending(one: Pending) -> dict[str, Any]:
    return {**_undertaking(one.one), "standing": str(one.standing)}


def _undertaking(one: Undertaking) -> dict[str, Any]:
    from glpi_bridge.admin.queue import name_of

    return {
        "id": name_of(one),
        "marker": one.marker,
        "in_glpi": one.glpi_id,
        "why": one.parked or one.state,
        "reason": one.given.get("reason"),
        "refusals": one.tries,
        "left_out": sorted(deed for deed, glpi_id in one.told.items() if not glpi_id),
        "since": _iso(one.created_at),
        "finished_at": _iso(one.finished_at),
    }


def _bad(one: Rejected) -> dict[str, Any]:
    return {"name": one.name, "reason": one.reason}


def _detail(one: Detail) -> dict[str, Any]:
    incident = one.owed.incident
    waits = None if one.queued is None else f"{one.queued.standing}: {one.queued.why}"
    return {
        "incident": incident.id,
        "marker": incident.marker,
        "key": incident.key,
        "ticket": incident.told.ticket_id,
        "status": incident.seen.status.name.lower(),
        "waits": waits,
        "next": one.next,
        "refusals": one.owed.tries,
        "doubts": one.owed.doubts,
        "rule": one.route.rule,
        "title": one.route.draft.title,
        "category": one.route.draft.category,
        "events": [
            {
                "eventid": event.eventid,
                "name": event.name,
                "host": event.host,
                "opened_at": None if event.opened_at is None else event.opened_at.isoformat(timespec="seconds"),
                "recovered_at": None
                if event.recovered_at is None
                else event.recovered_at.isoformat(timespec="seconds"),
            }
            for event in one.events
        ],
        "warnings": list(one.route.warnings),
    }


def _iso(epoch: float | None) -> str | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")
