"""check tells of mails that are off, and of GLPI's automatic actions that do not run, as far as our account sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.admin import check_glpi
from glpi_bridge.glpi.locks import Tried, Verdict
from tests.integration.installation import Installation, installation

RUNNING, SOLVED, CLOSED, ROOT = 2, 5, 6, 0
BRIDGE_PROFILE, READ = 9, 1
ACTIONS = "GLPI automatic actions"


@pytest.fixture(params=["10.0.19", "11.0.6"])
def bridge(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setattr(check_glpi, "try_locks", lambda _make: Tried(Verdict.LOCKS, "assumed"))
    with installation(tmp_path, request.param) as made:
        made.zabbix.raise_problem("web01", "CPU is high", alert=False)
        yield made


def lines(bridge: Installation, thing: str, *, code: int = 0) -> list[tuple[str, str]]:
    found = bridge.json("check", code=code)["lines"]
    return [(one["state"], f"{one['text']} → {one['fix']}") for one in found if one["thing"] == thing]


def ago(**lasted: float) -> str:
    return (datetime.now(UTC) - timedelta(**lasted)).strftime("%Y-%m-%d %H:%M:%S")


def change(bridge: Installation, name: str, **fields: Any) -> None:
    with bridge.glpi.world.db.lock:
        table = bridge.glpi.world.db["CronTask"]
        table.update(next(id_ for id_ in table.ids if table.value(id_, "name") == name), fields)


def test_actions_that_only_an_administrator_sees_are_unknown_and_say_who_can_tell(bridge: Installation) -> None:
    [(state, said)] = lines(bridge, ACTIONS)
    assert state == "unknown"
    assert "its status page names none that is stuck" in said
    assert "provision glpi --check" in said


def test_actions_that_are_stuck_are_named_by_the_status_page(bridge: Installation) -> None:
    change(bridge, "closeticket", state=RUNNING, lastrun=ago(hours=30))
    [(state, said)] = lines(bridge, ACTIONS)
    assert (state, said.startswith("closeticket: stuck since long")) == ("warning", True)


def test_a_ticket_that_should_be_closed_long_since_tells_on_closeticket(bridge: Installation) -> None:
    people, db = bridge.glpi.people, bridge.glpi.world.db
    ticket = people.create(name="an end user's", content="theirs")
    people.solve(ticket)
    with db.lock:
        db["Entity"].update(ROOT, {"autoclose_delay": 3})
        db["Ticket"].update(ticket, {"solvedate": ago(days=12)})
    assert [state for state, _ in lines(bridge, ACTIONS)] == ["unknown"]
    with db.lock:
        db["Ticket"].update(ticket, {"solvedate": ago(days=14)})
    [(state, said)] = lines(bridge, ACTIONS)
    assert (state, f"ticket {ticket} is solved since" in said) == ("warning", True)
    assert "Root entity closes after 3d: closeticket does not run" in said
    with db.lock:
        db["Entity"].update(ROOT, {"autoclose_delay": -10})
    assert [state for state, _ in lines(bridge, ACTIONS)] == ["unknown"]


def test_an_account_that_may_read_them_is_told_when_they_last_ran(bridge: Installation) -> None:
    bridge.glpi.people.set_rights(BRIDGE_PROFILE, {"config": READ})
    for name in ("session", "closeticket", "queuednotification"):
        change(bridge, name, lastrun=ago(minutes=1))
    assert [state for state, _ in lines(bridge, ACTIONS)] == ["ok"]
    change(bridge, "session", lastrun=ago(days=400))
    [(state, said)] = lines(bridge, ACTIONS)
    assert (state, "automatic action session has not run since" in said) == ("warning", True)


def test_mails_that_are_off_are_a_warning(bridge: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    config = bridge.glpi.world.recorded.config
    for on, state in ((1, "ok"), (0, "warning")):
        monkeypatch.setitem(config, "use_notifications", on)
        monkeypatch.setitem(config, "notifications_mailing", on)
        assert [found for found, _ in lines(bridge, "GLPI mails")] == [state]


@pytest.mark.field("F48")
def test_a_category_that_is_not_for_incidents_is_told_with_its_line(bridge: Installation) -> None:
    db = bridge.glpi.world.db
    with db.lock:
        table = db["ITILCategory"]
        id_ = next(id_ for id_ in table.ids if table.value(id_, "completename") == "Monitoring > Disk")
        table.update(id_, {"is_incident": 0})
    bridge.write(rules="default:\n  category: Monitoring > Disk\n")
    [(state, said)] = [one for one in lines(bridge, "rules", code=1) if one[0] == "fault"]
    assert (state, "rules.yml:2: " in said) == ("fault", True)
    assert "is not for tickets of type incident in GLPI" in said
    bridge.write(rules="default:\n  category: Monitoring > Disk\n  type: request\n")
    assert [state for state, _ in lines(bridge, "rules")] == ["ok", "ok"]
