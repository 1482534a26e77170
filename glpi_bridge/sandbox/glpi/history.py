"""The history of an item: what was linked, which status it left, what was added [02/002.Log][06/018]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .itemtypes import ITEM_TABLES, parent_key
from .recorded import Row

if TYPE_CHECKING:
    from .world import World
    from .writing import Act

CREATED: Final = 20
TRASHED: Final = 13
LINKED: Final = 15
ADDED_ID: Final = 17
ADDED: Final = 12
ROLE_OPTIONS: Final = {
    ("user", 1): 4,
    ("user", 2): 5,
    ("user", 3): 66,
    ("group", 1): 71,
    ("group", 2): 8,
    ("group", 3): 65,
}
FIELD_OPTIONS: Final = {
    "takeintoaccount_delay_stat": 150,
    "status": 12,
    "name": 1,
    "urgency": 10,
    "impact": 11,
    "priority": 3,
}
LABELS: Final = {"ITILFollowup": "Followups", "ITILSolution": "Solutions", "TicketTask": "Tasks"}


def write(  # the columns of a row
    world: World, act: Act, itemtype: str, items_id: int, *, linked: str = "", action: int = 0, option: int = 0,
    old: str = "", new: str = "",
) -> None:  # fmt: skip
    """Add one row."""
    who = act.caller.users_id
    world.db["Log"].insert(
        {
            "itemtype": itemtype,
            "items_id": items_id,
            "itemtype_link": linked,
            "linked_action": action,
            "user_name": f"{world.friendly_name(who)} ({who})",
            "date_mod": act.now,
            "id_search_option": option,
            "old_value": old,
            "new_value": new,
        }
    )


def items_linked(world: World, act: Act, itemtype: str, row_id: int) -> None:
    """Note the assets of a new item."""
    links = world.db[ITEM_TABLES[itemtype]]
    for link in links.children(parent_key(itemtype), row_id):
        row = links.full(link)
        table = world.db.tables.get(row["itemtype"])
        name = table.value(row["items_id"], "name") if table is not None and row["items_id"] in table.rows else ""
        new = f"{name} ({row['items_id']})"
        write(world, act, itemtype, row_id, linked=row["itemtype"], action=LINKED, new=new)


def actor_linked(world: World, act: Act, itemtype: str, row_id: int, kind: str, who: int, role: int) -> None:
    """Note a new actor."""
    name = world.friendly_name(who) if kind == "user" else str(world.db["Group"].value(who, "completename"))
    linked = "User" if kind == "user" else "Group"
    new = f"{name} ({who})"
    write(world, act, itemtype, row_id, linked=linked, action=LINKED, option=ROLE_OPTIONS[kind, role], new=new)


def created(world: World, act: Act, itemtype: str, row_id: int) -> None:
    """Note the creation, the last row of a new item."""
    write(world, act, itemtype, row_id, linked="0", action=CREATED)


def trashed(world: World, act: Act, itemtype: str, row_id: int) -> None:
    """Note who moved an item to the trash."""
    write(world, act, itemtype, row_id, linked="0", action=TRASHED)


def changed(world: World, act: Act, itemtype: str, row_id: int, old: Row, new: Row) -> None:
    """Note changed fields, "taken into account" before the status."""
    for column, option in FIELD_OPTIONS.items():
        if column in new and str(old.get(column, "")) != str(new[column]):
            before = "0" if column == "takeintoaccount_delay_stat" else str(old.get(column, ""))
            write(world, act, itemtype, row_id, option=option, old=before, new=str(new[column]))


def child_added(world: World, act: Act, itemtype: str, row_id: int, child: str, child_id: int) -> None:
    """Note a followup or task: its id, then its name; of a solution one row has both."""
    if child == "ITILSolution":
        write(world, act, itemtype, row_id, linked=child, action=ADDED_ID, new=f"{child_id} ({child_id})")
        return
    write(world, act, itemtype, row_id, linked=child, action=ADDED_ID, new=str(child_id))
    write(
        world,
        act,
        itemtype,
        row_id,
        linked=child,
        action=ADDED,
        new=f"{_child_name(world, child, child_id)} ({child_id})",
    )


def _child_name(world: World, child: str, child_id: int) -> str:
    """Return the name GLPI gives a child: its request source if it has one [06/018]."""
    table, sources = world.db[child], world.db["RequestType"]
    source = table.value(child_id, "requesttypes_id") if "requesttypes_id" in table.defaults else 0
    return str(sources.value(source, "name")) if source in sources.rows else LABELS.get(child, child)
