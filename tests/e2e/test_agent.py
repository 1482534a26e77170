"""What the real agent measures on this machine crosses a lowered threshold: a ticket of the right area comes."""

from __future__ import annotations

import pytest

from tests.e2e.journey import Journey, until

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
