"""The store: it opens or says why not, merges facts, lends incidents to one worker at a time, forgets what is over."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import glpi_bridge.store
from glpi_bridge.errors import StoreError
from glpi_bridge.facts import Facts
from glpi_bridge.model import Incident, Seen, StepKind, TicketStatus, Told, Wait
from glpi_bridge.store import SCHEMA, Connection, Store, attempts, events, incidents, meta
from glpi_bridge.store.attempts import Attempt, Item
from glpi_bridge.store.incidents import End, Rest
from glpi_bridge.store.tables import metadata

NOW = 1_800_000_000.0
_numbers = itertools.count(1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/bridge.db", sleep=lambda _: None)
    yield made
    made.close()


def facts(name: str = "CPU", *, recovered: bool = False) -> Facts:
    registers = {"name": (4, 0.0, name), "announced": (0, 0.0, True), "opened_at": (2, -NOW, NOW)}
    return Facts(registers | ({"recovered_at": (2, -NOW, NOW + 60)} if recovered else {}))


def made(store: Store, key: str = "7", eventid: str = "101") -> int:
    """Put an incident with one event into the store."""
    store.write(events.intake, [("zabbix", eventid, facts())], NOW)
    new = Incident(-1, "zabbix", key, 1, f"zabbix zabbix/{eventid}", ())

    def place(connection: Connection) -> int:
        [number] = incidents.insert_incidents(connection, [new], NOW)
        waiting = [one for one in events.unsorted(connection, 10) if one.eventid == eventid]
        events.place(connection, [(one, number, "") for one in waiting])
        return number

    return store.write(place)


def attempt(*ids: int, worker: str = "one", lease_until: float = NOW + 60) -> Attempt:
    items = tuple(Item(id_, StepKind.CREATE, f"zabbix zabbix/{id_}") for id_ in ids)
    return Attempt(
        id=f"attempt-{next(_numbers)}",
        worker=worker,
        operation=StepKind.CREATE,
        token="a session",
        watermark=4,
        read_at=NOW,
        started_at=NOW,
        lease_until=lease_until,
        items=items,
    )


# -- opening ----------------------------------------------------------------------------------------------------------


def test_the_migrations_make_what_the_code_uses(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_migration_is_the_schema_that_the_code_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(glpi_bridge.store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_a_commit_is_on_the_disk_and_readers_do_not_wait(store: Store) -> None:
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert int(connection.exec_driver_sql("PRAGMA busy_timeout").scalar() or 0) >= 10_000


def test_the_store_is_for_its_owner_alone(store: Store, tmp_path: Path) -> None:
    store.write(meta.put, "a", 1)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("bridge.db*")} == {
        "bridge.db": 0o600,
        "bridge.db-wal": 0o600,
        "bridge.db-shm": 0o600,
    }


def test_opening_twice_keeps_what_is_there(store: Store) -> None:
    store.write(meta.put, "a", [1, "two"])
    again = Store(store.url)
    assert again.read(meta.get, "a") == [1, "two"]
    again.close()


def test_the_store_of_a_newer_bridge_is_refused(store: Store) -> None:
    with sqlite3.connect(str(store.url.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer glpi-bridge \(schema 9999, this one knows up to"):
        Store(store.url)


def test_a_file_that_is_no_database_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").write_bytes(b"no database at all, but quite some text " * 200)
    with pytest.raises(StoreError, match=r"bridge\.db.*restore it from a backup"):
        Store(f"sqlite:///{tmp_path}/bridge.db")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="check that the folder exists"):
        Store(f"sqlite:///{tmp_path}/nowhere/bridge.db")


def test_a_store_that_another_process_holds_is_said(store: Store) -> None:
    with sqlite3.connect(str(store.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        def impatient(connection: Connection) -> None:
            meta.put(connection, "a", 1)

        store.engine.dispose()
        hasty = Store(store.url, sleep=lambda _: None)
        with hasty.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=1")
        # every connection of the pool is the one just made
        with pytest.raises(StoreError, match="another process holds it"):
            hasty.write(impatient)
        hasty.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_store_in_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError):
        Store(f"sqlite:///{tmp_path}/bridge.db")


# -- facts ------------------------------------------------------------------------------------------------------------


def test_an_event_is_new_once_and_the_same_facts_change_nothing(store: Store) -> None:
    assert store.write(events.intake, [("zabbix", "101", facts())], NOW) == 1
    assert store.write(events.intake, [("zabbix", "101", facts())], NOW) == 0
    assert [one.eventid for one in store.read(events.unsorted, 10)] == ["101"]


def test_what_is_learned_of_an_event_makes_its_incident_due(store: Store) -> None:
    number = made(store)
    [owed] = store.read(incidents.due, NOW, 10)
    store.write(incidents.rest, [Rest(owed, Wait("in step"), acknowledges=False)], NOW)
    assert store.read(incidents.due, NOW + 1e6, 10) == []
    store.write(events.intake, [("zabbix", "101", facts(recovered=True))], NOW + 5)
    assert [one.incident.id for one in store.read(incidents.due, NOW + 5, 10)] == [number]


def test_what_was_planned_on_old_facts_is_not_put_to_rest(store: Store) -> None:
    made(store)
    [owed] = store.read(incidents.due, NOW, 10)
    store.write(events.intake, [("zabbix", "101", facts(recovered=True))], NOW + 5)
    store.write(incidents.rest, [Rest(owed, Wait("in step"), acknowledges=False)], NOW + 6)
    assert len(store.read(incidents.due, NOW + 6, 10)) == 1


@pytest.mark.parametrize("neighbour", ["1010", "10", "0101", "101a", "101 "])
@pytest.mark.field("F18")
def test_ids_are_compared_whole(store: Store, neighbour: str) -> None:
    store.write(events.intake, [("zabbix", "101", facts("one")), ("zabbix", neighbour, facts("other"))], NOW)
    held = store.read(events.facts_of, "zabbix", "101")
    assert held is not None
    assert held.value("name") == "one"


# -- claims -----------------------------------------------------------------------------------------------------------


def test_an_incident_is_lent_to_one_attempt_at_a_time(store: Store) -> None:
    number = made(store)
    assert store.write(attempts.claim, attempt(number), {number: 0}) is not None
    assert store.write(attempts.claim, attempt(number, worker="two"), {number: 0}) is None
    assert store.read(incidents.due, NOW, 10) == []


def test_of_a_bulk_only_what_is_still_free_is_lent(store: Store) -> None:
    first, second = made(store), made(store, "8", "102")
    store.write(attempts.claim, attempt(first), {first: 0})
    got = store.write(attempts.claim, attempt(first, second, worker="two"), {first: 0, second: 0})
    assert got is not None
    assert [item.incident_id for item in got.items] == [second]


def test_what_changed_since_it_was_planned_is_not_lent(store: Store) -> None:
    number = made(store)
    store.write(events.intake, [("zabbix", "101", facts(recovered=True))], NOW)
    assert store.write(attempts.claim, attempt(number), {number: 0}) is None
    assert store.write(attempts.claim, attempt(number), {number: 1}) is not None


def test_what_was_told_and_the_end_of_the_claim_are_one_commit(store: Store) -> None:
    number = made(store)
    mine = store.write(attempts.claim, attempt(number), {number: 0})
    assert mine is not None
    ended = End(number, told=Told(ticket_id=7, urgency=4, impact=4), seen=Seen(status=TicketStatus.NEW))
    assert store.write(attempts.conclude, mine, [ended], NOW)
    [owed] = store.read(incidents.by_ids, [number])
    assert owed.incident.told == Told(ticket_id=7, urgency=4, impact=4)
    assert store.read(attempts.in_flight) == []


def test_what_has_no_clear_answer_stays_in_doubt_and_the_rest_ends(store: Store) -> None:
    first, second = made(store), made(store, "8", "102")
    mine = store.write(attempts.claim, attempt(first, second), {first: 0, second: 0})
    assert mine is not None
    assert store.write(attempts.conclude, mine, [End(first, told=Told(ticket_id=7))], NOW, doubt="cut off")
    [left] = store.read(attempts.in_flight)
    assert ([item.incident_id for item in left.items], left.doubt) == ([second], "cut off")
    assert [one.incident.id for one in store.read(incidents.due, NOW, 10)] == [first]


def test_a_lease_that_is_over_is_taken_over_by_one_worker_only(store: Store) -> None:
    number = made(store)
    store.write(attempts.claim, attempt(number), {number: 0})
    assert store.read(attempts.unsettled, NOW + 59) == []
    [late] = store.read(attempts.unsettled, NOW + 61)
    assert store.write(attempts.take_over, late, "two", NOW + 200) is not None
    assert store.write(attempts.take_over, late, "three", NOW + 200) is None


def test_who_wakes_up_after_a_take_over_changes_nothing(store: Store) -> None:
    number = made(store)
    mine = store.write(attempts.claim, attempt(number), {number: 0})
    assert mine is not None
    [late] = store.read(attempts.unsettled, NOW + 61)
    store.write(attempts.take_over, late, "two", NOW + 200)
    assert not store.write(attempts.conclude, mine, [End(number, told=Told(ticket_id=7))], NOW + 62)
    [owed] = store.read(incidents.by_ids, [number])
    assert owed.incident.told.ticket_id is None
    assert len(store.read(attempts.in_flight)) == 1


def test_a_retry_waits_for_its_time_whatever_becomes_due(store: Store) -> None:
    number = made(store)
    mine = store.write(attempts.claim, attempt(number), {number: 0})
    assert mine is not None
    store.write(attempts.conclude, mine, [End(number, not_before=NOW + 30, tries=1)], NOW)
    store.write(events.intake, [("zabbix", "101", facts(recovered=True))], NOW + 1)
    assert store.read(incidents.due, NOW + 2, 10) == []
    assert store.read(incidents.next_due, NOW + 2)[0] == NOW + 30
    assert len(store.read(incidents.due, NOW + 30, 10)) == 1


# -- forgetting -------------------------------------------------------------------------------------------------------


def _finish(store: Store, number: int) -> None:
    [owed] = [one for one in store.read(incidents.due, NOW, 10) if one.incident.id == number]
    store.write(incidents.rest, [Rest(owed, Wait("over", is_final=True), acknowledges=False)], NOW)


def test_what_is_over_leaves_after_its_time_and_the_rest_stays(store: Store) -> None:
    over, living = made(store), made(store, "8", "102")
    _finish(store, over)
    assert store.write(events.forget, NOW) == 0
    assert store.write(events.forget, NOW + 1) == 1
    assert store.read(incidents.by_ids, [over]) == []
    assert len(store.read(incidents.by_ids, [living])) == 1
    assert store.read(events.facts_of, "zabbix", "101") is None


def test_what_was_over_and_came_back_does_not_leave(store: Store) -> None:
    number = made(store)
    _finish(store, number)
    store.write(events.intake, [("zabbix", "101", facts("more"))], NOW)
    store.write(events.forget, NOW + 1)
    assert len(store.read(incidents.by_ids, [number])) == 1


def test_values_and_notices_are_kept_once(store: Store) -> None:
    assert store.write(meta.notice, "rules", "a rule", "its template is broken", NOW)
    assert not store.write(meta.notice, "rules", "a rule", "its template is broken", NOW + 1)
    [notice] = store.read(meta.all_notices)
    assert (notice.count, notice.first_at, notice.last_at) == (2, NOW, NOW + 1)
    assert store.write(meta.clear, "rules", "a rule")
    assert not store.write(meta.clear, "rules", "a rule")
    store.write(meta.add, "alerts", 2)
    store.write(meta.add, "alerts", 3)
    assert store.read(meta.get, "alerts") == 5


def test_told_and_seen_read_back_as_they_were_written(store: Store) -> None:
    number = made(store)
    told = Told(
        ticket_id=7,
        urgency=5,
        impact=2,
        notes=frozenset({"a", "b"}),
        solved=frozenset({"101"}),
        reopened=frozenset({"102"}),
        linked=frozenset({3}),
        incomplete=True,
        unconfirmed=True,
        plain=True,
    )
    seen = Seen(status=TicketStatus.SOLVED, urgency=5, impact=2, by_us=True)
    mine = store.write(attempts.claim, attempt(number), {number: 0})
    assert mine is not None
    store.write(attempts.conclude, mine, [End(number, told=told, seen=seen)], NOW)
    [owed] = store.read(incidents.by_ids, [number])
    assert (owed.incident.told, owed.incident.seen) == (told, replace(seen, finished_at=None))
