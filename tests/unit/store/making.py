"""Facts, events and incidents for the store's tests, in few words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from glpi_bridge import facts
from glpi_bridge.facts import Facts
from glpi_bridge.model import Alert, AlertKind, Incident, StepKind
from glpi_bridge.store import Store, events, incidents
from glpi_bridge.store.attempts import Attempt, Item
from glpi_bridge.store.events import Unsorted
from glpi_bridge.store.incidents import Owed

NOW = 1_795_593_600.0


def told(eventid: str = "101", kind: AlertKind = AlertKind.PROBLEM, **fields: str) -> tuple[str, str, Facts]:
    """What an alert says about an event, ready to be merged."""
    alert = Alert("prod", eventid, kind, {"event_name": "CPU is high", **fields}, datetime.fromtimestamp(NOW, UTC))
    return "prod", eventid, facts.from_alert(alert, UTC)


def incident_of(store: Store, *eventids: str, key: str = "7", generation: int = 1, now: float = NOW) -> int:
    """Make an incident that has these events."""

    def make(connection: Any) -> int:
        events.intake(connection, [told(eventid) for eventid in eventids], now)
        fresh = Incident(0, "prod", key, generation, f"zabbix prod/{eventids[0]}", ())
        (id_,) = incidents.insert_incidents(connection, [fresh], now)
        mine = [one for one in events.unsorted(connection, 100) if one.eventid in eventids]
        events.place(connection, [(one, id_, "") for one in mine])
        return id_

    return store.write(make)


def held(store: Store, id_: int) -> Owed:
    """Read one incident."""
    (owed,) = store.read(incidents.by_ids, [id_])
    return owed


def attempt(*owed: Owed, id_: str = "a", worker: str = "w", kind: StepKind = StepKind.CREATE, **more: Any) -> Attempt:
    """A write about to be sent for these incidents."""
    items = tuple(Item(one.incident.id, kind, one.incident.marker) for one in owed)
    times = {"read_at": NOW, "started_at": NOW, "lease_until": NOW + 180}
    return Attempt(**({"id": id_, "worker": worker, "operation": kind, "token": "t", "watermark": 0, "items": items}
                      | times | more))  # fmt: skip


def versions(*owed: Owed) -> dict[int, int]:
    """The versions that were planned on."""
    return {one.incident.id: one.version for one in owed}


def sorted_out(store: Store) -> list[Unsorted]:
    """What is still to be sorted."""
    return store.read(events.unsorted, 100)
