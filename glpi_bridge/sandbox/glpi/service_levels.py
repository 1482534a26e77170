"""Calendars' time ranges, SLAs and OLAs: they live where what they belong to does [17/012 022 024]."""

from __future__ import annotations

from typing import Final

from .recorded import Row
from .values import integer
from .writing import Act, Writer

OWNERS: Final = {
    "CalendarSegment": ("Calendar", "calendars_id", ("entities_id", "is_recursive")),
    "SLA": ("SLM", "slms_id", ("entities_id", "is_recursive", "calendars_id", "use_ticket_calendar")),
    "OLA": ("SLM", "slms_id", ("entities_id", "is_recursive", "calendars_id", "use_ticket_calendar")),
}


class PartWriter(Writer):
    """A time range of a calendar, or an agreement of a service level."""

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Take over what the owner has."""
        owner, key, columns = OWNERS[self.itemtype]
        row = super().prepare_add(act, data)
        held = self.world.db[owner].full(integer(row[key]))
        return {**row, **{name: held[name] for name in columns}}
