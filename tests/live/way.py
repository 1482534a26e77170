"""A way to the real GLPI that can be closed, lose answers or change them: a TCP forwarder for one test."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit


class Way:
    """Forwards connections to `url`'s server; `url` of this object is the same address by the forwarder's port.

    `loses` says of the head of a request (bytes up to the blank line) whether its answer is to be lost; GLPI gets the
    request all the same. `rewrites` changes a piece of an answer on its way back, to as many bytes. `is_closed`: new
    connections, and requests on old ones, are ended unanswered.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 80)
        self.is_closed = False
        self.loses: Callable[[bytes], bool] = lambda head: False
        self.rewrites: Callable[[bytes], bytes] = lambda piece: piece
        self.lost = 0
        way = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                way.forward(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        host, port = self._server.server_address[:2]
        self.url = urlunsplit(parts._replace(netloc=f"{host!s}:{port}"))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forward(self, client: socket.socket) -> None:
        """Carry one connection: requests one after the other, as an HTTP client sends them."""
        if self.is_closed:
            return
        with socket.create_connection(self._target, timeout=120) as server:
            losing = threading.Event()
            back = threading.Thread(target=self._answers, args=(server, client, losing), daemon=True)
            back.start()
            while data := _received(client):
                if self.is_closed:
                    break
                if data.startswith((b"GET ", b"POST ", b"PUT ", b"DELETE ")):
                    losing.clear()
                    if self.loses(data.partition(b"\r\n\r\n")[0]):
                        losing.set()
                server.sendall(data)
            if not losing.is_set():
                _shut(server)
            back.join(timeout=120)

    def _answers(self, server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        while data := _received(server):
            if losing.is_set():
                self.lost += 1
                break
            client.sendall(self.rewrites(data))
        _shut(client)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(65536)
    except OSError:
        return b""


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
