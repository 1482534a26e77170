"""One seed, one life of the bridge: real store, rules, client and engine of a GLPI, one thread, an injected clock.

Between any two effects the worker may die, be paused past its lease while another works, people may meddle, and GLPI
may act before, after or long after its answer. At the end everything is well again and the bridge comes to rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from glpi_bridge import deliver, intake
from glpi_bridge.admin.adopt import Missing, adopt
from glpi_bridge.context import STOPPED, Context, Source, Terms
from glpi_bridge.errors import BridgeError
from glpi_bridge.glpi import Credentials, Glpi, Names
from glpi_bridge.model import Alert, AlertKind, StepKind
from glpi_bridge.render import markers
from glpi_bridge.rules import Rules
from glpi_bridge.sandbox.glpi.people import People, Refused
from glpi_bridge.sandbox.glpi.world import World
from glpi_bridge.spool import Entry
from glpi_bridge.store import Store, attempts, events, incidents, meta, queue
from glpi_bridge.store.incidents import Owed
from glpi_bridge.sync import sync
from tests.invariants import Hold, Kin, Problem, Ticket, Wanted, check, check_kin, is_storm
from tests.simulation.wire import BASE, WRITE_FAULTS, Trouble, Wire
from tests.simulation.zabbix import SimZabbix, Truth
from tests.stores import lay, scratch

START = 1_795_593_600.0  # 2026-11-25 08:00 UTC
BRIDGE_USER = 7
POISON = "poisonous"
_SON_OF = 3

RULES: dict[str, str] = {
    "none": "",
    "hold-off": "default: {hold_off: 2m}",
    "never reopen": "default: {reopen_window: never}",
    "closed stays closed": "default: {reopen_closed: no}",
    "actors": "default: {category: Monitoring > CPU, group: Systems, technician: technician}",
    "only lasting": "default: {create_recovered: no}",
    "no flapping": "default: {flapping: off}",
    "always reopen": "default: {reopen_window: always, flapping: off}",
}
COURSES: dict[str, str] = {
    "closing": "default: {close_after: 5m, flapping: off}",
    "grace": "default: {reopen_after_person: 5m}",
    "hand-over": "default: {group: Systems, hand_over: {after: 5m, to: Networks}}",
}
MAJORS: dict[str, str] = {
    "major": "rules: [{match: {severity: high+}, major: yes}]",
    "all major": "default: {major: yes, flapping: off}",
}
STORMS: dict[str, str] = {
    "storms": "default: {storm: {by: host, count: 2, window: 10m}, flapping: off}",
    "storms never reopen": "default: {storm: {by: host, count: 2, window: 10m}, reopen_window: never}",
}


class Killed(BaseException):
    """The worker's process ends here."""


@dataclass
class Traits:
    """What a seed has to live through; each is switched on by chance, so that seeds differ in kind."""

    rules: str = "none"
    version: str = "10.0.19"
    faults: float = 0.0
    kinds: tuple[str, ...] = WRITE_FAULTS
    crashes: int = 0
    pauses: int = 0
    meddles: float = 0.0
    races: float = 0.0
    outages: bool = False
    repeats: float = 0.0
    zabbix_trouble: float = 0.0
    zabbix_silence: bool = False
    store_losses: int = 0
    disorder: float = 0.0
    poison: bool = False
    silent_recoveries: float = 0.0
    autoclose: bool = False
    adopts: bool = False
    deferred: bool = False
    restores: bool = False
    symptoms: bool = False

    @classmethod
    def kin(cls, seed: int) -> Traits:
        """Draw the traits of a seed whose tickets belong together: storms, and symptoms of causes."""
        rng = Random(f"kin {seed}")
        return replace(cls.drawn(rng), rules=rng.choice(list(STORMS)), symptoms=rng.random() < 0.7)

    @classmethod
    def course(cls, seed: int) -> Traits:
        """Draw the traits of a seed in which tickets are closed, reopened after a grace time, or handed over."""
        rng = Random(seed)
        return replace(cls.drawn(rng), rules=rng.choice(list(COURSES)))

    @classmethod
    def major(cls, seed: int) -> Traits:
        """Draw the traits of a seed in which incidents are or become major, and people set priorities."""
        rng = Random(f"major {seed}")
        return replace(cls.drawn(rng), rules=rng.choice(list(MAJORS)))

    @classmethod
    def drawn(cls, rng: Random) -> Traits:
        """Draw the traits of a seed."""

        def perhaps(value: Any, otherwise: Any, chance: float = 0.3) -> Any:
            return value if rng.random() < chance else otherwise

        return cls(
            rules=rng.choice(list(RULES)),
            version=rng.choice(("10.0.19", "11.0.6")),
            faults=perhaps(rng.choice((0.05, 0.2, 0.5)), 0.0, 0.7),
            kinds=tuple(rng.sample(WRITE_FAULTS, rng.randint(1, 5))),
            crashes=perhaps(rng.randint(1, 4), 0, 0.5),
            pauses=perhaps(rng.randint(1, 3), 0, 0.4),
            meddles=perhaps(rng.choice((0.1, 0.4)), 0.0, 0.5),
            races=perhaps(0.02, 0.0, 0.2),
            outages=perhaps(True, False),
            repeats=perhaps(0.2, 0.0, 0.1),
            zabbix_trouble=perhaps(0.2, 0.0),
            zabbix_silence=perhaps(True, False),
            store_losses=perhaps(1, 0, 0.15),
            disorder=perhaps(rng.choice((0.2, 0.6)), 0.0, 0.5),
            poison=perhaps(True, False, 0.1),
            silent_recoveries=perhaps(0.3, 0.0),
            autoclose=perhaps(True, False, 0.15),
            adopts=perhaps(True, False, 0.1),
            deferred=perhaps(True, False, 0.3),
            restores=perhaps(True, False, 0.08),
        )


@cache
def _rules(name: str) -> Rules:
    text = {**RULES, **STORMS, **COURSES, **MAJORS}[name]
    return Rules.parse(text) if text else Rules.load(None)


class SimStore(Store):
    """The real store; `at` is called before and after each transaction that writes."""

    sim: Simulation

    def write(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        """Write as the store does, with a chance for anything before and after."""
        name = work.__name__
        self.sim.at(f"before write {name}")
        result = super().write(work, *args, **kwargs)
        self.sim.committed(name, args, result)
        self.sim.at(f"after write {name}")
        return result


class SimSpool:
    """What waits to be taken in; survives the workers."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.files: dict[str, Alert] = {}
        self._number = 0

    def accept(self, alert: Alert) -> None:
        """Take an alert: from now on it must never be absent."""
        self._number += 1
        self.files[f"{self._number:06}"] = alert

    def entries(self, limit: int = 500) -> list[Entry]:
        """List what waits."""
        return [Entry(name, alert.received_at) for name, alert in sorted(self.files.items())][:limit]

    def read(self, entry: Entry) -> Alert:
        """Read one, unless another worker was quicker."""
        if entry.name not in self.files:
            raise FileNotFoundError(entry.name)
        return self.files[entry.name]

    def done(self, entry: Entry) -> None:
        """Remove one whose facts are committed."""
        self.sim.at("before unlink")
        self.files.pop(entry.name, None)

    def reject(self, entry: Entry, reason: str) -> None:
        """No alert here is bad."""
        raise AssertionError(reason)

    def clean(self, now: float | None = None) -> int:
        """Find nothing stale."""
        return 0


@dataclass
class Deed:
    """The last that a person did to a ticket."""

    hold: Hold
    at: float
    members_open: bool = True
    was_ours: bool = False
    is_raced: bool = False

    @property
    def is_final(self) -> bool:
        """Whether a person alone has ended the ticket, whatever comes after."""
        return self.hold is Hold.FINISHED and not self.was_ours and not self.is_raced


@dataclass
class Said:
    """A followup of a person; `is_owed`: Zabbix must hear of it."""

    ticket: int
    word: str
    is_private: bool
    is_owed: bool


@dataclass
class Simulation:
    """A life; `run` returns what was violated at its end."""

    seed: int
    traits: Traits | None = None
    steps: int = 10
    clock: float = START
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.traits = self.traits or Traits.drawn(self.rng)
        self.directory = Path(mkdtemp(prefix="life-", dir=scratch()))
        self.world = World(version=self.traits.version, clock=self.now)
        if self.traits.autoclose:
            for entity in self.world.db["Entity"].ids:
                self.world.db["Entity"].update(entity, {"autoclose_delay": 0})
        self.people = People(self.world)
        self.wire = Wire(
            self.world, self.rng, self.now, self.at, self.sleep, is_down=lambda: self.clock < self.down_until
        )
        self.zabbix = SimZabbix(self.rng, self.now, self.at)
        self.spool = SimSpool(self)
        self.store = self._new_store()
        self.outbox: list[tuple[float, Alert]] = []
        self.down_until = 0.0
        self.calm = True
        self.depth = 0
        self.crashes = self.traits.crashes
        self.pauses = self.traits.pauses
        self.losses = self.traits.store_losses
        self.workers = 0
        self.deeds: dict[int, Deed] = {}
        self.urgencies: dict[int, int] = {}
        self.priorities: dict[int, int] = {}
        self.removed: set[int] = set()
        self.said: list[Said] = []
        self.sequence = 0
        self.merged: dict[str, int] = {}
        self.claimed: dict[str, int] = {}
        self.accepted: dict[str, list[Alert]] = {}
        self.accepted_at: dict[tuple[str, AlertKind], float] = {}
        self.lost_before: set[str] = set()
        self.backup: dict[str, Any] | None = None
        self.is_restored = False
        self.context = self._new_worker()

    # -- the world's machinery ----------------------------------------------------------------------------------------

    def now(self) -> float:
        """Tell the time, in epoch seconds."""
        return self.clock

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.clock += seconds

    def at(self, where: str) -> None:
        """Stand between two effects: anything may happen here."""
        if self.calm:
            return
        chance = self.rng.random()
        if self.depth == 0 and self.pauses and chance < 0.02:
            self.pauses -= 1
            self._pause(where)
        elif self.crashes and 0.02 <= chance < 0.05:
            self.crashes -= 1
            self.note(f"killed {where}")
            raise Killed
        elif 0.05 <= chance < 0.05 + self.traits.races:
            self._meddle()
        elif chance > 0.99:
            self._hand_over()

    def _pause(self, where: str) -> None:
        """Stop this worker here, past its lease or not, while another works."""
        self.note(f"paused {where}")
        self.depth += 1
        other = self._new_worker()
        try:
            for _ in range(self.rng.randint(1, 4)):
                self.clock += self.rng.choice((1.0, 70.0, 200.0, 900.0))
                self._hand_over()
                self._pass(other)
            if self.rng.random() < 0.5:
                other.glpi.close()
        except Killed:
            pass
        finally:
            self.depth -= 1
        self.note("resumed")

    def committed(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        """Keep the order in which alerts were merged and notes were claimed."""
        self.sequence += 1
        if name == "_merge":
            for alert in args[1]:
                for word in _words(alert):
                    self.merged.setdefault(word, self.sequence)
        elif name == "claim" and result is not None:
            for item in result.items:
                if item.kind is StepKind.NOTE:
                    self.claimed.setdefault(item.subject, self.sequence)

    def note(self, text: str) -> None:
        """Write into the life's log."""
        self.log.append(f"{self.clock - START:8.1f} {'  ' * self.depth}{text}")

    def _new_store(self) -> SimStore:
        self.generation = getattr(self, "generation", 0) + 1
        path = self.directory / f"store-{self.generation}.db"
        store = SimStore(f"sqlite:///{lay(path)}", sleep=self.sleep)
        store.sim = self
        return store

    def _new_worker(self) -> Context:
        self.workers += 1

        def time() -> datetime:
            return datetime.fromtimestamp(self.clock, UTC)

        credentials = Credentials(user_token=self.world.user_tokens[BRIDGE_USER], app_token=self.world.app_token)
        glpi = Glpi(BASE, lambda: credentials, self.wire, now=time)  # type: ignore[arg-type]  # a session without sockets
        adopts: Callable[[datetime], bool] = lambda _: self.traits.adopts  # noqa: E731  # a name for its type
        source = Source("prod", UTC, self.zabbix, True, adopts)  # type: ignore[arg-type]  # a Zabbix without sockets
        launch: Any = (lambda call: call) if self.traits.deferred else _at_once
        return Context(
            store=self.store, spool=self.spool, rules=_rules(self.traits.rules), glpi=glpi,  # type: ignore[arg-type]  # a directory in memory
            names=Names(glpi, now=time), sources={"prod": source}, worker=f"worker-{self.workers}",
            ticket_link="https://glpi.example/front/ticket.form.php?id={id}", terms=Terms(), now=self.now,
            chance=self.rng.random, launch=launch,
        )  # fmt: skip

    # -- what happens -------------------------------------------------------------------------------------------------

    def run(self) -> list[str]:
        """Live, come to rest, and return what is wrong."""
        try:
            for _ in range(self.steps):
                self._happen()
                self._hand_over()
                with self._trouble():
                    self._work()
                self.clock += self.rng.choice((0.5, 5.0, 30.0, 65.0, 300.0, 1000.0))
            self._rest()
            return self._judge()
        finally:
            self.store.close()
            shutil.rmtree(self.directory)

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        self.calm = False
        self.wire.trouble = Trouble(self.traits.faults / 4, self.traits.faults, self.traits.kinds, self.traits.repeats)
        self.zabbix.trouble = self.traits.zabbix_trouble
        try:
            yield
        finally:
            self.calm = True
            self.wire.trouble, self.zabbix.trouble = Trouble(), 0.0

    def _work(self) -> None:
        try:
            for _ in range(self.rng.randint(1, 2)):
                self._pass(self.context)
                if self.rng.random() < 0.3:
                    sync(self.context)
        except Killed:
            self.context = self._new_worker()

    def _pass(self, context: Context) -> None:
        self.note(f"pass of {context.worker}")
        deliver.one_pass(context)

    def _happen(self) -> None:
        """Let some things happen in the world."""
        for _ in range(self.rng.randint(0, 4)):
            self._zabbix_happens()
        if self.traits.outages and self.rng.random() < 0.2:
            self.down_until = self.clock + self.rng.choice((10.0, 300.0, 4000.0))
        if self.traits.zabbix_silence:
            self.zabbix.is_blind = self.rng.random() < 0.3
            self.zabbix.is_down = self.rng.random() < 0.1
        if self.rng.random() < self.traits.meddles:
            self._meddle()
        if self.losses and self.rng.random() < 0.15 and not self.store.read(attempts.in_flight):
            self._lose_store()
        if self.rng.random() < 0.2:
            self.world.sessions.collect()
        if self.traits.restores and self.rng.random() < 0.3 and not self.store.read(attempts.in_flight):
            self._backup_or_restore()

    def _zabbix_happens(self) -> None:
        is_open = [one for one in self.zabbix.problems.values() if one.recovered is None]
        free = [id_ for id_ in "123456" if all(one.triggerid != id_ for one in is_open)]
        whats = ("open", "open", "recover", "recover", "note", "severity", "suppress")
        what = self.rng.choice((*whats, "symptom", "symptom") if self.traits.symptoms else whats)
        if what == "symptom":
            self._mark_symptom(is_open)
        elif what == "open" and free:
            one = self.zabbix.open(self.rng.choice(free))
            self._alert(AlertKind.PROBLEM, one)
        elif not is_open or what == "open":
            return
        elif what == "recover":
            one = self.rng.choice(is_open)
            self.zabbix.recover(one)
            if self.rng.random() >= self.traits.silent_recoveries:
                self._alert(AlertKind.RECOVERY, one)
            if self.traits.zabbix_silence and self.rng.random() < 0.05:
                one.is_housekept = True
        elif what == "note":
            one = self.rng.choice(is_open)
            one.notes.append(f"note-{one.eventid}-{len(one.notes)}")
            self._alert(AlertKind.UPDATE, one, event_update_message=one.notes[-1], event_update_action="commented")
        elif what == "severity":
            one = self.rng.choice(is_open)
            one.severity = self.rng.choice((2, 3, 4, 5))
            self._alert(AlertKind.UPDATE, one, event_update_action="changed severity")
        else:
            one = self.rng.choice(is_open)
            one.suppressed = not one.suppressed
            self._alert(
                AlertKind.UPDATE, one, event_update_action="suppressed until 9" if one.suppressed else "unsuppressed"
            )
        self.clock += self.rng.choice((1.0, 1.0, 20.0))

    def _mark_symptom(self, is_open: list[Truth]) -> None:
        """Let a person mark one problem as the symptom of another, which is none itself; no alert tells it."""
        causes = [one for one in is_open if not one.cause]
        free = [one for one in causes if all(other.cause != one.eventid for other in is_open)]
        if free and len(causes) > 1:
            symptom = self.rng.choice(free)
            symptom.cause = self.rng.choice([one for one in causes if one is not symptom]).eventid
            self.note(f"{symptom.eventid} is a symptom of {symptom.cause}")

    def _alert(self, kind: AlertKind, one: Truth, **more: str) -> None:
        """Compose what Zabbix hands to the script; it may arrive late, or twice."""
        name = f"problem of trigger {one.triggerid}"
        if self.traits.poison and one.triggerid == "6":
            name += f" {POISON}"
        fields = {
            "event_name": name, "trigger_id": one.triggerid, "event_nseverity": str(one.severity), "event_source": "0",
            "host_host": "web01", **_stamped("event_", one.opened), **_stamped("", self.clock), **more,
        }  # fmt: skip
        if kind is AlertKind.UPDATE:
            fields |= _stamped("event_update_", self.clock) | {"user_fullname": "Zabbix Administrator"}
        if kind is AlertKind.RECOVERY and one.recovered is not None:
            fields |= _stamped("event_recovery_", one.recovered)
        alert = Alert("prod", one.eventid, kind, fields, datetime.fromtimestamp(self.clock, UTC))
        for _ in range(2 if self.rng.random() < self.traits.disorder / 2 else 1):
            delay = self.rng.choice((0.0, 3.0, 100.0, 2000.0)) if self.rng.random() < self.traits.disorder else 0.0
            self.outbox.append((self.clock + delay, alert))

    def _hand_over(self) -> None:
        """Let the script hand over what has arrived by now."""
        due = [one for one in self.outbox if one[0] <= self.clock]
        self.outbox = [one for one in self.outbox if one[0] > self.clock]
        for _, alert in due:
            self.spool.accept(alert)
            self.accepted.setdefault(alert.eventid, []).append(alert)
            self.accepted_at[alert.eventid, alert.kind] = self.clock

    def _lose_store(self) -> None:
        """Let somebody remove the store; what was merged into it is forgotten."""
        self.losses -= 1
        self.note("the store is lost")
        self._forget_said()
        waiting = {word for alert in self.spool.files.values() for word in (alert.eventid,)}
        self.lost_before |= self.accepted.keys() - waiting
        self.lost_before |= {alert.eventid for alerts in self.accepted.values() for alert in alerts[:-1]}
        self.store.close()
        self.store = self._new_store()
        self.context = self._new_worker()

    def _backup_or_restore(self) -> None:
        """Let GLPI be put back to where it was: it forgets tickets and gives their numbers out again."""
        if self.backup is None:
            self.backup = self.world.db.snapshot()
            self.note("GLPI is backed up")
        elif not self.is_restored:
            self.is_restored = True
            self.note("GLPI is restored from its backup")
            self.world.db.restore(self.backup)
            self._forget_said()
            self.lost_before |= self.accepted.keys()
            self.deeds.clear()
            self.urgencies.clear()
            self.priorities.clear()
            self.removed.clear()

    def _forget_said(self) -> None:
        """What was said before is history."""
        for one in self.said:
            one.is_owed = False

    # -- people -------------------------------------------------------------------------------------------------------

    def _meddle(self) -> None:
        """Let a person do something to a ticket of ours."""
        ids = [ticket.id for ticket in self._tickets()]
        if not ids:
            return
        id_ = self.rng.choice(ids)
        deeds = (
            "take",
            "pending",
            "solve",
            "close",
            "reopen",
            "delete",
            "purge",
            "urgency",
            "rename",
            "reply",
            "reply",
        )
        if self.traits.rules in MAJORS:
            deeds = (*deeds, "priority", "priority", "priority")
        deed = self.rng.choice(deeds)
        if deed in ("delete", "purge") and self.rng.random() < 0.6:
            return
        raced = self.depth > 0 or not self.calm or self._is_in_flight(id_)
        try:
            self._do(deed, id_, raced)
        except Refused:
            return
        self.note(f"a person: {deed} {id_}{' (in a race)' if raced else ''}")

    def _do(self, deed: str, id_: int, raced: bool) -> None:
        status = int(self.world.db["Ticket"].value(id_, "status"))
        is_finished = status in (5, 6)
        members_open = any(one.recovered is None for one in self._members(id_))
        match deed:
            case "take" if not is_finished:
                self.people.take(id_)
            case "pending" if not is_finished:
                self.people.set_pending(id_)
                self._did(id_, Hold.PENDING, raced, members_open)
            case "solve" if not is_finished:
                self.people.solve(id_)
                self._did(id_, Hold.FINISHED, raced, members_open)
            case "close":
                is_reopening = self._is_reopening(id_)
                self.people.close(id_)
                if not is_finished or is_reopening:
                    self._did(id_, Hold.FINISHED, raced, members_open)
            case "reopen" if is_finished:
                self.people.reopen(id_)
                self._did(id_, Hold.OPEN, raced, members_open)
            case "delete":
                self.people.delete(id_)
                self.removed.add(id_)
            case "purge":
                self.people.purge(id_)
                self.removed.add(id_)
            case "urgency":
                urgency = self.rng.choice((1, 2, 3, 4, 5))
                self.people.set_urgency(id_, urgency)
                self.urgencies[id_] = 0 if raced or urgency == self._told_urgency(id_) else urgency
                self.priorities[id_] = 0  # GLPI computed it
            case "priority":
                before, priority = int(self.world.db["Ticket"].value(id_, "priority")), self.rng.choice((1, 2, 3, 4, 5))
                self.people.set_priority(id_, priority)
                # what the bridge had told it, or GLPI would give it, anyway is no word of a person
                is_theirs = priority != before and priority != self._usual_priority(id_)
                self.priorities[id_] = priority if is_theirs and not raced else 0
            case "reply":
                word, is_private = f"deed-{len(self.said)}", self.rng.random() < 0.2
                self.people.reply(id_, f"<p>{word}</p>", user=9, private=is_private)
                # in the second of its making a ticket that we complete looks untouched: a limit that the promise names
                made, changed = (self.world.db["Ticket"].value(id_, one) for one in ("date_creation", "date_mod"))
                self.said.append(Said(id_, word, is_private, self._is_heard(id_, status) and made != changed))
            case "rename":
                self.people.rename(id_, "Renamed by a person")

    def _is_heard(self, id_: int, status: int) -> bool:
        """What is said now is news; not on a closed ticket (GLPI 10 tells nobody), nor before a lost one is known."""
        is_known = self.losses == self.traits.store_losses or bool(self.store.read(incidents.by_tickets, [id_]))
        return status != 6 and is_known and not self.is_restored

    def _did(self, id_: int, hold: Hold, raced: bool, members_open: bool) -> None:
        before = self.deeds.get(id_)
        raced = raced or (before is not None and before.is_raced)
        was_ours = any(" solution " in text for text in self._texts("ITILSolution", id_))
        self.deeds[id_] = Deed(hold, self.clock, members_open, was_ours, raced)

    def _is_reopening(self, id_: int) -> bool:
        """A reopening is under way, or was said and took no effect yet: who closes the ticket now has the last word."""
        flights = self.store.read(attempts.in_flight)
        kinds = [item.kind for one in flights for item in one.items if item.ticket_id == id_]
        said = any(owed.incident.told.unopened for owed in self.store.read(incidents.by_tickets, [id_]))
        return said or StepKind.REOPEN in kinds or StepKind.CONFIRM in kinds

    def _is_in_flight(self, id_: int) -> bool:
        flights = self.store.read(attempts.in_flight)
        return bool(flights)

    def _members(self, id_: int) -> list[Truth]:
        held = self._all_incidents()
        return [one for one in self.zabbix.problems.values() if id_ in self._tickets_of(one, held)]

    def _tickets_of(self, one: Truth, held: Sequence[Owed] | None = None) -> list[int]:
        """Zabbix knows; where the event or the ticket was removed before it could be told, the store alone knows."""
        if one.messages:
            return _numbers(one.messages)
        mine = [
            owed.incident
            for owed in (self._all_incidents() if held is None else held)
            if owed.incident.told.ticket_id and any(event.eventid == one.eventid for event in owed.incident.events)
        ]
        by_hand = [i.told.ticket_id for i in mine if i.seen.is_gone and i.told.ticket_id in self.removed]
        return by_hand or [i.told.ticket_id for i in mine if one.is_housekept and not i.seen.is_gone]

    def _all_incidents(self) -> list[Owed]:
        return self.store.read(incidents.by_ids, list(range(1, 100)))

    # -- the end ------------------------------------------------------------------------------------------------------

    def _rest(self) -> None:
        """Everything is well again: wait until nothing is due and nothing in doubt."""
        self.down_until = 0.0
        self.zabbix.is_blind = self.zabbix.is_down = False
        self.clock = max([self.clock, *(due for due, _ in self.outbox)]) + 1
        self._hand_over()
        is_retried = False
        for round_ in range(60):
            if self.store.read(meta.get, STOPPED) is not None:
                self.note("a person runs adopt")
                adopt(self.context, Missing.AGAIN if self.is_restored else Missing.LEAVE)
            if round_ % 8 == 0:
                self.store.write(queue.retry_all, self.clock)
            sync(self.context)
            self._pass(self.context)
            self.wire.settle_time()
            if self._is_at_rest() and not self.wire.pending and not self.wire.late:
                if is_retried:
                    return
                # the last of many refusals may come just now: a person tries what is parked once more, and it goes
                self.store.write(queue.retry_all, self.clock)
                is_retried = True
            self.clock = max(self.clock + 10 * round_, self.context.next_wake() or 0.0)
        self.note("no rest")

    def _is_at_rest(self) -> bool:
        due = self.store.read(incidents.next_due, 0.0)
        return not self.store.read(attempts.in_flight) and due == (None, None)

    def _judge(self) -> list[str]:
        sync(self.context)
        self._pass(self.context)
        wrong = [] if self._is_at_rest() or self.traits.poison else [f"no rest: {self._unrest()}"]
        problems = [self._problem(one) for one in self.zabbix.problems.values()]
        tickets = self._tickets()
        wrong += check(
            problems,
            [self._held(ticket) for ticket in tickets if not is_storm(ticket)],
            removed=self.removed,
            repeats=self.wire.repeated,
        )
        wrong += check_kin(
            [self._kin(ticket) for ticket in tickets], self._sons_and_fathers(tickets), self._owed_links(tickets),
            removed=self.removed, repeats=self.wire.repeated,
        )  # fmt: skip
        if self.spool.files:
            wrong.append(f"{len(self.spool.files)} alerts still wait in the spool")
        known = self.store.read(events.known_ids, "prod", list(self.accepted))
        absent = self.accepted.keys() - known - self.lost_before
        wrong += [f"event {eventid} was accepted and is absent" for eventid in sorted(absent)]
        self.clock += 1500
        self.world.sessions.collect()
        if len(self.world.sessions.files) > 0:
            wrong.append(f"{len(self.world.sessions.files)} sessions were never let go")
        return wrong

    def _unrest(self) -> str:
        flights = [f"{one.operation} in doubt: {one.doubt}, {one.note}" for one in self.store.read(attempts.in_flight)]
        waiting = [f"{one.incident.marker}" for one in self.store.read(incidents.due, self.clock + 1e6, 10)]
        return "; ".join([*flights, *waiting, str(self.store.read(incidents.next_due, 0.0))])

    def _problem(self, one: Truth) -> Problem:
        alerts = self.accepted.get(one.eventid, [])
        notes = tuple(note for note in one.notes if any(note in _words(alert) for alert in alerts))
        wanted = self._wanted(one, alerts)
        told = tuple(self._tickets_of(one))
        if one.eventid in self.lost_before:
            # which events had joined a ticket lay in the lost store alone
            notes, told = (), () if self.is_restored else told[-1:]
        elif self.is_restored and self._joined_what_was_lost(one):
            told, wanted = (), Wanted.EITHER
        late = {
            note for place, note in enumerate(notes)
            if any(self.merged.get(note, 0) > self._claim_of(later) for later in notes[place + 1 :])
        }  # fmt: skip
        return Problem(
            "prod", one.eventid, one.triggerid, one.recovered is not None and self._is_known_over(one), wanted, told,
            notes, frozenset(late), tuple(text for text in one.messages if not _is_number(text)),
        )  # fmt: skip

    def _joined_what_was_lost(self, one: Truth) -> bool:
        """Its ticket went with the restore, and nobody had read that yet when it was told."""
        return any(
            owed.incident.seen.is_gone and any(event.eventid == one.eventid for event in owed.incident.events)
            for owed in self._all_incidents()
        )

    def _claim_of(self, note: str) -> int:
        for incident in self._all_incidents():
            for event in incident.incident.events:
                for one in event.notes:
                    if one.message == note:
                        return self.claimed.get(one.id, 1 << 60)
        return 1 << 60

    def _is_known_over(self, one: Truth) -> bool:
        """A recovery that nobody told and Zabbix no longer shows cannot be known."""
        told = any(alert.kind is AlertKind.RECOVERY for alert in self.accepted.get(one.eventid, []))
        return told or not one.is_housekept or self._knows_over(one)

    def _knows_over(self, one: Truth) -> bool:
        facts = self.store.read(events.facts_of, "prod", one.eventid)
        return facts is not None and "recovered_at" in facts.registers

    def _wanted(self, one: Truth, alerts: Iterable[Alert]) -> Wanted:
        announced = any(alert.kind is not AlertKind.RECOVERY for alert in alerts)
        if not announced:
            return Wanted.EITHER if self.traits.adopts or self.traits.store_losses else Wanted.NO
        either = (
            one.eventid in self.lost_before
            or one.is_housekept
            or self._was_suppressed(one.triggerid)
            or (one.recovered is not None and self.traits.rules in ("hold-off", "only lasting"))
            or (self.traits.poison and one.triggerid == "6")
        )
        return Wanted.EITHER if either else Wanted.YES

    def _was_suppressed(self, triggerid: str) -> bool:
        """Events of one trigger share a ticket, and it is held while all that are open are suppressed."""
        said = (alert.fields for alerts in self.accepted.values() for alert in alerts)
        return any(
            fields["trigger_id"] == triggerid and "suppressed until 9" in fields.get("event_update_action", "")
            for fields in said
        )

    def _tickets(self) -> list[Ticket]:
        db = self.world.db
        found = []
        for id_ in list(db["Ticket"].ids):
            row = db["Ticket"].full(id_)
            if row["users_id_recipient"] != BRIDGE_USER or row["is_deleted"]:
                continue
            marker = next(iter(markers(_plain(row["content"]))), "")
            found.append(
                Ticket(
                    id=id_, marker=marker, status=int(row["status"]), urgency=int(row["urgency"]),
                    priority=int(row["priority"]),
                    solutions=self._texts("ITILSolution", id_), followups=self._texts("ITILFollowup", id_),
                    deeds=self._owed_words(id_),
                    secrets=tuple(one.word for one in self.said if one.ticket == id_ and one.is_private),
                )
            )  # fmt: skip
        return found

    def _kin(self, ticket: Ticket) -> Kin:
        """Say which of a ticket's problems live, and what a person did to it."""
        deed = self.deeds.get(ticket.id)
        live = any(one.recovered is None or not self._is_known_over(one) for one in self._members(ticket.id))
        if self.is_restored or self.losses != self.traits.store_losses:
            hold = Hold.ANY  # whose children those of before are lay in what was lost
        else:
            hold = Hold.NOBODY if deed is None else Hold.FINISHED if deed.is_final else Hold.ANY
        return Kin(ticket.id, ticket.marker, ticket.is_finished, live, hold)

    def _sons_and_fathers(self, tickets: Iterable[Ticket]) -> list[tuple[int, int]]:
        table = self.world.db["Ticket_Ticket"]
        rows = (table.full(id_) for id_ in table.ids)
        links = [(row["tickets_id_1"], row["tickets_id_2"]) for row in rows if row["link"] == _SON_OF]
        if not self.is_restored:
            return links
        there = {ticket.id for ticket in tickets}  # which were removed before is not known any more
        return [link for link in links if {*link} <= there]

    def _owed_links(self, tickets: Iterable[Ticket]) -> set[tuple[int, int]]:
        """Which tickets are to be whose sons: of an open symptom its open cause's, of a storm's problem the storm's."""
        owed = set()
        there = {ticket.id for ticket in tickets}
        for one in self.zabbix.problems.values():
            cause = self.zabbix.problems.get(one.cause)
            if cause is None or {one.eventid, cause.eventid} & self.lost_before:
                continue
            if one.recovered is None and cause.recovered is None:
                owed |= {(son, father) for son in self._tickets_of(one)[-1:] for father in self._tickets_of(cause)[-1:]}
        held = {owed.incident.id: owed.incident for owed in self._all_incidents()}
        for incident in held.values():
            parent = held.get(incident.parent or 0)
            if parent is None or parent.seen.is_gone or incident.seen.is_gone:
                continue
            if parent.told.ticket_id and incident.told.ticket_id:
                owed.add((incident.told.ticket_id, parent.told.ticket_id))
        return {(son, father) for son, father in owed if son != father and {son, father} <= there}

    def _owed_words(self, ticket: int) -> tuple[str, ...]:
        """What people said there, as far as Zabbix still shows an event to be told."""
        members = self._members(ticket)
        if any(one.is_housekept for one in members) or not members:
            return ()
        return tuple(one.word for one in self.said if one.ticket == ticket and one.is_owed and not one.is_private)

    def _texts(self, itemtype: str, ticket: int) -> tuple[str, ...]:
        table = self.world.db[itemtype]
        rows = (table.full(id_) for id_ in table.children("parent", ("Ticket", ticket)))
        return tuple(_plain(row["content"]) for row in rows if row["users_id"] == BRIDGE_USER)

    def _held(self, ticket: Ticket) -> Ticket:
        """Say what a person wants to find again on a ticket."""
        deed = self.deeds.get(ticket.id)
        urgency = self.urgencies.get(ticket.id)
        # what the bridge had told it anyway is no word of a person, and in a race either may be last
        return replace(
            ticket,
            hold=self._hold(ticket, deed),
            urgency_set=urgency or None,
            priority_set=self.priorities.get(ticket.id) or None,
            marked=ticket.id not in self.priorities and self._is_marked(ticket.id),
        )

    def _is_marked(self, id_: int) -> bool:
        found = self.store.read(incidents.by_tickets, [id_])
        return bool(found) and found[0].incident.told.major and not self.is_restored

    def _usual_priority(self, id_: int) -> int:
        row = self.world.db["Ticket"].full(id_)
        return self.context.glpi.computed_priority(row["urgency"], row["impact"])

    def _told_urgency(self, id_: int) -> int | None:
        found = self.store.read(incidents.by_tickets, [id_])
        return found[0].incident.told.urgency if found else None

    def _hold(self, ticket: Ticket, deed: Deed | None) -> Hold:
        members = self._members(ticket.id)
        if any(one.eventid in self.lost_before for one in members) and (self.is_restored or self.traits.zabbix_silence):
            return Hold.ANY  # numbers and members of before are known to nobody any more
        if deed is None:
            return Hold.NOBODY
        if deed.is_raced or (deed.hold is not Hold.PENDING and self._came_later(members, deed)):
            return Hold.ANY
        if deed.hold is Hold.FINISHED and deed.members_open and self.traits.rules == "grace":
            return Hold.ANY  # reopened after its time, once
        if deed.hold is Hold.OPEN:
            return Hold.NOBODY if deed.members_open else Hold.OPEN if deed.was_ours else Hold.ANY
        return deed.hold

    def _came_later(self, members: Iterable[Truth], deed: Deed) -> bool:
        """What came, or ended, after a person's deed is the bridge's to tell again."""
        kinds = [AlertKind.PROBLEM] if deed.hold is Hold.FINISHED else list(AlertKind)
        return any(
            one.opened >= deed.at - 1
            or any(self.accepted_at.get((one.eventid, kind), 0.0) >= deed.at - 1 for kind in kinds)
            or (deed.hold is Hold.OPEN and one.recovered is not None and self.traits.silent_recoveries > 0)
            for one in members
        )


def _at_once(call: Callable[[], Any]) -> Callable[[], Any]:
    result = call()
    return lambda: result


def _stamped(prefix: str, at: float) -> dict[str, str]:
    moment = datetime.fromtimestamp(at, UTC)
    return {f"{prefix}date": f"{moment:%Y.%m.%d}", f"{prefix}time": f"{moment:%H:%M:%S}"}


def _words(alert: Alert) -> set[str]:
    return {alert.fields["event_update_message"]} if "event_update_message" in alert.fields else set()


def _is_number(message: str) -> bool:
    return message.startswith("GLPI ticket ")


def _numbers(messages: Iterable[str]) -> list[int]:
    return [int(text.split("GLPI ticket ")[1].split(":")[0]) for text in messages if _is_number(text)]


def _plain(content: str | None) -> str:
    return (content or "").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")


def live(seed: int, traits: Traits | None = None) -> None:
    """Live one seed; AssertionError with the seed, its traits and what is wrong."""
    sim = Simulation(seed, traits)
    try:
        wrong = sim.run()
    except (BridgeError, Exception) as error:
        error.add_note(f"seed {seed}: {sim.traits}\n" + "\n".join(sim.log[-40:]))
        raise
    if wrong:
        raise AssertionError(f"seed {seed}: {sim.traits}\n" + "\n".join(wrong) + "\n" + "\n".join(sim.log))


__all__ = ["Simulation", "Traits", "intake", "live"]
