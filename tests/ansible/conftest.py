"""The playbooks on two bare machines (tests/ansible/machines.py), in the order in which the tests are written.

GLPI_ARCHIVE, GLPI_ARCHIVE_SHA256               an official release archive of GLPI; default: a stand-in of that shape
GLPI_NEWER_ARCHIVE, GLPI_NEWER_ARCHIVE_SHA256   the one to upgrade to (`glpi-11.0.6.tgz`), as above
GLPI_BRIDGE_TEST_LONG                           set: the long tests too (`./test ansible-long`)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ansible.machines import CannotBoot, cache_directory, pair
from tests.ansible.site import Site

MUST_RUN = "GLPI_BRIDGE_TEST_ALL"
LONG = "GLPI_BRIDGE_TEST_LONG"
_HERE = Path(__file__).parent
_SECONDS = 1800


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the order: each step stands on the one before. The long ones are for `./test ansible-long`."""
    ours = [item for item in items if _HERE in item.path.parents]
    others = [item for item in items if _HERE not in item.path.parents]
    if not os.environ.get(LONG):
        config.hook.pytest_deselected(items=[item for item in ours if item.get_closest_marker("long")])
        ours = [item for item in ours if not item.get_closest_marker("long")]
    for item in ours:
        item.add_marker(pytest.mark.timeout(_SECONDS))
    items[:] = others + sorted(ours, key=lambda item: (str(item.path), item.reportinfo()[1] or 0))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two bare machines and the playbooks."""
    try:
        with pair() as machines:
            yield Site(machines, tmp_path_factory.mktemp("ansible"), cache_directory() / "wheels")
    except CannotBoot as error:
        if os.environ.get(MUST_RUN):
            pytest.fail(f"no machine was provisioned: {error}")
        pytest.skip(f"NOT RUN on machines: {error}")
