"""Check a Zabbix: version, token, what its account sees and may, what it tells us. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from glpi_bridge import build, http
from glpi_bridge.admin.check_wire import way
from glpi_bridge.admin.finding import Line, fault, ok, unknown, warning
from glpi_bridge.alert import ALERT_FIELDS, ALIASES
from glpi_bridge.config import Zabbix as ZabbixSettings
from glpi_bridge.errors import NotConnected, SettingsError, TargetError
from glpi_bridge.text import counted
from glpi_bridge.zabbix import MEASURED, TESTED, Action, MediaType, NoRight, Zabbix, is_tested

_NEEDED = ("event_id", "trigger_id")
_WEIGHTY = (
    "event_value",
    "event_name",
    "event_nseverity",
    "event_date",
    "event_time",
    "event_recovery_id",
    "event_update_status",
    "event_update_action",
    "event_update_message",
    "host_host",
)
_SCRIPT = "zabbix-glpi"
_FIX = "Alerts > Media types > the bridge's > Script parameters"


def check_zabbix(name: str, settings: ZabbixSettings) -> Iterator[Line]:
    """Yield what was found; a Zabbix that does not answer ends the list with the layer at fault."""
    thing = f"Zabbix {name}"
    yield way(thing, settings, settings.url)
    try:
        zabbix = build.source(name, settings).zabbix
    except SettingsError as error:
        yield fault(f"{thing} token", str(error))
        return
    if zabbix is None:
        return
    with zabbix:
        yield from _checked(thing, zabbix)


def _checked(thing: str, zabbix: Zabbix) -> Iterator[Line]:
    try:
        yield _version(thing, zabbix.version())
        me = zabbix.me()
        yield ok(f"{thing} token", f"it is {me.username}'s ({me.type.name.lower().replace('_', ' ')})")
    except TargetError as error:
        yield _unreachable(thing, error)
        return
    parts: tuple[Callable[[str, Zabbix], Iterator[Line]], ...] = (_visible, _acknowledges, _telling)
    for part in parts:
        try:
            yield from part(thing, zabbix)
        except TargetError as error:
            yield fault(thing, str(error))


def _unreachable(thing: str, error: TargetError) -> Line:
    text = str(error)
    if isinstance(error, http.TlsFault):
        return fault(f"{thing} TLS", text)
    if isinstance(error, NotConnected):
        return fault(f"{thing} {'name' if 'name is not known' in text else 'connection'}", text)
    return fault(f"{thing} API", text)


def _version(thing: str, version: Sequence[int]) -> Line:
    shown = ".".join(str(number) for number in version)
    if is_tested(version) and tuple(version[:2]) != MEASURED:
        measured = ".".join(str(number) for number in MEASURED)
        return ok(f"{thing} version", f"{shown}, tried by its documents; the one tested itself is {measured}")
    if is_tested(version):
        return ok(f"{thing} version", f"{shown}, a tested one")
    (low, high) = (".".join(str(number) for number in one) for one in TESTED)
    return warning(f"{thing} version", f"{shown} was not tried; tested are {low} to {high}")


def _visible(thing: str, zabbix: Zabbix) -> Iterator[Line]:
    seen = zabbix.visible()
    text = f"{counted(seen.hosts, 'visible host')} in {counted(seen.host_groups, 'host group')}"
    if seen.hosts and seen.host_groups:
        yield ok(f"{thing} hosts", text)
    else:
        fix = "give its user group the right Read on the host groups (Users > User groups > Host permissions)"
        yield fault(f"{thing} hosts", f"{text}: every list is empty, without any error", fix)


def _acknowledges(thing: str, zabbix: Zabbix) -> Iterator[Line]:
    if zabbix.can_acknowledge():
        yield ok(f"{thing} notes", "its role lets us write messages and acknowledge")
    else:
        yield fault(
            f"{thing} notes",
            "its role does not let us write the ticket's number to events",
            "in Users > User roles allow event.acknowledge, `Acknowledge problems` and `Add problem comments`; or set "
            "`acknowledge: off` in rules.yml",
        )


def _telling(thing: str, zabbix: Zabbix) -> Iterator[Line]:
    """Media type and action: a super admin sees all of them, others less."""
    try:
        media = [one for one in zabbix.media_types() if _is_ours(one)]
        actions = zabbix.actions()
    except NoRight:
        yield unknown(
            f"{thing} action",
            "our role may not read media types and actions",
            "use a super admin's token to check them",
        )
        return
    if not media:
        yield warning(f"{thing} media type", f"none runs {_SCRIPT}, as far as our rights show", f"make one, see {_FIX}")
        return
    for one in media:
        yield from _media_type(thing, one)
    yield from _actions(thing, actions, {one.mediatypeid for one in media})


def _is_ours(media: MediaType) -> bool:
    if media.exec_path is None:
        return media.is_script and "glpi" in media.name.lower()
    return media.is_script and media.exec_path.rpartition("/")[2] == _SCRIPT


def _media_type(thing: str, media: MediaType) -> Iterator[Line]:
    what = f'"{media.name}"'
    if not media.is_enabled:
        yield fault(f"{thing} media type", f"{what} is disabled: its alerts fail at once", "enable it")
    if media.parameters is None:
        yield unknown(f"{thing} media type", f"{what}: only a super admin's token shows its parameters")
        return
    missing = missing_parameters(media.parameters)
    if needed := [name for name in _NEEDED if name in missing]:
        yield fault(
            f"{thing} media type", f"{what} lacks {_as_parameters(needed)}: no alert is taken", f"add it in {_FIX}"
        )
    elif weighty := [name for name in _WEIGHTY if name in missing]:
        yield fault(f"{thing} media type", f"{what} lacks {_as_parameters(weighty)}", f"add it in {_FIX}")
    elif missing:
        yield warning(
            f"{thing} media type", f"{what} lacks {_as_parameters(missing)}: tickets tell less", f"add it in {_FIX}"
        )
    else:
        yield ok(f"{thing} media type", f"{what} hands over all {len(ALERT_FIELDS)} fields")


def missing_parameters(parameters: Sequence[str]) -> list[str]:
    """Return the names of ALERT_FIELDS whose macro no parameter hands over."""
    given = {}
    for parameter in parameters:
        name, _, macro = parameter.partition("=")
        given[ALIASES.get(name, name)] = macro
    return [name for name, macro in ALERT_FIELDS.items() if macro not in given.get(name, "")]


def _as_parameters(names: Sequence[str]) -> str:
    return ", ".join(f"{name}={ALERT_FIELDS[name]}" for name in names)


def _actions(thing: str, actions: Sequence[Action], mediatypeids: set[str]) -> Iterator[Line]:
    ours = [one for one in actions if one.eventsource == 0 and one.mediatypeids & (mediatypeids | {"0"})]
    if not ours:
        yield fault(
            f"{thing} action",
            "no trigger action sends to our media type",
            "make one in Alerts > Actions > Trigger actions",
        )
    for one in ours:
        lacks = [
            what
            for what, has in (("recovery operations", one.tells_recovery), ("update operations", one.tells_updates))
            if not has
        ]
        if not one.is_enabled:
            yield warning(f"{thing} action", f'"{one.name}" is disabled', "enable it")
        elif lacks:
            yield warning(
                f"{thing} action",
                f'"{one.name}" has no {" and no ".join(lacks)}: {_lost(lacks)}',
                "add `Notify all involved` there",
            )
        else:
            yield ok(f"{thing} action", f'"{one.name}" tells problems, recoveries and updates')


def _lost(lacks: Sequence[str]) -> str:
    lost = {
        "recovery operations": "recoveries arrive only with the next sync",
        "update operations": "messages, severity changes and acknowledgements in Zabbix never reach the ticket",
    }
    return "; ".join(lost[one] for one in lacks)
