"""What one stand-in knows: tables, sessions, settings, secrets; and the small rules all its parts share."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count
from typing import Any, Final

from . import actors, administration, fixture, itil, links, ports, service_levels, tasks, timeline
from .access import Caller
from .answers import Crashed
from .database import Database
from .dialect import Dialect
from .faults import Orders
from .itemtypes import ACTOR_TABLES, ITEMTYPES, ITIL
from .recorded import Row, recorded
from .sessions import Handler, Session, Sessions
from .writing import Writer

DUPLICATE_OF: Final = 2
NO_PROFILE: Final = 0
"""The profile of a session that may do nothing: its password is too old."""
LINKS: Final = (
    "Item_Ticket", "Item_Problem", "Change_Item", "Problem_Ticket", "Change_Ticket", "Change_Problem", "TicketCost",
    "Supplier_Ticket", "Document_Item",
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Seconds a real GLPI would take: one write alone, one item of a list, one read, one id of a PUT that is missing.

    Missing ids are never free: the self-test for sessions that lock lives on them [12/270].
    """

    single: float = 0.0
    bulk_item: float = 0.0
    read: float = 0.0
    missing: float = 0.0002


@dataclass
class Settings:
    """What an administrator of this GLPI has set; may be changed while it runs."""

    api_enabled: bool = True
    login_with_credentials: bool = True
    login_with_token: bool = True
    app_token_required: bool = True
    first_ip: str = "127.0.0.1"
    last_ip: str = "127.0.0.100"
    authorization_stripped: bool = False
    link_header_limit: int | None = 3900
    """What a front server with a 4 KB buffer carries [11: 12/202]; None carries all."""
    maintenance: bool = False
    database_down: bool = False
    session_folder: bool = True
    mail: bool = False
    list_limit: int = 15
    url_base: str = ""


class Held:
    """Requests that were told to wait in the middle of their work."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._goes = 0
        self.waiting = 0

    def wait_for_go(self) -> None:
        """Wait until somebody says go."""
        with self._change:
            seen = self._goes
            self.waiting += 1
            self._change.wait_for(lambda: self._goes != seen)
            self.waiting -= 1

    def go_on(self) -> None:
        """Let all who wait go on."""
        with self._change:
            self._goes += 1
            self._change.notify_all()


@dataclass(frozen=True)
class Call:
    """One request as the log keeps it; `status` is None when no answer was sent."""

    number: int
    at: float
    method: str
    path: str
    query: Row
    session: str
    items: Any
    status: int | None
    seconds: float
    client_gone: bool
    faults: tuple[str, ...]

    def as_json(self) -> Row:
        """Return plain data for the control address."""
        return asdict(self)


@dataclass(frozen=True)
class Mail:
    """A notification GLPI would have queued."""

    event: str
    itemtype: str
    items_id: int


@dataclass
class World:
    """The state of one GLPI."""

    version: str
    clock: Callable[[], float] = time.time
    timezone: tzinfo = UTC
    cost: Cost = Cost()
    gc_maxlifetime: float = 1440.0
    sessions_in: Handler = Handler.FILES
    workers: int | None = None
    sessions_collect: bool = True
    stock: bool = False
    upgraded: bool = False
    settings: Settings = field(default_factory=Settings)
    app_token: str = field(default_factory=lambda: secrets.token_hex(20), repr=False)
    client_tokens: dict[int, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.recorded = recorded(self.version)
        self.dialect = Dialect(self.version, self.upgraded)
        self.db = Database(self.recorded.columns)
        self.sessions = Sessions(
            self.clock, gc_maxlifetime=self.gc_maxlifetime, handler=self.sessions_in, collects=self.sessions_collect
        )
        self.children = threading.BoundedSemaphore(self.workers) if self.workers else None
        self.rights_at_login: dict[str, Row] = {}
        self.passwords: dict[int, str] = {}
        self.expired: set[int] = set()
        self.user_tokens: dict[int, str] = {}
        self.orders = Orders()
        self.log: list[Call] = []
        self.numbers = count(1)
        self.mails: list[Mail] = []
        self.unserved: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self.held = Held()
        self.files: dict[int, bytes] = {}
        self.closing = threading.Event()
        self._late: list[tuple[threading.Timer | None, str, int, Row]] = []
        self.timeline = timeline.Timeline(self)
        self.writers: dict[str, Any] = {name: self._writer(name) for name in self.recorded.columns if name in ITEMTYPES}
        fixture.build(self, stock=self.stock)

    def _writer(self, name: str) -> Writer:
        if name in ITIL:
            return itil.ItilWriter(self, name)
        if name in LINKS:
            return links.LinkWriter(self, name)
        parent = next((itemtype for itemtype, tables in ACTOR_TABLES.items() if name in tables), None)
        if parent is not None:
            return actors.ActorWriter(self, name, parent)
        if name.startswith("TicketTemplate") and name.endswith("Field"):
            return administration.TemplateFieldWriter(self, name)
        if name in {f"{itemtype}Task" for itemtype in ITIL}:
            return tasks.TaskWriter(self, name, name.removesuffix("Task"))
        if name.endswith("Validation"):
            return tasks.ValidationWriter(self, name, name.removesuffix("Validation"))
        special = {
            "ITILFollowup": timeline.FollowupWriter,
            "ITILSolution": timeline.SolutionWriter,
            "Ticket_Ticket": links.TicketLinkWriter,
            "TicketSatisfaction": tasks.SatisfactionWriter,
            "User": administration.UserWriter,
            "Profile": administration.ProfileWriter,
            "ProfileRight": administration.ProfileRightWriter,
            "Config": administration.ConfigWriter,
            "APIClient": administration.ApiClientWriter,
            "CalendarSegment": service_levels.PartWriter,
            "SLA": service_levels.PartWriter,
            "OLA": service_levels.PartWriter,
            "NetworkPort": ports.PortWriter,
            "NetworkName": ports.NameWriter,
        }
        return special.get(name, Writer)(self, name)

    # -- time --

    def now(self, shift: timedelta = timedelta()) -> str:
        """Return the server's local time as GLPI writes it."""
        return (datetime.fromtimestamp(self.clock(), self.timezone) + shift).strftime("%Y-%m-%d %H:%M:%S")

    # -- people and rights --

    def caller(self, session: Session) -> Caller:
        """Return who is at work in a session; one without a profile may do nothing."""
        if session.profiles_id == NO_PROFILE:
            return Caller(session.users_id, NO_PROFILE, "", frozenset(), 0, {})
        profiles = self.db["Profile"]
        return Caller(
            users_id=session.users_id,
            profiles_id=session.profiles_id,
            interface=profiles.value(session.profiles_id, "interface"),
            entities=self.entities_below(session.entities_id, recursive=bool(session.is_recursive)),
            active_entity=session.entities_id,
            rights=self.rights_at_login.get(session.token) or profiles.full(session.profiles_id),
            groups=self.groups_of(session.users_id),
        )

    def groups_of(self, users_id: int) -> frozenset[int]:
        """Return the groups of a user."""
        links = self.db["Group_User"]
        return frozenset(links.value(i, "groups_id") for i in links.children("users_id", users_id))

    def entities_below(self, entity: int, *, recursive: bool) -> frozenset[int]:
        """Return an entity and, if recursive, all below it."""
        found = {entity}
        table = self.db["Entity"]
        while recursive:
            more = {i for i in table.ids if table.value(i, "entities_id") in found and i not in found and i != 0}
            if not more:
                break
            found |= more
        return frozenset(found)

    def profiles_of(self, users_id: int) -> list[Row]:
        """Return the rows that give a user profiles."""
        links = self.db["Profile_User"]
        return [links.full(i) for i in links.children("users_id", users_id)]

    def friendly_name(self, users_id: int) -> str:
        """Return "Surname Firstname", or the login."""
        users = self.db["User"]
        names = (users.value(users_id, column) or "" for column in ("realname", "firstname"))
        return " ".join(names).strip() or str(users.value(users_id, "name"))

    # -- rules shared by all parts --

    def duplicates(self, tickets_id: int) -> list[int]:
        """Return the tickets linked to one as duplicates, in both directions."""
        links = self.db["Ticket_Ticket"]
        ends = (("tickets_id_1", "tickets_id_2"), ("tickets_id_2", "tickets_id_1"))
        found = {
            links.value(i, other)
            for column, other in ends
            for i in links.children(column, tickets_id)
            if links.value(i, "link") == DUPLICATE_OF
        }
        return sorted(found & self.db["Ticket"].rows.keys())

    def check_itemtype(self, itemtype: str) -> None:
        """End PHP 11 on an itemtype that does not exist."""
        if not self.dialect.encodes and itemtype not in self.db and itemtype not in self.known_itemtypes():
            raise Crashed

    def known_itemtypes(self) -> frozenset[str]:
        """Return GLPI's own itemtypes as its configuration lists them, served here or not."""
        lists = (v for k, v in self.recorded.config.items() if k.endswith("_types") and isinstance(v, list))
        return frozenset(name for names in lists for name in names if isinstance(name, str))

    def mail(self, event: str, itemtype: str, items_id: int, data: Row) -> None:
        """Count a notification, unless the input forbids it."""
        if not data.get("_disablenotif"):
            self.mails.append(Mail(event, itemtype, items_id))

    # -- rows that appear late --

    def appears_late(self, itemtype: str, row_id: int, row: Row, seconds: float) -> None:
        """Let a dead worker's row appear after some seconds, or when released if 0 [12/042]."""
        entry: list[Any] = [None, itemtype, row_id, row]
        if seconds > 0:
            timer = threading.Timer(seconds, self.release_late, (row_id,))
            timer.daemon = True
            entry[0] = timer
        with self.db.lock:
            self._late.append(tuple(entry))
        if entry[0] is not None:
            entry[0].start()

    def release_late(self, row_id: int | None = None) -> list[int]:
        """Let waiting rows appear now; returns their ids."""
        with self.db.lock:
            due = [entry for entry in self._late if row_id is None or entry[2] == row_id]
            self._late = [entry for entry in self._late if entry not in due]
            for timer, itemtype, late_id, row in due:
                if timer is not None:
                    timer.cancel()
                self.db[itemtype].insert(row, late_id)
        return [entry[2] for entry in due]

    def late_rows(self) -> int:
        """Return how many rows are still to appear."""
        with self.db.lock:
            return len(self._late)

    def close(self) -> None:
        """Stop timers and everything that waits."""
        self.closing.set()
        self.held.go_on()
        with self.db.lock:
            for timer, *_ in self._late:
                if timer is not None:
                    timer.cancel()
