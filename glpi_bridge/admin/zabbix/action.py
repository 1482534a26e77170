"""The trigger action: what passes its conditions is told to our user, and so are recoveries and updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from glpi_bridge.admin.zabbix import wishes
from glpi_bridge.admin.zabbix.desk import ACTION, HOST_GROUP, MEDIA_TYPE, USER, USER_GROUP, Desk, Fields, Row
from glpi_bridge.model import Severity

NO_TICKET = ("glpi_ticket", "no")
"""A problem with this tag is not told: on a host, an item, a trigger. The health template's triggers carry it."""

_TRIGGERS = "0"
_GROUP, _SEVERITY, _TAG_VALUE = 0, 4, 26
_IS, _IS_NOT, _AT_LEAST = 0, 1, 5
_BY_FORMULA = 3
_MESSAGE, _RECOVERY_TO_ALL, _UPDATE_TO_ALL = 0, 11, 12


def _words(severity: Severity) -> str:
    return severity.name.replace("_", " ").lower()


def conditions(groups: Mapping[str, str], settings: wishes.Action) -> tuple[list[list[dict[str, Any]]], list[str]]:
    """Return alternatives that must all hold (one of each list), as the API takes them, and the same in words."""
    built: list[list[dict[str, Any]]] = [
        [{"conditiontype": _GROUP, "operator": _IS, "value": groups[one]} for one in sorted(groups)]
    ]
    said = ["host group is " + " or ".join(sorted(groups))]
    if settings.severity > Severity.NOT_CLASSIFIED:
        built.append([{"conditiontype": _SEVERITY, "operator": _AT_LEAST, "value": str(int(settings.severity))}])
        said.append(f"severity is {_words(settings.severity)} or higher")
    for name, value in sorted(settings.tags.items()):
        built.append([{"conditiontype": _TAG_VALUE, "operator": _IS, "value2": name, "value": value}])
        said.append(f"tag {name} is {value}")
    name, value = NO_TICKET
    built.append([{"conditiontype": _TAG_VALUE, "operator": _IS_NOT, "value2": name, "value": value}])
    said.append(f"tag {name} is not {value}")
    return built, said


def with_formula(built: Sequence[Sequence[Fields]]) -> Fields:
    """Return the conditions as an action's filter.

    By formula: Zabbix's own "and/or" would take two conditions on tags for alternatives.
    """
    rows: list[Fields] = []
    parts = []
    for alternatives in built:
        letters = []
        for one in alternatives:
            letters.append(letter(len(rows)))
            rows.append({**one, "formulaid": letters[-1]})
        parts.append(letters[0] if len(letters) == 1 else f"({' or '.join(letters)})")
    return {"evaltype": _BY_FORMULA, "formula": " and ".join(parts), "conditions": rows}


def letter(number: int) -> str:
    """Return A, B … Z, AA, AB …: how Zabbix names conditions."""
    more, place = divmod(number, len(ascii_uppercase))
    return (letter(more - 1) if more else "") + ascii_uppercase[place]


def wanted(name: str, said: list[str], settings: wishes.Action) -> dict[str, Any]:
    """Return what the action is to be."""
    return {
        "enabled": True,
        "conditions": said,
        "tells": [f"user {name} by {name}"],
        "tells recoveries": True,
        "tells updates": True,
        "step": "1h",
        "suppressed problems": settings.in_maintenance,
        "symptoms": "tell",
        "cancelled": "tell" if settings.when_cancelled else "no",
    }


def params(
    name: str, built: Sequence[Sequence[Fields]], settings: wishes.Action, user: str | None, media_type: str | None
) -> Fields:
    """Return it as action.create and action.update take it."""
    return {
        "name": name,
        "eventsource": int(_TRIGGERS),
        "status": 0,
        "esc_period": "1h",
        "pause_suppressed": int(settings.in_maintenance == "hold"),
        "pause_symptoms": 0,
        "notify_if_canceled": int(settings.when_cancelled),
        "filter": with_formula(built),
        "operations": [
            {
                "operationtype": _MESSAGE,
                "esc_step_from": 1,
                "esc_step_to": 1,
                "esc_period": "0",
                "opmessage": {"default_msg": 1, "mediatypeid": media_type},
                "opmessage_usr": [{"userid": user}],
            }
        ],
        "recovery_operations": [{"operationtype": _RECOVERY_TO_ALL, "opmessage": {"default_msg": 1}}],
        "update_operations": [{"operationtype": _UPDATE_TO_ALL, "opmessage": {"default_msg": 1}}],
    }


def held(desk: Desk, row: Row) -> dict[str, Any]:
    """Return what the action of a row is, in the words of `wanted`."""
    return {
        "enabled": row["status"] == "0",
        "conditions": _said(desk, row["filter"]),
        "tells": [words for one in row["operations"] for words in recipients(desk, one)],
        "tells recoveries": _to_all(row["recovery_operations"], _RECOVERY_TO_ALL),
        "tells updates": _to_all(row["update_operations"], _UPDATE_TO_ALL),
        "step": row["esc_period"],
        "suppressed problems": "hold" if row["pause_suppressed"] == "1" else "tell",
        "symptoms": "hold" if row["pause_symptoms"] == "1" else "tell",
        "cancelled": "tell" if row["notify_if_canceled"] == "1" else "no",
    }


def _to_all(operations: Sequence[Fields], kind: int) -> bool:
    return any(one["operationtype"] == str(kind) and one["opmessage"]["default_msg"] == "1" for one in operations)


def recipients(desk: Desk, operation: Fields) -> list[str]:
    """Name whom an operation tells and by what; anything else it does by its number."""
    if operation["operationtype"] != str(_MESSAGE):
        return [f"operation of type {operation['operationtype']}"]
    number = operation["opmessage"]["mediatypeid"]
    by = "all media" if number == "0" else desk.names(MEDIA_TYPE).get(number, f"media type {number}")
    users, groups = desk.names(USER), desk.names(USER_GROUP)
    named = [f"user {users.get(one['userid'], one['userid'])}" for one in operation["opmessage_usr"]]
    named += [f"user group {groups.get(one['usrgrpid'], one['usrgrpid'])}" for one in operation["opmessage_grp"]]
    own = "" if operation["opmessage"]["default_msg"] == "1" else ", with a text of its own"
    return [f"{one} by {by}{own}" for one in named]


def _said(desk: Desk, given: Fields) -> list[str]:
    """Read conditions back into words: those of one formula part together."""
    rows = {one["formulaid"]: one for one in given["conditions"]}
    if given["evaltype"] != str(_BY_FORMULA):
        kinds = {"0": "and/or", "1": "and", "2": "or"}
        how = kinds.get(given["evaltype"], given["evaltype"])
        return [f"{how}: " + "; ".join(_condition(desk, one) for one in rows.values())]
    said = []
    for part in str(given["formula"]).split(" and "):
        named = [rows[one] for one in part.strip("()").split(" or ") if one in rows]
        if not named or "(" in part.strip("()"):
            return [f"formula {given['formula']}"]
        kinds_of = {(one["conditiontype"], one["operator"]) for one in named}
        if kinds_of == {(str(_GROUP), str(_IS))}:
            said.append("host group is " + " or ".join(sorted(_group(desk, one) for one in named)))
        else:
            said.append(" or ".join(_condition(desk, one) for one in named))
    return said


def _condition(desk: Desk, one: Fields) -> str:
    kind, operator, value, name = (one[field] for field in ("conditiontype", "operator", "value", "value2"))
    if (kind, operator) == (str(_GROUP), str(_IS)):
        return f"host group is {_group(desk, one)}"
    if (kind, operator) == (str(_SEVERITY), str(_AT_LEAST)):
        return f"severity is {_words(Severity(int(value)))} or higher"
    if kind == str(_TAG_VALUE) and operator in {str(_IS), str(_IS_NOT)}:
        return f"tag {name} is {'' if operator == str(_IS) else 'not '}{value}"
    return f"condition of type {kind}, operator {operator}, {name} {value}".rstrip()


def _group(desk: Desk, one: Fields) -> str:
    return desk.names(HOST_GROUP).get(one["value"], f"host group {one['value']}")


def provide(
    desk: Desk,
    name: str,
    groups: Mapping[str, str],
    settings: wishes.Action,
    user: str | None,
    media_type: str | None,
) -> str | None:
    """Make the action, or put it right."""
    row = desk.find(ACTION, name)
    if row is not None and (why := why_foreign(desk, row, name)):
        desk.foreign(ACTION, name, why)
        return None
    built, said = conditions(groups, settings)
    return desk.ensure(
        ACTION,
        name,
        row,
        lambda one: held(desk, one),
        wanted(name, said, settings),
        lambda: params(name, built, settings, user, media_type),
    )


def why_foreign(desk: Desk, row: Row, name: str) -> str:
    """Say why we have not made it: an action has no description, but ours tells our user and does nothing else."""
    if row["eventsource"] != _TRIGGERS:
        return "it is no trigger action"
    ours = f"user {name} by {name}"
    others = [words for one in row["operations"] for words in recipients(desk, one) if words != ours]
    return f"it also tells {', '.join(others)}" if others else "" if row["operations"] else "it tells nobody"


def ours(desk: Desk, name: str) -> Row | None:
    """Return the action of that name if we made it."""
    row = desk.find(ACTION, name)
    return row if row is not None and not why_foreign(desk, row, name) else None


def forbid_others(desk: Desk, name: str) -> None:
    """Note the actions of other people that tell our user or use our media type: Zabbix would keep these for them."""
    for row in desk.rows(ACTION):
        if row["name"] == name and not why_foreign(desk, row, name):
            continue
        operations = [*row["operations"], *row["recovery_operations"], *row["update_operations"]]
        told = [words for one in operations if "opmessage_usr" in one for words in recipients(desk, one)]
        if any(words.startswith(f"user {name} by ") or words.endswith(f" by {name}") for words in told):
            desk.fault(f'action "{row["name"]}" also uses what is to be removed: change or delete it first')
