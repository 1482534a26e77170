"""An empty store of today's schema, migrated once for each process: tests begin with a copy of it."""

from __future__ import annotations

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from glpi_bridge.store import Store

_FAST = Path("/dev/shm")


@cache
def scratch() -> Path:
    """Return a directory of this process, in memory where there is one; it goes when the process ends."""
    place = Path(mkdtemp(prefix="glpi-bridge-tests-", dir=_FAST if _FAST.is_dir() else None))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


@cache
def _empty() -> Path:
    path = scratch() / "empty.db"
    Store(f"sqlite:///{path}").close()
    return path


def lay(path: Path) -> Path:
    """Put an empty store there, unless there is one; return its path."""
    if not path.exists():
        shutil.copy(_empty(), path)  # with its mode
    return path
