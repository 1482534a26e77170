"""A ticket is linked to the asset that its host is: by what both sides say, once, and never to a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge import deliver
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from tests.integration.installation import Installation, installation

READS = ("networking", "internet")


@pytest.fixture(params=["10.0.19", "11.0.6"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, request.param) as made:
        allow(made, *READS)
        yield made


def allow(house: Installation, *rights: str, value: int = 1) -> None:
    house.glpi.world.db["Profile"].update(9, dict.fromkeys(rights, value))


def asset(house: Installation, itemtype: str = "Computer", **fields: Any) -> int:
    ip, mac = fields.pop("ip", None), fields.pop("mac", None)
    id_ = house.glpi.world.db[itemtype].insert({"entities_id": 0, "is_recursive": 1, **fields})
    if ip is not None:
        house.glpi.world.db["IPAddress"].insert({"name": ip, "mainitemtype": itemtype, "mainitems_id": id_})
    if mac is not None:
        house.glpi.world.db["NetworkPort"].insert({"mac": mac, "itemtype": itemtype, "items_id": id_})
    return id_


def links(house: Installation) -> list[tuple[str, int]]:
    table = house.glpi.world.db["Item_Ticket"]
    rows = table.children("tickets_id", house.glpi.world.db["Ticket"].ids[-1])
    return sorted((table.value(i, "itemtype"), table.value(i, "items_id")) for i in rows)


def assets_are(house: Installation, *lines: str) -> None:
    text = house.path.read_text().partition("assets:")[0]
    house.path.write_text(text + "assets:\n" + "".join(f"  {line}\n" for line in lines))


def notices(house: Installation) -> dict[str, str]:
    return {one["subject"]: one["text"] for one in house.json("status")["notices"] if one["kind"] == "asset"}


HOSTS = {
    "name": ({"name": "db01"}, {"host_host": "db01"}),
    "name in other letters": ({"name": "DB01"}, {"host_host": "db01"}),
    "visible name": ({"name": "Database 1"}, {"host_host": "d-17", "host_name": "Database 1"}),
    "fqdn": ({"name": "db01.lab.example"}, {"host_host": "d-17", "host_dns": "db01.lab.example"}),
    "short name of the host": ({"name": "db01.lab.example"}, {"host_host": "db01"}),
    "short name of the asset": ({"name": "db01"}, {"host_host": "db01.lab.example"}),
    "ip": ({"name": "old name", "ip": "10.77.5.1"}, {"host_host": "d-17", "host_ip": "10.77.5.1"}),
    "mac": (
        {"name": "old name", "mac": "00:16:3e:77:05:01"},
        {"host_host": "d-17", "inventory_macaddress_a": "00-16-3E-77-05-01"},
    ),
    "serial": ({"name": "old name", "serial": "SN-DB01"}, {"host_host": "d-17", "inventory_serialno_a": "sn-db01"}),
    "inventory number": (
        {"name": "old name", "otherserial": "INV-42"},
        {"host_host": "d-17", "inventory_asset_tag": "INV-42"},
    ),
    "explicit tag": (
        {"name": "lp01"},
        {"host_host": "web01", "event_tagsjson": '[{"tag":"asset","value":"lp01"}]'},
    ),
}


@pytest.mark.parametrize("case", HOSTS)
def test_a_host_is_found_by(house: Installation, case: str) -> None:
    fields, alert = HOSTS[case]
    id_ = asset(house, **fields)
    house.alert("101", **alert)
    house.ok("deliver")
    assert links(house) == [("Computer", id_)]
    assert notices(house) == {}


def test_network_equipment_is_found_too_and_other_types_by_setting(house: Installation) -> None:
    switch, printer = asset(house, "NetworkEquipment", name="sw07"), asset(house, "Printer", name="lp07")
    house.alert("101", host_host="sw07")
    house.ok("deliver")
    assert links(house) == [("NetworkEquipment", switch)]
    house.alert("102", host_host="lp07")
    house.ok("deliver")
    assert links(house) == []
    assets_are(house, "types: [Printer]")
    allow(house, "printer")
    house.alert("103", host_host="lp07")
    house.ok("deliver")
    assert links(house) == [("Printer", printer)]


NONE = {
    "nothing like it": {"host_host": "unheard-of"},
    "another domain of the same short name": {"host_host": "db01.site-b.example"},
    "a loopback address": {"host_host": "d-17", "host_ip": "127.0.0.1"},
    "a serial number of nobody": {"host_host": "d-17", "inventory_serialno_a": "To be filled by O.E.M."},
    "a tag that names nothing, though the host's name is there": {
        "host_host": "db01.site-a.example",
        "event_tagsjson": '[{"tag":"asset","value":"lp99"}]',
    },
    "wildcards of GLPI's search": {"host_host": "%"},
}


@pytest.mark.parametrize("case", NONE)
def test_a_ticket_is_made_without_a_link_for(house: Installation, case: str) -> None:
    asset(house, name="db01.site-a.example", serial="To be filled by O.E.M.", ip="127.0.0.1")
    house.alert("101", **NONE[case])
    house.ok("deliver")
    assert len(house.glpi.world.db["Ticket"].ids) == 1
    assert links(house) == []
    assert any("no Computer or NetworkEquipment of GLPI has its" in text or "tag asset" in text
               for text in notices(house).values())  # fmt: skip


def test_several_of_one_name_are_none_unless_something_else_decides(house: Installation) -> None:
    one, other = asset(house, name="twin", serial="A"), asset(house, name="twin", serial="B")
    house.alert("101", host_host="twin")
    house.ok("deliver")
    assert links(house) == []
    [said] = notices(house).values()
    assert f'Computer "twin" ({one}), Computer "twin" ({other})' in said
    house.alert("102", host_host="twin", inventory_serialno_a="B")
    house.ok("deliver")
    assert links(house) == [("Computer", other)]


def test_an_asset_of_people_who_do_not_meet_in_the_ticket_is_none(house: Installation) -> None:
    """Entities Operations (1) and Lab (2) are two customers of one GLPI."""
    lab = asset(house, name="app01", entities_id=2)
    own = asset(house, name="app01", entities_id=1)
    house.write(rules="default: {entity: Operations}\n")
    house.alert("101", host_host="app01")
    house.ok("deliver")
    assert links(house) == [("Computer", own)]
    house.glpi.world.db["Computer"].remove(own)
    house.alert("102", host_host="app01")
    house.ok("deliver")
    assert links(house) == []
    house.write(rules="default: {entity: Lab}\n")
    house.alert("103", host_host="app01")
    house.ok("deliver")
    assert links(house) == [("Computer", lab)]


def test_assets_in_the_trash_and_templates_are_none(house: Installation) -> None:
    asset(house, name="gone", is_deleted=1)
    asset(house, name="gone", is_template=1)
    house.alert("101", host_host="gone")
    house.ok("deliver")
    assert links(house) == []


def test_the_order_decides_and_what_is_left_out_is_not_used(house: Installation) -> None:
    by_name, by_serial = asset(house, name="srv"), asset(house, name="other", serial="SN-1")
    house.alert("101", host_host="srv", inventory_serialno_a="SN-1")
    house.ok("deliver")
    assert links(house) == [("Computer", by_name)]
    assets_are(house, "order: serial, name")
    house.alert("102", host_host="srv", inventory_serialno_a="SN-1")
    house.ok("deliver")
    assert links(house) == [("Computer", by_serial)]
    assets_are(house, "order: [ip]")
    house.alert("103", host_host="srv", inventory_serialno_a="SN-1")
    house.ok("deliver")
    assert links(house) == []


@pytest.mark.parametrize("how", ["setting", "rule"])
def test_linking_can_be_switched_off(house: Installation, how: str) -> None:
    if how == "setting":
        house.path.write_text(house.path.read_text() + "assets: off\n")
    else:
        house.write(rules="default: {link_asset: off}\n")
    house.alert("101")
    house.ok("deliver")
    assert links(house) == []
    assert "asset" not in house.ok("queue", "list")


def test_location_and_group_of_the_asset_feed_the_draft_where_rules_say_nothing(house: Installation) -> None:
    asset(house, name="db01", locations_id=1, groups_id_tech=[2] if house.glpi.world.version[:2] == "11" else 2)
    assets_are(house, "location: yes", "group: yes")
    house.write(rules="rules: [{match: {trigger: 'Disk*'}, group: Systems}]\n")
    assets_are(house, "location: yes", "group: yes")
    house.alert("101", host_host="db01")
    house.ok("deliver")
    tickets, groups = house.glpi.world.db["Ticket"], house.glpi.world.db["Group_Ticket"]
    first = tickets.ids[-1]
    assert tickets.value(first, "locations_id") == 1
    assert [groups.value(i, "groups_id") for i in groups.children("tickets_id", first)] == [2]
    house.alert("102", host_host="db01", event_name="Disk is full")
    house.ok("deliver")
    assert [groups.value(i, "groups_id") for i in groups.children("tickets_id", tickets.ids[-1])] == [1]


def test_a_host_that_joins_a_ticket_later_is_linked_too_and_once(house: Installation) -> None:
    one, other = asset(house, name="app-a"), asset(house, name="app-b")
    house.write(rules="default: {key: one ticket for all}\n")
    house.alert("101", host_host="app-a")
    house.ok("deliver")
    for eventid, host in (("102", "app-b"), ("103", "app-b"), ("104", "app-a")):
        house.alert(eventid, host_host=host)
        house.ok("deliver")
    assert links(house) == [("Computer", one), ("Computer", other)]


def test_what_a_person_unlinks_stays_unlinked(house: Installation) -> None:
    asset(house, name="db01")
    house.alert("101", host_host="db01")
    house.ok("deliver")
    table = house.glpi.world.db["Item_Ticket"]
    table.remove(table.ids[-1])
    house.alert("101", host_host="db01", event_update_status="1", event_update_message="look here")
    house.ok("deliver")
    assert links(house) == []


@pytest.mark.parametrize("lost", ["create", "link"])
@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER])
def test_a_lost_answer_leaves_one_ticket_and_each_link_once(house: Installation, lost: str, kind: FaultKind) -> None:
    one, other = asset(house, name="app-a"), asset(house, name="app-b")
    house.write(rules="default: {key: one ticket for all}\n")
    house.alert("101", host_host="app-a")
    if lost == "create":
        house.glpi.order(Fault(kind, Match("POST", "Ticket")))
    until_calm(house)
    house.alert("102", host_host="app-b")
    if lost == "link":
        house.glpi.order(Fault(kind, Match("POST", "Item_Ticket")))
    until_calm(house)
    assert len(house.glpi.world.db["Ticket"].ids) == 1
    assert links(house) == [("Computer", one), ("Computer", other)]


def test_without_the_right_to_read_a_type_tickets_are_made_and_status_says_so(house: Installation) -> None:
    allow(house, *READS, value=0)
    asset(house, "NetworkEquipment", name="sw07")
    house.alert("101", host_host="sw07", host_ip="10.77.5.1")
    house.ok("deliver")
    assert links(house) == []
    said = notices(house)
    assert "our profile lacks `networking` read" in said["NetworkEquipment"]
    assert "our profile lacks `internet` read" in said["IPAddress"]


def test_a_search_that_gives_no_answer_costs_no_ticket_and_is_tried_again(house: Installation) -> None:
    id_ = asset(house, name="db01")
    house.glpi.order(Fault(FaultKind.ERROR_BEFORE, Match(path="search/Computer")))
    house.alert("101", host_host="db01")
    house.ok("deliver")
    assert len(house.glpi.world.db["Ticket"].ids) == 1
    until_calm(house)
    assert links(house) == [("Computer", id_)]


def until_calm(house: Installation) -> None:
    """Pass after pass, a minute apart, so that every pause after a failure is over."""
    with house.context() as context:
        now = context.now
        for minute in range(5):
            context.now = partial(_later, now, minute)
            deliver.one_pass(context)


def _later(now: Callable[[], float], minutes: int) -> float:
    return now() + 60.0 * minutes


def test_an_empty_inventory_is_no_news(house: Installation) -> None:
    for itemtype in ("Computer", "NetworkEquipment"):
        table = house.glpi.world.db[itemtype]
        for id_ in list(table.ids):
            table.remove(id_)
    house.alert("101", host_host="db01")
    house.ok("deliver")
    assert notices(house) == {}


def test_a_notice_goes_once_the_host_is_found(house: Installation) -> None:
    house.alert("101", host_host="db01")
    house.ok("deliver")
    assert list(notices(house)) == ["zabbix: db01"]
    asset(house, name="db01")
    house.alert("102", host_host="db01")
    house.ok("deliver")
    assert notices(house) == {}


def test_hosts_without_or_with_several_assets_are_listed(house: Installation) -> None:
    for name in ("web01", "bare01"):
        house.zabbix.world.add_host(name)
    asset(house, name="bare01")
    asset(house, name="BARE01")
    found = house.json("assets", "check", code=1)
    assert found["hosts"] == {"one": 1, "none": 0, "several": 1}
    [listed] = found["listed"]
    assert (listed["host"], listed["match"]) == ("bare01", "several")
    table = house.glpi.world.db["Computer"]
    for id_ in table.ids[-2:]:
        table.remove(id_)
    assert "no Computer or NetworkEquipment of GLPI has its name" in house.run("assets", "check").output
    asset(house, name="bare01")
    assert "2 hosts: 2 with one asset" in house.ok("assets", "check")
    assert {row["host"] for row in house.json("assets", "check", "--all")["listed"]} == {"web01", "bare01"}


def test_check_tells_which_lists_it_may_read(house: Installation) -> None:
    said = [line for line in house.json("check", code=1)["lines"] if line["thing"] == "GLPI assets"]
    assert [line["state"] for line in said] == ["ok"]
    assert "1 Computer, 1 NetworkEquipment are visible" in said[0]["text"]
    allow(house, *READS, value=0)
    said = [line for line in house.json("check", code=1)["lines"] if line["thing"] == "GLPI assets"]
    assert [line["state"] for line in said][:2] == ["warning", "warning"]
    assert "give our profile `networking` read" in said[0]["fix"]
    assert "give our profile `internet` read" in said[1]["fix"]
