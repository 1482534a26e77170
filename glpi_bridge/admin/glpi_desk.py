"""Bring items of GLPI to a wanted state, by name: look first, change what differs, keep account of it.

With `is_trial` nothing is written: what would be made has no id yet, and what hangs on it counts as missing too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glpi_bridge.admin.change import Action, Change, Ledger, ProvisionError
from glpi_bridge.errors import Refused
from glpi_bridge.glpi import Glpi
from glpi_bridge.model import Outcome, Verdict

UPDATE, CREATE = 2, 4
# what a person needs to make or change an item of a type: the right, and the bits for making and changing
_GUARDS: Mapping[str, tuple[str, int, int]] = {
    "Entity": ("entity", CREATE, UPDATE),
    "Location": ("location", CREATE, UPDATE),
    "ITILCategory": ("itilcategory", CREATE, UPDATE),
    "RequestType": ("dropdown", CREATE, UPDATE),
    "Group": ("group", CREATE, UPDATE),
    "Group_User": ("group", UPDATE, UPDATE),
    "User": ("user", CREATE, UPDATE),
    "UserEmail": ("user", UPDATE, UPDATE),
    "Profile": ("profile", CREATE, UPDATE),
    "Profile_User": ("user", UPDATE, UPDATE),
    "APIClient": ("config", UPDATE, UPDATE),
    "Calendar": ("calendar", CREATE, UPDATE),
    "CalendarSegment": ("calendar", UPDATE, UPDATE),
    "SLM": ("slm", CREATE, UPDATE),
    "SLA": ("slm", CREATE, UPDATE),
    "OLA": ("slm", CREATE, UPDATE),
    "TicketTemplate": ("itiltemplate", CREATE, UPDATE),
    "TicketTemplateMandatoryField": ("itiltemplate", UPDATE, UPDATE),
    "TicketTemplateHiddenField": ("itiltemplate", UPDATE, UPDATE),
    "TicketTemplatePredefinedField": ("itiltemplate", UPDATE, UPDATE),
    "CronTask": ("config", UPDATE, UPDATE),
}
_BITS = {UPDATE: "update", CREATE: "create"}


class Desk(Ledger):
    """Items of one GLPI as an administrator sees them, and what has been changed in them."""

    def __init__(self, glpi: Glpi, *, is_trial: bool) -> None:
        super().__init__(is_trial=is_trial)
        self.glpi = glpi
        self._lists: dict[str, list[dict[str, Any]]] = {}

    def rows(self, itemtype: str) -> list[dict[str, Any]]:
        """Return every row of a type, read once; our own writes are followed."""
        if itemtype not in self._lists:
            try:
                self._lists[itemtype] = self.glpi.rows(itemtype)
            except Refused as error:
                if error.code == "ERROR_RIGHT_MISSING":
                    raise ProvisionError([self._too_low(f"read {itemtype}")]) from error
                raise
        return self._lists[itemtype]

    def find(self, itemtype: str, kind: str, name: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the one row with all these values; None if there is none. Two are a fault: we cannot choose."""
        found = [row for row in self.rows(itemtype) if all(_same(row.get(one), value) for one, value in key.items())]
        if len(found) > 1:
            ids = ", ".join(str(row["id"]) for row in found)
            self.fault(f'{kind} "{name}" is in GLPI {len(found)} times (ids {ids}): rename all but one')
        return found[0] if found else None

    def ensure(
        self,
        itemtype: str,
        kind: str,
        name: str,
        key: Mapping[str, Any],
        wanted: Mapping[str, Any],
        only_new: Mapping[str, Any] | None = None,
    ) -> int | None:
        """Make the item with `key`, or change what differs from `wanted`; return its id, None if only tried.

        A key that hangs on something not yet made is None there: then there is nothing to look for. `only_new` is
        sent with a new item and not compared (passwords, defaults that people may change later).
        """
        row = None if None in key.values() else self.find(itemtype, kind, name, key)
        if row is None:
            return self.add(itemtype, kind, name, {**key, **wanted}, only_new)
        self.change(itemtype, kind, name, row, wanted)
        return int(row["id"])

    def add(
        self, itemtype: str, kind: str, name: str, fields: Mapping[str, Any], hidden: Mapping[str, Any] | None = None
    ) -> int | None:
        """Make an item; return its id, None if only tried. `hidden` is sent and not shown."""
        shown = {one: (None, value) for one, value in fields.items()}
        self._record(Change(kind, name, Action.CREATE, itemtype, shown))
        if self.is_trial:
            return None
        [outcome] = self.glpi.add(itemtype, [{**fields, **(hidden or {})}])
        made = _done(outcome, f"{kind} {name}")
        self._lists.get(itemtype, []).append({**fields, "id": made})
        if itemtype == "User":
            self._lists.pop("Profile_User", None)  # GLPI gives a new account its default profile by itself
        return made

    def change(self, itemtype: str, kind: str, name: str, row: dict[str, Any], wanted: Mapping[str, Any]) -> None:
        """Change what differs from `wanted` in a row; a value that is not known yet differs."""
        differs = {one: (row.get(one), value) for one, value in wanted.items() if not _same(row.get(one), value)}
        if differs:
            sent = {one: wanted[one] for one in differs}
            self.put(itemtype, kind, name, int(row["id"]), sent, differs)
            row |= {} if self.is_trial else sent

    def put(
        self,
        itemtype: str,
        kind: str,
        name: str,
        row_id: int | None,
        sent: Mapping[str, Any],
        shown: Mapping[str, tuple[Any, Any]],
    ) -> None:
        """Send a change; `shown` is what is told of it."""
        self._record(Change(kind, name, Action.UPDATE, itemtype, dict(shown)))
        if not self.is_trial and row_id is not None:
            _done(self.glpi.update_one(itemtype, {"id": row_id, **sent}), f"{kind} {name}")

    def remove(self, itemtype: str, kind: str, name: str, row: Mapping[str, Any]) -> None:
        """Remove a link between two items, or a part of one (never an item itself)."""
        self._record(Change(kind, name, Action.REMOVE, itemtype))
        if not self.is_trial:
            [outcome] = self.glpi.delete(itemtype, [int(row["id"])], purge=True)
            _done(outcome, f"{kind} {name}")
            self._lists.pop(itemtype, None)

    def renew(self) -> None:
        """Open a new session: what was made in this one may not be readable in it (a new entity)."""
        if not self.is_trial:
            self.glpi.close()
            self.glpi.login()
            self._lists.clear()

    def _record(self, change: Change) -> None:
        self.changes.append(change)
        guard = _GUARDS.get(change.itemtype)
        account = self.glpi.account
        if guard is None or account is None:
            return
        name, create, update = guard
        bit = create if change.action is Action.CREATE else update
        if not int(account.rights.get(name) or 0) & bit:
            self.fault(self._too_low(f"{change.action} {change.kind}", f"`{name}: {_BITS[bit]}`"))

    def _too_low(self, deed: str, right: str = "") -> str:
        account = self.glpi.account
        who = f'{account.name} as "{account.profile}"' if account else "the administrator"
        return f"{who} may not {deed}{f' (lacks {right})' if right else ''}: sign in as a Super-Admin"


def _same(held: Any, wanted: Any) -> bool:
    """Compare as GLPI means it: null, 0 and "" are all nothing; numbers may come as text."""
    return str(held or "") == str((int(wanted) if isinstance(wanted, bool) else wanted) or "")


def _done(outcome: Outcome, what: str) -> int:
    if outcome.verdict is Verdict.DONE:
        return int(outcome.id or 0)
    if outcome.verdict is Verdict.UNKNOWN:
        raise ProvisionError([f"{what}: GLPI's answer was lost; run this again, what was made is taken over"])
    raise ProvisionError([f"{what}: GLPI did not take it: {outcome.text or outcome.code or outcome.verdict}"])
