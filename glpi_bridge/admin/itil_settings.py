"""itil.yml as typed, frozen settings: what `provision glpi` brings about in GLPI; every fault is told by its line.

Names are GLPI's own. An entity is written by its path below the root entity, as in `Operations > Lab`; left out, it is
the root entity. Secrets are never in the file.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from glpi_bridge.config import FilePath, Lasting, SecretFile, Switch
from glpi_bridge.document import Document, read
from glpi_bridge.errors import did_you_mean
from glpi_bridge.rulefile import level
from glpi_bridge.section import Section, check
from glpi_bridge.units import Mistake, duration, shown

SEPARATOR = " > "
_LONGEST = 255
TEMPLATE_FIELDS: Mapping[str, int] = {
    "title": 1, "description": 21, "category": 7, "type": 14, "status": 12, "urgency": 10, "impact": 11, "priority": 3,
    "location": 83, "request source": 9, "opening date": 15, "requester": 4, "requester group": 71, "observer": 66,
    "observer group": 65, "technician": 5, "assigned group": 8,
}  # fmt: skip
"""Fields of a ticket template by the numbers that GLPI gives them: search options of Ticket."""

Purpose = Literal["incident", "request", "problem", "change"]
PURPOSES: tuple[Purpose, ...] = ("incident", "request", "problem", "change")


def _name(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise Mistake(f"{shown(value)} is not a name", "write text (in quotes if it looks like something else)")
    name = str(value).strip()
    if SEPARATOR.strip() in name:
        raise Mistake(f'"{name}" has a `>` in it', "GLPI writes paths with it: write the lower name under `below`")
    if len(name) > _LONGEST:
        raise Mistake(f"a name has {len(name)} characters", f"GLPI keeps {_LONGEST}")
    return name


def _path(value: object) -> str:
    parts = [part.strip() for part in str(value).split(">")] if isinstance(value, str) else [""]
    if not all(parts):
        raise Mistake(f"{shown(value)} is not the path of an entity", "write it as in Operations > Lab")
    return SEPARATOR.join(parts)


def _mail(value: object) -> str:
    text = str(value).strip()
    user, _, host = text.partition("@")
    if not user or not host or any(sign.isspace() for sign in text):
        raise Mistake(f"{shown(value)} is not an e-mail address", "write it as in name@example.org")
    return text


def _addresses(value: object) -> tuple[str, str]:
    ends = [end.strip() for end in str(value).split("-")]
    try:
        first, last = ipaddress.IPv4Address(ends[0]), ipaddress.IPv4Address(ends[-1])
    except ValueError:
        raise Mistake(f"{shown(value)} is no IPv4 address", "write 192.0.2.10, or 192.0.2.10-192.0.2.20") from None
    if len(ends) > 2 or last < first:
        raise Mistake(f"{shown(value)} is no range of addresses", "write it as in 192.0.2.10-192.0.2.20")
    return str(first), str(last)


def _auto_close(value: object) -> timedelta | str:
    if value == "never":
        return "never"
    lasting = duration(value)
    if lasting % timedelta(days=1) or lasting > timedelta(days=99):
        raise Mistake(f"{shown(value)} is not a number of days up to 99", "GLPI counts days: write 7d, 0 or never")
    return lasting


def _plain(value: object) -> object:
    """Take a bare name for an item that has nothing but its name."""
    return {"name": value} if isinstance(value, str | int) and not isinstance(value, bool) else value


def _profile_alone(value: object) -> object:
    return {"profile": value} if isinstance(value, str) else value


def _unique(names: Sequence[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Mistake(f"the {what} {', '.join(twice)} is given twice", "keep one of them")


_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")  # as GLPI numbers them
_TIMES = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")
Times = tuple[tuple[str, str], ...]


def _hours(value: object) -> dict[int, Times]:
    """Read `{mon-fri: 08:00-18:00, sat: "09:00-12:00, 13:00-17:00"}` as times by GLPI's number of the day."""
    if not isinstance(value, dict) or not value:
        raise Mistake(f"{shown(value)} are no hours", "write them as in {mon-fri: 08:00-18:00, sat: 09:00-12:00}")
    found: dict[int, Times] = {}
    for days, times in value.items():
        for day in _days(str(days)):
            if day in found:
                raise Mistake(f"{_DAYS[day]} is given twice", "give all its times at one place, as in 08:00-12:00, …")
            found[day] = _times(str(times))
    return found


def _days(text: str) -> list[int]:
    first, _, last = (part.strip().lower() for part in text.partition("-"))
    if first not in _DAYS or (last or first) not in _DAYS:
        raise Mistake(f'"{text}" is no day of the week', "write mon, sat, or mon-fri")
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    return [(start + step) % 7 for step in range((end - start) % 7 + 1)]


def _times(text: str) -> Times:
    times: list[tuple[str, str]] = []
    for part in text.replace(" ", "").split(","):
        match = _TIMES.fullmatch(part)
        if match is None:
            raise Mistake(f'"{part}" is no span of a day', "write it as in 08:00-18:00")
        begin, end = f"{int(match[1]):02}:{match[2]}:00", f"{int(match[3]):02}:{match[4]}:00"
        if end <= begin or end > "24:00:00":
            raise Mistake(f'"{part}" ends before it begins, or after the day', "write it as in 08:00-18:00")
        if times and begin < times[-1][1]:
            raise Mistake(f'"{text}" overlaps', "write the times of a day one after the other")
        times.append((begin, end))
    return tuple(times)


def _level(value: object) -> int:
    return int(level(value))


def _fields_of(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list | tuple) else [value]
    names = tuple(" ".join(str(one).lower().replace("_", " ").split()) for one in given)
    if unknown := [name for name in names if name not in TEMPLATE_FIELDS]:
        advice = did_you_mean(unknown[0], TEMPLATE_FIELDS) or "take of " + ", ".join(TEMPLATE_FIELDS)
        raise Mistake(f'"{unknown[0]}" is no field of a ticket template', advice)
    return names


Name = Annotated[str, PlainValidator(_name)]
EntityPath = Annotated[str, PlainValidator(_path)]


class Calendar(Section):
    """The hours in which a service level counts time."""

    name: Name = Field(description="its name")
    entity: EntityPath | None = Field(default=None, description="its entity; default: the root entity")
    hours: Annotated[dict[int, Times], PlainValidator(_hours)] = Field(
        description="times by day, as in `{mon-fri: 08:00-18:00}`; days that are not named stay as they are"
    )


class ServiceLevel(Section):
    """A service level (SLM) with its agreements: SLA towards those who ask, OLA among those who work."""

    name: Name = Field(description="its name; its agreements are named after it")
    entity: EntityPath | None = Field(default=None, description="its entity; default: the root entity")
    calendar: Name | None = Field(
        default=None, description="calendar, of this file or of GLPI, that counts; default: around the clock"
    )
    own: Lasting | None = Field(default=None, description="SLA: time until somebody owns the ticket, in whole minutes")
    resolve: Lasting | None = Field(default=None, description="SLA: time until it is solved")
    internal_own: Lasting | None = Field(default=None, description="OLA: time until somebody owns it")
    internal_resolve: Lasting | None = Field(default=None, description="OLA: time until it is solved")

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        times = [one for one in (self.own, self.resolve, self.internal_own, self.internal_resolve) if one is not None]
        if not times:
            raise Mistake(f'"{self.name}" agrees on nothing', "give `own`, `resolve`, or their `internal_` times")
        if any(one % timedelta(minutes=1) for one in times):
            raise Mistake(f'"{self.name}" has a part of a minute', "GLPI counts minutes, hours and days")
        return self


class Predefined(Section):
    """What a new ticket begins with where people make it by hand; tickets of the bridge say it themselves."""

    urgency: Annotated[int, PlainValidator(_level)] | None = Field(default=None, description="`very low` … `very high`")
    impact: Annotated[int, PlainValidator(_level)] | None = Field(default=None, description="`very low` … `very high`")


class TicketTemplate(Section):
    """A template of tickets; categories name it."""

    name: Name = Field(description="its name")
    entity: EntityPath | None = Field(default=None, description="its entity; default: the root entity")
    mandatory: Annotated[tuple[str, ...], PlainValidator(_fields_of)] = Field(
        default=(), description="fields that must be filled in by hand, such as `category`, `location`"
    )
    hidden: Annotated[tuple[str, ...], PlainValidator(_fields_of)] = Field(
        default=(), description="fields that people do not see"
    )
    predefined: Predefined = Field(default=Predefined(), description="values that a form begins with")


class Category(Section):
    """An ITIL category, with those below it; they take over what they do not say themselves."""

    name: Name = Field(description="its name, without those above it")
    purposes: tuple[Purpose, ...] | None = Field(
        default=None, alias="for", description="what may be filed under it; default: as above, else all four"
    )
    portal: Switch | None = Field(default=None, description="whether end users see it; default: as above, else yes")
    entity: EntityPath | None = Field(default=None, description="its entity; default: as above, else the root entity")
    template: Name | None = Field(
        default=None,
        description="ticket template, of this file or of GLPI, for its tickets; default: as above",
    )
    below: tuple[Annotated[Category, BeforeValidator(_plain)], ...] = Field(default=(), description="categories in it")

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        _unique([one.name for one in self.below], "category")
        return self


class Location(Section):
    """A location, with those in it."""

    name: Name = Field(description="its name")
    entity: EntityPath | None = Field(default=None, description="its entity; default: as above, else the root entity")
    below: tuple[Annotated[Location, BeforeValidator(_plain)], ...] = Field(default=(), description="locations in it")

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        _unique([one.name for one in self.below], "location")
        return self


class Survey(Section):
    """The satisfaction survey that GLPI itself starts for closed tickets of an entity."""

    rate: int = Field(default=100, ge=0, le=100, strict=True, description="percent of the closed tickets")
    after_days: int = Field(default=1, ge=0, le=90, strict=True, description="days between closing and the survey")


class EntitySettings(Section):
    """What an entity does with its tickets; what is left out stays as it is in GLPI."""

    auto_close: Annotated[timedelta | Literal["never"], PlainValidator(_auto_close)] | None = Field(
        default=None, description="time after which GLPI closes what is solved, in whole days; 0: at once, or never"
    )
    survey: Survey | None = Field(default=None, description="the satisfaction survey of closed tickets")


class Entity(EntitySettings):
    """An entity, with those below it."""

    name: Name = Field(description="its name")
    below: tuple[Annotated[Entity, BeforeValidator(_plain)], ...] = Field(default=(), description="entities below it")

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        _unique([one.name for one in self.below], "entity")
        return self


class Group(Section):
    """A group of people, who may be assigned tickets."""

    name: Name = Field(description="its name")
    entity: EntityPath | None = Field(default=None, description="its entity; default: the root entity")
    members: tuple[Name, ...] = Field(default=(), description="log-in names of members, of this file or of GLPI")


class Role(Section):
    """A profile in an entity."""

    profile: Name = Field(description="name of the profile in GLPI")
    entity: EntityPath | None = Field(default=None, description="the entity; default: the root entity")
    recursive: Switch = Field(default=True, description="whether it holds in the entities below too")


class User(Section):
    """A person; a password is given to new users only."""

    name: Name = Field(description="log-in name")
    email: Annotated[str, PlainValidator(_mail)] = Field(description="e-mail address, to which GLPI writes")
    realname: str = Field(default="", description="surname")
    firstname: str = Field(default="", description="first name")
    roles: tuple[Annotated[Role, BeforeValidator(_profile_alone)], ...] = Field(
        default=(), description="profiles, each in an entity; without one GLPI gives its default profile"
    )
    password_file: SecretFile | None = Field(
        default=None, description="file (mode 0600) with the first password; default: none, for LDAP and single sign-on"
    )


class Account(Section):
    """The account the bridge works as; it signs in by its API token only."""

    name: Name = Field(default="glpi-bridge", description="its log-in name")
    entity: EntityPath | None = Field(default=None, description="the entity its profile holds in, and below")
    token_file: FilePath | None = Field(
        default=None, description="file for its API token, made with mode 0600; default: bridge.yml's `user_token_file`"
    )


class ApiClient(Section):
    """From where the bridge may call GLPI's API, with which App-Token."""

    name: Name = Field(default="glpi-bridge", description="its name in GLPI")
    addresses: Annotated[tuple[str, str], PlainValidator(_addresses)] = Field(
        description="IPv4 address, or range of them, that the bridge calls from"
    )
    app_token_file: FilePath | None = Field(
        default=None, description="file for its App-Token, made with mode 0600; default: bridge.yml's `app_token_file`"
    )


class Itil(Section):
    """itil.yml as a whole; what is left out is left alone."""

    root: EntitySettings = Field(default=EntitySettings(), description="settings of the root entity")
    entities: tuple[Annotated[Entity, BeforeValidator(_plain)], ...] = Field(
        default=(), description="entities below the root entity"
    )
    locations: tuple[Annotated[Location, BeforeValidator(_plain)], ...] = Field(default=(), description="locations")
    categories: tuple[Annotated[Category, BeforeValidator(_plain)], ...] = Field(
        default=(), description="ITIL categories as a tree"
    )
    calendars: tuple[Calendar, ...] = Field(default=(), description="hours of work")
    service_levels: tuple[ServiceLevel, ...] = Field(default=(), description="times agreed on: SLA and OLA")
    ticket_templates: tuple[TicketTemplate, ...] = Field(default=(), description="templates of tickets")
    request_source: Name | None = Field(default=None, description="request source of the bridge's tickets")
    groups: tuple[Annotated[Group, BeforeValidator(_plain)], ...] = Field(default=(), description="groups of people")
    users: tuple[User, ...] = Field(default=(), description="people")
    profile: Name | None = Field(default=None, description="the bridge's profile, with exactly the rights it needs")
    account: Account | None = Field(default=None, description="the account the bridge works as; needs `profile`")
    api_client: ApiClient | None = Field(default=None, description="from where the API may be called")
    automatic_actions: dict[Name, Lasting] = Field(
        default={}, description="GLPI's automatic actions by name: switched on, and how often they run"
    )

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for what, named in (
            ("category", self.categories),
            ("location", self.locations),
            ("entity", self.entities),
            ("group", self.groups),
            ("user", self.users),
            ("calendar", self.calendars),
            ("service level", self.service_levels),
            ("ticket template", self.ticket_templates),
        ):
            _unique([one.name for one in named], what)
        if self.account is not None and self.profile is None:
            raise Mistake("`account` is given, and no `profile`", "name the profile it works under, as in Bridge")
        if self.account is not None and self.account.name in {user.name for user in self.users}:
            raise Mistake(f'"{self.account.name}" is both `account` and one of `users`', "take it out of `users`")
        return self


def load(path: Path) -> tuple[Itil, Document]:
    """Read itil.yml; raise SettingsError with every fault. The document tells the line of what is wrong with GLPI."""
    document = read(path)
    return check(Itil, document, {"directory": path.resolve().parent}), document


def from_mapping(data: Mapping[str, object], directory: Path) -> tuple[Itil, Document]:
    """Check a mapping as if it had been read from itil.yml in `directory`."""
    document = Document("itil.yml", data)
    return check(Itil, document, {"directory": directory}), document
