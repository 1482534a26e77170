"""The API token of our user: kept in a private file, proved by using it, generated anew when it is lost.

Zabbix tells a token once. Generating ends the old one, so it is written to its file before anything else happens.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from glpi_bridge.admin.change import Action, ProvisionError
from glpi_bridge.admin.zabbix.desk import MADE_BY, TOKEN, Desk, Row
from glpi_bridge.secret import Secret

DESCRIPTION = f"glpi-bridge signs in with it. {MADE_BY}."
WhoseToken = Callable[[str], str | None]
"""Tells the name of the user a token belongs to; None where Zabbix does not take it."""


def wanted() -> dict[str, Any]:
    """Return what the token is to be."""
    return {"enabled": True, "expires": "never", "description": DESCRIPTION}


def held(row: Row) -> dict[str, Any]:
    """Return what the token of a row is, in the words of `wanted`."""
    return {
        "enabled": row["status"] == "0",
        "expires": "never" if row["expires_at"] == "0" else f"at {row['expires_at']}",
        "description": row["description"],
    }


def provide(desk: Desk, name: str, user: str | None, secret: Secret, whose: WhoseToken) -> None:
    """Make the token, or put it right; where its file holds none that works, generate one and write the file."""
    path = _path(desk, name, secret, whose)
    row = next((one for one in desk.rows(TOKEN) if one["name"] == name and one["userid"] == user), None)

    def params() -> dict[str, Any]:
        fields = {"name": name, "status": 0, "expires_at": 0, "description": DESCRIPTION}
        return fields if row else {**fields, "userid": user}

    made = desk.ensure(TOKEN, name, row, held, wanted(), params)
    if path is None or (row is not None and _works(path, name, whose)):
        return
    if desk.is_trial and row is not None and held(row) != wanted() and path.exists():
        return  # a token that is switched off may be good once it is on: only the run itself can tell
    desk.note(TOKEN, "API token of", name, Action.UPDATE, {"token": ("", f"as in {path}")})
    if made is not None and not desk.is_trial:
        [told] = desk.call("token.generate", [made], f"API token of {name}")
        is_new = not path.exists()
        keep(path, str(told["token"]))
        if is_new:
            desk.made.append((str(path), path.unlink))
        if whose(str(told["token"])) != name:
            raise ProvisionError([f"the new token in {path} is not taken by Zabbix as that of {name}"])


def _path(desk: Desk, name: str, secret: Secret, whose: WhoseToken) -> Path | None:
    """Return the file for the token; None, with a fault, where none can be written."""
    path = secret.path
    if path is None or secret.is_credential:
        desk.fault("token_file of bridge.yml is a systemd credential: name a file there for this run, or with -c")
        return None
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        desk.fault(f"{path} cannot be written: {path.parent} is not a directory we may write to")
        return None
    if path.exists():
        mistake = secret.trouble()
        if mistake is not None and "is empty" not in mistake.found:
            desk.fault(f"{mistake.found}; {mistake.advice}")
            return None
        owner = whose(secret.read()) if mistake is None else None
        if owner is not None and owner != name:
            desk.fault(
                f"{path} holds a good token of the user {owner}: "
                f"it is kept; name another file as token_file for {name}, or remove this one"
            )
            return None
    return path


def _works(path: Path, name: str, whose: WhoseToken) -> bool:
    secret = Secret(str(path.absolute()))
    return path.exists() and secret.trouble() is None and whose(secret.read()) == name


def file_of(secret: Secret, name: str, whose: WhoseToken) -> Path | None:
    """Return the file that holds a good token of this user; None if there is none."""
    path = secret.path
    return path if path is not None and not secret.is_credential and _works(path, name, whose) else None


def keep(path: Path, token: str) -> None:
    """Put a secret into a private file, whole or not at all; a file that was there keeps its owner."""
    fresh = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(token + "\n")
        file.flush()
        os.fsync(file.fileno())
        if path.exists() and os.geteuid() == 0:
            before = path.stat()
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def ours(desk: Desk, name: str, user: str) -> Row | None:
    """Return the token of that name of our user."""
    return next((one for one in desk.rows(TOKEN) if one["name"] == name and one["userid"] == user), None)
