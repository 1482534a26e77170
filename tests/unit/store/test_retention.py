"""What is finished leaves after its time, and what comes late about it does no harm."""

from __future__ import annotations

from glpi_bridge import intake
from glpi_bridge.model import AlertKind, Wait
from glpi_bridge.rules import Rules
from glpi_bridge.store import Store, attempts, events, incidents
from glpi_bridge.store.incidents import Rest
from tests.unit.store.making import NOW, attempt, held, incident_of, sorted_out, told, versions

DAYS = 86400.0


def rest(store: Store, id_: int, *, is_final: bool, now: float = NOW) -> None:
    store.write(incidents.rest, [Rest(held(store, id_), Wait("x", is_final=is_final), False)], now)


def test_a_finished_incident_leaves_with_its_events(store: Store) -> None:
    id_ = incident_of(store, "101")
    rest(store, id_, is_final=True)
    assert store.write(events.forget, NOW) == 0
    assert store.write(events.forget, NOW + 1) == 1
    assert store.read(incidents.by_ids, [id_]) == []
    assert store.read(events.facts_of, "prod", "101") is None


def test_time_counts_from_when_it_was_first_finished(store: Store) -> None:
    id_ = incident_of(store, "101")
    rest(store, id_, is_final=True)
    rest(store, id_, is_final=True, now=NOW + 50)
    assert store.write(events.forget, NOW + 1) == 1


def test_what_is_open_stays_however_old(store: Store) -> None:
    id_ = incident_of(store, "101")
    rest(store, id_, is_final=False)
    assert store.write(events.forget, NOW + 1000 * DAYS) == 0
    assert held(store, id_).incident.id == id_


def test_what_is_finished_and_came_alive_again_stays(store: Store) -> None:
    id_ = incident_of(store, "101")
    rest(store, id_, is_final=True)
    rest(store, id_, is_final=False)
    assert store.write(events.forget, NOW + 1000 * DAYS) == 0


def test_what_is_in_flight_or_due_stays(store: Store) -> None:
    due, flying = incident_of(store, "101", key="1"), incident_of(store, "102", key="2")
    for id_ in (due, flying):
        rest(store, id_, is_final=True)
    store.write(events.make_due, [due], NOW)
    one = held(store, flying)
    store.write(attempts.claim, attempt(one), versions(one))
    assert store.write(events.forget, NOW + DAYS) == 0


def test_events_without_an_incident_leave_too(store: Store) -> None:
    store.write(events.intake, [told(kind=AlertKind.RECOVERY)], NOW)
    (one,) = sorted_out(store)
    store.write(events.place, [(one, None, "nobody told about it")])
    assert store.write(events.forget, NOW + 1) == 1


def test_a_late_recovery_of_what_left_asks_for_no_ticket() -> None:
    _, _, known = told(kind=AlertKind.RECOVERY)
    assert no_incident(known) == "a recovery of a problem that nobody told about"


def test_a_late_update_of_what_left_asks_for_no_ticket() -> None:
    _, _, known = told(kind=AlertKind.UPDATE, event_date="2026.01.01", event_time="08:00:00")
    assert no_incident(known) == "an update of a problem older than what the store keeps"


def test_a_fresh_update_of_a_problem_whose_alert_is_late_gets_its_ticket() -> None:
    _, _, known = told(kind=AlertKind.UPDATE, event_date="2026.11.25", event_time="07:00:00")
    assert no_incident(known) is None


def no_incident(known: object) -> str | None:
    from types import SimpleNamespace

    from glpi_bridge import facts
    from glpi_bridge.context import Terms

    context = SimpleNamespace(terms=Terms())
    route = Rules.load(None).route(facts.event("prod", "101", known))  # type: ignore[arg-type]  # known is not None here
    return intake._no_incident(context, known, route, NOW)  # type: ignore[arg-type]  # only its terms are asked
