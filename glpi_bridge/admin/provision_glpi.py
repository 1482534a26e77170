"""Bring GLPI to what itil.yml says: by name, adopting what is there, twice the same as once.

First everything is gone through without a write; only when nothing stands in the way is it done. Nothing that is not in
itil.yml is touched, nothing is deleted or renamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from glpi_bridge.admin.change import Change, carry_out
from glpi_bridge.admin.glpi_desk import Desk
from glpi_bridge.admin.itil_settings import (
    PURPOSES,
    SEPARATOR,
    Category,
    Entity,
    EntitySettings,
    Group,
    Itil,
    Location,
    Purpose,
    Role,
    User,
)
from glpi_bridge.admin.people import ensure_role
from glpi_bridge.admin.provision_account import Account, provide_account, provide_api_client, provide_profile
from glpi_bridge.admin.provision_service import provide_calendar, provide_service_level, provide_template
from glpi_bridge.document import Document, Key
from glpi_bridge.errors import Fault, did_you_mean
from glpi_bridge.glpi import Glpi

ROOT = 0
_NEVER, _INTERNAL = -10, 1
_BY_CRON = 2
Path: TypeAlias = tuple[Key, ...]


def provision(glpi: Glpi, itil: Itil, document: Document, account: Account, *, is_check: bool) -> list[Change]:
    """Return what was changed (with `is_check`: would be); raise before the first change if something is in the way.

    SettingsError names lines of itil.yml, ProvisionError what is wrong in GLPI or with our rights.
    """
    return carry_out(
        lambda is_trial: Desk(glpi, is_trial=is_trial),
        lambda desk: _Run(desk, itil, document, account).all(),
        is_check=is_check,
    )


class _Run:
    def __init__(self, desk: Desk, itil: Itil, document: Document, account: Account) -> None:
        self.desk, self.itil, self.document, self.account = desk, itil, document, account
        self.lines: list[Fault] = []
        self.entities: dict[str, int | None] = {}
        self.groups: dict[str, int | None] = {}
        self.users: dict[str, int | None] = {}
        self.calendars: dict[str, int | None] = {}
        self.templates: dict[str, int | None] = {}

    def all(self) -> list[Fault]:
        """Go through itil.yml in the order in which things hang on each other; return faults of the file."""
        self.entities = {_below_root(row): int(row["id"]) for row in self.desk.rows("Entity")}
        self._entity_settings("the root entity", ROOT, self.itil.root)
        self._entities(self.itil.entities, ROOT, "")
        self._calendars()
        self._service_levels()
        self._templates()
        self._locations(self.itil.locations, 0, "", None, ("locations",))
        self._categories(self.itil.categories, 0, "", (None, None, None, None), ("categories",))
        source = self._request_source()
        self._users()
        self._groups()
        profile = provide_profile(self.desk, self.itil)
        if self.itil.account is not None and profile is not None:
            entity = self._entity(self.itil.account.entity, ("account", "entity"))
            provide_account(self.desk, self.itil, self.account, profile.id, entity, source)
        provide_api_client(self.desk, self.itil, self.account)
        self._automatic_actions()
        return self.lines

    def _fault(self, path: Path, found: str, advice: str) -> None:
        fault = Fault(self.document.file, self.document.line(path), found, advice)
        if fault not in self.lines:
            self.lines.append(fault)

    def _unknown(self, path: Path, kind: str, name: str, known: Sequence[str]) -> None:
        advice = did_you_mean(name, known) or f"add it to {kind}s, or correct the name"
        self._fault(path, f'{kind} "{name}" is neither in this file nor in GLPI', advice)

    # -- entities ---------------------------------------------------------------------------------------------------

    def _entity(self, path: str | None, at: Path) -> int | None:
        if path is None:
            return ROOT
        if path not in self.entities:
            self._unknown(at, "entity", path, list(self.entities))
        return self.entities.get(path)

    def _entities(self, wanted: Sequence[Entity], parent: int | None, above: str) -> None:
        for one in wanted:
            path = above + one.name
            known = path in self.entities
            key = {"name": one.name, "entities_id": parent}
            made = self.desk.ensure("Entity", "entity", path, key, {})
            self.entities[path] = made
            if not known:
                self.desk.renew()
            self._entity_settings(f"entity {path}", made, one)
            self._entities(one.below, made, path + SEPARATOR)

    def _entity_settings(self, name: str, entity: int | None, one: EntitySettings) -> None:
        wanted: dict[str, Any] = {}
        if one.auto_close is not None:
            wanted["autoclose_delay"] = _NEVER if isinstance(one.auto_close, str) else one.auto_close.days
        if one.survey is not None:
            wanted |= {
                "inquest_config": _INTERNAL,
                "inquest_rate": one.survey.rate,
                "inquest_delay": one.survey.after_days,
            }
        if not wanted:
            return
        row = next((row for row in self.desk.rows("Entity") if row["id"] == entity), None)
        if entity is None:
            self.desk.put("Entity", "settings of", name, None, wanted, {one: (None, wanted[one]) for one in wanted})
        elif row is not None:
            self.desk.change("Entity", "settings of", name, row, wanted)

    # -- times agreed on, templates -----------------------------------------------------------------------------------

    def _calendars(self) -> None:
        if not self.itil.calendars and not self.itil.service_levels:
            return
        self.calendars = {str(row["name"]): int(row["id"]) for row in self.desk.rows("Calendar")}
        for number, one in enumerate(self.itil.calendars):
            home = self._entity(one.entity, ("calendars", number, "entity"))
            self.calendars[one.name] = provide_calendar(self.desk, one, home)

    def _service_levels(self) -> None:
        for number, one in enumerate(self.itil.service_levels):
            home = self._entity(one.entity, ("service_levels", number, "entity"))
            if one.calendar is not None and one.calendar not in self.calendars:
                self._unknown(("service_levels", number, "calendar"), "calendar", one.calendar, list(self.calendars))
                continue
            calendar = 0 if one.calendar is None else self.calendars[one.calendar]
            provide_service_level(self.desk, one, home, calendar)

    def _templates(self) -> None:
        for number, one in enumerate(self.itil.ticket_templates):
            home = self._entity(one.entity, ("ticket_templates", number, "entity"))
            self.templates[one.name] = provide_template(self.desk, one, home)

    def _template(self, name: str, at: Path) -> int | None:
        if name not in self.templates:
            known = {str(row["name"]): int(row["id"]) for row in self.desk.rows("TicketTemplate")}
            if name not in known:
                self._unknown(at, "ticket template", name, [*known, *self.templates])
                return None
            self.templates[name] = known[name]
        return self.templates[name]

    # -- trees ------------------------------------------------------------------------------------------------------

    def _locations(
        self, wanted: Sequence[Location], parent: int | None, above: str, entity: str | None, at: Path
    ) -> None:
        for number, one in enumerate(wanted):
            here, home = (*at, number), one.entity or entity
            key = {"name": one.name, "locations_id": parent, "entities_id": self._entity(home, (*here, "entity"))}
            made = self.desk.ensure("Location", "location", above + one.name, key, {"is_recursive": 1})
            self._locations(one.below, made, above + one.name + SEPARATOR, home, (*here, "below"))

    def _categories(
        self,
        wanted: Sequence[Category],
        parent: int | None,
        above: str,
        inherited: tuple[tuple[Purpose, ...] | None, bool | None, str | None, str | None],
        at: Path,
    ) -> None:
        for number, one in enumerate(wanted):
            here, path = (*at, number), above + one.name
            purposes = one.purposes if one.purposes is not None else inherited[0]
            portal = one.portal if one.portal is not None else inherited[1]
            home, template = one.entity or inherited[2], one.template or inherited[3]
            # the name alone is not unique, and a category of another entity is another category
            key = {"name": one.name, "itilcategories_id": parent, "entities_id": self._entity(home, (*here, "entity"))}
            fields: dict[str, int | None] = {
                "is_recursive": 1,
                "is_helpdeskvisible": int(portal is not False),
                **{f"is_{purpose}": int(purposes is None or purpose in purposes) for purpose in PURPOSES},
            }
            if template is not None:
                number_ = self._template(template, (*here, "template"))
                fields |= {"tickettemplates_id_incident": number_, "tickettemplates_id_demand": number_}
            made = self.desk.ensure("ITILCategory", "category", path, key, fields)
            self._categories(one.below, made, path + SEPARATOR, (purposes, portal, home, template), (*here, "below"))

    def _request_source(self) -> int | None:
        name = self.itil.request_source
        if name is None:
            return 0
        return self.desk.ensure(
            "RequestType", "request source", name, {"name": name}, {"is_active": 1, "is_ticketheader": 1}
        )

    # -- people -----------------------------------------------------------------------------------------------------

    def _users(self) -> None:
        self.users = {str(row["name"]): int(row["id"]) for row in self.desk.rows("User")}
        for number, one in enumerate(self.itil.users):
            self.users[one.name] = made = self._user(one)
            self._mail(one, made)
            for place, role in enumerate(one.roles):
                self._role(one.name, made, role, ("users", number, "roles", place))

    def _user(self, one: User) -> int | None:
        names = {"realname": one.realname, "firstname": one.firstname}
        wanted = {name: value for name, value in names.items() if value}
        hidden: dict[str, Any] = {"entities_id": ROOT}
        if one.name not in self.users and one.password_file is not None:
            password = one.password_file.read()
            hidden |= {"password": password, "password2": password}
        return self.desk.ensure("User", "user", one.name, {"name": one.name}, wanted, hidden)

    def _mail(self, one: User, user: int | None) -> None:
        held = [row for row in self.desk.rows("UserEmail") if row["users_id"] == user] if user is not None else []
        if not any(str(row["email"]).casefold() == one.email.casefold() for row in held):
            fields = {"users_id": user, "email": one.email, "is_default": int(not held)}
            self.desk.add("UserEmail", "e-mail address of", one.name, fields)

    def _role(self, login: str, user: int | None, role: Role, at: Path) -> None:
        profiles = {str(row["name"]): int(row["id"]) for row in self.desk.rows("Profile")}
        if role.profile not in profiles and role.profile != self.itil.profile:
            self._unknown((*at, "profile"), "profile", role.profile, list(profiles))
            return
        key = {
            "users_id": user,
            "profiles_id": profiles.get(role.profile),
            "entities_id": self._entity(role.entity, (*at, "entity")),
        }
        name = f"{role.profile} of {login} in {role.entity or 'the root entity'}"
        ensure_role(self.desk, login, name, key, recursive=role.recursive)

    def _groups(self) -> None:
        for number, one in enumerate(self.itil.groups):
            key = {"name": one.name, "entities_id": self._entity(one.entity, ("groups", number, "entity"))}
            fields = {"is_assign": 1}
            new = {"is_recursive": 1, "is_requester": 1, "is_watcher": 1, "is_task": 1, "is_notify": 1}
            new |= {"is_itemgroup": 1, "is_usergroup": 1}
            made = self.desk.ensure("Group", "group", one.name, key, fields, new)
            self._members(one, made, ("groups", number, "members"))

    def _members(self, one: Group, group: int | None, at: Path) -> None:
        for place, login in enumerate(one.members):
            if login not in self.users:
                self._unknown((*at, place), "user", login, list(self.users))
                continue
            key = {"users_id": self.users[login], "groups_id": group}
            self.desk.ensure("Group_User", "member", f"{login} of {one.name}", key, {})

    # -- GLPI's own work ----------------------------------------------------------------------------------------------

    def _automatic_actions(self) -> None:
        if not self.itil.automatic_actions:
            return
        rows = self.desk.rows("CronTask")
        for name, every in self.itil.automatic_actions.items():
            found = [row for row in rows if row["name"] == name]
            if not found:
                self._unknown(("automatic_actions", name), "automatic action", name, [str(row["name"]) for row in rows])
            for row in found:
                self.desk.change("CronTask", "automatic action", name, row, _action(row, every))


def _action(row: Mapping[str, Any], every: timedelta) -> dict[str, Any]:
    """Switched on, and by cron where GLPI allows that: by page views it runs only while somebody looks."""
    by_cron = int(row.get("allowmode") or 0) & _BY_CRON
    return {"state": 1, "frequency": int(every.total_seconds()), "mode": _BY_CRON if by_cron else row["mode"]}


def _below_root(row: Mapping[str, Any]) -> str:
    path = str(row.get("completename") or row["name"])
    return path.partition(SEPARATOR)[2]
