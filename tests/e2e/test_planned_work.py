"""Planned work is maintenance in a real Zabbix: no ticket meanwhile, and one for what still is wrong after it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.journey import Host, Journey, Signal, until
from tests.e2e.zabbix_server import ZabbixServer

APPLIED = 5
HOUR = 3600
_ADMIN, _READ_WRITE = 2, 3
_SECONDS = 240
"""Zabbix begins and ends maintenances by the minute, and what ends early ends with its minute."""


@pytest.fixture
def token(journey: Journey, zabbix: ZabbixServer) -> Iterator[str]:
    """The token of a user whose role, rights and methods are those that the how-to names."""
    name = f"maintenance-{uuid.uuid4().hex[:8]}"
    methods = ["host.get", *(f"maintenance.{verb}" for verb in ("get", "create", "update", "delete"))]
    rules = {"api.access": 1, "api.mode": 1, "api": methods}
    [role] = zabbix.call("role.create", {"name": name, "type": _ADMIN, "rules": rules})["roleids"]
    rights = [{"id": journey.objects.groupid, "permission": _READ_WRITE}]
    [group] = zabbix.call("usergroup.create", {"name": name, "hostgroup_rights": rights})["usrgrpids"]
    person = {"username": name, "passwd": f"Pw-{uuid.uuid4().hex}", "roleid": role, "usrgrps": [{"usrgrpid": group}]}
    [user] = zabbix.call("user.create", person)["userids"]
    [tokenid] = zabbix.call("token.create", {"name": name, "userid": user})["tokenids"]
    yield zabbix.call("token.generate", [tokenid])[0]["token"]
    zabbix.call("token.delete", [tokenid])
    zabbix.call("user.delete", [user])
    zabbix.call("usergroup.delete", [group])
    zabbix.call("role.delete", [role])


def settings(journey: Journey, token: str) -> None:
    """Let planned work become maintenance."""
    journey.home.joinpath("maintenance.token").touch(mode=0o600)
    journey.home.joinpath("maintenance.token").write_text(token)
    read: dict[str, Any] = json.loads(journey.settings.read_text())
    read["glpi"]["timezone"] = "UTC"
    next(iter(read["zabbix"].values()))["maintenance"] = {"token_file": "./maintenance.token"}
    journey.settings.write_text(json.dumps(read))


def plan(journey: Journey, host: Host) -> int:
    """Make a Change about the host, with a task that is under way; return its number."""
    people, world = journey.glpi.people, journey.glpi.world
    world.db["Profile"].update(9, {"task": 8193, "networking": 1, "internet": 1})
    computer = world.db["Computer"].insert({"name": host.name, "entities_id": 0, "is_recursive": 1})
    change = int(people.create(itemtype="Change", user=9, name="Replace the disk", content="<p>x</p>"))
    item = {"changes_id": change, "itemtype": "Computer", "items_id": computer}
    world.writers["Change_Item"].add(people.act(9), item)
    begin, end = (f"{datetime.fromtimestamp(time.time() + at, UTC):%Y-%m-%d %H:%M:%S}" for at in (-HOUR, HOUR))
    people.create(itemtype="ChangeTask", user=9, changes_id=change, state=1, content="<p>x</p>", begin=begin, end=end)
    return change


@pytest.mark.standin
def test_planned_work_makes_no_ticket_until_it_is_over(journey: Journey, zabbix: ZabbixServer, token: str) -> None:
    host = journey.host(Signal("disk"))
    settings(journey, token)
    change = plan(journey, host)
    assert "may put" in journey.command("check").stdout
    journey.start()
    name = f"GLPI change {change}"
    wanted = {"filter": {"name": name}, "selectHosts": ["host"], "selectTimeperiods": "extend", "output": "extend"}
    [made] = journey.until(lambda: zabbix.call("maintenance.get", wanted), "a maintenance in Zabbix")
    try:
        assert [one["host"] for one in made["hosts"]] == [host.name]
        until(lambda: status(zabbix, host) == "1", "the host in maintenance", seconds=_SECONDS)
        host.send("disk", 1)
        event = host.event("disk")
        until(lambda: is_suppressed(zabbix, event), "a problem that is suppressed", seconds=_SECONDS)
        synced = journey.synced_at()
        journey.until(lambda: journey.synced_at() > synced, "another comparison of both sides")
        assert (host.alerts("disk"), journey.tickets(event)) == ([], [])
        journey.glpi.people.edit(change, itemtype="Change", status=APPLIED)
        journey.ticket(event, seconds=_SECONDS)
        notes = [row["content"] for row in journey.glpi.rows("ITILFollowup") if row["itemtype"] == "Change"]
        assert ["was made" in notes[0], "was ended early" in notes[1]] == [True, True]
    finally:
        zabbix.call("maintenance.delete", [made["maintenanceid"]])


def status(zabbix: ZabbixServer, host: Host) -> str:
    return str(zabbix.call("host.get", {"hostids": [host.hostid]})[0]["maintenance_status"])


def is_suppressed(zabbix: ZabbixServer, event: Any) -> bool:
    return bool(zabbix.call("event.get", {"eventids": [event["eventid"]]})[0]["suppressed"] == "1")
