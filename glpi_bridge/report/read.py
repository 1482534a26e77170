"""Reads what a report counts: tickets, Problems and Changes from GLPI page by page, and each page's from the store.

Nothing is kept but the counts and GLPI's categories: 100,000 tickets need no more memory than a page of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from glpi_bridge.errors import Refused
from glpi_bridge.glpi import Glpi
from glpi_bridge.report.figures import Figures, Tally
from glpi_bridge.report.period import Period
from glpi_bridge.report.rows import Clock, Kind, Known, Ticket, Undertaken, is_incident, ticket
from glpi_bridge.store import Store, records
from glpi_bridge.store.records import Record

Progress = Callable[[float, int], None]
"""Is told which part of the period was read (0 to 1), and how many incidents were counted."""
_PAGE = 500
_SLACK = timedelta(days=1)  # clocks that are set back
_PLAIN: Mapping[str, str | int] = {"get_hateoas": "false"}
_LINKS = {Kind.PROBLEM: ("Problem_Ticket",), Kind.CHANGE: ("Change_Ticket", "Change_Problem")}


def figures(glpi: Glpi, store: Store, period: Period, now: datetime, progress: Progress) -> Figures:
    """Return the figures of a period as they stand `now`. Raises as every call to GLPI, and StoreError."""
    _ = glpi.account or glpi.login()
    clock = clock_of(glpi, period, now)
    tally = Tally(period)
    count = 0
    tickets = _tickets(glpi, period, clock, now, lambda part: progress(part, count))
    while page := list(islice(tickets, _PAGE)):
        known = store.read(records.of_tickets, [one.id for one in page])
        count += sum(tally.add(one, known_of(known.get(one.id))) for one in page)
    for kind in Kind:
        _undertaken(glpi, tally, kind, period, clock)
    progress(1.0, count)
    return tally.figures(_categories(glpi))


def clock_of(glpi: Glpi, period: Period, now: datetime) -> Clock:
    """Return how GLPI's dates are read: in the period's zone, summer and winter, where GLPI's clock agrees with it now.

    Elsewhere GLPI's distance from UTC is known for this moment only, and is taken for all dates.
    """
    agrees = glpi.from_utc(now) == now.astimezone(period.zone).strftime("%Y-%m-%d %H:%M:%S")
    if agrees:
        return lambda text: datetime.fromisoformat(text).replace(tzinfo=period.zone)
    return lambda text: glpi.to_utc(text) or now


def known_of(record: Record | None) -> Known | None:
    """Return what a record says for the count; None where the store does not know the ticket."""
    if record is None:
        return None
    own = () if record.is_storm else record.events  # its children's are counted with their own tickets
    return Known(
        severity=max((one.severity for one in record.events), default=None),
        triggers=tuple(dict.fromkeys((one.host, one.trigger) for one in own if one.host)),
        problems=len(own),
        alerts=sum(one.alerts for one in own),
        is_again=record.generation > 1,
        by_itself=record.by_us,
    )


def _tickets(
    glpi: Glpi, period: Period, clock: Clock, now: datetime, progress: Callable[[float], None]
) -> Iterator[Ticket]:
    """Give every incident that may be in the period, newest first, page by page."""
    ours = glpi.from_utc(now)
    whole = (now - period.start) / timedelta(seconds=1)
    for number, row in enumerate(_since(glpi.newest("Ticket", _PLAIN, page=_PAGE), period, clock)):
        if number % _PAGE == 0:
            progress(max(0.0, (now - _created(row, clock)).total_seconds()) / whole if whole > 0 else 1.0)
        if is_incident(row):
            yield ticket(row, clock, ours)


def _since(rows: Iterable[Mapping[str, Any]], period: Period, clock: Clock) -> Iterator[Mapping[str, Any]]:
    """Take rows, the newest id first, as long as they were made in the period or later.

    By their numbers, which are each another's, and not by their dates, of which many are the same; what began in the
    period cannot have been written down before it.
    """
    return takewhile(lambda row: _created(row, clock) >= period.start - _SLACK, rows)


def _created(row: Mapping[str, Any], clock: Clock) -> datetime:
    return clock(str(row["date_creation"] or row["date"])).astimezone(UTC)


def _undertaken(glpi: Glpi, tally: Tally, kind: Kind, period: Period, clock: Clock) -> None:
    try:
        for row in _since(glpi.newest(kind, _PLAIN), period, clock):
            opened = clock(str(row["date"] or row["date_creation"]))
            if period.index(opened) is not None:
                linked = sum(len(glpi.rows(f"{kind}/{int(row['id'])}/{link}", _PLAIN)) for link in _LINKS[kind])
                tally.undertaken(Undertaken(kind, opened, linked))
    except Refused as error:
        if error.code != "ERROR_RIGHT_MISSING":
            raise
        return
    tally.may_read(kind)


def _categories(glpi: Glpi) -> Callable[[int], str]:
    """Return the path of a category by its id; its number where it was deleted, or where none may be read."""
    try:
        paths = {int(row["id"]): str(row["completename"]) for row in glpi.rows("ITILCategory", _PLAIN)}
    except Refused as error:
        if error.code != "ERROR_RIGHT_MISSING":
            raise
        paths = {}
    return lambda id_: paths.get(id_, f"#{id_}" if id_ else "")
