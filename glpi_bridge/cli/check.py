"""check: what works, and what to do about the rest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from glpi_bridge.admin.finding import Line, State
from glpi_bridge.cli.common import json_option, print_json, set_up_log
from glpi_bridge.text import counted

_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.FAULT: "red", State.UNKNOWN: "cyan"}


@click.command()
@click.option("--ticket", "with_ticket", is_flag=True, help="Make a real ticket, read it back, solve and close it.")
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    help="Where the alert script lies, if not at Zabbix's usual places.",
)
@json_option
@click.pass_context
def check(ctx: click.Context, /, with_ticket: bool, script: Path | None, as_json: bool) -> None:
    """Say of each thing whether it works, one line a thing, with the fix where it does not. Exit code 1 on a fault.

    Looks at settings, secrets, rules, spool, store, alert script, and asks GLPI and each Zabbix. Writes nothing; the
    trial of GLPI's session lock is a write that GLPI refuses. With --ticket one ticket is made in GLPI, solved, and
    closed, or removed where the profile may.
    """
    from glpi_bridge.admin.check import check as find

    set_up_log("error", "text")
    found: list[Line] = []
    for line in find(ctx.obj, script=script, with_ticket=with_ticket):
        found.append(line)
        if not as_json:
            _print(line)
    faults = sum(line.state is State.FAULT for line in found)
    warnings = sum(line.state is State.WARNING for line in found)
    if as_json:
        print_json({"ok": not faults, "faults": faults, "warnings": warnings, "lines": [asdict(one) for one in found]})
    else:
        click.echo(f"{len(found)} things looked at: {counted(faults, 'fault')}, {counted(warnings, 'warning')}")
    if faults:
        raise SystemExit(1)


def _print(line: Line) -> None:
    fix = f" → {line.fix}" if line.fix else ""
    click.echo(f"{click.style(f'{line.state:<8}', fg=_COLOURS[line.state])} {line.thing}: {line.text}{fix}")
