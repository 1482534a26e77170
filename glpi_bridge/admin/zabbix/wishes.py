"""zabbix.yml as typed, frozen settings: what `provision zabbix` brings about; every fault is told by its line.

Names are Zabbix's own. Addresses and the token's file are bridge.yml's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from glpi_bridge.config import Switch
from glpi_bridge.document import Document, read
from glpi_bridge.model import Severity
from glpi_bridge.section import Section, check
from glpi_bridge.units import Mistake, duration, shown

EVENT_ID = "{EVENT.ID}"
TEMPLATES: Mapping[str, str] = {"temperature": "Temperature by glpi_bridge", "health": "GLPI bridge health"}
_NAME_CHARACTERS = 100  # users.username, the shortest of the columns that hold it
_LONGEST_INTERVAL = timedelta(hours=1)


def _name(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise Mistake(f"{shown(value)} is not a name", "write text (in quotes if it looks like something else)")
    name = str(value).strip()
    if len(name) > _NAME_CHARACTERS:
        raise Mistake(f"the name has {len(name)} characters", f"write at most {_NAME_CHARACTERS}")
    return name


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _severity(value: object) -> Severity:
    name = str(value).strip().removesuffix("+").strip().replace(" ", "_").upper()
    if name not in Severity.__members__:
        known = ", ".join(one.name.replace("_", " ").lower() for one in Severity)
        raise Mistake(f"{shown(value)} is not a severity", f"write one of {known}")
    return Severity[name]


def _link(value: object) -> str:
    text = str(value).strip()
    if text in {"search", "panel", "off"}:
        return text
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or EVENT_ID not in text:
        raise Mistake(
            f"{shown(value)} is not an address of a ticket",
            f"write search, panel, off, or an http(s) address with {EVENT_ID} in it",
        )
    return text


def _interval(value: object) -> timedelta:
    lasting = duration(value)
    if lasting > _LONGEST_INTERVAL or lasting % timedelta(seconds=1):
        raise Mistake("Zabbix takes whole seconds up to 1h here", "write it as in 30s")
    return lasting


Name = Annotated[str, PlainValidator(_name)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_several)]


class MediaType(Section):
    """How often and how many at once Zabbix runs the alert script."""

    attempts: int = Field(default=10, ge=1, le=100, strict=True, description="tries for one alert")
    attempt_interval: Annotated[timedelta, PlainValidator(_interval)] = Field(
        default=timedelta(seconds=30), description="pause between them, up to 1h"
    )
    sessions: int = Field(
        default=3, ge=0, le=100, strict=True, description="scripts at once; 0: as many as Zabbix has alerters"
    )


class Action(Section):
    """Which problems become tickets, and when Zabbix tells of them."""

    severity: Annotated[Severity, PlainValidator(_severity)] = Field(
        default=Severity.NOT_CLASSIFIED, description="the lowest severity that is told"
    )
    tags: dict[Name, str] = Field(default={}, description="only problems that carry all of these tags")
    in_maintenance: Literal["hold", "tell"] = Field(
        default="hold", description="a suppressed problem is told when its maintenance ends, or at once"
    )
    when_cancelled: Switch = Field(
        default=True, description="whether Zabbix tells that a problem's trigger, item or host was switched off"
    )


class Health(Section):
    """Who watches the bridge itself; used where bridge.yml has `health` for the Zabbix server."""

    groups: Names = Field(default=("Zabbix servers",), min_length=1, description="host groups of the bridge's host")
    tell: Names = Field(
        default=("Zabbix administrators",),
        min_length=1,
        description="user groups that are told of the bridge's own problems, by their own media",
    )


class Wishes(Section):
    """zabbix.yml as a whole."""

    host_groups: Names = Field(
        min_length=1, description="host groups, with those below them, whose problems become tickets"
    )
    rights: Literal["read", "read-write"] = Field(
        default="read", description="rights on these groups; closing problems from GLPI needs read-write"
    )
    name: Name = Field(
        default="glpi-bridge", description="name of the media type, user group, role, user, token and action"
    )
    media_type: MediaType = Field(default=MediaType(), description="how alerts are handed over")
    action: Action = Field(default=Action(), description="which problems become tickets")
    ticket_link: Annotated[str, PlainValidator(_link)] = Field(
        default="search",
        description=f"where an event's `Open GLPI ticket` leads: GLPI's `search`, the `panel`, an address with "
        f"`{EVENT_ID}` in it, or `off`",
    )
    templates: tuple[Literal["temperature", "health"], ...] = Field(
        default=("temperature", "health"), description="templates that are kept in Zabbix"
    )
    health: Health = Field(default=Health(), description="who watches the bridge itself")

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        twice = sorted({one for one in self.host_groups if self.host_groups.count(one) > 1})
        if twice:
            raise Mistake(f"the host group {', '.join(twice)} is given twice", "keep one of them")
        return self


def load(path: Path) -> tuple[Wishes, Document]:
    """Read zabbix.yml; raise SettingsError with every fault. The document tells the line of what Zabbix lacks."""
    document = read(path)
    return check(Wishes, document, {"directory": path.resolve().parent}), document


def from_mapping(data: Mapping[str, object]) -> tuple[Wishes, Document]:
    """Check a mapping as if it had been read from zabbix.yml."""
    document = Document("zabbix.yml", data)
    return check(Wishes, document), document
