"""Lost alerts: accepted means kept, however GLPI fails; what is not accepted is said."""

from __future__ import annotations

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind
from glpi_bridge.store import incidents
from tests.house import CREATE, SOLVED, House


@pytest.mark.field("F02")
def test_an_outage_of_half_an_hour_loses_nothing_and_the_first_ticket_comes_within_ten_seconds(home: House) -> None:
    home.until_calm()
    home.glpi.refuse(3600)
    for event in range(101, 141):
        home.alert(event)
    for event in range(101, 111):
        home.recover(event)
    for _ in range(20):
        home.turn()
        home.ahead += 90
    home.glpi.accept_again()
    wake = home.context.next_wake()
    assert wake is not None
    assert wake - home.now() < 10
    home.ahead += max(0.0, wake - home.now()) + 0.01
    home.turn()
    assert home.tickets()
    home.until_calm()
    statuses = [row["status"] for row in home.tickets()]
    assert (statuses.count(SOLVED), len(statuses)) == (10, 40)


@pytest.mark.field("F93")
def test_one_poison_message_is_parked_with_glpis_words_and_the_others_go_on(home: House) -> None:
    home.glpi.order(Fault(FaultKind.POISON, CREATE, text="poison", times=None))
    for event in range(101, 111):
        home.alert(event, event_name="poison" if event == 102 else "CPU")
    home.until_calm()
    assert len(home.tickets()) == 9
    [parked] = home.context.store.read(incidents.parked)
    assert parked.marker == "zabbix zabbix/102"
    assert "GLPI refuses" in parked.why


@pytest.mark.field("F96")
@pytest.mark.parametrize("kind", [FaultKind.BAD_GATEWAY_BEFORE, FaultKind.GATEWAY_TIMEOUT, FaultKind.TOO_MANY])
def test_whatever_passes_is_tried_again_with_growing_pauses_and_burns_no_try(home: House, kind: FaultKind) -> None:
    home.glpi.order(Fault(kind, CREATE, times=3, seconds=30 if kind is FaultKind.TOO_MANY else 0))
    home.alert(101)
    home.turn()
    if kind is FaultKind.TOO_MANY:
        wake = home.context.next_wake()
        assert wake is not None
        assert wake - home.now() > 25  # Retry-After: 30
    home.until_calm()
    assert len(home.tickets()) == 1
    assert home.context.store.read(incidents.parked) == []


@pytest.mark.field("F96")
@pytest.mark.parametrize("how", ["refused", "name not found"])
def test_a_glpi_that_cannot_be_reached_is_asked_again_and_again_and_nothing_is_parked(
    home: House, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = home.context.glpi.url
    if how == "refused":
        home.glpi.refuse(0)
    else:
        monkeypatch.setattr(home.context.glpi, "url", "http://no-such-host.invalid/apirest.php")
    for event in range(101, 106):
        home.alert(event)
    pauses = []
    for _ in range(12):
        home.turn()
        wake = home.context.next_wake()
        assert wake is not None
        pauses.append(wake - home.now())
        home.ahead += max(0.0, pauses[-1]) + 0.01
    assert pauses[0] < pauses[1]
    assert max(pauses) < 10  # the first ticket comes within 10 s after GLPI does
    assert home.parked() == []
    if how == "refused":
        home.glpi.accept_again()
    monkeypatch.setattr(home.context.glpi, "url", address)
    home.until_calm()
    assert len(home.tickets()) == 5


@pytest.mark.field("F93")
@pytest.mark.parametrize("place", [0, 4, 9])
def test_a_message_that_is_always_refused_is_found_wherever_it_lies(home: House, place: int) -> None:
    home.glpi.order(Fault(FaultKind.POISON, CREATE, text="poison", times=None))
    for number in range(10):
        home.alert(101 + number, event_name="poison" if number == place else "CPU")
    home.until_calm()
    assert len(home.tickets()) == 9
    assert [one.marker for one in home.context.store.read(incidents.parked)] == [f"zabbix zabbix/{101 + place}"]
