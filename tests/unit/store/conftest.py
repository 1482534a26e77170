from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glpi_bridge.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'bridge.db'}", sleep=lambda _: None)
    yield opened
    opened.close()
