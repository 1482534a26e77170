"""People and permissions of GLPI by name: users, their roles (a profile in an entity), groups.

Each change is gone through without a write first. Nobody widens their own rights here, and the last one who may manage
profiles everywhere stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glpi_bridge.admin import change
from glpi_bridge.admin.change import Change, ProvisionError
from glpi_bridge.admin.glpi_desk import UPDATE, Desk
from glpi_bridge.admin.itil_settings import SEPARATOR
from glpi_bridge.admin.provision_account import new_token
from glpi_bridge.errors import did_you_mean
from glpi_bridge.glpi import Glpi

ROOT = 0
_LAST = "is the last one who may manage profiles everywhere: give that to another user first"


@dataclass(frozen=True, slots=True)
class Held:
    """A role: a profile that a user has in an entity, and below if it is recursive."""

    user: str
    profile: str
    entity: str
    recursive: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A user with what hangs on them."""

    name: str
    realname: str
    firstname: str
    active: bool
    emails: tuple[str, ...]
    groups: tuple[str, ...]
    roles: tuple[Held, ...]


def carry_out(glpi: Glpi, deed: Callable[[Desk], None], *, is_check: bool) -> list[Change]:
    """Try a deed without a write; if nothing stands in the way, do it. Raise ProvisionError with every reason else."""
    return change.carry_out(lambda is_trial: Desk(glpi, is_trial=is_trial), deed, is_check=is_check)


# -- reading ----------------------------------------------------------------------------------------------------------


def users(desk: Desk) -> list[Person]:
    """Return everyone, by name."""
    groups = {row["id"]: _path(row) for row in desk.rows("Group")}
    held = roles(desk)
    return [
        Person(
            name=str(row["name"]),
            realname=str(row.get("realname") or ""),
            firstname=str(row.get("firstname") or ""),
            active=bool(int(row.get("is_active") or 0)),
            emails=tuple(str(one["email"]) for one in desk.rows("UserEmail") if one["users_id"] == row["id"]),
            groups=tuple(
                groups.get(one["groups_id"], "?") for one in desk.rows("Group_User") if one["users_id"] == row["id"]
            ),
            roles=tuple(one for one in held if one.user == row["name"]),
        )
        for row in sorted(desk.rows("User"), key=lambda row: str(row["name"]))
    ]


def user(desk: Desk, name: str) -> Person:
    """Return one user; raise ProvisionError with near names."""
    _user(desk, name)
    return next(one for one in users(desk) if one.name == name)


def roles(desk: Desk) -> list[Held]:
    """Return who has which profile where."""
    logins = {row["id"]: str(row["name"]) for row in desk.rows("User")}
    profiles = {row["id"]: str(row["name"]) for row in desk.rows("Profile")}
    entities = {row["id"]: _path(row) for row in desk.rows("Entity")}
    return [
        Held(
            logins.get(row["users_id"], "?"),
            profiles.get(row["profiles_id"], "?"),
            entities.get(row["entities_id"], "?"),
            bool(int(row.get("is_recursive") or 0)),
        )
        for row in desk.rows("Profile_User")
    ]


def rights(desk: Desk, profile: str) -> dict[str, int]:
    """Return the rights of a profile that are not nothing, as sums of bits."""
    rows = desk.glpi.rows(f"Profile/{_row(desk, 'Profile', 'profile', profile)['id']}/ProfileRight")
    return {str(row["name"]): int(row["rights"]) for row in rows if int(row["rights"] or 0)}


def groups(desk: Desk) -> dict[str, list[str]]:
    """Return the members of each group, by path."""
    logins = {row["id"]: str(row["name"]) for row in desk.rows("User")}
    found: dict[int, list[str]] = {int(row["id"]): [] for row in desk.rows("Group")}
    for row in desk.rows("Group_User"):
        found.setdefault(int(row["groups_id"]), []).append(logins.get(row["users_id"], "?"))
    return {_path(row): sorted(found[int(row["id"])]) for row in desk.rows("Group")}


# -- deeds ------------------------------------------------------------------------------------------------------------


def add_user(
    desk: Desk, name: str, *, email: str, realname: str, firstname: str, password: str, profile: str | None, entity: str
) -> None:
    """Make a user; one that is there is left alone, but for an e-mail address that is missing."""
    row = desk.find("User", "user", name, {"name": name})
    if row is None:
        names = {"realname": realname, "firstname": firstname}
        hidden = {"entities_id": ROOT, **({"password": password, "password2": password} if password else {})}
        number = desk.add("User", "user", name, {"name": name, **{k: v for k, v in names.items() if v}}, hidden)
    else:
        number = int(row["id"])
    held = [one for one in desk.rows("UserEmail") if one["users_id"] == number and number is not None]
    if email and not any(str(one["email"]).casefold() == email.casefold() for one in held):
        fields = {"users_id": number, "email": email, "is_default": int(not held)}
        desk.add("UserEmail", "e-mail address of", name, fields)
    if profile is not None:
        _grant(desk, name, number, profile, entity, recursive=True)


def disable_user(desk: Desk, name: str) -> None:
    """Let a user sign in no more; not oneself, not the last one who manages profiles."""
    row = _user(desk, name)
    if desk.glpi.account and int(row["id"]) == desk.glpi.account.user_id:
        desk.fault(f"{name} is who is signed in here: another administrator has to do that")
    if _masters(desk) == {int(row["id"])}:
        desk.fault(f"{name} {_LAST}")
    desk.change("User", "user", name, row, {"is_active": 0})


def renew_token(desk: Desk, name: str, path: Path) -> None:
    """Give a user a new API token, kept in a new private file."""
    row = _user(desk, name)
    if path.exists():
        desk.fault(f"{path} is there already: remove it or name another file")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        desk.fault(f"{path} cannot be written: {path.parent} is not a directory we may write to")
    token = "" if desk.is_trial else new_token(path)
    shown = {"api_token": ("", f"as in {path}")}
    desk.put("User", "API token of", name, int(row["id"]), {"api_token": token}, shown)


def grant(desk: Desk, name: str, profile: str, entity: str, *, recursive: bool) -> None:
    """Give a user a profile in an entity."""
    _grant(desk, name, int(_user(desk, name)["id"]), profile, entity, recursive=recursive)


def _grant(desk: Desk, name: str, number: int | None, profile: str, entity: str, *, recursive: bool) -> None:
    key = {
        "users_id": number,
        "profiles_id": _row(desk, "Profile", "profile", profile)["id"],
        "entities_id": entity_id(desk, entity),
    }
    ensure_role(desk, name, f"{profile} of {name} in {entity or 'the root entity'}", key, recursive=recursive)


def ensure_role(desk: Desk, name: str, shown: str, key: Mapping[str, Any], *, recursive: bool) -> None:
    """Give the role of `key` (users_id, profiles_id, entities_id); a fault if it widens one's own or narrows the last.

    The one who is signed in gets nothing here, and the last one who manages profiles everywhere keeps "and below".
    """
    before = len(desk.changes)
    row = None if None in key.values() else desk.find("Profile_User", "role", shown, key)
    if desk.is_trial and row is not None and not recursive and _is_last(desk, int(row["id"])):
        desk.fault(f"{name} {_LAST}")
    desk.ensure("Profile_User", "role", shown, key, {"is_recursive": int(recursive)})
    account = desk.glpi.account
    if account and key["users_id"] == account.user_id and len(desk.changes) > before:
        desk.fault(f"{name} is who is signed in here: nobody changes their own rights")


def revoke(desk: Desk, name: str, profile: str, entity: str) -> None:
    """Take a profile in an entity from a user; the last one who manages profiles everywhere keeps it."""
    key = {
        "users_id": int(_user(desk, name)["id"]),
        "profiles_id": _row(desk, "Profile", "profile", profile)["id"],
        "entities_id": entity_id(desk, entity),
    }
    shown = f"{profile} of {name} in {entity or 'the root entity'}"
    row = desk.find("Profile_User", "role", shown, key)
    if row is None:
        return
    if desk.is_trial and _is_last(desk, int(row["id"])):
        desk.fault(f"{name} {_LAST}")
    desk.remove("Profile_User", "role", shown, row)


def add_member(desk: Desk, group: str, name: str) -> None:
    """Put a user into a group."""
    key = {"users_id": int(_user(desk, name)["id"]), "groups_id": int(_row(desk, "Group", "group", group)["id"])}
    desk.ensure("Group_User", "member", f"{name} of {group}", key, {})


def remove_member(desk: Desk, group: str, name: str) -> None:
    """Take a user out of a group."""
    key = {"users_id": int(_user(desk, name)["id"]), "groups_id": int(_row(desk, "Group", "group", group)["id"])}
    row = desk.find("Group_User", "member", f"{name} of {group}", key)
    if row is not None:
        desk.remove("Group_User", "member", f"{name} of {group}", row)


# -- looking up -------------------------------------------------------------------------------------------------------


def _is_last(desk: Desk, role: int) -> bool:
    """Tell whether without this role nobody is left who may change profiles everywhere."""
    return bool(_masters(desk)) and not _masters(desk, without=role)


def _masters(desk: Desk, without: int | None = None) -> set[int]:
    """Return the active users who may change profiles in every entity; `without` is a role to leave out."""
    rows = desk.rows("Profile_User")
    held = {int(row["profiles_id"]) for row in rows}
    mighty = {one for one in held if int(desk.glpi.get(f"Profile/{one}").get("profile") or 0) & UPDATE}
    active = {int(row["id"]) for row in desk.rows("User") if int(row["is_active"]) and not int(row["is_deleted"])}
    return {
        int(row["users_id"])
        for row in rows
        if int(row["profiles_id"]) in mighty and int(row["entities_id"]) == ROOT and int(row["is_recursive"] or 0)
        if int(row["users_id"]) in active and int(row["id"]) != without
    }


def entity_id(desk: Desk, path: str) -> int:
    """Return an entity by its path below the root entity; "" is the root entity."""
    if not path:
        return ROOT
    known = {_path(row).partition(SEPARATOR)[2]: int(row["id"]) for row in desk.rows("Entity")}
    known |= {_path(row): int(row["id"]) for row in desk.rows("Entity")}
    if path not in known:
        raise _unknown("entity", path, known)
    return known[path]


def _user(desk: Desk, name: str) -> dict[str, Any]:
    found = [row for row in desk.rows("User") if row["name"] == name]
    if not found:
        raise _unknown("user", name, [str(row["name"]) for row in desk.rows("User")])
    return found[0]


def _row(desk: Desk, itemtype: str, kind: str, name: str) -> dict[str, Any]:
    rows = desk.rows(itemtype)
    found = [row for row in rows if _path(row) == name] or [row for row in rows if row["name"] == name]
    if not found:
        raise _unknown(kind, name, [_path(row) for row in rows])
    if len(found) > 1:
        raise ProvisionError([f'{kind} "{name}" is in GLPI {len(found)} times: write its whole path, or rename one'])
    return found[0]


def _path(row: Mapping[str, Any]) -> str:
    return str(row.get("completename") or row["name"])


def _unknown(kind: str, name: str, known: Iterable[str]) -> ProvisionError:
    near = did_you_mean(name, known)
    return ProvisionError([f'{kind} "{name}" is not in GLPI' + (f"; {near}" if near else "")])
