"""The bridge dies while a real GLPI works for it; afterwards each problem has one ticket."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.live.bridge import Bridge

KILLS = int(os.environ.get("GLPI_KILLS", "3"))
STORM = 50


def events_of(tickets: list[dict[str, Any]], bridge: Bridge) -> Counter[str]:
    """Count the tickets of each event by their marker."""
    return Counter(row["content"].split(f"zabbix {bridge.source}/")[1].split("<")[0] for row in tickets)


def is_settled(reader: Any, bridge: Bridge, count: int) -> bool:
    queue = bridge.status()["queue"]
    return len(reader.tickets(bridge.source)) >= count and queue["in_doubt"] == queue["sending"] == 0


def kill_inside_the_write(bridge: Bridge, reader: Any, wait: float) -> bool:
    """Start a pass and kill it `wait` seconds after GLPI shows its first new ticket; False if it was done before."""
    before = len(reader.tickets(bridge.source))
    running = bridge.start("deliver")
    try:
        while running.poll() is None and len(reader.tickets(bridge.source)) == before:
            pass  # until GLPI is at work for it
        time.sleep(wait)
        in_time = running.poll() is None
        running.send_signal(signal.SIGKILL)
    finally:
        running.communicate(timeout=60)
    return in_time


@pytest.mark.timeout(1800)
@pytest.mark.field("F01")
def test_a_pass_killed_inside_a_bulk_makes_no_second_ticket_and_loses_none(bridge: Bridge, reader: Any) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    owed: set[str] = set()
    hits = 0
    for _ in range(KILLS):
        owed.update(bridge.problem(f"storm {number}") for number in range(STORM))
        hits += kill_inside_the_write(bridge, reader, chance.uniform(0, 0.5))
        bridge.deliver_until(partial(is_settled, reader, bridge, len(owed)), seconds=240)
    counted = events_of(reader.tickets(bridge.source), bridge)
    assert set(counted) == owed, f"seed {seed}"
    assert set(counted.values()) == {1}, f"seed {seed}"
    assert hits, f"no kill came in time, seed {seed}"


@pytest.mark.timeout(900)
@pytest.mark.field("F03")
def test_a_pass_killed_while_it_solves_leaves_one_solution_each(bridge: Bridge, reader: Any) -> None:
    owed = [bridge.problem(f"storm {number}") for number in range(STORM)]
    bridge.deliver()
    for event in owed:
        bridge.recovery(event)
    running = bridge.start("deliver")
    try:
        while running.poll() is None and not any(row["status"] == 5 for row in reader.tickets(bridge.source)):
            pass  # until GLPI is at work for it
        running.send_signal(signal.SIGKILL)
    finally:
        running.communicate(timeout=60)
    bridge.deliver_until(lambda: all(row["status"] == 5 for row in reader.tickets(bridge.source)), seconds=240)
    solutions = Counter(row["items_id"] for row in reader.rows("ITILSolution", f"zabbix {bridge.source}/"))
    assert len(solutions) == STORM
    assert set(solutions.values()) == {1}


@pytest.mark.field("F86")
def test_passes_at_the_same_time_make_one_ticket_each(tmp_path: Path, source: str, reader: Any) -> None:
    bridge = Bridge(tmp_path, source)
    owed = {bridge.problem(f"storm {number}") for number in range(STORM)}
    running = [bridge.start("deliver") for _ in range(3)]
    for one in running:
        _, said = one.communicate(timeout=240)
        assert one.returncode == 0, said
    bridge.deliver_until(lambda: len(reader.tickets(source)) >= STORM)
    counted = events_of(reader.tickets(source), bridge)
    assert (set(counted), set(counted.values())) == (owed, {1})


@pytest.mark.timeout(600)
def test_a_worker_paused_past_its_lease_makes_no_second_ticket_when_it_wakes(
    tmp_path: Path, source: str, reader: Any
) -> None:
    """Another worker on the same store settles and goes on; the paused one finds its session and its claim gone."""
    paused = Bridge(tmp_path, source)
    other = paused.beside()
    owed = {paused.problem(f"storm {number}") for number in range(2 * STORM)}
    running = paused.start("deliver")
    try:
        while running.poll() is None and not reader.tickets(source):
            pass  # until GLPI is at work for it
        running.send_signal(signal.SIGSTOP)
        owed.add(other.problem("while it sleeps", event_id="other"))
        other.deliver_until(partial(is_settled, reader, other, len(owed)), seconds=240)
    finally:
        running.send_signal(signal.SIGCONT)
        _, said = running.communicate(timeout=240)
    assert running.returncode == 0, said
    paused.deliver_until(partial(is_settled, reader, paused, len(owed)), seconds=240)
    counted = events_of(reader.tickets(source), paused)
    assert (set(counted), set(counted.values())) == (owed, {1})
