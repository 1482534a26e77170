"""A Change is begun from a Problem once: linked, with its incidents' assets, plans to begin with, approval asked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge import deliver
from glpi_bridge.itil.delivery import undertake
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from tests.house import VERSIONS
from tests.integration.installation import RULES, Installation, installation

SYSTEMS = 1
CLOSED = 6


@pytest.fixture(params=VERSIONS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, request.param) as made:
        made.write(rules=RULES)
        made.glpi.world.db["Profile"].update(9, {"changevalidation": 4, "networking": 1, "internet": 1})
        yield made


@pytest.fixture
def problem(house: Installation) -> int:
    """A Problem of one incident, whose host web01 is a computer of GLPI."""
    house.alert("101")
    house.ok("deliver")
    (ticket,) = house.glpi.world.db["Ticket"].ids
    return int(house.json("itil", "escalate", str(ticket))["id"])


def rows(house: Installation, itemtype: str) -> list[dict[str, Any]]:
    table = house.glpi.world.db[itemtype]
    return [table.full(id_) | {"id": id_} for id_ in table.ids]


def begin(house: Installation, problem: int, *more: str, code: int = 0) -> Any:
    return house.json("itil", "change", "from-problem", str(problem), *more, code=code)


def asked(house: Installation) -> list[tuple[str, int]]:
    found = rows(house, "ChangeValidation")
    pairs = [
        (row.get("itemtype_target") or "User", row.get("items_id_target") or row["users_id_validate"]) for row in found
    ]
    return sorted(pairs)


def test_a_change_has_its_problem_its_assets_and_plans_to_begin_with(house: Installation, problem: int) -> None:
    made = begin(house, problem)
    (change,) = rows(house, "Change")
    assert change["id"] == made["id"]
    assert change["name"].startswith(f"Change for problem {problem}: ")
    for column in (
        "impactcontent",
        "controlistcontent",
        "rolloutplancontent",
        "backoutplancontent",
        "checklistcontent",
    ):
        assert change[column], column
    assert "web01" in change["rolloutplancontent"]
    of_problem = house.glpi.world.db["Problem"].full(problem)
    assert (change["urgency"], change["itilcategories_id"]) == (of_problem["urgency"], of_problem["itilcategories_id"])
    assert [(row["changes_id"], row["problems_id"]) for row in rows(house, "Change_Problem")] == [(made["id"], problem)]
    assert [(row["itemtype"], row["items_id"]) for row in rows(house, "Change_Item")] == [("Computer", 1)]
    assert asked(house) == []
    assert [one["id"] for one in house.json("itil", "change", "list")] == [made["id"]]
    assert "changes: 1" in house.ok("itil", "change", "list")


def test_the_plans_begin_with_the_administrators_own_templates(house: Installation, problem: int) -> None:
    (house.home / "templates").mkdir()
    (house.home / "templates" / "change_rollout.j2").write_text("Ask Ann & wait ({{ problem_id }})")
    (house.home / "templates" / "change_backout.j2").write_text("{{ nobody_knows }}")
    begin(house, problem)
    (change,) = rows(house, "Change")
    assert f"wait ({problem})" in change["rolloutplancontent"]
    assert "way back" in change["backoutplancontent"]


def test_begun_again_it_is_the_same_and_whoever_is_named_anew_is_asked_too(house: Installation, problem: int) -> None:
    first = begin(house, problem, "--approver", "technician")
    assert begin(house, problem, "--approver", "technician") == first
    assert asked(house) == [("User", 9)]
    assert begin(house, problem, "--approver", "enduser")["id"] == first["id"]
    assert asked(house) == [("User", 8), ("User", 9)]
    assert len(rows(house, "Change")) == len(rows(house, "Change_Problem")) == 1


def test_a_group_is_asked_on_11_and_its_members_on_10(house: Installation, problem: int) -> None:
    for user in (8, 9):
        house.glpi.world.db["Group_User"].insert({"groups_id": SYSTEMS, "users_id": user})
    begin(house, problem, "--approver-group", "Systems")
    members = {user for kind, user in asked(house) if kind == "User"}
    assert asked(house) == [("Group", SYSTEMS)] or members >= {8, 9}


def test_after_its_end_another_change_may_be_begun(house: Installation, problem: int) -> None:
    first = begin(house, problem)
    house.glpi.people.edit(first["id"], itemtype="Change", status=6)
    with house.context() as context:
        context.now = lambda: 4e9
        undertake(context)
    assert begin(house, problem)["id"] != first["id"]


CHANGE = Match(method="POST", path="^/?Change$")
LINK, ITEM = Match(method="POST", path="Change_Problem"), Match(method="POST", path="Change_Item")
ASK = Match(method="POST", path="ChangeValidation")


@pytest.mark.parametrize("write", [CHANGE, LINK, ITEM, ASK], ids=["change", "link", "asset", "approval"])
@pytest.mark.parametrize(
    "kind", [FaultKind.RESET_AFTER, FaultKind.ERROR_BEFORE, FaultKind.EMPTY_AFTER, FaultKind.UNAUTHORIZED]
)
def test_however_glpi_answers_there_is_one_of_each(
    house: Installation, problem: int, kind: FaultKind, write: Match
) -> None:
    house.glpi.order(Fault(kind, write))
    house.run("itil", "change", "from-problem", str(problem), "--approver", "technician")
    with house.context() as context:
        for turn in range(1, 8):
            at = 4e9 + turn * 700
            context.now = partial(float, at)
            deliver.one_pass(context)
    counts = {name: len(rows(house, name)) for name in ("Change", "Change_Problem", "Change_Item", "ChangeValidation")}
    assert counts == dict.fromkeys(counts, 1)


def test_a_proxy_that_repeats_the_call_leaves_one_open_change_with_its_links_and_the_second_is_closed(
    house: Installation, problem: int
) -> None:
    house.glpi.order(Fault(FaultKind.REPEATED, CHANGE))
    made = begin(house, problem, "--approver", "technician")
    assert len(rows(house, "Change")) == 2
    for _ in range(3):
        house.ok("sync")
        house.ok("deliver")
    assert begin(house, problem, "--approver", "technician")["id"] == made["id"]
    status = {row["id"]: row["status"] for row in rows(house, "Change")}
    assert status.pop(made["id"]) == 1
    assert [*status.values()] == [CLOSED]
    for kind in ("Change_Problem", "Change_Item", "ChangeValidation"):
        assert [row["changes_id"] for row in rows(house, kind)] == [made["id"]]
    (said,) = (one["text"] for one in house.json("status", code=1)["notices"] if one["kind"] == "duplicate")
    assert f"repeats change {made['id']}: one call arrived twice" in said


WRONG = {
    "no such problem": (("4711",), "GLPI shows no problem 4711"),
    "no such approver": (("{problem}", "--approver", "tecnician"), "tecnician"),
    "no such group": (("{problem}", "--approver-group", "Sistems"), "Systems"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said_in_words_and_nothing_is_made(house: Installation, problem: int, case: str) -> None:
    words, said = WRONG[case]
    result = house.run("itil", "change", "from-problem", *(word.format(problem=problem) for word in words))
    assert (result.exit_code, said in result.output) == (1, True), result.output
    assert rows(house, "Change") == []


@pytest.mark.parametrize(
    ("right", "left", "word"),
    [
        ("change", 1024, "create"),
        ("change", 4, "see all"),
        ("changevalidation", 1, "create"),
    ],
)
def test_a_right_that_lacks_is_named_before_anything_is_made(
    house: Installation, problem: int, right: str, left: int, word: str
) -> None:
    house.glpi.world.db["Profile"].update(9, {right: left})
    result = house.run("itil", "change", "from-problem", str(problem), "--approver", "technician")
    assert result.exit_code == 1
    assert f"{right} ({word})" in result.output
    assert rows(house, "Change") == []
