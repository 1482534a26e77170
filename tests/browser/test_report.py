"""The report's page as people meet it: every scheme and width, on paper, no fault that axe knows, numbers at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page

from glpi_bridge.cli.main import main
from glpi_bridge.report.words import LANGUAGES
from tests.browser.test_safety import axe

WIDTHS = (320, 768, 1280)
SMALLEST = 0.75
"""How far a drawing may be shrunk: its words of 12 pixels are still read at 9."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes the report on the sandbox's month, once for each language; returns where it is."""

    @cache
    def made(language: str) -> str:
        out = tmp_path_factory.mktemp("report")
        told = CliRunner().invoke(main, ["report", "--demo", "--language", language, "--out", str(out)])
        assert told.exit_code == 0, told.output
        return Path(told.stdout.strip()).as_uri()

    return made


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What pages say on their console: nothing."""
    lines: list[str] = []
    yield lines
    assert lines == []


def opened(
    browser: Browser, address: str, said: list[str], width: int, scheme: Literal["light", "dark"] = "light"
) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    return page


def assert_fits(page: Page, width: int) -> None:
    """Nothing is wider than the window, and of each plot one drawing shows, not too small to read."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.locator(".plot").evaluate_all(
        "all => all.map(plot => [...plot.children].map(one => one.clientWidth / one.viewBox.baseVal.width)"
        ".filter(scale => scale > 0))"
    )
    assert len(shown) > 10
    assert [scales for scales in shown if len(scales) != 1 or scales[0] < SMALLEST] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_has_no_fault_that_axe_knows_and_fits_each_width(
    browser: Browser, address: Callable[[str], str], said: list[str], scheme: Literal["light", "dark"]
) -> None:
    for width in WIDTHS:
        page = opened(browser, address("en"), said, width, scheme)
        assert_fits(page, width)
        page.locator("#all").check()
        assert page.locator("details table:visible").count() == page.locator("details").count() > 0
        assert_fits(page, width)
        assert axe(page) == []
        page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_on_paper_it_is_light_and_has_the_numbers_when_asked(
    browser: Browser, address: Callable[[str], str], said: list[str], language: str
) -> None:
    page = opened(browser, address(language), said, 718, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "light"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert_fits(page, 718)
    assert page.locator("nav:visible, .switch:visible, summary:visible, table:visible").count() == 0
    page.emulate_media(media="screen")
    page.locator("#all").check()
    page.emulate_media(media="print")
    assert page.locator("table:visible").count() == page.locator("details").count() > 0
    assert_fits(page, 718)
    page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_fits_the_smallest_screen_in_each_language(
    browser: Browser, address: Callable[[str], str], said: list[str], language: str
) -> None:
    page = opened(browser, address(language), said, WIDTHS[0])
    assert_fits(page, WIDTHS[0])
    page.context.close()
