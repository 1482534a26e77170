"""The rights of the bridge's profile, one by one, each with what it is for: no more, no less.

Tried on 10.0.19 and 11.0.6: each bit was taken away alone, and those of network equipment, addresses and templates were
given alone (tests/live/test_rights.py). Without it fails what the table says, on both alike, with two exceptions:
`assign` was missed by neither, and is kept as GLPI documents it; and 11 lists ports (MAC) without `networking`.
docs/reference/itil.md shows this table, and a test holds it to it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProfileRight:
    """One bit of a right, as GLPI's profile stores it, and why the bridge has it."""

    name: str
    bit: int
    shown: str
    why: str


PROFILE_RIGHTS = (
    ProfileRight("ticket", 2, "update", "solve, reopen and raise tickets"),
    ProfileRight("ticket", 4, "create", "make tickets"),
    ProfileRight("ticket", 1024, "see all", "find a ticket again by its marker, and see what people did to it"),
    ProfileRight("ticket", 8192, "assign", "give a ticket to the group and people of a rule"),
    ProfileRight("ticket", 65536, "change priority", "a priority of its own, where a rule sets one"),
    ProfileRight("followup", 1, "see public", "look for a note whose answer was lost"),
    ProfileRight("followup", 4, "add to own", "reopen a closed ticket"),
    ProfileRight("followup", 4096, "add to all", "write notes, reopen solved tickets"),
    ProfileRight("followup", 8192, "see private", "look for a private note whose answer was lost"),
    ProfileRight("problem", 2, "update", "solve a problem"),
    ProfileRight("problem", 4, "create", "open a problem for recurring incidents"),
    ProfileRight("problem", 1024, "see all", "link incidents to a problem, write into it"),
    ProfileRight("change", 2, "update", "solve a change"),
    ProfileRight("change", 4, "create", "open a change from a problem"),
    ProfileRight("change", 1024, "see all", "link a change, write into it"),
    ProfileRight(
        "changevalidation", 4, "create", "ask people to approve a change; look for a request whose answer was lost"
    ),
    ProfileRight("task", 1, "see public", "follow a change's planned times, for maintenance in Zabbix (11 asks)"),
    ProfileRight("task", 8192, "see private", "the same for private tasks (11 asks)"),
    ProfileRight("itilcategory", 1, "read", "find categories by name"),
    ProfileRight("entity", 1, "read", "find entities by name"),
    ProfileRight("group", 1, "read", "find groups by name"),
    ProfileRight("user", 1, "read", "find people by log-in name"),
    ProfileRight("location", 1, "read", "find locations by name"),
    ProfileRight("dropdown", 1, "read", "find request sources and solution types by name"),
    ProfileRight("computer", 1, "read", "link a ticket to its computer"),
    ProfileRight("networking", 1, "read", "link a ticket to its network equipment; find an asset by its MAC address"),
    ProfileRight("internet", 1, "read", "find an asset by its IP address"),
    ProfileRight("itiltemplate", 1, "read", "tell of mandatory fields of ticket templates (`check`)"),
    ProfileRight("logs", 1, "read", "see who did what to a ticket, for Zabbix"),
)


def wanted() -> dict[str, int]:
    """Return each right as the sum of its bits."""
    sums: dict[str, int] = {}
    for right in PROFILE_RIGHTS:
        sums[right.name] = sums.get(right.name, 0) | right.bit
    return sums


def as_bits(total: int, held: int = 0) -> dict[str, int]:
    """Write a sum as the object of bits that PUT Profile wants: a plain number is misread as bit 1 [09/050 051].

    Bits of `held` that go are written as 0, so that the object is never empty.
    """
    bits = [1 << place for place in range(20) if (total | held) >> place & 1]
    return {str(bit): int(bool(total & bit)) for bit in bits} or {"1": 0}
