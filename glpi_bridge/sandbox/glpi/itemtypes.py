"""The itemtypes the stand-in serves: which right guards them, what GLPI says of a new one, what hangs together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Said(Enum):
    """How the message of a successful add names the new item."""

    NAME = "name"
    NAME_AND_ID = "name (id)"
    ID = "id"
    LABEL = "label - ID id"
    ITEM = "name of the linked item"
    NOTHING = ""


@dataclass(frozen=True)
class ItemType:
    """`right` is the profile's key; `unique` are columns that no two rows share; `parents` name the key that leads
    to the parent.
    """

    right: str = ""
    said: Said = Said.NAME
    label: str = ""
    unique: tuple[str, ...] = ()
    duplicate_says_sql: bool = False
    tree: str = ""


ITIL: Final = ("Ticket", "Problem", "Change")

ITEMTYPES: Final[dict[str, ItemType]] = {
    "Ticket": ItemType("ticket", Said.NAME_AND_ID),
    "Problem": ItemType("problem", Said.NAME_AND_ID),
    "Change": ItemType("change", Said.NAME_AND_ID),
    "ITILFollowup": ItemType("followup", Said.NOTHING),
    "ITILSolution": ItemType("", Said.ID),
    "TicketTask": ItemType("task", Said.NOTHING),
    "ProblemTask": ItemType("task", Said.NOTHING),
    "ChangeTask": ItemType("task", Said.NOTHING),
    "TicketCost": ItemType("ticketcost", Said.NAME),
    "TicketValidation": ItemType("ticketvalidation", Said.NOTHING),
    "ChangeValidation": ItemType("changevalidation", Said.NOTHING),
    "TicketSatisfaction": ItemType("", Said.NOTHING),
    "Ticket_User": ItemType("", Said.NOTHING, unique=("tickets_id", "users_id", "type", "alternative_email")),
    "Problem_User": ItemType("", Said.NOTHING, unique=("problems_id", "users_id", "type", "alternative_email")),
    "Change_User": ItemType("", Said.NOTHING, unique=("changes_id", "users_id", "type", "alternative_email")),
    "Group_Ticket": ItemType("", Said.NOTHING, unique=("tickets_id", "groups_id", "type")),
    "Group_Problem": ItemType("", Said.NOTHING, unique=("problems_id", "groups_id", "type")),
    "Change_Group": ItemType("", Said.NOTHING, unique=("changes_id", "groups_id", "type")),
    "Supplier_Ticket": ItemType("", Said.NOTHING, unique=("tickets_id", "suppliers_id", "type")),
    "Item_Ticket": ItemType("", Said.ITEM, unique=("tickets_id", "itemtype", "items_id")),
    "Item_Problem": ItemType("", Said.LABEL, "Problem item", ("problems_id", "itemtype", "items_id")),
    "Change_Item": ItemType("", Said.LABEL, "Change item", ("changes_id", "itemtype", "items_id")),
    "Ticket_Ticket": ItemType("", Said.LABEL, "Linked ticket"),
    "Problem_Ticket": ItemType("", Said.LABEL, "Link Ticket/Problem", ("problems_id", "tickets_id"), True),
    "Change_Ticket": ItemType("", Said.LABEL, "Link Ticket/Change", ("changes_id", "tickets_id"), True),
    "Change_Problem": ItemType("", Said.LABEL, "Link Problem/Change", ("changes_id", "problems_id"), True),
    "Log": ItemType("logs"),
    "Document": ItemType("document"),
    "Document_Item": ItemType("", Said.NOTHING, unique=("documents_id", "itemtype", "items_id")),
    "KnowbaseItem": ItemType("knowbase"),
    "Entity_KnowbaseItem": ItemType("knowbase", Said.LABEL, "General"),
    "ITILCategory": ItemType("itilcategory", tree="itilcategories_id"),
    "Entity": ItemType("entity", tree="entities_id"),
    "Location": ItemType("location", tree="locations_id"),
    "Group": ItemType("group", tree="groups_id"),
    "User": ItemType("user"),
    "UserEmail": ItemType("user", Said.NOTHING),
    "Group_User": ItemType("group", Said.LABEL, "General", ("users_id", "groups_id"), True),
    "Profile": ItemType("profile"),
    "ProfileRight": ItemType("profile"),
    "Profile_User": ItemType("user", Said.NOTHING),
    "RequestType": ItemType("dropdown"),
    "SolutionType": ItemType("dropdown"),
    "Computer": ItemType("computer"),
    "NetworkEquipment": ItemType("networking"),
    "Printer": ItemType("printer"),
    "NetworkPort": ItemType("networking"),
    "NetworkName": ItemType("internet"),
    "IPAddress": ItemType("internet"),
    "TicketTemplate": ItemType("itiltemplate"),
    "TicketTemplateMandatoryField": ItemType("itiltemplate"),
    "TicketTemplatePredefinedField": ItemType("itiltemplate"),
    "TicketTemplateHiddenField": ItemType("itiltemplate"),
    "Config": ItemType("config"),
    "APIClient": ItemType("config"),
    "CronTask": ItemType("config"),
    "Calendar": ItemType("calendar"),
    "CalendarSegment": ItemType("calendar", Said.LABEL, "Time range"),
    "SLM": ItemType("slm"),
    "SLA": ItemType("slm"),
    "OLA": ItemType("slm"),
}

RENAMED: Final = {"TicketFollowup": "ITILFollowup"}
"""Old names that GLPI still takes; answers keep the old name in the address [06/012]."""

FOREIGN_KEYS: Final[dict[str, str]] = {
    "entities_id": "Entity",
    "users_id": "User",
    "groups_id": "Group",
    "tickets_id": "Ticket",
    "problems_id": "Problem",
    "changes_id": "Change",
    "itilcategories_id": "ITILCategory",
    "locations_id": "Location",
    "requesttypes_id": "RequestType",
    "solutiontypes_id": "SolutionType",
    "profiles_id": "Profile",
    "documents_id": "Document",
    "knowbaseitems_id": "KnowbaseItem",
    "tickettemplates_id": "TicketTemplate",
    "calendars_id": "Calendar",
    "slms_id": "SLM",
}

TABLES: Final[dict[str, str]] = {
    "glpi_entities": "Entity",
    "glpi_users": "User",
    "glpi_groups": "Group",
    "glpi_itilcategories": "ITILCategory",
    "glpi_locations": "Location",
    "glpi_requesttypes": "RequestType",
    "glpi_itilfollowups": "ITILFollowup",
    "glpi_itilsolutions": "ITILSolution",
    "glpi_tickettasks": "TicketTask",
    "glpi_solutiontypes": "SolutionType",
    "glpi_profiles": "Profile",
}

TIMELINE: Final[dict[str, tuple[str, ...]]] = {
    "Ticket": (
        "Document_Item",
        "TicketTask",
        "TicketValidation",
        "TicketCost",
        "Problem_Ticket",
        "Change_Ticket",
        "Item_Ticket",
        "ITILSolution",
        "ITILFollowup",
        "Ticket_User",
        "Group_Ticket",
        "Supplier_Ticket",
    ),
}

ACTOR_TABLES: Final[dict[str, tuple[str, str]]] = {
    "Ticket": ("Ticket_User", "Group_Ticket"),
    "Problem": ("Problem_User", "Group_Problem"),
    "Change": ("Change_User", "Change_Group"),
}
ITEM_TABLES: Final = {"Ticket": "Item_Ticket", "Problem": "Item_Problem", "Change": "Change_Item"}


def parent_key(itemtype: str) -> str:
    """Return the column that points to an item of this type: Ticket → tickets_id."""
    return next((key for key, target in FOREIGN_KEYS.items() if target == itemtype), itemtype.lower() + "s_id")


def foreign_type(column: str) -> str | None:
    """Return the itemtype a column points to (`users_id_recipient` → User), or None."""
    head, found, _ = column.partition("s_id")
    if not found:
        return None
    return FOREIGN_KEYS.get(f"{head}s_id")
