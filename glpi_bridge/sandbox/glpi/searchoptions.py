"""The search options that can be searched or shown: for each number how a row is tested and what is shown of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .access import Caller, actors
from .dialect import encode
from .itemtypes import TABLES, parent_key
from .matching import like, number
from .recorded import Row
from .timespans import moment

if TYPE_CHECKING:
    from .world import World

Shown = Callable[[int], Any]
Ids = Callable[[int], list[int]]
Condition = Callable[[int], bool]
OLD: Final = frozenset({5, 6, 8, 13, 14})
STATUS_WORDS: Final[dict[str, frozenset[int]]] = {
    "all": frozenset(range(1, 7)),
    "notold": frozenset({1, 2, 3, 4}),
    "notclosed": frozenset({1, 2, 3, 4, 5}),
    "process": frozenset({2, 3}),
    "old": frozenset({5, 6}),
    "waiting": frozenset({4}),
}
_ACTORS: Final = {
    "4": ("user", 1),
    "5": ("user", 2),
    "66": ("user", 3),
    "71": ("group", 1),
    "8": ("group", 2),
    "65": ("group", 3),
}
_BASIC: Final[dict[str, Row]] = {
    "1": {"field": "name", "datatype": "itemlink"},
    "2": {"field": "id", "datatype": "number"},
    "16": {"field": "comment", "datatype": "text"},
    "19": {"field": "date_mod", "datatype": "datetime"},
    "121": {"field": "date_creation", "datatype": "datetime"},
    "80": {"table": "glpi_entities", "field": "completename", "datatype": "dropdown"},
}
_EXTRA: Final[dict[str, dict[str, Row]]] = {
    "User": {"5": {"field": "email"}, "9": {"field": "firstname"}, "34": {"field": "realname"},
             "8": {"field": "is_active"}, "20": {"table": "glpi_profiles", "field": "name"}, "11": {"field": "phone"}},
    "Group": {"1": {"field": "completename", "datatype": "itemlink"}, "14": {"field": "name"}},
    "Location": {"1": {"field": "completename", "datatype": "itemlink"}},
    "Entity": {"1": {"field": "completename", "datatype": "itemlink"}, "14": {"field": "name"}},
    "NetworkEquipment": {
        "3": {"table": "glpi_locations", "field": "completename"}, "5": {"field": "serial"},
        "6": {"field": "otherserial"}, "49": {"table": "glpi_groups", "field": "completename"},
        "86": {"field": "is_recursive", "datatype": "bool"},
    },
}  # fmt: skip


@dataclass(frozen=True)
class Option:
    """One search option of one itemtype, bound to its tables."""

    world: World
    itemtype: str
    number: str
    field: str
    datatype: str
    uid: str
    shown: Shown
    texts: Callable[[int], list[Any]]
    ids: Ids | None = None
    tree: str = ""
    forbidden: bool = False
    hidden: bool = False

    def condition(self, caller: Caller, searchtype: str, value: str) -> Condition:
        """Return the test of one criterion; unknown searchtypes act as "contains" [04/025]."""
        if searchtype in {"equals", "notequals"} and self.datatype != "number":
            return _negated(self.equals(caller, value), searchtype == "notequals")
        if searchtype in {"under", "notunder"} and self.ids is not None:
            below, ids = self.below(value), self.ids
            return _negated(lambda row_id: any(i in below for i in ids(row_id)), searchtype == "notunder")
        if searchtype in {"morethan", "lessthan"} and self.datatype in {"datetime", "date"}:
            return self.compares(searchtype, value)
        if searchtype == "empty":
            empty = {None, "", 0}
            return lambda row_id: all(text in empty for text in self.texts(row_id)) == (value != "0")
        test, texts = self.test(value), self.texts
        return _negated(lambda row_id: any(map(test, texts(row_id) or [None])), searchtype == "notcontains")

    def test(self, value: str) -> Callable[[Any], bool]:
        """Return the test of "contains": numbers compare, texts by the version's encoding."""
        if self.datatype in {"number", "count", "timestamp"}:
            return number(value)
        return like(value, self.search_text)

    def search_text(self, text: str) -> str:
        """Return what the version searches for: 10 looks for `<` under another name than it stores.

        See 04/013 to 04/015 and 15/014.
        """
        if not self.world.dialect.encodes or self.field == "completename":
            return text
        return encode(text.replace("<", "&lt;").replace(">", "&gt;"))

    def equals(self, caller: Caller, value: str) -> Condition:
        """Compare by id where the option has one, by value otherwise; status knows words [04/003-006 021]."""
        if self.field == "status" and self.itemtype in {"Ticket", "Problem", "Change"}:
            return self.has_status(value)
        value = str(caller.users_id) if value == "myself" else value
        if self.ids is not None:
            ids = self.ids
            return lambda row_id: value in map(str, ids(row_id)) or (value == "0" and not ids(row_id))
        if self.datatype == "itemlink":
            return lambda row_id: str(row_id) == value
        if self.datatype in {"datetime", "date"}:
            wanted = moment(self.world, value)
            return lambda row_id: any(str(text or "").startswith(wanted) for text in self.texts(row_id))
        return lambda row_id: any(str(text if text is not None else "") == value for text in self.texts(row_id))

    def has_status(self, value: str) -> Condition:
        """Test a status by number or by one of GLPI's words; problems and changes have more statuses."""
        table, itemtype = self.world.db.tables, self.itemtype
        if value not in STATUS_WORDS:
            return lambda row_id: str(table[itemtype].value(row_id, "status")) == value
        wanted = STATUS_WORDS[value]
        if itemtype != "Ticket":
            every = frozenset(range(1, 15))
            wanted = {"old": OLD, "notold": every - OLD}.get(value, every)
        return lambda row_id: table[itemtype].value(row_id, "status") in wanted

    def below(self, value: str) -> set[int]:
        """Return an item of a tree and all below it."""
        table = self.world.db[TABLES[self.tree]]
        column = parent_key(TABLES[self.tree])
        found = {int(value)} if value.lstrip("-").isdigit() else set()
        while True:
            more = {i for i in table.ids if table.value(i, column) in found and i not in found}
            if not more:
                return found
            found |= more

    def compares(self, searchtype: str, value: str) -> Condition:
        """Compare dates; a span such as -1HOUR counts from now."""
        limit = moment(self.world, value)
        if searchtype == "morethan":
            return lambda row_id: any(text and str(text) > limit for text in self.texts(row_id))
        return lambda row_id: any(text and str(text) < limit for text in self.texts(row_id))


def _negated(condition: Condition, negated: bool) -> Condition:
    return (lambda row_id: not condition(row_id)) if negated else condition


def options(world: World, itemtype: str) -> dict[str, Option]:
    """Return the options of a type: the recorded list where there is one, the common ones otherwise."""
    listed = world.recorded.search_options.get(itemtype) or {**_BASIC, **_EXTRA.get(itemtype, {})}
    if itemtype == "Change":  # its own were not recorded; those of problems are the same as far as both have the column
        listed = {n: _of_change(told) for n, told in world.recorded.search_options["Problem"].items()}
    found = {}
    for number_, told in listed.items():
        if not number_.isdigit():
            continue
        option = _option(world, itemtype, number_, told)
        if option is not None:
            found[number_] = option
    return found


def _of_change(told: Row) -> Row:
    texts = {
        k: v.replace("problem", "change").replace("Problem", "Change") for k, v in told.items() if isinstance(v, str)
    }
    return {**told, **texts}


def _option(world: World, itemtype: str, number_: str, told: Row) -> Option | None:
    table = world.db[itemtype]
    field, datatype = str(told.get("field")), str(told.get("datatype") or "")
    uid = str(told.get("uid") or f"{itemtype}.{field}")
    make = _Maker(world, itemtype, number_, field, datatype, uid)
    if itemtype in {"Ticket", "Problem", "Change"} and number_ in _ACTORS:
        return make.actors(*_ACTORS[number_])
    if itemtype == "Ticket" and number_ in {"13", "131"}:
        return make.forbidden() if number_ == "13" else make.item_types()
    target = TABLES.get(str(told.get("table", "")), "")
    if itemtype == "User" and number_ == "20":
        return make.profiles()
    if number_ in {"22", "64"} and target == "User" and itemtype in {"Ticket", "Problem", "Change"}:
        return make.foreign("users_id_recipient" if number_ == "22" else "users_id_lastupdater", "User")
    if (
        target in {"ITILFollowup", "ITILSolution"}
        and field in {"content", "date", "id", "is_private", "status"}
        and target != itemtype
    ):
        return make.timeline(target)
    if itemtype == "Ticket" and told.get("table") == "glpi_ticketsatisfactions":
        return make.survey()
    if not target or target == itemtype:
        known = field == "id" or field in table.defaults
        return make.own() if known else make.nothing()
    column = "groups_id_tech" if number_ == "49" and "groups_id_tech" in table.defaults else parent_key(target)
    return make.foreign(column, target) if column in table.defaults else make.nothing()


@dataclass(frozen=True)
class _Maker:
    world: World
    itemtype: str
    number: str
    field: str
    datatype: str
    uid: str

    def build(self, shown: Shown, texts: Callable[[int], list[Any]], ids: Ids | None = None, **more: Any) -> Option:
        given = (self.world, self.itemtype, self.number, self.field, self.datatype, self.uid)
        return Option(*given, shown, texts, ids, **more)

    def own(self) -> Option:
        table, field = self.world.db.tables, self.field
        name = self.itemtype

        def read(row_id: int) -> Any:
            return table[name].value(row_id, field)

        return self.build(read, lambda i: [read(i)])

    def nothing(self) -> Option:
        return self.build(lambda _: None, lambda _: [])

    def forbidden(self) -> Option:
        return self.build(lambda _: None, lambda _: [], forbidden=True)

    def foreign(self, column: str, target: str) -> Option:
        tables, field, name = self.world.db.tables, self.field, self.itemtype

        def ids(row_id: int) -> list[int]:
            value = tables[name].value(row_id, column)
            if isinstance(value, list):  # 11: an asset may have several groups
                return value
            return [value] if value or target == "Entity" else []

        def read(row_id: int) -> Any:
            found = [i for i in ids(row_id) if i in tables[target].rows]
            column_ = field if field in tables[target].defaults else "name"
            return tables[target].value(found[0], column_) if found else None

        tree = next((t for t, n in TABLES.items() if n == target), "")
        return self.build(read, lambda i: [read(i)], ids, tree=tree)

    def actors(self, kind: str, role: int) -> Option:
        def ids(row_id: int) -> list[int]:
            return sorted(who for k, who, r in actors(self.world.db, self.itemtype, row_id) if k == kind and r == role)

        def names(row_id: int) -> list[str]:
            if kind == "user":
                return [self.world.friendly_name(i) for i in ids(row_id) if i in self.world.db["User"].rows]
            return [str(self.world.db["Group"].value(i, "completename")) for i in ids(row_id)]

        def read(row_id: int) -> Any:
            values = [str(i) for i in ids(row_id)] if kind == "user" else names(row_id)
            return None if not values else values[0] if len(values) == 1 else values

        return self.build(read, names, ids, tree="glpi_groups" if kind == "group" else "glpi_users")

    def item_types(self) -> Option:
        links = self.world.db.tables

        def types(row_id: int) -> list[str]:
            table = links["Item_Ticket"]
            return [table.value(i, "itemtype") for i in table.children("tickets_id", row_id)]

        return self.build(lambda i: next(iter(types(i)), None), lambda i: list(types(i)))

    def profiles(self) -> Option:
        def ids(row_id: int) -> list[int]:
            return [row["profiles_id"] for row in self.world.profiles_of(row_id)]

        def names(row_id: int) -> list[str]:
            return [str(self.world.db["Profile"].value(i, "name")) for i in ids(row_id)]

        return self.build(lambda i: next(iter(names(i)), None), lambda i: list(names(i)), ids)

    def survey(self) -> Option:
        surveys, field = self.world.db["TicketSatisfaction"], self.field

        def read(row_id: int) -> Any:
            found = surveys.children("tickets_id", row_id)
            return surveys.value(found[0], field) if found else None

        return self.build(read, lambda i: [read(i)])

    def timeline(self, target: str) -> Option:
        tables, field = self.world.db.tables, self.field

        def children(row_id: int) -> list[Any]:
            table = tables[target]
            found = table.children("parent", (self.itemtype, row_id))
            return found if field == "id" else [table.value(i, field) for i in found]

        def read(row_id: int) -> Any:
            values = children(row_id)
            if self.datatype == "count":
                return len(values)
            return None if not values else values[0] if len(values) == 1 else values

        return self.build(read, (lambda i: [len(children(i))]) if self.datatype == "count" else children)
