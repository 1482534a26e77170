"""Templates, template groups, and configuration.import and importcompare of the stand-in.

Items and triggers of a template are kept as they were imported and make nothing on the hosts that it is linked to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import yaml

from glpi_bridge.sandbox.zabbix.model import MediaType, Refusal, Row, Template, TemplateGroup, User, no_object
from glpi_bridge.sandbox.zabbix.shapes import NotServed, Params, chosen, expect_known, listed, shaped
from glpi_bridge.sandbox.zabbix.world import World

_TEMPLATE_GET = {
    *("output", "templateids", "filter", "selectHosts", "selectTemplateGroups", "selectTags", "selectMacros"),
}
_RULES = {
    "template_groups": "template_groups",
    "templates": "templates",
    "items": "items",
    "triggers": "triggers",
    "discovery_rules": "discoveryRules",
    "item_prototypes": "discoveryRules",
    "trigger_prototypes": "discoveryRules",
    "media_types": "mediaTypes",
}
"""The rule that governs a section of a file; other sections are not served."""
_TYPES = {"SCRIPT": 1}
_MESSAGE_SOURCES = {"TRIGGERS": 0, "DISCOVERY": 1, "AUTOREGISTRATION": 2, "INTERNAL": 3, "SERVICE": 4}
_MESSAGE_KINDS = {"PROBLEM": 0, "RECOVERY": 1, "UPDATE": 2}


class Imports:
    """What was imported into a world."""

    def __init__(self, world: World, version: tuple[int, int, int]) -> None:
        self.world, self.version = world, version

    def template_get(self, user: User, params: Params) -> Any:
        """Templates, which super admins see."""
        expect_known(params, _TEMPLATE_GET, "template.get")
        rows = []
        for one in chosen(self.world.templates, params, "templateids", "name") if self.world.is_super(user) else ():
            row = shaped(_row(one), params.get("output", "extend"), "templateid")
            if "selectHosts" in params:
                linked = [host for host in self.world.hosts.values() if one.templateid in host.templateids]
                full = ({"hostid": str(host.hostid), "host": host.host, "name": host.name} for host in linked)
                row["hosts"] = [shaped(host, params["selectHosts"], "hostid") for host in full]
            if "selectTemplateGroups" in params:
                groups = (_group_row(self.world.template_groups[key]) for key in sorted(one.groupids))
                row["templategroups"] = [shaped(group, params["selectTemplateGroups"]) for group in groups]
            for select, name in (("selectTags", "tags"), ("selectMacros", "macros")):
                row |= {name: one.export.get(name, [])} if select in params else {}
            rows.append(row)
        return rows

    def template_delete(self, _user: User, params: Any) -> Any:
        """Delete templates, and take them from their hosts."""
        wanted = listed(params, "template.delete")
        if not set(wanted) <= self.world.templates.keys():
            raise no_object()
        for number in wanted:
            del self.world.templates[number]
            for host in self.world.hosts.values():
                host.templateids.discard(number)
        return {"templateids": [str(one) for one in wanted]}

    def templategroup_get(self, user: User, params: Params) -> Any:
        """Template groups, which super admins see."""
        expect_known(params, {"output", "groupids", "filter", "selectTemplates"}, "templategroup.get")
        rows = []
        seen = chosen(self.world.template_groups, params, "groupids", "name") if self.world.is_super(user) else ()
        for one in seen:
            row = shaped(_group_row(one), params.get("output", "extend"), "groupid")
            if "selectTemplates" in params:
                held = [key for key, template in self.world.templates.items() if one.groupid in template.groupids]
                row["templates"] = [{"templateid": str(key)} for key in held]
            rows.append(row)
        return rows

    def templategroup_delete(self, _user: User, params: Any) -> Any:
        """Delete template groups."""
        wanted = listed(params, "templategroup.delete")
        if not set(wanted) <= self.world.template_groups.keys():
            raise no_object()
        for number in wanted:
            for template in self.world.templates.values():
                if template.groupids == {number}:
                    what = f'Template "{template.name}" cannot be without template group.'
                    raise Refusal(-32500, what)
            del self.world.template_groups[number]
        return {"groupids": [str(one) for one in wanted]}

    # configuration

    def importcompare(self, _user: User, params: Any) -> Any:
        """Say what an import would change in templates and their groups; of media types it says nothing [Z10/125]."""
        given, rules = self._file(params)
        answer: Row = {}
        held = [{"uuid": one.uuid, "name": one.name} for one in self.world.template_groups.values()]
        wanted_groups = given.get("template_groups", []) if "template_groups" in rules else []
        known = {one["uuid"] for one in wanted_groups}
        groups = _compared("template_groups", [one for one in held if one["uuid"] in known], wanted_groups, rules)
        answer |= {"template_groups": groups} if groups else {}
        wanted = given.get("templates", []) if "templates" in rules else []
        uuids = {one["uuid"] for one in wanted}
        before = [one.export for one in self.world.templates.values() if one.uuid in uuids]
        templates = _compared("templates", before, wanted, rules)
        answer |= {"templates": templates} if templates else {}
        return answer or []

    def import_(self, _user: User, params: Any) -> Any:
        """Take over a file; the answer does not tell what changed [contract Z10/121]."""
        given, rules = self._file(params)
        groups = {
            one["name"]: self._group(one) for one in given.get("template_groups", []) if "template_groups" in rules
        }
        for one in given.get("templates", []) if "templates" in rules else ():
            self._template(one, groups)
        for one in given.get("media_types", []) if "mediaTypes" in rules else ():
            self._media_type(one)
        return True

    def _file(self, params: Any) -> tuple[Row, Mapping[str, Any]]:
        if not isinstance(params, dict) or params.get("format") != "yaml":
            raise NotServed("files of another format than YAML")
        rules = {name: rule for name, rule in params["rules"].items() if rule.get("createMissing")}
        if strange := rules.keys() - set(_RULES.values()):
            raise NotServed(f"rules for {', '.join(sorted(strange))}")
        parsed = _parsed(params["source"])
        if not isinstance(parsed, dict) or "zabbix_export" not in parsed:
            tag = next(iter(parsed), "") if isinstance(parsed, dict) else ""
            raise Refusal(-32500, f'Invalid tag "/": unexpected tag "{tag}".')
        given = dict(parsed["zabbix_export"])
        wanted = tuple(int(one) for one in str(given.pop("version")).split("."))
        if wanted > self.version[:2]:
            raise Refusal(-32500, 'Invalid tag "/zabbix_export/version": unsupported version number.')
        if strange := given.keys() - _RULES.keys():
            raise NotServed(f"{', '.join(sorted(strange))} of a file")
        return given, rules

    def _group(self, given: Row) -> TemplateGroup:
        """A group of that name stays what it is: it is found by uuid or by name."""
        for one in self.world.template_groups.values():
            if one.uuid == given["uuid"] or one.name == given["name"]:
                one.name, one.uuid = str(given["name"]), str(given["uuid"])
                return one
        made = TemplateGroup(self.world.next_id("template group"), str(given["name"]), str(given["uuid"]))
        self.world.template_groups[made.groupid] = made
        return made

    def _template(self, given: Row, groups: dict[str, TemplateGroup]) -> None:
        known = {one.name: one for one in self.world.template_groups.values()} | groups
        groupids = {known[one["name"]].groupid for one in given["groups"]}
        held = next((one for one in self.world.templates.values() if one.uuid == given["uuid"]), None)
        number = held.templateid if held else self.world.next_id("template")
        self.world.templates[number] = Template(number, given["template"], given["uuid"], groupids, given)

    def _media_type(self, given: Row) -> None:
        """Line ends in messages become CR LF, and a media type is on afterwards [contract Z10/131, 132]."""
        if given["type"] not in _TYPES:
            raise NotServed(f"media types of type {given['type']}")
        held = next((one for one in self.world.media_types.values() if one.name == given["name"]), None)
        number = held.mediatypeid if held else self.world.next_id("mediatype")
        in_order = sorted(given.get("parameters", []), key=lambda one: int(one["sortorder"]))
        self.world.media_types[number] = MediaType(
            mediatypeid=number,
            name=given["name"],
            exec_path=given["script_name"],
            parameters=tuple(str(one["value"]) for one in in_order),
            description=_imported(given.get("description", "")),
            status=int(given.get("status") == "DISABLED"),
            maxsessions=int(given.get("max_sessions", 1)),
            maxattempts=int(given.get("attempts", 3)),
            attempt_interval=str(given.get("attempt_interval", "10s")),
            templates={_kind_of(one): _words_of(one) for one in given.get("message_templates", [])},
        )


@lru_cache(maxsize=8)
def _parsed(source: str) -> Any:
    """Read a file, which is sent again and again; nothing here changes what it gives."""
    return yaml.safe_load(source)


def _kind_of(given: Row) -> tuple[int, int]:
    return _MESSAGE_SOURCES[given["event_source"]], _MESSAGE_KINDS[given["operation_mode"]]


def _words_of(given: Row) -> tuple[str, str]:
    return str(given.get("subject", "")), _imported(given.get("message", ""))


def _imported(text: Any) -> str:
    """Give a text of a file as Zabbix keeps it: without the end of its last line, the others as CR LF."""
    return str(text).replace("\r\n", "\n").removesuffix("\n").replace("\n", "\r\n")


def _compared(section: str, held: Iterable[Row], wanted: Iterable[Row], rules: Mapping[str, Any]) -> Row:
    """Compare the objects of a section by uuid, and what lies in them; gives added, updated and removed."""
    rule = rules.get(_RULES[section])
    if rule is None:
        return {}
    before = {one["uuid"]: one for one in held}
    after = {one["uuid"]: one for one in wanted}
    found: dict[str, list[Row]] = {"added": [], "updated": [], "removed": []}
    for uuid, one in after.items():
        inner = _inside(before.get(uuid, {}), one, rules)
        if uuid not in before:
            found["added"].append({"after": _own(one), **inner})
        elif rule.get("updateExisting") and (inner or _own(before[uuid]) != _own(one)):
            found["updated"].append({"before": _own(before[uuid]), "after": _own(one), **inner})
    if rule.get("deleteMissing"):
        found["removed"] += [{"before": _own(one)} for uuid, one in before.items() if uuid not in after]
    return {how: rows for how, rows in found.items() if rows}


def _inside(before: Row, after: Row, rules: Mapping[str, Any]) -> Row:
    sections = [name for name in _RULES if name in before or name in after]
    compared = {name: _compared(name, before.get(name, []), after.get(name, []), rules) for name in sections}
    return {name: one for name, one in compared.items() if one}


def _own(one: Row) -> Row:
    """Give an object without the sections in it, and without what Zabbix takes for granted [contract Z10/124]."""
    granted = {"delay"} if one.get("type") == "TRAP" else set()
    return {name: value for name, value in one.items() if name not in _RULES and name not in granted}


def _group_row(group: TemplateGroup) -> Row:
    return {"groupid": str(group.groupid), "name": group.name, "uuid": group.uuid}


def _row(template: Template) -> Row:
    return {
        "templateid": str(template.templateid),
        "host": template.name,
        "name": template.export.get("name", template.name),
        "description": template.export.get("description", ""),
        "status": "3",
        "flags": "0",
        "uuid": template.uuid,
        "vendor_name": "",
        "vendor_version": "",
    }
