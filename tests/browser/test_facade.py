"""The shipped configuration in a real Apache, request by request."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.recorded import VERSIONS
from glpi_bridge.site.headers import ALWAYS
from glpi_bridge.site.routes import REFUSALS, refusal
from tests.browser.apache import EXAMPLE, apache
from tests.browser.facade_table import CASES, JSON, SAME, Case
from tests.contract.test_facade_replay import played

FAIL2BAN = EXAMPLE.parents[1] / "fail2ban"


class Front:
    """Apache with the stand-in behind it."""

    def __init__(self, address: str, glpi: GlpiServer, log: Path = Path("/dev/null")) -> None:
        self.address = address
        self.glpi = glpi
        self.log = log

    def ask(self, case: Case) -> tuple[int, dict[str, str], bytes]:
        """Send a request exactly as it is written."""
        where = urlsplit(self.address)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        try:
            connection.putrequest(case.method, case.target, skip_accept_encoding=True)
            sent = dict(case.headers)
            if case.body and "Transfer-Encoding" not in sent:
                sent["Content-Length"] = str(len(case.body))
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(case.body or None)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    with tempfile.TemporaryDirectory() as scratch, GlpiServer() as glpi:
        root = Path(scratch)
        root.chmod(0o755)
        (root / "refused").mkdir()
        for status in REFUSALS:
            (root / "refused" / f"{status}.json").write_text(refusal(status))
        log = root / "sign-in.log"
        with apache(root, glpi.root, glpi.app_token, log=log) as address:
            yield Front(address, glpi, log)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_apache_passes_on_or_refuses_as_the_table_says(front: Front, case: Case) -> None:
    before = len(front.glpi.log)
    status, headers, body = front.ask(case)
    reached = len(front.glpi.log) > before or "/file" in case.target
    assert {name.lower(): value for name, value in ALWAYS.items()}.items() <= headers.items()
    assert "access-control-allow-origin" not in headers
    if case.status is None:
        assert reached
        assert "SITE_" not in body.decode()
    else:
        assert (status, len(front.glpi.log)) == (case.status, before)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_goes_through_apache_comes_back_as_recorded(version: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        root.chmod(0o755)
        found = played(version, lambda glpi: apache(root, glpi.root, glpi.app_token))
    assert len(found) >= 25
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def failed_sign_in() -> re.Pattern[str]:
    """Return fail2ban's filter as a pattern of Python: its address, and no date in the brackets."""
    lines = (FAIL2BAN / "filter.d" / "glpi-sites.conf").read_text("utf-8").splitlines()
    [found] = [line.partition("=")[2].strip() for line in lines if line.startswith("failregex")]
    return re.compile(found.replace("<ADDR>", r"(?P<address>[0-9a-f.:]+)"))


def test_failed_sign_ins_and_nothing_else_are_logged_for_fail2ban(front: Front) -> None:
    bare = {k: v for k, v in JSON.items() if k != "Session-Token"}
    for password in ("wrong", "End-lab-1"):
        login = json.dumps({"login": "enduser", "password": password}).encode()
        front.ask(Case(None, "POST", "/portal/api/initSession", bare, login))
    front.ask(Case(None, "GET", "/portal/api/Ticket/4"))
    logged = front.log.read_text("utf-8").splitlines()
    assert len(logged) >= 2
    assert all("initSession" in line for line in logged)
    found = [match for line in logged if (match := failed_sign_in().match(line))]
    assert {match["address"] for match in found} == {"127.0.0.1"}
    assert any(line.split('" ')[1].startswith("200") for line in logged)
    assert len(found) < len(logged)


def test_fail2ban_reads_the_filter_as_we_do(front: Front) -> None:
    program = shutil.which("fail2ban-regex")
    if program is None:
        pytest.skip("fail2ban is not installed")
    bare = {k: v for k, v in JSON.items() if k != "Session-Token"}
    front.ask(Case(None, "POST", "/portal/api/initSession", bare, b'{"login": "enduser", "password": "wrong"}'))
    logged = front.log.read_text("utf-8").splitlines()
    matched = sum(bool(failed_sign_in().match(line)) for line in logged)
    told = subprocess.run(
        [program, front.log, FAIL2BAN / "filter.d" / "glpi-sites.conf"], capture_output=True, text=True, check=True
    ).stdout
    assert f"{len(logged)} lines, 0 ignored, {matched} matched" in told


@pytest.mark.field("F111")
def test_pages_of_the_same_origin_need_no_header_and_others_get_none(front: Front) -> None:
    host = urlsplit(front.address).netloc
    for origin, site, status in (
        (f"http://{host}", "same-origin", 401),
        ("http://elsewhere.example", "cross-site", 403),
    ):
        own = {**SAME, "Origin": origin, "Sec-Fetch-Site": site}
        told, headers, _ = front.ask(Case(None, "GET", "/portal/api/getFullSession", own))
        assert told == status
        assert [name for name in headers if name.startswith("access-control-")] == []
    asked = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"}
    told, headers, _ = front.ask(Case(404, "OPTIONS", "/portal/api/Ticket", asked))
    assert told == 404
    assert [name for name in headers if name.startswith("access-control-")] == []


def test_a_refused_call_is_answered_in_json(front: Front) -> None:
    status, headers, body = front.ask(Case(404, "GET", "/portal/api/Document"))
    assert (status, headers["content-type"].split(";")[0]) == (404, "application/json")
    assert json.loads(body) == list(REFUSALS[404])


def test_glpi_gets_the_sites_app_token_whatever_the_browser_sent(front: Front) -> None:
    login = json.dumps({"login": "enduser", "password": "End-lab-1"}).encode()
    bare = {k: v for k, v in JSON.items() if k != "Session-Token"}
    status, _, body = front.ask(Case(None, "POST", "/portal/api/initSession", {**bare, "App-Token": "x"}, login))
    assert status == 200
    token = json.loads(body)["session_token"]
    own = {**SAME, "Session-Token": token, "Origin": "http://127.0.0.1"}
    status, headers, _ = front.ask(Case(None, "GET", "/portal/api/getFullSession", own))
    assert status == 200
    assert headers["cache-control"] == "no-store"


def test_a_glpi_that_is_away_is_said_in_json() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        root.chmod(0o755)
        (root / "refused").mkdir()
        (root / "refused" / "503.json").write_text(refusal(503))
        with GlpiServer() as glpi:
            gone = glpi.root
        with apache(root, gone, "x") as address:
            status, _, body = Front(address, glpi).ask(Case(None, "GET", "/portal/api/Ticket/4"))
    assert (status, json.loads(body)[0]) == (503, "SITE_GLPI_AWAY")
