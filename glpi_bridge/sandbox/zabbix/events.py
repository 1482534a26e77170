"""problem.get, event.get and event.acknowledge of the stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix import vocabulary
from glpi_bridge.sandbox.zabbix.model import Acknowledge, Event, Refusal, User, no_object
from glpi_bridge.sandbox.zabbix.objects import Sight, common_row, host_fields, trigger_fields
from glpi_bridge.sandbox.zabbix.settings import alert_row
from glpi_bridge.sandbox.zabbix.shapes import NotServed, Params, bad_params, expect, ids, shaped
from glpi_bridge.sandbox.zabbix.world import World
from glpi_bridge.zabbix_answers import AckAction

MESSAGE_CHARACTERS = 2048


class Events:
    """The events of a world as one version of Zabbix shows them."""

    def __init__(self, world: World, version: tuple[int, int, int]) -> None:
        self.world, self.version = world, version

    def problem_get(self, user: User, params: Params) -> Any:
        """Open problems, or with `recent` those too that recovered within the front end's ok_period."""
        expect(params, vocabulary.PROBLEM_PARAMS)
        for name in params.get("filter") or {}:
            if name not in vocabulary.PROBLEM_FILTERS:
                raise bad_params(f'Invalid parameter "/filter": unexpected parameter "{name}".')
        pool: Iterable[Event] = self._named(params, "eventids") or self._problems(params)
        events = [one for one in pool if self._is_problem_row(one, params)]
        return self._list(user, params, events, self._problem_row)

    def _problems(self, params: Params) -> Iterable[Event]:
        return (
            [one for one in self.world.events.values() if one.value]
            if params.get("recent")
            else self.world.open.values()
        )

    def _is_problem_row(self, event: Event, params: Params) -> bool:
        """Its row in Zabbix's problem table goes with its trigger, and some time after its recovery."""
        if not event.value or event.objectid not in self.world.triggers:
            return False
        if not event.r_eventid:
            return True
        ended = self.world.events.get(event.r_eventid)
        return (
            bool(params.get("recent")) and ended is not None and ended.clock > self.world.now() - self.world.ok_period
        )

    def event_get(self, user: User, params: Params) -> Any:
        """Events of all kinds, by id, object or time."""
        served = vocabulary.EVENT_PARAMS | (
            {"select_alerts", "select_acknowledges"} if self.version < (7, 2) else set()
        )
        expect(params, served)
        for name in params.get("filter") or {}:
            if name not in vocabulary.EVENT_FILTERS:
                raise bad_params(f'Invalid parameter "/filter": unexpected parameter "{name}".')
        pool: Iterable[Event]
        if "eventids" in params:
            pool = self._named(params, "eventids") or ()
        elif "objectids" in params:
            pool = [one for key in ids(params["objectids"]) for one in self.world.events_of(key)]
        else:
            pool = self.world.events.values()
        return self._list(user, params, pool, self._event_row)

    def _named(self, params: Params, name: str) -> list[Event] | None:
        if name not in params:
            return None
        return [self.world.events[one] for one in sorted(set(ids(params[name]))) if one in self.world.events]

    def _list(
        self, user: User, params: Params, pool: Iterable[Event], row: Callable[[User, Event, Params], dict[str, Any]]
    ) -> Any:
        shown = Sight(self.world, user)
        found = [one for one in pool if shown.event(one) and _matches(self.world, one, params)]
        if params.get("countOutput"):
            return str(len(found))
        if params.get("sortfield"):
            found.sort(key=lambda one: one.eventid, reverse=params.get("sortorder") == "DESC")
        else:  # no order is promised then; this one was seen [contract Z11/020]
            found.sort(key=lambda one: (one.objectid, one.eventid))
        limit = int(params.get("limit") or 0)
        return [row(user, one, params) for one in (found[:limit] if limit else found)]

    def _problem_row(self, user: User, event: Event, params: Params) -> dict[str, Any]:
        ended = self.world.events.get(event.r_eventid)
        full = common_row(self.world, event) | {
            "r_clock": str(ended.clock if ended else 0),
            "r_ns": str(ended.ns if ended else 0),
        }
        row = shaped(full, params.get("output", "extend"))  # no id unasked here [contract Z09/051]
        return row | self._selected(user, event, params, sorted(event.tags))

    def _event_row(self, user: User, event: Event, params: Params) -> dict[str, Any]:
        full = common_row(self.world, event) | {"value": str(event.value), "c_eventid": "0"}
        row = shaped(full, params.get("output", "extend"), "eventid") | self._selected(user, event, params, event.tags)
        trigger = self.world.triggers.get(event.objectid)
        if "selectHosts" in params:
            host = self.world.hosts[trigger.hostid] if trigger else None
            row["hosts"] = [shaped(host_fields(host), params["selectHosts"], "hostid")] if host else []
        if "selectRelatedObject" in params:
            full = trigger_fields(self.world, trigger, {}) if trigger else {}
            row["relatedObject"] = shaped(full, params["selectRelatedObject"], "triggerid") if trigger else []
        if alerts := params.get("selectAlerts", params.get("select_alerts")):
            told = [one for one in self.world.alerts.values() if event.eventid == one.eventid]
            rows = [alert_row(one) for one in reversed(told) if self.world.sees_alert(user, one)]
            row["alerts"] = [
                shaped({k: v for k, v in one.items() if k != "eventid"}, alerts, "alertid") for one in rows
            ]
        return row

    def _selected(self, user: User, event: Event, params: Params, tags: Iterable[tuple[str, str]]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        if "selectTags" in params:
            row["tags"] = [shaped({"tag": tag, "value": value}, params["selectTags"]) for tag, value in tags]
        if (asked := params.get("selectAcknowledges", params.get("select_acknowledges"))) is not None:
            newest_first = reversed(event.acknowledges)
            row["acknowledges"] = [shaped(self._acknowledge_row(user, one), asked) for one in newest_first]
        if "selectSuppressionData" in params:
            row["suppression_data"] = [
                {
                    "maintenanceid": str(one.maintenanceid),
                    "suppress_until": str(one.suppress_until),
                    "userid": str(one.userid),
                }
                for one in event.suppressions
            ]
        return row

    def _acknowledge_row(self, user: User, update: Acknowledge) -> dict[str, Any]:
        row: dict[str, Any] = {
            "acknowledgeid": str(update.acknowledgeid),
            "userid": str(update.userid),
            "clock": str(update.clock),
            "message": update.message,
            "action": str(update.action),
            "old_severity": str(update.old_severity),
            "new_severity": str(update.new_severity),
            "suppress_until": str(update.suppress_until),
            "taskid": "0",
        }
        author = self.world.users.get(update.userid)
        if author and (
            self.world.is_super(user) or author.userid == user.userid or author.usergroups & user.usergroups
        ):
            row |= {"username": author.username, "name": author.name, "surname": author.surname}
        return row

    def event_acknowledge(self, user: User, params: Params) -> Any:
        """Update events: one that is missing or hidden fails the whole call [contract Z06/017]."""
        expect(params, {"eventids", "action", "message", "severity", "suppress_until", "cause_eventid"})
        action = int(params.get("action", 0))
        self._check_acknowledge(user, action, params)
        eventids = ids(params.get("eventids", []))
        events = [self._event_to_update(user, one, action) for one in dict.fromkeys(eventids)]
        if action & AckAction.TO_SYMPTOM:
            events_and_cause = [*events, self._event_to_update(user, int(params["cause_eventid"]), action)]
        else:
            events_and_cause = events
        if action & AckAction.CLOSE:
            for event in events_and_cause:
                trigger = self.world.triggers.get(event.objectid)
                if trigger and not trigger.manual_close:
                    raise Refusal(-32500, "Cannot close problem: trigger does not allow manual closing.")
        rest = {name: int(params[name]) for name in ("severity", "suppress_until", "cause_eventid") if name in params}
        for event in events:
            self.world.update(event, user, action, message=str(params.get("message", "")), **rest)
        return {"eventids": list(dict.fromkeys(eventids))}

    def _check_acknowledge(self, user: User, action: int, params: Params) -> None:
        if action & AckAction.TO_CAUSE and action & AckAction.TO_SYMPTOM:
            raise bad_params('Incorrect value for field "action": value must be one of 128, 256.')
        if action & AckAction.TO_SYMPTOM and "cause_eventid" not in params:
            raise bad_params('Invalid parameter "/": the parameter "cause_eventid" is missing.')
        if action & AckAction.MESSAGE:
            message = str(params.get("message", ""))
            if len(message) > MESSAGE_CHARACTERS:
                raise bad_params('Invalid parameter "/message": value is too long.')
            if not message:
                raise bad_params('Incorrect value for field "message": cannot be empty.')
        allowed = self.world.roles[user.roleid].actions
        for bit, name, words in vocabulary.ACTION_RIGHTS:
            if action & bit and allowed is not None and name not in allowed:
                raise bad_params(f'Incorrect value for field "action": no permissions to {words}.')

    def _event_to_update(self, user: User, eventid: int, action: int) -> Event:
        event = self.world.events.get(eventid)
        right = 3 if action & AckAction.CLOSE else 2
        if event is None or not event.value or not self.world.sees_event(user, event, right):
            raise no_object()
        return event


def _matches(world: World, event: Event, params: Params) -> bool:
    """Tell whether an event meets the filters of problem.get and event.get."""
    trigger = world.triggers.get(event.objectid)
    host = world.hosts.get(trigger.hostid) if trigger else None
    for name, test in _EVENT_TESTS.items():
        if params.get(name) is not None and not test(event, params[name]):
            return False
    if event.source != int(params.get("source") or 0) or event.object != int(params.get("object") or 0):
        return False
    if "groupids" in params and not (host and host.groupids & set(ids(params["groupids"]))):
        return False
    if "hostids" in params and not (host and host.hostid in ids(params["hostids"])):
        return False
    for name, wanted in (params.get("filter") or {}).items():
        if getattr(event, name) not in ids(wanted):
            return False
    tags = params.get("tags") or []
    hits = [_has_tag(event, one) for one in tags]
    return not tags or (any(hits) if int(params.get("evaltype") or 0) == 2 else all(hits))


_EVENT_TESTS: dict[str, Callable[[Event, Any], bool]] = {
    "objectids": lambda e, v: e.objectid in ids(v),
    "time_from": lambda e, v: e.clock >= int(v),
    "time_till": lambda e, v: e.clock <= int(v),
    "eventid_from": lambda e, v: e.eventid >= int(v),
    "eventid_till": lambda e, v: e.eventid <= int(v),
    "value": lambda e, v: e.value in ids(v),
    "acknowledged": lambda e, v: bool(e.acknowledged) is bool(v),
    "suppressed": lambda e, v: e.is_suppressed is bool(v),
    "symptom": lambda e, v: bool(e.cause_eventid) is bool(v),
    "severities": lambda e, v: e.severity in ids(v),
}


def _has_tag(event: Event, wanted: Mapping[str, Any]) -> bool:
    """Operators: 0 contains, 1 equals, 4 exists (problem.get, `tags`)."""
    operator, text = int(wanted.get("operator") or 0), str(wanted.get("value", ""))
    values = [value for tag, value in event.tags if tag == wanted.get("tag")]
    if operator == 4:
        return bool(values)
    if operator not in {0, 1}:
        raise NotServed(f"tag operator {operator}")
    return any(value == text if operator else text.lower() in value.lower() for value in values)
