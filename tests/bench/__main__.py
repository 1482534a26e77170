"""Measure what was promised of speed and size, as ratios in one run.

Exit code 1 where a goal is missed, 2 where this machine cannot run the benchmark.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from tests.bench import comeback, delivery, handoff, help, peer, report, site, storm  # noqa: A004 - named for what it measures
from tests.bench.ratio import Ratio
from tests.e2e.tree import CannotBuild

BENCHES: dict[str, Callable[[bool], Iterator[Ratio]]] = {
    "handoff": handoff.measure,
    "delivery": delivery.measure,
    "storm": storm.measure,
    "comeback": comeback.measure,
    "help": help.measure,
    "site": site.measure,
}
BY_NAME: dict[str, Callable[[bool], Iterator[Ratio]]] = {"peer": peer.measure, "report": report.measure}
"""Not among all: they take minutes and want more of the machine."""


def main() -> int:
    """Measure all, or one by its name; print a line for each as soon as it is known."""
    parser = argparse.ArgumentParser(prog="./test bench", description=__doc__)
    known = BENCHES | BY_NAME
    parser.add_argument("name", nargs="?", choices=known, metavar="NAME", help=f"only one: {', '.join(known)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results into a file")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    given = parser.parse_args()
    found: list[Ratio] = []
    print(f"{'':9} {'':58} {'ratio':>7} {'goal':>7}")
    try:
        for name in [given.name] if given.name else BENCHES:
            for ratio in known[name](given.quick):
                found.append(ratio)
                print(_line(ratio), flush=True)
    except CannotBuild as error:
        print(f"{given.name} NOT RUN: {error}", file=sys.stderr)
        return 2
    is_reached = all(ratio.is_reached for ratio in found)
    if given.json:
        results = [asdict(ratio) | {"reached": ratio.is_reached} for ratio in found]
        given.json.write_text(
            json.dumps({"reached": is_reached, "results": results}, indent=2, ensure_ascii=False) + "\n"
        )
    return 0 if is_reached else 1


def _line(ratio: Ratio) -> str:
    goal = f"{'≥' if ratio.at_least else '≤'} {ratio.goal:g}"
    reached = "reached" if ratio.is_reached else "MISSED"
    return f"{ratio.name:9} {ratio.what:58} {ratio.value:7.3f} {goal:>7} {reached:8} ({ratio.shown})"


if __name__ == "__main__":
    sys.exit(main())
