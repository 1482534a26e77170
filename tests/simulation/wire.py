"""The line to a GLPI: the stand-in's own engine, without sockets or threads, under an injected clock.

A request may be carried out before, after or long after its answer; in part; by a PHP process that dies and whose last
row appears up to 50 s later. `killSession` waits for what the session still has to do, as PHP's file lock makes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

from glpi_bridge.errors import DeadlineExceeded, NoAnswer, NotConnected
from glpi_bridge.sandbox.glpi.answers import Answer
from glpi_bridge.sandbox.glpi.api import Api
from glpi_bridge.sandbox.glpi.faults import Fault, FaultKind
from glpi_bridge.sandbox.glpi.http import Request, Reset
from glpi_bridge.sandbox.glpi.world import World

BASE = "http://glpi.example/apirest.php"
LATEST_ROW = 50.0

# What may happen to a write. The engine knows the faults of GLPI itself; lost answers and late work are made here.
ENGINE_FAULTS = {
    "500": FaultKind.ERROR_AFTER,
    "empty": FaultKind.EMPTY_AFTER,
    "502": FaultKind.BAD_GATEWAY_AFTER,
    "500 before": FaultKind.ERROR_BEFORE,
    "login page": FaultKind.LOGIN_PAGE,
    "maintenance": FaultKind.MAINTENANCE,
    "database down": FaultKind.DATABASE_DOWN,
    "lock wait": FaultKind.LOCK_WAIT,
    "gone away": FaultKind.GONE_AWAY,
    "query error": FaultKind.QUERY_ERROR,
    "body lost": FaultKind.BODY_LOST,
    "fewer results": FaultKind.FEWER_RESULTS,
    "notice": FaultKind.NOTICE,
    "partial": FaultKind.PARTIAL,
    "all failed": FaultKind.ALL_FAILED,
    "too many": FaultKind.TOO_MANY,
    "wrong address": FaultKind.NOT_ALLOWED_IP,
}
READ_FAULTS = ("500 before", "login page", "maintenance", "empty", "lost before", "refused connection", "too many")
WRITE_FAULTS = (
    "lost before", "lost after", "prefix", "later", "later", "split", "late row", "late row", "session lost",
    "refused connection", *ENGINE_FAULTS,
)  # fmt: skip


@dataclass
class Response:
    """What `requests` would give."""

    status_code: int
    headers: dict[str, str]
    content: bytes
    elapsed: timedelta


@dataclass
class Pending:
    """A request that GLPI has begun and not yet ended; `due` is when it would by itself."""

    token: str
    due: float
    run: Callable[[], object]


@dataclass
class Trouble:
    """How bad the line is: chances of a fault for reads and writes, and which kinds come."""

    reads: float = 0.0
    writes: float = 0.0
    kinds: tuple[str, ...] = WRITE_FAULTS
    repeats: float = 0.0


@dataclass
class Wire:
    """Stands where `requests.Session` does; `at` is called before and after each effect."""

    world: World
    rng: Random
    now: Callable[[], float]
    at: Callable[[str], None]
    sleep: Callable[[float], None]
    trouble: Trouble = field(default_factory=Trouble)
    is_down: Callable[[], bool] = lambda: False
    pending: list[Pending] = field(default_factory=list)
    late: dict[int, float] = field(default_factory=dict)
    locks: bool = True
    calls: int = 0
    repeated: bool = False
    log: list[str] = field(default_factory=list)
    adapters: Any = None

    def __post_init__(self) -> None:
        self.api = Api(self.world)

    # -- what the client calls --

    def request(
        self, method: str, url: str, *, params: Mapping[str, Any], headers: Mapping[str, str], json: Any = None
    ) -> Response:
        """Send one request; typed errors as `glpi_bridge.http` raises them."""
        path = url.removeprefix(BASE)
        self.calls += 1
        self.at(f"before {method} {path}")
        began = self.now()
        self.sleep(self.rng.choice((0.01, 0.05, 0.3)))
        self.settle_time()
        if self.is_down():
            raise NotConnected("GLPI refuses the connection", target="GLPI")
        send = self._kill if path == "/killSession" else self._write if "session_write" in params else self._read
        try:
            answer = send(Call(method, path, dict(params), dict(headers), json))
        finally:
            self.settle_time()
        self.at(f"after {method} {path}")
        headers_ = {"content-type": answer.content_type, **answer.headers}
        return Response(answer.status, headers_, answer.body, timedelta(seconds=self.now() - began))

    # -- time --

    def settle_time(self) -> None:
        """Let happen what is due by now: requests that end by themselves, rows that appear late."""
        now = self.now()
        for one in [one for one in self.pending if one.due <= now]:
            self.pending.remove(one)
            one.run()
        for row_id in [row_id for row_id, due in self.late.items() if due <= now]:
            del self.late[row_id]
            self.world.release_late(row_id)

    def finish(self, token: str) -> None:
        """Wait for what a session still has to do: its lock."""
        for one in [one for one in self.pending if one.token == token]:
            self.pending.remove(one)
            one.run()

    # -- one request each --

    def _kill(self, call: Call) -> Answer:
        if self.locks:
            busy = any(one.token == call.token for one in self.pending)
            if busy and self.rng.random() < 0.3:
                # the gateway gives up; the killSession itself waits on behind the write
                due = max(one.due for one in self.pending if one.token == call.token)
                self.pending.append(Pending(call.token, due, lambda: self._serve(call)))
                raise NoAnswer("504 Gateway Time-out", target="GLPI")
            self.finish(call.token)
        return self._troubled_read(call)

    def _read(self, call: Call) -> Answer:
        if self.locks:
            self.finish(call.token)
        return self._troubled_read(call)

    def _troubled_read(self, call: Call) -> Answer:
        if self.rng.random() >= self.trouble.reads:
            return self._serve(call)
        kind = self.rng.choice(READ_FAULTS)
        self.log.append(f"{call.path}: {kind}")
        if kind == "refused connection":
            raise NotConnected("connection refused", target="GLPI")
        if kind == "lost before":
            raise DeadlineExceeded("no answer within 30 s", target="GLPI")
        return self._serve(call, Fault(ENGINE_FAULTS[kind]))

    def _write(self, call: Call) -> Answer:
        if self.locks:
            self.finish(call.token)
        if call.path == "/Ticket" and call.method == "POST" and self.rng.random() < self.trouble.repeats:
            # refused at its second arrival it would be a lie that nothing can see through: docs tell that limit
            self.repeated = True
            self._serve(call)
            return self._serve(call) if self.rng.random() < 0.5 else self._lost(call, "lost after")
        if self.rng.random() >= self.trouble.writes:
            return self._serve(call)
        kind = self.rng.choice(self.trouble.kinds)
        self.log.append(f"{call.method} {call.path} of {len(call.items)}: {kind}")
        if kind in ENGINE_FAULTS:
            after = self.rng.randrange(len(call.items) + 1)
            bounded = kind in ("500", "empty", "502", "gone away", "body lost", "query error")
            return self._serve(call, Fault(ENGINE_FAULTS[kind], after_items=after if bounded else None, seconds=30))
        return self._lost(call, kind)

    def _lost(self, call: Call, kind: str) -> Answer:
        """Lose the answer, or the connection, or the session."""
        cut = self.rng.randrange(len(call.items) + 1)
        match kind:
            case "refused connection":
                raise NotConnected("connection refused", target="GLPI")
            case "session lost":
                self.world.sessions.files.pop(call.token, None)
                return self._serve(call)
            case "lost after":
                self._serve(call)
            case "prefix":
                self._part(call, call.items[:cut])
            case "later":
                self._later(call, call.items)
            case "split":
                self._part(call, call.items[:cut])
                self._later(call, call.items[cut:])
            case "late row":
                self._late_row(call, min(cut, len(call.items) - 1))
        self.sleep(self.rng.choice((0.0, 5.0, 30.0)))
        raise DeadlineExceeded(f"no answer within 30 s ({kind})", target="GLPI")

    def _part(self, call: Call, items: list[Any]) -> None:
        if items:
            self._serve(Call(call.method, call.path, call.params, call.headers, {"input": items}))

    def _later(self, call: Call, items: list[Any]) -> None:
        if items:
            due = self.now() + self.rng.choice((1.0, 20.0, 100.0, 400.0, 900.0))
            self.pending.append(Pending(call.token, due, lambda: self._part(call, items)))

    def _late_row(self, call: Call, after: int) -> None:
        """Let PHP die at one item: its lock is free at once, its row comes when the database lets it."""
        before = {entry[2] for entry in self.world._late}
        with_fault = Fault(FaultKind.LATE_ROW, after_items=after)
        try:
            self._serve(call, with_fault)
        except NoAnswer:
            for entry in self.world._late:
                if entry[2] not in before:
                    self.late[entry[2]] = self.now() + self.rng.uniform(0.0, LATEST_ROW - 1)

    def _serve(self, call: Call, fault: Fault | None = None) -> Answer:
        """Carry a request out, now."""
        number = None if fault is None else self.world.orders.add(fault)
        query = urlencode(call.params)
        headers = {name.lower(): text for name, text in call.headers.items()}
        body = b"" if call.json is None else json.dumps(call.json).encode()
        request = Request(call.method, f"{call.path}?{query}", headers, body, "127.0.0.1", at=self.now())
        parameters = _nested(call.params)
        try:
            answer = self.api.serve(request, call.path, parameters)
        except Reset:
            answer = None
        finally:
            self.world.orders.cancel(number) if number is not None else None
        if answer is None:
            raise NoAnswer("the connection was reset", target="GLPI")
        return answer


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    params: dict[str, Any]
    headers: dict[str, str]
    json: Any

    @property
    def token(self) -> str:
        """Its session."""
        return self.headers.get("Session-Token", "")

    @property
    def items(self) -> list[Any]:
        """What it writes."""
        return list(self.json["input"]) if self.json else []


def _nested(params: Mapping[str, Any]) -> dict[str, Any]:
    from glpi_bridge.sandbox.glpi.query import nested

    return nested([(name, str(value)) for name, value in params.items()])
