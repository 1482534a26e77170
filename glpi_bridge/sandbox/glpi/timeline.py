"""Followups, solutions, tasks and approvals, and what each does to its item's status."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from . import access, history
from .access import ASSIGNED, REQUESTER
from .answers import Refused
from .itemtypes import ITIL
from .itil import ItilWriter
from .recorded import Row
from .statuses import CLOSED, WAITING
from .values import integer
from .writing import Act, Writer

if TYPE_CHECKING:
    from .world import World

SOLUTION_WAITING, SOLUTION_ACCEPTED, SOLUTION_REFUSED = 2, 3, 4
LEFT, RIGHT = 1, 4


class Timeline:
    """What followups and solutions share."""

    def __init__(self, world: World) -> None:
        self.world = world

    def itil(self, itemtype: str) -> ItilWriter:
        """Return the writer of the parent."""
        return cast(ItilWriter, self.world.writers[itemtype])

    def waiting(self, itemtype: str, items_id: int) -> list[int]:
        """Return the solutions of an item that nobody has judged yet."""
        table = self.world.db["ITILSolution"]
        found = table.children("parent", (itemtype, items_id))
        return [i for i in found if table.value(i, "status") == SOLUTION_WAITING]

    def judge(self, act: Act, itemtype: str, items_id: int, status: int) -> None:
        """Accept or refuse the waiting solutions in the caller's name."""
        judged = {"status": status, "users_id_approval": act.caller.users_id, "date_approval": act.now}
        for solution in self.waiting(itemtype, items_id):
            self.world.db["ITILSolution"].update(solution, judged)

    def refuse_waiting(self, act: Act, itemtype: str, items_id: int) -> None:
        """Refuse the waiting solutions of a reopened item [06/038]."""
        self.judge(act, itemtype, items_id, SOLUTION_REFUSED)

    def position(self, act: Act, itemtype: str, items_id: int) -> int:
        """Return the side of the timeline: left for who asks, right for who treats [06/062]."""
        if access.is_actor(self.world.db, act.caller, itemtype, items_id, REQUESTER, access.OBSERVER):
            return LEFT
        mine = access.is_actor(self.world.db, act.caller, itemtype, items_id, ASSIGNED)
        is_owned = self.world.dialect.encodes and itemtype == "Ticket"  # only a ticket can be taken [19/011]
        owner = is_owned and act.caller.has("ticket", access.OWN)
        return RIGHT if mine or owner else LEFT


class FollowupWriter(Writer):
    """ITILFollowup: `add_close`, `add_reopen`, `pending`, `_no_reopen`, `_do_not_compute_status`, `_status`."""

    def may_add(self, act: Act, data: Row) -> bool:
        """Ask for a parent and for the right to write there."""
        itemtype, item = self.parent(data)
        if itemtype not in ITIL:
            return False
        return access.followup_allowed(self.world.db, act.caller, itemtype, item)

    @staticmethod
    def parent(data: Row) -> tuple[str, int]:
        """Return the item a followup is for; the old name's key is taken too [06/012]."""
        if "tickets_id" in data and "itemtype" not in data:
            return "Ticket", integer(data["tickets_id"])
        return str(data.get("itemtype") or ""), integer(data.get("items_id") or 0)

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Refuse what has no text, except an approval [06/005 034 035]."""
        itemtype, item = self.parent(data)
        row = super().prepare_add(act, {**data, "itemtype": itemtype, "items_id": item})
        blank = not str(row.get("content") or "").strip()
        if blank and data.get("add_reopen"):
            raise Refused("If you want to reopen this item, you must specify a reason")
        if blank and not data.get("add_close"):
            raise Refused("You can't add a followup without description")
        if blank:
            row["content"] = "Solution approved"
        row.setdefault("date", act.now)
        row["users_id"] = act.caller.users_id
        row["timeline_position"] = self.world.timeline.position(act, itemtype, item)
        return row

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """Touch the parent and move its status."""
        itemtype, item = self.parent(data)
        writer = self.world.timeline.itil(itemtype)
        before = writer.table.value(item, "status")
        writer.touched(act, item, data)
        history.child_added(self.world, act, itemtype, item, "ITILFollowup", row_id)
        status = self.next_status(act, writer, item, before, data)
        if status is not None and status != before:
            if before in writer.solved | writer.closed and status not in writer.solved | writer.closed:
                self.world.timeline.judge(act, itemtype, item, SOLUTION_REFUSED)
            if data.get("add_close"):
                self.world.timeline.judge(act, itemtype, item, SOLUTION_ACCEPTED)
            writer.set_status(act, item, status)
        self.world.mail("add_followup", itemtype, item, data)

    def next_status(self, act: Act, writer: ItilWriter, item: int, before: int, data: Row) -> int | None:
        """Return the status the item goes to, or None."""
        if data.get("_status"):
            return integer(data["_status"])
        done = writer.solved | writer.closed
        central = act.caller.central
        asks = access.is_actor(self.world.db, act.caller, writer.itemtype, item, REQUESTER)
        treats = access.is_actor(self.world.db, act.caller, writer.itemtype, item, ASSIGNED)
        if data.get("add_close"):
            return CLOSED if before in writer.solved and (central or asks) else None
        if data.get("add_reopen"):
            return writer.reopened_status(item) if before in done and (central or asks) else None
        if data.get("pending") is not None and central:
            return WAITING if integer(data["pending"]) else writer.reopened_status(item) if before == WAITING else None
        if data.get("_do_not_compute_status") or data.get("_no_reopen"):
            return None
        answers = asks and not treats and before in done | {WAITING, 8}
        return writer.reopened_status(item) if answers else None

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:  # noqa: ARG002  # every hook has this shape
        """Ask for the right to change one's own or any followup."""
        own = self.table.value(row_id, "users_id") == act.caller.users_id
        return act.caller.has("followup", 1024) or (own and act.caller.has("followup", 2))


class SolutionWriter(Writer):
    """ITILSolution: solves its item, or closes it where the entity says "at once"."""

    def may_add(self, act: Act, data: Row) -> bool:
        """Ask for the right to change the item; a purged item is nobody's [05/065]."""
        itemtype, item = FollowupWriter.parent(data)
        if itemtype not in ITIL:
            return False
        writer = self.world.timeline.itil(itemtype)
        if item not in writer.table.rows:
            return True
        if writer.table.value(item, "status") in writer.closed:
            return False
        return access.updates_itil(self.world.db, act.caller, itemtype, item)

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Refuse a second solution."""
        itemtype, item = FollowupWriter.parent(data)
        writer = self.world.timeline.itil(itemtype)
        if item not in writer.table.rows and not self.world.dialect.encodes:
            raise Refused("")
        if item in writer.table.rows and writer.table.value(item, "status") in writer.solved:
            raise Refused("The item is already solved, did anyone pushed a solution before you?")
        row = super().prepare_add(act, data)
        row.setdefault("content", "")
        row["users_id"] = act.caller.users_id
        row["status"] = SOLUTION_WAITING
        return row

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """Solve the item and its duplicates."""
        itemtype, item = FollowupWriter.parent(data)
        writer = self.world.timeline.itil(itemtype)
        if item not in writer.table.rows:
            return
        history.child_added(self.world, act, itemtype, item, "ITILSolution", row_id)
        at_once = itemtype == "Ticket" and self.closes_at_once(writer.table.value(item, "entities_id"))
        if itemtype == "Ticket":
            self.copy_to_duplicates(act, row_id, item, data)
        writer.set_status(act, item, CLOSED if at_once else 5)
        if at_once or itemtype != "Ticket":
            self.world.timeline.judge(act, itemtype, item, SOLUTION_ACCEPTED)
        self.world.mail("solved", itemtype, item, data)

    def copy_to_duplicates(self, act: Act, row_id: int, item: int, data: Row) -> None:
        """Give every open duplicate the same solution [06/086]."""
        tickets = self.world.db["Ticket"]
        act.solving.add(item)  # so that a duplicate does not send the solution back
        for other in self.world.duplicates(item):
            if other not in act.solving and tickets.value(other, "status") not in {5, 6}:
                copied = {**self.table.full(row_id), "items_id": other}
                copy_id = self.table.insert({k: v for k, v in copied.items() if k != "id"})
                self.after_add(act, copy_id, {**data, "itemtype": "Ticket", "items_id": other})

    def closes_at_once(self, entity: int) -> bool:
        """Tell whether the entity (or the one it inherits from) closes solved tickets after 0 days."""
        entities = self.world.db["Entity"]
        while entity in entities.rows:
            delay = entities.value(entity, "autoclose_delay")
            if delay != -2:
                return bool(delay == 0)
            entity = entities.value(entity, "entities_id") or 0
        return False

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:  # noqa: ARG002
        """Ask for the right to change the item."""
        itemtype, item = self.table.value(row_id, "itemtype"), self.table.value(row_id, "items_id")
        return item in self.world.db[itemtype].rows and access.updates_itil(self.world.db, act.caller, itemtype, item)
