"""The history of a ticket as real GLPIs gave it, as the bridge reads it; the stand-in's must say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge import http
from glpi_bridge.glpi import Credentials, Glpi
from glpi_bridge.news import happenings
from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.recorded import VERSIONS
from glpi_bridge.text import plain

RECORDINGS = Path(__file__).parent / "recordings"
BRIDGE, ADMINISTRATOR, TECHNICIAN, ENDUSER = 7, 2, 9, 8
STORY = [
    ("taken", "Durand Paul", ""),
    ("assigned", "Durand Paul", "Martin Alice"),
    ("assigned", "Durand Paul", "Networks"),
    ("followup", "Durand Paul", ""),
    ("followup", "Durand Paul", ""),
    ("solved", "Durand Paul", ""),
    ("followup", "glpi", ""),
    ("reopened", "glpi", ""),
    ("closed", "Durand Paul", ""),
    ("deleted", "glpi", ""),
]


def recorded(version: str, name: str) -> Any:
    path = RECORDINGS / f"glpi-{version}" / "18-news" / f"{name}.json"
    return json.loads(path.read_text("utf-8"))["response"]["json"]


def story(ticket: Any) -> list[tuple[str, str, str]]:
    return [(one.kind.value, one.author, one.to) for one in happenings(ticket["_logs"].values(), BRIDGE)]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_story_of_a_recorded_ticket_is_read_as_it_was_played(version: str) -> None:
    [ticket] = recorded(version, "001-histories")
    assert story(ticket) == STORY
    texts = {row["id"]: row for row in recorded(version, "002-texts")}
    held = [one.child for one in happenings(ticket["_logs"].values(), BRIDGE) if one.child and one.child[1] in texts]
    shown = [(plain(texts[id_]["content"]), texts[id_].get("is_private")) for _, id_ in held]
    assert shown == [("a <b> & c", 0), ("for us", 1), ("swapped", None)]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_stand_in_tells_the_same_story_and_shows_the_same_columns(version: str) -> None:
    with GlpiServer(version) as server:
        credentials = Credentials(user_token=server.user_token, app_token=server.app_token)
        glpi = Glpi(server.url, lambda: credentials, http.session(target="GLPI"))
        with glpi:
            draft = {"name": "news", "content": "<p>x</p>", "_groups_id_assign": 1}
            [made] = glpi.add("Ticket", [draft])
            ticket, people = int(made.id or 0), server.people
            people.take(ticket)
            people.assign(ticket, to_user=ENDUSER)
            people.assign(ticket, to_group=2)
            followup = people.reply(ticket, "<p>a &lt;b&gt; &amp; c</p>", user=TECHNICIAN)
            private = people.reply(ticket, "<p>for us</p>", user=TECHNICIAN, private=True)
            glpi.add("ITILFollowup", [{"itemtype": "Ticket", "items_id": ticket, "content": "<p>ours</p>"}])
            solution = people.solve(ticket, "<p>swapped</p>")
            people.refuse(ticket, "<p>no</p>", user=ADMINISTRATOR)
            people.close(ticket)
            people.delete(ticket)
            [shown] = glpi.get("getMultipleItems", {**asked("Ticket", ticket), "with_logs": "true"})
            parts = {"ITILFollowup": [followup, private], "ITILSolution": [solution]}
            texts = [glpi.get("getMultipleItems", asked(kind, id_))[0] for kind, ids in parts.items() for id_ in ids]
    [real] = recorded(version, "001-histories")
    assert story(shown) == STORY
    assert shown.keys() == real.keys()
    assert next(iter(shown["_logs"].values())).keys() == next(iter(real["_logs"].values())).keys()
    for ours, theirs in zip(texts, recorded(version, "002-texts"), strict=True):
        assert ours.keys() == theirs.keys()
        same = ("content", "is_private", "users_id", "itemtype")
        assert [ours.get(key) for key in same] == [theirs.get(key) for key in same]


def asked(itemtype: str, id_: int) -> dict[str, str | int]:
    return {"items[0][itemtype]": itemtype, "items[0][items_id]": id_, "get_hateoas": "false"}
