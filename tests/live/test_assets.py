"""Tickets are linked to assets of the real GLPI: found by what both sides say, once, also after a lost answer."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge import http
from glpi_bridge.assets import Assets, AssetTerms
from glpi_bridge.glpi import Credentials, Glpi, Names
from glpi_bridge.model import Event, Tag
from tests.live.bridge import Bridge
from tests.live.way import Way


class Stock:
    """Assets made for one test and gone afterwards."""

    def __init__(self, person: Any) -> None:
        self.person = person
        self.name = f"asset-{uuid.uuid4().hex[:8]}"
        self._made: list[tuple[str, int]] = []

    def add(self, itemtype: str, **fields: Any) -> int:
        made = int(self.person.add(itemtype, **fields))
        self._made.append((itemtype, made))
        return made

    def address(self, itemtype: str, id_: int, ip: str, mac: str) -> None:
        port = self.person.add(
            "NetworkPort", itemtype=itemtype, items_id=id_, mac=mac, instantiation_type="NetworkPortEthernet"
        )
        self.person.add("NetworkName", itemtype="NetworkPort", items_id=port, name="x", _ipaddresses={"-1": ip})

    def clear(self) -> None:
        for itemtype, id_ in self._made:
            self.person.call("DELETE", f"{itemtype}/{id_}", force_purge="true")


@pytest.fixture
def stock(person: Any) -> Iterator[Stock]:
    made = Stock(person)
    yield made
    made.clear()


@pytest.fixture
def super_admin(person: Any) -> Iterator[Glpi]:
    """A client of the project, as somebody who may read every type and address."""
    files = (os.environ[name] for name in ("GLPI_APP_TOKEN_FILE", "GLPI_ADMIN_TOKEN_FILE"))
    app, token = (Path(file).read_text().strip() for file in files)
    credentials = Credentials(user_token=token, app_token=app)
    with Glpi(person.url, lambda: credentials, http.session(total_timeout=120, target="GLPI")) as client:
        yield client


def linked(reader: Any, ticket: int) -> list[tuple[str, int]]:
    return sorted((row["itemtype"], row["items_id"]) for row in reader.get(f"Ticket/{ticket}/Item_Ticket"))


def only_ticket(bridge: Bridge, reader: Any) -> int:
    [ticket] = reader.tickets(bridge.source)
    return int(ticket["id"])


def test_each_identifier_finds_the_asset(stock: Stock, super_admin: Glpi) -> None:
    name, unique = stock.name, uuid.uuid4().hex[:6]
    mac, ip = ":".join(["02", "16", *(unique[at : at + 2] for at in (0, 2, 4)), "07"]), f"10.66.{int(unique[:2], 16)}.7"
    computer = stock.add("Computer", name=f"{name}.lab.example", serial=f"SN-{name}", otherserial=f"INV-{name}")
    stock.address("Computer", computer, ip, mac)
    switch = stock.add("NetworkEquipment", name=f"sw-{name}")
    assets = Assets(super_admin, Names(super_admin), AssetTerms(("Computer", "NetworkEquipment")))
    hosts = {
        "name": Event("s", "1", host=f"{name}.LAB.example"),
        "fqdn": Event("s", "1", host="h", host_dns=f"{name}.lab.example"),
        "short": Event("s", "1", host=name),
        "ip": Event("s", "1", host="h", host_ip=ip),
        "mac": Event("s", "1", host="h", mac=mac.upper().replace(":", "-")),
        "serial": Event("s", "1", host="h", serial=f"sn-{name}"),
        "inventory": Event("s", "1", host="h", asset_tag=f"INV-{name}"),
        "tag": Event("s", "1", host="h", tags=(Tag("asset", f"Computer: SN-{name}"),)),
    }
    network = Event("s", "1", host=f"sw-{name}")
    found, _ = assets.look_up([(event, None) for event in (*hosts.values(), network)])
    keys = [[asset.key for asset in one.assets] for one in found]
    assert dict(zip(hosts, keys, strict=False)) == {how: [f"Computer/{computer}"] for how in hosts}
    assert keys[-1] == [f"NetworkEquipment/{switch}"]
    assert assets.unreadable == {}


def test_a_ticket_is_made_with_its_link_location_and_group(
    bridge: Bridge, reader: Any, person: Any, stock: Stock
) -> None:
    location, group = (stock.add(kind, name=stock.name, is_recursive=1) for kind in ("Location", "Group"))
    computer = stock.add("Computer", name=stock.name, locations_id=location, groups_id_tech=group)
    bridge.settings.write_text(bridge.settings.read_text() + "assets: {location: yes, group: yes}\n")
    bridge.alert(event_name="x", event_nseverity=4, host_host=stock.name)
    bridge.deliver()
    ticket = only_ticket(bridge, reader)
    assert linked(reader, ticket) == [("Computer", computer)]
    assert person.get(f"Ticket/{ticket}")["locations_id"] == location
    assert [row["groups_id"] for row in person.get(f"Ticket/{ticket}/Group_Ticket")] == [group]


def test_two_of_one_name_are_none_and_status_says_so(bridge: Bridge, reader: Any, stock: Stock) -> None:
    for _ in range(2):
        stock.add("Computer", name=stock.name)
    bridge.alert(event_name="x", event_nseverity=4, host_host=stock.name)
    bridge.deliver()
    assert linked(reader, only_ticket(bridge, reader)) == []
    said = [one["text"] for one in bridge.status()["notices"] if one["kind"] == "asset" and stock.name in one["text"]]
    assert len(said) == 1
    assert "several assets" in said[0]


@pytest.mark.parametrize("when", ["made", "linked"])
def test_a_lost_answer_leaves_each_link_once(bridge: Bridge, reader: Any, stock: Stock, way: Way, when: str) -> None:
    one = stock.add("Computer", name=f"{stock.name}-a")
    other = stock.add("Computer", name=f"{stock.name}-b")
    (bridge.directory / "rules.yml").write_text("default: {key: all in one, category: Monitoring}\n")
    bridge.settings.write_text(bridge.settings.read_text().replace(reader.url, way.url))
    if when == "made":
        way.loses = once(b"/Ticket?", way)
    bridge.alert(event_name="x", event_nseverity=4, host_host=f"{stock.name}-a")
    bridge.deliver_until(lambda: len(reader.tickets(bridge.source)) == 1)
    if when == "linked":
        way.loses = once(b"/Item_Ticket?", way)
    bridge.alert(event_name="x", event_nseverity=4, host_host=f"{stock.name}-b")
    wanted = [("Computer", one), ("Computer", other)]
    bridge.deliver_until(lambda: linked(reader, only_ticket(bridge, reader)) == wanted)
    bridge.deliver()
    assert linked(reader, only_ticket(bridge, reader)) == wanted
    assert way.lost == 1


def once(path: bytes, way: Way) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(b"POST") and path in head.split(b"\r\n")[0] and not way.lost
