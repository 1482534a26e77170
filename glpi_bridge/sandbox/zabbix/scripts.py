"""script.get, create, update and delete of the stand-in: global scripts of type URL."""

from __future__ import annotations

from typing import Any

from glpi_bridge.sandbox.zabbix.model import Row, Script, User, no_object
from glpi_bridge.sandbox.zabbix.shapes import (
    NotServed,
    Params,
    bad_params,
    chosen,
    expect_known,
    listed,
    needed,
    one_of,
    sent,
    shaped,
)
from glpi_bridge.sandbox.zabbix.world import World

_URL = "6"
_DEFAULTS: Row = {
    "command": "",
    "host_access": "2",
    "usrgrpid": "0",
    "groupid": "0",
    "description": "",
    "confirmation": "",
    "execute_on": "2",
    "timeout": "30s",
    "port": "",
    "authtype": "0",
    "username": "",
    "password": "",
    "publickey": "",
    "privatekey": "",
    "menu_path": "",
    "url": "",
    "new_window": "1",
    "manualinput": "0",
    "manualinput_prompt": "",
    "manualinput_validator": "",
    "manualinput_validator_type": "0",
    "manualinput_default_value": "",
    "parameters": [],
}
_FIELDS = (
    *("name", "type", "scope", "menu_path", "url", "new_window", "description", "usrgrpid", "groupid", "host_access"),
    "confirmation",
)


class Scripts:
    """The global scripts of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def script_get(self, _user: User, params: Params) -> Any:
        """Scripts."""
        expect_known(params, {"output", "scriptids"}, "script.get")
        found = chosen(self.world.scripts, params, "scriptids")
        return [
            shaped({"scriptid": str(one.scriptid), **one.row}, params.get("output", "extend"), "scriptid")
            for one in found
        ]

    def script_create(self, _user: User, params: Any) -> Any:
        """Make a script."""
        given = sent(params, _FIELDS, "script.create")
        needed(given, "name", "type")
        made = Script(0, {**_DEFAULTS, "scope": "2"})
        self._fill(made, given)
        made.scriptid = self.world.next_id("script")
        self.world.scripts[made.scriptid] = made
        return {"scriptids": [str(made.scriptid)]}

    def script_update(self, _user: User, params: Any) -> Any:
        """Change a script."""
        given = sent(params, (*_FIELDS, "scriptid"), "script.update")
        script = one_of(self.world.scripts, given, "scriptid")
        self._fill(script, given)
        return {"scriptids": [str(script.scriptid)]}

    def _fill(self, script: Script, given: Params) -> None:
        row = script.row | {name: str(value) for name, value in given.items() if name != "scriptid"}
        if row["scope"] == "1" and row["type"] == _URL:
            raise bad_params('Invalid parameter "/1/type": value must be one of 0, 1, 2, 3, 5.')
        if row["type"] != _URL:
            raise NotServed(f"scripts of type {row['type']}")
        if row["url"].lower().startswith("javascript:"):
            raise bad_params('Invalid parameter "/1/url": unacceptable URL.')
        key = _key(row)
        if any(_key(one.row) == key and one is not script for one in self.world.scripts.values()):
            raise bad_params(f'Script "{row["name"]}" already exists.')
        script.row = row

    def script_delete(self, _user: User, params: Any) -> Any:
        """Delete scripts."""
        wanted = listed(params, "script.delete")
        if not set(wanted) <= self.world.scripts.keys():
            raise no_object()
        for number in wanted:
            del self.world.scripts[number]
        return {"scriptids": [str(one) for one in wanted]}


def _key(row: Row) -> tuple[str, str]:
    """A name is unique within its menu path, slashes at its ends apart [contract Z10/066, 152]."""
    return row["menu_path"].strip("/"), row["name"]
