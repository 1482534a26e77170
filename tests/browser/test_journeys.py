"""What people do on the two sites, on both versions of GLPI, through a real Apache."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from glpi_bridge.sandbox.demo import glpi_client
from glpi_bridge.site.build import put
from glpi_bridge.site.data import read_catalog
from tests.browser.conftest import ADMINISTRATOR, ENDUSER, TECHNICIAN, Place


def report(page: Page, title: str = "The printer & <b>scanner</b>", text: str = "It says <jam>\nsince 9") -> int:
    page.get_by_role("link", name="Report a problem").first.click()
    expect(page.locator("h1")).to_have_text("Report a problem")  # the first page has a field of the same name
    page.get_by_label("What is it about?").fill(title)
    page.get_by_label("What happens?").fill(text)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".notice.ok")).to_contain_text("We have it")
    return int(page.url.rpartition("/")[2])


def test_a_problem_goes_from_report_to_rating(place: Place) -> None:
    asks = place.signed_in(ENDUSER)
    number = report(asks)
    expect(asks.locator("h1")).to_have_text("The printer & <b>scanner</b>")
    expect(asks.locator(".message .said-text")).to_contain_text("It says <jam>")
    assert ("user", 8, 1) in place.glpi.actors(number)

    helps = place.signed_in(TECHNICIAN, "panel")
    helps.get_by_role("link", name="The printer & <b>scanner</b>").click()
    helps.get_by_role("button", name="Take it").click()
    expect(helps.get_by_role("button", name="Give back")).to_be_visible()
    helps.get_by_role("button", name="Private note").click()
    helps.get_by_label("Private note, read by technicians only").fill("Toner is out")
    helps.get_by_role("button", name="Keep note").click()
    expect(helps.locator(".message.private")).to_contain_text("Toner is out")
    helps.get_by_label("Answer, read by who asked").fill("I am on my way")
    helps.get_by_role("button", name="Send answer").click()
    expect(helps.locator(".message.followup:not(.private)")).to_contain_text("I am on my way")
    helps.get_by_role("button", name="Solve", exact=True).click()
    helps.get_by_label("How was it solved?").fill("New toner")
    helps.locator(".composer").get_by_role("button", name="Solve").click()
    expect(helps.locator(".message.solution")).to_contain_text("New toner")

    asks.reload()
    expect(asks.locator(".conversation")).not_to_contain_text("Toner is out")
    asks.get_by_role("button", name="Yes, solved").click()
    expect(asks.locator(".next")).to_contain_text("Closed")
    assert place.glpi.ticket(number)["status"] == 6
    assert place.errors == []


def test_a_solution_is_refused_with_a_reason_only(place: Place) -> None:
    asks = place.signed_in(ENDUSER)
    number = report(asks)
    place.glpi.people.solve(number, "<p>done</p>")
    asks.reload()
    asks.get_by_role("button", name="No, still broken").click()
    expect(asks.locator(".summary")).to_be_focused()
    asks.get_by_label("What is still wrong?").fill("It is still there")
    asks.get_by_role("button", name="No, still broken").click()
    expect(asks.locator(".conversation")).to_contain_text("It is still there")
    assert place.glpi.ticket(number)["status"] in {1, 2}


def test_files_go_with_a_report_and_come_back(place: Place) -> None:
    page = place.signed_in(ENDUSER, route="#/new")
    page.get_by_label("What is it about?").fill("With a file")
    page.get_by_label("What happens?").fill("See it")
    good = {"name": "note é.txt", "mimeType": "text/plain", "buffer": b"hello"}
    page.locator("input[type=file]").set_input_files([good, {"name": "x.exe", "mimeType": "a/b", "buffer": b"MZ"}])
    expect(page.locator(".picker .fault")).to_contain_text("x.exe")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".notice.ok")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="note é.txt").click()
    assert download.value.path().read_bytes() == b"hello"


def test_a_wrong_password_is_said_and_the_name_stays(place: Place) -> None:
    page = place.page()
    page.goto(f"{place.address}/portal/en/")
    page.locator("#login").fill("enduser")
    page.locator("#password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_contain_text("not right")
    expect(page).to_have_title(re.compile("^Error: "))
    assert page.locator("#login").input_value() == "enduser"


@pytest.mark.field("F117")
def test_a_session_that_ends_in_mid_reply_costs_no_word(place: Place) -> None:
    page = place.signed_in(ENDUSER)
    number = report(page)
    page.get_by_label("Your answer").fill("Half a sentence")
    for session in place.glpi.sessions():
        place.glpi.world.sessions.files.pop(session["token"])
    page.get_by_role("button", name="Send answer").click()
    dialog = page.locator("#expired")
    dialog.locator("#password").fill(ENDUSER[1])
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()
    assert page.get_by_label("Your answer").input_value() == "Half a sentence"
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator(".conversation")).to_contain_text("Half a sentence")
    assert len(place.glpi.followups(number)) == 1


def test_who_was_faster_is_named_and_nothing_changes(place: Place) -> None:
    number = place.glpi.people.create(name="Two want it", content="<p>x</p>", user=8)
    page = place.signed_in(TECHNICIAN, "panel", f"#/tickets/{number}")
    place.glpi.people.assign(number, to_user=2, user=2)
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("main .notice.warn")).to_contain_text("was faster")
    assert ("user", 9, 2) not in place.glpi.actors(number)


@pytest.mark.field("F118")
def test_what_is_private_is_not_shown_to_who_asked(place: Place) -> None:
    people = place.glpi.people
    number = people.create(name="Mine", content="<p>x</p>", user=8)
    people.reply(number, "<p>secret note</p>", user=9, private=True)
    people.create(itemtype="TicketTask", tickets_id=number, content="<p>secret task</p>", is_private=1, user=9)
    people.reply(number, "<p>public answer</p>", user=9)
    page = place.signed_in(ENDUSER, route=f"#/tickets/{number}")
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator("main")).to_contain_text("public answer")
    expect(page.locator("main")).not_to_contain_text("secret")


def test_glpi_away_is_said_and_tried_again(place: Place) -> None:
    page = place.signed_in(ENDUSER)
    place.glpi.refuse(0)
    page.get_by_role("link", name="Your tickets").first.click()
    expect(page.locator("h1")).to_contain_text("That did not work")
    place.glpi.accept_again()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("h1")).to_have_text("Your tickets")


def test_the_event_of_a_link_opens_its_ticket_and_no_other(place: Place) -> None:
    people = place.glpi.people
    people.create(name="Other", content="<p>x</p><p><small>zabbix prod/1234</small></p>", user=7)
    number = people.create(name="Right", content="<p>x</p><p><small>zabbix prod/123</small></p>", user=7)
    page = place.signed_in(TECHNICIAN, "panel", "#/event/prod/123")
    expect(page.locator("h1")).to_have_text("Right")
    assert page.url.endswith(f"#/tickets/{number}")
    page.goto(f"{place.address}/panel/en/#/event/prod/12")
    expect(page.locator("main")).to_contain_text("There is no ticket of this event")


def test_several_are_taken_at_once_and_the_failed_ones_stay_chosen(place: Place) -> None:
    numbers = [place.glpi.people.create(name=f"Row {n}", content="<p>x</p>", user=8) for n in range(3)]
    page = place.signed_in(TECHNICIAN, "panel")
    for number in numbers:
        page.get_by_label(f"Choose #{number}").check()
    place.glpi.people.take(numbers[1])
    page.get_by_role("button", name="Take them").click()
    expect(page.locator("main .notice.warn")).to_contain_text(f"#{numbers[1]}")
    expect(page.get_by_label(f"Choose #{numbers[1]}")).to_be_checked()
    expect(page.get_by_label(f"Choose #{numbers[0]}")).not_to_be_checked()


def test_several_are_given_back_at_once_and_those_of_others_stay_chosen(place: Place) -> None:
    people = place.glpi.people
    mine, also_mine, other = (people.create(name=f"Row {n}", content="<p>x</p>", user=8) for n in range(3))
    for number, user in ((mine, 9), (also_mine, 9), (also_mine, 2), (other, 2)):
        people.assign(number, to_user=user)
    page = place.signed_in(TECHNICIAN, "panel", language="es")
    for number in (mine, also_mine, other):
        page.locator("tbody tr", has_text=f"#{number}").get_by_role("checkbox").check()
    before = len(place.glpi.log)
    page.get_by_role("button", name="Devolverlas").click()
    failed = page.locator("main .notice.warn")
    expect(failed).to_contain_text("No se hizo para:")
    expect(failed.locator("li")).to_have_text([f"#{other} Usted no la tiene."])
    expect(page.locator("tbody tr", has_text=f"#{other}").get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)
    assert [("user", 9, 2) in place.glpi.actors(number) for number in (mine, also_mine, other)] == [False] * 3
    assert ("user", 2, 2) in place.glpi.actors(also_mine)
    assert ("user", 2, 2) in place.glpi.actors(other)
    assert [call.path for call in place.glpi.log[before:] if call.method == "DELETE"] == ["/Ticket_User"]


def test_a_problem_and_a_change_are_made_from_a_ticket(place: Place) -> None:
    number = place.glpi.people.create(name="Again and again", content="<p>x</p>", user=8)
    page = place.signed_in(ADMINISTRATOR, "panel", f"#/tickets/{number}")
    page.get_by_role("button", name="Make a problem of it").click()
    page.get_by_role("button", name="Yes, make it").click()
    expect(page).to_have_url(re.compile("#/problems/"))
    expect(page.get_by_role("link", name=f"#{number}")).to_be_visible()
    page.get_by_role("button", name="Make a change of it").click()
    page.get_by_role("button", name="Yes, make it").click()
    expect(page).to_have_url(re.compile("#/changes/"))
    expect(page.get_by_role("heading", name="Again and again")).to_be_visible()


def test_an_administrator_gives_and_takes_a_profile(place: Place) -> None:
    page = place.signed_in(ADMINISTRATOR, "panel", "#/people")
    rows = page.locator("table.people tbody tr")
    before = rows.count()
    page.get_by_label("Who").select_option(index=0)
    page.get_by_role("button", name="Give it").click()
    page.get_by_role("button", name="Yes, give it").click()
    expect(rows).to_have_count(before + 1)
    rows.last.get_by_role("button", name="Take away").click()
    page.get_by_role("button", name="Yes, take it away").click()
    expect(rows).to_have_count(before)


def test_an_end_user_is_sent_from_the_panel_to_the_portal(place: Place) -> None:
    page = place.signed_in(ENDUSER, "panel")
    expect(page.get_by_role("link", name="To the portal")).to_be_visible()


def test_the_bridges_state_is_numbers_only(place: Place) -> None:
    page = place.signed_in(TECHNICIAN, "panel", "#/bridge")
    expect(page.locator("main")).to_contain_text("not published here")


@pytest.mark.parametrize("language", ["es", "fr"])
def test_the_browsers_language_is_chosen(place: Place, language: str) -> None:
    page = place.page(language=language)
    page.goto(f"{place.address}/portal/")
    page.locator("#login").wait_for()
    assert f"/portal/{language}/" in page.url
    assert page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("version", ["11.0.6"], indirect=True)
def test_a_rating_follows_the_entitys_own_scale_and_asks_for_words(place: Place) -> None:
    rule = {"inquest_config": 1, "inquest_rate": 100, "inquest_max_rate": 10, "inquest_mandatory_comment": 3}
    place.glpi.people.edit(0, user=2, itemtype="Entity", **rule)
    number = place.glpi.people.create(name="Rate me", content="<p>x</p>", user=8)
    place.glpi.people.solve(number, "<p>done</p>")
    place.glpi.people.set_status(number, 6)
    with glpi_client(place.glpi) as client:
        catalog = read_catalog(client)
    put(place.root / "data" / "catalog.json", json.dumps(catalog).encode())
    page = place.signed_in(ENDUSER)
    expect(page.locator("main")).to_contain_text("Please rate it")
    page.get_by_role("link", name="Rate me").click()
    expect(page.locator(".rate")).to_have_count(10)
    expect(page.locator("legend")).to_have_text("From 1 (bad) to 10 (very good)")
    page.locator(".rate input").nth(2).check()
    page.get_by_role("button", name="Send rating").click()
    expect(page.locator(".summary")).to_contain_text("Please say in a few words why.")
    page.get_by_label("Anything else?").fill("Slow")
    page.get_by_role("button", name="Send rating").click()
    expect(page.locator("#toasts")).to_contain_text("Thank you.")
    [survey] = place.glpi.rows("TicketSatisfaction")
    assert (float(survey["satisfaction"]), survey["comment"]) == (3.0, "Slow")
    page.goto(f"{place.address}/portal/en/#/")
    expect(page.locator("main")).not_to_contain_text("Please rate it")
