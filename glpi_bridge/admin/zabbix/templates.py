"""Our templates, as Zabbix itself imports them from config/zabbix/*.yaml; it also tells what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import yaml

from glpi_bridge import share
from glpi_bridge.admin.change import Action
from glpi_bridge.admin.zabbix.desk import TEMPLATE, TEMPLATE_GROUP, Desk, Kind, Row
from glpi_bridge.admin.zabbix.wishes import TEMPLATES

GROUP = "Templates/glpi_bridge"
METHODS = ("configuration.import", "configuration.importcompare")
_MAKE = {"createMissing": True, "updateExisting": True}
_ALL = {**_MAKE, "deleteMissing": True}
RULES = {
    "template_groups": _MAKE,
    "templates": _MAKE,
    "items": _ALL,
    "triggers": _ALL,
    "discoveryRules": _ALL,
}
"""What of a file is made, changed and, below the template, deleted."""


def source(key: str) -> str:
    """Return the export of a template, by its name in zabbix.yml."""
    return share.path("config", "zabbix", f"template_{key}.yaml").read_text("utf-8")


@cache
def uuid(key: str) -> str:
    """Return the id that Zabbix knows our template by in every installation."""
    [template] = yaml.safe_load(source(key))["zabbix_export"]["templates"]
    return str(template["uuid"])


def provide(desk: Desk, keys: Iterable[str]) -> None:
    """Make the templates, or put them right."""
    for key in keys:
        name = TEMPLATES[key]
        row = desk.find(TEMPLATE, name)
        if row is not None and row["uuid"] != uuid(key):
            desk.fault(
                f'template "{name}" is in Zabbix already and is not ours (it has another uuid): it is left alone; '
                f"take {key} out of `templates` in zabbix.yml, or rename it"
            )
            continue
        params = {"format": "yaml", "rules": RULES, "source": source(key)}
        differs = desk.call("configuration.importcompare", params, f"template {name}")
        if not differs:
            continue
        shown = {section: (None, words) for section, words in said(differs)}
        desk.note(TEMPLATE, TEMPLATE.label, name, Action.UPDATE if row else Action.CREATE, shown)
        if not desk.is_trial:
            is_new_group = desk.find(TEMPLATE_GROUP, GROUP) is None
            desk.call("configuration.import", params, f"template {name}")
            desk.forget()
            for kind, called in ((TEMPLATE_GROUP, GROUP),) * is_new_group + ((TEMPLATE, name),) * (row is None):
                desk.made.append((f"{kind.label} {called}", partial(_take_back, desk, kind, called)))


def _take_back(desk: Desk, kind: Kind, name: str) -> None:
    """Delete what an import made: it does not tell the id."""
    desk.forget()
    if row := desk.find(kind, name):
        desk.zabbix.call(f"{kind.api}.delete", [row[kind.id]])


def said(differs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Put configuration.importcompare's answer in words: for each section what is added, updated, removed."""
    found: dict[str, list[str]] = {}
    _gather(differs, found)
    for section, words in found.items():
        yield section, "; ".join(words)


def _gather(level: Mapping[str, Any], found: dict[str, list[str]]) -> None:
    for section, changes in level.items():
        if section in {"before", "after"}:
            continue
        for how, rows in changes.items():
            for row in rows:
                one = row.get("after") or row.get("before") or {}
                found.setdefault(section, []).append(f"{how} {one.get('name', one.get('uuid', ''))}")
                _gather(row, found)


def ours(desk: Desk) -> dict[str, Row]:
    """Return our templates that are there, whichever zabbix.yml names now."""
    known = {uuid(key): name for key, name in TEMPLATES.items()}
    return {known[row["uuid"]]: row for row in desk.rows(TEMPLATE) if row["uuid"] in known}


def forbid_linked(desk: Desk, hosts: Iterable[str]) -> None:
    """Note the hosts, but for these of ours, from which a deleted template would take items and their history."""
    for name, row in ours(desk).items():
        if linked := sorted({one["host"] for one in row["hosts"]} - set(hosts)):
            desk.fault(f'template "{name}" is linked to {", ".join(linked)}: unlink it first, its items go with it')


def remove(desk: Desk) -> None:
    """Delete our templates, and their group when nothing else is in it."""
    mine = ours(desk)
    group = desk.find(TEMPLATE_GROUP, GROUP)
    for name, row in mine.items():
        desk.remove(TEMPLATE, name, row)
    ids = {row["templateid"] for row in mine.values()}
    if mine and group is not None and {one["templateid"] for one in group["templates"]} <= ids:
        desk.remove(TEMPLATE_GROUP, GROUP, group)
