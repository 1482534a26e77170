"""Visits to the sites by a browser: pages of their own, what they ask for elsewhere, what they say on the console."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.suite import MUST_RUN

expect.set_options(timeout=20_000)
Who = tuple[str, str]
"""Name and password."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium; skip where there is none, fail where `--all` should have installed it."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get(MUST_RUN):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield started
        started.close()


@dataclass
class Visits:
    """The sites at an address; `foreign` are requests to anywhere else, `errors` what the pages said on the console."""

    address: str
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
        who: Who,
        site: str = "portal",
        route: str = "#/",
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
        language: str = "en",
    ) -> Page:
        """Sign somebody in by the form."""
        page = self.page(width=width, scheme=scheme)
        self.sign_in(page, who, f"/{site}/{language}/{route}")
        return page

    def sign_in(self, page: Page, who: Who, address: str) -> None:
        """Sign somebody in on a page, by the form at an address of the sites."""
        page.goto(f"{self.address}{address}")
        page.locator("#login").fill(who[0])
        page.locator("#password").fill(who[1])
        page.keyboard.press("Enter")
        page.locator("#who a").wait_for()
        page.locator("main:not([aria-busy]) h1").wait_for()

    def leave(self) -> None:
        """Close every page."""
        for context in self.browser.contexts:
            context.close()
