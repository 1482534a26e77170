"""provision zabbix: bring Zabbix to what zabbix.yml says, or take that away again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from glpi_bridge.cli.changes import tell
from glpi_bridge.cli.common import json_option, progress, with_calm_settings
from glpi_bridge.cli.zabbix_administrator import administrator_options, signed_in

if TYPE_CHECKING:
    from glpi_bridge.config import Settings
    from glpi_bridge.config import Zabbix as ZabbixSettings


@click.command("zabbix")
@click.option(
    "--zabbix",
    "wishes_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What Zabbix is to have. Default: zabbix.yml beside bridge.yml.",
)
@click.option("--source", help="Name of the Zabbix server in bridge.yml, where it names several.")
@click.option("--check", "is_check", is_flag=True, help="Only say what would be changed.")
@click.option("--diff", is_flag=True, help="Show each field before and after.")
@click.option("--remove", "is_removal", is_flag=True, help="Take away what this command made, and nothing else.")
@administrator_options
@json_option
@with_calm_settings
def zabbix(
    settings: Settings,
    /,
    wishes_file: Path | None,
    source: str | None,
    is_check: bool,
    diff: bool,
    is_removal: bool,
    admin: str | None,
    password_file: Path | None,
    admin_token_file: Path | None,
    as_json: bool,
) -> None:
    """Bring Zabbix to what zabbix.yml says: media type, user, token, action, templates.

    Writes to Zabbix, as a super admin, by name: a second run changes nothing, and what this command has not made is
    left alone, also where its name is taken. Makes the token file that bridge.yml names, with mode 0600. With --check
    nothing is written.
    """
    from glpi_bridge.admin.zabbix.provision import Place, provision, remove
    from glpi_bridge.admin.zabbix.wishes import load

    config: Path = click.get_current_context().obj
    wishes, document = load(wishes_file or config.parent / "zabbix.yml")
    name, server = _server(settings, source)
    with signed_in(server, admin, password_file, admin_token_file) as client, progress() as show:
        show("Zabbix is brought to what zabbix.yml says")
        place = Place(
            source=name,
            token=server.token_file,
            glpi=settings.glpi.front,
            whose_token=lambda token: _whose(server, token),
            health_host=server.health.host if server.health else None,
            maintenance=server.maintenance.token_file if server.maintenance else None,
        )
        if is_removal:
            changes = remove(client, wishes, place, is_check=is_check)
        else:
            changes = provision(client, wishes, document, place, is_check=is_check)
    tell(changes, is_check=is_check, diff=diff, as_json=as_json)


def _server(settings: Settings, source: str | None) -> tuple[str, ZabbixSettings]:
    """Return the server that is meant; a usage error where that is not clear."""
    known = list(settings.zabbix)
    if source is None and len(known) > 1:
        raise click.UsageError(f"bridge.yml names several Zabbix servers: say which by --source {' or '.join(known)}")
    name = source or known[0]
    if name not in settings.zabbix:
        raise click.UsageError(f"bridge.yml names no Zabbix server {name!r}, but {', '.join(known)}")
    return name, settings.zabbix[name]


def _whose(server: ZabbixSettings, token: str) -> str | None:
    """Prove a token by using it: name its user; None where Zabbix does not take it."""
    from glpi_bridge import build
    from glpi_bridge.errors import Held, Refused

    with build.zabbix(server, token=token) as client:
        try:
            return client.me().username
        except (Held, Refused):
            return None
