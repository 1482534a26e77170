"""smoke.py SETTINGS: one value over a threshold in Zabbix, until its ticket in GLPI is there and solved again.

SETTINGS is a file of JSON that only root may read. Makes a host of its own in Zabbix and takes it away at the end; the
ticket stays in GLPI, solved. Prints what was seen as JSON; exit code 1 and one sentence where something did not come.
"""

import json
import re
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOST = "glpi-bridge-smoke"
KEY = "glpi_bridge.smoke"
NAME = f"Smoke test {int(time.time())} of glpi_bridge: the value is over its threshold"
"""One of its own each time: an earlier test that broke off may have left an open ticket."""
MADE = "Made by smoke.yml of glpi_bridge for the length of a test"
THRESHOLD, UNDER, OVER = 90, 10, 99
BRIDGE = ("runuser", "-u", "glpi-bridge", "--", "/opt/glpi-bridge/venv/bin/glpi-bridge")


class DidNotCome(Exception):
    """Something that was waited for is not there; the sentence says what."""


class Zabbix:
    """The API, as a super admin."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.url = settings["zabbix_url"].rstrip("/") + "/api_jsonrpc.php"
        self.tls = ssl.create_default_context(cafile=settings["ca_file"])
        self.session = ""
        login = {"username": settings["admin"], "password": settings["password"]}
        self.session = self.call("user.login", login)

    def call(self, method: str, params: Any) -> Any:
        """Call a method; raise DidNotCome with Zabbix's words."""
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).encode()
        headers = {"Content-Type": "application/json-rpc"}
        if self.session:
            headers["Authorization"] = f"Bearer {self.session}"
        request = urllib.request.Request(self.url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls) as answer:
                told = json.load(answer)
        except OSError as error:
            raise DidNotCome(f"Zabbix does not answer at {self.url}: {error}") from error
        if "error" in told:
            raise DidNotCome(f"Zabbix refuses {method}: {told['error'].get('data') or told['error'].get('message')}")
        return told["result"]


@contextmanager
def host(zabbix: Zabbix, group: str) -> Iterator[str]:
    """Make the host with its item and trigger; give the trigger's id."""
    for left in zabbix.call("host.get", {"filter": {"host": HOST}, "output": ["description"]}):
        if left["description"] != MADE:
            raise DidNotCome(f"Zabbix has a host {HOST} that this test has not made: rename it")
        zabbix.call("host.delete", [left["hostid"]])
    found = zabbix.call("hostgroup.get", {"filter": {"name": group}, "output": ["groupid"]})
    if not found:
        raise DidNotCome(f"Zabbix has no host group {group}: name one of the bridge's in smoke_group")
    [hostid] = zabbix.call(
        "host.create", {"host": HOST, "groups": [{"groupid": found[0]["groupid"]}], "description": MADE}
    )["hostids"]
    try:
        item = {"hostid": hostid, "name": "Value", "key_": KEY, "type": 2, "value_type": 0}
        zabbix.call("item.create", item)
        trigger = {
            "description": NAME,
            "expression": f"last(/{HOST}/{KEY})>{THRESHOLD}",
            "priority": 4,
            "tags": [{"tag": "component", "value": "cpu"}],
        }
        [triggerid] = zabbix.call("trigger.create", trigger)["triggerids"]
        yield triggerid
    finally:
        zabbix.call("host.delete", [hostid])


def send(value: int) -> bool:
    """Send a value as any monitored machine would; whether the server has taken it."""
    command = ["zabbix_sender", "-z", "127.0.0.1", "-s", HOST, "-k", KEY, "-o", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "processed: 1;" in done.stdout


def bridge(*arguments: str) -> Any:
    """Ask the bridge; None where it cannot say."""
    done = subprocess.run([*BRIDGE, *arguments, "--json"], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def awaited(what: str, seconds: float, look: Callable[[], Any]) -> Any:
    """Look each half second until there is something."""
    end = time.monotonic() + seconds
    while True:
        if seen := look():
            return seen
        if time.monotonic() > end:
            raise DidNotCome(f"{what} did not come within {seconds:.0f} s: see `glpi-bridge status` and `check`")
        time.sleep(0.5)


def smoke(settings: dict[str, Any]) -> dict[str, Any]:
    """Walk the whole way."""
    seconds = float(settings["seconds"])
    zabbix = Zabbix(settings)
    with host(zabbix, settings["group"]) as triggerid:
        subprocess.run(["zabbix_server", "-R", "config_cache_reload"], capture_output=True, check=False)
        awaited("the server's notice of the new item", 120, lambda: send(UNDER))
        raised = time.monotonic()
        awaited("a value that is taken", 30, lambda: send(OVER))
        event = awaited("the problem in Zabbix", 60, lambda: newest(zabbix, triggerid))
        number = awaited("the ticket's number in Zabbix", seconds, lambda: told(zabbix, event))
        took = time.monotonic() - raised
        ticket = awaited("the ticket in GLPI", 10, lambda: bridge("ticket", "show", number))
        if f"eventid={event}" not in content(settings, number):
            raise DidNotCome(f"ticket {number} has no link to its event {event}")
        if settings["category"] and ticket["category"] != settings["category"]:
            raise DidNotCome(f"ticket {number} is in {ticket['category'] or 'no category'}, not {settings['category']}")
        tickets = bridge("ticket", "list", "--text", NAME, "--status", "open") or {}
        if tickets.get("total") != 1:
            raise DidNotCome(f"there are {tickets.get('total')} open tickets of this problem, not one")
        recovered = time.monotonic()
        send(UNDER)
        awaited("the solution", seconds, lambda: (bridge("ticket", "show", number) or {}).get("status") == "solved")
        solved = time.monotonic() - recovered
    return {
        "ticket": int(number),
        "link": ticket["link"],
        "category": ticket["category"],
        "event": event,
        "seconds_to_ticket": round(took, 1),
        "seconds_to_solution": round(solved, 1),
    }


def content(settings: dict[str, Any], number: str) -> str:
    """Read a ticket's text as GLPI has it, links and all."""
    tls = ssl.create_default_context(cafile=settings["ca_file"])
    tokens = {name: Path(f"/etc/glpi-bridge/{name}.token").read_text().strip() for name in ("glpi", "glpi-app")}

    def ask(path: str, headers: dict[str, str]) -> Any:
        address = settings["glpi_url"].rstrip("/") + "/apirest.php/" + path
        request = urllib.request.Request(address, headers={"App-Token": tokens["glpi-app"], **headers})
        try:
            with urllib.request.urlopen(request, timeout=30, context=tls) as answer:
                return json.loads(answer.read() or "null")
        except OSError as error:
            raise DidNotCome(f"GLPI does not answer at {address}: {error}") from error

    session = {"Session-Token": ask("initSession", {"Authorization": f"user_token {tokens['glpi']}"})["session_token"]}
    try:
        return str(ask(f"Ticket/{number}", session)["content"])
    finally:
        ask("killSession", session)


def newest(zabbix: Zabbix, triggerid: str) -> str | None:
    """Give the id of the trigger's problem."""
    problems = zabbix.call("event.get", {"objectids": triggerid, "value": 1, "output": ["eventid"]})
    return problems[0]["eventid"] if problems else None


def told(zabbix: Zabbix, event: str) -> str | None:
    """Give the ticket's number that the bridge has written on the event."""
    found = zabbix.call("event.get", {"eventids": event, "selectAcknowledges": ["message"], "output": ["eventid"]})
    messages = " ".join(one["message"] for row in found for one in row["acknowledges"])
    number = re.search(r"ticket (\d+)", messages)
    return number[1] if number else None


if __name__ == "__main__":
    try:
        print(json.dumps(smoke(json.loads(Path(sys.argv[1]).read_text()))))
    except DidNotCome as error:
        sys.exit(str(error))
