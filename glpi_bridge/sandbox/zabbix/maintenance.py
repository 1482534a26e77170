"""maintenance.get, .create, .update and .delete of the stand-in [contract Z09/010 to 056].

Times and periods are cut to the minute; names are unique; whoever may not write every host may not write any of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix.model import Maintenance, Refusal, User
from glpi_bridge.sandbox.zabbix.shapes import as_texts, bad_params, expect_known, ids, shaped
from glpi_bridge.sandbox.zabbix.world import World

_PARAMS = {
    *("output", "countOutput", "maintenanceids", "filter", "search", "selectHosts", "selectHostGroups"),
    *("selectTimeperiods", "selectTags"),
}
_SHORTEST, _LONGEST = 300, 86399940
_NAME_CHARACTERS = 128


class Maintenances:
    """The maintenances of a world that an account sees and may write."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get(self, user: User, params: Mapping[str, Any]) -> Any:
        """List them, with what was selected."""
        expect_known(params, _PARAMS, "maintenance.get")
        pool = [one for one in self.world.maintenances.values() if self._may(user, one, 2)]
        if "maintenanceids" in params:
            wanted = set(ids(params["maintenanceids"]))
            pool = [one for one in pool if one.maintenanceid in wanted]
        names = (params.get("filter") or {}).get("name")
        if names is not None:
            pool = [one for one in pool if one.name in as_texts(names)]
        for field, part in (params.get("search") or {}).items():
            pool = [one for one in pool if str(part).lower() in str(getattr(one, field)).lower()]
        if params.get("countOutput"):
            return str(len(pool))
        return [self._row(one, params) for one in pool]

    def _row(self, one: Maintenance, params: Mapping[str, Any]) -> dict[str, Any]:
        full = {
            "maintenanceid": str(one.maintenanceid),
            "name": one.name,
            "maintenance_type": str(one.type),
            "description": one.description,
            "active_since": str(one.since),
            "active_till": str(one.till),
            "tags_evaltype": "0",
        }
        row = shaped(full, params.get("output", "extend"), "maintenanceid")
        hosts = (self.world.hosts[hostid] for hostid in sorted(one.hostids & self.world.hosts.keys()))
        tags = ({"tag": tag, "operator": "0", "value": value} for tag, value in sorted(one.tags))
        parts: dict[str, tuple[str, list[dict[str, Any]]]] = {
            "selectHosts": ("hosts", [{"hostid": str(host.hostid), "host": host.host} for host in hosts]),
            "selectHostGroups": ("hostgroups", [{"groupid": str(groupid)} for groupid in sorted(one.groupids)]),
            "selectTimeperiods": ("timeperiods", [_period(*period) for period in one.periods]),
            "selectTags": ("tags", list(tags)),
        }
        for select, (name, rows) in parts.items():
            if select in params:
                row[name] = [shaped(each, params[select]) for each in rows]
        return row

    def create(self, user: User, params: Any) -> Any:
        """Make one."""
        self._check_action(user, "create")
        if not params:
            raise bad_params('Invalid parameter "/": cannot be empty.')
        if len(str(params.get("name", ""))) > _NAME_CHARACTERS:
            raise bad_params('Invalid parameter "/1/name": value is too long.')
        if "timeperiods" not in params:
            raise bad_params('Invalid parameter "/1": the parameter "timeperiods" is missing.')
        made = Maintenance(0, "", frozenset(), frozenset(), 0, 0)
        _fill(made, params)
        if any(one.name == made.name for one in self.world.maintenances.values()):
            raise bad_params(f'Maintenance "{made.name}" already exists.')
        if not made.hostids and not made.groupids:
            raise bad_params("At least one host group or host must be selected.")
        self._check_rights(user, made)
        made.maintenanceid = self.world.next_id("maintenance")
        self.world.maintenances[made.maintenanceid] = made
        self.world.turn_maintenances()
        return {"maintenanceids": [str(made.maintenanceid)]}

    def update(self, user: User, params: Any) -> Any:
        """Change what is named; hosts and periods are replaced as a whole."""
        self._check_action(user, "update")
        one = self._named(user, params["maintenanceid"])
        changed = Maintenance(**{name: getattr(one, name) for name in one.__slots__})
        _fill(changed, params)
        self._check_rights(user, changed)
        self.world.stop_maintenance(one)
        changed.is_on = False
        self.world.maintenances[one.maintenanceid] = changed
        self.world.turn_maintenances()
        return {"maintenanceids": [str(one.maintenanceid)]}

    def delete(self, user: User, params: Any) -> Any:
        """Take some away."""
        self._check_action(user, "delete")
        named = [self._named(user, number) for number in params]
        for one in named:
            self.world.end_maintenance(one.maintenanceid)
        return {"maintenanceids": [str(one.maintenanceid) for one in named]}

    def _named(self, user: User, number: Any) -> Maintenance:
        one = self.world.maintenances.get(int(number))
        if one is None or not self._may(user, one, 3):
            raise Refusal(-32500, "No permissions to referred object or it does not exist!")
        return one

    def _check_action(self, user: User, verb: str) -> None:
        if not self.world.roles[user.roleid].may("edit_maintenance"):
            raise Refusal(-32500, f'No permissions to call "maintenance.{verb}".')

    def _check_rights(self, user: User, one: Maintenance) -> None:
        if not one.hostids <= self.world.hosts.keys() or not self._may(user, one, 3):
            raise Refusal(-32500, "No permissions to referred object or it does not exist!")

    def _may(self, user: User, one: Maintenance, right: int) -> bool:
        hosts = (self.world.hosts[hostid] for hostid in one.hostids & self.world.hosts.keys())
        if self.world.is_super(user):
            return True
        rights = self.world.rights_of(user)
        groups = all(rights.get(groupid, 0) >= right for groupid in one.groupids)
        return groups and all(self.world.sees_host(user, host, right) for host in hosts)


def _fill(one: Maintenance, params: Mapping[str, Any]) -> None:
    """Take what is named into a maintenance, as Zabbix checks it."""
    one.name = str(params.get("name", one.name))
    one.description = str(params.get("description", one.description))
    one.type = int(params.get("maintenance_type", one.type))
    one.since = _minute(params.get("active_since", one.since))
    one.till = _minute(params.get("active_till", one.till))
    if one.till <= one.since:
        since = 'cannot be less than or equal to the value of parameter "/1/active_since".'
        raise bad_params(f'Invalid parameter "/1/active_till": {since}')
    if "hosts" in params:
        one.hostids = frozenset(int(host["hostid"]) for host in params["hosts"])
    if "groups" in params:
        one.groupids = frozenset(int(group["groupid"]) for group in params["groups"])
    if "tags" in params:
        one.tags = frozenset((str(tag["tag"]), str(tag["value"])) for tag in params["tags"])
    if "timeperiods" in params:
        one.periods = tuple(_read(number, period) for number, period in enumerate(params["timeperiods"], 1))


def _read(number: int, period: Mapping[str, Any]) -> tuple[int, int]:
    if not _SHORTEST <= int(period["period"]) <= _LONGEST:
        words = f"value must be one of {_SHORTEST}-{_LONGEST}."
        raise bad_params(f'Invalid parameter "/1/timeperiods/{number}/period": {words}')
    return _minute(period["start_date"]), _minute(period["period"])


def _minute(value: Any) -> int:
    return int(value) // 60 * 60


def _period(start: int, seconds: int) -> dict[str, str]:
    fixed = {"timeperiod_type": "0", "every": "1", "month": "0", "dayofweek": "0", "day": "0", "start_time": "0"}
    return {**fixed, "period": str(seconds), "start_date": str(start)}
