"""What may stand in rules.yml: the keys of a rule, their types and their meaning. Judges no event.

The descriptions are the reference (docs/reference/rules.md is checked against them).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, timedelta, tzinfo
from itertools import pairwise
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from glpi_bridge.match import Both, Condition, Either, Not, Pattern, Severe, Tagged, Words
from glpi_bridge.model import Event, Level, NoteKind, Often, Origin, Sameness, Severity, TicketType
from glpi_bridge.section import Section
from glpi_bridge.spans import during, severities
from glpi_bridge.units import Mistake, duration, duration_or_always, grace, grace_or_off, shown, switch, zone

_T = TypeVar("_T")


def is_template(text: object) -> bool:
    """Tell a template from a plain value."""
    return isinstance(text, str) and ("{{" in text or "{%" in text)


def _text(value: object) -> str:
    if isinstance(value, bool | int | float | dict | list) or value is None:
        raise Mistake(
            f"{shown(value)} is not a name", "write names as GLPI shows them, never ids; quote a numeric name"
        )
    if not str(value).strip():
        raise Mistake("the text is blank", "write a text, or leave the key out")
    return str(value).strip()


def _source_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Mistake(f"{shown(value)} is not a text", "write a template, or the name of a .j2 file")
    return value


def _list_of(read: Callable[[object], _T]) -> Callable[[object], tuple[_T, ...]]:
    def read_list(value: object) -> tuple[_T, ...]:
        values = value if isinstance(value, list | tuple) else [value]
        if not values:
            raise Mistake("the list is empty", "write at least one value, or leave the key out")
        return tuple(read(one) for one in values)

    return read_list


def _pattern(value: object) -> Pattern:
    if isinstance(value, bool | dict | list) or value is None:
        raise Mistake(f"{shown(value)} is not a text to compare with", "write a text, with * and ? or as /…/ if wished")
    return Pattern(str(value))


def _choice(value: object, choices: dict[str, _T], what: str) -> _T:
    word = " ".join(str(value).lower().replace("_", " ").split())
    if isinstance(value, bool) or word not in choices:
        raise Mistake(f"{shown(value)} is not {what}", "write one of " + ", ".join(choices))
    return choices[word]


_LEVELS = {level.name.replace("_", " ").lower(): level for level in Level}
_LEVELS_AND_NUMBERS = _LEVELS | {str(int(level)): level for level in Level}


def level(value: object) -> Level:
    """Read `very low` … `very high`, or GLPI's 1 to 5."""
    try:
        return _choice(value, _LEVELS_AND_NUMBERS, "a level of GLPI")
    except Mistake as mistake:
        raise Mistake(mistake.found, "write one of " + ", ".join(_LEVELS)) from None


def _level_or_template(value: object) -> Level | str:
    return str(value) if is_template(value) else level(value)


def _type(value: object) -> TicketType:
    return _choice(value, {kind.name.lower(): kind for kind in TicketType}, "a type of ticket")


def _origin(value: object) -> Pattern:
    return Pattern(_choice(value, {str(origin): str(origin) for origin in Origin}, "an origin of events"))


def _severities(value: object) -> frozenset[Severity]:
    values = value if isinstance(value, list | tuple) else [value]
    return frozenset().union(*(severities(str(one)) for one in values))


def _tags(value: object) -> tuple[Tagged, ...]:
    if isinstance(value, dict):
        return tuple(_tagged(str(name), wanted) for name, wanted in value.items())
    if isinstance(value, list):
        raise Mistake(
            "a list of tags leaves open whether all or any are meant", "write tag: {name: value}, or use any:"
        )
    name, equals, wanted = str(value).partition("=")
    return (_tagged(name, wanted if equals else None),)


def _tagged(name: str, wanted: object) -> Tagged:
    return Tagged(name) if wanted is None else Tagged(name, _list_of(_pattern)(wanted))


def _time(value: object) -> tuple[str, ...]:
    texts = tuple(str(one) for one in (value if isinstance(value, list) else [value]))
    for text in texts:
        during(text, UTC)
    return texts


_OFTEN = re.compile(r"(\d+)\s+in\s+(.+)")
_WORDS = re.compile(r"(\d+(?:\.\d+)?)\s*(hour|day|week)s?")


def often(value: object) -> Often | None:
    """Read `5 in 7 days`, `3 in 12h`, or `never` (None)."""
    text = " ".join(str(value).lower().split())
    if value is False or text in {"never", "off", "no"}:
        return None
    found = _OFTEN.fullmatch(text)
    if found is None:
        raise Mistake(f"{shown(value)} is not how often something recurs", "write it as in `5 in 7 days`, or `never`")
    count, words = int(found[1]), _WORDS.fullmatch(found[2])
    within = duration(words[1] + words[2][0] if words else found[2])
    if count < 2 or not within:
        raise Mistake(f"{shown(value)} is no recurrence", "it takes at least 2, within a time above zero")
    return Often(count, within)


def _sameness(value: object) -> Sameness:
    return _choice(value, {str(one): one for one in Sameness}, "what incidents of one cause share")


Patterns = Annotated[tuple[Pattern, ...], PlainValidator(_list_of(_pattern))]
Name = Annotated[str, PlainValidator(_text)]
Names = Annotated[tuple[str, ...], PlainValidator(_list_of(_text))]
Source = Annotated[str, PlainValidator(_source_text)]
Switch = Annotated[bool, PlainValidator(switch)]
Duration = Annotated[timedelta, PlainValidator(duration)]
LevelWish = Annotated[Level | str, PlainValidator(_level_or_template)]


class Match(Section):
    """What an event must be like; all keys must hold, and of a list of values one."""

    host: Patterns | None = Field(default=None, description="host's technical or visible name")
    host_group: Patterns | None = Field(default=None, description="one of the host's groups")
    template: Patterns | None = Field(default=None, description="one of the trigger's templates")
    trigger: Patterns | None = Field(
        default=None, description="problem's name, or the trigger's with its macros unresolved"
    )
    severity: Annotated[frozenset[Severity], PlainValidator(_severities)] | None = Field(
        default=None, description="`high`, `high+`, `warning..high`, or a list of them"
    )
    tag: Annotated[tuple[Tagged, ...], PlainValidator(_tags)] | None = Field(
        default=None, description="`{name: value, …}`, all of them; `name` alone for any value"
    )
    item: Patterns | None = Field(default=None, description="item's key")
    source: Patterns | None = Field(default=None, description="name of the Zabbix server in bridge.yml, or `cron`")
    origin: Annotated[tuple[Pattern, ...], PlainValidator(_list_of(_origin))] | None = Field(
        default=None, description="`trigger`, `internal`, `cron`, `service`, `discovery` or `autoregistration`"
    )
    time: Annotated[tuple[str, ...], PlainValidator(_time)] | None = Field(
        default=None, description="when the problem began: `mon-fri 08:00-18:00`, `sat,sun`, `22:00-06:00 Europe/Paris`"
    )
    not_: Match | None = Field(default=None, alias="not", description="keys of match that must not hold together")
    any: list[Match] | None = Field(default=None, description="list of matches of which one must hold")
    all: list[Match] | None = Field(default=None, description="list of matches that must all hold")

    def condition(self, default_zone: tzinfo) -> Both:
        """Return this match as a condition; times are in `default_zone` unless they name one."""
        parts: list[Condition] = [
            Words(name, patterns)
            for name in ("host", "host_group", "template", "trigger", "item", "source", "origin")
            if (patterns := getattr(self, name)) is not None
        ]
        if self.severity is not None:
            parts.append(Severe(self.severity))
        parts.extend(self.tag or ())
        if self.time is not None:
            parts.append(Either(tuple(during(text, default_zone) for text in self.time)))
        if self.not_ is not None:
            parts.append(Not(self.not_.condition(default_zone)))
        if self.any is not None:
            parts.append(Either(tuple(match.condition(default_zone) for match in self.any)))
        if self.all is not None:
            parts.extend(match.condition(default_zone) for match in self.all)
        return Both(tuple(parts))


def _flapping(value: object) -> object:
    try:
        is_on = switch(value)
    except Mistake:
        return value
    return {} if is_on else {"count": 0}


class Flapping(Section):
    """When a problem that comes and goes is no longer told each time."""

    count: int = Field(
        default=6, ge=0, strict=True, description="changes that make an incident flap; 0 switches this off"
    )
    window: Duration = Field(default=timedelta(minutes=15), description="within which time")
    calm: Duration = Field(default=timedelta(minutes=15), description="without a change before its state is told again")


def _storm(value: object) -> object:
    try:
        is_on = switch(value)
    except Mistake:
        return value
    if is_on:
        raise Mistake("`storm` says nothing of which problems belong together", "write storm: {by: host, count: 20}")
    return {"by": "host", "count": 0}


_GROUPS = {"host": "host", "host_group": "host_groups", "trigger": "trigger_name"}


def _by(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    for name in names:
        if name not in _GROUPS and not (str(name).startswith("tags.") and len(str(name)) > 5):
            raise Mistake(f"{shown(name)} is no group of problems", "take tags.NAME, " + ", ".join(sorted(_GROUPS)))
    return tuple(_GROUPS.get(str(name), str(name)) for name in names)


class StormWish(Section):
    """When many problems get one ticket above their own."""

    by: Annotated[tuple[str, ...], PlainValidator(_by)] = Field(
        description="what the problems have in common: `host`, `host_group`, `trigger`, `tags.NAME`, or a list of these"
    )
    count: int = Field(default=20, ge=0, strict=True, description="more than so many are a storm; 0 switches this off")
    window: Duration = Field(default=timedelta(minutes=5), description="within which time they have begun")
    notify: Switch = Field(default=False, description="whether GLPI may send mails about its single problems too")


def _levels(value: object) -> object:
    if value is False or str(value).lower() in {"off", "no", "false", "never"}:
        return []
    return [value] if isinstance(value, dict) else value


def _in_order(levels: list[HandOverWish]) -> list[HandOverWish]:
    times = [one.after for one in levels]
    if any(not one for one in times) or any(later <= before for before, later in pairwise(times)):
        raise Mistake(
            "the times do not grow", "each `after` counts from the ticket's beginning: 30m, then 2h, above zero"
        )
    return levels


class HandOverWish(Section):
    """To whom a ticket goes that nobody takes."""

    after: Duration = Field(description="how long after the ticket was made, or reopened by the bridge")
    to: Name = Field(description="the group that it goes to, by its name or path")


def _extra(value: object) -> dict[str, str | int | float | bool]:
    if not isinstance(value, dict):
        raise Mistake(f"{shown(value)} is not a mapping", "write GLPI's field names with their values below `extra:`")
    for name, one in value.items():
        if not isinstance(one, str | int | float | bool):
            raise Mistake(f"{name} is {shown(one)}", "write a text, a number, true or false")
        if name in {"id", "name", "content"}:
            raise Mistake(f"{name} is set by the bridge itself", "use `title:` or `content:`")
    return dict(value)


def _severity_map(value: object) -> dict[Severity, tuple[Level, Level]]:
    if not isinstance(value, dict):
        raise Mistake(f"{shown(value)} is not a mapping", "write `high: very high` or `high: {urgency: …, impact: …}`")
    found = {}
    for name, one in value.items():
        given = one if isinstance(one, dict) else {"urgency": one, "impact": one}
        if unknown := set(given) - {"urgency", "impact"} or {"urgency", "impact"} - set(given):
            raise Mistake(f"{name}: {', '.join(sorted(unknown))} is unknown or missing", "give `urgency` and `impact`")
        for severity in severities(str(name)):
            found[severity] = (level(given["urgency"]), level(given["impact"]))
    return found


def _notes(value: object) -> frozenset[NoteKind]:
    if value is False or str(value).lower() == "off":
        return frozenset()
    if value is True or str(value).lower() == "all":
        return frozenset(NoteKind)
    values = value if isinstance(value, list | tuple) else [value]
    known = {str(kind): kind for kind in NoteKind}
    return frozenset(_choice(one, known, "an update of Zabbix") for one in values)


_KEYABLE = {name for name in Event.__dataclass_fields__ if name not in {"notes", "fields", "tags"}}


def _key(value: object) -> str | tuple[str, ...]:
    if not isinstance(value, list):
        return _source_text(value)
    for name in value:
        if name not in _KEYABLE and not str(name).startswith("tags."):
            raise Mistake(f'"{name}" is no field of an event', "take tags.NAME or " + ", ".join(sorted(_KEYABLE)))
    return tuple(value)


class Wishes(Section):
    """What a rule sets; what it leaves out comes from `default:`, else from the bridge."""

    category: Name | None = Field(default=None, description="ITIL category by its path, as in `Monitoring > Disk`")
    type: Annotated[TicketType, PlainValidator(_type)] | None = Field(
        default=None, description="`incident` or `request`"
    )
    urgency: LevelWish | None = Field(default=None, description="`very low` … `very high`; default: by `severity_map`")
    impact: LevelWish | None = Field(default=None, description="`very low` … `very high`; default: by `severity_map`")
    major: Switch | None = Field(
        default=None, description="a major incident: GLPI's priority *Major* on its ticket, and a note that says why"
    )
    entity: Name | None = Field(default=None, description="entity by its path")
    group: Names | None = Field(default=None, description="assigned groups, one or a list")
    technician: Names | None = Field(default=None, description="assigned users by log-in name, one or a list")
    requester: Names | None = Field(default=None, description="requesting users by log-in name, one or a list")
    observer: Names | None = Field(default=None, description="observing users by log-in name, one or a list")
    observer_group: Names | None = Field(default=None, description="observing groups, one or a list")
    location: Name | None = Field(default=None, description="location by its path")
    request_source: Name | None = Field(default=None, description="request source, as in `Monitoring`")
    extra: Annotated[dict[str, str | int | float | bool], PlainValidator(_extra)] | None = Field(
        default=None, description="further fields of GLPI's Ticket by their names in its API"
    )
    notify: Switch | None = Field(default=None, description="whether GLPI may send mails about what the bridge writes")
    key: Annotated[str | tuple[str, ...], PlainValidator(_key)] | None = Field(
        default=None, description="who shares a ticket: a template or a list of fields; default: the trigger's id"
    )
    title: Source | None = Field(default=None, description="template of the ticket's title, or the name of a .j2 file")
    content: Source | None = Field(default=None, description="template (HTML) of the ticket's content, or a .j2 file")
    note: Source | None = Field(default=None, description="template (HTML) of a followup, or a .j2 file; knows `note`")
    solution: Source | None = Field(default=None, description="template (HTML) of the solution, or a .j2 file")
    reopen: Source | None = Field(
        default=None, description="template (HTML) of the followup that reopens, or a .j2 file"
    )
    flap_summary: Source | None = Field(
        default=None, description="template (HTML) of the note after flapping; knows `changes`"
    )
    storm_title: Source | None = Field(
        default=None, description="template of the title of a storm's ticket, or a .j2 file; knows `group`, `number`"
    )
    storm_content: Source | None = Field(
        default=None, description="template (HTML) of its content, or a .j2 file; knows `group`, `number`"
    )
    storm_solution: Source | None = Field(
        default=None, description="template (HTML) of its solution, or a .j2 file; knows `group`, `number`"
    )
    storm_reopen: Source | None = Field(
        default=None,
        description="template (HTML) of the followup that reopens it, or a .j2 file; knows `unfinished` too",
    )
    acknowledgement: Source | None = Field(
        default=None, description="template (plain text) of the message in Zabbix; knows `ticket_id`, `ticket_link`"
    )
    news: Source | None = Field(
        default=None,
        description="template (plain text) of what Zabbix is told of a ticket's course; "
        "knows `news`, `ticket_id`, `ticket_link`",
    )
    hold_off: Duration | None = Field(default=None, description="how long a problem must live before it gets a ticket")
    reopen_window: Annotated[timedelta | None, PlainValidator(duration_or_always)] = Field(
        default=None, description="how long after solving the same ticket is reopened: `0` (never), `1h`, `always`"
    )
    reopen_closed: Switch | None = Field(default=None, description="reopen closed tickets too, not only solved ones")
    flapping: Annotated[Flapping, BeforeValidator(_flapping)] | None = Field(
        default=None, description="`{count, window, calm}`, or `off`"
    )
    storm: Annotated[StormWish, BeforeValidator(_storm)] | None = Field(
        default=None, description="`{by, count, window, notify}`: one ticket above those of many problems at once"
    )
    hand_over: Annotated[list[HandOverWish], BeforeValidator(_levels), AfterValidator(_in_order)] | None = Field(
        default=None, description="`{after, to}` or a list of them: groups that get a ticket which nobody takes"
    )
    private_notes: Switch | None = Field(default=None, description="notes are private followups")
    notes: Annotated[frozenset[NoteKind], PlainValidator(_notes)] | None = Field(
        default=None,
        description="which updates in Zabbix become followups: a list of `message`, `acknowledgement`, `suppression`, "
        "`severity`, `close`, `rank`, `switched off`, `still open`; or `all`, `off`",
    )
    follow_severity: Switch | None = Field(
        default=None, description="a severity that is changed in Zabbix changes urgency and impact"
    )
    solve: Switch | None = Field(default=None, description="a recovery solves the ticket")
    solve_pending: Switch | None = Field(
        default=None, description="a recovery solves a ticket that a person set to pending"
    )
    create_recovered: Switch | None = Field(
        default=None,
        description="a problem that was over before its ticket could be made still gets one, made as solved",
    )
    create_unannounced: Switch | None = Field(
        default=None, description="a recovery without a known problem makes a ticket"
    )
    hold_suppressed: Switch | None = Field(
        default=None, description="no ticket while the problem is suppressed in Zabbix"
    )
    reopen_after_person: Annotated[timedelta | None, PlainValidator(grace)] = Field(
        default=None,
        description="reopen (once) what a person solved or closed while the problem lives: `true` (at once), or after "
        "a time, as in `30m`",
    )
    close_after: Annotated[timedelta | None, PlainValidator(grace_or_off)] = Field(
        default=None,
        description="close a solved ticket once its problems have stayed recovered that long and nobody objected; "
        "`off`: GLPI's own settings close it",
    )
    solve_unwatched: Switch | None = Field(
        default=None, description="solve (once) what Zabbix says it watches no more: its trigger or host is disabled"
    )
    acknowledge: Switch | None = Field(default=None, description="tell Zabbix the ticket's number")
    link_asset: Switch | None = Field(
        default=None, description="link the ticket to its host's asset in GLPI (`assets` in bridge.yml)"
    )
    problem_after: Annotated[Often | None, PlainValidator(often)] = Field(
        default=None,
        description="recurring incidents become a Problem, linked to it: `5 in 7 days`, or `never` by itself",
    )
    problem_same: Annotated[Sameness, PlainValidator(_sameness)] | None = Field(
        default=None, description="what recurs: the same `key` (who shares a ticket), `host` or `category`"
    )
    problem: Source | None = Field(
        default=None, description="template (HTML) of a Problem's text, or a .j2 file; knows `occurrences`"
    )
    severity_map: Annotated[dict[Severity, tuple[Level, Level]], PlainValidator(_severity_map)] | None = Field(
        default=None, description="severity → level, or → `{urgency, impact}`"
    )
    internal_urgency: LevelWish | None = Field(default=None, description="urgency of Zabbix's internal events")
    internal_impact: LevelWish | None = Field(default=None, description="impact of Zabbix's internal events")
    ignore: Name | None = Field(default=None, description="no ticket; the text is the reason that `explain` shows")


class RuleSection(Wishes):
    """One rule."""

    name: Name | None = Field(default=None, description="name in messages; default: its number")
    match: Match = Field(default=Match(), description="which events are meant; without it, all")


class RulesFile(Section):
    """rules.yml as a whole."""

    rules: list[RuleSection] = Field(default=[], description="the first that matches wins")
    default: Wishes = Field(default=Wishes(), description="what holds where no rule says otherwise")
    timezone: Annotated[tzinfo, PlainValidator(zone)] | None = Field(
        default=None, description="zone of `time:` and of times in texts; default: this machine's"
    )
