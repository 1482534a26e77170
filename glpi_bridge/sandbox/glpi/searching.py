"""`search/ITEMTYPE`: criteria with AND, OR, NOT and nesting, columns under their option numbers, pages.

Which rows may match at all is bounded first by what the criteria say about the id, so that a search above a
watermark looks only at
the newest rows however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import access
from .access import Caller
from .answers import Answer, Failed, right_missing
from .matching import bounds, fold
from .query import listed, number, page, truthy
from .reading import Reader
from .recorded import Row
from .searchoptions import Condition, Option, options
from .world import World

NO_ENTITY = frozenset(
    {"ITILFollowup", "ITILSolution", "User", "Profile", "RequestType", "SolutionType", "TicketTask", "Log"}
)
ID = "2"


class Searcher:
    """Answers search and listSearchOptions."""

    def __init__(self, world: World, reader: Reader) -> None:
        self.world = world
        self.reader = reader
        self._options: dict[str, dict[str, Option]] = {}

    def options(self, itemtype: str) -> dict[str, Option]:
        """Return the search options of a type by number."""
        if itemtype not in self._options:
            self._options[itemtype] = options(self.world, itemtype)
        return self._options[itemtype]

    def list_options(self, itemtype: str) -> Answer | None:
        """Return the recorded options of a type, None where none were recorded."""
        found = self.world.recorded.search_options.get(itemtype)
        return None if found is None else Answer.json(found)

    def search(self, caller: Caller, itemtype: str, parameters: Row) -> Answer:
        """Return one page of what the criteria find."""
        if itemtype == "AllAssets":
            return self.all_assets(caller, parameters)
        known = self.options(itemtype)
        if not self.reader.may_list(caller, itemtype):
            raise right_missing()
        criteria = listed(parameters.get("criteria"))
        self.check(criteria, known)
        trash = number(parameters.get("is_deleted"))
        ids = self.shown(caller, itemtype, self.bounded(itemtype, criteria), trash)
        if criteria and self.named(criteria) is None:
            ids = list(filter(self.condition(caller, itemtype, criteria), ids))
        sort = self.sort_keys(parameters, known)
        orders = [str(o).upper() for o in (listed(parameters.get("order")) or [parameters.get("order") or "ASC"])]
        orders += ["ASC"] * (len(sort) - len(orders))
        ids = self.sorted(itemtype, ids, sort, orders)
        columns = self.columns(caller, itemtype, parameters, criteria, known)
        return self.page_of(itemtype, ids, columns, parameters, sort, orders, criteria)

    def all_assets(self, caller: Caller, parameters: Row) -> Answer:
        """Search computers, network equipment and printers at once [04/059]."""
        rows = []
        for itemtype in ("Computer", "NetworkEquipment", "Printer"):
            if not self.reader.may_list(caller, itemtype):
                continue
            criteria = listed(parameters.get("criteria"))
            meets = self.condition(caller, itemtype, criteria)
            for i in self.shown(caller, itemtype, self.world.db[itemtype].ids, 0):
                if meets(i):
                    row = {"1": self.world.db[itemtype].value(i, "name"), "80": self.entity_name(itemtype, i), "2": i}
                    rows.append({**row, "id": i, "itemtype": itemtype})
        total = len(rows)
        content_range = f"0-{total - 1}/{total}"
        sort = [1] if self.world.dialect.encodes else [0]
        body: Row = {"totalcount": total, "count": total, "sort": sort, "order": ["ASC"], "data": rows}
        body["content-range"] = content_range
        return Answer.json(body, 200, Accept_Range="AllAssets 1000", Content_Range=content_range)

    def entity_name(self, itemtype: str, row_id: int) -> Any:
        """Return the path of an item's entity."""
        return self.reader.name("Entity", self.world.db[itemtype].value(row_id, "entities_id"))

    # -- criteria --

    def check(self, criteria: list[Row], known: dict[str, Option]) -> None:
        """Refuse fields that do not exist or may not be searched [04/024 048 050]."""
        for one in criteria:
            if "criteria" in one:
                self.check(listed(one["criteria"]), known)
                continue
            if not {"field", "searchtype", "value"} <= one.keys():
                raise Failed(400, "ERROR", "Malformed search criteria", documented=True)
            if truthy(one.get("meta", "")):
                continue
            field = str(one.get("field", ""))
            if field not in known:
                raise Failed(400, "ERROR", "Bad field ID in search criteria", documented=True)
            if known[field].forbidden:
                raise Failed(400, "ERROR", "Forbidden field ID in search criteria", documented=True)

    def bounded(self, itemtype: str, criteria: list[Row]) -> list[int]:
        """Return the ids that can match at all, from what is ANDed about the id."""
        table = self.world.db[itemtype]
        exact = self.alternatives(criteria)
        if exact is not None:
            return sorted(i for i in exact if i in table.rows)
        low: int | None = None
        high: int | None = None
        plain = all(str(one.get("link", "AND")).upper() == "AND" for one in criteria)
        for one in criteria if plain else ():
            if not self.about_id(itemtype, one):
                continue
            below, above = bounds(str(one.get("value", "")))
            low = below if low is None or (below is not None and below > low) else low
            high = above if high is None or (above is not None and above < high) else high
        return list(table.above(low, high))

    def alternatives(self, criteria: list[Row]) -> set[int] | None:
        """Return the ids of "id equals" criteria that are all OR, alone or as one nested list; None otherwise."""
        sets = []
        if _is_either(criteria):
            return self.exact_ids(criteria)
        for i, one in enumerate(criteria):
            if str(one.get("link", "AND")).upper() != "AND" and i > 0:
                return None
            inner = listed(one.get("criteria")) if "criteria" in one else []
            links = [str(c.get("link", "OR")).upper() for c in inner[1:]]
            if inner and all(link == "OR" for link in links):
                found = self.exact_ids(inner)
                if found is not None:
                    sets.append(found)
        return set.intersection(*sets) if sets else None

    def named(self, criteria: list[Row]) -> set[int] | None:
        """Return the ids where the criteria are nothing but "one of these ids"; None otherwise."""
        plain = all(one.get("searchtype") == "equals" for one in criteria)
        return self.exact_ids(criteria) if plain and _is_either(criteria) else None

    def exact_ids(self, criteria: list[Row]) -> set[int] | None:
        """Return the ids named one by one, None when anything else is among the criteria."""
        found = set()
        for one in criteria:
            try:
                if not self.about_id("", one):
                    return None
                found.add(int(str(one.get("value"))))
            except ValueError:
                return None
        return found

    @staticmethod
    def about_id(itemtype: str, one: Row) -> bool:
        """Tell whether a criterion compares the item's own id."""
        plain = "criteria" not in one and not truthy(one.get("meta", ""))
        return (
            plain
            and str(one.get("field")) == ID
            and itemtype != "ITILFollowup"
            and one.get("searchtype") != "notequals"
        )

    def condition(self, caller: Caller, itemtype: str, criteria: list[Row]) -> Condition:
        """Return the test of a list of criteria, AND binding as tightly as in SQL."""
        groups: list[list[Condition]] = [[]]
        for i, one in enumerate(criteria):
            link = str(one.get("link") or "AND").upper()
            if i and link.startswith("OR"):
                groups.append([])
            condition = self.single(caller, itemtype, one)
            groups[-1].append(_not(condition) if link.endswith("NOT") else condition)
        return lambda row_id: any(all(condition(row_id) for condition in group) for group in groups)

    def single(self, caller: Caller, itemtype: str, one: Row) -> Condition:
        """Return the test of one criterion."""
        if "criteria" in one:
            return self.condition(caller, itemtype, listed(one["criteria"]))
        if truthy(one.get("meta", "")):
            return lambda row_id: bool(self.meta_names(itemtype, one, row_id))
        option = self.options(itemtype)[str(one["field"])]
        return option.condition(caller, str(one.get("searchtype", "contains")), str(one.get("value", "")))

    def meta_names(self, itemtype: str, one: Row, row_id: int) -> list[str]:
        """Return the names of linked items of another type that meet a meta criterion [04/049]."""
        other = str(one.get("itemtype"))
        links = self.world.db["Item_Ticket"]
        if itemtype != "Ticket" or other not in self.world.db:
            return []
        option = self.options(other)[str(one["field"])]
        nobody = Caller(0, 0, "central", frozenset(), 0, {})
        meets = option.condition(nobody, str(one.get("searchtype", "contains")), str(one.get("value", "")))
        items = (links.full(i) for i in links.children("tickets_id", row_id))
        table = self.world.db[other]
        ids = [link["items_id"] for link in items if link["itemtype"] == other and link["items_id"] in table.rows]
        return [str(table.value(i, "name")) for i in ids if meets(i)]

    def shown(self, caller: Caller, itemtype: str, ids: Iterable[int], trash: int) -> list[int]:
        """Keep the rows on this side of the trash that may be seen."""
        table = self.world.db[itemtype]
        rows, defaults = table.rows, table.defaults
        for column, wanted in (("is_deleted", trash), ("is_template", 0)):
            if column in defaults:
                ids = [i for i in ids if rows[i].get(column, 0) == wanted]
        return access.visible(self.world.db, caller, itemtype, ids)

    # -- order and columns --

    def sort_keys(self, parameters: Row, known: dict[str, Option]) -> list[int]:
        """Return the columns to sort by: without a wish the name (10) or the id (11) [04/026 029]."""
        wish = parameters.get("sort")
        values = listed(wish) if isinstance(wish, (list, dict)) else [wish] if wish not in {None, ""} else []
        if values and (self.world.dialect.encodes or all(str(v) in known for v in values)):
            return [int(str(v)) for v in values]
        return [1] if self.world.dialect.encodes else [0]

    def sorted(self, itemtype: str, ids: list[int], sort: list[int], orders: list[str]) -> list[int]:
        """Sort rows by their shown values; unknown columns do not sort [04/029]."""
        for column, order in reversed(list(zip(sort, orders, strict=False))):
            option = self.options(itemtype).get(str(column))
            reverse = order == "DESC"
            if str(column) == ID and itemtype != "ITILFollowup":
                ids = sorted(ids, reverse=reverse)  # nearly free: they are in order already
            elif option is not None:
                ids = sorted(ids, key=lambda i: _key(option.shown(i)), reverse=reverse)  # used at once
        return ids

    def columns(
        self, caller: Caller, itemtype: str, parameters: Row, criteria: list[Row], known: dict[str, Option]
    ) -> list[str]:
        """Return the option numbers to show: those always there, those asked for, those of the criteria."""
        wanted = [str(v) for v in listed(parameters.get("forcedisplay"))]
        always = ["1"] if itemtype != "ITILFollowup" or self.world.dialect.encodes else ["1", "7"]
        if itemtype not in NO_ENTITY and caller.central:
            always.append("80")
        found = dict.fromkeys([*always, *wanted, *_fields(criteria)])
        if itemtype == "User" and "80" not in wanted:
            found.pop("80", None)
        return [column for column in found if column in known and not known[column].hidden]

    def page_of(
        self, itemtype: str, ids: list[int], columns: list[str], parameters: Row, sort: list[int], orders: list[str],
        criteria: list[Row],
    ) -> Answer:  # fmt: skip
        """Return the answer for one page."""
        start, end = page(parameters.get("range"), (0, self.world.settings.list_limit - 1))
        total = len(ids)
        if start > total:
            self.reader.beyond(total)
        rows = ids[start : end + 1]
        body: Row = {"totalcount": total, "count": len(rows), "sort": sort, "order": orders}
        uid = truthy(parameters.get("uid_cols", ""))
        if rows:
            metas = [one for one in criteria if truthy(one.get("meta", "")) and str(one.get("field")) == "1"]
            body["data"] = [self.row(itemtype, i, columns, metas, uid=uid) for i in rows]
        content_range = f"{start}-{start + len(rows) - 1}/{total}" if rows else "0--1/0"
        body["content-range"] = content_range
        headers = {"Accept-Range": f"{itemtype} 1000", **({"Content-Range": content_range} if rows else {})}
        status = 206 if start + len(rows) < total or start > 0 else 200
        return Answer(status, Answer.json(body).body, headers)

    def row(self, itemtype: str, row_id: int, columns: list[str], metas: list[Row], *, uid: bool) -> Row:
        """Return one row under option numbers, or under their unique names."""
        known = self.options(itemtype)
        shown = {known[c].uid if uid else c: known[c].shown(row_id) for c in columns}
        for one in metas:
            shown["1"] = self.meta_names(itemtype, one, row_id)[0]  # it overwrites the item's own name [04/049]
        return shown


def _is_either(criteria: list[Row]) -> bool:
    """Tell whether there are criteria and they are all joined by OR."""
    links = (str(one.get("link", "AND" if i else "OR")).upper() for i, one in enumerate(criteria))
    return bool(criteria) and all(link == "OR" for link in links)


def _not(condition: Condition) -> Condition:
    return lambda row_id: not condition(row_id)


def _fields(criteria: list[Row]) -> list[str]:
    found = []
    for one in criteria:
        if "criteria" in one:
            found += _fields(listed(one["criteria"]))
        elif not truthy(one.get("meta", "")):
            found.append(str(one.get("field")))
    return found


def _key(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    return (1, value) if isinstance(value, (int, float)) else (2, fold(str(value)))
