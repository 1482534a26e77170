"""The vocabulary of what is done beyond single tickets: a Problem or a Change as the bridge follows it, deed by deed.

Pure values. An undertaking is one GLPI object with all that hangs on it; a deed is one write for it, told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Resolution(StrEnum):
    """What the end of a Problem or Change does to its incidents that are still open."""

    ANNOTATE = "annotate"
    SOLVE = "solve"
    OFF = "off"


class Kind(StrEnum):
    """What an undertaking is in GLPI; the values are its itemtypes."""

    PROBLEM = "Problem"
    CHANGE = "Change"


OVER = {Kind.PROBLEM: frozenset({5, 6, 8}), Kind.CHANGE: frozenset({5, 6, 8, 13, 14})}
"""The statuses that end it: solved (applied), closed, under observation (review); a Change also refused, cancelled."""


@dataclass(frozen=True, slots=True)
class Undertaking:
    """A Problem or Change as the bridge follows it. `id` is the store's own number; times are epoch seconds.

    `cause` is the digest that its incidents share (`recurrence`), or what else there is only one of. `marker` is the
    last line of its text in GLPI. `given` is what it was begun with, `told` what GLPI has confirmed: deed → GLPI id (0:
    given up). `seen` is how it stands in GLPI. `version` changes with every write.
    """

    id: int
    kind: Kind
    cause: str
    generation: int
    marker: str
    glpi_id: int | None = None
    given: Mapping[str, Any] = field(default_factory=dict, hash=False)
    told: Mapping[str, int] = field(default_factory=dict, hash=False)
    seen: Mapping[str, Any] = field(default_factory=dict, hash=False)
    state: str = ""
    version: int = 0
    tries: int = 0
    refused_at: float | None = None
    parked: str | None = None
    created_at: float = 0.0
    finished_at: float | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """One write that is due for an undertaking, and how it is found again.

    `key` names it among the undertaking's; `input` is what `itemtype` is posted with. It is found by its `marker`, the
    last line of the column `marked`, in the list at `path`, or, without a marker, by the columns `same`.
    """

    key: str
    reason: str
    itemtype: str
    input: Mapping[str, Any] = field(hash=False)
    path: str
    marker: str = ""
    marked: str = "content"
    same: Mapping[str, int | str] = field(default_factory=dict, hash=False)

    @property
    def is_courtesy(self) -> bool:
        """Whether it is left out once GLPI has refused it several times: what hangs on an object, not the object."""
        return self.itemtype not in set(Kind)


@dataclass(frozen=True, slots=True)
class Member:
    """A ticket of an undertaking as the store knows it; `marker` is "" where it is not one of ours.

    `is_recovered`: Zabbix sees none of its problems any more.
    """

    ticket_id: int
    marker: str = ""
    is_finished: bool = False
    is_gone: bool = False
    is_recovered: bool = True


@dataclass(frozen=True, slots=True)
class Due:
    """What is due next for an undertaking, and why; `subject` is the GLPI id (of a ticket, say) that it is about."""

    verb: str
    reason: str
    subject: int = 0
    detail: str = ""

    @property
    def key(self) -> str:
        """Name the deed among those of its undertaking."""
        return " ".join(str(part) for part in (self.verb, self.subject or "", self.detail) if part)

    @classmethod
    def named(cls, key: str) -> Due:
        """Return what a deed was due for, by its key."""
        verb, _, rest = key.partition(" ")
        subject, _, detail = rest.partition(" ")
        return cls(verb, "", int(subject or 0), detail)


@dataclass(frozen=True, slots=True)
class Calm:
    """No deed is due; `is_final`: none will be."""

    reason: str
    is_final: bool = False


NOTE, SOLUTION = "ended", "resolution"
_RESOLVED = frozenset({5, 6})  # Problem.status and Change.status: solved (applied), closed


def resolve(one: Undertaking, members: Iterable[Member], wanted: Resolution) -> Due | None:
    """Return what the end of a Problem or Change is still to do to its incidents; None where it does nothing.

    Only a recovery ends what Zabbix still sees: such an incident is annotated, whatever is wanted.
    """
    if wanted is Resolution.OFF or one.seen.get("status") not in _RESOLVED:
        return None
    for member in members:
        if member.is_finished or member.is_gone:
            continue
        verb = SOLUTION if wanted is Resolution.SOLVE and member.is_recovered else NOTE
        due = Due(verb, f"its {one.kind.lower()} was solved", member.ticket_id)
        if due.key not in one.told:
            return due
    return None
