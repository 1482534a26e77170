"""How a ticket stands after a solution, reopening or closing of ours: shown by GLPI, or not, or undone since.

GLPI may keep our text and lose its effect (a PHP process that dies in between, a business rule that holds the status).
That is told from a person's hand by what only a person does afterwards: a refused solution, a later end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from glpi_bridge.context import Context
from glpi_bridge.look import Shown
from glpi_bridge.model import Incident, Seen, StepKind, TicketStatus, Told
from glpi_bridge.render import markers

REFUSED = 4  # ITILSolution.status


def stands(kind: StepKind, after: Told, seen: Seen, now: Seen | None) -> tuple[Told, Seen]:
    """Return what is told and seen once GLPI has a solution, a reopening or a closing of ours.

    `after` and `seen` are what they are if it took effect; `now` is the ticket as it was read back, if it was.
    """
    if kind is StepKind.SOLVE:
        if now is None or now.is_gone:
            return replace(after, unconfirmed=now is None), now or seen
        if now.status.is_finished:
            return after, replace(now, by_us=True, finished_at=seen.finished_at)
        return replace(after, unconfirmed=True), now
    if kind is StepKind.REOPEN:
        is_shown = now is not None and (now.is_gone or not now.status.is_finished)
        return replace(after, unopened=not is_shown), now or seen
    if kind is StepKind.CLOSE:
        is_left = now is None or now.status is TicketStatus.SOLVED
        held = seen if now is None else replace(now, by_us=seen.by_us, finished_at=seen.finished_at)
        return replace(after, unclosed=is_left), held
    return after, now or seen


def is_undone(context: Context, incident: Incident, now: Seen) -> bool:
    """Tell whether a person has undone our last solution, or finished the ticket after our last reopening or closing.

    Reopening a ticket, by whatever hand, refuses its solution; and it takes away the date of the end, so that an end
    later than our reopening is a new one.
    """
    if incident.is_recovered and not incident.told.unclosed:
        rows = _written(context, "ITILSolution", incident, "solution")
        return bool(rows) and int(rows[-1]["status"]) == REFUSED
    rows = _written(context, "ITILFollowup", incident, "close" if incident.told.unclosed else "return")
    made = context.glpi.to_utc(str(rows[-1]["date_creation"])) if rows else None
    return made is not None and now.finished_at is not None and now.finished_at > made


def is_objected(context: Context, shown: Shown) -> bool:
    """Tell whether somebody but us has written on a solved ticket since: its requester, or anybody for all to read.

    Who refuses the solution opens the ticket, which needs no look. One that nobody has touched since costs no call: it
    was changed no later, and by us, for in the second of the solution somebody else may have written, too.
    """
    solved_at = shown.seen.finished_at
    account = context.glpi.account or context.glpi.login()
    is_as_solved = solved_at is not None and shown.changed_at is not None and shown.changed_at <= solved_at
    if solved_at is None or (is_as_solved and shown.edited_by == account.name):
        return False
    for row in context.glpi.rows(f"Ticket/{shown.id}/ITILFollowup"):
        said_at, author = context.glpi.to_utc(row.get("date_creation")), int(row["users_id"] or 0)
        is_heard = author in shown.requesters or not int(row["is_private"])
        if author != account.user_id and is_heard and (said_at is None or said_at >= solved_at):
            return True
    return False


def is_written(context: Context, ticket_id: int | None, marker: str) -> bool:
    """Tell whether our account has written a followup with this marker on a ticket."""
    account = context.glpi.account or context.glpi.login()
    rows = context.glpi.rows(f"Ticket/{ticket_id}/ITILFollowup")
    return any(int(row["users_id"]) == account.user_id and marker in markers(str(row["content"])) for row in rows)


def written(context: Context, itemtype: str, ticket_id: int | None, text: str) -> list[dict[str, Any]]:
    """Read what our account wrote on a ticket with `text` in it, oldest first."""
    account = context.glpi.account or context.glpi.login()
    rows = context.glpi.rows(itemtype, {"searchText[content]": text})
    return [row for row in rows if int(row["items_id"]) == ticket_id and int(row["users_id"]) == account.user_id]


def _written(context: Context, itemtype: str, incident: Incident, word: str) -> list[dict[str, Any]]:
    start = f"{incident.marker} {word} "
    rows = written(context, itemtype, incident.told.ticket_id, start.strip())
    return [row for row in rows if any(line.startswith(start) for line in markers(str(row["content"])))]
