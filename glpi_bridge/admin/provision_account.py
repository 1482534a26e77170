"""The bridge's own profile, account and API client in GLPI, with tokens that we choose and keep in private files.

GLPI never tells a token: it is written to its file first, then to GLPI, and proved by signing in with it.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from glpi_bridge.admin.bridge_rights import as_bits, wanted
from glpi_bridge.admin.glpi_desk import Desk
from glpi_bridge.admin.itil_settings import Itil
from glpi_bridge.errors import Held
from glpi_bridge.glpi import Credentials, Glpi
from glpi_bridge.secret import Secret

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Account:
    """Where the tokens lie (None: nowhere named), the App-Token in use now, and how to sign in with others."""

    token_file: Path | None
    app_token_file: Path | None
    app_token: str
    sign_in: Callable[[Credentials], Glpi]


@dataclass(frozen=True, slots=True)
class Made:
    """An item by its id; None while it is only tried."""

    id: int | None


def provide_profile(desk: Desk, itil: Itil) -> Made | None:
    """Make the profile with exactly the rights of the table; a profile that others hold is left alone, with a fault."""
    name = itil.profile
    if name is None:
        return None
    row = desk.find("Profile", "profile", name, {"name": name})
    if row is None:
        made = desk.add("Profile", "profile", name, {"name": name, "interface": "central"})
    else:
        made = int(row["id"])
        if row.get("interface") != "central":
            desk.fault(f'profile "{name}" has the simplified interface: name another one, or a new one')
        if others := _others(desk, itil, made):
            desk.fault(f'profile "{name}" is also held by {", ".join(others)}: name one for the bridge alone')
        if desk.faults:
            return Made(made)
    _rights(desk, name, made)
    return Made(made)


def _others(desk: Desk, itil: Itil, profile: int) -> list[str]:
    ours = itil.account.name if itil.account else ""
    logins = {row["id"]: str(row["name"]) for row in desk.rows("User")}
    held = {row["users_id"] for row in desk.rows("Profile_User") if row["profiles_id"] == profile}
    return sorted({logins.get(user, f"user {user}") for user in held} - {ours})


def _rights(desk: Desk, name: str, profile: int | None) -> None:
    held: dict[str, int] = {}
    if profile is not None:
        rows = desk.glpi.rows(f"Profile/{profile}/ProfileRight")
        held = {str(row["name"]): int(row["rights"] or 0) for row in rows}
    target = wanted()
    differs = {
        right: (held.get(right, 0), target.get(right, 0))
        for right in sorted(held.keys() | target.keys())
        if held.get(right, 0) != target.get(right, 0)
    }
    if differs:
        sent = {f"_{right}": as_bits(new, old) for right, (old, new) in differs.items()}
        desk.put("Profile", "rights of profile", name, profile, sent, differs)


def provide_account(
    desk: Desk, itil: Itil, account: Account, profile: int | None, entity: int | None, source: int | None
) -> None:
    """Make the account with its role and its token."""
    one = itil.account
    if one is None:
        return
    user = desk.ensure("User", "account", one.name, {"name": one.name}, {"is_active": 1}, {"entities_id": entity})
    role = {"users_id": user, "profiles_id": profile, "entities_id": entity}
    desk.ensure("Profile_User", "role", f"{itil.profile} of {one.name}", role, {"is_recursive": 1})
    row = next((row for row in desk.rows("User") if row["name"] == one.name), {"id": user})
    defaults = {"profiles_id": profile, **({"default_requesttypes_id": source} if source != 0 else {})}
    if user is None:
        desk.put("User", "defaults of", one.name, None, {}, dict.fromkeys(defaults, (None, None)))
    else:
        desk.change("User", "defaults of", one.name, row, defaults)
    _user_token(desk, one.name, user, account, one.token_file or account.token_file)


def _user_token(desk: Desk, login: str, user: int | None, account: Account, path: Path | None) -> None:
    if path is None:
        desk.fault("account: no file for its API token is named: set `token_file`, as bridge.yml's is a credential")
        return
    token = _held(desk, path)
    if (
        token
        and user is not None
        and _is_login(account, Credentials(user_token=token, app_token=account.app_token), login)
    ):
        return
    token = token or _new(desk, path)
    desk.put("User", "API token of", login, user, {"api_token": token}, {"api_token": ("", f"as in {path}")})


def provide_api_client(desk: Desk, itil: Itil, account: Account) -> None:
    """Make the API client bound to its addresses, with the App-Token of its file."""
    one = itil.api_client
    if one is None:
        return
    path = one.app_token_file or account.app_token_file
    if path is None:
        desk.fault("api_client: no file for its App-Token is named: set `app_token_file` here or in bridge.yml")
        return
    token = _held(desk, path)
    row = desk.find("APIClient", "API client", one.name, {"name": one.name})
    first, last = one.addresses
    if row is None:
        fields = {"name": one.name, "is_active": 1, "ipv4_range_start": first, "ipv4_range_end": last}
        # in one call: a client without an App-Token lets its addresses in without one
        token = token or _new(desk, path)
        desk.add("APIClient", "API client", one.name, fields, {"app_token": token})
        _go_on_with(desk, account, token)
        return
    numbers = {
        "ipv4_range_start": int(ipaddress.IPv4Address(first)),
        "ipv4_range_end": int(ipaddress.IPv4Address(last)),
    }
    if any(int(row.get(field) or 0) != number for field, number in numbers.items()) or not int(row["is_active"]):
        sent = {"is_active": 1, "ipv4_range_start": first, "ipv4_range_end": last}
        shown = {"addresses": (f"{row.get('ipv4_range_start')}-{row.get('ipv4_range_end')}", f"{first}-{last}")}
        desk.put("APIClient", "API client", one.name, int(row["id"]), sent, shown)
    if not token or not _is_app_token(account, token):
        token = token or _new(desk, path)
        shown = {"app_token": ("", f"as in {path}")}
        desk.put("APIClient", "App-Token of API client", one.name, int(row["id"]), {"app_token": token}, shown)
        _go_on_with(desk, account, token)


def _go_on_with(desk: Desk, account: Account, token: str) -> None:
    """Our own calls may need the new App-Token at once, where the client is for our address too."""
    if not desk.is_trial and not desk.glpi.app_token and _is_app_token(account, token):
        desk.glpi.go_on_with_app_token(token)


def _is_app_token(account: Account, token: str) -> bool:
    """Prove an App-Token by a log-in without a user: GLPI looks at it first and says so if it is wrong."""
    try:
        account.sign_in(Credentials(login="-", app_token=token)).login()
    except Held as error:
        return "ERROR_WRONG_APP_TOKEN_PARAMETER" not in str(error)
    return True


def _is_login(account: Account, credentials: Credentials, login: str) -> bool:
    client = account.sign_in(credentials)
    try:
        return client.login().name == login
    except Held:
        return False
    finally:
        client.close()


def _held(desk: Desk, path: Path) -> str:
    """Read the token of a file; "" where there is none yet. A file that others can read is a fault."""
    if not path.exists():
        return ""
    secret = Secret(str(path.absolute()))
    if mistake := secret.trouble():
        desk.fault(f"{mistake.found}; {mistake.advice}")
        return ""
    return secret.read()


def _new(desk: Desk, path: Path) -> str:
    if not desk.is_trial:
        return new_token(path)
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        desk.fault(f"{path} cannot be written: {path.parent} is not a directory we may write to")
    return "chosen when it is done"


def new_token(path: Path) -> str:
    """Choose a token and keep it in a new private file before GLPI has it."""
    token = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(token + "\n")
        file.flush()
        os.fsync(file.fileno())
    return token
