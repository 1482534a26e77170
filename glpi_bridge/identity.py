"""What tells an asset: the names, addresses and numbers that Zabbix states of a host, held against GLPI's. Pure.

A value that many hosts share (a loopback address, a vendor's "To be filled by O.E.M.") tells nothing and is left out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from glpi_bridge.model import Event

ITEMTYPES: Mapping[str, str] = {
    "Computer": "computer",
    "NetworkEquipment": "networking",
    "Printer": "printer",
    "Phone": "phone",
    "Monitor": "monitor",
    "Peripheral": "peripheral",
    "Enclosure": "datacenter",
    "PDU": "datacenter",
    "Rack": "datacenter",
}
"""Itemtypes that a ticket may be linked to, which have name, serial and inventory number alike → the right to read."""


class Identifier(StrEnum):
    """What an asset can be told by, in the order in which it is tried where no other is set."""

    TAG = "tag"
    NAME = "name"
    FQDN = "fqdn"
    SHORT_NAME = "short name"
    IP = "ip"
    MAC = "mac"
    SERIAL = "serial"
    INVENTORY_NUMBER = "inventory number"


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset of GLPI; entity, location and groups (those in charge of it) by their paths, "" and () for none."""

    itemtype: str
    id: int
    name: str = ""
    serial: str = ""
    inventory_number: str = ""
    entity: str = ""
    is_recursive: bool = False
    location: str = ""
    groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return it as the store keeps it: `Computer/7`."""
        return f"{self.itemtype}/{self.id}"

    def __str__(self) -> str:
        return f'{self.itemtype} "{self.name}" ({self.id})'


_PLACEHOLDERS = frozenset(
    {
        "to be filled by o.e.m.", "default string", "system serial number", "chassis serial number", "not specified",
        "not available", "not applicable", "none", "null", "n/a", "na", "unknown", "empty", "o.e.m.", "invalid",
    }
)  # fmt: skip
_HOSTNAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_NO_MACS = frozenset({"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"})


def stated(event: Event, identifier: Identifier, tag: str) -> tuple[str, ...]:
    """Return what an event states of its host; `tag` is the name of the event tag that names an asset outright."""
    match identifier:
        case Identifier.TAG:
            return _unique(one.value.strip() for one in event.tags if tag and one.tag == tag)
        case Identifier.NAME:
            return _unique(name.strip() for name in (event.host, event.host_name))
        case Identifier.FQDN:
            return _unique([name] if "." in (name := _host_name(event.host_dns)) else [])
        case Identifier.SHORT_NAME:
            return _unique(_host_name(name) for name in (event.host, event.host_dns, event.host_name))
        case Identifier.IP:
            return _unique([_address(event.host_ip)])
        case Identifier.MAC:
            return _unique([_mac(event.mac)])
        case Identifier.SERIAL:
            return _unique([_number(event.serial)])
        case Identifier.INVENTORY_NUMBER:
            return _unique([_number(event.asset_tag)])


def agrees(identifier: Identifier, value: str, asset: Asset) -> bool:
    """Tell whether an asset is the one that a stated value means; addresses are compared where they are looked up."""
    match identifier:
        case Identifier.TAG:
            itemtype, name = tagged(value)
            is_named = _same(name, asset.name) or _same(name, asset.inventory_number) or _same(name, asset.serial)
            return is_named and itemtype in ("", asset.itemtype)
        case Identifier.SHORT_NAME:
            ours, theirs = value.casefold(), asset.name.strip().casefold()
            # web01.a and web01.b are two hosts: one of both names must be a short one
            return label(ours) == label(theirs) and not ("." in ours and "." in theirs)
        case Identifier.SERIAL:
            return _same(value, asset.serial)
        case Identifier.INVENTORY_NUMBER:
            return _same(value, asset.inventory_number)
        case _:
            return _same(value, asset.name)


def tagged(value: str) -> tuple[str, str]:
    """Read the value of the explicit tag: `web01`, or `Printer: web01` where the name alone is not unique."""
    itemtype, colon, name = value.partition(":")
    return (itemtype.strip(), name.strip()) if colon and itemtype.strip() in ITEMTYPES else ("", value)


def label(name: str) -> str:
    """Return a host's name without its domain."""
    return name.partition(".")[0]


def is_within(asset: Asset, entity: str) -> bool:
    """Tell whether a ticket of an entity (its path; "" for any) may name an asset: GLPI's tree, both ways.

    An asset of the entity itself, of one below it, or of one above that shows it to those below. Any other belongs to
    people who must not meet in one ticket.
    """
    home = asset.entity
    if not entity or not home or home == entity or home.startswith(f"{entity} > "):
        return True
    return asset.is_recursive and entity.startswith(f"{home} > ")


def _same(one: str, other: str) -> bool:
    return bool(one) and one.strip().casefold() == other.strip().casefold()


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for value in values:
        if value:
            found.setdefault(value.casefold(), value)
    return tuple(found.values())


def _host_name(text: str) -> str:
    name = text.strip()
    return "" if _is_address(name) or not _HOSTNAME.fullmatch(name) else name.rstrip(".")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    return "" if address.is_loopback or address.is_unspecified or address.is_link_local else str(address)


def _mac(text: str) -> str:
    digits = re.sub(r"[^0-9a-f]", "", text.lower())
    mac = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    return "" if len(digits) != 12 or mac in _NO_MACS else mac


def _number(text: str) -> str:
    number = text.strip()
    return "" if number.casefold() in _PLACEHOLDERS or not number.strip("0.-xX ") else number
