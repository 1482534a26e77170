"""Which problems an action is for: its conditions, put together as its filter says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from itertools import groupby
from string import ascii_uppercase
from typing import TYPE_CHECKING

from glpi_bridge.sandbox.zabbix.model import Action, Event, Row, Trigger

if TYPE_CHECKING:
    from glpi_bridge.sandbox.zabbix.world import World

GROUP, SEVERITY, TAG, TAG_VALUE = "0", "4", "25", "26"
IS, IS_NOT, LIKE, NOT_LIKE, AT_LEAST, AT_MOST = "0", "1", "2", "3", "5", "6"
AND_OR, AND, OR, BY_FORMULA = 0, 1, 2, 3
SERVED = {
    GROUP: {IS, IS_NOT},
    SEVERITY: {IS, IS_NOT, AT_LEAST, AT_MOST},
    TAG: {IS, IS_NOT, LIKE, NOT_LIKE},
    TAG_VALUE: {IS, IS_NOT, LIKE, NOT_LIKE},
}
"""Operators by type of condition; others are not served."""


def letters(number: int) -> str:
    """Return A, B … Z, AA, AB …."""
    more, place = divmod(number, len(ascii_uppercase))
    return (letters(more - 1) if more else "") + ascii_uppercase[place]


def eval_formula(action: Action) -> str:
    """Write how the conditions belong together, as `eval_formula` of an action's filter."""
    if action.evaltype == BY_FORMULA:
        return action.formula
    if action.evaltype in {AND, OR}:
        return f" {'and' if action.evaltype == AND else 'or'} ".join(one["formulaid"] for one in action.conditions)
    kinds = [[one["formulaid"] for one in rows] for _, rows in groupby(action.conditions, _kind)]
    alternatives = [" or ".join(one) if len(one) > 1 else one[0] for one in kinds]
    if len(alternatives) == 1:
        return alternatives[0]
    return " and ".join(f"({one})" if " or " in one else one for one in alternatives)


def _kind(condition: Row) -> tuple[str, ...]:
    """Zabbix takes conditions of one type for alternatives, with "and/or"."""
    return (condition["conditiontype"],)


def is_for(world: World, action: Action, trigger: Trigger, event: Event) -> bool:
    """Tell whether an action is on and for this problem."""
    if action.status:
        return False
    held = {one["formulaid"]: _holds(world, one, trigger, event) for one in action.conditions}
    return not held or truth(eval_formula(action), held)


def truth(formula: str, held: Mapping[str, bool]) -> bool:
    """Work out a formula of letters, `and`, `or`, `not` and brackets."""
    return _truth(ast.parse(formula, mode="eval").body, held)


def _truth(node: ast.expr, held: Mapping[str, bool]) -> bool:
    if isinstance(node, ast.BoolOp):
        values = [_truth(one, held) for one in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _truth(node.operand, held)
    if isinstance(node, ast.Name):
        return held[node.id]
    raise ValueError(f"a formula holds {ast.unparse(node)}")


def _holds(world: World, condition: Row, trigger: Trigger, event: Event) -> bool:
    kind, operator, value = condition["conditiontype"], condition["operator"], condition["value"]
    if kind == GROUP:
        return _is_in(world, trigger, int(value)) is (operator == IS)
    if kind == SEVERITY:
        return _COMPARED[operator](event.severity, int(value))
    name = condition["value2"] if kind == TAG_VALUE else None
    texts = [text for tag, text in event.tags if tag == name] if name is not None else [tag for tag, _ in event.tags]
    if operator in {IS, IS_NOT}:
        return (value in texts) is (operator == IS)
    return any(value in text for text in texts) is (operator == LIKE)


_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    IS: lambda severity, value: severity == value,
    IS_NOT: lambda severity, value: severity != value,
    AT_LEAST: lambda severity, value: severity >= value,
    AT_MOST: lambda severity, value: severity <= value,
}


def _is_in(world: World, trigger: Trigger, groupid: int) -> bool:
    """Tell whether a trigger's host is in a group or below it: `A` stands for `A/B` too."""
    name = world.groups[groupid].name if groupid in world.groups else None
    if name is None:
        return False
    held = (world.groups[one].name for one in world.hosts[trigger.hostid].groupids if one in world.groups)
    return any(one == name or one.startswith(f"{name}/") for one in held)
