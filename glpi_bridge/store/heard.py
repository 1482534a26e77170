"""What was heard of a ticket's history in GLPI, as one text of an incident's row."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from glpi_bridge.model import Word


@dataclass(frozen=True, slots=True)
class Heard:
    """Which rows of the history were heard, and the words that Zabbix is still owed of them.

    News begin at `since` (epoch seconds): what people did before the ticket was ours is history. `read` is the
    ticket's time of change, as GLPI writes it, when its history was read last; empty: to be read again.
    """

    since: float = 0.0
    rows: frozenset[int] = frozenset()
    read: str = ""
    words: tuple[Word, ...] = ()

    def to_json(self) -> str:
        """Write it."""
        words = [asdict(word) for word in self.words]
        return json.dumps({"since": self.since, "rows": sorted(self.rows), "read": self.read, "words": words})


def heard_of(text: str | None) -> Heard:
    """Read what `to_json` wrote; None: nothing was heard yet of a ticket of our own making."""
    if text is None:
        return Heard()
    raw = json.loads(text)
    return Heard(raw["since"], frozenset(raw["rows"]), raw["read"], tuple(Word(**word) for word in raw["words"]))
