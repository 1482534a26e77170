"""Sessions: few of them, no secret in sight, and a refusal names who lacks what."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from glpi_bridge import http
from glpi_bridge.glpi import Credentials, Glpi, Names
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


def told_to_act_as(home: House, profile: str, entity: str | None = None) -> None:
    """A bridge that is told its profile or entity, whose account opens its sessions as something else."""
    home.glpi.world.db["Profile_User"].insert(
        {"users_id": 7, "profiles_id": 1, "entities_id": 0, "is_recursive": 1, "is_default_profile": 1}
    )
    home.glpi.world.db["User"].update(7, {"profiles_id": 1})
    home.context.glpi.close()
    client = Glpi(
        home.glpi.url,
        lambda: Credentials(user_token=home.glpi.user_token, app_token=home.glpi.app_token),
        http.session(target="GLPI", total_timeout=2.0, connect_timeout=2.0),
        profile=profile,
        entity=entity,
    )
    home.context.glpi, home.context.names = client, Names(client)


@pytest.mark.field("F12")
def test_the_profile_and_entity_of_the_settings_are_switched_to_and_kept(home: House) -> None:
    told_to_act_as(home, profile="Bridge", entity="Root entity > Operations")
    home.alert(101)
    home.until_calm()
    home.glpi.world.sessions.files.clear()  # the next session has to be told again
    home.alert(102)
    home.until_calm()
    account = home.context.glpi.account
    assert account is not None
    assert account.profile == "Bridge"
    assert [home.ticket(event)["entities_id"] for event in (101, 102)] == [1, 1]


@pytest.mark.field("F12")
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"profile": "Brigde"}, ('no profile "Brigde"', "Bridge")),
        ({"profile": "Bridge", "entity": "Nowhere"}, ("Nowhere",)),
    ],
)
def test_a_profile_or_entity_that_is_not_there_holds_all_work_and_names_what_is(
    home: House, how: dict[str, str], words: tuple[str, ...]
) -> None:
    told_to_act_as(home, **how)
    home.alert(101)
    for _ in range(10):
        home.turn()
        home.ahead += 70
    trouble = home.context.store.read(meta.get, "trouble GLPI")
    assert trouble["is_held"]
    assert all(word in trouble["text"] for word in words)
    assert (home.tickets(), home.parked()) == ([], [])


@pytest.mark.field("F33")
@pytest.mark.parametrize("when", ["between two passes", "before a write", "in a search"])
def test_a_session_that_is_removed_is_opened_anew_once_and_work_goes_on(home: House, when: str) -> None:
    home.alert(101)
    home.until_calm()
    if when == "between two passes":
        home.glpi.world.sessions.files.clear()
    else:
        match = CREATE if when == "before a write" else Match(path="search/Ticket")
        home.glpi.order(Fault(FaultKind.UNAUTHORIZED, match))
    before = home.context.glpi.logins
    home.alert(102)
    home.until_calm()
    assert len(home.tickets()) == 2
    assert home.context.glpi.logins == before + 1


@pytest.mark.field("F44")
@pytest.mark.parametrize("kind", [FaultKind.ERROR_AFTER, FaultKind.EMPTY_AFTER, FaultKind.POISON, FaultKind.NOTICE])
def test_trouble_leaves_no_session_behind_either(home: House, kind: FaultKind) -> None:
    home.glpi.order(Fault(kind, CREATE, times=3, text="CPU"))
    for event in range(101, 106):
        home.alert(event)
    home.until_calm()
    home.context.glpi.close()
    assert home.glpi.sessions() == []


def test_of_one_session_one_request_is_in_flight(home: House) -> None:
    client, inside, most = home.context.glpi, 0, 0
    client.login()
    ask = client._http.request

    def request(*args: Any, **how: Any) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.05)  # long enough for the others to come in
        answer = ask(*args, **how)
        inside -= 1
        return answer

    with mock.patch.object(client._http, "request", request), ThreadPoolExecutor(4) as threads:
        assert all(threads.map(lambda _: client.get("getMyProfiles"), range(8)))
    assert most == 1
