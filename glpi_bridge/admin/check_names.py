"""What the rules name in GLPI, looked up with file and line; and what GLPI's templates want of tickets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from glpi_bridge.admin.finding import Line, fault, ok, unknown, warning
from glpi_bridge.compiled import Named
from glpi_bridge.errors import Refused
from glpi_bridge.glpi import Account, Glpi, NameNotFound, Names
from glpi_bridge.model import TicketType
from glpi_bridge.rules import Rules

_ITEMTYPES = {
    "entity": "Entity",
    "group": "Group",
    "user": "User",
    "location": "Location",
    "request_source": "RequestType",
}


def check_names(rules: Rules, names: Names, account: Account) -> Iterator[Line]:
    """Look up every name in the rules, with its file and line; near names where there is none."""
    wrong = 0
    places = _places(rules, names, account)
    for named in rules.names():
        trouble = _trouble(named, names, places, rules.types())
        if trouble is not None:
            wrong += 1
            yield fault("rules", f"{named.file}:{named.line}: {trouble}", "correct the name, or make it in GLPI")
    count = len({(named.kind, named.name) for named in rules.names()})
    if not wrong:
        yield ok("rules", f"{count} names in them, all found in GLPI" if count else "they name nothing of GLPI")


def _places(rules: Rules, names: Names, account: Account) -> list[int]:
    """Return the entities where tickets may be made: ours, and those that the rules name."""
    places = [account.entity_id]
    for named in rules.names():
        if named.kind == "entity":
            try:
                places.append(names.id("Entity", named.name))
            except NameNotFound:
                continue
    return places


def _trouble(named: Named, names: Names, places: Sequence[int], types: Sequence[TicketType]) -> NameNotFound | None:
    if named.kind != "category":
        try:
            names.id(_ITEMTYPES[named.kind], named.name)
        except NameNotFound as error:
            return error
        return None
    first: NameNotFound | None = None
    for place in places:
        for type_ in types:
            try:
                names.category(named.name, type_, place)
            except NameNotFound as error:
                first = first or error
            else:
                return None
    return first


def check_templates(client: Glpi) -> Iterator[Line]:
    """Tell which fields the ticket templates make mandatory: GLPI takes tickets by API without them."""
    try:
        templates = {int(row["id"]): str(row["name"]) for row in client.rows("TicketTemplate")}
        fields = client.rows("TicketTemplateMandatoryField")
    except Refused:
        yield unknown(
            "GLPI templates", "our profile may not read ticket templates", "`check --ticket` shows their effect"
        )
        return
    options = _option_names(client)
    wanted: dict[str, list[str]] = {}
    for row in fields:
        number = int(row["num"])
        if number not in _ALWAYS_SENT:
            template = templates.get(int(row["tickettemplates_id"]), f"template {row['tickettemplates_id']}")
            wanted.setdefault(template, []).append(options.get(number, f"field {number}"))
    for template, names in wanted.items():
        yield warning(
            "GLPI templates",
            f'template "{template}" makes {", ".join(names)} mandatory: where no rule sets it, the ticket is made '
            "without, and people cannot save it before they fill it in",
            "set it in rules.yml, or take it out of the template",
        )
    if not wanted:
        yield ok("GLPI templates", f"{len(templates)}, none makes a field mandatory that tickets lack")


_ALWAYS_SENT = {1, 10, 11, 12, 14, 15, 21, 80}  # name, urgency, impact, status, type, date, content, entity


def _option_names(client: Glpi) -> dict[int, str]:
    options = client.get("listSearchOptions/Ticket")
    return {int(number): str(option["name"]) for number, option in options.items() if number.isdigit()}
