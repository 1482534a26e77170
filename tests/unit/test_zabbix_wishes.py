"""zabbix.yml: the example works as it is, faults are told by line; config/zabbix says what the code does."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from glpi_bridge.admin.zabbix import action, health, media_type, role, templates, ticket_link
from glpi_bridge.admin.zabbix.wishes import TEMPLATES, Wishes, load
from glpi_bridge.errors import SettingsError
from glpi_bridge.model import Severity
from tests.zabbix_reference import DOCUMENT, document

CONFIG = Path(__file__).parents[2] / "config"


def read(tmp_path: Path, text: str) -> Wishes:
    (tmp_path / "zabbix.yml").write_text(text)
    return load(tmp_path / "zabbix.yml")[0]


def test_the_example_says_the_defaults() -> None:
    wishes, _ = load(CONFIG / "zabbix.yml")
    assert wishes == Wishes(host_groups=("Linux servers", "Zabbix servers"))


def test_each_commented_line_of_the_example_is_a_setting_with_its_default(tmp_path: Path) -> None:
    lines = (CONFIG / "zabbix.yml").read_text("utf-8").splitlines()
    text = "\n".join(
        line.replace("#", "", 1) if line.lstrip().startswith("#") and line.lstrip()[1] != " " else line
        for line in lines
        if line != "#" and "tags: {service: shop}" not in line
    )
    assert read(tmp_path, text) == Wishes(host_groups=("Linux servers", "Zabbix servers"))


BAD = {
    "nothing": ("", "`host_groups` is missing"),
    "no host group": ("host_groups: []\n", "zabbix.yml:1: `host_groups`"),
    "a user group twice": ("host_groups: A\nuser_groups: [B, B]\n", "user group B is given twice"),
    "our own user group": ("host_groups: A\nuser_groups: glpi-bridge\n", "the name of our own user group"),
    "a group twice": ("host_groups: [A, A]\n", "host group A is given twice"),
    "an unknown key": ("host_groups: [A]\nhostgroups: [B]\n", "did you mean `host_groups`?"),
    "rights that are none": ("host_groups: [A]\nrights: write\n", "zabbix.yml:2: `rights`"),
    "a severity that is none": ("host_groups: [A]\naction:\n  severity: hihg\n", "zabbix.yml:3: `action.severity`"),
    "a pause too long": ("host_groups: [A]\nmedia_type: {attempt_interval: 2h}\n", "up to 1h"),
    "too many tries": ("host_groups: [A]\nmedia_type: {attempts: 101}\n", "100"),
    "an address without the event": ("host_groups: [A]\nticket_link: https://x.example/\n", "{EVENT.ID}"),
    "an address of a script": ("host_groups: [A]\nticket_link: 'javascript:alert({EVENT.ID})'\n", "http(s)"),
    "a template that is none": ("host_groups: [A]\ntemplates: [temprature]\n", "`templates[1]`"),
    "a group for planned work twice": (
        "host_groups: [A]\nmaintenance: {host_groups: [B, B]}\n", "maintenance: the host group B is given twice"),
    "planned work without groups": ("host_groups: [A]\nmaintenance: {}\n", "`maintenance.host_groups` is missing"),
    "a name too long for planned work": (
        f"host_groups: [A]\nname: {'x' * 90}\nmaintenance: {{host_groups: [B]}}\n", "at most 88"),
    "a name too long": (f"host_groups: [A]\nname: {'x' * 101}\n", "at most 100"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_faulty_file_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    text, said = BAD[case]
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)


def export(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((CONFIG / "zabbix" / f"{name}.yaml").read_text("utf-8"))["zabbix_export"]
    assert read["version"] == "7.0"
    return read


def test_the_media_type_to_import_by_hand_is_the_one_that_the_command_makes() -> None:
    [given] = export("media_type")["media_types"]
    want = media_type.wanted(Wishes(host_groups=("A",)).media_type, "zabbix")
    assert given["name"] == Wishes(host_groups=("A",)).name
    assert [one["value"] for one in given["parameters"]] == want["parameters"]
    assert [int(one["sortorder"]) for one in given["parameters"]] == list(range(len(want["parameters"])))
    assert (given["type"], given["script_name"]) == ("SCRIPT", want["script"])
    assert (int(given["attempts"]), given["attempt_interval"]) == (want["attempts"], want["attempt_interval"])
    assert (int(given["max_sessions"]), given["description"]) == (want["sessions"], want["description"])
    kinds = {"PROBLEM": "0", "RECOVERY": "1", "UPDATE": "2"}
    messages = {kinds[one["operation_mode"]]: [one["subject"], one["message"]] for one in given["message_templates"]}
    assert messages == want["messages"]
    assert not any("\n" in line for message in messages.values() for line in message)  # an import changes line ends


@pytest.mark.parametrize("key", TEMPLATES)
def test_each_template_has_its_name_and_ids_of_its_own(key: str) -> None:
    [template] = export(f"template_{key}")["templates"]
    assert template["template"] == template["name"] == TEMPLATES[key]
    assert template["uuid"] == templates.uuid(key)
    found = _walk(template, "uuid")
    assert len(set(found)) == len(found) > 5
    assert {uuid.UUID(one).version for one in found} == {4}  # Zabbix takes no others


def _walk(node: Any, name: str) -> list[str]:
    if isinstance(node, dict):
        own = [node[name]] if name in node else []
        return own + [one for value in node.values() for one in _walk(value, name)]
    return [one for value in node for one in _walk(value, name)] if isinstance(node, list) else []


def test_no_problem_of_the_bridge_itself_becomes_a_ticket_and_all_are_told_to_people() -> None:
    [template] = export("template_health")["templates"]
    triggers = [one for item in template["items"] for one in item["triggers"]]
    assert len(triggers) > 5
    for trigger in triggers:
        tags = {one["tag"]: one["value"] for one in trigger["tags"]}
        assert tags[action.NO_TICKET[0]] == action.NO_TICKET[1]
        assert tags[health.TAG[0]] == health.TAG[1]


def test_conditions_are_joined_by_a_formula_as_zabbix_would_take_two_tags_for_alternatives() -> None:
    settings = Wishes(host_groups=("A",)).action.model_copy(
        update={"severity": Severity.WARNING, "tags": {"service": "shop"}}
    )
    built, said = action.conditions({"B": "2", "A": "1"}, settings)
    given = action.with_formula(built)
    assert given["formula"] == "(A or B) and C and D and E"
    assert [one["value"] for one in given["conditions"]] == ["1", "2", "2", "shop", "no"]
    assert said[0] == "host group is A or B"
    assert [action.letter(number) for number in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


def test_the_role_allows_what_the_client_calls_and_opens_nothing_else() -> None:
    text = (CONFIG.parent / "glpi_bridge" / "zabbix.py").read_text("utf-8")
    called = set(re.findall(r'"([a-z]+\.(?:get|acknowledge))"', text))
    assert called <= set(role.METHODS)
    sent = role.params(
        "r", role.BRIDGE, ["monitoring.hosts", "reports.notifications"], ["close_problems", "execute_scripts"]
    )
    assert sent["rules"]["ui"] == [
        {"name": "monitoring.hosts", "status": 1},
        {"name": "reports.notifications", "status": 0},
    ]
    assert sent["rules"]["actions"][1] == {"name": "execute_scripts", "status": 0}


def test_the_link_is_the_wish_the_panel_or_glpis_search_for_the_marker() -> None:
    assert ticket_link.address("panel", "https://g", "prod") == "https://g/panel/#/event/prod/{EVENT.ID}"
    assert "[value]=zabbix%20prod/{EVENT.ID}" in ticket_link.address("search", "https://g", "prod")
    assert ticket_link.address("https://x/{EVENT.ID}", "https://g", "prod") == "https://x/{EVENT.ID}"


def test_a_pause_is_written_as_zabbix_keeps_it() -> None:
    settings = Wishes(host_groups=("A",)).media_type.model_copy(update={"attempt_interval": timedelta(minutes=2)})
    assert media_type.wanted(settings, "zabbix")["attempt_interval"] == "120s"


def test_the_reference_of_zabbix_yml_says_what_the_code_does() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), "python -m tests.zabbix_reference writes it"
