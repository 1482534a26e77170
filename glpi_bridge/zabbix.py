"""The Zabbix client: events by id, open problems, acknowledgements, and what `check` asks. Stands on pyzabbix.

It decides nothing and repeats nothing but one call that was refused for its token. What an answer means is read in
`zabbix_answers`; times and connections are `http`'s. `Zabbix.api` is the pyzabbix object, with the same deadline and
the same typed errors. Never use that object as a context manager: leaving it swallows errors of the API.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import requests
from pyzabbix.api import ZABBIX_6_4_0, ZabbixAPI

from glpi_bridge import http
from glpi_bridge import zabbix_answers as answers
from glpi_bridge.errors import Fault, Held, Refused, SettingsError, UnclearAnswer
from glpi_bridge.zabbix_answers import (
    AckAction,
    Acknowledge,
    Action,
    Gone,
    Host,
    HostName,
    Item,
    Me,
    MediaType,
    NoRight,
    OpenState,
    Recovery,
    Trigger,
    UserType,
    Visible,
    ZabbixEvent,
)

__all__ = [
    "MEASURED",
    "TESTED",
    "AckAction",
    "Acknowledge",
    "Action",
    "Gone",
    "Host",
    "HostName",
    "Item",
    "Me",
    "MediaType",
    "NoRight",
    "OpenState",
    "Recovery",
    "Trigger",
    "UserType",
    "Visible",
    "Zabbix",
    "ZabbixEvent",
    "is_tested",
    "message_cut",
]

TESTED = ((7, 0), (7, 4))
"""The oldest and the newest Zabbix (major, minor) this client is tried on; all but `MEASURED` by their documents."""

MEASURED = (7, 0)
"""The Zabbix that was measured itself."""

CHUNK = 1000
"""Ids in one call: 1,000 events with everything are 457 KB in 55 ms, and the request stays under 8 KB."""

MESSAGE_CHARACTERS = 2048
"""What acknowledges.message holds; Zabbix refuses one character more."""

_ZWJ = "\u200d"
_JOINERS = (_ZWJ, "\ufe0f", "\ufe0e")  # what binds an emoji to the character before it
_NOBODY = "9223372036854775807"  # the highest id there can be: an event that does not exist
_TRIGGER_EVENTS = {"source": 0, "object": 0}
_EVENT_FIELDS = [
    *("eventid", "source", "object", "objectid", "clock", "value", "name", "severity", "acknowledged", "suppressed"),
    *("r_eventid", "c_eventid", "cause_eventid", "opdata"),
]
_INVENTORY = ["location", "asset_tag", "serialno_a", "macaddress_a", "contact"]
_HOST = {
    "output": ["hostid", "host", "name", "status", "maintenance_status"],
    "selectInterfaces": ["ip", "dns", "main"],
    "selectHostGroups": ["groupid", "name"],
    "selectParentTemplates": ["templateid", "name"],
    "selectInventory": _INVENTORY,
    "selectTags": ["tag", "value"],
}


def _is_harmless(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


# pyzabbix logs every payload and answer at DEBUG, passwords and tokens too. A filter holds whatever level is set.
logging.getLogger("pyzabbix.api").addFilter(_is_harmless)


class Zabbix:
    """A Zabbix API, by address of the front end and API token; the first call connects, not the constructor.

    All calls raise TargetError: NotConnected, NoAnswer, DeadlineExceeded, UnclearAnswer (reads may be repeated, an
    acknowledgement only after `has_message`), Held (token, address: a person), NoRight and Gone (this call only).
    Not for several threads at once.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        no_proxy: Sequence[str] = (),
        connect_timeout: float = 5.0,
        total_timeout: float = 30.0,
    ) -> None:
        self.url = _front_end(url)
        self._token_file = None if token_file is None else Path(token_file)
        self.session = _session(
            ca_file=ca_file,
            proxy=proxy,
            no_proxy=no_proxy,
            connect_timeout=connect_timeout,
            total_timeout=total_timeout,
        )
        self.session.hooks["response"].append(_judge)
        self.api = ZabbixAPI(self.url, session=self.session, detect_version=False)
        self.session.headers["User-Agent"] = "glpi-bridge"  # pyzabbix set its own
        # Without a version pyzabbix puts the token into the body, which 7.2 refuses; 6.4 and later know the header.
        self.api.version = ZABBIX_6_4_0
        self.api.login(api_token=_token(token, self._token_file))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Zabbix({self.url!r})"

    def close(self) -> None:
        """Close the connections; a token needs no log-out."""
        self.session.close()

    def call(self, method: str, params: Any) -> Any:
        """Call any method of the API and give its `result`. Raises TargetError.

        A refused token is read anew from its file and the call sent once more: it was not carried out.
        """
        try:
            return self.api.do_request(method, params)["result"]
        except Held:
            if self._token_file is None or (fresh := _token(None, self._token_file)) == self.api.auth:
                raise
            self.api.auth = fresh
        return self.api.do_request(method, params)["result"]

    def _rows(self, method: str, params: dict[str, Any]) -> list[answers.Row]:
        return answers.rows(method, self.call(method, params))

    # who and what is there

    def version(self) -> tuple[int, ...]:
        """Give the version as numbers, (7, 0, 22); asked without a token, as Zabbix demands."""
        text = self.call("apiinfo.version", [])
        if not isinstance(text, str) or not re.match(r"\d+\.\d+", text):
            raise UnclearAnswer(f"{self.url}: {text!r} is no version of Zabbix", target="Zabbix")
        return tuple(int(number) for number in re.findall(r"\d+", text.split("-")[0])[:3])

    def me(self) -> Me:
        """Tell whose token this is."""
        result = self.call("user.checkAuthentication", {"token": self.api.auth})
        return answers.me(answers.Row("user.checkAuthentication", result))

    def log_in(self, username: str, password: str) -> None:
        """Go on with a session in place of the token; end it by `log_out`. Held: name or password is not right."""
        try:
            session = self.call("user.login", {"username": username, "password": password})
        except Refused as error:
            raise Held(f"{self.url}: Zabbix does not let {username} in: {error}", target="Zabbix") from error
        if not isinstance(session, str):
            raise UnclearAnswer(f"{self.url}: user.login gives no session", target="Zabbix")
        self.api.auth = session

    def log_out(self) -> None:
        """End the session of `log_in`."""
        self.call("user.logout", [])

    def visible(self) -> Visible:
        """Count the host groups and hosts this account sees. Zero is a missing right, for which Zabbix has no error."""
        hosts = answers.count("host.get", self.call("host.get", {"countOutput": True}))
        try:
            groups = answers.count("hostgroup.get", self.call("hostgroup.get", {"countOutput": True}))
        except NoRight:  # the role that the docs propose does not list hostgroup.get
            found = self._rows("host.get", {"output": ["hostid"], "selectHostGroups": ["groupid"]})
            groups = len({one.text("groupid") for row in found for one in row.rows("hostgroups")})
        return Visible(host_groups=groups, hosts=hosts)

    def can_acknowledge(self) -> bool:
        """Tell whether role and rights allow messages and acknowledgements, as far as that shows without an event."""
        try:
            self._acknowledge(_NOBODY, AckAction.MESSAGE | AckAction.ACKNOWLEDGE, "rights check")
        except NoRight:
            return False
        except Gone:
            return True
        return True

    def media_types(self) -> tuple[MediaType, ...]:
        """List the media types. An account that is no super admin gets few fields of each."""
        params = {"output": "extend", "selectMessageTemplates": ["eventsource", "recovery"]}
        return tuple(answers.media_type(row) for row in self._rows("mediatype.get", params))

    def actions(self) -> tuple[Action, ...]:
        """List the actions and what they tell."""
        params = {
            "output": "extend",
            "selectOperations": "extend",
            "selectRecoveryOperations": "extend",
            "selectUpdateOperations": "extend",
        }
        return tuple(answers.action(row) for row in self._rows("action.get", params))

    # events

    def events(self, eventids: Iterable[str]) -> dict[str, ZabbixEvent]:
        """Read events by id, with their recoveries. An id that is missing from the result is unknown, not closed."""
        found: dict[str, answers.Row] = {}
        for chunk in _chunks(eventids):
            params = {
                "eventids": chunk,
                "output": _EVENT_FIELDS,
                "selectTags": ["tag", "value"],
                "selectHosts": ["hostid", "host", "name", "status"],
                "selectAcknowledges": "extend",
            }
            found.update((row.text("eventid"), row) for row in self._rows("event.get", params))
        ended = self._recovery_events(row.id("r_eventid") for row in found.values())
        return {eventid: answers.event(row, ended) for eventid, row in found.items()}

    def _recovery_events(self, r_eventids: Iterable[str]) -> dict[str, Recovery]:
        """Read the recovery events themselves: event.get tells a problem's `r_eventid` but not when that was."""
        found: dict[str, Recovery] = {}
        for chunk in _chunks(sorted({one for one in r_eventids if one}, key=int)):
            params = {"eventids": chunk, "output": ["eventid", "objectid", "clock", "name"]}
            for row in self._rows("event.get", params):
                found[row.text("eventid")] = answers.recovery(row)
        return found

    def recoveries(self, after: str, limit: int = CHUNK) -> list[Recovery]:
        """List recovery events with an id above `after`, oldest first, at most `limit`: what ended since last time.

        They name the trigger, not the problem; one may end many problems. Ask `events` for those that are held.
        """
        params = {
            **_TRIGGER_EVENTS,
            "value": 0,
            "eventid_from": str(int(after) + 1),
            "output": ["eventid", "objectid", "clock", "name"],
            "sortfield": ["eventid"],
            "sortorder": "ASC",
            "limit": limit,
        }
        return [answers.recovery(row) for row in self._rows("event.get", params)]

    def newest_eventid(self) -> str:
        """Give the highest id of a trigger event that this account sees, "0" if there is none: a first watermark."""
        params = {**_TRIGGER_EVENTS, "output": ["eventid"], "sortfield": ["eventid"], "sortorder": "DESC", "limit": 1}
        found = self._rows("event.get", params)
        return found[0].text("eventid") if found else "0"

    def open_states(self) -> dict[str, OpenState]:
        """Read what may change on all open problems, in one call, about 200 bytes each; missing is unknown."""
        params = {
            **_TRIGGER_EVENTS,
            "output": ["eventid", "objectid", "severity", "acknowledged", "suppressed", "cause_eventid"],
        }
        states = (answers.open_state(row) for row in self._rows("problem.get", params))
        return {state.eventid: state for state in states}

    def open_problems(
        self, since: datetime | None = None, eventid_from: str | None = None, page: int = CHUNK
    ) -> Iterator[ZabbixEvent]:
        """Go through the open problems, newest first, page by page; `since` and `eventid_from` cut off older ones.

        A problem that recovers meanwhile still comes, with its recovery, or not at all.
        """
        params: dict[str, Any] = {**_TRIGGER_EVENTS, "output": ["eventid"], "sortfield": ["eventid"]}
        params |= {"sortorder": "DESC", "limit": page}
        if since is not None:
            params["time_from"] = int(since.timestamp())
        if eventid_from is not None:
            params["eventid_from"] = eventid_from
        while eventids := [row.text("eventid") for row in self._rows("problem.get", params)]:
            known = self.events(eventids)
            yield from (known[eventid] for eventid in eventids if eventid in known)
            if len(eventids) < page:
                return
            params["eventid_till"] = str(int(eventids[-1]) - 1)

    # what events are about

    def triggers(self, triggerids: Iterable[str]) -> dict[str, Trigger]:
        """Read triggers by id, with hosts, groups, items, and the names of templates that rights allow."""
        found: dict[str, answers.Row] = {}
        for chunk in _chunks(triggerids):
            params = {
                "triggerids": chunk,
                "output": [
                    "triggerid",
                    "description",
                    "comments",
                    "url",
                    "priority",
                    "status",
                    "manual_close",
                    "templateid",
                ],
                "expandDescription": True,
                "expandComment": True,
                "selectHosts": ["hostid", "host", "name", "status"],
                "selectHostGroups": ["groupid", "name"],
                "selectItems": ["itemid", "name", "key_", "lastvalue"],
            }
            found.update((row.text("triggerid"), row) for row in self._rows("trigger.get", params))
        parents = self._template_names({row.id("templateid") for row in found.values()} - {""})
        return {one: answers.trigger(row, parents.get(row.id("templateid"), ())) for one, row in found.items()}

    def _template_names(self, triggerids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Name the template of each template trigger; without a right on the template group there is none."""
        names: dict[str, tuple[str, ...]] = {}
        for chunk in _chunks(sorted(triggerids, key=int)):
            params = {"triggerids": chunk, "output": ["triggerid"], "selectHosts": ["hostid", "host", "name"]}
            for row in self._rows("trigger.get", params):
                names[row.text("triggerid")] = tuple(answers.host_name(one).name for one in row.rows("hosts"))
        return names

    def hosts(self, hostids: Iterable[str]) -> dict[str, Host]:
        """Read hosts by id, with address, groups, templates that rights allow, and the inventory that tickets use."""
        found: dict[str, Host] = {}
        for chunk in _chunks(hostids):
            for row in self._rows("host.get", {**_HOST, "hostids": chunk}):
                found[row.text("hostid")] = answers.host(row)
        return found

    def all_hosts(self) -> Iterator[Host]:
        """Go through every host that this account sees, about 500 in a call."""
        rows = self._rows("host.get", {"output": ["hostid"]})
        for chunk in _chunks(sorted((row.text("hostid") for row in rows), key=int)):
            yield from self.hosts(chunk).values()

    # telling Zabbix

    def acknowledge(self, eventid: str, message: str, *, acknowledge: bool = True, close: bool = False) -> None:
        """Write a message to an event, cut to what Zabbix holds; by default the event is acknowledged too.

        Not idempotent: without a clear answer ask `has_message` before it is repeated.
        """
        action = AckAction.MESSAGE
        if acknowledge:
            action |= AckAction.ACKNOWLEDGE
        if close:
            action |= AckAction.CLOSE
        self._acknowledge(eventid, action, message_cut(message))

    def _acknowledge(self, eventid: str, action: AckAction, message: str) -> None:
        params = {"eventids": [eventid], "action": int(action), "message": message}
        done = answers.Row("event.acknowledge", self.call("event.acknowledge", params))
        if eventid not in done.listed("eventids"):
            raise UnclearAnswer(f"{self.url}: event.acknowledge does not name event {eventid} as done", target="Zabbix")

    def has_message(self, eventid: str, message: str) -> bool:
        """Tell whether the event carries this message, cut as `acknowledge` cuts it. Raises Gone if it is not shown."""
        params = {"eventids": [eventid], "output": ["eventid"], "selectAcknowledges": ["acknowledgeid", "message"]}
        found = self._rows("event.get", params)
        if not found:
            raise Gone(
                f"{self.url}: event {eventid} is not shown: gone, or no right on its host group", target="Zabbix"
            )
        wanted = _comparable(message_cut(message))
        return any(_comparable(one.text("message", "")) == wanted for one in found[0].rows("acknowledges"))


def is_tested(version: Sequence[int]) -> bool:
    """Tell whether this Zabbix lies in the tested range."""
    return TESTED[0] <= tuple(version[:2]) <= TESTED[1]


def message_cut(message: str) -> str:
    """Cut to what an acknowledgement holds; an ellipsis shows it, and no character is torn from its marks."""
    if len(message) <= MESSAGE_CHARACTERS:
        return message
    end = MESSAGE_CHARACTERS - 1
    while end and (unicodedata.combining(message[end]) or message[end] in _JOINERS or message[end - 1] == _ZWJ):
        end -= 1
    return message[:end] + "…"


def _comparable(message: str) -> str:
    return "\n".join(message.splitlines()).strip()


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    waiting = iter(ids)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk


def _judge(answer: requests.Response, **_: Any) -> None:
    """Read every answer before pyzabbix does; the typed error passes through it."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    answers.read(answer.status_code, headers, answer.content, url=answer.url)


def _front_end(url: str) -> str:
    """Bring the front end's address into one form: no end slash, no page, no query. SettingsError if it is none."""
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(
            [Fault("url", 0, f"{url!r} is no address", "write http(s)://host/path of Zabbix's front end")]
        )
    if parts.username is not None:  # requests would send it in place of the token
        shown = parts.netloc.rpartition("@")[2]
        raise SettingsError(
            [Fault("url", 0, f"a user name before @{shown}", "leave it out: the API token is the log-in")]
        )
    path = re.sub(r"/+([A-Za-z_]+\.php)?/*$", "", parts.path)
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _token(token: str | None, token_file: Path | None) -> str:
    if (token is None) == (token_file is None):
        raise SettingsError([Fault("token_file", 0, "give either a token file or a token, and not both")])
    if token_file is not None:
        try:
            token = token_file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([Fault(str(token_file), 0, f"the API token cannot be read: {error}")]) from error
    token = (token or "").strip()
    if not token or not token.isprintable() or not token.isascii() or " " in token:
        found = "no API token" if not token else f"{len(token)} characters that are no API token"
        raise SettingsError([Fault(str(token_file or "token"), 0, found, "Zabbix shows one under Users, API tokens")])
    return token


def _session(*, ca_file: str | os.PathLike[str] | None, **how: Any) -> requests.Session:
    try:
        return http.session(ca_file=ca_file, target="Zabbix", **how)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError([Fault(str(ca_file), 0, f"ca_file cannot be used: {error}")]) from error
