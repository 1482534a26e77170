"""Seeds: each a life of the bridge with its own troubles. A seed that fails is named in the failure.

`./test` lives 200 of them, `./test --all` 2,000 (about 15 minutes of processor time, so 8 minutes on two free cores);
`GLPI_BRIDGE_SEEDS=500 ./test simulation` lives so many, `GLPI_BRIDGE_SEEDS=5000-5100` that range.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.simulation.simulation import COURSES, MAJORS, RULES, STORMS, Simulation, Traits, live
from tests.suite import WHOLE

_BATCH = 20


def _seeds() -> range:
    usual = "2000" if WHOLE in os.environ else "60"
    first, _, last = os.environ.get("GLPI_BRIDGE_SEEDS", usual).rpartition("-")
    return range(int(first or 0), int(last))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", _seeds()[::_BATCH])
def test_whatever_fails_in_between_both_sides_agree_in_the_end(first: int) -> None:
    for seed in range(first, min(first + _BATCH, _seeds().stop)):
        live(seed)


@pytest.mark.parametrize("first", _seeds()[: max(len(_seeds()) // 8, 1) : _BATCH])
def test_tickets_that_belong_together_agree_too(first: int) -> None:
    for seed in range(first, min(first + _BATCH, _seeds().stop)):
        live(seed, Traits.kin(seed))


@pytest.mark.parametrize("first", _seeds()[: max(len(_seeds()) // 20, 1) : _BATCH // 2])
def test_tickets_that_are_closed_or_handed_over_agree_too(first: int) -> None:
    for seed in range(first, min(first + _BATCH // 2, _seeds().stop)):
        live(seed, Traits.course(seed))


@pytest.mark.parametrize("first", _seeds()[: max(len(_seeds()) // 10, 1) : _BATCH])
def test_major_incidents_stay_marked_and_the_priorities_of_people_stay_theirs(first: int) -> None:
    for seed in range(first, min(first + _BATCH, _seeds().stop)):
        live(seed, Traits.major(seed))


@pytest.mark.parametrize("rules", [*RULES, *STORMS, *COURSES, *MAJORS])
@pytest.mark.parametrize("version", ["10.0.19", "11.0.6"])
def test_a_calm_life_needs_no_excuse(rules: str, version: str) -> None:
    sim = Simulation(7, Traits(rules=rules, version=version), steps=20)
    assert sim.run() == []
    assert sim.wire.calls > 0
    assert sim.context.glpi.logins <= 1 + sim.clock // 1440


def test_the_same_seed_gives_the_same_life() -> None:
    one, two = Simulation(11), Simulation(11)
    assert one.run() == two.run()
    assert one.wire.calls == two.wire.calls
    assert one.clock == two.clock
    assert replace(one.traits) == two.traits
