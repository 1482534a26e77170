"""provision: bring GLPI to what its file says."""

from __future__ import annotations

import click

from glpi_bridge.cli.provision_glpi import glpi


@click.group()
def provision() -> None:
    """Bring GLPI to what its file says, by name; a second run changes nothing."""


provision.add_command(glpi)
