"""Settling an attempt in doubt: first make sure that its request can no longer act, then look, wait, look again.

GLPI goes on working after its client has gone. `killSession` waits for the write that holds the session, so once it has
answered and the session is dead, nothing of that write is still to come, but for a row that a dying PHP process left
waiting for a lock: hence the second look, `settle_after` later. Only what was found by neither is owed again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from glpi_bridge import look, plan
from glpi_bridge.compose import told
from glpi_bridge.context import Context
from glpi_bridge.errors import NoAnswer, Refused, SessionLost, TargetError
from glpi_bridge.glpi.answers import value
from glpi_bridge.look import Shown
from glpi_bridge.model import StepKind, TicketStatus
from glpi_bridge.render import markers
from glpi_bridge.standing import stands, written
from glpi_bridge.store import Connection, attempts, events, incidents, meta
from glpi_bridge.store.attempts import Attempt, Item
from glpi_bridge.store.incidents import End, Owed

log = logging.getLogger(__name__)
_DOUBTS_BEFORE_ALONE = 2


def settle_due(context: Context) -> int:
    """Go on with every attempt whose time has come; return how many were ended."""
    ended = 0
    for attempt in context.store.read(attempts.unsettled, context.now()):
        if attempt.operation in (StepKind.ACKNOWLEDGE, StepKind.DEED) or context.is_held("GLPI"):
            continue
        lease_until = context.now() + context.terms.lease
        mine = context.store.write(attempts.take_over, attempt, context.worker, lease_until)
        if mine is not None:
            ended += _go_on(context, mine)
    return ended


def _go_on(context: Context, attempt: Attempt) -> bool:
    """Take the next steps of settling until it ends or has to wait."""
    context.glpi.drop(attempt.token)
    try:
        if attempt.fenced_at is None:
            attempt = fence(context, attempt)
            if attempt.fenced_at is None:
                return _keep(context, attempt, attempt.next_at)
        ended = _look(context, attempt, attempt.fenced_at)
        context.works("GLPI")
        return ended
    except TargetError as error:
        if context.failed("GLPI", error):
            log.warning("GLPI: %s", error)
        return _keep(context, attempt, context.now() + context.terms.first_pause)


def _keep(context: Context, attempt: Attempt, next_at: float) -> bool:
    context.store.write(attempts.keep, attempt, next_at)
    return False


def fence(context: Context, attempt: Attempt) -> Attempt:
    """End the session of the attempt. `fenced_at` is set once nothing of its request can come any more."""
    now = context.now()
    try:
        value(context.glpi.kill(attempt.token))
        killed = True
    except SessionLost:
        killed = False
    except NoAnswer as error:
        # a gateway's time-out: the killSession itself may still wait in GLPI, and acts there
        log.info("killSession is not answered yet: %s", error)
        return replace(attempt, kills=attempt.kills + 1, next_at=now + _kill_pause(context, attempt))
    if not killed and not _counts(context, attempt, now):
        # the session may have been collected while its write goes on: only time makes sure
        return replace(attempt, next_at=attempt.started_at + context.terms.forgotten_after)
    if context.glpi.is_alive(attempt.token):
        if attempt.note == "alive":
            stop_not_locking(context)
        return replace(attempt, note="alive", kills=attempt.kills + 1, next_at=now + 1.0)
    fenced = replace(attempt, fenced_at=context.now(), next_at=context.now(), note=None)
    context.store.write(attempts.keep, replace(fenced, lease_until=attempt.lease_until), attempt.lease_until)
    return fenced


def _counts(context: Context, attempt: Attempt, now: float) -> bool:
    """A session that is unknown at the first kill proves something only while it cannot have been collected."""
    fresh = now - attempt.read_at < context.terms.session_age
    return fresh or now - attempt.started_at >= context.terms.forgotten_after


def _kill_pause(context: Context, attempt: Attempt) -> float:
    return context.terms.pause(attempt.kills + 1, context.chance())


def stop_not_locking(context: Context) -> None:
    """Stop all writes, as the fence does not hold in this GLPI."""
    why = (
        "GLPI's sessions do not lock: killSession was answered and the session lives on. Without that lock a lost "
        "answer cannot be told from a lost request. Let PHP keep its sessions in files (or set redis.session."
        "locking_enabled=1), then run `glpi-bridge resume`"
    )
    log.error("%s", why)
    context.stop(why)


def _look(context: Context, attempt: Attempt, fenced_at: float) -> bool:
    """Look for what was written; the second time, `settle_after` behind the fence, decides."""
    now = context.now()
    second = now >= fenced_at + context.terms.settle_after
    if attempt.looks and not second:
        return _keep(context, attempt, fenced_at + context.terms.settle_after)
    if second and context.glpi.is_alive(attempt.token):
        stop_not_locking(context)
        return _keep(context, attempt, now + context.terms.first_pause)
    owed = {one.incident.id: one for one in context.store.read(incidents.by_ids, _ids(attempt))}
    found, nobodys = _FIND[attempt.operation](context, attempt)
    ends = [_told(context, item, owed[item.incident_id], found[item.incident_id]) for item in attempt.items
            if item.incident_id in found]  # fmt: skip
    lost = [item for item in attempt.items if item.incident_id not in found]
    if second and lost and nobodys:
        _say_unmatched(context, attempt, nobodys)
        second = False
        attempt = replace(attempt, note="unmatched")
    if second:
        ends += [_owed_again(context, owed[item.incident_id], attempt) for item in lost]
    attempt = replace(attempt, looks=attempt.looks + 1)
    next_at = fenced_at + context.terms.settle_after
    if now >= next_at:
        next_at = now + context.terms.longest_pause
    return _conclude(context, attempt, ends, next_at)


def _conclude(context: Context, attempt: Attempt, ends: list[End], next_at: float) -> bool:
    left = len(ends) < len(attempt.items)
    context.store.write(_end, attempt, ends, context.now())
    if left:
        done = {end.incident_id for end in ends}
        rest = replace(attempt, items=tuple(item for item in attempt.items if item.incident_id not in done))
        context.store.write(attempts.keep, rest, next_at)
    else:
        log.info("the %s in doubt is settled: %d items", attempt.operation, len(attempt.items))
    return not left


def _end(connection: Connection, attempt: Attempt, ends: list[End], now: float) -> None:
    if attempts.conclude(connection, attempt, ends, now, doubt=attempt.doubt) and attempt.operation is StepKind.CREATE:
        events.wake_kin(connection, [one.incident_id for one in ends if one.told is not None], now)


def _told(context: Context, item: Item, owed: Owed, ids: list[int]) -> End:
    """What was found is told; of several tickets for one marker (something repeated the call) the first."""
    first, *others = sorted(ids)
    after, seen = told(item, owed, first, context.time())
    if item.kind is StepKind.CREATE:
        # a call that broke off may have made the ticket and not its links
        after = replace(after, incomplete=True, assets=frozenset(), looked_for=frozenset())
        look.remember(context, {first: item.marker})
        for other in others:
            report_duplicate(context, other, first, item.marker)
    if item.kind in (StepKind.SOLVE, StepKind.REOPEN, StepKind.CLOSE) and item.ticket_id is not None:
        now = look.look(context, [item.ticket_id])[item.ticket_id].seen
        after, seen = stands(item.kind, after, seen, now)
    return End(owed.incident.id, told=after, seen=seen, state="found after a call that broke off")


def report_duplicate(context: Context, ticket_id: int, original: int, marker: str) -> None:
    """Note a second ticket of one marker; sync closes it."""
    context.store.write(_add_duplicate, ticket_id, original, marker)
    context.notice(
        "duplicate", str(ticket_id), f"ticket {ticket_id} repeats ticket {original} ({marker}); it will be closed"
    )


def _add_duplicate(connection: Connection, ticket_id: int, original: int, marker: str) -> None:
    known: dict[str, Any] = meta.held(connection, "duplicates", {})
    meta.put(connection, "duplicates", {**known, str(ticket_id): [original, marker]})


def _owed_again(context: Context, owed: Owed, attempt: Attempt) -> End:
    """Found by neither look. What breaks off alone again and again, while others go through, has its own fault."""
    doubts = owed.doubts + 1
    alone = doubts - _DOUBTS_BEFORE_ALONE
    others_work = float(context.store.read(meta.get, "last told", 0.0)) > attempt.started_at
    if alone >= context.terms.give_up_after_refusals and others_work:
        why = f"GLPI breaks off whenever it is to {attempt.operation} it: {attempt.doubt}"
        log.warning("%s waits for a person: %s", owed.incident.marker, why)
        return End(owed.incident.id, doubts=doubts, tries=owed.tries, refused_at=owed.refused_at, parked=why)
    state = f"not in GLPI after a call that broke off ({attempt.doubt}); tried again" + (" alone" if alone >= 0 else "")
    return End(owed.incident.id, doubts=doubts, tries=owed.tries, refused_at=owed.refused_at, state=state)


def _say_unmatched(context: Context, attempt: Attempt, nobodys: Iterable[int]) -> None:
    numbers = ", ".join(str(id_) for id_ in sorted(nobodys))
    names = ", ".join(item.marker for item in attempt.items)
    text = (
        f"a call broke off, and our account has made tickets without a marker since ({numbers}): a rule of GLPI may "
        f"have rewritten their text. Whether they are those of {names} a person must say: "
        "`glpi-bridge queue show` and `glpi-bridge adopt --ticket NUMBER`"
    )
    if context.notice("in doubt", attempt.id, text):
        log.error("%s", text)


# -- one way to find for each kind of write ---------------------------------------------------------------------------

_Found = tuple[dict[int, list[int]], set[int]]


def _find_tickets(context: Context, attempt: Attempt) -> _Found:
    """Tickets above the watermark that our own account wrote, in the trash too; the marker compared exactly here."""
    wanted = {item.marker: item.incident_id for item in attempt.items}
    found: dict[int, list[int]] = {}
    unmarked: set[int] = set()
    for shown in own_tickets(context, attempt.watermark):
        ids = [wanted[marker] for marker in shown.markers if marker in wanted]
        for id_ in ids:
            found.setdefault(id_, []).append(shown.id)
        if not shown.markers:
            unmarked.add(shown.id)
    somebodys = {one.incident.told.ticket_id for one in context.store.read(incidents.by_tickets, sorted(unmarked))}
    return found, {id_ for id_ in unmarked if id_ not in somebodys}


def own_tickets(context: Context, watermark: int) -> Iterable[Shown]:
    """Read every ticket that our account has written above a number, newest first, then those in the trash."""
    for trash in (False, True):
        for row in look.newest_own(context, by="id", trash=trash):
            if int(row["id"]) <= watermark:
                break
            yield look.read_item(context, row)


def _find_timeline(itemtype: str) -> Callable[[Context, Attempt], _Found]:
    def find(context: Context, attempt: Attempt) -> _Found:
        found: dict[int, list[int]] = {}
        for item in attempt.items:
            for row in written(context, itemtype, item.ticket_id, item.marker):
                if item.marker in markers(str(row["content"])):
                    found.setdefault(item.incident_id, []).append(int(row["id"]))
        return found, set()

    return find


def _find_links(context: Context, attempt: Attempt) -> _Found:
    found: dict[int, list[int]] = {}
    for item in attempt.items:
        # the way over the ticket lists the links of all tickets
        for row in context.glpi.rows("Ticket_Ticket", {"searchText[tickets_id_1]": f"^{item.ticket_id}$"}):
            if (row["tickets_id_1"], row["tickets_id_2"]) == (item.ticket_id, int(item.subject)):
                found.setdefault(item.incident_id, []).append(int(row["id"]))
    return found, set()


def _children(context: Context, item: Item, itemtype: str) -> list[dict[str, Any]]:
    try:
        return context.glpi.rows(f"Ticket/{item.ticket_id}/{itemtype}")
    except Refused as error:
        if error.code in ("ERROR_ITEM_NOT_FOUND", "ERROR_RIGHT_MISSING"):
            return []
        raise


def _find_assets(context: Context, attempt: Attempt) -> _Found:
    found: dict[int, list[int]] = {}
    for item in attempt.items:
        for row in _children(context, item, "Item_Ticket"):
            if f"{row['itemtype']}/{row['items_id']}" == item.subject:
                found.setdefault(item.incident_id, []).append(int(row["id"]))
    return found, set()


def _find_updates(context: Context, attempt: Attempt) -> _Found:
    """An update may be repeated; it counts as done where the ticket shows it."""
    shown = look.look(context, [item.ticket_id for item in attempt.items if item.ticket_id])
    found = {
        item.incident_id: [item.ticket_id]
        for item in attempt.items
        if item.ticket_id and _shows(shown[item.ticket_id], item)
    }
    return found, set()


def _shows(shown: Shown, item: Item) -> bool:
    if item.kind is StepKind.RAISE:
        priority = plan.priority_of(item.subject)
        if priority is not None:
            return shown.seen.priority == priority
        return (shown.seen.urgency, shown.seen.impact) == (item.urgency, item.impact)
    if item.kind is StepKind.HAND_OVER:
        return look.has_group(shown, item.subject.partition(" ")[2])
    if item.kind is not StepKind.CONFIRM:
        return False
    wanted = TicketStatus(item.status or TicketStatus.SOLVED)
    if wanted is TicketStatus.CLOSED:
        return shown.seen.status is wanted
    return shown.seen.status.is_finished == wanted.is_finished


_FIND: Mapping[StepKind, Callable[[Context, Attempt], _Found]] = {
    StepKind.CREATE: _find_tickets,
    StepKind.NOTE: _find_timeline("ITILFollowup"),
    StepKind.REOPEN: _find_timeline("ITILFollowup"),
    StepKind.CLOSE: _find_timeline("ITILFollowup"),
    StepKind.SOLVE: _find_timeline("ITILSolution"),
    StepKind.LINK: _find_links,
    StepKind.ASSET: _find_assets,
    StepKind.RAISE: _find_updates,
    StepKind.HAND_OVER: _find_updates,
    StepKind.CONFIRM: _find_updates,
    StepKind.COMPLETE: _find_updates,
}


def _ids(attempt: Attempt) -> list[int]:
    return [item.incident_id for item in attempt.items]
