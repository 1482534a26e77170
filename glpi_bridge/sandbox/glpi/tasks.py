"""Tasks and approvals of tickets, problems and changes, and the survey after a ticket [06/060-069][08/044-048]."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from . import access
from .access import ASSIGNED, REQUESTER
from .answers import Refused
from .itemtypes import parent_key
from .links import LinkWriter
from .recorded import Row
from .statuses import PLANNED
from .values import integer
from .writing import Act, Writer

if TYPE_CHECKING:
    from .world import World


class TaskWriter(LinkWriter):
    """TicketTask and its sisters: a planned one plans its item, the last one done unplans it."""

    def __init__(self, world: World, itemtype: str, parent: str) -> None:
        super().__init__(world, itemtype)
        self.parent = parent

    def may_add(self, act: Act, data: Row) -> bool:
        """Ask for the right to add tasks anywhere, or for being assigned."""
        item = integer(data.get(parent_key(self.parent)) or 0)
        if item not in self.world.db[self.parent].rows:
            return False
        if not access.sees_itil(self.world.db, act.caller, self.parent, item):
            return False
        assigned = access.is_actor(self.world.db, act.caller, self.parent, item, ASSIGNED)
        return act.caller.has("task", 4096) or assigned

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Fill in author, date and state."""
        row = super().prepare_add(act, data)
        row.setdefault("date", act.now)
        row["users_id"] = act.caller.users_id
        row["uuid"] = str(uuid.uuid4())
        row["timeline_position"] = self.world.timeline.position(act, self.parent, row[parent_key(self.parent)])
        return row

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """Touch the item; plan it."""
        item = self.table.value(row_id, parent_key(self.parent))
        writer = self.world.timeline.itil(self.parent)
        writer.touched(act, item, data)
        self.sum_time(item)
        is_planned = self.table.value(row_id, "begin") and self.table.value(row_id, "state") == 1
        if is_planned and self.parent != "Change":  # which knows no such status [19/032]
            writer.set_status(act, item, PLANNED)
        self.world.mail("add_task", self.parent, item, data)

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:  # noqa: ARG002  # every hook has this shape
        """Ask for the right to change any task, or for being its author or technician."""
        own = act.caller.users_id in {self.table.value(row_id, "users_id"), self.table.value(row_id, "users_id_tech")}
        return act.caller.has("task", 1024) or (own and act.caller.central)

    def after_update(self, act: Act, row_id: int, data: Row, old: Row) -> None:
        """When no planned task is left, the item leaves "planned" [06/069]."""
        item = self.table.value(row_id, parent_key(self.parent))
        writer = self.world.timeline.itil(self.parent)
        self.sum_time(item)
        rows = (self.table.full(i) for i in self.table.children(parent_key(self.parent), item))
        planned = any(r["begin"] and r["state"] == 1 for r in rows)
        if "state" in old and not planned and writer.table.value(item, "status") == PLANNED:
            writer.set_status(act, item, 2 if self.world.dialect.encodes else writer.reopened_status(item))
        elif old:
            writer.touched(act, item, data)

    def sum_time(self, item: int) -> None:
        """Add up the time of all tasks."""
        spent = sum(self.table.value(i, "actiontime") for i in self.table.children(parent_key(self.parent), item))
        self.world.db[self.parent].update(item, {"actiontime": spent})


class ValidationWriter(LinkWriter):
    """Approvals of a ticket or change."""

    def __init__(self, world: World, itemtype: str, parent: str) -> None:
        super().__init__(world, itemtype)
        self.parent = parent

    def may_add(self, act: Act, data: Row) -> bool:
        """Ask for the right to request an approval."""
        item = integer(data.get(parent_key(self.parent)) or 0)
        bits = 1024 | 2048 if self.parent == "Ticket" else 4
        return (item in {0, *self.world.db[self.parent].rows}) and act.caller.has(self.type.right, bits)

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Fill in who asks whom: 11 knows the target by type and id, the old field stays 0."""
        if not integer(data.get(parent_key(self.parent)) or 0):
            step = f"Failed to create approval step of type {self.itemtype}Step"
            raise Refused("" if self.world.dialect.encodes else step)  # [19/036]
        if "itemtype_target" in self.table.defaults and data.get("users_id_validate"):
            data = {**data, "itemtype_target": "User", "items_id_target": data["users_id_validate"]}
            del data["users_id_validate"]
        if self.world.dialect.encodes and not data.get("users_id_validate"):
            raise Refused("")  # 10 asks people only, and a body without one nobody
        row = super().prepare_add(act, data)
        row.update(users_id=act.caller.users_id, submission_date=act.now, status=2)
        if not self.world.dialect.encodes:
            item = row[parent_key(self.parent)]
            row["timeline_position"] = self.world.timeline.position(act, self.parent, item)
            row["itils_validationsteps_id"] = self.table.next_id
        return row

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """The item waits for approval."""
        item = self.table.value(row_id, parent_key(self.parent))
        self.world.db[self.parent].update(item, {"global_validation": 2})
        self.world.timeline.itil(self.parent).touched(act, item, data)

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:  # noqa: ARG002
        """Only who was asked may answer."""
        column = "items_id_target" if "items_id_target" in self.table.defaults else "users_id_validate"
        return bool(self.table.value(row_id, column) == act.caller.users_id)

    def after_update(self, act: Act, row_id: int, data: Row, old: Row) -> None:
        """Carry the answer to the item."""
        if "status" in old:
            self.table.update(row_id, {"validation_date": act.now})
            item, status = self.table.value(row_id, parent_key(self.parent)), self.table.value(row_id, "status")
            self.world.db[self.parent].update(item, {"global_validation": status})
            self.world.timeline.itil(self.parent).touched(act, item, data)


class SatisfactionWriter(Writer):
    """TicketSatisfaction: answered by the requester, by the ticket's id [08/047 048]."""

    def may_add(self, act: Act, data: Row) -> bool:  # noqa: ARG002
        """Nobody adds a survey: GLPI's own action does."""
        return False

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:  # noqa: ARG002
        """Only the requester answers."""
        ticket = self.table.value(row_id, "tickets_id")
        return access.is_actor(self.world.db, act.caller, "Ticket", ticket, REQUESTER)

    def prepare_update(self, act: Act, row_id: int, data: Row) -> Row:
        """Note when it was answered; 11 may ask for words up to a rate, on a scale of its own [15/062 063]."""
        changes = super().prepare_update(act, row_id, data)
        if "satisfaction" not in data:
            return changes
        changes.update(date_answered=act.now, satisfaction=int(data["satisfaction"]))
        if not self.world.dialect.encodes:
            rule = self.world.db["Entity"].full(0)
            least = rule["inquest_mandatory_comment"] or 0
            if int(data["satisfaction"]) <= least and not data.get("comment"):
                raise Refused(f"Comment is required if score is less than or equal to {least}")
            changes["satisfaction_scaled_to_5"] = int(data["satisfaction"]) * 5 / (rule["inquest_max_rate"] or 5)
        return changes
