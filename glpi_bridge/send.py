"""One call after another: read, claim, write, record. While a call is under way the next is prepared.

At most one request is in flight on a session. What was answered is recorded after the next call has left, unless the
answer was anything but clear.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from glpi_bridge import items, look, plan, rewritten
from glpi_bridge.compose import ITEMTYPES, LINKING, UPDATES, Write, compose, marker, told, unlinked
from glpi_bridge.context import Context, Made
from glpi_bridge.errors import BridgeError, Held, NotConnected, TargetError, UnclearAnswer
from glpi_bridge.glpi import NameNotFound
from glpi_bridge.hear import TOGETHER as HISTORIES_TOGETHER
from glpi_bridge.hear import read_histories
from glpi_bridge.items import Belonging
from glpi_bridge.look import Shown
from glpi_bridge.model import Incident, Outcome, Route, Seen, Step, StepKind, TicketStatus, Told, Verdict
from glpi_bridge.news import is_assigned
from glpi_bridge.standing import is_objected, is_undone, is_written, stands
from glpi_bridge.store import Connection, attempts, events, incidents, meta, storms
from glpi_bridge.store.attempts import Attempt
from glpi_bridge.store.incidents import End, Owed

log = logging.getLogger(__name__)
_NOTHING = Belonging()
_READ_BACK = frozenset({StepKind.SOLVE, StepKind.REOPEN, StepKind.CLOSE, StepKind.CONFIRM})


@dataclass(frozen=True, slots=True)
class Due:
    """An incident with the step that is due for it."""

    owed: Owed
    step: Step
    route: Route


@dataclass(frozen=True, slots=True)
class Flight:
    """A call under way: `wait` gives its outcomes."""

    attempt: Attempt
    writes: Sequence[Write]
    wait: Callable[[], list[Outcome]]


class Sender:
    """Sends groups of steps of one kind; leaving the `with` block records the last of them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._flight: Flight | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # only what the bridge knows how to go on from: after anything else the attempt is for the next pass to settle
        if error is None or isinstance(error, BridgeError):
            self.land()

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way."""
        return self._flight is not None

    def send(self, group: Sequence[Due]) -> int:
        """Send one group and record the one before; return how many steps of that were told."""
        kind = group[0].step.kind
        # GLPI's version is known by then, and a new ticket needs no look at another
        is_early = self._flight is not None and kind is StepKind.CREATE
        writes = _compose_all(self._context, group, {}) if is_early else None
        before, self._flight = self._flight, None
        outcomes = before.wait() if before is not None else []
        if before is not None and not (_is_clear(outcomes) and before.attempt.operation not in _READ_BACK):
            done = record(self._context, before.attempt, before.writes, outcomes)
            before = None
        else:
            done = 0
        try:
            if may_go_on(self._context):
                shown = _look(self._context, group)
                if writes is None:
                    writes = _compose_all(self._context, group, shown)
                self._flight = _launch(self._context, kind, writes)
                check_made(self._context, shown)  # not before the call has left: GLPI would wait for it
        finally:
            if before is not None:
                done += record(self._context, before.attempt, before.writes, outcomes)
        return done

    def land(self) -> int:
        """Wait for the call under way and record it."""
        flight, self._flight = self._flight, None
        return 0 if flight is None else record(self._context, flight.attempt, flight.writes, flight.wait())


def may_go_on(context: Context) -> bool:
    """Tell whether another call may be made: nobody stops us and GLPI is not resting."""
    return not context.stopping.is_set() and not context.is_held("GLPI")


def trouble(context: Context, error: BridgeError) -> None:
    """Note that GLPI cannot be used now; the same trouble is logged once."""
    if context.failed("GLPI", error):
        log.warning("%s", error)


def _is_clear(outcomes: Iterable[Outcome]) -> bool:
    return all(outcome.verdict is Verdict.DONE for outcome in outcomes)


def _look(context: Context, group: Iterable[Due]) -> Mapping[int, Shown]:
    """Read the tickets that are about to be written to and those just made."""
    ids = [one.owed.incident.told.ticket_id or 0 for one in group if _has_ticket(one)]
    fathers = {father for one in group if (father := _father(one)) is not None}
    closing = any(one.step.kind is StepKind.CLOSE for one in group)
    shown = look.look(context, [*ids, *fathers, *context.unverified], with_editor=closing)
    if context.works("GLPI"):
        log.info("GLPI answers again")
    if any(one.step.kind is StepKind.HAND_OVER for one in group):
        return {**shown, **_whether_taken(context, [shown[id_] for id_ in ids])}
    return shown


def _whether_taken(context: Context, shown: Sequence[Shown]) -> dict[int, Shown]:
    """Ask the histories whether people gave the tickets to somebody; one that GLPI does not show is left to them."""
    account = context.glpi.account or context.glpi.login()
    free = [one.id for one in shown if not one.technicians]
    histories: dict[int, list[Mapping[str, Any]]] = {}
    for start in range(0, len(free), HISTORIES_TOGETHER):
        histories |= read_histories(context, free[start : start + HISTORIES_TOGETHER])
    return {
        one.id: replace(one, is_taken=one.id not in histories or is_assigned(histories[one.id], account.user_id))
        for one in shown
    }


def _compose_all(context: Context, group: Iterable[Due], shown: Mapping[int, Shown]) -> list[Write]:
    """Compose what of a group is still wanted, with the assets that belong on the tickets to be linked."""
    linking = [(one.owed.incident, one.route) for one in group if one.step.kind in LINKING]
    belongs = items.belongings(context, linking) if linking else {}
    composed = (_composed(context, one, shown, belongs.get(one.owed.incident.id, _NOTHING)) for one in group)
    return [write for write in composed if write is not None]


def _launch(context: Context, kind: StepKind, writes: Sequence[Write]) -> Flight | None:
    """Claim, and let the call leave; None when nothing is left to send."""
    attempt = _claim(context, kind, writes) if writes else None
    if attempt is None:
        return None
    claimed = {item.incident_id for item in attempt.items}
    writes = [write for write in writes if write.owed.incident.id in claimed]
    call = context.glpi.update if kind in UPDATES else context.glpi.add
    inputs = [write.input for write in writes]
    return Flight(attempt, writes, context.launch(lambda: call(ITEMTYPES[kind], inputs)))


def _father(due: Due) -> int | None:
    """Return the ticket whose son a step makes its incident's."""
    if due.step.kind is not StepKind.LINK or int(due.step.subject) not in due.owed.incident.fathers:
        return None
    return int(due.step.subject)


def _has_ticket(due: Due) -> bool:
    return due.owed.incident.told.ticket_id is not None


def _composed(context: Context, due: Due, shown: Mapping[int, Shown], belongs: Belonging) -> Write | None:
    """Compose a write, unless the plan no longer wants it for the ticket as it stands now."""
    owed, incident = due.owed, due.owed.incident
    now = shown.get(incident.told.ticket_id or 0)
    if now is not None:
        look.check_owner(context, now, incident.marker)
        seen = look.newer(incident.seen, now.seen)
        if not look.same_ticket(incident.seen, seen):
            owed = replace(owed, incident=replace(incident, seen=seen))
            if plan.plan(owed.incident, due.route, context.time()) != due.step:
                context.store.write(incidents.set_seen, incident.id, seen, context.now())
                return None
    if (needless := _needless(context, owed.incident, due.step, now)) is not None:
        context.store.write(incidents.set_told, owed, needless, context.now())
        return None
    if due.step.kind is StepKind.ASSET and not _has_asset(context, owed, belongs):
        return None
    father = shown.get(_father(due) or 0)
    if father is not None and (father.seen.is_gone or father.seen.is_deleted):
        context.store.write(_removed, father, context.now())
        return None
    try:
        write = compose(context, owed, due.step, due.route, now, belongs)
    except NameNotFound as error:
        if due.step.kind is StepKind.HAND_OVER:
            _say(context, due, f"{error}; nothing is handed over to it")
            context.store.write(incidents.set_told, owed, _skipped(owed.incident.told, due.step), context.now())
            return None
        _park(context, due.owed, f"{error} ({due.route.rule})")
        return None
    for warning in write.warnings:
        _say(context, due, warning)
    return write


def _say(context: Context, due: Due, warning: str) -> None:
    if context.notice("rules", f"{due.route.rule}: {warning}", warning):
        log.warning("%s: %s", due.route.rule, warning)


def _removed(connection: Connection, father: Shown, now: float) -> None:
    """Note that a ticket which was to get sons was removed by a person; if a storm's, what it lacks counts anew."""
    for one in incidents.by_tickets(connection, [father.id]):
        incidents.set_seen(connection, one.incident.id, look.newer(one.incident.seen, father.seen), now)
        if one.incident.children is not None:
            storms.leave(connection, one.incident)


def _needless(context: Context, incident: Incident, step: Step, now: Shown | None) -> Told | None:
    """Return what counts as told where a look into GLPI shows that a step is not to be sent; None: send it."""
    told = incident.told
    if step.kind is StepKind.CONFIRM and now and is_undone(context, incident, look.newer(incident.seen, now.seen)):
        return replace(told, unconfirmed=False, unopened=False, unclosed=False)
    if step.kind is StepKind.CLOSE and now and is_objected(context, now):
        return replace(told, closed=told.closed | {step.subject})
    if step.kind is StepKind.HAND_OVER and now and now.is_taken:
        return replace(told, owned=True)
    if step.kind is StepKind.HAND_OVER and now and look.has_group(now, step.subject.partition(" ")[2]):
        return _skipped(told, step)  # it is theirs from the beginning, or a store that was lost had told it
    if step.kind is StepKind.NOTE and step.subject.startswith(plan.DERIVED_NOTES):
        # a store that was lost may have told it
        is_there = is_written(context, told.ticket_id, marker(incident, step))
        return replace(told, notes=told.notes | {step.subject}) if is_there else None
    return None


def _skipped(told: Told, step: Step) -> Told:
    """Leave out one group to hand over to, and the note about it."""
    note = f"{plan.HANDED_NOTE}{len(told.handed) + 1}"
    return replace(told, handed=(*told.handed, step.subject), notes=told.notes | {note})


def _has_asset(context: Context, owed: Owed, belongs: Belonging) -> bool:
    """Tell whether an asset is to be linked; if not, it is noted that there is none, or asked for once more, later."""
    if unlinked(owed.incident, belongs):
        return True
    if belongs.is_final or owed.tries:
        context.store.write(incidents.set_told, owed, _all_looked_for(owed.incident), context.now())
    else:
        until = context.now() + context.terms.pause(1, context.chance())
        context.store.write(incidents.put_off, owed, "its asset could not be looked up", until)
    return False


def _all_looked_for(incident: Incident) -> Told:
    """What could not be asked for twice is given up: a link is a courtesy, nothing waits for it."""
    asked = {event.eventid for event in incident.events}
    return replace(incident.told, looked_for=incident.told.looked_for | asked)


def _park(context: Context, owed: Owed, why: str) -> None:
    log.warning("%s waits for a person: %s", owed.incident.marker, why)
    context.store.write(incidents.park, owed, why)


def _claim(context: Context, kind: StepKind, writes: Sequence[Write]) -> Attempt | None:
    """Commit to the write before it is sent."""
    now = context.now()
    read_at = context.glpi.read_at
    attempt = Attempt(
        id=str(uuid.uuid4()),
        worker=context.worker,
        operation=kind,
        token=str(context.glpi.token),
        watermark=int(context.store.read(meta.get, "highest", 0)),
        read_at=now if read_at is None else read_at.timestamp(),
        started_at=now,
        lease_until=now + context.terms.lease,
        items=tuple(write.item for write in writes),
    )
    versions = {write.owed.incident.id: write.owed.version for write in writes}
    return context.store.write(attempts.claim, attempt, versions)


def record(context: Context, attempt: Attempt, writes: Sequence[Write], outcomes: Sequence[Outcome]) -> int:
    """Commit what GLPI answered and the attempt's end; what is unknown stays in doubt."""
    pairs = list(zip(writes, outcomes, strict=True))
    pairs = [(write, _judged(context, write, outcome)) for write, outcome in pairs]
    statuses = _statuses(context, pairs)
    ends = [
        _end(context, write, outcome, statuses) for write, outcome in pairs if outcome.verdict is not Verdict.UNKNOWN
    ]
    unknown = [outcome for _, outcome in pairs if outcome.verdict is Verdict.UNKNOWN]
    doubt = unknown[0].text if unknown else None
    done = [(write, outcome) for write, outcome in pairs if outcome.verdict is Verdict.DONE]
    made = [outcome.id for _, outcome in done if outcome.id is not None and attempt.operation is StepKind.CREATE]
    if not context.store.write(_conclude, context, attempt, ends, doubt, len(done), made):
        log.warning(
            "another worker has settled what this one had sent: its lease of %s s was over", context.terms.lease
        )
        context.glpi.drop(attempt.token)
        return 0
    react(context, attempt, [outcome for _, outcome in pairs])
    if made:
        _created(context, attempt, done)
    return len(done)


def _conclude(
    connection: Connection,
    context: Context,
    attempt: Attempt,
    ends: Sequence[End],
    doubt: str | None,
    done: int,
    made: Sequence[int],
) -> bool:
    """One transaction: the attempt's end, what was told, and the highest number that GLPI has given us."""
    if not attempts.conclude(connection, attempt, ends, context.now(), doubt=doubt):
        return False
    if done:
        meta.put(connection, "last told", context.now())
    if made:
        meta.put(connection, "highest", max(int(meta.held(connection, "highest", 0)), *made))
        meta.add(connection, "tickets", len(made))
        events.wake_kin(connection, [one.incident_id for one in ends if one.told is not None], context.now())
    return True


def _judged(context: Context, write: Write, outcome: Outcome) -> Outcome:
    """A refusal may mean "there already": then it is done."""
    if outcome.verdict is not Verdict.REFUSED:
        return outcome
    kind, ticket_id = write.step.kind, write.owed.incident.told.ticket_id
    if kind is StepKind.LINK and (not outcome.text or _is_gone(context, int(write.step.subject))):
        return Outcome(Verdict.DONE, ticket_id)
    if kind is StepKind.ASSET and not outcome.text:
        return Outcome(Verdict.DONE, ticket_id)
    if kind is StepKind.SOLVE and ticket_id is not None:
        try:
            seen = look.look(context, [ticket_id])[ticket_id].seen
        except TargetError:
            return Outcome(Verdict.UNKNOWN, text=outcome.text)
        if seen.status.is_finished or seen.is_gone:
            return Outcome(Verdict.DONE, ticket_id)
    return outcome


def _is_gone(context: Context, ticket_id: int) -> bool:
    try:
        return look.look(context, [ticket_id])[ticket_id].seen.is_gone
    except TargetError:
        return False


def _statuses(context: Context, pairs: Sequence[tuple[Write, Outcome]]) -> dict[int, Seen]:
    """Read the tickets that were just solved or reopened: GLPI may take the text and leave the ticket as it was."""
    ids = [
        write.owed.incident.told.ticket_id or 0
        for write, outcome in pairs
        if write.step.kind in _READ_BACK and outcome.verdict is Verdict.DONE
    ]
    if not ids:
        return {}
    try:
        return {id_: shown.seen for id_, shown in look.look(context, ids).items()}
    except TargetError as error:
        log.info("the solved tickets could not be read back: %s", error)
        return {}


def _end(context: Context, write: Write, outcome: Outcome, statuses: Mapping[int, Seen]) -> End:
    """What becomes of one incident after its item's outcome."""
    owed, kind = write.owed, write.step.kind
    match outcome.verdict:
        case Verdict.DONE:
            after, seen = told(write.item, owed, outcome.id, context.time())
            now = statuses.get(after.ticket_id or 0)
            if now is not None:
                _say_if_held(context, write, now)
            if kind in _READ_BACK:
                after, seen = stands(kind, after, seen, now)
            return End(owed.incident.id, told=after, seen=seen, state=f"{kind} told")
        case Verdict.REFUSED:
            return _refused(context, write, outcome)
        case Verdict.TRANSIENT if outcome.code != "NOT_SENT" and outcome.retry_after is None:
            pause = context.terms.pause(1, context.chance())
            return _as_before(owed, outcome.text, context.now() + pause)
        case _:
            return _as_before(owed, outcome.text, 0.0)


def _say_if_held(context: Context, write: Write, now: Seen) -> None:
    """A status that was set outright and is not there: GLPI holds it, and a person should know."""
    status = write.item.status
    if status is None or now.is_gone or TicketStatus(status).is_finished == now.status.is_finished:
        return
    ticket, stays = write.item.ticket_id, "finished" if now.status.is_finished else "open"
    text = f"ticket {ticket} stays {stays} in GLPI whatever we set: does a business rule hold its status?"
    if context.notice("left open", str(ticket), text):
        log.warning("%s", text)


def _as_before(owed: Owed, state: str, not_before: float) -> End:
    return End(
        owed.incident.id, state=state, not_before=not_before, tries=owed.tries, refused_at=owed.refused_at,
        doubts=owed.doubts,
    )  # fmt: skip


def _refused(context: Context, write: Write, outcome: Outcome) -> End:
    """Parked only after it was refused alone, several times over some minutes: a refusal can be a passing one."""
    owed, terms, now = write.owed, context.terms, context.now()
    before = owed.incident.told
    if outcome.code == "CHARACTERS" and not before.plain:
        text = f"{owed.incident.marker}: GLPI's tables refuse four-byte characters (emoji); they are left out"
        if context.notice("characters", owed.incident.marker, text):
            log.warning("%s: %s", text, outcome.text)
        return End(owed.incident.id, told=replace(before, plain=True), state=outcome.text, tries=owed.tries)
    if outcome.code == "MISSING":
        seen = replace(owed.incident.seen, is_gone=True)
        return End(owed.incident.id, seen=seen, state=outcome.text)
    if owed.tries and (after := _given_up(context, write, outcome)) is not None:
        return End(owed.incident.id, told=after)
    tries = owed.tries + 1
    since = now if owed.refused_at is None else owed.refused_at
    if tries >= terms.give_up_after_refusals and now - since >= terms.give_up_after:
        why = f"GLPI refuses to {write.step.kind} it: {outcome.code} {outcome.text}".strip()
        log.warning("%s waits for a person: %s", owed.incident.marker, why)
        return End(owed.incident.id, tries=tries, refused_at=since, doubts=owed.doubts, parked=why)
    pause = now + terms.pause(tries, context.chance())
    return End(
        owed.incident.id, state=f"refused {tries} times: {outcome.text}", not_before=pause, tries=tries,
        refused_at=since, doubts=owed.doubts,
    )  # fmt: skip


def _given_up(context: Context, write: Write, outcome: Outcome) -> Told | None:
    """Return what counts as told once GLPI has refused twice what nothing waits for; None where a person has to see."""
    before, ticket = write.owed.incident.told, write.owed.incident.told.ticket_id
    match write.step.kind:
        case StepKind.LINK:
            log.info("ticket %s: GLPI does not link it to %s: %s", ticket, write.step.subject, outcome.text)
            return replace(before, linked=before.linked | {int(write.step.subject)})
        case StepKind.ASSET:
            log.info("ticket %s: GLPI does not link it to %s: %s", ticket, write.item.subject, outcome.text)
            return _all_looked_for(write.owed.incident)
        case StepKind.CLOSE:
            after, kind, what = replace(before, closed=before.closed | {write.item.subject}), "left solved", "close"
        case StepKind.HAND_OVER:
            after, kind, what = replace(before, owned=True), "not handed over", "hand over"
        case _:
            return None
    text = f"GLPI does not let the bridge {what} ticket {ticket}: {outcome.text}"
    if context.notice(kind, str(ticket), text):
        log.warning("%s", text)
    return after


def react(context: Context, attempt: Attempt, outcomes: Sequence[Outcome]) -> None:
    """What a whole call's trouble means for the calls after it."""
    verdicts = {outcome.verdict for outcome in outcomes}
    first = next((outcome for outcome in outcomes if outcome.verdict is not Verdict.DONE), None)
    if first is None:
        return
    if Verdict.UNKNOWN in verdicts:
        doubtful = next(outcome for outcome in outcomes if outcome.verdict is Verdict.UNKNOWN)
        log.warning("no clear answer to a %s of %d: %s", attempt.operation, len(outcomes), doubtful.text)
        context.glpi.drop(attempt.token)
        if verdicts == {Verdict.UNKNOWN}:
            context.failed("GLPI", UnclearAnswer(doubtful.text, target="GLPI", retry_after=doubtful.retry_after))
    if Verdict.SESSION_LOST in verdicts:
        context.glpi.drop(attempt.token)
        log.info("GLPI has ended the session; nothing was written, it is claimed anew")
    if Verdict.HELD in verdicts:
        trouble(context, Held(first.text, target="GLPI"))
    elif first.verdict is Verdict.TRANSIENT and (first.code == "NOT_SENT" or first.retry_after is not None):
        trouble(context, NotConnected(first.text, target="GLPI", retry_after=first.retry_after))


def _created(context: Context, attempt: Attempt, done: Sequence[tuple[Write, Outcome]]) -> None:
    """Keep what to read back; a number below what was told before was given out twice."""
    ids = [outcome.id for _, outcome in done if outcome.id is not None]
    for write, outcome in done:
        log.info("%s: ticket %s, %s", write.item.marker, outcome.id, write.step.reason)
        if outcome.id is not None:
            context.unverified[outcome.id] = Made(
                write.item.marker,
                write.route.draft.groups,
                tuple(write.input.get("_users_id_assign", ())),
                tuple(write.input.get("_users_id_requester", ())),
                {name: write.input[name] for name in rewritten.SENT if name in write.input},
            )
    if min(ids) <= attempt.watermark:
        look.stop_restored(context, f"GLPI gave ticket {min(ids)}, but {attempt.watermark} was told to us before")


def verify(context: Context) -> None:
    """Read back what no later call has read back, and before Zabbix is told numbers: does GLPI still know them?"""
    if context.is_held("GLPI"):
        return
    owed = context.store.read(incidents.acknowledging, context.now(), list(context.sources), 1)
    if context.unverified or owed:
        check_made(context, look.look(context, context.unverified))


def check_made(context: Context, shown: Mapping[int, Shown]) -> None:
    """Look at new tickets as they were read back: do they carry their marker and their actors?"""
    carried = {}
    changed: Counter[str] = Counter()
    for id_ in [id_ for id_ in context.unverified if id_ in shown]:
        made = context.unverified.pop(id_)
        one = shown[id_]
        if made.marker in one.markers:
            carried[id_] = made.marker
        elif not one.seen.is_gone:
            text = "GLPI has rewritten the text of our tickets (a business rule or template?): their markers are gone"
            if context.notice("marker", "rewritten", text):
                log.warning("ticket %d: %s", id_, text)
        changed.update(_rewritten(context, made, one))
        missing = _dropped(made, one)
        if missing and not one.seen.is_gone and not one.seen.is_deleted:
            _owe_actors(context, id_, missing)
    for field, times in changed.items():
        text = context.rewritten[field]
        if context.notice("rewritten", field, text, times):
            log.warning("%s", text)
    if carried:
        look.remember(context, carried)


def _rewritten(context: Context, made: Made, shown: Shown) -> list[str]:
    """Name the fields that stand otherwise than they were sent; the first ticket of each is kept as an example."""
    if not shown.fields:
        return []
    changed = list(rewritten.rewritten(rewritten.as_sent(context.names, made.sent), shown.fields))
    for one in changed:
        context.rewritten.setdefault(
            one.field,
            f"GLPI changes what new tickets are sent with: of ticket {shown.id} {one}. A business rule or a template "
            "does that; it stands",
        )
    return [one.field for one in changed]


def _dropped(made: Made, shown: Shown) -> list[str]:
    """Name the actors that are not there. Users count only where nobody is: a rule of GLPI may have put others."""
    missing = [name for name in made.groups if not look.has_group(shown, name)]
    missing = [f"group {', '.join(missing)}"] if missing else []
    if made.technicians and not shown.technicians:
        missing.append("technician")
    if made.requesters and not shown.requesters:
        missing.append("requester")
    return missing


def _owe_actors(context: Context, ticket_id: int, missing: Sequence[str]) -> None:
    """GLPI said "created" and dropped the actors: once they are added, then a person is told."""
    text = f"ticket {ticket_id} was made without its {' and '.join(missing)}"
    if context.notice("actors", str(ticket_id), text):
        log.warning("%s; it is added now", text)
        context.store.write(incidents.owe_completion, ticket_id, context.now())
