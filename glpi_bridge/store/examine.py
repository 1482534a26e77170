"""Look at a store without changing it: is it there, whole, of our schema, writable? For `check`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from glpi_bridge.errors import StoreError
from glpi_bridge.store.engine import SCHEMA, Store, schema_of


def examine(url: URL) -> Iterator[str]:
    """Yield what is well, in words. Raises StoreError with what is not; nothing is made and nothing migrated."""
    if url.get_backend_name() != "sqlite":
        yield from _server(url)
        return
    path = Path(url.database or "")
    if not path.exists():
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
            raise StoreError(f"store {path}: {path.parent} is not there or not writable for this user; make it")
        yield f"{path} is not there yet and will be made"
        return
    yield from _file(url, path)


def _file(url: URL, path: Path) -> Iterator[str]:
    with closing(Store(url, migrating=False)) as store:
        if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            raise StoreError(f"store {path}: not writable for this user; so must its folder be, for its journal")
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise StoreError(f"store {path} has mode {mode:04o}; it holds live session tokens: chmod 600 {path}")
        found = _schema(store)
        try:
            with store.transaction() as connection:  # with the write lock: it can be written
                well = connection.execute(text("PRAGMA quick_check(1)")).scalar()
        except DBAPIError as error:
            raise store.said(error) from error
        if well != "ok":
            raise StoreError(f"store {path}: {well}; restore it from a backup, or move it away")
        yield f"{path}, {found}"


def _server(url: URL) -> Iterator[str]:
    with closing(Store(url, migrating=False)) as store:
        yield f"{store.place}, {_schema(store)}"


def _schema(store: Store) -> str:
    try:
        with store.engine.connect() as connection:
            found = schema_of(connection)
    except DBAPIError as error:
        raise store.said(error) from error
    if found is None:
        return "empty; its tables will be made"
    if found > SCHEMA:
        raise StoreError(f"store {store.place} was written by a newer glpi-bridge (schema {found}, ours is {SCHEMA})")
    return f"schema {found}" + ("" if found == SCHEMA else f", which will be brought to {SCHEMA}")
