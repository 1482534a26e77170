"""Faults that can be ordered: what a call meets instead of its answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What happens to a call. AFTER: its effect has come about."""

    BLACK_HOLE = "black hole"
    SLOW = "slow"
    RESET = "reset"
    RESET_AFTER = "reset after"
    ERROR_500 = "500"
    ERROR_500_AFTER = "500 after"
    ERROR_503 = "503"
    REDIRECT = "redirect"
    HTML = "html"
    EMPTY = "empty"
    EMPTY_RESULT = "empty result"
    WRONG_TOKEN = "wrong token"  # noqa: S105  # the name of a fault
    NO_RIGHTS = "no rights"

    @property
    def is_after(self) -> bool:
        """Whether the call is carried out before it fails."""
        return self in {FaultKind.RESET_AFTER, FaultKind.ERROR_500_AFTER, FaultKind.SLOW}


@dataclass
class Fault:
    """One order: `times` calls, of one method or of any, meet this."""

    kind: FaultKind
    times: int = 1
    method: str = ""


class Faults:
    """The orders that stand, oldest first; `healed` is set while there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []
        self.healed = threading.Event()
        self.healed.set()

    def order(self, fault: Fault) -> None:
        """Take an order."""
        with self._lock:
            self._orders.append(fault)
            self.healed.clear()

    def heal(self) -> None:
        """Drop all orders; calls that hang are let go."""
        with self._lock:
            self._orders.clear()
            self.healed.set()

    def next_for(self, method: str) -> FaultKind | None:
        """Give what this call meets, and count it."""
        with self._lock:
            for fault in self._orders:
                if fault.times and fault.method in {"", method}:
                    fault.times -= 1
                    return fault.kind
            return None
