"""Three workers on one MariaDB, each with a spool of its own, one of them killed again and again."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.apart import Bridge, standin, wait_until
from tests.crash.server import Workers
from tests.crash.test_storm import Storm, wrong
from tests.mariadb import mariadb

WORKERS = 3
KILL_EVERY_SECONDS = 5
SECONDS = 60 if os.environ.get("GLPI_BRIDGE_TEST_ALL") else 30
MOST = 100_000


@pytest.mark.timeout(900)
def test_three_workers_of_which_one_is_killed_every_5_s_lose_none_and_double_none(tmp_path: Path) -> None:
    chance = random.Random(7)
    codes: Counter[int] = Counter()
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(mariadb())
        glpi = stack.enter_context(standin("--bulk-item-ms", "5"))
        store = {"url": database.new()}
        nodes = []
        for number in range(WORKERS):
            (tmp_path / f"{number}").mkdir()
            node = Bridge(tmp_path / f"{number}", glpi)
            node.write(store=store, lease="2s")
            nodes.append((node, stack.enter_context(Workers(node.home / "log"))))
        storms = []
        for number, (node, workers) in enumerate(nodes):
            workers.start_daemon(node.settings)
            # each node hands off its own alerts, and a few that another node hands off too
            storms.append(Storm(node, first=1 + number * MOST, most=MOST, pause=0.01))
            storms.append(Storm(node, first=WORKERS * MOST, most=100, pause=0.1))
        for storm in storms:
            storm.start()
        for _ in range(SECONDS // KILL_EVERY_SECONDS):
            time.sleep(KILL_EVERY_SECONDS)
            node, workers = chance.choice(nodes)
            codes[workers.kill()] += 1
            workers.start_daemon(node.settings)
        for storm in storms:
            storm.end()
        sent = [event for storm in storms for event in storm.sent]
        node = nodes[0][0]
        wait_until(lambda: set(node.marked()) >= set(sent), 240, lambda: wrong(node, sent))
        assert [workers.stop() for _, workers in nodes] == [0] * WORKERS
        assert wrong(node, sent) == ([], {})
    assert len(set(sent)) > 100
    assert codes == {-9: SECONDS // KILL_EVERY_SECONDS}
