"""zabbix.yml as typed, frozen settings: what `provision zabbix` brings about; every fault is told by its line.

Names are Zabbix's own. Addresses and the token's file are bridge.yml's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from glpi_bridge.config import SecretFile, Switch
from glpi_bridge.document import Document, read
from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.model import Severity
from glpi_bridge.section import Section, check
from glpi_bridge.units import Mistake, duration, shown

EVENT_ID = "{EVENT.ID}"
TEMPLATES: Mapping[str, str] = {"temperature": "Temperature by glpi_bridge", "health": "GLPI bridge health"}
FOR_MAINTENANCE = " maintenance"
"""Ends the name of all that belongs to the account for planned work."""
_NAME_CHARACTERS = 100  # users.username, the shortest of the columns that hold it
_MACRO = re.compile(r"\{\$[A-Z0-9._]+(?::.+)?\}")
_PSK = re.compile(r"[0-9A-Fa-f]{32,512}")
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


class Maintenance(Section):
    """An account of its own that puts hosts into maintenance for planned work; bridge.yml names its token's file."""

    host_groups: Names = Field(
        min_length=1,
        description="host groups, with those below them, whose hosts it may write and so put into maintenance",
    )


class Health(Section):
    """Who watches the bridge itself; used where bridge.yml has `health` for the Zabbix server."""

    groups: Names = Field(default=("Zabbix servers",), min_length=1, description="host groups of the bridge's host")
    tell: Names = Field(
        default=("Zabbix administrators",),
        min_length=1,
        description="user groups that are told of the bridge's own problems, by their own media",
    )


class Host(Section):
    """A host to be made and kept; what people add to it stays."""

    name: Name = Field(description="its technical name")
    groups: Names = Field(min_length=1, description="its host groups")
    templates: Names = Field(default=(), description="templates that are linked to it")
    address: Name | None = Field(default=None, description="address or name of its agent; without one: no interface")
    port: int = Field(default=10050, ge=1, le=65535, strict=True, description="port of its agent")
    psk_identity: Name | None = Field(default=None, description="identity of the key below")
    psk_file: SecretFile | None = Field(
        default=None, description="file (mode 0600) with the agent's pre-shared key, 32 to 512 hexadecimal digits"
    )
    macros: dict[str, str | int | float] = Field(default={}, description="macros of the host, as in `{$TEMP_WARN}: 70`")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.psk_identity is None) != (self.psk_file is None):
            raise Mistake("`psk_identity` and `psk_file` belong together, and one is missing", "give both, or none")
        for name in self.macros:
            if not _MACRO.fullmatch(name):
                raise Mistake(
                    f"{shown(name)} is not a user macro", 'write it as "{$NAME}" or "{$NAME:context}", in quotes'
                )
        return self

    def psk(self) -> str | None:
        """Read the key; SettingsError when it is none."""
        if self.psk_file is None:
            return None
        key = self.psk_file.read()
        if not _PSK.fullmatch(key) or len(key) % 2:
            found = f"{len(key)} characters that are no pre-shared key"
            advice = "write 32 to 512 hexadecimal digits into it, as `openssl rand -hex 32` makes them"
            raise SettingsError([Fault(str(self.psk_file.path), 0, found, advice)])
        return key


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
    user_groups: Names = Field(
        default=(),
        description="further user groups of our user: Zabbix tells it the names of the people it shares one with",
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
    maintenance: Maintenance | None = Field(
        default=None, description="the account for planned work; without it none is made"
    )
    health: Health = Field(default=Health(), description="who watches the bridge itself")
    hosts: tuple[Host, ...] = Field(default=(), description="hosts that are made and kept")

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        twice = sorted({one for one in self.host_groups if self.host_groups.count(one) > 1})
        if twice:
            raise Mistake(f"the host group {', '.join(twice)} is given twice", "keep one of them")
        if twice := sorted({one for one in self.user_groups if self.user_groups.count(one) > 1}):
            raise Mistake(f"the user group {', '.join(twice)} is given twice", "keep one of them")
        groups = self.maintenance.host_groups if self.maintenance else ()
        if twice := sorted({one for one in groups if groups.count(one) > 1}):
            raise Mistake(f"maintenance: the host group {', '.join(twice)} is given twice", "keep one of them")
        most = _NAME_CHARACTERS - len(FOR_MAINTENANCE)
        if self.maintenance and len(self.name) > most:
            found = f'`name` has {len(self.name)} characters, and "{FOR_MAINTENANCE.strip()}" is put behind it'
            raise Mistake(found, f"write at most {most}")
        if self.name in self.user_groups:
            raise Mistake(f'"{self.name}" is the name of our own user group', "leave it out")
        hosts = [one.name for one in self.hosts]
        if twice := sorted({one for one in hosts if hosts.count(one) > 1}):
            raise Mistake(f"the host {', '.join(twice)} is given twice", "keep one of them")
        return self


def load(path: Path) -> tuple[Wishes, Document]:
    """Read zabbix.yml; raise SettingsError with every fault. The document tells the line of what Zabbix lacks."""
    document = read(path)
    return check(Wishes, document, {"directory": path.resolve().parent}), document
