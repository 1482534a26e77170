"""POST, PUT and DELETE over one item or a list: item by item, each on its own, answered together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .answers import Answer, Crashed, Failed, Refused, Verbatim, bad_array
from .course import FaultyCourse, pause
from .query import truthy
from .recorded import Row
from .world import World
from .writing import Act

Result = dict[str, Any]


@dataclass
class Lists:
    """The writing verbs over lists."""

    world: World

    def create(self, act: Act, course: FaultyCourse, itemtype: str, shown_type: str, parameters: Row) -> Answer:
        """Add one item or a list: 201, 207, 400 as recorded [02/100-106]."""
        given = self.given(parameters)
        if isinstance(given, dict):
            results, _ = self.run(course, [given], lambda data: self.add(act, itemtype, data), single=True)
            return self.created_one(shown_type, results[0])
        if not given:
            raise Failed(400, "ERROR_GLPI_ADD", [])
        results, failed = self.run(course, given, lambda data: self.add(act, itemtype, data), single=False)
        if failed == len(results):
            raise Failed(400, "ERROR_GLPI_ADD", results)
        if failed:
            raise Failed(207, "ERROR_GLPI_PARTIAL_ADD", results)
        link = ",".join(self.address(shown_type, one["id"]) for one in results)
        return Answer(201, Answer.json(results).body, {"Link": link})

    def created_one(self, itemtype: str, result: Result) -> Answer:
        """Answer for a single add."""
        if result["id"] is False:
            raise Failed(400, "ERROR_GLPI_ADD", result["message"])
        return Answer(201, Answer.json(result).body, {"Location": self.address(itemtype, result["id"])})

    def address(self, itemtype: str, row_id: int) -> str:
        """Return the address GLPI gives an item."""
        return f"{self.world.settings.url_base}{self.world.dialect.link_path}/{itemtype}/{row_id}"

    def add(self, act: Act, itemtype: str, data: Row) -> Result:
        """Add one item; refusals become its result."""
        try:
            row_id, words = self.world.writers[itemtype].add(act, data)
        except Refused as refused:
            return {"id": False, "message": self.words(act, refused.message)}
        return {"id": row_id, "message": self.words(act, words)}

    def update(self, act: Act, course: FaultyCourse, itemtype: str, row_id: int | None, parameters: Row) -> Answer:
        """Change one item or a list; missing ids leave no entry, none at all give an empty one [05/021-033]."""
        given = self.given(parameters)
        if row_id is not None and isinstance(given, dict):
            given = {**given, "id": row_id}
        single = isinstance(given, dict)
        sent: list[Any] = [given] if isinstance(given, dict) else given
        results, failed = self.run(course, sent, lambda data: self.change(act, itemtype, data), single=single)
        return self.answer_many("UPDATE", results, failed, sent, single=single)

    def change(self, act: Act, itemtype: str, data: Row) -> Result | list[Any] | None:
        """Change one item: its result, [] without an id, None when it is missing."""
        row_id = data.get("id")
        if row_id is None:
            return []
        row_id = self.row_id(itemtype, row_id)
        if row_id is None:
            return None
        try:
            words = self.world.writers[itemtype].update(act, row_id, {k: v for k, v in data.items() if k != "id"})
        except Refused as refused:
            return {str(row_id): False, "message": self.words(act, refused.message)}
        return {str(row_id): True, "message": words}

    def delete(self, act: Act, course: FaultyCourse, itemtype: str, row_id: int | None, parameters: Row) -> Answer:
        """Delete one item or a list; unlike PUT a missing one is listed [05/062 063]."""
        given = {"id": row_id} if row_id is not None else self.given(parameters)
        single = isinstance(given, dict)
        sent: list[Any] = [given] if isinstance(given, dict) else given
        purge = truthy(parameters.get("force_purge", ""))
        results, failed = self.run(
            course, sent, lambda data: self.drop(act, itemtype, data, purge=purge), single=single
        )
        return self.answer_many("DELETE", results, failed, sent, single=single)

    def drop(self, act: Act, itemtype: str, data: Row, *, purge: bool) -> Result | list[Any]:
        """Delete one item."""
        if data.get("id") is None:
            return []
        row_id = self.row_id(itemtype, data["id"])
        if row_id is None:
            return {str(data["id"]): False, "message": "Item not found"}
        try:
            words = self.world.writers[itemtype].delete(act, row_id, purge=purge)
        except Refused as refused:
            return {str(row_id): False, "message": self.words(act, refused.message)}
        return {str(row_id): True, "message": words}

    def row_id(self, itemtype: str, value: Any) -> int | None:
        """Return the id of a row that exists; surveys are known by their ticket's id [08/047]."""
        table = self.world.db[itemtype]
        try:
            number = int(value)
        except (TypeError, ValueError):
            return None
        if itemtype == "TicketSatisfaction":
            return next(iter(table.children("tickets_id", number)), None)
        return number if number in table.rows else None

    # -- shared --

    @staticmethod
    def given(parameters: Row) -> Any:
        """Return the input: an object, or a list of them."""
        given = parameters.get("input")
        if not isinstance(given, (dict, list)):
            raise bad_array()
        return given

    def run(
        self, course: FaultyCourse, sent: list[Any], work: Callable[[Row], Any], *, single: bool
    ) -> tuple[list[Any], int]:
        """Work through the items, one after the other; returns the results and how many failed."""
        results: list[Any] = []
        failed = 0
        for index, data in enumerate(sent):
            if not isinstance(data, dict):
                raise Crashed
            result = self.one(
                course, index, data, work, self.world.cost.single if single else self.world.cost.bulk_item
            )
            course.made += 1
            if _is_failed(result):
                failed += 1
            if result is not None:
                results.append(result)
        return results, failed

    def one(self, course: FaultyCourse, index: int, data: Row, work: Callable[[Row], Any], cost: float) -> Any:
        """Work on one item under its faults and the database's lock, and let the time pass that it costs."""
        pause(self.world, self.world.cost.missing if self.is_missing(course, data) else cost)
        try:
            altered = course.item(index, data)
        except Refused as refused:
            key = str(data["id"]) if "id" in data and course.request.method != "POST" else "id"
            return {key: False, "message": refused.message}
        with self.world.db.lock:
            result = work(altered)
        if course.lost_unknown(index):
            return {next(iter(result)): False, "message": course.gone_away}
        return result

    def is_missing(self, course: FaultyCourse, data: Row) -> bool:
        """Tell whether a PUT or DELETE is about an id that is not there."""
        itemtype = course.itemtype
        return course.request.method != "POST" and "id" in data and self.row_id(itemtype, data["id"]) is None

    def answer_many(self, verb: str, results: list[Any], failed: int, sent: list[Any], *, single: bool) -> Answer:
        """Answer for PUT and DELETE."""
        if failed and failed == len(sent):
            message: Any = results
            if single:
                message = results[0]["message"] if results else None
            raise Failed(400, f"ERROR_GLPI_{verb}", message)
        if failed:
            raise Failed(207, f"ERROR_GLPI_PARTIAL_{verb}", results)
        return Answer.json(results)

    def words(self, act: Act, message: Any) -> Any:
        """Return words as the version sends them."""
        if not isinstance(message, str) or isinstance(message, Verbatim):
            return message
        return self.world.dialect.said(message, sanitized=act.sanitized)


def _is_failed(result: Any) -> bool:
    if result is None:
        return True
    return isinstance(result, dict) and next(iter(result.values())) is False


def as_items(body: bytes) -> Any:
    """Return the input of a write for the log, None when it has none."""
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data.get("input") if isinstance(data, dict) else None
