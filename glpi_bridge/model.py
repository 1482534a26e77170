"""The vocabulary: what the bridge knows of events, incidents and tickets, and what it may do about them.

Plain frozen values, the standard library only. Times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """Zabbix's severities, as `event.get` and {EVENT.NSEVERITY} number them."""

    NOT_CLASSIFIED = 0
    INFORMATION = 1
    WARNING = 2
    AVERAGE = 3
    HIGH = 4
    DISASTER = 5


class Level(IntEnum):
    """GLPI's scale of urgency and impact."""

    VERY_LOW = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    VERY_HIGH = 5


MAJOR = 6
"""Ticket.priority in GLPI that its matrix gives to nothing by itself: a major incident's."""


class TicketType(IntEnum):
    """Ticket.type in GLPI."""

    INCIDENT = 1
    REQUEST = 2


class TicketStatus(IntEnum):
    """Ticket.status in GLPI (CommonITILObject)."""

    NEW = 1
    ASSIGNED = 2
    PLANNED = 3
    PENDING = 4
    SOLVED = 5
    CLOSED = 6

    @property
    def is_finished(self) -> bool:
        """Solved counts as closed: an entity with auto-close 0 makes no difference between them."""
        return self >= TicketStatus.SOLVED


class AlertKind(StrEnum):
    """What an execution of the alert script tells."""

    PROBLEM = "problem"
    UPDATE = "update"
    RECOVERY = "recovery"


class Origin(StrEnum):
    """What made the event; 0 to 4 are Zabbix's event sources ({EVENT.SOURCE})."""

    TRIGGER = "trigger"
    DISCOVERY = "discovery"
    AUTOREGISTRATION = "autoregistration"
    INTERNAL = "internal"
    SERVICE = "service"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class Alert:
    """One message of the alert script about one event, as it lay in the spool.

    `fields` holds the resolved arguments only (ALERT_FIELDS in `spool`); a macro that Zabbix left unresolved is absent.
    `received_at` is when the script handed it over. `warnings` are what was odd about it, in words.
    """

    source: str
    eventid: str
    kind: AlertKind
    fields: Mapping[str, str]
    received_at: datetime
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of an event."""

    tag: str
    value: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """A message that belongs on the ticket's timeline; `id` is the same for the same message however it came."""

    at: datetime
    id: str
    author: str = field(compare=False)
    action: str = field(compare=False)
    message: str = field(compare=False)


class NoteKind(StrEnum):
    """What a note tells: an update alert of Zabbix (one may tell several), or what both sides together show."""

    MESSAGE = "message"
    ACKNOWLEDGEMENT = "acknowledgement"
    SUPPRESSION = "suppression"
    SEVERITY = "severity"
    CLOSE = "close"
    RANK = "rank"
    SWITCHED_OFF = "switched off"
    STILL_OPEN = "still open"


class NewsKind(StrEnum):
    """What people do to a ticket in GLPI that Zabbix is told."""

    TAKEN = "taken"
    ASSIGNED = "assigned"
    FOLLOWUP = "followup"
    SOLVED = "solved"
    REOPENED = "reopened"
    CLOSED = "closed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class News:
    """One thing that a person did to a ticket; `id` is the number of its row in the ticket's history in GLPI.

    `author` is empty where GLPI did it by itself. `text` is plain; `to` names the person or group it was assigned to.
    """

    id: int
    kind: NewsKind
    at: datetime | None
    author: str = ""
    to: str = ""
    text: str = ""
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A message that one event of Zabbix is owed: news of its ticket; `id` is that of the news."""

    id: int
    eventid: str
    text: str
    acknowledges: bool = False
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One problem event as far as facts tell; unknown text is empty.

    `announced` is whether anybody said that the problem exists (a recovery alone does not). `is_alerted` is whether
    that somebody was our media type. `clock_known` tells an opening time that was stated from one that was guessed.
    `cause_eventid` is the event whose symptom it is; `unwatched` says what of it is disabled in Zabbix.
    """

    source: str
    eventid: str
    origin: Origin = Origin.TRIGGER
    name: str = ""
    host: str = ""
    host_name: str = ""
    host_id: str = ""
    host_ip: str = ""
    host_dns: str = ""
    host_groups: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    triggerid: str = ""
    trigger_name: str = ""
    trigger_description: str = ""
    trigger_url: str = ""
    item_key: str = ""
    item_name: str = ""
    item_value: str = ""
    opdata: str = ""
    inventory_location: str = ""
    asset_tag: str = ""
    serial: str = ""
    mac: str = ""
    tags: tuple[Tag, ...] = ()
    severity: Severity = Severity.NOT_CLASSIFIED
    opened_at: datetime | None = None
    recovered_at: datetime | None = None
    recovery_name: str = ""
    recovery_value: str = ""
    closed_by: str = ""
    acknowledged: bool = False
    suppressed: bool = False
    cause_eventid: str = ""
    unwatched: str = ""
    announced: bool = False
    is_alerted: bool = False
    notes: tuple[Note, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_open(self) -> bool:
        """Only a recovery that was stated ends an event."""
        return self.recovered_at is None


@dataclass(frozen=True, slots=True)
class Draft:
    """The ticket that the rules want; names and paths as GLPI shows them, never ids. None leaves GLPI's default."""

    title: str
    content: str
    category: str | None = None
    type: TicketType = TicketType.INCIDENT
    urgency: Level = Level.MEDIUM
    impact: Level = Level.MEDIUM
    entity: str | None = None
    groups: tuple[str, ...] = ()
    technicians: tuple[str, ...] = ()
    requesters: tuple[str, ...] = ()
    observers: tuple[str, ...] = ()
    observer_groups: tuple[str, ...] = ()
    location: str | None = None
    request_source: str | None = None
    notify: bool = True
    major: bool = False
    extra: Mapping[str, str | int | float | bool] = field(default_factory=dict, hash=False)


class Sameness(StrEnum):
    """What incidents share that are taken for one cause: the dedup key, the host, or the category."""

    KEY = "key"
    HOST = "host"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Often:
    """How often an incident recurs before it is a problem: `count` occurrences within that time."""

    count: int
    within: timedelta

    def __str__(self) -> str:
        hours = self.within / timedelta(hours=1)
        if hours < 24:
            return f"{self.count} in {hours:g}h"
        return f"{self.count} in {hours / 24:g} day" + ("" if hours == 24 else "s")


@dataclass(frozen=True, slots=True)
class Storm:
    """When many problems are one storm: more than `count` of one group (the fields `by`) that began within `window`.

    `notify`: GLPI may send mails about its children too; else about their parent alone.
    """

    by: tuple[str, ...]
    count: int = 20
    window: timedelta = timedelta(minutes=5)
    notify: bool = False


@dataclass(frozen=True, slots=True)
class HandOver:
    """The group (`to`, its name or path) that a ticket goes to which nobody has taken for that time."""

    after: timedelta
    to: str


@dataclass(frozen=True, slots=True)
class Policy:
    """How an incident is followed; each value comes from the rule that matched, else from `default:`.

    `reopen_window` None = always, zero = never. `flap_count` changes within `flap_window` make an incident flap; its
    state is told again only after `flap_calm` without a change. zero `flap_count` switches this off. What a person
    finished while the problem lives is reopened `reopen_after_person` later (None: never); a solved ticket is closed
    `close_after` the last recovery (None: GLPI's own settings close it). After `problem_after` occurrences of one cause
    (`problem_same`) GLPI gets a Problem; None: never by itself.
    """

    hold_off: timedelta = timedelta(0)
    reopen_window: timedelta | None = timedelta(hours=1)
    reopen_closed: bool = True
    flap_count: int = 6
    flap_window: timedelta = timedelta(minutes=15)
    flap_calm: timedelta = timedelta(minutes=15)
    private_notes: bool = False
    solve: bool = True
    solve_pending: bool = False
    create_recovered: bool = True
    create_unannounced: bool = False
    hold_suppressed: bool = True
    reopen_after_person: timedelta | None = None
    close_after: timedelta | None = None
    acknowledge: bool = True
    link_asset: bool = False
    follow_severity: bool = True
    notes: frozenset[NoteKind] = frozenset(NoteKind)
    problem_after: Often | None = None
    problem_same: Sameness = Sameness.KEY
    solve_unwatched: bool = False
    hand_over: tuple[HandOver, ...] = ()
    storm: Storm | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """What the rules say about an event: which rule, the key that decides who shares a ticket, the ticket wanted.

    `rule` is the place of the rule that matched (`rules.yml:12 "storage"`, or `default`). `ignore` is the reason why no
    ticket is wanted, or None. `warnings` tells what had to be replaced (a broken template, for one). `group` names the
    group whose storm it may be part of (`web01`); empty where no storm is asked for.
    """

    rule: str
    key: str
    draft: Draft
    policy: Policy = Policy()
    ignore: str | None = None
    warnings: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What GLPI has confirmed of one incident.

    `solved` and `reopened` hold the event ids whose recovery or return was told; `notes` the ids of notes. `closed` are
    those with whose recovery the ticket was closed, or left to people as somebody had objected.
    `incomplete`: the ticket was found after a broken call, or read back without its actors. `unconfirmed`: GLPI has our
    solution and still shows the ticket open; `unopened`: it has our reopening and still shows it finished; `unclosed`:
    it has our closing and still shows it solved. `plain`: GLPI's tables refuse four-byte characters. `members` are the
    events that were the incident's when GLPI last confirmed a write: the ticket was theirs. `assets` are those linked
    to it (`Computer/7`), `looked_for` the events whose asset was looked for, whether there was one or not: what a
    person unlinks stays unlinked. `open_since` is when the ticket was made or last reopened by us, `handed` the groups
    that it was handed to (`1 Second line`), in order; `owned`: a person has taken or assigned it, so that no hand-over
    follows. `major`: it was marked as a major incident; `priority` is what we set and GLPI has not computed anew since.
    """

    ticket_id: int | None = None
    urgency: int | None = None
    impact: int | None = None
    notes: frozenset[str] = frozenset()
    solved: frozenset[str] = frozenset()
    reopened: frozenset[str] = frozenset()
    linked: frozenset[int] = frozenset()
    assets: frozenset[str] = frozenset()
    looked_for: frozenset[str] = frozenset()
    incomplete: bool = False
    unconfirmed: bool = False
    unopened: bool = False
    closed: frozenset[str] = frozenset()
    unclosed: bool = False
    plain: bool = False
    members: frozenset[str] = frozenset()
    open_since: datetime | None = None
    handed: tuple[str, ...] = ()
    owned: bool = False
    major: bool = False
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the ticket as it stands in GLPI: by our own confirmed writes, or read since.

    `finished_at` is when it became solved or closed, `by_us` whether our solution did that. `is_deleted` means in the
    trash, `is_gone` purged. `priority` is GLPI's (0: not read), `computed` what its matrix makes of urgency and impact.
    """

    status: TicketStatus = TicketStatus.NEW
    urgency: int = 0
    impact: int = 0
    priority: int = 0
    computed: int = 0
    finished_at: datetime | None = None
    by_us: bool = False
    is_deleted: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Children:
    """A storm's incidents, counted: all, those with a ticket, those not finished, those that have not recovered."""

    count: int = 0
    tickets: int = 0
    open: int = 0
    live: int = 0


@dataclass(frozen=True, slots=True)
class Incident:
    """The events that share one ticket: (source, dedup key, generation). `id` is the store's own number.

    `marker` is the plain line that finds the ticket again: `zabbix <source>/<first eventid>`. `previous` is the ticket
    of the generation before, to be linked. `acknowledged` holds the event ids whose ticket number Zabbix has, `words`
    what else Zabbix is owed, in order.
    `fathers` are the tickets whose son this one is to be: that of a storm, that of the event's cause in Zabbix;
    `parent` is the store's number of its storm. A storm's own incident has `children`, no events that are its own (its
    first child's speak for it), and a marker that ends with ` storm <group>`.
    """

    id: int
    source: str
    key: str
    generation: int
    marker: str
    events: tuple[Event, ...]
    told: Told = Told()
    seen: Seen = Seen()
    previous: int | None = None
    acknowledged: frozenset[str] = frozenset()
    words: tuple[Word, ...] = ()
    fathers: tuple[int, ...] = ()
    parent: int | None = None
    children: Children | None = None

    @property
    def is_recovered(self) -> bool:
        """All of its events have recovered, each by its own evidence; of a storm, all of its children are over."""
        if self.children is not None:
            return self.children.open == 0
        return all(not event.is_open for event in self.events)


class StepKind(StrEnum):
    """What may be due for one incident."""

    CREATE = "create"
    NOTE = "note"
    SOLVE = "solve"
    REOPEN = "reopen"
    CLOSE = "close"
    LINK = "link"
    ASSET = "asset"
    RAISE = "raise"
    HAND_OVER = "hand over"
    COMPLETE = "complete"
    CONFIRM = "confirm"
    PART = "part"
    ACKNOWLEDGE = "acknowledge"
    DEED = "deed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing due for one incident, and why.

    `subject` names what the step is about so that it can be recognised again: an event id (solve, reopen, close,
    acknowledge, asset), an event id and that of the news it is told (acknowledge), a note id, the other ticket's id
    (link), the place of a group and its name (hand over), `priority 6` (create and raise, where they set one); else
    empty. DEED is an undertaking's (`itil`). PART is the store's own affair: events that came back to a ticket which
    takes nothing any more begin an incident of their own.
    """

    kind: StepKind
    reason: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due now; look again at `until` (None: when facts change).

    `is_final` means that nothing more is expected of Zabbix: once nothing is due either, the incident may leave the
    store after its time.
    """

    reason: str
    until: datetime | None = None
    is_final: bool = False


class Verdict(StrEnum):
    """How one item of a call went."""

    DONE = "done"
    REFUSED = "refused"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"
    HELD = "held"
    SESSION_LOST = "session lost"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one item went: DONE with the id GLPI gave, or not, with GLPI's own words.

    UNKNOWN must be looked for before it is tried again; HELD is the whole bridge's trouble, not the item's.
    """

    verdict: Verdict
    id: int | None = None
    text: str = ""
    code: str = ""
    retry_after: float | None = None
