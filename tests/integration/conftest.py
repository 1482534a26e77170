"""What integration tests live in: a house with a bridge and a GLPI of either version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import VERSIONS, House, house


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """GLPI's version."""
    return str(request.param)


@pytest.fixture
def home(version: str, tmp_path: Path) -> Iterator[House]:
    """A house whose calls end after 0.6 s."""
    with house(tmp_path, version, total_timeout=0.6) as made:
        yield made
