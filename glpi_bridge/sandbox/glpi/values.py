"""Numbers as PHP and MySQL read them."""

from __future__ import annotations

from typing import Any

from .answers import Crashed


def integer(value: Any) -> int:
    """Read a number as PHP and MySQL do for these columns; what is no number ends PHP."""
    if isinstance(value, bool) or value is None:
        return int(value or 0)
    if isinstance(value, (int, float)):
        return int(value)
    try:
        return int(float(value))
    except (TypeError, ValueError) as error:
        raise Crashed from error
