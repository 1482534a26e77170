"""Recurring incidents become one Problem: by rule or by hand, its incidents linked, its workaround handed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.store import undertakings
from glpi_bridge.sync import sync
from glpi_bridge.text import decoded, markers
from glpi_bridge.undertaking import Resolution
from tests.house import NOTE, SOLVED, VERSIONS, House, house
from tests.integration.installation import Installation
from tests.invariants import Itil, check_itil

RULES = """\
rules: []
default:
  category: Monitoring > CPU
  group: Systems
  reopen_window: never
  problem_after: 3 in 7 days
  {more}
"""
PROBLEM = Match(method="POST", path="^/?Problem$")
FIXTURE = 0
LINK = Match(method="POST", path="Problem_Ticket")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(version: str, tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, version, rules=RULES.format(more=""), total_timeout=0.6) as made:
        made.one_clock()
        yield made


WORKAROUND = "<p>Workaround: restart the queue.</p>"


def calm(home: House) -> None:
    """Turn the clock to what is due next, until nothing is in flight or tried again."""
    for _ in range(60):
        home.until_calm()
        moving = [
            one for one in home.context.store.read(undertakings.due, home.now() + 3600) if one.tries or not one.glpi_id
        ]
        waits = home.context.store.read(undertakings.fresh_causes)
        if not moving and not waits and not home.restless():
            return
        home.skip()
    raise AssertionError("never calm")


def occur(home: House, number: int, *, day: int | None = None, **fields: Any) -> None:
    """One more occurrence on a day of November, over in the same hour; each has its own ticket."""
    day = number if day is None else day
    given = {"trigger_id": 7, "event_date": f"2026.11.{day:02}", "event_time": "08:00:00", **fields}
    home.alert(100 + number, **given)
    home.until_calm()
    home.recover(100 + number, event_recovery_date=f"2026.11.{day:02}", event_recovery_time="08:30:00", **given)
    home.until_calm()


def look(home: House) -> None:
    """Let the time pass after which an open Problem is looked at again."""
    home.ahead += 61
    calm(home)


def problems(home: House | Installation) -> list[dict[str, Any]]:
    table = home.glpi.world.db["Problem"]
    return [table.full(id_) | {"id": id_} for id_ in table.ids if id_ > FIXTURE]


def links(home: House | Installation) -> list[tuple[int, int]]:
    table = home.glpi.world.db["Problem_Ticket"]
    return sorted((table.value(id_, "problems_id"), table.value(id_, "tickets_id")) for id_ in table.ids)


def tickets(home: House) -> list[int]:
    return sorted(row["id"] for row in home.tickets() if markers(row["content"]))


def wrong(home: House) -> list[str]:
    """What breaks the invariants of Problems."""
    table = home.glpi.world.db["Problem_Ticket"]
    found = []
    for row in problems(home):
        (marker,) = markers(decoded(row["content"]))
        linked = tuple(table.value(id_, "tickets_id") for id_ in table.children("problems_id", row["id"]))
        found.append(Itil(row["id"], marker, row["status"] in (5, 6, 8), linked))
    return check_itil(found, tickets(home))


def handed_on(home: House, ticket: int) -> list[str]:
    return [row["content"] for row in home.glpi.followups(ticket) if "known problem" in row["content"]]


def test_what_recurs_often_enough_becomes_one_problem_with_its_incidents(home: House) -> None:
    for number in (1, 2):
        occur(home, number)
    assert problems(home) == []
    occur(home, 3)
    (problem,) = problems(home)
    assert problem["name"].startswith("Recurring: ")
    assert problem["itilcategories_id"] == home.ticket(101)["itilcategories_id"]
    assert [ticket for _, ticket in links(home)] == tickets(home)
    for number in (1, 2, 3):
        assert f"<td>{home.ticket(100 + number)['id']}</td>" in decoded(problem["content"])
    writes = len(home.writes())
    look(home)
    assert len(home.writes()) == writes


def test_a_new_incident_of_an_open_problem_is_linked_at_once_and_no_second_problem_is_opened(home: House) -> None:
    for number in range(1, 8):
        occur(home, number)
    assert len(problems(home)) == 1
    assert [ticket for _, ticket in links(home)] == tickets(home)
    assert len(tickets(home)) == 7


def test_the_workaround_of_a_person_reaches_each_open_incident_once_and_in_private(home: House) -> None:
    for number in (1, 2, 3):
        occur(home, number)
    (problem,) = problems(home)
    note(home, problem["id"], WORKAROUND)
    home.alert(104, trigger_id=7, event_date="2026.11.04", event_time="08:00:00")
    calm(home)
    fresh = home.ticket(104)["id"]
    (text,) = handed_on(home, fresh)
    assert "restart the queue" in text
    (row,) = [row for row in home.glpi.followups(fresh) if "known problem" in row["content"]]
    assert row["is_private"] == 1
    assert handed_on(home, home.ticket(101)["id"]) == []
    look(home)
    assert len(handed_on(home, fresh)) == 1
    note(home, problem["id"], "<p>Workaround: restart the whole host.</p>")
    look(home)
    assert "restart the whole host" in handed_on(home, fresh)[1]


def note(home: House, problem: int, content: str) -> None:
    home.glpi.people._add("ITILFollowup", {"itemtype": "Problem", "items_id": problem, "content": content}, 9)


def test_a_link_that_a_person_took_away_stays_away(home: House) -> None:
    for number in (1, 2, 3):
        occur(home, number)
    table = home.glpi.world.db["Problem_Ticket"]
    table.remove(table.ids[-1])
    occur(home, 4)
    look(home)
    assert [ticket for _, ticket in links(home)] == [home.ticket(id_)["id"] for id_ in (101, 102, 104)]


@pytest.mark.parametrize("status", [5, 6, 8], ids=["solved", "closed", "under observation"])
def test_after_a_problem_is_solved_the_count_begins_anew(home: House, status: int) -> None:
    for number in (1, 2, 3):
        occur(home, number)
    (problem,) = problems(home)
    home.glpi.people.edit(problem["id"], itemtype="Problem", status=status)
    look(home)
    ahead = datetime.fromtimestamp(home.now(), UTC)
    for number in (4, 5, 6):
        day = ahead + timedelta(days=number - 3)
        given = {"event_date": f"{day:%Y.%m.%d}", "event_time": f"{day:%H:%M:%S}"}
        occur(home, number, **given)
        assert len(problems(home)) == (2 if number == 6 else 1)
    assert wrong(home) == []
    second = problems(home)[1]["id"]
    assert [ticket for id_, ticket in links(home) if id_ == second] == [
        home.ticket(id_)["id"] for id_ in (104, 105, 106)
    ]


def test_a_problem_that_a_person_removed_is_not_made_again_for_what_was_before(home: House) -> None:
    for number in (1, 2, 3):
        occur(home, number)
    (problem,) = problems(home)
    home.glpi.world.db["Problem"].update(problem["id"], {"is_deleted": 1})
    look(home)
    occur(home, 4)
    assert len(problems(home)) == 1


@pytest.mark.parametrize(
    ("more", "alerts"),
    [
        ("problem_same: host", [{"trigger_id": 1}, {"trigger_id": 2}, {"trigger_id": 3}]),
        ("problem_same: category", [{"trigger_id": n, "host_host": f"web{n}"} for n in (1, 2, 3)]),
    ],
    ids=["host", "category"],
)
def test_by_setting_the_same_host_or_category_is_one_cause(
    version: str, tmp_path: Path, more: str, alerts: list[dict[str, Any]]
) -> None:
    with house(tmp_path, version, rules=RULES.format(more=more)) as home:
        home.one_clock()
        for number, fields in enumerate(alerts, 1):
            occur(home, number, **fields)
        (problem,) = problems(home)
        assert [ticket for _, ticket in links(home)] == tickets(home)
        assert "others of the same" in problem["content"]


def test_flapping_is_one_occurrence(version: str, tmp_path: Path) -> None:
    rules = RULES.format(more="reopen_window: always").replace("  reopen_window: never\n", "")
    with house(tmp_path, version, rules=rules) as home:
        home.one_clock()
        for number in range(1, 6):
            occur(home, number, day=1, event_time=f"08:{number:02}:00")
        assert problems(home) == []


FAULTS = {
    "reset before": FaultKind.RESET_BEFORE,
    "reset after": FaultKind.RESET_AFTER,
    "no answer, nothing done": FaultKind.BLACK_HOLE,
    "no answer, all done": FaultKind.BLACK_HOLE_AFTER,
    "500 before": FaultKind.ERROR_BEFORE,
    "500 after": FaultKind.ERROR_AFTER,
    "504": FaultKind.GATEWAY_TIMEOUT,
    "log-in page": FaultKind.LOGIN_PAGE,
    "empty before": FaultKind.EMPTY_BEFORE,
    "empty after": FaultKind.EMPTY_AFTER,
    "refused once": FaultKind.ALL_FAILED,
    "401": FaultKind.UNAUTHORIZED,
    "429": FaultKind.TOO_MANY,
    "maintenance": FaultKind.MAINTENANCE,
    "notice": FaultKind.NOTICE,
    "lock wait": FaultKind.LOCK_WAIT,
    "query error behind the insert": FaultKind.QUERY_ERROR,
    "late row": FaultKind.LATE_ROW,
}


@pytest.mark.parametrize("write", [PROBLEM, LINK, NOTE], ids=["problem", "link", "workaround"])
@pytest.mark.parametrize("fault", FAULTS)
def test_however_glpi_answers_there_is_one_problem_one_link_each_and_one_note(
    tmp_path: Path, fault: str, write: Match
) -> None:
    version = VERSIONS[sorted(FAULTS).index(fault) % 2]
    with house(tmp_path, version, rules=RULES.format(more=""), total_timeout=0.6) as home:
        home.one_clock()
        one_of_each(home, fault, write)


def one_of_each(home: House, fault: str, write: Match) -> None:
    for number in (1, 2):
        occur(home, number)
    late = 0 if FAULTS[fault] is FaultKind.LATE_ROW else 0.1  # the house lets a late row appear as its clock is turned
    if write is PROBLEM:
        home.glpi.order(Fault(FAULTS[fault], write, seconds=late))
    occur(home, 3)
    calm(home)
    (problem,) = problems(home)
    note(home, problem["id"], WORKAROUND)
    if write is not PROBLEM:
        home.glpi.order(Fault(FAULTS[fault], write, seconds=late))
    home.alert(104, trigger_id=7, event_date="2026.11.04", event_time="08:00:00")
    calm(home)
    look(home)
    assert len(problems(home)) == 1
    assert wrong(home) == []
    assert [ticket for _, ticket in links(home)] == tickets(home)
    assert len(handed_on(home, home.ticket(104)["id"])) == 1


def test_a_proxy_that_repeats_the_call_leaves_one_open_problem_and_the_second_is_closed_and_said(home: House) -> None:
    for number in (1, 2):
        occur(home, number)
    home.glpi.order(Fault(FaultKind.REPEATED, PROBLEM))
    occur(home, 3)
    calm(home)
    assert len(problems(home)) == 2
    for _ in range(3):
        sync(home.context)
        calm(home)
    first, second = sorted(problems(home), key=lambda row: row["status"])  # the proxy gives the second one's answer
    assert (first["status"] < 5, second["status"]) == (True, 6)
    assert {problem for problem, _ in links(home)} == {first["id"]}
    assert home.notices("duplicate")[0].startswith(f"problem {second['id']} repeats problem {first['id']}")
    (why,) = [row for row in home.glpi.rows("ITILSolution") if row["itemtype"] == "Problem"]
    assert "one call arrived twice" in why["content"]
    before = len(home.writes())
    sync(home.context)
    assert len(home.writes()) == before


def test_a_lost_store_finds_its_open_problem_again(home: House) -> None:
    for number in (1, 2, 3):
        occur(home, number)
    home.lose_the_store()
    for number in (4, 5, 6):
        occur(home, number)
    assert len(problems(home)) == 1
    assert wrong(home) == []


@pytest.mark.parametrize("left", [0, 1024], ids=["none", "only to see"])
def test_without_the_right_no_problem_is_made_the_reason_is_said_and_tickets_go_on(home: House, left: int) -> None:
    home.glpi.world.db["Profile"].update(9, {"problem": left})
    for number in (1, 2, 3):
        occur(home, number)
    for _ in range(12):
        home.ahead += 700
        home.until_calm()
    assert problems(home) == []
    assert len(tickets(home)) == 3
    (said,) = home.notices("problem")
    assert "ERROR_RIGHT_MISSING" in said or "open: " in said
    home.alert(109)
    home.until_calm()
    assert len(tickets(home)) == 4


def test_the_invariants_of_problems_see_a_second_one_and_a_second_link(home: House) -> None:
    for number in (1, 2, 3):
        occur(home, number)
    assert wrong(home) == []
    table, (problem,) = home.glpi.world.db["Problem"], problems(home)
    twin = table.insert({name: value for name, value in problem.items() if name != "id"})
    assert len(wrong(home)) == 2
    home.glpi.world.db["Problem_Ticket"].insert({"problems_id": twin, "tickets_id": home.ticket(101)["id"]})
    home.glpi.world.db["Problem_Ticket"].insert({"problems_id": twin, "tickets_id": home.ticket(101)["id"]})
    assert any("twice" in one for one in wrong(home))


@pytest.mark.parametrize("wanted", list(Resolution))
def test_solving_the_problem_is_told_to_its_open_incidents_once_and_solves_only_what_recovered(
    version: str, tmp_path: Path, wanted: Resolution
) -> None:
    rules = RULES.format(more="solve: false")
    with house(tmp_path, version, rules=rules) as home:
        home.one_clock()
        home.context.terms = replace(home.terms, problem_solved=wanted)
        for number in (1, 2, 3):
            occur(home, number)
        home.alert(104, trigger_id=7, event_date="2026.11.04", event_time="08:00:00")
        calm(home)
        (problem,) = problems(home)
        home.glpi.people._add(
            "ITILSolution", {"itemtype": "Problem", "items_id": problem["id"], "content": "<p>New disk & cable</p>"}, 9
        )
        for _ in range(2):
            look(home)
        recovered, still_open = home.ticket(101), home.ticket(104)
        told = {
            id_: [
                row["content"]
                for row in home.glpi.followups(id_)
                if f"Problem {problem['id']} was solved" in row["content"]
            ]
            for id_ in (recovered["id"], still_open["id"])
        }
        assert still_open["status"] < SOLVED
        assert len(told[still_open["id"]]) == (0 if wanted is Resolution.OFF else 1)
        assert (recovered["status"] >= SOLVED) is (wanted is Resolution.SOLVE)
        assert len(told[recovered["id"]]) == (1 if wanted is Resolution.ANNOTATE else 0)
        if wanted is not Resolution.OFF:
            assert "New disk" in told[still_open["id"]][0]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(1, 6)), rounds=st.lists(st.booleans(), min_size=5, max_size=5))
def test_any_order_of_the_incidents_gives_the_same_problem(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], rounds: list[bool]
) -> None:
    with house(
        tmp_path_factory.mktemp("order"), "11.0.6", rules=RULES.format(more="key: [eventid]\n  problem_same: host")
    ) as home:
        home.one_clock()
        for number, passes in zip(order, rounds, strict=True):
            home.alert(100 + number, event_date=f"2026.11.{number * 3:02}", event_time="08:00:00")
            if passes:
                home.until_calm()
        calm(home)
        (problem,) = problems(home)
        # 3 in 7 days: the 3rd, 6th and 9th of November are the first of them, all later ones belong to it
        assert links(home) == [(problem["id"], ticket) for ticket in tickets(home)]
        assert len(tickets(home)) == len(order)
