"""Other people's text is shown and never runs; public files name nobody; pages are usable by everybody (axe)."""

from __future__ import annotations

import http.client
import json
import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from glpi_bridge.sandbox.glpi.documents import store
from glpi_bridge.site.build import put
from tests.browser.conftest import ENDUSER, TECHNICIAN, Place
from tests.browser.payloads import PAYLOADS
from tests.browser.test_bad_days import evaluated
from tests.browser.test_looks import STATES, VIEWS, furnish

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def ran(page: Page) -> object:
    """Ask in a world of its own what the page's own world has: the page's policy forbids to evaluate text there."""
    session = page.context.new_cdp_session(page)
    return session.send("Runtime.evaluate", {"expression": "typeof window.ran", "returnByValue": True})["result"][
        "value"
    ]


@pytest.mark.field("F59")
def test_no_payload_runs_and_nothing_is_asked_elsewhere(place: Place) -> None:
    people = place.glpi.people
    assert len(PAYLOADS) >= 60
    number = people.create(name=PAYLOADS[0], content="".join(f"<div>{one}</div>" for one in PAYLOADS), user=8)
    for one in PAYLOADS:
        people.create(name=one, content=one, user=8)
        people.reply(number, one, user=9)
    people.solve(number, "".join(PAYLOADS[:20]))
    place.glpi.world.db["User"].update(9, {"realname": PAYLOADS[0], "firstname": PAYLOADS[30]})
    article = place.glpi.world.db["KnowbaseItem"].insert(
        {"name": PAYLOADS[1], "answer": "\n".join(PAYLOADS), "is_faq": 1}
    )
    place.glpi.world.db["Entity_KnowbaseItem"].insert({"knowbaseitems_id": article, "entities_id": 0})
    articles = [{"id": article + n, "title": one, "keywords": one} for n, one in enumerate(PAYLOADS)]
    put(place.root / "data" / "kb.json", json.dumps({"articles": articles}).encode())
    files = people.create(name="Files", content="<p>x</p>", user=8)
    for one in PAYLOADS:
        store(place.glpi.world, people.act(9), "Ticket", files, f"{one}.txt", one.encode())
    views = (
        (ENDUSER, "portal", "#/tickets?state=all"),
        (ENDUSER, "portal", f"#/tickets/{number}"),
        (ENDUSER, "portal", f"#/tickets/{files}"),
        (ENDUSER, "portal", "#/help"),
        (ENDUSER, "portal", f"#/help/{article}"),
        (TECHNICIAN, "panel", f"#/tickets/{files}"),
    )
    for who, site, route in (*views, (TECHNICIAN, "panel", "#/board"), (TECHNICIAN, "panel", f"#/tickets/{number}")):
        page = place.signed_in(who, site, route)
        page.locator(".conversation, .tickets, .board, article.narrow").first.wait_for()
        if page.locator(".conversation > button").is_visible():
            page.locator(".conversation > button").click()
        if route == f"#/tickets/{files}":
            expect(page.locator(".file")).to_have_count(len(PAYLOADS))
        assert ran(page) == "undefined"
        page.context.close()
    assert place.foreign == []


def axe(page: Page) -> list[str]:
    found = page.context.new_cdp_session(page)
    from axe_playwright_python.base import AXE_FILE_PATH

    found.send("Runtime.evaluate", {"expression": AXE_FILE_PATH.read_text()})
    rules = str(RULES).replace("'", '"')
    shown = "(v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')"
    asked = f"axe.run(document, {rules}).then((r) => r.violations.map({shown}))"
    answer = found.send("Runtime.evaluate", {"expression": asked, "awaitPromise": True, "returnByValue": True})
    return list(answer["result"]["value"])


@pytest.mark.parametrize("version", ["10.0.19"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_pages_have_no_fault_that_axe_knows_and_nothing_is_cut_off(place: Place, scheme: str, width: int) -> None:
    furnish(place)
    people = place.glpi.people
    number = people.create(name="A long name " * 15, content="<p>x</p><table><tr><td>y</td></tr></table>", user=8)
    people.reply(number, "<p>hello</p>", user=9)
    faults = {}

    def look(page: Page, what: str) -> None:
        size = evaluated(page, "document.documentElement.scrollWidth")
        wide = [] if size == width else [f"{size} px wide"]
        if found := axe(page) + wide:
            faults[what] = found

    for (who, site), routes in VIEWS.items():
        page = place.signed_in(who, site, width=width, scheme="dark" if scheme == "dark" else "light")
        for route in (*routes, f"#/tickets/{number}"):
            page.goto(f"{place.address}/{site}/en/{route}")
            page.reload()
            page.locator("main:not([aria-busy]) h1").wait_for()
            look(page, f"{site} {route}")
        for state, act in STATES[site].items():
            act(page, f"{place.address}/{site}/en/")
            look(page, f"{site} {state}")
        page.context.close()
    assert faults == {}


@pytest.mark.parametrize("version", ["10.0.19"], indirect=True)
def test_public_files_name_no_host_person_or_ticket(place: Place) -> None:
    place.glpi.people.create(name="Secret title", content="<p>web01</p>", user=8)
    where = urlsplit(place.address)
    for path in sorted(file.relative_to(place.root) for file in place.root.rglob("*") if file.is_file()):
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
        connection.request("GET", "/" + str(path).removesuffix("index.html"))
        body = connection.getresponse().read().decode("utf-8", "replace")
        connection.close()
        assert re.findall(r"web01|Alice|Martin|Durand|Secret title|enduser|App-Token", body) == [], path


def test_a_huge_ticket_is_shown(place: Place) -> None:
    number = place.glpi.people.create(name="Huge", content="<p>" + "word " * 400_000 + "</p>", user=8)
    for n in range(500):
        place.glpi.people.reply(number, f"<p>answer {n}</p>", user=9)
    page = place.signed_in(ENDUSER, route=f"#/tickets/{number}")
    expect(page.locator(".message").last).to_contain_text("answer 499")
    page.get_by_role("button", name=re.compile("earlier messages")).click()
    expect(page.locator(".message")).to_have_count(100)
