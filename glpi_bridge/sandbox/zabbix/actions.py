"""action.get, create, update and delete of the stand-in: trigger actions that send messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix import conditions, vocabulary
from glpi_bridge.sandbox.zabbix.model import Action, Refusal, Row, User, no_object, shown
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

MESSAGE, RECOVERY_TO_ALL, UPDATE_TO_ALL = "0", "11", "12"
_FIELDS = (
    *("name", "status", "esc_period", "pause_suppressed", "pause_symptoms", "notify_if_canceled", "filter"),
    *("operations", "recovery_operations", "update_operations", "eventsource"),
)
_PARTS = {
    "selectOperations": "operations",
    "selectRecoveryOperations": "recovery_operations",
    "selectUpdateOperations": "update_operations",
}


def telling(actionid: int, userid: int, mediatypeid: int) -> Action:
    """Return an action for every problem that tells a user of problems, recoveries and updates."""
    made = Action(actionid)
    message = {"default_msg": 1, "mediatypeid": str(mediatypeid)}
    asked = [{"operationtype": 0, "opmessage": message, "opmessage_usr": [{"userid": str(userid)}]}]
    made.operations = [_operation(one, actionid, 11) for one in asked]
    made.recovery_operations = [_recovery({"operationtype": 11, "opmessage": {"default_msg": 1}}, actionid, 12)]
    made.update_operations = [_update({"operationtype": 12, "opmessage": {"default_msg": 1}}, 13)]
    return made


class Actions:
    """The actions of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def action_get(self, _user: User, params: Params) -> Any:
        """Trigger actions; others are not kept here."""
        expect_known(params, vocabulary.ACTION_PARAMS, "action.get")
        rows = []
        for one in chosen(self.world.actions, params, "actionids", "name"):
            row = shaped(_row(one), params.get("output", "extend"), "actionid")
            if "selectFilter" in params:
                row["filter"] = _filter(one)
            for select, name in _PARTS.items():
                if select in params:
                    row[name] = [dict(operation) for operation in getattr(one, name)]
            rows.append(row)
        return rows

    def action_create(self, _user: User, params: Any) -> Any:
        """Make an action."""
        given = sent(params, _FIELDS, "action.create")
        needed(given, "name", "eventsource", "operations")
        self._check_name(given["name"], None)
        made = Action(0, name=str(given["name"]))
        self._fill(made, given)
        made.actionid = self.world.next_id("action")
        for name in _PARTS.values():
            for operation in getattr(made, name):
                operation.update({"actionid": str(made.actionid)} if "actionid" in operation else {})
        self.world.actions[made.actionid] = made
        return {"actionids": [str(made.actionid)]}

    def action_update(self, _user: User, params: Any) -> Any:
        """Change an action; `eventsource` is passed over [contract Z10/055]."""
        given = sent(params, (*_FIELDS, "actionid"), "action.update")
        try:
            action = one_of(self.world.actions, given, "actionid")
        except Refusal as error:
            raise bad_params(error.data) from None  # [contract Z10/161]
        self._check_name(given.get("name", action.name), action)
        self._fill(action, given)
        action.name = str(given.get("name", action.name))
        return {"actionids": [str(action.actionid)]}

    def action_delete(self, _user: User, params: Any) -> Any:
        """Delete actions."""
        wanted = listed(params, "action.delete")
        if not set(wanted) <= self.world.actions.keys():
            raise no_object()
        for one in wanted:
            del self.world.actions[one]
        return {"actionids": [str(one) for one in wanted]}

    def _check_name(self, name: str, own: Action | None) -> None:
        if any(one.name == name and one is not own for one in self.world.actions.values()):
            raise bad_params(f'Action "{name}" already exists.')

    def _fill(self, action: Action, given: Params) -> None:
        """Take over what was sent; everything is checked before the first field changes."""
        if str(given.get("eventsource", 0)) != "0":
            raise NotServed("actions of other events than triggers'")
        checked = self._checked_filter(given["filter"]) if "filter" in given else None
        parts = {name: self._operations(action, name, given[name]) for name in _PARTS.values() if name in given}
        for name, rows in parts.items():
            setattr(action, name, rows)
        if checked is not None:
            action.evaltype, action.formula, action.conditions = checked
        action.status = int(given.get("status", action.status))
        action.esc_period = str(given.get("esc_period", action.esc_period))
        for name in ("pause_suppressed", "pause_symptoms", "notify_if_canceled"):
            setattr(action, name, bool(int(given.get(name, getattr(action, name)))))

    def _checked_filter(self, given: Mapping[str, Any]) -> tuple[int, str, list[Row]]:
        evaltype, formula = int(given["evaltype"]), str(given.get("formula", ""))
        rows = []
        asked = given.get("conditions", [])
        for number, one in enumerate(asked if evaltype == conditions.BY_FORMULA else sorted(asked, key=_by_value)):
            letter = str(one.get("formulaid") or conditions.letters(number))
            row = {"conditiontype": str(one["conditiontype"]), "operator": str(one.get("operator", 0))}
            row |= {"value": str(one.get("value", "")), "value2": str(one.get("value2", "")), "formulaid": letter}
            if row["operator"] not in conditions.SERVED.get(row["conditiontype"], ()):
                raise NotServed(f"conditions of type {row['conditiontype']} with operator {row['operator']}")
            if row["conditiontype"] == conditions.GROUP and int(row["value"]) not in self.world.groups:
                what = "Host group does not exist or you have no access to it."
                raise Refusal(-32500, f"Incorrect action condition or operation host group. {what}")
            rows.append(row)
        if evaltype == conditions.BY_FORMULA and _letters_of(formula) != {one["formulaid"] for one in rows}:
            raise bad_params('Invalid parameter "/1/filter/conditions": incorrect number of conditions.')
        return evaltype, formula if evaltype == conditions.BY_FORMULA else "", rows

    def _operations(self, action: Action, name: str, given: Iterable[Mapping[str, Any]]) -> list[Row]:
        """Read operations; those that were there keep their ids [contract Z10/053]."""
        held = [one["operationid"] for one in getattr(action, name)]
        made = []
        for number, one in enumerate(given):
            self._check(one)
            operationid = int(held[number]) if number < len(held) else self.world.next_id("operation")
            if name == "operations":
                made.append(_operation(one, action.actionid, operationid))
            elif name == "recovery_operations":
                made.append(_recovery(one, action.actionid, operationid))
            else:
                made.append(_update(one, operationid))
        return made

    def _check(self, operation: Mapping[str, Any]) -> None:
        if str(operation["operationtype"]) not in {MESSAGE, RECOVERY_TO_ALL, UPDATE_TO_ALL}:
            raise NotServed(f"operations of type {operation['operationtype']}")
        users = {int(one["userid"]) for one in operation.get("opmessage_usr", [])}
        if not users <= self.world.users.keys():
            raise Refusal(-32500, "Incorrect action operation user. User does not exist or you have no access to it.")
        groups = {int(one["usrgrpid"]) for one in operation.get("opmessage_grp", [])}
        if not groups <= self.world.usergroups.keys():
            what = "User group does not exist or you have no access to it."
            raise Refusal(-32500, f"Incorrect action operation user group. {what}")
        media = int(operation["opmessage"].get("mediatypeid") or 0)
        if media and media not in self.world.media_types:  # [contract Z10/056]
            raise Refusal(-32500, 'SQL statement execution has failed "INSERT INTO opmessage".')


def _by_value(condition: Mapping[str, Any]) -> tuple[bool, int, str]:
    """Without a formula conditions come back in another order than they were sent: by value [contract Z10/150]."""
    value = str(condition.get("value", ""))
    return (False, int(value), "") if value.isdigit() else (True, 0, value)


def _letters_of(formula: str) -> set[str]:
    words = formula.replace("(", " ").replace(")", " ").split()
    return {one for one in words if one not in {"and", "or", "not"}}


def _message(given: Mapping[str, Any]) -> Row:
    return {
        "default_msg": str(given.get("default_msg", 1)),
        "subject": str(given.get("subject", "")),
        "message": str(given.get("message", "")),
        "mediatypeid": str(given.get("mediatypeid") or 0),
    }


def _recipients(given: Mapping[str, Any]) -> Row:
    return {
        "opmessage_grp": [{"usrgrpid": str(one["usrgrpid"])} for one in given.get("opmessage_grp", [])],
        "opmessage_usr": [{"userid": str(one["userid"])} for one in given.get("opmessage_usr", [])],
    }


def _operation(given: Mapping[str, Any], actionid: int, operationid: int) -> Row:
    return {
        "operationid": str(operationid),
        "actionid": str(actionid),
        "operationtype": str(given["operationtype"]),
        "esc_period": str(given.get("esc_period", "0")),
        "esc_step_from": str(given.get("esc_step_from", 1)),
        "esc_step_to": str(given.get("esc_step_to", 1)),
        "evaltype": "0",
        "opconditions": [],
        "opmessage": _message(given["opmessage"]),
        **_recipients(given),
    }


def _recovery(given: Mapping[str, Any], actionid: int, operationid: int) -> Row:
    kind = str(given["operationtype"])
    row = {
        "operationid": str(operationid),
        "actionid": str(actionid),
        "operationtype": kind,
        "evaltype": "0",
        "opconditions": [],
        "opmessage": _message(given["opmessage"]),
    }
    return row | (_recipients(given) if kind == MESSAGE else {})


def _update(given: Mapping[str, Any], operationid: int) -> Row:
    kind = str(given["operationtype"])
    row: Row = {"operationid": str(operationid), "operationtype": kind, "evaltype": "0"}
    row |= {"opmessage": _message(given["opmessage"])}
    return row | (_recipients(given) if kind == MESSAGE else {})


def _row(action: Action) -> Row:
    return {
        "actionid": str(action.actionid),
        "name": action.name,
        "eventsource": "0",
        "status": str(action.status),
        "esc_period": shown(action.esc_period),
        "pause_suppressed": str(int(action.pause_suppressed)),
        "notify_if_canceled": str(int(action.notify_if_canceled)),
        "pause_symptoms": str(int(action.pause_symptoms)),
    }


def _filter(action: Action) -> Row:
    return {
        "evaltype": str(action.evaltype),
        "formula": action.formula,
        "eval_formula": conditions.eval_formula(action),
        "conditions": [dict(one) for one in action.conditions],
    }
