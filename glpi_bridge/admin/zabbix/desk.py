"""Bring objects of a Zabbix to a wanted state, by name: look first, change what differs, keep account of it.

Objects are compared in words for people (`held` against `wanted`): names in place of ids, without what Zabbix adds.
With `is_trial` nothing is written: what would be made has no id yet, and what hangs on it counts as missing too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from glpi_bridge.admin.change import Action, Change, Ledger, ProvisionError
from glpi_bridge.errors import NoAnswer, Refused, TargetError
from glpi_bridge.zabbix import Zabbix

Row: TypeAlias = dict[str, Any]
Fields: TypeAlias = Mapping[str, Any]

MADE_BY = "Made by glpi-bridge"
"""Stands in the description of what we make, wherever Zabbix has one: without it an object is other people's."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of Zabbix's objects: its API name and id, the field of its name, and how all of it is read."""

    api: str
    id: str
    label: str
    name: str = "name"
    reads: Fields = field(default_factory=dict)


MEDIA_TYPE = Kind("mediatype", "mediatypeid", "media type", reads={"selectMessageTemplates": "extend"})
HOST_GROUP = Kind("hostgroup", "groupid", "host group")
USER_GROUP = Kind(
    "usergroup", "usrgrpid", "user group", reads={"selectHostGroupRights": "extend", "selectUsers": ["userid"]}
)
ROLE = Kind("role", "roleid", "role", reads={"selectRules": "extend", "selectUsers": ["userid"]})
USER = Kind("user", "userid", "user", "username", {"selectMedias": "extend", "selectUsrgrps": ["usrgrpid", "name"]})
TOKEN = Kind("token", "tokenid", "API token")
ACTION = Kind(
    "action",
    "actionid",
    "action",
    reads={
        "selectFilter": "extend",
        "selectOperations": "extend",
        "selectRecoveryOperations": "extend",
        "selectUpdateOperations": "extend",
    },
)
SCRIPT = Kind("script", "scriptid", "script")
TEMPLATE = Kind("template", "templateid", "template", "host", reads={"selectHosts": ["hostid", "host"]})
TEMPLATE_GROUP = Kind("templategroup", "groupid", "template group", reads={"selectTemplates": ["templateid"]})
HOST = Kind(
    "host",
    "hostid",
    "host",
    "host",
    {
        "selectHostGroups": ["groupid", "name"],
        "selectParentTemplates": ["templateid", "name"],
        "selectInterfaces": "extend",
        "selectMacros": "extend",
        "selectTags": "extend",
    },
)


class NotTaken(ProvisionError):
    """Zabbix refused a write that had seemed in order: what this run made before it is taken back."""


class Desk(Ledger):
    """The objects of one Zabbix as a super admin sees them, and what has been changed in them."""

    def __init__(self, zabbix: Zabbix, *, is_trial: bool) -> None:
        super().__init__(is_trial=is_trial)
        self.zabbix = zabbix
        self.made: list[tuple[str, Callable[[], object]]] = []
        """What this run made, oldest first, and how each is taken back."""
        self._lists: dict[str, list[Row]] = {}

    def rows(self, kind: Kind) -> list[Row]:
        """Return every object of a kind, read once between writes."""
        if kind.api not in self._lists:
            # 7.4 gives an id only where it is asked for
            found = self.zabbix.call(f"{kind.api}.get", {"output": "extend", **kind.reads})
            self._lists[kind.api] = [dict(row) for row in found]
        return self._lists[kind.api]

    def forget(self) -> None:
        """Read everything anew when it is asked for."""
        self._lists.clear()

    def find(self, kind: Kind, name: str) -> Row | None:
        """Return the object of that name; Zabbix keeps names of one kind apart."""
        return next((row for row in self.rows(kind) if row[kind.name] == name), None)

    def names(self, kind: Kind) -> dict[str, str]:
        """Return the name of each id of a kind."""
        return {str(row[kind.id]): str(row[kind.name]) for row in self.rows(kind)}

    def ensure(
        self,
        kind: Kind,
        name: str,
        row: Row | None,
        held: Callable[[Row], Fields],
        wanted: Fields,
        params: Callable[[], Fields],
        *,
        hidden: Fields | None = None,
    ) -> str | None:
        """Make the object, or change what differs from `wanted`; return its id, None if only tried.

        `params` is the whole object as the API takes it, asked for when it is sent; `hidden` goes with a new one only
        and is not shown (a password).
        """
        if row is None:
            self._record(kind, name, Action.CREATE, {one: (None, value) for one, value in wanted.items()})
            return self._create(kind, name, {**params(), **(hidden or {})}) if not self.is_trial else None
        now, found = held(row), str(row[kind.id])
        if differs := {one: (now.get(one), value) for one, value in wanted.items() if now.get(one) != value}:
            self._record(kind, name, Action.UPDATE, differs)
            if not self.is_trial:
                self._write(kind, name, "update", {kind.id: found, **params()})
        return found

    def _create(self, kind: Kind, name: str, params: Fields) -> str:
        done = self._write(kind, name, "create", params)
        [made] = done[f"{kind.id}s"]
        self.made.append((f"{kind.label} {name}", lambda: self.zabbix.call(f"{kind.api}.delete", [made])))
        return str(made)

    def remove(self, kind: Kind, name: str, row: Row) -> None:
        """Delete an object."""
        self._record(kind, name, Action.REMOVE, {})
        if not self.is_trial:
            self._write(kind, name, "delete", [row[kind.id]])

    def take_back(self) -> list[str]:
        """Take back what this run made, newest first; return what could not be."""
        left = []
        for what, undo in reversed(self.made):
            try:
                undo()
            except (TargetError, OSError) as error:
                left.append(f"{what} could not be taken back ({error}): run this again, it is taken over")
        return left

    def note(self, kind: Kind, label: str, name: str, action: Action, fields: Mapping[str, tuple[Any, Any]]) -> None:
        """Keep account of a change that is made elsewhere."""
        self.changes.append(Change(label, name, action, kind.api, fields))
        self.forget()

    def foreign(self, kind: Kind, name: str, why: str) -> None:
        """Note that a name is taken by what we have not made."""
        self.fault(
            f'{kind.label} "{name}" is in Zabbix already and is not ours ({why}): '
            "it is left alone; write another name in zabbix.yml, or rename it"
        )

    def others(self, row: Row, user: str, *, is_as_made: bool) -> str:
        """Say who but our user has a role or user group; with nobody in it, it is ours only as it was made."""
        names = self.names(USER)
        members = sorted(names.get(str(one["userid"]), f"user {one['userid']}") for one in row["users"])
        if others := [one for one in members if one != user]:
            return f"{', '.join(others)} {'has' if len(others) == 1 else 'have'} it"
        return "" if members or is_as_made else "nobody has it, and it is not as we make it"

    def _record(self, kind: Kind, name: str, action: Action, fields: Mapping[str, tuple[Any, Any]]) -> None:
        self.changes.append(Change(kind.label, name, action, kind.api, fields))

    def _write(self, kind: Kind, name: str, verb: str, params: Fields | Sequence[str]) -> Any:
        self.forget()  # deleting one thing changes others
        return self.call(f"{kind.api}.{verb}", params, f"{kind.label} {name}")

    def call(self, method: str, params: Fields | Sequence[str], what: str) -> Any:
        """Call a method that writes; raise ProvisionError in words about `what`."""
        try:
            return self.zabbix.call(method, params)
        except NoAnswer as error:
            lines = [f"{what}: Zabbix's answer was lost; run this again, what was made is taken over"]
            raise ProvisionError(lines) from error
        except Refused as error:
            raise NotTaken([f"{what}: Zabbix did not take it: {error}"]) from error


def is_ours(row: Row) -> bool:
    """Tell whether an object's description says that we made it."""
    return MADE_BY in str(row.get("description", ""))


def text(value: Any) -> str:
    """Read a text as Zabbix means it: an import by hand turns line ends into CR LF."""
    return str(value).replace("\r\n", "\n")
