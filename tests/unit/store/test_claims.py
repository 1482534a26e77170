"""A claim is the attempt's row: one worker has it, and only who has it may end it."""

from __future__ import annotations

from dataclasses import replace

from glpi_bridge.model import AlertKind, StepKind, Told, Word
from glpi_bridge.store import Connection, Store, attempts, events, incidents, queue
from glpi_bridge.store.incidents import End, Owed
from tests.unit.store.making import NOW, attempt, held, incident_of, told, versions


def ended(id_: int, ticket: int = 42) -> End:
    return End(id_, told=Told(ticket_id=ticket))


def test_of_two_workers_one_gets_an_incident(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    assert store.write(attempts.claim, attempt(one, id_="a", worker="1"), versions(one)) is not None
    assert store.write(attempts.claim, attempt(one, id_="b", worker="2"), versions(one)) is None
    assert [flight.id for flight in store.read(attempts.in_flight)] == ["a"]


def test_what_another_has_is_left_out_and_the_rest_is_got(store: Store) -> None:
    one, two = (held(store, incident_of(store, id_, key=id_)) for id_ in ("101", "102"))
    store.write(attempts.claim, attempt(one, id_="a"), versions(one))
    got = store.write(attempts.claim, attempt(one, two, id_="b"), versions(one, two))
    assert got is not None
    assert [item.incident_id for item in got.items] == [two.incident.id]


def test_what_changed_since_it_was_planned_is_not_got(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    store.write(events.intake, [told(kind=AlertKind.RECOVERY)], NOW)
    assert store.write(attempts.claim, attempt(one), versions(one)) is None
    assert store.read(attempts.in_flight) == []


def test_what_is_claimed_is_not_due(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    store.write(attempts.claim, attempt(one), versions(one))
    assert store.read(incidents.due, NOW + 1e6, 10) == []


def test_told_and_the_end_of_the_attempt_are_one_commit(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    mine = store.write(attempts.claim, attempt(one), versions(one))
    assert mine is not None
    assert store.write(attempts.conclude, mine, [ended(one.incident.id)], NOW)
    assert store.read(attempts.in_flight) == []
    assert held(store, one.incident.id).incident.told.ticket_id == 42
    assert [owed.incident.id for owed in store.read(incidents.by_tickets, [42])] == [one.incident.id]


def test_items_without_a_clear_answer_stay_in_doubt(store: Store) -> None:
    one, two = (held(store, incident_of(store, id_, key=id_)) for id_ in ("101", "102"))
    mine = store.write(attempts.claim, attempt(one, two), versions(one, two))
    assert mine is not None
    store.write(attempts.conclude, mine, [ended(one.incident.id)], NOW, doubt="reset")
    (left,) = store.read(attempts.in_flight)
    assert [item.incident_id for item in left.items] == [two.incident.id]
    assert left.doubt == "reset"
    assert [flight.id for flight in store.read(attempts.unsettled, NOW)] == ["a"]


def test_an_attempt_whose_lease_runs_is_nobody_s_to_settle(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    store.write(attempts.claim, attempt(one), versions(one))
    assert store.read(attempts.unsettled, NOW + 179) == []
    assert len(store.read(attempts.unsettled, NOW + 180)) == 1


def test_one_takes_over_and_the_holder_that_wakes_up_late_may_end_nothing(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    late = store.write(attempts.claim, attempt(one, worker="late"), versions(one))
    assert late is not None
    (found,) = store.read(attempts.unsettled, NOW + 200)
    taken = store.write(attempts.take_over, found, "quick", NOW + 400)
    assert taken is not None
    assert taken.doubt
    assert store.write(attempts.take_over, found, "slow", NOW + 400) is None
    assert not store.write(attempts.conclude, late, [ended(one.incident.id)], NOW + 210)
    assert held(store, one.incident.id).incident.told.ticket_id is None
    assert store.write(attempts.conclude, taken, [ended(one.incident.id, 43)], NOW + 220)
    assert held(store, one.incident.id).incident.told.ticket_id == 43


def test_how_far_an_attempt_is_settled_is_kept_for_whoever_goes_on(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    mine = store.write(attempts.claim, attempt(one), versions(one))
    assert mine is not None
    store.write(attempts.keep, replace(mine, kills=2, fenced_at=NOW + 5, looks=1, note="x"), NOW + 65)
    (kept,) = store.read(attempts.unsettled, NOW + 65)
    assert (kept.kills, kept.fenced_at, kept.looks, kept.note) == (2, NOW + 5, 1, "x")


def test_facts_that_come_while_a_write_is_in_flight_are_planned_after_it(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    mine = store.write(attempts.claim, attempt(one), versions(one))
    assert mine is not None
    store.write(events.intake, [told(kind=AlertKind.RECOVERY)], NOW + 1)
    assert store.write(attempts.conclude, mine, [ended(one.incident.id)], NOW + 2)
    (due,) = store.read(incidents.due, NOW + 2, 10)
    assert due.incident.is_recovered
    assert due.incident.told.ticket_id == 42


def test_what_waits_for_a_person_is_not_due_until_it_is_tried_again(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    mine = store.write(attempts.claim, attempt(one), versions(one))
    assert mine is not None
    store.write(attempts.conclude, mine, [End(one.incident.id, parked="GLPI refuses it", tries=5)], NOW)
    assert store.read(incidents.due, NOW + 1e6, 10) == []
    assert [parked.why for parked in store.read(incidents.parked)] == ["GLPI refuses it"]
    assert store.write(queue.retry, one.incident.id, NOW)
    (due,) = store.read(incidents.due, NOW, 10)
    assert due.tries == 0


def test_a_pause_after_a_refusal_is_kept(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    mine = store.write(attempts.claim, attempt(one), versions(one))
    assert mine is not None
    store.write(attempts.conclude, mine, [End(one.incident.id, not_before=NOW + 30, tries=1)], NOW)
    assert store.read(incidents.due, NOW + 29, 10) == []
    assert len(store.read(incidents.due, NOW + 30, 10)) == 1


def test_zabbix_s_side_is_claimed_beside_glpi_s(store: Store) -> None:
    one = held(store, incident_of(store, "101"))
    glpi = store.write(attempts.claim, attempt(one, id_="g"), versions(one))
    zabbix = attempt(one, id_="z", kind=StepKind.ACKNOWLEDGE)
    assert glpi is not None
    assert store.write(attempts.claim_acknowledgements, zabbix, [one]) is not None
    assert store.write(attempts.claim_acknowledgements, replace(zabbix, id="y"), [one]) is None
    store.write(attempts.conclude, glpi, [ended(one.incident.id)], NOW)
    assert [flight.id for flight in store.read(attempts.in_flight)] == ["z"]


def test_an_event_that_joins_while_another_is_acknowledged_is_owed_too(store: Store) -> None:
    id_ = incident_of(store, "101")
    before = held(store, id_)

    def join(connection: Connection) -> None:
        events.intake(connection, [told("102")], NOW)
        (one,) = events.unsorted(connection, 10)
        events.place(connection, [(one, id_, "")])

    store.write(join)
    store.write(incidents.end_acknowledgement, before, ["101"], now=NOW)
    (owed,) = store.read(incidents.acknowledging, NOW, ["prod"], 10)
    assert owed.incident.acknowledged == {"101"}


def with_words(store: Store, *ids: int) -> Owed:
    """An incident whose number Zabbix has, and that owes it these news."""
    id_ = incident_of(store, "101")
    store.write(incidents.end_acknowledgement, held(store, id_), ["101"], now=NOW)
    store.write(incidents.hear, id_, ids, [Word(one, "101", f"news {one}") for one in ids], "today", NOW)
    return held(store, id_)


def test_news_are_owed_to_zabbix_once_each(store: Store) -> None:
    one = with_words(store, 5, 6)
    assert [word.id for word in one.incident.words] == [5, 6]
    assert len(store.read(incidents.acknowledging, NOW, ["prod"], 10)) == 1
    store.write(incidents.hear, one.incident.id, [6, 7], [Word(6, "101", "again"), Word(7, "101", "new")], "later", NOW)
    again = held(store, one.incident.id)
    assert [(word.id, word.text) for word in again.incident.words] == [(5, "news 5"), (6, "news 6"), (7, "new")]
    assert (again.heard.rows, again.heard.read) == ({5, 6, 7}, "later")


def test_what_is_heard_while_another_is_told_is_owed_too(store: Store) -> None:
    before = with_words(store, 5)
    store.write(incidents.hear, before.incident.id, [6], [Word(6, "101", "news 6")], "later", NOW)
    store.write(incidents.end_acknowledgement, before, [], words=[(5, "101")], now=NOW)
    (owed,) = store.read(incidents.acknowledging, NOW, ["prod"], 10)
    assert [word.id for word in owed.incident.words] == [6]
    store.write(incidents.end_acknowledgement, owed, [], words=[(6, "101")], now=NOW)
    assert store.read(incidents.acknowledging, NOW, ["prod"], 10) == []
    assert held(store, before.incident.id).heard.rows == {5, 6}


def test_news_that_somebody_has_told_since_are_not_claimed_again(store: Store) -> None:
    one = with_words(store, 5)
    store.write(incidents.end_acknowledgement, one, [], words=[(5, "101")], now=NOW)
    late = attempt(one, kind=StepKind.ACKNOWLEDGE)
    assert store.write(attempts.claim_acknowledgements, late, [one]) is None


def test_what_is_heard_after_a_look_that_found_nothing_owed_stays_owed(store: Store) -> None:
    id_ = incident_of(store, "101")
    store.write(incidents.end_acknowledgement, held(store, id_), ["101"], now=NOW)
    looked = held(store, id_)
    store.write(incidents.hear, id_, [5], [Word(5, "101", "news")], "today", NOW)
    store.write(incidents.no_acknowledgement, looked)
    assert len(store.read(incidents.acknowledging, NOW, ["prod"], 10)) == 1


def test_what_was_dropped_is_told_no_more(store: Store) -> None:
    one = with_words(store, 5)
    assert store.write(queue.drop_acknowledgement, one)
    assert held(store, one.incident.id).incident.words == ()
    store.write(incidents.hear, one.incident.id, [5], [Word(5, "101", "news")], "today", NOW)
    assert held(store, one.incident.id).incident.words == ()
