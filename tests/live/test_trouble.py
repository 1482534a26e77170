"""The way to a real GLPI fails, loses answers, or GLPI refuses the log-in: nothing is lost and nothing comes twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live.bridge import Bridge
from tests.live.way import Way

SOLVED = 5


@pytest.fixture
def bridge(tmp_path: Path, source: str, way: Way) -> Bridge:
    """One installation whose calls go by `way`."""
    return Bridge(tmp_path, source, url=way.url)


def writes(method: bytes, itemtype: bytes) -> Callable[[bytes], bool]:
    """Tell the heads of one kind of write."""
    return lambda head: head.startswith(method + b" ") and b"/" + itemtype + b"?" in head.split(b"\r\n")[0]


def until(reached: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not reached within {seconds} s"
        time.sleep(0.2)


@pytest.mark.field("F02")
def test_what_happened_while_glpi_was_away_is_told_when_it_is_back(bridge: Bridge, reader: Any, way: Way) -> None:
    way.is_closed = True
    events = [bridge.problem(f"problem {number}") for number in range(10)]
    bridge.deliver()
    for event in events[:3]:
        bridge.recovery(event)
    bridge.deliver()
    assert reader.tickets(bridge.source) == []
    assert bridge.status()["queue"]["parked"] == 0
    way.is_closed = False
    bridge.deliver_until(lambda: [row["status"] for row in reader.tickets(bridge.source)].count(SOLVED) == 3)
    assert len(reader.tickets(bridge.source)) == 10


@pytest.mark.field("F01")
@pytest.mark.parametrize("count", [1, 12])
def test_a_lost_answer_to_new_tickets_makes_no_second_ones(bridge: Bridge, reader: Any, way: Way, count: int) -> None:
    way.loses = writes(b"POST", b"Ticket")
    events = {bridge.problem(f"problem {number}") for number in range(count)}
    bridge.deliver()
    assert way.lost == 1
    way.loses = lambda head: False
    bridge.deliver_until(lambda: bridge.status()["queue"]["in_doubt"] == 0)
    tickets = reader.tickets(bridge.source)
    assert len(tickets) == count
    for event in events:
        bridge.recovery(event)
    bridge.deliver_until(lambda: all(row["status"] == SOLVED for row in reader.tickets(bridge.source)))
    assert len(reader.tickets(bridge.source)) == count


def test_a_ticket_whose_answer_was_lost_has_its_actors(bridge: Bridge, reader: Any, way: Way) -> None:
    way.loses = writes(b"POST", b"Ticket")
    bridge.problem(event_tagsjson='[{"tag":"component","value":"cpu"}]')
    bridge.deliver()
    way.loses = lambda head: False
    bridge.deliver_until(lambda: bridge.status()["queue"]["in_doubt"] == 0)
    [ticket] = reader.tickets(bridge.source)
    assert len(reader.get(f"Ticket/{ticket['id']}/Group_Ticket")) == 1
    assert len(reader.get(f"Ticket/{ticket['id']}/Ticket_User")) == 1


@pytest.mark.field("F03")
@pytest.mark.parametrize("itemtype", [b"ITILSolution", b"ITILFollowup"])
def test_a_lost_answer_on_the_timeline_repeats_nothing(bridge: Bridge, reader: Any, way: Way, itemtype: bytes) -> None:
    event = bridge.problem()
    bridge.deliver()
    [ticket] = reader.tickets(bridge.source)
    way.loses = writes(b"POST", itemtype)
    bridge.update(event, event_update_message="look at it", event_update_action="commented")
    bridge.recovery(event)
    bridge.deliver()
    assert way.lost == 1
    way.loses = lambda head: False
    bridge.deliver_until(lambda: reader.get(f"Ticket/{ticket['id']}")["status"] == SOLVED)
    assert len(reader.timeline("ITILSolution", ticket["id"])) == 1
    assert len(reader.timeline("ITILFollowup", ticket["id"])) == 1


@pytest.mark.field("F101")
def test_a_revoked_token_holds_everything_and_a_good_one_lets_it_go_on(bridge: Bridge, reader: Any) -> None:
    file = bridge.directory / "glpi_user_token_file"
    good = file.read_text()
    file.write_text("0" * 40)
    for number in range(3):
        bridge.problem(f"problem {number}")
    bridge.deliver()
    assert reader.tickets(bridge.source) == []
    said = bridge.status()
    assert said["queue"]["parked"] == 0
    assert "token" in str(said["needs_person"])
    file.write_text(good)
    bridge.deliver_until(lambda: len(reader.tickets(bridge.source)) == 3)
    assert bridge.status()["queue"]["parked"] == 0


def test_the_service_takes_alerts_as_they_come_and_ends_on_sigterm(bridge: Bridge, reader: Any) -> None:
    service = bridge.start("run")
    try:
        first = bridge.problem("first")
        until(lambda: len(reader.tickets(bridge.source)) == 1)
        bridge.problem("second")
        bridge.recovery(first)
        until(lambda: sorted(row["status"] == SOLVED for row in reader.tickets(bridge.source)) == [False, True])
    finally:
        service.send_signal(signal.SIGTERM)
        _, said = service.communicate(timeout=60)
    assert service.returncode == 0, said


@pytest.mark.field("F101")
def test_the_service_goes_on_by_itself_when_glpi_is_back(bridge: Bridge, reader: Any, way: Way) -> None:
    way.is_closed = True
    service = bridge.start("run")
    try:
        bridge.problem("while away")
        until(lambda: bridge.status()["oldest_undelivered_seconds"] is not None)
        way.is_closed = False
        until(lambda: len(reader.tickets(bridge.source)) == 1)
    finally:
        service.send_signal(signal.SIGTERM)
        _, said = service.communicate(timeout=60)
    assert service.returncode == 0, said
