"""The account that puts hosts into maintenance for planned work: user group, role, user and token of its own.

Zabbix lets no role below Admin make maintenances, and such a role may write all hosts of its groups. So it is not the
bridge's usual account but one that may call nothing else, made only where zabbix.yml asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from glpi_bridge.admin.zabbix import role, token, user, user_group
from glpi_bridge.admin.zabbix.desk import ROLE, TOKEN, USER, USER_GROUP, Desk, Kind, Row
from glpi_bridge.admin.zabbix.token import WhoseToken
from glpi_bridge.admin.zabbix.wishes import FOR_MAINTENANCE
from glpi_bridge.secret import Secret

_RIGHTS = "read-write"


def called(name: str) -> str:
    """Return the name of its user group, role, user and token."""
    return f"{name}{FOR_MAINTENANCE}"


def provide(desk: Desk, name: str, groups: Mapping[str, str], secret: Secret, whose: WhoseToken) -> None:
    """Make the account, or put it right; `name` is that of the bridge's own, `groups` host groups by name."""
    own = called(name)
    user_group.provide(desk, own, own, groups, _RIGHTS)
    role.provide(desk, own, own, role.MAINTENANCE)
    account = user.provide_untold(desk, own)
    token.provide(desk, own, account, secret, whose)


def ours(desk: Desk, name: str, groups: Mapping[str, str]) -> tuple[tuple[Kind, str, Row | None], ...]:
    """Return what we made of it, in the order in which it lets go of each other."""
    own = called(name)
    account = user.ours(desk, own, None, is_told=False)
    return (
        (TOKEN, own, token.ours(desk, own, str(account["userid"])) if account else None),
        (USER, own, account),
        (USER_GROUP, own, user_group.ours(desk, own, own, groups, _RIGHTS)),
        (ROLE, own, role.ours(desk, own, own, role.MAINTENANCE)),
    )
