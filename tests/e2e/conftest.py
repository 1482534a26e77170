"""The journeys from a real Zabbix 7.0 to tickets: every part is real but GLPI, which is the stand-in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.tree import CannotBuild
from tests.e2e.zabbix_server import ZabbixServer, zabbix_server

MUST_RUN = "GLPI_BRIDGE_TEST_ALL"
_HERE = Path(__file__).parent
_SECONDS = 900
"""For one test: the first of them may have to build Zabbix, or to wait for another worker that does."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.fixture(scope="session")
def zabbix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZabbixServer]:
    """A real Zabbix, one for all tests of a worker; each test has hosts of its own in it."""
    try:
        with zabbix_server(tmp_path_factory.mktemp("zabbix")) as running:
            yield running
    except CannotBuild as error:
        if os.environ.get(MUST_RUN):
            pytest.fail(f"no journey from a real Zabbix ran: {error}")
        pytest.skip(f"NOT RUN with a real Zabbix: {error}")
