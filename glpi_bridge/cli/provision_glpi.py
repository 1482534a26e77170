"""provision glpi: bring GLPI to what itil.yml says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.administrator import administrator_options, client_of, signed_in, taken
from glpi_bridge.cli.changes import tell
from glpi_bridge.cli.common import json_option, progress, with_calm_settings

if TYPE_CHECKING:
    from glpi_bridge.config import Settings


@click.command("glpi")
@click.option(
    "--itil",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What GLPI is to have. Default: itil.yml beside bridge.yml.",
)
@click.option("--check", "is_check", is_flag=True, help="Only say what would be changed.")
@click.option("--diff", is_flag=True, help="Show each field before and after.")
@administrator_options
@json_option
@with_calm_settings
def glpi(settings: Settings, /, itil: Path | None, is_check: bool, diff: bool, as_json: bool, **given: Any) -> None:
    """Bring GLPI to what itil.yml says: categories, people, profile, account, tokens.

    Writes to GLPI, as an administrator, by name: what exists is taken over, nothing is deleted or renamed, a second run
    changes nothing. Makes the token files that bridge.yml names, with mode 0600. With --check nothing is written.
    Automatic actions of itil.yml that GLPI does not run are told on stderr.
    """
    from glpi_bridge.admin import automatic_actions
    from glpi_bridge.admin.itil_settings import load
    from glpi_bridge.admin.provision_account import Account
    from glpi_bridge.admin.provision_glpi import provision

    config: Path = click.get_current_context().obj
    wanted, document = load(itil or config.parent / "itil.yml")
    with signed_in(settings, taken(given)) as client, progress() as show:
        show("GLPI is brought to what itil.yml says")
        account = Account(
            token_file=settings.glpi.user_token_file.path,
            app_token_file=settings.glpi.app_token_file.path if settings.glpi.app_token_file else None,
            app_token=client.app_token,
            sign_in=lambda credentials: client_of(settings, credentials),
        )
        changes = provision(client, wanted, document, account, is_check=is_check)
        asleep = list(automatic_actions.asleep(client, wanted.automatic_actions, datetime.now(UTC)))
    tell(changes, is_check=is_check, diff=diff, as_json=as_json)
    for text in asleep:
        click.echo(text, err=True)
    if asleep:
        click.echo("a cron job must call GLPI's front/cron.php every minute, as the web server's user", err=True)
