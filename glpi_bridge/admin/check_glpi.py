"""Check GLPI from the wire inwards: address, API, log-in, account, rights, names in the rules, clock, session lock.

Reads only, but for the trial of the lock, which changes nothing. Each part yields what it found; a GLPI that does not
answer ends the list with the layer that is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from glpi_bridge import build
from glpi_bridge.admin.check_account import check_account
from glpi_bridge.admin.check_actions import check_actions, check_mails
from glpi_bridge.admin.check_assets import check_assets
from glpi_bridge.admin.check_maintenance import check_glpi_planned
from glpi_bridge.admin.check_names import check_names, check_templates
from glpi_bridge.admin.check_rights import check_rights
from glpi_bridge.admin.check_wire import check_app_token, check_version, unreachable, way, with_app_token
from glpi_bridge.admin.finding import Line, fault, ok, unknown, warning
from glpi_bridge.config import Settings
from glpi_bridge.errors import TargetError
from glpi_bridge.glpi import Account, Glpi, Names
from glpi_bridge.glpi.locks import Verdict, try_locks
from glpi_bridge.rules import Rules
from glpi_bridge.text import spoken

_CLOCKS_APART = timedelta(seconds=60)
_DEBUG_MODE = 2


def check_glpi(
    settings: Settings, rules: Rules, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Line]:
    """Yield what was found, from the wire inwards."""
    yield way("GLPI", settings.glpi, settings.glpi.url)
    client = build.glpi(settings)
    try:
        account = client.login()
    except TargetError as error:
        yield unreachable(settings, error)
        return
    try:
        yield ok("GLPI log-in", f"{settings.glpi.url} takes our token" + with_app_token(settings))
        yield from _inside(settings, rules, client, account, now)
    finally:
        client.close()


def _inside(
    settings: Settings, rules: Rules, client: Glpi, account: Account, now: Callable[[], datetime]
) -> Iterator[Line]:
    parts: tuple[Callable[[], Iterator[Line]], ...] = (
        lambda: check_app_token(settings),
        lambda: check_version(client),
        lambda: check_account(settings, client, account),
        lambda: check_rights(settings, rules, client, account),
        lambda: check_names(rules, Names(client), account),
        lambda: _request_source(client, rules),
        lambda: check_templates(client),
        lambda: check_assets(settings, client),
        lambda: check_mails(client),
        lambda: check_actions(settings, client, account, now()),
        lambda: _mode(client),
        lambda: check_clock(settings, account, now),
        lambda: check_glpi_planned(settings, client, account, now),
        lambda: _locks(settings),
    )
    for part in parts:
        try:
            yield from part()
        except TargetError as error:
            yield fault("GLPI", str(error))


def _request_source(client: Glpi, rules: Rules) -> Iterator[Line]:
    """Tell where tickets say they come from, where no rule sets it."""
    named = sorted({one.name for one in rules.names() if one.kind == "request_source"})
    if named:
        yield ok("GLPI request source", f"{', '.join(named)}, by the rules")
        return
    number = int(client.get("getFullSession")["session"].get("glpidefault_requesttypes_id") or 0)
    name = next((str(row["name"]) for row in client.rows("RequestType") if row["id"] == number), f"number {number}")
    yield ok("GLPI request source", f"{name}, our user's default: a rule may set `request_source`")


def _mode(client: Glpi) -> Iterator[Line]:
    session = client.get("getFullSession")["session"]
    mode = session.get("glpi_use_mode")
    if mode is not None and int(mode) == _DEBUG_MODE:
        yield warning(
            "GLPI mode",
            f"the user {session.get('glpiname')} is in debug mode: PHP's notices can get into answers",
            "switch it off in the user's settings",
        )


def check_clock(settings: Settings, account: Account, now: Callable[[], datetime]) -> Iterator[Line]:
    """Compare GLPI's clock with ours, by the date of an answer."""
    offset = account.clock_offset
    zone = "unknown" if offset is None else f"UTC{'-' if offset < timedelta(0) else '+'}{_hours(abs(offset))}"
    answer = build.wire(settings.glpi, "GLPI").get(f"{settings.glpi.url}/initSession")
    here = now()
    try:
        apart = parsedate_to_datetime(answer.headers["date"]) - here
    except (KeyError, ValueError, TypeError):
        yield unknown("clock", f"GLPI's clock is {zone}; its answers carry no date to compare with")
        return
    if abs(apart) > _CLOCKS_APART:
        late = "ahead of" if apart > timedelta(0) else "behind"
        text = f"GLPI's clock is {spoken(abs(apart))} {late} ours"
        yield fault("clock", text, "let both machines follow a time server: opening times and windows are wrong else")
    elif offset is None:
        yield warning("clock", "GLPI does not tell its time zone: dates are taken for UTC")
    else:
        yield ok("clock", f"as GLPI's, to the minute; GLPI writes times as {zone}{_ours(here, offset)}")


def _ours(here: datetime, offset: timedelta) -> str:
    """Add this machine's zone where it is another: times are converted, and people compare them with our log."""
    ours = here.astimezone().utcoffset() or timedelta(0)
    if ours == offset:
        return ", as this machine does"
    return f", this machine as UTC{'-' if ours < timedelta(0) else '+'}{_hours(abs(ours))}: they are converted"


def _hours(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _locks(settings: Settings) -> Iterator[Line]:
    tried = try_locks(lambda: build.glpi(settings))
    thing = "GLPI sessions"
    if tried.verdict is Verdict.LOCKS:
        yield ok(thing, f"they lock: {tried.seen}")
    elif tried.verdict is Verdict.DOES_NOT_LOCK:
        yield fault(
            thing,
            f"they do not lock: {tried.seen}. A lost answer could not be told from a lost request",
            "let PHP keep sessions in files (session.save_handler = files), or set redis.session.locking_enabled = 1",
        )
    else:
        yield warning(thing, f"cannot tell whether they lock: {tried.seen}", "run check again when GLPI has less to do")
    yield unknown(
        "GLPI sessions",
        "how long PHP keeps them does not show from here",
        "session.gc_maxlifetime must be at least 900 (1440 is PHP's default)",
    )
