"""The role: an allow-list of API methods, a few actions on problems, and nothing else.

A `default_access` of 0 closes only what comes later: each element and action that Zabbix has must be named with its
status, and which ones it has differs by version. They are taken from another role of the same type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from glpi_bridge.admin.zabbix.desk import ROLE, Desk, Fields, Row
from glpi_bridge.itil import zabbix_maintenance

_TYPES = {"1": "user", "2": "admin", "3": "super admin"}
METHODS = (
    "action.get",
    "alert.get",
    "event.acknowledge",
    "event.get",
    "host.get",
    "hostgroup.get",
    "mediatype.get",
    "problem.get",
    "trigger.get",
)
"""What the bridge calls; `check` alone needs action.get, hostgroup.get and mediatype.get."""

ACTIONS = frozenset(
    {"acknowledge_problems", "add_problem_comments", "change_severity", "close_problems", "suppress_problems"}
)
UI = frozenset({"monitoring.hosts"})
"""Zabbix wants one element at least; the user group has no access to the front end at all."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a role is to be: its type as Zabbix numbers it, the methods it may call, the actions that are on."""

    type: str
    methods: tuple[str, ...]
    actions: frozenset[str]


BRIDGE = Shape("1", METHODS, ACTIONS)
MAINTENANCE = Shape("2", zabbix_maintenance.METHODS, frozenset({"edit_maintenance"}))
"""Zabbix lets nobody below an admin make maintenances."""

# of Zabbix 7.0, for one that has lost all its roles of this type
_UI = (
    *("monitoring.dashboard", "monitoring.problems", "monitoring.hosts", "monitoring.latest_data", "monitoring.maps"),
    *("services.services", "services.sla_report", "inventory.overview", "inventory.hosts"),
    *("reports.availability_report", "reports.top_triggers"),
)
_UI_OF_ADMINS = (
    *("monitoring.discovery", "reports.notifications", "reports.scheduled_reports", "configuration.template_groups"),
    *("configuration.host_groups", "configuration.templates", "configuration.hosts", "configuration.maintenance"),
    *("configuration.discovery", "configuration.trigger_actions", "configuration.service_actions"),
    *("configuration.discovery_actions", "configuration.autoregistration_actions", "configuration.internal_actions"),
)
_ACTIONS_OF_ADMINS = ("edit_maintenance", "manage_scheduled_reports", "manage_sla")
_ACTIONS = (
    *("edit_dashboards", "edit_maps", "acknowledge_problems", "suppress_problems", "close_problems", "change_severity"),
    *("add_problem_comments", "execute_scripts", "manage_api_tokens", "invoke_execute_now", "change_problem_ranking"),
)


def wanted(shape: Shape) -> dict[str, Any]:
    """Return what the role is to be."""
    return {
        "type": _TYPES[shape.type],
        "api": list(shape.methods),
        "actions": sorted(shape.actions),
        "ui": sorted(UI),
        "new elements": "off",
        "services": "none",
    }


def params(name: str, shape: Shape, ui: Iterable[str], actions: Iterable[str]) -> Fields:
    """Return it as role.create and role.update take it, with the names of elements and actions that Zabbix has."""
    return {
        "name": name,
        "type": int(shape.type),
        "rules": {
            "ui.default_access": 0,
            "ui": [{"name": one, "status": int(one in UI)} for one in ui],
            "services.read.mode": 0,
            "services.write.mode": 0,
            "modules.default_access": 0,
            "api.access": 1,
            "api.mode": 1,
            "api": list(shape.methods),
            "actions.default_access": 0,
            "actions": [{"name": one, "status": int(one in shape.actions)} for one in actions],
        },
    }


def held(row: Row) -> dict[str, Any]:
    """Return what the role of a row is, in the words of `wanted`."""
    rules = row["rules"]
    api: Any = sorted(rules.get("api", []))
    if rules["api.access"] != "1":
        api = "off"
    elif rules["api.mode"] != "1":
        api = f"all but {', '.join(api) or 'nothing'}"
    defaults = ("ui.default_access", "actions.default_access", "modules.default_access")
    modes = ("services.read.mode", "services.write.mode")
    return {
        "type": _TYPES.get(row["type"], row["type"]),
        "api": api,
        "actions": _on(rules["actions"]),
        "ui": _on(rules["ui"]),
        "new elements": "off" if all(rules.get(one, "0") == "0" for one in defaults) else "on",
        "services": "none" if all(rules[one] == "0" for one in modes) else "all",
    }


def _on(named: Iterable[Fields]) -> list[str]:
    return sorted(str(one["name"]) for one in named if one["status"] == "1")


def provide(desk: Desk, name: str, user: str, shape: Shape = BRIDGE) -> str | None:
    """Make the role, or put it right."""
    row = desk.find(ROLE, name)
    if row is not None and (why := _why_foreign(desk, row, user, shape)):
        desk.foreign(ROLE, name, why)
        return None
    ui, actions = _known(desk, shape)
    return desk.ensure(ROLE, name, row, held, wanted(shape), lambda: params(name, shape, ui, actions))


def _known(desk: Desk, shape: Shape) -> tuple[list[str], list[str]]:
    """Return the elements and actions that roles of this type have in this Zabbix."""
    example = next((one for one in desk.rows(ROLE) if one["type"] == shape.type), None)
    if example is not None:
        ui, actions = ([str(one["name"]) for one in example["rules"][part]] for part in ("ui", "actions"))
        return ui, actions
    if shape.type == BRIDGE.type:
        return list(_UI), list(_ACTIONS)
    return [*_UI, *_UI_OF_ADMINS], [*_ACTIONS, *_ACTIONS_OF_ADMINS]


def ours(desk: Desk, name: str, user: str, shape: Shape = BRIDGE) -> Row | None:
    """Return the role of that name if we made it."""
    row = desk.find(ROLE, name)
    return row if row is not None and not _why_foreign(desk, row, user, shape) else None


def _why_foreign(desk: Desk, row: Row, user: str, shape: Shape) -> str:
    """Say why we have not made it: a role has no description, but ours is held by our user alone."""
    return desk.others(row, user, is_as_made=held(row) == wanted(shape))
