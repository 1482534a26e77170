"""The stand-in as a server: faults, control from outside, the page, and that nothing is answered by guess."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from glpi_bridge.errors import NotConnected
from glpi_bridge.sandbox.zabbix import Control, Standin
from glpi_bridge.sandbox.zabbix.faults import FaultKind
from glpi_bridge.zabbix import Zabbix


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(threads=False) as running:
        yield running


def ask(standin: Standin, method: str, params: Any, token: str | None = "bridge") -> Any:
    headers = {"Content-Type": "application/json-rpc"}
    if token:
        headers["Authorization"] = f"Bearer {standin.token if token == 'bridge' else token}"
    body = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
    with requests.Session() as session:
        session.trust_env = False
        return session.post(standin.url + "/api_jsonrpc.php", json=body, headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("proxy.get", {}),
        ("event.get", {"problem_time_from": 1}),
        ("trigger.get", {"selectFunctions": "extend"}),
        ("host.get", {"templateids": ["1"]}),
        ("problem.get", {"search": {"name": "x"}}),
        ("problem.get", {"tags": [{"tag": "a", "operator": 2}]}),
        ("event.get", ["1"]),
    ],
)
def test_what_zabbix_knows_and_the_stand_in_does_not_is_refused_loudly_and_counted(standin, method, params):
    standin.set_role(methods=[method])
    standin.raise_problem("web01", "down", tags={"a": "b"})
    answer = ask(standin, method, params)
    assert answer.status_code == 501
    assert "does not serve" in answer.text
    assert len(standin.counts()["not_served"]) == 1


def test_what_no_zabbix_knows_is_answered_as_zabbix_does(standin):
    assert ask(standin, "nonsense.get", {}).json()["error"]["code"] == -32601
    assert ask(standin, "host.get", {"nonsense": 1}).json()["result"] == []
    assert ask(standin, "event.get", {"nonsense": 1}).json()["error"]["code"] == -32602
    assert standin.counts()["not_served"] == []


@pytest.mark.parametrize(
    ("version", "name", "is_known"),
    [("7.0", "select_acknowledges", True), ("7.2", "select_acknowledges", False), ("7.4", "selectAcknowledges", True)],
)
def test_a_version_knows_its_own_parameters(version, name, is_known):
    with Standin(threads=False, version=version) as running:
        told = ask(running, "event.get", {name: "extend"}).json()
        assert ("result" in told) is is_known


@pytest.mark.parametrize(
    ("method", "params", "since"),
    [
        ("mediatype.get", {"output": ["name", "nonsense"]}, "7.2"),
        ("mediatype.get", {"output": ["name", "content_type"]}, "7.2"),
        ("mediatype.get", {"output": ["name"], "selectUsers": ["nonsense"]}, "7.4"),
        ("usergroup.get", {"output": ["name"], "selectUsers": ["nonsense"]}, "7.4"),
        ("user.get", {"output": ["username"], "nonsense": 1}, "7.4"),
        ("user.get", {"output": ["username", "nonsense"]}, "7.4"),
    ],
)
@pytest.mark.parametrize("version", ["7.0", "7.2", "7.4"])
def test_what_a_version_checks_is_refused_from_that_version_on(method, params, since, version):
    with Standin(threads=False, version=version) as running:
        running.set_role(methods=[method])
        told = ask(running, method, params).json()
        assert ("error" in told) is (version >= since)
        assert not running.counts()["not_served"]


@pytest.mark.parametrize(("version", "is_taken"), [("7.0", True), ("7.2", False), ("7.4", False)])
def test_only_7_0_takes_a_token_in_the_body(version, is_taken):
    with Standin(threads=False, version=version) as running, requests.Session() as session:
        session.trust_env = False
        body = {"jsonrpc": "2.0", "method": "host.get", "params": {}, "id": 1, "auth": running.token}
        told = session.post(f"{running.url}/api_jsonrpc.php", json=body, timeout=30).json()
        assert ("result" in told) is is_taken


@pytest.mark.parametrize("version", ["7.0", "7.4"])
def test_only_7_4_leaves_out_a_user_id_that_was_not_asked_for(version):
    with Standin(threads=False, version=version) as running:
        running.set_role(methods=["user.get"])
        (row,) = ask(running, "user.get", {"output": ["username"]}).json()["result"]
        assert ("userid" in row) is (version == "7.0")


def test_a_session_lives_from_login_to_logout(standin):
    session = ask(standin, "user.login", {"username": "Admin", "password": "zabbix"}, None).json()["result"]
    assert ask(standin, "user.get", {"output": ["username"]}, session).json()["result"]
    assert ask(standin, "user.logout", [], session).json()["result"] is True
    assert "Session terminated" in ask(standin, "user.get", {}, session).json()["error"]["data"]


def test_other_paths_and_methods_of_http_are_not_found(standin):
    for path in ("/zabbix.php", "/api_jsonrpc.php"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(standin.url + path)
        assert caught.value.code == 404
        caught.value.close()


def test_faults_come_in_order_and_for_their_method_only(standin):
    standin.fault(FaultKind.ERROR_500, method="event.get")
    standin.fault(FaultKind.EMPTY, times=2)
    assert ask(standin, "problem.get", {}).text == ""
    assert ask(standin, "event.get", {}).status_code == 500
    assert ask(standin, "problem.get", {}).text == ""
    assert ask(standin, "problem.get", {}).json()["result"] == []


def test_a_fault_after_the_effect_has_had_it_and_one_before_has_not(standin):
    eventid = standin.raise_problem("web01", "down")
    for kind, text in ((FaultKind.ERROR_500, "before"), (FaultKind.ERROR_500_AFTER, "after")):
        standin.fault(kind)
        ask(standin, "event.acknowledge", {"eventids": [eventid], "action": 4, "message": text})
    assert [one["message"] for one in standin.event(eventid)["acknowledges"]] == ["after"]


def test_healing_drops_what_was_ordered(standin):
    standin.fault(FaultKind.ERROR_500, times=100)
    standin.heal()
    assert ask(standin, "problem.get", {}).status_code == 200


def test_a_port_that_is_closed_refuses_and_opens_again(standin):
    with Zabbix(standin.url, token=standin.token) as client:
        assert client.open_states() == {}
        standin.deafen()
        with pytest.raises(NotConnected, match="connection refused"):
            client.open_states()
        standin.listen(standin.port)
        assert client.open_states() == {}


def test_control_over_http_does_the_same(standin):
    control = Control(standin.url + "/")
    eventid = control.raise_problem("web01", "CPU is <high>", severity=5, tags={"a": "b"})
    control.update(eventid, message="said & done", acknowledge=True)
    assert control.event(eventid) == standin.event(eventid)
    assert control.problems() == standin.problems()
    standin.run_alerts()
    assert control.is_idle()
    r_eventid = control.recover(eventid, value="0")
    assert control.event(eventid)["r_eventid"] == r_eventid
    control.housekeep(eventid)
    assert control.event(eventid) == {}


@pytest.mark.parametrize(
    ("deed", "arguments", "words"),
    [
        ("nonsense", {}, "no deed 'nonsense'"),
        ("_event", {"eventid": "1"}, "no deed"),
        ("recover", {"eventids": ["999"], "value": None}, "no event 999"),
        ("disable_host", {"host": "nope", "disabled": True}, "no host 'nope'"),
        ("end_maintenance", {"maintenanceid": "9"}, "no maintenance 9"),
        ("set_action", {"nope": 1}, "'nope' is none of"),
        ("recover", {}, "recover:"),
        ("fault", {"kind": "nope", "times": 1, "method": ""}, "nope"),
    ],
)
def test_what_cannot_be_done_is_said(standin, deed, arguments, words):
    with pytest.raises(ValueError, match=words):
        Control(standin.url).do(deed, **arguments)


def test_a_page_of_another_origin_cannot_control(standin):
    request = urllib.request.Request(standin.url + "/_sandbox/heal", data=b"{}", headers={"Content-Type": "text/plain"})
    with urllib.request.urlopen(request) as answer:
        assert "error" in json.load(answer)


def test_the_page_lists_problems_and_what_was_said_and_runs_nothing(standin):
    eventid = standin.raise_problem("web01", "<script>alert(1)</script>")
    standin.update(eventid, message="Ticket <b>5</b>")
    with urllib.request.urlopen(standin.url + "/") as answer:
        page = answer.read().decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Ticket &lt;b&gt;5&lt;/b&gt;" in page
    assert "<script>" not in page


def test_ten_thousand_open_problems_are_held_and_found(standin):
    eventids = standin.raise_problems(10_000)
    with Zabbix(standin.url, token=standin.token) as client:
        assert list(client.open_states()) == eventids
        assert client.newest_eventid() == eventids[-1]


def test_as_a_process_it_says_where_it_is_and_ends_when_asked(tmp_path):
    file = tmp_path / "token"
    command = [sys.executable, "-m", "glpi_bridge.sandbox.zabbix", "--token-file", str(file), "--version", "7.4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        with Zabbix(where["url"], token_file=file) as client:
            assert client.version() == (7, 4, 5)
            Control(where["url"]).raise_problem("web01", "down", alert=False)
            assert len(client.open_states()) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert os.stat(file).st_mode & 0o777 == 0o600
