"""The reference of commands, made from the commands themselves: `python -m tests.unit.cli.reference` writes it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from glpi_bridge.cli import main

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "commands.md"

INTRO = """\
# Commands

`glpi-bridge [-c FILE] COMMAND …`. Each command has `--help`; this page says the same, and a test holds it to the code.

* `-c FILE`, `--config FILE` names the settings (default `/etc/glpi-bridge/bridge.yml`; `$GLPI_BRIDGE_CONFIG` too).
* `--json` prints JSON instead of text, on standard output; what is said besides goes to standard error.
* Exit codes: 0 done, 1 something failed or needs a person, 2 wrong usage.
* A command that opens the store under another user than its owner refuses and names that user: a file that root had
  made could not be opened by the service. `explain` with facts and `check` before the first start need no store.
* Every session that a command opens in GLPI is ended with it, also after an error. Secrets are never printed.
"""


def commands(group: click.Group, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Walk all commands, groups before their members."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))


def document() -> str:
    """The page as it should be."""
    parts = [INTRO]
    for names, command in commands(main):
        parts.append("\n".join(section(names, command)))
    return "\n".join(parts)


def section(names: tuple[str, ...], command: click.Command) -> Iterator[str]:
    """One command."""
    level = "##" if len(names) == 1 else "###"
    yield f"{level} {' '.join(names)}"
    yield ""
    arguments = " ".join(
        (
            f"[{one.make_metavar(click.Context(command))}]"
            if not one.required
            else one.make_metavar(click.Context(command))
        )
        .replace("[[", "[")
        .replace("]]", "]")
        for one in command.params
        if isinstance(one, click.Argument)
    )
    if not isinstance(command, click.Group):
        options = [one for one in command.params if isinstance(one, click.Option)]
        yield "    " + " ".join(
            ["glpi-bridge", *names, *(["[OPTIONS]"] if options else []), *([arguments] if arguments else [])]
        )
        yield ""
    yield inspect.cleandoc(command.help or "")
    yield ""
    rows = list(options_of(command))
    if rows:
        yield "| option | meaning |"
        yield "|---|---|"
        yield from rows
        yield ""


def options_of(command: click.Command) -> Iterator[str]:
    """The rows of a command's options."""
    for one in command.params:
        if not isinstance(one, click.Option) or one.hidden:
            continue
        flags = ", ".join(f"`{flag}`" for flag in (*one.opts, *one.secondary_opts))
        choices = ""
        if isinstance(one.type, click.Choice):
            choices = "; one of " + ", ".join(f"`{choice}`" for choice in one.type.choices)
        shown = f"; default `{one.default}`" if one.show_default else ""
        yield f"| {flags} | {(one.help or '').rstrip('.').replace('|', chr(92) + '|')}{choices}{shown} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
