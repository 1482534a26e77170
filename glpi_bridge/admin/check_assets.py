"""Whether the assets can be read that tickets are linked to, type by type and by their addresses."""

from __future__ import annotations

from collections.abc import Iterator

from glpi_bridge.admin.finding import Line, ok, warning
from glpi_bridge.config import Settings
from glpi_bridge.errors import Refused
from glpi_bridge.glpi import Glpi
from glpi_bridge.identity import ITEMTYPES, Identifier

_ID = 2
_LISTS = {Identifier.IP: ("IPAddress", "internet"), Identifier.MAC: ("NetworkPort", "networking")}


def check_assets(settings: Settings, client: Glpi) -> Iterator[Line]:
    """Read one row of each list that an asset is looked up in."""
    wanted = settings.assets
    if not wanted.types:
        yield ok("GLPI assets", "`assets` is off: tickets are linked to none")
        return
    counts = []
    for itemtype in wanted.types:
        try:
            counts.append(f"{client.search(itemtype, [], (_ID,), limit=1).total} {itemtype}")
        except Refused as error:
            yield _unreadable(itemtype, ITEMTYPES[itemtype], "take it out of `assets.types`", error)
    for identifier in wanted.order:
        if identifier in _LISTS:
            itemtype, right = _LISTS[identifier]
            try:
                client.get(itemtype, {"range": "0-0"})
            except Refused as error:
                yield _unreadable(itemtype, right, f"take `{identifier}` out of `assets.order`", error)
    if counts:
        yield ok("GLPI assets", f"{', '.join(counts)} are visible; `assets check` tells which hosts have one")


def _unreadable(itemtype: str, right: str, otherwise: str, error: Refused) -> Line:
    if error.code != "ERROR_RIGHT_MISSING":
        return warning("GLPI assets", f"{itemtype} cannot be read: {error}", otherwise)
    text = f"{itemtype} cannot be read: tickets are made without a link by it"
    return warning("GLPI assets", text, f"give our profile `{right}` read (`provision glpi` does), or {otherwise}")
