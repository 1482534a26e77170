"""The media type: runs `zabbix-glpi` with one `name={MACRO}` for each field that the bridge reads."""

from __future__ import annotations

from typing import Any

from glpi_bridge.admin.zabbix import wishes
from glpi_bridge.admin.zabbix.desk import MADE_BY, MEDIA_TYPE, Desk, Fields, Row, is_ours, text
from glpi_bridge.alert import ALERT_FIELDS

SCRIPT = "zabbix-glpi"
DESCRIPTION = f"Hands alerts over to glpi-bridge. {MADE_BY}."
_TRIGGERS = "0"
_PROBLEM, _RECOVERY, _UPDATE = "0", "1", "2"
# nobody reads them, but Zabbix sends nothing without one; a single line, as an import changes line ends
_MESSAGES = {
    _PROBLEM: ("Problem {EVENT.ID}", "{EVENT.NAME}"),
    _RECOVERY: ("Recovery {EVENT.ID}", "{EVENT.NAME}"),
    _UPDATE: ("Update {EVENT.ID}", "{EVENT.NAME}"),
}


def parameters(source: str) -> list[str]:
    """Return the script's parameters in their order; `-` is the spool of zabbix-glpi.conf."""
    return ["-", f"source={source}", *(f"{name}={macro}" for name, macro in ALERT_FIELDS.items())]


def wanted(settings: wishes.MediaType, source: str) -> dict[str, Any]:
    """Return what the media type is to be."""
    return {
        "type": "script",
        "script": SCRIPT,
        "enabled": True,
        "parameters": parameters(source),
        "attempts": settings.attempts,
        "attempt_interval": f"{int(settings.attempt_interval.total_seconds())}s",
        "sessions": settings.sessions,
        "messages": {kind: list(words) for kind, words in _MESSAGES.items()},
        "description": DESCRIPTION,
    }


def params(name: str, settings: wishes.MediaType, source: str) -> Fields:
    """Return it as mediatype.create and mediatype.update take it; a script's timeout cannot be set."""
    want = wanted(settings, source)
    return {
        "name": name,
        "type": 1,
        "exec_path": SCRIPT,
        "status": 0,
        "parameters": [{"sortorder": place, "value": value} for place, value in enumerate(want["parameters"])],
        "maxattempts": settings.attempts,
        "attempt_interval": want["attempt_interval"],
        "maxsessions": settings.sessions,
        "message_templates": [
            {"eventsource": _TRIGGERS, "recovery": kind, "subject": subject, "message": message}
            for kind, (subject, message) in _MESSAGES.items()
        ],
        "description": DESCRIPTION,
    }


def held(row: Row) -> dict[str, Any]:
    """Return what the media type of a row is, in the words of `wanted`."""
    given = sorted(row["parameters"], key=lambda one: int(one["sortorder"]))
    return {
        "type": "script" if row["type"] == "1" else f"type {row['type']}",
        "script": row["exec_path"],
        "enabled": row["status"] == "0",
        "parameters": [text(one["value"]) for one in given],
        "attempts": int(row["maxattempts"]),
        "attempt_interval": row["attempt_interval"],
        "sessions": int(row["maxsessions"]),
        "messages": {
            (one["recovery"] if one["eventsource"] == _TRIGGERS else f"{one['eventsource']}.{one['recovery']}"): [
                text(one["subject"]),
                text(one["message"]),
            ]
            for one in sorted(row["message_templates"], key=lambda one: (one["eventsource"], one["recovery"]))
        },
        "description": text(row["description"]),
    }


def provide(desk: Desk, name: str, settings: wishes.MediaType, source: str) -> str | None:
    """Make the media type, or put it right."""
    row = desk.find(MEDIA_TYPE, name)
    if row is not None and not is_ours(row):
        desk.foreign(MEDIA_TYPE, name, f'its description does not say "{MADE_BY}"')
        return None
    want = wanted(settings, source)
    return desk.ensure(MEDIA_TYPE, name, row, held, want, lambda: params(name, settings, source))


def ours(desk: Desk, name: str) -> Row | None:
    """Return the media type of that name if we made it."""
    row = desk.find(MEDIA_TYPE, name)
    return row if row is not None and is_ours(row) else None
