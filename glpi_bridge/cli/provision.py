"""provision: bring GLPI or Zabbix to what its file says."""

from __future__ import annotations

import click

from glpi_bridge.cli.provision_glpi import glpi
from glpi_bridge.cli.provision_zabbix import zabbix


@click.group()
def provision() -> None:
    """Bring GLPI or Zabbix to what its file says, by name; a second run changes nothing."""


provision.add_command(glpi)
provision.add_command(zabbix)
