"""What the real agent measures on this machine crosses a lowered threshold: a ticket of the right area comes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.e2e.journey import Host, Journey, until

ITEMS = {
    "cpu": ("system.cpu.load[all,avg1]", "Monitoring > CPU"),
    "memory": ("vm.memory.size[used]", "Monitoring > Memory"),
    "storage": ("vfs.fs.size[/,used]", "Monitoring > Disk"),
    "network": ("net.if.total[lo]", "Monitoring > Network"),
}


@pytest.mark.parametrize("area", ITEMS)
def test_a_real_measurement_above_a_lowered_threshold_becomes_a_ticket_of_its_area(journey: Journey, area: str) -> None:
    key, category = ITEMS[area]
    port = str(journey.zabbix.agent_port)
    interface = {"type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": port}
    macro = {"macro": "{$LIMIT}", "value": "-1"}
    host = journey.host(interfaces=[interface], macros=[macro])
    [shown] = journey.zabbix.call("host.get", {"hostids": [host.hostid], "selectInterfaces": ["interfaceid"]})
    item = {
        "hostid": host.hostid,
        "interfaceid": shown["interfaces"][0]["interfaceid"],
        "name": key,
        "key_": key,
        "type": 0,
        "value_type": 0,
        "delay": "1s",
        "tags": [{"tag": "component", "value": area}],
    }
    journey.zabbix.call("item.create", item)
    trigger = {"description": f"{area} is over its limit", "expression": f"last(/{host.name}/{key})>{{$LIMIT}}"}
    [host.triggerids[area]] = journey.zabbix.call("trigger.create", {**trigger, "priority": 3})["triggerids"]
    journey.start()
    journey.zabbix.reload()
    event = until(lambda: host.events(area), "a problem of the agent's own value")[-1]
    ticket = journey.ticket(event)
    categories = {row["id"]: row["completename"] for row in journey.glpi.rows("ITILCategory")}
    assert categories[ticket["itilcategories_id"]] == category


STOCK = "Linux by Zabbix agent"
LOWERED = {
    "{$CPU.UTIL.CRIT}": "-1",
    "{$MEMORY.UTIL.MAX}": "-1",
    "{$VFS.FS.PUSED.MAX.CRIT}": "-1",
    "{$IF.ERRORS.WARN}": "-1",
    # any file system and the loopback too: a machine of tests may have nothing else
    "{$VFS.FS.FSTYPE.MATCHES}": ".*",
    "{$NET.IF.IFNAME.NOT_MATCHES}": "^$",
}
CHECK_NOW = 6
PASSIVE, ENABLED = "0", "0"


def check_now(journey: Journey, host: Host) -> None:
    """Let the server ask the agent for everything at once, discovery first: the template waits up to an hour."""
    asked = {"hostids": [host.hostid], "filter": {"type": PASSIVE, "status": ENABLED}, "output": ["itemid"]}
    rows = [*journey.zabbix.call("discoveryrule.get", asked), *journey.zabbix.call("item.get", asked)]
    tasks = [{"type": CHECK_NOW, "request": {"itemid": row["itemid"]}} for row in rows]
    journey.zabbix.call("task.create", tasks)


def events_by_component(journey: Journey, host: Host) -> dict[str, dict[str, Any]]:
    asked = {"hostids": [host.hostid], "value": 1, "output": "extend", "selectTags": "extend"}
    rows = journey.zabbix.call("event.get", asked)
    return {tag["value"]: row for row in rows for tag in row["tags"] if tag["tag"] == "component"}


def test_the_stock_linux_template_with_lowered_macros_gives_tickets_of_four_areas(journey: Journey) -> None:
    """As how-to/first-zabbix.md tells: thresholds are macros, the component tags choose the category."""
    interface = {"type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": str(journey.zabbix.agent_port)}
    [template] = journey.zabbix.call("template.get", {"filter": {"host": STOCK}, "output": ["templateid"]})
    macros = [{"macro": macro, "value": value} for macro, value in LOWERED.items()]
    host = journey.host(interfaces=[interface], templates=[template], macros=macros)
    journey.start()
    journey.zabbix.reload()

    turns = itertools.count()

    def events() -> dict[str, dict[str, Any]] | None:
        if next(turns) % 15 == 0:
            check_now(journey, host)
        found = events_by_component(journey, host)
        return found if found.keys() >= ITEMS.keys() else None

    found = until(events, "problems of the stock template in four areas", seconds=240)
    categories = {row["id"]: row["completename"] for row in journey.glpi.rows("ITILCategory")}
    for area, (_, category) in ITEMS.items():
        assert categories[journey.ticket(found[area])["itilcategories_id"]] == category
