"""The user group: which hosts the bridge may see. No front end, no rights on anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glpi_bridge.admin.zabbix.desk import HOST_GROUP, USER_GROUP, Desk, Fields, Row

_NO_FRONT_END = 3
_RIGHTS = {"0": "deny", "2": "read", "3": "read-write"}
_NUMBERS = {word: int(number) for number, word in _RIGHTS.items()}


def host_groups(desk: Desk, named: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Return ids by name of the host groups with those below them, and the names that Zabbix has not.

    `A` stands for `A/B` too, as in the conditions of Zabbix's actions.
    """
    known = {name: one for one, name in desk.names(HOST_GROUP).items()}
    found = {
        name: one for name, one in known.items() if any(name == wish or name.startswith(f"{wish}/") for wish in named)
    }
    return found, [wish for wish in named if wish not in known]


def wanted(groups: Mapping[str, str], rights: str) -> dict[str, Any]:
    """Return what the user group is to be."""
    return {"rights": dict.fromkeys(sorted(groups), rights), "front end": "off", "enabled": True, "debug": "off"}


def params(name: str, groups: Mapping[str, str], rights: str) -> Fields:
    """Return it as usergroup.create and usergroup.update take it."""
    return {
        "name": name,
        "gui_access": _NO_FRONT_END,
        "users_status": 0,
        "debug_mode": 0,
        "hostgroup_rights": [{"id": groups[one], "permission": _NUMBERS[rights]} for one in sorted(groups)],
    }


def held(desk: Desk, row: Row) -> dict[str, Any]:
    """Return what the user group of a row is, in the words of `wanted`."""
    names = desk.names(HOST_GROUP)
    given = {names.get(one["id"], f"host group {one['id']}"): one["permission"] for one in row["hostgroup_rights"]}
    return {
        "rights": {name: _RIGHTS.get(given[name], given[name]) for name in sorted(given)},
        "front end": "off" if row["gui_access"] == str(_NO_FRONT_END) else "on",
        "enabled": row["users_status"] == "0",
        "debug": "off" if row["debug_mode"] == "0" else "on",
    }


def provide(desk: Desk, name: str, user: str, groups: Mapping[str, str], rights: str) -> str | None:
    """Make the user group, or put it right."""
    row, want = desk.find(USER_GROUP, name), wanted(groups, rights)
    if row is not None and (why := desk.others(row, user, is_as_made=held(desk, row) == want)):
        desk.foreign(USER_GROUP, name, why)
        return None
    return desk.ensure(USER_GROUP, name, row, lambda one: held(desk, one), want, lambda: params(name, groups, rights))


def ours(desk: Desk, name: str, user: str, groups: Mapping[str, str], rights: str) -> Row | None:
    """Return the user group of that name if we made it."""
    row = desk.find(USER_GROUP, name)
    if row is None or desk.others(row, user, is_as_made=held(desk, row) == wanted(groups, rights)):
        return None
    return row
