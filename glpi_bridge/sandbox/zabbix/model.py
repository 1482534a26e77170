"""The things of the stand-in's Zabbix. Ids are whole numbers here and texts in the API."""

from __future__ import annotations

from dataclasses import dataclass, field


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
class Template:
    """A template; seen only by those with a right on its template group."""

    templateid: int
    name: str


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
    macros: dict[str, str] = field(default_factory=dict)
    templateids: list[int] = field(default_factory=list)
    status: int = 0
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
    """What an account may call; `methods` None: everything its type allows."""

    roleid: int
    name: str
    type: int
    methods: frozenset[str] | None = None
    actions: frozenset[str] | None = None


@dataclass
class User:
    """An account; `rights` maps host group ids to 2 (read) or 3 (read-write); a super admin needs none."""

    userid: int
    username: str
    roleid: int
    password: str = ""
    name: str = ""
    surname: str = ""
    usergroups: frozenset[int] = frozenset()
    rights: dict[int, int] = field(default_factory=dict)
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


@dataclass
class MediaType:
    """The script media type of the bridge; `templates` are subject and message of problem, recovery and update."""

    mediatypeid: int = 70
    name: str = "GLPI bridge"
    exec_path: str = "zabbix-glpi"
    parameters: tuple[str, ...] = ()
    description: str = ""
    status: int = 0
    maxsessions: int = 1
    maxattempts: int = 3
    attempt_interval: float = 10.0
    timeout: float = 30.0
    sendto: str = "glpi"
    templates: tuple[tuple[str, str], ...] = (("{EVENT.NAME}", "{EVENT.NAME}"),) * 3


@dataclass
class Action:
    """The trigger action that tells the bridge's user; empty `groupids`: every host."""

    actionid: int = 7
    name: str = "To GLPI"
    status: int = 0
    groupids: frozenset[int] = frozenset()
    tells_recovery: bool = True
    tells_updates: bool = True
    pause_suppressed: bool = True
    notify_if_canceled: bool = True
    esc_period: float = 3600.0


@dataclass
class Maintenance:
    """A maintenance that is on: hosts, and the tags that select their problems (none: all)."""

    maintenanceid: int
    name: str
    hostids: frozenset[int]
    tags: frozenset[tuple[str, str]]
    since: int
    till: int


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
    """What the action still owes about one problem."""

    eventid: int
    is_told: bool = False
