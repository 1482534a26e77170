"""All commands: each loads, has help that says what it touches, stands in the reference; help imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from glpi_bridge.cli import main
from tests.unit.cli import reference

COMMANDS = dict(reference.commands(main))
TOUCHES = ("write", "reads", "changes", "calls nobody", "moves", "deletes")
HEAVY = ("sqlalchemy", "alembic", "requests", "pydantic", "jinja2", "yaml", "rich", "glpi_bridge.config")


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_each_command_has_help_and_says_what_it_touches(names: tuple[str, ...]) -> None:
    command = COMMANDS[names]
    assert command.help
    if not isinstance(command, click.Group) and names != ("demo",):
        assert any(word in command.help.lower() for word in TOUCHES), command.help
    result = CliRunner().invoke(main, [*names, "--help"])
    assert result.exit_code == 0
    assert command.help.split()[0] in result.output


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_each_option_has_help_or_says_its_choices(names: tuple[str, ...]) -> None:
    for one in COMMANDS[names].params:
        if isinstance(one, click.Option):
            assert one.help or isinstance(one.type, click.Choice), one.name


def test_the_reference_is_what_the_commands_say() -> None:
    written = reference.DOCUMENT.read_text("utf-8")
    assert written == reference.document(), "run: python -m tests.unit.cli.reference"


def test_the_line_of_the_list_is_that_of_the_commands() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output
    for names in COMMANDS:
        if len(names) == 1:
            assert f"  {names[0]} " in listed


def test_no_help_imports_what_only_a_run_needs() -> None:
    code = f"""
import sys
from glpi_bridge.cli import main
for names in {[[], *map(list, COMMANDS)]!r}:
    if names != ["demo"]:
        main([*names, "--help"], standalone_mode=False)
        assert not [name for name in {HEAVY!r} if name in sys.modules], names
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_choices_of_commands_are_those_of_what_they_call() -> None:
    from glpi_bridge.admin.adopt import Missing
    from glpi_bridge.admin.ticket import ALL_STATUSES

    assert choices("adopt", "missing") == set(Missing)
    assert choices("ticket", "list", "status") == set(ALL_STATUSES)


def choices(*names: str) -> set[str]:
    *command, option = names
    found = next(one for one in COMMANDS[tuple(command)].params if one.name == option)
    assert isinstance(found.type, click.Choice)
    return set(found.type.choices)


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["status", "--nonsense"], ["queue", "nonsense"], ["queue", "show"]]
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


@pytest.mark.parametrize(
    "names",
    [
        names
        for names, command in COMMANDS.items()
        if names[0] not in {"demo", "explain", "check", "site"} and not isinstance(command, click.Group)
    ],
    ids=" ".join,
)
def test_missing_settings_are_told_in_words_by_each_command(names: tuple[str, ...]) -> None:
    arguments = ["1" for one in COMMANDS[names].params if isinstance(one, click.Argument) and one.required]
    required = [one for one in COMMANDS[names].params if isinstance(one, click.Option) and one.required]
    options = [word for one in required for word in (one.opts[0], "x")]
    result = CliRunner().invoke(main, ["-c", "/nonexistent/bridge.yml", *names, *arguments, *options])
    assert result.exit_code == 1
    assert "/nonexistent/bridge.yml" in result.output
    assert isinstance(result.exception, SystemExit)
