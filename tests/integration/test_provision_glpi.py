"""provision glpi against a freshly installed GLPI: made once, adopted twice, refused before anything is half made."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.admin.bridge_rights import wanted
from glpi_bridge.admin.glpi_desk import _GUARDS
from tests.integration.installation import Installation, installation

EXAMPLE = Path(__file__).parents[2] / "config" / "itil.yml"
SUPER_ADMIN, READ = 4, 1
WHOLE = """\
profile: Bridge
account: {name: glpi-bridge, entity: Operations > Lab}
api_client: {name: glpi-bridge, addresses: 127.0.0.1}
request_source: Monitoring
entities:
  - name: Operations
    auto_close: 7d
    survey: {rate: 50, after_days: 2}
    below: [Lab]
root: {auto_close: never}
locations:
  - name: Building A
    below: [Room & co]
categories:
  - name: Monitoring
    for: [incident, problem, change]
    portal: no
    below: [CPU, Disk]
  - name: Only operations
    entity: Operations
    below: [CPU]
groups:
  - Systems
  - {name: Service desk, entity: Operations, members: [jdoe, tech]}
users:
  - name: jdoe
    email: jane.doe@example.org
    realname: Doe
    password_file: ./jdoe.password
    roles:
      - Technician
      - {profile: Observer, entity: Operations, recursive: no}
"""


@pytest.fixture(params=["10.0.19", "11.0.6"])
def fresh(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with installation(tmp_path, request.param, stock=True) as made:
        for name in ("user.token", "app.token"):
            (tmp_path / name).unlink()
        made.secret("admin.password", "glpi")
        made.secret("admin-app.token", made.glpi.app_token)
        made.secret("jdoe.password", "Jane-lab-1")
        yield made
        assert made.glpi.sessions() == []


def arguments(bridge: Installation, *more: str) -> list[str]:
    home = bridge.home
    return [
        "provision", "glpi", "--admin", "glpi", "--admin-password-file", str(home / "admin.password"),
        "--app-token-file", str(home / "admin-app.token"), *more,
    ]  # fmt: skip


def provision(bridge: Installation, text: str, *more: str) -> Any:
    (bridge.home / "itil.yml").write_text(text)
    result = bridge.run(*arguments(bridge, "--json", *more))
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    return json.loads(result.stdout)


def refused(bridge: Installation, text: str) -> str:
    """Run with a faulty file; nothing may have been written."""
    (bridge.home / "itil.yml").write_text(text)
    before = bridge.glpi.snapshot()
    result = bridge.run(*arguments(bridge))
    assert result.exit_code == 1, result.output
    assert tables(bridge.glpi.snapshot()) == tables(before)
    assert not (bridge.home / "user.token").exists()
    return result.output


def tables(snapshot: dict[str, Any]) -> str:
    """What of a backup a run may not touch: a log-in leaves its time on the user."""
    return "\n".join(
        line for line in json.dumps(snapshot, indent=1, default=str).splitlines() if "last_login" not in line
    )


def rows(bridge: Installation, itemtype: str) -> list[dict[str, Any]]:
    table = bridge.glpi.world.db[itemtype]
    return [table.full(number) | {"id": number} for number in table.ids]


@pytest.mark.field("F42")
def test_a_fresh_glpi_gets_all_of_it_at_once_and_a_second_run_changes_nothing(fresh: Installation) -> None:
    made = provision(fresh, WHOLE)
    assert made["changed"]
    assert provision(fresh, WHOLE) == {"changed": False, "changes": []}
    paths = {row["completename"] for row in rows(fresh, "ITILCategory")}
    assert paths == {"Monitoring", "Monitoring > CPU", "Monitoring > Disk", "Only operations", "Only operations > CPU"}
    entity = next(row for row in rows(fresh, "Entity") if row["name"] == "Operations")
    assert (entity["autoclose_delay"], entity["inquest_rate"], entity["inquest_delay"]) == (7, 50, 2)
    lab = next(row for row in rows(fresh, "Entity") if row["name"] == "Lab")
    assert lab["entities_id"] == entity["id"]
    assert [row["email"] for row in rows(fresh, "UserEmail")].count("jane.doe@example.org") == 1
    assert len(rows(fresh, "Group_User")) == 2


def test_the_first_run_of_all_needs_no_app_token_and_goes_on_with_its_own(
    fresh: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GLPI asks for an App-Token, of open sessions too, once the client that fits the address has one."""
    asked = fresh.glpi.api.check_app_token

    def once_there_is_one(request: Any, parameters: Any) -> None:
        if fresh.glpi.world.client_tokens:
            asked(request, parameters)

    monkeypatch.setattr(fresh.glpi.api, "check_app_token", once_there_is_one)
    (fresh.home / "itil.yml").write_text(f"{WHOLE}automatic_actions:\n  queuednotification: 1m\n")
    given = ("provision", "glpi", "--admin", "glpi", "--admin-password-file", str(fresh.home / "admin.password"))
    result = fresh.run(*given, "--json")
    assert result.exit_code == 0, result.output
    assert rows(fresh, "APIClient")


def test_the_profile_that_glpi_gives_a_new_account_by_itself_is_not_given_twice(fresh: Installation) -> None:
    people = "users:\n" + "".join(
        f"  - {{name: {name}, email: {name}@example.org, roles: [Self-Service]}}\n" for name in ("ann", "bob")
    )
    provision(fresh, people)
    for one in (row["id"] for row in rows(fresh, "User") if row["name"] in ("ann", "bob")):
        assert len([row for row in rows(fresh, "Profile_User") if row["users_id"] == one]) == 1
    assert not provision(fresh, people)["changed"]


def test_the_profile_has_exactly_the_rights_of_the_table(fresh: Installation) -> None:
    provision(fresh, WHOLE)
    profile = next(row["id"] for row in rows(fresh, "Profile") if row["name"] == "Bridge")
    given = {row["name"]: row["rights"] for row in rows(fresh, "ProfileRight") if row["profiles_id"] == profile}
    assert {name: value for name, value in given.items() if value} == wanted()


def test_a_right_too_many_or_too_few_is_put_right(fresh: Installation) -> None:
    provision(fresh, WHOLE)
    profile = next(row["id"] for row in rows(fresh, "Profile") if row["name"] == "Bridge")
    right = next(
        row for row in rows(fresh, "ProfileRight") if (row["profiles_id"], row["name"]) == (profile, "computer")
    )
    fresh.glpi.world.db["ProfileRight"].update(right["id"], {"rights": 31})
    [change] = provision(fresh, WHOLE)["changes"]
    assert change["fields"] == {"computer": {"before": 31, "after": 1}}
    assert provision(fresh, WHOLE)["changed"] is False


def test_the_account_works_with_the_files_that_were_made(fresh: Installation) -> None:
    provision(fresh, WHOLE)
    for name in ("user.token", "app.token"):
        assert stat.S_IMODE((fresh.home / name).stat().st_mode) == 0o600
    (fresh.home / "rules.yml").write_text("default: {category: Monitoring > Disk, group: Systems}\n")
    fresh.alert("1")
    said = fresh.ok("deliver")
    [ticket] = fresh.glpi.tickets()
    assert ticket["itilcategories_id"], said


def test_check_says_the_same_as_the_run_and_writes_nothing(fresh: Installation) -> None:
    would = provision(fresh, WHOLE, "--check")
    assert rows(fresh, "ITILCategory") == []
    assert not (fresh.home / "user.token").exists()
    done = provision(fresh, WHOLE)
    assert [(one["action"], one["kind"], one["name"]) for one in would["changes"]] == [
        (one["action"], one["kind"], one["name"]) for one in done["changes"]
    ]
    assert provision(fresh, WHOLE, "--check")["changed"] is False


def test_no_secret_is_printed(fresh: Installation) -> None:
    (fresh.home / "itil.yml").write_text(WHOLE)
    said = fresh.ok(*arguments(fresh, "--diff"))
    for secret in ((fresh.home / "user.token").read_text().strip(), (fresh.home / "app.token").read_text().strip()):
        assert secret not in said
    assert "Jane-lab-1" not in said
    assert "name: (none) -> 'Operations'" in said


def test_a_run_that_broke_off_after_the_token_file_is_finished_by_the_next(fresh: Installation) -> None:
    fresh.secret("user.token", "chosenbeforethebreak")
    provision(fresh, WHOLE)
    assert fresh.glpi.world.user_tokens[max(fresh.glpi.world.user_tokens)] == "chosenbeforethebreak"


def test_what_people_have_is_adopted_and_left_as_it_is(fresh: Installation) -> None:
    db = fresh.glpi.world.db
    db["Group"].insert(
        {"name": "Systems", "completename": "Systems", "is_requester": 0, "is_assign": 1, "comment": "ours"}
    )
    provision(fresh, WHOLE)
    [group] = [row for row in rows(fresh, "Group") if row["name"] == "Systems"]
    assert (group["comment"], group["is_requester"]) == ("ours", 0)


def test_the_example_works_as_it_is(fresh: Installation) -> None:
    text = EXAMPLE.read_text("utf-8")
    assert provision(fresh, text)["changed"]
    assert provision(fresh, text)["changed"] is False
    session = next(row for row in rows(fresh, "CronTask") if row["name"] == "session")
    assert (session["frequency"], session["state"], session["mode"]) == (3600, 1, 2)


SERVICE = """\
calendars:
  - name: Office hours
    hours: {mon-fri: "08:00-12:00, 13:00-18:00", sun: 10:00-11:30}
service_levels:
  - {name: Standard, calendar: Office hours, own: 30m, resolve: 2d, internal_resolve: 90m}
  - {name: At night, resolve: 4h}
ticket_templates:
  - name: Monitoring
    mandatory: [category, location]
    hidden: request source
    predefined: {urgency: high, impact: low}
categories:
  - {name: Monitoring, template: Monitoring, below: [CPU, {name: Desk, template: Default}]}
"""


def test_calendars_service_levels_and_templates_are_made_and_adopted(fresh: Installation) -> None:
    assert provision(fresh, SERVICE)["changed"]
    assert provision(fresh, SERVICE)["changed"] is False
    assert provision(fresh, SERVICE, "--check")["changed"] is False
    calendar = next(row for row in rows(fresh, "Calendar") if row["name"] == "Office hours")
    hours = [(one["day"], one["begin"], one["end"]) for one in rows(fresh, "CalendarSegment")
             if one["calendars_id"] == calendar["id"]]  # fmt: skip
    assert len(hours) == 11
    assert (0, "10:00:00", "11:30:00") in hours
    assert {one["name"]: one["calendars_id"] for one in rows(fresh, "SLM")} == {
        "Standard": calendar["id"], "At night": 0,
    }  # fmt: skip
    agreed = {one["name"]: (one["type"], one["number_time"], one["definition_time"])
              for kind in ("SLA", "OLA") for one in rows(fresh, kind)}  # fmt: skip
    assert agreed == {
        "Standard, time to own": (1, 30, "minute"),
        "Standard, time to resolve": (0, 2, "day"),
        "Standard, internal time to resolve": (0, 90, "minute"),
        "At night, time to resolve": (0, 4, "hour"),
    }
    template = next(row["id"] for row in rows(fresh, "TicketTemplate") if row["name"] == "Monitoring")
    numbers = {kind: sorted(row["num"] for row in rows(fresh, f"TicketTemplate{kind}Field")
               if row["tickettemplates_id"] == template) for kind in ("Mandatory", "Hidden", "Predefined")}  # fmt: skip
    assert numbers == {"Mandatory": [7, 83], "Hidden": [9], "Predefined": [10, 11]}
    used = {row["completename"]: row["tickettemplates_id_incident"] for row in rows(fresh, "ITILCategory")}
    assert used["Monitoring"] == used["Monitoring > CPU"] == template
    assert used["Monitoring > Desk"] == 1


def test_hours_that_changed_are_changed_and_days_that_are_not_named_stay(fresh: Installation) -> None:
    start = 'calendars: [{name: Office, hours: {mon: "08:00-12:00, 13:00-18:00", tue: 08:00-18:00}}]\n'
    provision(fresh, start)
    provision(fresh, "calendars: [{name: Office, hours: {mon: 09:00-17:00}}]\n")
    calendar = next(row["id"] for row in rows(fresh, "Calendar") if row["name"] == "Office")
    hours = sorted((one["day"], one["begin"], one["end"]) for one in rows(fresh, "CalendarSegment")
                   if one["calendars_id"] == calendar)  # fmt: skip
    assert hours == [(1, "09:00:00", "17:00:00"), (2, "08:00:00", "18:00:00")]


def test_an_agreement_that_changed_is_changed(fresh: Installation) -> None:
    provision(fresh, "service_levels: [{name: Standard, own: 30m}]\n")
    provision(fresh, "service_levels: [{name: Standard, own: 1h}]\n")
    [own] = rows(fresh, "SLA")
    assert (own["number_time"], own["definition_time"]) == (1, "hour")


BAD = {
    "a path for a name": ("categories:\n  - Monitoring > CPU\n", "itil.yml:2: `categories[1].name`"),
    "a category twice": ("categories: [A, A]\n", "the category A is given twice"),
    "a group twice": ("groups: [A, A]\n", "the group A is given twice"),
    "a user without e-mail": ("users:\n  - name: x\n", "itil.yml:2: `users[1].email` is missing"),
    "an address that is none": ("users: [{name: x, email: nobody}]\n", "is not an e-mail address"),
    "an unknown key": ("categorys: [A]\n", "did you mean `categories`?"),
    "an entity that is not there": ("groups:\n  - A\n  - {name: B, entity: Nowhere}\n", 'itil.yml:3: entity "Nowhere"'),
    "an entity nearly there": (
        "entities: [Operations]\ngroups:\n  - {name: B, entity: Operatons}\n", 'did you mean "Operations"?'),
    "a profile that is not there": (
        "users:\n  - {name: x, email: x@example.org, roles: [Techncian]}\n", 'did you mean "Technician"?'),
    "a member that is not there": ("groups: [{name: A, members: [tchnician]}]\n", 'user "tchnician" is neither'),
    "a simplified profile": ("profile: Self-Service\n", "has the simplified interface"),
    "a profile of people": ("profile: Super-Admin\n", "is also held by glpi"),
    "an account without profile": ("account: {}\n", "no `profile`"),
    "an action that is not there": ("automatic_actions: {sesion: 1h}\n", 'did you mean "session"?'),
    "a day that is none": ("calendars: [{name: A, hours: {mom: 08:00-18:00}}]\n", '"mom" is no day'),
    "a day twice": ("calendars: [{name: A, hours: {mon: 08:00-18:00, mon-fri: 08:00-18:00}}]\n", "mon is given twice"),
    "hours that run backwards": ("calendars: [{name: A, hours: {mon: 18:00-08:00}}]\n", "ends before it begins"),
    "hours that overlap": ('calendars: [{name: A, hours: {mon: "08:00-12:00, 11:00-13:00"}}]\n', "overlaps"),
    "no hours": ("calendars: [{name: A, hours: all day}]\n", "are no hours"),
    "a calendar nobody has": ("service_levels: [{name: A, calendar: Defalt, own: 1h}]\n", 'did you mean "Default"?'),
    "an agreement on nothing": ("service_levels: [{name: A}]\n", "agrees on nothing"),
    "a part of a minute": ("service_levels: [{name: A, own: 90s}]\n", "GLPI counts minutes"),
    "a field that is none": ("ticket_templates: [{name: A, mandatory: [locaton]}]\n", 'did you mean "location"?'),
    "a template nobody has": ("categories: [{name: A, template: Defaut}]\n", 'did you mean "Default"?'),
    "a part of a day": ("root: {auto_close: 5h}\n", "GLPI counts days"),
    "no address": ("api_client: {addresses: here}\n", "is no IPv4 address"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_faulty_file_is_refused_with_its_line_before_anything_is_written(fresh: Installation, case: str) -> None:
    text, said = BAD[case]
    assert said in refused(fresh, text)


def test_all_faults_are_told_at_once(fresh: Installation) -> None:
    said = refused(fresh, "groups:\n  - {name: A, entity: Nowhere}\n  - {name: B, members: [nobody]}\n")
    assert 'itil.yml:2: entity "Nowhere"' in said
    assert 'itil.yml:3: user "nobody"' in said


def test_two_items_of_one_name_are_not_guessed_between(fresh: Installation) -> None:
    for _ in range(2):
        fresh.glpi.world.db["Group"].insert({"name": "Systems", "completename": "Systems"})
    assert 'group "Systems" is in GLPI 2 times' in refused(fresh, "groups: [Systems]\n")


def test_rights_that_are_too_low_refuse_before_the_first_change(fresh: Installation) -> None:
    fresh.secret("tech.password", "tech")
    fresh.glpi.world.passwords[4] = fresh.glpi.world.passwords[2]
    (fresh.home / "itil.yml").write_text(WHOLE)
    line = [one if one != "glpi" or at < 2 else "tech" for at, one in enumerate(arguments(fresh))]
    result = fresh.run(*line)
    assert result.exit_code == 1
    assert "sign in as a Super-Admin" in result.output
    assert rows(fresh, "ITILCategory") == []


STEPS = {
    "entity": "entities: [Operations]\n",
    "location": "locations: [Building A]\n",
    "itilcategory": "categories: [Monitoring]\n",
    "dropdown": "request_source: Monitoring\n",
    "group": "groups: [Second line]\n",
    "user": "users: [{name: x, email: x@example.org}]\n",
    "profile": "profile: Bridge of its own\n",
    "config": "api_client: {name: glpi-bridge, addresses: 127.0.0.1}\n",
    "calendar": "calendars: [{name: A, hours: {mon: 08:00-18:00}}]\n",
    "slm": "service_levels: [{name: A, own: 30m}]\n",
    "itiltemplate": "ticket_templates: [{name: A, mandatory: [category]}]\n",
}


def test_each_step_has_its_right() -> None:
    assert STEPS.keys() == {right for right, _, _ in _GUARDS.values()}


@pytest.mark.parametrize("left", [0, READ], ids=["none", "only to read"])
@pytest.mark.parametrize("right", STEPS)
def test_each_right_that_lacks_is_named_before_the_first_change(fresh: Installation, right: str, left: int) -> None:
    fresh.glpi.world.db["Profile"].update(SUPER_ADMIN, {right: left})
    also = "" if right == "group" else "groups: [Second line]\n"  # allowed, and not made either
    said = refused(fresh, STEPS[right] + also)
    assert "sign in as a Super-Admin" in said
    assert f"lacks `{right}: " in said or "may not read" in said


def test_a_wrong_password_is_told_without_it(fresh: Installation) -> None:
    fresh.secret("admin.password", "Wrong-1")
    said = refused(fresh, "groups: [A]\n")
    assert "refuses the administrator's log-in" in said
    assert "Wrong-1" not in said


def test_actions_that_do_not_run_are_told(fresh: Installation) -> None:
    """A cron job of GLPI is what makes them run, and none can be seen from here but by its effect."""
    (fresh.home / "itil.yml").write_text("automatic_actions: {session: 1h, closeticket: 12h, queuednotification: 1m}\n")
    table = fresh.glpi.world.db["CronTask"]
    by_name = {table.value(i, "name"): i for i in table.ids}
    hour = timedelta(hours=1)
    for name, last in (("session", -hour), ("closeticket", -100 * hour), ("queuednotification", -hour)):
        table.update(by_name[name], {"lastrun": fresh.glpi.world.now(last)})
    told = fresh.run(*arguments(fresh)).stderr
    assert "automatic action closeticket has not run since" in told
    assert "automatic action queuednotification has not run since" in told
    assert "session" not in told
    assert "front/cron.php every minute" in told
    table.update(by_name["closeticket"], {"lastrun": None})
    assert "closeticket has never run" in fresh.run(*arguments(fresh, "--check")).stderr
    for i in table.ids:
        table.update(i, {"lastrun": fresh.glpi.world.now()})
    assert fresh.run(*arguments(fresh, "--check")).stderr == ""
