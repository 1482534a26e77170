"""The server itself: connections, addresses, size, a fresh installation."""

from __future__ import annotations

import http.client
import time

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from tests.unit.sandbox_glpi.client import DEADLINE_SECONDS, Client, tickets


def test_a_connection_serves_several_requests(glpi: GlpiServer, client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", glpi.port, timeout=DEADLINE_SECONDS)
    headers = {"App-Token": glpi.app_token, "Session-Token": client.token}
    for _ in range(3):
        connection.request("GET", "/apirest.php/getMyProfiles", headers=headers)
        assert connection.getresponse().read().startswith(b'{"myprofiles"')
    connection.close()


def test_an_idle_connection_is_closed_without_an_answer(version: str) -> None:
    with GlpiServer(version=version, keepalive_seconds=0.05) as glpi:
        client = Client.bridge(glpi)
        connection = http.client.HTTPConnection("127.0.0.1", glpi.port, timeout=DEADLINE_SECONDS)
        connection.connect()
        assert connection.sock.recv(1) == b""
        connection.close()
        assert client.create(*tickets(1)).status_code == 201


@pytest.mark.parametrize("prefix", ["/apirest.php", "/apirest.php/", "/api.php/v1"])
def test_both_addresses_of_the_api_work(glpi: GlpiServer, client: Client, prefix: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", glpi.port, timeout=DEADLINE_SECONDS)
    headers = {"App-Token": glpi.app_token, "Session-Token": client.token}
    connection.request("GET", f"{prefix.rstrip('/')}/getMyEntities", headers=headers)
    assert connection.getresponse().status == 200
    connection.close()


def test_an_address_that_is_too_long_is_414_and_html(glpi: GlpiServer, client: Client) -> None:
    answer = client.call("GET", "/search/Ticket?x=" + "y" * 60_000)
    assert answer.status_code == 414
    assert answer.headers["Content-Type"].startswith("text/html")


def test_chunked_bodies_are_read(glpi: GlpiServer, client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", glpi.port, timeout=DEADLINE_SECONDS)
    headers = {"App-Token": glpi.app_token, "Session-Token": client.token, "Content-Type": "application/json"}
    body = iter([b'{"input": {"name": "chun', b'ked", "content": "x"}}'])
    connection.request("POST", "/apirest.php/Ticket", body=body, headers=headers, encode_chunked=True)
    assert connection.getresponse().status == 201
    connection.close()
    assert glpi.tickets()[0]["name"] == "chunked"


def test_a_search_above_the_watermark_looks_only_at_the_newest_of_100_000_tickets(
    glpi: GlpiServer, client: Client
) -> None:
    glpi.fill(100_000)
    client.create(*tickets(5))
    marker = {"field": 21, "searchtype": "contains", "value": "zabbix z/3"}
    above = {"link": "AND", "field": 2, "searchtype": "contains", "value": ">100000"}
    candidates = glpi.api.routes.searcher.bounded("Ticket", [marker, above])
    assert candidates == list(range(100_001, 100_006))
    assert client.found(marker, above) == [100_004]


def test_a_search_for_named_ids_looks_only_at_them(glpi: GlpiServer) -> None:
    glpi.fill(1000)
    criteria = [{"link": "OR", "field": 2, "searchtype": "equals", "value": i} for i in (5, 999, 5000)]
    assert glpi.api.routes.searcher.bounded("Ticket", criteria) == [5, 999]


def test_a_fresh_installation_has_no_lab_and_lets_the_administrator_in(version: str) -> None:
    with GlpiServer(version=version, stock=True) as glpi:
        client = Client(glpi)
        client.token = client.call("POST", "/initSession", {"login": "glpi", "password": "glpi"}).json()[
            "session_token"
        ]
        assert client.call("GET", "/ITILCategory").json() == []
        assert client.call("GET", "/User?range=0-50").json()[0]["name"] == "glpi"
        assert client.call("POST", "/Group", {"input": {"name": "Operations"}}).status_code == 201


def test_an_upgraded_11_decodes_text_outside_tags_when_it_is_read() -> None:
    with GlpiServer(version="11.0.6", upgraded=True) as glpi:
        client = Client.bridge(glpi)
        bare, tagged = client.one(content="load &lt; 5"), client.one(content="<p>load &lt; 5</p>")
        read = [client.call("GET", f"/Ticket/{i}").json()["content"] for i in (bare, tagged)]
        assert read == ["load < 5", "<p>load &lt; 5</p>"]


def test_time_and_its_zone_are_the_servers(version: str) -> None:
    with GlpiServer(version=version, clock=lambda: 1_800_000_000.0) as glpi:
        assert glpi.ticket(Client.bridge(glpi).one())["date"] == time.strftime(
            "%Y-%m-%d %H:%M:%S", time.gmtime(1_800_000_000)
        )


def test_secrets_are_in_no_repr(glpi: GlpiServer) -> None:
    assert glpi.app_token not in repr(glpi.world)


def test_an_unknown_version_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.19, 11\.0\.6"):
        GlpiServer(version="9.5")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("1", ["gone"]), ("true", ["gone"]), ("0", ["here"]), ("false", ["here"]), ("True", ["here"]), ("", ["here"])],
)
def test_flags_are_read_as_php_reads_them(glpi: GlpiServer, client: Client, value: str, shown: list[str]) -> None:
    client.one(name="here")
    glpi.people.delete(client.one(name="gone"))
    assert [row["name"] for row in client.call("GET", f"/Ticket?is_deleted={value}").json()] == shown


def test_a_criterion_without_its_parts_is_refused(client: Client) -> None:
    answer = client.call("POST", "/search/Ticket", {"criteria": [{"field": 1, "value": "x"}]})
    assert (answer.status_code, answer.json()[1].split(";")[0]) == (400, "Malformed search criteria")
