"""Text: what Zabbix said is what people read; nothing is run, nothing is lost."""

from __future__ import annotations

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind
from glpi_bridge.store import incidents
from tests.house import CREATE, House


@pytest.mark.field("F07")
@pytest.mark.field("F58")
@pytest.mark.parametrize(
    "name", ['Load > 5 & <b>rising</b> "x"', 'l\'accès C:\\temp\\new "q"', "Température 🔥 日本", "a &#38; b"]
)
def test_what_zabbix_said_is_what_people_read(home: House, name: str) -> None:
    home.alert(101, event_name=name)
    home.until_calm()
    assert home.ticket(101)["name"] == f"web01: {name}"
    assert "<b>rising</b>" not in home.ticket(101)["content"]


@pytest.mark.field("F56")
@pytest.mark.parametrize("name", ["x" * 255, "x" * 300, "🔥" * 300, "x" * 254 + "&&", "&" * 300])
def test_a_long_title_is_cut_by_us_and_never_refused(home: House, name: str) -> None:
    home.alert(101, event_name=name)
    home.until_calm()
    title = home.ticket(101)["name"]
    assert title.endswith("…")
    assert len(title) <= 255


@pytest.mark.field("F57")
def test_a_table_that_refuses_four_byte_characters_gets_the_text_without_them_and_says_so(home: House) -> None:
    words = "Incorrect string value: '\\\\xF0\\\\x9F' for column 'name' at row 1"
    home.glpi.order(Fault(FaultKind.POISON, CREATE, text="🔥", times=None, values={"message": words}))
    home.alert(101, event_name="Température 🔥 日本")
    home.until_calm()
    if home.tickets():  # the stand-in said it in GLPI's words
        assert home.ticket(101)["name"] == "web01: Température  日本"
        assert "left out" in home.ticket(101)["content"]
    else:
        assert home.context.store.read(incidents.parked)
