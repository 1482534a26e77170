"""Who may see and do what: profile rights as bits, entities, and the special case of the people named on a ticket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from .database import Database
from .itemtypes import ACTOR_TABLES, ITEMTYPES, ITIL, parent_key
from .recorded import Row

READ: Final = 1
UPDATE: Final = 2
CREATE: Final = 4
DELETE: Final = 8
PURGE: Final = 16
READ_ALL: Final = 1024
READ_ASSIGN: Final = 4096
ASSIGN: Final = 8192
CHANGE_PRIORITY: Final = 65536
OWN: Final = 32768
FOLLOWUP_ADD_ALL: Final = 4096
FOLLOWUP_ADD_MY: Final = 4
SEE_PRIVATE: Final = 8192
KNOWBASE_ADMIN: Final = 1024
REQUESTER, ASSIGNED, OBSERVER = 1, 2, 3


@dataclass(frozen=True)
class Caller:
    """A signed-in user in one profile, with the rights as they were at sign-in."""

    users_id: int
    profiles_id: int
    interface: str
    entities: frozenset[int]
    active_entity: int
    rights: Row = field(repr=False)
    groups: frozenset[int] = frozenset()

    def has(self, right: str, bits: int) -> bool:
        """Tell whether any of the bits is there."""
        return bool(int(self.rights.get(right) or 0) & bits)

    @property
    def central(self) -> bool:
        """Whether the profile works in the standard (not the simplified) interface."""
        return self.interface == "central"


def actors(db: Database, itemtype: str, items_id: int) -> set[tuple[str, int, int]]:
    """Return the actors of an item as ("user" or "group", id, role)."""
    users, groups = ACTOR_TABLES[itemtype]
    key = parent_key(itemtype)
    found = {
        ("user", db[users].value(i, "users_id"), db[users].value(i, "type")) for i in db[users].children(key, items_id)
    }
    return found | {
        ("group", db[groups].value(i, "groups_id"), db[groups].value(i, "type"))
        for i in db[groups].children(key, items_id)
    }


def is_actor(db: Database, caller: Caller, itemtype: str, items_id: int, *roles: int) -> bool:
    """Tell whether the caller, or a group of theirs, has one of these roles on an item."""
    return any(
        role in roles and (who in caller.groups if kind == "group" else who == caller.users_id)
        for kind, who, role in actors(db, itemtype, items_id)
    )


def sees_itil(db: Database, caller: Caller, itemtype: str, items_id: int) -> bool:
    """Tell whether a ticket, problem or change may be read."""
    table, right = db[itemtype], ITEMTYPES[itemtype].right
    if table.value(items_id, "entities_id") not in caller.entities:
        return False
    if caller.has(right, READ_ALL):
        return True
    mine = table.value(items_id, "users_id_recipient") == caller.users_id
    if caller.has(right, READ) and (mine or is_actor(db, caller, itemtype, items_id, REQUESTER, OBSERVER)):
        return True
    return caller.has(right, READ_ASSIGN) and is_actor(db, caller, itemtype, items_id, ASSIGNED)


def updates_itil(db: Database, caller: Caller, itemtype: str, items_id: int) -> bool:
    """Tell whether an item may be changed: by right, by its assignee, by its requester while it is fresh."""
    if not sees_itil(db, caller, itemtype, items_id):
        return False
    if caller.has(ITEMTYPES[itemtype].right, UPDATE):
        return True
    if caller.central and is_actor(db, caller, itemtype, items_id, ASSIGNED):
        return True
    return is_fresh_own(db, caller, itemtype, items_id)


def is_fresh_own(db: Database, caller: Caller, itemtype: str, items_id: int) -> bool:
    """Tell whether the caller asked for it and nobody has touched it since: no followup, no task [08/034-036]."""
    untouched = not db["ITILFollowup"].children("parent", (itemtype, items_id))
    if itemtype == "Ticket":
        untouched = untouched and not db["TicketTask"].children("tickets_id", items_id)
    return (
        untouched
        and caller.has(ITEMTYPES[itemtype].right, CREATE)
        and is_actor(db, caller, itemtype, items_id, REQUESTER)
        and db[itemtype].value(items_id, "status") not in {5, 6}
    )


def followup_allowed(db: Database, caller: Caller, itemtype: str, items_id: int) -> bool:
    """Tell whether the caller may write a followup; on a closed item that takes the bit "my followups" too [06/039]."""
    if not db[itemtype].rows.get(items_id) and items_id not in db[itemtype].rows:
        return False
    if not sees_itil(db, caller, itemtype, items_id):
        return False
    if db[itemtype].value(items_id, "status") == 6 and not caller.has("followup", FOLLOWUP_ADD_MY):
        return False
    if caller.has("followup", FOLLOWUP_ADD_ALL):
        return True
    wrote = db[itemtype].value(items_id, "users_id_recipient") == caller.users_id
    own = wrote or is_actor(db, caller, itemtype, items_id, REQUESTER, ASSIGNED)
    return caller.has("followup", FOLLOWUP_ADD_MY) and own


def sees(db: Database, caller: Caller, itemtype: str, row_id: int) -> bool:
    """Tell whether one item of any type may be read, its type's right being there."""
    if itemtype in ITIL:
        return sees_itil(db, caller, itemtype, row_id)
    table = db[itemtype]
    if itemtype == "ITILFollowup" or itemtype.endswith("Task"):
        private = table.value(row_id, "is_private") if "is_private" in table.defaults else 0
        return not private or caller.has("followup" if itemtype == "ITILFollowup" else "task", SEE_PRIVATE)
    if "entities_id" in table.defaults and itemtype not in {"User", "Entity", "Document", "KnowbaseItem", "APIClient"}:
        entity = table.value(row_id, "entities_id")
        return entity in caller.entities or bool(
            "is_recursive" in table.defaults and table.value(row_id, "is_recursive")
        )
    if itemtype == "Entity":
        return row_id in caller.entities
    if itemtype == "KnowbaseItem" and not caller.has("knowbase", KNOWBASE_ADMIN):
        return reads_article(db, caller, row_id)
    return True


def reads_article(db: Database, caller: Caller, row_id: int) -> bool:
    """Tell whether an article is shown: written by the caller, or shared with one of their entities [15/042 043]."""
    if db["KnowbaseItem"].value(row_id, "users_id") == caller.users_id:
        return True
    targets = db["Entity_KnowbaseItem"]
    shared = {targets.value(i, "entities_id") for i in targets.ids if targets.value(i, "knowbaseitems_id") == row_id}
    is_for_all = caller.central or db["KnowbaseItem"].value(row_id, "is_faq")
    return bool(shared & caller.entities) and bool(is_for_all)


def visible(db: Database, caller: Caller, itemtype: str, ids: Iterable[int]) -> list[int]:
    """Keep the ids of what may be read; quick for who may read all tickets."""
    if itemtype in ITIL and caller.has(ITEMTYPES[itemtype].right, READ_ALL):
        rows, entities = db[itemtype].rows, caller.entities
        return [i for i in ids if rows[i].get("entities_id", 0) in entities]
    return [i for i in ids if sees(db, caller, itemtype, i)]
