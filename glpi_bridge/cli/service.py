"""The commands that do the work: run, deliver, sync."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glpi_bridge.cli.common import json_option, print_json, with_settings
from glpi_bridge.text import counted

if TYPE_CHECKING:
    from glpi_bridge.config import Settings
    from glpi_bridge.context import Context


@click.command()
@with_settings
def run(settings: Settings) -> None:
    """Run the service until SIGTERM.

    Takes alerts from the spool as they come, writes tickets to GLPI, notes to Zabbix, and asks both now and then what
    changed. SIGTERM ends it after the step at hand, SIGHUP rereads the settings.
    """
    from glpi_bridge import run as daemon
    from glpi_bridge.admin.health import Reporter

    path: Path = click.get_current_context().obj
    daemon.run(path, settings, Reporter().report)


@click.command()
@with_settings
def deliver(settings: Settings) -> None:
    """Deliver once what waits, and end: for cron, or started by the alert script.

    Writes to the store, to GLPI and to Zabbix. While another pass runs it ends at once with exit code 0.
    """
    from glpi_bridge import build

    with build.bridge(settings) as context:
        if not context.spool.pass_alone(lambda: _pass(context)):
            click.echo("another delivery pass is running; it takes what waits")


def _pass(context: Context) -> None:
    from glpi_bridge import deliver as delivery

    delivery.one_pass(context)


@click.command()
@json_option
@with_settings
def sync(settings: Settings, as_json: bool) -> None:
    """Ask Zabbix and GLPI what changed since last time, then deliver what follows from it: for cron.

    Reads both; writes facts to the store, and what is due to GLPI and Zabbix. Closes second tickets of one event.
    """
    from glpi_bridge import build
    from glpi_bridge import sync as reconciling
    from glpi_bridge.admin.health import Reporter

    with build.bridge(settings) as context:
        report = reconciling.sync(context)
        context.spool.pass_alone(lambda: _pass(context))
    Reporter().report(settings, time.time())
    if as_json:
        print_json(asdict(report))
    else:
        changed = counted(report.tickets, "ticket")
        click.echo(
            f"{counted(report.asked, 'event')} asked, {report.learned} learned, {report.unknown} unknown to Zabbix; "
            f"{report.adopted} adopted, {report.not_adopted} not adopted; {changed} changed in GLPI"
        )
    for failure in report.failed:
        click.echo(failure, err=True)
    if report.failed:
        raise SystemExit(1)
