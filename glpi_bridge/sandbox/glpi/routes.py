"""What lies below an open session: items and lists, search, the session's own calls."""

from __future__ import annotations

import re

from .answers import Answer, Failed
from .course import FaultyCourse, pause
from .documents import create_with_files
from .faults import FaultKind
from .http import Request
from .itemtypes import ITEMTYPES, RENAMED
from .lists import Lists
from .query import truthy
from .reading import Reader
from .recorded import Row
from .searching import Searcher
from .sessions import Session
from .signin import SignIn
from .world import World
from .writing import Act


class Routes:
    """Finds what answers a path."""

    def __init__(self, world: World, signin: SignIn) -> None:
        self.world = world
        self.signin = signin
        self.reader = Reader(world)
        self.searcher = Searcher(world, self.reader)
        self.lists = Lists(world)

    def route(self, course: FaultyCourse, session: Session, parts: list[str], parameters: Row) -> Answer:
        """Find what answers a path."""
        method = course.request.method
        caller = self.world.caller(session)
        sanitized = course.request.headers.get("x-glpi-sanitized-content", "true").lower() in {"true", "1", "on", "yes"}
        act = Act(self.world, caller, sanitized, course)
        own = self.signin.route(session, parts[0], parameters)
        if own is not None:
            pause(self.world, self.world.cost.read)
            return own
        if parts[0] == "getMultipleItems":
            pause(self.world, self.world.cost.read)
            with self.world.db.lock:
                return self.reader.several(caller, parameters, sanitized=sanitized, posted=method == "POST")
        if parts[0] in {"search", "listSearchOptions"} and len(parts) > 1:
            return self.find(course, act, parts, parameters)
        return self.items(course, act, parts, parameters)

    def find(self, course: FaultyCourse, act: Act, parts: list[str], parameters: Row) -> Answer:
        """Serve search and listSearchOptions."""
        itemtype = "AllAssets" if parts[1] == "AllAssets" else self.itemtype(parts[1])
        pause(self.world, self.world.cost.read)
        if isinstance(itemtype, Answer):
            return itemtype
        if parts[0] == "listSearchOptions":
            return self.searcher.list_options(itemtype) or self.not_served(f"listSearchOptions/{itemtype}")
        for odd in ("rawdata", "giveItems"):
            if truthy(parameters.get(odd, "")):
                return self.not_served(f"search with {odd}")
        if course.find(FaultKind.RANGE_IGNORED):
            parameters = {k: v for k, v in parameters.items() if k != "range"}
        with self.world.db.lock:
            return self.searcher.search(act.caller, itemtype, parameters)

    def items(self, course: FaultyCourse, act: Act, parts: list[str], parameters: Row) -> Answer:
        """Serve the routes of itemtypes."""
        method = course.request.method
        itemtype = self.itemtype(parts[0])
        if isinstance(itemtype, Answer):
            return itemtype
        row_id = int(parts[1]) if len(parts) > 1 and re.fullmatch(r"-?\d+", parts[1]) else None
        shown_type = parts[0]
        if len(parts) > 2:
            child = self.itemtype(parts[2])
            if isinstance(child, Answer):
                return child
            if method == "GET":
                return self.children(course, act, itemtype, row_id, child, parameters)
            itemtype, shown_type = child, parts[2]
            row_id = int(parts[3]) if len(parts) > 3 else None
        if method == "GET":
            return self.read(course, act, itemtype, row_id, parameters)
        course.itemtype = itemtype
        if is_multipart(course.request) and method == "POST" and itemtype == "ITILFollowup":
            return create_with_files(self.lists, act, course, itemtype)
        if is_multipart(course.request):
            return self.not_served(f"{method} {'/'.join(parts)} (multipart)")
        if method == "POST":
            return self.lists.create(act, course, itemtype, shown_type, parameters)
        if method in {"PUT", "PATCH"}:
            return self.lists.update(act, course, itemtype, row_id, parameters)
        if method == "DELETE":
            return self.lists.delete(act, course, itemtype, row_id, parameters)
        return self.not_served(f"{method} {'/'.join(parts)}")

    def read(self, course: FaultyCourse, act: Act, itemtype: str, row_id: int | None, parameters: Row) -> Answer:
        """Serve one item or the list."""
        pause(self.world, self.world.cost.read)
        with self.world.db.lock:
            if row_id is not None:
                return self.reader.get(act.caller, itemtype, row_id, parameters, sanitized=act.sanitized)
            whole = course.find(FaultKind.RANGE_IGNORED) is not None
            return self.reader.page_of(act.caller, itemtype, parameters, sanitized=act.sanitized, whole_range=whole)

    def children(
        self, course: FaultyCourse, act: Act, itemtype: str, row_id: int | None, child: str, parameters: Row
    ) -> Answer:
        """Serve what hangs on an item."""
        pause(self.world, self.world.cost.read)
        with self.world.db.lock:
            self.reader.get(act.caller, itemtype, row_id if row_id is not None else -1, {}, sanitized=True)
            whole = course.find(FaultKind.RANGE_IGNORED) is not None
            parent = (itemtype, row_id if row_id is not None else -1)
            return self.reader.page_of(
                act.caller, child, parameters, sanitized=act.sanitized, parent=parent, whole_range=whole
            )

    def itemtype(self, name: str) -> str | Answer:
        """Return the itemtype of a path's part, or the answer when it is none or not served here."""
        name = RENAMED.get(name, name)
        if name in ITEMTYPES and name in self.world.db:
            return name
        if name in self.world.known_itemtypes():
            return self.not_served(name)
        self.world.unserved[name] += 1
        text = "resource not found or not an instance of CommonDBTM"
        raise Failed(400, "ERROR_RESOURCE_NOT_FOUND_NOR_COMMONDBTM", text, documented=True)

    def not_served(self, what: str) -> Answer:
        """Say loudly that the stand-in lacks something that GLPI has."""
        self.world.unserved[what] += 1
        return Answer.json(
            ["SANDBOX_NOT_SERVED", f"the stand-in for GLPI {self.world.version} does not serve {what}"], 501
        )


def is_multipart(request: Request) -> bool:
    """Tell whether a request carries files."""
    return request.headers.get("content-type", "").startswith("multipart/")
