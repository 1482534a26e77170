"""A Change begun from a Problem, and a workaround on its way to a new incident: killed after each effect in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from glpi_bridge import deliver
from glpi_bridge.itil import desk
from glpi_bridge.store import attempts
from tests.crash.dying import Effects, Killed
from tests.house import VERSIONS, House, house
from tests.integration.installation import RULES, Installation, installation

KINDS = ("Change", "Change_Problem", "Change_Item", "ChangeValidation")
RECURRING = """\
rules: []
default: {reopen_window: never, problem_after: 2 in 7 days}
"""

pytestmark = pytest.mark.timeout(600)


# -- a Change, begun by a command ----------------------------------------------------------------------------------


class Office:
    """An installation where one Change after the other is begun, each from a Problem of its own."""

    def __init__(self, made: Installation, half: int) -> None:
        self.made, self.half = made, half
        self.clock = 4e9

    def ticket(self) -> int:
        """Make the ticket of an incident whose host web01 is a computer of GLPI."""
        self.made.alert("101")
        self.made.ok("deliver")
        return max(self.made.glpi.world.db["Ticket"].ids)

    def problem(self, ticket: int) -> int:
        """Let a person make a Problem of it."""
        people, world = self.made.glpi.people, self.made.glpi.world
        made = people.create(itemtype="Problem", user=9, name="Disk", content="<p>x</p>")
        world.writers["Problem_Ticket"].add(people.act(9), {"problems_id": made, "tickets_id": ticket})
        return made

    def begin(self, problem: int, nth: int) -> Effects:
        """Do what the command does, until it dies after its nth effect."""
        with self.made.context() as context:
            context.now = lambda: self.clock
            effects = Effects(context, nth)
            try:
                desk.change_from(context, problem, ["technician"], [])
            except Killed:
                context.glpi.token = None  # the dead end no session
        return effects

    def again(self, problem: int) -> None:
        """Let the person give the command once more, and the bridge do passes until nothing is in doubt."""
        with self.made.context() as context:
            context.now = lambda: self.clock
            self.clock += 700
            desk.change_from(context, problem, ["technician"], [])
            for _ in range(8):
                deliver.one_pass(context)
                self.clock += 700
                if not context.store.read(attempts.in_flight):
                    return
        raise AssertionError("something stays in doubt")

    def made_for(self, problem: int) -> dict[str, int]:
        """Count what hangs on the Changes of a Problem."""
        table = self.made.glpi.world.db
        links = [table["Change_Problem"].full(id_) for id_ in table["Change_Problem"].ids]
        marker = f"zabbix glpi/{problem} change"
        changes = {id_ for id_ in table["Change"].ids if marker in table["Change"].full(id_)["content"]}
        counts = Counter({"Change": len(changes)})
        counts["Change_Problem"] = sum(row["problems_id"] == problem and row["changes_id"] in changes for row in links)
        for kind in KINDS[2:]:
            rows = [table[kind].full(id_) for id_ in table[kind].ids]
            counts[kind] = sum(row["changes_id"] in changes for row in rows)
        return dict(counts)


@pytest.fixture(params=VERSIONS)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    with installation(tmp_path, request.param) as made:
        made.write(rules=RULES)
        made.glpi.world.db["Profile"].update(9, {"changevalidation": 4, "networking": 1, "internet": 1})
        yield Office(made, VERSIONS.index(request.param))


def test_a_change_that_dies_anywhere_is_one_with_each_link_once_after_the_command_is_given_again(
    office: Office,
) -> None:
    ticket = office.ticket()
    first = office.problem(ticket)
    effects = office.begin(first, 0).seen
    once = dict.fromkeys(KINDS, 1)
    assert office.made_for(first) == once
    assert sum(one.startswith("POST Change") for one in effects) == len(KINDS)
    wrong, killed = {}, 0
    mine = list(enumerate(effects, start=1))[office.half :: 2]  # the other version does the others
    for nth, effect in mine:
        problem = office.problem(ticket)
        killed += office.begin(problem, nth).is_dead
        office.again(problem)
        if (found := office.made_for(problem)) != once:
            wrong[f"{nth} {effect}"] = found
    assert wrong == {}
    assert killed == len(mine) > 3


# -- a workaround, handed on by passes -------------------------------------------------------------------------------


class Desk:
    """A house with a Problem that has a workaround; each new incident is one of it."""

    def __init__(self, home: House, half: int) -> None:
        self.home, self.half = home, half
        self.day = 0
        for _ in range(2):
            self.end(self.begin())
        self.settle()
        (self.problem,) = (id_ for id_ in home.glpi.world.db["Problem"].ids if self._is_ours(id_))
        text = "<p>Workaround: restart the queue.</p>"
        home.glpi.people._add("ITILFollowup", {"itemtype": "Problem", "items_id": self.problem, "content": text}, 9)

    def _is_ours(self, problem: int) -> bool:
        return "zabbix zabbix/" in self.home.glpi.world.db["Problem"].full(problem)["content"]

    def begin(self) -> int:
        """Let it happen on the next day; return the event."""
        self.day += 1
        self.home.alert(100 + self.day, trigger_id=7, **self._day(self.day))
        return 100 + self.day

    def end(self, event: int) -> None:
        """Let it be over, so that the next has a ticket of its own."""
        self.home.until_calm()
        given = self._day(event - 100)
        over = {"event_recovery_date": given["event_date"], "event_recovery_time": "08:30:00"}
        self.home.recover(event, trigger_id=7, **given, **over)
        self.home.until_calm()

    @staticmethod
    def _day(number: int) -> dict[str, str]:
        return {"event_date": f"2026.{10 + number // 28}.{1 + number % 28:02}", "event_time": "08:00:00"}

    def settle(self) -> None:
        """Let passes be done until nothing is in doubt, and the Problem was looked at again."""
        for _ in range(2):
            self.home.ahead += 61
            self.home.until_calm()

    def after(self, nth: int) -> Effects:
        """Do passes until the worker dies after its nth effect, or two minutes are over."""
        effects = Effects(self.home.context, nth)
        try:
            self.settle()
        except Killed:
            self.home.context.glpi.token = None  # the dead end no session
        self.home.context.glpi.close()
        self.home.context.store.close()
        self.home.context = self.home.worker()
        return effects

    def told(self, event: int) -> tuple[int, int]:
        """How often the incident's ticket is linked to the Problem, and how often it has the workaround."""
        ticket = self.home.ticket(event)["id"]
        table = self.home.glpi.world.db["Problem_Ticket"]
        rows = [table.full(id_) for id_ in table.ids]
        linked = sum((row["problems_id"], row["tickets_id"]) == (self.problem, ticket) for row in rows)
        return linked, sum("known problem" in row["content"] for row in self.home.glpi.followups(ticket))


@pytest.fixture(params=VERSIONS)
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with house(tmp_path, request.param, rules=RECURRING, total_timeout=2.0) as home:
        home.one_clock()
        yield Desk(home, VERSIONS.index(request.param))


def test_a_workaround_that_dies_anywhere_on_its_way_reaches_the_new_incident_once(queue: Desk) -> None:
    event = queue.begin()
    effects = queue.after(0).seen
    assert queue.told(event) == (1, 1)
    assert {"POST Ticket", "POST Problem_Ticket", "POST ITILFollowup"} <= set(effects)
    wrong, killed = {}, 0
    mine = list(enumerate(effects, start=1))[queue.half :: 2]
    for nth, effect in mine:
        queue.end(event)
        event = queue.begin()
        killed += queue.after(nth).is_dead
        queue.home.ahead += 300  # the lease of the dead
        queue.settle()
        if (found := queue.told(event)) != (1, 1):
            wrong[f"{nth} {effect}"] = found
    assert wrong == {}
    assert killed == len(mine) > 3
