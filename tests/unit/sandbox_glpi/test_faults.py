"""Each fault by order: what the client sees, and what was done all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from glpi_bridge.sandbox.glpi import Fault, FaultKind, GlpiServer, Match
from tests.unit.sandbox_glpi.client import Client, Started, tickets, until

POST = Match(method="POST", path="/Ticket")
N = 5


def made(glpi: GlpiServer) -> int:
    return len(glpi.tickets())


@pytest.mark.parametrize(
    ("kind", "made_too", "after_items", "expected"),
    [
        (FaultKind.RESET_BEFORE, 0, None, None),
        (FaultKind.RESET_AFTER, N, None, None),
        (FaultKind.RESET_AFTER, 2, 2, None),
        (FaultKind.BLACK_HOLE, 0, None, None),
        (FaultKind.BLACK_HOLE_AFTER, N, None, None),
        (FaultKind.ERROR_BEFORE, 0, None, 500),
        (FaultKind.ERROR_AFTER, N, None, 500),
        (FaultKind.ERROR_AFTER, 3, 3, 500),
        (FaultKind.BAD_GATEWAY_BEFORE, 0, None, 502),
        (FaultKind.BAD_GATEWAY_AFTER, N, None, 502),
        (FaultKind.GATEWAY_TIMEOUT, N, None, 504),
        (FaultKind.LOGIN_PAGE, 0, None, 200),
        (FaultKind.EMPTY_BEFORE, 0, None, 200),
        (FaultKind.EMPTY_AFTER, N, None, 200),
        (FaultKind.EMPTY_AFTER, 1, 1, 200),
        (FaultKind.TOO_MANY, 0, None, 429),
        (FaultKind.UNAVAILABLE, 0, None, 503),
        (FaultKind.MAINTENANCE, 0, None, 200),
        (FaultKind.NOT_ALLOWED_IP, 0, None, 400),
        (FaultKind.REDIRECT, 0, None, 301),
        (FaultKind.NOTICE, N, None, 201),
        (FaultKind.PARTIAL, 3, None, 207),
        (FaultKind.ALL_FAILED, 0, None, 400),
        (FaultKind.UNAUTHORIZED, 0, None, 401),
        (FaultKind.FEWER_RESULTS, N, None, 201),
        (FaultKind.LOCK_WAIT, 0, None, 400),
        (FaultKind.BODY_LOST, 2, 2, 400),
        (FaultKind.GONE_AWAY, 3, 2, 207),
        (FaultKind.REPEATED, 2 * N, None, 201),
        (FaultKind.LINK_OVERFLOW, N, None, 502),
        (FaultKind.ACTORS_DROPPED, N, None, 201),
    ],
)
def test_a_fault_shows_one_thing_and_does_another(
    glpi: GlpiServer, client: Client, kind: FaultKind, made_too: int, after_items: int | None, expected: int | None
) -> None:
    glpi.order(Fault(kind, POST, after_items=after_items, seconds=0.05))
    if expected is None:
        with pytest.raises(requests.ConnectionError):
            client.create(*tickets(N))
    else:
        assert client.create(*tickets(N)).status_code == expected
    until(lambda: made(glpi) == made_too)
    assert client.create(*tickets(1)).status_code == 201, "a fault that was ordered once happens once"


def test_a_database_that_is_down_is_a_page_under_200_on_10_and_under_500_on_11(
    glpi: GlpiServer, client: Client
) -> None:
    glpi.order(Fault(FaultKind.DATABASE_DOWN, POST))
    answer = client.create(*tickets(1))
    assert answer.status_code == (200 if glpi.world.version.startswith("10.") else 500)
    assert answer.headers["Content-Type"].startswith("text/html")


def test_retry_after_is_said(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.TOO_MANY, seconds=17))
    assert client.create(*tickets(1)).headers["Retry-After"] == "17"


def test_one_poison_item_is_refused_again_and_again_and_the_others_are_made(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.POISON, POST, times=None, text='"n 2"'))
    answer = client.create(*tickets(N))
    assert [one["id"] is False for one in answer.json()[1]] == [False, False, True, False, False]
    assert client.create(tickets(N)[2]).status_code == 400
    assert made(glpi) == N - 1


def test_an_item_can_end_php_with_the_items_before_it_made(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.CRASH, POST, times=None, text='"n 2"'))
    answer = client.create(*tickets(N))
    expected = (200, "") if glpi.world.version.startswith("10.") else (500, answer.text)
    assert (answer.status_code, answer.text) == expected
    assert made(glpi) == 2


def test_a_query_error_makes_the_ticket_and_11_denies_it_while_10_leaves_it_half_built(
    glpi: GlpiServer, client: Client
) -> None:
    glpi.order(Fault(FaultKind.QUERY_ERROR, POST))
    answer = client.call("POST", "/Ticket", {"input": {"name": "q", "content": "x", "_users_id_requester": 8}})
    (ticket,) = glpi.tickets()
    assert glpi.actors(ticket["id"]) == []
    if glpi.world.version.startswith("10."):
        assert answer.status_code == 201
    else:
        assert answer.status_code == 400
        assert answer.json()[1].startswith("MySQL query error: ")


def test_after_a_query_error_a_solution_is_there_and_its_ticket_is_not_solved(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one()
    glpi.order(Fault(FaultKind.QUERY_ERROR))
    client.call("POST", "/ITILSolution", {"input": {"itemtype": "Ticket", "items_id": ticket, "content": "s"}})
    assert len(glpi.solutions(ticket)) == 1
    assert glpi.ticket(ticket)["status"] == 1


def test_a_rule_writes_over_what_was_sent(glpi: GlpiServer, client: Client) -> None:
    values = {"name": "[rule] renamed", "itilcategories_id": 7}
    glpi.order(Fault(FaultKind.RULE, POST, values=values))
    client.create(*tickets(1))
    (ticket,) = glpi.tickets()
    assert {k: ticket[k] for k in values} == values


def test_a_template_can_demand_a_field(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.MANDATORY, POST, times=None, text="locations_id"))
    assert client.create(*tickets(1)).status_code == 400
    assert client.create({**tickets(1)[0], "locations_id": 1}).status_code == 201


def test_actors_can_be_dropped(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.ACTORS_DROPPED, POST))
    client.create({**tickets(1)[0], "_users_id_requester": 8, "_groups_id_assign": 1})
    assert glpi.actors(glpi.tickets()[0]["id"]) == []


def test_a_range_can_be_ignored(glpi: GlpiServer, client: Client) -> None:
    client.create(*tickets(40))
    glpi.order(Fault(FaultKind.RANGE_IGNORED, Match(method="GET"), times=2))
    assert len(client.call("GET", "/Ticket?range=0-1").json()) == 40
    criterion = "criteria[0][field]=12&criteria[0][searchtype]=equals&criteria[0][value]=all"
    assert len(client.call("GET", f"/search/Ticket?{criterion}&range=0-1").json()["data"]) == 15


def test_an_answer_can_come_byte_by_byte(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.DRIP, seconds=0.0001))
    assert client.call("GET", "/getMyProfiles").status_code == 200
    glpi.order(Fault(FaultKind.DRIP, seconds=60))
    with pytest.raises(requests.Timeout):
        requests.get(
            f"{glpi.url}/getMyProfiles",
            headers={"App-Token": glpi.app_token, "Session-Token": client.token},
            timeout=0.3,
        )


def test_the_authorization_header_can_be_lost_on_the_way(glpi: GlpiServer) -> None:
    glpi.order(Fault(FaultKind.AUTHORIZATION_STRIPPED))
    answer = Client(glpi).call("GET", "/initSession", Authorization=f"user_token {glpi.user_token}")
    assert (answer.status_code, answer.json()[0]) == (400, "ERROR_LOGIN_PARAMETERS_MISSING")


def test_connections_can_be_refused_for_a_while(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.REFUSED))
    with pytest.raises(requests.ConnectionError):
        client.call("GET", "/getMyProfiles")
    glpi.accept_again()
    assert client.call("GET", "/getMyProfiles").status_code == 200


def test_a_closed_listener_opens_by_itself_after_its_time(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.REFUSED, seconds=0.05))

    def answers() -> bool:
        try:
            return client.call("GET", "/getMyProfiles").status_code == 200
        except requests.ConnectionError:
            return False

    until(answers)


def test_a_slow_answer_can_be_given_up_and_the_work_is_done_all_the_same(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.SLOW, POST, seconds=0.3))
    sock = client.raw({"input": tickets(2)})
    until(lambda: glpi.http.waiting == 1)
    sock.close()
    until(lambda: made(glpi) == 2)
    until(lambda: glpi.log[-1].client_gone)


def test_a_fault_meets_only_what_it_was_ordered_for(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.ERROR_BEFORE, Match(method="PUT|DELETE", path="^/Ticket", text="urgency")))
    ticket = client.one()
    assert client.call("PUT", f"/Ticket/{ticket}", {"input": {"impact": 1}}).status_code == 200
    assert client.call("PUT", f"/Ticket/{ticket}", {"input": {"urgency": 1}}).status_code == 500
    assert glpi.pending() == []


def test_an_order_can_be_cancelled(glpi: GlpiServer, client: Client) -> None:
    number = glpi.order(Fault(FaultKind.ERROR_BEFORE, times=None))
    glpi.cancel(number)
    assert client.create(*tickets(1)).status_code == 201


def test_a_long_link_header_is_answered_502_and_everything_is_made(glpi: GlpiServer, client: Client) -> None:
    assert client.create(*tickets(100)).status_code == 502
    assert made(glpi) == 100
    glpi.set(link_header_limit=None)
    assert client.create(*tickets(100)).status_code == 201


@pytest.mark.parametrize(("kind", "reason"), [("expired", "certificate has expired"), ("other_name", "match")])
def test_a_bad_certificate_is_seen(version: str, kind: str, reason: str) -> None:
    with GlpiServer(version=version, tls=kind) as glpi, pytest.raises(requests.exceptions.SSLError, match=reason):
        Client(glpi).call("GET", "/initSession")


def test_a_good_certificate_is_trusted_by_its_file(version: str) -> None:
    with GlpiServer(version=version, tls="good") as glpi:
        assert glpi.url.startswith("https://")
        assert Client.bridge(glpi).call("GET", "/getMyProfiles").status_code == 200


def test_faults_travel_as_json() -> None:
    fault = Fault(FaultKind.RULE, POST, times=3, after_items=2, seconds=1.5, text="t", values={"name": "x"})
    assert Fault.from_json(json.loads(json.dumps(fault.as_json()))) == fault


@pytest.mark.parametrize("data", [{"kind": "no such"}, {"kind": "500_before", "nonsense": 1}])
def test_an_order_that_makes_no_sense_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Fault.from_json(data)


def test_a_front_server_gives_up_while_the_write_holds_its_session(glpi: GlpiServer, client: Client) -> None:
    glpi.set(bulk_item=0.01)
    glpi.order(Fault(FaultKind.GATEWAY_TIMEOUT, POST, seconds=0.02))
    post = Started(lambda: client.create(*tickets(30)))
    assert post.wait().status_code == 504
    assert client.call("GET", "/killSession").status_code == 200
    assert made(glpi) == 30
