"""user, role, group: people and permissions of GLPI, by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.administrator import administrator_options, read_secret, signed_in, taken
from glpi_bridge.cli.changes import tell
from glpi_bridge.cli.common import json_option, print_json, with_calm_settings

if TYPE_CHECKING:
    from glpi_bridge.admin.glpi_desk import Desk
    from glpi_bridge.config import Settings

check_option = click.option("--check", "is_check", is_flag=True, help="Only say what would be changed.")
_ENTITY = "The entity by its path, as in `Operations > Lab`. Default: the root entity."


@click.group()
def user() -> None:
    """List, show, add or disable users of GLPI, or renew a token, as an administrator."""


@click.group()
def role() -> None:
    """List, show, grant or revoke roles in GLPI: a profile in an entity."""


@click.group()
def group() -> None:
    """List groups of GLPI, add and remove members."""


def _read(settings: Settings, given: dict[str, Any], reading: Callable[[Desk], Any]) -> Any:
    from glpi_bridge.admin.glpi_desk import Desk

    with signed_in(settings, taken(given)) as client:
        return reading(Desk(client, is_trial=True))


def _do(
    settings: Settings, given: dict[str, Any], deed: Callable[[Desk], None], *, is_check: bool, as_json: bool
) -> None:
    from glpi_bridge.admin.people import carry_out

    with signed_in(settings, taken(given)) as client:
        changes = carry_out(client, deed, is_check=is_check)
    tell(changes, is_check=is_check, diff=False, as_json=as_json)


@user.command("list")
@administrator_options
@json_option
@with_calm_settings
def list_users(settings: Settings, /, as_json: bool, **given: Any) -> None:
    """List the users: log-in name, whether active, real name, roles. Reads GLPI, changes nothing."""
    from glpi_bridge.admin import people

    found = _read(settings, given, people.users)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        held = ", ".join(f"{held.profile} in {held.entity}" for held in one.roles)
        name = f"{one.firstname} {one.realname}".strip()
        click.echo(f"{one.name:<20}{'active' if one.active else 'disabled':<10}{name:<24}{held}")


@user.command("show")
@click.argument("name")
@administrator_options
@json_option
@with_calm_settings
def show_user(settings: Settings, /, name: str, as_json: bool, **given: Any) -> None:
    """Show a user: e-mail addresses, groups, roles. Reads GLPI, changes nothing."""
    from glpi_bridge.admin import people

    one = _read(settings, given, lambda desk: people.user(desk, name))
    if as_json:
        print_json(asdict(one))
        return
    click.echo(f"{one.name}  {one.firstname} {one.realname}  {'active' if one.active else 'disabled'}")
    click.echo(f"e-mail  {', '.join(one.emails) or 'none'}")
    click.echo(f"groups  {', '.join(one.groups) or 'none'}")
    for held in one.roles:
        click.echo(f"role    {held.profile} in {held.entity}{' and below' if held.recursive else ''}")


@user.command("add")
@click.argument("name")
@click.option("--email", required=True, help="E-mail address, to which GLPI writes.")
@click.option("--realname", default="", help="Surname.")
@click.option("--firstname", default="", help="First name.")
@click.option("--profile", help="A profile to give. Default: the one GLPI gives by itself.")
@click.option("--entity", default="", help=_ENTITY)
@click.option("--password-file", "new_password_file", type=click.Path(path_type=Path, allow_dash=True),
              help="File (mode 0600) with the first password, `-` for standard input.")  # fmt: skip
@click.option("--ask-password", is_flag=True, help="Ask for the first password. Default: none, for LDAP and the like.")
@check_option
@administrator_options
@json_option
@with_calm_settings
def add_user(
    settings: Settings,
    /,
    name: str,
    new_password_file: Path | None,
    ask_password: bool,
    is_check: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Add a user; one that is there is left alone, but for a missing e-mail address or role.

    Writes to GLPI. A password comes from a prompt, a private file or standard input, never from the command line.
    """
    from glpi_bridge.admin import people

    own = {one: given.pop(one) for one in ("email", "realname", "firstname", "profile", "entity")}
    password = _password(name, new_password_file, ask=ask_password)

    def deed(desk: Desk) -> None:
        people.add_user(desk, name, **own, password=password)

    _do(settings, given, deed, is_check=is_check, as_json=as_json)


def _password(name: str, file: Path | None, *, ask: bool) -> str:
    if file is not None:
        return sys.stdin.readline().rstrip("\n") if str(file) == "-" else read_secret(file)
    if ask:
        return str(click.prompt(f"First password of {name}", hide_input=True, confirmation_prompt=True, err=True))
    return ""


@user.command("disable")
@click.argument("name")
@check_option
@administrator_options
@json_option
@with_calm_settings
def disable_user(settings: Settings, /, name: str, is_check: bool, as_json: bool, **given: Any) -> None:
    """Let a user sign in no more. Writes to GLPI; nothing is deleted.

    Refused for oneself, and for the last one who may manage profiles everywhere.
    """
    from glpi_bridge.admin import people

    _do(settings, given, lambda desk: people.disable_user(desk, name), is_check=is_check, as_json=as_json)


@user.command("token")
@click.argument("name")
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="New file for the token, made with mode 0600.",
)
@check_option
@administrator_options
@json_option
@with_calm_settings
def renew_token(settings: Settings, /, name: str, path: Path, is_check: bool, as_json: bool, **given: Any) -> None:
    """Give a user a new API token. Writes the file, then GLPI; the old token ends. The token is not printed."""
    from glpi_bridge.admin import people

    _do(settings, given, lambda desk: people.renew_token(desk, name, path), is_check=is_check, as_json=as_json)


@role.command("list")
@click.option("--user", "name", help="Only those of this user.")
@administrator_options
@json_option
@with_calm_settings
def list_roles(settings: Settings, /, name: str | None, as_json: bool, **given: Any) -> None:
    """List who has which profile in which entity. Reads GLPI, changes nothing."""
    from glpi_bridge.admin import people

    found = [one for one in _read(settings, given, people.roles) if name in {None, one.user}]
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        click.echo(f"{one.user:<20}{one.profile:<20}{one.entity}{' and below' if one.recursive else ''}")


@role.command("show")
@click.argument("profile")
@administrator_options
@json_option
@with_calm_settings
def show_role(settings: Settings, /, profile: str, as_json: bool, **given: Any) -> None:
    """Show a profile's rights, as sums of bits, and who has it. Reads GLPI, changes nothing."""
    from glpi_bridge.admin import people

    rights, held = _read(settings, given, lambda desk: (people.rights(desk, profile), people.roles(desk)))
    held = [one for one in held if one.profile == profile]
    if as_json:
        print_json({"profile": profile, "rights": rights, "held": [asdict(one) for one in held]})
        return
    for name, total in sorted(rights.items()):
        click.echo(f"{name:<24}{total}")
    for one in held:
        click.echo(f"held by {one.user} in {one.entity}{' and below' if one.recursive else ''}")


@role.command("grant")
@click.argument("name", metavar="USER")
@click.argument("profile")
@click.option("--entity", default="", help=_ENTITY)
@click.option("--recursive/--no-recursive", default=True, show_default=True, help="Whether it holds below, too.")
@check_option
@administrator_options
@json_option
@with_calm_settings
def grant_role(
    settings: Settings,
    /,
    name: str,
    profile: str,
    entity: str,
    recursive: bool,
    is_check: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Give a user a profile in an entity. Writes to GLPI; nobody widens their own rights."""
    from glpi_bridge.admin import people

    def deed(desk: Desk) -> None:
        people.grant(desk, name, profile, entity, recursive=recursive)

    _do(settings, given, deed, is_check=is_check, as_json=as_json)


@role.command("revoke")
@click.argument("name", metavar="USER")
@click.argument("profile")
@click.option("--entity", default="", help=_ENTITY)
@check_option
@administrator_options
@json_option
@with_calm_settings
def revoke_role(
    settings: Settings, /, name: str, profile: str, entity: str, is_check: bool, as_json: bool, **given: Any
) -> None:
    """Take a profile in an entity from a user. Writes to GLPI; the last one who manages profiles keeps it."""
    from glpi_bridge.admin import people

    _do(settings, given, lambda desk: people.revoke(desk, name, profile, entity), is_check=is_check, as_json=as_json)


@group.command("list")
@administrator_options
@json_option
@with_calm_settings
def list_groups(settings: Settings, /, as_json: bool, **given: Any) -> None:
    """List the groups and their members. Reads GLPI, changes nothing."""
    from glpi_bridge.admin import people

    found = _read(settings, given, people.groups)
    if as_json:
        print_json([{"group": name, "members": members} for name, members in found.items()])
        return
    for name, members in found.items():
        click.echo(f"{name:<24}{', '.join(members)}")


@group.command("add-member")
@click.argument("name", metavar="GROUP")
@click.argument("member", metavar="USER")
@check_option
@administrator_options
@json_option
@with_calm_settings
def add_member(settings: Settings, /, name: str, member: str, is_check: bool, as_json: bool, **given: Any) -> None:
    """Put a user into a group. Writes to GLPI."""
    from glpi_bridge.admin import people

    _do(settings, given, lambda desk: people.add_member(desk, name, member), is_check=is_check, as_json=as_json)


@group.command("remove-member")
@click.argument("name", metavar="GROUP")
@click.argument("member", metavar="USER")
@check_option
@administrator_options
@json_option
@with_calm_settings
def remove_member(settings: Settings, /, name: str, member: str, is_check: bool, as_json: bool, **given: Any) -> None:
    """Take a user out of a group. Writes to GLPI."""
    from glpi_bridge.admin import people

    _do(settings, given, lambda desk: people.remove_member(desk, name, member), is_check=is_check, as_json=as_json)
