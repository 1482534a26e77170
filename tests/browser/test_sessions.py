"""Several tabs, a long pause, no line, no script, another's deed meanwhile: what a visit to the sites lives through."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from glpi_bridge.site.build import put
from glpi_bridge.site.words import translate
from tests.browser.conftest import ENDUSER, TECHNICIAN, Place
from tests.browser.test_bad_days import evaluated

pytestmark = pytest.mark.parametrize("version", ["10.0.19"], indirect=True)


def with_a_clock(place: Place, who: tuple[str, str], address: str) -> Page:
    """Sign in with a clock that the test moves."""
    page = place.page()
    page.clock.install()
    place.sign_in(page, who, address)
    return page


def test_a_new_tab_is_signed_in_too_and_all_leave_together(place: Place) -> None:
    first = place.signed_in(ENDUSER, route="#/new")
    first.get_by_label("What is it about?").fill("A draft")
    second = first.context.new_page()
    second.goto(f"{place.address}/portal/en/#/tickets")
    expect(second.locator("h1")).to_have_text("Your tickets")
    kept = str(evaluated(first, "JSON.stringify(localStorage)"))
    token = json.loads(str(evaluated(first, "sessionStorage.session")))["token"]
    assert "A draft" in kept
    assert token not in kept
    first.goto(f"{place.address}/portal/en/#/me")
    first.get_by_role("button", name="Sign out").click()
    for page in (first, second):
        expect(page.locator("#login")).to_be_visible()
        assert evaluated(page, "sessionStorage.session === undefined") is True
    assert "A draft" not in str(evaluated(first, "JSON.stringify(localStorage)"))
    assert token not in {session["token"] for session in place.glpi.sessions()}


def test_who_is_idle_is_warned_then_signed_out_and_types_on(place: Place) -> None:
    number = place.glpi.people.create(name="Mine", content="<p>x</p>", user=8)
    page = with_a_clock(place, ENDUSER, f"/portal/en/#/tickets/{number}")
    page.locator(".composer textarea").fill("Half a sentence")
    page.clock.fast_forward(timedelta(minutes=18, seconds=30).seconds * 1000)
    warned = page.get_by_role("dialog")
    expect(warned).to_contain_text("Are you still there?")
    warned.get_by_role("button", name="Stay signed in").click()
    page.clock.fast_forward(timedelta(minutes=10).seconds * 1000)
    expect(warned).to_be_hidden()
    page.clock.fast_forward(timedelta(minutes=15).seconds * 1000)
    expect(page.locator("#expired")).to_contain_text("What you typed is still here.")
    page.locator("#expired #password").fill(ENDUSER[1])
    page.keyboard.press("Enter")
    expect(page.locator("#expired")).to_be_hidden()
    expect(page.locator(".composer textarea")).to_have_value("Half a sentence")


@pytest.mark.field("F117")
def test_without_a_line_nothing_is_sent_or_lost(place: Place) -> None:
    number = place.glpi.people.create(name="Mine", content="<p>x</p>", user=8)
    page = place.signed_in(ENDUSER, route=f"#/tickets/{number}", language="es")
    page.locator(".composer textarea").fill("Sin red")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    page.locator(".composer .primary").click()
    told = translate("es", "You are offline. What you typed is kept.")
    expect(page.locator(".composer .notice.bad")).to_contain_text(told)
    expect(page.locator(".composer textarea")).to_have_value("Sin red")
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
    page.locator(".composer .primary").click()
    expect(page.locator(".conversation")).to_contain_text("Sin red")
    assert len(place.glpi.followups(number)) == 1


def test_without_script_a_sentence_is_there(place: Place) -> None:
    for language in ("es", "en", "fr"):
        context = place.browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{place.address}/panel/{language}/")
        expect(page.locator("main.narrow")).to_contain_text(translate(language, "This site needs JavaScript."))
        context.close()


def test_what_changed_meanwhile_is_said_in_ticket_and_solution(place: Place) -> None:
    people = place.glpi.people
    number = people.create(name="Two at work", content="<p>x</p>", user=8)
    page = with_a_clock(place, TECHNICIAN, f"/panel/en/#/tickets/{number}")
    page.locator(".tabs").get_by_role("button", name="Solve").click()
    page.locator(".composer textarea").fill("My way")
    page.clock.fast_forward(2_000)
    people.edit(number, user=2, name="Two at work now")
    place.glpi.world.db["Ticket"].update(number, {"date_mod": _later()})
    page.clock.fast_forward(31_000)
    expect(page.locator(".newer")).to_contain_text("This ticket has changed since you opened it.")
    people.solve(number, "<p>done</p>", user=2)
    page.locator(".composer .primary").click()
    expect(page.locator(".composer .notice.bad")).to_contain_text("Already solved by glpi.")
    expect(page.locator(".composer textarea")).to_have_value("My way")
    assert len(place.glpi.rows("ITILSolution")) == 1


def _later() -> str:
    return (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%d %H:%M:%S")


def test_a_new_ticket_of_a_technician_without_an_answer_is_looked_for(place: Place) -> None:
    from glpi_bridge.sandbox.glpi.faults import Fault, FaultKind, Match

    page = place.signed_in(TECHNICIAN, "panel", "#/new")
    page.locator("#new-title").fill("Told by telephone")
    page.locator("#new-text").fill("Screen is dark")
    place.glpi.order(Fault(FaultKind.RESET_AFTER, Match(method="POST", path="^/?Ticket$")))
    page.locator("form .primary").click()
    expect(page.locator("h1")).to_have_text("Told by telephone")
    assert len(place.glpi.tickets()) == 1


def test_the_bridges_state_is_shown_and_an_old_one_is_said(place: Place) -> None:
    page = place.signed_in(TECHNICIAN, "panel", "#/bridge")
    state = {
        "ok": True, "interval_seconds": 60, "alerts": 7, "waiting": 2, "oldest_seconds": 90, "parked": 1, "in_doubt": 0,
        "last_pass": None, "last_sync": None, "versions": {"glpi-bridge": "1.0"},
    }  # fmt: skip
    for age, words in ((0, "Everything is delivered."), (600, "This state is old")):
        at = datetime.now(UTC) - timedelta(seconds=age)
        put(place.root / "panel" / "health.json", json.dumps({**state, "at": at.isoformat()}).encode())
        page.reload()
        expect(page.locator("main [role=status]")).to_contain_text(words)
    expect(page.locator(".facts-list")).to_contain_text("glpi-bridge 1.0")
    put(place.root / "panel" / "health.json", json.dumps({**state, "ok": False, "at": _later() + "Z"}).encode())
    page.reload()
    expect(page.locator("main .notice.bad")).to_contain_text("It needs a person")


def test_an_article_that_is_not_shared_is_said_and_one_that_did_not_help_becomes_a_report(place: Place) -> None:
    articles = place.glpi.world.db["KnowbaseItem"]
    shared, hidden = (articles.insert({"name": name, "answer": "<p>Do so</p>", "is_faq": 1}) for name in ("Ours", "No"))
    place.glpi.world.db["Entity_KnowbaseItem"].insert({"knowbaseitems_id": shared, "entities_id": 0})
    page = place.signed_in(ENDUSER, route=f"#/help/{hidden}")
    expect(page.locator("h1")).to_have_text("This article is not shared with you")
    page.goto(f"{place.address}/portal/en/#/help/{shared}")
    expect(page.locator("article")).to_contain_text("Do so")
    page.get_by_role("link", name="It did not help: report it").click()
    expect(page.get_by_label("What is it about?")).to_have_value("Ours")


def test_titles_and_texts_of_ones_own_tickets_are_searched(place: Place) -> None:
    people = place.glpi.people
    for user, title, text in (
        (8, "Toner is low", "x"),
        (8, "Printer", "no toner"),
        (8, "Else", "x"),
        (10, "toner", "toner"),
    ):
        people.create(name=title, content=f"<p>{text}</p>", user=user, _users_id_requester=user)
    page = place.signed_in(ENDUSER, route="#/tickets?state=all")
    page.get_by_label("Search in titles and texts").fill("toner")
    page.keyboard.press("Enter")
    expect(page.locator(".ticket-title")).to_have_count(2)
    assert sorted(page.locator(".ticket-title").all_inner_texts()) == ["Printer", "Toner is low"]
    page.locator(".tabs").get_by_role("link", name="Closed").click()
    expect(page.locator("main")).to_contain_text("Nothing matches.")


def test_a_board_of_more_than_five_hundred_says_so_and_searches_in_glpi(place: Place) -> None:
    place.glpi.people.create(name="The needle", content="<p>x</p>", user=8)
    place.glpi.fill(600)
    page = place.signed_in(TECHNICIAN, "panel")
    expect(page.locator("main")).to_contain_text("601 tickets are open; the 500 changed last are shown.")
    page.get_by_label("Search in titles").fill("needle")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
