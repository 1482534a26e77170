"""GLPI's text comparison: `contains` with ^ $ % > <, without case, accents and trailing spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

_COMPARISON: Final = re.compile(r"^([<>])(=?)\s*(-?\d+)$")


def fold(text: str) -> str:
    """Reduce a text to what the database's collation compares."""
    return text.lower() if text.isascii() else _fold_unicode(text)


@lru_cache(maxsize=4096)
def _fold_unicode(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def like(value: str, encode: Callable[[str], str], *, null_word: bool = True) -> Callable[[Any], bool]:
    """Return a test "column contains value" over stored texts; `encode` is what the version does to a search text."""
    text = value.strip()
    if null_word and text.upper() == "NULL":
        return lambda stored: stored is None or stored == ""
    start, end = text.startswith("^"), text.endswith("$")
    needle = fold(encode(text[start : len(text) - end]))
    if "%" not in needle:
        return lambda stored: stored is not None and _plain(fold(str(stored)), needle, start=start, end=end)
    body = ".*".join(re.escape(part) for part in needle.split("%"))
    pattern = re.compile(("" if start else ".*") + body + ("" if end else ".*"), re.DOTALL)
    return lambda stored: stored is not None and pattern.fullmatch(fold(str(stored)).rstrip(" ")) is not None


def _plain(stored: str, needle: str, *, start: bool, end: bool) -> bool:
    if start and end:
        return stored.rstrip(" ") == needle.rstrip(" ")
    if start:
        return stored.startswith(needle)
    return stored.endswith(needle) if end else needle in stored


def number(value: str) -> Callable[[Any], bool]:
    """Return a test of a number column: `>60`, `<13`, else equality [04/002 080 082]."""
    match = _COMPARISON.match(value.strip())
    if match is None:
        try:
            wanted = float(value)
        except ValueError:
            return lambda _: False
        return lambda stored: stored is not None and float(stored) == wanted
    sign, equal, limit = match[1], bool(match[2]), float(match[3])
    if sign == ">":
        return lambda stored: stored is not None and (float(stored) > limit or (equal and float(stored) == limit))
    return lambda stored: stored is not None and (float(stored) < limit or (equal and float(stored) == limit))


def bounds(value: str) -> tuple[int | None, int | None]:
    """Return the open bounds (low, high) that a comparison or a plain number puts on an id."""
    match = _COMPARISON.match(value.strip())
    if match is None:
        try:
            exact = int(value)
        except ValueError:
            return None, None
        return exact - 1, exact + 1
    limit = int(match[3])
    if match[1] == ">":
        return (limit - 1 if match[2] else limit), None
    return None, (limit + 1 if match[2] else limit)
