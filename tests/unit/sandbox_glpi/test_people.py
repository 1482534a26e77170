"""People change tickets meanwhile; backups come back."""

from __future__ import annotations

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.answers import Refused
from tests.unit.sandbox_glpi.client import Client, tickets


def test_a_technician_takes_a_ticket(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one()
    glpi.people.take(ticket)
    assert glpi.actors(ticket) == [("user", 9, 2)]
    assert glpi.ticket(ticket)["status"] == 2
    assert glpi.ticket(ticket)["takeintoaccountdate"]


def test_a_ticket_can_be_assigned_and_given_to_another_group(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one()
    glpi.people.assign(ticket, to_group=1)
    glpi.people.reassign(ticket, to_group=2)
    assert glpi.actors(ticket) == [("group", 2, 2)]


def test_people_set_pending_recategorise_rename_and_rate(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one()
    glpi.people.set_pending(ticket)
    glpi.people.recategorise(ticket, 7)
    glpi.people.rename(ticket, "Mine")
    glpi.people.set_urgency(ticket, 1)
    row = glpi.ticket(ticket)
    assert (row["status"], row["itilcategories_id"], row["name"], row["urgency"]) == (4, 7, "Mine", 1)
    assert row["users_id_lastupdater"] == 9


def test_the_requester_answers_a_pending_ticket_and_opens_it(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one(_users_id_requester=8)
    glpi.people.set_pending(ticket)
    glpi.people.reply(ticket, "It is still slow")
    assert glpi.ticket(ticket)["status"] == 1
    assert glpi.followups(ticket)[0]["users_id"] == 8


def test_a_solution_is_approved_and_closes(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one(_users_id_requester=8)
    glpi.people.solve(ticket)
    glpi.people.approve(ticket)
    assert glpi.ticket(ticket)["status"] == 6
    assert glpi.solutions(ticket)[0]["status"] == 3


def test_a_solution_is_refused_and_reopens(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one(_users_id_requester=8)
    glpi.people.solve(ticket)
    glpi.people.refuse(ticket)
    assert glpi.ticket(ticket)["status"] == 1
    assert glpi.solutions(ticket)[0]["status"] == 4


def test_what_glpi_would_refuse_is_refused_to_people_too(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one()
    glpi.people.solve(ticket)
    with pytest.raises(Refused):
        glpi.people.solve(ticket)


def test_people_close_and_reopen(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one()
    glpi.people.close(ticket)
    assert glpi.ticket(ticket)["closedate"]
    glpi.people.reopen(ticket)
    assert (glpi.ticket(ticket)["status"], glpi.ticket(ticket)["closedate"]) == (2, None)


def test_the_trash_hides_a_ticket_from_search_and_gives_it_back(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one()
    wanted = {"field": 2, "searchtype": "equals", "value": ticket}
    glpi.people.delete(ticket)
    assert (client.found(wanted), client.found(wanted, is_deleted=1)) == ([], [ticket])
    assert client.call("GET", f"/Ticket/{ticket}").json()["is_deleted"] == 1
    glpi.people.restore(ticket)
    assert client.found(wanted) == [ticket]


def test_a_purged_ticket_is_gone_with_all_that_hung_on_it(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one(_users_id_requester=8, items_id={"Computer": [1]})
    glpi.people.reply(ticket, "x")
    glpi.people.purge(ticket)
    assert client.call("GET", f"/Ticket/{ticket}").status_code == 404
    assert glpi.rows("Ticket_User") == glpi.rows("Item_Ticket") == glpi.rows("ITILFollowup") == []


def test_a_merge_links_writes_and_puts_the_duplicate_in_the_trash(glpi: GlpiServer, client: Client) -> None:
    kept, double = client.one(), client.one(name="double")
    glpi.people.merge(double, kept)
    assert [t["id"] for t in glpi.tickets(deleted=True)] == [double]
    assert "double" in glpi.followups(kept)[0]["content"]
    assert glpi.links(kept)[0]["link"] == 2


@pytest.mark.parametrize("first", [True, False])
def test_solving_one_of_two_duplicates_solves_the_other_with_the_same_solution(
    glpi: GlpiServer, client: Client, first: bool
) -> None:
    one, two = client.one(), client.one()
    glpi.people.link(one, two, 2)
    client.call(
        "POST", "/ITILSolution", {"input": {"itemtype": "Ticket", "items_id": one if first else two, "content": "s"}}
    )
    assert [glpi.ticket(i)["status"] for i in (one, two)] == [5, 5]
    assert [s["content"] for i in (one, two) for s in glpi.solutions(i)] == ["s", "s"]


def test_a_deactivated_account_keeps_its_session_and_gets_no_new_one(glpi: GlpiServer, client: Client) -> None:
    glpi.people.deactivate(7)
    assert client.call("GET", "/getMyProfiles").status_code == 200
    answer = Client(glpi).call("GET", "/initSession", Authorization=f"user_token {glpi.user_token}")
    assert answer.status_code == 401


def test_new_rights_count_from_the_next_sign_in(glpi: GlpiServer, client: Client) -> None:
    glpi.people.set_rights(9, {"ticket": 1024})
    assert client.create(*tickets(1)).status_code == 201
    assert Client.bridge(glpi).create(*tickets(1)).status_code == 400


def test_a_restored_backup_gives_ids_out_again_while_sessions_live_on(glpi: GlpiServer, client: Client) -> None:
    before = client.one(name="before")
    backup = glpi.snapshot()
    lost = client.one(name="lost")
    glpi.restore_backup(backup)
    assert client.call("GET", f"/Ticket/{lost}").status_code == 404
    assert client.one(name="after") == lost
    assert [t["id"] for t in glpi.tickets()] == [before, lost]


def test_mails_are_counted_unless_they_are_forbidden(glpi: GlpiServer, client: Client) -> None:
    loud = client.one()
    client.one(_disablenotif=True)
    followup = {"itemtype": "Ticket", "items_id": loud, "content": "x"}
    client.call("POST", "/ITILFollowup", {"input": followup})
    client.call("POST", "/ITILFollowup", {"input": {**followup, "_disablenotif": True}})
    assert [(mail.event, mail.items_id) for mail in glpi.mails] == [("new", loud), ("add_followup", loud)]


def test_flags_of_a_followup_keep_clock_and_status(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one(_users_id_requester=7)
    glpi.people.solve(ticket)
    followup = {"itemtype": "Ticket", "items_id": ticket, "content": "x"}
    client.call("POST", "/ITILFollowup", {"input": {**followup, "_no_reopen": 1}})
    assert glpi.ticket(ticket)["status"] == 5
    client.call("POST", "/ITILFollowup", {"input": followup})
    assert glpi.ticket(ticket)["status"] == 1


def test_a_followup_can_leave_the_time_to_own_running(glpi: GlpiServer, client: Client) -> None:
    ticket = client.one()
    followup = {"itemtype": "Ticket", "items_id": ticket, "content": "x"}
    client.call("POST", "/ITILFollowup", {"input": {**followup, "_do_not_compute_takeintoaccount": 1}})
    assert glpi.ticket(ticket)["takeintoaccountdate"] is None
    client.call("POST", "/ITILFollowup", {"input": followup})
    assert glpi.ticket(ticket)["takeintoaccountdate"] is not None
