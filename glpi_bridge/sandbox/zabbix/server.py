"""The stand-in as a real HTTP server on 127.0.0.1: API, ordered faults, control, and a page for people.

`Standin` runs it in this process; `python -m glpi_bridge.sandbox.zabbix` runs it as its own.
"""

from __future__ import annotations

import contextlib
import html
import json
import socket
import struct
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from glpi_bridge.alert import ALERT_FIELDS
from glpi_bridge.sandbox.zabbix import texts
from glpi_bridge.sandbox.zabbix.actions import telling
from glpi_bridge.sandbox.zabbix.alerts import Alerter, parameters
from glpi_bridge.sandbox.zabbix.api import Api
from glpi_bridge.sandbox.zabbix.control import Control
from glpi_bridge.sandbox.zabbix.deeds import Deeds
from glpi_bridge.sandbox.zabbix.faults import Fault, FaultKind, Faults
from glpi_bridge.sandbox.zabbix.model import Media, MediaType, Refusal, Role, Token, User, UserGroup
from glpi_bridge.sandbox.zabbix.shapes import NotServed
from glpi_bridge.sandbox.zabbix.world import World

TOKEN = "5a" * 32
"""The API token of the stand-in's user `bridge`."""

ADMIN_PASSWORD = "zabbix"  # noqa: S105  # as in a new Zabbix
BRIDGE_METHODS = frozenset({"event.get", "event.acknowledge", "problem.get", "trigger.get", "host.get"})
BRIDGE_ACTIONS = frozenset(
    {"acknowledge_problems", "close_problems", "add_problem_comments", "change_severity", "suppress_problems"}
)
VERSIONS = {"7.0": (7, 0, 22), "7.2": (7, 2, 10), "7.4": (7, 4, 5)}
JSON_TYPES = {"application/json-rpc", "application/json", "application/jsonrequest"}
_MESSAGES = {
    -32700: "Parse error",
    -32600: "Invalid request.",
    -32601: "Method not found.",
    -32602: "Invalid params.",
    -32500: "Application error.",
}


def bare_world(world: World) -> World:
    """Give a world what a new Zabbix has: its people, roles and groups, and nothing of the bridge."""
    for name in ("Linux servers", "Zabbix servers", "Lab servers"):
        world.add_group(name)
    return _with_admin(world)


def _with_admin(world: World) -> World:
    world.roles[1], world.roles[2] = Role(1, "User role", 1), Role(2, "Admin role", 2)
    world.roles[3] = Role(3, "Super admin role", texts.SUPER_ADMIN)
    world.usergroups[7] = UserGroup(7, "Zabbix administrators")
    world.users[1] = User(1, "Admin", 3, ADMIN_PASSWORD, "Zabbix", "Administrator", frozenset({7}))
    return world


def bridge_world(world: World) -> World:
    """Give a world its people, the bridge with the rights that the documents propose, and what tells it."""
    group = world.add_group("Lab servers")
    _with_admin(world)
    world.roles[5] = Role(5, "Bridge role", 1, BRIDGE_METHODS, BRIDGE_ACTIONS)
    world.usergroups[14] = UserGroup(14, "Bridge group", {group: 3}, gui_access=3)
    world.users[3] = User(3, "bridge", 5, usergroups=frozenset({14}), medias=[Media(1, 70, "glpi")])
    world.tokens[1] = Token(1, "bridge token", 3, TOKEN)
    world.media_types[70] = MediaType()
    world.actions[7] = telling(7, 3, 70)
    return world


class Standin(Control):
    """A Zabbix in this process. A context manager; as `Control` it does the same without HTTP."""

    def __init__(
        self,
        *,
        script: Path | str | None = None,
        spool: Path | str = "-",
        source: str = "",
        version: str = "7.0",
        port: int = 0,
        world: World | None = None,
        threads: bool = True,
    ) -> None:
        """Start. Without a `script` nobody is told; without `threads` alerts run in `run_alerts` only.

        A `world` that is given keeps its own media type and action; `script` then only says where its script lies.
        """
        self.world = world or bridge_world(World())
        self.api = Api(self.world, VERSIONS[version])
        self.faults, self.calls, self.not_served = Faults(), Counter[str](), list[str]()
        path = Path(script).resolve() if script else Path("/nonexistent")
        self.alerter = Alerter(self.world, path.parent)
        if world is None:
            self.world.media_type.exec_path = path.name
            self.world.media_type.parameters = parameters(str(spool), dict(ALERT_FIELDS), source)
            self.world.action.status = 0 if script else 1
        self._deeds = Deeds(self.world, self.api, self.alerter)
        self._connections: set[socket.socket] = set()
        self.over = threading.Event()
        self.listen(port)
        self.port = int(self._server.server_address[1])
        super().__init__(f"http://127.0.0.1:{self.port}")
        if threads:
            self.alerter.start()

    token = TOKEN

    def listen(self, port: int) -> None:
        """Open the port."""
        self._server = _Server(("127.0.0.1", port), _Handler, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def deafen(self) -> None:
        """Stop listening and break what is connected."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connected in list(self._connections):
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop; calls that hang are let go, an alert that runs is waited for."""
        self.over.set()
        self.faults.heal()
        self.deafen()
        self.alerter.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def run_alerts(self) -> None:
        """Run all alerts that are due, here and now."""
        self.alerter.run()

    def do(self, deed: str, **arguments: Any) -> Any:
        """Do something by its name, without HTTP."""
        if deed == "counts":
            return {"calls": dict(self.calls), "not_served": list(self.not_served)}
        if deed == "fault":
            kind = FaultKind(arguments["kind"])
            return self.faults.order(Fault(kind, int(arguments["times"]), str(arguments["method"])))
        if deed == "heal":
            return self.faults.heal()
        if deed == "refuse":
            return self._refuse(float(arguments["seconds"]))
        method = getattr(self._deeds, deed, None)
        if method is None or deed.startswith("_"):
            raise ValueError(f"the stand-in knows no deed {deed!r}")
        try:
            return method(**arguments)
        except TypeError as error:
            raise ValueError(f"{deed}: {error}") from error

    def _refuse(self, seconds: float) -> None:
        threading.Thread(target=self._be_away, args=(seconds,), daemon=True).start()

    def _be_away(self, seconds: float) -> None:
        time.sleep(0.05)  # the answer to the order goes out first
        self.deafen()
        self.over.wait(seconds)
        if not self.over.is_set():
            self.listen(self.port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], standin: Standin) -> None:
        self.standin = standin
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to talk about; anything else shows."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Server
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.standin._connections.add(self.connection)

    def finish(self) -> None:
        self.server.standin._connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is http.server's
        """Say nothing."""

    def do_GET(self) -> None:
        """The page for people."""
        if self.path.split("?")[0] == "/":
            self._send(200, "text/html; charset=UTF-8", _page(self.server.standin))
        else:
            self._send(404, "text/html; charset=UTF-8", b"<h1>Not Found</h1>")

    def do_POST(self) -> None:
        """The API, or the control."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        if path.startswith("/_sandbox/"):
            self._control(path.removeprefix("/_sandbox/"), body)
        elif path.endswith("/api_jsonrpc.php"):
            self._api(body)
        else:
            self._send(404, "text/html; charset=UTF-8", b"<h1>Not Found</h1>")

    def _control(self, deed: str, body: bytes) -> None:
        try:
            if self.headers.get_content_type() != "application/json":  # what a page of another origin cannot send
                raise ValueError("application/json is wanted")
            told = {"result": self.server.standin.do(deed, **json.loads(body or b"{}"))}
        except (ValueError, KeyError) as error:
            told = {"error": str(error)}
        self._send(200, "application/json", json.dumps(told).encode())

    def _api(self, body: bytes) -> None:
        standin = self.server.standin
        if self.headers.get_content_type() not in JSON_TYPES:
            self._send(412, "text/html; charset=UTF-8", b"")
            return
        try:
            asked = json.loads(body)
        except ValueError:
            data = "Invalid JSON. An error occurred on the server while parsing the JSON text."
            self._send_json(_error(None, Refusal(-32700, data)))
            return
        method = str(asked.get("method", "")) if isinstance(asked, dict) else ""
        kind = standin.faults.next_for(method)
        try:
            answer = None if kind and not kind.is_after else self._answers(asked)
        except NotServed as error:
            standin.not_served.append(str(error))
            self._send(501, "text/plain; charset=UTF-8", f"the stand-in does not serve {error}".encode())
            return
        if kind is None:
            self._send_json(answer)
        else:
            self._fail(kind, asked, answer)

    def _answers(self, asked: Any) -> Any:
        return [self._answer(one) for one in asked] if isinstance(asked, list) else self._answer(asked)

    def _answer(self, asked: Any) -> dict[str, Any]:
        standin, number = self.server.standin, asked.get("id")
        try:
            if "method" not in asked:
                raise Refusal(-32600, 'Invalid parameter "/": the parameter "method" is missing.')
            standin.calls[asked["method"]] += 1
            token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
            if "auth" in asked:
                if standin.api.version >= (7, 2):
                    raise Refusal(-32600, 'Invalid parameter "/": unexpected parameter "auth".')
                token = asked["auth"]
            result = standin.api.call(asked["method"], asked.get("params", {}), token)
        except Refusal as error:
            return _error(number, error)
        return {"jsonrpc": "2.0", "result": result, "id": number}

    def _fail(self, kind: FaultKind, asked: Any, answer: Any) -> None:
        method, number = str(asked.get("method", "")), asked.get("id")
        if kind is FaultKind.BLACK_HOLE:
            self.server.standin.faults.healed.wait()
            self.close_connection = True
        elif kind is FaultKind.SLOW:
            self._dribble(json.dumps(answer).encode())
        elif kind in {FaultKind.RESET, FaultKind.RESET_AFTER}:
            self._reset()
        elif kind in {FaultKind.ERROR_500, FaultKind.ERROR_500_AFTER}:
            self._send(500, "text/html; charset=UTF-8", b"<h1>Internal Server Error</h1>")
        elif kind is FaultKind.ERROR_503:
            self._send(503, "text/html", b"<h1>Service Unavailable</h1>", {"Retry-After": "30"})
        elif kind is FaultKind.REDIRECT:
            self._send(301, "text/html", b"", {"Location": "https://elsewhere.example/api_jsonrpc.php"})
        elif kind is FaultKind.HTML:
            self._send(200, "text/html; charset=UTF-8", b"<!DOCTYPE html><title>Zabbix: log in</title>")
        elif kind is FaultKind.EMPTY:
            self._send(200, "application/json", b"")
        elif kind is FaultKind.EMPTY_RESULT:
            self._send_json({"jsonrpc": "2.0", "result": [], "id": number})
        elif kind is FaultKind.WRONG_TOKEN:
            self._send_json(_error(number, Refusal(-32602, "Not authorized.")))
        else:
            self._send_json(_error(number, Refusal(-32500, f'No permissions to call "{method}".')))

    def _dribble(self, body: bytes) -> None:
        """Send a byte a second until the client goes or the fault is healed."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode())
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.standin.faults.healed.wait(1.0):
                break
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _send_json(self, answer: Any) -> None:
        self._send(200, "application/json", json.dumps(answer).encode())

    def _send(self, status: int, kind: str, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {**_CORS, "Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type,Authorization",
    "Access-Control-Allow-Methods": "POST,OPTIONS",
    "Access-Control-Max-Age": "1000",
}


def _error(number: Any, error: Refusal) -> dict[str, Any]:
    told = {"code": error.code, "message": _MESSAGES[error.code], "data": error.data}
    return {"jsonrpc": "2.0", "error": told, "id": number}


def _page(standin: Standin) -> bytes:
    """Show all problems with what was said about them."""
    with standin.world.lock:
        problems = [one for one in standin.world.events.values() if one.value]
        rows = [_page_row(standin.world, one.eventid) for one in reversed(problems)]
    return (_PAGE_HEAD + "".join(rows) + "</table>").encode()


def _page_row(world: World, eventid: int) -> str:
    event = world.events[eventid]
    trigger = world.triggers.get(event.objectid)
    host = world.hosts[trigger.hostid].name if trigger else "(deleted)"
    when = f"{texts.date(world, event.clock)} {texts.hour(world, event.clock)}"
    state = "resolved" if event.r_eventid else "suppressed" if event.is_suppressed else "problem"
    said = "\n".join(one.message for one in event.acknowledges if one.message)
    cells = (str(eventid), when, texts.SEVERITIES[event.severity], host, event.name, state, said)
    return "<tr>" + "".join(f"<td>{html.escape(one)}</td>" for one in cells) + "</tr>\n"


_PAGE_HEAD = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Stand-in for Zabbix: problems</title>
<style>body{font:15px/1.4 sans-serif;margin:2rem}table{border-collapse:collapse}td,th{border:1px solid #ccc;
padding:.3rem .6rem;text-align:left;vertical-align:top;white-space:pre-wrap}</style>
<h1>Problems</h1><p>This is the sandbox's stand-in for Zabbix, not Zabbix.</p>
<table><tr><th>Event<th>Time<th>Severity<th>Host<th>Problem<th>State<th>Messages</tr>
"""
