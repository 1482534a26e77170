"""The two sites against a real GLPI: the shipped Apache in front of it, three people with a browser.

Needs what the others here need, GLPI_ADMIN_TOKEN_FILE too, and Apache and Chromium on this machine; the API client must
take this machine's address. The three people are made for this and purged at the end; the survey of the root entity is
on meanwhile.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect

from glpi_bridge.cli.main import main
from glpi_bridge.site.build import build
from glpi_bridge.site.settings import SiteSettings
from tests.browser.apache import apache
from tests.browser.payloads import PAYLOADS
from tests.browser.test_safety import ran
from tests.browser.visits import Visits, Who, chromium
from tests.live.conftest import Account

PROFILES = {"asks": "Self-Service", "helps": "Technician", "rules": "Super-Admin"}
SURVEY = {"inquest_config": 1, "inquest_rate": 100, "inquest_delay": 0}


@dataclass
class People:
    """Three people of GLPI: name and password, id."""

    asks: Who
    helps: Who
    rules: Who
    ids: dict[str, int]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def people(person: Account) -> Iterator[People]:
    profiles = {row["name"]: row["id"] for row in person.get("Profile", range="0-99")}
    known: dict[str, Who] = {}
    ids: dict[str, int] = {}
    for role, profile in PROFILES.items():
        login, password = f"site-{role}-{uuid.uuid4().hex[:8]}", f"Live-{uuid.uuid4().hex}"
        ids[role] = person.add(
            "User", name=login, realname=role.title(), firstname="Live", password=password, password2=password,
            _profiles_id=profiles[profile], _entities_id=0, _is_recursive=1,
        )  # fmt: skip
        known[role] = (login, password)
    before = {key: person.get("Entity/0")[key] for key in SURVEY}
    person.call("PUT", "Entity/0", json={"input": {"id": 0, **SURVEY}})
    yield People(**known, ids=ids)
    person.call("PUT", "Entity/0", json={"input": {"id": 0, **before}})
    for number in ids.values():
        person.call("DELETE", f"User/{number}", force_purge="true")


@pytest.fixture(scope="module")
def sites(browser: Browser) -> Iterator[Visits]:
    root_url = re.sub(r"/(?:apirest\.php|api\.php(?:/v1)?)/?$", "", os.environ["GLPI_URL"])
    app_token = Path(os.environ["GLPI_APP_TOKEN_FILE"]).read_text().strip()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        root.chmod(0o755)
        build(SiteSettings(), root)
        settings = root / "site.yml"
        settings.write_text(
            json.dumps(
                {
                    "reader": {
                        "url": root_url,
                        "user_token_file": os.environ["GLPI_ADMIN_TOKEN_FILE"],
                        "app_token_file": os.environ["GLPI_APP_TOKEN_FILE"],
                    }
                }
            )
        )
        done = CliRunner().invoke(main, ["site", "data", "--site", str(settings), "--out", str(root)])
        assert done.exit_code == 0, done.output
        with apache(root, root_url, app_token) as address:
            found = Visits(address, browser)
            yield found
            found.leave()
        assert found.foreign == []


def composed(page: Page, words: str) -> None:
    page.locator(".composer textarea").fill(words)
    page.locator(".composer .button:not(.file):not(.tiny)").last.click()


def report(page: Page, title: str) -> int:
    page.get_by_role("link", name="Report a problem").first.click()
    expect(page.locator("h1")).to_have_text("Report a problem")
    page.locator("#new-title").fill(title)
    page.locator("#new-text").fill("It says <jam> & stops\nsince 9")
    page.locator("input[type=file]").set_input_files(
        {"name": "note é.txt", "mimeType": "text/plain", "buffer": title.encode()}
    )
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".notice.ok")).to_contain_text("We have it")
    return int(page.url.rpartition("/")[2])


def test_the_public_files_hold_categories_and_limits(sites: Visits, people: People) -> None:
    page = sites.signed_in(people.asks, route="#/new")
    options = page.locator("#new-categories option")
    assert options.count() > 0
    catalog = page.request.get(f"{sites.address}/data/catalog.json").json()
    assert catalog["upload"]["bytes"] > 0
    assert "txt" in catalog["upload"]["extensions"]


def test_a_problem_goes_from_report_to_rating(sites: Visits, people: People, person: Account) -> None:
    title = f"Live {uuid.uuid4().hex[:6]} & <b>bold</b> 🔥"
    group = person.add("Group", name=f"Live group {uuid.uuid4().hex[:6]}", is_assign=1)
    asks = sites.signed_in(people.asks)
    number = report(asks, title)
    expect(asks.locator("h1")).to_have_text(title)
    expect(asks.locator(".message").first).to_contain_text("It says <jam> & stops")
    with asks.expect_download() as download:
        asks.locator(".file", has_text="note é").click()
    assert download.value.path().read_bytes() == title.encode()

    helps = sites.signed_in(people.helps, "panel", f"#/tickets/{number}")
    helps.get_by_role("button", name="Take it").click()
    expect(helps.get_by_role("button", name="Give back")).to_be_visible()
    helps.get_by_role("button", name="Give back").click()
    expect(helps.get_by_role("button", name="Take it")).to_be_visible()
    helps.get_by_role("button", name="Take it").click()
    expect(helps.get_by_role("button", name="Give back")).to_be_visible()
    person.add("Group_Ticket", tickets_id=number, groups_id=group, type=2)
    helps.locator(".tabs").get_by_role("button", name="Private note").click()
    composed(helps, "Toner is out")
    expect(helps.locator(".message.private")).to_contain_text("Toner is out")
    composed(helps, "I am on my way")
    expect(helps.locator(".message.mine.followup:not(.private)")).to_contain_text("I am on my way")
    helps.locator(".tabs").get_by_role("button", name="Task").click()
    composed(helps, "Buy toner")
    expect(helps.locator(".message.task")).to_contain_text("Buy toner")
    helps.get_by_role("button", name="Wait for an answer").click()
    expect(helps.get_by_role("button", name="No longer waiting")).to_be_visible()

    asks.goto(f"{sites.address}/portal/en/#/")
    row = asks.locator(".asks .ticket-row", has_text=title)
    expect(row).to_contain_text("Helps Live, Live group")
    expect(row).to_contain_text("I am on my way")
    row.click()
    expect(asks.locator(".next")).to_contain_text("We wait for your answer")
    expect(asks.locator(".conversation")).not_to_contain_text("Toner is out")
    composed(asks, "Thank you")
    expect(asks.locator(".message.mine.followup").last).to_contain_text("Thank you")

    for words in ("New toner", "Really new toner"):
        helps.reload()
        helps.locator(".tabs").get_by_role("button", name="Solve").click()
        composed(helps, words)
        expect(helps.locator(".message.solution").last).to_contain_text(words)
        asks.reload()
        if words == "New toner":
            asks.locator(".solution-card textarea").fill("Still empty")
            asks.get_by_role("button", name="No, still broken").click()
            expect(asks.locator(".conversation")).to_contain_text("Still empty")
    asks.get_by_role("button", name="Yes, solved").click()
    expect(asks.locator(".next")).to_contain_text("Closed")
    assert person.get(f"Ticket/{number}")["status"] == 6

    asks.goto(f"{sites.address}/portal/en/#/")
    asks.locator(".ticket-row", has_text=title).click()
    asks.locator(".rate input").nth(3).check()
    asks.get_by_label("Anything else?").fill("Quick")
    asks.get_by_role("button", name="Send rating").click()
    expect(asks.locator("#toasts")).to_have_text("Thank you.")
    [survey] = person.get(f"Ticket/{number}/TicketSatisfaction")
    assert (float(survey["satisfaction"]), survey["comment"]) == (4.0, "Quick")
    person.call("DELETE", f"Group/{group}", force_purge="true")


def test_several_are_taken_at_once_and_who_was_faster_is_named(sites: Visits, people: People, person: Account) -> None:
    mark = uuid.uuid4().hex[:8]
    numbers = [person.add("Ticket", name=f"Row {n} {mark}", content="<p>x</p>", entities_id=0) for n in range(3)]
    page = sites.signed_in(people.helps, "panel", f"#/board?q={mark}")
    for number in numbers[:2]:
        page.get_by_label(f"Choose #{number}").check()
    person.add("Ticket_User", tickets_id=numbers[0], users_id=people.ids["helps"], type=2)
    page.get_by_role("button", name="Take them").click()
    expect(page.locator("main .notice.warn")).to_contain_text(f"#{numbers[0]}")
    expect(page.locator("tbody tr", has_text=f"Row 1 {mark}")).to_contain_text("Helps Live has it")
    page.get_by_label(f"Choose #{numbers[1]}").check()  # the first one is still chosen
    page.get_by_role("button", name="Give them back").click()
    for n in range(2):
        expect(page.locator("tbody tr", has_text=f"Row {n} {mark}")).to_contain_text("Nobody yet")
        assert [link for link in person.get(f"Ticket/{numbers[n]}/Ticket_User") if link["type"] == 2] == []
    page.locator(f"a[data-row='{numbers[2]}']").click()
    expect(page.locator("h1")).to_contain_text("Row 2")
    person.add("Ticket_User", tickets_id=numbers[2], users_id=people.ids["rules"], type=2)
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("main .notice.warn")).to_contain_text("Rules Live was faster")


def test_an_administrator_makes_problem_and_change_and_gives_a_profile(
    sites: Visits, people: People, person: Account
) -> None:
    number = person.add("Ticket", name=f"Again {uuid.uuid4().hex[:8]}", content="<p>x</p>", entities_id=0)
    page = sites.signed_in(people.rules, "panel", f"#/tickets/{number}")
    page.locator("#assign-to").select_option(f"u{people.ids['helps']}")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator(".facts-list")).to_contain_text("Helps Live")
    page.get_by_role("button", name="Make a problem of it").click()
    page.get_by_role("button", name="Yes, make it").click()
    expect(page).to_have_url(re.compile("#/problems/"))
    expect(page.get_by_role("link", name=f"#{number}")).to_be_visible()
    page.get_by_role("button", name="Make a change of it").click()
    page.get_by_role("button", name="Yes, make it").click()
    expect(page).to_have_url(re.compile("#/changes/"))
    page.goto(f"{sites.address}/panel/en/#/people")
    rows = page.locator("table.people tbody tr", has_text="Asks Live")
    expect(rows).to_have_count(1)
    page.locator("#grant-who").select_option(str(people.ids["asks"]))
    page.locator("#grant-what").select_option(label="Technician")
    page.get_by_role("button", name="Give it").click()
    page.get_by_role("button", name="Yes, give it").click()
    expect(rows).to_have_count(2)
    rows.filter(has_text="Technician").get_by_role("button", name="Take away").click()
    page.get_by_role("button", name="Yes, take it away").click()
    expect(rows).to_have_count(1)


def test_payloads_are_shown_and_never_run(sites: Visits, people: People, person: Account) -> None:
    number = person.add(
        "Ticket", name=PAYLOADS[0], content="\n".join(PAYLOADS), _users_id_requester=people.ids["asks"], entities_id=0
    )
    for one in PAYLOADS[::6]:
        person.add("ITILFollowup", itemtype="Ticket", items_id=number, content=one)
    for who, site in ((people.asks, "portal"), (people.helps, "panel")):
        page = sites.signed_in(who, site, f"#/tickets/{number}")
        page.locator(".conversation").wait_for()
        assert ran(page) == "undefined"
        page.context.close()
    assert sites.foreign == []


def test_a_wrong_password_is_said(sites: Visits, people: People) -> None:
    page = sites.page()
    page.goto(f"{sites.address}/portal/en/")
    page.locator("#login").fill(people.asks[0])
    page.locator("#password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_contain_text("not right")
