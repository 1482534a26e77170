"""Whether planned work can become maintenance: the token's rights in Zabbix, ours in GLPI, and GLPI's zone.

Each call is one that can change nothing: reads, and writes of what does not exist or is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from glpi_bridge import build
from glpi_bridge.admin.finding import Line, fault, ok, warning
from glpi_bridge.config import Settings
from glpi_bridge.config import Zabbix as ZabbixSettings
from glpi_bridge.errors import SettingsError, TargetError
from glpi_bridge.glpi import Account, Glpi
from glpi_bridge.itil import zabbix_maintenance
from glpi_bridge.text import counted
from glpi_bridge.zabbix import UserType, Zabbix

_SEE_TASKS = {1: "see public", 8192: "see private"}


def check_zabbix_maintenance(thing: str, settings: ZabbixSettings) -> Iterator[Line]:
    """Try the token of `maintenance`."""
    if settings.maintenance is None or settings.maintenance.token_file.trouble() is not None:
        return
    try:
        how = build.maintaining(settings)
    except SettingsError as error:
        yield fault(f"{thing} maintenance", str(error))
        return
    if how is None:
        return
    with how.zabbix as zabbix:
        try:
            yield _tried(f"{thing} maintenance", zabbix)
        except TargetError as error:
            yield fault(f"{thing} maintenance", str(error), "put a good token into the file of `maintenance`")


def _tried(thing: str, zabbix: Zabbix) -> Line:
    me = zabbix.me()
    if me.type is UserType.USER:
        fix = "Zabbix asks for a user whose role is of type Admin: give this one such a role, or another's token"
        return fault(thing, f"the token is {me.username}'s, whose role is of type User", fix)
    if missing := zabbix_maintenance.not_allowed(zabbix):
        fix = "allow it, and the access `Create and edit maintenance`, in the role (Users > User roles)"
        return fault(thing, f"the role of {me.username} does not allow {', '.join(missing)}", fix)
    count = zabbix_maintenance.writable_count(zabbix)
    if not count:
        fix = "give its user group the right Read-write on the host groups (Users > User groups > Host permissions)"
        return fault(thing, f"{me.username} may write no host", fix)
    return ok(thing, f"{me.username} may put {counted(count, 'host')} into maintenance")


def check_glpi_planned(
    settings: Settings, client: Glpi, account: Account, now: Callable[[], datetime]
) -> Iterator[Line]:
    """Tell whether planned work can be read in GLPI, and its times rightly."""
    if all(one.maintenance is None for one in settings.zabbix.values()):
        return
    held = int(account.rights.get("task") or 0)
    lacks = [word for bit, word in _SEE_TASKS.items() if not held & bit]
    if lacks and not client.is_10:  # 10 shows the tasks of whatever Change may be seen
        fix = "`glpi-bridge provision glpi` gives it"
        yield fault("planned work", f'the profile "{account.profile}" lacks the right task ({", ".join(lacks)})', fix)
    zone, offset = settings.glpi.timezone, account.clock_offset
    if offset is not None and now().astimezone(zone).utcoffset() != offset:
        yield warning(
            "planned work",
            f"GLPI's clock is not that of {zone}: times behind the next change of clocks would be an hour off",
            "write GLPI's zone as `timezone` below `glpi`",
        )
    elif not (lacks and not client.is_10):
        yield ok("planned work", f"tasks can be read, their times are those of {zone}")
