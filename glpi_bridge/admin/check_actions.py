"""What people hear of tickets, and whether GLPI's own automatic actions run: mails, closing, old sessions.

When each action last ran GLPI shows to an administrator only. For anybody else there are its status page, which names
those that are stuck, and what is left undone: solved tickets that should have been closed long ago.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import requests

from glpi_bridge import build
from glpi_bridge.admin.automatic_actions import asleep
from glpi_bridge.admin.check_account import entity_name
from glpi_bridge.admin.finding import Line, ok, unknown, warning
from glpi_bridge.config import Settings
from glpi_bridge.errors import Refused, TargetError
from glpi_bridge.glpi import Account, Glpi
from glpi_bridge.model import TicketStatus
from glpi_bridge.text import spoken

RELIED_ON = ("session", "closeticket")
"""GLPI's automatic actions that the bridge relies on; besides, where GLPI mails, the one that sends them."""

_THING = "GLPI automatic actions"
_MAILS = "queuednotification"
_CRON = "let a cron job of GLPI's machine call its front/cron.php every minute, and look in Setup > Automatic actions"
_STATUS, _SOLVED_AT, _ENTITY, _ID = 12, 17, 80, 2
_INHERITED, _ROOT = -2, 0
_SLACK = timedelta(days=7)


def check_mails(client: Glpi) -> Iterator[Line]:
    """Tell whether GLPI mails people about tickets at all."""
    if _mails(client):
        yield ok(
            "GLPI mails", "on: GLPI mails about our tickets as its notifications say; `notify: off` in a rule stops it"
        )
        return
    yield warning(
        "GLPI mails",
        "off: GLPI mails nobody about our tickets, whatever the rules say",
        "switch them on in Setup > Notifications, if people are to hear of tickets by mail",
    )


def _mails(client: Glpi) -> bool:
    config = client.get("getGlpiConfig")["cfg_glpi"]
    return str(config.get("use_notifications")) == "1" and str(config.get("notifications_mailing")) == "1"


def check_actions(settings: Settings, client: Glpi, account: Account, now: datetime) -> Iterator[Line]:
    """Tell which actions do not run, as far as our account can see. `now` is aware."""
    names = (*RELIED_ON, *([_MAILS] if _mails(client) else []))
    try:
        late = list(asleep(client, names, now))
    except Refused as error:
        if error.code != "ERROR_RIGHT_MISSING":
            raise
        yield from _from_outside(settings, client, account, now)
        return
    yield from (warning(_THING, one, _CRON) for one in late)
    if not late:
        yield ok(_THING, f"{', '.join(names)} run when they are due")


def _from_outside(settings: Settings, client: Glpi, account: Account, now: datetime) -> Iterator[Line]:
    stuck = _stuck(settings)
    if stuck:
        yield warning(_THING, f"{', '.join(stuck)}: stuck since long, says GLPI's status page", _CRON)
    left = _left_unclosed(client, account, now)
    if left:
        yield warning(_THING, left, _CRON)
    if not stuck and not left:
        page = "its status page names none that is stuck" if stuck is not None else "its status page tells nothing"
        yield unknown(
            _THING,
            f"{page}; when each last ran GLPI shows to an administrator only",
            "`glpi-bridge provision glpi --check`, run with an administrator, tells which have not run",
        )


def _stuck(settings: Settings) -> list[str] | None:
    """Ask GLPI's own status page, which needs no log-in; None where it is not to be had."""
    base = settings.glpi.url.removesuffix("/apirest.php").removesuffix("/api.php/v1")
    try:
        told: Any = build.wire(settings.glpi, "GLPI").get(f"{base}/status.php", params={"format": "json"}).json()
        return [str(name) for name in told["crontasks"]["stuck"]]
    except (TargetError, requests.RequestException, ValueError, KeyError, TypeError):
        return None


def _left_unclosed(client: Glpi, account: Account, now: datetime) -> str:
    """Say that a ticket of our entity is solved for much longer than GLPI leaves it; "" where none is."""
    days = _days_until_closed(client, account.entity_id)
    if days is None:
        return ""
    before = client.from_utc(now - 2 * timedelta(days=days) - _SLACK)
    criteria: list[dict[str, Any]] = [
        {"field": _STATUS, "searchtype": "equals", "value": int(TicketStatus.SOLVED)},
        {"link": "AND", "field": _SOLVED_AT, "searchtype": "lessthan", "value": before},
        {"link": "AND", "field": _ENTITY, "searchtype": "equals", "value": account.entity_id},
    ]
    found = client.search("Ticket", criteria, (_ID, _SOLVED_AT), limit=1)
    if not found.rows:
        return ""
    row, after = found.rows[0], spoken(timedelta(days=days)) or "no time"
    return (
        f"ticket {row[str(_ID)]} is solved since {row[str(_SOLVED_AT)]} and not closed, though "
        f"{entity_name(client, account.entity_id)} closes after {after}: closeticket does not run"
    )


def _days_until_closed(client: Glpi, entity_id: int) -> int | None:
    """Return after how many days GLPI closes what is solved in an entity; None: never, or not for us to see."""
    try:
        rows = {int(row["id"]): row for row in client.rows("Entity")}
    except Refused:
        return None
    at = entity_id
    while at in rows:
        days = int(rows[at].get("autoclose_delay") or 0)
        if days != _INHERITED:
            return days if days >= 0 else None
        if at == _ROOT:
            return None
        at = int(rows[at].get("entities_id") or 0)
    return None
