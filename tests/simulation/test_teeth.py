"""Each guard, taken out, must be missed: seeds are lived until one goes wrong."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from glpi_bridge import acknowledge, facts, hear, look, news, plan, send, settle
from glpi_bridge.context import Terms
from glpi_bridge.errors import BridgeError
from glpi_bridge.facts import Facts
from glpi_bridge.glpi import Glpi
from glpi_bridge.model import Seen, Severity, StepKind, Told
from glpi_bridge.store import Store, tables
from glpi_bridge.store import events as stored_events
from glpi_bridge.store import incidents as stored_incidents
from tests.simulation import simulation
from tests.simulation.simulation import Simulation, Traits
from tests.simulation.zabbix import SimZabbix

_MOST_SEEDS = 120

Patch = pytest.MonkeyPatch
DOUBT = Traits(faults=0.5, kinds=("later", "split"), disorder=0.2)
DYING = Traits(faults=0.6, kinds=("late row",))
CRASHING = Traits(faults=0.0, crashes=8)
SHUFFLED = Traits(disorder=0.6, silent_recoveries=0.3)
SILENT = Traits(zabbix_silence=True)
MEDDLED = Traits(meddles=0.5)
MARKED = Traits(rules="major", meddles=0.8)
RESTORED = Traits(restores=True)
REFUSED = Traits(meddles=0.5, zabbix_trouble=0.2)
STORMY = Traits(rules="storms", symptoms=True, faults=0.1)
PAUSED = Traits(pauses=6, faults=0.1, kinds=("lost before",))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def first_bite(traits: Traits) -> str | None:
    """Return what the first seed that goes wrong says, or None."""
    for seed in range(_MOST_SEEDS):
        try:
            wrong = Simulation(seed, replace(traits)).run()
        except (BridgeError, ValueError, KeyError, AssertionError) as error:
            wrong = [repr(error)]
        if wrong:
            return f"seed {seed}: {wrong[0]}"
    return None


@pytest.mark.parametrize(
    "traits", [DOUBT, DYING, CRASHING, SHUFFLED, SILENT, MEDDLED, RESTORED, PAUSED, REFUSED, STORMY],
    ids=[
        "late answers", "dying workers", "crashes", "disorder", "silence", "people", "restored backups", "pauses",
        "refusals", "storms",
    ],
)  # fmt: skip
def test_with_every_guard_nothing_bites(traits: Traits) -> None:
    for seed in range(12):
        assert Simulation(seed, replace(traits)).run() == []


def without_fence(patch: Patch) -> None:
    """Go on as if the request could no longer act."""

    def fence(context: Any, attempt: Any) -> Any:
        return replace(attempt, fenced_at=context.now() - context.terms.settle_after, next_at=context.now())

    patch.setattr(settle, "fence", fence)
    patch.setattr(Glpi, "is_alive", lambda self, token: False)


def without_second_look(patch: Patch) -> None:
    """Believe the first look."""
    patch.setattr(simulation, "Terms", partial(Terms, settle_after=0.0))


def without_intent(patch: Patch) -> None:
    """Keep what is being sent in the worker's memory only: it dies with the worker."""
    fresh = Simulation._new_worker

    def new_worker(self: Simulation) -> Any:
        if getattr(self, "context", None) is not None and self.depth == 0:
            with self.store.transaction() as connection:
                connection.execute(update(tables.incidents).values(attempt_id=None))
                connection.execute(delete(tables.attempts))
        return fresh(self)

    patch.setattr(Simulation, "_new_worker", new_worker)


def without_merge(patch: Patch) -> None:
    """Let what is said last replace what was known."""

    def last(*many: Facts) -> Facts:
        return many[-1]

    patch.setattr(facts, "merge", last)
    patch.setattr(stored_events, "merge", last)


def without_positive_evidence(patch: Patch) -> None:
    """Take an event that is not shown for one that is over."""
    asked = SimZabbix.events

    def events(self: SimZabbix, eventids: Any) -> dict[str, Any]:
        wanted = list(eventids)
        found = asked(self, wanted)
        for eventid in wanted:
            if eventid in self.problems and eventid not in found:
                found[eventid] = replace(self._shown(self.problems[eventid]), r_eventid="1", severity=Severity.HIGH)
        return found

    patch.setattr(SimZabbix, "events", events)


def without_the_read_before_a_write(patch: Patch) -> None:
    """Believe that a ticket still stands as it was last known."""

    def as_known(before: Seen, now: Seen) -> Seen:
        return before

    patch.setattr(look, "newer", as_known)


def without_a_look_at_the_priority(patch: Patch) -> None:
    """Take a priority that a person set for GLPI's own."""
    patch.setattr(plan, "is_prioritised", lambda incident: False)


def without_a_look_at_the_marker(patch: Patch) -> None:
    """Take a number for the ticket that it once was."""
    patch.setattr(look, "is_anothers", lambda shown, marker: False)


def without_reading_back(patch: Patch) -> None:
    """Take a solution or reopening that GLPI has for one that took effect."""

    def as_it_should_be(kind: StepKind, after: Told, seen: Seen, now: Seen | None) -> tuple[Told, Seen]:
        return after, seen

    patch.setattr(settle, "stands", as_it_should_be)
    patch.setattr(send, "stands", as_it_should_be)


def with_a_write_that_logs_in_again(patch: Patch) -> None:
    """Repeat a write that was answered 401 on a new session."""
    write = Glpi._write

    def again(self: Glpi, *args: Any, **kwargs: Any) -> Any:
        outcomes = write(self, *args, **kwargs)
        if outcomes and all("does not know the session" in outcome.text for outcome in outcomes):
            self.token = None
            self.login()
            outcomes = write(self, *args, **kwargs)
        return outcomes

    patch.setattr(Glpi, "_write", again)


def without_knowing_our_own_hand(patch: Patch) -> None:
    """Take what we wrote in GLPI for what a person did there."""
    patch.setattr(hear, "happenings", lambda history, _own_user: news.happenings(history, -1))
    patch.setattr(hear, "markers", lambda _content: frozenset())


def without_asking_zabbix_again(patch: Patch) -> None:
    """Take what was sent to Zabbix for what it has heard."""
    record = acknowledge._record

    def all_heard(connection: Any, context: Any, attempt: Any, owed: Any, *_: Any) -> None:
        heard = {item.incident_id: item.subject for item in attempt.items}
        record(connection, context, attempt, owed, heard, {}, None)

    patch.setattr(acknowledge, "_record", all_heard)


def without_asking_a_storm_again(patch: Patch) -> None:
    """Let a storm rest when one of its children has come to rest."""
    patch.setattr(stored_incidents, "make_due", lambda *_: None)


@pytest.mark.parametrize(
    ("take_out", "traits"),
    [
        (without_fence, DOUBT),
        (without_second_look, DYING),
        (without_intent, CRASHING),
        (without_merge, SHUFFLED),
        (without_positive_evidence, SILENT),
        (with_a_write_that_logs_in_again, PAUSED),
        (without_the_read_before_a_write, MEDDLED),
        (without_a_look_at_the_priority, MARKED),
        (without_a_look_at_the_marker, RESTORED),
        (without_reading_back, DYING),
        (without_knowing_our_own_hand, MEDDLED),
        (without_asking_zabbix_again, REFUSED),
        (without_asking_a_storm_again, STORMY),
    ],
    ids=[
        "fence",
        "second look",
        "intent",
        "merge",
        "positive evidence",
        "writes that never log in",
        "read before a write",
        "a person's priority",
        "marker of a told number",
        "reading back",
        "our own hand",
        "what Zabbix has heard",
        "a storm's children",
    ],
)
def test_each_guard_is_missed(take_out: Callable[[Patch], None], traits: Traits, monkeypatch: Patch) -> None:
    take_out(monkeypatch)
    assert first_bite(traits) is not None


def test_without_its_intent_a_calm_life_still_goes_well(monkeypatch: Patch) -> None:
    """So that what bites is the crash and not the way the guard was taken out."""
    without_intent(monkeypatch)
    for seed in range(6):
        assert Simulation(seed, Traits()).run() == []


def test_a_commit_is_on_the_disk_before_anything_else_happens(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'bridge.db'}")
    with store.engine.connect() as connection:
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    store.close()
    assert (synchronous, journal) == (2, "wal")
    with sqlite3.connect(tmp_path / "bridge.db") as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
