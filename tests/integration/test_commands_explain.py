"""explain: by facts without any file but the rules, by event id from the store or Zabbix; writes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from glpi_bridge import share
from glpi_bridge.cli import main
from tests.integration.installation import Installation, installation

RULES = """\
timezone: UTC
rules:
- {name: quiet, match: {host: "test*"}, ignore: nobody looks at them}
- name: night
  match: {severity: high+, time: "22:00-06:00"}
  reopen_window: always
  category: Night
- name: storage
  match: {tag: {component: storage}}
  category: Monitoring > Disk
  reopen_window: 0
  hold_off: 5m
default:
  category: Monitoring
"""


@pytest.fixture
def rules(tmp_path: Path) -> str:
    (tmp_path / "r.yml").write_text(RULES)
    return str(tmp_path / "r.yml")


def explained(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["-c", "/nonexistent/bridge.yml", "explain", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_of_the_readme_names_rule_and_ticket_without_a_network_or_settings() -> None:
    rules = str(share.path("config", "rules.yml"))
    facts = ["--host", "db1", "--severity", "high", "--tag", "component=storage"]
    said = explained(*facts, "--rules", rules)
    assert 'rules.yml:6 "storage"' in said
    assert "Monitoring > Disk" in said
    assert "{TRIGGER.ID}" not in said
    assert "db1" in said
    told = json.loads(explained(*facts, "--rules", rules, "--json"))
    assert told["ticket"]["groups"] == ["Storage team"]
    assert told["ticket"]["urgency"] == "high"


def test_it_says_why_earlier_rules_did_not_match(rules: str) -> None:
    said = explained("--host", "web1", "--severity", "warning", "--rules", rules)
    assert 'not             r.yml:3 "quiet": host' in said
    assert 'r.yml:4 "night": ' in said
    assert "default: no rule above matches" in said


def test_an_ignored_event_gets_no_ticket_and_the_reason(rules: str) -> None:
    said = explained("--host", "test7", "--rules", rules)
    assert "no ticket: nobody looks at them" in said
    assert json.loads(explained("--host", "test7", "--rules", rules, "--json"))["ignored"] == "nobody looks at them"


def test_the_time_of_the_event_counts_not_the_clock(rules: str) -> None:
    at = ["--severity", "high", "--rules", rules, "--at"]
    assert '"night"' in explained(*at, "2026-11-25 23:30+00:00").split("rule  ")[1].splitlines()[0]
    assert "default" in explained(*at, "2026-11-25 12:00+00:00").split("rule  ")[1].splitlines()[0]


@pytest.mark.field("F90")
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (["--tag", "component=storage"], "never: each time the problem comes back it gets a new ticket"),
        (["--severity", "high", "--at", "2026-11-25 23:30+00:00"], "always: the same ticket is reopened"),
        (["--host", "x"], "within 1h of its end the same ticket is reopened, later it gets a new ticket"),
    ],
)
def test_the_reopen_window_is_told_in_words(rules: str, facts: list[str], words: str) -> None:
    assert words in explained(*facts, "--rules", rules)


def test_hold_off_and_sharing_are_told_in_words(rules: str) -> None:
    said = explained("--tag", "component=storage", "--rules", rules)
    assert "no ticket before it has lived for 5m" in said
    assert "the trigger's id" in said


def test_every_fact_reaches_the_rules(tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(
        'rules:\n- match: {host: h, host_group: g, template: t, trigger: "tr", item: i, origin: internal, source: s}\n'
        "  title: all\n"
    )
    said = explained(
        "--host", "h", "--group", "g", "--template", "t", "--trigger", "tr", "--item", "i", "--origin", "internal",
        "--source", "s", "--rules", str(tmp_path / "r.yml"),
    )  # fmt: skip
    assert "rule 1" in said.split("rule  ")[1].splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either EVENTID or facts"),
        (["7", "--host", "x"], "give either EVENTID or facts"),
        (["--severity", "hihg"], "is not a severity of Zabbix"),
        (["--host", "x", "--at", "yesterday"], "is not a time"),
        (["--host", "x", "--rules", "/nonexistent"], "does not exist"),
    ],
)
def test_wrong_arguments_are_told(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(main, ["explain", *arguments])
    assert result.exit_code == 2
    assert words in result.output


def test_without_rules_and_settings_the_missing_file_is_named() -> None:
    result = CliRunner().invoke(main, ["-c", "/nonexistent/bridge.yml", "explain", "--host", "x"])
    assert result.exit_code == 1
    assert "/nonexistent/bridge.yml" in result.output


# -- by event id ------------------------------------------------------------------------------------------------------


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "home") as made:
        yield made


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()


def test_an_event_of_the_store_is_explained_with_what_is_next_for_it(bridge: Installation) -> None:
    bridge.alert("1", event_name="Disk full", event_tagsjson='[{"tag":"component","value":"storage"}]')
    bridge.ok("deliver")
    asked = sum(bridge.zabbix.counts()["calls"].values())
    calls = len(bridge.glpi.log)
    told = bridge.json("explain", "1")
    assert told["known_from"].startswith("the store")
    assert told["rule"] == 'rules.yml:2 "storage"'
    assert told["ticket"]["title"] == "web01: Disk full"
    assert told["due"] == "incident 1, ticket 1; next: open in Zabbix and in GLPI"
    assert "Disk full" in bridge.ok("explain", "1", "--source", "zabbix")
    assert sum(bridge.zabbix.counts()["calls"].values()) == asked
    assert len(bridge.glpi.log) == calls


def test_an_event_that_only_zabbix_knows_is_asked_there_and_nothing_is_written(bridge: Installation) -> None:
    eventid = bridge.zabbix.raise_problem("db1", "Disk full", tags={"component": "storage"}, severity=4, alert=False)
    told = bridge.json("explain", eventid)
    assert told["known_from"] == "Zabbix zabbix"
    assert told["rule"] == 'rules.yml:2 "storage"'
    assert told["event"]["host"] == "db1"
    assert not (bridge.home / "bridge.db").exists()
    assert bridge.glpi.log == []


def test_an_event_that_nobody_knows_and_a_source_that_is_not_named_are_told(bridge: Installation) -> None:
    result = bridge.run("explain", "999")
    assert result.exit_code == 1
    assert "not known to the store, Zabbix zabbix" in result.output
    result = bridge.run("explain", "1", "--source", "paris")
    assert result.exit_code == 1
    assert 'no source "paris"' in result.output


def test_an_ignored_event_of_the_store_says_so(bridge: Installation) -> None:
    bridge.write(rules="rules:\n- {match: {host: web01}, ignore: being rebuilt}\n")
    bridge.alert("1")
    bridge.ok("deliver")
    assert "ignored by" in bridge.json("explain", "1")["due"]


def test_the_installed_command_explains_too(tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "glpi-bridge"
    argv = [str(command), "explain", "--host", "db1", "--rules", str(share.path("config", "rules.yml"))]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    assert "rule" in done.stdout
