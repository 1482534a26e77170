"""What watches the bridge itself: a host that it feeds, and an action that tells people by another way than tickets."""

from __future__ import annotations

from typing import Any

from glpi_bridge.admin.zabbix import action, wishes
from glpi_bridge.admin.zabbix.desk import ACTION, USER_GROUP, Desk, Fields, Row
from glpi_bridge.admin.zabbix.host import Host

TAG = ("component", "glpi-bridge")
"""What the problems of the health template carry."""

_AND_OR = 0
_TAG_VALUE, _IS = 26, 0
_MESSAGE, _RECOVERY_TO_ALL = 0, 11
_CONDITIONS = [f"and/or: tag {TAG[0]} is {TAG[1]}"]


def host(name: str, settings: wishes.Health) -> Host:
    """Return the host that the bridge feeds."""
    template = wishes.TEMPLATES["health"]
    return Host(name, settings.groups, (template,), about="glpi-bridge itself: fed by it, with no agent.")


def action_name(name: str) -> str:
    """Return the name of the action."""
    return f"{name} health"


def wanted(groups: tuple[str, ...]) -> dict[str, Any]:
    """Return what the action is to be."""
    return {
        "enabled": True,
        "conditions": _CONDITIONS,
        "tells": sorted(f"user group {one} by all media" for one in groups),
        "tells recoveries": True,
    }


def held(desk: Desk, row: Row) -> dict[str, Any]:
    """Return what the action of a row is, in the words of `wanted`."""
    full = action.held(desk, row)
    return {name: sorted(full[name]) if name == "tells" else full[name] for name in wanted(())}


def params(desk: Desk, name: str, groups: tuple[str, ...]) -> Fields:
    """Return it as action.create and action.update take it."""
    ids = {called: number for number, called in desk.names(USER_GROUP).items()}
    condition = {"conditiontype": _TAG_VALUE, "operator": _IS, "value2": TAG[0], "value": TAG[1]}
    return {
        "name": action_name(name),
        "eventsource": 0,
        "status": 0,
        "esc_period": "1h",
        "filter": {"evaltype": _AND_OR, "conditions": [condition]},
        "operations": [
            {
                "operationtype": _MESSAGE,
                "esc_step_from": 1,
                "esc_step_to": 1,
                "esc_period": "0",
                "opmessage": {"default_msg": 1, "mediatypeid": "0"},
                "opmessage_grp": [{"usrgrpid": ids[one]} for one in groups],
            }
        ],
        "recovery_operations": [{"operationtype": _RECOVERY_TO_ALL, "opmessage": {"default_msg": 1}}],
    }


def provide_action(desk: Desk, name: str, groups: tuple[str, ...]) -> None:
    """Make the action, or put it right."""
    called = action_name(name)
    row = desk.find(ACTION, called)
    if row is not None and not _is_ours(desk, row):
        desk.foreign(ACTION, called, "it is for other problems than the bridge's own")
        return
    desk.ensure(ACTION, called, row, lambda one: held(desk, one), wanted(groups), lambda: params(desk, name, groups))


def _is_ours(desk: Desk, row: Row) -> bool:
    return row["eventsource"] == "0" and bool(held(desk, row)["conditions"] == _CONDITIONS)


def ours(desk: Desk, name: str) -> Row | None:
    """Return the action if we made it."""
    row = desk.find(ACTION, action_name(name))
    return row if row is not None and _is_ours(desk, row) else None
