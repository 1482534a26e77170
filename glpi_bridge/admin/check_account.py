"""The account the bridge works as in GLPI: its profile and entity."""

from __future__ import annotations

from collections.abc import Iterator

from glpi_bridge.admin.finding import Line, fault, ok
from glpi_bridge.config import Settings
from glpi_bridge.glpi import Account, Glpi


def check_account(settings: Settings, client: Glpi, account: Account) -> Iterator[Line]:
    """Name user, profile and entity; the simplified interface is a fault."""
    chosen = [name for name, value in (("profile", settings.glpi.profile), ("entity", settings.glpi.entity)) if value]
    how = f" ({' and '.join(chosen)} by setting)" if chosen else ""
    text = f"{account.name} as {account.profile} in {entity_name(client, account.entity_id)}{how}"
    if account.rights.get("interface") == "helpdesk":
        yield fault(
            "GLPI account",
            f"{text}: that profile has the simplified interface, which shows only one's own tickets",
            f"set glpi.profile to a profile with the standard interface{other_profiles(client, account)}",
        )
    else:
        yield ok("GLPI account", text)


def entity_name(client: Glpi, entity_id: int) -> str:
    """Return an entity's path, as the account sees it."""
    for row in client.get("getMyEntities", {"is_recursive": "true"})["myentities"]:
        if int(row["id"]) == entity_id:
            return str(row.get("completename") or row["name"]).replace("&#62;", ">").replace("&#38;", "&")
    return f"entity {entity_id}"


def other_profiles(client: Glpi, account: Account) -> str:
    """Name the account's other profiles, to add to a sentence about the one in use."""
    names = [str(row["name"]) for row in client.get("getMyProfiles")["myprofiles"]]
    others = [name for name in names if name != account.profile]
    return f" (the account also has {', '.join(others)})" if others else " (the account has no other)"
