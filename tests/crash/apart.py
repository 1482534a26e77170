"""The stand-in GLPI and the bridge, each in a process of its own: what can be killed, paused and measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glpi_bridge.render import markers
from glpi_bridge.sandbox.glpi.control import Control
from glpi_bridge.spool import Spool, hand_off
from tests.invariants import Ticket

ROOT = Path(__file__).parents[2]
_NO_ZABBIX = ("http://127.0.0.1:9/", "none")
_STOP_SECONDS = 20


@contextmanager
def standin(*arguments: str) -> Iterator[Control]:
    """Start a stand-in GLPI (`--bulk-item-ms 5` and so on) and speak with it by its control address."""
    command = [sys.executable, "-m", "glpi_bridge.sandbox.glpi", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        with Control(about["url"]) as control:
            yield control
    finally:
        process.terminate()
        process.communicate(timeout=_STOP_SECONDS)


@dataclass
class Bridge:
    """One installation in `home` against a stand-in; its Zabbix is not there, only alerts tell of problems."""

    home: Path
    glpi: Control
    source: str = "zabbix"

    def __post_init__(self) -> None:
        Spool.create(self.home / "spool")

    @property
    def settings(self) -> Path:
        return self.home / "bridge.yml"

    def write(
        self,
        *,
        glpi: str | None = None,
        store: Any = "./bridge.db",
        zabbix: tuple[str, str] = _NO_ZABBIX,
        **delivery: str,
    ) -> None:
        """Write the settings; `zabbix` is an address and a token, `delivery` are settings of that section."""
        about = self.glpi.about()
        for name, token in (("user", about["user_token"]), ("app", about["app_token"]), ("zabbix", zabbix[1])):
            file = self.home / f"{name}.token"
            file.touch(mode=0o600)
            file.write_text(token)
        patience = {"settle_after": "0s", "backoff_first": "1s", "backoff_cap": "1s", "lease": "20s"}
        settings = {
            "glpi": {"url": glpi or about["url"], "user_token_file": "./user.token", "app_token_file": "./app.token"},
            "zabbix": {
                self.source: {"url": zabbix[0], "token_file": "./zabbix.token", "timezone": "UTC"},
            },
            "spool": "./spool",
            "store": store,
            "delivery": patience | delivery,
            "sync": {"interval": "0s"},
            "log": {"level": "warning"},
        }
        self.settings.write_text(json.dumps(settings))  # JSON is YAML too
        (self.home / "rules.yml").write_text(json.dumps({"default": {"category": "Monitoring", "acknowledge": False}}))

    # -- Zabbix's side ------------------------------------------------------------------------------------------------

    def alert(self, event: int | str, **fields: Any) -> None:
        """Hand an alert off, an ordinary problem where nothing else is said."""
        hand_off(self.home / "spool", self._fields(event, fields))

    def put(self, event: int | str, **fields: Any) -> None:
        """Put an alert into the spool without the waits for the disk: for thousands at once."""
        file = self.home / "spool" / "tmp" / uuid.uuid4().hex
        file.write_bytes(b"".join(f"{name}={text}\0".encode() for name, text in self._fields(event, fields).items()))
        file.rename(file.parents[1] / "new" / file.name)

    def _fields(self, event: int | str, fields: Mapping[str, Any]) -> dict[str, str]:
        given: Mapping[str, Any] = {
            "source": self.source,
            "event_id": event,
            "trigger_id": f"t{event}",
            "event_value": 1,
            "event_nseverity": 4,
            "event_name": "CPU is high",
            "host_host": "web01",
        }
        return {name: str(value) for name, value in {**given, **fields}.items()}

    def recover(self, event: int | str) -> None:
        """Hand its recovery off."""
        self.alert(event, event_value=0, event_recovery_id=f"{event}9")

    def update(self, event: int | str, message: str) -> None:
        """Hand off a message that somebody wrote about it."""
        said = {"event_update_date": "2026.11.25", "event_update_time": "10:00:00"}
        self.alert(event, event_update_status=1, user_fullname="Durand Paul", event_update_message=message, **said)

    # -- the bridge ---------------------------------------------------------------------------------------------------

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "glpi_bridge", "--config", str(self.settings), *words]

    def deliver(self) -> None:
        """One pass in a process of its own, which must end well."""
        ran = subprocess.run(
            self.command("deliver"), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command; its log is appended to a file."""
        with (self.home / "bridge.log").open("ab") as log:
            return subprocess.Popen(
                self.command(*words),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
            )

    # -- GLPI's side --------------------------------------------------------------------------------------------------

    def marked(self, itemtype: str = "Ticket") -> Counter[str]:
        """Count the rows of a type by their markers, without the source: a ticket's is its event's id."""
        prefix = f"zabbix {self.source}/"
        rows = self.glpi.rows(itemtype)
        return Counter(
            one.removeprefix(prefix)
            for row in rows
            for one in markers(str(row["content"] or ""))
            if one.startswith(prefix)
        )


def views(bridges: Mapping[str, Bridge], glpi: Control) -> dict[str, list[Ticket]]:
    """What GLPI has of each source, as the invariants look at it; one reading for all."""
    texts: dict[str, dict[int, list[str]]] = {}
    for itemtype in _TIMELINE:
        for row in sorted(glpi.rows(itemtype), key=lambda row: int(row["id"])):
            texts.setdefault(itemtype, {}).setdefault(row["items_id"], []).append(str(row["content"]))
    found: dict[str, list[Ticket]] = {source: [] for source in bridges}
    for row in glpi.tickets():
        for marker in markers(str(row["content"])):
            source = marker.removeprefix("zabbix ").partition("/")[0]
            solutions, followups = (tuple(texts.get(name, {}).get(row["id"], ())) for name in _TIMELINE)
            found.get(source, []).append(Ticket(row["id"], marker, row["status"], row["urgency"], solutions, followups))
    return found


_TIMELINE = ("ITILSolution", "ITILFollowup")


def wait_until(reached: Callable[[], bool], seconds: float, what: Callable[[], object] = lambda: "") -> None:
    """Wait for something with a deadline against a hang; says `what` when it is over."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds} s: {what()}"
        time.sleep(0.1)
