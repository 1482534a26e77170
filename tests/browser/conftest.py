"""Real Apache with the shipped configuration, the stand-in GLPI behind it, Debian's Chromium in front."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.documents import TAKEN
from glpi_bridge.site.build import build, put
from glpi_bridge.site.data import read_articles, read_catalog
from glpi_bridge.site.settings import SiteSettings
from tests.browser.apache import apache
from tests.suite import MUST_RUN

expect.set_options(timeout=20_000)
ENDUSER, TECHNICIAN, ADMINISTRATOR = ("enduser", "End-lab-1"), ("technician", "Tech-lab-1"), ("glpi", "glpi")


@dataclass
class Place:
    """The sites under test; `foreign` are requests to anywhere else, `errors` what the pages said on the console."""

    address: str
    glpi: GlpiServer
    root: Path
    browser: Browser
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def page(self, *, width: int = 1280, scheme: Literal["light", "dark"] = "light", language: str = "en-GB") -> Page:
        """Open a browser of its own, as another person's."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale=language
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("request", self._watch)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        return page

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.address, "blob:", "data:")):
            self.foreign.append(request.url)

    def signed_in(
        self,
        who: tuple[str, str],
        site: str = "portal",
        route: str = "#/",
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
        language: str = "en",
    ) -> Page:
        """Sign somebody in by the form."""
        page = self.page(width=width, scheme=scheme)
        page.goto(f"{self.address}/{site}/{language}/{route}")
        page.locator("#login").fill(who[0])
        page.locator("#password").fill(who[1])
        page.keyboard.press("Enter")
        page.locator("#who a").wait_for()
        page.locator("main:not([aria-busy]) h1").wait_for()
        return page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get(MUST_RUN):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield started
        started.close()


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
            found = Place(address, glpi, root, browser)
            yield found
            for context in browser.contexts:
                context.close()
        assert found.foreign == []
