"""A Zabbix as the bridge's client shows it, with its truth beside what it lets itself be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from glpi_bridge.errors import NoAnswer, NotConnected
from glpi_bridge.model import Severity
from glpi_bridge.zabbix_answers import Gone, HostName, NoRight, Recovery, Visible, ZabbixEvent


@dataclass
class Truth:
    """One problem as it really is."""

    eventid: str
    triggerid: str
    opened: float
    severity: int = 4
    recovered: float | None = None
    r_eventid: str = ""
    suppressed: bool = False
    notes: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    is_housekept: bool = False
    cause: str = ""


@dataclass
class SimZabbix:
    """Answers like `glpi_bridge.zabbix.Zabbix`."""

    rng: Random
    now: Callable[[], float]
    at: Callable[[str], None]
    problems: dict[str, Truth] = field(default_factory=dict)
    recovery_events: list[Recovery] = field(default_factory=list)
    trouble: float = 0.0
    is_blind: bool = False
    is_down: bool = False
    _next: int = 1000

    # -- what happens --

    def open(self, triggerid: str) -> Truth:
        """Let a trigger fire."""
        one = Truth(self._id(), triggerid, self.now(), self.rng.choice((2, 3, 4, 5)))
        self.problems[one.eventid] = one
        return one

    def recover(self, one: Truth) -> None:
        """Let a problem end."""
        one.recovered, one.r_eventid = self.now(), self._id()
        self.recovery_events.append(Recovery(one.r_eventid, one.triggerid, _time(one.recovered), "fine"))

    def _id(self) -> str:
        self._next += 1
        return str(self._next)

    # -- what may be asked --

    def events(self, eventids: Iterable[str]) -> dict[str, ZabbixEvent]:
        self._call("event.get")
        return {id_: self._shown(self.problems[id_]) for id_ in eventids if self._shows(id_)}

    def recoveries(self, after: str, limit: int = 1000) -> list[Recovery]:
        self._call("event.get recoveries")
        return [] if self.is_blind else [one for one in self.recovery_events if int(one.eventid) > int(after)][:limit]

    def newest_eventid(self) -> str:
        self._call("event.get newest")
        return "0" if self.is_blind else str(self._next)

    def open_problems(self, since: Any = None, eventid_from: str | None = None, page: int = 1000) -> Iterator[Any]:
        self._call("problem.get")
        for one in sorted(self.problems.values(), key=lambda one: -int(one.eventid)):
            if self._shows(one.eventid) and one.recovered is None and int(one.eventid) >= int(eventid_from or 0):
                yield self._shown(one)

    def triggers(self, triggerids: Iterable[str]) -> dict[str, Any]:
        self._call("trigger.get")
        return {}

    def visible(self) -> Visible:
        self._call("host.get")
        return Visible(0, 0) if self.is_blind else Visible(1, 1)

    def acknowledge(self, eventid: str, message: str, *, acknowledge: bool = True, close: bool = False) -> None:
        self._call("event.acknowledge")
        if not self._shows(eventid):
            raise Gone("no permissions to referred object or it does not exist", target="Zabbix")
        if self.rng.random() < self.trouble / 2:
            raise NoRight("No permissions to call", target="Zabbix")
        self.problems[eventid].messages.append(message)
        if self.rng.random() < self.trouble:
            raise NoAnswer("the answer was lost", target="Zabbix")
        self.at("after event.acknowledge")

    def has_message(self, eventid: str, message: str) -> bool:
        self._call("event.get acknowledges")
        if not self._shows(eventid):
            raise Gone("not shown", target="Zabbix")
        return message in self.problems[eventid].messages

    def close(self) -> None:
        """Nothing is open."""

    def _call(self, method: str) -> None:
        self.at(f"before {method}")
        if self.is_down or self.rng.random() < self.trouble:
            raise NotConnected("Zabbix refuses the connection", target="Zabbix")

    def _shows(self, eventid: str) -> bool:
        return eventid in self.problems and not self.problems[eventid].is_housekept and not self.is_blind

    def _shown(self, one: Truth) -> ZabbixEvent:
        return ZabbixEvent(
            eventid=one.eventid, source=0, object=0, objectid=one.triggerid, clock=_time(one.opened), value=1,
            name=f"problem of trigger {one.triggerid}", severity=Severity(one.severity), acknowledged=False,
            suppressed=one.suppressed, r_eventid=one.r_eventid,
            r_clock=None if one.recovered is None else _time(one.recovered), cause_eventid=one.cause,
            hosts=(HostName("1", "web01", "Web server 1"),),
        )  # fmt: skip


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)
