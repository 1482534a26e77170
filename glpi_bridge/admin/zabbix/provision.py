"""Bring Zabbix to what zabbix.yml says: by name, twice the same as once; or take away what that made.

First everything is gone through without a write; only when nothing stands in the way is it done. What we have not made
is left alone, also where it has the name we want.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glpi_bridge.admin.change import Change, ProvisionError, carry_out
from glpi_bridge.admin.zabbix import (
    action,
    health,
    host,
    maintainer,
    media_type,
    rights,
    role,
    templates,
    ticket_link,
    token,
    user,
    user_group,
)
from glpi_bridge.admin.zabbix.desk import (
    ACTION,
    HOST,
    HOST_GROUP,
    MEDIA_TYPE,
    ROLE,
    SCRIPT,
    TEMPLATE,
    TOKEN,
    USER,
    USER_GROUP,
    Desk,
    Kind,
    NotTaken,
    Row,
    is_ours,
)
from glpi_bridge.admin.zabbix.token import WhoseToken
from glpi_bridge.admin.zabbix.wishes import TEMPLATES, Wishes
from glpi_bridge.document import Document
from glpi_bridge.errors import Fault, did_you_mean
from glpi_bridge.secret import Secret
from glpi_bridge.zabbix import Zabbix

_KINDS = (MEDIA_TYPE, USER_GROUP, ROLE, USER, TOKEN, ACTION, SCRIPT)
METHODS = (
    *(f"{kind.api}.{verb}" for kind in _KINDS for verb in ("get", "create", "update", "delete")),
    *(
        "token.generate",
        "hostgroup.get",
        "template.get",
        "template.delete",
        "templategroup.get",
        "templategroup.delete",
    ),
    *(f"host.{verb}" for verb in ("get", "create", "update", "delete")),
    *templates.METHODS,
)
"""What an administrator's role has to allow."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where this is done: the name of this Zabbix in bridge.yml, its token's file, GLPI's front end.

    `health_host` is the host that the bridge feeds; None where bridge.yml does not say that it tells how it is doing.
    `maintenance` is the file of the token for planned work; None where bridge.yml does not say that work is followed.
    """

    source: str
    token: Secret
    glpi: str
    whose_token: WhoseToken
    health_host: str | None = None
    maintenance: Secret | None = None


def provision(zabbix: Zabbix, wishes: Wishes, document: Document, place: Place, *, is_check: bool) -> list[Change]:
    """Return what was changed (with `is_check`: would be); raise before the first change if something is in the way.

    SettingsError names lines of zabbix.yml, ProvisionError what is wrong in Zabbix or with the administrator's rights.
    """
    return _carried_out(zabbix, lambda desk: _all_or_none(desk, wishes, document, place), is_check=is_check)


def _all_or_none(desk: Desk, wishes: Wishes, document: Document, place: Place) -> list[Fault]:
    """Do it all; take back what was made where Zabbix refuses something on the way."""
    try:
        return _Run(desk, wishes, document, place).all()
    except NotTaken as error:
        count = len(desk.made)
        left = desk.take_back()
        done = f"{count - len(left)} of the {count} things that this run had made before are taken away again"
        raise ProvisionError([str(error), *([done] if count else []), *left]) from error


def remove(zabbix: Zabbix, wishes: Wishes, place: Place, *, is_check: bool) -> list[Change]:
    """Take away what `provision` made, in the order in which things let go of each other; return what."""
    return _carried_out(zabbix, lambda desk: _remove(desk, wishes, place), is_check=is_check)


def _carried_out(zabbix: Zabbix, run: Callable[[Desk], list[Fault]], *, is_check: bool) -> list[Change]:
    rights.examine(zabbix, METHODS)
    return carry_out(lambda is_trial: Desk(zabbix, is_trial=is_trial), run, is_check=is_check)


class _Run:
    def __init__(self, desk: Desk, wishes: Wishes, document: Document, place: Place) -> None:
        self.desk, self.wishes, self.document, self.place = desk, wishes, document, place

    def all(self) -> list[Fault]:
        """Go through zabbix.yml in the order in which things hang on each other; return faults of the file."""
        desk, wishes, name = self.desk, self.wishes, self.wishes.name
        groups, missing = user_group.host_groups(desk, wishes.host_groups)
        lines = [self._unknown(HOST_GROUP, "host_groups", one) for one in missing]
        strange = [one for one in wishes.user_groups if desk.find(USER_GROUP, one) is None]
        lines += [self._unknown(USER_GROUP, "user_groups", one) for one in strange]
        medium = media_type.provide(desk, name, wishes.media_type, self.place.source)
        user_group.provide(desk, name, name, groups, wishes.rights)
        role.provide(desk, name, name)
        account = user.provide(desk, name, medium, [one for one in wishes.user_groups if one not in strange])
        token.provide(desk, name, account, self.place.token, self.place.whose_token)
        action.provide(desk, name, groups, wishes.action, account, medium)
        ticket_link.provide(desk, self._link())
        templates.provide(desk, wishes.templates)
        return lines + self._maintenance() + self._health() + self._hosts()

    def _maintenance(self) -> list[Fault]:
        """Make the account for planned work."""
        wish, place = self.wishes.maintenance, self.place
        if wish is None:
            return []
        if place.maintenance is None or place.maintenance.path == place.token.path:
            found = "bridge.yml names no file of its own for the token of this account"
            advice = f"name one there, as token_file below `maintenance` of {place.source}"
            return [Fault(self.document.file, self.document.line(("maintenance",)), found, advice)]
        groups, missing = user_group.host_groups(self.desk, wish.host_groups)
        maintainer.provide(self.desk, self.wishes.name, groups, place.maintenance, place.whose_token)
        places = {one: ("maintenance", "host_groups", wish.host_groups.index(one)) for one in missing}
        return [unknown(self.desk, HOST_GROUP, one, self.document, path) for one, path in places.items()]

    def _health(self) -> list[Fault]:
        """Make the host that the bridge feeds, and the action that tells people of it."""
        if self.place.health_host is None or "health" not in self.wishes.templates:
            return []
        wish = self.wishes.health
        lines = [
            unknown(self.desk, kind, one, self.document, ("health", key))
            for kind, key, named in ((HOST_GROUP, "groups", wish.groups), (USER_GROUP, "tell", wish.tell))
            for one in named
            if self.desk.find(kind, one) is None
        ]
        if not lines:
            host.provide(self.desk, health.host(self.place.health_host, wish))
            health.provide_action(self.desk, self.wishes.name, wish.tell)
        return lines

    def _hosts(self) -> list[Fault]:
        lines = []
        coming = {TEMPLATES[key] for key in self.wishes.templates}
        for number, wish in enumerate(self.wishes.hosts):
            missing = [
                unknown(self.desk, kind, one, self.document, ("hosts", number, key))
                for kind, key, named in ((HOST_GROUP, "groups", wish.groups), (TEMPLATE, "templates", wish.templates))
                for one in named
                if self.desk.find(kind, one) is None and not (kind is TEMPLATE and one in coming)
            ]
            lines += missing
            if not missing:
                host.provide(self.desk, host.wished(wish))
        return lines

    def _unknown(self, kind: Kind, key: str, group: str) -> Fault:
        path = (key, getattr(self.wishes, key).index(group))
        return unknown(self.desk, kind, group, self.document, path)

    def _link(self) -> str | None:
        wish = self.wishes.ticket_link
        return None if wish == "off" else ticket_link.address(wish, self.place.glpi, self.place.source)


def unknown(desk: Desk, kind: Kind, name: str, document: Document, path: tuple[str | int, ...]) -> Fault:
    """Say that Zabbix has no object of this name, and which name is near."""
    advice = did_you_mean(name, desk.names(kind).values()) or "make it in Zabbix, or correct the name"
    return Fault(document.file, document.line(path), f'{kind.label} "{name}" is not in Zabbix', advice)


def _remove(desk: Desk, wishes: Wishes, place: Place) -> list[Fault]:
    name = wishes.name
    medium = media_type.ours(desk, name)
    account = user.ours(desk, name, str(medium["mediatypeid"]) if medium else None)
    groups, _ = user_group.host_groups(desk, wishes.host_groups)
    if account is not None:
        action.forbid_others(desk, name)
    # looked up before the first is gone: ours are told from others' by what holds them
    watched = desk.find(HOST, place.health_host) if place.health_host else None
    watched = watched if watched is not None and is_ours(watched) else None
    theirs = wishes.maintenance.host_groups if wishes.maintenance else ()
    maintaining = maintainer.ours(desk, name, user_group.host_groups(desk, theirs)[0])
    kept = [row for one in wishes.hosts if (row := desk.find(HOST, one.name)) is not None and is_ours(row)]
    templates.forbid_linked(desk, [str(row["host"]) for row in (*kept, *([watched] if watched else []))])
    found: tuple[tuple[Kind, str, Row | None], ...] = (
        (SCRIPT, ticket_link.NAME, ticket_link.ours(desk)),
        (ACTION, health.action_name(name), health.ours(desk, name)),
        (ACTION, name, action.ours(desk, name)),
        (TOKEN, name, token.ours(desk, name, str(account["userid"])) if account else None),
        (USER, name, account),
        (USER_GROUP, name, user_group.ours(desk, name, name, groups, wishes.rights)),
        (ROLE, name, role.ours(desk, name, name)),
        (MEDIA_TYPE, name, medium),
        *maintaining,
        (HOST, place.health_host or "", watched),
        *((HOST, str(row["host"]), row) for row in kept),
    )
    paths = [token.file_of(place.token, name, place.whose_token)]
    if place.maintenance is not None:
        paths.append(token.file_of(place.maintenance, maintainer.called(name), place.whose_token))
    for kind, called, row in found:
        if row is not None:
            desk.remove(kind, called, row)
    templates.remove(desk)
    for path in paths:
        if path is not None and not desk.is_trial:
            path.unlink()
    return []
