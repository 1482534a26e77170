"""provision zabbix against a new Zabbix of each version (a stand-in): made once, kept, refused whole, taken away."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glpi_bridge import share
from glpi_bridge.admin.zabbix import templates
from glpi_bridge.admin.zabbix.role import METHODS
from glpi_bridge.cli import main
from glpi_bridge.itil import zabbix_maintenance
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.sandbox.zabbix.faults import FaultKind
from glpi_bridge.sandbox.zabbix.model import Media, MediaType, Role, Template, Token, User, UserGroup
from glpi_bridge.sandbox.zabbix.server import ADMIN_PASSWORD, VERSIONS, bare_world
from glpi_bridge.sandbox.zabbix.world import World
from glpi_bridge.spool import Spool
from glpi_bridge.zabbix import NoRight, UserType, Zabbix

BRIDGE = """\
glpi: {{url: https://glpi.example/, user_token_file: ./glpi.token}}
zabbix:
  url: {url}
  token_file: ./zabbix.token
  timezone: UTC
  total_timeout: 5s
  {health}
spool: ./spool
store: ./bridge.db
"""
WISHES = "host_groups: [Lab servers]\n"
NAME = "glpi-bridge"
KINDS = {
    "mediatype": {"selectMessageTemplates": "extend"},
    "usergroup": {"selectHostGroupRights": "extend", "selectUsers": ["userid"]},
    "role": {"selectRules": "extend"},
    "user": {"selectMedias": "extend", "selectUsrgrps": ["usrgrpid"]},
    "token": {},
    "action": {
        "selectFilter": "extend",
        "selectOperations": "extend",
        "selectRecoveryOperations": "extend",
        "selectUpdateOperations": "extend",
    },
    "script": {},
    "template": {},
    "templategroup": {},
    "host": {"selectInterfaces": "extend", "selectMacros": "extend", "selectHostGroups": "extend"},
}
ALL = [
    ("create", "media type"),
    ("create", "user group"),
    ("create", "role"),
    ("create", "user"),
    ("create", "API token"),
    ("update", "API token of"),
    ("create", "action"),
    ("create", "script"),
    ("create", "template"),
    ("create", "template"),
]
GONE = [
    ("remove", kind)
    for kind in (
        *("script", "action", "API token", "user", "user group", "role", "media type"),
        *("template", "template", "template group"),
    )
]


@dataclass
class Bridge:
    """A bridge's settings in a directory, and the command line on it."""

    home: Path
    zabbix: Standin
    admin: str = "Admin"

    def run(self, *more: str, wishes: str = WISHES) -> Result:
        (self.home / "zabbix.yml").write_text(wishes)
        words = ["-c", str(self.home / "bridge.yml"), "provision", "zabbix", "--admin", self.admin]
        return CliRunner().invoke(main, [*words, "--admin-password-file", str(self.home / "password"), *more])

    def provision(self, *more: str, wishes: str = WISHES) -> list[tuple[str, str]]:
        """Run it; give what was changed as action and kind."""
        result = self.run("--json", *more, wishes=wishes)
        assert result.exit_code == 0, f"{result.output}{result.exception!r}"
        told = json.loads(result.stdout)
        assert told["changed"] is bool(told["changes"])
        return [(one["action"], one["kind"]) for one in told["changes"]]

    def refused(self, *more: str, wishes: str = WISHES) -> str:
        """Run it; nothing may have been changed, and no secret is said."""
        before = self.all()
        result = self.run(*more, wishes=wishes)
        assert result.exit_code == 1, result.output
        assert self.all() == before
        assert not isinstance(result.exception, AssertionError)
        assert "Traceback" not in result.output
        return result.output

    def all(self) -> dict[str, Any]:
        """All that provisioning could touch, as a super admin sees it; moments of use apart."""
        admin = self.zabbix.world.users[1]
        methods = self.zabbix.api.methods
        found = {kind: methods[f"{kind}.get"](admin, {"output": "extend", **parts}) for kind, parts in KINDS.items()}
        for row in (*found["token"], *found["user"]):
            row.pop("lastaccess", None)
            row.pop("attempt_failed", None)
        return found

    def one(self, kind: str) -> Any:
        """The object of our name in the world."""
        tables = {
            "mediatype": self.zabbix.world.media_types,
            "usergroup": self.zabbix.world.usergroups,
            "role": self.zabbix.world.roles,
            "user": self.zabbix.world.users,
            "token": self.zabbix.world.tokens,
            "action": self.zabbix.world.actions,
        }
        return next(row for row in tables[kind].values() if NAME in {row.name, getattr(row, "username", "")})

    def secret(self, name: str, text: str) -> Path:
        path = self.home / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path


def make(home: Path, version: str = "7.0", health: str = "") -> Iterator[Bridge]:
    spool = Spool.create(home / "spool")
    script = home / "scripts" / "zabbix-glpi"
    script.parent.mkdir()
    script.write_bytes(share.path("alert_scripts", "zabbix-glpi").read_bytes())
    script.chmod(0o755)
    (script.parent / "zabbix-glpi.conf").write_text(f"SPOOL={spool.path}\n")
    with Standin(world=bare_world(World()), script=script, version=version, threads=False) as zabbix:
        made = Bridge(home, zabbix)
        made.secret("glpi.token", "x")
        made.secret("password", ADMIN_PASSWORD)
        (home / "bridge.yml").write_text(BRIDGE.format(url=zabbix.url, health=health))
        yield made
        assert zabbix.not_served == []
        assert not zabbix.world.sessions, "a session of the administrator was left open"


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    yield from make(tmp_path)


@pytest.fixture(params=sorted(VERSIONS))
def of_each_version(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bridge]:
    yield from make(tmp_path, request.param)


# -- made and kept ----------------------------------------------------------------------------------------------------


def test_a_second_run_and_check_find_nothing_to_change_on_any_version(of_each_version: Bridge) -> None:
    bridge, before = of_each_version, of_each_version.all()
    assert bridge.provision("--check") == ALL
    assert bridge.all() == before
    assert not (bridge.home / "zabbix.token").exists()
    assert bridge.provision() == ALL
    made = bridge.all()
    assert bridge.provision("--check") == []
    assert bridge.provision() == []
    assert bridge.all() == made
    assert bridge.provision("--remove", "--check") == GONE
    assert bridge.all() == made
    assert bridge.provision("--remove") == GONE
    assert bridge.all() == before
    assert not (bridge.home / "zabbix.token").exists()
    assert bridge.provision("--remove") == []


def test_the_token_file_is_private_and_good_for_all_that_the_bridge_calls(of_each_version: Bridge) -> None:
    bridge = of_each_version
    bridge.provision()
    path = bridge.home / "zabbix.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    eventid = bridge.zabbix.raise_problem("web01", "CPU is high")
    with Zabbix(bridge.zabbix.url, token_file=path) as client:
        assert client.me().username == NAME
        assert client.can_acknowledge()
        assert (client.visible().host_groups, client.visible().hosts) == (1, 1)
        assert list(client.open_states()) == [eventid]
        assert client.events([eventid])[eventid].name == "CPU is high"
        client.acknowledge(eventid, "Ticket 12")
        assert client.has_message(eventid, "Ticket 12")
        assert [one.name for one in client.media_types()] == [NAME]
        [action] = client.actions()
        assert (action.is_enabled, action.tells_updates, action.tells_recovery) == (True, True, True)
        [host] = client.all_hosts()
        assert host.host == "web01"


def test_what_was_provisioned_hands_problems_updates_and_recoveries_to_the_spool(of_each_version: Bridge) -> None:
    bridge, zabbix = of_each_version, of_each_version.zabbix
    bridge.provision()
    eventid = zabbix.raise_problem("web01", "CPU is high", severity=4, tags={"component": "cpu"})
    zabbix.raise_problem("web01", "the bridge itself", tags={"glpi_ticket": "no"})
    zabbix.raise_problem("foreign01", "not ours", group="Linux servers")
    zabbix.run_alerts()
    zabbix.update(eventid, message="looking")
    zabbix.run_alerts()
    zabbix.recover(eventid)
    zabbix.run_alerts()
    spool = Spool(bridge.home / "spool")
    told = [spool.read(entry) for entry in spool.entries()]
    assert sorted(str(one.kind) for one in told) == ["problem", "recovery", "update"]
    assert {(one.eventid, one.fields["event_name"]) for one in told} == {(eventid, "CPU is high")}
    assert {one["status"] for one in zabbix.alerts()} == {"1"}


@pytest.mark.field("F103")
def test_a_second_media_of_the_user_gets_nothing(bridge: Bridge) -> None:
    bridge.provision()
    world = bridge.zabbix.world
    world.media_types[99] = MediaType(99, "Another")
    bridge.one("user").medias.append(Media(99, 99, "bridge@example.org"))
    eventid = bridge.zabbix.raise_problem("web01", "CPU is high")
    bridge.zabbix.run_alerts()
    bridge.zabbix.update(eventid, message="looking")
    bridge.zabbix.run_alerts()
    bridge.zabbix.recover(eventid)
    bridge.zabbix.run_alerts()
    told = [one["mediatypeid"] for one in bridge.zabbix.alerts()]
    assert told == [str(bridge.one("mediatype").mediatypeid)] * 3
    assert bridge.provision() == []


def test_the_role_leaves_nothing_open_that_zabbix_would_open_by_itself(bridge: Bridge) -> None:
    bridge.provision()
    role = bridge.one("role")
    assert role.ui == {"monitoring.hosts"}
    assert role.methods == METHODS
    assert not role.may("execute_scripts")
    assert not role.may_call("user.get")
    assert bridge.one("user").usergroups == {bridge.one("usergroup").usrgrpid}
    assert bridge.one("usergroup").rights == {24: 2}


@pytest.mark.field("F72")
def test_whatever_was_changed_by_hand_is_put_right_and_nothing_else(bridge: Bridge) -> None:
    bridge.provision()
    before = bridge.all()
    bridge.one("mediatype").status, bridge.one("mediatype").maxattempts = 1, 3
    bridge.one("usergroup").rights = {}
    bridge.one("role").methods = ("*",)
    bridge.one("user").medias[0].severity = 1
    bridge.one("token").status = 1
    bridge.one("action").status, bridge.one("action").update_operations = 1, []
    kinds = ["media type", "user group", "role", "user", "API token", "action"]
    assert bridge.provision("--check") == [("update", kind) for kind in kinds]
    assert bridge.provision() == [("update", kind) for kind in kinds]
    after = bridge.all()
    for one in (before, after):  # an operation that is made anew has a new id
        for row in one["action"]:
            row["update_operations"][0].pop("operationid")
    assert after == before
    assert bridge.provision() == []


def test_what_differs_is_shown_field_by_field_and_no_secret_is(bridge: Bridge) -> None:
    bridge.provision()
    secrets = [bridge.one("token").value, bridge.one("user").password, ADMIN_PASSWORD]
    bridge.one("mediatype").maxattempts = 3
    shown = bridge.run("--check", "--diff").output
    assert "would update media type glpi-bridge" in shown
    assert "    attempts: 3 -> 10" in shown
    assert "1 change to make" in shown
    said = shown + bridge.run("--diff").output + bridge.run("--json").output
    assert bridge.run().output.strip().endswith("unchanged")
    assert not [one for one in secrets if one in said and one != ADMIN_PASSWORD]


@pytest.mark.parametrize("content", [None, "", "0" * 64, "rubbish"])
def test_a_token_that_is_lost_is_generated_anew(bridge: Bridge, content: str | None) -> None:
    bridge.provision()
    path = bridge.home / "zabbix.token"
    before = path.read_text()
    path.unlink()
    if content is not None:
        bridge.secret("zabbix.token", content)
    assert bridge.provision() == [("update", "API token of")]
    assert path.read_text() != before
    assert bridge.provision() == []


def test_an_administrators_api_token_does_as_well_as_a_password(bridge: Bridge) -> None:
    bridge.zabbix.world.tokens[9] = Token(9, "mine", 1, "9e" * 32)
    token = bridge.secret("admin.token", "9e" * 32)
    bridge.secret("password", "not needed")
    assert bridge.provision("--admin-token-file", str(token)) == ALL
    assert bridge.provision("--admin-token-file", str(token), "--check") == []


def test_what_watches_the_bridge_itself_is_made_where_bridge_yml_says_that_it_tells(tmp_path: Path) -> None:
    for bridge in make(tmp_path, health="health: {server: 127.0.0.1}"):
        assert bridge.provision() == [*ALL, ("create", "host"), ("create", "action")]
        assert bridge.provision() == []
        by_name = {one.name: one for one in bridge.zabbix.world.actions.values()}
        [told] = by_name[f"{NAME} health"].operations
        assert told["opmessage_grp"] == [{"usrgrpid": "7"}]
        assert len(bridge.provision("--remove")) == len(GONE) + 2


def test_a_host_keeps_what_people_add_and_gets_a_new_key_from_its_file(bridge: Bridge) -> None:
    key = bridge.secret("web01.psk", "1f" * 32)
    wishes = WISHES + (
        "hosts:\n  - name: web01\n    groups: [Linux servers]\n    templates: [Temperature by glpi_bridge]\n"
        "    address: 127.0.0.1\n    psk_identity: web01\n    psk_file: ./web01.psk\n"
        '    macros: {"{$TEMP_WARN}": 70}\n'
    )
    assert bridge.provision(wishes=wishes)[-1] == ("create", "host")
    assert bridge.provision(wishes=wishes) == []
    host = bridge.zabbix.world.host_named("web01")
    interface = host.interfaceid
    host.groupids.add(24)
    host.tags = [("env", "lab")]
    host.status = 1
    assert bridge.provision(wishes=wishes) == [("update", "host")]
    key.write_text("2f" * 32)
    assert bridge.provision("--check", wishes=wishes) == [("update", "host")]
    assert bridge.provision(wishes=wishes) == [("update", "host")]
    assert bridge.provision(wishes=wishes) == []
    assert (host.interfaceid, host.groupids, host.tags) == (interface, {22, 24}, [("env", "lab")])
    assert host.psk == ("web01", "2f" * 32)
    assert "2f2f" not in host.description
    bridge.provision("--remove", wishes=wishes)
    assert not bridge.zabbix.world.hosts


def test_what_is_imported_by_hand_does_not_differ_from_what_the_command_makes(of_each_version: Bridge) -> None:
    bridge = of_each_version
    rules = {**templates.RULES, "mediaTypes": {"createMissing": True, "updateExisting": True}}
    admin = bridge.zabbix.world.users[1]
    for path in sorted(share.path("config", "zabbix").glob("*.yaml")):
        params = {"format": "yaml", "rules": rules, "source": path.read_text("utf-8")}
        assert bridge.zabbix.api.methods["configuration.import"](admin, params) is True
    made = [kind for _, kind in bridge.provision("--check")]
    assert "user" in made
    assert not {"media type", "template"} & set(made)


# -- other people's things, and bad input -----------------------------------------------------------------------------


def _foreign(bridge: Bridge, kind: str) -> None:
    """Make other people's object of our name."""
    call, admin = bridge.zabbix.api.methods, bridge.zabbix.world.users[1]
    if kind == "mediatype":
        call["mediatype.create"](admin, {"name": NAME, "type": 1, "exec_path": "own.sh"})
    elif kind == "usergroup":
        call["usergroup.create"](admin, {"name": NAME, "users": [{"userid": "1"}]})
    elif kind == "role":
        call["role.create"](admin, {"name": NAME, "type": 2})
    elif kind == "user":
        call["user.create"](admin, {"username": NAME, "passwd": "Qk92-glue-passw", "roleid": "1"})
    elif kind == "script":
        url = {"name": "Open GLPI ticket", "type": 6, "scope": 4, "url": "https://wiki.example/"}
        call["script.create"](admin, url)
    elif kind == "template":
        bridge.zabbix.world.templates[5] = Template(5, "GLPI bridge health", "f" * 32, set(), {})
    elif kind == "host":
        call["host.create"](admin, {"host": "web01", "groups": [{"groupid": "22"}]})
    else:
        message = {"default_msg": 1, "mediatypeid": "0"}
        operation = {"operationtype": 0, "opmessage": message, "opmessage_grp": [{"usrgrpid": "7"}]}
        call["action.create"](admin, {"name": NAME, "eventsource": 0, "operations": [operation]})


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("mediatype", 'media type "glpi-bridge" is in Zabbix already and is not ours (its description does not say'),
        ("usergroup", "Admin has it"),
        ("role", "nobody has it, and it is not as we make it"),
        ("user", 'it has the role "User role"'),
        ("action", "it also tells user group Zabbix administrators by all media"),
        ("script", "write `ticket_link: off` in zabbix.yml, or rename it"),
        ("template", "it has another uuid"),
        ("host", 'host "web01" is in Zabbix already and is not ours'),
    ],
)
def test_what_others_made_stays_untouched_and_nothing_is_half_made(bridge: Bridge, kind: str, said: str) -> None:
    _foreign(bridge, kind)
    wishes = WISHES + "hosts:\n  - {name: web01, groups: [Linux servers]}\n"
    told = bridge.refused(wishes=wishes)
    assert said in told
    assert "is left alone" in told
    assert not (bridge.home / "zabbix.token").exists()
    before = bridge.all()
    assert bridge.provision("--remove", wishes=wishes) == []
    assert bridge.all() == before


def test_an_action_of_others_that_uses_ours_keeps_us_from_removing(bridge: Bridge) -> None:
    bridge.provision()
    user, media = bridge.one("user").userid, bridge.one("mediatype").mediatypeid
    message = {"default_msg": 1, "mediatypeid": str(media)}
    operation = {"operationtype": 0, "opmessage": message, "opmessage_usr": [{"userid": str(user)}]}
    admin = bridge.zabbix.world.users[1]
    params = {"name": "Own", "eventsource": 0, "operations": [operation]}
    bridge.zabbix.api.methods["action.create"](admin, params)
    told = bridge.refused("--remove")
    assert 'action "Own" also uses what is to be removed' in told


def test_a_good_token_of_somebody_else_is_not_written_over(bridge: Bridge) -> None:
    bridge.zabbix.world.tokens[9] = Token(9, "mine", 1, "9e" * 32)
    path = bridge.secret("zabbix.token", "9e" * 32)
    assert "holds a good token of the user Admin" in bridge.refused()
    assert path.read_text() == "9e" * 32


def test_names_that_zabbix_has_not_are_all_told_by_their_lines(bridge: Bridge) -> None:
    told = bridge.refused(wishes="host_groups:\n  - Lab servrs\n  - Lab servers\n  - Nowhere\nuser_groups: [Nobody]\n")
    assert 'zabbix.yml:2: host group "Lab servrs" is not in Zabbix' in told
    assert 'did you mean "Lab servers"?' in told
    assert 'zabbix.yml:4: host group "Nowhere" is not in Zabbix' in told
    assert 'zabbix.yml:5: user group "Nobody" is not in Zabbix' in told


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (Role(9, "User role", 1), 'the role "User role" of helper is no super admin'),
        (Role(9, "x", 2), 'the role "x" of helper is no super admin\'s, and only they may set this up'),
        (Role(9, "x", 3, has_api=False), "does not allow role.get, or no access to the API at all"),
        (
            Role(9, "x", 3, denied=("action.*",)),
            "does not allow action.get, action.create, action.update, action.delete",
        ),
        (Role(9, "x", 3, ("role.get", "user.get")), "does not allow mediatype.get, mediatype.create"),
        (Role(9, "x", 3, actions=frozenset({"close_problems"})), "`manage_api_tokens`"),
    ],
)
@pytest.mark.field("F104")
def test_each_missing_right_of_the_administrator_is_told_before_a_write(bridge: Bridge, role: Role, said: str) -> None:
    bridge.zabbix.world.roles[9] = role
    bridge.zabbix.world.users[9] = User(9, "helper", 9, "Qk92-glue-passw", usergroups=frozenset({7}))
    bridge.admin = "helper"
    bridge.secret("password", "Qk92-glue-passw")
    assert said in bridge.refused()


def test_a_wrong_password_is_told_as_that(bridge: Bridge) -> None:
    bridge.secret("password", "wrong")
    told = bridge.refused()
    assert "does not let Admin in" in told
    assert "wrong" not in told.replace("Incorrect user name or password", "")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ((6, 4, 21), "this Zabbix is 6.4.21, older than the tested 7.0 to 7.4: nothing is done"),
        ((8, 0, 0), "this Zabbix is 8.0.0, newer than the tested 7.0 to 7.4: nothing is done"),
    ],
)
def test_a_zabbix_that_is_too_old_or_too_new_is_left_alone(
    bridge: Bridge, version: tuple[int, int, int], said: str
) -> None:
    bridge.zabbix.api.version = version
    assert said in bridge.refused()


def test_an_administrator_who_sees_no_host_group_is_told_which_one_is_meant(bridge: Bridge) -> None:
    bridge.zabbix.world.groups.clear()
    assert 'host group "Lab servers" is not in Zabbix' in bridge.refused()


# -- half-way ---------------------------------------------------------------------------------------------------------

WRITES = [
    *("mediatype.create", "usergroup.create", "role.create", "user.create", "token.create", "token.generate"),
    *("action.create", "script.create", "configuration.import"),
]


@pytest.mark.parametrize("method", WRITES)
def test_what_zabbix_refuses_half_way_leaves_nothing_half_made(bridge: Bridge, method: str) -> None:
    before = bridge.all()
    bridge.zabbix.fault(FaultKind.NO_RIGHTS, method=method)
    result = bridge.run()
    assert result.exit_code == 1
    assert f'No permissions to call "{method}"' in result.output
    assert bridge.all() == before
    assert not (bridge.home / "zabbix.token").exists()
    if method != WRITES[0]:
        assert "are taken away again" in result.output
    assert bridge.provision() == ALL


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        *((method, FaultKind.RESET_AFTER) for method in WRITES),
        ("user.create", FaultKind.RESET),
        ("action.create", FaultKind.ERROR_500_AFTER),
        ("token.generate", FaultKind.EMPTY),
    ],
)
def test_an_unanswered_call_is_told_and_the_next_run_takes_over_what_was_made(
    bridge: Bridge, method: str, kind: FaultKind
) -> None:
    bridge.zabbix.fault(kind, method=method)
    result = bridge.run()
    assert result.exit_code == 1
    assert "answer was lost; run this again, what was made is taken over" in result.output
    bridge.provision()
    assert bridge.provision("--check") == []
    named = [one.name for one in bridge.zabbix.world.media_types.values()]
    assert named == [NAME]
    assert [one.name for one in bridge.zabbix.world.tokens.values()] == [NAME]


def test_what_was_taken_back_only_in_part_is_named(bridge: Bridge) -> None:
    bridge.zabbix.fault(FaultKind.NO_RIGHTS, method="action.create")
    bridge.zabbix.fault(FaultKind.NO_RIGHTS, method="role.delete")
    result = bridge.run()
    assert result.exit_code == 1
    assert "role glpi-bridge could not be taken back" in result.output
    assert "run this again" in result.output
    bridge.provision()
    assert bridge.provision("--check") == []


def test_a_zabbix_that_is_away_is_one_sentence(bridge: Bridge) -> None:
    bridge.zabbix.deafen()
    try:
        result = bridge.run()
    finally:
        bridge.zabbix.listen(bridge.zabbix.port)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "cannot be reached: connection refused" in result.output


def test_a_user_group_of_our_name_that_is_empty_and_as_we_make_it_is_taken_over(bridge: Bridge) -> None:
    bridge.zabbix.world.usergroups[20] = UserGroup(20, NAME, {24: 2}, gui_access=3)
    assert ("create", "user group") not in bridge.provision()
    assert bridge.provision() == []


# -- the account for planned work -------------------------------------------------------------------------------------

PLANNED = WISHES + "maintenance: {host_groups: [Lab servers]}\n"
MAINTAINER = "glpi-bridge maintenance"
OWN_FILE = "maintenance: {token_file: ./maintenance.token}"
MADE_FOR_IT = [
    ("create", "user group"),
    ("create", "role"),
    ("create", "user"),
    ("create", "API token"),
    ("update", "API token of"),
]


@pytest.fixture(params=sorted(VERSIONS))
def planning(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bridge]:
    yield from make(tmp_path, request.param, OWN_FILE)


def test_the_account_for_planned_work_is_made_kept_and_taken_away_where_it_is_asked_for(planning: Bridge) -> None:
    bridge, before = planning, planning.all()
    assert bridge.provision() == ALL
    assert bridge.provision("--check", wishes=PLANNED) == MADE_FOR_IT
    assert not (bridge.home / "maintenance.token").exists()
    assert bridge.provision(wishes=PLANNED) == MADE_FOR_IT
    made = bridge.all()
    assert bridge.provision("--check", wishes=PLANNED) == bridge.provision(wishes=PLANNED) == []
    assert bridge.all() == made
    gone = bridge.provision("--remove", wishes=PLANNED)
    assert sorted(gone) == sorted([*GONE, *(("remove", kind) for _, kind in MADE_FOR_IT[:4])])
    assert bridge.all() == before
    assert not (bridge.home / "maintenance.token").exists()


def test_its_token_can_put_the_hosts_of_the_named_groups_into_maintenance_and_nothing_else(planning: Bridge) -> None:
    bridge = planning
    bridge.zabbix.world.add_host("web01")
    bridge.zabbix.world.add_host("db01", groups=("Other servers",))
    bridge.provision(wishes=PLANNED)
    path = bridge.home / "maintenance.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Zabbix(bridge.zabbix.url, token_file=path) as client:
        assert (client.me().username, client.me().type) == (MAINTAINER, UserType.ADMIN)
        assert zabbix_maintenance.not_allowed(client) == []
        assert zabbix_maintenance.writable_count(client) == 1
        [host] = client.call("host.get", {"output": ["host"]})
        assert host["host"] == "web01"
        for method, params in (("hostgroup.get", {}), ("problem.get", {}), ("host.update", {"hostid": host["hostid"]})):
            with pytest.raises(NoRight):
                client.call(method, params)


def test_what_was_changed_by_hand_in_it_is_put_right_and_a_lost_token_made_anew(planning: Bridge) -> None:
    bridge = planning
    bridge.provision(wishes=PLANNED)
    role = next(one for one in bridge.zabbix.world.roles.values() if one.name == MAINTAINER)
    role.methods = (*(role.methods or ()), "host.update")
    (bridge.home / "maintenance.token").unlink()
    assert bridge.provision(wishes=PLANNED) == [("update", "role"), ("update", "API token of")]
    assert "host.update" not in (role.methods or ())
    with Zabbix(bridge.zabbix.url, token_file=bridge.home / "maintenance.token") as client:
        assert client.me().username == MAINTAINER


FILE_SAID = "zabbix.yml:2: bridge.yml names no file of its own for the token of this account"


@pytest.mark.parametrize("setting", ["", "maintenance: {token_file: ./zabbix.token}"], ids=["none", "the bridge's own"])
def test_without_a_file_of_its_own_for_the_token_nothing_is_made(tmp_path: Path, setting: str) -> None:
    for bridge in make(tmp_path, health=setting):
        assert FILE_SAID in bridge.refused(wishes=PLANNED)
        assert not (bridge.home / "zabbix.token").exists()


@pytest.mark.parametrize("kind", ["usergroup", "role", "user"])
def test_what_others_made_under_its_name_stays_untouched(planning: Bridge, kind: str) -> None:
    call, admin = planning.zabbix.api.methods, planning.zabbix.world.users[1]
    others: dict[str, dict[str, Any]] = {
        "usergroup": {"name": MAINTAINER, "users": [{"userid": "1"}]},
        "role": {"name": MAINTAINER, "type": 2},
        "user": {"username": MAINTAINER, "passwd": "Qk92-glue-passw", "roleid": "1"},
    }
    call[f"{kind}.create"](admin, others[kind])
    assert "is left alone" in planning.refused(wishes=PLANNED)


def test_its_groups_that_zabbix_has_not_are_told_by_their_lines(planning: Bridge) -> None:
    wishes = WISHES + "maintenance:\n  host_groups:\n    - Lab servers\n    - Lab servrs\n"
    told = planning.refused(wishes=wishes)
    assert 'zabbix.yml:5: host group "Lab servrs" is not in Zabbix; did you mean "Lab servers"?' in told
    twice = WISHES + "maintenance: {host_groups: [Lab servers, Lab servers]}\n"
    assert "maintenance: the host group Lab servers is given twice" in planning.refused(wishes=twice)
    assert "maintenance" in planning.refused(wishes=WISHES + "maintenance: {}\n")
