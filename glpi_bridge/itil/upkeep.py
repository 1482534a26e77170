"""Planned work and its maintenance in Zabbix: looked at in GLPI, kept in step in Zabbix, noted in GLPI.

Zabbix has no fence: a call is committed before it is sent, and read back before it is repeated; the name, which Zabbix
lets nobody take twice, keeps a second maintenance out. What was done is owed to GLPI's timeline in the transaction that
notes it, and written there by `delivery` once. Trouble here never holds up tickets.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from typing import Any

from markupsafe import escape

from glpi_bridge import maintenance
from glpi_bridge.context import Context, Maintaining, Source
from glpi_bridge.errors import Held, NotConnected, Refused, TargetError
from glpi_bridge.itil import hosts, zabbix_maintenance
from glpi_bridge.itil.change import FINISHED
from glpi_bridge.itil.work import Work, changed, read
from glpi_bridge.maintenance import Calm, Content, Kind, Known, Left, Shown, Span, Step, Upkeep
from glpi_bridge.send import may_go_on
from glpi_bridge.store import Connection, maintenances, meta, undertakings
from glpi_bridge.store.maintenances import Ended, Wish

log = logging.getLogger(__name__)
NOTICE = "maintenance"
LOOKED = "planned work"
_AGAIN = 5
"""A Change is read anew after so many looks, whether it says that it was modified or not: GLPI 10 does not say that an
asset was added."""
_ROUNDS = 3


# -- what is wanted ---------------------------------------------------------------------------------------------------


def look(context: Context) -> None:
    """Read the Changes that have changed, and keep what they are to have in Zabbix. Raises the errors of GLPI."""
    if not context.maintains or not may_go_on(context):
        return
    state, now = context.store.read(meta.get, LOOKED, {}), context.now()
    if now - state.get("at", 0.0) < 0.9 * context.terms.look_every:
        return
    known: dict[str, list[Any]] = dict(state.get("known", {}))
    try:
        due, newest = _due(context, known, state.get("since", ""))
        for change_id in due:
            considered = _consider(context, change_id)
            if considered is Considered.OVER:
                known.pop(str(change_id), None)
            elif str(change_id) in known:
                known[str(change_id)][1] = now if considered is Considered.OPEN else 0.0
        context.store.write(meta.clear, NOTICE, "right")
    except Refused as error:
        words = f"the planned work of Changes cannot be read in GLPI: {error}; `provision glpi` gives the rights"
        if context.notice(NOTICE, "right", words):
            log.warning("%s", words)
        return
    context.store.write(meta.put, LOOKED, {"at": now, "since": newest, "known": known})


def _due(context: Context, known: dict[str, list[Any]], since: str) -> tuple[list[int], str]:
    """Return which Changes are to be read, and the newest date_mod; `known` follows: id → [date_mod, read at]."""
    now, newest = context.now(), since
    due: dict[int, None] = {}
    for row in changed(context, since):
        change_id, modified = int(row["id"]), str(row["date_mod"] or "")
        newest = max(newest, modified)
        is_over = int(row["status"]) in FINISHED or bool(int(row["is_deleted"]))
        held = known.get(str(change_id))
        if held is not None and held[0] == modified:
            continue
        if is_over and held is None:
            continue
        due[change_id] = None
        known[str(change_id)] = [modified, now]
    again = now - _AGAIN * context.terms.look_every
    due |= {int(id_): None for id_, (_, at) in known.items() if at <= again}
    due |= {id_: None for id_ in context.store.read(maintenances.open_changes) if str(id_) not in known}
    return [*due], newest


class Considered(Enum):
    """How a Change was found: open, open but to be read again, because a Zabbix was silent, or at its end."""

    OPEN = 1
    LATER = 2
    OVER = 3


def _consider(context: Context, change_id: int) -> Considered:
    """Keep what a Change is to have in each Zabbix."""
    work = read(context, change_id)
    if work is None:
        return Considered.OPEN
    now = context.now()
    ahead = Content(spans=work.spans).from_now(now).spans
    sources = [(one, one.maintaining) for one in context.sources.values() if one.maintaining is not None]
    is_agreed = any(work.agreed(how.when)[0] for _, how in sources)
    meant = hosts.meant(context, work) if ahead and is_agreed else hosts.Meant()
    for name, error in meant.silent.items():
        if context.failed(target_of(name), error):
            log.warning("%s: %s", target_of(name), error)
    wishes = [_wish(context, work, *one, meant, ahead) for one in sources if one[0].name not in meant.silent]
    trouble = "; ".join(meant.troubles)
    context.store.write(_keep, change_id, wishes, trouble, now)
    if trouble and context.notice(NOTICE, f"change {change_id}", f"maintenance for change {change_id}: {trouble}"):
        log.warning("maintenance for change %s: %s", change_id, trouble)
    if meant.silent:
        return Considered.LATER
    return Considered.OVER if work.is_gone or work.status in FINISHED else Considered.OPEN


def _wish(
    context: Context, work: Work, source: Source, how: Maintaining, meant: hosts.Meant, ahead: tuple[Span, ...]
) -> Wish:
    names = meant.hosts.get(source.name, {})
    is_agreed, why = work.agreed(how.when)
    content = None
    if is_agreed and ahead and (names or not meant.is_sure):
        content = Content(tuple(sorted(names, key=int)), ahead, how.collects)
    elif is_agreed:
        why = "none of its hosts is of this Zabbix" if ahead else "no work is planned any more"
    name = f"GLPI change {work.change_id}"
    marker = f"glpi-bridge change {work.change_id} of {_glpi(context)}"
    return Wish(work.change_id, source.name, name, marker, work.name, content, why, names, meant.is_sure)


def _glpi(context: Context) -> str:
    """Return GLPI's address without its scheme and the API's page: what tells one GLPI from another."""
    return re.sub(r"^https?://|/*(apirest\.php|api\.php/v1)?/*$", "", context.glpi.url)


def _keep(connection: Connection, change_id: int, wishes: Sequence[Wish], trouble: str, now: float) -> None:
    for one in wishes:
        maintenances.wish(connection, one)
    note = f"<p>No maintenance in Zabbix for a part of this planned work: {escape(trouble)}.</p>"
    undertakings.trouble(connection, change_id, trouble, note, now)
    if not trouble:
        meta.clear(connection, NOTICE, f"change {change_id}")


# -- what is there ----------------------------------------------------------------------------------------------------


def keep(context: Context) -> int:
    """Bring each Zabbix in step with what is wanted; return how many calls were told. Its errors are noted."""
    told = 0
    for source in context.sources.values():
        target = target_of(source.name)
        if source.maintaining is None or context.is_held(target):
            continue
        try:
            told += _keep_source(context, source, source.maintaining)
        except TargetError as error:
            if context.failed(target, error):
                log.warning("%s: %s", target, error)
    return told


def target_of(source: str) -> str:
    """Return the name under which trouble with the maintenance of a source is noted."""
    return f"Zabbix {source} (maintenance)"


def _keep_source(context: Context, source: Source, how: Maintaining) -> int:
    told, again = 0, True
    for _ in range(_ROUNDS):
        now = context.now()
        rows = [one for one in context.store.read(maintenances.under_way, source.name) if _is_due(one, now)]
        if not rows or not again:
            break
        found, again = zabbix_maintenance.shown(how.zabbix, rows), False
        if context.works(target_of(source.name)):
            log.info("%s answers again", target_of(source.name))
        for one in rows:
            shown = found.get(one.id)
            due = maintenance.plan(one, shown, now, timedelta(seconds=context.terms.settle_after))
            done = _act(context, source, how, one, due)
            told += done
            again = again or done
    return told


def _is_due(one: Upkeep, now: float) -> bool:
    return one.parked is None and one.not_before <= now and one.is_free(now)


def _act(context: Context, source: Source, how: Maintaining, one: Upkeep, due: Step | Calm | Known | Left) -> bool:
    """Do or note what is due; True when something was told, so that it is looked at once more."""
    if isinstance(due, Step):
        return _do(context, source, how, one, due)
    ended = _as_it_is(one)
    if isinstance(due, Calm):
        if due.until is not None:
            ended = replace(ended, step=one.step, not_before=due.until)
        ended = replace(ended, state=due.reason, is_final=due.is_final)
        if due.until is None and not due.is_final and one.step is None and one.state == due.reason:
            return False
        context.store.write(maintenances.end, one, ended, context.worker, context.now())
        return False
    if isinstance(due, Left):
        ended = replace(ended, left=due.reason, is_final=True, note=_left(source, one, due.reason))
        context.store.write(maintenances.end, one, ended, context.worker, context.now())
        _notice(context, one, due.reason)
        return False
    return _known(context, source, one, due)


def _known(context: Context, source: Source, one: Upkeep, due: Known) -> bool:
    shown: Shown | None = due.told
    kind = one.step.kind if one.step is not None else Kind.CREATE
    content = None if shown is None else shown.content
    ended = replace(
        _as_it_is(one), told=content, maintenanceid="" if shown is None else shown.maintenanceid, state=due.reason,
        note=_said(source, one, kind, content, due.reason),
    )  # fmt: skip
    return context.store.write(maintenances.end, one, ended, context.worker, context.now())


def _do(context: Context, source: Source, how: Maintaining, one: Upkeep, step: Step) -> bool:
    """Commit, call, record."""
    now, terms = context.now(), context.terms
    if not context.store.write(maintenances.claim, one, step, context.worker, now, now + terms.lease):
        return False
    ended = _as_it_is(one)
    try:
        number = _call(context, how, one, step)
    except (NotConnected, Held):  # nothing was sent, or nothing was taken
        context.store.write(maintenances.end, one, ended, context.worker, context.now())
        raise
    except Refused as error:
        context.store.write(maintenances.end, one, _refused(context, source, one, error), context.worker, context.now())
        return False
    except TargetError:
        pause = context.now() + terms.first_pause
        ended = replace(ended, step=step, not_before=pause, state="a call without an answer is read back")
        context.store.write(maintenances.end, one, ended, context.worker, context.now())
        raise
    ended = replace(
        ended, told=step.content, maintenanceid=number, state=step.reason,
        note=_said(source, one, step.kind, step.content, step.reason),
    )  # fmt: skip
    log.info("%s: maintenance of change %s, %s, %s", target_of(source.name), one.change_id, step.kind, step.reason)
    return context.store.write(maintenances.end, one, ended, context.worker, context.now())


def _call(context: Context, how: Maintaining, one: Upkeep, step: Step) -> str:
    if step.kind is Kind.CREATE and step.content is not None:
        address = f"{re.sub('/*(apirest[.]php|api[.]php/v1)?/*$', '', context.glpi.url)}/front/change.form.php"
        words = f"{one.title}\n{address}?id={one.change_id}"
        return zabbix_maintenance.create(how.zabbix, one, step.content, words)
    if step.content is None:
        zabbix_maintenance.delete(how.zabbix, one)
        return ""
    call = zabbix_maintenance.end if step.kind is Kind.END else zabbix_maintenance.update
    call(how.zabbix, one, step.content)
    return one.maintenanceid


def _as_it_is(one: Upkeep) -> Ended:
    return Ended(told=one.told, maintenanceid=one.maintenanceid, left=one.left, state=one.state)


def _refused(context: Context, source: Source, one: Upkeep, error: Refused) -> Ended:
    """Tried again later; after several refusals over some minutes a person is told, and it waits for another plan."""
    now, terms = context.now(), context.terms
    tries, since = one.tries + 1, now if one.refused_at is None else one.refused_at
    ended = replace(_as_it_is(one), tries=tries, refused_at=since)
    if tries < terms.give_up_after_refusals or now - since < terms.give_up_after:
        pause = now + terms.pause(tries, context.chance())
        return replace(ended, state=f"refused {tries} times: {error}", not_before=pause)
    _notice(context, one, str(error))
    note = f"<p>Zabbix {source.name} refuses the maintenance &quot;{one.name}&quot;: {escape(str(error))}</p>"
    return replace(ended, parked=str(error), note=note)


def _notice(context: Context, one: Upkeep, words: str) -> None:
    text = f"maintenance for change {one.change_id} in Zabbix {one.source}: {words}"
    if context.notice(NOTICE, f"change {one.change_id} {one.source}", text):
        log.warning("%s", text)


# -- what GLPI's timeline is told -------------------------------------------------------------------------------------

_DEEDS = {
    Kind.CREATE: "was made",
    Kind.UPDATE: "was changed",
    Kind.END: "was ended early",
    Kind.DELETE: "was taken away before it began",
}


def _said(source: Source, one: Upkeep, kind: Kind, content: Content | None, reason: str) -> str:
    """Return the note on a Change, as HTML: who did what, and why."""
    head = (
        f"Zabbix {source.name}: the maintenance &quot;{one.name}&quot; {_DEEDS[kind]} by the bridge ({escape(reason)})."
    )
    if content is None:
        return f"<p>{head}</p>"
    names = ", ".join(one.names.get(id_, id_) for id_ in content.hosts)
    data = "" if content.collects else " No values are collected meanwhile."
    times = "; ".join(shown_span(span, source.zone) for span in content.spans)
    return f"<p>{head}<br>\nHosts: {escape(names)}<br>\nTimes: {escape(times)}.{data}</p>"


def _left(source: Source, one: Upkeep, reason: str) -> str:
    name = f"Zabbix {source.name}, maintenance &quot;{one.name}&quot;"
    return f"<p>{name}: {escape(reason)}. It is left so.</p>"


def shown_span(span: Span, zone: tzinfo) -> str:
    """Write a time for people."""
    since, till = (datetime.fromtimestamp(one, UTC).astimezone(zone) for one in (span.since, span.till))
    end = f"{till:%H:%M %Z}" if since.date() == till.date() else f"{till:%Y-%m-%d %H:%M %Z}"
    return f"{since:%Y-%m-%d %H:%M} to {end}"
