"""The page of what crosses between Zabbix and GLPI names journeys that are there."""

from __future__ import annotations

import pytest

from tests import both_ways


@pytest.mark.parametrize("row", both_ways.FROM_ZABBIX + both_ways.FROM_GLPI, ids=lambda row: row.here)
def test_each_row_has_its_journey_from_a_real_zabbix(row: both_ways.Row) -> None:
    file, name = row.journey.split("::")
    assert f"def {name}(" in (both_ways.ROOT / "tests" / "e2e" / file).read_text("utf-8")


def test_the_page_is_as_the_rows_are() -> None:
    assert both_ways.DOCUMENT.read_text("utf-8") == both_ways.document()
