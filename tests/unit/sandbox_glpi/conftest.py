"""Both versions of the stand-in, and a client that is signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.recorded import VERSIONS
from tests.unit.sandbox_glpi.client import Client


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def glpi(version: str) -> Iterator[GlpiServer]:
    with GlpiServer(version=version) as server:
        yield server


@pytest.fixture
def client(glpi: GlpiServer) -> Client:
    return Client.bridge(glpi)
