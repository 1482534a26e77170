"""Links: what hangs on a ticket, problem or change, and tickets on one another."""

from __future__ import annotations

from . import access
from .access import CREATE
from .answers import Refused
from .itemtypes import ITEMTYPES, Said
from .recorded import Row
from .values import integer
from .writing import Act, Writer


class LinkWriter(Writer):
    """Links of an ITIL item (items, documents, other items): allowed to who may change that item."""

    @property
    def names_item(self) -> bool:
        """Whether GLPI names the linked item."""
        later = self.itemtype in {"Item_Problem", "Change_Item"} and not self.world.dialect.encodes
        return self.type.said is Said.ITEM or later

    def may_add(self, act: Act, data: Row) -> bool:
        """Ask for the right to change what the link hangs on."""
        for itemtype, key in (("Change", "changes_id"), ("Problem", "problems_id"), ("Ticket", "tickets_id")):
            if key in self.table.defaults and key in data:
                item = integer(data[key])
                return item in self.world.db[itemtype].rows and self.allows(act, itemtype, item)
        return act.caller.has(self.type.right or "config", CREATE)

    def allows(self, act: Act, itemtype: str, item: int) -> bool:
        """Tell whether the caller may hang something on the item."""
        return access.updates_itil(self.world.db, act.caller, itemtype, item) or (
            act.caller.has(ITEMTYPES[itemtype].right, access.READ_ALL)
        )

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:
        """Ask for the right to change what the link hangs on."""
        return self.may_add(act, {**self.table.full(row_id), **data})

    def may_delete(self, act: Act, row_id: int, *, purge: bool) -> bool:  # noqa: ARG002  # every hook has this shape
        """Ask for the right to change what the link hangs on."""
        return self.may_add(act, self.table.full(row_id))

    def named(self, row_id: int) -> str:
        """Return the name of the linked item, "" when it is missing [06/077]."""
        if not self.names_item:
            return super().named(row_id)
        itemtype, item = self.table.value(row_id, "itemtype"), self.table.value(row_id, "items_id")
        if itemtype not in self.world.db or item not in self.world.db[itemtype].rows:
            return ""
        return str(self.world.db[itemtype].value(item, "name"))

    def said(self, row_id: int) -> str:
        """Return GLPI's words after an add; 11 names the linked item in more cases [06/105 124]."""
        if self.names_item:
            return f"Item successfully added: {self.named(row_id)}"
        return super().said(row_id)


class TicketLinkWriter(LinkWriter):
    """Ticket_Ticket: 1 related, 2 duplicate of, 3 son of, 4 parent of."""

    def may_add(self, act: Act, data: Row) -> bool:
        """Ask for the right to change the first ticket."""
        tickets = self.world.db["Ticket"]
        ids = [integer(data.get(k) or 0) for k in ("tickets_id_1", "tickets_id_2")]
        return all(i in tickets.rows for i in ids) and access.updates_itil(self.world.db, act.caller, "Ticket", ids[0])

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Refuse the same link again."""
        row = super().prepare_add(act, data)
        pair = {row["tickets_id_1"], row["tickets_id_2"]}
        for column in ("tickets_id_1", "tickets_id_2"):
            for other in self.table.children(column, row["tickets_id_1"]):
                if {self.table.value(other, "tickets_id_1"), self.table.value(other, "tickets_id_2")} == pair:
                    raise Refused("")
        return row

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """A link touches both tickets [06/086]."""
        for column in ("tickets_id_1", "tickets_id_2"):
            self.world.timeline.itil("Ticket").touched(act, self.table.value(row_id, column), data)
