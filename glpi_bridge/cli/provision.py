"""provision: bring GLPI and Zabbix to what the files say."""

from __future__ import annotations

import click

from glpi_bridge.cli.provision_glpi import glpi


@click.group()
def provision() -> None:
    """Bring GLPI or Zabbix to what their files say, by name; a second run changes nothing."""


provision.add_command(glpi)
