"""Whether GLPI's own automatic actions run: GLPI only tells when each last did, and only to an administrator."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

from glpi_bridge.glpi import Glpi
from glpi_bridge.text import spoken

_RUNNING = 2
_LATE_TURNS = 5
_SHORTEST = timedelta(minutes=15)


def asleep(glpi: Glpi, names: Collection[str], now: datetime) -> Iterator[str]:
    """Say of each named action (CronTask) that it has not run for several of its turns, or is stuck.

    Mails, closing and old sessions depend on them. `now` is aware; GLPI's times are read by its own clock.
    """
    for row in glpi.rows("CronTask") if names else ():
        if row["name"] not in names:
            continue
        every = timedelta(seconds=int(row["frequency"]))
        last = glpi.to_utc(row.get("lastrun"))
        if last is None:
            yield f"automatic action {row['name']} has never run"
        elif now - last > max(_LATE_TURNS * every, _SHORTEST):
            is_stuck = int(row["state"]) == _RUNNING
            since = f"since {last.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            what = "runs" if is_stuck else "has not run"
            yield f"automatic action {row['name']} {what} {since}, and is due every {spoken(every)}"
