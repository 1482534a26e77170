"""What a delivery pass works with: the store, the spool, the rules, both APIs, the clock. Built by the command line."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from glpi_bridge.alert import DEFAULT_SOURCE
from glpi_bridge.assets import Assets
from glpi_bridge.errors import BridgeError, Held
from glpi_bridge.glpi import Glpi, Names
from glpi_bridge.http import when_sent
from glpi_bridge.maintenance import Agreed
from glpi_bridge.model import Outcome
from glpi_bridge.news import Wanted
from glpi_bridge.rules import Rules
from glpi_bridge.spool import Spool
from glpi_bridge.store import Connection, Store, attempts, events, incidents, meta, undertakings
from glpi_bridge.undertaking import Resolution
from glpi_bridge.zabbix import Zabbix

CRON = "cron"
STOPPED = "stopped"
PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Terms:
    """How patient delivery is; seconds unless a name says otherwise.

    `settle_after` must be longer than GLPI's database lets a statement wait for a row lock (50 s by default).
    A server that is down is asked again after `longest_probe` at most, one that refuses all calls after `longest_hold`.
    `look_every` is how often the planned work of Changes is looked at.
    `session_age` is how long after its last read a session may be taken for alive (GLPI's collector takes 1440 s).
    """

    settle_after: float = 60.0
    lease: float = 180.0
    first_pause: float = 5.0
    longest_pause: float = 600.0
    longest_probe: float = 7.0
    longest_hold: float = 60.0
    give_up_after_refusals: int = 5
    give_up_after: float = 600.0
    session_age: float = 840.0
    forgotten_after: float = 3600.0
    bulk_items: int = 50
    batch_incidents: int = 200
    retention: float = 90 * 86400.0
    problem_solved: Resolution = Resolution.ANNOTATE
    change_solved: Resolution = Resolution.ANNOTATE
    look_every: float = 60.0

    def pause(self, failures: int, chance: float, longest: float | None = None) -> float:
        """Return the pause after so many failures in a row: doubling, capped, spread by `chance` (0 to 1)."""
        steps = min(max(failures - 1, 0), 30)
        cap = self.longest_pause if longest is None else longest
        return min(cap, self.first_pause * 2.0**steps) * (0.75 + 0.5 * chance)


@dataclass(frozen=True, slots=True)
class Maintaining:
    """How planned work becomes maintenance in a Zabbix: the API by a token of its own, and what it may be.

    `host_groups` () means every host that the token may write. `collects`: values are taken meanwhile.
    """

    zabbix: Zabbix
    host_groups: tuple[str, ...] = ()
    collects: bool = True
    when: Agreed = Agreed.APPROVED


@dataclass(frozen=True, slots=True)
class Source:
    """One Zabbix server: its name, its time zone, its API (None: alerts only).

    `adopts` says of a problem that no alert told about, by its opening time, whether it gets a ticket all the same.
    `news` says what it is told of its tickets. `maintaining` None: planned work is nothing to it.
    """

    name: str
    zone: tzinfo = UTC
    zabbix: Zabbix | None = None
    acknowledges: bool = True
    adopts: Callable[[datetime], bool] = field(default=lambda _opened_at: False)
    news: Wanted = field(default_factory=Wanted)
    maintaining: Maintaining | None = None


Outcomes = list[Outcome]
Launch = Callable[[Callable[[], Outcomes]], Callable[[], Outcomes]]


_UNTIL_SENT = 0.1  # seconds


def in_thread(call: Callable[[], Outcomes]) -> Callable[[], Outcomes]:
    """Start a call in a thread of its own; the function returned waits for it and gives its result.

    Returns when the request has left, or after a moment: what is computed here meanwhile would only delay it.
    """
    result: Future[Outcomes] = Future()
    has_left = threading.Event()

    def work() -> None:
        when_sent(has_left.set)
        try:
            result.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            result.set_exception(error)
        finally:
            has_left.set()

    threading.Thread(target=work, name="call", daemon=True).start()
    has_left.wait(_UNTIL_SENT)
    return result.result


@dataclass(frozen=True, slots=True)
class Made:
    """A new ticket that is still to be read back: its marker, the groups and users it was to have, its fields."""

    marker: str
    groups: tuple[str, ...] = ()
    technicians: tuple[int, ...] = ()
    requesters: tuple[int, ...] = ()
    sent: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """Everything a pass needs. `now` gives epoch seconds; `ticket_link` has `{id}` for a ticket's number.

    `stopping` ends a pass after the step at hand; `heartbeat` is called after each step.
    `launch` starts a call and returns what waits for its result. Without `assets` tickets are linked to none.
    `glpi_zone` is the zone of the times that GLPI shows (None: as its clock stands now).
    """

    store: Store
    spool: Spool
    rules: Rules
    glpi: Glpi
    names: Names
    sources: Mapping[str, Source]
    worker: str
    ticket_link: str = ""
    terms: Terms = Terms()
    assets: Assets | None = None
    glpi_zone: tzinfo | None = None
    now: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random
    unverified: dict[int, Made] = field(default_factory=dict)
    rewritten: dict[str, str] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    heartbeat: Callable[[], None] = lambda: None
    launch: Launch = field(default=in_thread)

    def source(self, name: str) -> Source:
        """Return a source; alerts may come from one that the settings do not name."""
        return self.sources.get(name) or Source(name)

    def own_sources(self) -> list[str]:
        """Return the sources whose tickets are ours: those of the settings, and those that alerts came from."""
        return sorted({*self.sources, *self.store.read(events.source_names), CRON, DEFAULT_SOURCE})

    def time(self) -> datetime:
        """Return the clock's time as an aware datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def notice(self, kind: str, subject: str, text: str, times: int = 1) -> bool:
        """Note something for `status`; True when it is new (then it is worth a log line)."""
        return self.store.write(meta.notice, kind, subject, text, self.now(), times)

    def stop(self, why: str) -> None:
        """Stop all writes, to Zabbix too, until a person has acted (`glpi-bridge adopt`, `resume`)."""
        self.store.write(meta.put, STOPPED, why)

    def is_held(self, target: str) -> bool:
        """Tell whether work for a target waits: paused or stopped by a person or a guard, or backing off."""
        return self.store.read(_is_held, target, self.now())

    def failed(self, target: str, error: BridgeError) -> bool:
        """Note that a target cannot be used now, and back off; True when this is news (worth a log line)."""
        return self.store.write(_failed, target, error, self.terms, self.now(), self.chance())

    def next_wake(self) -> float | None:
        """Return when something becomes due by itself, in epoch seconds, or None."""
        return self.store.read(_next_wake, self.targets()[1:], self.now())

    def targets(self) -> list[str]:
        """Return the names of what is called: GLPI and each Zabbix."""
        return ["GLPI", *(f"Zabbix {name}" for name in self.sources)]

    @property
    def maintains(self) -> bool:
        """Whether the planned work of Changes becomes maintenance anywhere."""
        return any(one.maintaining is not None for one in self.sources.values())

    def works(self, target: str) -> bool:
        """Note that a target answers; True when it did not before."""
        if self.store.read(meta.get, f"trouble {target}") is None:
            return False
        self.store.write(meta.put, f"trouble {target}", None)
        return True


def _is_held(connection: Connection, target: str, now: float) -> bool:
    trouble = f"trouble {target}"
    kept = meta.several(connection, (PAUSED, STOPPED, trouble))
    if PAUSED in kept or STOPPED in kept:  # stopped: nor is Zabbix told numbers that are in question
        return True
    return trouble in kept and bool(kept[trouble]["until"] > now)


def _failed(connection: Connection, target: str, error: BridgeError, terms: Terms, now: float, chance: float) -> bool:
    known = meta.get(connection, f"trouble {target}")
    failures = 1 if known is None else known["failures"] + 1
    longest = terms.longest_hold if isinstance(error, Held) else terms.longest_probe
    pause = max(terms.pause(failures, chance, longest), getattr(error, "retry_after", None) or 0.0)
    text = str(error)
    since = now if known is None else known["since"]
    is_held = isinstance(error, Held)
    trouble = {"text": text, "since": since, "until": now + pause, "failures": failures, "is_held": is_held}
    meta.put(connection, f"trouble {target}", trouble)
    return known is None or known["text"] != text


def _next_wake(connection: Connection, zabbixes: Sequence[str], now: float) -> float | None:
    """GLPI's side is not looked at before its trouble ends, nor while it is held; Zabbix's alike."""
    if meta.get(connection, STOPPED) is not None:
        return None
    glpi, zabbix = incidents.next_due(connection, now)
    glpi = min((at for at in (glpi, undertakings.next_due(connection, now)) if at is not None), default=None)
    sides = [(["GLPI"], glpi, attempts.next_time(connection, acknowledgements=False))]
    sides.append((list(zabbixes), zabbix, attempts.next_time(connection, acknowledgements=True)))
    wakes = []
    for targets, due, attempt in sides:
        rests = [one["until"] for name in targets if (one := meta.get(connection, f"trouble {name}")) is not None]
        times = [time for time in (due, attempt) if time is not None]
        if rests:
            wakes.append(min(rests) if not times else max(min(rests), min(times)))
        elif times:
            wakes.append(min(times))
    return min(wakes, default=None)
