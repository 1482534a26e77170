"""Opening the store and running transactions in it, on SQLite and MariaDB alike.

`Store.write` runs a function in one transaction and repeats it when the database asks for that; `Store.read` the same
without a write lock. Nothing here knows what the rows mean.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, OperationalError

from glpi_bridge.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")

SCHEMA = "0005"
_REPEATS = 8
_PATIENCE_SECONDS = 30.0
# 1020 record has changed, 1205 lock wait timeout, 1213 deadlock: InnoDB has rolled back and asks for a repeat
_REPEATABLE = frozenset({1020, 1205, 1213})
_DUPLICATE_KEY = 1062


class Store:
    """An open store. `url` is SQLAlchemy's, for SQLite a path in it; errors are StoreError with the place in words.

    `migrating` False leaves the tables as they are, for those who only look.
    """

    def __init__(self, url: str | URL, *, migrating: bool = True, sleep: Callable[[float], None] = time.sleep) -> None:
        self.url = make_url(url)
        self._sleep = sleep
        if self.is_sqlite:
            _refuse_other_user(Path(self.url.database or ""))
            if migrating and self.url.database != ":memory:":
                _make_private(Path(self.url.database or ""))
        self.engine = _engine(self.url)
        try:
            if migrating:
                migrate(self)
        except BaseException as error:
            self.close()  # its connection would be left to the collector, which warns of it from Python 3.13 on
            if isinstance(error, DBAPIError):
                raise self.said(error) from error
            raise

    @cached_property
    def is_sqlite(self) -> bool:
        """Whether the store is a file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def place(self) -> str:
        """Name the store for people; never with a password."""
        return str(self.url.database) if self.is_sqlite else self.url.render_as_string(hide_password=True)

    def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in one transaction that is durable on return; repeat it on 1020, 1205, 1213.

        A unique key that somebody else inserted first is a repeat too: the second run sees that row.
        """
        for left in reversed(range(_REPEATS)):
            try:
                with self.transaction() as connection:
                    return work(connection, *args, **kwargs)
            except DBAPIError as error:
                if not left or not _asks_for_repeat(error):
                    raise self.said(error) from error
                self._sleep(0.01 * 2 ** (_REPEATS - left))
        raise AssertionError("unreachable")

    def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` on one consistent state, without a write lock."""
        try:
            with self.transaction(read_only=True) as connection:
                return work(connection, *args, **kwargs)
        except DBAPIError as error:
            raise self.said(error) from error

    @contextlib.contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Connection]:
        """Open a transaction: committed at the end, rolled back by an error, which is the database's own DBAPIError.

        SQLite gets its BEGIN here and not from a listener: with one of those each statement asks for listeners.
        """
        with self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def said(self, error: DBAPIError) -> StoreError:
        """Put the database's words into ours, with what to do."""
        words = str(error.orig) if error.orig is not None else str(error)
        return StoreError(f"store {self.place}: {words}; {_advice(words)}")


def _advice(words: str) -> str:
    text = words.lower()
    if "readonly" in text or "read-only" in text:
        return "make the file and its folder writable for this user"
    if "locked" in text:
        return "another process holds it: look for a second glpi-bridge or an open sqlite3 shell"
    if "full" in text:
        return "make room on that disk; nothing accepted is lost, alerts wait in the spool"
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return "restore it from a backup, or move it away: the bridge then finds its tickets again by their markers"
    if "unable to open" in text:
        return "check that the folder exists and that this user may write there"
    return "check the `store:` setting and that the database answers"


def _asks_for_repeat(error: DBAPIError) -> bool:
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    if isinstance(error, IntegrityError):
        return code == _DUPLICATE_KEY or "UNIQUE" in str(error.orig)
    return isinstance(error, (OperationalError, DatabaseError)) and code in _REPEATABLE


def _refuse_other_user(path: Path) -> None:
    """A root's run would leave files that the service cannot open, so only the owner opens the store."""
    if not path.exists():
        return
    owner = path.stat().st_uid
    if owner != os.geteuid():
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"uid {owner}"
        raise StoreError(f"store {path} belongs to {name}; run this command as that user: sudo -u {name} glpi-bridge …")


def _make_private(path: Path) -> None:
    """A new file is its owner's alone, as it holds live session tokens; its journal takes its mode."""
    with contextlib.suppress(OSError):  # it is there; or it cannot be made, which SQLite says better
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": _PATIENCE_SECONDS})
        sa.event.listen(engine, "connect", _sqlite_connect)
        return engine
    url = url.update_query_dict({"charset": "utf8mb4"})
    return sa.create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=600,
        connect_args={"connect_timeout": 10},
    )


def _sqlite_connect(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    # SQLAlchemy's recipe: take transactions away from the driver, so that BEGIN IMMEDIATE is ours
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_PATIENCE_SECONDS * 1000:.0f}")
    _keep_a_journal_ahead(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _keep_a_journal_ahead(cursor: sa.engine.interfaces.DBAPICursor) -> None:
    """Switch to WAL; of several that do so at once SQLite answers all but one with "locked" and waits for none."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


def migrate(store: Store) -> None:
    """Bring the schema to SCHEMA, one process at a time; refuse a store of a newer bridge."""
    with store.engine.connect() as connection:
        found = schema_of(connection)
    if found == SCHEMA:
        return
    with store.transaction() as connection:
        if not store.is_sqlite:
            connection.execute(sa.text("SELECT GET_LOCK('glpi_bridge_migrate', 120)"))
        try:
            # BEGIN IMMEDIATE is SQLite's lock: whoever waited for it finds the work done
            found = schema_of(connection)
            if found != SCHEMA:
                _upgrade(connection, found, store.place)
        finally:
            if not store.is_sqlite:
                connection.execute(sa.text("SELECT RELEASE_LOCK('glpi_bridge_migrate')"))


def schema_of(connection: Connection) -> str | None:
    """Tell the schema's revision, None for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(sa.text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def _upgrade(connection: Connection, found: str | None, place: str) -> None:
    from alembic import command  # noqa: PLC0415 - a third of a second that only a migration should cost
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"store {place} was written by a newer glpi-bridge (schema {found}, this one knows up to {SCHEMA}): "
            "install that version again, or restore the backup made before the upgrade"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, SCHEMA)
