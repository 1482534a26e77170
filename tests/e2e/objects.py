"""What the bridge has in Zabbix: all of it made by `glpi-bridge provision zabbix`; the script and its spool beside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from glpi_bridge import share
from tests.e2e.zabbix_server import ZabbixServer

SOURCE = f"e2e-{uuid.uuid4().hex[:8]}" if os.environ.get("GLPI_URL") else "zabbix"
"""New for each run against a real GLPI: a new Zabbix counts its events from one again."""
NAME = "journeys"
"""Not the default: tests of provisioning make and remove that in the same Zabbix."""
GROUP = "Watched servers"
_SETTINGS = {
    "glpi": {"url": "http://127.0.0.1:9/", "user_token_file": "./none.token"},
    "spool": "./spool",
    "store": "./bridge.db",
}
_WISHES = {
    "host_groups": [GROUP],
    "name": NAME,
    "ticket_link": "off",
    "templates": [],
    "rights": "read-write",
    "media_type": {"attempt_interval": "1s", "attempts": 10},
}


@dataclass(frozen=True)
class Objects:
    """What the tests need to know of them; ids as the API gives them."""

    groupid: str
    mediatypeid: str
    actionid: str
    usrgrpid: str
    token: str
    spool: Path


def make(zabbix: ZabbixServer, home: Path) -> Objects:
    """Make them all in a fresh Zabbix."""
    [groupid] = zabbix.call("hostgroup.create", {"name": GROUP})["groupids"]
    spool = _script_and_spool(zabbix)
    server = {"url": zabbix.url, "token_file": "./zabbix.token", "timezone": "UTC"}
    (home / "bridge.yml").write_text(json.dumps({**_SETTINGS, "zabbix": {SOURCE: server}}))  # JSON is YAML
    (home / "zabbix.yml").write_text(json.dumps(_WISHES))
    for name, secret in (("none.token", "none"), ("admin.password", zabbix.password)):
        (home / name).touch(mode=0o600)
        (home / name).write_text(secret)
    done = _provision(home)
    assert done.returncode == 0, done.stdout + done.stderr
    [medium] = zabbix.call("mediatype.get", {"filter": {"name": NAME}})
    [action] = zabbix.call("action.get", {"filter": {"name": NAME}})
    [group] = zabbix.call("usergroup.get", {"filter": {"name": NAME}})
    token = (home / "zabbix.token").read_text().strip()
    return Objects(groupid, medium["mediatypeid"], action["actionid"], group["usrgrpid"], token, spool)


def _provision(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "glpi_bridge", "--config", str(home / "bridge.yml"), "provision", "zabbix"]
    command += ["--admin", "Admin", "--admin-password-file", str(home / "admin.password"), *options]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120)


def _script_and_spool(zabbix: ZabbixServer) -> Path:
    spool, scripts = zabbix.place / "spool", zabbix.alert_scripts
    shutil.copy(share.path("alert_scripts", "zabbix-glpi"), scripts)
    (scripts / "zabbix-glpi").chmod(0o755)
    (scripts / "zabbix-glpi.conf").write_text(f"SPOOL={spool}\n")
    for part in ("tmp", "new", "bad"):
        (spool / part).mkdir(parents=True)
    # the bridge of these tests is root, which reads what the user zabbix writes
    made = zabbix.run(["chown", "-R", "zabbix:zabbix", str(spool)])
    assert made.returncode == 0, made.stderr
    return spool
