"""Sessions: few of them, no secret in sight, and a refusal names who lacks what."""

from __future__ import annotations

from pathlib import Path

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.store import attempts, incidents, meta
from tests.house import CREATE, House, house


@pytest.mark.field("F32")
def test_a_session_that_dies_at_once_is_tried_once_more_and_then_left_for_later(home: House) -> None:
    home.glpi.order(Fault(FaultKind.UNAUTHORIZED, Match(path="search|getGlpiConfig|Ticket"), times=None))
    home.alert(101)
    home.turn()
    logins = sum("initSession" in call.path for call in home.glpi.log)
    assert logins <= 2
    home.glpi.cancel()
    home.until_calm()
    assert len(home.tickets()) == 1


@pytest.mark.field("F44")
def test_passes_leave_no_session_behind(home: House) -> None:
    for event in range(101, 107):
        home.alert(event)
        home.turn()
    home.context.glpi.close()
    assert home.glpi.sessions() == []


@pytest.mark.field("F101")
def test_a_revoked_token_holds_all_work_and_a_good_one_lets_it_go_on(home: House) -> None:
    home.until_calm()
    home.context.glpi.close()
    home.glpi.order(Fault(FaultKind.AUTHORIZATION_STRIPPED, times=None))
    for event in range(101, 113):
        home.alert(event)
    for _ in range(20):
        home.turn()
        home.ahead += 70
    assert home.tickets() == []
    trouble = home.context.store.read(meta.get, "trouble GLPI")
    assert "Authorization" in trouble["text"]
    assert home.context.store.read(incidents.parked) == []
    home.glpi.cancel()
    home.until_calm()
    assert len(home.tickets()) == 12


@pytest.mark.field("F14")
@pytest.mark.field("F15")
@pytest.mark.field("F60")
@pytest.mark.parametrize(
    "kind", [FaultKind.EMPTY_AFTER, FaultKind.EMPTY_BEFORE, FaultKind.NOTICE, FaultKind.LOGIN_PAGE]
)
def test_an_answer_without_a_number_is_looked_for_and_never_stored(home: House, kind: FaultKind) -> None:
    home.glpi.order(Fault(kind, CREATE))
    home.alert(101)
    home.turn()
    [attempt] = home.context.store.read(attempts.in_flight)
    assert attempt.doubt is not None
    assert "/Ticket answered 20" in attempt.doubt
    home.until_calm()
    assert len(home.tickets()) == 1


@pytest.mark.field("F47")
def test_a_group_that_glpi_dropped_is_noticed_and_added(version: str, tmp_path: Path) -> None:
    with house(tmp_path, version, rules="rules: []\ndefault:\n  group: Systems\n") as home:
        home.glpi.order(Fault(FaultKind.ACTORS_DROPPED, CREATE))
        home.alert(101)
        home.until_calm()
        assert home.glpi.actors(home.ticket(101)["id"]) == [("group", 1, 2)]
        assert any(one.kind == "actors" for one in home.context.store.read(meta.all_notices))
