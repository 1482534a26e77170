"""Intake merges; sorting gives each event one incident, however many workers there are."""

from __future__ import annotations

from typing import Any

import pytest

from glpi_bridge.model import AlertKind
from glpi_bridge.store import Store, events, incidents
from tests.unit.store.making import NOW, held, incident_of, sorted_out, told


def test_an_event_is_kept_and_waits_to_be_sorted(store: Store) -> None:
    assert store.write(events.intake, [told()], NOW) == 1
    (one,) = sorted_out(store)
    assert (one.source, one.eventid) == ("prod", "101")
    assert store.read(events.facts_of, "prod", "101") == one.facts


def test_the_same_alert_again_changes_nothing(store: Store) -> None:
    id_ = incident_of(store, "101")
    before = held(store, id_).version
    assert store.write(events.intake, [told()], NOW + 60) == 0
    assert held(store, id_).version == before


def test_a_recovery_makes_its_incident_due_and_a_claim_planned_before_it_fail(store: Store) -> None:
    id_ = incident_of(store, "101")
    before = held(store, id_)
    store.write(events.intake, [told(kind=AlertKind.RECOVERY)], NOW + 60)
    after = held(store, id_)
    assert after.version > before.version
    assert after.incident.is_recovered
    assert id_ in {one.incident.id for one in store.read(incidents.due, NOW + 60, 10)}


def test_a_batch_may_say_several_things_of_one_event(store: Store) -> None:
    assert store.write(events.intake, [told(), told(kind=AlertKind.RECOVERY), told()], NOW) == 1
    (one,) = sorted_out(store)
    assert "recovered_at" in one.facts.registers
    assert one.facts.value("announced")


def test_what_got_no_incident_is_looked_at_again_when_more_is_known(store: Store) -> None:
    store.write(events.intake, [told(kind=AlertKind.RECOVERY)], NOW)
    (one,) = sorted_out(store)
    store.write(events.place, [(one, None, "nobody told about it")])
    assert sorted_out(store) == []
    store.write(events.intake, [told()], NOW + 1)
    assert [one.eventid for one in sorted_out(store)] == ["101"]


def test_an_event_is_sorted_once_though_two_workers_read_it(store: Store) -> None:
    store.write(events.intake, [told()], NOW)
    (mine,), (theirs,) = sorted_out(store), sorted_out(store)
    store.write(events.place, [(mine, None, "")])
    assert store.read(events.unchanged, [theirs]) == set()


def test_an_event_that_changed_since_it_was_read_is_not_sorted_by_what_was_read(store: Store) -> None:
    store.write(events.intake, [told()], NOW)
    (one,) = sorted_out(store)
    store.write(events.intake, [told(event_nseverity="5")], NOW)
    assert store.read(events.unchanged, [one]) == set()
    assert len(sorted_out(store)) == 1


@pytest.mark.field("F18")
def test_numbers_that_contain_each_other_are_different_events_and_keys(store: Store) -> None:
    short, long = incident_of(store, "123", key="123"), incident_of(store, "1123", key="1123")
    store.write(events.intake, [told("123", AlertKind.RECOVERY)], NOW)
    assert held(store, short).incident.is_recovered
    assert not held(store, long).incident.is_recovered
    assert store.read(incidents.latest, [("prod", "123")])["prod", "123"].id == short


def test_keys_compare_byte_by_byte(store: Store) -> None:
    upper = incident_of(store, "1", key="DB1")
    lower = incident_of(store, "2", key="db1")
    found = store.read(incidents.latest, [("prod", "DB1"), ("prod", "db1")])
    assert (found["prod", "DB1"].id, found["prod", "db1"].id) == (upper, lower)


def test_the_latest_generation_counts(store: Store) -> None:
    incident_of(store, "1")
    second = incident_of(store, "2", generation=2)
    assert store.read(incidents.latest, [("prod", "7")])["prod", "7"].id == second


def test_events_that_part_are_sorted_again_and_do_not_come_back(store: Store) -> None:
    id_ = incident_of(store, "101", "102")
    store.write(events.part, "prod", ["102"], id_, NOW + 5)
    (one,) = sorted_out(store)
    assert one.eventid == "102"
    assert one.has_left(id_)
    assert [event.eventid for event in held(store, id_).incident.events] == ["101"]


def test_open_events_are_asked_about_in_turn(store: Store) -> None:
    incident_of(store, *(str(number) for number in range(5)))
    first = store.read(events.open_events, "prod", 2, NOW)
    store.write(events.checked, "prod", first, NOW)
    second = store.read(events.open_events, "prod", 2, NOW + 1)
    assert not set(first) & set(second)


def test_more_events_than_a_statement_takes_are_merged_all_the_same(store: Store) -> None:
    many: list[Any] = [told(str(number)) for number in range(1200)]
    assert store.write(events.intake, many, NOW) == 1200
    assert store.write(events.intake, many, NOW) == 0
    assert len(store.read(events.known_ids, "prod", [str(number) for number in range(1200)])) == 1200
