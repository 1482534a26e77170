"""The hosts of Zabbix that a Change is about: its assets, mapped back by what tells assets. Reads only.

A host that may be an asset is proved the way that tickets go: looked up by all that Zabbix states of it, it must be
this asset and no other. Two hosts that would both be it are one too many, unless each names it by the explicit tag. A
Change without assets is about the hosts of its incidents, whose numbers the store knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from glpi_bridge.assets import Assets, stating
from glpi_bridge.context import Context, Source
from glpi_bridge.errors import NoAnswer, TargetError
from glpi_bridge.glpi import NameNotFound
from glpi_bridge.identity import Asset, Identifier, label, stated
from glpi_bridge.itil import zabbix_maintenance
from glpi_bridge.itil.work import Work
from glpi_bridge.store import incidents
from glpi_bridge.zabbix import Host

_INVENTORY = {
    Identifier.SERIAL: "serialno_a",
    Identifier.INVENTORY_NUMBER: "asset_tag",
    Identifier.MAC: "macaddress_a",
}


@dataclass(slots=True)
class Meant:
    """Which hosts are meant: by source host id → name; `troubles` are sentences for people.

    Not `is_sure`: something was not shown, which says nothing of it; what was meant before goes on being meant.
    `silent` are sources that gave no answer: nothing is known of their hosts.
    """

    hosts: dict[str, dict[str, str]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    is_sure: bool = True
    silent: dict[str, TargetError] = field(default_factory=dict)


def meant(context: Context, work: Work) -> Meant:
    """Return the hosts of a Change in every source that has maintenance. Raises the errors of GLPI."""
    found = Meant({name: {} for name, one in context.sources.items() if one.maintaining is not None})
    if not work.assets:
        _add_tickets(context, work, found)
        return found
    if context.assets is None:
        found.troubles.append("its assets cannot be told to be hosts: `assets` is off in bridge.yml")
        return found
    for key in work.assets:
        if key.partition("/")[0] in context.assets.terms.types:
            _add_asset(context, context.assets, work, key, found)
    return found


def _add_asset(context: Context, assets: Assets, work: Work, key: str, found: Meant) -> None:
    asset, told = assets.read(key)
    if asset is None:
        found.troubles.append(f"{key}: GLPI does not show it to the bridge")
        found.is_sure = False
        return
    entity, proved, said = _entity(context, work), 0, []
    for name in [*found.hosts]:
        source = context.sources[name]
        try:
            candidates = _candidates(assets, source, asset, told)
            hosts = _proved(assets, name, candidates, asset, entity)
            proved += len(hosts)
            if _is_clear(assets, name, hosts):
                said += _take(source, hosts, found)
            else:
                said.append(f"several hosts of Zabbix {name} would be it: {_names(hosts)}")
        except TargetError as error:
            _is_silent(found, name, error)
    if not proved and not found.silent:
        said, found.is_sure = ["no host of Zabbix is it"], False
    found.troubles += [f"{asset}: {one}" for one in said]


def _is_silent(found: Meant, name: str, error: TargetError) -> None:
    if error.target != "Zabbix":
        raise error
    found.silent[name] = error
    found.hosts.pop(name)


def _proved(assets: Assets, source: str, candidates: Sequence[Host], asset: Asset, entity: str | None) -> list[Host]:
    """Return which candidates are the asset, looked up as tickets are."""
    looked_up, _ = assets.look_up([(stating(source, host), entity) for host in candidates])
    if silent := next((one for one in looked_up if not one.is_final), None):
        raise NoAnswer(silent.trouble, target="GLPI")
    return [host for host, one in zip(candidates, looked_up, strict=True) if asset in one.assets]


def _take(source: Source, hosts: Sequence[Host], found: Meant) -> list[str]:
    """Add the hosts that may be maintained; return what is to be said of the others."""
    allowed = _allowed(source, hosts)
    found.hosts[source.name] |= {host.hostid: host.name for host in allowed}
    refused = [host for host in hosts if host not in allowed]
    if not refused:
        return []
    return [f"{_names(refused)} of Zabbix {source.name} may not be put into maintenance by the bridge's token"]


def _entity(context: Context, work: Work) -> str | None:
    try:
        return context.names.path_of("Entity", work.entity)
    except NameNotFound:
        return None


def _candidates(assets: Assets, source: Source, asset: Asset, told: Mapping[Identifier, Sequence[str]]) -> list[Host]:
    """Return the hosts that may be an asset, as the account of alerts sees them: more than may be maintained."""
    zabbix = source.zabbix or (source.maintaining.zabbix if source.maintaining else None)
    if zabbix is None:
        return []
    order = assets.terms.order
    ids = zabbix_maintenance.candidates(
        zabbix,
        names=[label(asset.name)],
        addresses=told.get(Identifier.IP, []),
        inventory={field: [one for one in told.get(by, []) if one] for by, field in _INVENTORY.items() if by in order},
        tag=assets.terms.tag if Identifier.TAG in order else "",
        tagged=[asset.name, asset.serial, asset.inventory_number],
    )
    return [*zabbix.hosts(ids).values()]


def _is_clear(assets: Assets, source: str, proved: Sequence[Host]) -> bool:
    """Tell whether these hosts are the asset beyond doubt: one, or several that each name it outright."""
    events = [stating(source, host) for host in proved]
    return len(proved) < 2 or all(stated(event, Identifier.TAG, assets.terms.tag) for event in events)


def _allowed(source: Source, hosts: Sequence[Host]) -> list[Host]:
    """Return those that the settings and the token's rights let us put into maintenance."""
    one = source.maintaining
    within = [host for host in hosts if one is not None and _is_within(host, one.host_groups)]
    if one is None or not within:
        return []
    may = zabbix_maintenance.writable(one.zabbix, [host.hostid for host in within])
    return [host for host in within if host.hostid in may]


def _is_within(host: Host, groups: Sequence[str]) -> bool:
    return not groups or any(has == group or has.startswith(f"{group}/") for has in host.groups for group in groups)


def _names(hosts: Sequence[Host]) -> str:
    return ", ".join(host.name for host in hosts[:5])


def _add_tickets(context: Context, work: Work, found: Meant) -> None:
    """Add the hosts of incidents of ours; what Zabbix does not show any more is left out."""
    ids: dict[str, set[str]] = {}
    for owed in context.store.read(incidents.by_tickets, work.tickets):
        for event in owed.incident.events:
            if event.source in found.hosts and event.host_id:
                ids.setdefault(event.source, set()).add(event.host_id)
    for name, some in ids.items():
        source = context.sources[name]
        zabbix = source.zabbix or (source.maintaining.zabbix if source.maintaining else None)
        try:
            hosts = [*zabbix.hosts(sorted(some)).values()] if zabbix else []
            found.troubles += _take(source, hosts, found)
        except TargetError as error:
            _is_silent(found, name, error)
