"""Calendars, service levels and ticket templates of itil.yml, brought about in GLPI: each with the parts it names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from glpi_bridge.admin.glpi_desk import Desk
from glpi_bridge.admin.itil_settings import TEMPLATE_FIELDS, Calendar, ServiceLevel, TicketTemplate, Times

_TO_RESOLVE, _TO_OWN = 0, 1
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def provide_calendar(desk: Desk, one: Calendar, entity: int | None) -> int | None:
    """Make the calendar or adopt it, and set the times of the days named; return its id, None if only tried."""
    key = {"name": one.name, "entities_id": entity}
    made = desk.ensure("Calendar", "calendar", one.name, key, {"is_recursive": 1})
    for day, times in sorted(one.hours.items()):
        _day(desk, f"{_DAYS[day]} of {one.name}", made, day, times)
    return made


def _day(desk: Desk, name: str, calendar: int | None, day: int, times: Times) -> None:
    """Bring the time ranges of a day to these: those there are changed in their order, more of them go."""
    rows = [] if calendar is None else desk.rows("CalendarSegment")
    held = [row for row in rows if int(row["calendars_id"]) == calendar and int(row["day"]) == day]
    held.sort(key=lambda row: str(row["begin"]))
    for row in held[len(times) :]:
        desk.remove("CalendarSegment", "hours on", name, row)
    for place, (begin, end) in enumerate(times):
        wanted = {"begin": begin, "end": end}
        if place < len(held):
            desk.change("CalendarSegment", "hours on", name, held[place], wanted)
        else:
            desk.add("CalendarSegment", "hours on", name, {"calendars_id": calendar, "day": day, **wanted})


def provide_service_level(desk: Desk, one: ServiceLevel, entity: int | None, calendar: int | None) -> None:
    """Make the service level or adopt it, with its agreements, each named after it."""
    key = {"name": one.name, "entities_id": entity}
    wanted = {"is_recursive": 1, "calendars_id": calendar, "use_ticket_calendar": 0}
    made = desk.ensure("SLM", "service level", one.name, key, wanted)
    for itemtype, type_, words, lasting in (
        ("SLA", _TO_OWN, "time to own", one.own),
        ("SLA", _TO_RESOLVE, "time to resolve", one.resolve),
        ("OLA", _TO_OWN, "internal time to own", one.internal_own),
        ("OLA", _TO_RESOLVE, "internal time to resolve", one.internal_resolve),
    ):
        if lasting is not None:
            name = f"{one.name}, {words}"
            desk.ensure(itemtype, itemtype, name, {"slms_id": made, "type": type_, "name": name}, _time(lasting))


def _time(lasting: timedelta) -> dict[str, Any]:
    """Write a time in GLPI's largest unit that holds it whole; its days are the calendar's."""
    unit, size = next((unit, size) for unit, size in _UNITS if not lasting % size)
    return {"number_time": lasting // size, "definition_time": unit}


def provide_template(desk: Desk, one: TicketTemplate, entity: int | None) -> int | None:
    """Make the template or adopt it, with the fields that are named; what it has beyond them stays."""
    key = {"name": one.name, "entities_id": entity}
    made = desk.ensure("TicketTemplate", "ticket template", one.name, key, {"is_recursive": 1})
    for itemtype, words, names in (
        ("TicketTemplateMandatoryField", "mandatory field", one.mandatory),
        ("TicketTemplateHiddenField", "hidden field", one.hidden),
    ):
        for name in names:
            _field(desk, itemtype, words, f"{name} of {one.name}", made, TEMPLATE_FIELDS[name], {})
    for name, value in (("urgency", one.predefined.urgency), ("impact", one.predefined.impact)):
        if value is not None:
            itemtype, what = "TicketTemplatePredefinedField", f"{name} of {one.name}"
            _field(desk, itemtype, "predefined field", what, made, TEMPLATE_FIELDS[name], {"value": value})
    return made


def _field(
    desk: Desk, itemtype: str, words: str, name: str, template: int | None, number: int, wanted: Mapping[str, Any]
) -> None:
    desk.ensure(itemtype, words, name, {"tickettemplates_id": template, "num": number}, wanted)
