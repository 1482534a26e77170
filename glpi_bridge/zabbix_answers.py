"""What Zabbix answers, read: pure functions from an HTTP answer to a result or a typed error, and from rows to values.

Zabbix answers its own errors with HTTP 200 and an `error` object; anything else than that or a `result` is not the API
and is never taken for one. What is not in an answer is unknown, never "gone": Zabbix leaves out what it does not show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import IntEnum, IntFlag
from typing import Any

from glpi_bridge.errors import Held, Refused, TargetError, UnclearAnswer
from glpi_bridge.model import Severity, Tag

_ZABBIX = "Zabbix"
_SHOWN_BYTES = 200
_NOT_AUTHORIZED = re.compile(
    r"not authori[sz]ed|session terminated|re-login|token (has )?expired|system access", re.IGNORECASE
)
_NO_METHOD = re.compile(r'No permissions to call "(?P<method>[^"]+)"')
_NO_OBJECT = "No permissions to referred object or it does not exist!"
_PASSING = re.compile(r"database|temporarily unavailable|SQL|deadlock|lock wait", re.IGNORECASE)
_SERVER_FAULTS = (-32603, -32400, -32300)  # internal, system and transport error (JSON-RPC)


class Gone(Refused):
    """The object does not exist, or this account does not see it; Zabbix does not tell which. Unknown, not closed."""


class NoRight(Refused):
    """The account's role or rights do not allow this call."""


class AckAction(IntFlag):
    """The bits of event.acknowledge's `action`."""

    CLOSE = 1
    ACKNOWLEDGE = 2
    MESSAGE = 4
    SEVERITY = 8
    UNACKNOWLEDGE = 16
    SUPPRESS = 32
    UNSUPPRESS = 64
    TO_CAUSE = 128
    TO_SYMPTOM = 256


class UserType(IntEnum):
    """The kind of a user's role."""

    USER = 1
    ADMIN = 2
    SUPER_ADMIN = 3


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """One update of an event; `author` is the full name or the login, empty when Zabbix hides the user from us."""

    id: str
    userid: str
    author: str
    at: datetime
    message: str
    action: AckAction
    old_severity: Severity
    new_severity: Severity
    suppress_until: datetime | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery event. One may end many problems (multiple event generation); `objectid` is their trigger."""

    eventid: str
    objectid: str
    at: datetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class HostName:
    """A host as an event names it; `is_enabled` None: Zabbix did not say."""

    hostid: str
    host: str
    name: str
    is_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class ZabbixEvent:
    """A problem event as event.get shows it, and its recovery where there is one.

    `r_eventid` is empty while it is open. `r_clock` None with an `r_eventid`: recovered, but the recovery event itself
    is not shown. `closed_by` is who closed it by hand. `c_eventid` is the event that closed it by correlation.
    """

    eventid: str
    source: int
    object: int
    objectid: str
    clock: datetime
    value: int
    name: str
    severity: Severity
    acknowledged: bool
    suppressed: bool
    r_eventid: str = ""
    r_clock: datetime | None = None
    r_name: str = ""
    c_eventid: str = ""
    cause_eventid: str = ""
    closed_by: str = ""
    opdata: str = ""
    tags: tuple[Tag, ...] = ()
    hosts: tuple[HostName, ...] = ()
    acknowledges: tuple[Acknowledge, ...] = ()

    @property
    def is_open(self) -> bool:
        """Only a recovery event that Zabbix names ends a problem."""
        return not self.r_eventid


@dataclass(frozen=True, slots=True)
class OpenState:
    """What may change on an open problem without a recovery, in short."""

    eventid: str
    objectid: str
    severity: Severity
    acknowledged: bool
    suppressed: bool
    cause_eventid: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a trigger."""

    itemid: str
    name: str
    key: str
    lastvalue: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger with what rules may match; `templates` are the names of templates as far as rights allow."""

    triggerid: str
    description: str
    comments: str
    url: str
    priority: Severity
    is_enabled: bool
    manual_close: bool
    hosts: tuple[HostName, ...] = ()
    host_groups: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """A host with what rules and tickets use of it."""

    hostid: str
    host: str
    name: str
    is_enabled: bool
    in_maintenance: bool
    ip: str = ""
    dns: str = ""
    groups: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    inventory: Mapping[str, str] | None = None
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Me:
    """The account behind the token."""

    userid: str
    username: str
    type: UserType


@dataclass(frozen=True, slots=True)
class Visible:
    """How much of Zabbix this account sees; zero hosts means that every list is empty without any error."""

    host_groups: int
    hosts: int


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type; the fields that only a super admin may read are None for others."""

    mediatypeid: str
    name: str
    type: int
    is_enabled: bool
    maxattempts: int
    exec_path: str | None = None
    timeout: str | None = None
    parameters: tuple[str, ...] | None = None
    templates: frozenset[tuple[int, int]] | None = None

    @property
    def is_script(self) -> bool:
        """Whether it runs a script of the server's AlertScriptsPath."""
        return self.type == 1


@dataclass(frozen=True, slots=True)
class Action:
    """An action: what it tells, and through which media types ("0" = through all of the user's)."""

    actionid: str
    name: str
    eventsource: int
    is_enabled: bool
    mediatypeids: frozenset[str] = frozenset()
    tells_recovery: bool = False
    tells_updates: bool = False
    notify_if_canceled: bool = False


def read(status: int, headers: Mapping[str, str], body: bytes, *, url: str) -> Any:
    """Give the `result` of a JSON-RPC answer, or raise a TargetError that names `url` and says what to do.

    Held: address, token or web server must be put right by a person. Refused (Gone, NoRight): this call only.
    UnclearAnswer: not an answer of the API; a write may have been done. `headers` with lower-case names.
    """
    what = f"{url}: {_described(status, headers, body)}"
    if status == 412:  # HTTP 412 comes with an empty body when Content-Type is not one of JSON-RPC's
        raise Held(f"{what}; the API got no Content-Type of JSON: does a proxy between change headers?", target=_ZABBIX)
    if 300 <= status < 400:
        place = headers.get("location", "nowhere")
        raise Held(f"{what}; it points to {place}: write the address that needs no redirect as url", target=_ZABBIX)
    if status in {401, 403, 407}:
        raise Held(f"{what}; the web server itself wants a log-in: let api_jsonrpc.php through", target=_ZABBIX)
    if status in {404, 405, 410}:
        raise Held(f"{what}; no API there: url must be the address of Zabbix's front end", target=_ZABBIX)
    if not 200 <= status < 300:
        raise UnclearAnswer(what, target=_ZABBIX, retry_after=_retry_after(headers))
    return _result(what, _parsed(what, body), url)


def _parsed(what: str, body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        advice = "the answer is empty" if not body.strip() else "this is not JSON: is url Zabbix's front end?"
        raise UnclearAnswer(f"{what}; {advice}", target=_ZABBIX) from None
    if not isinstance(parsed, dict):
        raise UnclearAnswer(f"{what}; this is JSON but not an answer of the API", target=_ZABBIX)
    return parsed


def _result(what: str, parsed: Mapping[str, Any], url: str) -> Any:
    error = parsed.get("error")
    if isinstance(error, dict):
        raise _error(error, url)
    if "result" not in parsed:
        raise UnclearAnswer(f"{what}; neither result nor error", target=_ZABBIX)
    return parsed["result"]


def _error(error: Mapping[str, Any], url: str) -> TargetError:
    """Tell errors apart by their text: -32602 and -32500 each stand for several (API, Error handling)."""
    code = str(error.get("code", ""))
    words = str(error.get("data") or error.get("message") or "no reason given")
    said = f"{url}: Zabbix says {words!r} ({code})"
    if _NOT_AUTHORIZED.search(words):
        return Held(f"{said}; the API token is wrong, expired or switched off: put a good one in place", target=_ZABBIX)
    if "authorization header" in words or 'unexpected parameter "auth"' in words:
        return Refused(f"{said}; this Zabbix wants the token in another place", target=_ZABBIX, code=code)
    if method := _NO_METHOD.search(words):
        advice = f"allow {method['method']} in the API methods of the account's role (Users, User roles)"
        return NoRight(f"{said}; {advice}", target=_ZABBIX, code=code)
    if words == _NO_OBJECT:
        return Gone(f"{said}; it is gone, or the account has no right on its host group", target=_ZABBIX, code=code)
    if "no permissions to" in words.lower():
        return NoRight(
            f"{said}; allow it in the account's role (Users, User roles, Actions)", target=_ZABBIX, code=code
        )
    if error.get("code") in _SERVER_FAULTS or (code == "-32500" and _PASSING.search(words)):
        return UnclearAnswer(said, target=_ZABBIX)
    return Refused(said, target=_ZABBIX, code=code)


def _described(status: int, headers: Mapping[str, str], body: bytes) -> str:
    kind = headers.get("content-type", "no content type")
    start = body[:_SHOWN_BYTES].decode(errors="replace")
    return f"HTTP {status}, {kind}, {len(body)} bytes" + (f" beginning {start!r}" if body else "")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()) if value else None
    except (ValueError, TypeError):
        return None


class Row:
    """One object of a result, read field by field; UnclearAnswer when a field is missing or not what it should be."""

    def __init__(self, method: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise UnclearAnswer(f"{method}: a row is {type(value).__name__}, not an object", target=_ZABBIX)
        self._method, self._value = method, value

    def text(self, name: str, default: str | None = None) -> str:
        """Give a text; numbers are taken too, Zabbix sends some fields as either."""
        value = self._value.get(name, default)
        if value is None or isinstance(value, bool | list | dict):
            raise UnclearAnswer(f"{self._method}: a row has no usable {name!r}: {value!r}", target=_ZABBIX)
        return str(value)

    def number(self, name: str, default: str | None = None) -> int:
        """Give a whole number."""
        text = self.text(name, default)
        try:
            return int(text)
        except ValueError:
            raise UnclearAnswer(f"{self._method}: {name} is {text!r}, not a number", target=_ZABBIX) from None

    def id(self, name: str) -> str:
        """Give an id, empty for Zabbix's "0" and for a field that was not sent."""
        text = self.text(name, "0")
        return "" if text == "0" else text

    def clock(self, name: str) -> datetime:
        """Give a moment (Unix seconds) in UTC."""
        return _moment(self._method, self.number(name))

    def rows(self, name: str) -> list[Row]:
        """Give the objects of a list; none when it was not sent."""
        value = self._value.get(name, [])
        return rows(f"{self._method} {name}", value)

    def has(self, name: str) -> bool:
        """Tell whether the field was sent."""
        return name in self._value

    def texts(self) -> dict[str, str]:
        """Give all plain fields that say something."""
        return {name: str(value) for name, value in self._value.items() if isinstance(value, str | int) and value != ""}

    def listed(self, name: str) -> list[str]:
        """Give a list of plain values as texts: event.acknowledge names ids as numbers."""
        value = self._value.get(name)
        if not isinstance(value, list):
            raise UnclearAnswer(f"{self._method}: {name} is {value!r}, not a list", target=_ZABBIX)
        return [str(one) for one in value]

    def part(self, name: str) -> Row | None:
        """Give an object inside; None when it was not sent or is Zabbix's empty list."""
        value = self._value.get(name)
        return None if value is None or value == [] else Row(f"{self._method} {name}", value)


def _moment(method: str, seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise UnclearAnswer(f"{method}: {seconds} is no moment", target=_ZABBIX) from None


def rows(method: str, result: Any) -> list[Row]:
    """Read a result that must be a list of objects."""
    if not isinstance(result, list):
        raise UnclearAnswer(f"{method}: the result is {type(result).__name__}, not a list", target=_ZABBIX)
    return [Row(method, value) for value in result]


def count(method: str, result: Any) -> int:
    """Read the result of `countOutput`, a number written as text."""
    if isinstance(result, str | int) and not isinstance(result, bool) and str(result).isdigit():
        return int(result)
    raise UnclearAnswer(f"{method}: the count is {result!r}, not a number", target=_ZABBIX)


def event(row: Row, recoveries: Mapping[str, Recovery] | None = None) -> ZabbixEvent:
    """Read a row of event.get; `recoveries` holds the recovery events that are known, by id."""
    r_eventid = row.id("r_eventid")
    recovery = (recoveries or {}).get(r_eventid)
    acknowledges = tuple(acknowledge(one) for one in row.rows("acknowledges"))
    return ZabbixEvent(
        eventid=row.text("eventid"),
        source=row.number("source"),
        object=row.number("object"),
        objectid=row.text("objectid"),
        clock=row.clock("clock"),
        value=row.number("value"),
        name=row.text("name"),
        severity=severity(row.number("severity")),
        acknowledged=row.text("acknowledged") == "1",
        suppressed=row.text("suppressed") == "1",
        r_eventid=r_eventid,
        r_clock=recovery.at if recovery else None,
        r_name=recovery.name if recovery else "",
        c_eventid=row.id("c_eventid"),
        cause_eventid=row.id("cause_eventid"),
        closed_by=_closed_by(acknowledges) if r_eventid else "",
        opdata=row.text("opdata", ""),
        tags=tuple(Tag(one.text("tag"), one.text("value", "")) for one in row.rows("tags")),
        hosts=tuple(host_name(one) for one in row.rows("hosts")),
        acknowledges=tuple(sorted(acknowledges, key=lambda one: (one.at, int(one.id)))),
    )


def _closed_by(acknowledges: Sequence[Acknowledge]) -> str:
    """Name who closed by hand: the event's own `userid` stays 0 then (recorded), the update says it."""
    closing = [one for one in acknowledges if AckAction.CLOSE in one.action]
    return max(closing, key=lambda one: one.at).author if closing else ""


def acknowledge(row: Row) -> Acknowledge:
    """Read one of an event's updates. A user we may not see has no name fields at all."""
    until = row.number("suppress_until", "0")
    full = " ".join(part for part in (row.text("name", ""), row.text("surname", "")) if part)
    return Acknowledge(
        id=row.text("acknowledgeid"),
        userid=row.text("userid"),
        author=full or row.text("username", ""),
        at=row.clock("clock"),
        message=row.text("message", ""),
        action=AckAction(row.number("action")),
        old_severity=severity(row.number("old_severity", "0")),
        new_severity=severity(row.number("new_severity", "0")),
        suppress_until=_moment("suppress_until", until) if until else None,
    )


def severity(number: int) -> Severity:
    """Give the severity of that number; UnclearAnswer for one that Zabbix does not have."""
    try:
        return Severity(number)
    except ValueError:
        raise UnclearAnswer(f"severity {number} is not one of Zabbix's", target=_ZABBIX) from None


def recovery(row: Row) -> Recovery:
    """Read a recovery event."""
    return Recovery(row.text("eventid"), row.text("objectid"), row.clock("clock"), row.text("name", ""))


def host_name(row: Row) -> HostName:
    """Read a host inside another object."""
    host = row.text("host", "")
    enabled = row.text("status") == "0" if row.has("status") else None
    return HostName(row.text("hostid"), host, row.text("name", host), enabled)


def open_state(row: Row) -> OpenState:
    """Read a row of problem.get."""
    return OpenState(
        eventid=row.text("eventid"),
        objectid=row.text("objectid"),
        severity=severity(row.number("severity")),
        acknowledged=row.text("acknowledged") == "1",
        suppressed=row.text("suppressed") == "1",
        cause_eventid=row.id("cause_eventid"),
    )


def trigger(row: Row, templates: Sequence[str] = ()) -> Trigger:
    """Read a row of trigger.get."""
    return Trigger(
        triggerid=row.text("triggerid"),
        description=row.text("description"),
        comments=row.text("comments", ""),
        url=row.text("url", ""),
        priority=severity(row.number("priority")),
        is_enabled=row.text("status") == "0",
        manual_close=row.text("manual_close") == "1",
        hosts=tuple(host_name(one) for one in row.rows("hosts")),
        host_groups=tuple(one.text("name") for one in row.rows("hostgroups")),
        templates=tuple(templates),
        items=tuple(
            Item(one.text("itemid"), one.text("name"), one.text("key_"), one.text("lastvalue", ""))
            for one in row.rows("items")
        ),
    )


def host(row: Row) -> Host:
    """Read a row of host.get; of several interfaces the main one is told."""
    interfaces = sorted(row.rows("interfaces"), key=lambda one: one.text("main", "0"), reverse=True)
    inventory = row.part("inventory")
    return Host(
        hostid=row.text("hostid"),
        host=row.text("host"),
        name=row.text("name"),
        is_enabled=row.text("status") == "0",
        in_maintenance=row.text("maintenance_status", "0") == "1",
        ip=interfaces[0].text("ip", "") if interfaces else "",
        dns=interfaces[0].text("dns", "") if interfaces else "",
        groups=tuple(one.text("name") for one in row.rows("hostgroups")),
        templates=tuple(one.text("name") for one in row.rows("parentTemplates")),
        inventory=inventory.texts() if inventory else None,
        tags=tuple(Tag(one.text("tag"), one.text("value", "")) for one in row.rows("tags")),
    )


def me(row: Row) -> Me:
    """Read user.checkAuthentication."""
    kind = row.number("type")
    if kind not in {one.value for one in UserType}:
        raise UnclearAnswer(f"user.checkAuthentication: type {kind} is none of a role's", target=_ZABBIX)
    return Me(row.text("userid"), row.text("username"), UserType(kind))


def media_type(row: Row) -> MediaType:
    """Read a row of mediatype.get; an account that is no super admin gets six fields of it."""
    templates = row.rows("message_templates") if row.has("message_templates") else None
    parameters = sorted(row.rows("parameters"), key=lambda one: one.number("sortorder", "0"))
    return MediaType(
        mediatypeid=row.text("mediatypeid"),
        name=row.text("name"),
        type=row.number("type"),
        is_enabled=row.text("status") == "0",
        maxattempts=row.number("maxattempts"),
        exec_path=row.text("exec_path") if row.has("exec_path") else None,
        timeout=row.text("timeout") if row.has("timeout") else None,
        parameters=tuple(one.text("value") for one in parameters) if row.has("parameters") else None,
        templates=None if templates is None else frozenset(_template(one) for one in templates),
    )


def _template(row: Row) -> tuple[int, int]:
    return row.number("eventsource"), row.number("recovery")


def action(row: Row) -> Action:
    """Read a row of action.get. Operation type 0 sends a message; 11 and 12 tell all who were told before."""
    media = {
        message.text("mediatypeid", "0")
        for kind in ("operations", "recovery_operations", "update_operations")
        for operation in row.rows(kind)
        if (message := operation.part("opmessage")) and operation.text("operationtype") == "0"
    }
    return Action(
        actionid=row.text("actionid"),
        name=row.text("name"),
        eventsource=row.number("eventsource"),
        is_enabled=row.text("status") == "0",
        mediatypeids=frozenset(media),
        tells_recovery=any(one.part("opmessage") for one in row.rows("recovery_operations")),
        tells_updates=any(one.part("opmessage") for one in row.rows("update_operations")),
        notify_if_canceled=row.text("notify_if_canceled", "0") == "1",
    )
