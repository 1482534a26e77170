"""What a person does about Problems from a shell: look for causes, open, link, show. Delivered as other deeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glpi_bridge import recurrence
from glpi_bridge.context import Context
from glpi_bridge.errors import BridgeError, Refused
from glpi_bridge.glpi import NameNotFound
from glpi_bridge.itil.delivery import apart, begun, undertake
from glpi_bridge.itil.standing import plain, standing
from glpi_bridge.itil.work import read
from glpi_bridge.maintenance import Span, Upkeep
from glpi_bridge.model import Often, Sameness
from glpi_bridge.recurrence import Occurrence
from glpi_bridge.store import Connection, maintenances, undertakings
from glpi_bridge.undertaking import Kind, Undertaking

_CREATE, _READ_ALL = 4, 1024
_LIKE_THE_TICKET = ("urgency", "impact", "itilcategories_id", "entities_id")


class NotDone(BridgeError):
    """What a person asked for cannot be done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A cause that recurs: its digest, what is shared, its occurrences; `problem_id` is the Problem under way."""

    cause: str
    same: Sameness
    what: str
    count: int
    tickets: tuple[int, ...]
    last: str
    problem_id: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A Problem or Change that the bridge follows; `state` and `maintenance` (of a Change, in Zabbix) are in words."""

    id: int | None
    cause: str
    reason: str
    state: str
    tickets: tuple[int, ...]
    maintenance: str = ""


def suggest(context: Context, often: Often, samenesses: Iterable[Sameness]) -> list[Suggestion]:
    """Return what recurs so often within the last `often.within`, most frequent first. Reads the store only."""
    found = [
        Suggestion(
            cause=cause,
            same=same,
            what=_what(same, seen),
            count=len(seen),
            tickets=tuple(recurrence.tickets(seen, None)),
            last=seen[-1].at.isoformat(" ", "seconds") if seen[-1].at else "",
            problem_id=None if (held := _under_way(context, cause)) is None else held.glpi_id,
        )
        for same in samenesses
        for cause, seen in _causes(context, often.within, same).items()
        if _recurs(context, seen, often)
    ]
    return sorted(found, key=lambda one: (-one.count, one.cause))


def open_cause(context: Context, cause: str, within: timedelta) -> Undertaking:
    """Open a Problem for a cause that `suggest` has named, or return the one that is under way. Writes to GLPI."""
    if (held := _under_way(context, cause)) is not None:
        return held
    for same in Sameness:
        seen = _causes(context, within, same).get(cause)
        if seen:
            may(context, Kind.PROBLEM)
            one = begun(cause, same, seen, seen[0].at, "a person asked for it")
            rows = [(cause, each.event.source, each.event.eventid) for each in seen]
            return _delivered(context, context.store.write(_begin, one, rows, context.now()))
    raise NotDone(
        f"no incident of the store has the cause {cause}: take one that `glpi-bridge itil problem suggest` names"
    )


def open_tickets(context: Context, tickets: list[int], reason: str) -> Undertaking:
    """Open a Problem for these tickets, or return the one that the first is linked to already. Writes to GLPI."""
    may(context, Kind.PROBLEM)
    rows = [_ticket(context, id_) for id_ in tickets]
    first = rows[0]
    cause = f"ticket-{tickets[0]}"
    if (held := _under_way(context, cause)) is not None:
        return held
    given = {
        "tickets": tickets,
        "reason": reason,
        "title": f"Problem of ticket {first['id']}: {first['name']}",
        "content": f"<p>{reason}</p>",
        "fields": {name: int(first[name]) for name in _LIKE_THE_TICKET},
    }
    one = Undertaking(0, Kind.PROBLEM, cause, 1, f"zabbix glpi/{tickets[0]} problem {cause}", given=given)
    return _delivered(context, context.store.write(_begin, one, [], context.now()))


def link(context: Context, problem_id: int, ticket_id: int) -> Undertaking:
    """Link a ticket to a Problem, whoever made that. Writes to GLPI."""
    _ticket(context, ticket_id)
    if standing(context, Kind.PROBLEM, problem_id).get("is_gone"):
        raise NotDone(f"GLPI has no problem {problem_id} that we may see")
    held = context.store.read(undertakings.of_glpi, Kind.PROBLEM, problem_id)
    if held is None:
        given = {"tickets": [ticket_id], "reason": "a person asked for it"}
        cause = f"problem-{problem_id}"
        one = Undertaking(0, Kind.PROBLEM, cause, 1, f"zabbix glpi/{problem_id} problem {cause}", problem_id, given)
        return _delivered(context, context.store.write(_begin, one, [], context.now()))
    numbers = dict.fromkeys([*held.given.get("tickets", ()), ticket_id])
    context.store.write(undertakings.give, held.id, {**held.given, "tickets": [*numbers]}, context.now())
    return _delivered(context, held)


def change_from(context: Context, problem_id: int, users: Iterable[str], groups: Iterable[str]) -> Undertaking:
    """Begin a Change from a Problem, with its incidents' assets, and ask these people and groups to approve it.

    One that is under way for the Problem is not begun again; whoever is named anew is asked too. Writes to GLPI.
    """
    may(context, Kind.CHANGE)
    try:
        row = context.glpi.get(f"Problem/{problem_id}")
        tickets = [int(one["tickets_id"]) for one in context.glpi.rows(f"Problem/{problem_id}/Problem_Ticket")]
    except Refused as error:
        raise NotDone(f"GLPI shows no problem {problem_id}: {error}") from error
    if int(row["is_deleted"]):
        raise NotDone(f"problem {problem_id} is in GLPI's trash")
    approvers = _approvers(context, users, groups)
    if approvers:
        _may_ask(context)
    cause = f"problem-{problem_id}"
    held = context.store.read(undertakings.under_way, Kind.CHANGE, cause)
    if held is not None:
        asked = [*dict.fromkeys([*held.given.get("approvers", ()), *approvers])]
        context.store.write(undertakings.give, held.id, {**held.given, "approvers": asked}, context.now())
        return _delivered(context, held)
    assets = _assets(context, tickets)
    given = {
        "problem": problem_id,
        "reason": "a person asked for it",
        "name": plain(context, str(row["name"])),
        "tickets": sorted(tickets),
        "assets": [*assets],
        "asset_names": [*assets.values()],
        "approvers": approvers,
        "fields": {name: int(row[name]) for name in _LIKE_THE_TICKET},
    }
    one = Undertaking(0, Kind.CHANGE, cause, 1, f"zabbix glpi/{problem_id} change {cause}", given=given)
    return _delivered(context, context.store.write(_begin, one, [], context.now()))


def _approvers(context: Context, users: Iterable[str], groups: Iterable[str]) -> list[str]:
    """Return who is asked, as `User/9`; GLPI 10 asks people only, so that there a group's members are asked."""
    try:
        found = [f"User/{context.names.id('User', name)}" for name in users]
        for name in groups:
            group = context.names.id("Group", name)
            if not context.glpi.is_10:
                found.append(f"Group/{group}")
                continue
            rows = context.glpi.rows(f"Group/{group}/Group_User")
            members = [f"User/{row['users_id']}" for row in rows if int(row["groups_id"]) == group]
            if not members:
                raise NotDone(f'the group "{name}" has no members whom GLPI 10 could ask for their approval')
            found += members
    except NameNotFound as error:
        raise NotDone(str(error)) from error
    return [*dict.fromkeys(found)]


def _may_ask(context: Context) -> None:
    account = context.glpi.account or context.glpi.login()
    if not int(account.rights.get("changevalidation") or 0) & _CREATE:
        raise NotDone(
            f'the profile "{account.profile}" lacks the right changevalidation (create) in GLPI: nothing was done; '
            "`glpi-bridge provision glpi` gives it"
        )


def _assets(context: Context, tickets: Iterable[int]) -> dict[str, str]:
    """Return the assets of these tickets, as `Computer/7` with a name for people."""
    found: dict[str, str] = {}
    for ticket_id in tickets:
        try:
            rows = context.glpi.rows(f"Ticket/{ticket_id}/Item_Ticket")
        except Refused:  # a ticket in another entity, or gone
            continue
        for row in rows:
            key = f"{row['itemtype']}/{row['items_id']}"
            if key not in found:
                found[key] = _name(context, key)
    return found


def _name(context: Context, key: str) -> str:
    try:
        return plain(context, str(context.glpi.get(key)["name"]))
    except Refused:
        return key


def listed(context: Context, kind: Kind = Kind.PROBLEM) -> list[Listed]:
    """Return the Problems, or Changes, that the bridge follows. Reads the store only."""
    found = [of(one) for one in context.store.read(undertakings.listed, kind)]
    if kind is Kind.PROBLEM:
        return found
    upkeeps = context.store.read(maintenances.of_changes)
    known = {one.id for one in found}
    found += [
        Listed(change_id, f"change-{change_id}", "it has planned work", "new", ())
        for change_id in upkeeps
        if change_id not in known
    ]
    return [replace(one, maintenance=_in_words(upkeeps.get(one.id or 0, []))) for one in found]


def _in_words(upkeeps: Iterable[Upkeep]) -> str:
    return "; ".join(f"{one.source}: {_how(one)}" for one in upkeeps)


def _how(one: Upkeep) -> str:
    if one.parked is not None:
        return f"waits for a person: {one.parked}"
    return one.left or one.state or "new"


def show_change(context: Context, change_id: int) -> dict[str, Any]:
    """Return a Change with its planned work, and what that has in each Zabbix. Reads GLPI and the store."""
    work = read(context, change_id)
    if work is None or work.is_gone:
        raise NotDone(f"GLPI shows no change {change_id}")
    upkeeps = context.store.read(maintenances.of_changes).get(change_id, [])
    return {
        "id": change_id,
        "name": work.name,
        "status": work.status,
        "planned": [_times(span) for span in work.spans],
        "assets": [*work.assets],
        "maintenance": [
            {
                "zabbix": one.source,
                "name": one.name,
                "id": one.maintenanceid or None,
                "state": _how(one),
                "hosts": [one.names.get(id_, id_) for id_ in (one.told.hosts if one.told else ())],
                "times": [_times(span) for span in (one.told.spans if one.told else ())],
            }
            for one in upkeeps
        ],
    }


def _times(span: Span) -> list[str]:
    return [datetime.fromtimestamp(one, UTC).isoformat(" ", "minutes") for one in (span.since, span.till)]


def show(context: Context, problem_id: int) -> dict[str, Any]:
    """Return a Problem as GLPI has it, with its tickets. Reads GLPI."""
    try:
        row = context.glpi.get(f"Problem/{problem_id}")
        links = context.glpi.rows(f"Problem/{problem_id}/Problem_Ticket")
    except Refused as error:
        raise NotDone(f"GLPI shows no problem {problem_id}: {error}") from error
    held = context.store.read(undertakings.of_glpi, Kind.PROBLEM, problem_id)
    seen = standing(context, Kind.PROBLEM, problem_id)
    return {
        "id": problem_id,
        "name": plain(context, str(row["name"])),
        "status": int(row["status"]),
        "urgency": int(row["urgency"]),
        "text": plain(context, str(row["content"] or "")),
        "tickets": sorted(int(one["tickets_id"]) for one in links),
        "workaround": (seen.get("workaround") or {}).get("text"),
        "followed": None if held is None else of(held).state,
    }


def may(context: Context, kind: Kind) -> None:
    """Raise NotDone, naming the right, unless our profile may create such an object."""
    account = context.glpi.account or context.glpi.login()
    held = int(account.rights.get(kind.lower()) or 0)
    for bit, word in ((_CREATE, "create"), (_READ_ALL, "see all")):
        if not held & bit:
            raise NotDone(
                f'the profile "{account.profile}" lacks the right {kind.lower()} ({word}) in GLPI: nothing was done; '
                "`glpi-bridge provision glpi` gives it"
            )


def _ticket(context: Context, ticket_id: int) -> dict[str, Any]:
    try:
        row: dict[str, Any] = context.glpi.get(f"Ticket/{ticket_id}")
    except Refused as error:
        raise NotDone(f"GLPI shows no ticket {ticket_id}: {error}") from error
    if int(row["is_deleted"]):
        raise NotDone(f"ticket {ticket_id} is in GLPI's trash")
    return row


def _begin(connection: Connection, one: Undertaking, rows: list[tuple[str, str, str]], now: float) -> Undertaking:
    undertakings.add_occurrences(connection, rows)
    return undertakings.begin(connection, one, now)


def _delivered(context: Context, one: Undertaking) -> Undertaking:
    undertake(context)
    return context.store.read(undertakings.by_id, one.id) or one


def _under_way(context: Context, cause: str) -> Undertaking | None:
    return context.store.read(undertakings.under_way, Kind.PROBLEM, cause)


def _causes(context: Context, within: timedelta, same: Sameness) -> dict[str, list[Occurrence]]:
    found: dict[str, list[Occurrence]] = {}
    for one in context.store.read(undertakings.ticketed_since, context.time() - within):
        route = context.rules.route(one.event, context.time(), texts=False)
        cause = recurrence.cause(same, one.event, route)
        if cause is not None:
            found.setdefault(cause, []).append(one)
    return {cause: recurrence.ordered(seen) for cause, seen in found.items()}


def _recurs(context: Context, seen: list[Occurrence], often: Often) -> bool:
    route = context.rules.route(seen[-1].event, context.time(), texts=False)
    return recurrence.begins(seen, often, apart(route)) is not None


def _what(same: Sameness, seen: list[Occurrence]) -> str:
    event = seen[-1].event
    host = event.host_name or event.host
    return {
        Sameness.KEY: f"{host}: {event.name or event.trigger_name}",
        Sameness.HOST: host,
        Sameness.CATEGORY: f"as {host}: {event.name or event.trigger_name}",
    }[same]


def of(one: Undertaking) -> Listed:
    """Say how a Problem that the bridge follows stands, by what the store knows."""
    if one.kind is Kind.CHANGE:
        state = f"waits for a person: {one.parked}" if one.parked else one.state or "new"
        return Listed(one.glpi_id, one.cause, str(one.given["reason"]), state, tuple(one.given.get("tickets", ())))
    links = (deed.partition(" ")[2] for deed, id_ in one.told.items() if deed.startswith("link ") and id_)
    state = f"waits for a person: {one.parked}" if one.parked else one.state or "new"
    return Listed(one.glpi_id, one.cause, str(one.given.get("reason", "")), state, tuple(sorted(map(int, links))))
