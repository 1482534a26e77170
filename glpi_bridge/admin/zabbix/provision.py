"""Bring Zabbix to what zabbix.yml says: by name, twice the same as once; or take away what that made.

First everything is gone through without a write; only when nothing stands in the way is it done. What we have not made
is left alone, also where it has the name we want.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glpi_bridge.admin.change import Change, ProvisionError
from glpi_bridge.admin.zabbix import action, media_type, rights, role, ticket_link, token, user, user_group
from glpi_bridge.admin.zabbix.desk import ACTION, MEDIA_TYPE, ROLE, SCRIPT, TOKEN, USER, USER_GROUP, Desk, Kind, Row
from glpi_bridge.admin.zabbix.token import WhoseToken
from glpi_bridge.admin.zabbix.wishes import Wishes
from glpi_bridge.document import Document
from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.secret import Secret
from glpi_bridge.zabbix import Zabbix

_KINDS = (MEDIA_TYPE, USER_GROUP, ROLE, USER, TOKEN, ACTION, SCRIPT)
METHODS = (
    *(f"{kind.api}.{verb}" for kind in _KINDS for verb in ("get", "create", "update", "delete")),
    *("token.generate", "hostgroup.get"),
)
"""What an administrator's role has to allow."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where this is done: the name of this Zabbix in bridge.yml, its token's file, GLPI's front end."""

    source: str
    token: Secret
    glpi: str
    whose_token: WhoseToken


def provision(zabbix: Zabbix, wishes: Wishes, document: Document, place: Place, *, is_check: bool) -> list[Change]:
    """Return what was changed (with `is_check`: would be); raise before the first change if something is in the way.

    SettingsError names lines of zabbix.yml, ProvisionError what is wrong in Zabbix or with the administrator's rights.
    """
    return _twice(zabbix, lambda desk: _Run(desk, wishes, document, place).all(), is_check=is_check)


def remove(zabbix: Zabbix, wishes: Wishes, place: Place, *, is_check: bool) -> list[Change]:
    """Take away what `provision` made, in the order in which things let go of each other; return what."""
    return _twice(zabbix, lambda desk: _remove(desk, wishes, place), is_check=is_check)


def _twice(zabbix: Zabbix, run: Callable[[Desk], list[Fault]], *, is_check: bool) -> list[Change]:
    rights.examine(zabbix, METHODS)
    trial = Desk(zabbix, is_trial=True)
    if lines := run(trial):
        raise SettingsError(sorted(lines, key=lambda fault: fault.line))
    if trial.faults:
        raise ProvisionError(trial.faults)
    if is_check or not trial.changes:
        return trial.changes
    real = Desk(zabbix, is_trial=False)
    run(real)
    return real.changes


class _Run:
    def __init__(self, desk: Desk, wishes: Wishes, document: Document, place: Place) -> None:
        self.desk, self.wishes, self.document, self.place = desk, wishes, document, place

    def all(self) -> list[Fault]:
        """Go through zabbix.yml in the order in which things hang on each other; return faults of the file."""
        desk, wishes, name = self.desk, self.wishes, self.wishes.name
        groups, missing = user_group.host_groups(desk, wishes.host_groups)
        lines = [self._unknown(one) for one in missing]
        medium = media_type.provide(desk, name, wishes.media_type, self.place.source)
        user_group.provide(desk, name, name, groups, wishes.rights)
        role.provide(desk, name, name)
        account = user.provide(desk, name, medium)
        token.provide(desk, name, account, self.place.token, self.place.whose_token)
        action.provide(desk, name, groups, wishes.action, account, medium)
        ticket_link.provide(desk, self._link())
        return lines

    def _unknown(self, group: str) -> Fault:
        path = ("host_groups", self.wishes.host_groups.index(group))
        return user_group.unknown(self.desk, group, self.document, path)

    def _link(self) -> str | None:
        wish = self.wishes.ticket_link
        return None if wish == "off" else ticket_link.address(wish, self.place.glpi, self.place.source)


def _remove(desk: Desk, wishes: Wishes, place: Place) -> list[Fault]:
    name = wishes.name
    medium = media_type.ours(desk, name)
    account = user.ours(desk, name, str(medium["mediatypeid"]) if medium else None)
    groups, _ = user_group.host_groups(desk, wishes.host_groups)
    if account is not None:
        action.forbid_others(desk, name)
    # looked up before the first is gone: ours are told from others' by what holds them
    found: tuple[tuple[Kind, str, Row | None], ...] = (
        (SCRIPT, ticket_link.NAME, ticket_link.ours(desk)),
        (ACTION, name, action.ours(desk, name)),
        (TOKEN, name, token.ours(desk, name, str(account["userid"])) if account else None),
        (USER, name, account),
        (USER_GROUP, name, user_group.ours(desk, name, name, groups, wishes.rights)),
        (ROLE, name, role.ours(desk, name, name)),
        (MEDIA_TYPE, name, medium),
    )
    path = token.file_of(place.token, name, place.whose_token)
    for kind, called, row in found:
        if row is not None:
            desk.remove(kind, called, row)
    if path is not None and not desk.is_trial:
        path.unlink()
    return []
