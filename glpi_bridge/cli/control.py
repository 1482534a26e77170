"""pause and resume: a person's word that holds all writing, and takes it back."""

from __future__ import annotations

import os
import pwd
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.common import json_option, print_json, with_calm_settings

if TYPE_CHECKING:
    from glpi_bridge.config import Settings
    from glpi_bridge.store import Connection


@click.command()
@click.argument("reason", default="no reason given")
@json_option
@with_calm_settings
def pause(settings: Settings, reason: str, as_json: bool) -> None:
    """Hold all writing to GLPI and Zabbix, for REASON; alerts keep arriving and wait.

    Writes to the store. A pass that is under way ends the call it is in.
    """
    from glpi_bridge import build
    from glpi_bridge.context import PAUSED
    from glpi_bridge.store import Store, meta

    paused = {"why": reason, "by": _who(), "since": time.time()}
    with closing(Store(build.store_url(settings))) as store:
        store.write(meta.put, PAUSED, paused)
    if as_json:
        print_json({"paused": paused})
    else:
        click.echo(f"paused: {reason}; `glpi-bridge resume` goes on")


@click.command()
@json_option
@with_calm_settings
def resume(settings: Settings, as_json: bool) -> None:
    """Go on: ends a pause, a stop that a guard has ordered, and the waiting for a server that was down.

    Writes to the store. Where GLPI was restored from a backup use `adopt` instead: else the guard stops again.
    """
    from glpi_bridge import build
    from glpi_bridge.store import Store

    targets = ["GLPI", *(f"Zabbix {name}" for name in settings.zabbix)]
    with closing(Store(build.store_url(settings))) as store:
        was = store.write(_resume, targets, time.time())
    if as_json:
        print_json({"was": was})
        return
    for name, why in was.items():
        click.echo(f"no longer {name}: {why['why'] if isinstance(why, dict) else why}")
    click.echo("what waits is tried with the next pass" if was else "it was neither paused nor stopped")


def _who() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _resume(connection: Connection, targets: list[str], now: float) -> dict[str, Any]:
    """Take the words back; return what they were. A trouble stays noted, but is tried again at once."""
    from glpi_bridge.context import PAUSED, STOPPED
    from glpi_bridge.store import meta

    was = {}
    for name in (PAUSED, STOPPED):
        held = meta.get(connection, name)
        if held is not None:
            was[name] = held
            meta.put(connection, name, None)
    for target in targets:
        trouble = meta.get(connection, f"trouble {target}")
        if trouble is not None:
            meta.put(connection, f"trouble {target}", {**trouble, "until": now})
    return was
