"""A user that the bridge works as: no front end, a password that nobody knows, one media if alerts go to it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from typing import Any

from glpi_bridge.admin.zabbix.desk import ROLE, TOKEN, USER, USER_GROUP, Desk, Fields, Row, is_ours

SEND_TO = "glpi"
_ALWAYS = "1-7,00:00-24:00"
_ALL_SEVERITIES = 63
_ALPHABET = string.ascii_letters + string.digits


def wanted(name: str, more_groups: Sequence[str] = (), *, is_told: bool = True) -> dict[str, Any]:
    """Return what the user is to be; role, group and media type all have its name. `is_told`: alerts go to it."""
    media = [_media(name, SEND_TO, "0", str(_ALL_SEVERITIES), _ALWAYS)] if is_told else []
    return {"role": name, "user groups": sorted({name, *more_groups}), "media": media}


def _media(media_type: str, send_to: str, status: str, severities: str, period: str) -> dict[str, Any]:
    shown = {"media type": media_type, "send to": send_to, "enabled": status == "0", "when": period}
    return {**shown, "severities": "all" if severities == str(_ALL_SEVERITIES) else f"bits {severities}"}


def held(desk: Desk, row: Row, name: str, media_type: str | None) -> dict[str, Any]:
    """Return what the user of a row is, in the words of `wanted`; media of other types are people's own."""
    roles = desk.names(ROLE)
    return {
        "role": roles.get(row["roleid"], f"role {row['roleid']}"),
        "user groups": sorted(one["name"] for one in row["usrgrps"]),
        "media": [
            _media(name, one["sendto"], one["active"], one["severity"], one["period"])
            for one in row["medias"]
            if one["mediatypeid"] == media_type
        ],
    }


def account(desk: Desk, name: str, more_groups: Sequence[str] = ()) -> Fields:
    """Return a user without media as user.create and user.update take it."""
    role = desk.find(ROLE, name) or {}
    groups = [desk.find(USER_GROUP, one) or {} for one in (name, *more_groups)]
    members = [{"usrgrpid": group.get("usrgrpid")} for group in groups]
    return {"username": name, "roleid": role.get("roleid"), "usrgrps": members}


def params(desk: Desk, name: str, row: Row | None, media_type: str | None, more_groups: Sequence[str] = ()) -> Fields:
    """Return it as user.create and user.update take it. A media without its id would be deleted and made anew."""
    media = {
        "mediatypeid": media_type,
        "sendto": SEND_TO,
        "active": 0,
        "severity": _ALL_SEVERITIES,
        "period": _ALWAYS,
    }
    medias: list[Fields] = []
    for one in row["medias"] if row else []:
        if one["mediatypeid"] != media_type:
            kept = ("mediaid", "mediatypeid", "sendto", "active", "severity", "period")
            medias.append({field: one[field] for field in kept})
        elif "mediaid" not in media:
            media["mediaid"] = one["mediaid"]
    return {**account(desk, name, more_groups), "medias": [*medias, media]}


def provide(desk: Desk, name: str, media_type: str | None, more_groups: Sequence[str] = ()) -> str | None:
    """Make the user, or put it right."""
    row = desk.find(USER, name)
    if row is not None and (why := why_foreign(desk, row, name, media_type)):
        desk.foreign(USER, name, why)
        return None
    return desk.ensure(
        USER,
        name,
        row,
        lambda one: held(desk, one, name, media_type),
        wanted(name, more_groups),
        lambda: params(desk, name, row, media_type, more_groups),
        hidden=_password(),
    )


def provide_untold(desk: Desk, name: str) -> str | None:
    """Make a user to whom no alerts go, or put it right; media that people gave it stay."""
    row = desk.find(USER, name)
    if row is not None and (why := why_foreign(desk, row, name, None, is_told=False)):
        desk.foreign(USER, name, why)
        return None
    want = wanted(name, is_told=False)
    return desk.ensure(
        USER, name, row, lambda one: held(desk, one, name, None), want, lambda: account(desk, name), hidden=_password()
    )


def _password() -> Fields:
    return {"passwd": "".join(secrets.choice(_ALPHABET) for _ in range(48)) + "-1aA"}


def why_foreign(desk: Desk, row: Row, name: str, media_type: str | None, *, is_told: bool = True) -> str:
    """Say why we have not made it: a user has no description, but ours has our token, or else our role (and media)."""
    if any(one["userid"] == row["userid"] and one["name"] == name and is_ours(one) for one in desk.rows(TOKEN)):
        return ""
    role = desk.names(ROLE).get(row["roleid"], row["roleid"])
    if role != name:
        return f'it has the role "{role}", not "{name}", and no API token of ours'
    if is_told and (media_type is None or all(one["mediatypeid"] != media_type for one in row["medias"])):
        return f'it has no media of the media type "{name}", and no API token of ours'
    return ""


def ours(desk: Desk, name: str, media_type: str | None, *, is_told: bool = True) -> Row | None:
    """Return the user of that name if we made it."""
    row = desk.find(USER, name)
    return row if row is not None and not why_foreign(desk, row, name, media_type, is_told=is_told) else None
