"""The account the bridge works as in GLPI: its profile and entity, and each right that is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glpi_bridge.admin.finding import Line, State, fault, ok
from glpi_bridge.config import Settings
from glpi_bridge.glpi import Account, Glpi
from glpi_bridge.rules import Rules

_LOOK_UPS = {
    "category": "itilcategory",
    "entity": "entity",
    "group": "group",
    "user": "user",
    "location": "location",
    "request_source": "dropdown",
}


@dataclass(frozen=True, slots=True)
class Right:
    """A right the profile needs: its name and bit in GLPI, and what fails without it."""

    name: str
    bit: int
    shown: str
    purpose: str
    state: State = State.FAULT


RIGHTS = (
    Right("ticket", 1024, "ticket: see all", "no ticket can be found again"),
    Right("ticket", 4, "ticket: create", "no ticket can be made"),
    Right("ticket", 2, "ticket: update", "no ticket can be solved or raised"),
    Right("followup", 4096, "followup: add to all", "no note can be written and no ticket reopened"),
    Right("followup", 1, "followup: see public", "a note whose answer was lost cannot be looked for"),
    Right("followup", 8192, "followup: see private", "private notes cannot be looked for", State.WARNING),
    Right("followup", 4, "followup: add to own", "closed tickets cannot be reopened", State.WARNING),
)
"""What delivery does with each; tried bit by bit on 10.0.19 and 11.0.6."""


OF_PROBLEMS = (
    Right("problem", 1024, "problem: see all", "recurring incidents become no Problem"),
    Right("problem", 4, "problem: create", "recurring incidents become no Problem"),
)
"""What `problem_after` in a rule needs besides."""


def check_account(settings: Settings, client: Glpi, account: Account) -> Iterator[Line]:
    """Name user, profile and entity; the simplified interface is a fault."""
    chosen = [name for name, value in (("profile", settings.glpi.profile), ("entity", settings.glpi.entity)) if value]
    how = f" ({' and '.join(chosen)} by setting)" if chosen else ""
    text = f"{account.name} as {account.profile} in {entity_name(client, account.entity_id)}{how}"
    if account.rights.get("interface") == "helpdesk":
        yield fault(
            "GLPI account",
            f"{text}: that profile has the simplified interface, which shows only one's own tickets",
            f"set glpi.profile to a profile with the standard interface{_others(client, account)}",
        )
    else:
        yield ok("GLPI account", text)


def entity_name(client: Glpi, entity_id: int) -> str:
    """Return an entity's path, as the account sees it."""
    for row in client.get("getMyEntities", {"is_recursive": "true"})["myentities"]:
        if int(row["id"]) == entity_id:
            return str(row.get("completename") or row["name"]).replace("&#62;", ">").replace("&#38;", "&")
    return f"entity {entity_id}"


def _others(client: Glpi, account: Account) -> str:
    names = [str(row["name"]) for row in client.get("getMyProfiles")["myprofiles"]]
    others = [name for name in names if name != account.profile]
    return f" (the account also has {', '.join(others)})" if others else " (the account has no other)"


def check_rights(rules: Rules, client: Glpi, account: Account) -> Iterator[Line]:
    """Name each right that is missing, with what fails without it."""
    more = OF_PROBLEMS if rules.opens_problems else ()
    missing = [right for right in (*RIGHTS, *more, *_look_ups(rules)) if not _has(account, right)]
    for right in missing:
        where = f'profile "{account.profile}" in {entity_name(client, account.entity_id)}'
        fix = (
            f"grant it in Administration > Profiles > {account.profile}, or set glpi.profile to one that has it"
            f"{_others(client, account)}"
        )
        yield Line(right.state, "GLPI right", f"{where} lacks `{right.shown}`: {right.purpose}", fix)
    if not missing:
        yield ok("GLPI rights", f'profile "{account.profile}" has every right that is needed')


def _has(account: Account, right: Right) -> bool:
    return bool(int(account.rights.get(right.name) or 0) & right.bit)


def _look_ups(rules: Rules) -> Sequence[Right]:
    """Rights to read the lists that the rules name something of."""
    kinds = sorted({named.kind for named in rules.names()})
    return [
        Right(
            _LOOK_UPS[kind], 1, f"{_LOOK_UPS[kind]}: read", f"a {kind.replace('_', ' ')} in the rules cannot be found"
        )
        for kind in kinds
    ]
