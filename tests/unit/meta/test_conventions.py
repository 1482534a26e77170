"""Conventions that hold in every file of the checkout; the failure names file and line."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

import glpi_bridge

ROOT = Path(__file__).resolve().parents[3]
_NOT_OURS = {".git", ".venv", "__pycache__", "node_modules", "dist", "build"}
_RECORDED = (
    ROOT / "tests" / "contract" / "recordings",
    ROOT / "tests" / "contract" / "zabbix-7.0",
    ROOT / "glpi_bridge" / "sandbox" / "glpi" / "data",
)
_TEXT = {"", ".py", ".sh", ".md", ".yml", ".yaml", ".toml", ".j2", ".service", ".timer", ".example", ".conf", ".json"}


def files(*suffixes: str) -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if any(part in _NOT_OURS or part.endswith("_cache") or part == ".hypothesis" for part in parts):
            continue
        if path.suffix in (suffixes or _TEXT) and path.is_file() and not any(map(path.is_relative_to, _RECORDED)):
            yield path


def assert_none(found: list[str]) -> None:
    assert not found, "\n".join(["", *found])


def breaches(pattern: str, *suffixes: str, but: Callable[[Path, str], bool] = lambda _path, _found: False) -> list[str]:
    """List where a pattern is found, as `file:line: what`."""
    expression = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in files(*suffixes)
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for match in expression.finditer(line)
        if not but(path, match.group())
    ]


def _modules() -> list[str]:
    walked = pkgutil.walk_packages(glpi_bridge.__path__, "glpi_bridge.")
    return [one.name for one in walked if ".migrations" not in one.name and not one.name.endswith("__main__")]


@pytest.mark.parametrize("name", _modules())
def test_every_module_and_everything_public_in_it_says_what_it_is_for(name: str) -> None:
    module = import_module(name)
    silent = [] if (module.__doc__ or "").strip() else [name]
    for called, one in vars(module).items():
        if called.startswith("_") or getattr(one, "__module__", None) != name:
            continue
        if inspect.isclass(one) or inspect.isfunction(one):
            silent += [] if (one.__doc__ or "").strip() else [f"{name}.{called}"]
    assert_none(silent)


_EXCEPTION = re.compile(
    r"#\s*(noqa|type: ignore)(?::\s*|\[)(?P<codes>[A-Za-z0-9, -]+?)\]?(?P<rest>$|\s+.*$|[^A-Za-z0-9, \]-].*$)"
)
_REASON = re.compile(r"\w{2,}.*\w{2,}")


def _unreasoned(path: Path) -> Iterator[str]:
    """A rule that is set aside needs its reason where the file first does so; repeats of it need none."""
    given: set[str] = set()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not re.search(r"#\s*(noqa|type: ignore)", line):
            continue
        match = _EXCEPTION.search(line)
        if match is None:
            yield f"{path.relative_to(ROOT)}:{number}: name the rule that is set aside"
            continue
        codes = {code.strip() for code in match["codes"].split(",")}
        if _REASON.search(match["rest"]):
            given |= codes
        elif codes - given:
            yield f"{path.relative_to(ROOT)}:{number}: say why {', '.join(sorted(codes - given))} is set aside"


def test_every_rule_that_is_set_aside_has_its_reason_beside_it() -> None:
    own = [path for path in files(".py") if path != Path(__file__)]
    assert_none([breach for path in own for breach in _unreasoned(path)])


def test_no_file_holds_what_looks_like_a_secret() -> None:
    long_hex = r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{32,}\b"
    keys = r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_\w{20,}|\bAKIA[0-9A-Z]{16}\b"

    def made_up(path: Path, found: str) -> bool:
        places = (ROOT / "tests" / "unit" / "tls", ROOT / "config" / "zabbix")  # Zabbix's exports are full of UUIDs
        return len(set(found)) < 6 or any(path.is_relative_to(place) for place in places)

    assert_none(breaches(f"{long_hex}|{keys}", *_TEXT, ".pem", but=made_up))


def test_no_file_names_a_place_of_the_machine_it_was_written_on() -> None:
    assert_none(breaches(r"/work/|/root/\.|/home/[a-z]|/tmp/[A-Za-z0-9_-]+"))


def test_tests_wait_for_what_they_wait_for_and_never_just_sleep() -> None:
    """A loop that looks again may sleep between its looks; a sleep on its own line of a test may not."""
    found = []
    for path in files(".py"):
        if path.name.startswith("test_"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    found += [f"{path.relative_to(ROOT)}:{one.lineno}" for one in node.body if _sleeps(one)]
    assert_none(found)


def _sleeps(statement: ast.stmt) -> bool:
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    called = statement.value.func
    return isinstance(called, ast.Attribute) and called.attr == "sleep"
