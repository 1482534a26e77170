"""Each figure against a set small enough to count by hand; quantiles against what they mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glpi_bridge.report.figures import PEOPLE, Category, Figures, Kept, Quantiles, Tally, Top, bucket, quantiles
from glpi_bridge.report.period import Period
from glpi_bridge.report.rows import Kind, Known, Ticket, Undertaken, is_incident, ticket

DAYS = Period(date(2026, 11, 1), date(2026, 11, 3))  # a Sunday, a Monday, a Tuesday
NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def one(day: int = 1, hour: int = 12, **fields: Any) -> Ticket:
    opened = datetime(2026, 11, day, hour, tzinfo=UTC)
    plain = Ticket(
        id=1, opened_at=opened, category=4, is_done=True, owned=60.0, resolved=3600.0, kept_own=None, kept_resolve=None
    )
    return replace(plain, **fields)


def known(**fields: Any) -> Known:
    plain = Known(severity=3, triggers=(("web01", "CPU"),), problems=1, alerts=2, is_again=False, by_itself=False)
    return replace(plain, **fields)


def tally(*pairs: tuple[Ticket, Known | None], period: Period = DAYS) -> Figures:
    counted = Tally(period)
    for pair in pairs:
        counted.add(*pair)
    return counted.figures(lambda id_: f"category {id_}" if id_ else "")


def test_nothing_gives_zeros_and_no_shares() -> None:
    found = tally()
    assert (found.incidents, found.open, found.alerts) == (0, 0, 0)
    assert found.to_own.all is None
    assert found.to_own.by_step == (None, None, None)
    assert found.sla_own.share is None
    assert found.self_solved_share is None
    assert found.alerts_per_ticket is None
    assert found.by_category == ()


def test_incidents_are_counted_on_the_day_they_were_opened_and_only_in_the_period() -> None:
    counted = Tally(DAYS)
    assert counted.add(one(1), None)
    assert counted.add(one(3), None)
    assert not counted.add(one(4), None)
    found = counted.figures(str)
    assert found.incidents == 2
    assert found.by_severity[PEOPLE] == (1, 0, 1)


def test_severity_is_that_of_the_store_and_people_s_where_it_knows_nothing() -> None:
    found = tally(
        (one(1), known(severity=5)), (one(1), known(severity=5)), (one(2), known(severity=None)), (one(3), None)
    )
    assert found.by_severity["5"] == (2, 0, 0)
    assert found.by_severity["0"] == (0, 1, 0)
    assert found.by_severity[PEOPLE] == (0, 0, 1)
    assert found.monitored == 3


def test_the_categories_with_most_tickets_come_first_and_the_rest_together() -> None:
    tickets = [(one(1, category=id_), None) for id_ in range(1, 10) for _ in range(id_)]
    found = tally(*tickets, (one(2, category=0), None))
    assert found.by_category[0] == Category("category 9", (9, 0, 0))
    assert [entry.name for entry in found.by_category[:6]] == [f"category {id_}" for id_ in (9, 8, 7, 6, 5, 4)]
    assert found.by_category[6] == Category("", (1 + 2 + 3, 1, 0), is_rest=True)
    few = tally((one(1, category=0), None))
    assert few.by_category == (Category("", (1, 0, 0)),)


def test_two_categories_of_one_name_are_one() -> None:
    counted = Tally(DAYS)
    for id_ in (1, 2):
        counted.add(one(id_, category=id_), None)
    assert counted.figures(lambda _id: "same").by_category == (Category("same", (1, 1, 0)),)


def test_the_rhythm_has_the_hour_of_the_zone() -> None:
    found = tally((one(1, 0), None), (one(2, 23), None))
    assert found.rhythm[6][0] == 1  # Sunday
    assert found.rhythm[0][23] == 1
    assert sum(map(sum, found.rhythm)) == 2


def test_times_are_counted_where_there_are_any() -> None:
    found = tally(
        (one(1, owned=10.0), None), (one(1, owned=20.0), None), (one(2, owned=40.0), None), (one(3, owned=None), None)
    )
    assert found.to_own.all == Quantiles(3, 20.0, 36.0)  # 20 + 0.8 * (40 - 20)
    assert found.to_own.by_step == (Quantiles(2, 15.0, 19.0), Quantiles(1, 40.0, 40.0), None)


def test_times_to_resolve_are_grouped_and_each_group_ends_before_its_end() -> None:
    found = tally(*((one(1, resolved=seconds), None) for seconds in (0.0, 899.0, 900.0, 3599.0, 3600.0, 3 * 86400.0)))
    assert found.to_resolve.spread == (2, 2, 1, 0, 0, 1)


def test_an_sla_is_kept_missed_or_not_measured() -> None:
    found = tally(
        (one(1, kept_own=True), None), (one(1, kept_own=False), None), (one(2, kept_own=True), None), (one(3), None)
    )
    assert found.sla_own == Kept((1, 1, 0), (1, 0, 0))
    assert found.sla_own.share == pytest.approx(2 / 3)
    assert found.sla_resolve.share is None


def test_what_a_recovery_solved_is_by_itself_the_rest_by_people_or_open() -> None:
    found = tally(
        (one(1), known(by_itself=True)),
        (one(1), known()),
        (one(1), None),
        (one(2, is_done=False, resolved=None), known()),
    )
    assert (found.by_itself, found.by_people, found.still_open) == ((1, 0, 0), (2, 0, 0), (0, 1, 0))
    assert found.self_solved_share == 0.5  # of the two that monitoring reported and that are solved
    assert found.open == 1


def test_hosts_and_triggers_are_ranked_by_tickets_then_problems_then_name() -> None:
    disk, cpu = ("db01", "disk"), ("web01", "CPU")
    found = tally(
        (one(1), known(triggers=(cpu,), problems=3)),
        (one(1), known(triggers=(disk,))),
        (one(2), known(triggers=(disk, ("db01", "memory")), problems=2)),
        (one(2), known(triggers=(), problems=1)),
    )
    assert found.hosts == (Top("db01", "", 2, 3, 0), Top("web01", "", 1, 3, 2))
    assert found.triggers[0] == Top("db01", "disk", 2, 3, 0)
    assert [entry.trigger for entry in found.triggers] == ["disk", "CPU", "memory"]
    assert found.flapping == (Top("web01", "CPU", 1, 3, 2),)


def test_only_the_first_ten_are_named() -> None:
    found = tally(*((one(1), known(triggers=((f"host{number:02}", "x"),))) for number in range(12)))
    assert [entry.host for entry in found.hosts] == [f"host{number:02}" for number in range(10)]


def test_recurring_has_an_earlier_ticket_and_flapping_shares_one() -> None:
    found = tally(
        (one(1), known()), (one(2), known(is_again=True)), (one(2), known(problems=2)), (one(3), known(problems=12)),
        (one(3), None),
    )  # fmt: skip
    assert (found.anew, found.again) == ((1, 1, 1), (0, 1, 0))
    assert found.shared == (2, 1, 0, 0, 1)
    assert found.flapping == (Top("web01", "CPU", 4, 16, 1 + 1 + 11),)


def test_alerts_count_for_the_tickets_they_belong_to() -> None:
    found = tally((one(1), known(alerts=5, problems=2)), (one(2), known(alerts=1, problems=1)), (one(2), None))
    assert (found.alerts, found.problems, found.alerts_per_ticket) == (6, 3, 3.0)


def test_problems_and_changes_are_told_apart_by_what_they_are_linked_to() -> None:
    counted = Tally(DAYS)
    counted.may_read(Kind.CHANGE)
    for linked, day in ((2, 1), (0, 2), (3, 2), (1, 9)):
        counted.undertaken(Undertaken(Kind.PROBLEM, NOON + timedelta(days=day - 1), linked))
    found = counted.figures(str).undertaken
    assert list(found) == ["Problem", "Change"]
    assert found["Problem"].from_incidents == (1, 1, 0)
    assert found["Problem"].others == (0, 1, 0)
    assert found["Problem"].incidents == 5
    assert found["Change"].from_incidents == (0, 0, 0)


def test_what_may_not_be_read_is_absent() -> None:
    assert tally().undertaken == {}


def test_the_order_of_tickets_means_nothing() -> None:
    pairs = [(one(1), known()), (one(2, owned=5.0), None), (one(3, category=9), known(problems=4, is_again=True))]
    assert len({repr(tally(*order)) for order in permutations(pairs)}) == 1


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=60))
def test_quantiles_split_the_values_where_they_say(values: Sequence[float]) -> None:
    found = quantiles(values)
    assert found is not None
    slack = 1e-6
    assert min(values) - slack <= found.median <= found.p90 + slack
    assert found.p90 <= max(values) + slack
    assert found.count == len(values)
    assert sum(value <= found.median + slack for value in values) >= len(values) / 2
    assert sum(value >= found.median - slack for value in values) >= len(values) / 2
    assert sum(value > found.p90 + slack for value in values) <= math.ceil((len(values) - 1) * 0.1)


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=60), st.randoms())
def test_quantiles_are_those_of_the_values_in_any_order(values: list[float], chance: Any) -> None:
    shuffled = list(values)
    chance.shuffle(shuffled)
    assert quantiles(shuffled) == quantiles(values)


def test_the_quantiles_of_one_to_eleven_are_those_of_the_book() -> None:
    assert quantiles([float(number) for number in range(1, 12)]) == Quantiles(11, 6.0, 10.0)
    assert quantiles([]) is None


@pytest.mark.parametrize(("value", "number"), [(0, 0), (9.9, 0), (10, 1), (20, 2), (99, 2)])
def test_a_group_ends_before_its_end(value: float, number: int) -> None:
    assert bucket(value, (10, 20)) == number


ROW = {
    "id": 7, "type": 1, "name": "x", "date": "2026-11-01 08:00:00", "date_creation": "2026-11-01 08:01:00",
    "status": 5, "itilcategories_id": 4, "takeintoaccountdate": "2026-11-01 08:10:00",
    "takeintoaccount_delay_stat": 600, "solvedate": "2026-11-01 10:00:00", "closedate": None,
    "solve_delay_stat": 5400, "time_to_own": "2026-11-01 08:05:00", "time_to_resolve": "2026-11-01 12:00:00",
}  # fmt: skip


def clock(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def row(**fields: Any) -> Ticket:
    return ticket({**ROW, **fields}, clock, "2026-11-01 11:00:00")


def test_a_row_of_glpi_is_read() -> None:
    assert row() == Ticket(
        id=7, opened_at=clock("2026-11-01 08:00:00"), category=4, is_done=True, owned=600.0, resolved=5400.0,
        kept_own=False, kept_resolve=True,
    )  # fmt: skip


def test_where_glpi_has_no_count_the_dates_give_it() -> None:
    found = row(takeintoaccount_delay_stat=0, solve_delay_stat=None)
    assert (found.owned, found.resolved) == (600.0, 7200.0)
    assert row(takeintoaccount_delay_stat=0, takeintoaccountdate="2026-11-01 07:00:00").owned == 0.0


def test_an_open_ticket_has_no_time_to_resolve_and_misses_once_its_time_is_over() -> None:
    late = row(status=2, solvedate=None, time_to_resolve="2026-11-01 10:30:00")
    assert (late.is_done, late.resolved, late.kept_resolve) == (False, None, False)
    assert row(status=2, solvedate=None).kept_resolve is None
    assert row(time_to_own=None).kept_own is None


def test_what_was_solved_without_being_taken_was_owned_then() -> None:
    found = row(takeintoaccountdate=None, takeintoaccount_delay_stat=0, time_to_own="2026-11-01 10:00:00")
    assert found.owned is None
    assert found.kept_own is True


def test_a_request_is_no_incident() -> None:
    assert is_incident(ROW)
    assert not is_incident({**ROW, "type": 2})
