"""check tries each right by a call that changes nothing, and tells what GLPI refuses although the profile has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge import build, config
from glpi_bridge.admin import check_glpi
from glpi_bridge.admin.bridge_rights import wanted
from glpi_bridge.admin.check_rights import OF_PROBLEMS, RIGHTS, Right, Trials
from glpi_bridge.glpi import Glpi
from glpi_bridge.glpi.locks import Tried, Verdict
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from tests.integration.installation import Installation, installation

BRIDGE_USER, BRIDGE_PROFILE = 7, 9
CLOSED = 6
LOOK_UPS = ("logs", "itilcategory", "entity", "group", "user", "location", "dropdown")
NOT_TOLD = {"ticket: see all", "followup: see public", "followup: see private"}
"""GLPI leaves rows out without them."""
TOLD_BY_A_CALL = [
    *((right.name, right.bit) for right in (*RIGHTS, *OF_PROBLEMS) if right.shown not in NOT_TOLD),
    *((name, 1) for name in LOOK_UPS),
]


@pytest.fixture(params=["10.0.19", "11.0.6"])
def bridge(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """One with an open and a closed ticket and a Problem of the bridge's own, and the whole profile of `provision`."""
    monkeypatch.setattr(check_glpi, "try_locks", lambda _make: Tried(Verdict.LOCKS, "assumed"))
    with installation(tmp_path, request.param) as made:
        made.zabbix.raise_problem("web01", "CPU is high", alert=False)
        people = made.glpi.people
        people.set_rights(BRIDGE_PROFILE, wanted())
        for itemtype in ("Ticket", "Ticket", "Problem"):
            id_ = people.create(user=BRIDGE_USER, itemtype=itemtype, name="ours", content="ours")
            if id_ == 1 and itemtype == "Ticket":
                people.set_status(id_, CLOSED)
        people.create(name="an end user's", content="theirs")
        yield made


def signed_in(bridge: Installation) -> Glpi:
    client = build.glpi(config.load(bridge.path))
    client.login()
    return client


def refused(bridge: Installation, name: str, bit: int) -> str | None:
    client = signed_in(bridge)
    try:
        assert client.account is not None
        return Trials(client, client.account).refused(Right(name, bit, name, "nothing"))
    finally:
        client.close()


def tables(bridge: Installation) -> dict[str, Any]:
    db = bridge.glpi.world.db
    return {name: [db[name].full(id_) for id_ in db[name].ids] for name in ("Ticket", "Problem", "ITILFollowup", "Log")}


@pytest.mark.field("F12")
@pytest.mark.parametrize(("name", "bit"), TOLD_BY_A_CALL)
def test_a_call_tells_whether_there_is_the_right_and_changes_nothing(bridge: Installation, name: str, bit: int) -> None:
    before = tables(bridge)
    assert refused(bridge, name, bit) == ""
    bridge.glpi.people.set_rights(BRIDGE_PROFILE, {name: wanted()[name] & ~bit})
    assert "permission" in str(refused(bridge, name, bit))
    assert tables(bridge) == before


def said(bridge: Installation, state: str) -> str:
    lines = bridge.json("check", code=1 if state == "fault" else 0)["lines"]
    return "\n".join(
        f"{one['text']} → {one['fix']}"
        for one in lines
        if one["thing"].startswith("GLPI right") and one["state"] == state
    )


def test_all_rights_are_tried_and_those_that_no_call_tells_are_counted(bridge: Installation) -> None:
    bridge.write(rules="default: {category: Monitoring, group: Systems, problem_after: 5 in 7 days}\n")
    before = tables(bridge)
    assert 'profile "Bridge" has every right that is needed: 11 tried, 3 as the profile says' in said(bridge, "ok")
    assert tables(bridge) == before


@pytest.mark.field("F12")
def test_what_glpi_refuses_although_the_profile_has_the_right_is_told(bridge: Installation) -> None:
    bridge.glpi.order(Fault(FaultKind.ALL_FAILED, Match("POST", "Ticket"), times=None))
    told = said(bridge, "fault")
    assert 'profile "Bridge" in Root entity has `ticket: create`, yet GLPI refuses what it stands for' in told
    assert "no ticket can be made → look for a plugin" in told


def test_a_glpi_that_takes_the_trial_all_the_same_is_told_with_the_number(bridge: Installation) -> None:
    bridge.glpi.order(Fault(FaultKind.RULE, Match("POST", "Ticket"), times=1, values={"date": "2026-01-01 00:00:00"}))
    assert "GLPI took a Ticket without a right date: Ticket 4 was made → remove it by hand" in said(bridge, "warning")


@pytest.mark.field("F12")
def test_rights_that_only_these_rules_or_settings_use_are_asked_for(bridge: Installation) -> None:
    left = wanted()["ticket"] & ~(8192 | 65536)
    bridge.glpi.people.set_rights(BRIDGE_PROFILE, {"ticket": left, "problem": 1024 | 4, "logs": 0})
    bridge.write(rules="")
    assert "logs: read" in said(bridge, "warning")
    for shown in ("change priority", "ticket: assign", "problem: update"):
        assert shown not in said(bridge, "warning")
    bridge.write(rules="default: {group: Systems, problem_after: 5 in 7 days, extra: {priority: 6}}\n")
    for shown in ("change priority", "ticket: assign", "problem: update"):
        assert shown in said(bridge, "warning")
