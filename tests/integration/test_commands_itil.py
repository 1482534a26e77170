"""`itil`: causes are listed, Problems opened, linked and shown by a person; what cannot be is said in a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from tests.house import VERSIONS
from tests.integration.installation import RULES, Installation, installation


@pytest.fixture(params=VERSIONS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, request.param) as made:
        made.write(rules=RULES + "  reopen_window: never\n")
        yield made


def occur(house: Installation, *days: int, **fields: str) -> None:
    for day in days:
        date = {"event_date": f"2026.11.{day:02}", "event_time": "08:00:00"}
        given: dict[str, Any] = {"trigger_id": "7", **date, **fields}
        house.alert(str(100 + day), **given)
        house.ok("deliver")
        house.alert(
            str(100 + day),
            event_value="0",
            event_recovery_date=date["event_date"],
            event_recovery_time="08:30:00",
            **given,
        )
        house.ok("deliver")


def linked(house: Installation, problem: int) -> list[int]:
    table = house.glpi.world.db["Problem_Ticket"]
    return sorted(table.value(row, "tickets_id") for row in table.children("problems_id", problem))


def count(house: Installation, itemtype: str = "Problem") -> int:
    return len(house.glpi.world.db[itemtype].ids)


def test_what_recurs_is_suggested_and_opened_once(house: Installation) -> None:
    occur(house, 20, 21, 22)
    found = house.json("itil", "problem", "suggest", "--after", "3 in 365 days", "--same", "key")
    (one,) = found
    assert (one["count"], len(one["tickets"]), one["problem_id"]) == (3, 3, None)
    assert house.json("itil", "problem", "suggest", "--after", "4 in 365 days", "--same", "key") == []
    made = house.json("itil", "problem", "open", one["cause"], "--after", "3 in 365 days")
    assert linked(house, made["id"]) == made["tickets"] == one["tickets"]
    again = house.json("itil", "problem", "open", one["cause"])
    assert again["id"] == made["id"]
    assert count(house) == 1
    (known,) = house.json("itil", "problem", "suggest", "--after", "3 in 365 days", "--same", "key")
    assert known["problem_id"] == made["id"]
    occur(house, 23)
    assert len(linked(house, made["id"])) == 4
    (row,) = house.json("itil", "problem", "list")
    assert (row["id"], len(row["tickets"]), row["state"]) == (made["id"], 4, "open")
    assert "4 tickets" not in house.ok("itil", "problem", "list")
    shown = house.json("itil", "problem", "show", str(made["id"]))
    assert shown["tickets"] == linked(house, made["id"])
    assert "Root cause" in house.ok("itil", "problem", "show", str(made["id"]))


def test_what_glpi_refuses_is_listed_shown_tried_again_and_dropped_by_its_name(house: Installation) -> None:
    house.alert("101")
    house.ok("deliver")
    (ticket,) = house.glpi.world.db["Ticket"].ids
    house.glpi.order(Fault(FaultKind.POISON, Match("POST", "Problem"), times=None, text="zabbix "))
    house.run("itil", "escalate", str(ticket))
    (row,) = house.json("queue", "list")["undertakings"]
    assert (row["id"], row["standing"], row["in_glpi"]) == ("problem-1", "refused, tried again", None)
    while (row := house.json("queue", "list")["undertakings"][0])["standing"] != "parked":
        house.ok("queue", "retry", "problem-1")
        house.ok("deliver")
    assert house.json("status", code=1)["queue"]["undertakings_parked"] == 1
    assert any("1 problem or change parked" in one for one in house.json("status", code=1)["needs_person"])
    assert "problem-1  parked: zabbix " in house.ok("queue", "list")
    assert "GLPI refuses" in house.json("queue", "show", "problem-1")["why"]
    assert "0 incidents, 1 problem or change" in house.ok("queue", "retry", "all")
    house.glpi.cancel()
    house.ok("deliver")
    assert house.json("queue", "list")["undertakings"] == []
    assert (count(house), house.json("queue", "show", "problem-1")["in_glpi"]) == (1, 1)
    assert "does not wait for a try" in house.run("queue", "retry", "problem-1").output
    assert "there is no change-1" in house.run("queue", "show", "change-1").output
    assert "stays in GLPI as it is" in house.ok("queue", "drop", "--yes", "problem-1")
    house.ok("deliver")
    assert house.json("queue", "show", "problem-1")["why"] == "dropped by a person"
    assert "nothing was dropped" in house.run("queue", "drop", "--yes", "problem-1").output


def test_an_incident_is_escalated_to_a_problem_once_with_its_urgency_and_category(house: Installation) -> None:
    house.alert("101")
    house.ok("deliver")
    (ticket,) = house.glpi.world.db["Ticket"].ids
    made = house.json("itil", "escalate", str(ticket), "--reason", "Nobody knows <why>")
    assert house.json("itil", "escalate", str(ticket))["id"] == made["id"]
    assert linked(house, made["id"]) == [ticket]
    of_ticket, of_problem = (
        house.glpi.world.db[name].full(id_) for name, id_ in (("Ticket", ticket), ("Problem", made["id"]))
    )
    for column in ("urgency", "impact", "itilcategories_id", "entities_id"):
        assert of_problem[column] == of_ticket[column]
    assert "Nobody knows <why>" in house.json("itil", "problem", "show", str(made["id"]))["text"]
    assert count(house) == 1


def test_a_ticket_is_linked_to_a_problem_that_a_person_made(house: Installation) -> None:
    house.alert("101")
    house.ok("deliver")
    (ticket,) = house.glpi.world.db["Ticket"].ids
    problem = house.glpi.people.create(user=9, itemtype="Problem", name="By hand", content="<p>x</p>")
    for _ in range(2):
        assert house.json("itil", "problem", "link", str(problem), str(ticket))["tickets"] == [ticket]
    assert linked(house, problem) == [ticket]
    assert count(house) == 1


WRONG = {
    "a cause of nobody": (("problem", "open", "0123456789abcdef"), 1, "suggest"),
    "neither a cause nor a ticket": (("problem", "open"), 2, "--ticket NUMBER"),
    "both": (("problem", "open", "0123456789abcdef", "--ticket", "1"), 2, "--ticket NUMBER"),
    "a ticket that is not there": (("escalate", "4711"), 1, "GLPI shows no ticket 4711"),
    "a problem that is not there": (("problem", "show", "4711"), 1, "GLPI shows no problem 4711"),
    "a link to no problem": (("problem", "link", "4711", "{ticket}"), 1, "GLPI has no problem 4711"),
    "a link of no ticket": (("problem", "link", "1", "4711"), 1, "GLPI shows no ticket 4711"),
    "no number": (("escalate", "web01"), 2, "is not a valid integer"),
    "no recurrence": (("problem", "suggest", "--after", "often"), 2, "5 in 7 days"),
    "never": (("problem", "suggest", "--after", "never"), 2, "5 in 7 days"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said_in_words_and_nothing_is_made(house: Installation, case: str) -> None:
    house.alert("101")
    house.ok("deliver")
    (ticket,) = house.glpi.world.db["Ticket"].ids
    words, code, said = WRONG[case]
    result = house.run("itil", *(word.format(ticket=ticket) for word in words))
    assert (result.exit_code, said in result.output) == (code, True), result.output
    assert count(house) == count(house, "Problem_Ticket") == 0


@pytest.mark.parametrize(("right", "left", "word"), [("problem", 1024, "create"), ("problem", 4, "see all")])
def test_a_right_that_lacks_is_named_before_anything_is_made(
    house: Installation, right: str, left: int, word: str
) -> None:
    house.alert("101")
    house.ok("deliver")
    (ticket,) = house.glpi.world.db["Ticket"].ids
    house.glpi.world.db["Profile"].update(9, {right: left})
    result = house.run("itil", "escalate", str(ticket))
    assert result.exit_code == 1
    assert f"{right} ({word})" in result.output
    assert "provision glpi" in result.output
    assert count(house) == 0
    assert house.json("itil", "problem", "list") == []
