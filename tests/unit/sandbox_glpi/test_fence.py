"""Sessions lock as GLPI's do: what the recordings 12-fence show with times, shown here without."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
import requests

from glpi_bridge.sandbox.glpi import Cost, Fault, FaultKind, GlpiServer
from tests.unit.sandbox_glpi.client import Client, Started, tickets, until

SLOW = Cost(bulk_item=0.01)
MANY = 30
OLD = 7200.0


def begun(glpi: GlpiServer, client: Client, n: int = MANY) -> Started:
    """Start a slow bulk POST and wait until its first ticket is there."""
    started = Started(lambda: client.create(*tickets(n)))
    until(lambda: len(glpi.tickets()) > 0)
    return started


def test_kill_session_waits_for_a_write_of_that_session(glpi: GlpiServer, client: Client) -> None:
    glpi.set(bulk_item=SLOW.bulk_item)
    post = begun(glpi, client)
    killed = client.call("GET", "/killSession")
    assert (killed.status_code, len(glpi.tickets())) == (200, MANY)
    assert post.wait().status_code == 201
    assert client.call("GET", "/getMyProfiles").status_code == 401


def test_kill_session_does_not_wait_without_session_write(glpi: GlpiServer, client: Client) -> None:
    glpi.set(bulk_item=SLOW.bulk_item)
    post = Started(lambda: client.create(*tickets(MANY), write=False))
    until(lambda: len(glpi.tickets()) > 0)
    assert client.call("GET", "/killSession").status_code == 200
    assert len(glpi.tickets()) < MANY
    post.wait()
    assert len(glpi.tickets()) == MANY


def test_any_second_call_of_the_session_waits_for_the_write(glpi: GlpiServer, client: Client) -> None:
    glpi.set(bulk_item=SLOW.bulk_item)
    post = begun(glpi, client)
    assert client.call("GET", "/getActiveProfile").status_code == 200
    assert len(glpi.tickets()) == MANY
    post.wait()


def test_another_session_does_not_wait(glpi: GlpiServer, client: Client) -> None:
    other = Client.bridge(glpi)
    glpi.set(bulk_item=SLOW.bulk_item)
    post = begun(glpi, client)
    assert other.call("GET", "/getActiveProfile").status_code == 200
    assert len(glpi.tickets()) < MANY
    post.wait()


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_the_work_goes_on_when_the_client_has_gone(glpi: GlpiServer, client: Client, how: str) -> None:
    glpi.set(bulk_item=SLOW.bulk_item)
    sock = client.raw({"input": tickets(MANY)})
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: len(glpi.tickets()) > 0)
    sock.close()
    assert client.call("GET", "/killSession").status_code == 200
    assert len(glpi.tickets()) == MANY
    until(lambda: any(call.path == "/Ticket" for call in glpi.log))
    post = next(call for call in glpi.log if call.path == "/Ticket")
    assert post.client_gone


def test_a_body_that_was_cut_starts_nothing(glpi: GlpiServer, client: Client) -> None:
    client.raw({"input": tickets(MANY)}, keep=100).close()
    assert client.call("GET", "/killSession").status_code == 200
    assert glpi.tickets() == []


def test_a_write_after_the_kill_is_refused_and_creates_nothing(glpi: GlpiServer, client: Client) -> None:
    client.call("GET", "/killSession")
    assert client.create(*tickets(1)).status_code == 401
    assert glpi.tickets() == []


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("/ITILFollowup", [{"itemtype": "Ticket", "items_id": 1, "content": f"f {i}"} for i in range(MANY)]),
        ("/Problem", [{"name": f"p {i}", "content": "x"} for i in range(MANY)]),
        ("/Change", [{"name": f"c {i}", "content": "x"} for i in range(MANY)]),
        ("/Ticket_Ticket", [{"tickets_id_1": 1, "tickets_id_2": i, "link": 1} for i in range(2, MANY + 2)]),
    ],
)
def test_every_kind_of_write_is_fenced(glpi: GlpiServer, client: Client, path: str, items: list[Any]) -> None:
    client.create(*tickets(MANY + 2))
    glpi.set(bulk_item=SLOW.bulk_item)
    itemtype = path.removeprefix("/")
    post = Started(lambda: client.call("POST", f"{path}?session_write=true", {"input": items}))
    until(lambda: len(glpi.rows(itemtype)) > 0)
    client.call("GET", "/killSession")
    assert len(glpi.rows(itemtype)) == MANY
    assert post.wait().status_code == 201


def test_a_session_write_call_touches_its_file_at_its_end(glpi: GlpiServer, client: Client) -> None:
    glpi.set(bulk_item=SLOW.bulk_item)
    glpi.age_session(client.token, 1000)
    post = begun(glpi, client)
    assert glpi.sessions()[0]["age"] > 900
    post.wait()
    assert glpi.sessions()[0]["age"] < 900


def test_a_plain_call_touches_its_file_at_its_start(glpi: GlpiServer, client: Client) -> None:
    glpi.set(bulk_item=SLOW.bulk_item)
    glpi.age_session(client.token, 1000)
    post = Started(lambda: client.create(*tickets(MANY), write=False))
    until(lambda: len(glpi.tickets()) > 0)
    assert glpi.sessions()[0]["age"] < 900
    post.wait()


def test_an_old_file_collected_under_a_write_answers_401_while_the_write_goes_on(version: str) -> None:
    with GlpiServer(version=version, cost=SLOW, sessions_collect=False) as glpi:
        client = Client.bridge(glpi)
        glpi.age_session(client.token, OLD)
        post = begun(glpi, client)
        assert glpi.collect_sessions() == 1
        assert client.call("GET", "/killSession").status_code == 401
        assert len(glpi.tickets()) < MANY
        assert post.wait().status_code == 201
        assert client.call("GET", "/getMyProfiles").status_code == 401


def test_a_kill_that_waits_already_still_waits_when_the_file_is_collected(version: str) -> None:
    with GlpiServer(version=version, cost=SLOW, sessions_collect=False) as glpi:
        client = Client.bridge(glpi)
        glpi.age_session(client.token, OLD)
        post = begun(glpi, client)
        kill = Started(lambda: (client.call("GET", "/killSession").status_code, len(glpi.tickets())))
        until(lambda: glpi.http.waiting == 2)
        glpi.collect_sessions()
        assert kill.wait() == (200, MANY)
        post.wait()


def test_a_read_before_the_write_keeps_the_file(version: str) -> None:
    with GlpiServer(version=version, cost=SLOW, sessions_collect=False) as glpi:
        client = Client.bridge(glpi)
        glpi.age_session(client.token, OLD)
        client.call("GET", "/getActiveProfile")
        post = begun(glpi, client)
        assert glpi.collect_sessions() == 0
        assert client.call("GET", "/killSession").status_code == 200
        assert len(glpi.tickets()) == MANY
        post.wait()


def test_the_collector_of_the_call_itself_may_take_its_own_old_file(glpi: GlpiServer, client: Client) -> None:
    glpi.set(bulk_item=SLOW.bulk_item)
    glpi.age_session(client.token, OLD)
    post = begun(glpi, client)
    assert client.call("GET", "/killSession").status_code == 401
    assert post.wait().status_code == 201


def test_the_row_of_a_dead_worker_appears_behind_the_fence_without_its_actors(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.LATE_ROW))
    with pytest.raises(requests.ConnectionError):
        client.create({"name": "late", "content": "x", "_users_id_requester": 8})
    assert client.call("GET", "/killSession").status_code == 200
    assert glpi.tickets() == []
    (late,) = glpi.release_late()
    assert glpi.ticket(late)["name"] == "late"
    assert glpi.actors(late) == []


def test_a_late_row_comes_by_itself_after_its_time(glpi: GlpiServer, client: Client) -> None:
    glpi.order(Fault(FaultKind.LATE_ROW, seconds=0.05, after_items=2))
    with pytest.raises(requests.ConnectionError):
        client.create(*tickets(5))
    until(lambda: [t["name"] for t in glpi.tickets()] == ["n 0", "n 1", "n 2"])


def test_sessions_in_redis_do_not_lock_and_a_write_revives_a_killed_token(version: str) -> None:
    with GlpiServer(version=version, cost=SLOW, sessions_lock=False) as glpi:
        client = Client.bridge(glpi)
        post = begun(glpi, client)
        assert client.call("GET", "/killSession").status_code == 200
        assert len(glpi.tickets()) < MANY
        assert client.call("GET", "/getMyProfiles").status_code == 401
        post.wait()
        assert client.call("GET", "/getMyProfiles").status_code == 200


def test_sessions_in_redis_with_a_short_lock_are_said_to_be_killed_and_are_not(version: str) -> None:
    with GlpiServer(version=version, cost=SLOW, sessions_in="redis-locking") as glpi:
        client = Client.bridge(glpi)
        post = begun(glpi, client)
        assert client.call("GET", "/killSession").status_code == 200
        assert client.call("GET", "/getMyProfiles").status_code == 200
        post.wait()


def test_sessions_in_memcached_give_up_with_a_500(version: str) -> None:
    with GlpiServer(version=version, cost=Cost(bulk_item=0.06), sessions_in="memcached") as glpi:
        client = Client.bridge(glpi)
        post = begun(glpi, client)
        assert client.call("GET", "/killSession").status_code == 500
        post.wait()
        assert client.call("GET", "/killSession").status_code == 200


def test_ids_that_do_not_exist_take_time_so_that_the_lock_can_be_tested(glpi: GlpiServer, client: Client) -> None:
    items = [{"id": 10_000_000 + i, "status": 1} for i in range(2000)]
    put = Started(lambda: client.call("PUT", "/Ticket?session_write=true", {"input": items}))
    until(lambda: any(session["held"] for session in glpi.sessions()))
    assert client.call("GET", "/getActiveProfile").status_code == 200
    assert put.wait().json() == ["ERROR_GLPI_UPDATE", []]


def test_with_one_worker_everybody_queues_even_after_the_client_has_gone(version: str) -> None:
    with GlpiServer(version=version, cost=SLOW, workers=1) as glpi:
        client, other = Client.bridge(glpi), Client.bridge(glpi)
        post = begun(glpi, client)
        sock = other.raw({"input": tickets(3, "queued")})
        until(lambda: glpi.http.waiting == 2)
        sock.close()
        post.wait()
        until(lambda: len(glpi.tickets()) == MANY + 3)
