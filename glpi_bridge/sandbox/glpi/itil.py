"""Tickets, problems and changes: statuses, dates, priority, what an assignment and a solution do to them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from . import access, history
from .access import ASSIGNED, OBSERVER, REQUESTER
from .actors import delete_actors, replace_actors, save_actors, sent_actors
from .answers import Refused
from .itemtypes import ITEM_TABLES, parent_key
from .recorded import Row
from .statuses import ASSIGNED_STATUS, NEW, Statuses, seconds
from .values import integer
from .writing import Act, Writer

if TYPE_CHECKING:
    from .world import World

OWN_NAME: Final = 70
HELPDESK_FIELDS: Final = frozenset({"name", "content", "urgency", "itilcategories_id", "type", "externalid"})


class ItilWriter(Writer):
    """The common part of Ticket, Problem and Change."""

    def __init__(self, world: World, itemtype: str) -> None:
        super().__init__(world, itemtype)
        self.statuses = Statuses.of(itemtype)
        self.solved, self.closed = self.statuses.solved, self.statuses.closed

    # -- create --

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Fill in what GLPI fills in: name, status, urgency, impact, priority, dates, recipient."""
        data = {**self.template_copy(data), **data}
        if "date" in data:
            self.check_date(data["date"])
        row = super().prepare_add(act, self.without_rights(act, data))
        row["name"], row["content"] = self.name_and_content(row)
        row.update(users_id_recipient=act.caller.users_id, users_id_lastupdater=act.caller.users_id)
        row.setdefault("date", act.now)
        row["status"] = self.first_status(row, data)
        self.rate(act, row, data)
        self.statuses.date(row, 0, row["status"], act.now)
        if self.itemtype == "Ticket":
            row.setdefault("requesttypes_id", 1)
            if self.is_assigned_by(data):
                row.update(self.taken(row["date"], act.now, data))
        return row

    def template_copy(self, data: Row) -> Row:
        """Return what an `id` in the input copies from that item [02/075]."""
        source = data.get("id")
        if not source or integer(source) not in self.table.rows:
            return {}
        full = self.table.full(integer(source))
        return {k: full[k] for k in ("urgency", "impact", "priority", "date")}

    def without_rights(self, act: Act, data: Row) -> Row:
        """Drop what the profile may not set."""
        if act.caller.has(self.type.right, access.CHANGE_PRIORITY) or self.itemtype != "Ticket":
            return data
        return {k: v for k, v in data.items() if k != "priority"}

    @staticmethod
    def check_date(date: Any) -> None:
        """Refuse a date that is none [02/021]; on PUT too (measured on both)."""
        for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
            try:
                datetime.strptime(str(date), form)  # noqa: DTZ007  # GLPI's dates carry no zone
            except ValueError:
                continue
            return
        raise Refused("Incorrect value for date field.")

    @staticmethod
    def name_and_content(row: Row) -> tuple[str, str]:
        """Return name and content; an empty name is taken from the content, blanks are none [02/065 069 070]."""
        name, content = str(row.get("name") or ""), str(row.get("content") or "")
        if not name.strip():
            name = content.strip()[:OWN_NAME].strip() if content.strip() else ""
        return name, content if content.strip() else ""

    def first_status(self, row: Row, data: Row) -> int:
        """Return the status of a new item: an assignee turns New into Assigned [02/018]."""
        status = int(row.get("status") or NEW)
        blocked = data.get("_do_not_compute_status")
        return ASSIGNED_STATUS if status == NEW and self.is_assigned_by(data) and not blocked else status

    @staticmethod
    def is_assigned_by(data: Row) -> bool:
        """Tell whether an input names an assignee, known or not [02/035]."""
        return any(actor.role == ASSIGNED for actor in sent_actors(data))

    def rate(self, act: Act, row: Row, data: Row) -> None:
        """Set urgency, impact and priority: outside 1 to 5 is 3, the matrix unless a priority was sent [02/004 076]."""
        for column in ("urgency", "impact"):
            value = row.get(column, 3)
            row[column] = value if 1 <= value <= 5 else 3
        allowed = act.caller.has(self.type.right, access.CHANGE_PRIORITY) or self.itemtype != "Ticket"
        if not (allowed and data.get("priority")):
            row["priority"] = self.matrix(row["urgency"], row["impact"])

    def matrix(self, urgency: int, impact: int) -> int:
        """Return the priority of the configured matrix."""
        matrix: dict[str, dict[str, int]] = self.world.recorded.config["priority_matrix"]
        return matrix[str(urgency)][str(impact)]

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """Save items, actors and links; count the mail."""
        if self.world.dialect.encodes:
            self.link_items(act, row_id, data.get("items_id"))
            self.save_first_actors(act, row_id, data)
        else:
            history.created(self.world, act, self.itemtype, row_id)
            self.save_first_actors(act, row_id, data)
            self.link_items(act, row_id, data.get("items_id"))
        for sent, table, key in (
            ("_problems_id", "Change_Problem" if self.itemtype == "Change" else "Problem_Ticket", "problems_id"),
            ("_tickets_id", "Change_Ticket" if self.itemtype == "Change" else "Problem_Ticket", "tickets_id"),
        ):
            if data.get(sent) and key != parent_key(self.itemtype):
                self.world.db[table].insert({parent_key(self.itemtype): row_id, key: integer(data[sent])})
        link = data.get("_link")
        if isinstance(link, dict) and self.itemtype == "Ticket":
            self.link_ticket(row_id, link)
        if self.world.dialect.encodes:
            history.created(self.world, act, self.itemtype, row_id)
        self.world.mail("new", self.itemtype, row_id, data)

    def save_first_actors(self, act: Act, row_id: int, data: Row) -> None:
        """Save the actors of a new item, role by role; the history tells what an assignee changed [02/002.Log]."""
        sent = sorted(sent_actors(data), key=lambda actor: actor.role)
        full = self.table.full(row_id)
        for role in (REQUESTER, ASSIGNED, OBSERVER):
            some = [actor for actor in sent if actor.role == role]
            taken = role == ASSIGNED and some and self.itemtype == "Ticket" and full["takeintoaccountdate"]
            if taken:
                spent = {"takeintoaccount_delay_stat": full["takeintoaccount_delay_stat"]}
                history.changed(self.world, act, self.itemtype, row_id, {}, spent)
            save_actors(act, self.itemtype, row_id, some)
            if taken and not data.get("_do_not_compute_status") and full["status"] == ASSIGNED_STATUS:
                history.changed(self.world, act, self.itemtype, row_id, {"status": NEW}, {"status": ASSIGNED_STATUS})

    def link_items(self, act: Act, row_id: int, items: Any) -> None:
        """Link assets; an itemtype that does not exist ends PHP 11."""
        table = self.world.db[ITEM_TABLES[self.itemtype]]
        for itemtype, ids in (items or {}).items() if isinstance(items, dict) else ():
            for item in ids if isinstance(ids, list) else [ids]:
                self.world.check_itemtype(itemtype)
                if itemtype in self.world.db:
                    table.insert({parent_key(self.itemtype): row_id, "itemtype": itemtype, "items_id": integer(item)})
        history.items_linked(self.world, act, self.itemtype, row_id)

    def link_ticket(self, row_id: int, link: Row) -> None:
        """Link the new ticket to another; the form with itemtypes is taken by 11 only."""
        if "itemtype_1" in link and not self.world.dialect.encodes:
            link = {
                "tickets_id_1": link.get("items_id_1"),
                "tickets_id_2": link.get("items_id_2"),
                "link": link.get("link", 1),
            }
        if "tickets_id_2" in link:
            first = integer(link.get("tickets_id_1") or 0) or row_id
            second = integer(link["tickets_id_2"]) or row_id
            row = {"tickets_id_1": first, "tickets_id_2": second, "link": integer(link.get("link", 1))}
            self.world.db["Ticket_Ticket"].insert(row)

    # -- update --

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:  # noqa: ARG002  # every hook has this shape
        """Ask for the right to change this very item."""
        return access.updates_itil(self.world.db, act.caller, self.itemtype, row_id)

    def prepare_update(self, act: Act, row_id: int, data: Row) -> Row:
        """Work out the new columns: priority by the matrix, dates by the status, "taken into account"."""
        if "date" in data:
            self.check_date(data["date"])
        full = self.table.full(row_id)
        if not act.caller.has(self.type.right, access.UPDATE) and not act.caller.central:
            data = {k: v for k, v in data.items() if k in HELPDESK_FIELDS or k == "priority" or k.startswith("_")}
        if data.get("externalid") and full["status"] in self.closed:
            raise Refused("")
        changes = super().prepare_update(act, row_id, data)
        if self.is_rated_anew(act, changes, full):
            changes["priority"] = self.matrix(
                *(v if 1 <= v <= 5 else 3 for v in (changes.get(k, full[k]) for k in ("urgency", "impact")))
            )
        if self.is_assigned_by(data) and changes.get("status", full["status"]) == NEW:
            changes["status"] = ASSIGNED_STATUS
        changes = {k: v for k, v in changes.items() if full.get(k) != v}
        if "status" in changes:
            self.statuses.date(changes, full["status"], changes["status"], act.now, full)
        if not changes:
            return {}
        changes["users_id_lastupdater"] = act.caller.users_id
        changes["date_mod"] = act.now
        if self.itemtype == "Ticket" and changes.get("status", full["status"]) != NEW:
            changes.update(self.take(act, row_id, data))
        return changes

    def is_rated_anew(self, act: Act, changes: Row, full: Row) -> bool:
        """Tell whether the matrix gives the priority: on 10 wherever the urgency changes, else unless one was sent."""
        changed = {column for column in ("urgency", "impact") if changes.get(column, full[column]) != full[column]}
        if self.itemtype == "Ticket" and not act.caller.has(self.type.right, access.CHANGE_PRIORITY):
            return bool(changed)
        always = self.itemtype == "Ticket" and self.world.dialect.encodes and "urgency" in changed
        return always or (bool(changed) and "priority" not in changes)

    def after_update(self, act: Act, row_id: int, data: Row, old: Row) -> None:
        """Save actors, refuse waiting solutions on a reopening, copy the status to duplicates, count the mail."""
        history.changed(self.world, act, self.itemtype, row_id, old, {k: self.table.value(row_id, k) for k in old})
        if data.get("_actors"):
            replace_actors(act, self.itemtype, row_id, data)
        delete_actors(act, self.itemtype, data)
        sent = sent_actors(data)
        save_actors(act, self.itemtype, row_id, sent)
        if any(actor.role == ASSIGNED for actor in sent):
            self.assigned(act, row_id, data)
        status = self.table.value(row_id, "status")
        before = old.get("status", status)
        if before in self.solved and status not in self.solved | self.closed:
            self.world.timeline.refuse_waiting(act, self.itemtype, row_id)
        if self.itemtype == "Ticket" and before != status:
            self.propagate(act, row_id, status)
            if status in self.closed:
                self.ask(act, row_id)
        if old:
            event = "solved" if status in self.solved and before != status else "update"
            self.world.mail(event, self.itemtype, row_id, data)

    def propagate(self, act: Act, row_id: int, status: int) -> None:
        """Copy a bare "solved" (10: "closed" too) to duplicates [06/086]."""
        wanted = self.solved | self.closed if self.world.dialect.encodes else self.solved
        if status not in wanted:
            return
        for other in self.world.duplicates(row_id):
            if self.table.value(other, "status") not in self.solved | self.closed:
                self.set_status(act, other, status)

    # -- what others call --

    def set_status(self, act: Act, row_id: int, status: int) -> None:
        """Move an item to a status with all that follows."""
        full = self.table.full(row_id)
        changes: Row = {"status": status, "date_mod": act.now, "users_id_lastupdater": act.caller.users_id}
        self.statuses.date(changes, full["status"], status, act.now, full)
        if self.itemtype == "Ticket" and status != NEW:
            changes.update(self.take(act, row_id, {}))
        self.table.update(row_id, changes)
        history.changed(self.world, act, self.itemtype, row_id, full, changes)
        if self.itemtype == "Ticket" and full["status"] != status:
            self.propagate(act, row_id, status)
            if status in self.closed:
                self.ask(act, row_id)

    def ask(self, act: Act, row_id: int) -> None:
        """Ask how satisfied the requester is, where the entity wants to know of every closed ticket [08/045]."""
        entities, surveys = self.world.db["Entity"], self.world.db["TicketSatisfaction"]
        root = entities.full(0)
        if root["inquest_config"] == 1 and root["inquest_rate"] > 0 and not surveys.children("tickets_id", row_id):
            surveys.insert({"tickets_id": row_id, "type": 1, "date_begin": act.now})

    def assigned(self, act: Act, row_id: int, data: Row) -> None:
        """Someone was assigned: New becomes Assigned, the ticket is taken into account."""
        if self.table.value(row_id, "status") == NEW and not data.get("_do_not_compute_status"):
            self.set_status(act, row_id, ASSIGNED_STATUS)
        elif self.itemtype == "Ticket":
            taken = self.take(act, row_id, data)
            history.changed(self.world, act, self.itemtype, row_id, {}, taken)
            self.table.update(row_id, {**taken, "date_mod": act.now})

    def touched(self, act: Act, row_id: int, data: Row) -> None:
        """Something was written on the item: dates move; of a closed one only the last update, on 11 [06/026]."""
        changes: Row = {"date_mod": act.now, "users_id_lastupdater": act.caller.users_id}
        if self.table.value(row_id, "status") in self.closed:
            if not self.world.dialect.encodes:
                self.table.update(row_id, changes)
            return
        if self.itemtype == "Ticket":
            changes.update(self.take(act, row_id, data))
            history.changed(self.world, act, self.itemtype, row_id, {}, changes)
        self.table.update(row_id, changes)

    def take(self, act: Act, row_id: int, data: Row) -> Row:
        """Return the columns of "taken into account", if this is the first act of someone who treats tickets."""
        if self.table.value(row_id, "takeintoaccountdate") or data.get("_do_not_compute_takeintoaccount"):
            return {}
        treats = act.caller.has(self.type.right, access.UPDATE) or access.is_actor(
            self.world.db, act.caller, self.itemtype, row_id, ASSIGNED
        )
        only_asks = (
            access.is_actor(self.world.db, act.caller, self.itemtype, row_id, access.REQUESTER)
            and not act.caller.central
        )
        if not treats or only_asks:
            return {}
        return self.taken(self.table.value(row_id, "date"), act.now, data)

    @staticmethod
    def taken(opened: str, now: str, data: Row) -> Row:
        """Return the columns of "taken into account" now."""
        if data.get("_do_not_compute_takeintoaccount"):
            return {}
        return {"takeintoaccountdate": now, "takeintoaccount_delay_stat": max(1, seconds(opened, now))}

    def may_delete(self, act: Act, row_id: int, *, purge: bool) -> bool:
        """Ask for the right; the requester may drop a fresh ticket [08/035]."""
        if row_id not in self.table.rows or not access.sees_itil(self.world.db, act.caller, self.itemtype, row_id):
            return False
        if super().may_delete(act, row_id, purge=purge):
            return True
        return not purge and access.is_fresh_own(self.world.db, act.caller, self.itemtype, row_id)

    def delete(self, act: Act, row_id: int, *, purge: bool) -> str:
        """Put an item in the trash with a word about who did it, or purge it."""
        said = super().delete(act, row_id, purge=purge)
        if row_id in self.table.rows:
            history.trashed(self.world, act, self.itemtype, row_id)
        return said

    def before_purge(self, act: Act, row_id: int) -> None:  # noqa: ARG002
        """Remove actors, links and timeline."""
        db, key = self.world.db, parent_key(self.itemtype)
        for name, table in db.tables.items():
            for column in (key, f"{key}_1", f"{key}_2"):
                if column in table.defaults:
                    for child in table.children(column, row_id):
                        table.remove(child)
            if name in {"ITILFollowup", "ITILSolution", "Document_Item", "Log"}:
                for child in table.children("parent", (self.itemtype, row_id)):
                    table.remove(child)

    def is_assigned(self, row_id: int) -> bool:
        """Tell whether anyone is assigned."""
        return any(role == ASSIGNED for _, _, role in access.actors(self.world.db, self.itemtype, row_id))

    def reopened_status(self, row_id: int) -> int:
        """Return the status of a reopened item [06/036 037]."""
        return ASSIGNED_STATUS if self.is_assigned(row_id) else NEW
