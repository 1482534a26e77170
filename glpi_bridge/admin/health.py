"""Tell Zabbix how the bridge itself is doing: what `status` counts, as one JSON value for the health template."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from glpi_bridge import trapper
from glpi_bridge.admin.status import Status, status
from glpi_bridge.config import Health, Settings
from glpi_bridge.errors import BridgeError, TargetError
from glpi_bridge.trapper import Taken, Value

log = logging.getLogger(__name__)
KEY = "glpi_bridge.health"
Send = Callable[[tuple[str, int], list[Value]], Taken]


def values(found: Status) -> dict[str, float]:
    """Return what the health template reads; seconds and numbers. What is not known is left out."""
    counts = found.counts
    told: dict[str, float | None] = {
        "oldest": max(0.0, found.at - found.oldest) if found.oldest is not None else 0.0,
        "queue": found.spool.waiting + (counts.due + counts.in_flight + counts.unsorted if counts else 0),
        "parked": counts.parked + counts.acknowledgements_parked if counts else None,
        "in_doubt": len(found.in_doubt),
        "drift": sum(found.drift.values()),
        "last_sync": max(0.0, found.at - found.last_sync) if found.last_sync is not None else None,
        "glpi_latency": found.glpi_seconds,
        "needs_person": len(found.needs_person),
    }
    return {name: round(number, 3) for name, number in told.items() if number is not None}


class Reporter:
    """Tells each Zabbix that wants it; the same trouble is logged once, and its end."""

    def __init__(self, send: Send = trapper.send) -> None:
        self._send = send
        self._silent: dict[str, str] = {}

    def report(self, settings: Settings, now: float) -> None:
        """Read how it stands and tell it. Nothing is raised: the bridge's work does not hang on this."""
        told = {name: one.health for name, one in settings.zabbix.items() if one.health is not None}
        if not told:
            return
        try:
            text = json.dumps(values(status(settings, now)))
        except BridgeError as error:
            log.error("how the bridge is doing cannot be read: %s", error)
            return
        for name, health in told.items():
            self._tell(name, health, text)

    def _tell(self, name: str, health: Health, text: str) -> None:
        trouble = ""
        try:
            if self._send(health.server, [Value(health.host, KEY, text)]).failed:
                trouble = (
                    f'it has no item {KEY} on a host "{health.host}" (yet): '
                    "`glpi-bridge provision zabbix` makes both, and Zabbix knows them after a minute"
                )
        except TargetError as error:
            trouble = str(error)
        if trouble and self._silent.get(name) != trouble:
            log.warning("Zabbix %s is not told how the bridge is doing: %s", name, trouble)
        elif not trouble and name in self._silent:
            log.info("Zabbix %s is told again how the bridge is doing", name)
        self._silent.pop(name, None)
        if trouble:
            self._silent[name] = trouble
