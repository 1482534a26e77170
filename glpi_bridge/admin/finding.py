"""What a check found of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a thing stands. UNKNOWN: it cannot be told from here."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing: how it stands, what was found, what to do about it."""

    state: State
    thing: str
    text: str
    fix: str = ""


def ok(thing: str, text: str) -> Line:
    """It is well."""
    return Line(State.OK, thing, text)


def warning(thing: str, text: str, fix: str = "") -> Line:
    """It works, and something will go less well than wished."""
    return Line(State.WARNING, thing, text, fix)


def fault(thing: str, text: str, fix: str = "") -> Line:
    """It does not work."""
    return Line(State.FAULT, thing, text, fix)


def unknown(thing: str, text: str, fix: str = "") -> Line:
    """It cannot be told from here."""
    return Line(State.UNKNOWN, thing, text, fix)
