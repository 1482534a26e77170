"""Maintenance in Zabbix: what is there, made, changed, taken away; and the hosts that may be meant. Repeats nothing.

Zabbix lets no two maintenances have one name, so that a call that came twice makes none twice. It cuts times to the
minute and refuses periods of less than five, so what ends early keeps its period and ends by `active_till`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from glpi_bridge.errors import Refused, UnclearAnswer
from glpi_bridge.maintenance import Content, Shown, Span, Upkeep, merged
from glpi_bridge.zabbix import Gone, NoRight, Zabbix
from glpi_bridge.zabbix_answers import Row, rows

METHODS = ("host.get", "maintenance.create", "maintenance.delete", "maintenance.get", "maintenance.update")
"""What the role has to allow."""
_NOBODY = "9223372036854775807"
_ONE_TIME = 0
_CONTAINS = 0
_COLLECTS, _COLLECTS_NOT = 0, 1
_EVERYTHING = {
    "output": "extend",
    "selectHosts": ["hostid"],
    "selectHostGroups": ["groupid"],
    "selectTimeperiods": "extend",
    "selectTags": "extend",
}


def shown(zabbix: Zabbix, wanted: Collection[Upkeep]) -> dict[int, Shown]:
    """Read the maintenances that are there: by their number, else by name. What is missing is gone, or not for us."""
    by_number = {one.maintenanceid: one for one in wanted if one.maintenanceid}
    by_name = {one.name: one for one in wanted if not one.maintenanceid}
    found: dict[int, Shown] = {}
    for row in _rows(zabbix, {"maintenanceids": [*by_number]} if by_number else None):
        one = by_number[row.text("maintenanceid")]
        found[one.id] = read(row, one.marker)
    for row in _rows(zabbix, {"filter": {"name": [*by_name]}} if by_name else None):
        named = by_name.get(row.text("name"))  # the filter ignores case, as the database does
        if named is not None:
            found[named.id] = read(row, named.marker)
    return found


def _rows(zabbix: Zabbix, which: Mapping[str, Any] | None) -> list[Row]:
    if which is None:
        return []
    return rows("maintenance.get", zabbix.call("maintenance.get", {**_EVERYTHING, **which}))


def read(row: Row, marker: str) -> Shown:
    """Read a row of maintenance.get."""
    since, till = row.number("active_since"), row.number("active_till")
    periods = row.rows("timeperiods")
    once = [one for one in periods if one.number("timeperiod_type") == _ONE_TIME]
    spans = [_span(one, since, till) for one in once]
    besides = [f"host group {one.text('groupid')}" for one in row.rows("hostgroups")]
    besides += [f"tag {one.text('tag')}" for one in row.rows("tags")]
    besides += ["a period that recurs"] * (len(periods) > len(once))
    content = Content(
        hosts=tuple(sorted((one.text("hostid") for one in row.rows("hosts")), key=int)),
        spans=merged(one for one in spans if one.since < one.till),
        collects=row.number("maintenance_type") == _COLLECTS,
        besides=tuple(sorted(besides)),
    )
    return Shown(row.text("maintenanceid"), content, is_ours=marker in row.text("description", "").splitlines())


def _span(period: Row, since: int, till: int) -> Span:
    begin = period.number("start_date")
    return Span(max(begin, since), min(begin + period.number("period"), till))


def create(zabbix: Zabbix, one: Upkeep, content: Content, description: str) -> str:
    """Make it; return its number."""
    params = {"name": one.name, "description": f"{description}\n{one.marker}", **_params(content)}
    return _done(zabbix.call("maintenance.create", params), "maintenance.create")


def update(zabbix: Zabbix, one: Upkeep, content: Content) -> None:
    """Give it other hosts and times; name and description stay as people may have made them."""
    params = {"maintenanceid": one.maintenanceid, **_params(content)}
    _done(zabbix.call("maintenance.update", params), "maintenance.update")


def end(zabbix: Zabbix, one: Upkeep, content: Content) -> None:
    """End it when the last time of `content` ends; its periods stay as they are written."""
    params = {"maintenanceid": one.maintenanceid, "active_till": max(span.till for span in content.spans)}
    _done(zabbix.call("maintenance.update", params), "maintenance.update")


def delete(zabbix: Zabbix, one: Upkeep) -> None:
    """Take it away."""
    _done(zabbix.call("maintenance.delete", [one.maintenanceid]), "maintenance.delete")


def _params(content: Content) -> dict[str, Any]:
    return {
        "active_since": min(one.since for one in content.spans),
        "active_till": max(one.till for one in content.spans),
        "maintenance_type": _COLLECTS if content.collects else _COLLECTS_NOT,
        "hosts": [{"hostid": one} for one in content.hosts],
        "timeperiods": [
            {"timeperiod_type": _ONE_TIME, "start_date": one.since, "period": one.till - one.since}
            for one in content.spans
        ],
    }


def _done(result: Any, method: str) -> str:
    numbers = Row(method, result).listed("maintenanceids")
    if len(numbers) != 1:
        raise UnclearAnswer(f"{method} names {len(numbers)} maintenances as done, not one", target="Zabbix")
    return numbers[0]


def candidates(
    zabbix: Zabbix,
    *,
    names: Iterable[str],
    addresses: Iterable[str],
    inventory: Mapping[str, Sequence[str]],
    tag: str,
    tagged: Iterable[str],
) -> list[str]:
    """Return the ids of hosts that may be what has these names, addresses or numbers; each is still to be proved.

    `inventory` maps fields of Zabbix's inventory to values; `tagged` may be named by the host tag `tag`.
    """
    asked: list[dict[str, Any]] = []
    if named := _some(names):
        asked.append({"search": {"host": named, "name": named, "dns": named}, "searchByAny": True})
    if found := _some(addresses):
        asked.append({"filter": {"ip": found}})
    if stated := {field: _some(values) for field, values in inventory.items() if _some(values)}:
        asked.append({"searchInventory": stated, "searchByAny": True})
    if tag and (values := _some(tagged)):
        asked.append({"tags": [{"tag": tag, "value": one, "operator": _CONTAINS} for one in values]})
    answers = [zabbix.call("host.get", {"output": ["hostid"], **one}) for one in asked]
    ids = {row.text("hostid") for answer in answers for row in rows("host.get", answer)}
    return sorted(ids, key=int)


def _some(values: Iterable[str]) -> list[str]:
    return sorted({one for one in values if one})


def writable(zabbix: Zabbix, hostids: Collection[str]) -> set[str]:
    """Return which of these hosts the account may put into maintenance."""
    params = {"output": ["hostid"], "hostids": [*hostids], "editable": True}
    return {row.text("hostid") for row in rows("host.get", zabbix.call("host.get", params))}


def writable_count(zabbix: Zabbix) -> int:
    """Count the hosts that the account may put into maintenance."""
    return int(zabbix.call("host.get", {"countOutput": True, "editable": True}))


def not_allowed(zabbix: Zabbix) -> list[str]:
    """Return the methods that the role does not allow, each tried so that nothing can be changed by it."""
    trials: tuple[tuple[str, Any], ...] = (
        ("maintenance.get", {"countOutput": True}),
        ("maintenance.create", []),  # refused as empty
        ("maintenance.update", {"maintenanceid": _NOBODY}),
        ("maintenance.delete", [_NOBODY]),
    )
    missing = []
    for method, params in trials:
        try:
            zabbix.call(method, params)
        except NoRight:
            missing.append(method)
        except (Gone, Refused):
            continue
    return missing
