"""The socket layer: HTTP/1.1 over threads, keep-alive, and the ways a connection can misbehave.

`http.server` is not used because the faults need the naked socket: a reset, a byte a second, silence. Each
connection has a thread; what
a request started goes on when its client has gone, as in PHP [12/003-006], but a body that was cut starts nothing
[12/007].
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO, Final

from .answers import Answer

_LINE_LIMIT: Final = 8190  # Apache's LimitRequestLine [11/046]
_LINGER_RESET: Final = struct.pack("ii", 1, 0)


@dataclass
class Request:
    """One whole request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    client_ip: str
    connection: Connection | None = None
    at: float = field(default_factory=time.time)


class Reset(Exception):
    """End the connection by RST, without an answer."""


class Connection:
    """One client: reads its requests in turn and answers them."""

    def __init__(self, server: HttpServer, sock: socket.socket, address: tuple[str, int]) -> None:
        self.server = server
        self.sock = sock
        self.ip = address[0]
        self.drip_seconds: float | None = None

    def run(self) -> None:
        """Serve until the client leaves, asks to close, or stays idle too long."""
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):  # ValueError: no HTTP at all
            if self.server.tls is not None:
                self.sock.settimeout(30)
                self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
            self.sock.settimeout(self.server.keepalive_seconds)
            with self.sock.makefile("rb") as stream:
                while not self.server.closing.is_set() and self._serve_one(stream):
                    pass
        with contextlib.suppress(OSError):
            self.sock.close()

    def _serve_one(self, stream: BinaryIO) -> bool:
        line = stream.readline(_LINE_LIMIT + 1)
        if not line.strip():
            return False
        if len(line) > _LINE_LIMIT:
            self._send(Answer.html(_page(414), 414), keep=False)
            return False
        request = self._read(stream, line)
        if request is None:
            return False
        keep = request.headers.get("connection", "").lower() != "close"
        try:
            with self.server.at_work():
                answer = self.server.app(request)
        except Reset:
            self.reset()
            return False
        if answer is None:
            return False
        self._send(answer, keep=keep, head_only=request.method == "HEAD")
        return keep

    def _read(self, stream: BinaryIO, line: bytes) -> Request | None:
        parts = line.decode("latin-1").split()
        if len(parts) != 3:
            self._send(Answer.html(_page(400), 400), keep=False)
            return None
        headers: dict[str, str] = {}
        while (text := stream.readline(_LINE_LIMIT * 8)) not in {b"\r\n", b"\n", b""}:
            name, _, value = text.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(stream, headers)
        if body is None:
            return None
        return Request(parts[0], parts[1], headers, body, self.ip, self)

    def _body(self, stream: BinaryIO, headers: dict[str, str]) -> bytes | None:
        """Read the body whole, or None when it was cut: PHP is not started for that."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while (size := int(stream.readline().split(b";")[0] or b"0", 16)) > 0:
                body += stream.read(size)
                stream.readline()
            stream.readline()
            return body
        length = int(headers.get("content-length") or 0)
        body = stream.read(length) if length else b""
        return body if len(body) == length else None

    def _send(self, answer: Answer, *, keep: bool, head_only: bool = False) -> None:
        data = _head(answer, keep=keep) + (b"" if head_only else answer.body)
        if self.drip_seconds is None:
            self.sock.sendall(data)
            return
        for i in range(len(data)):
            self.sock.sendall(data[i : i + 1])
            if self.server.closing.wait(self.drip_seconds):
                return

    def gone(self) -> bool:
        """Tell whether the client has closed or reset the connection."""
        if isinstance(self.sock, ssl.SSLSocket):
            return False  # a TLS socket cannot be looked at without reading it
        try:
            poll = select.poll()
            poll.register(self.sock, select.POLLIN)
            if not poll.poll(0):  # a socket with a time-out would wait even for MSG_DONTWAIT
                return False
            return self.sock.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def silence(self, seconds: float | None) -> None:
        """Keep the connection open without a byte until the client leaves, the time is over or the server stops."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.gone() and not self.server.closing.wait(0.02):
            if end is not None and time.monotonic() > end:
                return

    def reset(self) -> None:
        """Send RST instead of an answer."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            self.sock.close()


class HttpServer:
    """A listener on 127.0.0.1 that can be closed for a while and opened again on the same port."""

    def __init__(
        self,
        app: Callable[[Request], Answer | None],
        *,
        port: int = 0,
        keepalive_seconds: float = 5.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.app = app
        self.keepalive_seconds = keepalive_seconds
        self.tls = tls
        self.closing = threading.Event()
        self.waiting = 0
        self._connections: set[Connection] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.port = port
        self.open()

    def open(self) -> None:
        """Listen (again) on the port."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=512, reuse_port=False)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True, name="glpi-accept").start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, address = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock, address)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True, name="glpi-connection").start()

    def _run(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._connections.discard(connection)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a request as being worked on, or waiting for a lock."""
        with self._lock:
            self.waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self.waiting -= 1

    def stop_listening(self) -> None:
        """Close the listener and every open connection: new ones are refused. Requests at work go on."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        """Reset every open connection."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop for good."""
        self.closing.set()
        self.stop_listening()


def _head(answer: Answer, *, keep: bool) -> bytes:
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = ""
    headers = {
        "Content-Type": answer.content_type,
        **answer.headers,
        "Content-Length": str(len(answer.body)),
        "Connection": "Keep-Alive" if keep else "close",
    }
    lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.items() if value)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _page(status: int) -> str:
    phrase = HTTPStatus(status).phrase
    return f"<!DOCTYPE html><html><head><title>{status} {phrase}</title></head><body><h1>{phrase}</h1></body></html>"
