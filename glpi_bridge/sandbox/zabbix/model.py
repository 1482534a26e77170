"""The things of the stand-in's Zabbix. Ids are whole numbers here and texts in the API."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

Row = dict[str, Any]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(text: float | str) -> float:
    """Read a length of time as Zabbix writes it, `90`, `30s` or `1h`; ValueError for what is none."""
    if isinstance(text, str) and text[-1:] in _SECONDS:
        return float(text[:-1]) * _SECONDS[text[-1]]
    return float(text)


def shown(length: float | str) -> str:
    """Write a length of time; one that was sent as a text stays as it was sent [contract Z10/150]."""
    return length if isinstance(length, str) else f"{length:g}s"


class Refusal(Exception):
    """An error that Zabbix answers: JSON-RPC code and `data`."""

    def __init__(self, code: int, data: str) -> None:
        super().__init__(data)
        self.code, self.data = code, data


def no_object() -> Refusal:
    """Give the one error for what is missing and what is hidden."""
    return Refusal(-32500, "No permissions to referred object or it does not exist!")


@dataclass
class Group:
    """A host group."""

    groupid: int
    name: str


@dataclass
class TemplateGroup:
    """A template group."""

    groupid: int
    name: str
    uuid: str = ""


@dataclass
class Template:
    """A template as it was imported: `export` holds all that lies in it. Seen by super admins only."""

    templateid: int
    name: str
    uuid: str
    groupids: set[int]
    export: Row


@dataclass
class UserMacro:
    """A macro of a host; the value of a secret one is not told."""

    hostmacroid: int
    value: str
    description: str = ""
    is_secret: bool = False


@dataclass
class Host:
    """A host. `inventory` None: none kept (mode -1; 0 by hand, 1 by itself). `ip` None: no interface."""

    hostid: int
    host: str
    name: str
    groupids: set[int]
    ip: str | None = "127.0.0.1"
    dns: str = ""
    port: str = "10050"
    tags: list[tuple[str, str]] = field(default_factory=list)
    inventory: dict[str, str] | None = None
    inventory_mode: int = -1
    macros: dict[str, UserMacro] = field(default_factory=dict)
    templateids: set[int] = field(default_factory=set)
    status: int = 0
    interfaceid: int = 1
    useip: int = 1
    description: str = ""
    tls: int = 1
    psk: tuple[str, str] | None = None
    maintenanceid: int = 0
    maintenance_from: int = 0


@dataclass
class Item:
    """An item with its last value."""

    itemid: int
    hostid: int
    name: str
    key: str
    units: str = ""
    value: str = ""
    tags: list[tuple[str, str]] = field(default_factory=list)
    status: int = 0

    @property
    def shown(self) -> str:
        """The last value as Zabbix writes it, with units."""
        return self.with_units(self.value)

    def with_units(self, value: str) -> str:
        """Write a value as Zabbix does."""
        return f"{value} {self.units}" if self.units else value


@dataclass
class Trigger:
    """A trigger on one item; `description`, `opdata` and `url` may hold macros."""

    triggerid: int
    itemid: int
    hostid: int
    description: str
    priority: int = 3
    comments: str = ""
    url: str = ""
    url_name: str = ""
    opdata: str = ""
    expression: str = ""
    manual_close: int = 0
    tags: list[tuple[str, str]] = field(default_factory=list)
    templateid: int = 0
    template: str = ""
    status: int = 0
    value: int = 0
    lastchange: int = 0


@dataclass
class Acknowledge:
    """One update of an event."""

    acknowledgeid: int
    userid: int
    clock: int
    message: str
    action: int
    old_severity: int = 0
    new_severity: int = 0
    suppress_until: int = 0


@dataclass
class Suppression:
    """Why an event is suppressed: a maintenance, or a user by hand (maintenanceid 0)."""

    maintenanceid: int
    suppress_until: int
    userid: int = 0


@dataclass
class Event:
    """An event: a problem (value 1) or a recovery (value 0). `item_value` is the item's value at that moment."""

    eventid: int
    objectid: int
    clock: int
    ns: int
    value: int
    name: str
    severity: int = 0
    source: int = 0
    object: int = 0
    item_value: str = ""
    tags: list[tuple[str, str]] = field(default_factory=list)
    acknowledged: int = 0
    acknowledges: list[Acknowledge] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)
    r_eventid: int = 0
    cause_eventid: int = 0

    @property
    def is_suppressed(self) -> bool:
        """Whether anything suppresses it."""
        return bool(self.suppressions)


@dataclass
class Role:
    """What an account may call and do; `methods` None: all but `denied`, `actions` and `ui` None: everything."""

    roleid: int
    name: str
    type: int
    methods: Collection[str] | None = None
    actions: frozenset[str] | None = None
    ui: frozenset[str] | None = None
    denied: tuple[str, ...] = ()
    has_api: bool = True
    defaults: Row = field(default_factory=dict)

    def may_call(self, method: str) -> bool:
        """Tell whether the role's list of methods, with its wildcards, lets this one through."""
        listed = self.denied if self.methods is None else self.methods
        is_listed = any(fnmatchcase(method, one) for one in listed)
        return self.has_api and is_listed is (self.methods is not None)

    def may(self, action: str) -> bool:
        """Tell whether an action is on."""
        return self.actions is None or action in self.actions


@dataclass
class UserGroup:
    """A user group; `rights` maps host group ids to 0 (deny), 2 (read) or 3 (read-write)."""

    usrgrpid: int
    name: str
    rights: dict[int, int] = field(default_factory=dict)
    gui_access: int = 0
    users_status: int = 0
    debug_mode: int = 0


@dataclass
class Media:
    """How an account is told: `active` 0 = on, `severity` the bits of the severities that are told."""

    mediaid: int
    mediatypeid: int
    sendto: str
    active: int = 0
    severity: int = 63
    period: str = "1-7,00:00-24:00"


@dataclass
class User:
    """An account; a super admin needs no rights from its user groups."""

    userid: int
    username: str
    roleid: int
    password: str = ""
    name: str = ""
    surname: str = ""
    usergroups: frozenset[int] = frozenset()
    medias: list[Media] = field(default_factory=list)
    attempt_failed: int = 0


@dataclass
class Token:
    """An API token of a user; `status` 0 = enabled."""

    tokenid: int
    name: str
    userid: int
    value: str
    description: str = ""
    status: int = 0
    lastaccess: int = 0
    created_at: int = 0
    expires_at: int = 0


@dataclass
class MediaType:
    """A script media type; `templates` are subject and message by event source and operation (1 recovery, 2 update)."""

    mediatypeid: int = 70
    name: str = "GLPI bridge"
    exec_path: str = "zabbix-glpi"
    parameters: tuple[str, ...] = ()
    description: str = ""
    status: int = 0
    maxsessions: int = 1
    maxattempts: int = 3
    attempt_interval: float | str = "10s"
    timeout: float = 30.0
    templates: dict[tuple[int, int], tuple[str, str]] = field(
        default_factory=lambda: dict.fromkeys(product(range(4), range(3)), ("{EVENT.NAME}", "{EVENT.NAME}"))
    )


@dataclass
class Action:
    """A trigger action; conditions and operations are rows as the API gives them."""

    actionid: int = 7
    name: str = "To GLPI"
    status: int = 0
    evaltype: int = 0
    formula: str = ""
    conditions: list[Row] = field(default_factory=list)
    operations: list[Row] = field(default_factory=list)
    recovery_operations: list[Row] = field(default_factory=list)
    update_operations: list[Row] = field(default_factory=list)
    pause_suppressed: bool = True
    pause_symptoms: bool = True
    notify_if_canceled: bool = True
    esc_period: float | str = "1h"

    @property
    def tells_recovery(self) -> bool:
        """Whether those who were told hear of the end."""
        return bool(self.recovery_operations)

    @property
    def tells_updates(self) -> bool:
        """Whether those who were told hear of updates."""
        return bool(self.update_operations)


@dataclass
class Script:
    """A global script of type URL, as the API gives it."""

    scriptid: int
    row: Row


@dataclass(slots=True)
class Maintenance:
    """A maintenance: hosts, and the tags that select their problems (none: all); `type` 1 collects no values.

    It is on during its periods (start and seconds; none: all the time), within `since` and `till`.
    """

    maintenanceid: int
    name: str
    hostids: frozenset[int]
    tags: frozenset[tuple[str, str]]
    since: int
    till: int
    description: str = ""
    type: int = 0
    groupids: frozenset[int] = frozenset()
    periods: tuple[tuple[int, int], ...] = ()
    is_on: bool = False

    def end(self, now: float) -> int:
        """Return when what is on now ends; 0 where nothing is."""
        periods = self.periods or ((self.since, self.till - self.since),)
        ends = [min(start + seconds, self.till) for start, seconds in periods if start <= now < start + seconds]
        return max(ends, default=0) if self.since <= now < self.till else 0


@dataclass
class Alert:
    """One execution of the media script, as alert.get shows it (status 0 waiting, 1 sent, 2 failed)."""

    alertid: int
    eventid: int
    p_eventid: int
    acknowledgeid: int
    clock: int
    subject: str
    message: str
    parameters: tuple[str, ...]
    actionid: int
    userid: int
    mediatypeid: int
    sendto: str
    status: int = 0
    retries: int = 0
    error: str = ""


@dataclass
class Escalation:
    """What an action still owes about one problem."""

    eventid: int
    actionid: int
    is_told: bool = False
