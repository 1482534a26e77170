"""assets check: hosts whose tickets cannot be linked to an asset of GLPI."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.common import json_option, print_json, progress, with_settings
from glpi_bridge.text import counted

if TYPE_CHECKING:
    from glpi_bridge.admin.hosts import Standing
    from glpi_bridge.config import Settings


@click.group()
def assets() -> None:
    """Compare the hosts of Zabbix with the assets of GLPI."""


@assets.command()
@click.option("--all", "with_all", is_flag=True, help="List the hosts with exactly one asset too.")
@json_option
@with_settings
def check(settings: Settings, /, with_all: bool, as_json: bool) -> None:
    """List the hosts of Zabbix that have no asset in GLPI, or several between which nothing decides.

    Their tickets are made without a link. Asks each Zabbix for its enabled hosts and GLPI for its assets, as `assets`
    in bridge.yml says; changes nothing. Exit code 1 if such hosts are listed.
    """
    from glpi_bridge import build
    from glpi_bridge.admin.hosts import Match, standings

    found: list[Standing] = []
    with build.bridge(settings) as context, progress() as tick:
        look_up = context.assets
        if look_up is None:
            raise click.UsageError("`assets` is off in bridge.yml: tickets are linked to none")
        for name, source in context.sources.items():
            if source.zabbix is not None:
                for one in standings(look_up, name, source.zabbix):
                    tick(counted(len(found), "host"))
                    found.append(one)
        unreadable = sorted(look_up.unreadable.values())
    counts = Counter(one.match for one in found)
    listed = [one for one in found if with_all or one.match is not Match.ONE]
    if as_json:
        totals = {str(match): counts[match] for match in Match}
        print_json({"hosts": totals, "unreadable": unreadable, "listed": [_row(one) for one in listed]})
    else:
        for text in unreadable:
            click.echo(text, err=True)
        for one in listed:
            what = ", ".join(str(asset) for asset in one.found.assets) or one.found.trouble or "it states nothing"
            click.echo(f"{one.match:<8} {one.source}: {one.host}: {what}")
        click.echo(
            f"{counted(len(found), 'host')}: " + ", ".join(f"{counts[match]} with {match} asset" for match in Match)
        )
    if counts[Match.NONE] + counts[Match.SEVERAL]:
        raise SystemExit(1)


def _row(one: Standing) -> dict[str, Any]:
    assets_ = one.found.assets or one.found.several
    return {
        "source": one.source,
        "host": one.host,
        "name": one.name,
        "match": str(one.match),
        "assets": [{"itemtype": asset.itemtype, "id": asset.id, "name": asset.name} for asset in assets_],
        "why": one.found.trouble,
    }
