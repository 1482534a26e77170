"""Delivery through the worst that GLPI does, remembered in MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, house
from tests.integration import test_delivery_faults as faults
from tests.mariadb import MariaDB

CORE = (
    "connection refused",
    "no answer, all done",
    "500, half done",
    "every second refused once",
    "401 in a bulk",
    "a proxy repeats the call",
)


@pytest.fixture
def home(server: MariaDB, tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, total_timeout=0.6, store_url=server.new()) as made:
        yield made


@pytest.mark.parametrize("name", CORE)
def test_a_bulk_of_problems_becomes_one_ticket_each_whatever(home: House, name: str) -> None:
    faults.test_a_bulk_of_problems_becomes_one_ticket_each_whatever(home, name)
