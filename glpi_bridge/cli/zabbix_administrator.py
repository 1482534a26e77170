"""How commands sign in to Zabbix as an administrator: by prompt or file, never by argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from glpi_bridge.cli.administrator import asked_for, read_secret

if TYPE_CHECKING:
    from glpi_bridge.config import Zabbix as ZabbixSettings
    from glpi_bridge.zabbix import Zabbix

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)


def administrator_options(command: Command) -> Command:
    """Give a command the options of a super admin's sign-in."""
    for option in (
        click.option("--admin-token-file", type=_FILE, help="File (mode 0600) with a super admin's API token."),
        click.option("--admin-password-file", "password_file", type=_FILE, help="File (mode 0600) with the password."),
        click.option("--admin", help="Log-in name of a super admin; name and password are asked for otherwise."),
    ):
        command = option(command)
    return command


@contextmanager
def signed_in(
    settings: ZabbixSettings, admin: str | None, password_file: Path | None, admin_token_file: Path | None
) -> Iterator[Zabbix]:
    """Give a client that is signed in as the administrator; a session that was opened is ended, also after an error."""
    from glpi_bridge import build

    if admin_token_file is not None:
        with build.zabbix(settings, token=read_secret(admin_token_file)) as zabbix:
            yield zabbix
        return
    login, password = asked_for(admin, password_file, "Super admin of Zabbix")
    with build.zabbix(settings, token="-") as zabbix:  # noqa: S106 - none yet
        zabbix.log_in(login, password)
        try:
            yield zabbix
        finally:
            zabbix.log_out()
