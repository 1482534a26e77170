"""What an answer of GLPI means. Pure: status, headers and body in, values or typed errors out.

A read becomes its JSON (`value`), a write one Outcome for each item (`outcomes`, `outcomes_by_id`). Success is 2xx and
JSON and the expected shape, nothing less: GLPI answers 200 with HTML or with nothing when PHP or its database dies, and
an item of a broken answer may exist. Shapes: apirest.md of GLPI, and the recordings in tests/contract.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from glpi_bridge.errors import BridgeError, Held, Refused, SessionLost, TargetError, UnclearAnswer
from glpi_bridge.model import Outcome, Verdict

TARGET = "GLPI"
_NO_JSON: Any = object()
_SHOWN = 200

# Refusals that concern every call: a person has to mend settings on one side (all are 400 but the log-in's 401).
_HELD = {
    "ERROR_APP_TOKEN_PARAMETERS_MISSING": "GLPI wants an App-Token: set glpi.app_token_file to that of its API client",
    "ERROR_WRONG_APP_TOKEN_PARAMETER": "the App-Token is not the one of an active API client that covers our address: "
    "compare glpi.app_token_file with Setup > General > API in GLPI",
    "ERROR_NOT_ALLOWED_IP": "no active API client in GLPI (Setup > General > API) allows our address",
    "ERROR_SESSION_TOKEN_MISSING": "the Session-Token header did not arrive: does a proxy in between drop it?",
    "ERROR_LOGIN_PARAMETERS_MISSING": "the Authorization header did not arrive. Apache with PHP-FPM drops it: add "
    '`SetEnvIf Authorization "(.*)" HTTP_AUTHORIZATION=$1` (or `CGIPassAuth On`) to GLPI\'s virtual host',
    "ERROR_GLPI_LOGIN": "the user token is not valid: renew it in GLPI (the user's settings, Remote access keys) "
    "and put it into glpi.user_token_file",
    "ERROR_GLPI_LOGIN_USER_TOKEN": "the user token is not valid, or token log-in is switched off (Setup > General > "
    "API): renew it in GLPI and put it into glpi.user_token_file",
    "ERROR_LOGIN_WITH_CREDENTIALS_DISABLED": "log-in by name and password is switched off in Setup > General > API",
    "ERROR": "is the API switched on in Setup > General > API?",
}
_SESSION_LOST = "ERROR_SESSION_TOKEN_INVALID"
# The database asks for a repeat; nothing of the item was kept, unless the connection went away in the middle of it.
_TRANSIENT = re.compile(
    r"lock wait timeout|deadlock found|try restarting transaction|too many connections", re.IGNORECASE
)
_CONNECTION_LOST = re.compile(r"server has gone away|lost connection", re.IGNORECASE)
# GLPI 11 says which query failed; only the INSERT of the item itself, for its own data, proves that no item was made.
_QUERY_ERROR = re.compile(
    r"^MySQL query error: (?P<words>.*?) \((?P<errno>\d+)\) in SQL query \"(?P<sql>.*)", re.DOTALL
)
_OWN_INSERT = re.compile(r"\s*INSERT INTO `glpi_(tickets|problems|changes|itil\w+)`", re.IGNORECASE)
_OWN_DATA = frozenset({1264, 1292, 1366, 1406})
_WRONG_CHARACTERS = 1366


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names in lower case. `url` is without query, for messages."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    @property
    def json(self) -> Any:
        """The body's JSON, or a marker object that `is_json` knows."""
        try:
            return json.loads(self.body)
        except ValueError:
            return _NO_JSON

    @property
    def total(self) -> int | None:
        """How many rows there are in all, from content-range `0-49/1234`; None when the header is absent."""
        found = re.search(r"/(\d+)$", self.headers.get("content-range", ""))
        return int(found.group(1)) if found else None

    def shown(self) -> str:
        """Describe it for a message: status, kind, first bytes."""
        kind = self.headers.get("content-type", "no content type").split(";")[0]
        start = self.body[:_SHOWN].decode("utf-8", "replace").strip()
        return f"{self.url} answered {self.status}, {kind}, " + (f"{start!r}" if start else "an empty body")


def value(answer: Answer) -> Any:
    """Return what a read gave.

    Raises SessionLost, Held, Refused (with GLPI's code) or UnclearAnswer (HTML, empty, 5xx: try again later).
    """
    data = answer.json
    if answer.status in (200, 201, 206) and data is not _NO_JSON:
        return data
    raise error_of(answer)


def error_of(answer: Answer) -> TargetError:
    """Name an answer that is not a success."""
    data, status = answer.json, answer.status
    code, words = _coded(data)
    if status == 401 and code == _SESSION_LOST:
        return SessionLost(f"GLPI does not know the session any more ({words})", target=TARGET)
    if code in _HELD and status in (400, 401):
        return Held(f"GLPI refuses all calls: {code} {words}: {_HELD[code]}", target=TARGET)
    if 300 <= status < 400:
        place = answer.headers.get("location", "?").split("?")[0]
        return Held(f"{answer.url} redirects to {place}: set glpi.url to where GLPI's API really is", target=TARGET)
    if code and 400 <= status < 500:
        return Refused(f"{code} {words}".strip(), target=TARGET, code=code, status=status)
    hint = "; that is not GLPI's API: is glpi.url right?" if _is_page(answer) and status < 500 else ""
    return UnclearAnswer(answer.shown() + hint, target=TARGET, retry_after=_retry_after(answer))


def outcomes(answer: Answer, count: int) -> list[Outcome]:
    """Read the answer to a POST of `count` items: one Outcome each, in the order sent."""
    data, status = answer.json, answer.status
    if status in (200, 201) and isinstance(data, dict) and count == 1:
        return [_item(data)]
    if status in (200, 201) and isinstance(data, list):
        return _items(data, count)
    code, words = _coded(data)
    if status in (207, 400) and code.startswith("ERROR_GLPI_") and isinstance(data[1], list) and data[1]:
        return _items(data[1], count)
    if status == 400 and code.startswith("ERROR_GLPI_"):
        return [_refused(words, code)] * count
    return [_whole(answer)] * count


def outcomes_by_id(answer: Answer, ids: Sequence[int]) -> list[Outcome]:
    """Read the answer to a PUT of the items with these ids; GLPI leaves out those it cannot find."""
    data, status = answer.json, answer.status
    code, words = _coded(data)
    if status in (207, 400) and code.startswith("ERROR_GLPI_"):
        if not isinstance(data[1], list):
            return [_refused(words, code)] * len(ids)
        data = data[1]
    elif status != 200 or not isinstance(data, list):
        return [_whole(answer)] * len(ids)
    found = {key: row for row in data if isinstance(row, dict) for key in row if key != "message"}
    return [_updated(found.get(str(id_)), id_) for id_ in ids]


def _updated(row: Mapping[str, Any] | None, id_: int) -> Outcome:
    if row is None:
        return Outcome(Verdict.REFUSED, text=f"GLPI has no item {id_} that we may change", code="MISSING")
    words = str(row.get("message") or "")
    return Outcome(Verdict.DONE, id_, words) if row[str(id_)] is True else _refused(words, "ERROR_GLPI_UPDATE")


def _items(rows: Sequence[Any], count: int) -> list[Outcome]:
    read = [_item(row) for row in rows[:count]]
    lost = next((i for i, outcome in enumerate(read) if _CONNECTION_LOST.search(outcome.text)), None)
    if lost is not None and read[lost].verdict is Verdict.TRANSIENT:
        # the item at work when the database went away may have been kept, those after it were not begun
        read[lost] = Outcome(Verdict.UNKNOWN, text=read[lost].text)
    missing = Outcome(Verdict.UNKNOWN, text=f"GLPI answered for {len(rows)} of {count} items")
    return read + [missing] * (count - len(read))


def _item(row: Any) -> Outcome:
    if not isinstance(row, dict) or "id" not in row:
        return Outcome(Verdict.UNKNOWN, text=f"GLPI answered {str(row)[:_SHOWN]!r} for an item")
    id_, words = row["id"], str(row.get("message") or "")
    if isinstance(id_, int) and not isinstance(id_, bool) and id_ > 0:
        return Outcome(Verdict.DONE, id_, words)
    return _refused(words, "ERROR_GLPI_ADD")


def _refused(words: str, code: str) -> Outcome:
    """An item that GLPI did not take; only its text tells a lasting reason from a passing one."""
    text = html.unescape(words)
    query = _QUERY_ERROR.match(text)
    if query is not None:
        short = f"MySQL query error: {query['words']} ({query['errno']})"  # the rest is the ticket's own text
        errno = int(query["errno"])
        if errno in _OWN_DATA and _OWN_INSERT.match(query["sql"]):
            return Outcome(Verdict.REFUSED, text=short, code="CHARACTERS" if errno == _WRONG_CHARACTERS else code)
        return Outcome(Verdict.UNKNOWN, text=short, code=code)
    if text.startswith("MySQL query error"):
        return Outcome(Verdict.UNKNOWN, text=text[:_SHOWN], code=code)
    if _TRANSIENT.search(text) or _CONNECTION_LOST.search(text):
        return Outcome(Verdict.TRANSIENT, text=text[:_SHOWN], code=code)
    if "Incorrect string value" in text:
        return Outcome(Verdict.REFUSED, text=text[:_SHOWN], code="CHARACTERS")
    return Outcome(Verdict.REFUSED, text=text, code=code)


def _whole(answer: Answer) -> Outcome:
    """The one outcome of all items of a write that has no list of its own."""
    data, status = answer.json, answer.status
    code, words = _coded(data)
    if status == 429:
        return Outcome(Verdict.TRANSIENT, text=answer.shown(), retry_after=_retry_after(answer))
    if code == "ERROR_BAD_ARRAY":
        # our body was well formed: something between us and GLPI has sent the request again without it
        return Outcome(Verdict.UNKNOWN, text=f"{code} {words}", code=code)
    error = error_of(answer) if not 200 <= status < 300 else UnclearAnswer(answer.shown(), target=TARGET)
    return outcome_of(error)


def outcome_of(error: BridgeError) -> Outcome:
    """Turn the error of a whole call into the outcome of each of its items."""
    text, retry_after = str(error), getattr(error, "retry_after", None)
    if isinstance(error, SessionLost):
        return Outcome(Verdict.SESSION_LOST, text=text)
    if isinstance(error, Held):
        return Outcome(Verdict.HELD, text=text)
    if isinstance(error, Refused):
        return Outcome(Verdict.REFUSED, text=text, code=error.code)
    return Outcome(Verdict.UNKNOWN, text=text, retry_after=retry_after)


def _coded(data: Any) -> tuple[str, str]:
    """Split GLPI's `[code, message]`; ("", "") for anything else. The message may be text, a list, "" or null."""
    if isinstance(data, list) and data and isinstance(data[0], str) and data[0].startswith("ERROR"):
        words = data[1] if len(data) > 1 and isinstance(data[1], str) else ""
        return data[0], html.unescape(words)[:1000]
    return "", ""


def _is_page(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<"


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "")
    if text.isdigit():
        return float(text)
    try:
        asked, said = parsedate_to_datetime(text), parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    return max(0.0, (asked - said).total_seconds())
