"""What was recorded through a web server in front of GLPI, played through the sites' own with the stand-in behind."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.recorded import VERSIONS
from glpi_bridge.sandbox.site import SiteServer
from glpi_bridge.site.routes import verdict
from tests.contract.glpi_lab import Clock
from tests.contract.glpi_player import RECORDINGS, Player, in_order, load, names
from tests.contract.test_glpi_replay import DOCUMENTS, FACADE, SITES, left_out

TABLE = "13-facade/050-requests-and-results"


def asked(version: str, player: Player, name: str) -> tuple[str, str, dict[str, str]]:
    """Return method, target and headers of a record as they reach the sites' web server."""
    record = load(version, name)
    query = urlencode(player.query(record.request))
    headers = {k.lower(): v for k, v in record.request["headers"].items()} | {"sec-fetch-site": "same-origin"}
    if "session-token" in headers:
        headers["session-token"] = "a" * 26
    if "multipart" in record.request:
        headers["content-type"] = "multipart/form-data; boundary=x"
    return record.request["method"], player.fronted(record) + (f"?{query}" if query else ""), headers


Served = AbstractContextManager[str]
"""A web server of the sites; its address."""


@contextmanager
def of_the_demo(glpi: GlpiServer) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as empty, SiteServer(Path(empty), glpi.root, glpi.app_token) as site:
        yield site.url


def played(version: str, serve: Callable[[GlpiServer], Served] = of_the_demo) -> dict[str, list[str]]:
    """Play the records of documents, sites and façade through a web server of the sites; what each answer had wrong."""
    differences: dict[str, list[str]] = {}
    for lab in (DOCUMENTS, SITES, FACADE):
        clock = Clock()
        with GlpiServer(version=version, clock=clock) as glpi, serve(glpi) as address:
            front = int(address.rpartition(":")[2])
            player = Player(glpi, version, clock, front=front)
            for name in in_order([n for n in names(version) if n.startswith(lab) and n != TABLE]):
                goes = verdict(*asked(version, player, name)) is None
                player.front = front if goes else 0  # what the sites do not send still happened before what they do
                player.play([name], left_out(version))
                if not goes:
                    player.differences.pop(name, None)
            differences |= player.differences
    return differences


@pytest.mark.parametrize("version", VERSIONS)
def test_what_goes_through_comes_back_as_recorded(version: str) -> None:
    found = played(version)
    assert len(found) >= 25
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def rows(version: str) -> Iterator[dict[str, Any]]:
    data = json.loads((RECORDINGS / f"glpi-{version}" / f"{TABLE}.json").read_text("utf-8"))
    yield from (row for row in data["rows"] if re.match(r"[A-Z]+ /\S+$", row["request"]))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_request_is_judged_as_it_was(version: str) -> None:
    """Signing in by GET is refused here by its address, and a file is asked for by its item."""
    judged = {}
    for row in rows(version):
        method, target = row["request"].split(" ")
        headers = {"session-token": "a" * 26, "sec-fetch-site": "same-origin"}
        status = verdict(method, target, headers)
        if (status is None) != row["reached_glpi"] or (status is not None and status != row["status"]):
            judged[row["request"]] = (status, row["status"])
    signing_in = {name for name, (status, _) in judged.items() if status == 404 and "initSession" in name}
    by_item = {
        name for name in judged if re.fullmatch(r"GET /portal/file\?docid=\d+&itemtype=Ticket&items_id=\d+", name)
    }
    assert set(judged) == signing_in | by_item
