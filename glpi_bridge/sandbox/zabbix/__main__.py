"""Run the stand-in as a process: prints a line of JSON with address and access, ends at SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading

from glpi_bridge.sandbox.zabbix.server import ADMIN_PASSWORD, VERSIONS, Standin, bare_world
from glpi_bridge.sandbox.zabbix.world import World


def main(arguments: list[str] | None = None) -> None:
    """Start, say where, wait."""
    parser = argparse.ArgumentParser(prog="python -m glpi_bridge.sandbox.zabbix", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (0: any free one)")
    parser.add_argument("--script", help="media script to run for each alert, alert_scripts/zabbix-glpi")
    parser.add_argument("--spool", default="-", help="spool directory, the script's first argument")
    parser.add_argument("--source", default="", help="name of this Zabbix server for the script")
    parser.add_argument("--version", choices=sorted(VERSIONS), default="7.0", help="version it answers as")
    parser.add_argument(
        "--bare",
        action="store_true",
        help="a new Zabbix with nothing of the bridge, to be provisioned",
    )
    parser.add_argument("--token-file", help="write the API token of the user `bridge` into this file")
    given = parser.parse_args(arguments)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    world = bare_world(World()) if given.bare else None
    with Standin(
        script=given.script,
        spool=given.spool,
        source=given.source,
        version=given.version,
        port=given.port,
        world=world,
    ) as standin:
        if given.token_file and not given.bare:
            with open(os.open(given.token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(standin.token + "\n")
        told = {"url": standin.url}
        told |= {"login": "Admin", "password": ADMIN_PASSWORD} if given.bare else {"token": standin.token}
        print(json.dumps(told), flush=True)  # noqa: T201  # this is its output
        over.wait()


if __name__ == "__main__":
    main()
