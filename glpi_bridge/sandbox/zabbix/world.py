"""What exists in the stand-in's Zabbix, and what happens there: problems, updates, recoveries, maintenance.

Everything is kept in memory under one lock (`World.lock`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from glpi_bridge.sandbox.zabbix import conditions, texts
from glpi_bridge.sandbox.zabbix.model import (
    Acknowledge,
    Action,
    Alert,
    Escalation,
    Event,
    Group,
    Host,
    Item,
    Maintenance,
    Media,
    MediaType,
    Role,
    Script,
    Suppression,
    Template,
    TemplateGroup,
    Token,
    Trigger,
    User,
    UserGroup,
)
from glpi_bridge.zabbix_answers import AckAction

Tags = Sequence[tuple[str, str]]

NAME_CHARACTERS = 2048  # events.name; longer ones are cut without a word [contract Z04/055]


class World:
    """All objects by id, and what can happen to them. Take `lock` around anything that must not be torn."""

    def __init__(self, *, clock: Callable[[], float] = time.time, timezone: str = "UTC") -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.clock, self.timezone = clock, ZoneInfo(timezone)
        self.groups: dict[int, Group] = {}
        self.templates: dict[int, Template] = {}
        self.template_groups: dict[int, TemplateGroup] = {}
        self.hosts: dict[int, Host] = {}
        self.items: dict[int, Item] = {}
        self.triggers: dict[int, Trigger] = {}
        self.events: dict[int, Event] = {}
        self.open: dict[int, Event] = {}
        self.roles: dict[int, Role] = {}
        self.users: dict[int, User] = {}
        self.tokens: dict[int, Token] = {}
        self.sessions: dict[str, int] = {}
        self.maintenances: dict[int, Maintenance] = {}
        self.alerts: dict[int, Alert] = {}
        self.escalations: dict[tuple[int, int], Escalation] = {}
        self.due: set[int] = set()
        self.updates: list[tuple[int, Acknowledge]] = []
        self.elsewhere: list[tuple[Event, dict[str, str]]] = []
        self.tasks: list[tuple[str, int, int]] = []
        self.told: dict[tuple[int, int], list[tuple[User, Media]]] = {}
        self.usergroups: dict[int, UserGroup] = {}
        self.media_types: dict[int, MediaType] = {}
        self.actions: dict[int, Action] = {}
        self.scripts: dict[int, Script] = {}
        self.ok_period = 300
        self._ids = {kind: count(first) for kind, first in _FIRST_IDS.items()}
        self._events_of: dict[int, list[int]] = {}

    def now(self) -> int:
        """Give the time in whole seconds."""
        return int(self.clock())

    def wake(self) -> None:
        """Tell those who wait that something happened."""
        with self.lock:
            self.changed.notify_all()

    def next_id(self, kind: str) -> int:
        """Give the next free id of a kind of object."""
        return next(self._ids[kind])

    def set_next_id(self, kind: str, number: int) -> None:
        """Let the ids of a kind go on from this number."""
        self._ids[kind] = count(number)

    # configuration

    @property
    def media_type(self) -> MediaType:
        """The first media type: the bridge's, in a world that has it from the start."""
        return next(iter(self.media_types.values()))

    @property
    def action(self) -> Action:
        """The first action."""
        return next(iter(self.actions.values()))

    @property
    def bridge(self) -> User:
        """The account whom the first action tells."""
        return self.users[int(self.action.operations[0]["opmessage_usr"][0]["userid"])]

    def add_group(self, name: str) -> int:
        """Make a host group, or give the id of the one of that name."""
        for group in self.groups.values():
            if group.name == name:
                return group.groupid
        group = Group(self.next_id("group"), name)
        self.groups[group.groupid] = group
        return group.groupid

    def add_host(self, host: str, *, groups: Iterable[str] = ("Lab servers",), name: str = "", **rest: Any) -> Host:
        """Make a host."""
        made = Host(self.next_id("host"), host, name or host, {self.add_group(one) for one in groups}, **rest)
        self.hosts[made.hostid] = made
        return made

    def add_trigger(
        self, host: Host, description: str, *, item: Mapping[str, Any] | None = None, **rest: Any
    ) -> Trigger:
        """Make a trigger and the item under it."""
        fields = {"name": description, "key": f"item[{len(self.items)}]"} | dict(item or {})
        made = Item(self.next_id("item"), host.hostid, **fields)
        self.items[made.itemid] = made
        rest.setdefault("expression", f"last(/{host.host}/{made.key})>0")
        trigger = Trigger(self.next_id("trigger"), made.itemid, host.hostid, description, **rest)
        self.triggers[trigger.triggerid] = trigger
        return trigger

    def host_named(self, host: str) -> Host:
        """Find a host by its technical name; a new one is made."""
        return next((one for one in self.hosts.values() if one.host == host), None) or self.add_host(host)

    def trigger_named(self, host: Host, description: str) -> Trigger | None:
        """Find a trigger of a host by its description."""
        same = (one for one in self.triggers.values() if one.hostid == host.hostid and one.description == description)
        return next(same, None)

    # what happens

    def raise_problem(
        self,
        trigger: Trigger,
        *,
        value: str | None = None,
        clock: int | None = None,
        ns: int = 0,
        alert: bool = True,
        severity: int | None = None,
    ) -> Event:
        """Make a problem event of a trigger; `value` is the item's new value; without `alert` nobody is told."""
        item = self.items[trigger.itemid]
        if value is not None:
            item.value = value
        event = self._new_event(trigger, 1, clock, ns)
        event.severity = trigger.priority if severity is None else severity
        event.tags = self._tags_of(trigger)
        self.turn_maintenances()
        self.open[event.eventid] = event
        for maintenance in self.maintenances.values():
            self._suppress(event, maintenance)
        for actionid, action in self.actions.items() if alert else ():
            if conditions.is_for(self, action, trigger, event):
                self.escalations[event.eventid, actionid] = Escalation(event.eventid, actionid)
                self.due.add(event.eventid)
        self.wake()
        return event

    def raise_elsewhere(
        self, source: int, object_: int, macros: Mapping[str, str], *, clock: int | None = None
    ) -> Event:
        """Make an event that is not a trigger's (discovery, autoregistration, internal) and tell the bridge's user.

        `macros` are those that have a value there, `{DISCOVERY.RULE.NAME}`; the others stay as they are written.
        """
        event = Event(self.next_id("event"), 0, self.now() if clock is None else clock, 0, 1, "", 0, source, object_)
        self.events[event.eventid] = event
        self.elsewhere.append((event, dict(macros)))
        self.wake()
        return event

    def recover(self, problems: Sequence[Event], *, value: str | None = None, by_hand: bool = False) -> Event:
        """End problems of one trigger with one recovery event; closed by hand, it lacks the trigger's tags."""
        trigger = self.triggers[problems[0].objectid]
        item = self.items[trigger.itemid]
        if value is not None:
            item.value = value
        event = self._new_event(trigger, 0, None, 0)
        event.tags = self._tags_of(trigger)[len(trigger.tags) if by_hand else 0 :]
        for problem in problems:
            problem.r_eventid = event.eventid
            self.open.pop(problem.eventid, None)
            self.due.add(problem.eventid)
        self.wake()
        return event

    def _new_event(self, trigger: Trigger, value: int, clock: int | None, ns: int) -> Event:
        moment = self.now() if clock is None else clock
        name = texts.expand(self, trigger, trigger.description)[:NAME_CHARACTERS]
        eventid = self.next_id("event")
        event = Event(eventid, trigger.triggerid, moment, ns or eventid * 7919 % 10**9, value, name)
        event.item_value = self.items[trigger.itemid].value
        trigger.value, trigger.lastchange = value, moment
        self.events[event.eventid] = event
        self._events_of.setdefault(trigger.triggerid, []).append(event.eventid)
        return event

    def _tags_of(self, trigger: Trigger) -> list[tuple[str, str]]:
        return [*trigger.tags, *self.items[trigger.itemid].tags, *self.hosts[trigger.hostid].tags]

    def events_of(self, triggerid: int) -> list[Event]:
        """List the events of a trigger, oldest first."""
        return [self.events[one] for one in self._events_of.get(triggerid, ()) if one in self.events]

    def update(self, event: Event, user: User, action: int, *, message: str = "", **rest: int) -> None:
        """Carry out event.acknowledge's bits on one event, as Zabbix does: what is so already leaves no trace."""
        done = Acknowledge(0, user.userid, self.now(), message if action & AckAction.MESSAGE else "", 0)
        done.action = action & AckAction.MESSAGE
        self._mark_acknowledged(event, action, done)
        self._mark_severity(event, action, rest.get("severity", 0), done)
        self._mark_suppressed(event, action, rest.get("suppress_until", 0), user, done)
        if action & AckAction.CLOSE and not event.r_eventid:
            done.action |= AckAction.CLOSE
            self.tasks.append(("close", event.eventid, 0))
        if done.action:
            self._keep(event, done)
        self._mark_rank(event, action, rest.get("cause_eventid", 0), user)
        if done.action and not action & (AckAction.TO_CAUSE | AckAction.TO_SYMPTOM):  # a change of rank is not told
            self.updates.append((event.eventid, done))
        self.wake()

    def _keep(self, event: Event, done: Acknowledge) -> None:
        done.acknowledgeid = self.next_id("acknowledge")
        event.acknowledges.append(done)

    def _mark_acknowledged(self, event: Event, action: int, done: Acknowledge) -> None:
        if action & AckAction.ACKNOWLEDGE and not event.acknowledged:
            event.acknowledged = 1
            done.action |= AckAction.ACKNOWLEDGE
        if action & AckAction.UNACKNOWLEDGE and event.acknowledged:
            event.acknowledged = 0
            done.action |= AckAction.UNACKNOWLEDGE

    def _mark_severity(self, event: Event, action: int, severity: int, done: Acknowledge) -> None:
        if action & AckAction.SEVERITY and event.severity != severity:
            done.old_severity, done.new_severity = event.severity, severity
            event.severity = severity
            done.action |= AckAction.SEVERITY

    def _mark_suppressed(self, event: Event, action: int, until: int, user: User, done: Acknowledge) -> None:
        if action & AckAction.SUPPRESS and not event.r_eventid:
            event.suppressions = [one for one in event.suppressions if one.maintenanceid]
            event.suppressions.append(Suppression(0, until, user.userid))
            done.suppress_until = until
            done.action |= AckAction.SUPPRESS
        if action & AckAction.UNSUPPRESS and any(not one.maintenanceid for one in event.suppressions):
            event.suppressions = [one for one in event.suppressions if one.maintenanceid]
            done.action |= AckAction.UNSUPPRESS

    def _mark_rank(self, event: Event, action: int, cause: int, user: User) -> None:
        """Ranks change a moment after the answer, so they are tasks; no-ops leave no trace [contract Z08]."""
        if action & AckAction.TO_CAUSE and event.cause_eventid:
            self._keep(event, Acknowledge(0, user.userid, self.now(), "", int(AckAction.TO_CAUSE)))
            self.tasks.append(("rank", event.eventid, 0))
        if action & AckAction.TO_SYMPTOM:
            top = self.events[cause].cause_eventid or cause
            if event.eventid != cause and event.cause_eventid != top:
                self._keep(event, Acknowledge(0, user.userid, self.now(), "", int(AckAction.TO_SYMPTOM)))
                self.tasks.append(("rank", event.eventid, cause if top == event.eventid else top))

    def run_tasks(self) -> None:
        """Do what the server does a moment later: close by hand, change ranks, end suppressions for a time."""
        tasks, self.tasks = self.tasks, []
        for kind, eventid, other in tasks:
            event = self.events.get(eventid)
            if event is None or event.objectid not in self.triggers:
                continue
            if kind == "close" and not event.r_eventid:
                self.recover([event], by_hand=True)
            if kind == "rank":
                self._rank(event, other)

    def end_suppressions(self) -> None:
        """Take back what was suppressed for a time that is over, and the marks of hosts out of maintenance."""
        self.turn_maintenances()
        for host in self.hosts.values():
            host.maintenance_from = host.maintenance_from if host.maintenanceid else 0
        for event in self.open.values():
            if event.suppressions:
                event.suppressions = [one for one in event.suppressions if not self._is_over(one)]

    def _is_over(self, suppression: Suppression) -> bool:
        return not suppression.maintenanceid and 0 < suppression.suppress_until <= self.now()

    def _rank(self, event: Event, cause: int) -> None:
        event.cause_eventid = cause
        for other in self.events.values() if cause else ():
            if other.cause_eventid == event.eventid:
                other.cause_eventid = 0 if other.eventid == cause else cause

    def housekeep(self, problems: Iterable[Event]) -> None:
        """Remove events with their recoveries and alerts, as the housekeeper does."""
        gone = {one.eventid for one in problems} | {one.r_eventid for one in problems}
        for eventid in gone:
            self.events.pop(eventid, None)
            self.open.pop(eventid, None)
        self.escalations = {key: one for key, one in self.escalations.items() if one.eventid not in gone}
        self.alerts = {key: one for key, one in self.alerts.items() if one.eventid not in gone}

    def start_maintenance(self, hosts: Iterable[Host], tags: Tags = (), seconds: int = 3600) -> Maintenance:
        """Put hosts into maintenance; with `tags` only the problems that carry one of them are suppressed."""
        since = self.now() // 60 * 60
        hostids = frozenset(one.hostid for one in hosts)
        made = Maintenance(self.next_id("maintenance"), "", hostids, frozenset(tags), since, since + seconds)
        self.maintenances[made.maintenanceid] = made
        self.turn_maintenances()
        return made

    def end_maintenance(self, maintenanceid: int) -> None:
        """Take a maintenance away: what was held is told now, if it still lives."""
        self.stop_maintenance(self.maintenances.pop(maintenanceid))

    def turn_maintenances(self) -> None:
        """Begin and end maintenances whose time has come."""
        for one in self.maintenances.values():
            if bool(one.end(self.now())) == one.is_on:
                continue
            if one.is_on:
                self.stop_maintenance(one)
            else:
                self._start(one)

    def _start(self, one: Maintenance) -> None:
        one.is_on = True
        for host in self._hosts_of(one):
            if not host.maintenanceid:
                host.maintenanceid, host.maintenance_from = one.maintenanceid, one.since
        for event in self.open.values():
            self._suppress(event, one)

    def stop_maintenance(self, one: Maintenance) -> None:
        """End what a maintenance suppresses."""
        one.is_on = False
        for host in self._hosts_of(one):
            if host.maintenanceid == one.maintenanceid:
                host.maintenanceid = 0  # `maintenance_status` lags behind [contract Z09/054]
        for event in self.open.values():
            event.suppressions = [each for each in event.suppressions if each.maintenanceid != one.maintenanceid]
        self.wake()

    def _hosts_of(self, one: Maintenance) -> list[Host]:
        return [host for host in self.hosts.values() if host.hostid in one.hostids or host.groupids & one.groupids]

    def _suppress(self, event: Event, maintenance: Maintenance) -> None:
        trigger = self.triggers.get(event.objectid)
        is_meant = not maintenance.tags or bool(maintenance.tags & set(event.tags))
        is_of_it = trigger is not None and self.hosts.get(trigger.hostid) in self._hosts_of(maintenance)
        if maintenance.is_on and is_of_it and is_meant:
            event.suppressions.append(Suppression(maintenance.maintenanceid, maintenance.end(self.now())))

    def delete_host(self, host: Host) -> None:
        """Delete a host with its items and triggers; its events stay, unseen by all but super admins."""
        for trigger in [one for one in self.triggers.values() if one.hostid == host.hostid]:
            self.delete_trigger(trigger)
        self.items = {key: one for key, one in self.items.items() if one.hostid != host.hostid}
        del self.hosts[host.hostid]

    def delete_trigger(self, trigger: Trigger) -> None:
        """Delete a trigger; no recovery comes, the problem's row goes."""
        del self.triggers[trigger.triggerid]
        for event in self.events_of(trigger.triggerid):
            self.open.pop(event.eventid, None)

    # who sees what

    def visible_groups(self, user: User) -> set[int]:
        """Give the host groups an account may read."""
        if self.is_super(user):
            return set(self.groups)
        return {groupid for groupid, right in self.rights_of(user).items() if right >= 2 and groupid in self.groups}

    def rights_of(self, user: User) -> dict[int, int]:
        """Give what the user groups of an account allow on host groups: the most, but a denial wins [contract Z10/179].

        A user group that is switched off gives nothing, and one that has been deleted neither [contract Z10/176].
        """
        given: dict[int, int] = {}
        for usrgrpid in user.usergroups & self.usergroups.keys():
            group = self.usergroups[usrgrpid]
            for groupid, right in group.rights.items() if not group.users_status else ():
                held = given.get(groupid, right)
                given[groupid] = 0 if 0 in {held, right} else max(held, right)
        return given

    def knows(self, user: User, other: User) -> bool:
        """Tell whether an account is told another's name: it shares a user group with it, or sees everything."""
        return self.is_super(user) or user.userid == other.userid or bool(user.usergroups & other.usergroups)

    def is_super(self, user: User) -> bool:
        """Tell whether an account sees and may do everything."""
        return self.roles[user.roleid].type == texts.SUPER_ADMIN

    def sees_alert(self, user: User, alert: Alert) -> bool:
        """Tell whether an account sees an alert: it goes to itself or to somebody of its user groups."""
        recipient = self.users.get(alert.userid)
        return self.is_super(user) or (recipient is not None and self.knows(user, recipient))

    def sees_host(self, user: User, host: Host, right: int = 2) -> bool:
        """Tell whether an account has that right on a host."""
        if self.is_super(user):
            return True
        given = [one for groupid, one in self.rights_of(user).items() if groupid in host.groupids]
        return 0 not in given and any(one >= right for one in given)

    def sees_event(self, user: User, event: Event, right: int = 2) -> bool:
        """Tell whether an account sees an event; what has lost its trigger is left to super admins."""
        trigger = self.triggers.get(event.objectid)
        if trigger is None or trigger.hostid not in self.hosts:
            return self.is_super(user)
        return self.sees_host(user, self.hosts[trigger.hostid], right)

    def is_disabled(self, trigger: Trigger) -> bool:
        """Tell whether trigger, host or item is switched off: nothing more will be said of its problems."""
        return bool(trigger.status or self.hosts[trigger.hostid].status or self.items[trigger.itemid].status)


_FIRST_IDS = {
    "group": 22,
    "template": 10600,
    "host": 10680,
    "item": 50668,
    "trigger": 25212,
    "event": 1,
    "acknowledge": 1,
    "alert": 1,
    "maintenance": 1,
    "token": 1,
    "user": 3,
    "role": 5,
    "session": 1,
    "usergroup": 15,
    "media": 2,
    "mediatype": 71,
    "action": 8,
    "operation": 14,
    "script": 4,
    "template group": 20,
    "interface": 1,
    "macro": 7940,
}
