"""What `check` says of mails, of GLPI's own automatic actions and of its clock, of a real GLPI that is made so."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge import config
from glpi_bridge.admin.check_actions import RELIED_ON, check_actions
from glpi_bridge.glpi import Glpi
from tests.live.bridge import Bridge
from tests.live.conftest import Account
from tests.live.way import Way

ACTIONS, MAILS, CLOCK = "GLPI automatic actions", "GLPI mails", "clock"
RUNNING, SOLVED, ROOT = 2, 5, 0


def told(bridge: Bridge, thing: str) -> list[tuple[str, str]]:
    """Return state and text of the lines of one thing."""
    ran = bridge.run("check", "--json")
    assert ran.returncode in {0, 1}, ran.stderr
    return [(one["state"], one["text"]) for one in json.loads(ran.stdout)["lines"] if one["thing"] == thing]


@contextmanager
def action(person: Account, name: str, **fields: Any) -> Iterator[None]:
    """Have an automatic action as if it had run so, and put it back."""
    [row] = person.get("CronTask", **{"searchText[name]": f"^{name}$"})
    before = {key: row[key] for key in fields}
    person.call("PUT", f"CronTask/{row['id']}", json={"input": fields})
    try:
        yield
    finally:
        person.call("PUT", f"CronTask/{row['id']}", json={"input": before})


@pytest.fixture
def ago(glpi: Glpi) -> Callable[[timedelta], str]:
    """Tells a time as GLPI's clock writes it."""
    return lambda lasted: glpi.from_utc(datetime.now(UTC) - lasted)


def test_an_action_that_is_stuck_is_named_by_the_status_page(
    bridge: Bridge, person: Account, ago: Callable[[timedelta], str]
) -> None:
    with action(person, "closeticket", state=RUNNING, lastrun=ago(timedelta(hours=30))):
        [(state, said)] = told(bridge, ACTIONS)
    assert (state, said.startswith("closeticket: stuck since long")) == ("warning", True)


@contextmanager
def closing_after(person: Account, days: int) -> Iterator[None]:
    """Have GLPI close what is solved in the root entity, as it would after these days."""
    before = person.get(f"Entity/{ROOT}")["autoclose_delay"]
    person.call("PUT", f"Entity/{ROOT}", json={"input": {"autoclose_delay": days}})
    try:
        yield
    finally:
        person.call("PUT", f"Entity/{ROOT}", json={"input": {"autoclose_delay": before}})


def test_a_ticket_that_should_be_closed_long_since_tells_on_closeticket(
    bridge: Bridge, person: Account, ago: Callable[[timedelta], str]
) -> None:
    ticket = person.add("Ticket", name=bridge.source, content="<p>theirs</p>", entities_id=ROOT)
    person.change(ticket, status=SOLVED)
    person.change(ticket, date=ago(timedelta(days=41)), solvedate=ago(timedelta(days=40)))
    try:
        with closing_after(person, 3):
            [(state, said)] = told(bridge, ACTIONS)
    finally:
        person.call("DELETE", f"Ticket/{ticket}", force_purge="true")
    assert (state, said.endswith("closes after 3d: closeticket does not run")) == ("warning", True)


def test_an_account_that_may_read_them_is_told_when_they_last_ran(
    bridge: Bridge, person: Account, new_glpi: Callable[..., Glpi], ago: Callable[[timedelta], str]
) -> None:
    administrator = new_glpi(Path(os.environ["GLPI_ADMIN_TOKEN_FILE"]))
    account = administrator.login()

    def found() -> list[tuple[str, str]]:
        lines = check_actions(config.load(bridge.settings), administrator, account, datetime.now(UTC))
        return [(line.state, line.text) for line in lines]

    with ExitStack() as ran:
        for name in (*RELIED_ON, "queuednotification"):
            ran.enter_context(action(person, name, lastrun=ago(timedelta(seconds=10))))
        assert [state for state, _ in found()] == ["ok"]
        with action(person, "session", lastrun=ago(timedelta(days=400))):
            [(state, said)] = found()
    assert (state, said.startswith("automatic action session has not run since")) == ("warning", True)


def set_mails(person: Account, *, on: bool) -> None:
    """Switch GLPI's mails; it answers that it refused, and does it."""
    value = int(on)
    with pytest.raises(AssertionError, match="ERROR_GLPI_UPDATE"):
        person.call("PUT", "Config/1", json={"input": {"use_notifications": value, "notifications_mailing": value}})


def test_whether_glpi_mails_anybody_is_told(bridge: Bridge, person: Account) -> None:
    before = person.get("getGlpiConfig")["cfg_glpi"]
    found = []
    try:
        for on in (False, True):
            set_mails(person, on=on)
            found += told(bridge, MAILS)
    finally:
        set_mails(person, on=str(before["use_notifications"]) == "1" and str(before["notifications_mailing"]) == "1")
    assert [(state, said.split(":")[0]) for state, said in found] == [("warning", "off"), ("ok", "on")]


def test_a_clock_that_is_ours_has_its_zone_named(bridge: Bridge, glpi: Glpi) -> None:
    assert glpi.account
    assert glpi.account.clock_offset is not None
    hours, minutes = divmod(abs(glpi.account.clock_offset) // timedelta(minutes=1), 60)
    [(state, said)] = told(bridge, CLOCK)
    assert (state, f"GLPI writes times as UTC{'-' if glpi.account.clock_offset < timedelta(0) else '+'}" in said) == (
        "ok",
        True,
    )
    assert f"{hours:02}:{minutes:02}" in said


def test_a_clock_that_is_a_year_ahead_is_a_fault(tmp_path: Path, source: str, way: Way) -> None:
    way.rewrites = lambda piece: re.sub(
        rb"(?<=\nDate: )(.{12})(\d{4})", lambda date: b"%s%d" % (date[1], int(date[2]) + 1), piece
    )
    [(state, said)] = told(Bridge(tmp_path, source, url=way.url), CLOCK)
    assert (state, said.endswith("ahead of ours")) == ("fault", True)
