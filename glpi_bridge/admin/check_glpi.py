"""Check GLPI from the wire inwards: address, API, log-in, account, rights, names in the rules, clock, session lock.

Reads only, but for the trial of the lock, which changes nothing. Each function yields what it found; a GLPI that does
not answer ends the list with the layer that is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from glpi_bridge import build, http
from glpi_bridge.admin.finding import Line, State, fault, ok, unknown, warning
from glpi_bridge.compiled import Named
from glpi_bridge.config import Settings, Target
from glpi_bridge.errors import Held, NotConnected, Refused, TargetError, UnclearAnswer
from glpi_bridge.glpi import Account, Credentials, Glpi, NameNotFound, Names
from glpi_bridge.glpi.locks import Verdict, try_locks
from glpi_bridge.model import TicketType
from glpi_bridge.rules import Rules
from glpi_bridge.text import spoken

TESTED = ((10, 0), (11, 0))
"""The versions of GLPI (major, minor) that the bridge was tried on."""

_CLOCKS_APART = timedelta(seconds=60)
_ALIASES = ("/apirest.php", "/glpi/apirest.php", "/public/apirest.php", "/glpi/public/apirest.php", "/api.php/v1")
_ITEMTYPES = {
    "entity": "Entity",
    "group": "Group",
    "user": "User",
    "location": "Location",
    "request_source": "RequestType",
}
_LOOK_UPS = {
    "category": "itilcategory",
    "entity": "entity",
    "group": "group",
    "user": "user",
    "location": "location",
    "request_source": "dropdown",
}
_DEBUG_MODE = 2


@dataclass(frozen=True, slots=True)
class Right:
    """A right the profile needs: its name and bit in GLPI, and what fails without it."""

    name: str
    bit: int
    shown: str
    purpose: str
    state: State = State.FAULT


RIGHTS = (
    Right("ticket", 1024, "ticket: see all", "no ticket can be found again"),
    Right("ticket", 4, "ticket: create", "no ticket can be made"),
    Right("ticket", 2, "ticket: update", "no ticket can be solved or raised"),
    Right("followup", 4096, "followup: add to all", "no note can be written and no ticket reopened"),
    Right("followup", 1, "followup: see public", "a note whose answer was lost cannot be looked for"),
    Right("followup", 8192, "followup: see private", "private notes cannot be looked for", State.WARNING),
    Right("followup", 4, "followup: add to own", "closed tickets cannot be reopened", State.WARNING),
)
"""What delivery does with each; tried bit by bit on 10.0.19 and 11.0.6."""


def check_glpi(
    settings: Settings, rules: Rules, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Line]:
    """Yield what was found, from the wire inwards."""
    yield way("GLPI", settings.glpi, settings.glpi.url)
    client = build.glpi(settings)
    try:
        account = client.login()
    except TargetError as error:
        yield _unreachable(settings, error)
        return
    try:
        yield ok("GLPI log-in", f"{settings.glpi.url} takes our token" + _with_app_token(settings))
        yield from _inside(settings, rules, client, account, now)
    finally:
        client.close()


def way(thing: str, target: Target, url: str) -> Line:
    """Say by which way a server is reached."""
    proxy = http.proxy_for(url, target.proxy, target.no_proxy)
    trust = "" if target.ca_file is None else f", certificates of {target.ca_file}"
    if proxy is not None:
        return ok(f"{thing} way", f"{url} through the proxy {proxy}{trust}")
    excepted = " (its host is in no_proxy)" if target.proxy is not None else ""
    return ok(f"{thing} way", f"{url} directly{excepted}{trust}")


def _inside(
    settings: Settings, rules: Rules, client: Glpi, account: Account, now: Callable[[], datetime]
) -> Iterator[Line]:
    parts: tuple[Callable[[], Iterator[Line]], ...] = (
        lambda: _app_token(settings),
        lambda: _version(client),
        lambda: _account(settings, client, account),
        lambda: _rights(rules, client, account),
        lambda: check_names(rules, Names(client), account),
        lambda: _request_source(client, rules),
        lambda: _templates(client),
        lambda: _mails(client),
        lambda: _mode(client),
        lambda: check_clock(settings, account, now),
        lambda: _locks(settings),
    )
    for part in parts:
        try:
            yield from part()
        except TargetError as error:
            yield fault("GLPI", str(error))


# -- the wire ---------------------------------------------------------------------------------------------------------


def _unreachable(settings: Settings, error: TargetError) -> Line:
    """Name the layer at fault."""
    text = str(error)
    if isinstance(error, http.TlsFault):
        return fault("GLPI TLS", text)
    if isinstance(error, NotConnected):
        return fault("GLPI name" if "name is not known" in text else "GLPI connection", text)
    if isinstance(error, Held):
        layer = "GLPI address" if " redirects to " in text else "GLPI log-in"
        return fault(layer, text)
    if isinstance(error, UnclearAnswer | Refused) and (place := _elsewhere(settings)) is not None:
        return fault("GLPI address", text, f"GLPI's API answers at {place}: set glpi.url to that")
    return fault("GLPI answer", text)


def _elsewhere(settings: Settings) -> str | None:
    """Look for the API at the usual places of that host; no token is sent there."""
    parts = urlsplit(settings.glpi.url)
    wire = build.wire(settings.glpi, "GLPI")
    for path in _ALIASES:
        url = f"{parts.scheme}://{parts.netloc}{path}"
        if url != settings.glpi.url and _is_api(wire, url):
            return url
    return None


def _is_api(wire: requests.Session, url: str) -> bool:
    """Without a log-in GLPI's API answers with one of its codes."""
    try:
        answer = wire.get(f"{url}/initSession")
        told = answer.json()
    except (TargetError, ValueError, requests.RequestException):
        return False
    return isinstance(told, list) and bool(told) and str(told[0]).startswith("ERROR")


def _with_app_token(settings: Settings) -> str:
    return "" if settings.glpi.app_token_file is None else " and App-Token"


def _app_token(settings: Settings) -> Iterator[Line]:
    """Where an App-Token is set, a call without it must be refused, else it protects nothing."""
    if settings.glpi.app_token_file is None:
        yield ok("GLPI App-Token", "none is set, and GLPI asks for none")
        return
    token = settings.glpi.user_token()
    bare = Glpi(settings.glpi.url, lambda: Credentials(user_token=token), build.wire(settings.glpi, "GLPI"))
    try:
        bare.login()
    except Held:
        yield ok("GLPI App-Token", "a call without it is refused")
        return
    finally:
        bare.close()
    yield fault(
        "GLPI App-Token",
        "GLPI lets calls in without it although glpi.app_token_file is set",
        "in Setup > General > API look for another API client that covers our address without an App-Token, and renew "
        "the App-Token of ours",
    )


def _version(client: Glpi) -> Iterator[Line]:
    shown = ".".join(str(number) for number in client.version)
    if client.version[:2] in TESTED:
        yield ok("GLPI version", f"{shown}, a tested one")
    else:
        tested = ", ".join(f"{major}.{minor}" for major, minor in TESTED)
        yield warning("GLPI version", f"{shown} was not tried; tested are {tested}", "try `glpi-bridge check --ticket`")


# -- the account ------------------------------------------------------------------------------------------------------


def _account(settings: Settings, client: Glpi, account: Account) -> Iterator[Line]:
    chosen = [name for name, value in (("profile", settings.glpi.profile), ("entity", settings.glpi.entity)) if value]
    how = f" ({' and '.join(chosen)} by setting)" if chosen else ""
    text = f"{account.name} as {account.profile} in {entity_name(client, account.entity_id)}{how}"
    if account.rights.get("interface") == "helpdesk":
        yield fault(
            "GLPI account",
            f"{text}: that profile has the simplified interface, which shows only one's own tickets",
            f"set glpi.profile to a profile with the standard interface{_others(client, account)}",
        )
    else:
        yield ok("GLPI account", text)


def entity_name(client: Glpi, entity_id: int) -> str:
    """Return an entity's path, as the account sees it."""
    for row in client.get("getMyEntities", {"is_recursive": "true"})["myentities"]:
        if int(row["id"]) == entity_id:
            return str(row.get("completename") or row["name"]).replace("&#62;", ">").replace("&#38;", "&")
    return f"entity {entity_id}"


def _others(client: Glpi, account: Account) -> str:
    names = [str(row["name"]) for row in client.get("getMyProfiles")["myprofiles"]]
    others = [name for name in names if name != account.profile]
    return f" (the account also has {', '.join(others)})" if others else " (the account has no other)"


def _rights(rules: Rules, client: Glpi, account: Account) -> Iterator[Line]:
    missing = [right for right in (*RIGHTS, *_look_ups(rules)) if not _has(account, right)]
    for right in missing:
        where = f'profile "{account.profile}" in {entity_name(client, account.entity_id)}'
        fix = (
            f"grant it in Administration > Profiles > {account.profile}, or set glpi.profile to one that has it"
            f"{_others(client, account)}"
        )
        yield Line(right.state, "GLPI right", f"{where} lacks `{right.shown}`: {right.purpose}", fix)
    if not missing:
        yield ok("GLPI rights", f'profile "{account.profile}" has every right that is needed')


def _has(account: Account, right: Right) -> bool:
    return bool(int(account.rights.get(right.name) or 0) & right.bit)


def _look_ups(rules: Rules) -> Sequence[Right]:
    """Rights to read the lists that the rules name something of."""
    kinds = sorted({named.kind for named in rules.names()})
    return [
        Right(
            _LOOK_UPS[kind], 1, f"{_LOOK_UPS[kind]}: read", f"a {kind.replace('_', ' ')} in the rules cannot be found"
        )
        for kind in kinds
    ]


# -- what the rules name ----------------------------------------------------------------------------------------------


def check_names(rules: Rules, names: Names, account: Account) -> Iterator[Line]:
    """Look up every name in the rules, with its file and line; near names where there is none."""
    wrong = 0
    places = _places(rules, names, account)
    for named in rules.names():
        trouble = _trouble(named, names, places)
        if trouble is not None:
            wrong += 1
            yield fault("rules", f"{named.file}:{named.line}: {trouble}", "correct the name, or make it in GLPI")
    count = len({(named.kind, named.name) for named in rules.names()})
    if not wrong:
        yield ok("rules", f"{count} names in them, all found in GLPI" if count else "they name nothing of GLPI")


def _places(rules: Rules, names: Names, account: Account) -> list[int]:
    """Return the entities where tickets may be made: ours, and those that the rules name."""
    places = [account.entity_id]
    for named in rules.names():
        if named.kind == "entity":
            try:
                places.append(names.id("Entity", named.name))
            except NameNotFound:
                continue
    return places


def _trouble(named: Named, names: Names, places: Sequence[int]) -> NameNotFound | None:
    if named.kind != "category":
        try:
            names.id(_ITEMTYPES[named.kind], named.name)
        except NameNotFound as error:
            return error
        return None
    first: NameNotFound | None = None
    for place in places:
        for type_ in TicketType:  # a rule may make requests
            try:
                names.category(named.name, type_, place)
            except NameNotFound as error:
                first = first or error
            else:
                return None
    return first


def _templates(client: Glpi) -> Iterator[Line]:
    """Tell which fields the ticket templates make mandatory: GLPI takes tickets by API without them."""
    try:
        templates = {int(row["id"]): str(row["name"]) for row in client.rows("TicketTemplate")}
        fields = client.rows("TicketTemplateMandatoryField")
    except Refused:
        yield unknown(
            "GLPI templates", "our profile may not read ticket templates", "`check --ticket` shows their effect"
        )
        return
    options = _option_names(client)
    wanted: dict[str, list[str]] = {}
    for row in fields:
        number = int(row["num"])
        if number not in _ALWAYS_SENT:
            template = templates.get(int(row["tickettemplates_id"]), f"template {row['tickettemplates_id']}")
            wanted.setdefault(template, []).append(options.get(number, f"field {number}"))
    for template, names in wanted.items():
        yield warning(
            "GLPI templates",
            f'template "{template}" makes {", ".join(names)} mandatory: where no rule sets it, the ticket is made '
            "without, and people cannot save it before they fill it in",
            "set it in rules.yml, or take it out of the template",
        )
    if not wanted:
        yield ok("GLPI templates", f"{len(templates)}, none makes a field mandatory that tickets lack")


_ALWAYS_SENT = {1, 10, 11, 12, 14, 15, 21, 80}  # name, urgency, impact, status, type, date, content, entity


def _option_names(client: Glpi) -> dict[int, str]:
    options = client.get("listSearchOptions/Ticket")
    return {int(number): str(option["name"]) for number, option in options.items() if number.isdigit()}


# -- how it runs ------------------------------------------------------------------------------------------------------


def _mails(client: Glpi) -> Iterator[Line]:
    config = client.get("getGlpiConfig")["cfg_glpi"]
    on = str(config.get("use_notifications")) == "1" and str(config.get("notifications_mailing")) == "1"
    if on:
        yield ok(
            "GLPI mails", "on: GLPI mails about our tickets as its notifications say; `notify: off` in a rule stops it"
        )
    else:
        yield ok("GLPI mails", "off: GLPI mails nobody about our tickets")


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
        yield ok("clock", f"as GLPI's, to the minute; GLPI writes times as {zone}")


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
