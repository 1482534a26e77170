"""Whether this Zabbix and this administrator will do: asked before the first write, so that nothing is half made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from glpi_bridge.admin.change import ProvisionError
from glpi_bridge.zabbix import TESTED, NoRight, UserType, Zabbix

_MANAGE_TOKENS = "manage_api_tokens"


def examine(zabbix: Zabbix, methods: Iterable[str]) -> None:
    """Raise ProvisionError if the version was not tried, or the account may not call all of `methods`."""
    version = zabbix.version()
    low, high = (".".join(str(number) for number in one) for one in TESTED)
    if not TESTED[0] <= tuple(version[:2]) <= TESTED[1]:
        shown = ".".join(str(number) for number in version)
        age = "older" if tuple(version[:2]) < TESTED[0] else "newer"
        raise ProvisionError([f"this Zabbix is {shown}, {age} than the tested {low} to {high}: nothing is done"])
    me = zabbix.call("user.checkAuthentication", _proof(zabbix))
    who = str(me.get("username", "the administrator"))
    role = _role(zabbix, me)
    named = f'the role "{role["name"]}"' if role and "name" in role else "the role"
    if int(me.get("type", 0)) != UserType.SUPER_ADMIN:
        what = "is no super admin's, and only they may set this up: sign in as one"
        raise ProvisionError([f"{named} of {who} {what}"])
    if role is None:
        what = "does not allow role.get, or no access to the API at all: allow both there, or sign in as another"
        raise ProvisionError([f"{named} of {who} {what}"])
    if missing := _missing(role.get("rules", {}), methods):
        raise ProvisionError(
            [f"{named} of {who} does not allow {', '.join(missing)}: allow it there, or sign in as another"]
        )


def _role(zabbix: Zabbix, me: dict[str, Any]) -> dict[str, Any] | None:
    """Return the role of the account; None where it may not even read that."""
    try:
        found = zabbix.call("role.get", {"output": "extend", "roleids": [me["roleid"]], "selectRules": "extend"})
    except NoRight:
        return None
    return dict(found[0]) if found else {}


def _proof(zabbix: Zabbix) -> dict[str, str]:
    """A session and an API token are shown to Zabbix under different names."""
    auth = str(zabbix.api.auth)
    return {"token" if re.fullmatch(r"[0-9a-f]{64}", auth) else "sessionid": auth}


def _missing(rules: dict[str, Any], methods: Iterable[str]) -> list[str]:
    listed = [str(one) for one in rules.get("api", [])]
    is_allow_list = str(rules.get("api.mode", "0")) == "1"
    missing = [one for one in methods if any(fnmatchcase(one, pattern) for pattern in listed) is not (is_allow_list)]
    if str(rules.get("api.access", "1")) == "0":
        missing = ["access to the API"]
    actions = {one["name"]: str(one["status"]) for one in rules.get("actions", [])}
    return missing + ([f"`{_MANAGE_TOKENS}`"] if actions.get(_MANAGE_TOKENS) == "0" else [])
