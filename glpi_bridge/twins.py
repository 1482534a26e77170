"""A second Problem or Change of one marker, made by a call that arrived twice: found, said, and closed.

What hangs on an object hangs on the first: the second has no tickets, so that closing it touches none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

from glpi_bridge.context import Context
from glpi_bridge.errors import Refused
from glpi_bridge.model import Verdict
from glpi_bridge.render import markers
from glpi_bridge.store import Connection, meta, undertakings
from glpi_bridge.undertaking import OVER, Kind

log = logging.getLogger(__name__)
_CLOSED = 6
_TWINS = "twins"
_UNSEEN = ("ERROR_RIGHT_MISSING", "ERROR_ITEM_NOT_FOUND")


def find(context: Context, since: str) -> None:
    """Look through our Problems and Changes that changed since a time (GLPI's words) for second ones of one marker."""
    for kind in Kind:
        first = {one.marker: one.glpi_id for one in context.store.read(undertakings.listed, kind) if one.glpi_id}
        for row in _changed(context, kind, since) if first else ():
            original = next((first[line] for line in markers(str(row["content"] or "")) if line in first), None)
            if original is not None and original != int(row["id"]) and int(row["status"]) not in OVER[kind]:
                report(context, kind, int(row["id"]), original)


def _changed(context: Context, kind: Kind, since: str) -> Iterator[Mapping[str, Any]]:
    account = context.glpi.account or context.glpi.login()
    mine: dict[str, str | int] = {"searchText[users_id_recipient]": f"^{account.user_id}$"}
    try:
        yield from takewhile(lambda row: str(row["date_mod"]) >= since, context.glpi.newest(kind, mine, by="date_mod"))
    except Refused as error:
        if error.code not in _UNSEEN:
            raise


def report(context: Context, kind: Kind, twin: int, original: int) -> None:
    """Note a second object; `close` closes it."""
    context.store.write(_add, f"{kind}/{twin}", original)
    text = f"{kind.lower()} {twin} repeats {kind.lower()} {original}: one call arrived twice; it will be closed"
    if context.notice("duplicate", f"{kind} {twin}", text):
        log.warning("%s", text)


def _add(connection: Connection, twin: str, original: int) -> None:
    meta.put(connection, _TWINS, {**meta.held(connection, _TWINS, {}), twin: original})


def close(context: Context) -> int:
    """Close what was reported; both writes may be repeated. Return how many are over."""
    known: dict[str, int] = context.store.read(meta.get, _TWINS, {})
    over = [twin for twin, original in known.items() if _is_over(context, twin) or not _close(context, twin, original)]
    if over:
        left = {twin: original for twin, original in known.items() if twin not in over}
        context.store.write(meta.put, _TWINS, left or None)
    return len(over)


def _is_over(context: Context, twin: str) -> bool:
    """Tell whether it is closed, in the trash, or not there any more."""
    try:
        row = context.glpi.get(twin)
    except Refused as error:
        if error.code in _UNSEEN:
            return True
        raise
    return int(row["status"]) == _CLOSED or bool(int(row["is_deleted"]))


def _close(context: Context, twin: str, original: int) -> bool:
    """Write why, and close it. What GLPI refuses is a person's: the notice stays."""
    kind, _, id_ = twin.partition("/")
    text = f"<p>This {kind.lower()} repeats {kind.lower()} {original}: one call arrived twice.</p>"
    context.glpi.add("ITILSolution", [{"itemtype": kind, "items_id": int(id_), "content": text}])
    (outcome,) = context.glpi.update(kind, [{"id": int(id_), "status": _CLOSED}])
    return outcome.verdict is not Verdict.REFUSED
