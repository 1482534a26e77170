"""Whether a rule can be reached: does an earlier match certainly hold wherever the later one does? Pure."""

from __future__ import annotations

from glpi_bridge.match import Both, Condition, Either, Not, Pattern, Severe, Tagged, Words


def covers(general: Condition, special: Condition) -> bool:
    """Say whether `general` certainly holds wherever `special` does; False also where this cannot be told."""
    if general == special:
        return True
    if isinstance(general, Both):
        return all(covers(part, special) for part in general.conditions)
    if isinstance(special, Either):
        return all(covers(general, part) for part in special.conditions)
    if isinstance(general, Either) and any(covers(part, special) for part in general.conditions):
        return True
    if isinstance(special, Both):
        return any(covers(general, part) for part in special.conditions)
    return _covers_alike(general, special)


def _covers_alike(general: Condition, special: Condition) -> bool:
    match general, special:
        case (Words(field=one, patterns=wide), Words(field=other, patterns=narrow)):
            return one == other and _all_covered(wide, narrow)
        case (Tagged(name=one, patterns=wide), Tagged(name=other, patterns=narrow)):
            return one == other and _all_covered(wide, narrow)
        case (Severe(allowed=wide), Severe(allowed=narrow)):
            return wide >= narrow
        case (Not(condition=excluded), Not(condition=more)):
            return covers(more, excluded)
        case _:
            return False


def _all_covered(wide: tuple[Pattern, ...], narrow: tuple[Pattern, ...]) -> bool:
    return all(any(pattern.covers(other) for pattern in wide) for other in narrow)
