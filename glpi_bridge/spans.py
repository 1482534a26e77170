"""How rules write spans of severities and of time: `high+`, `warning..high`, `mon-fri 08:00-18:00`. Pure."""

from __future__ import annotations

import re
from datetime import tzinfo

from glpi_bridge.match import DAYS, During, severity_words
from glpi_bridge.model import Severity
from glpi_bridge.units import Mistake, zone


def severities(text: str) -> frozenset[Severity]:
    """Read `high`, `4`, `high+`, `warning..high`, `..average`."""
    text = text.strip()
    if text.endswith("+"):
        return _span(_severity(text[:-1]), Severity.DISASTER)
    low, dots, high = text.partition("..")
    if not dots:
        return frozenset({_severity(text)})
    first = _severity(low) if low.strip() else Severity.NOT_CLASSIFIED
    last = _severity(high) if high.strip() else Severity.DISASTER
    if first > last:
        raise Mistake(f'"{text}" begins above its end', f'write "{high.strip()}..{low.strip()}"')
    return _span(first, last)


def _span(first: Severity, last: Severity) -> frozenset[Severity]:
    return frozenset(severity for severity in Severity if first <= severity <= last)


def _severity(text: str) -> Severity:
    name = re.sub(r"[\s_-]+", "_", text.strip()).upper()
    try:
        return Severity(int(name)) if name.isdecimal() else Severity[name]
    except (KeyError, ValueError):
        known = ", ".join(severity_words(severity) for severity in Severity)
        raise Mistake(
            f'"{text.strip()}" is not a severity', f"write one of {known}; also high+ or warning..high"
        ) from None


_TIME_ADVICE = 'write it as "mon-fri 08:00-18:00", "sat,sun" or "22:00-06:00 Europe/Paris"'


def during(text: str, default_zone: tzinfo) -> During:
    """Read `mon-fri 08:00-18:00`, `sat,sun`, `22:00-06:00`, each with the name of a zone after it if wished."""
    days, begin, end, in_zone = frozenset(range(7)), 0, 24 * 60, default_zone
    for word in text.split():
        if times := re.fullmatch(r"(\d?\d):(\d\d)-(\d?\d):(\d\d)", word):
            begin, end = _minutes(times[1], times[2], text), _minutes(times[3], times[4], text)
        elif re.fullmatch(r"[a-z]{3}([,-][a-z]{3})*", word.lower()) and not _is_short_zone(word):
            days = _days(word.lower())
        elif word[0].isdigit():
            raise Mistake(f'"{text}" is not a time of day', _TIME_ADVICE)
        else:
            in_zone = zone(word)
    if begin == end or not text.split():
        raise Mistake(f'"{text}" is no span of time', _TIME_ADVICE)
    return During(text, days, begin, end, in_zone)


def _is_short_zone(word: str) -> bool:
    """Tell `UTC` or `CET` from a day: zones are written large."""
    return word.isalpha() and word.isupper() and word.lower() not in DAYS


def _minutes(hour: str, minute: str, text: str) -> int:
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > 24 * 60:
        raise Mistake(f'"{text}" holds a time that no clock shows', _TIME_ADVICE)
    return total


def _days(word: str) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise Mistake(f'"{part}" is not a day', "write days as " + ", ".join(DAYS))
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update(day % 7 for day in range(begin, end + 1 if end >= begin else end + 8))
    return frozenset(found)
