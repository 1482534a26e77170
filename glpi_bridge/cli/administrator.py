"""How commands sign in to GLPI as an administrator: by prompt or file, never by argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from glpi_bridge.config import Settings
    from glpi_bridge.errors import Held
    from glpi_bridge.glpi import Credentials, Glpi

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who signs in, and the files of the secrets; what is not given is asked for."""

    admin: str | None
    password_file: Path | None
    admin_token_file: Path | None
    app_token_file: Path | None


def administrator_options(command: Command) -> Command:
    """Give a command the options of an `Administrator`."""
    for option in (
        click.option(
            "--app-token-file", type=_FILE, help="File with an App-Token. Default: that of bridge.yml, if any."
        ),
        click.option("--admin-token-file", type=_FILE, help="File (mode 0600) with the administrator's API token."),
        click.option("--admin-password-file", "password_file", type=_FILE, help="File (mode 0600) with the password."),
        click.option("--admin", help="Log-in name of the administrator; name and password are asked for otherwise."),
    ):
        command = option(command)
    return command


def taken(given: dict[str, Any]) -> Administrator:
    """Take the options of an administrator out of a command's arguments."""
    return Administrator(**{name: given.pop(name) for name in Administrator.__dataclass_fields__})


@contextmanager
def signed_in(settings: Settings, who: Administrator) -> Iterator[Glpi]:
    """Open a session as the administrator and end it, also after an error."""
    from glpi_bridge.errors import Held

    credentials = _credentials(settings, who)
    client = client_of(settings, credentials)
    try:
        client.login()
    except Held as error:
        # a file that an earlier run wrote and GLPI never got
        if who.app_token_file or not credentials.app_token or "ERROR_WRONG_APP_TOKEN" not in str(error):
            raise _in_words(error, who) from error
        client = client_of(settings, without_app_token(credentials))
        client.login()
    try:
        yield client
    finally:
        client.close()


def _in_words(error: Held, who: Administrator) -> Held:
    """GLPI's words are the same for the bridge's account, whose advice does not fit here."""
    if "ERROR_GLPI_LOGIN" not in str(error):
        return error
    from glpi_bridge.errors import Held

    what = f"API token in {who.admin_token_file}" if who.admin_token_file else "log-in name or password"
    return Held(f"GLPI refuses the administrator's log-in: the {what} is not right, or the account is not active")


def client_of(settings: Settings, credentials: Credentials) -> Glpi:
    """Return a client of the GLPI of the settings with other credentials."""
    from glpi_bridge import build
    from glpi_bridge.glpi import Glpi

    return Glpi(settings.glpi.url, lambda: credentials, build.wire(settings.glpi, "GLPI"))


def without_app_token(credentials: Credentials) -> Credentials:
    """Return the same sign-in for an API client without App-Token."""
    from dataclasses import replace

    return replace(credentials, app_token="")


def _credentials(settings: Settings, who: Administrator) -> Credentials:
    from glpi_bridge.glpi import Credentials

    app_token = _app_token(settings, who)
    if who.admin_token_file is not None:
        return Credentials(user_token=read_secret(who.admin_token_file), app_token=app_token)
    login, password = asked_for(who.admin, who.password_file, "Administrator of GLPI")
    return Credentials(login=login, password=password, app_token=app_token)


def asked_for(login: str | None, password_file: Path | None, whom: str) -> tuple[str, str]:
    """Return log-in name and password; what was not given is asked for at a prompt."""
    login = login or str(click.prompt(whom, err=True))
    if password_file is not None:
        return login, read_secret(password_file)
    return login, str(click.prompt(f"Password of {login}", hide_input=True, err=True))


def _app_token(settings: Settings, who: Administrator) -> str:
    if who.app_token_file is not None:
        return read_secret(who.app_token_file)
    secret = settings.glpi.app_token_file
    return secret.read() if secret is not None and secret.trouble() is None else ""


def read_secret(path: Path) -> str:
    """Read a secret from a private file; raise SettingsError that says what is wrong with it."""
    from glpi_bridge.secret import Secret

    return Secret(str(path.absolute())).read()
