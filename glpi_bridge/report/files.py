"""The files of a report: put in their place whole, readable for their owner and group only, as they name hosts."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from glpi_bridge.errors import BridgeError

MODE = 0o640


class CannotWrite(BridgeError):
    """There is no place for the report."""


def check(directory: Path) -> None:
    """Raise CannotWrite unless files can be made there; to be asked before the long reading."""
    if not directory.exists():
        raise CannotWrite(f"--out {directory} is not there; make it, as in: install -d -m 750 {directory}")
    if not directory.is_dir():
        raise CannotWrite(f"--out {directory} is not a directory; name one")
    try:
        number, name = tempfile.mkstemp(dir=directory, prefix=".new-")
    except OSError as error:
        raise _cannot(directory, error) from error
    os.close(number)
    Path(name).unlink()


def put(directory: Path, name: str, text: str) -> Path:
    """Write a file under another name and give it its own when it is whole; return where it lies."""
    path = directory / name
    try:
        number, new = tempfile.mkstemp(dir=directory, prefix=".new-")
        try:
            with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            Path(new).chmod(MODE)
            Path(new).replace(path)
        except BaseException:
            Path(new).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _cannot(directory, error) from error
    return path


def _cannot(directory: Path, error: OSError) -> CannotWrite:
    return CannotWrite(f"--out {directory}: {error.strerror}; name a directory that this user may write in")
