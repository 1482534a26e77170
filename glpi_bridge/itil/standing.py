"""How a Problem stands in GLPI: its status, and the workaround that people wrote down. Reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from glpi_bridge.context import Context
from glpi_bridge.errors import Refused
from glpi_bridge.itil.problem import SOLVED
from glpi_bridge.text import decoded
from glpi_bridge.undertaking import Kind

_WORKAROUND = re.compile(
    r"\s*(workaround|soluci[oó]n (?:temporal|provisional)|(?:solution de )?contournement)\s*:", re.IGNORECASE
)
_MISSING = ("ERROR_ITEM_NOT_FOUND", "ERROR_RIGHT_MISSING")


def standing(context: Context, kind: Kind, glpi_id: int) -> dict[str, Any]:
    """Read an object as it stands; `is_gone` where GLPI does not show it any more or has it in the trash."""
    try:
        row = context.glpi.get(f"{kind}/{glpi_id}")
    except Refused as error:
        if error.code in _MISSING:
            return {"is_gone": True}
        raise
    if int(row["is_deleted"]):
        return {"is_gone": True}
    solved = context.glpi.to_utc(row.get("solvedate") or row.get("closedate"))
    seen: dict[str, Any] = {
        "status": int(row["status"]),
        "solved_at": None if solved is None else solved.timestamp(),
    }
    if kind is Kind.PROBLEM and seen["status"] not in SOLVED:
        seen["workaround"] = _workaround(context, kind, glpi_id)
    if seen["status"] in SOLVED:
        solutions = context.glpi.rows(f"{kind}/{glpi_id}/ITILSolution")
        seen["solution"] = plain(context, str(solutions[-1]["content"] or "")) if solutions else ""
    return seen


def _workaround(context: Context, kind: Kind, glpi_id: int) -> Mapping[str, Any] | None:
    """Return the newest followup of a person that begins with "Workaround:", as plain text."""
    account = context.glpi.account or context.glpi.login()
    found = None
    for row in context.glpi.rows(f"{kind}/{glpi_id}/ITILFollowup"):
        text = plain(context, str(row["content"] or ""))
        if int(row["users_id"]) != account.user_id and _WORKAROUND.match(text):
            found = {"id": int(row["id"]), "text": text}
    return found


def plain(context: Context, html: str) -> str:
    """Return HTML of GLPI as plain text; line ends are kept."""
    raw = decoded(html) if context.glpi.is_10 else html
    text = re.sub(r"<[^>]*>", "", re.sub(r"(?i)<br[^>]*>|</(?:p|div|li|tr)>", "\n", raw))
    return re.sub(r"\n\s*\n+", "\n", unescape(text)).strip()
