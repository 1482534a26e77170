"""Planned work: what a Change of GLPI says of its times, its state and what it is about. Reads only.

A Change counts from its creation to its end, whoever made it. Times are its tasks' begin and end; a task that is done
is over, whatever was planned. GLPI writes times in its own zone, also those behind a change of the clocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from glpi_bridge.context import Context
from glpi_bridge.errors import Refused
from glpi_bridge.itil.change import FINISHED
from glpi_bridge.itil.standing import plain
from glpi_bridge.maintenance import Agreed, Span, merged

_PAGE = 50
_DONE = 2
"""ChangeTask.state: 0 information, 1 to do, 2 done."""
_NOT_ASKED, _WAITING, _REFUSED = 1, 2, 4
"""Change.global_validation; 3 is granted."""
_ACCEPTED = frozenset({7, 11, 12})
"""Change.status: accepted, testing, qualification."""
_SAID = {5: "applied", 6: "closed", 8: "under review", 13: "refused", 14: "cancelled"}


@dataclass(frozen=True, slots=True)
class Work:
    """A Change as far as its planned work goes; `entity` is its number, `assets` are as `Computer/7`."""

    change_id: int
    name: str = ""
    status: int = 0
    validation: int = _NOT_ASKED
    is_gone: bool = False
    entity: int = 0
    spans: tuple[Span, ...] = ()
    assets: tuple[str, ...] = ()
    tickets: tuple[int, ...] = ()

    def agreed(self, when: Agreed) -> tuple[bool, str]:
        """Tell whether people have agreed to it, and say why (not)."""
        if self.is_gone:
            return False, "the change was removed"
        if self.status in FINISHED:
            return False, f"the change is {_SAID[self.status]}"
        if self.validation == _REFUSED:
            return False, "its approval was refused"
        if when is Agreed.PLANNED:
            return True, "it is planned"
        if self.validation == _WAITING:
            return False, "its approval is waited for"
        if when is Agreed.ACCEPTED and self.status not in _ACCEPTED:
            return False, "the change is not accepted"
        return True, "nobody was to approve it" if self.validation == _NOT_ASKED else "it is approved"


def changed(context: Context, since: str) -> Iterator[Mapping[str, Any]]:
    """Give the rows of Changes, last modified first, down to those of before `since` (a time as GLPI writes it)."""
    for trash in ("false", "true"):
        for row in context.glpi.newest("Change", {"is_deleted": trash}, by="date_mod", page=_PAGE):
            if str(row["date_mod"] or "") < since:
                break
            yield row


def read(context: Context, change_id: int) -> Work | None:
    """Read a Change; None where GLPI does not let us see it, which says nothing of the Change."""
    try:
        row = context.glpi.get(f"Change/{change_id}")
    except Refused as error:
        if error.code == "ERROR_ITEM_NOT_FOUND":
            return Work(change_id, is_gone=True)
        if error.code == "ERROR_RIGHT_MISSING":
            return None
        raise
    work = Work(
        change_id=change_id,
        name=plain(context, str(row["name"] or "")),
        status=int(row["status"]),
        validation=int(row["global_validation"] or _NOT_ASKED),
        is_gone=bool(int(row["is_deleted"])),
        entity=int(row["entities_id"]),
    )
    if work.is_gone or work.status in FINISHED:
        return work
    spans = merged(_spans(context, _rows(context, f"Change/{change_id}/ChangeTask")))
    if not spans:
        return work
    items = _rows(context, f"Change/{change_id}/Change_Item")
    assets = tuple(dict.fromkeys(f"{one['itemtype']}/{one['items_id']}" for one in items))
    tickets = () if assets else _tickets(context, change_id)
    return Work(
        change_id, work.name, work.status, work.validation, entity=work.entity, spans=spans, assets=assets,
        tickets=tickets,
    )  # fmt: skip


def _rows(context: Context, path: str) -> list[dict[str, Any]]:
    """List what hangs on a Change; nothing where it was removed between two calls, which the next look sees."""
    try:
        return context.glpi.rows(path)
    except Refused as error:
        if error.code == "ERROR_ITEM_NOT_FOUND":
            return []
        raise


def _spans(context: Context, tasks: list[dict[str, Any]]) -> Iterator[Span]:
    zone = context.glpi_zone
    for task in tasks:
        if not task["begin"] or int(task["state"] or 0) == _DONE:
            continue
        begin = utc(context, str(task["begin"]), zone)
        if task["end"]:
            end = utc(context, str(task["end"]), zone)
        else:  # planned with a duration only
            end = begin + timedelta(seconds=int(task["actiontime"] or 0))
        if end > begin:
            yield Span.between(begin, end)


def utc(context: Context, text: str, zone: tzinfo | None) -> datetime:
    """Read a time of GLPI's in its zone; where its clock shows that it lives in another, by that clock as it is now."""
    by_clock = context.glpi.to_utc(text)
    assert by_clock is not None  # noqa: S101 - there is a text
    if zone is None or not agrees(context, zone):
        return by_clock
    local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
    return local.replace(tzinfo=zone)


def agrees(context: Context, zone: tzinfo) -> bool:
    """Tell whether GLPI's clock is that of a zone; it was read at log-in, perhaps before the clocks changed."""
    offset = None if context.glpi.account is None else context.glpi.account.clock_offset
    times = (context.time(), context.time() - timedelta(days=1))
    return offset is None or any(time.astimezone(zone).utcoffset() == offset for time in times)


def _tickets(context: Context, change_id: int) -> tuple[int, ...]:
    """Return the tickets of a Change that names no asset: its own, and those of the Problems that it is to end."""
    found = [int(one["tickets_id"]) for one in _rows(context, f"Change/{change_id}/Change_Ticket")]
    for one in _rows(context, f"Change/{change_id}/Change_Problem"):
        try:
            links = context.glpi.rows(f"Problem/{one['problems_id']}/Problem_Ticket")
        except Refused:  # a Problem in another entity, or gone
            continue
        found += [int(link["tickets_id"]) for link in links]
    return tuple(dict.fromkeys(found))
