"""What waits, and what a person may do about it: incidents by number or marker, unreadable alerts by file name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from glpi_bridge import build, plan
from glpi_bridge.config import Settings
from glpi_bridge.errors import BridgeError
from glpi_bridge.model import Event, Route, Step
from glpi_bridge.spool import Rejected, Spool
from glpi_bridge.store import Store, incidents, overview, undertakings
from glpi_bridge.store import queue as rows
from glpi_bridge.store.incidents import Owed
from glpi_bridge.store.overview import Queued, Standing
from glpi_bridge.text import counted
from glpi_bridge.undertaking import Undertaking

ALL = "all"
_UNDERTAKING = re.compile(r"(problem|change)-(\d{1,9})")


class NotInQueue(BridgeError):
    """What was named does not wait, or is not there at all."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A Problem or Change that waits: parked, or refused and tried again. `name` is what commands call it."""

    one: Undertaking
    standing: Standing

    @property
    def name(self) -> str:
        """Name it, as in `problem-3`: the number is the store's own."""
        return name_of(self.one)


@dataclass(frozen=True, slots=True)
class Queue:
    """All that waits."""

    incidents: tuple[Queued, ...]
    bad: tuple[Rejected, ...]
    undertakings: tuple[Pending, ...] = ()


@dataclass(frozen=True, slots=True)
class Detail:
    """One incident whole: what it is, what the rules want for it, and what is next."""

    queued: Queued | None
    owed: Owed
    route: Route
    next: str

    @property
    def events(self) -> tuple[Event, ...]:
        """Its events, oldest first."""
        return self.owed.incident.events


class Desk:
    """The queue of one installation, open for a person."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._spool = Spool(settings.spool)

    def all(self, now: float) -> Queue:
        """List what waits."""
        found = self._store.read(overview.queue, now)
        doubtful = self._store.read(overview.in_doubt, now)
        waiting = tuple(one for one in found if one.standing is not Standing.SENDING or one.id in doubtful)
        return Queue(
            tuple(_with_doubt(one, doubtful) for one in waiting), tuple(self._spool.rejected()), self.pending()
        )

    def pending(self) -> tuple[Pending, ...]:
        """List the Problems and Changes that wait for a person, or for their next try."""
        found = self._store.read(undertakings.waiting)
        return tuple(Pending(one, Standing.PARKED if is_parked else Standing.RETRY) for one, is_parked in found)

    def undertaking(self, name: str) -> Undertaking | None:
        """Return a Problem or Change by its name; None where the name is none of theirs. Raises NotInQueue."""
        found = _UNDERTAKING.fullmatch(name)
        if found is None:
            return None
        one = self._store.read(undertakings.by_id, int(found[2]))
        if one is None or one.kind.lower() != found[1]:
            raise NotInQueue(f"there is no {name}: `glpi-bridge queue list` shows their names")
        return one

    def bad(self, name: str) -> Rejected | None:
        """Return an unreadable alert by the name of its file."""
        return next((one for one in self._spool.rejected() if one.name == name), None)

    def detail(self, name: str, now: float) -> Detail:
        """Return an incident by its number, its marker (`zabbix SOURCE/EVENTID`) or `SOURCE/EVENTID`."""
        owed = self._owed(name)
        moment = datetime.fromtimestamp(now, UTC)
        route = build.rules(self._settings).route(plan.lead(owed.incident), moment)
        step = plan.plan(owed.incident, route, moment)
        words = f"{step.kind}: {step.reason}" if isinstance(step, Step) else step.reason
        queued = next((one for one in self.all(now).incidents if one.id == owed.incident.id), None)
        return Detail(queued, owed, route, words)

    def retry(self, name: str, now: float) -> str:
        """Try something again, or `all` that is parked or unreadable; return what was done, in words."""
        if name == ALL:
            count = self._store.write(rows.retry_all, now)
            objects = self._store.write(undertakings.retry_all, now)
            bad = self._spool.rejected()
            for one in bad:
                self._spool.retry_bad(one.name)
            again = (
                f"{counted(count, 'incident')}, {counted(objects, 'problem or change', 'problems and changes')} and "
                f"{counted(len(bad), 'unreadable alert')}"
            )
            return f"{again} are tried again with the next pass"
        if self.bad(name) is not None:
            self._spool.retry_bad(name)
            return f"alert {name} is read again with the next pass"
        if (object_ := self.undertaking(name)) is not None:
            if not self._store.write(undertakings.retry, object_.id, now):
                raise NotInQueue(f"{name} ({object_.marker}) does not wait for a try")
            return f"{name} ({object_.marker}) is tried again with the next pass"
        owed = self._owed(name)
        if not self._store.write(rows.retry, owed.incident.id, now):
            raise NotInQueue(f"incident {owed.incident.id} ({owed.incident.marker}) does not wait for a try")
        return f"incident {owed.incident.id} ({owed.incident.marker}) is tried again with the next pass"

    def would_drop(self, name: str) -> str:
        """Say what dropping this means."""
        if (bad := self.bad(name)) is not None:
            return f"the unreadable alert {name} ({bad.reason}) is deleted for good"
        if (object_ := self.undertaking(name)) is not None:
            made = object_.glpi_id
            end = "is not made" if made is None else f"stays in GLPI as it is ({object_.kind.lower()} {made})"
            return f"{name} ({object_.marker}) {end}; nothing more is done for it, and its cause counts anew"
        owed = self._owed(name)
        incident = owed.incident
        what = f"incident {incident.id} ({incident.marker}, {len(incident.events)} events)"
        if self._is_only_zabbix(owed):
            return f"Zabbix is not told the ticket of {what} any more; ticket {incident.told.ticket_id} goes on"
        ticket = incident.told.ticket_id
        end = "gets no ticket" if ticket is None else f"writes nothing more to ticket {ticket}, not even its solution"
        return f"{what} {end}; the next problem of the same key begins anew and gets a ticket as usual"

    def drop(self, name: str, now: float) -> None:
        """Drop it. Raises NotInQueue while a write of it is in flight."""
        if self.bad(name) is not None:
            self._spool.drop_bad(name)
            return
        if (object_ := self.undertaking(name)) is not None:
            if not self._store.write(undertakings.drop, object_.id, now):
                raise NotInQueue(f"{name} is finished, or a write of it is in flight: nothing was dropped")
            return
        owed = self._owed(name)
        if self._is_only_zabbix(owed):
            done = self._store.write(rows.drop_acknowledgement, owed)
        else:
            done = self._store.write(rows.drop, owed, now)
        if not done:
            raise NotInQueue(
                f"a write of incident {owed.incident.id} is in flight or in doubt, so nothing was dropped: "
                "wait until `glpi-bridge status` shows it settled"
            )

    def _is_only_zabbix(self, owed: Owed) -> bool:
        found = self._store.read(overview.standing, owed.incident.id)
        return found is not None and found.parked is None and found.ack_parked is not None

    def _owed(self, name: str) -> Owed:
        if name.isascii() and name.isdigit():
            found = self._store.read(incidents.by_ids, [int(name)])
            owed = found[0] if found else None
        else:
            owed = self._store.read(incidents.by_marker, f"zabbix {name.removeprefix('zabbix ')}")
        if owed is None:
            raise NotInQueue(
                f"{name!r} is neither an incident's number, nor SOURCE/EVENTID of its first event, nor a problem or "
                "change (problem-3), nor an unreadable alert: `glpi-bridge queue list` shows their names"
            )
        return owed


@contextmanager
def desk(settings: Settings) -> Iterator[Desk]:
    """Open the queue. Raises StoreError, also where there is no store yet."""
    with closing(Store(build.store_url(settings))) as store:
        yield Desk(settings, store)


def name_of(one: Undertaking) -> str:
    """Name a Problem or Change for commands: its kind and the store's own number."""
    return f"{one.kind.lower()}-{one.id}"


def _with_doubt(one: Queued, doubtful: dict[int, str]) -> Queued:
    if one.id not in doubtful:
        return one
    return replace(one, standing=Standing.IN_DOUBT, why=doubtful[one.id])
