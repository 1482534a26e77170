"""A bare client for the stand-in's own tests: nothing of the bridge, so that neither hides the other's bugs."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from glpi_bridge.sandbox.glpi import GlpiServer

DEADLINE_SECONDS = 30.0


@dataclass
class Client:
    """One signed-in user."""

    glpi: GlpiServer
    token: str = ""

    @classmethod
    def bridge(cls, glpi: GlpiServer) -> Client:
        """Sign the bridge in by its token."""
        client = cls(glpi)
        answer = client.call("GET", "/initSession", Authorization=f"user_token {glpi.user_token}")
        client.token = answer.json()["session_token"]
        return client

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Send one request on a connection of its own."""
        sent = {"App-Token": self.glpi.app_token, **headers}
        if self.token:
            sent["Session-Token"] = self.token
        verify: str | bool = str(self.glpi.ca_file) if self.glpi.ca_file else True
        return requests.request(
            method,
            self.glpi.url + path,
            json=body,
            headers=sent,
            timeout=DEADLINE_SECONDS,
            verify=verify,
            allow_redirects=False,
        )

    def create(self, *items: dict[str, Any], write: bool = True) -> requests.Response:
        """Post tickets as a list."""
        path = "/Ticket?session_write=true" if write else "/Ticket"
        return self.call("POST", path, {"input": list(items)})

    def one(self, **fields: Any) -> int:
        """Create one ticket and return its id."""
        return int(self.call("POST", "/Ticket", {"input": {"name": "t", "content": "c", **fields}}).json()["id"])

    def found(self, *criteria: dict[str, Any], **more: Any) -> list[int]:
        """Return the ids a ticket search finds, in order."""
        body = {"criteria": list(criteria), "forcedisplay": [2], "range": "0-9999", "sort": 2, **more}
        return [row["2"] for row in self.call("POST", "/search/Ticket", body).json().get("data", [])]

    def raw(self, body: Any, *, keep: int | None = None) -> socket.socket:
        """Send a POST of tickets over a naked socket, `keep` bytes of the body only if given, and return the socket."""
        data = json.dumps(body).encode()
        head = (
            f"POST /apirest.php/Ticket?session_write=true HTTP/1.1\r\nHost: x\r\nApp-Token: {self.glpi.app_token}\r\n"
            f"Session-Token: {self.token}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        sock = socket.create_connection(("127.0.0.1", self.glpi.port), timeout=DEADLINE_SECONDS)
        sock.sendall(head.encode() + (data if keep is None else data[:keep]))
        return sock


def tickets(n: int, name: str = "n") -> list[dict[str, Any]]:
    """Return n drafts."""
    return [{"name": f"{name} {i}", "content": f"<p>c</p><p>zabbix z/{i}</p>"} for i in range(n)]


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, or fail after a generous deadline."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.002)


class Started:
    """A call running in the background."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            self.result = work()
        except BaseException as error:  # noqa: BLE001  # handed to the test
            self.error = error

    @property
    def running(self) -> bool:
        """Whether it has not returned yet."""
        return self._thread.is_alive()

    def wait(self) -> Any:
        """Return its result."""
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive(), "it did not return in time"
        if self.error is not None:
            raise self.error
        return self.result
