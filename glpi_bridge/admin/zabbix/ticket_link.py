"""The global script "Open GLPI ticket": from an event in Zabbix to its ticket in the browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from glpi_bridge.admin.zabbix.desk import MADE_BY, SCRIPT, Desk, Row, is_ours
from glpi_bridge.admin.zabbix.wishes import EVENT_ID

NAME = "Open GLPI ticket"
DESCRIPTION = f"Opens the ticket of this event. {MADE_BY}."
_URL, _EVENT_ACTION, _READ, _EVERYBODY = 6, 4, 2, "0"
_CONTENT, _FOLLOWUP = 21, 25


def address(wish: str, front: str, source: str) -> str:
    """Return the address behind the script; `front` is GLPI's, `source` the name of this Zabbix.

    GLPI's search looks for the marker in a ticket's text or followups, and shows other events' tickets too whose
    number begins alike.
    """
    if wish == "panel":
        return f"{front}/panel/#/event/{source}/{EVENT_ID}"
    if wish != "search":
        return wish
    marker = quote(f"zabbix {source}/") + EVENT_ID
    criteria = "&".join(
        f"criteria[{place}][link]={link}&criteria[{place}][field]={field}"
        f"&criteria[{place}][searchtype]=contains&criteria[{place}][value]={marker}"
        for place, (link, field) in enumerate((("AND", _CONTENT), ("OR", _FOLLOWUP)))
    )
    return f"{front}/front/ticket.php?reset=reset&is_deleted=0&{criteria}"


def params(url: str) -> dict[str, Any]:
    """Return it as script.create and script.update take it."""
    return {
        "name": NAME,
        "type": _URL,
        "scope": _EVENT_ACTION,
        "menu_path": "",
        "url": url,
        "new_window": 1,
        "description": DESCRIPTION,
        "usrgrpid": _EVERYBODY,
        "groupid": _EVERYBODY,
        "host_access": _READ,
        "confirmation": "",
    }


def held(row: Row) -> dict[str, Any]:
    """Return what the script of a row is: what the API tells, as what is sent."""
    return {name: type(value)(row[name]) for name, value in params("").items() if name != "name"}


def provide(desk: Desk, url: str | None) -> str | None:
    """Make the script, or put it right; without an address take it away, if it is ours."""
    row = next((one for one in desk.rows(SCRIPT) if one["name"] == NAME and not one["menu_path"].strip("/ ")), None)
    if url is None:
        if row is not None and is_ours(row):
            desk.remove(SCRIPT, NAME, row)
        return None
    if row is not None and not is_ours(row):
        desk.fault(
            f'script "{NAME}" is in Zabbix already and is not ours (its description does not say "{MADE_BY}"): '
            "it is left alone; write `ticket_link: off` in zabbix.yml, or rename it"
        )
        return None
    want = {name: value for name, value in params(url).items() if name != "name"}
    return desk.ensure(SCRIPT, NAME, row, held, want, lambda: params(url))


def ours(desk: Desk) -> Row | None:
    """Return the script if we made it."""
    row = next((one for one in desk.rows(SCRIPT) if one["name"] == NAME), None)
    return row if row is not None and is_ours(row) else None
