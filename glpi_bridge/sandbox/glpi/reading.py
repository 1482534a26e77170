"""Getting one item, lists, what hangs on an item, several items at once."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from . import access
from .access import READ, UPDATE, Caller
from .answers import Answer, Crashed, Failed, bad_array, item_not_found, right_missing
from .dialect import encode
from .documents import of_item
from .itemtypes import ITEMTYPES, ITIL, TIMELINE, foreign_type, parent_key
from .matching import like
from .query import listed, number, page, truthy
from .recorded import Row
from .world import World

_BY_PARENT_COLUMN = ("itemtype", "items_id")


class Reader:
    """Answers every reading call but search."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.db = world.db

    # -- rights --

    def may_list(self, caller: Caller, itemtype: str) -> bool:
        """Ask for the right to read a type at all."""
        right = ITEMTYPES[itemtype].right
        if itemtype in ITIL:
            return caller.has(right, READ | access.READ_ALL | access.READ_ASSIGN)
        if itemtype == "ITILFollowup":
            return caller.has("followup", 1)
        if itemtype == "ITILSolution":
            return True
        if itemtype == "TicketSatisfaction":
            return True
        if itemtype.endswith("Validation"):
            return caller.central
        if itemtype == "NetworkPort" and not self.world.dialect.encodes:
            return True  # [16/018]
        if right in {"", "dropdown"} and not right:
            return True
        if itemtype == "Document":
            return caller.has(right, READ)
        if itemtype == "TicketCost":
            return caller.has(right, READ)
        if itemtype == "KnowbaseItem":
            return caller.has(right, READ | 2048)
        return caller.has(right, READ)

    # -- one item --

    def get(self, caller: Caller, itemtype: str, row_id: int, parameters: Row, *, sanitized: bool) -> Answer:
        """Return one item; 404 when missing, 403 without the right."""
        if row_id not in self.db[itemtype].rows:
            raise item_not_found()
        if not self.may_list(caller, itemtype) or not access.sees(self.db, caller, itemtype, row_id):
            raise right_missing()
        shown = self.show(caller, itemtype, row_id, parameters, sanitized=sanitized)
        self.add_with(caller, itemtype, row_id, parameters, shown)
        if truthy(parameters.get("get_sha1", "")):
            text = json.dumps(shown, ensure_ascii=False)
            return Answer.json(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
        return Answer.json(shown)

    def show(self, caller: Caller, itemtype: str, row_id: int, parameters: Row, *, sanitized: bool) -> Row:
        """Return an item as the API shows it."""
        row = self.db[itemtype].full(row_id)
        for column, value in row.items():
            if isinstance(value, str):
                row[column] = self.world.dialect.shown(value, sanitized=sanitized)
        if itemtype == "User" and row_id != caller.users_id and not caller.has("user", UPDATE):
            row = {k: v for k, v in row.items() if not k.startswith("password_forget")}
        links = None if not truthy(parameters.get("get_hateoas", "true")) else self.links(itemtype, row)
        names = [str(k) for k in listed(parameters.get("add_keys_names"))]
        if not self.world.dialect.encodes and {"items_id", "itemtype"} & set(names):
            raise Crashed  # [15/054]
        keys = {k: self.key_name(itemtype, row, k) for k in names if k == "id" or foreign_type(k)} if names else None
        if truthy(parameters.get("expand_dropdowns", "")):
            row.update(self.expanded(row, sanitized=sanitized))
        if links:
            row["links"] = links
        if keys is not None:
            row["_keys_names"] = keys or []
        return row

    def expanded(self, row: Row, *, sanitized: bool) -> Row:
        """Return the foreign keys of a row as names: encoded by 10 in every case but plain text [03/002]."""
        found = {}
        for column, value in row.items():
            target = foreign_type(column)
            if target is None or not isinstance(value, int) or (value == 0 and target != "Entity"):
                continue
            if target not in self.db or value not in self.db[target].rows:
                found[column] = value if value == 0 else ""
                continue
            name = str(self.name(target, value))
            found[column] = encode(name) if self.world.dialect.encodes and sanitized else name
        return found

    def name(self, itemtype: str, row_id: int) -> Any:
        """Return the name GLPI shows for an item: the path where it has one."""
        table = self.db[itemtype]
        column = "completename" if "completename" in table.defaults else "name"
        return table.value(row_id, column) if column in table.defaults else ""

    def key_name(self, itemtype: str, row: Row, key: str) -> Any:
        """Return the name behind a key of a row."""
        if key == "id":
            return self.name(itemtype, row["id"])
        target = foreign_type(key)
        value = row.get(key)
        if target is None or target not in self.db or value not in self.db[target].rows:
            return ""
        return self.world.friendly_name(value) if target == "User" else self.name(target, value)

    def links(self, itemtype: str, row: Row) -> list[Row]:
        """Return the addresses of what an item points to and of what hangs on it."""
        base = f"{self.world.settings.url_base}{self.world.dialect.link_path}"
        found = []
        if row.get("itemtype") and "items_id" in row:
            found.append({"rel": row["itemtype"], "href": f"{base}/{row['itemtype']}/{row['items_id']}"})
        for column, value in row.items():
            target = foreign_type(column)
            if target is not None and isinstance(value, int) and (value > 0 or target == "Entity"):
                found.append({"rel": target, "href": f"{base}/{target}/{value}"})
        below = f"{base}/{itemtype}/{row['id']}"
        return [*found, *({"rel": child, "href": f"{below}/{child}/"} for child in TIMELINE.get(itemtype, ()))]

    def add_with(self, caller: Caller, itemtype: str, row_id: int, parameters: Row, shown: Row) -> None:
        """Add what `with_…` asks for, or GLPI's refusal in its place [03/004 058]."""
        refusal = {"error": 401, "message": "You don't have permission to perform this action."}
        with_key = {"infocoms": "infocom", "networkports": "networking", "contracts": "contract"}
        for name, right in with_key.items():
            if truthy(parameters.get(f"with_{name}", "")) and not caller.has(right, READ):
                shown[f"_{name}"] = dict(refusal)
        if itemtype == "KnowbaseItem":
            shown["_categories"] = []
            if truthy(parameters.get("with_documents", "")):
                shown["_documents"] = of_item(self.world, itemtype, row_id)
        if itemtype not in ITIL:
            return
        for name in ("tickets", "problems", "changes", "documents"):
            if truthy(parameters.get(f"with_{name}", "")):
                shown[f"_{name}"] = of_item(self.world, itemtype, row_id) if name == "documents" else []
        if truthy(parameters.get("with_logs", "")):
            log = self.db["Log"]
            rows = {str(i): log.full(i) for i in log.children("parent", (itemtype, row_id))}
            shown["_logs"] = rows if caller.has("logs", READ) else dict(refusal)

    # -- lists --

    def page_of(
        self, caller: Caller, itemtype: str, parameters: Row, *, sanitized: bool, parent: tuple[str, int] | None = None,
        shown_type: str | None = None, whole_range: bool = False,
    ) -> Answer:  # fmt: skip
        """Return a page of a list: 200 when it is the whole, 206 when there is more [03/020-024]."""
        if not self.may_list(caller, itemtype):
            raise right_missing()
        ids = self.candidates(itemtype, parent)
        ids = access.visible(self.db, caller, itemtype, ids)
        ids = self.filtered(itemtype, ids, parameters)
        ids = self.in_order(itemtype, ids, parameters)
        limit = self.world.settings.list_limit
        start, end = page(None if whole_range else parameters.get("range"), (0, limit))
        if "range" not in parameters or whole_range:
            end = start + limit
            rows = ids[start:end] if not whole_range else ids
        else:
            rows = ids[start : end + 1]
        total = len(ids)
        if start > total:
            self.beyond(total)
        headers = {"Accept-Range": f"{shown_type or itemtype} 1000"}
        if total:
            last = min(end, total - 1) if not whole_range else total - 1
            headers["Content-Range"] = f"{start}-{last}/{total}"
        if truthy(parameters.get("only_id", "")):
            shown: list[Row] = [{"id": i} for i in rows]
        else:
            shown = [self.show(caller, itemtype, i, parameters, sanitized=sanitized) for i in rows]
            several = [k for k, v in self.db[itemtype].defaults.items() if isinstance(v, list)]
            for row in shown:  # 11 shows columns that hold several values in a single item only [03/057 058]
                for column in several:
                    row.pop(column, None)
        status = 206 if len(rows) < total and not whole_range else 200
        answer = Answer.json(shown, status)
        return Answer(status, answer.body, headers)

    def beyond(self, total: int) -> None:
        """Refuse a page after the end."""
        text = f"Provided range exceed total count of data: {total}"
        raise Failed(400, "ERROR_RANGE_EXCEED_TOTAL", text, documented=True)

    def candidates(self, itemtype: str, parent: tuple[str, int] | None) -> list[int]:
        """Return the ids of a type, or of what hangs on a parent; a type without a way to the parent (Ticket_Ticket,
        too)
        is listed whole [03/044][06/084].
        """
        table = self.db[itemtype]
        if parent is None:
            return list(table.ids)
        above, above_id = parent
        key = parent_key(above)
        if key in table.defaults and above != "Entity":
            return (
                [i for i in table.ids if table.value(i, key) == above_id]
                if key == "groups_id"
                else table.children(key, above_id)
            )
        if all(column in table.defaults for column in _BY_PARENT_COLUMN):
            return table.children("parent", (above, above_id))
        if key in table.defaults:
            return [i for i in table.ids if table.value(i, key) == above_id]
        return list(table.ids)

    def filtered(self, itemtype: str, ids: list[int], parameters: Row) -> list[int]:
        """Keep what is (not) in the trash and what `searchText` finds."""
        table = self.db[itemtype]
        if "is_deleted" in table.defaults:
            wanted = number(parameters.get("is_deleted"))
            ids = [i for i in ids if table.value(i, "is_deleted") == wanted]
        if "is_template" in table.defaults:
            ids = [i for i in ids if not table.value(i, "is_template")]
        for column, text in (parameters.get("searchText") or {}).items():
            if column != "id" and column not in table.defaults:
                raise Failed(
                    400, "ERROR_FIELD_NOT_FOUND", f"Field {column} is not valid for {itemtype} item.", documented=True
                )
            if str(text) == "":
                continue
            test = like(str(text), self.search_text(column), null_word=False)
            ids = [i for i in ids if test(table.value(i, column))]
        return ids

    def search_text(self, column: str) -> Any:
        """Return what a version does to a searched text: 10 keeps paths plain and everything else encoded."""
        if not self.world.dialect.encodes:
            return str
        if column == "completename":
            return lambda text: text.replace("&#62;", ">").replace("&#38;", "&")
        return encode

    def in_order(self, itemtype: str, ids: list[int], parameters: Row) -> list[int]:
        """Sort by a column; refuse what is none [03/027-029]."""
        table = self.db[itemtype]
        order = str(parameters.get("order") or "ASC").upper()
        column = str(parameters.get("sort") or "id")
        if order not in {"ASC", "DESC"}:
            raise Failed(400, "ERROR", "order must be DESC or ASC", documented=True)
        if column != "id" and column not in table.defaults:
            text = f"sort param is not a field of glpi_{itemtype.lower()}s"
            raise Failed(400, "ERROR", text, documented=True)
        reverse = order == "DESC"
        if column == "id":
            return ids[::-1] if reverse else ids
        tied = ids if not reverse or not self.world.dialect.encodes else ids[::-1]
        return sorted(tied, key=lambda i: _key(table.value(i, column)), reverse=reverse)

    # -- several items --

    def several(self, caller: Caller, parameters: Row, *, sanitized: bool, posted: bool) -> Answer:
        """Return items of mixed types; one missing fails all; by POST the call ends PHP [03/060-062][04/092]."""
        if posted:
            raise Crashed
        wanted = listed(parameters.get("items"))
        if not wanted:
            raise bad_array()
        shown = []
        for one in wanted:
            itemtype, row_id = str(one["itemtype"]), int(one["items_id"])
            if row_id not in self.db[itemtype].rows:
                raise item_not_found()
            if not access.sees(self.db, caller, itemtype, row_id):
                raise right_missing()
            row = self.show(caller, itemtype, row_id, parameters, sanitized=sanitized)
            self.add_with(caller, itemtype, row_id, parameters, row)
            shown.append(row)
        return Answer.json(shown)


def _key(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    return (1, value) if isinstance(value, (int, float)) else (2, str(value).lower())
