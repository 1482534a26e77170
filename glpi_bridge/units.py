"""How durations, switches, time zones and instants are written in bridge.yml and rules.yml.

Each function takes what YAML gave and returns the value, or raises `Mistake`. The standard library only.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw]\s*)+")
_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
DURATION_ADVICE = "write a number with its unit, as in 30s, 10m, 1h, 90d"


class Mistake(ValueError):
    """A value that cannot be meant: what was found, and what to write instead."""

    def __init__(self, found: str, advice: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.advice = advice


def duration(value: object) -> timedelta:
    """Read `90d`, `1h30m`, `30s` or `0`; a bare number other than 0 has no unit and is a mistake."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    if text == "0":
        return timedelta(0)
    if isinstance(value, bool) or not _DURATION.fullmatch(text):
        raise Mistake(f"{shown(value)} is not a duration", DURATION_ADVICE)
    parts = re.findall(r"([\d.]+)([smhdw])", text)
    try:
        return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta(0))
    except OverflowError:
        raise Mistake(f"{text} is longer than time goes", DURATION_ADVICE) from None


def duration_or_always(value: object) -> timedelta | None:
    """Read a duration, `never` (0) or `always` (None)."""
    if value == "always":
        return None
    if value == "never":
        return timedelta(0)
    try:
        return duration(value)
    except Mistake as mistake:
        raise Mistake(mistake.found, f"{DURATION_ADVICE}, or 0, `never`, `always`") from None


def grace(value: object) -> timedelta | None:
    """Read after which time something happens: a duration, yes (at once: 0), or no (None: never)."""
    if str(value).lower() == "never":
        return None
    try:
        return timedelta(0) if switch(value) else None
    except Mistake:
        return _duration_or(value, "yes (at once) or no")


def grace_or_off(value: object) -> timedelta | None:
    """Read after which time something happens: a duration above zero, or no (None: never)."""
    if str(value).lower() in {"off", "no", "false", "never"}:
        return None
    found = _duration_or(value, "off")
    if not found:
        raise Mistake(f"{shown(value)} leaves no time", f"{DURATION_ADVICE}, or off")
    return found


def _duration_or(value: object, otherwise: str) -> timedelta:
    try:
        return duration(value)
    except Mistake as mistake:
        raise Mistake(mistake.found, f"{DURATION_ADVICE}, or {otherwise}") from None


def switch(value: object) -> bool:
    """Read true or false, yes or no, on or off."""
    if isinstance(value, bool):
        return value
    try:
        return _SWITCH[str(value).lower()]
    except KeyError:
        raise Mistake(f"{shown(value)} is neither true nor false", "write true or false") from None


def zone(value: object) -> tzinfo:
    """Read the name of a time zone, as in Europe/Paris."""
    if isinstance(value, tzinfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Mistake(
            f"{shown(value)} is not a time zone of this machine", "write its name, as in Europe/Paris or UTC"
        ) from None


@cache
def system_zone() -> tzinfo:
    """Return the zone of this machine with its summer time; UTC where none is set."""
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, key=_system_zone_name())
    except (OSError, ValueError):
        return UTC


def _system_zone_name() -> str:
    path = str(Path("/etc/localtime").resolve())
    return path.partition("zoneinfo/")[2] or "local time"


def instant(text: str, in_zone: tzinfo) -> datetime:
    """Read `2026-11-01`, `2026-11-01 08:00` or with seconds or offset; without an offset it is a time in `in_zone`."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Mistake(f"{shown(text)} is not a time", "write it as 2026-11-01 or 2026-11-01 08:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=in_zone)).astimezone(UTC)


def shown(value: object) -> str:
    """Write a value of YAML into a message."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
