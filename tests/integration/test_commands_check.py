"""check against right, half-wrong and wrong servers: the real fault and its fix, in words."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import responses

from glpi_bridge import share
from glpi_bridge.admin import check_glpi, check_wire
from glpi_bridge.admin.check_zabbix import missing_parameters
from glpi_bridge.admin.finding import State
from glpi_bridge.alert import ALERT_FIELDS
from glpi_bridge.config import Settings
from glpi_bridge.glpi import Account
from glpi_bridge.glpi.locks import Tried, Verdict
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.sandbox.glpi.sessions import PATIENCE, Handler
from glpi_bridge.spool import Spool
from tests.house import MAINTAINER, let_maintain
from tests.integration.installation import Installation, installation


@pytest.fixture(params=["10.0.19", "11.0.6"])
def bridge(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A right installation; the trial of the session lock, two seconds long, has tests of its own."""
    monkeypatch.setattr(check_glpi, "try_locks", lambda _make: Tried(Verdict.LOCKS, "assumed"))
    with installation(tmp_path, request.param) as made:
        shutil.copy(share.path("alert_scripts", "zabbix-glpi"), made.home)
        made.zabbix.raise_problem("web01", "CPU is high", alert=False)
        yield made


def checked(bridge: Installation, *options: str) -> tuple[int, list[dict[str, Any]]]:
    result = bridge.run("check", "--script", str(bridge.home / "zabbix-glpi"), "--json", *options)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)["lines"]


def faults(bridge: Installation, *options: str) -> str:
    """All faults, as one text; there is at least one."""
    code, lines = checked(bridge, *options)
    found = [f"{one['thing']}: {one['text']} → {one['fix']}" for one in lines if one["state"] == "fault"]
    assert code == 1
    assert found, lines
    return "\n".join(found)


def line(bridge: Installation, thing: str, state: str | None = None, *options: str) -> str:
    """The lines about a thing."""
    _, lines = checked(bridge, *options)
    found = [one for one in lines if one["thing"] == thing and state in (None, one["state"])]
    assert found, [(one["state"], one["thing"], one["text"]) for one in lines]
    return "\n".join(f"{one['text']} → {one['fix']}" for one in found)


def login_fault(bridge: Installation, kind: FaultKind, **more: Any) -> str:
    bridge.glpi.order(Fault(kind, Match(path="initSession"), times=None, **more))
    return faults(bridge)


# -- all right --------------------------------------------------------------------------------------------------------


def test_a_right_installation_has_no_fault_and_nothing_is_written(bridge: Installation) -> None:
    code, lines = checked(bridge)
    assert code == 0, [one for one in lines if one["state"] == "fault"]
    things = {one["thing"] for one in lines}
    for thing in (
        "settings",
        "secrets",
        "rules",
        "spool",
        "alert script",
        "store",
        "GLPI version",
        "GLPI rights",
        "clock",
    ):
        assert thing in things
    assert "10.0.19" in line(bridge, "GLPI version") or "11.0.6" in line(bridge, "GLPI version")
    assert not (bridge.home / "bridge.db").exists()
    assert bridge.glpi.tickets() == []
    assert bridge.glpi.sessions() == []


def test_the_lines_are_printed_one_a_thing_with_a_sum_at_the_end(bridge: Installation) -> None:
    printed = bridge.ok("check", "--script", str(bridge.home / "zabbix-glpi")).splitlines()
    assert re.match(r"\d+ things looked at: 0 faults", printed[-1])
    assert all(re.match(r"(ok|warning|unknown) ", one) for one in printed[:-1])


# -- this machine -----------------------------------------------------------------------------------------------------


def test_wrong_settings_are_told_all_at_once_with_their_lines(bridge: Installation) -> None:
    bridge.path.write_text(bridge.path.read_text() + "spol: x\nretention: 90\n")
    said = faults(bridge)
    assert "spool" in said
    assert "retention" in said
    assert "bridge.yml:" in said


def test_a_secret_that_others_can_read_is_a_fault_and_the_rest_is_checked(bridge: Installation) -> None:
    (bridge.home / "user.token").chmod(0o644)
    said = faults(bridge)
    assert "glpi.user_token_file" in said
    assert "chmod 600" in said
    assert "tested" in line(bridge, "Zabbix zabbix version")


def test_broken_rules_and_templates_are_told_with_their_lines(bridge: Installation) -> None:
    bridge.write(rules="rules:\n  - {match: {hosst: x}}\n")
    assert "rules.yml:2" in faults(bridge)
    bridge.write(rules='default:\n  title: "{{ nme }}"\n')
    assert "rules.yml:2" in faults(bridge)


def test_a_missing_spool_says_how_it_is_made(bridge: Installation) -> None:
    shutil.rmtree(bridge.spool)
    assert "install -d" in faults(bridge)


def test_the_script_must_be_there_run_be_ours_and_find_the_spool(bridge: Installation) -> None:
    script = bridge.home / "zabbix-glpi"
    assert "runs and finds" in line(bridge, "alert script", "ok")
    script.write_text(script.read_text() + "# changed\n")
    assert "another version" in line(bridge, "alert script", "warning")
    (bridge.home / "zabbix-glpi.conf").write_text("SPOOL=/elsewhere\n")
    assert "/elsewhere is not a directory" in faults(bridge)
    other = Spool.create(bridge.home / "other").path
    (bridge.home / "zabbix-glpi.conf").write_text(f"SPOOL={other}\n")
    assert "not the spool of bridge.yml" in faults(bridge)
    (bridge.home / "zabbix-glpi.conf").write_text(f"SPOOL={bridge.spool}\n")
    script.write_bytes(share.path("alert_scripts", "zabbix-glpi").read_bytes())
    assert "runs and finds" in line(bridge, "alert script", "ok")
    (bridge.home / "zabbix-glpi.conf").unlink()
    script.chmod(0o644)
    assert "chmod 755" in faults(bridge)
    script.unlink()
    assert "not there" in faults(bridge)


def test_a_script_at_no_usual_place_is_a_warning(bridge: Installation) -> None:
    said = bridge.run("check").output
    assert "AlertScriptsPath" in said


def test_a_store_that_cannot_be_used_is_a_fault_and_is_left_alone(bridge: Installation) -> None:
    store = bridge.home / "bridge.db"
    store.write_bytes(b"this is not a database, and long enough to be read as one" * 20)
    store.chmod(0o600)
    assert "store" in faults(bridge)
    assert store.read_bytes().startswith(b"this")
    store.unlink()
    bridge.ok("deliver")
    assert store.stat().st_mode & 0o777 == 0o600
    assert "schema" in line(bridge, "store", "ok")
    store.chmod(0o644)
    assert "chmod 600" in faults(bridge)
    if os.geteuid() == 0:
        os.chown(store, 65534, 65534)
        assert "belongs to" in faults(bridge)


# -- GLPI from the wire inwards ---------------------------------------------------------------------------------------


def test_a_name_that_is_not_known_is_the_layer_at_fault(bridge: Installation) -> None:
    bridge.write(url="http://glpi.invalid/")
    assert "GLPI name: glpi.invalid" in faults(bridge)


def test_a_refused_connection_is_the_layer_at_fault(bridge: Installation) -> None:
    bridge.glpi.refuse(0)
    assert "GLPI connection" in faults(bridge)
    bridge.glpi.accept_again()


@pytest.mark.field("F80")
def test_a_certificate_of_an_unknown_ca_is_the_layer_at_fault_until_ca_file_names_it(tmp_path: Path) -> None:
    with installation(tmp_path, tls="good") as made:
        said = faults(made)
        assert "GLPI TLS" in said
        assert "set ca_file" in said
        made.write(more_glpi=f"ca_file: {made.glpi.ca_file}")
        assert "certificates of" in line(made, "GLPI way", "ok")
        assert "takes our token" in line(made, "GLPI log-in", "ok")


@pytest.mark.parametrize(("kind", "said"), [("expired", "has expired"), ("other_name", "is for another name")])
def test_what_is_wrong_with_a_certificate_is_told(tmp_path: Path, kind: str, said: str) -> None:
    with installation(tmp_path, tls=kind) as made:
        made.write(more_glpi=f"ca_file: {made.glpi.ca_file}")
        assert re.search(f"GLPI TLS: .*{said}", faults(made))


def test_a_redirect_names_its_target(bridge: Installation) -> None:
    assert re.search("GLPI address: .*redirects to", login_fault(bridge, FaultKind.REDIRECT))


@pytest.mark.field("F30")
@pytest.mark.parametrize("path", ["", "/", "/apirest.php", "/apirest.php/"])
def test_any_way_to_write_the_address_works(bridge: Installation, path: str) -> None:
    bridge.write(url=bridge.glpi.root + path)
    code, _ = checked(bridge)
    assert code == 0


@pytest.mark.field("F30")
def test_a_wrong_alias_is_told_the_right_one(bridge: Installation) -> None:
    bridge.write(url=f"{bridge.glpi.root}/moved/")
    assert f"GLPI's API answers at {bridge.glpi.root}/apirest.php: set glpi.url to that" in faults(bridge)


def test_a_login_page_instead_of_the_api_is_told(bridge: Installation) -> None:
    assert "is glpi.url right?" in login_fault(bridge, FaultKind.LOGIN_PAGE)


@pytest.mark.field("F28")
def test_a_stripped_authorization_header_prints_apaches_line(bridge: Installation) -> None:
    bridge.glpi.set(authorization_stripped=True)
    assert "SetEnvIf Authorization" in faults(bridge)


def test_an_api_that_is_switched_off_is_told(bridge: Installation) -> None:
    bridge.glpi.set(api_enabled=False)
    assert "is the API switched on" in faults(bridge)


@pytest.mark.field("F31")
def test_an_address_that_is_not_allowed_is_named(bridge: Installation) -> None:
    bridge.glpi.set(first_ip="10.0.0.1", last_ip="10.0.0.2")
    said = faults(bridge)
    assert "127.0.0.1" in said
    assert "API client" in said


def test_a_wrong_app_token_and_a_wrong_user_token_are_told_apart(bridge: Installation) -> None:
    bridge.secret("app.token", "0" * 40)
    assert "ERROR_WRONG_APP_TOKEN_PARAMETER" in faults(bridge)
    bridge.write()
    bridge.secret("user.token", "0" * 40)
    assert "the user token is not valid" in faults(bridge)


def test_a_glpi_that_takes_calls_without_the_app_token_that_is_set_is_a_fault(bridge: Installation) -> None:
    assert "is refused" in line(bridge, "GLPI App-Token", "ok")
    bridge.glpi.set(app_token_required=False)
    assert "GLPI App-Token: GLPI lets calls in without it" in faults(bridge)
    assert bridge.glpi.sessions() == []


def test_a_glpi_that_is_down_behind_its_web_server_is_told(bridge: Installation) -> None:
    assert "GLPI answer" in login_fault(bridge, FaultKind.BAD_GATEWAY_BEFORE)


@pytest.mark.field("F09")
def test_the_way_through_a_proxy_and_past_it_is_told(bridge: Installation) -> None:
    assert "directly" in line(bridge, "GLPI way")
    bridge.write(more_glpi="proxy: http://127.0.0.1:9")
    assert "through the proxy http://127.0.0.1:9" in line(bridge, "GLPI way")
    assert "through the proxy" in faults(bridge)
    bridge.write(more_glpi="proxy: http://127.0.0.1:9\n  no_proxy: [127.0.0.1]")
    assert "in no_proxy" in line(bridge, "GLPI way")
    assert checked(bridge)[0] == 0


@pytest.mark.field("F46")
def test_a_version_that_was_not_tried_is_a_warning(bridge: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_wire, "TESTED", ((9, 5),))
    assert "was not tried; tested are 9.5" in line(bridge, "GLPI version", "warning")


@pytest.mark.field("F12")
def test_a_profile_without_a_right_is_named_with_its_entity_and_the_right(bridge: Installation) -> None:
    with bridge.glpi.world.db.lock:
        bridge.glpi.world.db["Profile"].update(9, {"ticket": 1 | 2 | 1024, "followup": 1 | 4096, "group": 0})
    said = faults(bridge)
    assert 'profile "Bridge" in Root entity lacks `ticket: create`: no ticket can be made' in said
    assert "`group: read`" in said
    warned = line(bridge, "GLPI right", "warning")
    assert "followup: see private" in warned
    assert "followup: add to own" in warned


@pytest.mark.field("F12")
def test_the_wrong_profile_of_several_is_named_with_the_others(bridge: Installation) -> None:
    with bridge.glpi.world.db.lock:
        links = bridge.glpi.world.db["Profile_User"]
        mine = next(i for i in links.ids if links.value(i, "users_id") == 7)
        links.update(mine, {"profiles_id": 1})
        links.insert({"users_id": 7, "profiles_id": 9, "entities_id": 0, "is_recursive": 1})
    said = faults(bridge)
    assert "Self-Service" in said
    assert "Bridge" in said
    bridge.write(more_glpi="profile: Bridge")
    assert "bridge as Bridge in Root entity (profile by setting)" in line(bridge, "GLPI account", "ok")
    assert checked(bridge)[0] == 0


@pytest.mark.field("F13")
def test_an_entity_that_is_not_there_is_told_with_near_names(bridge: Installation) -> None:
    bridge.write(rules="default:\n  entity: Root entity > Operation\n")
    said = faults(bridge)
    assert "rules.yml:2: entity" in said
    assert "did you mean 'Root entity > Operations'" in said


@pytest.mark.field("F48")
def test_an_unknown_category_and_one_of_another_entity_are_told_with_their_lines(bridge: Installation) -> None:
    bridge.write(rules="rules:\n- match: {host: a}\n  category: Monitoring > Dsk\ndefault:\n  category: Lab only\n")
    said = faults(bridge)
    assert "rules.yml:3: category" in said
    assert "did you mean 'Monitoring > Disk'" in said
    assert "rules.yml:5: category" in said
    assert "another entity" in said
    bridge.write(rules="default:\n  category: Lab only\n  entity: Root entity > Lab\n")
    assert checked(bridge)[0] == 0


def test_every_kind_of_name_is_looked_up(bridge: Installation) -> None:
    kinds = ("group", "technician", "requester", "location", "request_source")
    bridge.write(rules="default:\n" + "".join(f"  {kind}: Nowhere\n" for kind in kinds))
    said = faults(bridge)
    for number, _ in enumerate(kinds, 2):
        assert f"rules.yml:{number}: " in said
    bridge.write(
        rules="default: {group: Systems, technician: technician, requester: enduser, location: Room 1, "
        "request_source: Zabbix}\n"
    )
    assert "5 names" in line(bridge, "rules", "ok")


@pytest.mark.field("F64")
def test_templates_with_mandatory_fields_are_a_warning_where_they_can_be_read(bridge: Installation) -> None:
    assert "may not read" in line(bridge, "GLPI templates", "unknown")
    with bridge.glpi.world.db.lock:
        bridge.glpi.world.db["Profile"].update(9, {"itiltemplate": 1})
        bridge.glpi.world.db["TicketTemplateMandatoryField"].insert({"tickettemplates_id": 2, "num": 83})
        bridge.glpi.world.db["TicketTemplateMandatoryField"].insert({"tickettemplates_id": 2, "num": 21})
    said = line(bridge, "GLPI templates", "warning")
    assert 'template "Workstation" makes Location mandatory' in said


@responses.activate
@pytest.mark.parametrize(
    ("minutes", "offset", "state", "said"),
    [
        (0, 1, State.OK, "to the minute; GLPI writes times as UTC+01:00"),
        (0, None, State.WARNING, "does not tell its time zone"),
        (10, -3, State.FAULT, "GLPI's clock is 10m behind ours"),
        (-10, 0, State.FAULT, "GLPI's clock is 10m ahead of ours"),
    ],
)
def test_clocks_that_are_apart_are_a_fault(
    tmp_path: Path, minutes: int, offset: int | None, state: State, said: str
) -> None:
    (tmp_path / "token").write_text("x")
    settings = Settings.from_mapping(
        {
            "glpi": {"url": "http://glpi.example", "user_token_file": "./token"},
            "zabbix": {"url": "http://z.example", "token_file": "./token"},
        },
        directory=tmp_path,
        secrets=False,
    )
    there = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    responses.get("http://glpi.example/apirest.php/initSession", headers={"Date": format_datetime(there, usegmt=True)})
    account = Account(7, "bridge", "Bridge", 9, 0, {}, None if offset is None else timedelta(hours=offset))
    (line,) = check_glpi.check_clock(settings, account, lambda: there + timedelta(minutes=minutes))
    assert line.state is state
    assert said in line.text


@pytest.mark.parametrize("version", ["10.0.19", "11.0.6"])
def test_sessions_that_lock_and_sessions_that_do_not_are_told_apart(tmp_path: Path, version: str) -> None:
    with installation(tmp_path, version) as made:
        shutil.copy(share.path("alert_scripts", "zabbix-glpi"), made.home)
        assert "they lock" in line(made, "GLPI sessions", "ok")
        made.glpi.set(sessions_lock=False)
        assert "they do not lock" in faults(made)
        assert "session.save_handler" in faults(made)
        assert made.glpi.sessions() == []
        assert made.glpi.tickets() == []


@pytest.mark.parametrize(
    ("more", "state", "said"),
    [
        ({"sessions_in": "redis"}, "fault", "they do not lock"),
        ({"sessions_in": "redis-locking"}, "fault", "they do not lock"),
        ({"sessions_in": "memcached"}, "warning", "cannot tell"),
        ({"workers": 1}, "warning", "too few free workers"),
    ],
)
def test_each_way_to_keep_sessions_is_told(
    tmp_path: Path, more: dict[str, Any], state: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PATIENCE, Handler.MEMCACHED, 0.05)  # else it may just live to see the end of the write
    with installation(tmp_path, **more) as made:
        assert said in line(made, "GLPI sessions", state)


def test_a_glpi_that_is_too_quick_or_refuses_the_trial_otherwise_cannot_be_told(tmp_path: Path) -> None:
    with installation(tmp_path) as made:
        made.glpi.order(Fault(FaultKind.LOCK_WAIT, Match("PUT", "Ticket"), times=None))
        assert "cannot tell" in line(made, "GLPI sessions", "warning")
        assert made.glpi.sessions() == []


# -- Zabbix -----------------------------------------------------------------------------------------------------------


@pytest.mark.field("F73")
def test_the_version_of_zabbix_is_told_and_whether_it_is_tested(bridge: Installation) -> None:
    assert "7.0.22, a tested one" in line(bridge, "Zabbix zabbix version", "ok")
    assert "it is bridge's" in line(bridge, "Zabbix zabbix token", "ok")
    bridge.zabbix.api.version = (7, 4, 5)
    assert "7.4.5, tried by its documents" in line(bridge, "Zabbix zabbix version", "ok")
    bridge.zabbix.api.version = (8, 0, 0)
    assert "8.0.0 was not tried; tested are 7.0 to 7.4" in line(bridge, "Zabbix zabbix version", "warning")


def test_a_wrong_zabbix_token_is_a_fault(bridge: Installation) -> None:
    bridge.secret("zabbix.token", "0" * 64)
    assert "token is wrong" in faults(bridge)


@pytest.mark.parametrize(("left", "lacks"), [(1024, "problem: create"), (4, "problem: see all")])
def test_a_rule_that_asks_for_problems_needs_the_right(bridge: Installation, left: int, lacks: str) -> None:
    bridge.glpi.world.db["Profile"].update(9, {"problem": left})
    assert "every right" in line(bridge, "GLPI rights", "ok")
    bridge.write(rules="default:\n  category: Monitoring\n  problem_after: 5 in 7 days\n")
    said = faults(bridge)
    assert lacks in said
    assert "recurring incidents become no Problem" in said


@pytest.mark.field("F81")
def test_no_visible_host_is_a_fault_and_the_visible_ones_are_counted(bridge: Installation) -> None:
    assert "1 visible host in 1 host group" in line(bridge, "Zabbix zabbix hosts", "ok")
    bridge.zabbix.set_rights({})
    assert "0 visible hosts" in faults(bridge)


def test_a_role_that_may_not_acknowledge_is_a_fault(bridge: Installation) -> None:
    bridge.zabbix.set_role(methods=["host.get", "event.get", "problem.get", "trigger.get"])
    assert "does not let us write" in faults(bridge)


def super_admin(bridge: Installation) -> None:
    """Let the token be a super admin's, who sees media types and actions."""
    bridge.zabbix.world.users[3].roleid = 3


@pytest.mark.field("F72")
def test_an_action_without_update_operations_is_a_warning(bridge: Installation) -> None:
    assert "may not read" in line(bridge, "Zabbix zabbix action", "unknown")
    super_admin(bridge)
    bridge.zabbix.set_media_type(exec_path="zabbix-glpi")
    bridge.zabbix.set_action(status=0)
    assert "tells problems, recoveries and updates" in line(bridge, "Zabbix zabbix action", "ok")
    bridge.zabbix.set_action(tells_updates=False)
    said = line(bridge, "Zabbix zabbix action", "warning")
    assert "no update operations" in said
    assert "severity changes" in said


@pytest.mark.field("F70")
def test_a_media_type_that_lacks_parameters_is_told_which(bridge: Installation) -> None:
    super_admin(bridge)
    bridge.zabbix.set_media_type(exec_path="zabbix-glpi")
    assert f"all {len(ALERT_FIELDS)} fields" in line(bridge, "Zabbix zabbix media type", "ok")
    everything = bridge.zabbix.world.media_type.parameters
    bridge.zabbix.set_media_type(parameters=tuple(one for one in everything if "{EVENT.OPDATA}" not in one))
    assert "event_opdata={EVENT.OPDATA}" in line(bridge, "Zabbix zabbix media type", "warning")
    bridge.zabbix.set_media_type(parameters=())
    assert "event_id={EVENT.ID}" in faults(bridge)
    bridge.zabbix.set_media_type(status=1, parameters=everything)
    assert "disabled" in faults(bridge)


def test_parameters_may_use_the_short_names() -> None:
    given = [f"{name}={macro}" for name, macro in ALERT_FIELDS.items() if name != "event_id"]
    assert missing_parameters([*given, "eventid={EVENT.ID}"]) == []
    assert missing_parameters(given) == ["event_id"]


def test_a_zabbix_that_is_not_there_does_not_hide_the_rest(bridge: Installation) -> None:
    bridge.path.write_text(bridge.path.read_text().replace(bridge.zabbix.url, "http://127.0.0.1:9"))
    assert "Zabbix zabbix connection" in faults(bridge)
    assert "every right" in line(bridge, "GLPI rights", "ok")


# -- a real ticket ----------------------------------------------------------------------------------------------------


def trial(bridge: Installation, state: str) -> str:
    return line(bridge, "trial ticket", state, "--ticket")


def test_a_trial_ticket_is_made_read_back_solved_and_closed(bridge: Installation) -> None:
    said = trial(bridge, "ok")
    assert "was made" in said
    assert "marker survives" in said
    assert "solved" in said
    assert "closed (our profile may not delete it)" in said
    (ticket,) = bridge.glpi.tickets()
    assert ticket["status"] == 6
    assert "zabbix check/" in ticket["content"]
    assert len(bridge.glpi.solutions(ticket["id"])) == 1
    assert not (bridge.home / "bridge.db").exists()
    assert bridge.glpi.sessions() == []


def test_a_trial_ticket_is_removed_where_rights_allow(bridge: Installation) -> None:
    with bridge.glpi.world.db.lock:
        bridge.glpi.world.db["Profile"].update(9, {"ticket": 74758 | 8})
    assert "trash" in trial(bridge, "ok")
    assert bridge.glpi.tickets() == []
    assert len(bridge.glpi.tickets(deleted=True)) == 1


@pytest.mark.field("F87")
def test_a_rule_that_takes_the_marker_away_is_a_fault_of_the_trial(bridge: Installation) -> None:
    values = {"content": "<p>rewritten</p>", "name": "rewritten", "urgency": 5, "itilcategories_id": 7}
    bridge.glpi.order(Fault(FaultKind.RULE, Match("POST", "Ticket"), times=None, values=values))
    said = faults(bridge, "--ticket")
    assert "its marker is gone" in said
    assert "business rule" in said or "Rules for tickets" in said
    bridge.glpi.order(Fault(FaultKind.RULE, Match("POST", "Ticket"), values=values))
    warned = trial(bridge, "warning")
    assert "rewrote its title" in warned
    assert "its urgency was sent as" in warned
    assert "its category was sent as" in warned


@pytest.mark.field("F64")
def test_a_template_that_refuses_the_trial_is_told_in_glpis_words(bridge: Installation) -> None:
    bridge.glpi.order(Fault(FaultKind.MANDATORY, Match("POST", "Ticket"), times=None, text="locations_id"))
    said = faults(bridge, "--ticket")
    assert "it was not made" in said
    assert bridge.glpi.tickets() == []


def test_a_trial_ticket_that_the_rules_ignore_or_hold_off_is_told_or_made(bridge: Installation) -> None:
    bridge.write(rules="rules:\n- {match: {source: check}, ignore: no trials here}\n")
    assert "no trials here" in trial(bridge, "unknown")
    bridge.write(rules="default: {hold_off: 1h}\n")
    assert "was made" in trial(bridge, "ok")


# -- planned work -----------------------------------------------------------------------------------------------------


@pytest.fixture
def planned(bridge: Installation) -> Installation:
    """Settings with `maintenance`, and a right account for it in Zabbix."""
    bridge.secret("maintenance.token", let_maintain(bridge.zabbix))
    bridge.glpi.world.db["Profile"].update(9, {"task": 8193})
    text = bridge.path.read_text().replace(
        "  token_file: ./zabbix.token\n",
        "  token_file: ./zabbix.token\n  maintenance: {token_file: ./maintenance.token}\n",
    )
    bridge.path.write_text(text.replace("glpi:\n", "glpi:\n  timezone: UTC\n", 1))
    return bridge


def test_a_right_token_for_maintenance_is_told_and_nothing_is_changed(planned: Installation) -> None:
    assert "maintenance may put 1 host into maintenance" in line(planned, "Zabbix zabbix maintenance", "ok")
    assert "tasks can be read" in line(planned, "planned work", "ok")
    assert planned.zabbix.world.maintenances == {}


def test_what_the_token_for_maintenance_lacks_is_told(planned: Installation) -> None:
    world = planned.zabbix.world
    role, group = world.roles[MAINTAINER], world.usergroups[MAINTAINER]
    role.methods = frozenset({"host.get", "maintenance.get", "maintenance.update"})
    assert "does not allow maintenance.create, maintenance.delete" in faults(planned)
    role.methods, role.actions = None, frozenset()
    assert "does not allow maintenance.create, maintenance.update, maintenance.delete" in faults(planned)
    role.actions, group.rights = None, {world.add_group("Lab servers"): 2}
    assert "maintenance may write no host" in faults(planned)
    role.type = 1
    assert "whose role is of type User" in faults(planned)
    world.tokens[MAINTAINER].status = 1
    assert "token is wrong" in faults(planned)
    (planned.home / "maintenance.token").chmod(0o644)
    assert "zabbix.zabbix.maintenance.token_file" in faults(planned)


def test_tasks_that_cannot_be_seen_and_another_zone_than_glpis_are_told(planned: Installation) -> None:
    planned.glpi.world.db["Profile"].update(9, {"task": 1})
    _, lines = checked(planned)
    said = [one["text"] for one in lines if one["thing"] == "planned work" and one["state"] == "fault"]
    assert len(said) == (0 if planned.glpi.world.dialect.encodes else 1)
    text = planned.path.read_text()
    planned.path.write_text(text.replace("  timezone: UTC\n", "  timezone: Asia/Kathmandu\n", 1))
    assert "GLPI's clock is not that of Asia/Kathmandu" in line(planned, "planned work", "warning")
