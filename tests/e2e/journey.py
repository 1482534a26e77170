"""One installation for one test: a GLPI of its own, the daemon, and hosts in the real Zabbix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.text import markers
from tests.e2e.objects import SOURCE, Objects
from tests.e2e.zabbix_server import ZabbixServer

SECONDS = 60.0
"""A generous deadline; what is waited for takes a few seconds."""
AREAS = {"cpu": "CPU", "memory": "Memory", "storage": "Disk", "network": "Network", "temperature": "Temperature"}
"""The tag `component` as Zabbix's own templates give it, and the category below Monitoring."""
SOLVED, CLOSED = 5, 6
CLOSE, ACKNOWLEDGE, MESSAGE, SEVERITY, SUPPRESS, UNSUPPRESS, TO_CAUSE, TO_SYMPTOM = 1, 2, 4, 8, 32, 64, 128, 256
"""The bits of event.acknowledge's `action`."""

Answer = TypeVar("Answer")
Row = Mapping[str, Any]


def until(
    ask: Callable[[], Answer | None], what: str, *, seconds: float = SECONDS, told: Callable[[], str] = str
) -> Answer:
    """Ask until the answer is true, and return it; `told` adds words to the failure."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}; now {answer!r}\n{told()}"
        time.sleep(0.2)
    return answer


@dataclass(frozen=True)
class Signal:
    """A trapper item and its trigger: a value above 0 is a problem of this name."""

    key: str
    severity: int = 3
    tags: Mapping[str, str] = field(default_factory=dict)
    name: str = "{#KEY} is wrong"
    manual_close: bool = False

    @property
    def problem(self) -> str:
        return self.name.replace("{#KEY}", self.key)


@dataclass
class Host:
    """A host of one test; `triggerids` by the key of their signal."""

    zabbix: ZabbixServer
    name: str
    hostid: str
    triggerids: dict[str, str]

    def send(self, key: str, value: float) -> None:
        self.zabbix.send(self.name, key, value)

    def send_all(self, value: float, keys: Sequence[str] = ()) -> None:
        """Give several items, by default all, the same value at once."""
        self.zabbix.send_all((self.name, key, value) for key in keys or self.triggerids)

    def events(self, key: str = "") -> list[Row]:
        """List the problem events, oldest first, with what was done to them."""
        asked = {"objectids": [self.triggerids[key]]} if key else {"hostids": [self.hostid]}
        return list(
            self.zabbix.call(
                "event.get",
                {**asked, "value": 1, "output": "extend", "selectAcknowledges": "extend", "sortfield": ["eventid"]},
            )
        )

    def event(self, key: str) -> Row:
        """Give the newest problem event of a signal, which must be there soon."""
        return until(lambda: self.events(key), f"a problem of {key} in Zabbix")[-1]

    def alerts(self, key: str) -> list[Row]:
        """List what Zabbix sent about a signal, oldest first."""
        asked = {"objectids": [self.triggerids[key]], "output": "extend", "sortfield": ["alertid"]}
        return list(self.zabbix.call("alert.get", asked))


class Journey:
    """The bridge between the real Zabbix and a GLPI of this test."""

    def __init__(self, zabbix: ZabbixServer, objects: Objects, glpi: GlpiServer, home: Path) -> None:
        self.zabbix, self.objects, self.glpi, self.home = zabbix, objects, glpi, home
        self._daemon: subprocess.Popen[bytes] | None = None
        self._hosts: list[Host] = []
        self._people: list[str] = []
        for part in ("tmp", "new", "bad"):
            for left in (objects.spool / part).iterdir():
                left.unlink()
        self.write()

    # -- the bridge ---------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Path:
        return self.home / "bridge.yml"

    def write(
        self, *, adopt: str = "off", sync: str = "2s", write_back: Mapping[str, Any] | None = None, **rules: Any
    ) -> None:
        """Write settings, secrets and rules; `rules` go into the default."""
        for name, secret in (
            ("glpi", self.glpi.user_token),
            ("app", self.glpi.app_token),
            ("zabbix", self.objects.token),
        ):
            token = self.home / f"{name}.token"
            token.touch(mode=0o600)
            token.write_text(secret)
        server = {"url": self.zabbix.url, "token_file": "./zabbix.token", "timezone": "UTC", "adopt": adopt}
        back = {"write_back": dict(write_back)} if write_back else {}
        settings = {
            "glpi": {"url": self.glpi.url, "user_token_file": "./glpi.token", "app_token_file": "./app.token"},
            "zabbix": {SOURCE: server | back},
            "spool": str(self.objects.spool),
            "store": "./bridge.db",
            "delivery": {"settle_after": "1s", "lease": "20s", "backoff_first": "1s", "backoff_cap": "3s"},
            "sync": {"interval": sync},
        }
        self.settings.write_text(json.dumps(settings))  # JSON is YAML
        areas = [
            {"match": {"tag": {"component": tag}}, "category": f"Monitoring > {name}"} for tag, name in AREAS.items()
        ]
        self.home.joinpath("rules.yml").write_text(
            json.dumps({"rules": areas, "default": {"category": "Monitoring", **rules}, "timezone": "UTC"})
        )

    def start(self) -> None:
        """Start the daemon."""
        with (self.home / "daemon.log").open("ab") as log:
            command = [sys.executable, "-m", "glpi_bridge", "--config", str(self.settings), "run"]
            self._daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self, *, hard: bool = False) -> None:
        """Stop the daemon, or kill it."""
        if self._daemon is not None:
            self._daemon.kill() if hard else self._daemon.terminate()
            self._daemon.wait(60)
            self._daemon = None

    def said(self) -> str:
        """Give the end of the daemon's log, for the message of a failure."""
        log = self.home / "daemon.log"
        return log.read_text(errors="replace")[-4000:] if log.exists() else "(the daemon never ran)"

    def until(self, ask: Callable[[], Answer | None], what: str, *, seconds: float = SECONDS) -> Answer:
        """Wait for something that the bridge brings about."""
        return until(ask, what, seconds=seconds, told=self.said)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the bridge."""
        command = [sys.executable, "-m", "glpi_bridge", "--config", str(self.settings), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    def status(self) -> Any:
        """Give what `status --json` says."""
        return json.loads(self.command("status", "--json").stdout)

    def synced_at(self) -> datetime:
        """Give when both sides were compared last."""
        return datetime.fromisoformat(self.status()["last_sync"])

    # -- Zabbix -------------------------------------------------------------------------------------------------------

    def host(self, *signals: Signal, **more: Any) -> Host:
        """Make a host with these signals; it goes at the end of the test. `more` are fields of host.create."""
        name = f"h-{uuid.uuid4().hex[:8]}"
        groups = [{"groupid": self.objects.groupid}]
        [hostid] = self.zabbix.call("host.create", {"host": name, "groups": groups, **more})["hostids"]
        host = Host(self.zabbix, name, hostid, {})
        self._hosts.append(host)
        if signals:
            self.zabbix.call("item.create", [_item(hostid, one) for one in signals])
            made = self.zabbix.call("trigger.create", [_trigger(name, one) for one in signals])["triggerids"]
            host.triggerids = dict(zip((one.key for one in signals), made, strict=True))
            self.zabbix.reload()
        return host

    def remove(self, host: Host) -> None:
        """Delete a host, with all its problems."""
        self._hosts.remove(host)
        self.zabbix.call("host.delete", [host.hostid])

    def act(self, event: Row, action: int, *, session: str = "", **fields: Any) -> None:
        """Do something to an event (event.acknowledge), as the administrator or in a session of somebody else."""
        asked = {"eventids": [event["eventid"]], "action": action, **fields}
        if session:
            self.zabbix.call_as(session, "event.acknowledge", asked)
        else:
            self.zabbix.call("event.acknowledge", asked)

    def sign_in(self, name: str, surname: str) -> str:
        """Make a colleague whom the bridge shares a user group with, and begin a session of theirs."""
        user = f"u-{uuid.uuid4().hex[:8]}"
        password = f"Pw-{uuid.uuid4().hex}"
        person = {"username": user, "passwd": password, "name": name, "surname": surname, "roleid": "3"}
        [userid] = self.zabbix.call("user.create", {**person, "usrgrps": [{"usrgrpid": self.objects.usrgrpid}]})[
            "userids"
        ]
        self._people.append(userid)
        return self.zabbix.login(user, password)

    # -- GLPI ---------------------------------------------------------------------------------------------------------

    def tickets(self, event: Row) -> list[Row]:
        """List the tickets that carry this event's marker, also in the trash."""
        return [
            row for row in self.glpi.rows("Ticket") if f"zabbix {SOURCE}/{event['eventid']}" in markers(row["content"])
        ]

    def ticket(self, event: Row, *, seconds: float = SECONDS) -> Row:
        """Give the event's only ticket, which must be there soon."""
        found = self.until(lambda: self.tickets(event), f"a ticket for {event['name']}", seconds=seconds)
        assert len(found) == 1, found
        return found[0]

    def solved(self, event: Row, *, seconds: float = SECONDS) -> Row:
        """Wait until the event's only ticket is solved; give it."""
        return self.until(
            lambda: next(iter([row for row in self.tickets(event) if row["status"] == SOLVED]), None),
            f"a solution for {event['name']}",
            seconds=seconds,
        )

    def acknowledged(self, key: str, host: Host) -> Row:
        """Wait until the event of a signal names its ticket; give the event."""
        return self.until(
            lambda: next(iter([event for event in host.events(key)[-1:] if event["acknowledged"] == "1"]), None),
            f"an acknowledgement of {key}",
        )

    def messages(self, event: Row) -> list[str]:
        """List what the event was told, in order."""
        asked = {
            "eventids": [event["eventid"]],
            "output": ["eventid"],
            "selectAcknowledges": ["acknowledgeid", "message"],
        }
        rows = self.zabbix.call("event.get", asked)[0]["acknowledges"]
        return [row["message"] for row in sorted(rows, key=lambda row: int(row["acknowledgeid"]))]

    def notes(self, ticket: Row) -> list[str]:
        """List the texts of a ticket's followups, in order."""
        return [row["content"] for row in self.glpi.followups(ticket["id"])]

    def all_delivered(self) -> bool:
        """Tell whether nothing waits in the spool."""
        return not os.listdir(self.objects.spool / "new")

    # -- its end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the daemon and remove the hosts, with all their problems."""
        self.stop()
        if self._hosts:
            self.zabbix.call("host.delete", [host.hostid for host in self._hosts])
        if self._people:
            self.zabbix.call("user.delete", self._people)


def _item(hostid: str, one: Signal) -> dict[str, Any]:
    tags = [{"tag": tag, "value": value} for tag, value in one.tags.items()]
    return {"hostid": hostid, "name": one.key, "key_": one.key, "type": 2, "value_type": 0, "tags": tags}


def _trigger(host: str, one: Signal) -> dict[str, Any]:
    return {
        "description": one.problem,
        "expression": f"last(/{host}/{one.key})>0",
        "priority": one.severity,
        "manual_close": int(one.manual_close),
    }
