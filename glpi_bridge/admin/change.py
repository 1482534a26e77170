"""What a provisioning run did or would do, item by item, and the one error that stands in its way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from glpi_bridge.errors import BridgeError


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
