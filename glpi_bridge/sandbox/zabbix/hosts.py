"""host.create, update and delete of the stand-in: hosts with one agent interface at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix.model import Host, Refusal, User, UserMacro, no_object
from glpi_bridge.sandbox.zabbix.shapes import NotServed, Params, bad_params, listed, needed, one_of, sent
from glpi_bridge.sandbox.zabbix.world import World

_AGENT, _SECRET = "1", "1"
_PSK = "2"
_FIELDS = (
    *("host", "name", "status", "description", "groups", "templates", "interfaces", "macros", "tags"),
    *("tls_connect", "tls_accept", "tls_psk_identity", "tls_psk", "inventory_mode", "inventory"),
)


class Hosts:
    """Hosts that are made over the API."""

    def __init__(self, world: World) -> None:
        self.world = world

    def host_create(self, _user: User, params: Any) -> Any:
        """Make a host."""
        given = sent(params, _FIELDS, "host.create")
        needed(given, "host", "groups")
        made = Host(0, "", "", set(), ip=None)
        self._check(made, given)
        made.hostid = self.world.next_id("host")
        self.world.hosts[made.hostid] = made
        self._fill(made, {"name": given["host"], **given})
        return {"hostids": [str(made.hostid)]}

    def host_update(self, _user: User, params: Any) -> Any:
        """Change a host."""
        given = sent(params, (*_FIELDS, "hostid"), "host.update")
        host = one_of(self.world.hosts, given, "hostid")
        self._check(host, given)
        self._fill(host, given)
        return {"hostids": [str(host.hostid)]}

    def host_delete(self, _user: User, params: Any) -> Any:
        """Delete hosts."""
        wanted = listed(params, "host.delete")
        if not set(wanted) <= self.world.hosts.keys():
            raise no_object()
        for number in wanted:
            self.world.delete_host(self.world.hosts[number])
        return {"hostids": [str(one) for one in wanted]}

    def _check(self, host: Host, given: Params) -> None:
        name = str(given.get("host", host.host))
        if any(one.host == name and one is not host for one in self.world.hosts.values()):
            raise bad_params(f'Host with the same name "{name}" already exists.')
        for number, one in enumerate(given.get("groups", []), 1):
            if int(one["groupid"]) not in self.world.groups:
                what = "object does not exist, or you have no permissions to it."
                raise Refusal(-32500, f'Invalid parameter "/1/groups/{number}": {what}')
        for one in given.get("templates", []):
            if int(one["templateid"]) not in self.world.templates:
                raise no_object()
        interfaces = given.get("interfaces", [])
        if len(interfaces) > 1 or any(str(one["type"]) != _AGENT for one in interfaces):
            raise NotServed("other interfaces of a host than one of an agent")
        if str(given.get("tls_connect", "1")) not in {"1", _PSK} or str(given.get("tls_accept", "1")) not in {
            "1",
            _PSK,
        }:
            raise NotServed("encryption with certificates")
        identity, key = _psk(host, given)
        others = (one.psk for one in self.world.hosts.values() if one is not host and one.psk)
        if identity and any(one[0] == identity and one[1].lower() != key.lower() for one in others):
            what = "another tls_psk value is already associated with given tls_psk_identity."
            raise bad_params(f'Invalid parameter "/1/tls_psk": {what}')

    def _fill(self, host: Host, given: Params) -> None:
        host.host, host.name = str(given.get("host", host.host)), str(given.get("name", host.name))
        host.status = int(given.get("status", host.status))
        host.description = str(given.get("description", host.description))
        if "groups" in given:
            host.groupids = {int(one["groupid"]) for one in given["groups"]}
        if "templates" in given:
            host.templateids = {int(one["templateid"]) for one in given["templates"]}
        if "tags" in given:
            host.tags = [(str(one["tag"]), str(one.get("value", ""))) for one in given["tags"]]
        if "interfaces" in given:
            self._set_interface(host, given["interfaces"])
        if "macros" in given:
            host.macros = self._macros(host, given["macros"])
        if "tls_connect" in given:
            host.tls = int(given["tls_connect"])
            host.psk = _psk(host, given) if str(given["tls_connect"]) == _PSK else None
        host.inventory_mode = int(given.get("inventory_mode", host.inventory_mode))
        if "inventory" in given:
            host.inventory = (host.inventory or {}) | {key: str(one) for key, one in given["inventory"].items()}

    def _set_interface(self, host: Host, given: Iterable[Mapping[str, Any]]) -> None:
        """Take over the interface; one that does not carry its id is made anew [contract Z10/084]."""
        rows = list(given)
        if not rows:
            host.ip = None
            return
        one = rows[0]
        if host.ip is None or int(one.get("interfaceid") or 0) != host.interfaceid:
            if host.ip is not None and (item := self._item_of(host)):
                raise bad_params(f'Interface is linked to item "{item}" on "{host.name}".')
            host.interfaceid = self.world.next_id("interface")
        host.ip, host.dns = str(one.get("ip", "")), str(one.get("dns", ""))
        host.port, host.useip = str(one["port"]), int(one["useip"])

    def _item_of(self, host: Host) -> str:
        return next((one.name for one in self.world.items.values() if one.hostid == host.hostid), "")

    def _macros(self, host: Host, given: Iterable[Mapping[str, Any]]) -> dict[str, UserMacro]:
        """Read macros: those that carry their id keep what was not sent, the others are made anew."""
        held = {str(one.hostmacroid): (name, one) for name, one in host.macros.items()}
        made = {}
        for one in given:
            name, known = held.get(str(one.get("hostmacroid")), ("", UserMacro(0, "")))
            is_secret = str(one["type"]) == _SECRET if "type" in one else known.is_secret
            made[str(one.get("macro", name))] = UserMacro(
                known.hostmacroid or self.world.next_id("macro"),
                str(one.get("value", known.value)),
                str(one.get("description", known.description)),
                is_secret,
            )
        return made


def _psk(host: Host, given: Params) -> tuple[str, str]:
    identity, key = host.psk or ("", "")
    return str(given.get("tls_psk_identity", identity)), str(given.get("tls_psk", key))
