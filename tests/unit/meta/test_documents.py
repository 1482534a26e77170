"""The documents hold: links lead somewhere, lists are those of the code, a named test exists."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from glpi_bridge.alert import ALERT_FIELDS
from glpi_bridge.cli.main import main
from glpi_bridge.config import Settings
from glpi_bridge.model import Event, Level, Severity, Tag
from glpi_bridge.rules import Rules
from glpi_bridge.sandbox.demo import STORY

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_of_a_page_leads_to_a_file(page: Path) -> None:
    gone = [link for link in _LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not gone


def test_each_page_is_reached_from_the_index() -> None:
    index = (ROOT / "docs/index.md").read_text("utf-8")
    linked = {(ROOT / "docs" / link).resolve() for link in _LINK.findall(index)}
    assert {page for page in PAGES if "docs" in page.parts and page.name != "index.md"} <= linked


def test_no_page_has_an_open_placeholder() -> None:
    assert not [page for page in PAGES if re.search(r"@@|TODO|TBD|FIXME", page.read_text("utf-8"))]


def test_the_parameters_of_the_media_type_are_those_that_the_bridge_reads() -> None:
    page = (ROOT / "docs/how-to/first-zabbix.md").read_text("utf-8")
    shown = re.findall(r"^    (\w+)=(\{[A-Z.]+\})$", page, re.MULTILINE)
    assert dict(shown) == dict(ALERT_FIELDS)


def test_each_row_of_bad_input_names_tests_that_exist() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs/reference/bad-input.md").read_text("utf-8"))
    code = "\n".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    assert named
    assert not [name for name in named if f"def {name}(" not in code]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_architecture_names_every_module_and_shows_the_layers(project: dict[str, Any]) -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    assert "\n".join(f"    {layer}" for layer in layers) + "\n" in page
    modules = {name.strip() for layer in layers for name in re.split(r"[|:]", layer)} - {"__main__", "model", "errors"}
    assert not sorted(name for name in modules if not re.search(rf"`{name}[`/]", page))


def test_every_dependency_has_its_licence_named(project: dict[str, Any]) -> None:
    page = (ROOT / "docs/explanation/licences.md").read_text("utf-8")
    needed = [re.split(r"[<>=]", one)[0] for one in project["project"]["dependencies"]]
    assert not [name for name in needed if not re.search(rf"\b{name}\b", page)]


def test_the_rules_of_the_readme_do_what_it_says() -> None:
    shown = (ROOT / "README.md").read_text("utf-8").split("/etc/glpi-bridge/rules.yml`\n\n")[1]
    text = "\n".join(line[4:] for line in shown.split("\n\n")[0].splitlines())
    rules = Rules.parse(text)
    storage = Event("zabbix", "1", host="db1", severity=Severity.HIGH, tags=(Tag("component", "storage"),))
    assert rules.route(storage).draft.category == "Monitoring > Disk"
    assert rules.route(replace(storage, tags=())).draft.urgency is Level.VERY_HIGH
    assert rules.route(replace(storage, tags=(), host="web01")).draft.category == "Monitoring"


def test_the_settings_of_the_readme_are_whole() -> None:
    shown = (ROOT / "README.md").read_text("utf-8").split("<<'END'\n")[1].split("    END\n")[0]
    data = yaml.safe_load("\n".join(line[4:] for line in shown.splitlines()))
    assert Settings.from_mapping(data, secrets=False).zabbix.keys() == {"zabbix"}


def test_the_readme_shows_what_the_demo_says() -> None:
    """The lines of the story and the table's columns; ports and the machine's times differ."""
    page = (ROOT / "README.md").read_text("utf-8")
    for problem in STORY:
        assert f"    Zabbix: {problem.host}: {problem.name}\n" in page
        assert re.search(rf"\d +{problem.host}: {problem.name} +Monitoring > {problem.area} +\w", page)
    assert f"    {len(STORY) + 2} alerts, 0 lost, 0 duplicates\n" in page


def test_each_command_of_the_crontab_is_one_of_the_bridge() -> None:
    lines = (ROOT / "config/cron/glpi-bridge").read_text("utf-8").splitlines()
    jobs = [line for line in lines if re.match(r"[*\d]", line)]
    assert all(line.split()[5] == "glpi-bridge" for line in jobs)
    called = {name for line in jobs for name in re.findall(r"glpi-bridge (\w+)", line.split(maxsplit=6)[-1])}
    assert {"deliver", "sync"} <= called <= set(main.list_commands(click.Context(main)))
