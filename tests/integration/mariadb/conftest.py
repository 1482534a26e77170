"""The store on a real MariaDB; the tests of the store and of delivery run on it unchanged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from glpi_bridge.store import Store
from tests.mariadb import MariaDB, mariadb


@pytest.fixture(scope="session")
def server() -> Iterator[MariaDB]:
    with mariadb() as running:
        yield running


@pytest.fixture
def store(server: MariaDB) -> Iterator[Store]:
    opened = Store(server.new(), sleep=lambda _: None)
    yield opened
    opened.close()
