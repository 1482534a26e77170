"""A whole installation in a directory, beside both stand-ins: its settings, its rules, and the command line on it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from glpi_bridge import build, config
from glpi_bridge.cli import main
from glpi_bridge.context import Context
from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.spool import Spool, hand_off
from glpi_bridge.store import attempts, incidents
from glpi_bridge.store.attempts import Attempt

RULES = """\
rules:
  - name: storage
    match: {tag: {component: storage}}
    category: Monitoring > Disk
    group: Systems
default:
  category: Monitoring
"""

BRIDGE = """\
glpi:
  url: {glpi}
  user_token_file: ./user.token
  app_token_file: ./app.token
  total_timeout: 10s
  {more_glpi}
zabbix:
  url: {zabbix}
  token_file: ./zabbix.token
  timezone: UTC
spool: ./spool
store: ./bridge.db
delivery: {{settle_after: 0s, backoff_first: 1s, backoff_cap: 2s, refusals: 2, refused_for: 0s}}
log: {{level: {level}}}
"""


@dataclass
class Installation:
    """The bridge in `home`, its GLPI and its Zabbix."""

    home: Path
    glpi: GlpiServer
    zabbix: Standin

    @property
    def path(self) -> Path:
        """The settings."""
        return self.home / "bridge.yml"

    @property
    def spool(self) -> Path:
        return self.home / "spool"

    def write(self, *, rules: str = RULES, level: str = "info", more_glpi: str = "", url: str = "") -> None:
        """Write settings, rules and tokens."""
        for name, token in (
            ("user", self.glpi.user_token),
            ("app", self.glpi.app_token),
            ("zabbix", self.zabbix.token),
        ):
            self.secret(f"{name}.token", token)
        text = BRIDGE.format(glpi=url or self.glpi.url, zabbix=self.zabbix.url, level=level, more_glpi=more_glpi)
        self.path.write_text(text)
        (self.home / "rules.yml").write_text(rules)

    def secret(self, name: str, value: str) -> None:
        (self.home / name).write_text(value)
        (self.home / name).chmod(0o600)

    def alert(self, eventid: str, **fields: str) -> None:
        """Hand an alert off as the media script does; by default an ordinary problem."""
        defaults = {"trigger_id": eventid, "event_value": "1", "event_nseverity": "4", "event_name": "CPU is high"}
        names = {"event_id": eventid, "host_host": "web01", **defaults, **fields}
        hand_off(self.spool, names)

    def recovery(self, eventid: str) -> None:
        self.alert(eventid, event_value="0")

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run a command in this process and leave logging as it was."""
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            return CliRunner().invoke(main, ["-c", str(self.path), *arguments], input=stdin)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)

    def ok(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command that must succeed; return what it printed."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 0, f"{arguments}: {result.output}{result.exception!r}"
        return result.output

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json; return what it printed."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, f"{arguments}: {result.output}{result.exception!r}"
        return json.loads(result.stdout)

    def claim(self, context: Context, attempt: Attempt) -> None:
        """Let an attempt have its incidents, whatever their version."""
        owed = context.store.read(incidents.by_ids, [item.incident_id for item in attempt.items])
        versions = {one.incident.id: one.version for one in owed}
        assert context.store.write(attempts.claim, attempt, versions) is not None

    @contextmanager
    def context(self) -> Iterator[Context]:
        """Open what a pass works with."""
        with build.bridge(config.load(self.path)) as context:
            yield context


@contextmanager
def installation(home: Path, version: str = "10.0.19", **glpi: Any) -> Iterator[Installation]:
    """Make an installation with both stand-ins; everything ends with the block."""
    with GlpiServer(version, **glpi) as server, Standin(script=None, threads=False) as zabbix:
        made = Installation(home, server, zabbix)
        Spool.create(made.spool)
        made.write()
        yield made


def by_name(rows: list[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(row for row in rows if row["name"] == name)
