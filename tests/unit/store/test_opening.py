"""Opening a store: made, migrated, or refused with words that say what to do."""

from __future__ import annotations

import os
import pwd
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import glpi_bridge.store
from glpi_bridge.errors import StoreError
from glpi_bridge.model import Told
from glpi_bridge.store import SCHEMA, Store, incidents, meta
from glpi_bridge.store.tables import metadata

TOLD = incidents.told_text(Told(ticket_id=7)).replace(":", "\\:")


def url(path: Path) -> str:
    return f"sqlite:///{path / 'bridge.db'}"


def test_the_migrations_make_exactly_the_tables_that_the_code_speaks_of(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_migration_is_the_schema_of_the_code() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(glpi_bridge.store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_a_second_opening_changes_nothing(tmp_path: Path) -> None:
    Store(url(tmp_path)).close()
    before = (tmp_path / "bridge.db").read_bytes()
    Store(url(tmp_path)).close()
    assert (tmp_path / "bridge.db").read_bytes() == before


@pytest.mark.parametrize("turn", range(8))
def test_several_that_open_an_empty_store_at_once_migrate_it_once(tmp_path: Path, turn: int) -> None:
    errors: list[BaseException] = []
    together = Barrier(6)

    def open_it() -> None:
        together.wait(60)
        try:
            Store(url(tmp_path)).close()
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [Thread(target=open_it) for _ in range(together.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_an_opening_waits_for_the_one_that_writes_to_a_file_without_a_journal_ahead(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        opened = Thread(target=lambda: Store(url(tmp_path)).close())
        opened.start()
        opened.join(0.3)
        assert opened.is_alive()
        other.execute("COMMIT")
    opened.join(60)
    assert not opened.is_alive()
    with closing(Store(url(tmp_path), migrating=False)) as store:
        assert store.read(meta.get, "a") is None


def test_a_commit_survives_a_crash(store: Store) -> None:
    with store.engine.connect() as connection:
        modes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fails(connection: sa.engine.Connection) -> None:
        meta.put(connection, "a", 1)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        store.write(fails)
    assert store.read(meta.get, "a") is None


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    def reads_meanwhile(connection: sa.engine.Connection) -> object:
        meta.put(connection, "a", 1)
        return store.read(meta.get, "a", "nothing yet")

    assert store.write(reads_meanwhile) == "nothing yet"
    assert store.read(meta.get, "a") == 1


def test_a_newer_store_is_refused_and_not_touched(tmp_path: Path) -> None:
    with closing(Store(url(tmp_path))) as store:
        store.write(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreError, match=r"newer glpi-bridge \(schema 9999, this one knows up to .*install that"):
        Store(url(tmp_path))


def test_a_locked_store_is_named_with_what_to_look_for(tmp_path: Path) -> None:
    with closing(Store(url(tmp_path))) as store, closing(sqlite3.connect(tmp_path / "bridge.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        sa.event.listen(store.engine, "connect", _impatient)
        store.engine.dispose()
        with pytest.raises(StoreError, match=r"bridge\.db: .*locked; another process holds it"):
            store.write(meta.put, "a", 1)


def _impatient(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA busy_timeout=10")


def test_a_corrupt_store_says_that_it_may_be_moved_away(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").write_bytes(b"this is not a database at all, but it is long enough" * 40)
    with pytest.raises(StoreError, match=r"move it away: the bridge then finds its tickets again by their markers"):
        Store(url(tmp_path))


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"missing/bridge\.db: .*check that the folder exists"):
        Store(url(tmp_path / "missing"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere; the command tests do it as another user")
def test_a_read_only_store_is_named(tmp_path: Path) -> None:
    Store(url(tmp_path)).close()
    (tmp_path / "bridge.db").chmod(0o400)
    with (
        pytest.raises(StoreError, match=r"writable for this user|may write there"),
        closing(Store(url(tmp_path))) as store,
    ):
        store.write(meta.put, "a", 1)


def test_a_store_that_only_may_be_read_says_so(store: Store) -> None:
    sa.event.listen(store.engine, "connect", _query_only)
    store.engine.dispose()
    with pytest.raises(StoreError, match=r"make the file and its folder writable for this user"):
        store.write(meta.put, "a", 1)


def _query_only(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def test_a_full_disk_is_named_and_what_was_there_stays(store: Store) -> None:
    store.write(meta.put, "a", 1)
    sa.event.listen(store.engine, "connect", _full)
    store.engine.dispose()
    with pytest.raises(StoreError, match=r"make room on that disk; nothing accepted is lost"):
        store.write(meta.put, "b", "x" * 10_000_000)
    assert store.read(meta.get, "a") == 1


def _full(connection: sqlite3.Connection, _record: object) -> None:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")


def test_another_user_s_store_is_refused_and_that_user_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(url(tmp_path)).close()
    owner = pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(StoreError, match=rf"belongs to {owner}; run this command as that user: sudo -u {owner}"):
        Store(url(tmp_path))


def test_a_password_in_the_address_is_never_shown() -> None:
    store = Store.__new__(Store)
    store.url = glpi_bridge.store.make_url("mysql+pymysql://bridge:hunter2@db/bridge")
    assert "hunter2" not in store.place
    assert "db/bridge" in store.place


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    Store(url(tmp_path)).close()
    assert (tmp_path / "bridge.db").stat().st_mode & 0o077 == 0


def test_of_tickets_of_before_the_news_begin_with_the_upgrade(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as old:
        engine = sa.create_engine("sqlite://", creator=lambda: old)
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(glpi_bridge.store.__file__).parent / "migrations"))
            config.set_main_option("path_separator", "os")
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            columns = "source, key, generation, marker, told, version, state, created_at, not_before, tries, doubts"
            more = "acknowledged, ack_not_before, ack_tries, ticket_id"
            for key, ticket in (("with", "7"), ("without", "NULL")):
                values = f"'prod', '{key}', 1, 'zabbix prod/{key}', '{TOLD}', 0, '', 0, 0, 0, 0, '[]', 0, 0, {ticket}"
                connection.execute(sa.text(f"INSERT INTO incidents ({columns}, {more}) VALUES ({values})"))
        engine.dispose()
    before = time.time()
    with closing(Store(url(tmp_path))) as store:
        with_ticket, without = store.read(incidents.by_ids, [1, 2])
    assert before <= with_ticket.heard.since <= time.time()
    assert without.heard.since == 0
    assert with_ticket.incident.words == ()
