"""How soon the first ticket is made once GLPI is there again."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.ratio import Ratio
from tests.crash.apart import Bridge, standin, wait_until

_DEADLINE_SECONDS = 120


def measure(quick: bool) -> Iterator[Ratio]:
    """With the pauses that the bridge has by default; away long enough for them to have grown."""
    away = 12.0 if quick else 40.0
    with tempfile.TemporaryDirectory() as scratch, standin() as glpi:
        bridge = Bridge(Path(scratch), glpi)
        bridge.write(backoff_first="5s", backoff_cap="10m")
        daemon = bridge.start("run")
        try:
            bridge.alert(1)
            wait_until(lambda: bridge.marked()["1"] == 1, _DEADLINE_SECONDS)
            back_at = time.time() + away
            glpi.refuse(away)
            bridge.alert(2)
            time.sleep(away)
            wait_until(lambda: bridge.marked()["2"] == 1, _DEADLINE_SECONDS)
            waited = time.time() - back_at
        finally:
            daemon.terminate()
            daemon.wait()
    yield Ratio("comeback", "first ticket once GLPI is back, of 10 s", waited / 10, 1.0, f"{waited:.1f} s")
