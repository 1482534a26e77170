"""The stand-in in another process: its control address, its client, its pages."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from glpi_bridge.sandbox.glpi import Control, Fault, FaultKind, GlpiServer, Match
from tests.unit.sandbox_glpi.client import DEADLINE_SECONDS, Client, tickets, until


@pytest.fixture
def control(glpi: GlpiServer) -> Iterator[Control]:
    with Control(glpi.url) as control:
        yield control


def test_control_tells_address_version_and_tokens(glpi: GlpiServer, control: Control) -> None:
    told = control.about()
    assert (told["version"], told["url"]) == (glpi.world.version, glpi.url)
    assert (control.app_token, control.user_token) == (glpi.app_token, glpi.user_token)


def test_control_orders_and_cancels_faults(client: Client, control: Control) -> None:
    control.order(Fault(FaultKind.ERROR_BEFORE, Match(method="POST")))
    number = control.order(Fault(FaultKind.EMPTY_BEFORE, Match(method="POST"), times=None))
    control.cancel(number)
    assert [client.create(*tickets(1)).status_code for _ in range(2)] == [500, 201]


def test_control_lets_people_do_things_and_shows_the_tables(client: Client, control: Control) -> None:
    ticket = client.one(name="a & b")
    control.people.take(ticket)
    control.people.reply(ticket, "hello", user=8)
    assert control.tickets()[0]["name"] == "a & b"
    assert control.actors(ticket) == [("user", 9, 2)]
    assert control.ticket(ticket)["status"] == 2
    assert control.followups(ticket)[0]["users_id"] == 8
    assert control.solutions(ticket) == control.links(ticket) == []
    assert control.rows("ITILFollowup")[0]["content"] == "hello"
    assert [mail.event for mail in control.mails] == ["new", "update", "add_followup"]


def test_control_shows_every_request(client: Client, control: Control) -> None:
    client.create(*tickets(2))
    call = control.log[-1]
    assert (call.method, call.path, call.status, call.query) == ("POST", "/Ticket", 201, {"session_write": "true"})
    assert len(call.items) == 2
    assert control.log_after(call.number) == []
    control.forget_log()
    assert control.log == []


def test_control_has_what_the_server_has() -> None:
    own = {"close", "port", "save", "load", "accept_again"}
    server = {name for name in vars(GlpiServer) if not name.startswith("_")}
    assert server - own <= {name for name in vars(Control) if not name.startswith("_")}


def test_control_closes_the_listener_for_a_while(client: Client, control: Control) -> None:
    control.order(Fault(FaultKind.REFUSED, seconds=0.05))

    def answers() -> bool:
        try:
            return control.about()["requests"] > 0
        except requests.ConnectionError:
            return False

    until(answers)
    with pytest.raises(ValueError, match="for some seconds only"):
        control.refuse(0)


def test_control_sets_what_an_administrator_sets(client: Client, control: Control) -> None:
    control.set(api_enabled=False, single=0.0)
    assert client.call("GET", "/getMyProfiles").json() == ["ERROR", "API disabled"]


def test_control_backs_up_and_restores(client: Client, control: Control) -> None:
    client.one(name="kept")
    backup = json.loads(json.dumps(control.snapshot()))
    client.one(name="lost")
    control.restore_backup(backup)
    assert [ticket["name"] for ticket in control.tickets()] == ["kept"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("people/fly", {}, "people do not 'fly'"),
        ("order", {"kind": "nonsense"}, "nonsense"),
        ("set", {"nonsense": 1}, "no setting 'nonsense'"),
        ("nonsense", {}, "no control call 'nonsense'"),
    ],
)
def test_control_says_what_it_does_not_know(control: Control, name: str, data: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        control.do(name, data)


def test_what_is_not_served_is_answered_501_and_counted(glpi: GlpiServer, client: Client) -> None:
    answer = client.call("GET", "/Monitor/1")
    assert (answer.status_code, answer.json()[0]) == (501, "SANDBOX_NOT_SERVED")
    assert client.call("GET", "/Tickets").status_code == 400
    assert client.call("GET", "/search/Ticket?rawdata=1").status_code == 501
    assert glpi.unserved == {"Monitor": 1, "Tickets": 1, "search with rawdata": 1}


def test_the_pages_show_tickets_with_every_text_escaped(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one(name="<b>bold</b>", content="<script>alert(1)</script>", _users_id_requester=8)
    glpi.people.reply(ticket, "<i>note</i>")
    listed = requests.get(glpi.root, timeout=DEADLINE_SECONDS)
    shown = requests.get(f"{glpi.root}/front/ticket.form.php?id={ticket}", timeout=DEADLINE_SECONDS)
    assert "&lt;b&gt;bold&lt;/b&gt;" in listed.text
    assert "&lt;script&gt;" in shown.text
    assert "&lt;i&gt;note&lt;/i&gt;" in shown.text
    assert "<script>" not in listed.text + shown.text
    assert "Martin Alice" in shown.text
    assert requests.get(f"{glpi.root}/front/ticket.form.php?id=999", timeout=DEADLINE_SECONDS).status_code == 404


@contextmanager
def process(*arguments: str) -> Iterator[dict[str, object]]:
    command = [sys.executable, "-m", "glpi_bridge.sandbox.glpi", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            yield json.loads(started.stdout.readline())
        finally:
            started.send_signal(signal.SIGTERM)
            assert started.wait(DEADLINE_SECONDS) == 0


def test_the_stand_in_runs_as_a_process_and_keeps_its_state_in_a_file(version: str, tmp_path: Path) -> None:
    state = tmp_path / "glpi.json"
    for expected in (1, 2):
        with process("--version", version, "--state", str(state), "--user-token", "u" * 40) as told:
            assert told["user_token"] == "u" * 40
            with Control(str(told["url"])) as control:
                control.people.create(name="made")
                assert len(control.tickets()) == expected


def test_a_failure_of_the_stand_in_itself_is_raised_when_it_stops(version: str) -> None:
    glpi = GlpiServer(version=version)
    glpi.world.sessions.files.clear()
    glpi.api.signin = None  # type: ignore[assignment]  # it is broken on purpose
    assert Client(glpi).call("GET", "/initSession").status_code == 500
    with pytest.raises(ExceptionGroup, match="stand-in itself failed"):
        glpi.close()
