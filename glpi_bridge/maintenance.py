"""Planned work and the maintenance it has in Zabbix: what is wanted against what was told and what is there. Pure.

Zabbix keeps whole minutes: a maintenance begins with the minute that work begins in and lasts to the end of the one
that it ends in. People win: what a person changed in Zabbix, or deleted there, stays so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MINUTE = 60
_DELETED = "it is not in Zabbix any more: a person deleted it"
SHORTEST = 5 * MINUTE
"""Zabbix refuses periods of less than five minutes."""


class Agreed(StrEnum):
    """When people have agreed to planned work (`when` in bridge.yml)."""

    APPROVED = "approved"
    ACCEPTED = "accepted"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A time of work, in epoch seconds of whole minutes."""

    since: int
    till: int

    @classmethod
    def between(cls, begin: datetime, end: datetime) -> Span:
        """Return the whole minutes that hold a time, five of them at least."""
        since = int(begin.timestamp()) // MINUTE * MINUTE
        till = -(-int(end.timestamp()) // MINUTE) * MINUTE
        return cls(since, max(till, since + SHORTEST))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans in order, those that touch or overlap as one."""
    found: list[Span] = []
    for one in sorted(spans):
        if found and one.since <= found[-1].till:
            found[-1] = Span(found[-1].since, max(found[-1].till, one.till))
        else:
            found.append(one)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Content:
    """What a maintenance says: Zabbix's host ids (sorted), its times, whether values are collected meanwhile.

    `besides` are things that the bridge never sets (host groups, tags, periods of days and weeks): a person's.
    """

    hosts: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    collects: bool = True
    besides: tuple[str, ...] = ()

    def ahead(self, now: float) -> Content:
        """Return what of it is still to come: of a time that has begun only its end counts."""
        later = merged(Span(max(one.since, int(now)), one.till) for one in self.spans if one.till > now)
        return replace(self, spans=later)

    def from_now(self, now: float) -> Content:
        """Return it without the times that are over."""
        return replace(self, spans=tuple(one for one in self.spans if one.till > now))

    def ended(self, now: float) -> Content:
        """Return it as it was so far: a time that is on ends with this minute, no other comes; no times: none began."""
        end = -(-int(now) // MINUTE) * MINUTE
        begun = [one for one in self.spans if one.since <= now]
        return replace(self, spans=tuple(Span(one.since, min(one.till, max(end, one.since + MINUTE))) for one in begun))

    def to_json(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        spans = [[one.since, one.till] for one in self.spans]
        return {"hosts": [*self.hosts], "spans": spans, "collects": self.collects, "besides": [*self.besides]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Content:
        """Read it as the store keeps it."""
        spans = tuple(Span(int(since), int(till)) for since, till in kept["spans"])
        return cls(tuple(kept["hosts"]), spans, bool(kept["collects"]), tuple(kept["besides"]))


class Kind(StrEnum):
    """What may be done about a maintenance."""

    CREATE = "create"
    UPDATE = "update"
    END = "end"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Step:
    """One call that is due: what it leaves there (None: nothing), and why."""

    kind: Kind
    content: Content | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        content = None if self.content is None else self.content.to_json()
        return {"kind": str(self.kind), "content": content, "reason": self.reason}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Step:
        """Read it as the store keeps it."""
        content = None if kept["content"] is None else Content.from_json(kept["content"])
        return cls(Kind(kept["kind"]), content, str(kept["reason"]))


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The maintenance of one Change in one Zabbix, as the bridge follows it. Times are epoch seconds.

    `wanted` is None where the Change is to have none, `why` says why; `told` is what Zabbix has confirmed, under the
    number `maintenanceid`. `step` was begun at `begun_at` and its answer is not known. `left` says why it is a
    person's now. `names` are those of its hosts, by id. `worker` has a call in hand until `lease_until`.
    """

    id: int
    change_id: int
    source: str
    name: str
    marker: str
    title: str = ""
    wanted: Content | None = None
    why: str = ""
    told: Content | None = None
    maintenanceid: str = ""
    step: Step | None = None
    begun_at: float = 0.0
    left: str = ""
    state: str = ""
    version: int = 0
    not_before: float = 0.0
    tries: int = 0
    refused_at: float | None = None
    parked: str | None = None
    finished_at: float | None = None
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    worker: str = ""
    lease_until: float = 0.0

    def is_free(self, now: float) -> bool:
        """Whether no worker has a call for it in hand."""
        return not self.worker or self.lease_until <= now


@dataclass(frozen=True, slots=True)
class Shown:
    """A maintenance that is there. `is_ours`: it carries our marker."""

    maintenanceid: str
    content: Content
    is_ours: bool = True


@dataclass(frozen=True, slots=True)
class Calm:
    """Nothing is due; `is_final`: nothing will be. `until`: when to look again (None: whenever there is news)."""

    reason: str
    is_final: bool = False
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What reading has shown to be so: the maintenance as told from now on (None: there is none)."""

    told: Shown | None
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """A person has decided otherwise: nothing more is done."""

    reason: str


def plan(one: Upkeep, shown: Shown | None, now: float, settle_after: timedelta) -> Step | Calm | Known | Left:
    """Return what is due for a maintenance, with what Zabbix shows of it; None is not there, or not for our eyes."""
    if one.left:
        return Calm(one.left, is_final=True)
    if one.step is not None:
        return _settled(one, one.step, shown, now, settle_after)
    if one.told is None:
        return _begun(one, shown, now)
    if shown is None:
        return Left(_DELETED) if one.told.ahead(now).spans else _begun(one, shown, now)
    if shown.content != one.told:
        return Left("a person changed it in Zabbix")
    return _followed(one, one.told, now)


def _begun(one: Upkeep, shown: Shown | None, now: float) -> Step | Calm | Known | Left:
    wanted = one.wanted
    if shown is not None and not shown.is_ours:
        return Left(f'Zabbix has a maintenance of the name "{one.name}" that is not the bridge\'s')
    if shown is not None:
        if wanted is not None and shown.content.ahead(now) == wanted.ahead(now):
            return Known(shown, "found in Zabbix")
        return Left("Zabbix has it already, otherwise than it is planned, and the store does not know why")
    if wanted is None or not wanted.ahead(now).spans:
        return Calm(one.why or "nothing is planned", is_final=True)
    return Step(Kind.CREATE, wanted, one.why)


def _followed(one: Upkeep, told: Content, now: float) -> Step | Calm:
    still = told.ahead(now)
    wanted = Content() if one.wanted is None else one.wanted.from_now(now)
    if wanted.spans and wanted.ahead(now) != still:
        return Step(Kind.UPDATE, wanted, one.why)
    if wanted.spans:
        return Calm("as planned")
    if not still.spans:
        return Calm("over", is_final=True)
    past = told.ended(now)
    if not past.spans:
        return Step(Kind.DELETE, None, one.why)
    return Calm("ends with this minute") if past == told else Step(Kind.END, past, one.why)


def _settled(
    one: Upkeep, step: Step, shown: Shown | None, now: float, settle_after: timedelta
) -> Step | Calm | Known | Left:
    """Read back what a call without an answer has done; it may still be under way until it had its time."""
    if shown is not None and not shown.is_ours and one.told is None:
        return _begun(one, shown, now)
    has = None if shown is None else shown.content
    if has == step.content:
        return Known(shown, step.reason)
    if has != one.told:
        return Left("a person changed it in Zabbix" if shown else _DELETED)
    later = one.begun_at + settle_after.total_seconds()
    if now < later:
        return Calm("a call without an answer is read back", until=later)
    return _begun(one, shown, now) if one.told is None else _followed(one, one.told, now)
