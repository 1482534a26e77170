"""Every recorded answer of GLPI through the reader: a value or a typed error, never success where there was none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.errors import Held, NoAnswer, Refused, SessionLost
from glpi_bridge.glpi.answers import Answer, outcomes, outcomes_by_id, value
from glpi_bridge.model import Verdict

RECORDINGS = Path(__file__).parent / "recordings"


def _exchanges() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for path in sorted(RECORDINGS.glob("glpi-*/*/*.json")):
        record = json.loads(path.read_text("utf-8"))
        name = f"{path.parts[-3]}/{record['name']}"
        calls = record.get("calls", [] if "rows" in record else [record])
        for number, call in enumerate(calls):
            if call.get("response"):
                yield f"{name}#{number}" if "calls" in record else name, call["request"], call["response"]


EXCHANGES = {name: (request, response) for name, request, response in _exchanges()}


def _answer(response: dict[str, Any]) -> Answer:
    body = json.dumps(response["json"]).encode() if "json" in response else str(response.get("text", "")).encode()
    return Answer(int(response["status"]), response["headers"], body, "https://glpi.example/apirest.php/x")


def _count(request: dict[str, Any]) -> int:
    """How many items were sent; recordings show long lists as text with a number in it."""
    sent = (request.get("json") or {}).get("input") if isinstance(request.get("json"), dict) else None
    if isinstance(sent, str):
        return int("".join(filter(str.isdigit, sent)) or 1)
    return len(sent) if isinstance(sent, list) else 1


def _is_read(response: dict[str, Any]) -> bool:
    return "json" in response and int(response["status"]) in (200, 201, 206)


def _ids(request: dict[str, Any]) -> list[int]:
    sent = (request.get("json") or {}).get("input") if isinstance(request.get("json"), dict) else None
    rows = sent if isinstance(sent, list) else []
    return [int(one["id"]) for one in rows if isinstance(one, dict) and str(one.get("id", "")).isdigit()]


READ = [name for name, (_, response) in EXCHANGES.items() if _is_read(response)]
REFUSED = [name for name in EXCHANGES if name not in set(READ)]
POSTS = [name for name, (request, _) in EXCHANGES.items() if request["method"] == "POST"]
UPDATES = [name for name, (request, _) in EXCHANGES.items() if request["method"] in ("PUT", "DELETE") and _ids(request)]


@pytest.mark.parametrize("name", READ)
def test_an_answer_of_the_api_gives_its_json(name: str) -> None:
    answer = _answer(EXCHANGES[name][1])
    assert value(answer) == json.loads(answer.body)


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_answer_is_a_typed_error_in_words(name: str) -> None:
    with pytest.raises((SessionLost, Held, Refused, NoAnswer)) as caught:
        value(_answer(EXCHANGES[name][1]))
    assert str(caught.value)


@pytest.mark.parametrize("name", POSTS)
def test_a_write_is_done_only_where_glpi_gave_an_id(name: str) -> None:
    request, response = EXCHANGES[name]
    read = outcomes(_answer(response), _count(request))
    assert len(read) == _count(request)
    given = {int(row["id"]) for row in _rows(response) if isinstance(row.get("id"), int) and row["id"] is not False}
    assert {outcome.id for outcome in read if outcome.verdict is Verdict.DONE} <= given


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_is_done_only_for_the_ids_that_glpi_confirms(name: str) -> None:
    request, response = EXCHANGES[name]
    ids = _ids(request)
    confirmed = {key for row in _rows(response) for key in row if row[key] is True}
    read = outcomes_by_id(_answer(response), ids)
    assert {str(id_) for id_, one in zip(ids, read, strict=True) if one.verdict is Verdict.DONE} <= confirmed


def _rows(response: dict[str, Any]) -> list[dict[str, Any]]:
    data = response.get("json")
    if isinstance(data, dict):
        return [data]
    if isinstance(data, list) and len(data) == 2 and isinstance(data[0], str) and isinstance(data[1], list):
        data = data[1]
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def test_a_partial_bulk_is_read_item_by_item() -> None:
    for version in ("10.0.19", "11.0.6"):
        request, response = EXCHANGES[f"glpi-{version}/02-ticket-create/101-bulk-partial"]
        read = [outcome.verdict for outcome in outcomes(_answer(response), _count(request))]
        assert read == [Verdict.DONE, Verdict.REFUSED, Verdict.DONE]


def test_a_bulk_that_failed_whole_is_read_item_by_item() -> None:
    for version in ("10.0.19", "11.0.6"):
        request, response = EXCHANGES[f"glpi-{version}/02-ticket-create/102-bulk-all-fail"]
        assert {outcome.verdict for outcome in outcomes(_answer(response), _count(request))} == {Verdict.REFUSED}


def test_a_crash_of_php_is_unknown_for_every_item() -> None:
    crashes = [name for name in EXCHANGES if "02-ticket-create/104" in name and ".read" not in name]
    assert crashes
    for name in crashes:
        request, response = EXCHANGES[name]
        assert {outcome.verdict for outcome in outcomes(_answer(response), _count(request))} == {Verdict.UNKNOWN}


MYSQL = 'MySQL query error: {words} ({errno}) in SQL query "{sql}".'


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Lock wait timeout exceeded; try restarting transaction", Verdict.TRANSIENT),
        ("Deadlock found when trying to get lock; try restarting transaction", Verdict.TRANSIENT),
        ("You don't have permission to perform this action.", Verdict.REFUSED),
        ("You don&#039;t have permission to perform this action.", Verdict.REFUSED),
        (
            MYSQL.format(words="Lock wait timeout exceeded", errno=1205, sql="INSERT INTO `glpi_tickets_users` x"),
            Verdict.UNKNOWN,
        ),
        (MYSQL.format(words="Data too long", errno=1406, sql="INSERT INTO `glpi_tickets` x"), Verdict.REFUSED),
        (MYSQL.format(words="Data too long", errno=1406, sql="INSERT INTO `glpi_logs` x"), Verdict.UNKNOWN),
        (MYSQL.format(words="Deadlock", errno=1213, sql="INSERT INTO `glpi_tickets` x"), Verdict.UNKNOWN),
        ("MySQL query error: cut", Verdict.UNKNOWN),
    ],
)
def test_only_its_text_tells_a_lasting_refusal_from_a_passing_one(text: str, verdict: Verdict) -> None:
    body = json.dumps(["ERROR_GLPI_ADD", text]).encode()
    assert outcomes(Answer(400, {}, body), 1)[0].verdict is verdict


def test_what_came_after_the_database_went_away_was_not_begun_but_its_first_may_exist() -> None:
    rows = [{"id": 1, "message": ""}, *({"id": False, "message": "MySQL server has gone away"} for _ in range(3))]
    read = outcomes(Answer(207, {}, json.dumps(["ERROR_GLPI_PARTIAL_ADD", rows]).encode()), 4)
    expected = [Verdict.DONE, Verdict.UNKNOWN, Verdict.TRANSIENT, Verdict.TRANSIENT]
    assert [outcome.verdict for outcome in read] == expected


def test_a_query_error_is_shown_without_the_tickets_own_text() -> None:
    text = MYSQL.format(words="Data too long", errno=1406, sql="INSERT INTO `glpi_tickets` VALUES ('private words')")
    outcome = outcomes(Answer(400, {}, json.dumps(["ERROR_GLPI_ADD", text]).encode()), 1)[0]
    assert "private words" not in outcome.text
