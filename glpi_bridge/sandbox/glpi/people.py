"""Deeds of people: what technicians, users and administrators do to tickets while the bridge works."""

from __future__ import annotations

from typing import Any, Final

from .access import Caller
from .answers import Refused
from .recorded import Row
from .world import World
from .writing import Act

TECHNICIAN, ADMINISTRATOR, ENDUSER, BRIDGE = 9, 2, 8, 7
BRIDGE_PROFILE = 9
_EVERY_BIT: Final = (1 << 20) - 1


class People:
    """Each method is one deed of one person, in their own name but with every right (the bridge has its own);
    Refused if GLPI itself would
    not do it.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def act(self, user: int) -> Act:
        """Return an act of a user: as they are on a ticket, with all rights, in all entities."""
        profile = 1 if user == ENDUSER else 4
        rights = self.world.db["Profile"].full(BRIDGE_PROFILE if user == BRIDGE else 4)
        if user != BRIDGE:
            rights = {name: _EVERY_BIT for name, value in rights.items() if isinstance(value, int)}
        entities = frozenset(self.world.db["Entity"].ids)
        interface = "helpdesk" if profile == 1 else "central"
        caller = Caller(user, profile, interface, entities, 0, rights, self.world.groups_of(user))
        return Act(self.world, caller)

    def _update(self, itemtype: str, row_id: int, data: Row, user: int) -> None:
        with self.world.db.lock:
            self.world.writers[itemtype].update(self.act(user), row_id, data)

    def _add(self, itemtype: str, data: Row, user: int) -> int:
        with self.world.db.lock:
            return int(self.world.writers[itemtype].add(self.act(user), data)[0])

    def edit(self, ticket: int, *, user: int = TECHNICIAN, itemtype: str = "Ticket", **fields: Any) -> None:
        """Change any fields of an item."""
        self._update(itemtype, ticket, fields, user)

    def create(self, *, user: int = ENDUSER, itemtype: str = "Ticket", **fields: Any) -> int:
        """Create an item and return its id; an end user is its requester."""
        if user == ENDUSER and itemtype == "Ticket":
            fields.setdefault("_users_id_requester", user)
        return self._add(itemtype, fields, user)

    def take(self, ticket: int, *, user: int = TECHNICIAN) -> None:
        """Assign the ticket to oneself."""
        self._update("Ticket", ticket, {"_users_id_assign": user}, user)

    def assign(self, ticket: int, *, to_user: int = 0, to_group: int = 0, user: int = TECHNICIAN) -> None:
        """Assign the ticket to a user or group."""
        data: Row = {"_users_id_assign": to_user} if to_user else {"_groups_id_assign": to_group}
        self._update("Ticket", ticket, data, user)

    def reassign(self, ticket: int, *, to_group: int, user: int = TECHNICIAN) -> None:
        """Replace every assignee by a group."""
        self._update("Ticket", ticket, {"_actors": {"assign": [{"itemtype": "Group", "items_id": to_group}]}}, user)

    def set_pending(self, ticket: int, *, user: int = TECHNICIAN) -> None:
        """Set the ticket to pending."""
        self._update("Ticket", ticket, {"status": 4}, user)

    def set_status(self, ticket: int, status: int, *, user: int = TECHNICIAN) -> None:
        """Set any status."""
        self._update("Ticket", ticket, {"status": status}, user)

    def recategorise(self, ticket: int, category: int, *, user: int = TECHNICIAN) -> None:
        """Move the ticket to another category."""
        self._update("Ticket", ticket, {"itilcategories_id": category}, user)

    def rename(self, ticket: int, name: str, *, user: int = TECHNICIAN) -> None:
        """Give the ticket another title."""
        self._update("Ticket", ticket, {"name": name}, user)

    def set_urgency(self, ticket: int, urgency: int, *, user: int = TECHNICIAN) -> None:
        """Change the urgency."""
        self._update("Ticket", ticket, {"urgency": urgency}, user)

    def set_priority(self, ticket: int, priority: int, *, user: int = TECHNICIAN) -> None:
        """Change the priority, which the matrix had given."""
        self._update("Ticket", ticket, {"priority": priority}, user)

    def reply(self, ticket: int, content: str, *, user: int = ENDUSER, private: bool = False) -> int:
        """Write a followup and return its id."""
        return self._add(
            "ITILFollowup",
            {"itemtype": "Ticket", "items_id": ticket, "content": content, "is_private": int(private)},
            user,
        )

    def solve(self, ticket: int, content: str = "Done", *, user: int = TECHNICIAN) -> int:
        """Write a solution and return its id."""
        return self._add("ITILSolution", {"itemtype": "Ticket", "items_id": ticket, "content": content}, user)

    def approve(self, ticket: int, *, user: int = ENDUSER) -> None:
        """Accept the solution: the ticket closes."""
        self._add("ITILFollowup", {"itemtype": "Ticket", "items_id": ticket, "content": "", "add_close": 1}, user)

    def refuse(self, ticket: int, content: str = "Still broken", *, user: int = ENDUSER) -> None:
        """Refuse the solution: the ticket opens again."""
        self._add("ITILFollowup", {"itemtype": "Ticket", "items_id": ticket, "content": content, "add_reopen": 1}, user)

    def close(self, ticket: int, *, user: int = TECHNICIAN) -> None:
        """Close the ticket."""
        self._update("Ticket", ticket, {"status": 6}, user)

    def reopen(self, ticket: int, *, user: int = TECHNICIAN) -> None:
        """Set a solved or closed ticket to assigned again."""
        self._update("Ticket", ticket, {"status": 2}, user)

    def delete(self, ticket: int, *, user: int = ADMINISTRATOR) -> None:
        """Put the ticket in the trash."""
        with self.world.db.lock:
            self.world.writers["Ticket"].delete(self.act(user), ticket, purge=False)

    def purge(self, ticket: int, *, user: int = ADMINISTRATOR) -> None:
        """Delete the ticket for good."""
        with self.world.db.lock:
            self.world.writers["Ticket"].delete(self.act(user), ticket, purge=True)

    def restore(self, ticket: int, *, user: int = ADMINISTRATOR) -> None:
        """Take the ticket out of the trash."""
        self._update("Ticket", ticket, {"is_deleted": 0}, user)

    def link(self, first: int, second: int, kind: int = 1, *, user: int = TECHNICIAN) -> int:
        """Link two tickets: 1 related, 2 duplicate of, 3 son of."""
        return self._add("Ticket_Ticket", {"tickets_id_1": first, "tickets_id_2": second, "link": kind}, user)

    def merge(self, duplicate: int, into: int, *, user: int = TECHNICIAN) -> None:
        """Merge a ticket into another as GLPI's merge does: link, followup with its text, trash."""
        name = self.world.db["Ticket"].value(duplicate, "name")
        self.link(duplicate, into, 2, user=user)
        self.reply(into, f"<p>Merged from ticket {duplicate}: {name}</p>", user=user)
        self.delete(duplicate, user=user)

    def deactivate(self, who: int, *, user: int = ADMINISTRATOR) -> None:
        """Deactivate an account: running sessions go on [01/045]."""
        self._update("User", who, {"is_active": 0}, user)

    def activate(self, who: int, *, user: int = ADMINISTRATOR) -> None:
        """Activate an account."""
        self._update("User", who, {"is_active": 1}, user)

    def expire_password(self, who: int) -> None:
        """Let a password be too old: signing in gives a session without a profile [15/081]."""
        self.world.expired.add(who)

    def set_rights(self, profile: int, rights: dict[str, int]) -> None:
        """Set rights of a profile as sums of bits; sessions see them after their next sign-in."""
        with self.world.db.lock:
            self.world.db["Profile"].update(profile, dict(rights))


DEEDS = tuple(name for name in vars(People) if not name.startswith("_") and name != "act")
"""Every deed's name, for the control address."""

__all__ = ["DEEDS", "People", "Refused"]
