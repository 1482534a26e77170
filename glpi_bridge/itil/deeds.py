"""What a deed of a Problem or Change writes to GLPI, and where it is found again. Sends nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import escape

from glpi_bridge.context import Context
from glpi_bridge.itil import change
from glpi_bridge.itil.problem import Verb
from glpi_bridge.model import Draft, TicketType
from glpi_bridge.recurrence import Occurrence
from glpi_bridge.render import Text
from glpi_bridge.text import as_text, title, with_marker
from glpi_bridge.undertaking import NOTE, SOLUTION, Deed, Due, Kind, Member, Undertaking

_OF_TICKETS_ONLY = ("type", "requesttypes_id", "locations_id", "_users_id_requester")


def compose(context: Context, one: Undertaking, due: Due, members: list[Member], seen: list[Occurrence]) -> Deed:
    """Return the deed for what is due. Raises NameNotFound where the rules name an entity that GLPI has not."""
    if due.verb in (NOTE, SOLUTION):
        return _resolution(one, due, next(member for member in members if member.ticket_id == due.subject))
    if one.kind is Kind.CHANGE:
        return _CHANGE[change.Verb(due.verb)](context, one, due)
    if due.verb == Verb.OPEN:
        return _open(context, one, due, seen)
    if due.verb == Verb.LINK:
        return _link(one, due)
    return _workaround(one, due, next(member for member in members if member.ticket_id == due.subject))


def _open(context: Context, one: Undertaking, due: Due, seen: list[Occurrence]) -> Deed:
    fields = _draft(context, one, seen)
    return Deed(
        key=due.key,
        reason=due.reason,
        itemtype=Kind.PROBLEM,
        input=fields,
        path=str(Kind.PROBLEM),
        marker=one.marker,
    )


def _draft(context: Context, one: Undertaking, seen: list[Occurrence]) -> dict[str, Any]:
    """Return the input of POST Problem: the gravest of its incidents lends it urgency, category, entity and group."""
    if not seen:
        heading, content = str(one.given.get("title", "Problem")), str(one.given.get("content", ""))
        draft = Draft(title=heading, content=content)
    else:
        lead = max(seen, key=lambda each: (each.event.severity, each.at is not None and each.at.timestamp()))
        route = context.rules.route(lead.event, context.time())
        same = str(one.given.get("same", ""))
        text = context.rules.text(Text.PROBLEM, lead.event, context.time(), occurrences=seen, same=same)
        heading, content, draft = f"Recurring: {route.draft.title}", text.text, route.draft
    fields, _ = context.names.ticket(draft, None)
    fields |= one.given.get("fields", {})
    for name in (*_OF_TICKETS_ONLY, *draft.extra):
        fields.pop(name, None)
    if draft.type is not TicketType.INCIDENT:
        fields.pop("itilcategories_id", None)
    name = title(heading, encoded_limit=context.glpi.is_10)
    fields["name"] = as_text(name) if context.glpi.is_10 else name
    fields["content"] = with_marker(content or "<p></p>", one.marker)
    return fields


def _link(one: Undertaking, due: Due) -> Deed:
    same = {"problems_id": one.glpi_id or 0, "tickets_id": due.subject}
    path = f"Problem/{one.glpi_id}/Problem_Ticket"
    return Deed(due.key, due.reason, "Problem_Ticket", same, path, same=same)


def _workaround(one: Undertaking, due: Due, member: Member) -> Deed:
    known = one.seen.get("workaround") or {}  # whoever only looks for the note needs no text
    text = escape(str(known.get("text", ""))).replace("\n", "<br>\n")
    html = f"<p>This is a known problem (problem {one.glpi_id}). {text}</p>"
    return _followup(due, member, one, html, f"workaround {one.glpi_id}.{due.detail}")


def _resolution(one: Undertaking, due: Due, member: Member) -> Deed:
    """A note, or the solution, that says which Problem or Change was solved, and how."""
    said = escape(str(one.seen.get("solution") or "no reason was given")).replace("\n", "<br>\n")
    html = f"<p>{one.kind} {one.glpi_id} was solved: {said}</p>"
    words = f"{due.verb} {one.kind.lower()}.{one.glpi_id}"
    if due.verb == NOTE:
        return _followup(due, member, one, html, words)
    marker = f"{member.marker or one.marker} {words}"
    fields = {
        "itemtype": "Ticket",
        "items_id": member.ticket_id,
        "content": with_marker(html, marker),
        "_disable_auto_assign": 1,
    }
    same = {"items_id": member.ticket_id}
    return Deed(due.key, due.reason, "ITILSolution", fields, "ITILSolution", marker=marker, same=same)


def _followup(due: Due, member: Member, one: Undertaking, html: str, words: str) -> Deed:
    marker = f"{member.marker or one.marker} {words}"
    fields = {
        "itemtype": "Ticket",
        "items_id": member.ticket_id,
        "content": with_marker(html, marker),
        "is_private": 1,
        "_no_reopen": 1,
        "_do_not_compute_takeintoaccount": 1,
        "_disablenotif": True,
    }
    return Deed(
        due.key,
        due.reason,
        "ITILFollowup",
        fields,
        "ITILFollowup",
        marker=marker,
        same={"items_id": member.ticket_id},
    )


# -- Changes ----------------------------------------------------------------------------------------------------------

_PLANS = {
    "content": "change_content",
    "impactcontent": "change_impact",
    "controlistcontent": "change_control",
    "rolloutplancontent": "change_rollout",
    "backoutplancontent": "change_backout",
    "checklistcontent": "change_checklist",
}
"""GLPI's fields of a Change, and the templates they begin with."""


def _change(context: Context, one: Undertaking, due: Due) -> Deed:
    given = one.given
    names = {
        "problem_id": given["problem"],
        "name": given["name"],
        "tickets": given.get("tickets", []),
        "assets": given.get("asset_names", []),
    }
    fields: dict[str, Any] = {field: context.rules.file(name, **names) for field, name in _PLANS.items()}
    name = title(f"Change for problem {given['problem']}: {given['name']}", encoded_limit=context.glpi.is_10)
    fields |= {**given.get("fields", {}), "name": as_text(name) if context.glpi.is_10 else name}
    fields["content"] = with_marker(fields["content"], one.marker)
    return Deed(due.key, due.reason, Kind.CHANGE, fields, str(Kind.CHANGE), marker=one.marker)


def _of_problem(context: Context, one: Undertaking, due: Due) -> Deed:  # noqa: ARG001 - all share one shape
    same = {"changes_id": one.glpi_id or 0, "problems_id": due.subject}
    return Deed(due.key, due.reason, "Change_Problem", same, f"Change/{one.glpi_id}/Change_Problem", same=same)


def _asset(context: Context, one: Undertaking, due: Due) -> Deed:  # noqa: ARG001
    same: dict[str, int | str] = {"changes_id": one.glpi_id or 0, "itemtype": due.detail, "items_id": due.subject}
    return Deed(due.key, due.reason, "Change_Item", same, f"Change/{one.glpi_id}/Change_Item", same=same)


def _approve(context: Context, one: Undertaking, due: Due) -> Deed:
    """Up to GLPI 10 people are asked, from 11 on a group too (itemtype_target, items_id_target)."""
    if context.glpi.is_10:
        who: dict[str, int | str] = {"users_id_validate": due.subject}
    else:
        who = {"itemtype_target": due.detail, "items_id_target": due.subject}
    words = f"Please approve this change: it is to end problem {one.given['problem']} ({one.given['name']})."
    fields = {"changes_id": one.glpi_id, **who, "comment_submission": words}
    path = f"Change/{one.glpi_id}/ChangeValidation"
    return Deed(due.key, due.reason, "ChangeValidation", fields, path, same=who)


def _say(context: Context, one: Undertaking, due: Due) -> Deed:  # noqa: ARG001
    note = next(note for note in one.given["notes"] if int(note["id"]) == due.subject)
    marker = f"{one.marker} planned {due.subject}"
    fields = {
        "itemtype": "Change",
        "items_id": one.glpi_id,
        "content": with_marker(str(note["text"]), marker),
        "is_private": 1,
        "_no_reopen": 1,
        "_disablenotif": True,
    }
    same: dict[str, int | str] = {"itemtype": "Change", "items_id": one.glpi_id or 0}
    return Deed(due.key, due.reason, "ITILFollowup", fields, "ITILFollowup", marker=marker, same=same)


_CHANGE: Mapping[change.Verb, Callable[[Context, Undertaking, Due], Deed]] = {
    change.Verb.OPEN: _change,
    change.Verb.PROBLEM: _of_problem,
    change.Verb.ASSET: _asset,
    change.Verb.APPROVE: _approve,
    change.Verb.SAY: _say,
}
