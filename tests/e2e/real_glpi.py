"""A GLPI that already runs, in the place of the stand-in: GLPI_URL and the token files as in tests/live/conftest.py.

The journeys see what they have made and nothing else of it, by the source's name, which is new for each run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from glpi_bridge.render import markers
from tests.e2e.objects import SOURCE
from tests.live.conftest import NEEDED, Account

Row = dict[str, Any]


class RealGlpi:
    """What a journey asks of the stand-in, asked of a real GLPI; only a stand-in can be made to fail."""

    def __init__(self) -> None:
        self.url, app_token, user_token = (os.environ[name] for name in NEEDED)
        self.app_token, self.user_token = (Path(file).read_text().strip() for file in (app_token, user_token))
        self._person = Account(self.url, app_token, os.environ["GLPI_ADMIN_TOKEN_FILE"])
        self.people = People(self._person)
        self._before = max((row["id"] for row in self._own(deleted=False) + self._own(deleted=True)), default=0)

    def close(self) -> None:
        self._person.close()

    def tickets(self, *, deleted: bool = False) -> list[Row]:
        """List the tickets that were made for this journey."""
        return [row for row in self._own(deleted=deleted) if row["id"] > self._before]

    def rows(self, itemtype: str) -> list[Row]:
        if itemtype == "Ticket":
            return self.tickets() + self.tickets(deleted=True)
        return list(self._person.get(itemtype, range="0-4999"))

    def ticket(self, ticket: int) -> Row:
        return dict(self._person.get(f"Ticket/{ticket}"))

    def followups(self, ticket: int) -> list[Row]:
        return self._person.timeline("ITILFollowup", ticket)

    def solutions(self, ticket: int) -> list[Row]:
        return self._person.timeline("ITILSolution", ticket)

    def _own(self, *, deleted: bool) -> list[Row]:
        mark = f"zabbix {SOURCE}/"
        more = {"is_deleted": "true"} if deleted else {}
        rows = self._person.rows("Ticket", mark, **more)
        return [row for row in rows if any(one.startswith(mark) for one in markers(row["content"]))]


class People:
    """What people do in the journeys."""

    def __init__(self, person: Account) -> None:
        self._person = person

    def solve(self, ticket: int, content: str = "<p>by hand</p>") -> None:
        self._person.add("ITILSolution", itemtype="Ticket", items_id=ticket, content=content)

    def delete(self, ticket: int) -> None:
        self._person.call("DELETE", f"Ticket/{ticket}")
