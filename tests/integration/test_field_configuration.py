"""Configuration errors: at run time the ticket is made or parked, never dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind
from glpi_bridge.store import incidents, meta
from tests.house import CREATE, House, house


@pytest.mark.field("F13")
def test_an_entity_that_does_not_exist_parks_only_what_names_it(version: str, tmp_path: Path) -> None:
    rules = "rules:\n  - match: {host: web*}\n    entity: Root entity > Operatins\n"
    with house(tmp_path, version, rules=rules) as home:
        home.alert(101)
        home.alert(102, host_host="db01")
        home.until_calm()
        assert list(home.by_marker()) == ["zabbix zabbix/102"]
        [parked] = home.context.store.read(incidents.parked)
        assert 'entity "Root entity > Operatins" is not in GLPI' in parked.why
        assert "'Root entity > Operations'" in parked.why


@pytest.mark.field("F48")
@pytest.mark.parametrize("category", ["Monitoring > Dsk", "Lab only", "Requests only"])
def test_a_category_that_does_not_serve_is_left_out_and_said(version: str, tmp_path: Path, category: str) -> None:
    with house(tmp_path, version, rules=f"rules: []\ndefault:\n  category: {category}\n") as home:
        home.alert(101)
        home.until_calm()
        assert home.ticket(101)["itilcategories_id"] == 0
        assert any(category in one.text for one in home.context.store.read(meta.all_notices))


@pytest.mark.field("F64")
def test_a_template_that_refuses_is_told_in_glpis_words_and_the_others_go_on(home: House) -> None:
    home.glpi.order(Fault(FaultKind.POISON, CREATE, text="strict", times=None))
    home.alert(101, event_name="strict")
    home.alert(102)
    home.until_calm()
    assert list(home.by_marker()) == ["zabbix zabbix/102"]
    assert len(home.context.store.read(incidents.parked)) == 1
