"""provision zabbix against a real Zabbix: made once, kept right, refused before anything is half made, taken away."""

from __future__ import annotations

import json
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glpi_bridge import trapper
from glpi_bridge.admin.health import Reporter
from glpi_bridge.admin.zabbix import templates
from glpi_bridge.cli import main
from glpi_bridge.config import load
from glpi_bridge.itil import zabbix_maintenance
from glpi_bridge.zabbix import NoRight, UserType, Zabbix
from tests.e2e.journey import until
from tests.e2e.zabbix_server import ZabbixServer

BRIDGE = """\
glpi: {{url: https://glpi.example/, user_token_file: ./glpi.token}}
zabbix:
  url: {url}
  token_file: ./zabbix.token
  timezone: UTC
spool: ./spool
store: ./bridge.db
"""
WISHES = "host_groups: [Linux servers, Zabbix servers]\nname: {name}\nticket_link: off\n"
KINDS = {
    "mediatype": {"output": "extend", "selectMessageTemplates": "extend"},
    "usergroup": {"output": "extend", "selectHostGroupRights": "extend", "selectUsers": ["userid"]},
    "role": {"output": "extend", "selectRules": "extend"},
    "user": {"output": ["userid", "username", "roleid"], "selectMedias": "extend", "selectUsrgrps": ["usrgrpid"]},
    "token": {"output": ["tokenid", "name", "userid", "status", "expires_at"]},
    "action": {"output": "extend", "selectFilter": "extend", "selectOperations": "extend"},
    "script": {"output": "extend"},
    "template": {"output": ["host", "uuid"]},
    "host": {"output": ["host"]},
}


@dataclass
class Bridge:
    """A bridge's settings in a directory, and the command line on it."""

    home: Path
    zabbix: ZabbixServer
    name: str

    def run(self, *more: str, wishes: str | None = None) -> Result:
        (self.home / "zabbix.yml").write_text(WISHES.format(name=self.name) if wishes is None else wishes)
        arguments = ["-c", str(self.home / "bridge.yml"), "provision", "zabbix", "--admin", self.zabbix.user]
        return CliRunner().invoke(main, [*arguments, "--admin-password-file", str(self.home / "password"), *more])

    def provision(self, *more: str, wishes: str | None = None) -> list[tuple[str, str]]:
        """Run it; give what was changed as action and kind."""
        result = self.run("--json", *more, wishes=wishes)
        assert result.exit_code == 0, f"{result.output}{result.exception!r}"
        told = json.loads(result.stdout)
        assert told["changed"] is bool(told["changes"])
        return [(one["action"], one["kind"]) for one in told["changes"]]

    def refused(self, wishes: str | None = None) -> str:
        """Run it; nothing may have been changed."""
        before = self.all()
        result = self.run(wishes=wishes)
        assert result.exit_code == 1, result.output
        assert self.all() == before
        return result.output

    def all(self) -> dict[str, Any]:
        """All that provisioning could touch."""
        return {kind: self.zabbix.call(f"{kind}.get", params) for kind, params in KINDS.items()}

    def one(self, kind: str, **more: Any) -> dict[str, Any]:
        """The object of our name."""
        field = "username" if kind == "user" else "name"
        [row] = self.zabbix.call(f"{kind}.get", {**KINDS[kind], "filter": {field: self.name}, **more})
        return dict(row)


@pytest.fixture
def bridge(zabbix: ZabbixServer, tmp_path: Path) -> Iterator[Bridge]:
    """A bridge whose objects have names of their own; what it made is gone afterwards."""
    for name, text in (("glpi.token", "x"), ("password", zabbix.password)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "bridge.yml").write_text(BRIDGE.format(url=zabbix.url))
    made = Bridge(tmp_path, zabbix, f"bridge {tmp_path.name}"[:60])
    yield made
    made.provision("--remove")


ALL = [
    ("create", "media type"),
    ("create", "user group"),
    ("create", "role"),
    ("create", "user"),
    ("create", "API token"),
    ("update", "API token of"),
    ("create", "action"),
    ("create", "template"),
    ("create", "template"),
]


def test_a_second_run_and_check_find_nothing_to_change(bridge: Bridge) -> None:
    assert bridge.provision("--check") == ALL
    assert bridge.provision() == ALL
    assert bridge.provision("--check") == []
    before = bridge.all()
    assert bridge.provision() == []
    assert bridge.all() == before


def test_the_token_file_is_private_and_good(bridge: Bridge) -> None:
    bridge.provision()
    path = bridge.home / "zabbix.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Zabbix(bridge.zabbix.url, token_file=path) as client:
        assert client.me().username == bridge.name
        assert client.can_acknowledge()
        assert client.visible().host_groups == 2


def test_the_role_leaves_nothing_open(bridge: Bridge) -> None:
    bridge.provision()
    rules = bridge.one("role")["rules"]
    assert [one["name"] for one in rules["ui"] if one["status"] == "1"] == ["monitoring.hosts"]
    assert "execute_scripts" not in [one["name"] for one in rules["actions"] if one["status"] == "1"]
    assert (rules["api.mode"], "host.update" in rules["api"]) == ("1", False)
    token = (bridge.home / "zabbix.token").read_text().strip()
    with pytest.raises(AssertionError, match="No permissions to call"):
        bridge.zabbix.call_as(token, "user.get", {})


def test_the_account_for_planned_work_makes_maintenances_and_nothing_else(bridge: Bridge) -> None:
    text = (bridge.home / "bridge.yml").read_text()
    own = "  maintenance: {token_file: ./maintenance.token}\n"
    (bridge.home / "bridge.yml").write_text(text.replace("  timezone: UTC\n", f"  timezone: UTC\n{own}"))
    wishes = WISHES.format(name=bridge.name) + "maintenance: {host_groups: [Zabbix servers]}\n"
    made = [("create", kind) for kind in ("user group", "role", "user", "API token")]
    bridge.provision()
    assert bridge.provision("--check", wishes=wishes) == [*made, ("update", "API token of")]
    assert bridge.provision(wishes=wishes) == [*made, ("update", "API token of")]
    assert bridge.provision("--check", wishes=wishes) == bridge.provision(wishes=wishes) == []
    path = bridge.home / "maintenance.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Zabbix(bridge.zabbix.url, token_file=path) as client:
        assert client.me().type is UserType.ADMIN
        assert zabbix_maintenance.not_allowed(client) == []
        hosts = client.call("host.get", {"output": ["hostid"], "editable": True})
        assert len(hosts) == zabbix_maintenance.writable_count(client) > 0
        begin = int(time.time()) // 60 * 60 + 86400
        period = {"timeperiod_type": 0, "start_date": begin, "period": 3600}
        params = {"name": bridge.name, "active_since": begin, "active_till": begin + 3600, "timeperiods": [period]}
        done = client.call("maintenance.create", {**params, "hosts": hosts[:1]})
        client.call("maintenance.delete", done["maintenanceids"])
        for method in ("user.get", "hostgroup.get", "event.get"):
            with pytest.raises(NoRight):
                client.call(method, {})
    role = bridge.zabbix.call("role.get", {**KINDS["role"], "filter": {"name": f"{bridge.name} maintenance"}})
    on = [one["name"] for one in role[0]["rules"]["actions"] if one["status"] == "1"]
    assert on == ["edit_maintenance"]
    bridge.provision("--remove", wishes=wishes)
    assert not path.exists()
    for kind, named in (("role", "name"), ("usergroup", "name"), ("user", "username")):
        assert bridge.zabbix.call(f"{kind}.get", {"filter": {named: f"{bridge.name} maintenance"}}) == []


def test_whatever_was_changed_by_hand_is_put_right(bridge: Bridge) -> None:
    bridge.provision()
    call, before = bridge.zabbix.call, bridge.all()
    role, user = bridge.one("role")["roleid"], bridge.one("user")
    call("mediatype.update", {"mediatypeid": bridge.one("mediatype")["mediatypeid"], "status": 1, "maxattempts": 3})
    call("usergroup.update", {"usrgrpid": bridge.one("usergroup")["usrgrpid"], "hostgroup_rights": []})
    call("role.update", {"roleid": role, "rules": {"api": ["*"], "actions": [{"name": "edit_maps", "status": 1}]}})
    [media] = user["medias"]
    call("user.update", {"userid": user["userid"], "medias": [{**_sent(media), "severity": 1}]})
    call("token.update", {"tokenid": bridge.one("token")["tokenid"], "status": 1})
    call("action.update", {"actionid": bridge.one("action")["actionid"], "status": 1, "update_operations": []})
    would = bridge.provision("--check")
    kinds = ["media type", "user group", "role", "user", "API token", "action"]
    assert would == [("update", kind) for kind in kinds]
    assert bridge.provision() == would
    assert bridge.all() == before  # the ids of media and operations too
    assert bridge.provision() == []


def _sent(media: dict[str, Any]) -> dict[str, Any]:
    return {name: media[name] for name in ("mediaid", "mediatypeid", "sendto", "active", "severity", "period")}


def test_the_user_is_in_the_user_groups_of_the_wishes_and_in_no_other(bridge: Bridge) -> None:
    desk, other = (f"{kind} {bridge.name}"[:60] for kind in ("desk", "other"))
    ids = [bridge.zabbix.call("usergroup.create", {"name": name})["usrgrpids"][0] for name in (desk, other)]
    wishes = WISHES.format(name=bridge.name) + f"user_groups: [{desk}]\n"
    try:
        bridge.provision()
        assert bridge.provision(wishes=wishes) == [("update", "user")]
        assert bridge.provision(wishes=wishes) == []
        own = bridge.one("usergroup")["usrgrpid"]
        assert {one["usrgrpid"] for one in bridge.one("user")["usrgrps"]} == {own, ids[0]}
        groups = [{"usrgrpid": one} for one in (own, *ids)]
        bridge.zabbix.call("user.update", {"userid": bridge.one("user")["userid"], "usrgrps": groups})
        assert bridge.provision(wishes=wishes) == [("update", "user")]
        assert {one["usrgrpid"] for one in bridge.one("user")["usrgrps"]} == {own, ids[0]}
        assert bridge.provision() == [("update", "user")]
    finally:
        bridge.provision("--remove")
        bridge.zabbix.call("usergroup.delete", ids)


def test_a_user_group_that_zabbix_lacks_is_told_by_its_line(bridge: Bridge) -> None:
    told = bridge.refused(WISHES.format(name=bridge.name) + "user_groups: [Zabbix administrator]\n")
    assert 'zabbix.yml:4: user group "Zabbix administrator" is not in Zabbix' in told
    assert 'did you mean "Zabbix administrators"?' in told


@pytest.mark.parametrize("content", [None, "", "0" * 64, "rubbish"])
def test_a_token_that_is_lost_is_generated_anew(bridge: Bridge, content: str | None) -> None:
    bridge.provision()
    path = bridge.home / "zabbix.token"
    before = path.read_text()
    path.unlink()
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)
    assert bridge.provision() == [("update", "API token of")]
    assert path.read_text() != before
    assert bridge.provision() == []


def test_remove_takes_away_what_was_made_and_nothing_else(bridge: Bridge) -> None:
    before = bridge.all()
    bridge.provision()
    assert len(bridge.provision("--remove", "--check")) == 9
    assert len(bridge.provision("--remove")) == 9
    assert bridge.all() == before
    assert not (bridge.home / "zabbix.token").exists()
    assert bridge.provision("--remove") == []


# -- other people's things --------------------------------------------------------------------------------------------


def _foreign(bridge: Bridge, kind: str) -> Any:
    """Other people's object of our name; gives its ids for its end."""
    call, name = bridge.zabbix.call, bridge.name
    group = call("usergroup.get", {"filter": {"name": "Zabbix administrators"}})[0]["usrgrpid"]
    role = call("role.get", {"filter": {"name": "User role"}})[0]["roleid"]
    if kind == "mediatype":
        return call("mediatype.create", {"name": name, "type": 1, "exec_path": "own.sh"})["mediatypeids"]
    if kind == "usergroup":
        admin = call("user.get", {"filter": {"username": "Admin"}})[0]["userid"]
        return call("usergroup.create", {"name": name, "users": [{"userid": admin}]})["usrgrpids"]
    if kind == "role":
        return call("role.create", {"name": name, "type": 2})["roleids"]
    if kind == "user":
        user = {"username": name, "passwd": "Qk92-glue-passw", "roleid": role, "usrgrps": [{"usrgrpid": group}]}
        return call("user.create", user)["userids"]
    operation = {
        "operationtype": 0,
        "opmessage": {"default_msg": 1, "mediatypeid": "0"},
        "opmessage_grp": [{"usrgrpid": group}],
    }
    action = {"name": name, "eventsource": 0, "esc_period": "1h", "operations": [operation]}
    return call("action.create", action)["actionids"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("mediatype", "its description does not say"),
        ("usergroup", "Admin has it"),
        ("role", "nobody has it, and it is not as we make it"),
        ("user", 'it has the role "User role"'),
        ("action", "it also tells user group Zabbix administrators by all media"),
    ],
)
def test_what_others_made_stays_untouched_and_nothing_is_half_made(bridge: Bridge, kind: str, said: str) -> None:
    ids = _foreign(bridge, kind)
    try:
        told = bridge.refused()
        assert said in told
        assert "is left alone" in told
        assert not (bridge.home / "zabbix.token").exists()
        before = bridge.all()
        assert bridge.provision("--remove") == []
        assert bridge.all() == before
    finally:
        bridge.zabbix.call(f"{kind}.delete", ids)


def test_a_good_token_of_somebody_else_is_not_written_over(bridge: Bridge) -> None:
    call = bridge.zabbix.call
    [tokenid] = call("token.create", {"name": bridge.name, "userid": "1"})["tokenids"]
    value = call("token.generate", [tokenid])[0]["token"]
    path = bridge.home / "zabbix.token"
    path.write_text(value)
    path.chmod(0o600)
    try:
        assert "holds a good token of the user Admin" in bridge.refused()
        assert path.read_text() == value
    finally:
        call("token.delete", [tokenid])


def test_names_that_zabbix_has_not_are_all_told_by_their_lines(bridge: Bridge) -> None:
    told = bridge.refused(f"host_groups:\n  - Linux servrs\n  - Zabbix servers\n  - Nowhere\nname: {bridge.name}\n")
    assert 'did you mean "Linux servers"?' in told
    assert 'host group "Nowhere" is not in Zabbix' in told


def test_only_a_super_admin_with_all_methods_may(bridge: Bridge) -> None:
    call, name = bridge.zabbix.call, f"{bridge.name} x"
    group = call("usergroup.get", {"filter": {"name": "Zabbix administrators"}})[0]["usrgrpid"]
    [role] = call("role.create", {"name": name, "type": 3, "rules": {"api.mode": 0, "api": ["action.*"]}})["roleids"]
    user = {"username": name, "passwd": "Qk92-glue-passw", "roleid": role, "usrgrps": [{"usrgrpid": group}]}
    [userid] = call("user.create", user)["userids"]
    try:
        (bridge.home / "password").write_text("Qk92-glue-passw")
        bridge.zabbix.user, before = name, bridge.zabbix.user
        result = bridge.run()
        assert result.exit_code == 1
        assert f'the role "{name}" of {name} does not allow action.get, action.create' in result.output
        call("role.update", {"roleid": role, "type": 2, "rules": {"api.mode": 0, "api": []}})
        assert f'the role "{name}" of {name} is no super admin' in bridge.run().output
        (bridge.home / "password").write_text("wrong")
        assert "does not let" in bridge.run().output
    finally:
        bridge.zabbix.user = before
        (bridge.home / "password").write_text(bridge.zabbix.password)
        call("user.delete", [userid])
        call("role.delete", [role])


# -- what can be imported by hand -------------------------------------------------------------------------------------

CONFIG = Path(__file__).parents[2] / "config" / "zabbix"


def test_what_is_imported_by_hand_does_not_differ_from_what_the_command_makes(bridge: Bridge) -> None:
    call = bridge.zabbix.call
    rules = {**templates.RULES, "mediaTypes": {"createMissing": True, "updateExisting": True}}
    for path in sorted(CONFIG.glob("*.yaml")):
        assert call("configuration.import", {"format": "yaml", "rules": rules, "source": path.read_text("utf-8")})
    bridge.name = "glpi-bridge"  # the name in the exports
    changed = bridge.provision("--check")
    assert ("create", "user") in changed
    assert not [one for one in changed if one[1] in {"media type", "template"}]


def test_a_template_of_the_same_name_that_is_not_ours_stays_untouched(bridge: Bridge) -> None:
    call = bridge.zabbix.call
    bridge.provision("--remove")
    group = call("templategroup.get", {"filter": {"name": "Templates"}})[0]["groupid"]
    made = call("template.create", {"host": "GLPI bridge health", "groups": [{"groupid": group}]})["templateids"]
    try:
        assert "it has another uuid" in bridge.refused()
    finally:
        call("template.delete", made)


# -- the bridge's own health ------------------------------------------------------------------------------------------


def test_the_bridge_tells_how_it_is_doing_and_its_problems_are_for_people_not_for_tickets(bridge: Bridge) -> None:
    zabbix, name = bridge.zabbix, f"{bridge.name} itself"
    path = bridge.home / "bridge.yml"
    health = f'  health: {{server: "127.0.0.1:{zabbix.server_port}", host: "{name}"}}\n'
    path.write_text(path.read_text().replace("  timezone: UTC\n", f"  timezone: UTC\n{health}"))
    made = bridge.provision()
    assert made[-2:] == [("create", "host"), ("create", "action")]
    assert bridge.provision() == []
    [host] = zabbix.call("host.get", {"filter": {"host": name}})
    told, silent = [], Reporter(lambda address, values: told.append(trapper.send(address, values)) or told[-1])
    zabbix.reload()
    until(
        lambda: silent.report(load(path, secrets=False), time.time()) or told[-1].processed, "values taken", seconds=90
    )
    ids = {"hostids": [host["hostid"]]}
    items = {"output": ["key_", "lastvalue", "lastclock", "state"], **ids}
    until(lambda: any(one["key_"] == "glpi_bridge.needs_person" and one["lastclock"] != "0"
                      for one in zabbix.call("item.get", items)), "the value", seconds=90)  # fmt: skip
    values = {one["key_"]: one for one in zabbix.call("item.get", items)}
    assert float(values["glpi_bridge.needs_person"]["lastvalue"]) >= 1  # there is no store yet
    assert {one["state"] for one in values.values()} == {"0"}
    until(lambda: zabbix.call("problem.get", ids), "its problem", seconds=90)
    tags = {one["tag"]: one["value"] for one in zabbix.call("problem.get", {"selectTags": "extend", **ids})[0]["tags"]}
    assert tags["glpi_ticket"] == "no"


# -- hosts ------------------------------------------------------------------------------------------------------------


def test_a_host_keeps_what_people_add_and_gets_a_new_key_from_its_file(bridge: Bridge) -> None:
    call, name = bridge.zabbix.call, f"{bridge.name} host"
    key = bridge.home / "web01.psk"
    key.write_text("1f" * 32)
    key.chmod(0o600)
    wishes = WISHES.format(name=bridge.name) + (
        f"hosts:\n  - name: {name}\n    groups: [Linux servers]\n    templates: [Temperature by glpi_bridge]\n"
        f"    address: 127.0.0.1\n    psk_identity: {name}\n    psk_file: ./web01.psk\n"
        '    macros: {"{$TEMP_WARN}": 70}\n'
    )
    try:
        assert bridge.provision(wishes=wishes)[-1] == ("create", "host")
        assert bridge.provision(wishes=wishes) == []
        details = {"selectInterfaces": "extend", "selectMacros": "extend", "selectTags": "extend"}
        [host] = call("host.get", {"filter": {"host": name}, **details})
        group = call("hostgroup.get", {"filter": {"name": "Zabbix servers"}})[0]["groupid"]
        call("host.massadd", {"hosts": [{"hostid": host["hostid"]}], "groups": [{"groupid": group}]})
        call("usermacro.create", {"hostid": host["hostid"], "macro": "{$OURS}", "value": "s", "type": 1})
        call("host.update", {"hostid": host["hostid"], "tags": [{"tag": "env", "value": "lab"}], "status": 1})
        assert bridge.provision(wishes=wishes) == [("update", "host")]
        key.write_text("2f" * 32)
        assert bridge.provision("--check", wishes=wishes) == [("update", "host")]
        assert bridge.provision(wishes=wishes) == [("update", "host")]
        assert bridge.provision(wishes=wishes) == []
        [after] = call("host.get", {"filter": {"host": name}, "selectHostGroups": ["name"], **details})
        assert after["interfaces"][0]["interfaceid"] == host["interfaces"][0]["interfaceid"]
        assert {one["macro"] for one in after["macros"]} == {"{$OURS}", "{$TEMP_WARN}"}
        assert len(after["hostgroups"]) == 2
        assert after["tags"] == [{"tag": "env", "value": "lab", "automatic": "0"}]
        assert "1f1f" not in after["description"]
        key.write_text("short")
        told = bridge.refused(wishes)
        assert "no pre-shared key" in told
        key.write_text("2f" * 32)
    finally:
        bridge.provision("--remove", wishes=wishes)
    assert call("host.get", {"filter": {"host": name}}) == []


# -- temperature ------------------------------------------------------------------------------------------------------


def test_a_hot_sensor_of_a_fake_tree_becomes_a_problem_and_no_sensor_becomes_none(bridge: Bridge) -> None:
    zabbix, name = bridge.zabbix, f"{bridge.name} warm"
    tree = zabbix.place / "hwmon"
    script = zabbix.alert_scripts / "glpi-bridge-temperature"
    shutil.copy(CONFIG / "agent" / script.name, script)
    (zabbix.place / "etc" / "agent.d" / "temperature.conf").write_text(
        f"UserParameter=temperature.get,{script} {tree}\n"
    )
    zabbix.restart_agent()
    wishes = WISHES.format(name=bridge.name) + (
        f"hosts:\n  - name: {name}\n    groups: [Linux servers]\n    templates: [Temperature by glpi_bridge]\n"
        f"    address: 127.0.0.1\n    port: {zabbix.agent_port}\n"
    )
    try:
        bridge.provision(wishes=wishes)
        [host] = zabbix.call("host.get", {"filter": {"host": name}})
        ids = {"hostids": [host["hostid"]]}
        [master] = zabbix.call("item.get", {"filter": {"key_": "temperature.get"}, **ids})
        read_now = {"type": 6, "request": {"itemid": master["itemid"]}}

        def read(is_seen: Callable[[], Any]) -> None:
            def once() -> Any:
                zabbix.call("task.create", [read_now])
                return is_seen()

            until(once, "what the agent reads", seconds=90)

        zabbix.reload()
        read(lambda: zabbix.call("item.get", {"itemids": [master["itemid"]]})[0]["lastvalue"] == "[]")
        assert len(zabbix.call("item.get", ids)) == 1  # no sensor: no item, and nothing that complains
        (tree / "hwmon0").mkdir(parents=True)
        for file, text in {"name": "coretemp", "temp1_label": "Package id 0", "temp1_input": "91000"}.items():
            (tree / "hwmon0" / file).write_text(f"{text}\n")
        read(lambda: zabbix.call("problem.get", ids))
        [problem] = zabbix.call("problem.get", {"selectTags": "extend", **ids})
        assert problem["name"] == "Temperature of coretemp Package id 0 is critical (above 85 °C)"
        assert {"tag": "component", "value": "temperature"} in problem["tags"]
    finally:
        bridge.provision("--remove", wishes=wishes)


# -- what it is for ---------------------------------------------------------------------------------------------------


def test_an_administrators_api_token_does_as_well_as_a_password(bridge: Bridge) -> None:
    call = bridge.zabbix.call
    [tokenid] = call("token.create", {"name": bridge.name, "userid": "1"})["tokenids"]
    (bridge.home / "password").write_text("not needed")
    token = bridge.home / "admin.token"
    token.write_text(call("token.generate", [tokenid])[0]["token"])
    token.chmod(0o600)
    try:
        assert bridge.provision("--admin-token-file", str(token)) == ALL
        assert bridge.provision("--admin-token-file", str(token), "--check") == []
    finally:
        call("token.delete", [tokenid])
        (bridge.home / "password").write_text(bridge.zabbix.password)


def _second_media(bridge: Bridge) -> None:
    """Give the bridge's user another media, as people may: nothing may go by it."""
    call, user = bridge.zabbix.call, bridge.one("user")
    [other] = call("mediatype.get", {"filter": {"name": "Email"}})
    more = {"mediatypeid": other["mediatypeid"], "sendto": ["bridge@example.org"]}
    call("user.update", {"userid": user["userid"], "medias": [*map(_sent, user["medias"]), more]})


@pytest.mark.field("F103")
def test_a_problem_is_handed_over_and_one_with_glpi_ticket_no_is_not(bridge: Bridge) -> None:
    zabbix, name = bridge.zabbix, f"bridge-{bridge.home.name}"
    spool = zabbix.place / "provision-spool"
    for directory in ("tmp", "new"):
        (spool / directory).mkdir(parents=True)
        (spool / directory).chmod(0o777)
    script = zabbix.alert_scripts / "zabbix-glpi"
    conf = zabbix.alert_scripts / "zabbix-glpi.conf"
    shutil.copy(Path(__file__).parents[2] / "alert_scripts" / "zabbix-glpi", script)
    script.chmod(0o755)
    before = conf.read_text() if conf.exists() else None
    conf.write_text(f"SPOOL={spool}\n")
    wishes = WISHES.format(name=bridge.name) + f"hosts:\n  - name: {name}\n    groups: [Linux servers]\n"
    try:
        bridge.provision(wishes=wishes)
        _second_media(bridge)
        [host] = zabbix.call("host.get", {"filter": {"host": name}})
        for key, tags in (("quiet", [{"tag": "glpi_ticket", "value": "no"}]), ("loud", [])):
            item = {"hostid": host["hostid"], "name": key, "key_": key, "type": 2, "value_type": 3}
            zabbix.call("item.create", item)
            trigger = {"description": key, "expression": f"last(/{name}/{key})>0", "priority": 4, "tags": tags}
            zabbix.call("trigger.create", trigger)
        zabbix.reload()
        zabbix.send_all([(name, "quiet", 1), (name, "loud", 1)])
        until(lambda: list((spool / "new").iterdir()), "an alert", seconds=90)
        problems = {"hostids": [host["hostid"]]}
        until(lambda: len(zabbix.call("problem.get", problems)) == 2, "both problems", seconds=90)
        texts = [path.read_bytes().split(b"\0") for path in (spool / "new").iterdir()]
        assert [b"event_name=loud" in text for text in texts] == [True]
        assert b"source=zabbix" in texts[0]
        [problem] = [one for one in zabbix.call("problem.get", {"hostids": [host["hostid"]]}) if one["name"] == "quiet"]
        assert zabbix.call("alert.get", {"eventids": [problem["eventid"]]}) == []
        zabbix.send_all([(name, "loud", 0)])
        alerts = {"hostids": [host["hostid"]], "output": ["mediatypeid"]}
        until(lambda: len(zabbix.call("alert.get", alerts)) == 2, "the alert of the recovery", seconds=90)
        media = {one["mediatypeid"] for one in zabbix.call("alert.get", alerts)}
        assert media == {bridge.one("mediatype")["mediatypeid"]}
    finally:
        bridge.provision("--remove", wishes=wishes)
        if before is not None:
            conf.write_text(before)
