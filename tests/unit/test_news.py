"""What a ticket's history in GLPI says: who did what, in which order; rows as 10.0.19 and 11.0.6 give them."""

from __future__ import annotations

from typing import Any

import pytest

from glpi_bridge.model import NewsKind
from glpi_bridge.news import Happening, happenings, is_assigned
from glpi_bridge.text import plain

BRIDGE = "bridge (7)"
PAUL = "Durand Paul (9)"
AT = "2026-11-25 18:07:55"


def row(id_: int, who: str, linked: str = "", action: int = 0, option: int = 0, old: str = "", new: Any = "") -> Any:
    return {
        "id": id_, "itemtype": "Ticket", "items_id": 1, "itemtype_link": linked, "linked_action": action,
        "user_name": who, "date_mod": AT, "id_search_option": option, "old_value": old, "new_value": new,
    }  # fmt: skip


def status(id_: int, who: str, old: int, new: int) -> Any:
    return row(id_, who, option=12, old=str(old), new=str(new))


def solution(id_: int, who: str, child: int) -> Any:
    return row(id_, who, "ITILSolution", 17, new=f"{child} ({child})")


def told(*rows: Any) -> list[tuple[int, str, str]]:
    return [(one.id, one.kind.value, one.author) for one in happenings(rows, 7)]


CASES: dict[str, tuple[list[Any], list[tuple[int, str, str]]]] = {
    "what we did is no news": (
        [row(1, BRIDGE, "0", 20), row(2, BRIDGE, "Group", 15, 8, new="Systems (1)"), status(3, BRIDGE, 1, 2)],
        [],
    ),
    "taken": ([row(1, PAUL, "User", 15, 5, new=PAUL), status(2, PAUL, 1, 2)], [(1, "taken", "Durand Paul")]),
    "assigned to somebody else": (
        [row(1, PAUL, "User", 15, 5, new="Martin Alice (8)")], [(1, "assigned", "Durand Paul")],
    ),
    "assigned to a group": ([row(1, PAUL, "Group", 15, 8, new="Networks (2)")], [(1, "assigned", "Durand Paul")]),
    "a requester or observer is none of Zabbix's business": (
        [row(1, PAUL, "User", 15, 4, new=PAUL), row(2, PAUL, "User", 15, 66, new=PAUL)], [],
    ),
    "a followup is one piece of news, though it has two rows": (
        [row(1, PAUL, "ITILFollowup", 17, new="32826"), row(2, PAUL, "ITILFollowup", 12, new="Followups (32826)")],
        [(1, "followup", "Durand Paul")],
    ),
    "solved: the status comes before the solution": (
        [status(1, PAUL, 2, 5), row(2, PAUL, option=17, new=AT), solution(3, PAUL, 962)],
        [(3, "solved", "Durand Paul")],
    ),
    "solved: the solution comes first": (
        [solution(1, PAUL, 962), status(2, PAUL, 2, 5)], [(1, "solved", "Durand Paul")],
    ),
    "solved by the status alone": ([status(1, PAUL, 2, 5)], [(1, "solved", "Durand Paul")]),
    "a solution whose status was lost": ([solution(1, PAUL, 962)], [(1, "solved", "Durand Paul")]),
    "solved and closed at once by the entity's setting": (
        [status(1, PAUL, 2, 6), solution(2, PAUL, 962)], [(2, "solved", "Durand Paul")],
    ),
    "solved, reopened, solved again": (
        [
            status(1, PAUL, 2, 5), solution(2, PAUL, 10), row(3, "glpi (2)", "ITILFollowup", 17, new="11"),
            status(4, "glpi (2)", 5, 2), status(5, PAUL, 2, 5), solution(6, PAUL, 12),
        ],
        [
            (2, "solved", "Durand Paul"), (3, "followup", "glpi"), (4, "reopened", "glpi"),
            (6, "solved", "Durand Paul"),
        ],
    ),
    "our solution, refused by a person": (
        [status(1, BRIDGE, 2, 5), solution(2, BRIDGE, 10), status(3, PAUL, 5, 1)], [(3, "reopened", "Durand Paul")],
    ),
    "closed after our solution": (
        [status(1, BRIDGE, 2, 5), solution(2, BRIDGE, 10), status(3, PAUL, 5, 6)], [(3, "closed", "Durand Paul")],
    ),
    "closed by GLPI's own job": ([status(1, "cron_closeticket", 5, 6)], [(1, "closed", "")]),
    "pending and planned are not told": ([status(1, PAUL, 2, 4), status(2, PAUL, 4, 3)], []),
    "moved to the trash": ([row(1, "glpi (2)", "0", 13)], [(1, "deleted", "glpi")]),
    "an asset that was unlinked is no deletion": ([row(1, PAUL, "Computer", 16, new="web01 (1)")], []),
    "a name with parentheses": ([status(1, "Smith (IT) Ann (12)", 5, 6)], [(1, "closed", "Smith (IT) Ann")]),
    "columns that GLPI leaves null": (
        [row(1, PAUL, option=17, old=AT, new=None), status(2, PAUL, 5, 2)], [(2, "reopened", "Durand Paul")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_history_is_read_as_people_made_it(name: str) -> None:
    rows, expected = CASES[name]
    assert told(*rows) == expected
    assert told(*reversed(rows)) == expected, "GLPI promises no order"


def test_what_holds_the_text_and_who_was_assigned_is_kept() -> None:
    assert happenings([row(1, PAUL, "ITILFollowup", 17, new="5"), solution(2, PAUL, 9)], 7) == [
        Happening(1, NewsKind.FOLLOWUP, AT, "Durand Paul", child=("ITILFollowup", 5)),
        Happening(2, NewsKind.SOLVED, AT, "Durand Paul", child=("ITILSolution", 9)),
    ]
    [assigned] = happenings([row(1, PAUL, "Group", 15, 8, new="Root &#62; Networks (2)")], 7)
    assert assigned.to == "Root > Networks"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\ntwo\nthree"),
        ("<p>a &lt;b&gt; &amp; c&nbsp;d</p>", "a <b> & c d"),
        ("<ul><li>x</li><li>y</li></ul>", "x\ny"),
        ("no tag at all", "no tag at all"),
        ('<p><a href="https://wiki">here</a></p>', "here"),
        ("<p>\x00\x1b[31m</p>", "[31m"),
        ('<p><img src="/front/document.send.php?docid=1"></p>', ""),
        ("", ""),
    ],
)
def test_a_text_of_glpi_is_shown_as_people_read_it(content: str, shown: str) -> None:
    assert plain(content) == shown


GIVEN: dict[str, tuple[Any, bool]] = {
    "a person takes it": (row(1, PAUL, "User", 15, 5, new=PAUL), True),
    "a person gives it to a group": (row(1, PAUL, "Group", 15, 8, new="Networks (2)"), True),
    "a person takes its group away, in 10": (row(1, PAUL, "Group", 16, 0, old="Systems (1)"), True),
    "a person takes its group away, in 11": (row(1, PAUL, "Group", 16, 8, old="Systems (1)"), True),
    "an automatic action of GLPI gives it to a group": (row(1, "slaticket", "Group", 15, 8, new="Networks (2)"), True),
    "we gave it to its group": (row(1, BRIDGE, "Group", 15, 8, new="Systems (1)"), False),
    "a person adds a requester": (row(1, PAUL, "User", 15, 4, new=PAUL), False),
    "a person adds an observing group": (row(1, PAUL, "Group", 15, 65, new="Networks (2)"), False),
    "a person takes an observer away, in 11": (row(1, PAUL, "Group", 16, 65, old="Networks (2)"), False),
    "a person writes": (row(1, PAUL, "ITILFollowup", 17, new="32826"), False),
}


@pytest.mark.parametrize("name", GIVEN)
def test_whose_hand_a_ticket_went_through_is_read_from_its_history(name: str) -> None:
    history, expected = GIVEN[name]
    assert is_assigned([history], 7) is expected
