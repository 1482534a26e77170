"""Store and plan against a model of twenty lines: alerts, deliveries, lost answers, take-overs in any order."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from glpi_bridge import facts, intake, plan
from glpi_bridge.compose import marker, told
from glpi_bridge.context import Terms
from glpi_bridge.model import Alert, AlertKind, Step, StepKind
from glpi_bridge.rules import Rules
from glpi_bridge.store import Store, attempts, events, incidents
from glpi_bridge.store.attempts import Attempt, Item
from glpi_bridge.store.incidents import End, Owed, Rest
from tests.unit.store.making import NOW

RULES = Rules.parse("default: {flapping: off, reopen_window: 1h}")
WINDOW = 3600.0


@dataclass
class ModelTicket:
    """What one ticket should come to."""

    trigger: str
    open: set[str] = field(default_factory=set)
    over: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Model:
    """Twenty lines: who shares a ticket, what is noted, whether it is solved."""

    def __init__(self) -> None:
        self.tickets: list[ModelTicket] = []

    def problem(self, event: str, trigger: str, at: float) -> None:
        same = [ticket for ticket in self.tickets if ticket.trigger == trigger]
        latest = same[-1] if same else None
        if latest is None or not (latest.open or at - max(latest.over.values()) < WINDOW):
            latest = ModelTicket(trigger)
            self.tickets.append(latest)
        latest.open.add(event)

    def recovery(self, event: str, at: float) -> None:
        ticket = self.of(event)
        ticket.open.discard(event)
        ticket.over[event] = at

    def of(self, event: str) -> ModelTicket:
        return next(ticket for ticket in self.tickets if event in ticket.open or event in ticket.over)


@dataclass
class Made:
    """A ticket as this test's GLPI has it."""

    status: int = 1
    written: list[tuple[StepKind, str]] = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    """Alerts come in order, as often as they like; deliveries succeed, break off, are taken over."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="machine-"))
        shutil.copy(self.template, self.folder / "bridge.db")
        self.store = Store(f"sqlite:///{self.folder / 'bridge.db'}")
        self.clock = NOW
        self.model = Model()
        self.said: list[Alert] = []
        self.triggers: dict[str, str] = {}
        self.glpi: dict[int, Made] = {}
        self.flights: list[tuple[Attempt, bool]] = []
        self.number = 0

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    # -- what comes ---------------------------------------------------------------------------------------------------

    def _hand_over(self, kind: AlertKind, eventid: str, **fields: str) -> None:
        moment = datetime.fromtimestamp(self.clock, UTC)
        stamp = {"date": f"{moment:%Y.%m.%d}", "time": f"{moment:%H:%M:%S}"}
        prefix = {AlertKind.PROBLEM: "event_", AlertKind.RECOVERY: "event_recovery_", AlertKind.UPDATE: "event_update_"}
        fields |= stamp | {prefix[kind] + name: text for name, text in stamp.items()}
        alert = Alert("prod", eventid, kind, {"trigger_id": self.triggers[eventid], **fields}, moment)
        self.said.append(alert)
        self._merge(alert)

    def _merge(self, alert: Alert) -> None:
        self.store.write(events.intake, [(alert.source, alert.eventid, facts.from_alert(alert, UTC))], self.clock)
        context: Any = SimpleNamespace(
            store=self.store, rules=RULES, terms=Terms(), now=lambda: self.clock,
            time=lambda: datetime.fromtimestamp(self.clock, UTC),
        )  # fmt: skip
        while intake.sort_events(context):
            pass

    @rule(trigger=st.sampled_from("12"), later=st.sampled_from([1, 600, 4000]))
    def problem(self, trigger: str, later: int) -> None:
        self.clock += later
        self.number += 1
        eventid = str(100 + self.number)
        self.triggers[eventid] = trigger
        self.model.problem(eventid, trigger, self.clock)
        self._hand_over(AlertKind.PROBLEM, eventid)

    @precondition(lambda self: any(ticket.open for ticket in self.model.tickets))
    @rule(data=st.data(), later=st.sampled_from([1, 600]))
    def recovery(self, data: st.DataObject, later: int) -> None:
        self.clock += later
        eventid = data.draw(st.sampled_from(sorted(set().union(*(ticket.open for ticket in self.model.tickets)))))
        self.model.recovery(eventid, self.clock)
        self._hand_over(AlertKind.RECOVERY, eventid)

    @precondition(lambda self: self.triggers)
    @rule(data=st.data())
    def note(self, data: st.DataObject) -> None:
        self.clock += 1
        eventid = data.draw(st.sampled_from(sorted(self.triggers)))
        self.number += 1
        words = f"note-{self.number}"
        self.model.of(eventid).notes.append(words)
        self._hand_over(AlertKind.UPDATE, eventid, event_update_message=words, event_update_action="commented")

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        self._merge(data.draw(st.sampled_from(self.said)))

    # -- what is delivered --------------------------------------------------------------------------------------------

    @rule(answered=st.sampled_from(["yes", "yes", "lost after", "lost before", "refused"]))
    def deliver(self, answered: str) -> None:
        for owed, step in self._due():
            draft = RULES.route(plan.lead(owed.incident)).draft
            item = Item(
                owed.incident.id, step.kind, marker(owed.incident, step), step.subject, owed.incident.told.ticket_id,
                int(draft.urgency), int(draft.impact),
            )  # fmt: skip
            self.number += 1
            flight = Attempt(
                str(self.number), "one", step.kind, "t", 0, self.clock, self.clock, self.clock + 180, (item,)
            )
            mine = self.store.write(attempts.claim, flight, {owed.incident.id: owed.version})
            assert mine is not None
            if answered in ("yes", "lost after"):
                done = self._write(owed, step)
            if answered == "yes":
                self.store.write(attempts.conclude, mine, [self._end(item, owed, done)], self.clock)
            elif answered == "refused":
                self.store.write(attempts.conclude, mine, [End(owed.incident.id, tries=1)], self.clock)
            else:
                self.flights.append((mine, answered == "lost after"))

    def _due(self) -> list[tuple[Owed, Step]]:
        found = []
        for owed in self.store.read(incidents.due, self.clock, 100):
            route = RULES.route(plan.lead(owed.incident))
            step = plan.plan(owed.incident, route, datetime.fromtimestamp(self.clock, UTC))
            if isinstance(step, Step):
                found.append((owed, step))
            else:
                self.store.write(incidents.rest, [Rest(owed, step, False)], self.clock)
        return found

    def _write(self, owed: Owed, step: Step) -> int:
        if step.kind is StepKind.CREATE:
            id_ = len(self.glpi) + 1
            self.glpi[id_] = Made()
            return id_
        id_ = owed.incident.told.ticket_id or 0
        made = self.glpi[id_]
        made.status = {StepKind.SOLVE: 5, StepKind.REOPEN: 1}.get(step.kind, made.status)
        made.written.append((step.kind, step.subject))
        return id_

    def _end(self, item: Item, owed: Owed, id_: int) -> End:
        after, seen = told(item, owed, id_, datetime.fromtimestamp(self.clock, UTC))
        return End(item.incident_id, told=after, seen=seen)

    @precondition(lambda self: self.flights)
    @rule()
    def settle(self) -> None:
        """Somebody else takes over, looks, and either finds what was written or owes it again; the first wakes up."""
        for late, was_made in self.flights:
            self.clock += 200
            (found,) = (one for one in self.store.read(attempts.unsettled, self.clock) if one.id == late.id)
            mine = self.store.write(attempts.take_over, found, "two", self.clock + 180)
            assert mine is not None
            (owed,) = self.store.read(incidents.by_ids, [mine.items[0].incident_id])
            ticket = owed.incident.told.ticket_id or len(self.glpi)
            if late.operation is StepKind.CREATE and was_made:
                ticket = self._orphan(late)
            end = self._end(mine.items[0], owed, ticket) if was_made else End(owed.incident.id, doubts=1)
            assert self.store.write(attempts.conclude, mine, [end], self.clock)
            assert not self.store.write(attempts.conclude, late, [replace(end, told=None)], self.clock)
        self.flights.clear()

    def _orphan(self, late: Attempt) -> int:
        """The ticket that a lost answer made, in the order made."""
        told_ids = {id_ for id_ in self.glpi if self.store.read(incidents.by_tickets, [id_])}
        return min(set(self.glpi) - told_ids)

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_there_twice(self) -> None:
        for made in self.glpi.values():
            assert len(set(made.written)) == len(made.written)
        assert len(self.glpi) <= len(self.model.tickets)

    @precondition(lambda self: self.triggers)
    @rule()
    def come_to_rest(self) -> None:
        if self.flights:
            self.settle()
        for _ in range(50):
            if not self._due():
                break
            self.deliver("yes")
        held = {id_: self.store.read(incidents.by_tickets, [id_])[0].incident for id_ in self.glpi}
        by_events = {frozenset(event.eventid for event in one.events): id_ for id_, one in held.items()}
        assert set(by_events) == {frozenset(ticket.open | ticket.over.keys()) for ticket in self.model.tickets}
        for ticket in self.model.tickets:
            id_ = by_events[frozenset(ticket.open | ticket.over.keys())]
            made, one = self.glpi[id_], held[id_]
            assert (made.status == 5) is (not ticket.open)
            words = {note.id: note.message for event in one.events for note in event.notes}
            notes = [words[subject] for kind, subject in made.written if kind is StepKind.NOTE]
            assert notes == ticket.notes


@pytest.fixture(autouse=True)
def _template(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path / 'empty.db'}").close()
    Machine.template = tmp_path / "empty.db"


Machine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=timedelta(seconds=30),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@pytest.mark.usefixtures("_template")
class TestStoreAndPlan(Machine.TestCase):  # type: ignore[name-defined,misc]  # hypothesis makes it at run time
    """Runs the machine."""
