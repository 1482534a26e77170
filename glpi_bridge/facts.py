"""What is known to be true of an event, merged so that order and repetition never matter.

Facts are registers: for each name the best stated value, where "best" is a total order (rank of the witness, time, then
the value itself). Taking the greater of two is associative, commutative and idempotent, and so is the union of notes:
any order of alerts, repeated any number of times, gives the same facts. Pure; the standard library only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, cast

from glpi_bridge.model import Alert, AlertKind, Event, Note, Origin, Severity, Tag

Value = str | int | float | bool | list[Any]
Register = tuple[int, float, Value]

# Witnesses of texts: the alert about the problem was composed when it happened; later ones may know less
# (after a manual close {EVENT.RECOVERY.TAGSJSON} lacks the trigger's tags) or something newer.
GUESS, RECOVERY, UPDATE, ASKED, PROBLEM = range(5)
_RANK = {AlertKind.RECOVERY: RECOVERY, AlertKind.UPDATE: UPDATE, AlertKind.PROBLEM: PROBLEM}

_TEXTS = {
    "name": "event_name",
    "host": "host_host",
    "host_name": "host_name",
    "host_id": "host_id",
    "host_ip": "host_ip",
    "host_dns": "host_dns",
    "triggerid": "trigger_id",
    "trigger_name": "trigger_name",
    "trigger_description": "trigger_description",
    "trigger_url": "trigger_url",
    "item_key": "item_key",
    "item_name": "item_name",
    "item_value": "item_value",
    "opdata": "event_opdata",
    "inventory_location": "inventory_location",
    "asset_tag": "inventory_asset_tag",
    "serial": "inventory_serialno_a",
    "mac": "inventory_macaddress_a",
}
_LISTS = {"host_groups": "trigger_hostgroup_name", "templates": "trigger_template_name"}
_ORIGINS = {
    "0": Origin.TRIGGER,
    "1": Origin.DISCOVERY,
    "2": Origin.AUTOREGISTRATION,
    "3": Origin.INTERNAL,
    "4": Origin.SERVICE,
    "cron": Origin.CRON,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """All that witnesses said of one event; `notes` maps a note's id to [epoch seconds, author, action, message]."""

    registers: Mapping[str, Register] = field(default_factory=dict)
    notes: Mapping[str, tuple[float, str, str, str]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write them as one line of JSON with sorted keys: equal facts give equal text."""
        return json.dumps({"registers": self.registers, "notes": self.notes}, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        registers = {name: (rank, at, value) for name, (rank, at, value) in raw["registers"].items()}
        return cls(registers, {name: tuple(note) for name, note in raw["notes"].items()})

    def says_as(self, other: Facts) -> bool:
        """Tell whether both say the same, whoever said it and when."""
        return self.notes == other.notes and self._values() == other._values()

    def _values(self) -> dict[str, Value]:
        # an empty text says no more than none
        return {name: value for name, (_, _, value) in self.registers.items() if value != ""}

    def value(self, name: str, default: Value = "") -> Value:
        """Return a register's value."""
        register = self.registers.get(name)
        return default if register is None else register[2]


def merge(*many: Facts) -> Facts:
    """Join facts about one event; associative, commutative, idempotent."""
    registers: dict[str, Register] = {}
    notes: dict[str, tuple[float, str, str, str]] = {}
    for facts in many:
        for name, register in facts.registers.items():
            held = registers.get(name)
            registers[name] = register if held is None else max(held, register, key=_weight)
        for id_, note in facts.notes.items():
            notes[id_] = max(notes.get(id_, note), note)
    return Facts(registers, notes)


def _weight(register: Register) -> tuple[int, float, str]:
    rank, at, value = register
    return rank, at, json.dumps(value, sort_keys=True)


def from_alert(alert: Alert, zone: tzinfo) -> Facts:
    """Read an alert; `zone` is the time zone of the Zabbix server, whose dates carry none."""
    fields = alert.fields
    rank = _RANK[alert.kind]
    composed = stated_time(fields, "date", "time", zone) or alert.received_at
    at = float(int(composed.timestamp()))  # as if Zabbix had told it: whole seconds
    registers: dict[str, Register] = {}
    for name, macro in _TEXTS.items():
        if macro in fields:
            registers[name] = (rank, 0.0, fields[macro])
    for name, macro in _LISTS.items():
        if macro in fields:
            registers[name] = (rank, 0.0, [part.strip() for part in fields[macro].split(",") if part.strip()])
    if "event_tagsjson" in fields:
        registers["tags"] = (rank, 0.0, _tags(fields["event_tagsjson"]))
    if fields.get("event_source") in _ORIGINS:
        registers["origin"] = (rank, 0.0, _ORIGINS[fields["event_source"]].value)
    if _is_severity(fields.get("event_nseverity", "")):
        registers["severity"] = (0, at, int(fields["event_nseverity"]))
    if fields.get("event_ack_status") in ("Yes", "No"):
        registers["acknowledged"] = (0, at, fields["event_ack_status"] == "Yes")
    if fields.get("event_cause_id", "").isdigit():
        registers["cause_eventid"] = (0, at, fields["event_cause_id"])
    registers |= _times(alert, zone)
    registers |= _suppression(fields, at)
    if alert.kind is not AlertKind.RECOVERY:
        registers["announced"] = (0, 0.0, True)
    registers["is_alerted"] = (0, 0.0, True)
    registers["fields"] = (rank, 0.0, [[name, text] for name, text in sorted(fields.items()) if name not in _KNOWN])
    return Facts(registers, _notes(alert, composed))


def _times(alert: Alert, zone: tzinfo) -> dict[str, Register]:
    """Opening and recovery; of several statements of one rank the earliest counts, hence the minus."""
    fields = alert.fields
    opened = stated_time(fields, "event_date", "event_time", zone)
    best = opened or alert.received_at
    epoch = best.timestamp()
    registers: dict[str, Register] = {"opened_at": (UPDATE if opened else GUESS, -epoch, epoch)}
    recovered = stated_time(fields, "event_recovery_date", "event_recovery_time", zone)
    if alert.kind is AlertKind.RECOVERY or recovered is not None:
        epoch = (recovered or alert.received_at).timestamp()
        registers["recovered_at"] = (UPDATE if recovered else GUESS, -epoch, epoch)
        if "event_recovery_name" in fields:
            registers["recovery_name"] = (_RANK[alert.kind], 0.0, fields["event_recovery_name"])
    # {EVENT.RECOVERY.VALUE} is 0 for every recovery: it is no measured value
    if alert.kind is AlertKind.RECOVERY and "item_value" in fields:
        registers["recovery_value"] = (RECOVERY, 0.0, fields["item_value"])
    if _author(fields) and _is_closing(alert):
        registers["closed_by"] = (RECOVERY, 0.0, _author(fields))
    return registers


def _is_closing(alert: Alert) -> bool:
    """Tell whether it ends the problem: Zabbix names who closed it by hand in the update, not in the recovery."""
    words = alert.fields.get("event_update_action", "").replace(",", " ").split()
    return alert.kind is AlertKind.RECOVERY or "closed" in words


def _author(fields: Mapping[str, str]) -> str:
    """Name the person; empty where Zabbix does not: it shows only people who share a user group with the receiver."""
    name = fields.get("user_fullname", "")
    return "" if name == "Inaccessible user" else name


def _suppression(fields: Mapping[str, str], at: float) -> dict[str, Register]:
    """{EVENT.UPDATE.ACTION} says "suppressed until …", "suppressed indefinitely" or "unsuppressed"."""
    action = fields.get("event_update_action", "")
    words = action.replace(",", " ").split()
    if "unsuppressed" in words:
        return {"suppressed": (0, at, False)}
    if "suppressed" in words:
        return {"suppressed": (0, at, True)}
    return {}


def _notes(alert: Alert, composed: datetime) -> dict[str, tuple[float, str, str, str]]:
    """An update alert is one note; its id comes from what was said, so a repeated alert gives the same note."""
    if alert.kind is not AlertKind.UPDATE:
        return {}
    fields = alert.fields
    message, action = fields.get("event_update_message", ""), fields.get("event_update_action", "")
    if not message and not action:
        return {}
    author = _author(fields)
    said_at = fields.get("event_update_date", ""), fields.get("event_update_time", "")
    # without Zabbix's own time the alert's is all there is; equal words at another time are another note
    witness = json.dumps([*said_at, author, action, message] if any(said_at) else [str(composed), action, message])
    id_ = hashlib.sha256(witness.encode()).hexdigest()[:16]
    return {id_: (composed.timestamp(), author, action, message)}


_KNOWN = frozenset(
    {*_TEXTS.values(), *_LISTS.values()}
    | {"event_tagsjson", "event_id", "event_source", "event_nseverity", "event_ack_status", "date", "time"}
)


def stated_time(fields: Mapping[str, str], day: str, clock: str, zone: tzinfo) -> datetime | None:
    """Read Zabbix's `2026.11.25` and `02:15:39`, in the zone of its server; None when absent or not a date."""
    try:
        local = datetime.strptime(f"{fields[day]} {fields[clock]}", "%Y.%m.%d %H:%M:%S")  # noqa: DTZ007 - next line
    except (KeyError, ValueError):
        return None
    return local.replace(tzinfo=zone).astimezone(UTC)


def _is_severity(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= Severity.DISASTER


def _tags(text: str) -> list[list[str]]:
    """Read {EVENT.TAGSJSON}; what is broken costs the tags only (intake warned of it)."""
    try:
        raw = json.loads(text)
    except ValueError:
        return []
    rows = raw if isinstance(raw, list) else []
    return [[str(row["tag"]), str(row.get("value", ""))] for row in rows if isinstance(row, dict) and "tag" in row]


def event(source: str, eventid: str, facts: Facts) -> Event:
    """Show the facts as an Event."""
    return Event(
        source=source,
        eventid=eventid,
        origin=Origin(str(facts.value("origin", Origin.TRIGGER.value))),
        tags=tuple(Tag(tag, value) for tag, value in cast(Iterable[tuple[str, str]], facts.value("tags", []))),
        host_groups=tuple(cast(list[str], facts.value("host_groups", []))),
        templates=tuple(cast(list[str], facts.value("templates", []))),
        severity=Severity(int(cast(int, facts.value("severity", 0)))),
        opened_at=_time(facts.registers.get("opened_at")),
        recovered_at=_time(facts.registers.get("recovered_at")),
        recovery_name=str(facts.value("recovery_name")),
        recovery_value=str(facts.value("recovery_value")),
        closed_by=str(facts.value("closed_by")),
        acknowledged=bool(facts.value("acknowledged", False)),
        suppressed=bool(facts.value("suppressed", False)),
        cause_eventid=str(facts.value("cause_eventid")),
        unwatched=str(facts.value("unwatched")),
        announced=bool(facts.value("announced", False)),
        is_alerted=bool(facts.value("is_alerted", False)),
        notes=tuple(sorted(_note(id_, note) for id_, note in facts.notes.items())),
        fields=dict(cast(list[tuple[str, str]], facts.value("fields", []))),
        **{name: str(facts.value(name)) for name in _TEXTS},
    )


def _time(register: Register | None) -> datetime | None:
    return None if register is None else datetime.fromtimestamp(float(cast(float, register[2])), UTC)


def _note(id_: str, note: tuple[float, str, str, str]) -> Note:
    at, author, action, message = note
    return Note(at=datetime.fromtimestamp(at, UTC), id=id_, author=author, action=action, message=message)
