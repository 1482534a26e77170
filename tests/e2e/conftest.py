"""The journeys from a real Zabbix 7.0 to tickets: every part is real but GLPI, which is the stand-in.

Where GLPI_URL and the token files of tests/live/conftest.py are set, the journeys go to that GLPI instead, but for
those that a stand-in alone can be brought to. Tickets made there stay: never point this at a GLPI that people use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
            if os.environ.get("GLPI_URL") and item.get_closest_marker("standin"):
                item.add_marker(pytest.mark.skip(reason="only a stand-in of GLPI can be told to do this"))


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


@contextmanager
def _glpi(version: str) -> Iterator[Any]:
    if not os.environ.get("GLPI_URL"):
        with GlpiServer(version) as standin:
            yield standin
        return
    from tests.e2e.real_glpi import RealGlpi

    glpi = RealGlpi()
    try:
        yield glpi
    finally:
        glpi.close()


@pytest.fixture
def journey(zabbix: ZabbixServer, objects: Objects, tmp_path: Path, version: str) -> Iterator[Journey]:
    """A GLPI of this test's own beside the real Zabbix; the daemon is started by the test."""
    with _glpi(version) as glpi:
        made = Journey(zabbix, objects, glpi, tmp_path)
        try:
            yield made
        finally:
            made.close()
