"""What can go wrong, sorted by who has to act. A message names the thing, what was found and what to do.

Whether waiting helps is decided where the answer is read and carried on the error (`transient`); loops only obey it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class BridgeError(Exception):
    """Something a person or the bridge itself has to deal with; the base of all errors of this package."""

    transient = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong place in a file: where, what was found, what to do."""

    file: str
    line: int
    found: str
    advice: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.found}" + (f"; {self.advice}" if self.advice else "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the advice for a name that is not known: the nearest one that is, or "" where none is near."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f'did you mean "{near[0]}"?' if near else ""


class SettingsError(BridgeError):
    """Settings, rules or templates are wrong; every fault is told at once, each with its place."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class SpoolError(BridgeError):
    """The spool directory cannot be used."""


class StoreError(BridgeError):
    """The store cannot be opened or written."""


class TargetError(BridgeError):
    """A call to GLPI or Zabbix did not do what was asked.

    `target` says which ("GLPI" or "Zabbix"); `retry_after` is the pause in seconds that the server itself asked for.
    """

    target = ""

    def __init__(self, message: str, *, target: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.target = target or type(self).target
        self.retry_after = retry_after


class NotConnected(TargetError):
    """No connection was made: nothing has been sent."""

    transient = True


class NoAnswer(TargetError):
    """The request was sent (or may have been) and no clear answer came: the other side may have acted."""

    transient = True


class DeadlineExceeded(NoAnswer):
    """The call did not end within its total time."""


class UnclearAnswer(NoAnswer):
    """An answer came, but not one of the API: HTML, an empty body, a 5xx, the wrong shape."""


class Held(TargetError):
    """The other side refuses every call because of its or our configuration: all work waits until a person acts."""

    transient = True


class Refused(TargetError):
    """The other side understood the call and refused it."""

    def __init__(self, message: str, *, target: str = "", code: str = "", status: int = 0) -> None:
        super().__init__(message, target=target)
        self.code = code
        self.status = status


class SessionLost(TargetError):
    """The session is not known to the server any more: nothing was done, a new log-in is needed."""

    transient = True
