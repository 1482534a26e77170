"""A stand-in GLPI in a process of its own, servers of workers, and a store that is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash.apart import Bridge, standin
from tests.crash.server import Workers, one_of

SERVERS = 4


@pytest.fixture(scope="module")
def glpi() -> Iterator[Control]:
    with standin() as control:
        yield control


@pytest.fixture(scope="module")
def servers() -> Iterator[SimpleQueue[Workers]]:
    """Servers of passes, one for each thread that wants one."""
    free: SimpleQueue[Workers] = SimpleQueue()
    for _ in range(SERVERS):
        free.put(Workers())
    yield free
    while not free.empty():
        free.get().close()


@pytest.fixture(scope="module")
def store(glpi: Control, servers: SimpleQueue[Workers], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of today's schema, in which nothing is known yet."""
    bridge = Bridge(tmp_path_factory.mktemp("new"), glpi, "none")
    bridge.write()
    with one_of(servers) as workers:
        assert workers.do_pass(bridge.settings) == 0
    return bridge.home / "bridge.db"
