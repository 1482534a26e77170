"""A whole installation of the bridge in a directory: its settings, the real alert script, the real command line."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "alert_scripts" / "zabbix-glpi"
COMMAND = Path(sys.executable).parent / "glpi-bridge"

RULES = """\
rules:
  - match: {tag: {component: cpu}}
    category: Monitoring > CPU
    group: Systems
  - match: {tag: {component: storage}}
    category: Monitoring > Disk
    urgency: very high
default:
  category: Monitoring
  requester: enduser
  request_source: Zabbix
"""

BRIDGE = """\
glpi:
  url: {url}
  user_token_file: {user_token}
  app_token_file: {app_token}
zabbix:
  {source}:
    url: http://127.0.0.1:9/
    token_file: {zabbix_token}
    timezone: UTC
spool: {directory}/spool
store: {directory}/bridge.db
delivery:
  settle_after: 1s
  lease: 20s
  backoff_first: 1s
  backoff_cap: 2s
  refusals: 2
  refused_for: 1s
"""


class Bridge:
    """One installation for one source; its Zabbix is not there (only alerts tell of problems)."""

    def __init__(self, directory: Path, source: str, *, rules: str = RULES, url: str = "") -> None:
        self.directory, self.source = directory, source
        self._numbers = itertools.count(1)
        tokens = {}
        for name in ("GLPI_USER_TOKEN_FILE", "GLPI_APP_TOKEN_FILE"):
            tokens[name] = directory / name.lower()
            tokens[name].write_text(Path(os.environ[name]).read_text())
        tokens["zabbix"] = directory / "zabbix_token"
        tokens["zabbix"].write_text("none")
        for token in tokens.values():
            token.chmod(0o600)
        self.settings = directory / "bridge.yml"
        self.settings.write_text(
            BRIDGE.format(
                url=url or os.environ["GLPI_URL"],
                user_token=tokens["GLPI_USER_TOKEN_FILE"],
                app_token=tokens["GLPI_APP_TOKEN_FILE"],
                zabbix_token=tokens["zabbix"],
                source=source,
                directory=directory,
            )
        )
        (directory / "rules.yml").write_text(rules)
        self.spool = directory / "spool"
        for part in ("tmp", "new", "bad"):
            (self.spool / part).mkdir(parents=True)

    def beside(self) -> Self:
        """Return another worker on the same store, with a spool of its own."""
        other = copy(self)
        other.spool, other.settings = self.directory / "spool2", self.directory / "bridge2.yml"
        other.settings.write_text(self.settings.read_text().replace(str(self.spool), str(other.spool)))
        for part in ("tmp", "new", "bad"):
            (other.spool / part).mkdir(parents=True)
        return other

    # -- Zabbix's side ------------------------------------------------------------------------------------------------

    def alert(self, **fields: str | int) -> str:
        """Run the real alert script, as Zabbix does; returns the event's id."""
        fields.setdefault("event_id", str(next(self._numbers)))
        named = {"source": self.source, "trigger_id": f"t{fields['event_id']}", "event_value": 1, **fields}
        ran = subprocess.run(
            ["sh", SCRIPT, self.spool, *(f"{name}={value}" for name, value in named.items())],
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        return str(fields["event_id"])

    def problem(self, name: str = "live problem", **fields: str | int) -> str:
        return self.alert(event_name=name, event_nseverity=4, host_host="web01", host_name="Web server 1", **fields)

    def recovery(self, event_id: str, **fields: str | int) -> None:
        self.alert(event_id=event_id, event_value=0, event_recovery_id=f"{event_id}9", **fields)

    def update(self, event_id: str, **fields: str | int) -> None:
        self.alert(event_id=event_id, event_update_status=1, user_fullname="Durand Paul", **fields)

    def marker(self, event_id: str) -> str:
        return f"zabbix {self.source}/{event_id}"

    # -- the bridge ---------------------------------------------------------------------------------------------------

    def command(self, *words: str) -> list[str]:
        return [str(COMMAND), "--config", str(self.settings), *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), check=False, capture_output=True, text=True, timeout=280)

    def deliver(self) -> str:
        """Run one delivery pass; returns what it logged."""
        ran = self.run("deliver")
        assert ran.returncode == 0, ran.stderr
        return ran.stderr

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says; its exit code only tells whether a person is needed."""
        ran = self.run("status", "--json")
        assert ran.returncode in {0, 1}, ran.stderr
        return dict(json.loads(ran.stdout))

    def deliver_until(self, reached: Callable[[], bool], *, seconds: float = 60) -> str:
        """Run passes, as cron does, until something is reached; a generous deadline, no timing is asserted."""
        end = time.monotonic() + seconds
        said = self.deliver()
        while not reached():
            assert time.monotonic() < end, f"not reached within {seconds} s; the bridge said:\n{said}"
            time.sleep(0.5)
            said += self.deliver()
        return said

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(self.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
