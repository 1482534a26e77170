"""How long `glpi-bridge --help` takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.ratio import Ratio, seconds


def measure(quick: bool) -> Iterator[Ratio]:
    """The best of some."""
    command = [Path(sys.executable).parent / "glpi-bridge", "--help"]

    def once() -> None:
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    best = min(seconds(once) for _ in range(10 if quick else 30))
    yield Ratio("help", "glpi-bridge --help, of 150 ms", best / 0.15, 1.0, f"{best * 1e3:.0f} ms")
