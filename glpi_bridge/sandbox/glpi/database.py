"""The stand-in's tables: sparse rows over column defaults, ids in order, children found by their parent.

Rows keep only what differs from the default, so that 100,000 tickets fit; ids are kept sorted, so that "above the
watermark" touches
only the newest rows. One lock guards all tables: as in a database, one statement at a time.
"""

from __future__ import annotations

import copy
import threading
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .recorded import Row

INDEXED = ("tickets_id", "problems_id", "changes_id", "users_id", "profiles_id", "tickets_id_1", "tickets_id_2")
PARENT = ("itemtype", "items_id")


class Table:
    """All rows of one itemtype."""

    def __init__(self, name: str, defaults: Row) -> None:
        self.name = name
        self.defaults = defaults
        self.rows: dict[int, Row] = {}
        self.ids: list[int] = []
        self.next_id = 1
        self._shared = [column for column, default in defaults.items() if isinstance(default, list)]
        self._children: dict[tuple[str, Any], dict[int, None]] = defaultdict(dict)

    def reserve(self) -> int:
        """Hand out the next id; an id that is not used afterwards stays a gap, as in InnoDB."""
        self.next_id += 1
        return self.next_id - 1

    def insert(self, values: Row, row_id: int | None = None) -> int:
        """Add a row under the next id, or under one that was reserved before."""
        row_id = self.reserve() if row_id is None else row_id
        self.next_id = max(self.next_id, row_id + 1)
        row = {k: v for k, v in values.items() if k in self.defaults and v != self.defaults[k]}
        self.rows[row_id] = row
        if self.ids and row_id < self.ids[-1]:
            insort(self.ids, row_id)
        else:
            self.ids.append(row_id)
        self._index(row_id, row)
        return row_id

    def update(self, row_id: int, values: Row) -> None:
        """Set columns of a row."""
        row = self.rows[row_id]
        self._unindex(row_id, row)
        for column, value in values.items():
            if column in self.defaults:
                if value == self.defaults[column]:
                    row.pop(column, None)
                else:
                    row[column] = value
        self._index(row_id, row)

    def remove(self, row_id: int) -> None:
        """Delete a row for good; its id is not given out again."""
        self._unindex(row_id, self.rows.pop(row_id))
        del self.ids[bisect_left(self.ids, row_id)]

    def value(self, row_id: int, column: str) -> Any:
        """Return one column of a row."""
        if column == "id":
            return row_id
        row = self.rows[row_id]
        return row[column] if column in row else self.defaults[column]

    def full(self, row_id: int) -> Row:
        """Return a copy of a row with every column, id first, in the order of the table."""
        full = {"id": row_id, **self.defaults, **self.rows[row_id]}
        for column in self._shared:
            full[column] = copy.copy(full[column])
        return full

    def above(self, low: int | None, high: int | None) -> Sequence[int]:
        """Return the ids with low < id < high, either open when None."""
        start = 0 if low is None else bisect_right(self.ids, low)
        end = len(self.ids) if high is None else bisect_left(self.ids, high)
        return self.ids[start:end]

    def children(self, column: str, value: Any) -> list[int]:
        """Return the ids of the rows whose indexed column (or PARENT pair) has this value, in order."""
        return sorted(self._children.get((column, value), ()))

    def _keys(self, row: Row) -> Iterator[tuple[str, Any]]:
        for column in INDEXED:
            if column in row:
                yield column, row[column]
        if "itemtype" in row and "items_id" in row:
            yield "parent", (row["itemtype"], row["items_id"])

    def _index(self, row_id: int, row: Row) -> None:
        for key in self._keys(row):
            self._children[key][row_id] = None

    def _unindex(self, row_id: int, row: Row) -> None:
        for key in self._keys(row):
            self._children[key].pop(row_id, None)


class Database:
    """Every table by itemtype, and the lock that makes one change at a time."""

    def __init__(self, columns: dict[str, Row]) -> None:
        self.lock = threading.RLock()
        self.tables = {name: Table(name, defaults) for name, defaults in columns.items()}

    def __getitem__(self, itemtype: str) -> Table:
        return self.tables[itemtype]

    def __contains__(self, itemtype: str) -> bool:
        return itemtype in self.tables

    def load(self, itemtype: str, rows: Iterable[Row]) -> None:
        """Insert rows that carry their id."""
        for row in rows:
            self[itemtype].insert({k: v for k, v in row.items() if k != "id"}, row["id"])

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of all tables, as a dump would keep it (next ids included)."""
        with self.lock:
            return {
                name: {"rows": {i: dict(r) for i, r in t.rows.items()}, "next_id": t.next_id}
                for name, t in self.tables.items()
            }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Put a snapshot back: ids given out since are given out again [14/001-021]."""
        with self.lock:
            for name, state in snapshot.items():
                fresh = Table(name, self.tables[name].defaults)
                for row_id, row in sorted((int(i), r) for i, r in state["rows"].items()):
                    fresh.insert(row, row_id)
                fresh.next_id = state["next_id"]
                self.tables[name] = fresh
