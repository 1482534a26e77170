"""The real Zabbix itself: what the other tests here take for granted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.zabbix_server import ZabbixServer, wait


@pytest.fixture
def host(zabbix: ZabbixServer) -> Iterator[str]:
    """A host with a trigger on the item `value`: above 0 is a problem."""
    name = f"host-{uuid.uuid4().hex[:8]}"
    [group] = zabbix.call("hostgroup.get", {"filter": {"name": "Linux servers"}})
    [hostid] = zabbix.call("host.create", {"host": name, "groups": [{"groupid": group["groupid"]}]})["hostids"]
    item = {"hostid": hostid, "name": "value", "key_": "value", "type": 2, "value_type": 3}
    zabbix.call("item.create", item)
    zabbix.call("trigger.create", {"description": "too much", "expression": f"last(/{name}/value)>0", "priority": 4})
    yield name
    zabbix.call("host.delete", [hostid])


def open_problems(zabbix: ZabbixServer, host: str) -> list[str]:
    [found] = zabbix.call("host.get", {"filter": {"host": host}})
    return [row["name"] for row in zabbix.call("problem.get", {"hostids": [found["hostid"]]})]


def test_it_is_version_7_0(zabbix: ZabbixServer) -> None:
    assert zabbix.call("apiinfo.version").startswith("7.0.")


def test_a_value_that_is_sent_opens_a_problem_and_another_one_ends_it(zabbix: ZabbixServer, host: str) -> None:
    zabbix.send(host, "value", 1)
    wait(lambda: open_problems(zabbix, host) == ["too much"], "the problem", zabbix.log)
    zabbix.send(host, "value", 0)
    wait(lambda: open_problems(zabbix, host) == [], "its end", zabbix.log)


def test_it_can_be_restarted_and_still_knows_its_problems(zabbix: ZabbixServer, host: str) -> None:
    zabbix.send(host, "value", 1)
    wait(lambda: open_problems(zabbix, host) == ["too much"], "the problem", zabbix.log)
    zabbix.restart()
    assert open_problems(zabbix, host) == ["too much"]
    zabbix.send(host, "value", 0)
    wait(lambda: open_problems(zabbix, host) == [], "its end", zabbix.log)


def test_the_agent_answers(zabbix: ZabbixServer) -> None:
    said = zabbix.run(["zabbix_get", "-s", "127.0.0.1", "-p", str(zabbix.agent_port), "-k", "agent.ping"])
    assert said.stdout.strip() == "1", said.stderr
