"""Names and paths of GLPI's own things, resolved to ids: people write names, the API wants numbers.

Lists are kept for some minutes and read anew at the first name that is not found. Names are compared exactly here;
GLPI's own search ignores case and accents.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from glpi_bridge.errors import BridgeError, Refused
from glpi_bridge.glpi.client import Glpi
from glpi_bridge.model import MAJOR, Draft, TicketType

KINDS = {
    "ITILCategory": "category",
    "Entity": "entity",
    "Group": "group",
    "User": "user",
    "Location": "location",
    "RequestType": "request source",
}
_MAX_AGE = timedelta(minutes=5)
_NOT_AGAIN = timedelta(seconds=10)


class NameNotFound(BridgeError):
    """A name in the rules or settings that GLPI does not have, or that the bridge's account may not see."""

    def __init__(self, kind: str, name: str, near: Iterable[str] = (), reason: str = "") -> None:
        self.kind, self.name, self.near = kind, name, tuple(near)
        hint = f"; did you mean {', '.join(repr(one) for one in self.near)}?" if self.near else ""
        super().__init__(f'{kind} "{name}" {reason or "is not in GLPI, or not visible to our account"}{hint}')


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    name: str
    path: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _List:
    rows: Mapping[int, _Row]
    read_at: datetime


class Names:
    """The names of one GLPI as our account sees them; `max_age` is how long a list is believed."""

    def __init__(
        self, glpi: Glpi, *, max_age: timedelta = _MAX_AGE, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._glpi = glpi
        self._max_age = max_age
        self._now = now
        self._lists: dict[str, _List] = {}
        self._users: dict[str, tuple[int, datetime]] = {}

    def id(self, itemtype: str, name: str) -> int:
        """Return the id of a path (`Monitoring > Disk`) or of a name that only one item has.

        Raises NameNotFound, with near names.
        """
        return self._user(name) if itemtype == "User" else self._find(itemtype, name).id

    def path(self, itemtype: str, name: str) -> str:
        """Return the whole path of an item by its path or its unique name; raises NameNotFound."""
        return self._find(itemtype, name).path

    def path_of(self, itemtype: str, id_: int) -> str:
        """Return the path of an item by its id; raises NameNotFound where our account does not see it."""
        row = self._list(itemtype).get(id_)
        if row is None:
            raise NameNotFound(KINDS.get(itemtype, itemtype), str(id_))
        return row.path

    def category(self, name: str, type_: TicketType, entity_id: int | None) -> int:
        """Return an ITILCategory's id if it serves that type of ticket in that entity; else raise NameNotFound."""
        row = self._find("ITILCategory", name)
        flag = "is_incident" if type_ is TicketType.INCIDENT else "is_request"
        if not int(row.fields.get(flag, 1) or 0):
            raise NameNotFound("category", name, reason=f"is not for tickets of type {type_.name.lower()} in GLPI")
        if entity_id is not None and not self._is_visible(row, entity_id):
            raise NameNotFound("category", name, reason="belongs to another entity of GLPI than the ticket")
        return row.id

    def all(self, itemtype: str) -> list[str]:
        """Return every path of a kind, for look-ups by people (`check`)."""
        return sorted(row.path for row in self._rows(itemtype))

    def ticket(self, draft: Draft, opened_at: datetime | None) -> tuple[dict[str, Any], list[str]]:
        """Return a draft as the input of POST Ticket, and what had to be left out, in words.

        An unknown entity raises NameNotFound: in another entity other people would read the ticket. Any other unknown
        name costs only itself.
        """
        said: list[str] = []
        account = self._glpi.account or self._glpi.login()
        entity = None if draft.entity is None else self.id("Entity", draft.entity)
        item: dict[str, Any] = {
            "name": draft.title,
            "content": draft.content,
            "type": int(draft.type),
            "urgency": int(draft.urgency),
            "impact": int(draft.impact),
        }
        if entity is not None:
            item["entities_id"] = entity
        if opened_at is not None and opened_at <= self._now():
            item["date"] = self._glpi.from_utc(opened_at)
        if draft.category is not None:
            place = account.entity_id if entity is None else entity
            self._put(item, said, "itilcategories_id", lambda: self.category(str(draft.category), draft.type, place))
        if draft.location is not None:
            self._put(item, said, "locations_id", lambda: self.id("Location", str(draft.location)))
        if draft.request_source is not None:
            self._put(item, said, "requesttypes_id", lambda: self.id("RequestType", str(draft.request_source)))
        for field, itemtype, names in (
            ("_users_id_requester", "User", draft.requesters),
            ("_users_id_observer", "User", draft.observers),
            ("_users_id_assign", "User", draft.technicians),
            ("_groups_id_assign", "Group", draft.groups),
            ("_groups_id_observer", "Group", draft.observer_groups),
        ):
            ids = self._known(itemtype, names, said)
            if ids:
                item[field] = ids
        if not draft.notify:
            item["_disablenotif"] = True
        return {**item, **draft.extra, **({"priority": MAJOR} if draft.major else {})}, said

    def _put(self, item: dict[str, Any], said: list[str], field: str, look_up: Callable[[], int]) -> None:
        try:
            item[field] = look_up()
        except NameNotFound as error:
            said.append(f"{error}; the ticket is made without it")

    def _known(self, itemtype: str, names: Iterable[str], said: list[str]) -> list[int]:
        ids = []
        for name in names:
            try:
                ids.append(self.id(itemtype, name))
            except NameNotFound as error:
                said.append(f"{error}; the ticket is made without it")
        return ids

    def _find(self, itemtype: str, name: str) -> _Row:
        found = _matches(self._rows(itemtype), name)
        if not found and self._now() - self._lists[itemtype].read_at > _NOT_AGAIN:
            del self._lists[itemtype]
            found = _matches(self._rows(itemtype), name)
        if len(found) == 1:
            return found[0]
        kind = KINDS.get(itemtype, itemtype)
        if found:
            raise NameNotFound(
                kind, name, [row.path for row in found][:3], "is not unique in GLPI: write its whole path"
            )
        raise NameNotFound(kind, name, difflib.get_close_matches(name, self.all(itemtype), 3))

    def _rows(self, itemtype: str) -> Iterable[_Row]:
        return self._list(itemtype).values()

    def _list(self, itemtype: str) -> Mapping[int, _Row]:
        held = self._lists.get(itemtype)
        if held is None or self._now() - held.read_at > self._max_age:
            read_at = self._now()
            rows = (_row(row) for row in self._read(itemtype))
            held = _List({row.id: row for row in rows}, read_at)
            self._lists[itemtype] = held
        return held.rows

    def _read(self, itemtype: str) -> list[dict[str, Any]]:
        try:
            return self._glpi.rows(itemtype)
        except Refused as error:
            if error.code == "ERROR_RIGHT_MISSING":
                kind = KINDS.get(itemtype, itemtype)
                raise NameNotFound(kind, "*", reason="cannot be read: our profile lacks that right in GLPI") from error
            raise

    def _user(self, login: str) -> int:
        held = self._users.get(login)
        if held is not None and self._now() - held[1] <= self._max_age:
            return held[0]
        rows = self._glpi.rows("User", {"searchText[name]": f"^{login}$"})
        found = [row for row in rows if row["name"] == login]
        if len(found) != 1:
            raise NameNotFound("user", login, [str(row["name"]) for row in rows][:3])
        self._users[login] = (int(found[0]["id"]), self._now())
        return int(found[0]["id"])

    def _is_visible(self, row: _Row, entity_id: int) -> bool:
        home = int(row.fields.get("entities_id", 0) or 0)
        if home == entity_id:
            return True
        return bool(int(row.fields.get("is_recursive", 0) or 0)) and home in self._ancestors(entity_id)

    def _ancestors(self, entity_id: int) -> set[int]:
        parents = {row.id: int(row.fields.get("entities_id") or 0) for row in self._rows("Entity") if row.id}
        found, at = {0}, entity_id
        while at in parents and parents[at] not in found | {at}:
            at = parents[at]
            found.add(at)
        return found


def _row(row: Mapping[str, Any]) -> _Row:
    name = str(row.get("name") or "")
    return _Row(int(row["id"]), name, str(row.get("completename") or name), row)


def _matches(rows: Iterable[_Row], name: str) -> list[_Row]:
    rows = tuple(rows)
    return [row for row in rows if row.path == name] or [row for row in rows if row.name == name]
