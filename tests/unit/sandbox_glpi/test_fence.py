"""Sessions lock as GLPI's do: what the recordings 12-fence show with times, shown here by holding a request
half-way.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
import requests

from glpi_bridge.sandbox.glpi import Fault, FaultKind, GlpiServer, Match
from tests.unit.sandbox_glpi.client import Client, Started, tickets, until

MANY, HALF = 6, 3
OLD = 7200.0


def hold(glpi: GlpiServer, *, method: str = "POST") -> None:
    """Let the next write stop before its fourth item."""
    glpi.order(Fault(FaultKind.HELD, Match(method=method), after_items=HALF))


def begun(glpi: GlpiServer, client: Client, *, write: bool = True) -> Started:
    """Start a POST that is held half-way."""
    hold(glpi)
    started = Started(lambda: client.create(*tickets(MANY), write=write))
    until(lambda: glpi.held() == 1)
    return started


def queued(glpi: GlpiServer, work: Any) -> Started:
    """Start a call that has to wait for the one that is held."""
    started = Started(work)
    until(lambda: glpi.http.waiting == 2)
    assert started.running
    return started


def made(glpi: GlpiServer) -> int:
    return len(glpi.tickets())


def test_kill_session_waits_for_a_write_of_that_session(glpi: GlpiServer, client: Client) -> None:
    post = begun(glpi, client)
    kill = queued(glpi, lambda: (client.call("GET", "/killSession").status_code, made(glpi)))
    assert made(glpi) == HALF
    glpi.go_on()
    assert kill.wait() == (200, MANY)
    assert post.wait().status_code == 201
    assert client.call("GET", "/getMyProfiles").status_code == 401


def test_kill_session_does_not_wait_without_session_write(glpi: GlpiServer, client: Client) -> None:
    post = begun(glpi, client, write=False)
    assert client.call("GET", "/killSession").status_code == 200
    assert made(glpi) == HALF
    glpi.go_on()
    assert post.wait().status_code == 201
    assert made(glpi) == MANY


def test_a_kill_that_its_client_gave_up_still_kills(glpi: GlpiServer, client: Client) -> None:
    post = begun(glpi, client)
    with pytest.raises(requests.Timeout):
        requests.get(
            f"{glpi.url}/killSession",
            headers={"App-Token": glpi.app_token, "Session-Token": client.token},
            timeout=0.05,
        )
    glpi.go_on()
    post.wait()
    until(lambda: client.call("GET", "/getMyProfiles").status_code == 401)


def test_any_second_call_of_the_session_waits_for_the_write(glpi: GlpiServer, client: Client) -> None:
    post = begun(glpi, client)
    read = queued(glpi, lambda: (client.call("GET", "/getActiveProfile").status_code, made(glpi)))
    glpi.go_on()
    assert read.wait() == (200, MANY)
    post.wait()


def test_another_session_does_not_wait(glpi: GlpiServer, client: Client) -> None:
    other = Client.bridge(glpi)
    post = begun(glpi, client)
    assert other.call("GET", "/getActiveProfile").status_code == 200
    glpi.go_on()
    post.wait()


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_the_work_goes_on_when_the_client_has_gone(glpi: GlpiServer, client: Client, how: str) -> None:
    hold(glpi)
    sock = client.raw({"input": tickets(MANY)})
    until(lambda: glpi.held() == 1)
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    kill = queued(glpi, lambda: (client.call("GET", "/killSession").status_code, made(glpi)))
    glpi.go_on()
    assert kill.wait() == (200, MANY)
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


def test_a_write_that_waited_behind_the_kill_is_refused(glpi: GlpiServer, client: Client) -> None:
    post = begun(glpi, client)
    kill = queued(glpi, lambda: client.call("GET", "/killSession").status_code)
    late = Started(lambda: client.create(*tickets(1, "late")).status_code)
    until(lambda: glpi.http.waiting == 3)
    glpi.go_on()
    post.wait()
    assert kill.wait() in {200, 401}
    assert late.wait() in {201, 401}
    assert made(glpi) == MANY + (late.result == 201)
    assert client.call("GET", "/getMyProfiles").status_code == 401


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
    itemtype = path.removeprefix("/")
    hold(glpi)
    post = Started(lambda: client.call("POST", f"{path}?session_write=true", {"input": items}))
    until(lambda: glpi.held() == 1)
    kill = queued(glpi, lambda: (client.call("GET", "/killSession").status_code, len(glpi.rows(itemtype))))
    glpi.go_on()
    assert kill.wait() == (200, MANY)
    assert post.wait().status_code == 201


def test_an_update_is_fenced(glpi: GlpiServer, client: Client) -> None:
    client.create(*tickets(MANY))
    hold(glpi, method="PUT")
    items = [{"id": i, "urgency": 5} for i in range(1, MANY + 1)]
    put = Started(lambda: client.call("PUT", "/Ticket?session_write=true", {"input": items}))
    until(lambda: glpi.held() == 1)
    assert [t["urgency"] for t in glpi.tickets()] == [5] * HALF + [3] * HALF
    kill = queued(
        glpi, lambda: (client.call("GET", "/killSession").status_code, [t["urgency"] for t in glpi.tickets()])
    )
    glpi.go_on()
    assert kill.wait() == (200, [5] * MANY)
    put.wait()


def test_a_session_write_call_touches_its_file_at_its_end(glpi: GlpiServer, client: Client) -> None:
    glpi.age_session(client.token, 1000)
    post = begun(glpi, client)
    assert glpi.sessions()[0]["age"] > 900
    glpi.go_on()
    post.wait()
    assert glpi.sessions()[0]["age"] < 900


def test_a_plain_call_touches_its_file_at_its_start(glpi: GlpiServer, client: Client) -> None:
    glpi.age_session(client.token, 1000)
    post = begun(glpi, client, write=False)
    assert glpi.sessions()[0]["age"] < 900
    glpi.go_on()
    post.wait()


def test_an_old_file_collected_under_a_write_answers_401_while_the_write_goes_on(version: str) -> None:
    with GlpiServer(version=version, sessions_collect=False) as glpi:
        client = Client.bridge(glpi)
        glpi.age_session(client.token, OLD)
        post = begun(glpi, client)
        assert glpi.collect_sessions() == 1
        assert client.call("GET", "/killSession").status_code == 401
        assert made(glpi) == HALF
        glpi.go_on()
        assert post.wait().status_code == 201
        assert made(glpi) == MANY
        assert client.call("GET", "/getMyProfiles").status_code == 401


def test_a_kill_that_waits_already_still_waits_when_the_file_is_collected(version: str) -> None:
    with GlpiServer(version=version, sessions_collect=False) as glpi:
        client = Client.bridge(glpi)
        glpi.age_session(client.token, OLD)
        post = begun(glpi, client)
        kill = queued(glpi, lambda: (client.call("GET", "/killSession").status_code, made(glpi)))
        until(lambda: glpi.http.waiting == 2)
        glpi.collect_sessions()
        assert client.call("GET", "/killSession").status_code == 401
        glpi.go_on()
        assert kill.wait() == (200, MANY)
        post.wait()


def test_a_read_before_the_write_keeps_the_file(version: str) -> None:
    with GlpiServer(version=version, sessions_collect=False) as glpi:
        client = Client.bridge(glpi)
        glpi.age_session(client.token, OLD)
        client.call("GET", "/getActiveProfile")
        post = begun(glpi, client)
        assert glpi.collect_sessions() == 0
        kill = queued(glpi, lambda: (client.call("GET", "/killSession").status_code, made(glpi)))
        glpi.go_on()
        assert kill.wait() == (200, MANY)
        post.wait()


def test_the_collector_of_the_call_itself_may_take_its_own_old_file(glpi: GlpiServer, client: Client) -> None:
    glpi.age_session(client.token, OLD)
    post = begun(glpi, client)
    assert client.call("GET", "/killSession").status_code == 401
    glpi.go_on()
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
    with GlpiServer(version=version, sessions_lock=False) as glpi:
        client = Client.bridge(glpi)
        post = begun(glpi, client)
        assert client.call("GET", "/killSession").status_code == 200
        assert client.call("GET", "/getMyProfiles").status_code == 401
        glpi.go_on()
        post.wait()
        assert client.call("GET", "/getMyProfiles").status_code == 200


def test_sessions_in_redis_with_a_short_lock_are_said_to_be_killed_and_are_not(version: str) -> None:
    with GlpiServer(version=version, sessions_in="redis-locking") as glpi:
        client = Client.bridge(glpi)
        post = begun(glpi, client)
        assert client.call("GET", "/killSession").status_code == 200
        assert client.call("GET", "/getMyProfiles").status_code == 200
        glpi.go_on()
        post.wait()


def test_sessions_in_memcached_give_up_with_a_500(version: str) -> None:
    with GlpiServer(version=version, sessions_in="memcached") as glpi:
        client = Client.bridge(glpi)
        post = begun(glpi, client)
        assert client.call("GET", "/killSession").status_code == 500
        glpi.go_on()
        post.wait()
        assert client.call("GET", "/killSession").status_code == 200


def test_ids_that_do_not_exist_take_time_so_that_the_lock_can_be_tested(glpi: GlpiServer, client: Client) -> None:
    assert glpi.world.cost.missing > 0
    items = [{"id": 10_000_000 + i, "status": 1} for i in range(20)]
    answer = client.call("PUT", "/Ticket?session_write=true", {"input": items})
    assert answer.json() == ["ERROR_GLPI_UPDATE", []]
    assert glpi.log[-1].seconds >= 20 * glpi.world.cost.missing


def test_with_one_worker_everybody_queues_even_after_the_client_has_gone(version: str) -> None:
    with GlpiServer(version=version, workers=1) as glpi:
        client, other = Client.bridge(glpi), Client.bridge(glpi)
        post = begun(glpi, client)
        sock = other.raw({"input": tickets(3, "queued")})
        until(lambda: glpi.http.waiting == 2)
        sock.close()
        glpi.go_on()
        post.wait()
        until(lambda: made(glpi) == MANY + 3)
