"""Recurring incidents become one Problem of the real GLPI, also after a lost answer; its workaround is handed on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live.bridge import Bridge
from tests.live.way import Way

RULES = """\
rules: []
default:
  category: Monitoring > CPU
  group: Systems
  reopen_window: never
  problem_after: 3 in 7 days
"""


@pytest.fixture
def bridge(tmp_path: Path, source: str) -> Bridge:
    return Bridge(tmp_path, source, rules=RULES)


def occur(bridge: Bridge, *days: int) -> list[str]:
    """One occurrence on each of these days of November, over in the same hour."""
    made = []
    for day in days:
        date = f"2026.11.{day:02}"
        event = bridge.problem(trigger_id=7, event_date=date, event_time="08:00:00")
        bridge.deliver()
        bridge.recovery(event, trigger_id=7, event_recovery_date=date, event_recovery_time="08:30:00")
        bridge.deliver()
        made.append(event)
    return made


def problems(reader: Any, source: str) -> list[dict[str, Any]]:
    return list(reader.rows("Problem", f"zabbix {source}/"))


def linked(reader: Any, problem: int) -> list[int]:
    rows = reader.get(f"Problem/{problem}/Problem_Ticket", range="0-99")
    return sorted(row["tickets_id"] for row in rows)


def test_a_recurring_incident_becomes_one_problem_and_its_workaround_reaches_the_next(
    bridge: Bridge, reader: Any, person: Any, source: str
) -> None:
    occur(bridge, 1, 2)
    assert problems(reader, source) == []
    occur(bridge, 3)
    (problem,) = problems(reader, source)
    assert problem["name"].startswith("Recurring: ")
    assert problem["itilcategories_id"]
    tickets = sorted(row["id"] for row in reader.tickets(source))
    assert linked(reader, problem["id"]) == tickets
    person.add("ITILFollowup", itemtype="Problem", items_id=problem["id"], content="<p>Workaround: restart it.</p>")
    bridge.problem(trigger_id=7, event_date="2026.11.04", event_time="08:00:00")
    bridge.deliver()
    (fresh,) = [row["id"] for row in reader.tickets(source) if row["id"] not in tickets]
    assert linked(reader, problem["id"]) == [*tickets, fresh]
    (note,) = reader.timeline("ITILFollowup", fresh)
    assert note["is_private"] == 1
    assert "restart it" in note["content"]
    assert json.loads(bridge.run("itil", "problem", "list", "--json").stdout)[0]["id"] == problem["id"]


@pytest.mark.parametrize("path", ["Problem", "Problem_Ticket"])
def test_a_lost_answer_leaves_one_problem_and_each_link_once(
    tmp_path: Path, reader: Any, source: str, way: Way, path: str
) -> None:
    bridge = Bridge(tmp_path, source, rules=RULES, url=way.url)
    occur(bridge, 1, 2)
    event = bridge.problem(trigger_id=7, event_date="2026.11.03", event_time="08:00:00")
    way.loses = lambda head: head.startswith(b"POST ") and f"/{path}?".encode() in head and way.lost == 0
    bridge.run("deliver")
    way.loses = lambda head: False
    bridge.deliver_until(lambda: [len(linked(reader, row["id"])) for row in problems(reader, source)] == [3])
    assert event
    assert way.lost
    assert len(problems(reader, source)) == 1


def test_escalating_one_incident_makes_a_problem_once(bridge: Bridge, reader: Any, source: str) -> None:
    bridge.problem()
    bridge.deliver()
    (ticket,) = [row["id"] for row in reader.tickets(source)]
    first = json.loads(bridge.run("itil", "escalate", str(ticket), "--json").stdout)
    again = json.loads(bridge.run("itil", "escalate", str(ticket), "--json").stdout)
    assert first["id"] == again["id"]
    assert linked(reader, first["id"]) == [ticket]
    shown = json.loads(bridge.run("itil", "problem", "show", str(first["id"]), "--json").stdout)
    assert shown["tickets"] == [ticket]


def test_a_change_is_begun_from_a_problem_once_and_people_are_asked(
    bridge: Bridge, reader: Any, person: Any, source: str
) -> None:
    bridge.problem()
    bridge.deliver()
    (ticket,) = [row["id"] for row in reader.tickets(source)]
    problem = json.loads(bridge.run("itil", "escalate", str(ticket), "--json").stdout)["id"]
    asks = person.get("getFullSession")["session"]
    words = ("itil", "change", "from-problem", str(problem), "--approver", asks["glpiname"], "--json")
    ran = bridge.run(*words)
    assert ran.returncode == 0, ran.stderr
    change = json.loads(ran.stdout)["id"]
    assert json.loads(bridge.run(*words).stdout)["id"] == change
    row = person.get(f"Change/{change}")
    assert all(row[name] for name in ("impactcontent", "rolloutplancontent", "backoutplancontent", "checklistcontent"))
    (link,) = person.get(f"Change/{change}/Change_Problem")
    assert link["problems_id"] == problem
    (item,) = person.get(f"Change/{change}/Change_Item")
    (computer,) = person.get("Computer", **{"searchText[name]": "^web01$"})
    assert (item["itemtype"], item["items_id"]) == ("Computer", computer["id"])
    (asked,) = person.get(f"Change/{change}/ChangeValidation")
    assert asks["glpiID"] in (asked["users_id_validate"], asked.get("items_id_target"))
