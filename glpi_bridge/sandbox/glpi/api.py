"""The REST API: one request in, one answer out; checks in GLPI's order, session lock, routes."""

from __future__ import annotations

import ipaddress
import re
import threading
import time
from contextlib import nullcontext, suppress
from email.utils import formatdate
from typing import Final

from .answers import Answer, Crashed, Failed, token_invalid
from .course import Cut, FaultyCourse, database_down, maintenance, pause
from .faults import FaultKind
from .http import Request, Reset
from .lists import as_items
from .query import merge_body, truthy
from .recorded import Row
from .routes import Routes, is_multipart
from .sessions import LockTimeout
from .signin import SignIn
from .world import Call, World
from .writing import WorkerDied

SIGN_IN: Final = "initSession"
HOLDS_SESSION: Final = frozenset({"killSession", "changeActiveEntities", "changeActiveProfile"})
_CORS: Final = {"Access-Control-Allow-Origin": "*"}
_EXPOSED: Final = "content-type, content-range, accept-range"
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Api:
    """Serves what lies below /apirest.php."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.signin = SignIn(world)
        self.routes = Routes(world, self.signin)

    # -- one request, its faults and its log --

    def serve(self, request: Request, path: str, query: Row) -> Answer | None:
        """Answer a request; None or Reset end the connection without an answer."""
        started = time.monotonic()
        token = self.token(request, query)
        faults = self.world.orders.claim(request.method, path, request.body, token)
        course = FaultyCourse(self.world, request, faults)
        answer: Answer | None = None
        try:
            answer = self.under_faults(course, path, query)
        finally:
            gone = request.connection is not None and request.connection.gone()
            self.record(request, path, query, token, None if answer is None else answer.status, started, gone, course)
        return answer

    def under_faults(self, course: FaultyCourse, path: str, query: Row) -> Answer | None:
        """Let the faults act around the work."""
        early = course.begin()
        if early is not None:
            return early
        timeout = course.find(FaultKind.GATEWAY_TIMEOUT)
        if timeout is not None:
            threading.Thread(target=self.behind, args=(course, path, query), daemon=True).start()
            self.world.closing.wait(timeout.seconds)
            return course.answer_of(timeout)
        if course.find(FaultKind.REPEATED):
            self.work(course, path, query)
            course.made = 0
        answer, cut = self.work(course, path, query)
        if answer is None:
            raise Reset
        drip = course.find(FaultKind.DRIP)
        if drip is not None and course.request.connection is not None:
            course.request.connection.drip_seconds = drip.seconds or 1.0
        return course.finish(answer, cut=cut)

    def behind(self, course: FaultyCourse, path: str, query: Row) -> None:
        """Work on after the front server has given up."""
        with suppress(Reset):
            self.work(course, path, query)

    def record(
        self, request: Request, path: str, query: Row, token: str, status: int | None, started: float, gone: bool,
        course: FaultyCourse,
    ) -> None:  # fmt: skip
        """Write the request to the log."""
        items = as_items(request.body) if request.method in _WRITES and request.body else None
        call = Call(
            number=next(self.world.numbers),
            at=request.at,
            method=request.method,
            path=path,
            query=query,
            session=token,
            items=items,
            status=status,
            seconds=time.monotonic() - started,
            client_gone=gone,
            faults=tuple(str(f.kind) for f in course.faults),
        )
        self.world.log.append(call)

    # -- the work --

    def work(self, course: FaultyCourse, path: str, query: Row) -> tuple[Answer | None, bool]:
        """Do the work; tells whether a list was cut. None means that the worker died."""
        request = course.request
        settings = self.world.settings
        if settings.maintenance or settings.database_down:
            page = maintenance() if settings.maintenance else database_down(self.world)
            return (self.with_headers(request, page) if self.world.dialect.encodes else page), False
        try:
            with self.world.children or nullcontext():
                answer = self.answer(course, path, query)
        except Cut:
            return Answer.html(""), True
        except Crashed:
            answer = self.crash()
        except Failed as failed:
            answer = self.failed(failed)
        except WorkerDied:
            return None, False
        return self.with_headers(request, answer), False

    def crash(self) -> Answer:
        """Return what a PHP that died leaves: nothing under 200 on 10, a page under 500 on 11 [02/104]."""
        if self.world.dialect.encodes:
            return Answer.html("")
        return Answer.html(
            '\n<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>Error - GLPI</title>\n</head>\n</html>\n', 500
        )

    def failed(self, failed: Failed) -> Answer:
        """Return a refusal of the whole call, with the address of the documentation where GLPI gives it."""
        message = failed.message
        if failed.documented:
            base = "" if failed.code == "ERROR_JSON_PAYLOAD_FORBIDDEN" else self.base
            message = f"{message}; view documentation in your browser at {base}/#{failed.code}"
        return Answer.json([failed.code, message], failed.status)

    @property
    def base(self) -> str:
        """The API's address as GLPI writes it."""
        return f"{self.world.settings.url_base}{self.world.dialect.link_path}"

    def with_headers(self, request: Request, answer: Answer) -> Answer:
        """Add the headers for other origins; a front server may not carry a long Link [11: 12/202]."""
        limit = self.world.settings.link_header_limit
        if limit is not None and len(answer.headers.get("Link", "")) > limit:
            return Answer.html("<html><head><title>502 Bad Gateway</title></head></html>", 502)
        headers = {**answer.headers, "Date": formatdate(self.world.clock(), usegmt=True)}
        if "origin" in request.headers:
            headers.update(_CORS)
        if request.method in {"GET", "OPTIONS"}:
            headers["Access-Control-Expose-Headers"] = _EXPOSED
        return Answer(answer.status, answer.body, headers, answer.content_type)

    def answer(self, course: FaultyCourse, path: str, query: Row) -> Answer:
        """Check what GLPI checks, in its order, then route."""
        request = course.request
        if request.method == "OPTIONS":
            return self.preflight(request)
        query = dict(query)
        bad_array_ = not self.world.dialect.encodes
        body = b"" if is_multipart(request) else request.body
        kind = request.headers.get("content-type", "")
        parameters = merge_body(request.method, kind, body, query, empty_list_is_bad_array=bad_array_)
        self.check_client(request)
        parts = [part for part in path.split("/") if part]
        if not parts:
            return Answer.html(f"# GLPI REST API:  Documentation\n\nThe stand-in for GLPI {self.world.version}.\n")
        if parts[0] == SIGN_IN:
            self.check_app_token(request, parameters)
            stripped = (
                self.world.settings.authorization_stripped or course.find(FaultKind.AUTHORIZATION_STRIPPED) is not None
            )
            pause(self.world, self.world.cost.read)
            return self.signin.start(request, parameters, stripped=stripped)
        if parts[0] == "lostPassword":
            self.check_app_token(request, parameters)
            return self.signin.lost_password(request.method, parameters)
        return self.in_session(course, parts, parameters)

    @staticmethod
    def preflight(request: Request) -> Answer:
        """Answer OPTIONS before any check [10/001-004]."""
        headers = {}
        if "access-control-request-method" in request.headers:
            headers["Access-Control-Allow-Methods"] = "PUT, GET, POST, DELETE, OPTIONS"
        if "access-control-request-headers" in request.headers:
            allowed = "origin, content-type, accept, session-token, authorization, app-token"
            headers["Access-Control-Allow-Headers"] = allowed
        return Answer(200, b"", headers, "text/html; charset=UTF-8")

    def check_client(self, request: Request) -> None:
        """Refuse everything when the API is off, and addresses without a client [01/018-021]."""
        settings = self.world.settings
        if not settings.api_enabled:
            raise Failed(400, "ERROR", "API disabled")
        address = ipaddress.ip_address(request.client_ip)
        if not ipaddress.ip_address(settings.first_ip) <= address <= ipaddress.ip_address(settings.last_ip):  # type: ignore[operator]  # both are of one version
            text = f"There isn't an active API client matching your IP address in the configuration ({address})"
            raise Failed(400, "ERROR_NOT_ALLOWED_IP", text)

    def check_app_token(self, request: Request, parameters: Row) -> None:
        """Ask for the application's token on every call [01/010 011 033]."""
        if not self.world.settings.app_token_required:
            return
        sent = request.headers.get("app-token") or parameters.get("app_token")
        if not sent:
            raise Failed(400, "ERROR_APP_TOKEN_PARAMETERS_MISSING", "missing parameter app_token", documented=True)
        if sent not in {self.world.app_token, *self.world.client_tokens.values()}:
            raise Failed(400, "ERROR_WRONG_APP_TOKEN_PARAMETER", "parameter app_token seems wrong", documented=True)

    @staticmethod
    def token(request: Request, parameters: Row) -> str:
        """Return the session's token of a call, "" when it has none."""
        return str(request.headers.get("session-token") or parameters.get("session_token") or "")

    def in_session(self, course: FaultyCourse, parts: list[str], parameters: Row) -> Answer:
        """Enter the session, hold it as long as PHP would, and work."""
        request = course.request
        token = self.token(request, parameters)
        if not self.world.dialect.encodes and re.search(r"[_./]|[^\x00-\x7f]", token):
            raise Crashed  # 11 lets PHP choke on such a token [01/036]
        try:
            entered = self.world.sessions.enter(token) if token and self.world.settings.session_folder else None
        except LockTimeout:
            return Answer.html("", 500)
        holds = parts[0] in HOLDS_SESSION or truthy(parameters.get("session_write", ""))
        if entered is not None and not holds:
            self.world.sessions.leave(entered)
        dead = False
        try:
            self.check_app_token(request, parameters)
            if not token:
                text = "parameter session_token is missing or empty"
                raise Failed(400, "ERROR_SESSION_TOKEN_MISSING", text, documented=True)
            if entered is None:
                raise token_invalid()
            if parts[0] == "killSession":
                dead = True
                self.world.sessions.kill(entered)
                return Answer.json(True)
            return self.routes.route(course, entered.session, parts, parameters)
        except WorkerDied:
            if holds and entered is not None:
                dead = True
                self.world.sessions.die(entered)
            raise
        finally:
            if entered is not None and holds and not dead:
                made = course.made > 0 and course.request.method == "POST"
                self.world.sessions.leave(entered, wrote=made)
