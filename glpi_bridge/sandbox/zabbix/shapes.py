"""What the methods of the stand-in's API share: parameters, fields of rows, and the two ways to refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix import vocabulary
from glpi_bridge.sandbox.zabbix.model import Refusal

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
