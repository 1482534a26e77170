"""Which incidents are one cause, and since when they recur so often that they are a problem. Pure.

Nothing here depends on the order in which occurrences came to be known: the same set gives the same answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from glpi_bridge.model import Event, Often, Route, Sameness

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event of a cause, with the ticket that it belongs to and the store's number of its incident."""

    event: Event
    ticket_id: int
    incident_id: int

    @property
    def at(self) -> datetime | None:
        """When it began, as far as that is known."""
        return self.event.opened_at


def cause(same: Sameness, event: Event, route: Route) -> str | None:
    """Return the digest that all events of one cause share; None where the event has nothing to share."""
    shared = {
        Sameness.KEY: route.key,
        Sameness.HOST: event.host or event.host_name,
        Sameness.CATEGORY: route.draft.category or "",
    }[same]
    if not shared:
        return None
    text = json.dumps([str(same), event.source, shared], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def ordered(occurrences: Iterable[Occurrence]) -> list[Occurrence]:
    """Return those whose beginning is known, oldest first."""
    known = [one for one in occurrences if one.at is not None]
    return sorted(known, key=lambda one: (_at(one), one.event.source, one.event.eventid))


def begins(
    occurrences: Iterable[Occurrence], often: Often, apart: timedelta, since: datetime | None = None
) -> datetime | None:
    """Return when the first run of so many occurrences in that time began, after `since`; None if there is none.

    What only flaps counts once: an event that begins within `apart` of the last counted one on the same ticket. Each
    run counts from its own first, so that one more occurrence never makes a run less.
    """
    known = [one for one in ordered(occurrences) if since is None or _at(one) > since.timestamp()]
    for start, first in enumerate(known):
        if _runs(known[start:], often, apart):
            return first.at
    return None


def _runs(known: Sequence[Occurrence], often: Often, apart: timedelta) -> bool:
    last: dict[int, float] = {}
    count, end = 0, _at(known[0]) + often.within.total_seconds()
    for one in known:
        if _at(one) > end:
            break
        before = last.get(one.ticket_id)
        if before is None or _at(one) - before >= apart.total_seconds():
            last[one.ticket_id] = _at(one)
            count += 1
    return count >= often.count


def tickets(occurrences: Iterable[Occurrence], since: datetime | None) -> list[int]:
    """Return the tickets of the occurrences that began at `since` or later, in their order, each once."""
    later = [one for one in ordered(occurrences) if since is None or _at(one) >= since.timestamp()]
    return list(dict.fromkeys(one.ticket_id for one in later))


def _at(one: Occurrence) -> float:
    return 0.0 if one.at is None else one.at.timestamp()
