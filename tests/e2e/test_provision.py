"""provision zabbix against a real Zabbix: made once, kept right, refused before anything is half made, taken away."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glpi_bridge.cli import main
from glpi_bridge.zabbix import Zabbix
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
    assert len(bridge.provision("--remove", "--check")) == 6
    assert len(bridge.provision("--remove")) == 6
    assert bridge.all() == before
    assert not (bridge.home / "zabbix.token").exists()
    assert bridge.provision("--remove") == []
