"""A mirror of Debian for the test machines: it fetches from the real one, and each package only once.

The machines have no other way out of their network. Files that never change (packages, indexes by their hash) are kept
in a directory; everything else is passed through.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_SECONDS = 120.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: str, upstream: str, kept: Path) -> None:
        super().__init__((address, 0), _Request)
        self.upstream = upstream.rstrip("/")
        self.kept = kept
        self.locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        try:
            if self.path.endswith(".deb") or "/by-hash/" in self.path:
                self._keep()
            else:
                self._pass()
        except urllib.error.HTTPError as error:
            self._answer(error.code, b"")
        except OSError as error:
            self._answer(502, str(error).encode())

    def do_HEAD(self) -> None:
        self.do_GET()

    def _keep(self) -> None:
        file = self.server.kept / hashlib.sha256(self.path.encode()).hexdigest()
        with self.server.locks[file]:
            if not file.exists():
                self._fetch(file)
        with file.open("rb") as kept:
            self._head(200, file.stat().st_size)
            if self.command == "GET":
                shutil.copyfileobj(kept, self.wfile)

    def _fetch(self, file: Path) -> None:
        with (
            urllib.request.urlopen(self.server.upstream + self.path, timeout=_SECONDS) as answer,
            tempfile.NamedTemporaryFile(dir=self.server.kept, delete=False) as part,
        ):
            shutil.copyfileobj(answer, part)
        Path(part.name).rename(file)

    def _pass(self) -> None:
        headers = {name: value for name, value in self.headers.items() if name == "If-Modified-Since"}
        wanted = urllib.request.Request(self.server.upstream + self.path, headers=headers)
        with urllib.request.urlopen(wanted, timeout=_SECONDS) as answer:
            self._answer(answer.status, answer.read(), answer.headers.get("Last-Modified"))

    def _answer(self, status: int, body: bytes, modified: str | None = None) -> None:
        self._head(status, len(body), modified)
        if self.command == "GET" and status != 304:
            self.wfile.write(body)

    def _head(self, status: int, length: int, modified: str | None = None) -> None:
        self.send_response(status)
        if modified:
            self.send_header("Last-Modified", modified)
        if status != 304:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def apt_mirror(address: str, upstream: str, kept: Path) -> Iterator[str]:
    """Serve `upstream` on `address`; gives the mirror's own URL."""
    kept.mkdir(parents=True, exist_ok=True)
    server = _Server(address, upstream, kept)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
