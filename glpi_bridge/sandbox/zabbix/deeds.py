"""What `Control` can do, carried out on the world. One method for each deed; arguments and results are JSON values."""

# ruff: noqa: D102  # `Control` describes each deed

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from glpi_bridge.sandbox.zabbix import actions
from glpi_bridge.sandbox.zabbix.alerts import Alerter
from glpi_bridge.sandbox.zabbix.api import Api
from glpi_bridge.sandbox.zabbix.model import Event, Host, Trigger, User
from glpi_bridge.sandbox.zabbix.world import World
from glpi_bridge.zabbix_answers import AckAction

Row = dict[str, Any]

_FULL_EVENT = {
    "output": "extend",
    "selectTags": "extend",
    "selectHosts": ["hostid", "host", "name", "status"],
    "selectAcknowledges": "extend",
    "selectSuppressionData": "extend",
}


class Deeds:
    """The deeds; each takes the world's lock. ValueError says in words what cannot be done."""

    def __init__(self, world: World, api: Api, alerter: Alerter) -> None:
        self.world, self.api, self.alerter = world, api, alerter

    def raise_problem(
        self,
        host: str,
        name: str,
        *,
        severity: int,
        tags: Mapping[str, str] | None,
        value: str | None,
        item: Mapping[str, str] | None,
        opdata: str,
        comments: str,
        trigger_url: str,
        manual_close: bool,
        group: str,
        clock: int | None,
        alert: bool,
    ) -> str:
        with self.world.lock:
            found = next((one for one in self.world.hosts.values() if one.host == host), None)
            on = found or self.world.add_host(host, groups=[group])
            trigger = self.world.trigger_named(on, name) or self.world.add_trigger(on, name, item=item)
            trigger.priority, trigger.manual_close = severity, int(manual_close)
            trigger.opdata, trigger.comments, trigger.url = opdata, comments, trigger_url
            trigger.tags = list((tags or {}).items())
            return str(self.world.raise_problem(trigger, value=value, clock=clock, alert=alert).eventid)

    def raise_problems(self, count: int, hosts: int, alert: bool) -> list[str]:
        with self.world.lock:
            names = [f"load{number:03d}" for number in range(min(hosts, count))]
            on = [self.world.host_named(name) for name in names]
            raised = []
            for number in range(count):
                host = on[number % len(on)]
                trigger = self.world.add_trigger(host, f"problem {number}", tags=[("scope", "performance")])
                raised.append(str(self.world.raise_problem(trigger, value="1", alert=alert).eventid))
            return raised

    def raise_elsewhere(self, source: int, object_: int, macros: Mapping[str, str], clock: int | None) -> str:
        with self.world.lock:
            return str(self.world.raise_elsewhere(source, object_, macros, clock=clock).eventid)

    def recover(self, eventids: Sequence[str], value: str | None) -> str:
        with self.world.lock:
            return str(self.world.recover([self._event(one) for one in eventids], value=value).eventid)

    def update(
        self,
        eventid: str,
        *,
        message: str,
        acknowledge: bool | None,
        severity: int | None,
        suppress_until: int | None,
        unsuppress: bool,
        close: bool,
        cause: str | None,
        user: str,
    ) -> None:
        action = AckAction.MESSAGE if message else AckAction(0)
        if acknowledge is not None:
            action |= AckAction.ACKNOWLEDGE if acknowledge else AckAction.UNACKNOWLEDGE
        action |= AckAction.CLOSE if close else AckAction(0)
        action |= AckAction.UNSUPPRESS if unsuppress else AckAction(0)
        rest = {}
        if severity is not None:
            action, rest["severity"] = action | AckAction.SEVERITY, severity
        if suppress_until is not None:
            action, rest["suppress_until"] = action | AckAction.SUPPRESS, suppress_until
        if cause is not None:
            action |= AckAction.TO_SYMPTOM if int(cause) else AckAction.TO_CAUSE
            rest["cause_eventid"] = int(cause)
        with self.world.lock:
            self.world.update(self._event(eventid), self._user(user), int(action), message=message, **rest)

    def housekeep(self, eventids: Sequence[str]) -> None:
        with self.world.lock:
            self.world.housekeep([self._event(one) for one in eventids])

    def disable_trigger(self, eventid: str, disabled: bool) -> None:
        with self.world.lock:
            self._trigger(eventid).status = int(disabled)

    def delete_trigger(self, eventid: str) -> None:
        with self.world.lock:
            self.world.delete_trigger(self._trigger(eventid))

    def disable_host(self, host: str, disabled: bool) -> None:
        with self.world.lock:
            self._host(host).status = int(disabled)

    def delete_host(self, host: str) -> None:
        with self.world.lock:
            self.world.delete_host(self._host(host))

    def move_host(self, host: str, group: str) -> None:
        with self.world.lock:
            self._host(host).groupids = {self.world.add_group(group)}

    def start_maintenance(self, hosts: Sequence[str], tags: Mapping[str, str] | None) -> str:
        with self.world.lock:
            on = [self._host(one) for one in hosts]
            return str(self.world.start_maintenance(on, list((tags or {}).items())).maintenanceid)

    def end_maintenance(self, maintenanceid: str) -> None:
        with self.world.lock:
            if int(maintenanceid) not in self.world.maintenances:
                raise ValueError(f"there is no maintenance {maintenanceid}")
            self.world.end_maintenance(int(maintenanceid))

    def event(self, eventid: str) -> Row:
        with self.world.lock:
            rows = self.api.methods["event.get"](self.world.users[1], {**_FULL_EVENT, "eventids": [eventid]})
        return dict(rows[0]) if rows else {}

    def problems(self) -> list[Row]:
        with self.world.lock:
            shown = {name: value for name, value in _FULL_EVENT.items() if name != "selectHosts"}
            return list(self.api.methods["problem.get"](self.world.users[1], shown))

    def alerts(self, eventid: str | None) -> list[Row]:
        with self.world.lock:
            rows = self.api.methods["alert.get"](self.world.users[1], {"output": "extend"})
        return [row for row in rows if eventid is None or eventid in {row["eventid"], row["p_eventid"]}]

    def set_role(self, methods: Sequence[str] | None, actions: Sequence[str] | None) -> None:
        with self.world.lock:
            role = self.world.roles[self.world.bridge.roleid]
            if methods is not None:
                role.methods = frozenset(methods)
            if actions is not None:
                role.actions = frozenset(actions)

    def set_rights(self, groups: Mapping[str, int]) -> None:
        with self.world.lock:
            rights = {self.world.add_group(name): right for name, right in groups.items()}
            for usrgrpid in self.world.bridge.usergroups & self.world.usergroups.keys():
                self.world.usergroups[usrgrpid].rights = dict(rights)

    def set_token(self, value: str) -> None:
        with self.world.lock:
            for token in self.world.tokens.values():
                if token.userid == self.world.bridge.userid:
                    token.value = value

    def set_action(self, **changes: Any) -> None:
        with self.world.lock:
            for name, rows in (("tells_recovery", "recovery_operations"), ("tells_updates", "update_operations")):
                if name in changes:
                    told = getattr(actions.telling(self.world.action.actionid, 0, 0), rows)
                    setattr(self.world.action, rows, told if changes.pop(name) else [])
        _change(self.world, self.world.action, changes)

    def set_media_type(self, **changes: Any) -> None:
        _change(self.world, self.world.media_type, changes)

    def is_idle(self) -> bool:
        return self.alerter.is_idle()

    def _event(self, eventid: str) -> Event:
        event = self.world.events.get(int(eventid))
        if event is None:
            raise ValueError(f"there is no event {eventid}")
        return event

    def _trigger(self, eventid: str) -> Trigger:
        trigger = self.world.triggers.get(self._event(eventid).objectid)
        if trigger is None:
            raise ValueError(f"the trigger of event {eventid} is deleted")
        return trigger

    def _host(self, name: str) -> Host:
        for host in self.world.hosts.values():
            if host.host == name:
                return host
        raise ValueError(f"there is no host {name!r}")

    def _user(self, name: str) -> User:
        for user in self.world.users.values():
            if user.username == name:
                return user
        raise ValueError(f"there is no user {name!r}")


def _change(world: World, of: Any, changes: Mapping[str, Any]) -> None:
    known = {one.name for one in fields(of)}
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(sorted(known))}")
        with world.lock:
            setattr(of, name, value)
