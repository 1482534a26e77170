"""When incidents are one cause, and how often is often; the order in which they come to be known says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glpi_bridge.model import Draft, Event, Often, Route, Sameness
from glpi_bridge.recurrence import Occurrence, begins, cause, tickets

START = datetime(2026, 11, 1, 8, tzinfo=UTC)
NO_FLAPPING = timedelta(0)


def occurrence(hours: float | None, ticket: int = 0, eventid: str = "") -> Occurrence:
    at = None if hours is None else START + timedelta(hours=hours)
    name = eventid or f"{hours}-{ticket}"
    return Occurrence(Event("zabbix", name, opened_at=at), ticket or int((hours or 0) * 60) + 1, 1)


def run(*hours: float) -> list[Occurrence]:
    return [occurrence(each) for each in hours]


@pytest.mark.parametrize(
    ("hours", "often", "began"),
    [
        ([], Often(2, timedelta(hours=5)), None),
        ([0], Often(2, timedelta(hours=5)), None),
        ([0, 5], Often(2, timedelta(hours=5)), 0),
        ([0, 5.1], Often(2, timedelta(hours=5)), None),
        ([0, 6, 10], Often(2, timedelta(hours=5)), 6),
        ([0, 2, 4, 6], Often(3, timedelta(hours=4)), 0),
        ([9, 1, 5, 8], Often(3, timedelta(hours=4)), 5),
    ],
)
def test_so_many_in_that_time(hours: list[float], often: Often, began: float | None) -> None:
    wanted = None if began is None else START + timedelta(hours=began)
    assert begins(run(*hours), often, NO_FLAPPING) == wanted


def test_what_was_before_the_last_problem_was_solved_does_not_count() -> None:
    often = Often(2, timedelta(hours=5))
    assert begins(run(0, 1), often, NO_FLAPPING, START) is None
    assert begins(run(0, 1, 2), often, NO_FLAPPING, START) == START + timedelta(hours=1)


def test_what_flaps_on_one_ticket_counts_once_and_on_two_tickets_twice() -> None:
    often, apart = Often(2, timedelta(hours=5)), timedelta(minutes=15)
    assert begins([occurrence(0, 1), occurrence(0.1, 1)], often, apart) is None
    assert begins([occurrence(0, 1), occurrence(0.1, 2)], often, apart) == START
    assert begins([occurrence(0, 1), occurrence(0.25, 1)], often, apart) == START


def test_an_occurrence_of_unknown_time_counts_for_nothing() -> None:
    assert begins([occurrence(None, 1), occurrence(None, 2)], Often(2, timedelta(hours=5)), NO_FLAPPING) is None


def test_a_ticket_is_named_once_in_the_order_of_time() -> None:
    seen = [occurrence(3, 7), occurrence(1, 9), occurrence(2, 7), occurrence(0, 4)]
    assert tickets(seen, None) == [4, 9, 7]
    assert tickets(seen, START + timedelta(hours=1)) == [9, 7]


def route(key: str = "7", category: str | None = "Monitoring > CPU") -> Route:
    return Route("default", key, Draft("", "", category=category))


EVENT = Event("zabbix", "1", host="web01")


@pytest.mark.parametrize(
    ("same", "event", "to", "is_one"),
    [
        (Sameness.KEY, EVENT, route("7"), True),
        (Sameness.KEY, EVENT, route("70"), False),
        (Sameness.KEY, Event("paris", "1", host="web01"), route("7"), False),
        (Sameness.HOST, Event("zabbix", "2", host="web01"), route("8"), True),
        (Sameness.HOST, Event("zabbix", "2", host="web1"), route("7"), False),
        (Sameness.CATEGORY, Event("zabbix", "2", host="db"), route("8"), True),
        (Sameness.CATEGORY, EVENT, route("7", "Monitoring"), False),
    ],
)
def test_one_cause(same: Sameness, event: Event, to: Route, is_one: bool) -> None:
    assert (cause(same, EVENT, route()) == cause(same, event, to)) is is_one


def test_a_key_a_host_and_a_category_of_one_name_are_three_causes() -> None:
    event, to = Event("zabbix", "1", host="x"), route("x", "x")
    assert len({cause(same, event, to) for same in Sameness}) == 3


def test_what_has_no_host_or_no_category_is_no_cause_of_that_kind() -> None:
    assert cause(Sameness.HOST, Event("zabbix", "1"), route()) is None
    assert cause(Sameness.CATEGORY, EVENT, route(category=None)) is None


_OCCURRENCES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 4)), max_size=14, unique=True).map(
    lambda pairs: [occurrence(minutes / 4, ticket) for minutes, ticket in pairs]
)
_OFTEN = st.builds(Often, st.integers(2, 5), st.integers(1, 12).map(lambda n: timedelta(hours=n)))
_APART = st.integers(0, 120).map(lambda n: timedelta(minutes=n))


@given(_OCCURRENCES, _OFTEN, _APART, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_run(seen: list[Occurrence], often: Often, apart: timedelta, order: object) -> None:
    shuffled = list(seen)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert begins(shuffled, often, apart) == begins(seen, often, apart)


@given(_OCCURRENCES, _OFTEN, _APART)
def test_one_more_occurrence_never_undoes_a_run_nor_makes_it_begin_later(
    seen: list[Occurrence], often: Often, apart: timedelta
) -> None:
    for left_out in range(len(seen)):
        before = begins(seen[:left_out] + seen[left_out + 1 :], often, apart)
        if before is not None:
            after = begins(seen, often, apart)
            assert after is not None
            assert after <= before
