"""The methods of the stand-in's API over its world: what an account sees, in Zabbix's shapes and with Zabbix's errors.

A method or parameter that exists in Zabbix and is not served here raises `NotServed`; it is never answered by guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix import texts, vocabulary
from glpi_bridge.sandbox.zabbix.world import (
    Acknowledge,
    Alert,
    Event,
    Host,
    Refusal,
    Token,
    Trigger,
    User,
    World,
    no_object,
)
from glpi_bridge.zabbix_answers import AckAction

Params = Mapping[str, Any]
Rows = list[dict[str, Any]]

MESSAGE_CHARACTERS = 2048
_ANONYMOUS = {"apiinfo.version", "user.login", "user.checkAuthentication"}


class NotServed(Exception):
    """Zabbix knows this, the stand-in does not."""


def bad_params(data: str) -> Refusal:
    """Give the error of a wrong parameter."""
    return Refusal(-32602, data)


class Api:
    """The API of one server; `version` as numbers, (7, 0, 22)."""

    def __init__(self, world: World, version: tuple[int, int, int] = (7, 0, 22)) -> None:
        self.world, self.version = world, version
        self.methods: dict[str, Callable[[User, Params], Any]] = {
            "problem.get": self.problem_get,
            "event.get": self.event_get,
            "event.acknowledge": self.event_acknowledge,
            "trigger.get": self.trigger_get,
            "host.get": self.host_get,
            "hostgroup.get": self.hostgroup_get,
            "alert.get": self.alert_get,
            "mediatype.get": self.mediatype_get,
            "action.get": self.action_get,
            "token.get": self.token_get,
            "user.get": self.user_get,
            "role.get": self.role_get,
            "settings.get": self.settings_get,
        }

    def call(self, method: str, params: Any, token: str | None) -> Any:
        """Give the result of a call, or raise Refusal (Zabbix's own error) or NotServed (ours)."""
        with self.world.lock:
            if method in _ANONYMOUS:
                return self._anonymous(method, params, token)
            user = self._user_of(token)
            if method == "user.logout":
                return self._logout(token)
            self._check_method(user, method)
            if method not in self.methods:
                raise NotServed(f"method {method}")
            if not isinstance(params, dict):
                raise NotServed(f"{method} with parameters that are no object")
            return self.methods[method](user, params)

    # who asks

    def _anonymous(self, method: str, params: Any, token: str | None) -> Any:
        if token is not None:
            raise bad_params(f'The "{method}" method must be called without authorization header.')
        if method == "apiinfo.version":
            return ".".join(str(one) for one in self.version)
        return self._login(params) if method == "user.login" else self._check_authentication(params)

    def _login(self, params: Params) -> Any:
        for name in params:
            if name not in {"username", "password", "userData"}:
                raise bad_params(f'Invalid parameter "/": unexpected parameter "{name}".')
        user = next((one for one in self.world.users.values() if one.username == params.get("username")), None)
        if user is None or not user.password or user.password != params.get("password"):
            if user:
                user.attempt_failed += 1
            raise Refusal(-32500, "Incorrect user name or password or account is temporarily blocked.")
        session = f"{self.world.next_id('session'):032x}"
        self.world.sessions[session] = user.userid
        data = self._user_data(user, session)
        user.attempt_failed = 0
        return data if params.get("userData") else session

    def _check_authentication(self, params: Params) -> Any:
        asked = params.get("sessionid") or params.get("token")
        return self._user_data(self._user_of(str(asked)), str(params.get("sessionid", "")))

    def _logout(self, token: str | None) -> bool:
        if self.world.sessions.pop(str(token), None) is None:
            raise bad_params("Session terminated, re-login, please.")
        return True

    def _user_of(self, token: str | None) -> User:
        if token is None:
            raise bad_params("Not authorized.")
        known = next((one for one in self.world.tokens.values() if one.value == token and not one.status), None)
        if known:
            known.lastaccess = self.world.now()
            return self.world.users[known.userid]
        if token in self.world.sessions:
            return self.world.users[self.world.sessions[token]]
        is_token = re.fullmatch(r"[0-9a-f]{64}", token)
        raise bad_params("Not authorized." if is_token else "Session terminated, re-login, please.")

    def _check_method(self, user: User, method: str) -> None:
        role = self.world.roles[user.roleid]
        kind, _, verb = method.partition(".")
        if kind not in vocabulary.OBJECTS or verb not in vocabulary.VERBS:
            raise Refusal(-32601, f'Incorrect method "{method}".')
        needs_admin = verb in {"create", "update", "delete"} and kind not in {"token", "dashboard"}
        if (role.methods is not None and method not in role.methods) or (needs_admin and role.type < 2):
            raise Refusal(-32500, f'No permissions to call "{method}".')

    def _is_super(self, user: User) -> bool:
        return self.world.roles[user.roleid].type == texts.SUPER_ADMIN

    def _user_data(self, user: User, session: str) -> dict[str, Any]:
        row = {name: value for name, value in _user_row(user).items() if name != "provisioned"}
        return row | {
            "attempt_ip": "127.0.0.1",
            "attempt_clock": str(self.world.now()),
            "timezone": "system",
            "debug_mode": 0,
            "deprovisioned": False,
            "gui_access": "1",
            "mfaid": 0,
            "auth_type": 0,
            "type": self.world.roles[user.roleid].type,
            "userip": "127.0.0.1",
            "sessionid": session,
            "secret": f"{user.userid:032x}",
        }

    # problems and events

    def problem_get(self, user: User, params: Params) -> Any:
        """Open problems, or with `recent` those too that recovered within the front end's ok_period."""
        _expect(params, vocabulary.PROBLEM_PARAMS)
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
        _expect(params, served)
        for name in params.get("filter") or {}:
            if name not in vocabulary.EVENT_FILTERS:
                raise bad_params(f'Invalid parameter "/filter": unexpected parameter "{name}".')
        pool: Iterable[Event]
        if "eventids" in params:
            pool = self._named(params, "eventids") or ()
        elif "objectids" in params:
            pool = [one for key in _ids(params["objectids"]) for one in self.world.events_of(key)]
        else:
            pool = self.world.events.values()
        return self._list(user, params, pool, self._event_row)

    def _named(self, params: Params, name: str) -> list[Event] | None:
        if name not in params:
            return None
        return [self.world.events[one] for one in sorted(set(_ids(params[name]))) if one in self.world.events]

    def _list(
        self, user: User, params: Params, pool: Iterable[Event], row: Callable[[User, Event, Params], dict[str, Any]]
    ) -> Any:
        shown = _Sight(self.world, user)
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
        full = self._common_row(event) | {
            "r_clock": str(ended.clock if ended else 0),
            "r_ns": str(ended.ns if ended else 0),
        }
        row = _shaped(full, params.get("output", "extend"))  # no id unasked here [contract Z09/051]
        return row | self._selected(user, event, params, sorted(event.tags))

    def _event_row(self, user: User, event: Event, params: Params) -> dict[str, Any]:
        full = self._common_row(event) | {"value": str(event.value), "c_eventid": "0"}
        row = _shaped(full, params.get("output", "extend"), "eventid") | self._selected(user, event, params, event.tags)
        trigger = self.world.triggers.get(event.objectid)
        if "selectHosts" in params:
            host = self.world.hosts[trigger.hostid] if trigger else None
            row["hosts"] = [_shaped(self._host_fields(host), params["selectHosts"], "hostid")] if host else []
        if "selectRelatedObject" in params:
            full = self._trigger_fields(trigger, {}) if trigger else {}
            row["relatedObject"] = _shaped(full, params["selectRelatedObject"], "triggerid") if trigger else []
        if alerts := params.get("selectAlerts", params.get("select_alerts")):
            told = [one for one in self.world.alerts.values() if event.eventid == one.eventid]
            rows = [_alert_row(one) for one in reversed(told) if self._sees_alert(user, one)]
            row["alerts"] = [
                _shaped({k: v for k, v in one.items() if k != "eventid"}, alerts, "alertid") for one in rows
            ]
        return row

    def _common_row(self, event: Event) -> dict[str, Any]:
        trigger = self.world.triggers.get(event.objectid)
        opdata = texts.expand(self.world, trigger, trigger.opdata) if trigger and event.value else ""
        return {
            "eventid": str(event.eventid),
            "source": str(event.source),
            "object": str(event.object),
            "objectid": str(event.objectid),
            "clock": str(event.clock),
            "ns": str(event.ns),
            "name": event.name,
            "severity": str(event.severity),
            "acknowledged": str(event.acknowledged),
            "r_eventid": str(event.r_eventid),
            "correlationid": "0",
            "userid": "0",
            "cause_eventid": str(event.cause_eventid),
            "opdata": opdata,
            "suppressed": str(int(event.is_suppressed)),
            "urls": [],
        }

    def _selected(self, user: User, event: Event, params: Params, tags: Iterable[tuple[str, str]]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        if "selectTags" in params:
            row["tags"] = [_shaped({"tag": tag, "value": value}, params["selectTags"]) for tag, value in tags]
        if (asked := params.get("selectAcknowledges", params.get("select_acknowledges"))) is not None:
            newest_first = reversed(event.acknowledges)
            row["acknowledges"] = [_shaped(self._acknowledge_row(user, one), asked) for one in newest_first]
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
        if author and (self._is_super(user) or author.userid == user.userid or author.usergroups & user.usergroups):
            row |= {"username": author.username, "name": author.name, "surname": author.surname}
        return row

    def event_acknowledge(self, user: User, params: Params) -> Any:
        """Update events: one that is missing or hidden fails the whole call [contract Z06/017]."""
        _expect(params, {"eventids", "action", "message", "severity", "suppress_until", "cause_eventid"})
        action = int(params.get("action", 0))
        self._check_acknowledge(user, action, params)
        eventids = _ids(params.get("eventids", []))
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

    # configuration

    def trigger_get(self, user: User, params: Params) -> Any:
        """Triggers with hosts, groups, items; those of templates are not kept here."""
        _expect_known(params, vocabulary.TRIGGER_PARAMS, "trigger.get")
        world, sight = self.world, _Sight(self.world, user)
        pool = list(world.triggers.values())
        if "triggerids" in params:
            pool = [world.triggers[one] for one in sorted(set(_ids(params["triggerids"]))) if one in world.triggers]
        if "hostids" in params:
            wanted = set(_ids(params["hostids"]))
            pool = [one for one in pool if one.hostid in wanted]
        if params.get("only_true"):
            pool = [one for one in pool if one.value]
        if params.get("monitored"):
            pool = [one for one in pool if not world.is_disabled(one)]
        pool = [one for one in pool if sight.host(one.hostid)]
        if params.get("countOutput"):
            return str(len(pool))
        limit = int(params.get("limit") or 0)
        return [self._trigger_row(one, params) for one in (pool[:limit] if limit else pool)]

    def _trigger_fields(self, trigger: Trigger, params: Params) -> dict[str, Any]:
        name = trigger.description
        return {
            "triggerid": str(trigger.triggerid),
            "expression": f"{{{trigger.triggerid + 10845}}}>90",
            "description": texts.expand(self.world, trigger, name) if params.get("expandDescription") else name,
            "url": trigger.url,
            "status": str(trigger.status),
            "value": str(trigger.value),
            "priority": str(trigger.priority),
            "lastchange": str(trigger.lastchange),
            "comments": trigger.comments,
            "error": "",
            "templateid": str(trigger.templateid),
            "type": "0",
            "state": "0",
            "flags": "0",
            "recovery_mode": "0",
            "recovery_expression": "",
            "correlation_mode": "0",
            "correlation_tag": "",
            "manual_close": str(trigger.manual_close),
            "opdata": trigger.opdata,
            "event_name": "",
            "uuid": "",
            "url_name": trigger.url_name,
        }

    def _trigger_row(self, trigger: Trigger, params: Params) -> dict[str, Any]:
        world, host = self.world, self.world.hosts[trigger.hostid]
        row = _shaped(self._trigger_fields(trigger, params), params.get("output", "extend"), "triggerid")
        if "selectHosts" in params:
            row["hosts"] = [_shaped(self._host_fields(host), params["selectHosts"], "hostid")]
        if "selectHostGroups" in params:
            row["hostgroups"] = [_shaped(one, params["selectHostGroups"], "groupid") for one in self._groups_of(host)]
        if "selectTags" in params:
            row["tags"] = [_shaped({"tag": t, "value": v}, params["selectTags"]) for t, v in trigger.tags]
        if "selectDependencies" in params:
            row["dependencies"] = []
        if "selectItems" in params:
            item = world.items[trigger.itemid]
            full = {"itemid": str(item.itemid), "name": item.name, "key_": item.key, "lastvalue": item.value}
            row["items"] = [_shaped(full, params["selectItems"], "itemid")]
        if "selectLastEvent" in params:
            events = world.events_of(trigger.triggerid)
            full = self._common_row(events[-1]) | {"value": str(events[-1].value)} if events else {}
            row["lastEvent"] = _shaped(full, params["selectLastEvent"], "eventid") if events else []
        return row

    def host_get(self, user: User, params: Params) -> Any:
        """Hosts that the account sees."""
        _expect_known(params, vocabulary.HOST_PARAMS, "host.get")
        pool = [one for one in self.world.hosts.values() if self.world.sees_host(user, one)]
        if "hostids" in params:
            wanted = set(_ids(params["hostids"]))
            pool = [one for one in pool if one.hostid in wanted]
        if "groupids" in params:
            groups = set(_ids(params["groupids"]))
            pool = [one for one in pool if one.groupids & groups]
        names = (params.get("filter") or {}).get("host")
        if names is not None:
            pool = [one for one in pool if one.host in ([names] if isinstance(names, str) else names)]
        if params.get("countOutput"):
            return str(len(pool))
        limit = int(params.get("limit") or 0)
        return [self._host_row(one, params) for one in (pool[:limit] if limit else pool)]

    def _host_fields(self, host: Host) -> dict[str, Any]:
        return {
            **vocabulary.HOST_CONSTANTS,
            "hostid": str(host.hostid),
            "host": host.host,
            "name": host.name,
            "status": str(host.status),
            "maintenanceid": str(host.maintenanceid),
            "maintenance_status": "1" if host.maintenance_from else "0",
            "maintenance_from": str(host.maintenance_from),
            "inventory_mode": str(host.inventory_mode),
        }

    def _host_row(self, host: Host, params: Params) -> dict[str, Any]:
        row = _shaped(self._host_fields(host), params.get("output", "extend"), "hostid")
        interface = {
            "ip": host.ip or "",
            "dns": host.dns,
            "port": host.port,
            "type": "1",
            "main": "1",
            "useip": "1",
        }
        if "selectInterfaces" in params:
            row["interfaces"] = [] if host.ip is None else [_shaped(interface, params["selectInterfaces"])]
        if "selectHostGroups" in params:
            row["hostgroups"] = [_shaped(one, params["selectHostGroups"]) for one in self._groups_of(host)]
        if "selectTags" in params:
            row["tags"] = [{"tag": tag, "value": value, "automatic": "0"} for tag, value in host.tags]
        if "selectInheritedTags" in params:
            row["inheritedTags"] = []
        if "selectInventory" in params:
            full = {name: (host.inventory or {}).get(name, "") for name in vocabulary.INVENTORY_FIELDS}
            row["inventory"] = [] if host.inventory is None else _shaped(full, params["selectInventory"])
        if "selectParentTemplates" in params:
            row["parentTemplates"] = []  # no right on any template group
        return row

    def _groups_of(self, host: Host) -> Rows:
        groups = (self.world.groups[one] for one in sorted(host.groupids))
        return [{"groupid": str(one.groupid), "name": one.name, "flags": "0", "uuid": ""} for one in groups]

    def hostgroup_get(self, user: User, params: Params) -> Any:
        """Host groups that the account may read."""
        _expect_known(params, {"output", "countOutput", "groupids", "filter", "with_hosts"}, "hostgroup.get")
        pool = [self.world.groups[one] for one in sorted(self.world.visible_groups(user))]
        if "groupids" in params:
            wanted = set(_ids(params["groupids"]))
            pool = [one for one in pool if one.groupid in wanted]
        if params.get("with_hosts"):
            pool = [one for one in pool if any(one.groupid in host.groupids for host in self.world.hosts.values())]
        names = (params.get("filter") or {}).get("name")
        if names is not None:
            pool = [one for one in pool if one.name in ([names] if isinstance(names, str) else names)]
        if params.get("countOutput"):
            return str(len(pool))
        full = ({"groupid": str(one.groupid), "name": one.name, "flags": "0", "uuid": ""} for one in pool)
        return [_shaped(one, params.get("output", "extend"), "groupid") for one in full]

    def alert_get(self, user: User, params: Params) -> Any:
        """Alerts; an account that is no super admin sees those to users of its own user groups [contract Z11/011]."""
        _expect(params, vocabulary.ALERT_PARAMS)
        for name in params.get("filter") or {}:
            if name not in {"alertid", "status", "alerttype", "mediatypeid", "userid"}:
                raise bad_params(f'Invalid parameter "/filter": unexpected parameter "{name}".')
        found = [one for one in self.world.alerts.values() if self._sees_alert(user, one)]
        found = [one for one in found if _alert_matches(one, params)]
        if params.get("countOutput"):
            return str(len(found))
        found.sort(key=lambda one: one.alertid, reverse=params.get("sortorder") == "DESC")
        limit = int(params.get("limit") or 0)
        shown = found[:limit] if limit else found
        return [_shaped(_alert_row(one), params.get("output", "extend")) for one in shown]

    def _sees_alert(self, user: User, alert: Alert) -> bool:
        recipient = self.world.users.get(alert.userid)
        return self._is_super(user) or (
            recipient is not None and (recipient.userid == user.userid or bool(recipient.usergroups & user.usergroups))
        )

    def mediatype_get(self, user: User, params: Params) -> Any:
        """The media type; six fields of it for all but super admins [contract Z10/006, 007]."""
        _expect_known(params, {"output", "mediatypeids", "filter", "selectMessageTemplates"}, "mediatype.get")
        media = self.world.media_type
        full: dict[str, Any] = {
            "mediatypeid": str(media.mediatypeid),
            "type": "1",
            "name": media.name,
            "status": str(media.status),
            "description": media.description,
            "maxattempts": str(media.maxattempts),
        }
        if self._is_super(user):
            full |= vocabulary.MEDIA_CONSTANTS | {
                "exec_path": media.exec_path,
                "maxsessions": str(media.maxsessions),
                "attempt_interval": f"{media.attempt_interval:g}s",
                "timeout": f"{media.timeout:g}s",
                "parameters": [{"sortorder": str(i), "value": one} for i, one in enumerate(media.parameters)],
            }
        if "mediatypeids" in params and media.mediatypeid not in _ids(params["mediatypeids"]):
            return []
        row = _shaped(full, params.get("output", "extend"), "mediatypeid")
        if "selectMessageTemplates" in params and self._is_super(user):
            templates = [
                {"eventsource": "0", "recovery": str(kind), "subject": subject, "message": message}
                for kind, (subject, message) in enumerate(media.templates)
            ]
            row["message_templates"] = [_shaped(one, params["selectMessageTemplates"]) for one in templates]
        return [row]

    def action_get(self, _user: User, params: Params) -> Any:
        """The trigger action."""
        _expect_known(params, vocabulary.ACTION_PARAMS, "action.get")
        action = self.world.action
        if "actionids" in params and action.actionid not in _ids(params["actionids"]):
            return []
        names = (params.get("filter") or {}).get("name")
        if names is not None and action.name not in ([names] if isinstance(names, str) else names):
            return []
        full = {
            "actionid": str(action.actionid),
            "name": action.name,
            "eventsource": "0",
            "status": str(action.status),
            "esc_period": f"{action.esc_period:g}s" if action.esc_period % 3600 else f"{action.esc_period // 3600:g}h",
            "pause_suppressed": str(int(action.pause_suppressed)),
            "notify_if_canceled": str(int(action.notify_if_canceled)),
            "pause_symptoms": "1",
        }
        row = _shaped(full, params.get("output", "extend"), "actionid")
        for select, (name, rows) in self._operations().items():
            if select in params:
                row[name] = rows
        return [row]

    def _operations(self) -> dict[str, tuple[str, Rows]]:
        action, media = self.world.action, str(self.world.media_type.mediatypeid)
        text = {"default_msg": "1", "subject": "", "message": ""}
        conditions = [
            {"conditiontype": "0", "operator": "0", "value": str(one), "value2": "", "formulaid": chr(65 + i)}
            for i, one in enumerate(sorted(action.groupids))
        ]
        told = {
            "operationid": "11",
            "actionid": str(action.actionid),
            "operationtype": "0",
            "esc_period": "0",
            "esc_step_from": "1",
            "esc_step_to": "1",
            "evaltype": "0",
            "opconditions": [],
            "opmessage": text | {"mediatypeid": media},
            "opmessage_grp": [],
            "opmessage_usr": [{"userid": str(self.world.media_userid)}],
        }
        later = {"evaltype": "0", "opmessage": text | {"mediatypeid": "0"}}
        ended = {
            "operationid": "12",
            "actionid": str(action.actionid),
            "operationtype": "11",
            "opconditions": [],
        } | later
        updated = {"operationid": "13", "operationtype": "12"} | later
        formula = " or ".join(one["formulaid"] for one in conditions)
        condition = {"evaltype": "0", "formula": "", "eval_formula": formula, "conditions": conditions}
        return {
            "selectFilter": ("filter", condition),  # type: ignore[dict-item]  # one object, not rows
            "selectOperations": ("operations", [told]),
            "selectRecoveryOperations": ("recovery_operations", [ended] if action.tells_recovery else []),
            "selectUpdateOperations": ("update_operations", [updated] if action.tells_updates else []),
        }

    def token_get(self, user: User, params: Params) -> Any:
        """API tokens, never their values; an account that is no super admin sees its own."""
        _expect_known(params, {"output", "tokenids"}, "token.get")
        pool = [one for one in self.world.tokens.values() if self._is_super(user) or one.userid == user.userid]
        if "tokenids" in params:
            pool = [one for one in pool if one.tokenid in _ids(params["tokenids"])]
        return [_shaped(_token_row(one), params.get("output", "extend"), "tokenid") for one in pool]

    def user_get(self, user: User, params: Params) -> Any:
        """Accounts; one that is no super admin sees itself. 7.4 gives `userid` only when it is asked for."""
        _expect_known(params, {"output", "userids", "filter", "selectRole"}, "user.get")
        pool = [one for one in self.world.users.values() if self._is_super(user) or one.userid == user.userid]
        if "userids" in params:
            pool = [one for one in pool if one.userid in _ids(params["userids"])]
        always = () if self.version >= (7, 4) else ("userid",)
        rows = []
        for one in pool:
            row = _shaped(_user_row(one), params.get("output", "extend"), *always)
            if "selectRole" in params:
                row["role"] = _shaped(_role_row(self.world, one.roleid), params["selectRole"], "roleid")
            rows.append(row)
        return rows

    def role_get(self, user: User, params: Params) -> Any:
        """Roles."""
        _expect_known(params, {"output", "roleids", "selectRules"}, "role.get")
        wanted = _ids(params["roleids"]) if "roleids" in params else list(self.world.roles)
        pool = [one for one in wanted if one in self.world.roles and (self._is_super(user) or one == user.roleid)]
        rows = []
        for one in pool:
            row = _shaped(_role_row(self.world, one), params.get("output", "extend"), "roleid")
            if "selectRules" in params:
                role = self.world.roles[one]
                row["rules"] = {
                    "api.access": "1",
                    "api.mode": "0" if role.methods is None else "1",
                    "api": sorted(role.methods or ()),
                }
            rows.append(row)
        return rows

    def settings_get(self, _user: User, params: Params) -> Any:
        """The one setting that the bridge may want to know."""
        _expect_known(params, {"output"}, "settings.get")
        shown = (
            f"{self.world.ok_period // 60}m" if self.world.ok_period < 86400 else f"{self.world.ok_period // 86400}d"
        )
        return _shaped({"ok_period": shown}, params.get("output", "extend"))


class _Sight:
    """What one account sees, remembered for one call."""

    def __init__(self, world: World, user: User) -> None:
        self._world, self._user = world, user
        self._triggers: dict[int, bool] = {}

    def event(self, event: Event) -> bool:
        known = self._triggers.get(event.objectid)
        if known is None:
            known = self._triggers[event.objectid] = self._world.sees_event(self._user, event)
        return known

    def host(self, hostid: int) -> bool:
        host = self._world.hosts.get(hostid)
        return host is not None and self._world.sees_host(self._user, host)


def _matches(world: World, event: Event, params: Params) -> bool:
    """Tell whether an event meets the filters of problem.get and event.get."""
    trigger = world.triggers.get(event.objectid)
    host = world.hosts.get(trigger.hostid) if trigger else None
    for name, test in _EVENT_TESTS.items():
        if params.get(name) is not None and not test(event, params[name]):
            return False
    if event.source != int(params.get("source") or 0) or event.object != int(params.get("object") or 0):
        return False
    if "groupids" in params and not (host and host.groupids & set(_ids(params["groupids"]))):
        return False
    if "hostids" in params and not (host and host.hostid in _ids(params["hostids"])):
        return False
    for name, wanted in (params.get("filter") or {}).items():
        if getattr(event, name) not in _ids(wanted):
            return False
    tags = params.get("tags") or []
    hits = [_has_tag(event, one) for one in tags]
    return not tags or (any(hits) if int(params.get("evaltype") or 0) == 2 else all(hits))


_EVENT_TESTS: dict[str, Callable[[Event, Any], bool]] = {
    "objectids": lambda e, v: e.objectid in _ids(v),
    "time_from": lambda e, v: e.clock >= int(v),
    "time_till": lambda e, v: e.clock <= int(v),
    "eventid_from": lambda e, v: e.eventid >= int(v),
    "eventid_till": lambda e, v: e.eventid <= int(v),
    "value": lambda e, v: e.value in _ids(v),
    "acknowledged": lambda e, v: bool(e.acknowledged) is bool(v),
    "suppressed": lambda e, v: e.is_suppressed is bool(v),
    "symptom": lambda e, v: bool(e.cause_eventid) is bool(v),
    "severities": lambda e, v: e.severity in _ids(v),
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


def _alert_matches(alert: Alert, params: Params) -> bool:
    """An alert of a recovery hangs on the recovery event, not on the problem [contract Z11/014, 071]."""
    named = {"mediatypeids": alert.mediatypeid, "actionids": alert.actionid, "userids": alert.userid}
    if any(name in params and number not in _ids(params[name]) for name, number in named.items()):
        return False
    if "eventids" in params and alert.eventid not in _ids(params["eventids"]):
        return False
    if alert.clock < int(params.get("time_from") or 0):
        return False
    return all(str(getattr(alert, name)) in _texts(one) for name, one in (params.get("filter") or {}).items())


def _ids(value: Any) -> list[int]:
    try:
        return [int(one) for one in (value if isinstance(value, list) else [value])]
    except (TypeError, ValueError):
        raise bad_params('Invalid parameter "/": a number is expected.') from None


def _texts(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def _shaped(full: Mapping[str, Any], output: Any, *always: str) -> dict[str, Any]:
    """Leave the fields that were asked for, and `always`; unknown names are passed over."""
    if output == "extend":
        return dict(full)
    asked = {*always, *(output if isinstance(output, list) else [])}
    return {name: value for name, value in full.items() if name in asked}


def _expect(params: Params, served: Iterable[str]) -> None:
    """Methods that check their parameters refuse what they do not know [contract Z05/007]."""
    for name in params:
        if name in vocabulary.EVENT_REAL_PARAMS - frozenset(served):
            raise NotServed(f"parameter {name}")
        if name not in served:
            raise bad_params(f'Invalid parameter "/": unexpected parameter "{name}".')


def _expect_known(params: Params, served: Iterable[str], method: str) -> None:
    """Others pass over what they do not know [contract Z01/021]; what Zabbix does know must not be passed over here."""
    for name in params:
        if name not in served and (name.startswith("select") or name in vocabulary.REAL_PARAMS):
            raise NotServed(f"parameter {name} of {method}")


def _alert_row(alert: Alert) -> dict[str, Any]:
    return {
        "alertid": str(alert.alertid),
        "actionid": str(alert.actionid),
        "eventid": str(alert.eventid),
        "userid": str(alert.userid),
        "clock": str(alert.clock),
        "mediatypeid": str(alert.mediatypeid),
        "sendto": alert.sendto,
        "subject": alert.subject,
        "message": alert.message,
        "status": str(alert.status),
        "retries": str(alert.retries),
        "error": alert.error,
        "esc_step": "1",
        "alerttype": "0",
        "p_eventid": str(alert.p_eventid),
        "acknowledgeid": str(alert.acknowledgeid),
    }


def _token_row(token: Token) -> dict[str, Any]:
    return {
        "tokenid": str(token.tokenid),
        "name": token.name,
        "description": token.description,
        "userid": str(token.userid),
        "lastaccess": str(token.lastaccess),
        "status": str(token.status),
        "expires_at": "0",
        "created_at": str(token.created_at),
        "creator_userid": "1",
    }


def _user_row(user: User) -> dict[str, Any]:
    return {
        "userid": str(user.userid),
        "username": user.username,
        "name": user.name,
        "surname": user.surname,
        "url": "",
        "autologin": "1" if user.userid == 1 else "0",
        "autologout": "0" if user.userid == 1 else "15m",
        "lang": "en_US" if user.userid == 1 else "default",
        "refresh": "30s",
        "theme": "default",
        "attempt_failed": str(user.attempt_failed),
        "attempt_ip": "",
        "attempt_clock": "0",
        "rows_per_page": "50",
        "timezone": "default",
        "roleid": str(user.roleid),
        "userdirectoryid": "0",
        "ts_provisioned": "0",
        "provisioned": "0",
    }


def _role_row(world: World, roleid: int) -> dict[str, Any]:
    role = world.roles[roleid]
    return {"roleid": str(roleid), "name": role.name, "type": str(role.type), "readonly": "0"}
