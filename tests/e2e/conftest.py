"""The journeys from a real Zabbix 7.0 to tickets: every part is real but GLPI, which is the stand-in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from tests.e2e.journey import Journey
from tests.e2e.objects import Objects, make
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


@pytest.fixture(scope="session")
def objects(zabbix: ZabbixServer, tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """What the bridge needs in that Zabbix, made by its own command."""
    return make(zabbix, tmp_path_factory.mktemp("provision"))


@pytest.fixture
def version() -> str:
    """GLPI's version; a test that both are worth the time for is parametrized with VERSIONS."""
    return "11.0.6"


@pytest.fixture
def journey(zabbix: ZabbixServer, objects: Objects, tmp_path: Path, version: str) -> Iterator[Journey]:
    """A GLPI of this test's own beside the real Zabbix; the daemon is started by the test."""
    with GlpiServer(version) as glpi:
        made = Journey(zabbix, objects, glpi, tmp_path)
        try:
            yield made
        finally:
            made.close()
