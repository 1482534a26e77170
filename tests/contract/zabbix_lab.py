"""The two Zabbix servers of the recordings as worlds of the stand-in, and how exchanges are compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import requests

from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.sandbox.zabbix.model import (
    Event,
    Group,
    Host,
    Item,
    MediaType,
    Role,
    Token,
    Trigger,
    User,
    UserGroup,
    UserMacro,
)
from glpi_bridge.sandbox.zabbix.server import bridge_world
from glpi_bridge.sandbox.zabbix.world import World

RECORDINGS = Path(__file__).parent / "recordings" / "zabbix-7.0"
SESSION = "0123456789abcdef" * 2
TEXT = 'What to do:\n1. look\n2. act "quickly" & <calmly>'


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def recordings(pattern: str = "*/*.json") -> list[str]:
    return sorted(str(path.relative_to(RECORDINGS).with_suffix("")) for path in RECORDINGS.glob(pattern))


def recording(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    return record


def macros_of(message: str) -> dict[str, str]:
    """Read a message that names every macro as `EVENT.ID=[value]`; values may have several lines."""
    return dict(_MACRO.findall(message))


_MACRO = re.compile(r"^([A-Z$][A-Za-z0-9.$]*)=\[(.*?)\](?=\n[A-Z$][A-Za-z0-9.$]*=\[|\Z)", re.DOTALL | re.MULTILINE)


def _media_type() -> MediaType:
    asked = recording("02-configuration/020-mediatype-create-script")["request"]["json"]["params"]
    return MediaType(
        exec_path="true",
        parameters=tuple(one["value"] for one in asked["parameters"]),
        attempt_interval=asked["attempt_interval"],
        templates={
            (one["eventsource"], one["recovery"]): (one["subject"], one["message"])
            for one in asked["message_templates"]
        },
    )


def _world(clock: Clock) -> World:
    world = bridge_world(World(clock=clock))
    world.sessions[SESSION] = 1
    world.media_types[70] = _media_type()
    world.users[3].medias[0].sendto = "glpi <a@b>; $(x)"
    group = {"conditiontype": "0", "operator": "0", "value": "22", "value2": "", "formulaid": "A"}
    world.action.conditions = [group]
    return world


def first_server(clock: Clock) -> World:
    """The server of folders 01 to 06."""
    world = _world(clock)
    tags = [("env", "lab"), ("glpi_entity", "Operations")]
    inventory = {"serialno_a": "SN-0001", "asset_tag": "GLPI-1", "contact": "Paul Durand", "location": "Room 1"}
    world.hosts[10681] = Host(10681, "bare01", "bare01", {22}, ip=None)
    world.hosts[10680] = Host(
        10680,
        "web01",
        "Web server 1",
        {22},
        dns="web01.lab.example",
        tags=tags,
        inventory=inventory,
        inventory_mode=0,
        macros={"{$LAB}": UserMacro(1, "1")},
    )
    for number, row in enumerate(_FIRST_TRIGGERS):
        _add_first(world, number, row)
    world.items[50675] = Item(50675, 10681, "CPU load", "cpu.load")
    bare = Trigger(25219, 50675, 10681, "CPU load is high", expression="last(/bare01/cpu.load)>5")
    world.triggers[25219] = bare
    return world


def _add_first(world: World, number: int, row: dict[str, Any]) -> None:
    triggerid, itemid = 25212 + number, 50668 + number
    tags = [("component", row["component"])]
    world.items[itemid] = Item(itemid, 10680, row["item"], row["key"], row.get("units", ""), tags=tags)
    world.triggers[triggerid] = Trigger(
        triggerid,
        itemid,
        10680,
        row["description"],
        row["priority"],
        comments=TEXT,
        url="http://wiki.example/{HOST.HOST}",
        url_name="Runbook",
        opdata=row.get("opdata", ""),
        expression=row["expression"],
        manual_close=int(number == 0),
        tags=[("category", row["category"]), ("scope", "performance")],
    )


_FIRST_TRIGGERS: tuple[dict[str, Any], ...] = (
    {
        "description": "CPU load is high on {HOST.NAME}",
        "priority": 3,
        "item": "CPU load",
        "key": "cpu.load",
        "expression": "last(/web01/cpu.load)>5",
        "opdata": "Load: {ITEM.LASTVALUE1}",
        "category": "cpu",
        "component": "cpu",
    },
    {
        "description": "Memory is nearly full",
        "priority": 2,
        "item": "Memory used",
        "key": "mem.pused",
        "units": "%",
        "expression": "last(/web01/mem.pused)>90",
        "category": "memory",
        "component": "mem",
    },
    {
        "description": "Disk / is {ITEM.LASTVALUE1} full",
        "priority": 4,
        "item": "Disk used on /",
        "key": "disk.pused[/]",
        "units": "%",
        "expression": "last(/web01/disk.pused[/])>90",
        "opdata": "used {ITEM.LASTVALUE1}",
        "category": "disk",
        "component": "disk",
    },
    {
        "description": "Link eth0 is down",
        "priority": 5,
        "item": "Link eth0",
        "key": "net.down",
        "expression": "last(/web01/net.down)=1",
        "category": "network",
        "component": "net",
    },
    {
        "description": "CPU temperature is too high",
        "priority": 4,
        "item": "CPU temperature",
        "key": "temp.cpu",
        "units": "°C",
        "expression": "last(/web01/temp.cpu)>80",
        "opdata": "{ITEM.LASTVALUE1}",
        "category": "temperature",
        "component": "temp",
    },
    {
        "description": "Text says: {ITEM.LASTVALUE1}",
        "priority": 1,
        "item": "Text",
        "key": "text.in",
        "expression": 'length(last(/web01/text.in))>0 and last(/web01/text.in)<>"ok"',
        "category": "text",
        "component": "text",
    },
)


def second_server(clock: Clock) -> World:
    """The server of folders 08 to 11."""
    world = _world(clock)
    world.groups |= {23: Group(23, "Other"), 24: Group(24, "Load")}
    world.usergroups[14].rights = {22: 3, 24: 3}
    names = {10680: ("sw01", "Switch 1"), 10681: ("web01", "Web server 1"), 10682: ("web02", "Web server 2")}
    names |= {10683: ("db01", "Database 1"), 10686: ("foreign01", "Foreign 1")}
    for hostid, (host, name) in names.items():
        groups = {23} if hostid == 10686 else {22}
        world.hosts[hostid] = Host(hostid, host, name, groups, tags=[("env", "lab")])
    kinds = ("link", "svc")
    for index, hostid in enumerate((10680, 10681, 10682, 10683)):
        for offset, kind in enumerate(kinds):
            add_second(world, 25212 + 2 * index + offset, hostid, kind, f"{kind} down on {{HOST.NAME}}")
    add_second(world, 25220, 10686, "svc", "svc down on {HOST.NAME}")
    for userid, name, kind, rights in _OTHER_USERS:
        world.roles[userid] = Role(userid, name, kind)
        world.usergroups[userid] = UserGroup(userid, name, rights)
        world.users[userid] = User(userid, name, userid, usergroups=frozenset({userid}))
        world.tokens[userid] = Token(userid, name, userid, f"{userid:064x}")
    return world


def add_second(world: World, triggerid: int, hostid: int, component: str, description: str, **rest: Any) -> Trigger:
    itemid = triggerid + 25456
    world.items[itemid] = Item(itemid, hostid, component, component, tags=[("component", component)])
    made = Trigger(triggerid, itemid, hostid, description, expression=f"last(/x/{component})=1", **rest)
    world.triggers[triggerid] = made
    return made


_OTHER_USERS = (
    (101, "user_r", 1, {22: 2}),
    (102, "user_w", 1, {22: 3}),
    (103, "user_n", 1, {23: 3}),
    (104, "admin_r", 2, {22: 2}),
    (105, "admin_w", 2, {22: 3}),
    (106, "admin_n", 2, {23: 3}),
    (107, "admin_wn", 2, {22: 3}),
)


def raise_as(world: World, eventid: int, triggerid: int, value: str | None = None, **how: Any) -> Event:
    """Raise a problem with the id it had."""
    world.set_next_id("event", eventid)
    return world.raise_problem(world.triggers[triggerid], value=value, **how)


def recover_as(world: World, r_eventid: int, *eventids: int, value: str | None = None) -> Event:
    """End problems with the recovery event they had."""
    world.set_next_id("event", r_eventid)
    return world.recover([world.events[one] for one in eventids], value=value)


class Replay:
    """Sends recorded requests to a stand-in and collects what differs from the recorded answers."""

    def __init__(self, standin: Standin) -> None:
        self.standin, self.sent, self.differences = standin, set[str](), list[str]()

    def send(self, *names: str) -> None:
        for name in names:
            record = recording(name)
            self.sent.add(name)
            answer = self._ask(record["request"])
            wanted = record["response"]
            self._compare(name, "status", answer.status_code, wanted["status"])
            self._compare(name, "type", answer.headers.get("content-type"), wanted["headers"].get("content-type"))
            if "json" in wanted:
                self._compare_bodies(name, answer.json(), wanted["json"], self._is_sorted(record))
            else:
                self._compare(name, "body", answer.text, wanted["text"])

    @staticmethod
    def _is_sorted(record: dict[str, Any]) -> bool:
        """Without a sort field Zabbix promises no order of rows."""
        asked = record["request"].get("json")
        params = asked.get("params") if isinstance(asked, dict) else None
        return not isinstance(params, dict) or "sortfield" in params

    def _ask(self, request: dict[str, Any]) -> requests.Response:
        text = json.dumps(request["json"]) if "json" in request else request["text"]
        headers = {name: self._with_tokens(value) for name, value in request["headers"].items()}
        url = self.standin.url + request["path"]
        with requests.Session() as session:
            session.trust_env = False
            return session.post(url, data=self._with_tokens(text).encode(), headers=headers, timeout=30)

    def _with_tokens(self, text: str) -> str:
        for user in _OTHER_USERS:
            text = text.replace(f"<zabbix_api_token:{user[1]}>", f"{user[0]:064x}")
        text = text.replace("<zabbix_api_token:old>", "0" * 64)
        return text.replace("<session_id>", SESSION).replace("<zabbix_api_token>", self.standin.token)

    def _compare_bodies(self, name: str, got: Any, wanted: Any, is_sorted: bool) -> None:
        got, wanted = normal(got), normal(wanted)
        rows, wanted_rows = (one.get("result") if isinstance(one, dict) else None for one in (got, wanted))
        if isinstance(rows, list) and isinstance(wanted_rows, list):
            left_out = wanted_rows and re.fullmatch(r"<(\d+) rows in all>", str(wanted_rows[-1]))
            if left_out:
                self._compare(name, "rows", len(rows), int(left_out[1]))
                wanted_rows.pop()
                got["result"] = rows = [one for one in rows if one in wanted_rows]
            if not is_sorted:
                got["result"], wanted["result"] = (sorted(one, key=json.dumps) for one in (rows, wanted_rows))
        self._compare(name, "body", got, wanted)

    def _compare(self, name: str, what: str, got: Any, wanted: Any) -> None:
        if got != wanted:
            self.differences.append(f"{name} {what}:\n  got    {_shown(got)}\n  wanted {_shown(wanted)}")


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)[:1500]


_MOMENTS = {
    *("clock", "ns", "r_clock", "r_ns", "lastaccess", "created_at", "suppress_until", "attempt_clock", "lastchange"),
    "maintenance_from",
}
_TOKENS = {"sessionid", "secret"}
_TEXTS_OF_ALERTS = {"message"}  # compared macro by macro in test_zabbix_argv


def normal(value: Any, name: str = "") -> Any:
    """Make moments, tokens and the like alike; null and 0 stay what they are."""
    if isinstance(value, dict):
        is_alert = "alertid" in value
        return {
            key: "<text>" if is_alert and key in _TEXTS_OF_ALERTS else normal(one, key) for key, one in value.items()
        }
    if isinstance(value, list):
        return [normal(one, name) for one in value]
    if name in _MOMENTS:
        return "<moment>" if str(value) != "0" else value
    if name == "error" and isinstance(value, str):
        return re.sub(r'"/[^"]*/', '"/', value)  # where scripts lie
    if name == "data" and isinstance(value, str):
        return re.sub(r'"INSERT INTO (\w+).*"', r'"INSERT INTO \1"', value)
    if name in _TOKENS or value == "<session_id>" or re.fullmatch("[0-9a-f]{32}", str(value)):
        return "<token>"
    return value
