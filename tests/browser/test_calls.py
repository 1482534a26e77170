"""How many calls each view makes, against the tables of the sites' design; what a second visit still asks for."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.sync_api import Request

from tests.browser.conftest import ADMINISTRATOR, ENDUSER, Place
from tests.browser.test_bad_days import evaluated
from tests.browser.test_looks import furnish

pytestmark = pytest.mark.parametrize("version", ["10.0.19"], indirect=True)
PREVIEWS, NAMES = 3, 5
TICKET = {f"Ticket/N{what}": 1 for what in ("", "/ITILFollowup", "/ITILSolution", "/Ticket_User", "/Group_Ticket")}
LIST = {
    "search/Ticket": 1, "Ticket/N/Ticket_User": NAMES, "Ticket/N/ITILFollowup": PREVIEWS,
    "Ticket/N/ITILSolution": PREVIEWS,
}  # fmt: skip
PORTAL = {
    "#/": {**LIST, "search/Ticket": 2},
    "#/new": {},
    "#/tickets?state=all": LIST,
    "#/tickets/1": TICKET,
    "#/tickets/4": {**TICKET, "Ticket/N/TicketSatisfaction": 1},
    "#/help": {},
    "#/help/1": {"KnowbaseItem/N": 1},
    "#/me": {},
    "#/event/a/1": {"search/Ticket": 1},
}
PANEL = {
    "#/board": {"search/Ticket": 2, "search/User": 1},
    "#/new": {},
    "#/tickets/1": {
        **TICKET, "Ticket/N/TicketTask": 1, "Ticket/N/Problem_Ticket": 1, "Ticket/N/Change_Ticket": 1,
        "Ticket/N/Item_Ticket": 1,
        "search/User": 1, "search/Group": 1, "search/Ticket": 2,
    },
    "#/problems": {"search/Problem": 1},
    "#/problems/1": {
        f"Problem/N{what}": 1 for what in ("", "/ITILFollowup", "/ITILSolution", "/Problem_Ticket", "/Change_Problem")
    },
    "#/changes": {"search/Change": 1},
    "#/changes/1": {
        f"Change/N{what}": 1 for what in ("", "/ITILFollowup", "/ITILSolution", "/Change_Ticket", "/Change_Problem")
    },
    "#/people": {"Profile_User": 1, "search/User": 1},
    "#/bridge": {},
    "#/me": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("who", "site", "views"), [(ENDUSER, "portal", PORTAL), (ADMINISTRATOR, "panel", PANEL)], ids=["portal", "panel"]
)
def test_no_view_makes_more_calls_than_its_table_says(
    place: Place, who: tuple[str, str], site: str, views: dict[str, dict[str, int]]
) -> None:
    furnish(place)
    page = place.signed_in(who, site, "#/me")
    made: Counter[str] = Counter()

    def count(request: Request) -> None:
        if found := re.search(r"/api/([^?]+)", request.url):
            made[re.sub(r"\d+", "N", found[1])] += 1

    page.on("request", count)
    more = {}
    for route, table in views.items():
        page.goto(f"{place.address}/{site}/en/#/me")
        page.reload()
        page.wait_for_load_state("networkidle")
        made.clear()
        page.goto(f"{place.address}/{site}/en/{route}")
        page.locator("main:not([aria-busy]) h1").wait_for()
        page.wait_for_load_state("networkidle")
        if left := made - Counter(table):
            more[route] = dict(left)
    assert more == {}


def test_a_second_visit_asks_for_one_page_only(place: Place) -> None:
    page = place.signed_in(ENDUSER, route="#/me")
    page.reload()
    page.locator("main:not([aria-busy]) h1").wait_for()
    page.wait_for_load_state("networkidle")
    asked = evaluated(
        page, "performance.getEntriesByType('resource').filter((one) => one.transferSize > 0).map((one) => one.name)"
    )
    assert asked == []
