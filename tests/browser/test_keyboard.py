"""With the keyboard alone: a problem is reported, followed, answered, taken, solved, approved and rated."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ENDUSER, TECHNICIAN, Place

FAR = 60
"""Presses of Tab that reach anything of a page."""


def to(page: Page, selector: str) -> None:
    """Press Tab until what the selector names has the focus."""
    page.locator(selector).first.wait_for()
    for _ in range(FAR):
        if page.locator(f"{selector}:focus").count():
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def type_into(page: Page, selector: str, words: str) -> None:
    to(page, selector)
    page.keyboard.type(words)


def press(page: Page, selector: str, key: str = "Enter") -> None:
    to(page, selector)
    page.keyboard.press(key)


def enter(place: Place, who: tuple[str, str], address: str) -> Page:
    page = place.page()
    page.goto(f"{place.address}{address}")
    expect(page.locator("h1")).to_be_focused()
    type_into(page, "#login", who[0])
    type_into(page, "#password", who[1])
    page.keyboard.press("Enter")
    page.locator("#who a").wait_for()
    return page


def test_a_problem_goes_from_report_to_rating_without_a_mouse(place: Place) -> None:
    place.glpi.people.edit(0, user=2, itemtype="Entity", inquest_config=1, inquest_rate=100)
    asks = enter(place, ENDUSER, "/portal/en/#/new")
    expect(asks.locator("h1")).to_have_text("Report a problem")
    type_into(asks, "#new-title", "By keyboard")
    type_into(asks, "#new-text", "No mouse")
    press(asks, "form .primary")
    expect(asks.locator("h1")).to_have_text("By keyboard")
    expect(asks.locator("h1")).to_be_focused()
    number = int(asks.url.rpartition("/")[2])

    helps = enter(place, TECHNICIAN, "/panel/en/")
    expect(helps.locator("h1")).to_have_text("Board")
    helps.keyboard.press("j")
    expect(helps.locator(f"a[data-row='{number}']")).to_be_focused()
    helps.keyboard.press("Enter")
    expect(helps.locator("h1")).to_have_text("By keyboard")
    helps.keyboard.press("t")
    expect(helps.locator(".deeds")).to_contain_text("Give back")
    helps.keyboard.press("r")
    expect(helps.locator(".composer textarea")).to_be_focused()
    helps.keyboard.type("Which mouse?")
    helps.keyboard.press("Control+Enter")
    expect(helps.locator(".message.followup")).to_contain_text("Which mouse?")

    press(asks, "#nav a[href='#/']")
    press(asks, f".tickets a[href='#/tickets/{number}']")
    expect(asks.locator(".next")).to_contain_text("Durand Paul has it")
    expect(asks.locator(".conversation")).to_contain_text("Which mouse?")
    type_into(asks, ".composer textarea", "None at all")
    press(asks, ".composer .primary")
    expect(asks.locator(".conversation")).to_contain_text("None at all")

    helps.reload()
    expect(helps.locator(".conversation")).to_contain_text("None at all")
    press(helps, ".tabs button:has-text('Solve')")
    expect(helps.locator(".composer textarea")).to_be_focused()
    helps.keyboard.type("Here is one")
    press(helps, ".composer .primary")
    expect(helps.locator(".message.solution")).to_contain_text("Here is one")

    asks.reload()
    press(asks, ".solution-card .primary")
    expect(asks.locator(".next")).to_contain_text("Closed")
    press(asks, "#nav a[href='#/']")
    expect(asks.locator("main")).to_contain_text("Please rate it")
    press(asks, f".tickets a[href='#/tickets/{number}']")
    press(asks, ".rate input", "ArrowRight")
    press(asks, ".solution-card .primary")
    expect(asks.locator("#toasts")).to_contain_text("Thank you.")
    assert place.glpi.ticket(number)["status"] == 6
    assert ("user", 9, 2) in place.glpi.actors(number)
    assert [int(row["satisfaction"]) for row in place.glpi.rows("TicketSatisfaction")] == [2]
    assert place.errors == []


@pytest.mark.parametrize("version", ["10.0.19"], indirect=True)
def test_the_board_is_worked_by_keys_and_they_can_be_switched_off(place: Place) -> None:
    numbers = [place.glpi.people.create(name=f"Row {n}", content="<p>x</p>", user=8) for n in range(2)]
    page = enter(place, TECHNICIAN, "/panel/en/#/board")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("next / earlier ticket")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(f"a[data-row='{numbers[1]}']")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("t")
    expect(page.locator("tbody tr").first).to_contain_text("Durand Paul has it")
    page.locator(f"a[data-row='{numbers[0]}']").focus()
    page.keyboard.press("g")
    expect(page.locator("tbody tr").first).to_contain_text("Nobody yet")
    for number in numbers:
        page.locator(f"a[data-row='{number}']").focus()
        page.keyboard.press("x")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    for words, told in (("Take them", "Durand Paul has it"), ("Give them back", "Nobody yet")):
        press(page, f".notice.info button:has-text('{words}')")
        expect(page.locator("tbody tr", has_text=told)).to_have_count(2)
        expect(page.locator("a[data-row]").first).to_be_focused()
        for number in numbers:
            page.locator(f"a[data-row='{number}']").focus()
            page.keyboard.press("x")
    page.keyboard.press("x")
    page.locator(f"a[data-row='{numbers[0]}']").focus()
    page.keyboard.press("x")
    page.keyboard.press("/")
    expect(page.locator("#board-q")).to_be_focused()
    page.keyboard.type("t")  # not in fields
    expect(page.locator("#board-q")).to_have_value("t")
    page.goto(f"{place.address}/panel/en/#/me")
    press(page, "#keys", "Space")
    page.goto(f"{place.address}/panel/en/#/board")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.keyboard.press("n")
    page.keyboard.press("/")
    expect(page.locator("h1")).to_have_text("Board")
    expect(page.locator("#board-q")).not_to_be_focused()
