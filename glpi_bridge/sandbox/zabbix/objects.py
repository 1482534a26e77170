"""trigger.get, host.get and hostgroup.get of the stand-in, and the rows of events that they share."""

from __future__ import annotations

from typing import Any

from glpi_bridge.sandbox.zabbix import texts, vocabulary
from glpi_bridge.sandbox.zabbix.model import Event, Host, Trigger, User
from glpi_bridge.sandbox.zabbix.shapes import Params, Rows, as_texts, expect_known, ids, shaped
from glpi_bridge.sandbox.zabbix.world import World


class Objects:
    """The configuration of a world that an account sees."""

    def __init__(self, world: World) -> None:
        self.world = world

    def trigger_get(self, user: User, params: Params) -> Any:
        """Triggers with hosts, groups, items; those of templates are not kept here."""
        expect_known(params, vocabulary.TRIGGER_PARAMS, "trigger.get")
        world, sight = self.world, Sight(self.world, user)
        pool = list(world.triggers.values())
        if "triggerids" in params:
            pool = [world.triggers[one] for one in sorted(set(ids(params["triggerids"]))) if one in world.triggers]
        if "hostids" in params:
            wanted = set(ids(params["hostids"]))
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

    def _trigger_row(self, trigger: Trigger, params: Params) -> dict[str, Any]:
        world, host = self.world, self.world.hosts[trigger.hostid]
        row = shaped(trigger_fields(self.world, trigger, params), params.get("output", "extend"), "triggerid")
        if "selectHosts" in params:
            row["hosts"] = [shaped(host_fields(host), params["selectHosts"], "hostid")]
        if "selectHostGroups" in params:
            row["hostgroups"] = [shaped(one, params["selectHostGroups"], "groupid") for one in self._groups_of(host)]
        if "selectTags" in params:
            row["tags"] = [shaped({"tag": t, "value": v}, params["selectTags"]) for t, v in trigger.tags]
        if "selectDependencies" in params:
            row["dependencies"] = []
        if "selectItems" in params:
            item = world.items[trigger.itemid]
            full = {"itemid": str(item.itemid), "name": item.name, "key_": item.key, "lastvalue": item.value}
            row["items"] = [shaped(full, params["selectItems"], "itemid")]
        if "selectLastEvent" in params:
            events = world.events_of(trigger.triggerid)
            full = common_row(world, events[-1]) | {"value": str(events[-1].value)} if events else {}
            row["lastEvent"] = shaped(full, params["selectLastEvent"], "eventid") if events else []
        return row

    def host_get(self, user: User, params: Params) -> Any:
        """Hosts that the account sees."""
        expect_known(params, vocabulary.HOST_PARAMS, "host.get")
        right = 3 if params.get("editable") else 2
        pool = [one for one in self.world.hosts.values() if self.world.sees_host(user, one, right)]
        pool = [one for one in pool if _is_asked_for(one, params)]
        if "hostids" in params:
            wanted = set(ids(params["hostids"]))
            pool = [one for one in pool if one.hostid in wanted]
        if "groupids" in params:
            groups = set(ids(params["groupids"]))
            pool = [one for one in pool if one.groupids & groups]
        names = (params.get("filter") or {}).get("host")
        if names is not None:
            pool = [one for one in pool if one.host in ([names] if isinstance(names, str) else names)]
        if params.get("countOutput"):
            return str(len(pool))
        limit = int(params.get("limit") or 0)
        return [self._host_row(user, one, params) for one in (pool[:limit] if limit else pool)]

    def _host_row(self, user: User, host: Host, params: Params) -> dict[str, Any]:
        row = shaped(host_fields(host), params.get("output", "extend"), "hostid")
        if "selectInterfaces" in params:
            row["interfaces"] = [] if host.ip is None else [shaped(_interface(host), params["selectInterfaces"])]
        if "selectMacros" in params:
            row["macros"] = [shaped(one, params["selectMacros"]) for one in _macros(host)]
        if "selectHostGroups" in params:
            row["hostgroups"] = [shaped(one, params["selectHostGroups"]) for one in self._groups_of(host)]
        if "selectTags" in params:
            row["tags"] = [{"tag": tag, "value": value, "automatic": "0"} for tag, value in host.tags]
        if "selectInheritedTags" in params:
            row["inheritedTags"] = []
        if "selectInventory" in params:
            full = {name: (host.inventory or {}).get(name, "") for name in vocabulary.INVENTORY_FIELDS}
            row["inventory"] = [] if host.inventory is None else shaped(full, params["selectInventory"])
        if "selectParentTemplates" in params:
            row["parentTemplates"] = self._templates_of(user, host, params["selectParentTemplates"])
        return row

    def _templates_of(self, user: User, host: Host, asked: Any) -> Rows:
        """Name a host's templates to super admins; others have no right on any template group."""
        if not self.world.is_super(user):
            return []
        held = (self.world.templates[one] for one in sorted(host.templateids & self.world.templates.keys()))
        full = ({"templateid": str(one.templateid), "host": one.name, "name": one.name} for one in held)
        return [shaped(one, asked, "templateid") for one in full]

    def _groups_of(self, host: Host) -> Rows:
        groups = (self.world.groups[one] for one in sorted(host.groupids))
        return [{"groupid": str(one.groupid), "name": one.name, "flags": "0", "uuid": ""} for one in groups]

    def hostgroup_get(self, user: User, params: Params) -> Any:
        """Host groups that the account may read."""
        expect_known(params, {"output", "countOutput", "groupids", "filter", "with_hosts"}, "hostgroup.get")
        pool = [self.world.groups[one] for one in sorted(self.world.visible_groups(user))]
        if "groupids" in params:
            wanted = set(ids(params["groupids"]))
            pool = [one for one in pool if one.groupid in wanted]
        if params.get("with_hosts"):
            pool = [one for one in pool if any(one.groupid in host.groupids for host in self.world.hosts.values())]
        names = (params.get("filter") or {}).get("name")
        if names is not None:
            pool = [one for one in pool if one.name in ([names] if isinstance(names, str) else names)]
        if params.get("countOutput"):
            return str(len(pool))
        full = ({"groupid": str(one.groupid), "name": one.name, "flags": "0", "uuid": ""} for one in pool)
        return [shaped(one, params.get("output", "extend"), "groupid") for one in full]


class Sight:
    """What one account sees, remembered for one call."""

    def __init__(self, world: World, user: User) -> None:
        self._world, self._user = world, user
        self._triggers: dict[int, bool] = {}

    def event(self, event: Event) -> bool:
        """Tell whether the account sees an event."""
        known = self._triggers.get(event.objectid)
        if known is None:
            known = self._triggers[event.objectid] = self._world.sees_event(self._user, event)
        return known

    def host(self, hostid: int) -> bool:
        """Tell whether the account sees a host."""
        host = self._world.hosts.get(hostid)
        return host is not None and self._world.sees_host(self._user, host)


def trigger_fields(world: World, trigger: Trigger, params: Params) -> dict[str, Any]:
    """Give the fields of a trigger."""
    name = trigger.description
    return {
        "triggerid": str(trigger.triggerid),
        "expression": f"{{{trigger.triggerid + 10845}}}>90",
        "description": texts.expand(world, trigger, name) if params.get("expandDescription") else name,
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


def host_fields(host: Host) -> dict[str, Any]:
    """Give the fields of a host."""
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
        "description": host.description,
        "tls_connect": str(host.tls),
        "tls_accept": str(host.tls),
    }


def _interface(host: Host) -> dict[str, Any]:
    return {
        "interfaceid": str(host.interfaceid),
        "hostid": str(host.hostid),
        "ip": host.ip or "",
        "dns": host.dns,
        "port": host.port,
        "type": "1",
        "main": "1",
        "useip": str(host.useip),
        "available": "0",
        "error": "",
        "errors_from": "0",
        "disable_until": "0",
        "details": [],
    }


def _macros(host: Host) -> Rows:
    """List the macros; the value of a secret one is not told [contract Z10/081]."""
    rows = []
    for name, one in sorted(host.macros.items()):
        row = {"hostmacroid": str(one.hostmacroid), "hostid": str(host.hostid), "macro": name, "value": one.value}
        row |= {"description": one.description, "type": str(int(one.is_secret)), "automatic": "0"}
        rows.append({key: value for key, value in row.items() if not (one.is_secret and key == "value")})
    return rows


def _is_asked_for(host: Host, params: Params) -> bool:
    """Tell whether searches, `filter` by address and `tags` find a host; parts count, cases do not."""
    own = {"host": host.host, "name": host.name, "dns": host.dns, "ip": host.ip or ""}
    for key, fields in (("search", own), ("searchInventory", host.inventory or {})):
        asked = params.get(key) or {}
        hits = [any(_holds(fields.get(name, ""), one) for one in as_texts(values)) for name, values in asked.items()]
        if hits and not (any(hits) if params.get("searchByAny") else all(hits)):
            return False
    addresses = (params.get("filter") or {}).get("ip")
    if addresses is not None and host.ip not in as_texts(addresses):
        return False
    tags = params.get("tags") or []
    return not tags or any(
        tag == one["tag"] and _holds(value, one["value"]) for one in tags for tag, value in host.tags
    )


def _holds(text: str, part: str) -> bool:
    return part.lower() in text.lower()


def common_row(world: World, event: Event) -> dict[str, Any]:
    """Give the fields that problem.get and event.get have in common."""
    trigger = world.triggers.get(event.objectid)
    opdata = texts.expand(world, trigger, trigger.opdata) if trigger and event.value else ""
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
