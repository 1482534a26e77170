"""Hosts: made with groups, templates, an agent's address, encryption and macros; what people add to them stays.

Zabbix tells neither a PSK nor its identity again. A digest of both stands in the host's description: whoever changes
the file is noticed, whoever changes the key in Zabbix by hand is not.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glpi_bridge.admin.zabbix import wishes
from glpi_bridge.admin.zabbix.desk import HOST, HOST_GROUP, MADE_BY, TEMPLATE, Desk, Fields, Row, is_ours

_AGENT = "1"
_PSK, _PLAIN = 2, 1
_DIGEST = re.compile(r"PSK ([0-9a-f]{16})\b")


@dataclass(frozen=True, slots=True)
class Psk:
    """A pre-shared key and its identity."""

    identity: str
    key: str = field(repr=False)

    @property
    def digest(self) -> str:
        """Return what can be shown of it: a key is at least 16 random bytes, so this tells nothing of it."""
        return hashlib.sha256(f"{self.identity}\0{self.key.lower()}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Host:
    """A host as it is wanted; without an `address` it has no interface."""

    name: str
    groups: tuple[str, ...]
    templates: tuple[str, ...] = ()
    address: str = ""
    port: int = 10050
    psk: Psk | None = None
    macros: Mapping[str, str] = field(default_factory=dict)
    about: str = "A host of Zabbix."

    @property
    def description(self) -> str:
        """Return what tells us that it is ours, and whether the key in the file is still the one it has."""
        return f"{self.about} {MADE_BY}." + (f" PSK {self.psk.digest}" if self.psk else "")


def wished(wish: wishes.Host) -> Host:
    """Return the host that zabbix.yml names; its key is read from its file now."""
    key = wish.psk()
    return Host(
        name=wish.name,
        groups=wish.groups,
        templates=wish.templates,
        address=wish.address or "",
        port=wish.port,
        psk=Psk(wish.psk_identity, key) if wish.psk_identity and key else None,
        macros={name: str(value) for name, value in wish.macros.items()},
        about="From zabbix.yml.",
    )


def wanted(host: Host) -> dict[str, Any]:
    """Return what the host is to be."""
    return {
        "enabled": True,
        "groups": sorted(host.groups),
        "templates": sorted(host.templates),
        "agent": f"{host.address}:{host.port}" if host.address else "none",
        "encryption": f"PSK {host.psk.digest}" if host.psk else "none",
        "macros": dict(sorted(host.macros.items())),
    }


def held(row: Row, host: Host) -> dict[str, Any]:
    """Return what the host of a row is, in the words of `wanted`, as far as we want something."""
    agent = _interface(row)
    digest = _DIGEST.search(row["description"])
    shown = "none" if row["tls_connect"] == str(_PLAIN) else "certificate"
    if row["tls_connect"] == row["tls_accept"] == str(_PSK):
        shown = f"PSK {digest[1] if digest else '(another)'}"
    macros = {one["macro"]: one.get("value", "(secret)") for one in row["macros"]}
    return {
        "enabled": row["status"] == "0",
        "groups": sorted({one["name"] for one in row["hostgroups"]} & set(host.groups)),
        "templates": sorted({one["name"] for one in row["parentTemplates"]} & set(host.templates)),
        "agent": f"{agent['ip'] if agent['useip'] == '1' else agent['dns']}:{agent['port']}" if agent else "none",
        "encryption": shown,
        "macros": {name: macros[name] for name in sorted(host.macros) if name in macros},
    }


def _interface(row: Row) -> Row | None:
    return next((one for one in row["interfaces"] if one["type"] == _AGENT and one["main"] == "1"), None)


def params(desk: Desk, host: Host, row: Row | None) -> Fields:
    """Return it as host.create and host.update take it: rows that stay carry their ids, or they would be made anew."""
    groups = {name: number for number, name in desk.names(HOST_GROUP).items()}
    templates = {str(one["name"]): str(one["templateid"]) for one in desk.rows(TEMPLATE)}
    more_groups = {one["groupid"] for one in row["hostgroups"]} if row else set()
    more_templates = {one["templateid"] for one in row["parentTemplates"]} if row else set()
    sent: dict[str, Any] = {
        "host": host.name,
        "status": 0,
        "description": host.description,
        "groups": [{"groupid": one} for one in sorted(more_groups | {groups[name] for name in host.groups})],
        "templates": [
            {"templateid": one} for one in sorted(more_templates | {templates[name] for name in host.templates})
        ],
        "interfaces": _interfaces(host, row),
        "macros": _macros(host, row),
    }
    if host.psk is None:
        return {**sent, "tls_connect": _PLAIN, "tls_accept": _PLAIN}
    key = {"tls_psk_identity": host.psk.identity, "tls_psk": host.psk.key}
    return {**sent, "tls_connect": _PSK, "tls_accept": _PSK, **key}


def _interfaces(host: Host, row: Row | None) -> list[Fields]:
    now = _interface(row) if row else None
    kept = ("interfaceid", "type", "main", "useip", "ip", "dns", "port", "details")
    rest: list[Fields] = [
        {name: one[name] for name in kept if one.get(name) not in (None, [])}
        for one in (row["interfaces"] if row else [])
        if one is not now
    ]
    if not host.address:
        return rest
    is_ip = _is_ip(host.address)
    agent: dict[str, Any] = {"type": _AGENT, "main": "1", "port": str(host.port), "useip": int(is_ip)}
    agent |= {"ip": host.address, "dns": ""} if is_ip else {"ip": "", "dns": host.address}
    return [agent if now is None else {**agent, "interfaceid": now["interfaceid"]}, *rest]


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _macros(host: Host, row: Row | None) -> list[Fields]:
    now = {one["macro"]: one["hostmacroid"] for one in (row["macros"] if row else [])}
    sent: list[Fields] = [{"hostmacroid": number} for name, number in now.items() if name not in host.macros]
    for name, value in host.macros.items():
        sent.append({"macro": name, "value": value, **({"hostmacroid": now[name]} if name in now else {})})
    return sent


def provide(desk: Desk, host: Host) -> str | None:
    """Make the host, or put it right."""
    row = desk.find(HOST, host.name)
    if row is not None and not is_ours(row):
        desk.foreign(HOST, host.name, f'its description does not say "{MADE_BY}"')
        return None
    return desk.ensure(HOST, host.name, row, lambda one: held(one, host), wanted(host), lambda: params(desk, host, row))
