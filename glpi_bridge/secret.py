"""Secrets by the place where they lie: a private file, or a systemd credential; read at each use, never kept."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.units import Mistake

_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by the place where it lies: a file, or the name of a systemd credential (no slash in it)."""

    place: str

    @property
    def path(self) -> Path | None:
        """Return the file; None for a credential where systemd gave none ($CREDENTIALS_DIRECTORY)."""
        if "/" in self.place:
            return Path(self.place)
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        return Path(directory, self.place) if directory else None

    @property
    def is_credential(self) -> bool:
        """Say whether systemd looks after it."""
        return "/" not in self.place

    def read(self) -> str:
        """Return the secret, without blanks around it; raise SettingsError that says what to do."""
        path = self.path
        if (mistake := self.trouble()) or path is None:
            found, advice = (mistake.found, mistake.advice) if mistake else ("a secret is missing", "")
            raise SettingsError([Fault("settings", 0, found, advice)])
        return path.read_text("utf-8").strip()

    def trouble(self) -> Mistake | None:
        """Say what keeps the secret from being used, or None."""
        path = self.path
        if path is None:
            return Mistake(
                "this is not a path, so it names a systemd credential, and $CREDENTIALS_DIRECTORY is not set",
                "write the path of a file of mode 0600, or start the bridge by systemd with LoadCredential=",
            )
        try:
            return _loose(path, is_credential=self.is_credential) or _unusable(path)
        except OSError as error:
            if self.is_credential:  # not named: people put the secret itself here
                return Mistake(
                    f"systemd handed over no such credential: {error.strerror}", "add LoadCredential= for it"
                )
            advice = "create it with mode 0600" if isinstance(error, FileNotFoundError) else _readable_advice(path)
            return Mistake(f"{path} cannot be read: {error.strerror}", advice)

    def __repr__(self) -> str:
        return "Secret(a credential)" if self.is_credential else f"Secret({self.place})"


def _readable_advice(path: Path) -> str:
    return f"run the command as the owner of {path}, or chown it to the user of the bridge"


def _loose(path: Path, *, is_credential: bool) -> Mistake | None:
    """Refuse a secret that others may read; systemd looks after its credentials itself."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Mistake(f"{path} is not a regular file", "name a file that holds the secret alone")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077 and not is_credential:
        return Mistake(f"{path} has mode {mode:04o}, so that others can read it", f"chmod 600 {path}")
    return None


def _unusable(path: Path) -> Mistake | None:
    with path.open("rb") as file:
        raw = file.read(_LIMIT + 1)
    content = raw.strip()
    if not content:
        return Mistake(f"{path} is empty", "write the secret into it")
    if len(raw) > _LIMIT or not content.isascii() or any(byte < 0x20 or byte == 0x7F for byte in content):
        return Mistake(f"{path} does not hold one line of plain text", "write the secret alone into it")
    return None
