"""However GLPI answers, or does not: each problem has one ticket in the end, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.sync import sync
from tests.house import VERSIONS, House, house

EVENTS = range(101, 109)
CREATE = Match(method="POST", path="^/?Ticket")
FAULTS = {
    "connection refused": Fault(FaultKind.REFUSED, seconds=60),
    "reset before the effect": Fault(FaultKind.RESET_BEFORE, CREATE),
    "reset after the effect": Fault(FaultKind.RESET_AFTER, CREATE),
    "no answer, nothing done": Fault(FaultKind.BLACK_HOLE, CREATE),
    "no answer, all done": Fault(FaultKind.BLACK_HOLE_AFTER, CREATE),
    "one byte a second": Fault(FaultKind.DRIP, CREATE, seconds=0.2),
    "500 before the effect": Fault(FaultKind.ERROR_BEFORE, CREATE),
    "500 after the effect": Fault(FaultKind.ERROR_AFTER, CREATE),
    "502 before the effect": Fault(FaultKind.BAD_GATEWAY_BEFORE, CREATE),
    "502 after the effect": Fault(FaultKind.BAD_GATEWAY_AFTER, CREATE),
    "504 of a gateway": Fault(FaultKind.GATEWAY_TIMEOUT, CREATE),
    "a log-in page": Fault(FaultKind.LOGIN_PAGE, CREATE),
    "empty, nothing done": Fault(FaultKind.EMPTY_BEFORE, CREATE),
    "empty, all done": Fault(FaultKind.EMPTY_AFTER, CREATE),
    "empty, half done": Fault(FaultKind.EMPTY_AFTER, CREATE, after_items=4),
    "500, half done": Fault(FaultKind.ERROR_AFTER, CREATE, after_items=3),
    "reset, half done": Fault(FaultKind.RESET_AFTER, CREATE, after_items=5),
    "every second refused once": Fault(FaultKind.PARTIAL, CREATE),
    "all refused once": Fault(FaultKind.ALL_FAILED, CREATE),
    "401 in a bulk": Fault(FaultKind.UNAUTHORIZED, CREATE),
    "fewer results than items": Fault(FaultKind.FEWER_RESULTS, CREATE),
    "429 with Retry-After": Fault(FaultKind.TOO_MANY, CREATE, seconds=30),
    "503 with Retry-After": Fault(FaultKind.UNAVAILABLE, CREATE, seconds=30),
    "range ignored": Fault(FaultKind.RANGE_IGNORED, Match(method="GET"), times=None),
    "maintenance": Fault(FaultKind.MAINTENANCE, CREATE),
    "the database is down": Fault(FaultKind.DATABASE_DOWN, CREATE),
    "a PHP notice before the JSON": Fault(FaultKind.NOTICE, CREATE),
    "a lock wait": Fault(FaultKind.LOCK_WAIT, CREATE),
    "a query error behind the insert": Fault(FaultKind.QUERY_ERROR, CREATE),
    "the database goes away in a list": Fault(FaultKind.GONE_AWAY, CREATE, after_items=3),
    "a balancer loses the body": Fault(FaultKind.BODY_LOST, CREATE, after_items=4),
    "a proxy repeats the call": Fault(FaultKind.REPEATED, CREATE),
    "a long Link header": Fault(FaultKind.LINK_OVERFLOW, CREATE),
    "the address is not allowed for a while": Fault(FaultKind.NOT_ALLOWED_IP, times=4),
    "Authorization is stripped for a while": Fault(FaultKind.AUTHORIZATION_STRIPPED, times=2),
    "a redirect": Fault(FaultKind.REDIRECT, CREATE),
}


@pytest.fixture(params=VERSIONS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, request.param, total_timeout=0.6) as made:
        yield made


@pytest.mark.parametrize("name", FAULTS)
def test_a_bulk_of_problems_becomes_one_ticket_each_whatever(home: House, name: str) -> None:
    for event in EVENTS:
        home.alert(event)
    home.glpi.order(FAULTS[name])
    home.turn()
    if name == "connection refused":
        home.glpi.accept_again()
    home.until_calm()
    sync(home.context)  # finds what a proxy has doubled
    made = {marker: [row["status"] for row in rows] for marker, rows in home.by_marker().items()}
    assert set(made) == {f"zabbix zabbix/{event}" for event in EVENTS}
    assert all(sum(status < 5 for status in statuses) == 1 for statuses in made.values()), made
    if name != "a proxy repeats the call":
        assert len(home.tickets()) == len(EVENTS)
    for event in EVENTS:
        home.recover(event)
    home.until_calm()
    for rows in home.by_marker().values():
        row = next(one for one in rows if one["status"] != 6)  # 6: the second ones that a proxy made
        assert row["status"] == 5
        assert len(home.glpi.solutions(row["id"])) == 1
