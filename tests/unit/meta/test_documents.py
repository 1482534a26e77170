"""The documents hold: links lead somewhere, lists are those of the code, a named test exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from glpi_bridge.alert import ALERT_FIELDS

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


def test_the_architecture_names_every_module() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    modules = {name.strip() for layer in layers for name in re.split(r"[|:]", layer)} - {"__main__", "model", "errors"}
    assert not sorted(name for name in modules if not re.search(rf"`{name}[`/]", page))
