"""explain: which rule an event meets, why, and the ticket it would make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.common import in_words, json_option, print_json
from glpi_bridge.model import Draft, Event, Origin, Severity, Tag
from glpi_bridge.text import spoken, when
from glpi_bridge.units import Mistake, instant, system_zone

if TYPE_CHECKING:
    from glpi_bridge.admin import explain as explaining
    from glpi_bridge.config import Settings
    from glpi_bridge.rules import Explanation

_SEVERITIES = {severity.name.lower().replace("_", " "): severity for severity in Severity}
_FACTS = ("host", "name", "severity", "tags", "groups", "templates", "trigger", "item", "origin")


def _severity(_context: click.Context, _option: click.Parameter, value: str | None) -> Severity | None:
    if value is None:
        return None
    word = " ".join(value.lower().replace("_", " ").split())
    if word in _SEVERITIES:
        return _SEVERITIES[word]
    if word in {str(int(severity)) for severity in Severity}:
        return Severity(int(word))
    raise click.BadParameter(f"{value!r} is not a severity of Zabbix; write one of {', '.join(_SEVERITIES)}")


def _tags(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[Tag, ...]:
    return tuple(Tag(*value.partition("=")[::2]) for value in values)


def _time(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return instant(value, system_zone())
    except Mistake as mistake:
        raise click.BadParameter(f"{mistake.found}; {mistake.advice}") from None


@click.command()
@click.argument("eventid", required=False)
@click.option("--source", metavar="NAME", help="The Zabbix server of the event, as bridge.yml names it (or cron).")
@click.option("--host", help="Technical name of the host of an imagined event.")
@click.option("--name", help="Its name (the problem).")
@click.option("--severity", callback=_severity, help="Its severity: not classified … disaster, or 0 to 5.")
@click.option("--tag", "tags", multiple=True, callback=_tags, metavar="NAME=VALUE", help="A tag; may be repeated.")
@click.option("--group", "groups", multiple=True, help="A host group of the host; may be repeated.")
@click.option("--template", "templates", multiple=True, help="A template of the trigger; may be repeated.")
@click.option("--trigger", help="The trigger's name.")
@click.option("--item", help="The item's key.")
@click.option("--origin", type=click.Choice([str(origin) for origin in Origin]), help="What made the event.")
@click.option("--at", callback=_time, metavar="TIME", help="When it begins: 2026-11-25 23:30, in this machine's zone.")
@click.option(
    "--rules",
    "rules_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rules to explain by, in place of those that bridge.yml names.",
)
@json_option
@click.pass_context
def explain(
    ctx: click.Context,
    /,
    eventid: str | None,
    source: str | None,
    rules_file: Path | None,
    at: datetime | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Show which rule an event meets, why no earlier one, and the ticket it would make.

    With EVENTID the event is read from the store, else asked of Zabbix. With --host, --severity, --tag and so on an
    imagined event is explained: no network, and with --rules no bridge.yml either. Writes nothing in any case.
    """
    from glpi_bridge.admin import explain as explaining

    has_facts = any(given[name] for name in _FACTS) or given["severity"] is not None
    if bool(eventid) == has_facts:
        raise click.UsageError("give either EVENTID or facts of an imagined event (--host, --severity, --tag …)")
    now = datetime.now(UTC)
    with in_words():
        settings = _settings(ctx.obj, needed=eventid is not None or rules_file is None)
        if eventid:
            assert settings is not None  # noqa: S101 - needed
            known = explaining.known(settings, eventid, source)
        else:
            known = explaining.Known(_imagined(given, source, at), "the facts given")
        rules = explaining.rules_of(rules_file, settings)
        explanation = rules.explain(known.event, now)
        due = explaining.due(known, rules, now) if eventid else ""
    if as_json:
        print_json(_as_json(known, explanation, due))
    else:
        _print(known, explanation, due)


def _settings(path: Path, *, needed: bool) -> Settings | None:
    from glpi_bridge.config import load

    return load(path, secrets=False) if needed or path.exists() else None


def _imagined(given: Mapping[str, Any], source: str | None, at: datetime | None) -> Event:
    from glpi_bridge.admin import explain as explaining

    facts = {name: value for name, value in given.items() if value is not None and name != "origin"}
    origin = Origin(given["origin"]) if given["origin"] else Origin.TRIGGER
    default = "cron" if origin is Origin.CRON else "zabbix"
    return explaining.imagined(**facts, origin=origin, source=source or default, at=at)


def _as_json(known: explaining.Known, explanation: Explanation, due: str) -> dict[str, Any]:
    from glpi_bridge.admin import explain as explaining

    route, event = explanation.route, known.event
    return {
        "event": {"source": event.source, "eventid": event.eventid, "name": event.name, "host": event.host},
        "known_from": known.origin,
        "rule": route.rule,
        "tried": [asdict(one) for one in explanation.tried],
        "ignored": route.ignore,
        "key": route.key,
        "reopening": explaining.reopening_in_words(route.policy),
        "following": explaining.following_in_words(route.policy),
        "ticket": _draft(route.draft) | {"content": route.draft.content},
        "warnings": list(route.warnings),
        "due": due or None,
    }


def _draft(draft: Draft) -> dict[str, Any]:
    fields = {
        "title": draft.title,
        "type": draft.type.name.lower(),
        "category": draft.category,
        "urgency": draft.urgency.name.lower().replace("_", " "),
        "impact": draft.impact.name.lower().replace("_", " "),
        "priority": "major" if draft.major else None,
        "entity": draft.entity,
        "groups": list(draft.groups),
        "technicians": list(draft.technicians),
        "requesters": list(draft.requesters),
        "observers": list(draft.observers),
        "observer_groups": list(draft.observer_groups),
        "location": draft.location,
        "request_source": draft.request_source,
        "notify": draft.notify,
    }
    return fields | ({"extra": dict(draft.extra)} if draft.extra else {})


def _print(known: explaining.Known, explanation: Explanation, due: str) -> None:
    from glpi_bridge.render import severity_name

    route, event = explanation.route, known.event
    began = f", began {when(event.opened_at, system_zone())}" if event.opened_at else ""
    state = "" if event.is_open or event.recovered_at is None else f", over since {when(event.recovered_at)}"
    _line(
        "event",
        f"{event.name or '(no name)'} on {event.host or '(no host)'}, {severity_name(event.severity)}{began}{state}",
    )
    _line("known from", known.origin)
    for one in explanation.tried:
        if one.why_not is not None:
            _line("not", f"{one.rule}: {one.why_not}")
    _line("rule", f"{route.rule}" + (": no rule above matches" if route.rule == "default" else ""))
    if route.ignore is not None:
        _line("ignored", f"no ticket: {route.ignore}")
    else:
        _print_ticket(known, explanation)
    for warning in route.warnings:
        _line("warning", warning)
    if due:
        _line("now", due)


def _print_ticket(known: explaining.Known, explanation: Explanation) -> None:
    from glpi_bridge.admin import explain as explaining

    route = explanation.route
    _line("shared by", explaining.key_in_words(known.event, explanation))
    for name, value in _draft(route.draft).items():
        if value not in (None, [], True):
            shown = ", ".join(value) if isinstance(value, list) else "off" if value is False else str(value)
            _line(name.replace("_", " "), shown)
    _line("reopened", explaining.reopening_in_words(route.policy))
    policy = route.policy
    if policy.flap_count:
        window, calm = spoken(policy.flap_window), spoken(policy.flap_calm)
        _line("flapping", f"{policy.flap_count} changes in {window} are told once, after {calm} of calm")
    for said in explaining.following_in_words(policy):
        _line("also", said)
    for number, line in enumerate(route.draft.content.splitlines()):
        _line("content" if number == 0 else "", line)


def _line(name: str, text: str) -> None:
    click.echo(f"{name:<16}{text}".rstrip())
