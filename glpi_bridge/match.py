"""What a rule's `match` says, as values: whether it holds for an event, why not, and whether one covers another.

Pure, the standard library only. Text is compared exactly, case included; `*` and `?` are wildcards, `/…/` is a regular
expression that may hold anywhere in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from functools import cached_property
from typing import TypeAlias

from glpi_bridge.model import Event, Severity
from glpi_bridge.units import Mistake

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Pattern:
    """A text with wildcards, or `/regular expression/` (`/…/i` ignores case)."""

    source: str

    def __post_init__(self) -> None:
        try:
            self._expression  # noqa: B018 (a broken expression is a fault of the file, not of an event)
        except re.error as error:
            raise Mistake(
                f'"{self.source}" is not a regular expression ({error})',
                "correct it, or leave out the slashes around it",
            ) from None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        if parts := re.fullmatch(r"/(.+)/(i?)", self.source, re.DOTALL):
            return re.compile(parts[1], re.IGNORECASE if parts[2] else 0)
        return _glob(self.source, any_one=".")

    @property
    def is_regex(self) -> bool:
        """Say whether the source is a regular expression."""
        return bool(re.fullmatch(r"/(.+)/(i?)", self.source, re.DOTALL))

    def matches(self, text: str) -> bool:
        """Say whether the text is meant."""
        return bool(self._expression.search(text) if self.is_regex else self._expression.fullmatch(text))

    def covers(self, other: Pattern) -> bool:
        """Say whether each text that `other` means is certainly meant by this one too."""
        if self == other or self.source == "*":
            return True
        if other.is_regex:
            return False
        if self.is_regex:
            return not re.search(r"[*?]", other.source) and self.matches(other.source)
        # the other's `*` may stand for any text, so that only a `*` of ours takes it; its `?` is taken by ours as well
        return bool(_glob(self.source, any_one="[^*]").fullmatch(other.source))


def _glob(source: str, any_one: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": any_one}
    return re.compile("".join(wild.get(character) or re.escape(character) for character in source), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Words:
    """One of the texts that the event has for `field` is meant by one of the patterns."""

    field: str
    patterns: tuple[Pattern, ...]

    def why_not(self, event: Event) -> str | None:
        """Return why this does not hold, or None if it does."""
        texts = texts_of(event, self.field)
        if any(pattern.matches(text) for pattern in self.patterns for text in texts):
            return None
        return f"{self.field} is {_listed(texts)}, not {_either(self.patterns)}"


@dataclass(frozen=True, slots=True)
class Tagged:
    """The event has the tag `name`, with one of the values; any value where no pattern is given."""

    name: str
    patterns: tuple[Pattern, ...] = (Pattern("*"),)

    def why_not(self, event: Event) -> str | None:
        """Return why this does not hold, or None if it does."""
        values = [tag.value for tag in event.tags if tag.tag == self.name]
        if any(pattern.matches(value) for pattern in self.patterns for value in values):
            return None
        if not values:
            return f"there is no tag {self.name}"
        return f"tag {self.name} is {_listed(values)}, not {_either(self.patterns)}"


@dataclass(frozen=True, slots=True)
class Severe:
    """The event's severity is one of these."""

    allowed: frozenset[Severity]

    def why_not(self, event: Event) -> str | None:
        """Return why this does not hold, or None if it does."""
        if event.severity in self.allowed:
            return None
        names = " or ".join(severity_words(severity) for severity in sorted(self.allowed))
        return f"severity is {severity_words(event.severity)}, not {names}"


@dataclass(frozen=True, slots=True)
class During:
    """The event began on one of these days between two times of day (minutes since midnight), in `zone`.

    A window that ends before it begins goes past midnight and belongs to the day on which it began.
    """

    source: str
    days: frozenset[int]
    begin: int
    end: int
    zone: tzinfo | None = field(default=None)

    def why_not(self, event: Event) -> str | None:
        """Return why this does not hold, or None if it does."""
        if event.opened_at is None:
            return "it is not known when the event began"
        local = event.opened_at.astimezone(self.zone or UTC)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.begin < self.end:
            inside = self.begin <= minute < self.end and day in self.days
        else:
            before = (local - timedelta(days=1)).weekday()
            inside = (minute >= self.begin and day in self.days) or (minute < self.end and before in self.days)
        return None if inside else f"it began {DAYS[day]} {local:%H:%M}, not {self.source}"


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: Condition

    def why_not(self, event: Event) -> str | None:
        """Return why this does not hold, or None if it does."""
        return None if self.condition.why_not(event) else f"it is excluded: {described(self.condition)}"


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the conditions holds."""

    conditions: tuple[Condition, ...]

    def why_not(self, event: Event) -> str | None:
        """Return why this does not hold, or None if it does."""
        reasons = []
        for condition in self.conditions:
            if (reason := condition.why_not(event)) is None:
                return None
            reasons.append(reason)
        return "none of these holds: " + "; ".join(reasons)


@dataclass(frozen=True, slots=True)
class Both:
    """All of the conditions hold; without any, everything matches."""

    conditions: tuple[Condition, ...] = ()

    def why_not(self, event: Event) -> str | None:
        """Return the first reason why this does not hold, or None if it does."""
        return next((reason for condition in self.conditions if (reason := condition.why_not(event))), None)


Condition: TypeAlias = Words | Tagged | Severe | During | Not | Either | Both


def texts_of(event: Event, name: str) -> tuple[str, ...]:
    """Return the texts that the event has for a key of `match`; unknown text is none."""
    texts: Iterable[str] = {
        "host": (event.host, event.host_name),
        "host_group": event.host_groups,
        "template": event.templates,
        "trigger": (event.name, event.trigger_name),
        "item": (event.item_key,),
        "source": (event.source,),
        "origin": (str(event.origin),),
    }[name]
    return tuple(dict.fromkeys(text for text in texts if text))


def described(condition: Condition) -> str:
    """Say in words what a condition asks for."""
    match condition:
        case Words():
            return f"{condition.field} {_either(condition.patterns)}"
        case Tagged():
            return f"tag {condition.name}: {_either(condition.patterns)}"
        case Severe():
            return "severity " + " or ".join(severity_words(severity) for severity in sorted(condition.allowed))
        case During():
            return f"time {condition.source}"
        case Not():
            return f"not ({described(condition.condition)})"
        case Either():
            return " or ".join(described(part) for part in condition.conditions)
        case Both():
            return " and ".join(described(part) for part in condition.conditions) or "everything"


def severity_words(severity: Severity) -> str:
    """Write a severity as rules do."""
    return severity.name.replace("_", " ").lower()


def _listed(texts: Iterable[str]) -> str:
    return " / ".join(texts) or "empty"


def _either(patterns: Iterable[Pattern]) -> str:
    return " or ".join(pattern.source for pattern in patterns)
