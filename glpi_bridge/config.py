"""bridge.yml as typed, frozen settings; whatever is wrong in it is told at once, each with its line.

Secrets are never in the file: it names files, which are read anew at each use, so that a token put back is picked up.
The descriptions are the reference (docs/reference/settings.md is checked against them).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, model_validator

from glpi_bridge.address import database_url, glpi_url, pattern_of, proxy_url, trapper_address, zabbix_url
from glpi_bridge.document import Document, read
from glpi_bridge.identity import ITEMTYPES, Identifier
from glpi_bridge.maintenance import Agreed
from glpi_bridge.model import NewsKind
from glpi_bridge.news import Wanted
from glpi_bridge.secret import Secret
from glpi_bridge.section import Section, check
from glpi_bridge.undertaking import Resolution
from glpi_bridge.units import Mistake, duration, instant, shown, switch, system_zone, zone

DEFAULT_PATH = Path("/etc/glpi-bridge/bridge.yml")
CRON_SOURCE = "cron"
_SOURCE_NAME = re.compile(r"[A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Adopt:
    """Whether problems that were open before the bridge heard of them get tickets; `since` None means all of them."""

    is_on: bool = False
    since: datetime | None = None

    def takes(self, opened_at: datetime) -> bool:
        """Say whether a problem that began then is adopted."""
        return self.is_on and (self.since is None or opened_at >= self.since)


def _base(info: ValidationInfo) -> Path:
    directory = (info.context or {}).get("directory", Path.cwd())
    return directory if isinstance(directory, Path) else Path(str(directory))


def _path(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise Mistake(f"{shown(value)} is not a path", "write the path of a file or directory")
    return _base(info) / Path(value.strip()).expanduser()


def _existing_file(value: object, info: ValidationInfo) -> Path:
    path = _path(value, info)
    if not path.is_file():
        raise Mistake(f"{path} is not a file", "create it, or leave the key out")
    return path


def _directory(value: object, info: ValidationInfo) -> Path:
    path = _path(value, info)
    if not path.is_dir():
        raise Mistake(f"{path} is not a directory", "create it, or leave the key out")
    return path


def _ca_file(value: object, info: ValidationInfo) -> Path:
    path = _path(value, info)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Mistake(
            f"{path} cannot be read: {error.strerror}", "name a readable file with certificates (PEM)"
        ) from None
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise Mistake(f"{path} holds no certificate", "name a file with certificates in PEM form")
    return path


def _secret(value: object, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value.strip():
        raise Mistake(f"{shown(value)} is not the name of a file", "write the path of a file of mode 0600")
    place = str(_base(info) / Path(value).expanduser()) if "/" in value else value
    secret = Secret(place)
    if (info.context or {}).get("secrets", True) and (mistake := secret.trouble()):
        raise mistake
    return secret


def _adopt(value: object) -> str:
    text = " ".join(str(value).lower().split())
    if text in {"off", "false", "no"}:
        return "off"
    if text == "all" or text.startswith("since "):
        if text != "all":
            instant(text.removeprefix("since ").upper(), system_zone())
        return text
    raise Mistake(f"{shown(value)} is none of its values", "write off, all, or since 2026-11-01 08:00")


def _positive(value: object) -> timedelta:
    lasting = duration(value)
    if lasting <= timedelta(0):
        raise Mistake("0 leaves no time at all", "write a duration above zero, as in 5s")
    return lasting


def _list(value: object) -> object:
    return re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value


def _names(value: object) -> object:
    """Take one name for a list of it; names may hold blanks and commas."""
    return [value] if isinstance(value, str) else value


FilePath = Annotated[Path, PlainValidator(_path)]
CaFile = Annotated[Path, PlainValidator(_ca_file)]
SecretFile = Annotated[Secret, PlainValidator(_secret)]
Duration = Annotated[timedelta, PlainValidator(duration)]
Lasting = Annotated[timedelta, PlainValidator(_positive)]
Switch = Annotated[bool, PlainValidator(switch)]
Zone = Annotated[tzinfo, PlainValidator(zone)]
Proxy = Annotated[str, PlainValidator(proxy_url)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_list)]


class Target(Section):
    """How a server is reached."""

    ca_file: CaFile | None = Field(
        default=None, description="certificates (PEM) that the server's must come from; default: the system's"
    )
    proxy: Proxy | None = Field(default=None, description="http://host:port through which the server is reached")
    no_proxy: Hosts = Field(default=(), description="hosts that are reached directly all the same")
    connect_timeout: Lasting = Field(default=timedelta(seconds=5), description="time for a connection to be made")
    total_timeout: Lasting = Field(default=timedelta(seconds=60), description="time for a call as a whole")

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        if self.total_timeout < self.connect_timeout:
            raise Mistake("`total_timeout` is shorter than `connect_timeout`", "it holds for the call as a whole")
        return self


class Glpi(Target):
    """GLPI, and the account of the bridge in it."""

    url: Annotated[str, PlainValidator(glpi_url)] = Field(
        description="address of GLPI, with or without `apirest.php` (or `api.php/v1`)"
    )
    user_token_file: SecretFile = Field(
        description="file (mode 0600) or systemd credential with the API token of the user"
    )
    app_token_file: SecretFile | None = Field(
        default=None, description="file or credential with the App-Token, if the API client has one"
    )
    timezone: Zone = Field(
        default_factory=system_zone, description="zone of the times that GLPI shows; default: this machine's"
    )
    profile: str | None = Field(default=None, description="name of the profile to work under; default: the user's own")
    entity: str | None = Field(default=None, description="path of the entity to work in; default: the user's own")
    bulk: int = Field(default=50, ge=1, le=50, strict=True, description="most items written in one call")
    ticket_link: Annotated[str, PlainValidator(pattern_of("id"))] | None = Field(
        default=None, description="address of a ticket with `{id}` in it; default: made from `url`"
    )

    def user_token(self) -> str:
        """Read the user's API token."""
        return self.user_token_file.read()

    def app_token(self) -> str | None:
        """Read the App-Token, if there is one."""
        return self.app_token_file.read() if self.app_token_file else None

    @property
    def link_pattern(self) -> str:
        """Return the address of a ticket's page with `{id}` for its number."""
        return self.ticket_link or self.front + "/front/ticket.form.php?id={id}"

    @property
    def front(self) -> str:
        """Return the address of GLPI as people open it."""
        return self.url.removesuffix("/apirest.php").removesuffix("/api.php/v1")

    def link(self, ticket_id: int) -> str:
        """Return the address of a ticket's page."""
        return self.link_pattern.replace("{id}", str(ticket_id))


def _followups(value: object) -> str:
    text = "off" if value is False else str(value).strip().lower()
    if text not in {"public", "all", "off"}:
        raise Mistake(f"{shown(value)} is none of its values", "write public, all (private ones too), or off")
    return text


class WriteBack(Section):
    """What Zabbix is told of a ticket; the messages are the texts `acknowledgement` and `news` of rules.yml."""

    acknowledge: Switch = Field(
        default=True, description="acknowledge the event when it is told its ticket; off: the message alone"
    )
    taken: Switch = Field(default=True, description="tell who took the ticket")
    assigned: Switch = Field(default=True, description="tell whom or which group it was assigned to, and by whom")
    followups: Annotated[str, PlainValidator(_followups)] = Field(
        default="public", description="tell followups of people: `public`, `all` (private ones too), or `off`"
    )
    solved: Switch = Field(default=True, description="tell who solved the ticket, with the solution's text")
    reopened: Switch = Field(default=True, description="tell who reopened it")
    closed: Switch = Field(default=True, description="tell who closed it")
    deleted: Switch = Field(default=True, description="tell who moved it to the trash")
    acknowledge_solved: Switch = Field(
        default=True, description="a ticket that a person solved acknowledges its open events (with `solved`)"
    )
    close_solved: Switch = Field(
        default=False,
        description="and closes those that may be closed by hand; a trigger that still holds fires again",
    )

    @property
    def news(self) -> Wanted:
        """Return which news are told."""
        kinds = {kind for kind in NewsKind if kind is NewsKind.FOLLOWUP or getattr(self, kind.value)}
        if self.followups == "off":
            kinds.discard(NewsKind.FOLLOWUP)
        return Wanted(
            frozenset(kinds),
            private=self.followups == "all",
            acknowledge_solved=self.acknowledge_solved,
            close_solved=self.close_solved,
        )


class Health(Section):
    """How Zabbix is told how the bridge itself is doing."""

    server: Annotated[tuple[str, int], PlainValidator(trapper_address)] = Field(
        description="host and port (default 10051) where the Zabbix server or a proxy takes values"
    )
    host: str = Field(default="glpi-bridge", description="host in Zabbix with the template `GLPI bridge health`")
    interval: Lasting = Field(default=timedelta(minutes=1), description="how often `run` tells it")


def _agreed(value: object) -> Agreed:
    word = str(value).strip().lower()
    if word not in set(Agreed):
        raise Mistake(f"{shown(value)} is none of its values", "take of " + ", ".join(Agreed))
    return Agreed(word)


class Maintenance(Section):
    """How the planned work of GLPI's Changes becomes maintenance in Zabbix."""

    token_file: SecretFile = Field(
        description="file or credential with an API token of an account of type Admin with the right to write the hosts"
    )
    host_groups: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        default=(),
        description="host groups, one or a list, whose hosts (and those of groups below) may be meant; default: all",
    )
    collect_data: Switch = Field(default=True, description="collect values meanwhile; off: nothing is measured")
    when: Annotated[Agreed, PlainValidator(_agreed)] = Field(
        default=Agreed.APPROVED,
        description="`approved` (where approval was asked for), `accepted` (by the Change's status too), or `planned`",
    )


class Zabbix(Target):
    """One Zabbix server."""

    url: Annotated[str, PlainValidator(zabbix_url)] = Field(
        description="address of Zabbix's front end, with or without `api_jsonrpc.php`"
    )
    token_file: SecretFile = Field(description="file (mode 0600) or systemd credential with an API token")
    timezone: Zone = Field(
        default_factory=system_zone, description="zone of the Zabbix server's times; default: this machine's"
    )
    adopt: Annotated[str, PlainValidator(_adopt)] = Field(
        default="off", description="problems older than the bridge: `off`, `all`, or `since 2026-11-01 08:00`"
    )
    write_back: WriteBack = Field(default=WriteBack(), description="what Zabbix is told of a ticket")
    event_link: Annotated[str, PlainValidator(pattern_of("triggerid", "eventid"))] | None = Field(
        default=None, description="address of an event with `{triggerid}` and `{eventid}`; default: made from `url`"
    )

    health: Health | None = Field(default=None, description="where the bridge tells how it is doing; default: nowhere")
    maintenance: Maintenance | None = Field(
        default=None, description="planned work of Changes becomes maintenance here; default: it does not"
    )

    def token(self) -> str:
        """Read the API token."""
        return self.token_file.read()

    @property
    def adoption(self) -> Adopt:
        """Return `adopt` with its time read in the server's zone."""
        if self.adopt in {"off", "all"}:
            return Adopt(self.adopt == "all")
        return Adopt(is_on=True, since=instant(self.adopt.removeprefix("since ").upper(), self.timezone))

    @property
    def link(self) -> str:
        """Return the pattern of an event's address."""
        return self.event_link or self.url + "/tr_events.php?triggerid={triggerid}&eventid={eventid}"


def _store(value: object) -> object:
    if isinstance(value, str):
        return {"url": value} if "://" in value else {"path": value}
    return value


class Store(Section):
    """Where the bridge remembers; a path (SQLite), or the address of a MariaDB database."""

    path: FilePath = Field(default=Path("/var/lib/glpi-bridge/bridge.db"), description="file of the SQLite database")
    url: Annotated[str, PlainValidator(database_url)] | None = Field(
        default=None, description="`mysql+pymysql://user@host/database` in place of the file"
    )
    password_file: SecretFile | None = Field(
        default=None, description="file or credential with the database's password"
    )

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.url is not None and "path" in self.model_fields_set:
            raise Mistake("there are both a `path` and a `url`", "keep one of them")
        if self.password_file is not None and self.url is None:
            raise Mistake("`password_file` belongs to a `url`, and there is none", "take it out, or give the `url`")
        return self

    def password(self) -> str | None:
        """Read the database's password, if there is one."""
        return self.password_file.read() if self.password_file else None


class Delivery(Section):
    """How hard and how long the bridge tries."""

    settle_after: Duration = Field(
        default=timedelta(seconds=60),
        description="wait between the two looks for a write without an answer; at least GLPI's row-lock wait",
    )
    lease: Lasting = Field(
        default=timedelta(seconds=120), description="time after which a silent worker's claim is taken over"
    )
    backoff_first: Lasting = Field(
        default=timedelta(seconds=5), description="first pause after a failure; it doubles each time"
    )
    backoff_cap: Lasting = Field(default=timedelta(minutes=10), description="longest pause between tries")
    refusals: int = Field(default=5, ge=1, strict=True, description="refusals alone after which an item is parked")
    refused_for: Duration = Field(
        default=timedelta(minutes=10), description="over at least which time these must be spread"
    )

    @model_validator(mode="after")
    def _check_pauses(self) -> Self:
        if self.backoff_cap < self.backoff_first:
            raise Mistake("`backoff_cap` is shorter than `backoff_first`", "it is the longest pause between tries")
        return self


def _asset_types(value: object) -> tuple[str, ...]:
    if value is False or value in ("off", "no"):
        return ()
    known = {name.casefold(): name for name in ITEMTYPES}
    found = [known.get(one.casefold(), one) for one in _words(value)]
    if unknown := [one for one in found if one not in ITEMTYPES]:
        raise Mistake(f'"{unknown[0]}" is no type of asset that can be looked for', "take of " + ", ".join(ITEMTYPES))
    return tuple(dict.fromkeys(found))


def _identifiers(value: object) -> tuple[Identifier, ...]:
    known = {str(one): one for one in Identifier}
    given = [" ".join(one.lower().replace("_", " ").split()) for one in _words(value)]
    if unknown := [one for one in given if one not in known]:
        raise Mistake(f'"{unknown[0]}" tells no asset', "take of " + ", ".join(known))
    if not given:
        raise Mistake("nothing is named that tells an asset", "take of " + ", ".join(known) + "; or set types: off")
    return tuple(dict.fromkeys(known[one] for one in given))


def _words(value: object) -> list[str]:
    values = value if isinstance(value, list | tuple) else str(value).split(",")
    return [str(one).strip() for one in values if str(one).strip()]


class Assets(Section):
    """How the asset is found that a Zabbix host is in GLPI; its tickets are linked to it."""

    types: Annotated[tuple[str, ...], PlainValidator(_asset_types)] = Field(
        default=("Computer", "NetworkEquipment"),
        description="types of assets that are looked for, one or a list; `off`: tickets are linked to none",
    )
    order: Annotated[tuple[Identifier, ...], PlainValidator(_identifiers)] = Field(
        default=tuple(Identifier),
        description="what an asset is told by, in this order; what is left out is not used",
    )
    tag: str = Field(
        default="asset", description="event tag that names an asset outright (name, inventory number or serial)"
    )
    location: Switch = Field(default=False, description="the asset's location, where the rules set none")
    group: Switch = Field(default=False, description="the group in charge of the asset, where the rules assign none")


def _resolution(value: object) -> Resolution:
    word = "off" if value is False else str(value).strip().lower()
    if word not in set(Resolution):
        raise Mistake(f"{shown(value)} is none of its values", "take of " + ", ".join(Resolution))
    return Resolution(word)


class Itil(Section):
    """What follows for incidents from Problems and Changes."""

    problem_solved: Annotated[Resolution, PlainValidator(_resolution)] = Field(
        default=Resolution.ANNOTATE,
        description="open incidents of a solved Problem: `annotate`, `solve` (those that Zabbix sees no more), `off`",
    )
    change_solved: Annotated[Resolution, PlainValidator(_resolution)] = Field(
        default=Resolution.ANNOTATE, description="the same when a Change was applied or closed"
    )


class Sync(Section):
    """How both sides are compared."""

    interval: Duration = Field(
        default=timedelta(minutes=1), description="how often `run` compares both sides; 0 leaves it to cron"
    )


class Log(Section):
    """What is logged, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least weight of a line")
    format: Literal["text", "json"] = Field(default="text", description="lines for people or for machines")


def _is_short(value: object) -> bool:
    """Tell one server without a name from servers by name."""
    return isinstance(value, Mapping) and ("url" in value or "token_file" in value)


def _sources(value: object) -> object:
    """Take the short form, one server without a name, for a server named `zabbix`."""
    if _is_short(value):
        return {"zabbix": value}
    if value == {}:
        raise Mistake("no server is named", "give its `url` and `token_file`")
    return value


def _source_name(value: object) -> str:
    name = str(value)
    if not _SOURCE_NAME.fullmatch(name):
        raise Mistake(f'"{name}" cannot name a Zabbix server', "use letters, digits, `.` and `-`")
    if name == CRON_SOURCE:
        raise Mistake(f'"{name}" is the name of cron jobs', "give the Zabbix server another name")
    return name


def _assets(value: object) -> object:
    """Take `assets: off` for no types."""
    return {"types": ()} if value is False or value in ("off", "no") else value


class Settings(Section):
    """bridge.yml as a whole."""

    glpi: Glpi = Field(description="GLPI and the account of the bridge in it")
    zabbix: Annotated[dict[Annotated[str, PlainValidator(_source_name)], Zabbix], BeforeValidator(_sources)] = Field(
        description="Zabbix servers by name, or one without a name (then it is named `zabbix`)"
    )
    spool: FilePath = Field(default=Path("/var/spool/glpi-bridge"), description="directory where alerts wait")
    store: Annotated[Store, BeforeValidator(_store)] = Field(
        default=Store(), description="path of the SQLite file, or address of a MariaDB database"
    )
    rules: Annotated[Path, PlainValidator(_existing_file)] | None = Field(
        default=None, description="file of rules; default: rules.yml beside bridge.yml, if there"
    )
    templates: Annotated[Path, PlainValidator(_directory)] | None = Field(
        default=None, description="directory of own templates; default: templates beside the rules"
    )
    retention: Lasting = Field(default=timedelta(days=90), description="how long finished incidents are remembered")
    delivery: Delivery = Field(default=Delivery(), description="how hard and how long the bridge tries")
    assets: Annotated[Assets, BeforeValidator(_assets)] = Field(
        default=Assets(), description="how the asset of a host is found in GLPI; `off`: tickets are linked to none"
    )
    itil: Itil = Field(default=Itil(), description="what follows for incidents from Problems and Changes")
    sync: Sync = Field(default=Sync(), description="how both sides are compared")
    log: Log = Field(default=Log(), description="what is logged")

    @classmethod
    def from_mapping(
        cls, data: Mapping[str, object], *, directory: Path | None = None, secrets: bool = True
    ) -> Settings:
        """Check a mapping as if it had been read from bridge.yml in `directory`."""
        return _settings(Document("bridge.yml", data), directory or Path.cwd(), secrets=secrets)

    @property
    def links(self) -> Mapping[str, str]:
        """Return for each Zabbix server the pattern of an event's address."""
        return {name: source.link for name, source in self.zabbix.items()}

    @property
    def health_interval(self) -> float | None:
        """Return how often, in seconds, a Zabbix server wants to know how the bridge is doing; None: none does."""
        intervals = [one.health.interval.total_seconds() for one in self.zabbix.values() if one.health is not None]
        return min(intervals, default=None)

    def zone(self, source: str) -> tzinfo:
        """Return the time zone of a source; this machine's for cron jobs and unknown names."""
        return self.zabbix[source].timezone if source in self.zabbix else system_zone()


def load(path: Path = DEFAULT_PATH, *, secrets: bool = True) -> Settings:
    """Read bridge.yml; raise SettingsError with every fault.

    `secrets=False` leaves the files of secrets alone, for commands that call nobody.
    """
    return _settings(read(path), path.resolve().parent, secrets=secrets)


def _settings(document: Document, directory: Path, *, secrets: bool) -> Settings:
    is_short = isinstance(document.data, Mapping) and _is_short(document.data.get("zabbix"))
    implied = ("zabbix", "zabbix") if is_short else ()
    settings = check(Settings, document, {"directory": directory, "secrets": secrets}, implied)
    beside = directory / "rules.yml"
    return settings.model_copy(update={"rules": beside}) if settings.rules is None and beside.exists() else settings
