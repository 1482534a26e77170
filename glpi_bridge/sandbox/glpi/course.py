"""The course of one request under the faults ordered for it: before the work, at each item, after the work."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from .answers import Answer, Crashed, Failed, Refused, Verbatim, token_invalid
from .faults import Fault, FaultKind, of_kind
from .http import Request, Reset
from .recorded import Row
from .world import World

_SILENT_BEFORE: Final = {
    FaultKind.ERROR_BEFORE, FaultKind.BAD_GATEWAY_BEFORE, FaultKind.LOGIN_PAGE, FaultKind.EMPTY_BEFORE,
    FaultKind.TOO_MANY, FaultKind.UNAVAILABLE, FaultKind.MAINTENANCE, FaultKind.DATABASE_DOWN,
    FaultKind.NOT_ALLOWED_IP, FaultKind.REDIRECT, FaultKind.LOCK_WAIT, FaultKind.UNAUTHORIZED,
}  # fmt: skip
_CUTS: Final = {
    FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.EMPTY_AFTER, FaultKind.BAD_GATEWAY_AFTER,
    FaultKind.BODY_LOST, FaultKind.BLACK_HOLE_AFTER,
}  # fmt: skip
_LOCK_WAIT: Final = "Lock wait timeout exceeded; try restarting transaction"


class Cut(Exception):
    """The work on a list ends here; what was made stays."""


@dataclass
class FaultyCourse:
    """Carries the faults of one request through its work."""

    world: World
    request: Request
    faults: list[Fault]
    made: int = 0
    itemtype: str = ""
    _late: Fault | None = field(default=None, init=False)

    def find(self, *kinds: FaultKind) -> Fault | None:
        """Return the first fault of these kinds."""
        return of_kind(self.faults, *kinds) if self.faults else None

    # -- before --

    def begin(self) -> Answer | None:
        """Do what happens before any work; an answer here means that nothing was done."""
        slow = self.find(FaultKind.SLOW)
        if slow:
            self.world.closing.wait(slow.seconds)
        hole = self.find(FaultKind.BLACK_HOLE)
        if hole:
            self.wait_silently(hole)
        if self.find(FaultKind.RESET_BEFORE):
            raise Reset
        fault = self.find(*_SILENT_BEFORE)
        return None if fault is None else self.answer_of(fault)

    def wait_silently(self, fault: Fault) -> None:
        """Keep the client waiting, then drop it."""
        if self.request.connection is not None:
            self.request.connection.silence(fault.seconds or None)
        raise Reset

    def answer_of(self, fault: Fault) -> Answer:
        """Return the answer of a fault that needs no work, or hides it."""
        after = {"Retry-After": str(int(fault.seconds or 1))}
        match FaultKind(fault.kind):
            case FaultKind.ERROR_BEFORE | FaultKind.ERROR_AFTER:
                return Answer.html(
                    "" if self.world.dialect.encodes else _page("Error - GLPI", "An error has occurred"), 500
                )
            case FaultKind.BAD_GATEWAY_BEFORE | FaultKind.BAD_GATEWAY_AFTER | FaultKind.LINK_OVERFLOW:
                return Answer.html(_page("502 Bad Gateway", "<center>nginx</center>"), 502)
            case FaultKind.GATEWAY_TIMEOUT:
                return Answer.html(_page("504 Gateway Time-out", "<center>nginx</center>"), 504)
            case FaultKind.LOGIN_PAGE:
                return Answer.html(
                    _page("Authentication - GLPI", '<form action="/front/login.php" method="post"></form>')
                )
            case FaultKind.EMPTY_BEFORE | FaultKind.EMPTY_AFTER:
                return Answer.html("")
            case FaultKind.TOO_MANY | FaultKind.UNAVAILABLE:
                status = int(fault.kind)
                page = Answer.html(_page(f"{status}", "Try again later"), status)
                return Answer(status, page.body, after, page.content_type)
            case FaultKind.MAINTENANCE:
                return maintenance()
            case FaultKind.DATABASE_DOWN:
                return database_down(self.world)
            case FaultKind.UNAUTHORIZED:
                return _failed(token_invalid())
            case FaultKind.REDIRECT:
                where = fault.text or f"{self.world.settings.url_base}/elsewhere{self.request.target}"
                return Answer(301, b"", {"Location": where}, "text/html")
            case FaultKind.NOT_ALLOWED_IP:
                known = "There isn't an active API client matching your IP address in the configuration"
                return Answer.json(["ERROR_NOT_ALLOWED_IP", f"{known} ({self.request.client_ip})"], 400)
            case _:
                code = {"PUT": "UPDATE", "PATCH": "UPDATE", "DELETE": "DELETE"}.get(self.request.method, "ADD")
                text = (
                    _LOCK_WAIT
                    if self.world.dialect.encodes
                    else f'MySQL query error: {_LOCK_WAIT} (1205) in SQL query "…".'
                )
                return Answer.json([f"ERROR_GLPI_{code}", text], 400)

    # -- at each item --

    def item(self, index: int, data: Row) -> Row:
        """Do what happens at one item: cut the list, refuse the item, change what was sent."""
        for fault in self.faults:
            kind = FaultKind(fault.kind)
            if kind in _CUTS and fault.after_items is not None and index >= fault.after_items:
                raise Cut
            if kind is FaultKind.HELD and index == (fault.after_items or 0):
                self.world.held.wait_for_go()
            data = self.alter(kind, fault, index, data)
        return data

    def alter(self, kind: FaultKind, fault: Fault, index: int, data: Row) -> Row:
        """Let one fault act on one item."""
        text = json.dumps(data, ensure_ascii=False, default=str)
        match kind:
            case FaultKind.PARTIAL if index >= fault.after_items if fault.after_items is not None else index % 2 == 1:
                raise Refused(fault.text or "You don't have permission to perform this action.")
            case FaultKind.ALL_FAILED:
                raise Refused(fault.text or "You don't have permission to perform this action.")
            case FaultKind.POISON if fault.text in text:
                raise Refused(fault.values.get("message", "Mandatory fields are not filled. Please correct: Location"))
            case FaultKind.CRASH if fault.text in text:
                raise Crashed
            case FaultKind.GONE_AWAY if index > (fault.after_items or 0):
                raise Refused(self.gone_away)
            case FaultKind.MANDATORY if not data.get(fault.text):
                raise Refused(f"Mandatory fields are not filled. Please correct: {fault.text}")
            case FaultKind.ACTORS_DROPPED:
                return {
                    k: v for k, v in data.items() if not k.startswith(("_users_id", "_groups_id", "_actors", "_itil"))
                }
            case FaultKind.RULE:
                return {**data, **fault.values}
            case _:
                return data

    @property
    def gone_away(self) -> Verbatim:
        """GLPI's words for a database that died."""
        text = "MySQL server has gone away"
        return Verbatim(text if self.world.dialect.encodes else f'MySQL query error: {text} (2006) in SQL query "…".')

    def dies_late(self) -> float | None:
        """Return after how many seconds the row of this item appears, if its worker dies here."""
        fault = self.find(FaultKind.LATE_ROW)
        if fault is None or self.made < (fault.after_items or 0):
            return None
        return fault.seconds

    def query_fails(self) -> bool:
        """Tell whether the statements that follow this item's own fail."""
        fault = self.find(FaultKind.QUERY_ERROR)
        return fault is not None and self.made >= (fault.after_items or 0)

    def lost_unknown(self, index: int) -> bool:
        """Tell whether this item is the one the database died on: made, but said to be lost."""
        fault = self.find(FaultKind.GONE_AWAY)
        return fault is not None and index == (fault.after_items or 0)

    # -- after --

    def finish(self, answer: Answer, *, cut: bool) -> Answer:
        """Turn the true answer into what the client gets."""
        hole = self.find(FaultKind.BLACK_HOLE_AFTER)
        if hole and (cut or hole.after_items is None):
            self.wait_silently(hole)
        reset = self.find(FaultKind.RESET_AFTER)
        if reset and (cut or reset.after_items is None):
            raise Reset
        for kind in (
            FaultKind.ERROR_AFTER,
            FaultKind.EMPTY_AFTER,
            FaultKind.BAD_GATEWAY_AFTER,
            FaultKind.LINK_OVERFLOW,
        ):
            fault = self.find(kind)
            if fault and (cut or fault.after_items is None):
                return self.answer_of(fault)
        if self.find(FaultKind.BODY_LOST):
            return _failed(Failed(400, "ERROR_BAD_ARRAY", "input parameter must be an array of objects"))
        if self.find(FaultKind.FEWER_RESULTS):
            return _fewer(answer)
        if self.find(FaultKind.NOTICE):
            notice = (
                b"<br />\n<b>Notice</b>:  Undefined index: x in <b>/var/www/glpi/inc/x.php</b> on line <b>1</b><br />\n"
            )
            return Answer(answer.status, notice + answer.body, answer.headers, answer.content_type)
        return answer


def maintenance() -> Answer:
    """Return the page of a GLPI under maintenance [11/010]."""
    return Answer.html(_page("MAINTENANCE MODE - GLPI", "Service is down for maintenance. It will be back shortly."))


def database_down(world: World) -> Answer:
    """Return the page of a GLPI without its database: under 200 on 10, under 500 on 11 [11/020-023]."""
    if world.dialect.encodes:
        return Answer.html(_page("Mysql Error - GLPI", "A link to the SQL server could not be established."))
    return Answer.html(_page("Error - GLPI", "An error occurred."), 500)


def _failed(failed: Failed) -> Answer:
    return Answer.json([failed.code, failed.message], failed.status)


def _fewer(answer: Answer) -> Answer:
    body: Any = json.loads(answer.body)
    if isinstance(body, list) and len(body) > 1 and isinstance(body[0], dict):
        return Answer(answer.status, Answer.json(body[:-1]).body, answer.headers)
    return answer


def _page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n   <title>{title}</title>\n</head>\n<body>{body}</body>\n</html>\n'
    )


def pause(world: World, seconds: float) -> None:
    """Let the time pass that the work costs."""
    if seconds > 0 and not world.closing.is_set():
        time.sleep(seconds)
