"""status: how it stands."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.common import json_option, print_json, with_calm_settings
from glpi_bridge.text import counted, spoken

if TYPE_CHECKING:
    from glpi_bridge.admin.status import Doubt, Status
    from glpi_bridge.config import Settings

_NOTICES_SHOWN = 20


@click.command()
@json_option
@click.option("--public-json", is_flag=True, help="Print numbers and states only, for the panel; exit code 0.")
@with_calm_settings
def status(settings: Settings, as_json: bool, public_json: bool) -> None:
    """Say what waits, what is in doubt, what is parked, and what needs a person; then the exit code is 1.

    Reads the store and the spool; calls nobody and changes nothing.
    """
    from glpi_bridge.admin.status import status as read_status

    found = read_status(settings, time.time())
    if public_json:
        print_json(public(found))
        return
    if as_json:
        print_json(as_mapping(found))
    else:
        _print(found)
    if found.needs_person:
        raise SystemExit(1)


def as_mapping(found: Status) -> dict[str, Any]:
    """Return a status as docs/reference/status.md describes it: times in ISO 8601, ages in seconds."""
    counts = found.counts
    oldest = found.oldest
    return {
        "ok": not found.needs_person,
        "needs_person": list(found.needs_person),
        "at": _iso(found.at),
        "last_pass": _iso(found.last_pass),
        "last_sync": _iso(found.last_sync),
        "stopped": found.stopped,
        "paused": None if found.paused is None else {**found.paused, "since": _iso(found.paused["since"])},
        "oldest_undelivered_seconds": None if oldest is None else round(found.at - oldest, 1),
        "spool": {"waiting": found.spool.waiting, "bad": found.spool.bad, "error": found.spool.error or None},
        "queue": {
            "unsorted": counts.unsorted if counts else 0,
            "due": counts.due if counts else 0,
            "held": counts.later if counts else 0,
            "sending": found.sending,
            "in_doubt": len(found.in_doubt),
            "parked": counts.parked if counts else 0,
            "acknowledgements": counts.acknowledgements if counts else 0,
            "acknowledgements_parked": counts.acknowledgements_parked if counts else 0,
            "undertakings_parked": found.undertakings_parked,
        },
        "in_doubt": [_doubt(one) for one in found.in_doubt],
        "troubles": [
            {
                "target": one.target,
                "text": one.text,
                "since": _iso(one.since),
                "next_try": _iso(one.next_try),
                "failures": one.failures,
                "needs_person": one.is_held,
            }
            for one in found.troubles
        ],
        "drift": dict(found.drift),
        "duplicates": {str(id_): original for id_, original in found.duplicates.items()},
        "not_adopted": found.not_adopted,
        "counters": {
            "alerts": found.alerts,
            "tickets": found.tickets,
            "incidents": counts.incidents if counts else 0,
            "unfinished": counts.unfinished if counts else 0,
        },
        "notices": [
            {**asdict(one), "first_at": _iso(one.first_at), "last_at": _iso(one.last_at)} for one in found.notices
        ],
        "versions": dict(found.versions),
    }


def public(found: Status, interval_seconds: float = 60) -> dict[str, Any]:
    """Return what anybody may read: numbers, times and versions; no host, person, ticket or text.

    `interval_seconds` is how often it is written: a reader takes one that is three times as old for stale.
    """
    counts = found.counts
    return {
        "ok": not found.needs_person,
        "at": _iso(found.at),
        "interval_seconds": interval_seconds,
        "alerts": found.alerts,
        "tickets": found.tickets,
        "waiting": found.spool.waiting + (counts.unsorted + counts.due if counts else 0),
        "oldest_seconds": None if found.oldest is None else round(found.at - found.oldest, 1),
        "parked": counts.parked if counts else 0,
        "in_doubt": len(found.in_doubt),
        "last_pass": _iso(found.last_pass),
        "last_sync": _iso(found.last_sync),
        "versions": {name: value for name, value in found.versions.items() if name != "python"},
    }


def _doubt(one: Doubt) -> Mapping[str, Any]:
    return {
        "id": one.id,
        "operation": one.operation,
        "items": list(one.items),
        "incidents": list(one.incidents),
        "since": _iso(one.since),
        "why": one.why,
        "next": one.next,
        "next_at": _iso(one.next_at),
        "needs_person": one.needs_person,
    }


def _iso(epoch: float | None) -> str | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")


def _print(found: Status) -> None:
    told = as_mapping(found)
    queue = told["queue"]
    _line("needs a person", *(found.needs_person or ("nothing",)))
    oldest = found.oldest
    age = "" if oldest is None else f"; the oldest came {_ago(found.at, oldest)}"
    _line("spool", f"{found.spool.waiting} waiting, {found.spool.bad} bad{age}")
    _line(
        "queue",
        f"{queue['due'] + queue['unsorted']} due, {queue['held']} held, {queue['sending']} being sent, "
        f"{queue['in_doubt']} in doubt, {queue['parked']} parked",
    )
    parked = queue["acknowledgements_parked"]
    _line("notes to Zabbix", f"{queue['acknowledgements']} due, {parked} parked")
    for one in found.in_doubt:
        why = f"{one.operation} of {', '.join(one.items)}, sent {_ago(found.at, one.since)}: {one.why}"
        _line("in doubt", why, f"next {_in(found.at, one.next_at)}: {one.next}")
    for trouble in found.troubles:
        since = f"since {_ago(found.at, trouble.since)}, {counted(trouble.failures, 'time')}"
        _line("trouble", f"{trouble.target}: {trouble.text}", f"{since}; next try {_in(found.at, trouble.next_try)}")
    for words, count in found.drift.items():
        _line("differs", f"{count} {words}")
    for id_, original in found.duplicates.items():
        _line("duplicate", f"ticket {id_} repeats ticket {original}; sync closes it")
    if found.not_adopted:
        _line("not adopted", f"{counted(found.not_adopted, 'problem')} that no alert told about (setting `adopt`)")
    for notice in found.notices[:_NOTICES_SHOWN]:
        _line("noticed", f"{notice.text} ({counted(notice.count, 'time')}, last {_ago(found.at, notice.last_at)})")
    if len(found.notices) > _NOTICES_SHOWN:
        _line("noticed", f"and {len(found.notices) - _NOTICES_SHOWN} more: --json has all")
    counters = told["counters"]
    _line(
        "so far",
        f"{counted(counters['alerts'], 'alert')}, {counted(counters['tickets'], 'ticket')} made; "
        f"{counted(counters['incidents'], 'incident')} held, "
        f"{counters['unfinished']} of them not finished",
    )
    _line("last pass", _ago(found.at, found.last_pass))
    _line("last sync", _ago(found.at, found.last_sync))
    _line("versions", ", ".join(f"{name} {version}" for name, version in found.versions.items()))


def _ago(now: float, epoch: float | None) -> str:
    return "never" if epoch is None else f"{spoken(timedelta(seconds=max(0.0, now - epoch)))} ago"


def _in(now: float, epoch: float) -> str:
    return "now" if epoch <= now else f"in {spoken(timedelta(seconds=epoch - now))}"


def _line(name: str, *texts: str) -> None:
    for number, text in enumerate(texts):
        click.echo(f"{name if number == 0 else '':<16}{text}")
