"""Adding, changing and deleting one item of any type; the types with more to it build on this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from .access import CREATE, DELETE, PURGE, UPDATE, Caller
from .answers import Crashed, Refused, Verbatim, not_permitted
from .itemtypes import ITEMTYPES, Said
from .recorded import Row
from .values import integer

if TYPE_CHECKING:
    from .world import World

LONG_TEXTS: Final = frozenset(
    {
        "content", "comment", "answer", "comment_submission", "comment_validation", "impactcontent", "causecontent",
        "symptomcontent", "controlistcontent", "rolloutplancontent", "backoutplancontent", "checklistcontent",
        "ancestors_cache", "completename", "value", "helpdesk_item_type",
    }
)  # fmt: skip
NAME_LIMIT: Final = 255


class Course(Protocol):
    """What ordered faults do to the items of one request."""

    def dies_late(self) -> float | None:
        """Return after how many seconds the row of a killed worker appears, or None."""

    def query_fails(self) -> bool:
        """Tell whether an SQL error comes after this item's own statement."""


class NoFaults:
    """Nothing special happens: people's own changes."""

    def dies_late(self) -> float | None:
        """Return None: nobody dies."""
        return None

    def query_fails(self) -> bool:
        """Return False."""
        return False


@dataclass
class Act:
    """One call at work: who, when, under which faults."""

    world: World
    caller: Caller
    sanitized: bool = True
    course: Course = field(default_factory=NoFaults)
    solving: set[int] = field(default_factory=set)

    @property
    def now(self) -> str:
        """The server's time as GLPI writes it."""
        return self.world.now()


class WorkerDied(Exception):
    """The PHP process was killed; its statement is still in the database."""


class Writer:
    """Adds, changes and deletes items of one type."""

    def __init__(self, world: World, itemtype: str) -> None:
        self.world = world
        self.itemtype = itemtype
        self.type = ITEMTYPES[itemtype]

    @property
    def table(self) -> Any:
        """The rows."""
        return self.world.db[self.itemtype]

    # -- what GLPI asks first --

    def may_add(self, act: Act, data: Row) -> bool:
        """Ask for the right to create, and for the entity."""
        if not act.caller.has(self.type.right, CREATE):
            return False
        if "entities_id" in self.table.defaults and "entities_id" in data:
            return integer(data["entities_id"]) in act.caller.entities
        return True

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:  # noqa: ARG002  # every hook has this shape
        """Ask for the right to update."""
        return act.caller.has(self.type.right, UPDATE)

    def may_delete(self, act: Act, row_id: int, *, purge: bool) -> bool:  # noqa: ARG002
        """Ask for the right to delete or purge."""
        return act.caller.has(self.type.right, PURGE if purge else DELETE)

    # -- the three verbs --

    def add(self, act: Act, data: Row) -> tuple[int, str]:
        """Add an item and return its id and GLPI's words; Refused with GLPI's words otherwise."""
        if not self.may_add(act, data):
            raise not_permitted()
        row = self.prepare_add(act, dict(data))
        self.check_unique(row)
        self.check_length(row, "INSERT INTO")
        late = act.course.dies_late()
        if late is not None:
            self.world.appears_late(self.itemtype, self.table.reserve(), row, late)
            raise WorkerDied
        row_id = self.table.insert(row)
        if act.course.query_fails():
            return self.half_done(row_id, row)
        self.after_add(act, row_id, data)
        return row_id, self.said(row_id)

    def half_done(self, row_id: int, row: Row) -> tuple[int, str]:
        """The row is there, a later statement failed: 11 tells and 10 does not."""
        if self.world.dialect.encodes:
            return row_id, self.said(row_id)
        raise self.sql_error("Lock wait timeout exceeded; try restarting transaction", 1205, "UPDATE", row)

    def update(self, act: Act, row_id: int, data: Row) -> str:
        """Change an item; returns GLPI's words, "" mostly."""
        if not self.may_update(act, row_id, data):
            raise not_permitted()
        changes = self.prepare_update(act, row_id, dict(data))
        old = {k: self.table.value(row_id, k) for k in changes}
        changes = {k: v for k, v in changes.items() if old[k] != v}
        self.check_length(changes, "UPDATE")
        if changes:
            if "date_mod" in self.table.defaults:
                changes.setdefault("date_mod", act.now)
            self.table.update(row_id, changes)
        if act.course.query_fails() and not self.world.dialect.encodes:
            raise self.sql_error("Lock wait timeout exceeded; try restarting transaction", 1205, "UPDATE", changes)
        self.after_update(act, row_id, data, old)
        return ""

    def delete(self, act: Act, row_id: int, *, purge: bool) -> str:
        """Put an item in the trash, or purge it when asked or when its type has no trash."""
        purge = purge or "is_deleted" not in self.table.defaults
        if not self.may_delete(act, row_id, purge=purge):
            raise not_permitted()
        if purge:
            self.before_purge(act, row_id)
            self.table.remove(row_id)
        else:
            self.table.update(row_id, {"is_deleted": 1, "date_mod": act.now})
        return ""

    # -- what the types fill in --

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Turn input into column values."""
        row = self.columns(data)
        for column in ("date_creation", "date_mod"):
            if column in self.table.defaults:
                row.setdefault(column, act.now)
        if "entities_id" in self.table.defaults:
            row.setdefault("entities_id", act.caller.active_entity)
        if "completename" in self.table.defaults and self.type.tree:
            row.update(self.place_in_tree(row))
        return row

    def prepare_update(self, act: Act, row_id: int, data: Row) -> Row:  # noqa: ARG002
        """Turn input into changed column values."""
        changes = self.columns(data)
        changes.pop("id", None)
        if self.type.tree and {"name", self.type.tree} & changes.keys():
            changes.update(self.place_in_tree({**self.table.full(row_id), **changes}))
        return changes

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """Do what follows from a new item."""

    def after_update(self, act: Act, row_id: int, data: Row, old: Row) -> None:
        """Do what follows from a change."""

    def before_purge(self, act: Act, row_id: int) -> None:
        """Clear what hangs on the item."""

    def said(self, row_id: int) -> str:
        """Return GLPI's words after an add."""
        name = self.named(row_id)
        match self.type.said:
            case Said.NOTHING:
                return ""
            case Said.ID:
                name = str(row_id)
            case Said.LABEL:
                name = f"{self.type.label} - ID {row_id}"
            case Said.NAME_AND_ID:
                name = name or f"{self.itemtype} - ID {row_id}"
                name = f"{name} ({row_id})" if self.world.dialect.encodes else name
            case _:
                name = name or f"{self.itemtype} - ID {row_id}"
        return f"Item successfully added: {name}"

    def named(self, row_id: int) -> str:
        """Return the stored name of an item."""
        return str(self.table.value(row_id, "name") or "") if "name" in self.table.defaults else ""

    # -- shared by all --

    def columns(self, data: Row) -> Row:
        """Keep the known columns of an input as the table stores them; unknown ones are dropped silently [02/074]."""
        return {k: self.stored(k, v) for k, v in data.items() if k in self.table.defaults}

    def stored(self, column: str, value: Any) -> Any:
        """Return a value as the column keeps it; a list where a text belongs ends PHP [02/072]."""
        default = self.table.defaults[column]
        if isinstance(value, (list, dict)):
            if isinstance(default, list):
                return value
            raise Crashed
        if isinstance(default, list):
            return [integer(value)] if integer(value) else []
        if isinstance(default, int) and not isinstance(default, bool):
            return integer(value)
        if value is None:
            return None if default is None else default
        if isinstance(value, bool):
            return int(value)
        text = self.world.dialect.stored(value if isinstance(value, str) else str(value))
        if self.world.dialect.encodes and column not in LONG_TEXTS:
            text = text[:NAME_LIMIT]
        return text

    def check_length(self, row: Row, verb: str) -> None:
        """Refuse texts over 255 characters where the version does not cut them."""
        if self.world.dialect.encodes:
            return
        for column, value in row.items():
            if isinstance(value, str) and column not in LONG_TEXTS and len(value) > NAME_LIMIT:
                raise self.sql_error(f"Data too long for column '{column}' at row 1", 1406, verb, row)

    def check_unique(self, row: Row) -> None:
        """Refuse a second equal link: most types say nothing, plain ones what the database said [06/071 103]."""
        if not self.type.unique:
            return
        wanted = [row.get(k, self.table.defaults.get(k)) for k in self.type.unique]
        key = self.type.unique[0]
        for row_id in self.table.children(key, row.get(key)):
            if [self.table.value(row_id, k) for k in self.type.unique] == wanted:
                raise self.duplicate(wanted, row)

    def duplicate(self, wanted: list[Any], row: Row) -> Refused:
        """Return the refusal of a second equal row."""
        text = f"Duplicate entry '{'-'.join(map(str, wanted))}' for key 'unicity'"
        if not self.type.duplicate_says_sql:
            return Refused("")
        if self.world.dialect.encodes:
            return Refused(text)
        return self.sql_error(text, 1062, "INSERT INTO", row) if self.itemtype == "Group_User" else Refused("")

    def sql_error(self, text: str, errno: int, verb: str, row: Row) -> Refused:
        """Return GLPI 11's words for an error of the database: they carry the statement, content included [11/003]."""
        names = ", ".join(f"`{k}`" for k in row)
        values = ", ".join("NULL" if v is None else f"'{v}'" for v in row.values())
        table = f"`glpi_{self.itemtype.lower()}s`"
        sql = f"{verb} {table} ({names}) VALUES ({values})" if verb == "INSERT INTO" else f"{verb} {table} SET {names}"
        return Refused(Verbatim(f'MySQL query error: {text} ({errno}) in SQL query "{sql}".'))

    def place_in_tree(self, row: Row) -> Row:
        """Return path, level and ancestors of an item in a tree."""
        parent = integer(row.get(self.type.tree) or 0)
        has_parent = parent in self.table.rows and (self.itemtype == "Entity" or parent != 0)
        name = str(row.get("name") or "")
        if not has_parent:
            return {"completename": name, "level": 1, "ancestors_cache": "[]" if self.world.dialect.encodes else None}
        above = self.table.full(parent)
        ancestors = "[0]" if self.itemtype == "Entity" else f'{{"{parent}":{parent}}}'
        return {
            "completename": f"{above['completename']} > {name}",
            "level": above["level"] + 1,
            "ancestors_cache": ancestors,
        }
