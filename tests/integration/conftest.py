"""What integration tests live in: a house with a bridge and a GLPI of either version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from tests.house import VERSIONS, House, house


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `./test` be quick."""
    parser.addoption("--one-glpi", action="store_true", help="run what is for both versions of GLPI as one of them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --one-glpi: always the same version for a test, and each for half of the tests."""
    if not config.getoption("--one-glpi", default=False):
        return
    kept = [item for item in items if _version(item) in (None, _chosen(item))]
    config.hook.pytest_deselected(items=set(items) - set(kept))
    items[:] = kept


def _version(item: pytest.Item) -> str | None:
    return next((version for version in VERSIONS if version in item.name), None)


def _chosen(item: pytest.Item) -> str:
    return VERSIONS[crc32(item.nodeid.replace(str(_version(item)), "").encode()) % len(VERSIONS)]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """GLPI's version."""
    return str(request.param)


@pytest.fixture
def home(version: str, tmp_path: Path) -> Iterator[House]:
    """A house whose calls end after 0.6 s."""
    with house(tmp_path, version, total_timeout=0.6) as made:
        yield made
