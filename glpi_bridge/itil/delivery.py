"""Problems and Changes, deed after deed, behind the fence of tickets: look, claim, call, record; doubts are settled.

A deed is looked for before it is claimed, on the session that then writes: what a lost store has forgotten, or a call
that broke off has done, is told and not done again. One deed is in flight for an undertaking.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glpi_bridge import recurrence
from glpi_bridge.context import Context
from glpi_bridge.errors import Refused, TargetError
from glpi_bridge.glpi import NameNotFound
from glpi_bridge.itil import change, deeds, problem
from glpi_bridge.itil.standing import standing
from glpi_bridge.model import Outcome, Route, Sameness, StepKind, Verdict
from glpi_bridge.recurrence import Occurrence
from glpi_bridge.render import markers
from glpi_bridge.send import may_go_on, react
from glpi_bridge.settle import fence, stop_not_locking
from glpi_bridge.store import attempts, incidents, undertakings
from glpi_bridge.store.attempts import Attempt, Item
from glpi_bridge.store.undertakings import Ended
from glpi_bridge.undertaking import OVER, Calm, Deed, Due, Kind, Member, Undertaking

log = logging.getLogger(__name__)
NOTICE = "problem"
_LOOK_AGAIN = 60.0  # seconds between two looks at a Problem that is open


def undertake(context: Context) -> int:
    """Do what is due for Problems; return how many deeds were told. Raises the errors of GLPI."""
    if not may_go_on(context):
        return 0
    count(context)
    _settle(context)
    told, looked_at = 0, set[int]()
    while may_go_on(context) and (some := context.store.read(undertakings.due, context.now(), besides=looked_at)):
        for one in some:
            looked_at.add(one.id)
            try:
                told += _work_on(context, one)
            except Refused as error:  # its own trouble, not all of GLPI's: a right that our profile lacks
                _end(context, one, _kept_waiting(context, one, str(error)))
    return told


# -- what recurs ------------------------------------------------------------------------------------------------------


def count(context: Context) -> None:
    """Look at the causes that have something new, and begin a Problem where that is often enough."""
    for cause in context.store.read(undertakings.fresh_causes):
        seen = context.store.read(undertakings.of_cause, cause)
        before = context.store.read(undertakings.last_finished, Kind.PROBLEM, cause)
        begun = wanted(context, cause, seen, before)
        made = context.store.write(undertakings.looked_at, cause, seen, begun, context.now())
        if made is not None:
            log.info("%s: a problem, as %s", made.marker, made.given["reason"])


def wanted(context: Context, cause: str, seen: list[Occurrence], before: Undertaking | None) -> Undertaking | None:
    """Return the Problem that a cause is to get by its rule, None if it does not recur that often."""
    if not seen:
        return None
    lead = recurrence.ordered(seen)[-1:] or seen[-1:]
    route = context.rules.route(lead[0].event, context.time(), texts=False)
    often = route.policy.problem_after
    if often is None or recurrence.cause(route.policy.problem_same, lead[0].event, route) != cause:
        return None
    began = recurrence.begins(seen, often, apart(route), _since(before))
    if began is None:
        return None
    return begun(cause, route.policy.problem_same, seen, began, f"it recurred {often}")


def begun(cause: str, same: Sameness, seen: list[Occurrence], began: datetime | None, reason: str) -> Undertaking:
    """Return a new Problem for a cause whose occurrences count from `began` on."""
    since = None if began is None else began.timestamp()
    first = next(one for one in recurrence.ordered(seen) if one.at and (began is None or one.at >= began))
    marker = f"zabbix {first.event.source}/{first.event.eventid} problem {cause}"
    given = {"same": str(same), "since": since, "reason": reason}
    return Undertaking(0, Kind.PROBLEM, cause, 1, marker, given=given)


def apart(route: Route) -> timedelta:
    """Return within which time changes of one ticket are flapping, and one occurrence."""
    return route.policy.flap_window if route.policy.flap_count else timedelta(0)


def _since(before: Undertaking | None) -> datetime | None:
    """What was before the last Problem of a cause was solved does not count for the next."""
    if before is None:
        return None
    at = before.seen.get("solved_at") or before.finished_at
    return None if at is None else datetime.fromtimestamp(float(at), UTC)


# -- one undertaking --------------------------------------------------------------------------------------------------


def _work_on(context: Context, one: Undertaking) -> int:
    """Do deeds for one undertaking until none is due or something stands in the way."""
    told = 0
    while may_go_on(context):
        seen = _occurrences(context, one)
        members = _members(context, one, seen)
        if one.glpi_id is not None:
            one = replace(one, seen={**one.seen, **standing(context, one.kind, one.glpi_id)})
        due = _plan(context, one, members)
        if isinstance(due, Calm):
            now = context.now()
            until = now + _LOOK_AGAIN
            context.store.write(undertakings.rest, one, due.reason, until, now, is_final=due.is_final)
            break
        try:
            deed = deeds.compose(context, one, due, members, seen)
        except NameNotFound as error:
            _end(context, one, Ended(parked=str(error)))
            break
        if not _do(context, one, deed):
            break
        told += 1
        fresh = context.store.read(undertakings.by_id, one.id)
        if fresh is None:
            break
        one = fresh
    return told


def _plan(context: Context, one: Undertaking, members: list[Member]) -> Due | Calm:
    if one.kind is Kind.PROBLEM:
        return problem.plan(one, members, context.terms.problem_solved)
    return change.plan(one, members, context.terms.change_solved)


def _occurrences(context: Context, one: Undertaking) -> list[Occurrence]:
    since = one.given.get("since")
    seen = recurrence.ordered(context.store.read(undertakings.of_cause, one.cause))
    return [each for each in seen if since is None or (each.at is not None and each.at.timestamp() >= float(since))]


def _members(context: Context, one: Undertaking, seen: list[Occurrence]) -> list[Member]:
    """Return its tickets: those of its cause, and those that a person named."""
    numbers = dict.fromkeys([*recurrence.tickets(seen, None), *(int(id_) for id_ in one.given.get("tickets", ()))])
    ours = {
        owed.incident.told.ticket_id: owed.incident for owed in context.store.read(incidents.by_tickets, [*numbers])
    }
    found = []
    for ticket_id in numbers:
        incident = ours.get(ticket_id)
        if incident is None:
            found.append(Member(ticket_id))
        else:
            state = incident.seen
            is_gone = state.is_gone or state.is_deleted
            found.append(Member(ticket_id, incident.marker, state.status.is_finished, is_gone, incident.is_recovered))
    return found


def _do(context: Context, one: Undertaking, deed: Deed) -> bool:
    """Do one deed, or find it done; True when GLPI has it and the store knows."""
    found = find(context, deed)
    if context.works("GLPI"):
        log.info("GLPI answers again")
    if found:
        return _end(context, one, _told(deed, found[0], "found in GLPI"))
    now = context.now()
    read_at = context.glpi.read_at
    attempt = Attempt(
        id=str(uuid.uuid4()), worker=context.worker, operation=StepKind.DEED, token=str(context.glpi.token),
        watermark=0, read_at=now if read_at is None else read_at.timestamp(), started_at=now,
        lease_until=now + context.terms.lease,
        items=(Item(-one.id, StepKind.DEED, deed.marker or one.marker, deed.key),),
    )  # fmt: skip
    if not context.store.write(undertakings.claim, attempt, one):
        return False
    [outcome] = context.launch(lambda: context.glpi.add(deed.itemtype, [deed.input]))()
    return _record(context, attempt, one, deed, outcome)


def _record(context: Context, attempt: Attempt, one: Undertaking, deed: Deed, outcome: Outcome) -> bool:
    """Commit what GLPI answered and the attempt's end; what is unknown stays in doubt."""
    if outcome.verdict is Verdict.UNKNOWN:
        doubtful = replace(attempt, doubt=outcome.text, lease_until=context.now())
        context.store.write(attempts.keep, doubtful, context.now())
        react(context, attempt, [outcome])
        return False
    if outcome.verdict is Verdict.DONE:
        ended = _told(deed, outcome.id or 0, deed.reason)
        log.info("%s: %s %s, %s", one.marker, deed.itemtype, outcome.id, deed.reason)
    elif outcome.verdict is Verdict.REFUSED:
        there = find(context, deed)
        ended = _told(deed, there[0], "there already") if there else _refused(context, one, deed, outcome)
    else:
        pause = context.now() + context.terms.pause(1, context.chance())
        ended = Ended(state=outcome.text, not_before=pause, tries=one.tries, refused_at=one.refused_at)
    is_ours = context.store.write(undertakings.conclude, attempt, one.id, ended, context.now())
    if outcome.verdict is not Verdict.DONE:
        react(context, attempt, [outcome])
    return is_ours and ended.told is not None


def _told(deed: Deed, glpi_id: int, state: str) -> Ended:
    return Ended(told=(deed.key, glpi_id), glpi_id=glpi_id if deed.itemtype in set(Kind) else None, state=state)


def _refused(context: Context, one: Undertaking, deed: Deed, outcome: Outcome) -> Ended:
    """What GLPI refuses again and again is parked, if it is an object; what only hangs on one is left out."""
    ended = _kept_waiting(context, one, f"{deed.key}: {outcome.text or outcome.code}")
    if ended.parked is not None and deed.is_courtesy:
        return Ended(told=(deed.key, 0), state=ended.parked)
    return ended


def _kept_waiting(context: Context, one: Undertaking, words: str) -> Ended:
    """Tried again later; after several refusals over some minutes a person is told, and it waits for that person."""
    now, terms = context.now(), context.terms
    tries, since = one.tries + 1, now if one.refused_at is None else one.refused_at
    if tries < terms.give_up_after_refusals or now - since < terms.give_up_after:
        pause = now + terms.pause(tries, context.chance())
        return Ended(state=f"refused {tries} times: {words}", not_before=pause, tries=tries, refused_at=since)
    text = f"{one.marker}: GLPI refuses {words}"
    if context.notice(NOTICE, one.marker, text):
        log.warning("%s", text)
    return Ended(parked=text, tries=tries, refused_at=since)


def _end(context: Context, one: Undertaking, ended: Ended) -> bool:
    context.store.write(undertakings.end, one.id, ended, context.now())
    return ended.told is not None


# -- looking and settling ---------------------------------------------------------------------------------------------


def find(context: Context, deed: Deed) -> list[int]:
    """Return what GLPI has of a deed already, by its marker or its columns; only what our account wrote counts."""
    if deed.itemtype in set(Kind):
        return _find_object(context, deed)
    if not deed.marker:
        return [int(row["id"]) for row in _rows(context, deed.path, {}) if _is_same(row, deed)]
    account = context.glpi.account or context.glpi.login()
    rows = _rows(context, deed.path, {f"searchText[{deed.marked}]": deed.marker})
    mine = [row for row in rows if int(row["users_id"]) == account.user_id and _is_same(row, deed)]
    return [int(row["id"]) for row in mine if deed.marker in markers(str(row[deed.marked]))]


def _find_object(context: Context, deed: Deed) -> list[int]:
    """A Problem that carries the marker, or the same cause and is still open (a store that was lost knew it)."""
    account = context.glpi.account or context.glpi.login()
    cause = _cause(deed.marker)
    found = []
    for trash in ("false", "true"):
        for row in _rows(context, deed.path, {f"searchText[{deed.marked}]": cause, "is_deleted": trash}):
            lines = markers(str(row[deed.marked]))
            is_open = trash == "false" and int(row["status"]) not in OVER[Kind(deed.itemtype)]
            is_it = deed.marker in lines or (is_open and any(_cause(line) == cause for line in lines))
            if is_it and int(row["users_id_recipient"]) == account.user_id:
                found.append(int(row["id"]))
    return found


def _cause(marker: str) -> str:
    """Return what a marker says of the cause (`problem 0123…`), whichever generation it is."""
    return marker.split(" ", 2)[-1].partition("/")[0]


def _is_same(row: dict[str, Any], deed: Deed) -> bool:
    return all(str(row.get(column)) == str(value) for column, value in deed.same.items())


def _rows(context: Context, path: str, params: dict[str, str | int]) -> list[dict[str, Any]]:
    try:
        return context.glpi.rows(path, params)
    except Refused as error:
        if error.code == "ERROR_ITEM_NOT_FOUND":
            return []
        raise


def _settle(context: Context) -> None:
    """Go on with every deed in doubt whose time has come."""
    for attempt in context.store.read(attempts.unsettled, context.now()):
        if attempt.operation is not StepKind.DEED or context.is_held("GLPI"):
            continue
        lease_until = context.now() + context.terms.lease
        mine = context.store.write(attempts.take_over, attempt, context.worker, lease_until)
        if mine is not None:
            _settle_one(context, mine)


def _settle_one(context: Context, attempt: Attempt) -> None:
    context.glpi.drop(attempt.token)
    try:
        if attempt.fenced_at is None:
            attempt = fence(context, attempt)
        if attempt.fenced_at is None:
            context.store.write(attempts.keep, attempt, attempt.next_at)
        else:
            _look(context, attempt, attempt.fenced_at)
    except TargetError:
        context.store.write(attempts.keep, attempt, context.now() + context.terms.first_pause)
        raise


def _look(context: Context, attempt: Attempt, fenced_at: float) -> None:
    """Look for the deed; the second time, `settle_after` behind the fence, decides."""
    now, second_at = context.now(), fenced_at + context.terms.settle_after
    if attempt.looks and now < second_at:
        context.store.write(attempts.keep, attempt, second_at)
        return
    if now >= second_at and context.glpi.is_alive(attempt.token):
        stop_not_locking(context)
        context.store.write(attempts.keep, attempt, now + context.terms.first_pause)
        return
    context.works("GLPI")
    item = attempt.items[0]
    one = context.store.read(undertakings.by_id, -item.incident_id)
    if one is None:
        context.store.write(attempts.forget, attempt)
        return
    deed = _deed(context, one, item.subject)
    if deed is not None and (found := find(context, deed)):
        ended = _told(deed, found[0], "found after a call that broke off")
        context.store.write(undertakings.conclude, attempt, one.id, ended, now)
    elif now >= second_at:
        ended = Ended(state="not in GLPI after a call that broke off; tried again", tries=one.tries)
        context.store.write(undertakings.conclude, attempt, one.id, ended, now)
    else:
        context.store.write(attempts.keep, replace(attempt, looks=attempt.looks + 1), second_at)


def _deed(context: Context, one: Undertaking, key: str) -> Deed | None:
    """Compose the deed that an attempt was for, by its key: the plan may want another one first by now."""
    seen = _occurrences(context, one)
    members = _members(context, one, seen)
    due = Due.named(key)
    try:
        return deeds.compose(context, one, due, members, seen)
    except (NameNotFound, StopIteration, KeyError):
        return None
