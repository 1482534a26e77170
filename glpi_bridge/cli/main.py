"""The group of all commands. Each is loaded when it is called, so that `--help` imports nothing heavy."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from glpi_bridge import __version__

# command: (module in glpi_bridge.cli, function, one line for the list)
_COMMANDS = {
    "demo": ("demo", "demo", "See it work on this machine alone, without a GLPI and a Zabbix."),
    "check": ("check", "check", "Say what works and what to do about the rest, one line a thing."),
    "explain": ("explain", "explain", "Show which rule an event meets, and the ticket it would make."),
    "run": ("service", "run", "Run the service: deliver whenever something is new or due."),
    "deliver": ("service", "deliver", "Deliver once what waits, for cron."),
    "sync": ("service", "sync", "Ask Zabbix and GLPI what changed, once, for cron."),
    "status": ("status", "status", "Say how it stands: what waits, what needs a person."),
    "queue": ("queue", "queue", "List, show, retry or drop what waits."),
    "pause": ("control", "pause", "Hold all writing; alerts keep arriving."),
    "resume": ("control", "resume", "Go on after a pause or a stop."),
    "adopt": ("adopt", "adopt", "Read our markers in GLPI anew, after a restore or for a write in doubt."),
    "ticket": ("ticket", "ticket", "Create, show or list tickets from a shell."),
    "assets": ("assets", "assets", "List hosts of Zabbix without an asset in GLPI, or with several."),
    "itil": ("itil", "itil", "Problems of recurring incidents, and the Changes that end them."),
    "report": ("report", "report", "Write a page about the incidents of a time, with plots."),
    "provision": ("provision", "provision", "Bring GLPI to what its file says."),
    "user": ("people", "user", "List, show, add or disable users of GLPI, or renew a token."),
    "role": ("people", "role", "List, show, grant or revoke profiles in entities of GLPI."),
    "site": ("site", "site", "Make the portal and the panel for a web server."),
    "group": ("people", "group", "List groups of GLPI, add and remove members."),
}


class Commands(click.Group):
    """A group whose commands are imported when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order of the table above, which is that of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        module, function, _ = _COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f"glpi_bridge.cli.{module}"), function)
        assert isinstance(command, click.Command)  # noqa: S101 - the table is ours, a test walks it
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in _COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="glpi-bridge")
@click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("/etc/glpi-bridge/bridge.yml"),
    show_default=True,
    envvar="GLPI_BRIDGE_CONFIG",
    help="The settings (bridge.yml).",
)
@click.pass_context
def main(ctx: click.Context, path: Path) -> None:
    """One problem in Zabbix becomes one right ticket in GLPI, whatever fails in between."""
    ctx.obj = path
