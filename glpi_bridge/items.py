"""What belongs on a ticket: the assets of its events' hosts, and what the draft takes from them.

Looked up before a call, on the session that is about to write. A host without an asset, or with several, costs the link
and a line in `status`, never the ticket.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from glpi_bridge.assets import Assets, Found
from glpi_bridge.context import Context
from glpi_bridge.identity import Asset
from glpi_bridge.model import Event, Incident, Route
from glpi_bridge.store import Connection, meta

log = logging.getLogger(__name__)
NOTICE = "asset"


@dataclass(frozen=True, slots=True)
class Belonging:
    """The assets that belong on an incident's ticket; not `is_final` where GLPI could not be asked for one of them."""

    assets: tuple[Asset, ...] = ()
    is_final: bool = True


def belongings(context: Context, wanted: Iterable[tuple[Incident, Route]]) -> dict[int, Belonging]:
    """Look up the assets of incidents together, and note for `status` which hosts have none or several."""
    if context.assets is None:
        return {}
    linking = [(incident, route.draft.entity) for incident, route in wanted if route.policy.link_asset]
    asked = [(event, entity) for incident, entity in linking for event in incident.events]
    found, fresh = context.assets.look_up(asked)
    if fresh:
        _say(context, context.assets, fresh)
    each = iter(found)
    return {incident.id: _together([next(each) for _ in incident.events]) for incident, _ in linking}


def _together(found: Sequence[Found]) -> Belonging:
    assets = {asset.key: asset for one in found for asset in one.assets}
    return Belonging(tuple(assets.values()), all(one.is_final for one in found))


def _say(context: Context, known: Assets, fresh: Sequence[tuple[Event, Found]]) -> None:
    for itemtype, text in sorted(known.unreadable.items()):
        if context.notice(NOTICE, itemtype, text):
            log.warning("%s; tickets are made without their link", text)
    is_empty = any(_is_missing(found) for _, found in fresh) and known.is_empty()
    for text in context.store.write(_note, fresh, is_empty, context.now()):
        log.info("%s", text)


def fed(context: Context, route: Route, belongs: Belonging) -> Route:
    """Return the route with what its draft takes from the asset where the rules say nothing: location, group."""
    if context.assets is None or len(belongs.assets) != 1:
        return route
    terms, draft, [asset] = context.assets.terms, route.draft, belongs.assets
    if terms.location and asset.location and draft.location is None:
        draft = replace(draft, location=asset.location)
    if terms.group and asset.groups and not draft.groups:
        draft = replace(draft, groups=asset.groups)
    return replace(route, draft=draft)


def by_type(assets: Iterable[Asset]) -> dict[str, list[int]]:
    """Write assets as POST Ticket wants them (`items_id`)."""
    found: dict[str, list[int]] = {}
    for asset in assets:
        found.setdefault(asset.itemtype, []).append(asset.id)
    return found


def _note(connection: Connection, fresh: Iterable[tuple[Event, Found]], is_empty: bool, now: float) -> list[str]:
    """Note hosts without an asset or with several, and forget the notes of those that have one; return what is news.

    In a GLPI that holds no assets at all a host without one is no news.
    """
    news = []
    for event, found in fresh:
        host = event.host or event.host_name
        subject = f"{event.source}: {host or event.eventid}"
        if not found.trouble:
            if host:
                meta.clear(connection, NOTICE, subject)
        elif not (is_empty and _is_missing(found)):
            text = f'host "{host}": {found.trouble}; its tickets are made without a link'
            if meta.notice(connection, NOTICE, subject, text, now):
                news.append(text)
    return news


def _is_missing(found: Found) -> bool:
    return bool(found.trouble) and found.is_final and not found.several
