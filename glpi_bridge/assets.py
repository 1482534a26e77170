"""The asset of GLPI that a Zabbix host is: looked up by what both say of it, never guessed.

One identifier after the other, in the order of the settings: the first that finds anything decides, later ones only
narrow several down to one. What an explicit tag names is that or nothing. Hosts of one call are looked up together, and
what was found is believed for some minutes. Reads only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from glpi_bridge import identity
from glpi_bridge.errors import Held, NoAnswer, NotConnected, Refused, TargetError
from glpi_bridge.glpi import Glpi, NameNotFound, Names
from glpi_bridge.identity import Asset, Identifier
from glpi_bridge.model import Event
from glpi_bridge.zabbix_answers import Host

log = logging.getLogger(__name__)
_MAX_AGE = timedelta(minutes=5)
_CACHED = 20_000
_CRITERIA = 200
_PAGE = 500
# Search options, the same numbers for all of identity.ITEMTYPES on 10.0 and 11.0 (GET listSearchOptions/Computer).
_NAME, _ID, _LOCATION, _SERIAL, _INVENTORY, _GROUP_IN_CHARGE, _ENTITY, _RECURSIVE = 1, 2, 3, 5, 6, 49, 80, 86
_SHOWN = (_NAME, _ID, _LOCATION, _SERIAL, _INVENTORY, _GROUP_IN_CHARGE, _ENTITY, _RECURSIVE)
_ADDRESSES = {
    Identifier.IP: ("IPAddress", "name", "mainitemtype", "mainitems_id", "internet"),
    Identifier.MAC: ("NetworkPort", "mac", "itemtype", "items_id", "networking"),
}
"""Where an address is listed: itemtype, its field, what points to the asset, the right to read it."""


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """How assets are looked for (`assets:` in bridge.yml); no `types`: not at all."""

    types: tuple[str, ...] = ()
    order: tuple[Identifier, ...] = tuple(Identifier)
    tag: str = "asset"
    location: bool = False
    group: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What an event's host is in GLPI: its assets, else `trouble` says why there is none ("" if nothing was stated).

    `several` are the assets between which nothing decides. Not `is_final`: GLPI could not be asked, try again.
    """

    assets: tuple[Asset, ...] = ()
    trouble: str = ""
    several: tuple[Asset, ...] = ()
    is_final: bool = True


def stating(source: str, host: Host) -> Event:
    """Return what an event of a host would state of it."""
    inventory = host.inventory or {}
    return Event(
        source=source,
        eventid="",
        host=host.host,
        host_name=host.name,
        host_ip=host.ip,
        host_dns=host.dns,
        asset_tag=inventory.get("asset_tag", ""),
        serial=inventory.get("serialno_a", ""),
        mac=inventory.get("macaddress_a", ""),
        tags=host.tags,
    )


@dataclass(slots=True)
class _Wanted:
    """A host that is being looked up: its values by identifier, and the assets that may be it."""

    values: Mapping[Identifier, tuple[str, ...]]
    entity: str
    candidates: list[Asset] = field(default_factory=list)
    by: Identifier | None = None


_Key = tuple[str | None, tuple[tuple[str, ...], ...]]
"""The entity of a ticket, and what its event states of the host by each identifier of the order."""


class Assets:
    """The assets of one GLPI as our account sees them; `max_age` is how long an answer is believed."""

    def __init__(
        self,
        glpi: Glpi,
        names: Names,
        terms: AssetTerms,
        *,
        max_age: timedelta = _MAX_AGE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.terms = terms
        self._glpi, self._names = glpi, names
        self._max_age, self._now = max_age, now
        self._known: dict[_Key, tuple[Found, datetime]] = {}
        self._empty: tuple[bool, datetime] | None = None
        self.unreadable: dict[str, str] = {}

    def look_up(self, wanted: Sequence[tuple[Event, str | None]]) -> tuple[list[Found], list[tuple[Event, Found]]]:
        """Look up the hosts of events, each with the entity of its ticket; return what each is, and what is news.

        Raises NotConnected or Held where GLPI cannot be asked at all; an answer that is no answer costs the link.
        """
        keys = [self._key(event, entity) for event, entity in wanted]
        held = {key: self._held(key) for key in keys}
        fresh: dict[_Key, tuple[Event, _Wanted]] = {}
        for key, (event, entity) in zip(keys, wanted, strict=True):
            if key not in fresh and held[key] is None:
                values = dict(zip(self.terms.order, key[1], strict=True))
                fresh[key] = (event, _Wanted(values, self._path(entity)))
        found = self._found(fresh) if fresh else {}
        known = {key: found.get(key) or one or Found(is_final=False) for key, one in held.items()}
        return [known[key] for key in keys], [(fresh[key][0], one) for key, one in found.items()]

    def _found(self, fresh: Mapping[_Key, tuple[Event, _Wanted]]) -> dict[_Key, Found]:
        self.unreadable = {}
        try:
            self._resolve([one for _, one in fresh.values()])
            found = {key: self._judged(one) for key, (_, one) in fresh.items()}
        except (NotConnected, Held):
            raise
        except TargetError as error:
            log.warning("assets could not be looked up: %s", error)
            found = dict.fromkeys(fresh, Found(trouble=f"GLPI gave no answer: {error}", is_final=False))
        if len(self._known) > _CACHED:
            self._known.clear()
        self._known |= {key: (one, self._now()) for key, one in found.items()}
        return found

    def read(self, key: str) -> tuple[Asset | None, dict[Identifier, list[str]]]:
        """Read an asset by its key (`Computer/7`) and what would tell it; None where GLPI does not show it."""
        itemtype, _, id_ = key.partition("/")
        same = [{"link": "AND", "field": _ID, "searchtype": "equals", "value": int(id_)}]
        asset = next((one for one in self._search(itemtype, same) if one.id == int(id_)), None)
        if asset is None:
            return None, {}
        told = {Identifier.SERIAL: [asset.serial], Identifier.INVENTORY_NUMBER: [asset.inventory_number]}
        for identifier in (one for one in _ADDRESSES if one in self.terms.order):
            table, column, of_type, of_id, right = _ADDRESSES[identifier]
            rows = self._rows(table, {f"searchText[{of_id}]": f"^{id_}$"}, right)
            mine = [one for one in rows if (one[of_type], int(one[of_id])) == (itemtype, asset.id)]
            told[identifier] = [str(one[column] or "") for one in mine]
        return asset, told

    def is_empty(self) -> bool:
        """Tell whether GLPI shows no asset of these types at all: then nobody keeps an inventory there."""
        if self._empty is None or self._now() - self._empty[1] > self._max_age:
            counts = [self._count(itemtype) for itemtype in self.terms.types]
            self._empty = (not any(counts), self._now())
        return self._empty[0]

    def _key(self, event: Event, entity: str | None) -> _Key:
        return entity, tuple(identity.stated(event, one, self.terms.tag) for one in self.terms.order)

    def _held(self, key: _Key) -> Found | None:
        found, at = self._known.get(key, (None, self._now()))
        return None if self._now() - at > self._max_age or (found and not found.is_final) else found

    def _path(self, entity: str | None) -> str:
        """Return the path of the entity where the ticket will be, "" where that cannot be told."""
        try:
            if entity is not None:
                return self._names.path("Entity", entity)
            account = self._glpi.account or self._glpi.login()
            return self._names.path_of("Entity", account.entity_id)
        except NameNotFound:
            return ""

    # -- one identifier after the other -------------------------------------------------------------------------------

    def _resolve(self, wanted: Sequence[_Wanted]) -> None:
        # what a tag names is that or nothing, so that nothing else may have been found before
        for identifier in sorted(self.terms.order, key=lambda one: one is not Identifier.TAG):
            open_ones = [one for one in wanted if one.by is not Identifier.TAG and len(one.candidates) != 1]
            values = {value for one in open_ones for value in one.values[identifier]}
            if not values:
                continue
            hits = self._hits(identifier, sorted(values))
            for one in open_ones:
                found = _matched(one, identifier, hits)
                is_named = identifier is Identifier.TAG and one.values[identifier]
                if is_named or (found and not one.candidates):
                    one.by, one.candidates = identifier, found
                elif narrowed := [asset for asset in one.candidates if asset in found]:
                    one.candidates = narrowed

    def _hits(self, identifier: Identifier, values: Sequence[str]) -> dict[str, list[Asset]]:
        """Return the assets for each value."""
        if identifier in _ADDRESSES:
            return self._by_address(identifier, values)
        criteria = list(_criteria(identifier, values))
        found = [asset for itemtype in self.terms.types for asset in self._search(itemtype, criteria)]
        return {value: [asset for asset in found if identity.agrees(identifier, value, asset)] for value in values}

    def _by_address(self, identifier: Identifier, values: Sequence[str]) -> dict[str, list[Asset]]:
        itemtype, column, of_type, of_id, right = _ADDRESSES[identifier]
        owners: dict[str, set[tuple[str, int]]] = {}
        for value in values:
            for row in self._rows(itemtype, {f"searchText[{column}]": f"^{value}$"}, right):
                if str(row[column]).lower() == value and row[of_type] in self.terms.types:
                    owners.setdefault(value, set()).add((str(row[of_type]), int(row[of_id])))
        assets: dict[tuple[str, int], Asset] = {}
        for kind in self.terms.types:
            ids = sorted({id_ for pairs in owners.values() for one, id_ in pairs if one == kind})
            same = [{"link": "OR", "field": _ID, "searchtype": "equals", "value": id_} for id_ in ids]
            assets |= {(kind, asset.id): asset for asset in self._search(kind, same) if asset.id in ids}
        return {value: [assets[pair] for pair in sorted(pairs) if pair in assets] for value, pairs in owners.items()}

    def _judged(self, one: _Wanted) -> Found:
        tags = one.values.get(Identifier.TAG, ())
        if tags:
            return self._tagged(one, tags)
        if not any(one.values.values()):
            return Found()
        if len(one.candidates) == 1:
            return Found(tuple(one.candidates))
        if one.candidates:
            some = ", ".join(str(asset) for asset in one.candidates[:5])
            return Found(trouble=f"several assets of GLPI have its {one.by}: {some}", several=tuple(one.candidates))
        said = [name for name, values in one.values.items() if values]
        return Found(trouble=f"no {' or '.join(self.terms.types)} of GLPI has its {' or '.join(said)}")

    def _tagged(self, one: _Wanted, tags: Sequence[str]) -> Found:
        """Judge what tags name, each on its own."""
        assets, troubles, several = [], [], []
        for tag in tags:
            found = [asset for asset in one.candidates if identity.agrees(Identifier.TAG, tag, asset)]
            if len(found) == 1:
                assets += found
                continue
            several += found
            what = "several assets of GLPI have" if found else f"no {' or '.join(self.terms.types)} of GLPI has"
            troubles.append(f'{what} the name, inventory number or serial "{tag}" of its tag {self.terms.tag}')
        return Found(tuple(dict.fromkeys(assets)), "; ".join(troubles), tuple(several))

    # -- reading ------------------------------------------------------------------------------------------------------

    def _search(self, itemtype: str, criteria: Sequence[Mapping[str, Any]]) -> Iterator[Asset]:
        for start in range(0, len(criteria), _CRITERIA):
            yield from self._pages(itemtype, criteria[start : start + _CRITERIA])

    def _pages(self, itemtype: str, criteria: Sequence[Mapping[str, Any]]) -> Iterator[Asset]:
        start = 0
        while True:
            try:
                found = self._glpi.search(itemtype, criteria, _SHOWN, limit=_PAGE, start=start)
            except Refused as error:
                self._cannot(itemtype, identity.ITEMTYPES[itemtype], error)
                return
            yield from (_asset(itemtype, row) for row in found.rows)
            start += _PAGE
            if start >= found.total:
                return

    def _rows(self, itemtype: str, params: Mapping[str, str], right: str) -> list[dict[str, Any]]:
        try:
            return self._glpi.rows(itemtype, params)
        except Refused as error:
            self._cannot(itemtype, right, error)
            return []

    def _count(self, itemtype: str) -> int:
        try:
            return self._glpi.search(itemtype, [], (_ID,), limit=1).total
        except Refused:
            return 0
        except NoAnswer:
            return 1  # who knows; what was found tells more

    def _cannot(self, itemtype: str, right: str, error: Refused) -> None:
        why = f"our profile lacks `{right}` read" if error.code == "ERROR_RIGHT_MISSING" else str(error)
        self.unreadable[itemtype] = f"{itemtype} cannot be read in GLPI: {why}"


def _matched(one: _Wanted, identifier: Identifier, hits: Mapping[str, Sequence[Asset]]) -> list[Asset]:
    found = {asset for value in one.values[identifier] for asset in hits.get(value, ())}
    within = (asset for asset in found if identity.is_within(asset, one.entity))
    return sorted(within, key=lambda asset: (asset.itemtype, asset.id))


def _criteria(identifier: Identifier, values: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Ask for the values of a column; GLPI ignores case, accents and knows wildcards, so every hit is compared here."""
    for value in values:
        match identifier:
            case Identifier.TAG:
                name = identity.tagged(value)[1]
                asked = [(_NAME, f"^{name}$"), (_INVENTORY, f"^{name}$"), (_SERIAL, f"^{name}$")]
            case Identifier.SHORT_NAME:
                label = identity.label(value)
                asked = [(_NAME, f"^{label}$"), (_NAME, f"^{label}.")]
            case Identifier.SERIAL:
                asked = [(_SERIAL, f"^{value}$")]
            case Identifier.INVENTORY_NUMBER:
                asked = [(_INVENTORY, f"^{value}$")]
            case _:
                asked = [(_NAME, f"^{value}$")]
        for column, text in asked:
            yield {"link": "OR", "field": column, "searchtype": "contains", "value": text}


def _asset(itemtype: str, row: Mapping[str, Any]) -> Asset:
    return Asset(
        itemtype=itemtype,
        id=int(row[str(_ID)]),
        name=_text(row, _NAME),
        serial=_text(row, _SERIAL),
        inventory_number=_text(row, _INVENTORY),
        entity=_text(row, _ENTITY),
        is_recursive=bool(int(row.get(str(_RECURSIVE)) or 0)),
        location=_text(row, _LOCATION),
        groups=_texts(row.get(str(_GROUP_IN_CHARGE))),
    )


def _text(row: Mapping[str, Any], column: int) -> str:
    return str(row.get(str(column)) or "").strip()


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in (value if isinstance(value, list) else [value]) if one)
