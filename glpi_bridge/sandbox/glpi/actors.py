"""Requesters, assignees and observers: every form in which GLPI takes them, as one list [02/040][05/013-016]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from . import access, history
from .itemtypes import ACTOR_TABLES, ITEMTYPES, parent_key
from .links import LinkWriter
from .recorded import Row
from .values import integer
from .writing import Act

if TYPE_CHECKING:
    from .world import World

ROLES: Final = {"requester": 1, "assign": 2, "observer": 3}


@dataclass(frozen=True)
class Actor:
    """A user, group or bare mail address in a role."""

    kind: str
    id: int
    role: int
    use_notification: int = 1
    alternative_email: str = ""


def sent_actors(data: Row) -> list[Actor]:
    """Return the actors named in an input, whatever its form."""
    return [*_plain(data), *_actors_form(data), *_itil_form(data)]


def _plain(data: Row) -> Iterator[Actor]:
    for name, role in ROLES.items():
        told = data.get(f"_users_id_{name}_notif") or {}
        for i, user in enumerate(_list(data.get(f"_users_id_{name}"))):
            use, mail = _nth(told.get("use_notification"), i, 1), _nth(told.get("alternative_email"), i, "")
            if integer(user) or mail:
                yield Actor("user", integer(user), role, integer(use), str(mail or ""))
        yield from (
            Actor("group", integer(group), role) for group in _list(data.get(f"_groups_id_{name}")) if integer(group)
        )


def _actors_form(data: Row) -> Iterator[Actor]:
    for name, wanted in (data.get("_actors") or {}).items():
        for one in wanted:
            yield Actor(
                str(one["itemtype"]).lower(),
                integer(one.get("items_id")),
                ROLES[name],
                integer(one.get("use_notification", 1)),
                str(one.get("alternative_email") or ""),
            )


def _itil_form(data: Row) -> Iterator[Actor]:
    for name, role in ROLES.items():
        one = data.get(f"_itil_{name}")
        if isinstance(one, dict) and one.get("_type") in {"user", "group"}:
            yield Actor(one["_type"], integer(one.get(f"{one['_type']}s_id")), role)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _nth(value: Any, i: int, default: Any) -> Any:
    values = _list(value)
    return values[i] if i < len(values) else default


def save_actors(act: Act, itemtype: str, items_id: int, actors: list[Actor]) -> None:
    """Add actors that are not there yet; unknown users and groups leave no row [02/035]."""
    db, (users, groups), key = act.world.db, ACTOR_TABLES[itemtype], parent_key(itemtype)
    present = access.actors(db, itemtype, items_id)
    for actor in actors:
        if (actor.kind, actor.id, actor.role) in present and actor.id:
            continue
        if actor.kind == "group" and actor.id in db["Group"].rows:
            db[groups].insert({key: items_id, "groups_id": actor.id, "type": actor.role})
            history.actor_linked(act.world, act, itemtype, items_id, "group", actor.id, actor.role)
        elif actor.kind == "user" and (actor.id in db["User"].rows or actor.alternative_email):
            row = {key: items_id, "users_id": actor.id, "type": actor.role}
            mail = {"use_notification": actor.use_notification, "alternative_email": actor.alternative_email}
            db[users].insert(row | mail)
            if actor.id:
                history.actor_linked(act.world, act, itemtype, items_id, "user", actor.id, actor.role)


def replace_actors(act: Act, itemtype: str, items_id: int, data: Row) -> None:
    """Drop the actors of the roles that `_actors` names, but for those it lists [05/016]."""
    db, key = act.world.db, parent_key(itemtype)
    roles = {ROLES[name] for name in data.get("_actors") or {}}
    kept = {(actor.kind, actor.id, actor.role) for actor in _actors_form(data)}
    for table, kind, column in zip(ACTOR_TABLES[itemtype], ("user", "group"), ("users_id", "groups_id"), strict=True):
        for row_id in db[table].children(key, items_id):
            role = db[table].value(row_id, "type")
            if role in roles and (kind, db[table].value(row_id, column), role) not in kept:
                db[table].remove(row_id)


def delete_actors(act: Act, itemtype: str, data: Row) -> None:
    """Drop the link rows that `_users_id_assign_deleted` and its like name."""
    db, (users, groups) = act.world.db, ACTOR_TABLES[itemtype]
    for name in ROLES:
        for one in data.get(f"_users_id_{name}_deleted") or []:
            table = db[users if one.get("itemtype", "User") == "User" else groups]
            if integer(one["id"]) in table.rows:
                table.remove(integer(one["id"]))


class ActorWriter(LinkWriter):
    """Rows of Ticket_User, Group_Ticket and their like: an assignee moves a new item to "assigned"."""

    def __init__(self, world: World, itemtype: str, parent: str) -> None:
        super().__init__(world, itemtype)
        self.parent = parent

    def may_add(self, act: Act, data: Row) -> bool:
        """Ask for the right to assign or to change the item."""
        item = integer(data.get(parent_key(self.parent)))
        if item not in self.world.db[self.parent].rows:
            return False
        right = ITEMTYPES[self.parent].right
        sees = access.sees_itil(self.world.db, act.caller, self.parent, item)
        return sees and act.caller.has(right, access.UPDATE | access.ASSIGN)

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """Take the item into account."""
        if self.table.value(row_id, "type") == access.ASSIGNED:
            writer = self.world.writers[self.parent]
            writer.assigned(act, self.table.value(row_id, parent_key(self.parent)), data)
