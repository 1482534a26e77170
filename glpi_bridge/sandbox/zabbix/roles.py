"""role.get, create, update and delete of the stand-in.

What a new role does not name is on, whatever its `default_access` says [contract Z10/011]: a role is closed only when
every element and action is named with its status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix import vocabulary
from glpi_bridge.sandbox.zabbix.model import Refusal, Role, Row, User, no_object
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

_RULES = {
    *("ui", "ui.default_access", "services.read.mode", "services.write.mode", "modules.default_access"),
    *("api.access", "api.mode", "api", "actions", "actions.default_access"),
}
_DEFAULTS = {
    "ui.default_access": "1",
    "services.read.mode": "1",
    "services.write.mode": "0",
    "modules.default_access": "1",
    "actions.default_access": "1",
}


class Roles:
    """The roles of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def role_get(self, user: User, params: Params) -> Any:
        """Roles; an account that is no super admin sees its own."""
        expect_known(params, {"output", "roleids", "selectRules", "selectUsers", "filter"}, "role.get")
        pool = chosen(self.world.roles, params, "roleids", "name")
        rows = []
        for one in (one for one in pool if self.world.is_super(user) or one.roleid == user.roleid):
            row = shaped(role_row(one), params.get("output", "extend"), "roleid")
            if "selectRules" in params:
                row["rules"] = shaped(_rules(one), params["selectRules"])
            if "selectUsers" in params:
                holders = (holder for holder in self.world.users.values() if holder.roleid == one.roleid)
                row["users"] = [{"userid": str(holder.userid)} for holder in holders]
            rows.append(row)
        return rows

    def role_create(self, _user: User, params: Any) -> Any:
        """Make a role."""
        given = sent(params, ("name", "type", "rules"), "role.create")
        needed(given, "name", "type")
        made = Role(0, str(given["name"]), int(given["type"]))
        self._fill(made, given, None)
        made.roleid = self.world.next_id("role")
        self.world.roles[made.roleid] = made
        return {"roleids": [str(made.roleid)]}

    def role_update(self, _user: User, params: Any) -> Any:
        """Change a role."""
        given = sent(params, ("name", "type", "rules", "roleid"), "role.update")
        role = one_of(self.world.roles, given, "roleid")
        self._fill(role, given, role)
        role.type = int(given.get("type", role.type))
        return {"roleids": [str(role.roleid)]}

    def _fill(self, role: Role, given: Params, own: Role | None) -> None:
        name = str(given.get("name", role.name))
        if any(one.name == name and one is not own for one in self.world.roles.values()):
            raise bad_params(f'User role "{name}" already exists.')
        rules = given.get("rules") or {}
        if strange := rules.keys() - _RULES:
            raise NotServed(f"{', '.join(sorted(strange))} of a role's rules")
        _check_methods(name, rules.get("api", []))
        kind = int(given.get("type", role.type))
        role.name = name
        role.defaults |= {one: str(rules[one]) for one in _DEFAULTS if one in rules}
        role.has_api = bool(int(rules.get("api.access", role.has_api)))
        is_allow_list = bool(int(rules.get("api.mode", role.methods is not None)))
        methods = tuple(str(one) for one in rules.get("api", role.methods or role.denied))
        role.methods, role.denied = (methods, ()) if is_allow_list else (None, methods)
        if "ui" in rules:
            role.ui = _on(vocabulary.ui_of(kind), rules["ui"])
        if "actions" in rules:
            role.actions = _on(vocabulary.actions_of(kind), rules["actions"])

    def role_delete(self, _user: User, params: Any) -> Any:
        """Delete roles that nobody has."""
        wanted = listed(params, "role.delete")
        if not set(wanted) <= self.world.roles.keys():
            raise no_object()
        for number in wanted:
            if any(one.roleid == number for one in self.world.users.values()):
                raise Refusal(-32500, f'Cannot delete assigned user role "{self.world.roles[number].name}".')
        for number in wanted:
            del self.world.roles[number]
        return {"roleids": [str(one) for one in wanted]}


def _check_methods(role: str, methods: Iterable[Any]) -> None:
    known = set()
    for number, one in enumerate(methods, 1):
        if not _is_method(str(one)):
            raise bad_params(f'Invalid API method "{one}" for user role "{role}".')
        if one in known:
            raise bad_params(f'Invalid parameter "/1/rules/api/{number}": value ({one}) already exists.')
        known.add(one)


def _is_method(pattern: str) -> bool:
    """Tell whether this names methods: `host.get`, `host.*`, `*.get`, `*`."""
    kind, _, verb = pattern.partition(".")
    return pattern == "*" or (kind in {*vocabulary.OBJECTS, "*"} and verb in {*vocabulary.VERBS, "*"})


def _on(known: Iterable[str], named: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    status = {str(one["name"]): int(one["status"]) for one in named}
    known = tuple(known)
    for number, name in enumerate(status, 1):
        if name not in known:
            raise bad_params(f'Invalid parameter "/1/rules": unknown element {number}, "{name}".')
    return frozenset(one for one in known if status.get(one, 1))


def role_row(role: Role) -> Row:
    """Give the fields of a role."""
    return {"roleid": str(role.roleid), "name": role.name, "type": str(role.type), "readonly": "0"}


def _rules(role: Role) -> Row:
    defaults = _DEFAULTS | role.defaults
    methods = role.denied if role.methods is None else role.methods
    nothing: Row = {"tag": "", "value": ""}
    return {
        "ui": _listed(vocabulary.ui_of(role.type), role.ui),
        "ui.default_access": defaults["ui.default_access"],
        "services.read.mode": defaults["services.read.mode"],
        "services.read.list": [],
        "services.read.tag": nothing,
        "services.write.mode": defaults["services.write.mode"],
        "services.write.list": [],
        "services.write.tag": nothing,
        "modules": [{"moduleid": number, "status": "1"} for number in range(1, 31)],
        "modules.default_access": defaults["modules.default_access"],
        "api.access": str(int(role.has_api)),
        "api.mode": str(int(role.methods is not None)),
        "api": list(methods) if isinstance(methods, tuple) else sorted(methods),
        "actions": _listed(vocabulary.actions_of(role.type), role.actions),
        "actions.default_access": defaults["actions.default_access"],
    }


def _listed(known: Iterable[str], on: frozenset[str] | None) -> list[Row]:
    """List elements with their status, those that are on first [contract Z10/015]."""
    names = tuple(known)
    if on is None:
        return [{"name": one, "status": "1"} for one in names]
    rows = [{"name": one, "status": "1"} for one in names if one in on]
    return rows + [{"name": one, "status": "0"} for one in names if one not in on]
