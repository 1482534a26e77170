"""Which requests the sites let through, and that Apache's file says the same."""

from __future__ import annotations

import pytest

from glpi_bridge.site.apache import FILE, configuration
from glpi_bridge.site.routes import verdict
from tests.browser.facade_table import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_request_is_let_through_or_refused_as_the_table_says(case: Case) -> None:
    headers = {name.lower(): value for name, value in case.headers.items()}
    if case.body and "transfer-encoding" not in headers:
        headers.setdefault("content-length", str(len(case.body)))
    assert verdict(case.method, case.target, headers) == case.status


def test_apaches_file_is_the_one_made_from_the_routes() -> None:
    assert FILE.read_text("utf-8") == configuration(), "python -m glpi_bridge.site.apache"
