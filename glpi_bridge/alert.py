"""What the alert script hands over, read: the accepted names and the parser. Pure; it opens nothing.

An alert is a sequence of `name=value` items, each ended by a NUL byte. A missing, unresolved or odd field costs that
field and never the alert; only what cannot be tied to an event is refused (`BadAlert`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from glpi_bridge.errors import SpoolError
from glpi_bridge.model import Alert, AlertKind

DEFAULT_SOURCE = "zabbix"

_MACROS = (  # noqa: SIM905 - as a table it is read at a glance
    "{EVENT.ID} {EVENT.NAME} {EVENT.VALUE} {EVENT.NSEVERITY} {EVENT.SOURCE} {EVENT.OBJECT} {EVENT.DATE} {EVENT.TIME} "
    "{EVENT.OPDATA} {EVENT.TAGSJSON} {EVENT.ACK.STATUS} {EVENT.CAUSE.ID} "
    "{EVENT.RECOVERY.ID} {EVENT.RECOVERY.NAME} {EVENT.RECOVERY.VALUE} {EVENT.RECOVERY.DATE} {EVENT.RECOVERY.TIME} "
    "{EVENT.RECOVERY.TAGSJSON} "
    "{EVENT.UPDATE.STATUS} {EVENT.UPDATE.ACTION} {EVENT.UPDATE.MESSAGE} {EVENT.UPDATE.DATE} {EVENT.UPDATE.TIME} "
    "{USER.FULLNAME} {DATE} {TIME} "
    "{HOST.HOST} {HOST.NAME} {HOST.ID} {HOST.IP} {HOST.DNS} {HOST.CONN} "
    "{TRIGGER.ID} {TRIGGER.NAME} {TRIGGER.DESCRIPTION} {TRIGGER.URL} {TRIGGER.EXPRESSION} {TRIGGER.HOSTGROUP.NAME} "
    "{TRIGGER.TEMPLATE.NAME} "
    "{ITEM.ID} {ITEM.KEY} {ITEM.NAME} {ITEM.VALUE} "
    "{INVENTORY.LOCATION} {INVENTORY.ASSET.TAG} {INVENTORY.SERIALNO.A} {INVENTORY.MACADDRESS.A} "
    "{ACTION.ID} {ACTION.NAME}"
).split()

ALERT_FIELDS: Mapping[str, str] = MappingProxyType(
    {macro.strip("{}").lower().replace(".", "_"): macro for macro in _MACROS}
)
"""Accepted name → the Zabbix macro it stands for, in the order of the media type's parameters.

The media type and the documents are made from this; `source=NAME` (which Zabbix server) comes on top of it.
"""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "eventid": "event_id",
        "triggerid": "trigger_id",
        "value": "event_value",
        "nseverity": "event_nseverity",
        "host": "host_host",
        "name": "event_name",
        "opdata": "event_opdata",
        "tags": "event_tagsjson",
    }
)
"""Short names that are accepted too."""

# what cron-glpi adds about a job; known, so that it is no cause for a warning
_CRON_FIELDS = frozenset({"category"})
_EVENT_SOURCES = frozenset("01234")
_EVENT_ID = re.compile(r"[A-Za-z0-9._-]+")
_LITERAL_MACRO = re.compile(r"\{[$#?]?[A-Z][A-Za-z0-9._:\"-]*\}")


class Reason(StrEnum):
    """Why something in the spool cannot be taken for an alert."""

    EMPTY = "it is empty"
    CUT_SHORT = "it does not end with a NUL byte, so its end is missing"
    NO_EVENT_ID = "it names no event (event_id)"
    TOO_LARGE = "it is larger than any alert"
    NOT_A_FILE = "it is not a regular file"
    NOT_READABLE = "it cannot be read"


class BadAlert(SpoolError):
    """This cannot be taken for an alert; `reason` is which kind of trouble it is."""

    def __init__(self, reason: Reason, found: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {found}" if found else str(reason))


def parse(data: bytes, received_at: datetime) -> Alert:
    """Read one spool file's bytes; `received_at` (aware) is when the script wrote it. Raises BadAlert."""
    if not data:
        raise BadAlert(Reason.EMPTY)
    if not data.endswith(b"\0"):
        raise BadAlert(Reason.CUT_SHORT, f"{len(data)} bytes, the last {data[-20:]!r}")
    warnings: list[str] = []
    fields = _fields(data[:-1].split(b"\0"), warnings)
    source = _source(fields.pop("source", ""), warnings)
    _check_tags(fields, warnings)
    return Alert(
        source=source,
        eventid=_eventid(fields),
        kind=_kind(fields),
        fields=MappingProxyType(fields),
        received_at=received_at,
        warnings=tuple(warnings),
    )


def is_resolved(value: str) -> bool:
    """Tell a value from Zabbix's three kinds of nothing: empty, `*UNKNOWN*`, and the macro's own name."""
    return bool(value) and value != "*UNKNOWN*" and not _LITERAL_MACRO.fullmatch(value)


def _fields(items: Iterable[bytes], warnings: list[str]) -> dict[str, str]:
    """Split each item at its first `=`; of several values for one name the first that says something counts."""
    fields: dict[str, str] = {}
    for item in items:
        raw_name, equals, raw_value = item.partition(b"=")
        name = raw_name.decode(errors="replace")
        if not equals or not name:
            warnings.append(f"argument {_shown(item)} is not name=value and was left out")
            continue
        value = raw_value.decode(errors="replace")
        if "\N{REPLACEMENT CHARACTER}" in value and value.encode() != raw_value:
            warnings.append(f"{name}: bytes that are no UTF-8 were replaced")
        name = _accepted(name, value, warnings)
        if not is_resolved(value):
            continue
        if name in fields:
            if fields[name] != value:
                warnings.append(f"{name} was given more than once; the first value counts")
            continue
        fields[name] = value
    return fields


def _accepted(name: str, value: str, warnings: list[str]) -> str:
    """Give the canonical name; an unknown one is kept as it is (templates and rules may use it)."""
    if name == "source":
        # {EVENT.SOURCE} is 0 to 4; the names of Zabbix servers are not
        return "event_source" if value in _EVENT_SOURCES else name
    canonical = ALIASES.get(name, name)
    if canonical not in ALERT_FIELDS and canonical not in _CRON_FIELDS:
        warning = f"{_shown(name.encode())} is no name that the bridge knows; it was kept"
        if warning not in warnings:
            warnings.append(warning)
    return canonical


def _source(name: str, warnings: list[str]) -> str:
    """Name the Zabbix server; a name with other characters than [A-Za-z0-9.-] is made one that has not."""
    if not name:
        return DEFAULT_SOURCE
    usable = re.sub(r"[^A-Za-z0-9.-]", "-", name)
    if usable != name:
        warnings.append(f"source {_shown(name.encode())} has characters other than A-Z a-z 0-9 . -; taken as {usable}")
    return usable


def _eventid(fields: Mapping[str, str]) -> str:
    eventid = fields.get("event_id", "")
    if not _EVENT_ID.fullmatch(eventid):
        raise BadAlert(Reason.NO_EVENT_ID, f"found {_shown(eventid.encode())}" if eventid else "")
    return eventid


def _kind(fields: Mapping[str, str]) -> AlertKind:
    """An update of a resolved event also has a recovery id and value 0, so the update comes first."""
    if fields.get("event_update_status") == "1":
        return AlertKind.UPDATE
    if fields.get("event_value") == "0" or "event_recovery_id" in fields:
        return AlertKind.RECOVERY
    return AlertKind.PROBLEM


def _check_tags(fields: dict[str, str], warnings: list[str]) -> None:
    for name in ("event_tagsjson", "event_recovery_tagsjson"):
        trouble = _tags_trouble(fields.get(name, "[]"))
        if trouble:
            warnings.append(f"{name} was left out: {trouble}")
            del fields[name]


def _tags_trouble(text: str) -> str:
    """Say what keeps a text from being a list of {"tag": …, "value": …}; empty if nothing does."""
    try:
        rows = json.loads(text)
        json.dumps(rows, ensure_ascii=False).encode()  # an escape such as \ud800 alone is no character
    except (ValueError, RecursionError) as error:
        return f"not the JSON of {{EVENT.TAGSJSON}} ({type(error).__name__}: {error})"
    if isinstance(rows, list) and all(isinstance(row, dict) and isinstance(row.get("tag"), str) for row in rows):
        return ""
    return f"not a list of tags: {_shown(text.encode())}"


def _shown(text: bytes) -> str:
    """Quote foreign text for a message: one line, not long."""
    return ascii(text[:60].decode(errors="replace")) + ("…" if len(text) > 60 else "")
