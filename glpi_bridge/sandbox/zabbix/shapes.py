"""What the methods of the stand-in's API share: parameters, fields of rows, and the two ways to refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix import vocabulary
from glpi_bridge.sandbox.zabbix.model import Refusal, no_object

Params = Mapping[str, Any]
Rows = list[dict[str, Any]]


class NotServed(Exception):
    """Zabbix knows this, the stand-in does not."""


def bad_params(data: str) -> Refusal:
    """Give the error of a wrong parameter."""
    return Refusal(-32602, data)


def ids(value: Any) -> list[int]:
    """Read one id or a list of them."""
    try:
        return [int(one) for one in (value if isinstance(value, list) else [value])]
    except (TypeError, ValueError):
        raise bad_params('Invalid parameter "/": a number is expected.') from None


def as_texts(value: Any) -> list[str]:
    """Read one value or a list of them."""
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def shaped(full: Mapping[str, Any], output: Any, *always: str) -> dict[str, Any]:
    """Leave the fields that were asked for, and `always`; unknown names are passed over."""
    if output == "extend":
        return dict(full)
    asked = {*always, *(output if isinstance(output, list) else [])}
    return {name: value for name, value in full.items() if name in asked}


def expect(params: Params, served: Iterable[str]) -> None:
    """Methods that check their parameters refuse what they do not know [contract Z05/007]."""
    for name in params:
        if name in vocabulary.EVENT_REAL_PARAMS - frozenset(served):
            raise NotServed(f"parameter {name}")
        if name not in served:
            raise bad_params(f'Invalid parameter "/": unexpected parameter "{name}".')


def expect_known(params: Params, served: Iterable[str], method: str) -> None:
    """Others pass over what they do not know [contract Z01/021]; what Zabbix does know must not be passed over here."""
    for name in params:
        if name not in served and (name.startswith("select") or name in vocabulary.REAL_PARAMS):
            raise NotServed(f"parameter {name} of {method}")


def expect_fields(asked: Any, known: Iterable[str], path: str) -> None:
    """Refuse a field that there is none of, where a version checks which are asked for."""
    fields = list(known)
    for number, one in enumerate(asked if isinstance(asked, list) else (), 1):
        if one not in fields:
            names = ", ".join(f'"{name}"' for name in fields)
            raise bad_params(f'Invalid parameter "/{path}/{number}": value must be one of {names}.')


def expect_strictly(params: Params, served: Iterable[str], method: str) -> None:
    """Refuse every parameter that Zabbix does not know, where a version checks them."""
    expect_known(params, served, method)
    for name in params:
        if name not in served:
            raise bad_params(f'Invalid parameter "/": unexpected parameter "{name}".')


def sent(params: Any, served: Iterable[str], method: str) -> dict[str, Any]:
    """Take the object of a create or update; what is not served in it is refused loudly, and so are several at once."""
    if not isinstance(params, dict):
        raise NotServed(f"{method} with parameters that are no object")
    if strange := params.keys() - set(served):
        raise NotServed(f"{', '.join(sorted(strange))} of {method}")
    return dict(params)


def needed(params: Params, *names: str) -> None:
    """Refuse an object without one of its fields."""
    for name in names:
        if name not in params:
            raise bad_params(f'Invalid parameter "/1": the parameter "{name}" is missing.')


def listed(params: Any, method: str) -> list[int]:
    """Take the ids of a delete or generate."""
    if not isinstance(params, list):
        raise NotServed(f"{method} with parameters that are no list of ids")
    return ids(params)


def one_of(table: Mapping[int, Any], params: Params, name: str) -> Any:
    """Find the object that an update is for; what is missing is refused as what is hidden [contract Z10/160-170]."""
    found = table.get(ids(params[name])[0]) if name in params else None
    if found is None:
        raise no_object()
    return found


def chosen(table: Mapping[int, Any], params: Params, ids_name: str, *names: str) -> list[Any]:
    """Give the objects that `ids_name` and the filter on their attributes `names` ask for, by id."""
    pool = [table[one] for one in sorted(table)]
    if ids_name in params:
        wanted = set(ids(params[ids_name]))
        pool = [table[one] for one in sorted(wanted & table.keys())]
    for name, value in (params.get("filter") or {}).items():
        if name not in names:
            raise NotServed(f"filter {name}")
        pool = [one for one in pool if str(getattr(one, name)) in as_texts(value)]
    return pool
