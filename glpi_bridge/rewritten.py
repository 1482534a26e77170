"""What GLPI makes of a new ticket: business rules and templates may write over what was sent, and theirs stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glpi_bridge.glpi import NameNotFound, Names
from glpi_bridge.model import MAJOR, Level, TicketType

# Search options of Ticket (GET listSearchOptions/Ticket): the same numbers on 10.0 and 11.0.
PRIORITY, URGENCY, IMPACT, TYPE, CATEGORY, SOURCE, ENTITY, LOCATION = 3, 10, 11, 14, 7, 9, 80, 83
SHOWN = (TYPE, CATEGORY, SOURCE, ENTITY, LOCATION)
"""The columns that a search shows besides those of every look."""

_BY_NAME = {
    "itilcategories_id": ("category", "ITILCategory"),
    "locations_id": ("location", "Location"),
    "requesttypes_id": ("request source", "RequestType"),
    "entities_id": ("entity", "Entity"),
}
_COLUMNS = {"category": CATEGORY, "location": LOCATION, "request source": SOURCE, "entity": ENTITY}


@dataclass(frozen=True, slots=True)
class Rewritten:
    """One field that stands otherwise than it was sent, in words; `now` is "" where it was emptied."""

    field: str
    sent: str
    now: str

    def __str__(self) -> str:
        return f"its {self.field} was sent as {self.sent!r} and is {self.now!r}" if self.now else (
            f"its {self.field} was sent as {self.sent!r} and is empty"
        )  # fmt: skip


SENT = ("urgency", "impact", "priority", "type", *_BY_NAME)
"""The keys of a new ticket's input that are compared."""


def as_sent(names: Names, item: Mapping[str, Any]) -> dict[str, str]:
    """Put the input of a new ticket into the words in which a search shows it; what has no name is left out."""
    words = {
        "urgency": _level(item.get("urgency")),
        "impact": _level(item.get("impact")),
        "priority": level_word(item.get("priority")),
        "type": _type(item.get("type")),
    }
    for key, (field, itemtype) in _BY_NAME.items():
        if key in item:
            words[field] = _path(names, itemtype, int(item[key]))
    return {field: word for field, word in words.items() if word}


def as_shown(row: Mapping[str, Any]) -> dict[str, str]:
    """Read the same from a row of search/Ticket that shows `SHOWN`; {} from one that does not."""
    if str(TYPE) not in row:
        return {}
    words = {
        "urgency": _level(row.get(str(URGENCY))),
        "impact": _level(row.get(str(IMPACT))),
        "priority": level_word(row.get(str(PRIORITY))),
        "type": _type(row.get(str(TYPE))),
    }
    return words | {field: str(row.get(str(column)) or "") for field, column in _COLUMNS.items() if str(column) in row}


def rewritten(sent: Mapping[str, str], shown: Mapping[str, str]) -> Iterator[Rewritten]:
    """Compare what was sent with what stands."""
    for field, word in sent.items():
        if field in shown and shown[field] != word:
            yield Rewritten(field, word, shown[field])


def level_word(value: Any) -> str:
    """Name a priority of GLPI: the levels, and `major` above them."""
    return "major" if str(value) == str(MAJOR) else _level(value)


def _level(value: Any) -> str:
    return _word(Level, value)


def _type(value: Any) -> str:
    return _word(TicketType, value)


def _word(kind: type[Level] | type[TicketType], value: Any) -> str:
    return next((one.name.lower().replace("_", " ") for one in kind if str(int(one)) == str(value)), "")


def _path(names: Names, itemtype: str, id_: int) -> str:
    try:
        return names.path_of(itemtype, id_)
    except NameNotFound:
        return ""
