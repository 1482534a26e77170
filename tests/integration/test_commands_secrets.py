"""Over all commands: no secret in sight, no session left behind."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from tests.integration.installation import Installation, installation
from tests.suite import WHOLE

COMMANDS = [
    ["check", "--ticket"],
    ["check", "--ticket", "--json"],
    ["explain", "1"],
    ["explain", "1", "--json"],
    ["explain", "--host", "x"],
    ["deliver"],
    ["sync"],
    ["sync", "--json"],
    ["status"],
    ["status", "--json"],
    ["queue", "list", "--json"],
    ["queue", "show", "1"],
    ["queue", "retry", "all"],
    ["queue", "drop", "1", "--yes"],
    ["pause"],
    ["resume"],
    ["adopt"],
    ["adopt", "--json"],
    ["ticket", "create", "--title", "x"],
    ["ticket", "show", "1"],
    ["ticket", "list"],
]


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path) as made:
        made.write(level="debug")
        yield made


def tokens(bridge: Installation) -> set[str]:
    """Every secret there is: of files, and of sessions that were ever open."""
    sessions = {str(call.session) for call in bridge.glpi.log if call.session}
    return {bridge.glpi.user_token, bridge.glpi.app_token, bridge.zabbix.token} | sessions


def refused(bridge: Installation) -> None:
    """Let the log-in, or a call, fail in different ways."""
    for kind in (FaultKind.LOGIN_PAGE, FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.UNAUTHORIZED):
        bridge.glpi.order(Fault(kind, Match("POST|GET|PUT"), times=1))


@pytest.mark.field("F77")
@pytest.mark.field("F44")
@pytest.mark.parametrize("faulty", [False, True])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_a_secret_or_leaves_a_session(
    bridge: Installation, command: list[str], faulty: bool, caplog: pytest.LogCaptureFixture
) -> None:
    bridge.alert("1")
    bridge.zabbix.raise_problem("web01", "CPU is high", alert=False)
    bridge.ok("deliver")
    bridge.recovery("1")
    if faulty:
        refused(bridge)
    with caplog.at_level(logging.DEBUG):
        result = bridge.run(*command)
    bridge.glpi.cancel()
    shown = result.output + repr(result.exception) + caplog.text
    for token in tokens(bridge):
        assert token not in shown
    assert "Traceback" not in shown
    assert result.exception is None or isinstance(result.exception, SystemExit)
    if not faulty:
        assert bridge.glpi.sessions() == []


@pytest.mark.field("F44")
def test_a_thousand_alerts_and_their_cron_passes_leave_no_session(bridge: Installation) -> None:
    bridge.write()
    passes = 100 if WHOLE in os.environ else 20
    for number in range(1, 1001):
        bridge.alert(str(number))
        if number % (1000 // passes) == 0:
            bridge.ok("deliver")
    assert len(bridge.glpi.tickets()) == 1000
    assert bridge.glpi.sessions() == []


@pytest.mark.field("F44")
def test_sessions_end_after_a_refusal_too(bridge: Installation) -> None:
    for command in (["ticket", "show", "99"], ["ticket", "list", "--category", "No"], ["adopt", "--ticket", "4"]):
        assert bridge.run(*command).exit_code == 1
    assert bridge.glpi.sessions() == []
