"""The shipped configuration in a real Apache, request by request."""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.site.headers import ALWAYS
from glpi_bridge.site.routes import REFUSALS, refusal
from tests.browser.apache import apache
from tests.browser.facade_table import CASES, JSON, SAME, Case


class Front:
    """Apache with the stand-in behind it."""

    def __init__(self, address: str, glpi: GlpiServer) -> None:
        self.address = address
        self.glpi = glpi

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
        with apache(root, glpi.root, glpi.app_token) as address:
            yield Front(address, glpi)


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
