"""What MariaDB does otherwise than SQLite: isolation, repeats, collation, four-byte characters, migrations at once."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from glpi_bridge.errors import StoreError
from glpi_bridge.model import Incident
from glpi_bridge.store import Connection, Store, events, incidents, meta
from tests.mariadb import MariaDB
from tests.unit.store.making import NOW, told

ROOT = Path(__file__).parents[3]


@pytest.fixture
def opened(server: MariaDB) -> Iterator[Callable[..., Store]]:
    """Open stores on one database; all are closed at the end."""
    url = server.new()
    with contextlib.ExitStack() as stack:

        def one(sleep: Callable[[float], None] = lambda _: None) -> Store:
            store = Store(url, sleep=sleep)
            stack.callback(store.close)
            return store

        yield one


def value(store: Store, name: str) -> object:
    return store.read(meta.get, name)


@pytest.mark.parametrize("code", [1020, 1205, 1213])
def test_a_transaction_that_the_database_wants_again_is_repeated(store: Store, code: int) -> None:
    runs = []

    def work(connection: Connection) -> None:
        runs.append(1)
        meta.add(connection, "runs", 1)
        if len(runs) < 3:
            connection.execute(sa.text(f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'again'"))

    store.write(work)
    assert (len(runs), value(store, "runs")) == (3, 1)


def test_another_error_is_not_repeated(store: Store) -> None:
    runs = []

    def work(connection: Connection) -> None:
        runs.append(1)
        connection.execute(sa.text("SELECT nothing FROM nowhere"))

    with pytest.raises(StoreError, match="nowhere"):
        store.write(work)
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (lambda connection: meta.add(connection, "a", 1), 3),
        (lambda connection: meta.put(connection, "a", max(int(meta.held(connection, "a", 0)), 1)), 2),
    ],
)
def test_who_goes_on_from_a_value_waits_for_another_who_does(
    opened: Callable[..., Store], change: Callable[[Connection], None], after: int
) -> None:
    stores = [opened(), opened()]
    stores[0].write(meta.put, "a", 0)
    other = threading.Thread(target=lambda: stores[1].write(change))

    def work(connection: Connection) -> None:
        meta.add(connection, "a", 2)
        other.start()
        other.join(0.5)  # it has read by now, or waits
        assert other.is_alive()

    stores[0].write(work)
    other.join(60)
    assert value(stores[0], "a") == after


def test_two_that_lock_the_same_rows_in_opposite_order_both_come_through(opened: Callable[..., Store]) -> None:
    repeats: list[float] = []
    stores = [opened(repeats.append), opened(repeats.append)]
    for name in ("a", "b"):
        stores[0].write(meta.put, name, 0)
    both_hold = threading.Barrier(2, timeout=60)
    errors: list[BaseException] = []

    def swap(store: Store, first: str, second: str) -> None:
        runs = iter([True])

        def work(connection: Connection) -> None:
            meta.add(connection, first, 1)
            if next(runs, False):
                both_hold.wait()
            meta.add(connection, second, 1)

        try:
            store.write(work)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=swap, args=(stores[0], "a", "b"))]
    threads.append(threading.Thread(target=swap, args=(stores[1], "b", "a")))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert repeats, "nobody was the deadlock's victim"
    assert [value(stores[0], name) for name in ("a", "b")] == [2, 2]


def test_a_row_that_somebody_holds_too_long_is_waited_for_again(opened: Callable[..., Store]) -> None:
    holder = opened()
    holder.write(meta.put, "row", 0)
    with holder.engine.connect() as connection:
        transaction = connection.begin()
        meta.add(connection, "row", 1)
        repeats: list[float] = []

        def let_go(pause: float) -> None:  # what Store.write does between two tries
            repeats.append(pause)
            transaction.commit()

        opened(let_go).write(meta.add, "row", 1)
    assert (len(repeats), value(holder, "row")) == (1, 2)


def test_isolation_is_read_committed(store: Store) -> None:
    level = store.read(lambda connection: connection.scalar(sa.text("SELECT @@tx_isolation")))
    assert level == "READ-COMMITTED"


def test_keys_that_differ_by_case_or_accent_are_different(store: Store) -> None:
    keys = ("a", "A", "ä", "e", "é", "E")
    made = [Incident(0, "prod", key, 1, f"zabbix prod/{key}", ()) for key in keys]
    assert len(set(store.write(incidents.insert_incidents, made, NOW))) == len(keys)
    found = store.read(incidents.latest, [("prod", "A"), ("prod", "é")])
    assert {name: incident.marker for name, incident in found.items()} == {
        ("prod", "A"): "zabbix prod/A",
        ("prod", "é"): "zabbix prod/é",
    }


def test_event_ids_that_differ_by_case_are_different(store: Store) -> None:
    store.write(events.intake, [told("job-a"), told("job-A")], NOW)
    assert store.read(events.known_ids, "prod", ["job-A", "JOB-A", "job-a"]) == {"job-A", "job-a"}


def test_emoji_in_facts_come_back(store: Store) -> None:
    store.write(events.intake, [told(event_name="disk 💥 é ­ 漢")], NOW)
    facts = store.read(events.facts_of, "prod", "101")
    assert facts is not None
    assert facts.value("name") == "disk 💥 é ­ 漢"


def test_processes_that_open_an_empty_database_at_once_migrate_it_once(server: MariaDB) -> None:
    url = server.new()
    code = f"from glpi_bridge.store import Store; Store({url!r}).close()"
    running = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [(process.returncode, words) for process, words in zip(running, said, strict=True)] == [(0, "")] * 3
    store = Store(url)
    assert value(store, "anything") is None
    store.close()
