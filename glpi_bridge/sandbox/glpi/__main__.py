"""`python -m glpi_bridge.sandbox.glpi`: the stand-in as a process of its own, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from .recorded import VERSIONS
from .server import GlpiServer
from .world import Cost


def main() -> int:
    """Serve; the first line on stdout is JSON with url, tokens and pid."""
    parser = argparse.ArgumentParser(prog="python -m glpi_bridge.sandbox.glpi", description="A stand-in for GLPI.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--version", choices=VERSIONS, default=VERSIONS[0])
    parser.add_argument("--single-ms", type=float, default=0.0, help="what one write alone costs")
    parser.add_argument("--bulk-item-ms", type=float, default=0.0, help="what one item of a list costs")
    parser.add_argument("--read-ms", type=float, default=0.0, help="what one read costs")
    parser.add_argument("--state", type=Path, help="tables are read from this file at start and written at the end")
    parser.add_argument("--app-token", help="the API client's token (random if not given)")
    parser.add_argument("--user-token", help="the bridge user's token (random if not given)")
    options = parser.parse_args()
    cost = Cost(options.single_ms / 1000, options.bulk_item_ms / 1000, options.read_ms / 1000)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    tokens = {"app_token": options.app_token, "user_token": options.user_token}
    with GlpiServer(options.version, options.port, cost=cost, **tokens) as glpi:
        if options.state is not None and options.state.exists():
            glpi.load(options.state)
        sys.stdout.write(json.dumps(glpi.about()) + "\n")
        sys.stdout.flush()
        stop.wait()
        if options.state is not None:
            glpi.save(options.state)
    return 0


if __name__ == "__main__":
    sys.exit(main())
