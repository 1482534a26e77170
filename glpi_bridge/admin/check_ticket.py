"""One real ticket through the ordinary way, with a store and a spool of its own, read back, solved, closed or removed.

Shows what cannot be read from settings: what GLPI's rules and templates make of our tickets, above all whether the
marker survives, without which a lost answer stays in doubt.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from glpi_bridge import build, deliver, rewritten
from glpi_bridge.admin.finding import Line, fault, ok, unknown, warning
from glpi_bridge.config import Settings
from glpi_bridge.context import Context
from glpi_bridge.errors import BridgeError, TargetError
from glpi_bridge.glpi import Names
from glpi_bridge.look import look
from glpi_bridge.model import Event, Route, Verdict
from glpi_bridge.render import markers
from glpi_bridge.rules import Rules
from glpi_bridge.spool import Spool, hand_off
from glpi_bridge.store import Store, incidents, meta
from glpi_bridge.store.incidents import Owed

SOURCE = "check"
_DELETE = 8
_THING = "trial ticket"


def check_ticket(settings: Settings, rules: Rules) -> Iterator[Line]:
    """Yield what became of it. Raises nothing: what goes wrong is a line."""
    with tempfile.TemporaryDirectory(prefix="glpi-bridge-check-") as directory:
        context = _context(settings, rules, Path(directory))
        try:
            yield from _tried(context)
        except BridgeError as error:
            yield fault(_THING, str(error))
        finally:
            build.give_back(context)


def _context(settings: Settings, rules: Rules, directory: Path) -> Context:
    client = build.glpi(settings)
    store = Store(f"sqlite:///{directory / 'check.db'}")
    # neither a scan for old tickets nor a second look with its wait: one ticket, with a person before it
    store.write(meta.put, "recollected", datetime.now(UTC).timestamp())
    return Context(
        store=store,
        spool=Spool.create(directory / "spool"),
        rules=rules,
        glpi=client,
        names=Names(client),
        sources={},
        worker=f"check-{uuid.uuid4().hex[:8]}",
        ticket_link=settings.glpi.link_pattern,
        terms=replace(build.terms(settings), give_up_after_refusals=1, give_up_after=0.0),
    )


def _tried(context: Context) -> Iterator[Line]:
    eventid = uuid.uuid4().hex
    route = context.rules.route(_event(eventid))
    if route.ignore is not None:
        yield unknown(_THING, f"the rules ignore it ({route.rule}: {route.ignore}), so none was made")
        return
    _hand_off(context, eventid, route, "1")
    deliver.one_pass(context)
    owed = _owed(context, eventid)
    ticket_id = None if owed is None else owed.incident.told.ticket_id
    if owed is None or ticket_id is None:
        yield fault(_THING, f"it was not made: {_why(context)}")
        return
    yield ok(_THING, f"ticket {ticket_id} was made: {context.ticket_link.replace('{id}', str(ticket_id))}")
    yield from _read_back(context, ticket_id, route, owed.incident.marker)
    yield from _solved(context, eventid, route, ticket_id)
    yield _ended(context, ticket_id)


def _event(eventid: str) -> Event:
    return Event(source=SOURCE, eventid=eventid, name=_NAME, host=_HOST, host_name=_HOST, triggerid=eventid)


_NAME = "glpi-bridge check: this ticket ends by itself"
_HOST = "glpi-bridge"


def _hand_off(context: Context, eventid: str, route: Route, value: str) -> None:
    """Hand the problem (1) or its recovery (0) off as the script does; it began long enough ago for any hold-off."""
    began = datetime.now(UTC) - route.policy.hold_off - timedelta(seconds=5)
    fields = {
        "source": SOURCE,
        "event_id": eventid,
        "trigger_id": eventid,
        "event_value": value,
        "event_name": _NAME,
        "host_host": _HOST,
        "host_name": _HOST,
        "event_nseverity": "0",
        "event_date": began.strftime("%Y.%m.%d"),
        "event_time": began.strftime("%H:%M:%S"),
    }
    hand_off(context.spool.path, fields)


def _owed(context: Context, eventid: str) -> Owed | None:
    return context.store.read(incidents.by_marker, f"zabbix {SOURCE}/{eventid}")


def _why(context: Context) -> str:
    """Say why nothing came of it: a refusal, a trouble with GLPI, a write in doubt."""
    for parked in context.store.read(incidents.parked):
        return parked.why
    trouble: Mapping[str, Any] | None = context.store.read(meta.get, "trouble GLPI")
    if trouble is not None:
        return str(trouble["text"])
    stopped: str | None = context.store.read(meta.get, "stopped")
    return stopped or "GLPI gave no clear answer; look there for a ticket of the name above, and close it"


def _read_back(context: Context, ticket_id: int, route: Route, marker: str) -> Iterator[Line]:
    """Compare what GLPI has with what was sent."""
    row = context.glpi.get(f"Ticket/{ticket_id}")
    sent, left_out = context.names.ticket(route.draft, None)
    yield from (warning(_THING, text) for text in left_out)
    if marker in markers(str(row.get("content") or "")):
        yield ok(_THING, "its marker survives: it can be found again after a lost answer")
    else:
        yield fault(
            _THING,
            "its marker is gone: a rule or template of GLPI rewrites the text of tickets. They are made and followed "
            "all the same, but a lost answer stays in doubt until a person has looked",
            "let that rule (Administration > Rules > Rules for tickets) leave out tickets of our user",
        )
    if str(row["name"]) != sent["name"]:
        yield warning(_THING, f"GLPI rewrote its title: it is {row['name']!r}", "see the rules for tickets in GLPI")
    shown = look(context, [ticket_id], with_fields=True)[ticket_id]
    for one in rewritten.rewritten(rewritten.as_sent(context.names, sent), shown.fields):
        yield warning(_THING, f"GLPI rewrote it: {one}", "a rule for tickets or a template does that; it wins")
    missing = [group for group in route.draft.groups if not any(_is(path, group) for path in shown.groups)]
    if missing:
        yield warning(_THING, f"it lacks its group {', '.join(missing)}")


def _is(path: str, name: str) -> bool:
    return path == name or path.rpartition(" > ")[2] == name


def _solved(context: Context, eventid: str, route: Route, ticket_id: int) -> Iterator[Line]:
    """Recover the event: delivery solves the ticket, as the rules say."""
    _hand_off(context, eventid, route, "0")
    deliver.one_pass(context)
    seen = look(context, [ticket_id])[ticket_id].seen
    if seen.status.is_finished:
        yield ok(_THING, "its recovery has solved it")
    elif route.policy.solve:
        yield fault(_THING, f"its recovery has not solved it: {_why(context)}")


def _ended(context: Context, ticket_id: int) -> Line:
    """Remove it where rights allow, else close it."""
    rights = context.glpi.account.rights if context.glpi.account else {}
    if int(rights.get("ticket") or 0) & _DELETE:
        (outcome,) = context.glpi.delete("Ticket", [ticket_id])
        if outcome.verdict is Verdict.DONE:
            return ok(_THING, f"ticket {ticket_id} is in GLPI's trash")
    try:
        (outcome,) = context.glpi.update("Ticket", [{"id": ticket_id, "status": 6}])
    except TargetError as error:
        return warning(_THING, f"ticket {ticket_id} could not be closed: {error}", "close it by hand")
    if outcome.verdict is Verdict.DONE:
        return ok(_THING, f"ticket {ticket_id} is closed (our profile may not delete it)")
    return warning(_THING, f"ticket {ticket_id} could not be closed: {outcome.text}", "close it by hand")
