"""Bad days: what goes wrong is said in the reader's language, and what was typed stays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from glpi_bridge.sandbox.glpi.faults import Fault, FaultKind, Match
from glpi_bridge.site.build import build, put
from glpi_bridge.site.settings import SiteSettings
from glpi_bridge.site.words import translate
from tests.browser.conftest import ADMINISTRATOR, ENDUSER, TECHNICIAN, Place

ON_10 = pytest.mark.parametrize("version", ["10.0.19"], indirect=True)
UNKNOWN = "We do not know if it arrived. Look before you send it again."
AWAY = "GLPI cannot be reached at the moment."
WORDS = 'Typed with care: <b> & "quotes" 🔥 مرحبا'


@dataclass(frozen=True)
class Case:
    """What goes wrong with a reply, in which language it is read, and what is said."""

    name: str
    language: str
    said: str
    order: Callable[[Place, Page, int], object]


def fault(kind: FaultKind) -> Callable[[Place, Page, int], object]:
    return lambda place, _page, _number: place.glpi.order(Fault(kind, Match(method="POST", path="ITILFollowup")))


def too_large(_place: Place, page: Page, _number: int) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=413, content_type="application/json", body='["SITE_TOO_LARGE", "More than 20 MB."]')

    page.route("**/ITILFollowup", refuse)


def gone(place: Place, _page: Page, number: int) -> None:
    place.glpi.world.db["Ticket"].remove(number)


def stopped(place: Place, _page: Page, _number: int) -> None:
    place.glpi.refuse(0)


REPLIES = [
    Case("500, nothing done", "es", UNKNOWN, fault(FaultKind.ERROR_BEFORE)),
    Case("an empty answer", "fr", UNKNOWN, fault(FaultKind.EMPTY_BEFORE)),
    Case("the line is cut", "en", UNKNOWN, fault(FaultKind.RESET_BEFORE)),
    Case("a page of a proxy", "es", UNKNOWN, fault(FaultKind.LOGIN_PAGE)),
    Case("413", "fr", "This is too large to be sent. The limit is 20 MB at once.", too_large),
    Case("GLPI refuses", "es", "GLPI did not accept this.", fault(FaultKind.ALL_FAILED)),
    Case("GLPI stopped", "en", AWAY, stopped),
    Case("the ticket is gone", "fr", "", gone),
]


@ON_10
@pytest.mark.field("F117")
@pytest.mark.parametrize("case", REPLIES, ids=lambda case: case.name)
def test_a_reply_that_fails_is_explained_and_stays(place: Place, case: Case) -> None:
    number = place.glpi.people.create(name="Mine", content="<p>x</p>", user=8)
    page = place.signed_in(ENDUSER, route=f"#/tickets/{number}", language=case.language)
    page.locator(".composer textarea").fill(WORDS)
    case.order(place, page, number)
    page.locator(".composer .primary").click()
    expect(page.locator(".composer .notice.bad")).to_contain_text(translate(case.language, case.said))
    expect(page.locator(".composer textarea")).to_have_value(WORDS)
    if case.order is stopped:
        place.glpi.accept_again()
    if case.order is not gone:
        page.reload()
        expect(page.locator(".composer textarea")).to_have_value(WORDS)
        assert place.glpi.followups(number) == []


@ON_10
@pytest.mark.parametrize("kind", [FaultKind.ERROR_AFTER, FaultKind.RESET_AFTER, FaultKind.EMPTY_AFTER], ids=str)
def test_an_answer_that_is_lost_after_the_deed_is_found_by_a_reread(place: Place, kind: FaultKind) -> None:
    number = place.glpi.people.create(name="Mine", content="<p>x</p>", user=8)
    page = place.signed_in(ENDUSER, route=f"#/tickets/{number}")
    page.locator(".composer textarea").fill("Once only")
    place.glpi.order(Fault(kind, Match(method="POST", path="ITILFollowup")))
    page.locator(".composer .primary").click()
    expect(page.locator(".conversation")).to_contain_text("Once only")
    expect(page.locator(".composer textarea")).to_have_value("")
    page.reload()
    expect(page.locator(".composer textarea")).to_have_value("")
    assert len(place.glpi.followups(number)) == 1


@ON_10
@pytest.mark.parametrize(
    ("kind", "tickets"), [(FaultKind.ERROR_BEFORE, 0), (FaultKind.RESET_AFTER, 1)], ids=["not there", "there"]
)
def test_a_report_without_an_answer_is_looked_for(place: Place, kind: FaultKind, tickets: int) -> None:
    page = place.signed_in(ENDUSER, route="#/new", language="es")
    page.locator("#new-title").fill("Sin respuesta")
    page.locator("#new-text").fill(WORDS)
    place.glpi.order(Fault(kind, Match(method="POST", path="^/?Ticket$")))
    page.locator("form .primary").click()
    if tickets:
        expect(page.locator(".notice.ok")).to_be_visible()
        expect(page.locator(".message")).to_contain_text("Typed with care")
    else:
        expect(page.locator("form .notice.bad")).to_contain_text(translate("es", UNKNOWN))
        expect(page.locator("#new-text")).to_have_value(WORDS)
    assert len(place.glpi.tickets()) == tickets


@ON_10
def test_a_deed_without_an_answer_is_read_again(place: Place) -> None:
    number = place.glpi.people.create(name="Take me", content="<p>x</p>", user=8)
    page = place.signed_in(TECHNICIAN, "panel", f"#/tickets/{number}", language="fr")
    place.glpi.order(Fault(FaultKind.ERROR_AFTER, Match(method="POST", path="Ticket_User")))
    page.locator(".deeds .primary").click()
    expect(page.locator("main .notice.bad")).to_contain_text(translate("fr", UNKNOWN))
    expect(page.locator(".deeds")).to_contain_text(translate("fr", "Give back"))


@ON_10
def test_what_a_technician_typed_outlives_a_failure_and_a_look_elsewhere(place: Place) -> None:
    number = place.glpi.people.create(name="Solve me", content="<p>x</p>", user=8)
    page = place.signed_in(TECHNICIAN, "panel", f"#/tickets/{number}")
    for tab, kind in (("Task", "TicketTask"), ("Solve", "ITILSolution")):
        page.locator(".tabs").get_by_role("button", name=tab).click()
        page.locator(".composer textarea").fill(f"{WORDS} {tab}")
        place.glpi.order(Fault(FaultKind.ERROR_BEFORE, Match(method="POST", path=kind)))
        page.locator(".composer .primary").click()
        expect(page.locator(".composer .notice.bad")).to_contain_text("do not know")
        page.locator(".tabs").get_by_role("button", name="Answer").click()
        page.reload()
        page.locator(".tabs").get_by_role("button", name=tab).click()
        expect(page.locator(".composer textarea")).to_have_value(f"{WORDS} {tab}")


@ON_10
def test_words_for_many_solutions_stay_where_one_is_refused(place: Place) -> None:
    numbers = [place.glpi.people.create(name=f"Row {n}", content="<p>x</p>", user=8) for n in range(2)]
    page = place.signed_in(TECHNICIAN, "panel")
    for number in numbers:
        page.get_by_label(f"Choose #{number}").check()
    page.get_by_role("button", name="Solve them").click()
    page.locator("#bulk-solve").fill("Restarted")
    place.glpi.order(Fault(FaultKind.PARTIAL, Match(method="POST", path="ITILSolution")))
    page.locator(".wide-form .primary").click()
    expect(page.locator("main .notice.warn")).to_contain_text("Not done for:")
    expect(page.locator("#bulk-solve")).to_have_value("Restarted")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)


@ON_10
def test_what_glpi_does_not_give_back_is_named_and_what_is_unclear_is_read_again(place: Place) -> None:
    numbers = [place.glpi.people.create(name=f"Row {n}", content="<p>x</p>", user=8) for n in range(2)]
    for number in numbers:
        place.glpi.people.take(number)
    page = place.signed_in(TECHNICIAN, "panel", language="fr")
    for box in page.locator("tbody").get_by_role("checkbox").all():
        box.check()
    place.glpi.order(Fault(FaultKind.PARTIAL, Match(method="DELETE", path="Ticket_User")))
    page.get_by_role("button", name=translate("fr", "Give them back")).click()
    expect(page.locator("main .notice.warn li")).to_have_count(1)
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)
    place.glpi.order(Fault(FaultKind.ERROR_AFTER, Match(method="DELETE", path="Ticket_User")))
    page.get_by_role("button", name=translate("fr", "Give them back")).click()
    expect(page.locator("main .notice.bad")).to_contain_text(translate("fr", UNKNOWN))
    for row in page.locator("tbody tr").all():
        expect(row).to_contain_text(translate("fr", "Nobody yet"))
    assert all(("user", 9, 2) not in place.glpi.actors(number) for number in numbers)


@ON_10
def test_what_cannot_be_seen_or_is_not_there_is_said(place: Place) -> None:
    other = place.glpi.people.create(name="Another's", content="<p>x</p>", user=10)
    page = place.signed_in(ENDUSER, language="es")
    for number, words in ((other, "No access"), (999, "Not found")):
        page.goto(f"{place.address}/portal/es/#/tickets/{number}")
        expect(page.locator("h1")).to_contain_text(translate("es", words))


SIGN_IN = [
    (FaultKind.NOT_ALLOWED_IP, "es", "GLPI does not accept this site's address. Please tell your administrator."),
    (FaultKind.MAINTENANCE, "fr", AWAY),
    (FaultKind.DATABASE_DOWN, "es", AWAY),
]


@ON_10
@pytest.mark.parametrize(("kind", "language", "said"), SIGN_IN, ids=str)
def test_a_sign_in_that_glpi_does_not_take_is_explained(
    place: Place, kind: FaultKind, language: str, said: str
) -> None:
    place.glpi.order(Fault(kind, Match(path="initSession")))
    page = place.page()
    page.goto(f"{place.address}/portal/{language}/")
    page.locator("#login").fill(ENDUSER[0])
    page.locator("#password").fill(ENDUSER[1])
    page.keyboard.press("Enter")
    expect(page.locator(".notice.bad")).to_contain_text(translate(language, said))
    expect(page.locator("#login")).to_have_value(ENDUSER[0])


@pytest.mark.field("F114")
def test_who_cannot_sign_in_is_told_and_who_has_two_profiles_may_change(place: Place) -> None:
    users, links = place.glpi.world.db["User"], place.glpi.world.db["Profile_User"]
    page = place.page()
    page.goto(f"{place.address}/portal/en/")

    def sign_in(login: str, password: str) -> None:
        page.locator("#login").fill(login)
        page.locator("#password").fill(password)
        page.keyboard.press("Enter")

    sign_in("inactive", "Inact-lab-1")
    expect(page.locator(".summary")).to_contain_text("not right")
    for row in [i for i in links.ids if links.value(i, "users_id") == 10]:
        links.remove(row)
    users.update(10, {"profiles_id": 0})
    sign_in("enduser2", "End-lab-2")
    expect(page.locator(".notice.bad, .summary")).to_be_visible()
    links.insert({"users_id": 9, "profiles_id": 1, "entities_id": 0, "is_recursive": 1})
    sign_in(*TECHNICIAN)
    expect(page.locator("#who a")).to_be_visible()
    page.goto(f"{place.address}/panel/en/#/me")
    page.locator("#profile").select_option(label="Self-Service")
    expect(page.locator("#toasts")).to_contain_text("Changed.")
    page.goto(f"{place.address}/panel/en/#/board")
    expect(page.get_by_role("link", name="To the portal")).to_be_visible()


@ON_10
@pytest.mark.field("F114")
def test_an_expired_password_is_sent_to_glpis_own_page(place: Place) -> None:
    build(SiteSettings(glpi_url="https://glpi.example"), place.root)
    page = place.page()
    bare = '{"session": {"glpi_currenttime": "2026-11-29 18:00:00", "glpi_password_expired": 1}}'
    page.route("**/getFullSession", lambda route: route.fulfill(status=200, content_type="application/json", body=bare))
    page.goto(f"{place.address}/portal/es/")
    page.locator("#login").fill(ENDUSER[0])
    page.locator("#password").fill(ENDUSER[1])
    page.keyboard.press("Enter")
    told = "This account must be set up on GLPI's own page first (password or profile)."
    expect(page.locator(".notice.bad")).to_contain_text(translate("es", told))
    expect(page.locator("form a")).to_have_attribute("href", "https://glpi.example")


@ON_10
@pytest.mark.parametrize("hours", [-3, 3])
def test_a_clock_that_is_wrong_changes_no_time_and_misses_no_change(place: Place, hours: int) -> None:
    number = place.glpi.people.create(name="Fresh", content="<p>x</p>", user=8)
    page = place.page()
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=hours))
    page.goto(f"{place.address}/panel/en/")
    page.locator("#login").fill(TECHNICIAN[0])
    page.locator("#password").fill(TECHNICIAN[1])
    page.keyboard.press("Enter")
    row = page.locator("tbody tr", has_text="Fresh")
    expect(row).to_contain_text("just now")
    place.glpi.people.take(number, user=2)
    place.glpi.people.create(name="Newer", content="<p>x</p>", user=8)
    page.clock.fast_forward(16_000)
    expect(page.locator("tbody")).to_contain_text("Newer")
    expect(row).to_contain_text("glpi has it")


@pytest.mark.field("F61")
def test_files_that_glpi_refuses_are_named_and_the_others_keep_their_own_names(place: Place) -> None:
    put(place.root / "data" / "catalog.json", b'{"categories": [], "upload": null}')  # the site cannot know better
    picture = bytes.fromhex("89504e470d0a1a0a") + b"same"
    names = ["short.png", f"{'long-name-' * 6}.png"]
    for name in names:
        page = place.signed_in(ENDUSER, route="#/new")
        page.get_by_label("What is it about?").fill(name[:10])
        page.get_by_label("What happens?").fill("See it")
        page.locator("input[type=file]").set_input_files(
            [
                {"name": name, "mimeType": "image/png", "buffer": picture},
                {"name": "bad.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"},
            ]
        )
        page.get_by_role("button", name="Send").click()
        expect(page.locator("main .notice.warn")).to_contain_text("bad.exe")
        expect(page.locator("main .notice.warn")).not_to_contain_text(name)
        expect(page.get_by_role("button", name=name)).to_be_visible()
        page.get_by_role("button", name=name).click()
        expect(page.locator(".file-box img")).to_have_attribute("alt", name)
        page.context.close()


@ON_10
def test_more_files_than_can_be_sent_at_once_are_not_taken(place: Place) -> None:
    put(place.root / "data" / "catalog.json", b'{"categories": [], "upload": null}')
    page = place.signed_in(ENDUSER, route="#/new", language="fr")
    files = [{"name": f"{n}.pdf", "mimeType": "application/pdf", "buffer": bytes(7_500_000)} for n in range(3)]
    page.locator("input[type=file]").set_input_files(files)
    expect(page.locator(".picker .fault")).to_contain_text(
        translate("fr", "This is too large to be sent. The limit is 20 MB at once.")
    )
    expect(page.locator(".files li")).to_have_count(2)


LONG = "W" * 255
ODD = {
    "arabic": "الطابعة لا تعمل",
    "emoji": "🔥" * 20 + "👩‍👩‍👧 Température 日本",
    "long": LONG,
    "mixed": f"<b>&amp; {'x' * 200}",
}


@ON_10
def test_odd_words_are_shown_whole_and_in_their_own_direction(place: Place) -> None:
    people = place.glpi.people
    numbers = {name: people.create(name=words, content=f"<p>{words}</p>", user=8) for name, words in ODD.items()}
    people.reply(numbers["long"], f"<p>{LONG * 4}</p><pre>{LONG}</pre>", user=9)
    for who, site in ((ENDUSER, "portal"), (ADMINISTRATOR, "panel")):
        page = place.signed_in(who, site, width=320)
        for name, number in numbers.items():
            for route in ("#/", f"#/tickets/{number}"):
                page.goto(f"{place.address}/{site}/en/{route}")
                page.locator("main:not([aria-busy]) h1").wait_for()
                assert evaluated(page, "document.documentElement.scrollWidth") <= 320, (site, name, route)
            expect(page.locator("h1")).to_have_text(ODD[name])
            direction = evaluated(page, "getComputedStyle(document.querySelector('h1')).direction")
            assert direction == ("rtl" if name == "arabic" else "ltr")
        page.context.close()


def evaluated(page: Page, expression: str) -> object:
    """Ask the page, past its own policy."""
    asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
    return page.context.new_cdp_session(page).send("Runtime.evaluate", asked)["result"]["value"]


@pytest.mark.field("F112")
def test_who_has_a_ticket_and_what_was_said_last_is_shown_in_list_and_ticket(place: Place) -> None:
    people = place.glpi.people
    number = people.create(name="Whose is it?", content="<p>x</p>", user=8)
    people.assign(number, to_user=9)
    people.assign(number, to_group=1)
    people.reply(number, "<p>first answer</p>", user=9)
    people.reply(number, "<p>second answer</p>", user=9)
    people.reply(number, "<p>between us</p>", user=9, private=True)
    group = place.glpi.world.db["Group"].value(1, "completename")
    page = place.signed_in(ENDUSER)
    for route in ("#/", "#/tickets"):
        page.goto(f"{place.address}/portal/en/{route}")
        row = page.locator(".ticket-row", has_text="Whose is it?")
        expect(row).to_contain_text(f"Durand Paul, {group} has it")
        expect(row).to_contain_text("second answer")
        expect(row).not_to_contain_text("between us")
    row.click()
    expect(page.locator(".next")).to_contain_text(re.compile(f"Durand Paul, {group}"))
    expect(page.locator(".conversation")).to_contain_text("second answer")


@ON_10
@pytest.mark.field("F119")
def test_thousands_of_categories_and_tickets_are_found_by_typing(place: Place) -> None:
    categories = [
        {"id": n, "path": f"Area {n % 50} > Kind {n}", "entity": 0, "recursive": True, "helpdesk": True,
         "incident": True, "request": True}
        for n in range(1, 5001)
    ]  # fmt: skip
    put(place.root / "data" / "catalog.json", json.dumps({"categories": categories, "upload": None}).encode())
    place.glpi.fill(20_000)
    place.glpi.people.create(name="The needle", content="<p>x</p>", user=8)
    page = place.signed_in(ENDUSER, route="#/new")
    page.get_by_label("What is it about?").fill("Many")
    page.get_by_label("What happens?").fill("Choices")
    page.get_by_label("Area (if you know it)").fill("Area 7 > Kind 4957")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".notice.ok")).to_be_visible()
    page.goto(f"{place.address}/portal/en/#/tickets?q=needle")
    expect(page.locator(".ticket-row")).to_have_count(1)
    expect(page.locator(".ticket-row")).to_contain_text("The needle")
    assert place.glpi.tickets()[-1]["itilcategories_id"] == 4957
