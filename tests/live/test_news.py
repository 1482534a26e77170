"""What people do to a ticket of a real GLPI is told in Zabbix (the stand-in), with their names and nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from glpi_bridge.sandbox.zabbix import Standin
from tests.live.bridge import Bridge


@pytest.fixture
def zabbix(bridge: Bridge) -> Iterator[Standin]:
    """A Zabbix that answers the bridge of this test, and lets it tell all."""
    with Standin(threads=False) as standin:
        text = bridge.settings.read_text().replace("http://127.0.0.1:9/", standin.url)
        bridge.settings.write_text(text)
        (bridge.directory / "zabbix_token").write_text(standin.token)
        yield standin


def write_back(bridge: Bridge, **wishes: str) -> None:
    words = ", ".join(f"{name}: {value}" for name, value in wishes.items())
    text = bridge.settings.read_text()
    bridge.settings.write_text(text.replace("    timezone: UTC", f"    timezone: UTC\n    write_back: {{{words}}}"))


def problem(bridge: Bridge, zabbix: Standin, reader: Any) -> tuple[str, int]:
    """A problem with its ticket, whose number Zabbix has."""
    eventid = zabbix.raise_problem("web01", "live problem", severity=4)
    bridge.problem(event_id=eventid, trigger_id=zabbix.event(eventid)["objectid"])
    bridge.run("sync")
    bridge.deliver_until(lambda: bool(messages(zabbix, eventid)))
    [ticket] = reader.tickets(bridge.source)
    return eventid, int(ticket["id"])


def messages(zabbix: Standin, eventid: str) -> list[str]:
    rows = zabbix.event(eventid)["acknowledges"]
    return [row["message"] for row in sorted(rows, key=lambda row: int(row["acknowledgeid"]))]


def told(bridge: Bridge, zabbix: Standin, eventid: str) -> list[str]:
    """What the event is told once both sides were compared, but for its number."""
    ran = bridge.run("sync")
    assert ran.returncode == 0, ran.stderr
    bridge.deliver()
    return messages(zabbix, eventid)[1:]


@pytest.fixture
def me(person: Any) -> tuple[int, str]:
    """The person who acts: id, and how GLPI shows them."""
    session = person.get("getFullSession")["session"]
    row = person.get(f"User/{session['glpiID']}")
    shown = " ".join(part for part in (row["realname"], row["firstname"]) if part)
    return int(session["glpiID"]), shown or str(row["name"])


def test_the_course_of_a_ticket_is_told_once_with_the_persons_name(
    bridge: Bridge, zabbix: Standin, reader: Any, person: Any, me: tuple[int, str]
) -> None:
    eventid, ticket = problem(bridge, zabbix, reader)
    user, name = me
    person.add("Ticket_User", tickets_id=ticket, users_id=user, type=2)
    [group] = person.get("Group", **{"searchText[name]": "^Systems$"})
    person.add("Group_Ticket", tickets_id=ticket, groups_id=group["id"], type=2)
    person.add("ITILFollowup", itemtype="Ticket", items_id=ticket, content="<p>R&amp;D looks<br>a &lt;b&gt;</p>")
    person.add("ITILFollowup", itemtype="Ticket", items_id=ticket, content="<p>for us</p>", is_private=1)
    person.add("ITILSolution", itemtype="Ticket", items_id=ticket, content="<p>Swapped</p>")
    expected = [
        f"{name} took GLPI ticket {ticket}",
        f"{name} assigned GLPI ticket {ticket} to Systems",
        f"{name} wrote on GLPI ticket {ticket}:\nR&D looks\na <b>",
        f"{name} solved GLPI ticket {ticket}:\nSwapped",
    ]
    assert told(bridge, zabbix, eventid) == expected
    assert zabbix.event(eventid)["acknowledged"] == "1"
    person.add("ITILFollowup", itemtype="Ticket", items_id=ticket, content="<p>No</p>", add_reopen=1)
    person.change(ticket, status=6)
    expected += [
        f"{name} wrote on GLPI ticket {ticket}:\nNo",
        f"{name} reopened GLPI ticket {ticket}",
        f"{name} closed GLPI ticket {ticket}",
    ]
    assert told(bridge, zabbix, eventid) == expected
    person.call("DELETE", f"Ticket/{ticket}")
    expected.append(f"{name} moved GLPI ticket {ticket} to the trash")
    for _ in range(2):
        assert told(bridge, zabbix, eventid) == expected
    assert len(reader.tickets(bridge.source)) == 1


def test_private_followups_are_told_by_setting(bridge: Bridge, zabbix: Standin, reader: Any, person: Any) -> None:
    write_back(bridge, followups="all")
    eventid, ticket = problem(bridge, zabbix, reader)
    person.add("ITILFollowup", itemtype="Ticket", items_id=ticket, content="<p>for us</p>", is_private=1)
    [text] = told(bridge, zabbix, eventid)
    assert re.fullmatch(rf".+ wrote on GLPI ticket {ticket} \(private\):\nfor us", text)


def test_what_the_bridge_writes_is_no_news(bridge: Bridge, zabbix: Standin, reader: Any, person: Any) -> None:
    eventid, ticket = problem(bridge, zabbix, reader)
    bridge.update(eventid, event_update_action="commented", event_update_message="said in Zabbix")
    bridge.recovery(eventid)
    bridge.deliver()
    assert len(reader.timeline("ITILFollowup", ticket)) == 1
    assert len(reader.timeline("ITILSolution", ticket)) == 1
    person.change(ticket, name="so that a person has touched it")
    assert told(bridge, zabbix, eventid) == []
