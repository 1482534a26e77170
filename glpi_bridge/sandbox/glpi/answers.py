"""What goes back to the client: status, headers, body; and the refusals of GLPI as exceptions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON

    @staticmethod
    def json(value: Any, status: int = 200, **headers: str) -> Answer:
        """Answer with JSON; header names are given with underscores."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        return Answer(status, body, {name.replace("_", "-"): text for name, text in headers.items()})

    @staticmethod
    def html(text: str, status: int = 200) -> Answer:
        """Answer with a page."""
        return Answer(status, text.encode(), content_type=HTML)


class Failed(Exception):  # the words of the other side: a call failed
    """GLPI refuses a whole call: `[code, message]` under a status."""

    def __init__(self, status: int, code: str, message: Any, *, documented: bool = False) -> None:
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message
        self.documented = documented


class Refused(Exception):
    """GLPI refuses one item with a text; in a list the others go on."""

    def __init__(self, message: Any = "") -> None:
        super().__init__(message)
        self.message = message


class Crashed(Exception):
    """PHP dies in a call: 200 and nothing on 10, 500 and a page on 11; what was done before stays done."""


class Verbatim(str):
    """Words that no version escapes: the API's own, the database's [11/003]."""

    __slots__ = ()


def not_permitted() -> Refused:
    """Return the words for a missing right or item."""
    return Refused(Verbatim("You don't have permission to perform this action."))


def right_missing() -> Failed:
    """Return the refusal of a read without the right."""
    return Failed(403, "ERROR_RIGHT_MISSING", "You don't have permission to perform this action.")


def item_not_found() -> Failed:
    """Return the refusal of a read of nothing."""
    return Failed(404, "ERROR_ITEM_NOT_FOUND", "Item not found")


def bad_array() -> Failed:
    """Return the refusal of a body without items."""
    return Failed(400, "ERROR_BAD_ARRAY", "input parameter must be an array of objects", documented=True)


def token_invalid() -> Failed:
    """Return the refusal of a session that is not there (any more)."""
    return Failed(401, "ERROR_SESSION_TOKEN_INVALID", "session_token seems invalid")
