"""The two sites without Apache, for the demo: built files, and GLPI behind the same list of allowed requests."""

from __future__ import annotations

import http.client
import json
import mimetypes
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from glpi_bridge.site.headers import ALWAYS, FRESH, NOT_PASSED_ON, TAKEN_OFF, YEAR
from glpi_bridge.site.routes import refusal, verdict

from .glpi.answers import Answer
from .glpi.http import HttpServer, Request

_DROPPED: Final = {name.lower() for name in (*NOT_PASSED_ON, "App-Token", "Host", "Connection", "Content-Length")}
_ENDS_HERE: Final = {
    name.lower() for name in (*TAKEN_OFF, "Connection", "Content-Length", "Keep-Alive", "Content-Type")
}
_SECONDS: Final = 60


class SiteServer:
    """Serves a built folder and passes allowed requests on; a context manager. `health` gives the bridge's state."""

    def __init__(
        self,
        root: Path,
        glpi: str,
        app_token: str,
        *,
        port: int = 0,
        health: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        self._root = root.resolve()
        self._glpi = urlsplit(glpi)
        self._app_token = app_token
        self._health = health
        self._http = HttpServer(self._answer, port=port)
        self.url = f"http://127.0.0.1:{self._http.port}"

    def __enter__(self) -> SiteServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _answer(self, request: Request) -> Answer:
        status = verdict(request.method, request.target, request.headers)
        path = request.target.partition("?")[0]
        is_call = path.startswith(("/portal/api/", "/panel/api/", "/portal/file", "/panel/file"))
        if status is not None:
            found = Answer(status, refusal(status).encode())
        elif is_call:
            found = self._pass_on(request)
        else:
            found = self._file(path)
        fresh = "no-store" if is_call else YEAR if path.startswith("/assets/") else FRESH
        headers = {"Cache-Control": fresh, **found.headers, **ALWAYS}
        return Answer(found.status, found.body, headers, found.content_type)

    def _file(self, path: str) -> Answer:
        if path in {"/", "/portal", "/panel"}:
            return Answer(302, b"", {"Location": "/portal/" if path == "/" else f"{path}/"})
        if path == "/panel/health.json" and self._health is not None:
            return Answer(200, json.dumps(self._health()).encode())
        file = self._root / f"{path}index.html".lstrip("/") if path.endswith("/") else self._root / path.lstrip("/")
        if not file.is_file():
            return Answer(404, refusal(404).encode())
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return Answer(200, file.read_bytes(), {}, f"{kind}; charset=utf-8")

    def _pass_on(self, request: Request) -> Answer:
        _, _, rest = request.target.lstrip("/").partition("/")
        target = (
            f"/apirest.php/{rest.removeprefix('api/')}"
            if rest.startswith("api/")
            else f"/front/document.send.php?{rest.partition('?')[2]}"
        )
        headers = {name: value for name, value in request.headers.items() if name not in _DROPPED}
        headers["App-Token"] = self._app_token
        connection = http.client.HTTPConnection(self._glpi.hostname or "", self._glpi.port, timeout=_SECONDS)
        try:
            connection.request(request.method, target, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            status = (
                503 if isinstance(error, ConnectionRefusedError) else 504 if isinstance(error, TimeoutError) else 502
            )
            return Answer(status, refusal(status).encode())
        finally:
            connection.close()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _ENDS_HERE}
        return Answer(answer.status, body, kept, answer.headers.get("Content-Type", "application/octet-stream"))
