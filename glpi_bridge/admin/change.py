"""What a provisioning run did or would do, item by item, and the one error that stands in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from glpi_bridge.errors import BridgeError, Fault, SettingsError


class ProvisionError(BridgeError):
    """The server cannot be brought to the wanted state; each line says why."""

    def __init__(self, lines: Iterable[str]) -> None:
        super().__init__("\n".join(lines))


class Action(StrEnum):
    """What was done, or would be done."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One item that was made, changed or removed: fields as (before, after), without secrets."""

    kind: str
    name: str
    action: Action
    itemtype: str
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.name}"


class Ledger:
    """Account of one run: what was changed, and what stands in the way. With `is_trial` nothing is written."""

    def __init__(self, *, is_trial: bool) -> None:
        self.is_trial = is_trial
        self.changes: list[Change] = []
        self.faults: list[str] = []

    def fault(self, line: str) -> None:
        """Note what stands in the way; once is enough."""
        if line not in self.faults:
            self.faults.append(line)


D = TypeVar("D", bound=Ledger)


def carry_out(
    desk: Callable[[bool], D], deed: Callable[[D], Sequence[Fault] | None], *, is_check: bool
) -> list[Change]:
    """Try a deed at a desk (made for a trial or not); if nothing is in the way, do it. Return what was changed.

    With `is_check` it is what would be changed. `deed` returns faults of a file, raised as SettingsError; what else is
    in the way is raised as ProvisionError, both with every reason and before the first write.
    """
    trial = desk(True)
    if lines := deed(trial):
        raise SettingsError(sorted(lines, key=lambda fault: fault.line))
    if trial.faults:
        raise ProvisionError(trial.faults)
    if is_check or not trial.changes:
        return trial.changes
    real = desk(False)
    deed(real)
    return real.changes
