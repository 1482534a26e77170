"""What tells an asset, as a table: values that tell nothing, names with and without domains, whose asset it is."""

from __future__ import annotations

import pytest

from glpi_bridge.identity import Asset, Identifier, agrees, is_within, stated, tagged
from glpi_bridge.model import Event, Tag

HOST = Event("prod", "1", host="web01", host_name="Web server 1", host_dns="web01.site.example.", host_ip="10.0.0.7")


def with_(**fields: object) -> Event:
    return Event("prod", "1", **fields)  # type: ignore[arg-type]  # each row gives the right type


STATED = [
    (HOST, Identifier.NAME, ("web01", "Web server 1")),
    (HOST, Identifier.FQDN, ("web01.site.example",)),
    (HOST, Identifier.SHORT_NAME, ("web01", "web01.site.example")),
    (HOST, Identifier.IP, ("10.0.0.7",)),
    (with_(host="Web", host_name="web"), Identifier.NAME, ("Web",)),
    (with_(host="10.0.0.7"), Identifier.SHORT_NAME, ()),
    (with_(host_dns="web01"), Identifier.FQDN, ()),
    (with_(host_dns="10.0.0.7"), Identifier.FQDN, ()),
    (with_(host_ip="127.0.0.1"), Identifier.IP, ()),
    (with_(host_ip="::1"), Identifier.IP, ()),
    (with_(host_ip="0.0.0.0"), Identifier.IP, ()),
    (with_(host_ip="169.254.3.4"), Identifier.IP, ()),
    (with_(host_ip="2001:DB8::0001"), Identifier.IP, ("2001:db8::1",)),
    (with_(host_ip="not an address"), Identifier.IP, ()),
    (with_(mac="00-16-3E-77-05-01"), Identifier.MAC, ("00:16:3e:77:05:01",)),
    (with_(mac="0016.3e77.0501"), Identifier.MAC, ("00:16:3e:77:05:01",)),
    (with_(mac="00:00:00:00:00:00"), Identifier.MAC, ()),
    (with_(mac="00:16:3e"), Identifier.MAC, ()),
    (with_(serial=" SN-1 "), Identifier.SERIAL, ("SN-1",)),
    (with_(serial="0"), Identifier.SERIAL, ()),
    (with_(serial="Default String"), Identifier.SERIAL, ()),
    (with_(asset_tag="INV-7"), Identifier.INVENTORY_NUMBER, ("INV-7",)),
    (with_(tags=(Tag("asset", "a"), Tag("asset", ""), Tag("Asset", "b"))), Identifier.TAG, ("a",)),
]


@pytest.mark.parametrize(("event", "identifier", "values"), STATED)
def test_what_an_event_states(event: Event, identifier: Identifier, values: tuple[str, ...]) -> None:
    assert stated(event, identifier, "asset") == values


AGREES = [
    (Identifier.NAME, "WEB01", "web01", True),
    (Identifier.NAME, "web01", "web011", False),
    (Identifier.NAME, "web", "web01", False),
    (Identifier.SHORT_NAME, "web01", "web01.site.example", True),
    (Identifier.SHORT_NAME, "web01.site.example", "web01", True),
    (Identifier.SHORT_NAME, "web01.site.example", "web01.other.example", False),
    (Identifier.SHORT_NAME, "web01", "web01-old", False),
    (Identifier.FQDN, "web01.site.example", "Web01.Site.Example", True),
]


@pytest.mark.field("F18")
@pytest.mark.parametrize(("identifier", "value", "name", "does"), AGREES)
def test_a_name_is_compared_whole(identifier: Identifier, value: str, name: str, does: bool) -> None:
    assert agrees(identifier, value, Asset("Computer", 1, name)) is does


def test_an_asset_without_a_value_agrees_with_none() -> None:
    bare = Asset("Computer", 1)
    assert not any(agrees(one, "", bare) for one in Identifier if one is not Identifier.SHORT_NAME)


def test_a_tag_may_name_the_type_as_well() -> None:
    assert tagged("Printer: lp01") == ("Printer", "lp01")
    assert tagged("rack: 7") == ("", "rack: 7")
    assert agrees(Identifier.TAG, "Printer: lp01", Asset("Printer", 1, "lp01"))
    assert not agrees(Identifier.TAG, "Printer: lp01", Asset("Computer", 1, "lp01"))
    assert agrees(Identifier.TAG, "inv-7", Asset("Computer", 1, "lp01", inventory_number="INV-7"))


WITHIN = [
    ("Root > A", False, "Root > A", True),
    ("Root > A > Site", False, "Root > A", True),
    ("Root", True, "Root > A", True),
    ("Root", False, "Root > A", False),
    ("Root > B", True, "Root > A", False),
    ("Root > AB", False, "Root > A", False),
    ("Root > B", False, "Root", True),
    ("Root > B", False, "", True),
]


@pytest.mark.parametrize(("home", "is_recursive", "ticket", "may"), WITHIN)
def test_whose_asset_a_ticket_may_name(home: str, is_recursive: bool, ticket: str, may: bool) -> None:
    assert is_within(Asset("Computer", 1, "x", entity=home, is_recursive=is_recursive), ticket) is may
