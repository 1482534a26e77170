"""Real Apache with the shipped configuration, the stand-in GLPI behind it, Debian's Chromium in front."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.documents import TAKEN
from glpi_bridge.site.build import build, put
from glpi_bridge.site.data import read_articles, read_catalog
from glpi_bridge.site.settings import SiteSettings
from tests.browser.apache import apache
from tests.browser.visits import Visits, chromium

ENDUSER, TECHNICIAN, ADMINISTRATOR = ("enduser", "End-lab-1"), ("technician", "Tech-lab-1"), ("glpi", "glpi")


@dataclass
class Place(Visits):
    """The sites under test, with their folder and the GLPI behind them."""

    glpi: GlpiServer = field(kw_only=True)
    root: Path = field(kw_only=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(params=["10.0.19", "11.0.6"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(browser: Browser, version: str) -> Iterator[Place]:
    from glpi_bridge.sandbox.demo import glpi_client

    with tempfile.TemporaryDirectory() as scratch, GlpiServer(version) as glpi:
        root = Path(scratch)
        root.chmod(0o755)
        build(SiteSettings(), root)
        with glpi_client(glpi) as client:
            catalog, articles = read_catalog(client), read_articles(client)
        catalog["upload"]["extensions"] = sorted(TAKEN)
        put(root / "data" / "catalog.json", json.dumps(catalog).encode())
        put(root / "data" / "kb.json", json.dumps({"articles": articles}).encode())
        with apache(root, glpi.root, glpi.app_token) as address:
            found = Place(address, browser, glpi=glpi, root=root)
            yield found
            found.leave()
        assert found.foreign == []
