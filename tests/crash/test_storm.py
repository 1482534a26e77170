"""The daemon, killed again and again under a storm of alerts: none is lost, none has two tickets."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.apart import Bridge, standin, wait_until
from tests.crash.server import Workers

ALERTS = 5_000
KILLS = 200
LIFE_SECONDS = 0.4  # from nothing to this long, so that it dies in its start, its intake, its calls


class Storm(threading.Thread):
    """Hands alerts off, one after the other, until there are enough or it is told to end; `sent` are their events."""

    def __init__(self, bridge: Bridge, first: int = 1, most: int = ALERTS, pause: float = 0.0) -> None:
        super().__init__(name="storm")
        self._bridge, self._numbers, self._pause = bridge, range(first, first + most), pause
        self._ending = threading.Event()
        self.sent: list[str] = []

    def run(self) -> None:
        for number in self._numbers:
            if self._ending.wait(self._pause):
                break
            self._bridge.alert(number)
            self.sent.append(str(number))

    def end(self) -> None:
        self._ending.set()
        self.join()


def wrong(bridge: Bridge, sent: list[str]) -> tuple[list[str], dict[str, int]]:
    """The events that are lost, and those with more than one ticket."""
    made = bridge.marked()
    return sorted(set(sent) - made.keys()), {event: count for event, count in made.items() if count > 1}


@pytest.mark.timeout(900)
def test_200_kills_of_the_daemon_under_5000_alerts_lose_none_and_double_none(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    codes: Counter[int] = Counter()
    with standin("--bulk-item-ms", "2") as glpi, Workers(tmp_path / "log") as workers:
        bridge = Bridge(tmp_path, glpi)
        bridge.write(lease="1s")
        assert workers.do_pass(bridge.settings) == 0  # makes the store
        storm = Storm(bridge)
        storm.start()
        for _ in range(KILLS):
            workers.start_daemon(bridge.settings)
            time.sleep(chance.uniform(0, LIFE_SECONDS))
            codes[workers.kill()] += 1
        storm.join()
        workers.start_daemon(bridge.settings)
        wait_until(lambda: len(bridge.marked()) == ALERTS, 240, lambda: wrong(bridge, storm.sent))
        assert workers.stop() == 0
        assert wrong(bridge, storm.sent) == ([], {}), f"seed {seed}"
    assert codes == {-9: KILLS}
