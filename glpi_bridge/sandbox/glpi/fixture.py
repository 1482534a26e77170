"""The lab the recordings were made in: entities, people, groups, categories, assets, profiles."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from .administration import NO_RIGHTS, digest
from .recorded import Row

if TYPE_CHECKING:
    from .world import World

STOCK_ROWS: Final = {
    "User": 6, "Entity": 0, "RequestType": 6, "CronTask": 1000, "Calendar": 1, "CalendarSegment": 5,
}  # fmt: skip
PASSWORDS: Final = {2: "glpi", 7: "Bridge-lab-1", 8: "End-lab-1", 9: "Tech-lab-1", 10: "End-lab-2", 11: "Inact-lab-1"}
STOCK_PROFILES: Final = {2: "Observer", 3: "Admin", 5: "Hotliner", 6: "Technician", 7: "Supervisor", 8: "Read-Only"}


def build(world: World, *, stock: bool) -> None:
    """Fill empty tables with the lab's rows, or with those of a fresh installation only."""
    kept = STOCK_ROWS if stock else {}
    for itemtype, rows in world.recorded.rows.items():
        last = kept.get(itemtype, -1 if stock else None)
        world.db.load(itemtype, (row for row in rows if last is None or row["id"] <= last))
    _profiles(world, stock=stock)
    _people(world, stock=stock)
    _configuration(world)
    users = world.db["User"].rows
    world.passwords.update({user: digest(password) for user, password in PASSWORDS.items() if user in users})
    world.user_tokens.update({user: secrets.token_hex(20) for user in (2, 7, 8, 9, 10) if user in users})


def _profiles(world: World, *, stock: bool) -> None:
    recorded = {name: _of_profile(world, name) for name in world.recorded.profiles}
    _profile(world, 1, "Self-Service", "helpdesk", recorded["Self-Service"])
    _profile(world, 4, "Super-Admin", "central", recorded["Super-Admin"])
    for number, name in STOCK_PROFILES.items():
        rights = recorded["Technician"] if number in {3, 5, 6, 7} else {"ticket": 1025}
        _profile(world, number, name, "central", rights)
    if stock:
        return
    _profile(world, 9, "Bridge", "central", recorded["Bridge"])
    world.db["Profile"].next_id = 10


def _of_profile(world: World, name: str) -> Row:
    """Return what was recorded of a profile: its rights as sums of bits, its settings."""
    columns = world.recorded.columns["Profile"]
    return {k: v for k, v in world.recorded.profiles[name].items() if k in columns and k != "id"}


def _profile(world: World, number: int, name: str, interface: str, rights: Row) -> None:
    kept = {k: v for k, v in rights.items() if not isinstance(v, (list, dict))}
    world.db["Profile"].insert({**kept, "name": name, "interface": interface}, number)
    for right, value in sorted(kept.items()):
        if isinstance(value, int) and right not in NO_RIGHTS and not right.endswith("_id"):
            world.db["ProfileRight"].insert({"profiles_id": number, "name": right, "rights": value})


def _people(world: World, *, stock: bool) -> None:
    links = world.db["Profile_User"]
    given = ((2, 4, 1), (3, 1, 1), (4, 6, 1), (5, 2, 1), (7, 9, 1), (8, 1, 0), (9, 6, 1), (10, 1, 0), (11, 1, 0))
    for user, profile, recursive in given:
        if user in world.db["User"].rows:
            links.insert({"users_id": user, "profiles_id": profile, "entities_id": 0, "is_recursive": recursive})
    if not stock:
        world.db["Group_User"].insert({"users_id": 9, "groups_id": 1})


def _configuration(world: World) -> None:
    config: list[tuple[str, Any]] = [(k, v) for k, v in world.recorded.config.items() if isinstance(v, str)]
    for name, value in config:
        world.db["Config"].insert({"context": "core", "name": name, "value": value})
    row = {
        "name": "bridge",
        "is_active": 1,
        "ipv4_range_start": 2130706433,
        "ipv4_range_end": 2130706532,
        "is_recursive": 1,
    }
    told = world.now() if world.dialect.encodes else None
    world.db["APIClient"].insert({**row, "date_mod": world.now(), "app_token_date": told})
    for number, name in ((1, "Default"), (2, "Workstation")):
        world.db["TicketTemplate"].insert({"name": name, "is_recursive": 1}, number)
    world.db["TicketTemplateMandatoryField"].insert({"tickettemplates_id": 1, "num": 21})
