"""How it stands, from store and spool alone: what waits, what is in doubt, what needs a person. Changes nothing."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from glpi_bridge import __version__, build
from glpi_bridge.config import Settings
from glpi_bridge.context import PAUSED, STOPPED
from glpi_bridge.errors import SpoolError
from glpi_bridge.itil import upkeep
from glpi_bridge.model import StepKind
from glpi_bridge.spool import Spool
from glpi_bridge.store import SCHEMA, Connection, Store, attempts, events, meta, overview, undertakings
from glpi_bridge.store.attempts import Attempt
from glpi_bridge.store.meta import Notice
from glpi_bridge.store.overview import Counts
from glpi_bridge.text import counted

UNMATCHED = "unmatched"
NOT_ADOPTED = "not adopted"
_LATE_SECONDS = 900.0

# the plan's reasons for which both sides differ and nothing is due: people win, and status counts it
DRIFT: Mapping[str, str] = {
    "open in Zabbix; closed by a person": "open in Zabbix, closed by a person in GLPI",
    "open in Zabbix; closed by a person, and reopened unless it recovers": (
        "open in Zabbix, closed by a person in GLPI, to be reopened (reopen_after_person)"
    ),
    "open in Zabbix; closed in GLPI, where closed stays closed": "open in Zabbix, closed in GLPI (reopen_closed: off)",
    "the ticket was removed by hand": "open in Zabbix, its ticket removed in GLPI",
    "recovered; a person reopened the ticket": "recovered in Zabbix, reopened by a person in GLPI",
    "recovered; the ticket is a person's to solve": "recovered in Zabbix, left to a person to solve in GLPI",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A write without a clear answer; times are epoch seconds. `items` are markers, never the session's token."""

    id: str
    operation: str
    items: tuple[str, ...]
    incidents: tuple[int, ...]
    since: float
    why: str
    next: str
    next_at: float
    needs_person: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """A server that cannot be used now; times are epoch seconds."""

    target: str
    text: str
    since: float
    next_try: float
    failures: int
    is_held: bool


@dataclass(frozen=True, slots=True)
class Spooled:
    """What lies in the spool; `oldest` is the time of the oldest alert (epoch)."""

    waiting: int
    bad: int
    oldest: float | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """All that `status` shows. `needs_person` are sentences; empty means that nothing does."""

    at: float
    spool: Spooled
    counts: Counts | None = None
    undertakings_parked: int = 0
    alerts: int = 0
    tickets: int = 0
    in_doubt: tuple[Doubt, ...] = ()
    sending: int = 0
    troubles: tuple[Trouble, ...] = ()
    stopped: str | None = None
    paused: Mapping[str, Any] | None = None
    drift: Mapping[str, int] = field(default_factory=dict)
    duplicates: Mapping[int, int] = field(default_factory=dict)
    not_adopted: int = 0
    notices: tuple[Notice, ...] = ()
    last_pass: float | None = None
    last_sync: float | None = None
    glpi_seconds: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    needs_person: tuple[str, ...] = ()

    @property
    def oldest(self) -> float | None:
        """When the oldest thing came that is not in GLPI yet (epoch)."""
        times = (self.spool.oldest, self.counts.oldest if self.counts else None)
        return min((time for time in times if time is not None), default=None)


def status(settings: Settings, now: float) -> Status:
    """Read store and spool. Raises StoreError when the store cannot be read."""
    spool = _spooled(Spool(settings.spool))
    if settings.store.url is None and not settings.store.path.exists():
        why = f"the store {settings.store.path} is not there yet: start `glpi-bridge run`, or `deliver` from cron"
        return Status(at=now, spool=spool, versions=_versions(None), needs_person=(why, *_about_spool(spool)))
    with closing(Store(build.store_url(settings))) as store:
        return store.read(_read, now, spool, [*settings.zabbix])


def _read(connection: Connection, now: float, spool: Spooled, sources: list[str]) -> Status:
    flights = attempts.in_flight(connection)
    doubts = tuple(_doubt(one) for one in flights if one.doubt is not None or one.lease_until <= now)
    duplicates = meta.get(connection, "duplicates", {})
    found = Status(
        at=now,
        spool=spool,
        counts=overview.counts(connection, now),
        undertakings_parked=undertakings.count_parked(connection),
        alerts=int(meta.get(connection, "alerts", 0)),
        tickets=int(meta.get(connection, "tickets", 0)),
        in_doubt=doubts,
        sending=len(flights) - len(doubts),
        troubles=tuple(_troubles(connection, sources)),
        stopped=meta.get(connection, STOPPED),
        paused=meta.get(connection, PAUSED),
        drift={DRIFT[state]: count for state, count in overview.resting(connection, DRIFT).items()},
        duplicates={int(id_): int(original) for id_, (original, _) in duplicates.items()},
        not_adopted=_not_adopted(connection, sources),
        notices=tuple(meta.all_notices(connection)),
        last_pass=meta.get(connection, "last pass"),
        last_sync=meta.get(connection, "last sync"),
        glpi_seconds=meta.get(connection, "GLPI answered in"),
        versions=_versions(meta.get(connection, "version GLPI")),
    )
    return _judged(found)


def _spooled(spool: Spool) -> Spooled:
    try:
        waiting = spool.names()
        oldest = spool.entries(1) if waiting else []
        return Spooled(len(waiting), len(spool.rejected()), oldest[0].received_at.timestamp() if oldest else None)
    except SpoolError as error:
        return Spooled(0, 0, None, str(error))


def _doubt(attempt: Attempt) -> Doubt:
    return Doubt(
        id=attempt.id,
        operation=str(attempt.operation),
        items=tuple(item.marker for item in attempt.items),
        incidents=tuple(item.incident_id for item in attempt.items),
        since=attempt.started_at,
        why=attempt.doubt or f"{attempt.worker} did not end it in its time",
        next=_next(attempt),
        next_at=max(attempt.next_at, attempt.lease_until) if attempt.doubt is None else attempt.next_at,
        needs_person=attempt.note == UNMATCHED,
    )


def _next(attempt: Attempt) -> str:
    if attempt.operation is StepKind.ACKNOWLEDGE:
        return "the event is read back in Zabbix before it is told again"
    if attempt.note == UNMATCHED:
        return (
            "a person says whether one of our tickets without a marker is its own: `glpi-bridge adopt --ticket NUMBER` "
            "or `glpi-bridge adopt --again`"
        )
    if attempt.fenced_at is None:
        return "its session is ended in GLPI, so that nothing of it can still come"
    return "it is looked for in GLPI" + (" for the second time" if attempt.looks else "")


def _troubles(connection: Connection, sources: list[str]) -> list[Trouble]:
    found = []
    zabbixes = [target for name in sources for target in (f"Zabbix {name}", upkeep.target_of(name))]
    for target in ("GLPI", *zabbixes):
        held = meta.get(connection, f"trouble {target}")
        if held is not None:
            found.append(
                Trouble(
                    target, held["text"], held["since"], held["until"], held["failures"],
                    is_held=bool(held.get("is_held", False)),
                )
            )  # fmt: skip
    return found


def _not_adopted(connection: Connection, sources: list[str]) -> int:
    """Count problems that no alert told about; those that an alert has told about since do not count."""
    total = 0
    for name in sources:
        eventids: list[str] = meta.get(connection, f"{NOT_ADOPTED} {name}", [])
        total += len(eventids) - len(events.known_ids(connection, name, eventids))
    return total


def _versions(glpi: str | None) -> dict[str, str]:
    known = {"glpi_bridge": __version__, "store": SCHEMA, "python": platform.python_version()}
    return known if glpi is None else known | {"glpi": glpi}


def _judged(found: Status) -> Status:
    """Add what needs a person, the gravest first."""
    said = []
    if found.stopped is not None:
        said.append(f"all writes to GLPI are stopped: {found.stopped}")
    if found.paused is not None:
        said.append(f"paused by {found.paused['by']}: {found.paused['why']}; `glpi-bridge resume` goes on")
    said += [f"{one.target} refuses all calls: {one.text}" for one in found.troubles if one.is_held]
    said += [
        f"a {one.operation} of {', '.join(one.items)} is in doubt: {one.next}"
        for one in found.in_doubt
        if one.needs_person
    ]
    counts = found.counts
    if counts is not None and counts.parked:
        said.append(f"{counts.parked} parked: `glpi-bridge queue list` shows GLPI's words, `queue retry` tries again")
    if found.undertakings_parked:
        parked = counted(found.undertakings_parked, "problem or change", "problems or changes")
        said.append(f"{parked} parked: `glpi-bridge queue list`")
    if counts is not None and counts.acknowledgements_parked:
        said.append(f"{counted(counts.acknowledgements_parked, 'note')} to Zabbix parked: `glpi-bridge queue list`")
    said += [one.text for one in found.notices if one.kind == "unknown events"]
    said += _about_spool(found.spool)
    if (late := _late(found)) is not None:
        said.append(late)
    return replace(found, needs_person=tuple(said))


def _about_spool(spool: Spooled) -> list[str]:
    if spool.error:
        return [spool.error]
    return [f"{spool.bad} in the spool cannot be read as alerts: `glpi-bridge queue list`"] if spool.bad else []


def _late(found: Status) -> str | None:
    """Nobody works although something waits: the service is not running, or cron does not start it."""
    oldest = found.spool.oldest
    passed = found.last_pass or 0.0
    if oldest is None or found.at - oldest < _LATE_SECONDS or found.at - passed < _LATE_SECONDS:
        return None
    return "alerts wait in the spool and no delivery pass has run for 15 minutes: is `glpi-bridge run` (or cron) alive?"
