"""Requests as PHP reads them: nested query parameters, JSON bodies, the path below the API's address."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .answers import Failed, bad_array
from .recorded import Row

_PREFIXES = ("/apirest.php", "/api.php/v1", "/api.php")


def split_target(target: str) -> tuple[str | None, Row]:
    """Return the path below the API's address (None when it is elsewhere) and the query."""
    parts = urlsplit(target)
    query = nested(parse_qsl(parts.query, keep_blank_values=True))
    path = unquote(parts.path)
    for prefix in _PREFIXES:
        if path == prefix or path.startswith(prefix + "/"):
            return path[len(prefix) :], query
    return None, query


def nested(pairs: list[tuple[str, str]]) -> Row:
    """Read `a[b][c]=d` and `a[]=d` as PHP does."""
    result: Row = {}
    for name, value in pairs:
        head, *keys = re.split(r"\]\[|\[|\]", name.removesuffix("]")) if "[" in name else [name]
        _put(result, [head, *keys], value)
    return result


def _put(into: Row, keys: list[str], value: str) -> None:
    key = keys[0] if keys[0] != "" else str(len(into))
    if len(keys) == 1:
        into[key] = value
        return
    if not isinstance(into.get(key), dict):
        into[key] = {}
    _put(into[key], keys[1:], value)


def merge_body(method: str, content_type: str, body: bytes, query: Row, *, empty_list_is_bad_array: bool) -> Row:
    """Return query and body as one set of parameters; a GET with a body is refused [01/074][02/080-086]."""
    if not body.strip():
        return query
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if method == "GET":
        raise Failed(
            400, "ERROR_JSON_PAYLOAD_FORBIDDEN", "GET Request should not have json payload (http body)", documented=True
        )
    if kind == "application/x-www-form-urlencoded":
        return {**query, **nested(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))}
    if kind not in {"", "application/json"}:
        return query
    try:
        data = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        data = None
    if isinstance(data, list) and (data or empty_list_is_bad_array):
        raise bad_array()
    if not isinstance(data, dict):
        raise Failed(400, "ERROR_JSON_PAYLOAD_INVALID", "JSON payload seems not valid")
    return {**query, **data}


def truthy(value: Any) -> bool:
    """Read a flag as PHP does: of the words only a lower-case `false` is off."""
    return value is not None and value is not False and str(value) not in {"", "0", "false"}


def number(value: Any) -> int:
    """Read a parameter that becomes a number: a lower-case `true` is 1, any other word 0."""
    if value is True or value == "true":
        return 1
    match = re.match(r"\s*[+-]?\d+", str(value))
    return int(match[0]) if match else 0


def listed(value: Any) -> list[Any]:
    """Return a PHP array, sent as list or as numbered keys, as a list."""
    if isinstance(value, dict):
        return [value[k] for k in sorted(value, key=lambda k: (len(k), k))]
    return list(value) if isinstance(value, list) else []


def page(value: Any, default: tuple[int, int]) -> tuple[int, int]:
    """Read `range`; refuse what is not two numbers [03/025]."""
    if value is None:
        return default
    match = re.fullmatch(r"(\d+)-(\d+)", str(value))
    if match is None:
        raise Failed(400, "ERROR", "range must be in format : [start-end] with integers", documented=True)
    return int(match[1]), int(match[2])
