"""Faults by order: what a slow and lying GLPI does to a request, and when.

A fault names its kind, the requests it meets (`match`), how often (`times`, None = always) and, for lists, after how
many items. What
needs no request (a closed listener) is done when it is ordered. Faults are plain data, so that they travel through
the control address.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What happens. `..._before`: nothing was done; `..._after`: everything was, or `after_items` of a list."""

    REFUSED = "refused"  # the listener is closed for `seconds`; done at once
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    BLACK_HOLE = "black_hole"  # no answer for `seconds` (0 = as long as the client waits), nothing done
    BLACK_HOLE_AFTER = "black_hole_after"
    SLOW = "slow"  # `seconds` pass before the work starts
    HELD = "held"  # the work waits before item `after_items` (0 if not given) until `go_on` is called
    DRIP = "drip"  # the answer comes byte by byte, one every `seconds`
    ERROR_BEFORE = "500_before"
    ERROR_AFTER = "500_after"
    BAD_GATEWAY_BEFORE = "502_before"
    BAD_GATEWAY_AFTER = "502_after"
    GATEWAY_TIMEOUT = "504"  # the front server gives up after `seconds`, PHP goes on
    LOGIN_PAGE = "login_page"
    EMPTY_BEFORE = "empty_before"
    EMPTY_AFTER = "empty_after"
    TOO_MANY = "429"
    UNAVAILABLE = "503"
    MAINTENANCE = "maintenance"
    DATABASE_DOWN = "database_down"
    NOT_ALLOWED_IP = "not_allowed_ip"
    AUTHORIZATION_STRIPPED = "authorization_stripped"
    REDIRECT = "redirect"
    NOTICE = "notice"  # a PHP notice before the JSON
    PARTIAL = "partial"  # every second item refused
    ALL_FAILED = "all_failed"
    UNAUTHORIZED = "401"  # the session is said to be unknown; nothing done, as always behind GLPI's 401
    POISON = "poison"  # items whose JSON contains `text` are refused, again and again
    CRASH = "crash"  # PHP dies at items whose JSON contains `text`
    FEWER_RESULTS = "fewer_results"  # all made, the list of results is shorter
    RANGE_IGNORED = "range_ignored"
    LOCK_WAIT = "lock_wait"  # 400 by its text alone passing
    QUERY_ERROR = "query_error"  # 11: the item is made, the answer denies it; 10: made half, said to be right
    GONE_AWAY = "gone_away"  # the database dies after `after_items`
    BODY_LOST = "body_lost"  # a balancer repeats the call without its body: a prefix made, ERROR_BAD_ARRAY
    ACTORS_DROPPED = "actors_dropped"
    RULE = "rule"  # a business rule writes `values` over what was sent
    MANDATORY = "mandatory"  # a template demands the field `text`
    REPEATED = "repeated"  # a proxy sends the call twice
    LATE_ROW = "late_row"  # the worker dies while its INSERT waits; the row appears after `seconds` (0 = when released)
    LINK_OVERFLOW = "link_overflow"  # 502 by the front server for a long Link header, everything made


@dataclass(frozen=True)
class Match:
    """Which requests a fault meets; what is not given matches all.

    `path` is a regular expression, searched in the path below the API's address; `method` may be `PUT|DELETE`.
    """

    method: str = ""
    path: str = ""
    text: str = ""
    session: str = ""

    def meets(self, method: str, path: str, body: str, session: str) -> bool:
        """Tell whether a request is met."""
        return (
            (not self.method or method in self.method.split("|"))
            and (not self.path or re.search(self.path, path) is not None)
            and (not self.text or self.text in body)
            and (not self.session or self.session == session)
        )


@dataclass(frozen=True)
class Fault:
    """An order; `after_items` counts within one list, `values` are the columns a rule writes, or what poison says."""

    kind: FaultKind | str
    match: Match = Match()
    times: int | None = 1
    after_items: int | None = None
    seconds: float = 0.0
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what the control address takes."""
        return {**asdict(self), "kind": str(self.kind)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Fault:
        """Read an order; ValueError names an unknown kind, TypeError an unknown key."""
        match = Match(**data.get("match", {}))
        return Fault(**{**data, "kind": FaultKind(data["kind"]), "match": match})


class Orders:
    """The faults that are still to happen."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[Fault, int | None]] = {}
        self._next = 1
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> int:
        """Take an order and return its number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._left[number] = (Fault(**{**fault.__dict__, "kind": FaultKind(fault.kind)}), fault.times)
            return number

    def cancel(self, number: int | None = None) -> None:
        """Forget one order, or all."""
        with self._lock:
            if number is None:
                self._left.clear()
            else:
                self._left.pop(number, None)

    def claim(self, method: str, path: str, body: bytes, session: str) -> list[Fault]:
        """Return the faults this request meets and count them down."""
        met: list[Fault] = []
        with self._lock:
            text = body.decode("utf-8", "replace") if self._left else ""
            for number, (fault, left) in list(self._left.items()):
                if not fault.match.meets(method, path, text, session):
                    continue
                met.append(fault)
                if left is not None:
                    if left <= 1:
                        del self._left[number]
                    else:
                        self._left[number] = (fault, left - 1)
        return met

    def pending(self) -> list[dict[str, Any]]:
        """Return the orders that are left, with their numbers and counts."""
        with self._lock:
            return [{**f.as_json(), "number": n, "times": left} for n, (f, left) in self._left.items()]


def of_kind(faults: Iterable[Fault], *kinds: FaultKind) -> Fault | None:
    """Return the first fault of these kinds."""
    return next((fault for fault in faults if fault.kind in kinds), None)
