"""How the sites look: in a longer language, printed, without jumps, with the list beside the ticket.

`GLPI_BRIDGE_SCREENSHOTS=DIR` keeps the pictures of every view in two schemes and three widths.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from glpi_bridge.sandbox.demo import people_ask
from glpi_bridge.site import words
from glpi_bridge.site.build import build, put
from glpi_bridge.site.settings import SiteSettings
from tests.browser.conftest import ADMINISTRATOR, ENDUSER, TECHNICIAN, Place
from tests.browser.test_bad_days import evaluated

pytestmark = pytest.mark.parametrize("version", ["10.0.19"], indirect=True)
VIEWS = {
    (ENDUSER, "portal"): (
        "#/", "#/new", "#/tickets?state=all", "#/tickets?q=nothing", "#/tickets/1", "#/tickets/3", "#/tickets/4",
        "#/tickets/999", "#/help", "#/help/1", "#/help/2", "#/me", "#/event/a/1",
    ),
    (ADMINISTRATOR, "panel"): (
        "#/board", "#/board?q=nothing", "#/new", "#/tickets/1", "#/tickets/3", "#/tickets/999", "#/problems",
        "#/problems/1", "#/changes", "#/changes/1", "#/people", "#/bridge", "#/me", "#/event/a/1",
    ),
}  # fmt: skip


def furnish(place: Place) -> None:
    """Let people ask, and put something on every page: Problem, Change, articles, notices, the bridge's state."""
    people_ask(place.glpi)
    people, db = place.glpi.people, place.glpi.world.db
    problem = people.create(itemtype="Problem", name="Printers of the second floor", content="<p>Again</p>", user=2)
    change = people.create(itemtype="Change", name="New printers", content="<p>Order three</p>", user=2)
    for link in ({"Problem_Ticket": {"problems_id": problem, "tickets_id": 1}},
                 {"Change_Ticket": {"changes_id": change, "tickets_id": 1}},
                 {"Change_Problem": {"changes_id": change, "problems_id": problem}}):  # fmt: skip
        for itemtype, keys in link.items():
            people.create(itemtype=itemtype, user=2, **keys)
    people.reply(1, "<p>Ask the supplier first</p>", user=9, private=True)
    people.create(itemtype="TicketTask", tickets_id=1, content="<p>Clean the rollers</p>", state=1, user=9)
    alarm = {"name": "db01: Disk /srv is full", "content": "<p>97 %</p>", "requesttypes_id": 7, "urgency": 5}
    for _ in range(3):
        people.create(user=7, **alarm)
    first = db["KnowbaseItem"].insert({"name": "Restart your PC", "answer": "<p>Hold the button.</p>", "is_faq": 1})
    db["KnowbaseItem"].insert({"name": "Not yours", "answer": "x", "is_faq": 1})
    db["Entity_KnowbaseItem"].insert({"knowbaseitems_id": first, "entities_id": 0})
    articles = [{"id": first, "title": "Restart your PC", "keywords": ""}]
    put(place.root / "data" / "kb.json", json.dumps({"articles": articles}).encode())
    state = {
        "ok": True, "interval_seconds": 10**9, "alerts": 7, "waiting": 2, "oldest_seconds": 90, "parked": 1,
        "in_doubt": 0, "at": "2026-11-29T18:00:00Z", "last_pass": "2026-11-29T18:00:00Z", "last_sync": None,
        "versions": {"glpi-bridge": "1.0", "GLPI": place.glpi.world.version, "Zabbix": "7.0.22"},
    }  # fmt: skip
    put(place.root / "panel" / "health.json", json.dumps(state).encode())


LONGER = 1.4
SHIFT = 0.02


def pseudo(text: str) -> str:
    """Return a text of the same places, two fifths longer, between signs that show whether all of it is there."""
    more = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor " * 4
    return f"⟦{text} {more[: math.ceil(len(text) * (LONGER - 1))].strip()}⟧"


def longer(_language: str) -> Mapping[words.Message, words.Message]:
    every = words.of_modules() | words.of_templates()
    return {one: pseudo(one) if isinstance(one, str) else (pseudo(one[0]), pseudo(one[1])) for one in every}


NOT_WORDS = (
    "time, [dir=auto], [lang]:not(html), .name, script, template, style, noscript, symbol, .badge, datalist, .mono, "
    "[data-row], option"
)
BARE = f"""(() => {{
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {{
    const text = walker.currentNode.data.trim();
    const parent = walker.currentNode.parentElement;
    if (/[A-Za-z]{{2}}/.test(text) && !parent.closest({NOT_WORDS!r})) found.push(text);
  }}
  return found.filter((text) => !/⟦|⟧/.test(text));
}})()"""
CUT = """[...document.querySelectorAll('main .button, main .chip, .tabs a, label, #nav a, th, legend')]
  .filter((one) => one.offsetParent && getComputedStyle(one).position !== 'absolute')
  .filter((one) => one.scrollWidth > one.clientWidth + 1
    || one.getBoundingClientRect().right > (one.closest('.tickets, .board, section') || document.body)
      .getBoundingClientRect().right)
  .map((one) => one.textContent.slice(0, 60))"""
DATA = re.compile(
    r"GLPI|Self-Service|Super-Admin|Technician|enduser|Root entity|Workstation|Helpdesk|Monitoring|Observer|Bridge"
)


@pytest.mark.parametrize("width", [320, 1280])
def test_every_text_is_translated_and_fits_in_a_longer_language(
    place: Place, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    furnish(place)
    monkeypatch.setattr(words, "catalog", longer)
    build(SiteSettings(), place.root)
    bare, broken = {}, {}
    for (who, site), routes in VIEWS.items():
        page = place.signed_in(who, site, width=width, language="fr")
        for route in routes:
            page.goto(f"{place.address}/{site}/fr/{route}")
            page.locator("main:not([aria-busy]) h1").wait_for()
            found = evaluated(page, BARE)
            assert isinstance(found, list)
            if left := [text for text in found if not DATA.search(text)]:
                bare[f"{site} {route}"] = left
            too_wide = evaluated(page, "document.documentElement.scrollWidth")
            if (cut := evaluated(page, CUT)) or too_wide != width:
                broken[f"{site} {route}"] = (cut, too_wide)
        page.context.close()
    assert (bare, broken) == ({}, {})


def test_nothing_is_cut_off_where_text_is_twice_as_large(place: Place) -> None:
    furnish(place)
    broken = {}
    for (who, site), routes in VIEWS.items():
        page = place.signed_in(who, site, width=1280)
        for route in routes:
            page.goto(f"{place.address}/{site}/en/{route}")
            page.locator("main:not([aria-busy]) h1").wait_for()
            evaluated(page, "document.documentElement.style.fontSize = '200%'")
            too_wide = evaluated(page, "document.documentElement.scrollWidth")
            if (cut := evaluated(page, CUT)) or too_wide != 1280:
                broken[f"{site} {route}"] = (cut, too_wide)
        page.context.close()
    assert broken == {}


def test_a_ticket_is_printed_as_a_plain_document(place: Place) -> None:
    number = place.glpi.people.create(name="On paper", content="<p>first words</p>", user=8)
    place.glpi.people.reply(number, "<p>an answer</p>", user=9)
    for who, site in ((ENDUSER, "portal"), (TECHNICIAN, "panel")):
        page = place.signed_in(who, site, f"#/tickets/{number}")
        page.emulate_media(media="print")
        for gone in (".top", ".composer", ".button", "#toasts", ".back", ".pane-list"):
            for one in page.locator(gone).all():
                expect(one).to_be_hidden()
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator(".message")).to_have_count(2)
        told = evaluated(page, "getComputedStyle(document.querySelector('.message time'), '::after').content")
        exact = page.locator(".message time").first.get_attribute("data-exact")
        assert str(told) == f'"{exact}"'
        assert evaluated(page, "getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        assert page.pdf().startswith(b"%PDF")
        page.context.close()


COUNT_SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries().filter((each) => !each.hadRecentInput))
    window.shifts.push([one.value, ...one.sources.map((source) => source.node?.outerHTML?.slice(0, 80))]);
}).observe({ type: "layout-shift", buffered: true });"""


def test_nothing_jumps_while_a_page_fills(place: Place) -> None:
    furnish(place)
    jumps = {}
    for (who, site), routes in VIEWS.items():
        page = place.signed_in(who, site)
        page.add_init_script(COUNT_SHIFTS)
        for route in routes:
            page.goto(f"{place.address}/{site}/en/{route}")
            page.reload()
            page.locator("main:not([aria-busy]) h1").wait_for()
            page.wait_for_load_state("networkidle")
            shifts = evaluated(page, "window.shifts")
            assert isinstance(shifts, list)
            if sum(one[0] for one in shifts) > SHIFT:
                jumps[f"{site} {route}"] = shifts
        page.context.close()
    assert jumps == {}


def test_the_board_stays_beside_an_open_ticket_where_there_is_room(place: Place) -> None:
    people = place.glpi.people
    first, second = (people.create(name=name, content="<p>x</p>", user=8) for name in ("One", "Two"))
    page = place.signed_in(TECHNICIAN, "panel")
    page.locator(f"a[data-row='{first}']").click()
    beside = page.locator(".pane-list")
    expect(beside.locator("[aria-current]")).to_contain_text("One")
    beside.get_by_role("link", name="Two").click()
    expect(page.locator("h1")).to_have_text("Two")
    page.get_by_role("button", name="Take it").click()
    expect(beside.locator(f"[data-row='{second}']")).to_contain_text("Durand Paul has it")
    page.set_viewport_size({"width": 800, "height": 900})
    expect(beside).to_be_hidden()
    expect(page.get_by_role("link", name="Board").last).to_be_visible()


def test_the_board_is_filtered_by_area_and_priority_and_several_are_assigned(place: Place) -> None:
    people = place.glpi.people
    for n in range(3):
        people.create(name=f"Row {n}", content="<p>x</p>", itilcategories_id=(7, 7, 1)[n], urgency=(5, 1, 1)[n], user=8)
    page = place.signed_in(ADMINISTRATOR, "panel")
    page.get_by_label("Area").select_option("Workstation")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_label("Area")).to_contain_text("Workstation (2)")
    page.get_by_label("Priority", exact=True).select_option(index=1)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Priority", exact=True).select_option("")
    expect(page.locator("tbody tr")).to_have_count(2)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.locator("#bulk-give").select_option(label="Durand Paul")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator("tbody td", has_text="Durand Paul has it")).to_have_count(2)


def chosen(page: Page, address: str) -> None:
    page.goto(f"{address}#/board")
    page.locator("tbody").get_by_role("checkbox").first.wait_for()  # a ticket may show a table, too
    for box in page.locator("tbody").get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Solve them").click()


def keys(page: Page, address: str) -> None:
    page.goto(f"{address}#/board")
    page.locator("tbody").get_by_role("checkbox").first.wait_for()  # a ticket may show a table, too
    page.keyboard.press("?")


def asked(page: Page, address: str) -> None:
    page.goto(f"{address}#/tickets/1")
    page.get_by_role("button", name="Make a problem of it").click()


def noted(page: Page, address: str) -> None:
    page.reload()
    page.goto(f"{address}#/tickets/1")
    page.locator(".tabs").get_by_role("button", name="Private note").click()


def faulty(page: Page, address: str) -> None:
    page.goto(f"{address}#/new")
    page.locator("form .primary").last.click()
    page.locator(".summary").wait_for()


def signed_out(page: Page, address: str) -> None:
    page.goto(f"{address}#/me")
    page.get_by_role("button", name="Sign out").click()
    page.locator("#login").wait_for()
    page.locator("form .primary").click()
    page.locator(".summary").wait_for()


STATES: dict[str, dict[str, Callable[[Page, str], None]]] = {
    "portal": {"faulty": faulty, "signed-out": signed_out},
    "panel": {
        "chosen": chosen, "faulty": faulty, "keys": keys, "noted": noted, "asked": asked,
    },
}  # fmt: skip
"""What a page shows after a deed: bulk bar, summary of faults, dialogs, the form of a private note, sign-in."""

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.skipif("GLPI_BRIDGE_SCREENSHOTS" not in os.environ, reason="pictures are made where a folder is named")
def test_pictures_are_made_for_a_person_to_look_at(place: Place) -> None:
    furnish(place)
    folder = Path(os.environ["GLPI_BRIDGE_SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in SCHEMES:
        for width in (320, 768, 1280):
            for (who, site), routes in VIEWS.items():
                page = place.signed_in(who, site, width=width, scheme=scheme)
                for route in routes:
                    picture(
                        page,
                        f"{place.address}/{site}/en/{route}",
                        folder / f"{site}-{name_of(route)}-{scheme}-{width}.png",
                    )
                for state, act in STATES[site].items():
                    act(page, f"{place.address}/{site}/en/")
                    page.screenshot(path=folder / f"{site}-{state}-{scheme}-{width}.png", full_page=True)
                page.context.close()


def picture(page: Page, address: str, file: Path) -> None:
    page.goto(address)
    page.locator("main:not([aria-busy]) h1").wait_for()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file, full_page=True)


def name_of(route: str) -> str:
    return re.sub(r"\W+", "-", route).strip("-") or "home"
