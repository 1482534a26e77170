"""What is due next, as a table: each row reads as a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glpi_bridge import plan, storm
from glpi_bridge.model import (
    Children,
    Draft,
    Event,
    HandOver,
    Incident,
    Level,
    Note,
    NoteKind,
    Policy,
    Route,
    Seen,
    Severity,
    Step,
    StepKind,
    Storm,
    TicketStatus,
    Told,
    Wait,
    Word,
)

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
TICKET = 42


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def problem(eventid: str = "101", opened: float = 0, recovered: float | None = None, **facts: Any) -> Event:
    ended = None if recovered is None else at(recovered)
    known = {"announced": True, "severity": Severity.HIGH} | facts
    return Event("prod", eventid, opened_at=at(opened), recovered_at=ended, **known)


def note(id_: str, minute: float = 1) -> Note:
    return Note(at=at(minute), id=id_, author="Zabbix Administrator", action="commented", message=id_)


def incident(*events: Event, **fields: Any) -> Incident:
    return Incident(1, "prod", "7", 1, "zabbix prod/101", events, **fields)


def told(**fields: Any) -> Told:
    """A ticket that GLPI has confirmed."""
    return Told(**({"ticket_id": TICKET, "urgency": 4, "impact": 3} | fields))


def seen(status: TicketStatus = TicketStatus.NEW, **fields: Any) -> Seen:
    finished = {"finished_at": at(20), "by_us": True} if status.is_finished else {}
    return Seen(**({"status": status, "urgency": 4, "impact": 3} | finished | fields))


def ticketed(*events: Event, **fields: Any) -> Incident:
    return incident(*events, **({"told": told(), "seen": seen()} | fields))


def raging(count: int, tickets: int, still_open: int, **fields: Any) -> Incident:
    """A storm of two or more, with its children counted; its first one's event speaks for it."""
    children = Children(count, tickets, still_open, still_open)
    given = {"children": children} | ({"seen": seen()} if "told" in fields else {})
    return incident(problem(), **(given | fields))


unwatched = Policy(solve_unwatched=True)
storms = Policy(storm=Storm(("host",), 2))


def due(one: Incident, policy: Policy, minute: float = 30, ignore: str | None = None, **draft: Any) -> Step | Wait:
    wanted = Draft("title", "content", **({"urgency": Level.HIGH, "impact": Level.MEDIUM} | draft))
    return plan.plan(one, Route("rules.yml:3", "7", wanted, policy, ignore), at(minute))


NEW, ASSIGNED, PENDING = TicketStatus.NEW, TicketStatus.ASSIGNED, TicketStatus.PENDING
SOLVED, CLOSED = TicketStatus.SOLVED, TicketStatus.CLOSED
CREATE, NOTE, SOLVE, REOPEN = StepKind.CREATE, StepKind.NOTE, StepKind.SOLVE, StepKind.REOPEN
ASSET = StepKind.ASSET
LINK, RAISE, COMPLETE = StepKind.LINK, StepKind.RAISE, StepKind.COMPLETE
CONFIRM, PART, CLOSE = StepKind.CONFIRM, StepKind.PART, StepKind.CLOSE
HAND_OVER = StepKind.HAND_OVER
calm = Policy(flap_count=0)
linking = Policy(flap_count=0, link_asset=True)
first_looked_for = told(looked_for=frozenset({"101"}))
solved_by_a_person = seen(SOLVED, by_us=False)
closed_by_a_person = seen(CLOSED, by_us=False)
flaps_open = tuple(problem(f"10{i}", i, None if i == 4 else i + 0.5) for i in range(5))
flaps_ended = tuple(problem(f"10{i}", i, i + 0.5) for i in range(5))
flapping = Policy(flap_count=6, flap_window=minutes(15), flap_calm=minutes(15))
flap_told = told(notes=frozenset({f"flap-{int(at(4.5).timestamp())}"}))
noted = told(notes=frozenset({"still-101"}))
unsaid = Policy(flap_count=0, notes=frozenset(NoteKind) - {NoteKind.STILL_OPEN})
graceful = Policy(flap_count=0, reopen_after_person=minutes(30))
closing = Policy(flap_count=0, close_after=minutes(60))
since = told(open_since=START)
handed = replace(since, handed=("1 Second",))
handing = Policy(flap_count=0, hand_over=(HandOver(minutes(30), "Second"), HandOver(minutes(120), "Third")))
major = told(major=True, priority=6)
major_said = replace(major, notes=frozenset({"major-1"}))
two_solved = told(solved=frozenset({"101"}))

Asked = Callable[[], Step | Wait]


def ask(one: Incident, policy: Policy = calm, minute: float = 30, **more: Any) -> Asked:
    return lambda: due(one, policy, minute, **more)


# sentence, what is asked, the step (kind, subject) or the words of the wait (and the minute it ends)
ROWS: list[tuple[str, Asked, Any]] = [
    # -- the assets of its hosts
    ("a ticket whose asset was not looked for → asset", ask(ticketed(problem()), linking), (ASSET, "101")),
    ("asset looked for, found or not → nothing more",
     ask(ticketed(problem(), told=first_looked_for), linking), "open in Zabbix and in GLPI"),
    ("an event that joined later → its asset",
     ask(ticketed(problem(), problem("102", 1), told=first_looked_for), linking), (ASSET, "102")),
    ("linking switched off → nothing", ask(ticketed(problem()), calm), "open in Zabbix and in GLPI"),
    ("made by a broken call → complete it before its asset",
     ask(ticketed(problem(), told=told(incomplete=True)), linking), (COMPLETE, "")),
    ("recovered before its asset was looked for → asset, then solve",
     ask(ticketed(problem(recovered=5)), linking), (ASSET, "101")),
    ("solved → left as it is", ask(ticketed(problem(recovered=5), seen=seen(SOLVED)), linking), "final"),
    # -- before there is a ticket
    ("a new problem → create", ask(incident(problem())), (CREATE, "")),
    ("two open events of one key → still one create", ask(incident(problem(), problem("102", 1))), (CREATE, "")),
    ("ignored by a rule → nothing", ask(incident(problem()), ignore="lab"), "ignored by rules.yml:3: lab"),
    ("ignored and recovered → nothing more ever", ask(incident(problem(recovered=5)), ignore="lab"), "final"),
    ("inside its hold-off → wait for the end of it", ask(incident(problem()), Policy(hold_off=minutes(45))), 45),
    ("hold-off over → create", ask(incident(problem()), Policy(hold_off=minutes(30))), (CREATE, "")),
    ("hold-off counts from the oldest open event",
     ask(incident(problem(), problem("102", 29)), Policy(hold_off=minutes(30))), (CREATE, "")),
    ("recovered within its hold-off → none",
     ask(incident(problem(recovered=5)), Policy(hold_off=minutes(10))), "recovered within its hold-off"),
    ("lasted longer than its hold-off while GLPI was down → create, then solve",
     ask(incident(problem(recovered=15)), Policy(hold_off=minutes(10))), (CREATE, "")),
    ("recovered while GLPI was down → create, then solve", ask(incident(problem(recovered=5))), (CREATE, "")),
    ("recovered while GLPI was down, by setting → none",
     ask(incident(problem(recovered=5)), Policy(create_recovered=False)), "recovered before its ticket could be made"),
    ("suppressed → held until Zabbix says otherwise", ask(incident(problem(suppressed=True))), "held: suppressed"),
    ("suppressed, but the setting does not hold it → create",
     ask(incident(problem(suppressed=True)), Policy(hold_suppressed=False)), (CREATE, "")),
    ("one of two open events suppressed → create for the other",
     ask(incident(problem(suppressed=True), problem("102"))), (CREATE, "")),
    ("the only event that is not suppressed has recovered → held",
     ask(incident(problem(suppressed=True), problem("102", recovered=3))), "held: suppressed"),
    ("opened and recovered while suppressed → none",
     ask(incident(problem(recovered=5, suppressed=True))), "opened and recovered while suppressed"),
    ("a recovery that nobody announced → none",
     ask(incident(problem(recovered=5, announced=False))), "a recovery of a problem that nobody told about"),
    ("a recovery that nobody announced, by setting → create, then solve",
     ask(incident(problem(recovered=5, announced=False)), Policy(create_unannounced=True)), (CREATE, "")),
    # -- what is owed to a ticket
    ("open on both sides → nothing", ask(ticketed(problem())), "open in Zabbix and in GLPI"),
    ("made by a call that broke off → complete it first",
     ask(ticketed(problem(notes=(note("n1"),)), told=told(incomplete=True))), (COMPLETE, "")),
    ("the key had a ticket before → link", ask(ticketed(problem(), previous=41)), (LINK, "41")),
    ("a father → linked to it as its son", ask(ticketed(problem(), fathers=(40,))), (LINK, "40")),
    ("a father and a ticket before → each its link",
     ask(ticketed(problem(), fathers=(40,), previous=41, told=told(linked=frozenset({40})))), (LINK, "41")),
    ("two fathers, the cause's and the storm's → both",
     ask(ticketed(problem(), fathers=(39, 40), told=told(linked=frozenset({39})))), (LINK, "40")),
    ("cause and symptom share a ticket → nothing", ask(ticketed(problem(), fathers=(TICKET,))), "open in Zabbix"),
    ("recovered and a father → solve first", ask(ticketed(problem(recovered=5), fathers=(40,))), (SOLVE, "101")),
    ("solved and a father → linked all the same",
     ask(ticketed(problem(recovered=5), fathers=(40,), told=told(solved=frozenset({"101"})), seen=seen(SOLVED))),
     (LINK, "40")),
    # -- not watched any more
    ("not watched any more → open", ask(ticketed(problem(unwatched="the trigger is disabled"))), "open in Zabbix"),
    ("not watched any more, by setting → solve",
     ask(ticketed(problem(unwatched="the trigger is disabled")), unwatched), (SOLVE, "off-101")),
    ("one of two is watched → open",
     ask(ticketed(problem(unwatched="the trigger is disabled"), problem("102")), unwatched), "open in Zabbix"),
    ("the watched one has recovered → solve",
     ask(ticketed(problem(unwatched="the trigger is disabled"), problem("102", recovered=5)), unwatched),
     (SOLVE, "off-101")),
    ("solved for it → not reopened while it lasts",
     ask(ticketed(problem(unwatched="off"), told=told(solved=frozenset({"off-101"})), seen=seen(SOLVED)), unwatched),
     "not watched any more, and finished"),
    ("watched again and still a problem → reopen",
     ask(ticketed(problem(), told=told(solved=frozenset({"off-101"})), seen=seen(SOLVED)), unwatched),
     (REOPEN, "101")),
    ("reopened for it, then recovered → solve",
     ask(ticketed(problem(recovered=9), told=told(solved=frozenset({"off-101"}), reopened=frozenset({"101"}))),
         unwatched), (SOLVE, "101")),
    ("solved for it, a person reopened → theirs",
     ask(ticketed(problem(unwatched="off"), told=told(solved=frozenset({"off-101"}))), unwatched),
     "its ticket is open"),
    ("not watched, pending → a person's",
     ask(ticketed(problem(unwatched="off"), seen=seen(PENDING)), unwatched), "the ticket is a person's to solve"),
    ("not watched, then it recovers → solve", ask(ticketed(problem(recovered=5, unwatched="off")), unwatched),
     (SOLVE, "101")),
    # -- storms
    ("a storm whose problems have no tickets yet → wait", ask(raging(5, 2, 5), storms), "so far too few"),
    ("more than the count have tickets → create", ask(raging(5, 3, 5), storms), (CREATE, "")),
    ("over before its ticket could be made → none", ask(raging(5, 5, 0), storms), "the storm was over before"),
    ("the rule is gone → none", ask(raging(5, 5, 5)), "the rules ask for no storms any more"),
    ("made by a call that broke off → complete it",
     ask(raging(5, 5, 5, told=told(incomplete=True)), storms), (COMPLETE, "")),
    ("it rages → wait", ask(raging(5, 5, 1, told=told()), storms), "the storm goes on"),
    ("the last child is over → solve", ask(raging(5, 5, 0, told=told()), storms), (SOLVE, "1")),
    ("GLPI lost the solution → confirm",
     ask(raging(5, 5, 0, told=told(solved=frozenset("1"), unconfirmed=True)), storms), (CONFIRM, "1")),
    ("solved → nothing", ask(raging(5, 5, 0, told=told(solved=frozenset("1")), seen=seen(SOLVED)), storms),
     "the storm is over, its ticket solved"),
    ("a child came back → reopen",
     ask(raging(5, 5, 1, told=told(solved=frozenset("1")), seen=seen(SOLVED)), storms), (REOPEN, "1")),
    ("a child came back, GLPI lost the reopening → confirm",
     ask(raging(5, 5, 1, told=told(solved=frozenset("1"), reopened=frozenset("1"), unopened=True), seen=seen(SOLVED)),
         storms), (CONFIRM, "1")),
    ("over for the second time → a solution of its own",
     ask(raging(5, 5, 0, told=told(solved=frozenset("1"), reopened=frozenset("1"))), storms), (SOLVE, "2")),
    ("a person reopened it after its end → theirs",
     ask(raging(5, 5, 0, told=told(solved=frozenset("1"))), storms), "a person reopened its ticket"),
    ("a person solved it while it rages → theirs",
     ask(raging(5, 5, 2, told=told(), seen=solved_by_a_person), storms), "its ticket stays finished"),
    ("removed while it rages → nothing", ask(raging(5, 5, 2, told=told(), seen=seen(is_deleted=True)), storms),
     "the storm's ticket was removed by hand"),
    ("pending → a person's", ask(raging(5, 5, 0, told=told(), seen=seen(PENDING)), storms), "a person's to solve"),
    ("solved by us and closed where closed stays closed → not reopened",
     ask(raging(5, 5, 1, told=told(solved=frozenset("1")), seen=seen(CLOSED)), replace(storms, reopen_closed=False)),
     "its ticket stays finished"),
    ("a message and a link → the note first, a link holds nothing up",
     ask(ticketed(problem(notes=(note("n1"),)), previous=41)), (NOTE, "n1")),
    ("recovered and a link → solve first", ask(ticketed(problem(recovered=5), previous=41)), (SOLVE, "101")),
    ("linked already → nothing", ask(ticketed(problem(), previous=41, told=told(linked=frozenset({41})))), "open in"),
    ("severity rose → raise", ask(ticketed(problem()), urgency=Level.VERY_HIGH), (RAISE, "")),
    ("severity fell → raise tells that too", ask(ticketed(problem()), urgency=Level.LOW), (RAISE, "")),
    ("severity rose, but a person set the urgency → theirs stays",
     ask(ticketed(problem(), seen=seen(urgency=2)), urgency=Level.VERY_HIGH), "open in Zabbix and in GLPI"),
    ("severity rose, but a person set the impact → theirs stays",
     ask(ticketed(problem(), seen=seen(impact=5)), urgency=Level.VERY_HIGH), "open in Zabbix and in GLPI"),
    ("severity rose after a person solved the ticket → nothing",
     ask(ticketed(problem(), seen=solved_by_a_person, told=noted), urgency=Level.VERY_HIGH), "closed by a person"),
    ("severity rose, then it recovered → only solve",
     ask(ticketed(problem(recovered=5)), urgency=Level.VERY_HIGH), (SOLVE, "101")),
    ("it became major → marked", ask(ticketed(problem()), major=True), (RAISE, "priority 6")),
    ("it became major as the severity rose → the levels first, as GLPI 10 computes the priority from them",
     ask(ticketed(problem()), urgency=Level.VERY_HIGH, major=True), (RAISE, "")),
    ("it became major, but a person set the priority → theirs stays",
     ask(ticketed(problem(), seen=seen(priority=5, computed=4)), major=True), "open in Zabbix and in GLPI"),
    ("it became major with the priority that the matrix gives → marked",
     ask(ticketed(problem(), seen=seen(priority=4, computed=4)), major=True), (RAISE, "priority 6")),
    ("it became major, but a person set the urgency → theirs stays",
     ask(ticketed(problem(), seen=seen(urgency=2)), major=True), "open in Zabbix and in GLPI"),
    ("it became major where severities are not followed → not marked",
     ask(ticketed(problem()), Policy(flap_count=0, follow_severity=False), major=True), "open in Zabbix and in GLPI"),
    ("marked, and nothing said yet → a note that says why", ask(ticketed(problem(), told=major)), (NOTE, "major-1")),
    ("marked and said → nothing more", ask(ticketed(problem(), told=major_said)), "open in Zabbix and in GLPI"),
    ("marked, and no rule calls it major any more → stays marked",
     ask(ticketed(problem(), told=major_said, seen=seen(priority=6, computed=4)), major=False), "open in Zabbix"),
    ("marked, then the severity changed → the levels follow",
     ask(ticketed(problem(), told=major_said, seen=seen(priority=6, computed=4)), urgency=Level.LOW), (RAISE, "")),
    ("marked, and GLPI computed its priority anew → marked again",
     ask(ticketed(problem(), told=replace(major_said, priority=None))), (RAISE, "priority 6")),
    ("the same, and it recovered meanwhile → marked again before it is solved",
     ask(ticketed(problem(recovered=5), told=replace(major_said, priority=None))), (RAISE, "priority 6")),
    ("marked, then a person lowered the priority → theirs stays, and with it the levels",
     ask(ticketed(problem(), told=major_said, seen=seen(priority=3, computed=4)), urgency=Level.LOW), "open in Zabbix"),
    ("marked, then a person put back what the matrix gives → theirs stays",
     ask(ticketed(problem(), told=major_said, seen=seen(priority=4, computed=4)), urgency=Level.LOW), "open in Zabbix"),
    ("severity rose, but a person set the priority → no level is sent, as GLPI would compute it anew",
     ask(ticketed(problem(), seen=seen(priority=2, computed=4)), urgency=Level.VERY_HIGH), "open in Zabbix"),
    ("severity rose on a ticket whose rule set a priority of its own → raise",
     ask(ticketed(problem(), told=told(priority=5), seen=seen(priority=5, computed=4)), urgency=Level.LOW),
     (RAISE, "")),
    ("marked and recovered → solve, then the note is said on it",
     ask(ticketed(problem(recovered=5), told=major)), (SOLVE, "101")),
    ("a storm's ticket that is major → said too",
     ask(raging(5, 5, 2, told=major), storms), (NOTE, "major-1")),
    ("a message → note", ask(ticketed(problem(notes=(note("n1"),)))), (NOTE, "n1")),
    ("two messages → the older first, however they arrived",
     ask(ticketed(problem(notes=(note("n1", 9), note("n2", 3))))), (NOTE, "n2")),
    ("messages of two events → by time, not by event",
     ask(ticketed(problem(notes=(note("n1", 9),)), problem("102", notes=(note("n2", 3),)))), (NOTE, "n2")),
    ("the older was told → the newer",
     ask(ticketed(problem(notes=(note("n1", 9), note("n2", 3))), told=told(notes=frozenset({"n2"})))), (NOTE, "n1")),
    ("a message and the recovery → the note first", ask(ticketed(problem(recovered=5, notes=(note("n1"),)))),
     (NOTE, "n1")),
    ("a message after it was solved → still a note",
     ask(ticketed(problem(recovered=5, notes=(note("n1", 25),)), seen=seen(SOLVED))), (NOTE, "n1")),
    # -- recovery
    ("recovered → solve", ask(ticketed(problem(recovered=5))), (SOLVE, "101")),
    ("one of two recovered → not solved", ask(ticketed(problem(recovered=5), problem("102", 1))), "open in Zabbix"),
    ("all recovered → solved with the last one's facts",
     ask(ticketed(problem(recovered=9), problem("102", 1, 5))), (SOLVE, "101")),
    ("solved by us → nothing more", ask(ticketed(problem(recovered=5), told=two_solved, seen=seen(SOLVED))), "final"),
    ("a person solved it before the recovery → nothing more",
     ask(ticketed(problem(recovered=5), seen=solved_by_a_person)), "final"),
    ("a person closed it before the recovery → nothing more",
     ask(ticketed(problem(recovered=5), seen=closed_by_a_person)), "final"),
    ("a person reopened what we solved → theirs",
     ask(ticketed(problem(recovered=5), told=two_solved, seen=seen(ASSIGNED))), "a person reopened the ticket"),
    ("reopened for an event that the store has lost and Zabbix does not show → not solved",
     ask(ticketed(problem(recovered=5), told=told(solved=frozenset({"101"}), reopened=frozenset({"102"})))),
     "Zabbix has not shown"),
    ("a person took it → solved all the same", ask(ticketed(problem(recovered=5), seen=seen(ASSIGNED))),
     (SOLVE, "101")),
    ("a person set it pending → a note, theirs to solve",
     ask(ticketed(problem(recovered=5), seen=seen(PENDING))), (NOTE, "recovered-101")),
    ("pending and the note is told → wait for the person",
     ask(ticketed(problem(recovered=5), seen=seen(PENDING), told=told(notes=frozenset({"recovered-101"})))),
     "a person's to solve"),
    ("pending, by setting → solve",
     ask(ticketed(problem(recovered=5), seen=seen(PENDING)), Policy(solve_pending=True, flap_count=0)),
     (SOLVE, "101")),
    ("solving switched off → a note only",
     ask(ticketed(problem(recovered=5)), Policy(solve=False, flap_count=0)), (NOTE, "recovered-101")),
    ("GLPI took the solution and left it open → confirm",
     ask(ticketed(problem(recovered=5), told=told(solved=frozenset({"101"}), unconfirmed=True))), (CONFIRM, "101")),
    ("the last recovery was told before a late one reopened it → solve for the late one",
     ask(ticketed(problem(recovered=10), problem("102", 5, 8),
                  told=told(solved=frozenset({"101"}), reopened=frozenset({"102"})))), (SOLVE, "102")),
    # -- return
    ("back after we solved it → reopen",
     ask(ticketed(problem(recovered=5), problem("102", 25), seen=seen(SOLVED))), (REOPEN, "102")),
    ("back, and the entity closes what is solved at once → reopen",
     ask(ticketed(problem(recovered=5), problem("102", 25), seen=seen(CLOSED))), (REOPEN, "102")),
    ("back, but closed stays closed by setting → it parts from that ticket",
     ask(ticketed(problem(recovered=5), problem("102", 25), seen=seen(CLOSED)),
         Policy(reopen_closed=False, flap_count=0)), (PART, "")),
    ("back, but the solved ticket was removed → it parts from that ticket",
     ask(ticketed(problem(recovered=5), problem("102", 25), seen=seen(SOLVED, is_gone=True))), (PART, "")),
    ("closed by a person while it lives, and closed stays closed → nothing",
     ask(ticketed(problem(), seen=closed_by_a_person, told=noted), Policy(reopen_closed=False, flap_count=0)),
     "closed stays closed"),
    ("GLPI took the reopening and left it finished → confirm",
     ask(ticketed(problem(recovered=5), problem("102", 25), seen=seen(SOLVED, by_us=False),
                  told=told(reopened=frozenset({"102"}), unopened=True))), (CONFIRM, "102")),
    ("a person closed it while the problem lives → a note at once",
     ask(ticketed(problem(), seen=closed_by_a_person)), (NOTE, "still-101")),
    ("a person closed it while the problem lives, and the note is told → respected",
     ask(ticketed(problem(), seen=closed_by_a_person, told=noted)), "open in Zabbix; closed by a person"),
    ("a person closed it while two of its problems live → one note",
     ask(ticketed(problem(), problem("102", 5), seen=closed_by_a_person, told=noted)), "closed by a person"),
    ("a person closed it while the problem lives, such notes off → respected",
     ask(ticketed(problem(), seen=closed_by_a_person), unsaid), "open in Zabbix; closed by a person"),
    ("a person solved it where closed stays closed → a note, then respected",
     ask(ticketed(problem(), seen=closed_by_a_person), Policy(reopen_closed=False, flap_count=0)),
     (NOTE, "still-101")),
    ("a person solved it, to be reopened after a grace time → a note at once",
     ask(ticketed(problem(), seen=solved_by_a_person), graceful), (NOTE, "still-101")),
    ("within the grace time → wait for its end",
     ask(ticketed(problem(), seen=solved_by_a_person, told=noted), graceful), 50),
    ("the grace time is over → reopened",
     ask(ticketed(problem(), seen=solved_by_a_person, told=noted), graceful, 50), (REOPEN, "101")),
    ("the grace time is over, closed stays closed → left",
     ask(ticketed(problem(), seen=closed_by_a_person, told=noted), replace(graceful, reopen_closed=False), 50),
     "closed stays closed"),
    ("recovered within the grace time → nothing more",
     ask(ticketed(problem(recovered=25), seen=solved_by_a_person, told=noted), graceful), "final"),
    ("reopened after the grace time, and solved again by a person → respected",
     ask(ticketed(problem(), seen=solved_by_a_person,
                  told=replace(noted, reopened=frozenset({"101"}))), graceful, 90), "closed by a person"),
    ("solved by our account as not watched, the setting is gone → no note of it",
     ask(ticketed(problem(), seen=seen(SOLVED), told=told(reopened=frozenset({"101"})))), "closed by a person"),
    # -- closing
    ("solved and recovered, GLPI closes → nothing more",
     ask(ticketed(problem(recovered=5), told=two_solved, seen=seen(SOLVED)), minute=9999), "final"),
    ("recovered and solved → wait for the calm time, counted from the solution",
     ask(ticketed(problem(recovered=5), told=two_solved, seen=seen(SOLVED)), closing), 80),
    ("solved by a person, recovered later → counted from the recovery",
     ask(ticketed(problem(recovered=40), seen=solved_by_a_person), closing, 45), 100),
    ("recovered and solved for the calm time → close",
     ask(ticketed(problem(recovered=5), told=two_solved, seen=seen(SOLVED)), closing, 80), (CLOSE, "101")),
    ("solved by a person and recovered for the calm time → close",
     ask(ticketed(problem(recovered=5), seen=solved_by_a_person), closing, 80), (CLOSE, "101")),
    ("one of two lives → not closed",
     ask(ticketed(problem(recovered=5), problem("102", 6), seen=solved_by_a_person, told=told(notes=frozenset({
         "still-102"}))), closing, 999), "open in Zabbix; closed by a person"),
    ("a person reopened it → not closed",
     ask(ticketed(problem(recovered=5), told=two_solved, seen=seen(ASSIGNED)), closing, 999), "a person reopened"),
    ("closed by GLPI or a person meanwhile → nothing more",
     ask(ticketed(problem(recovered=5), told=two_solved, seen=seen(CLOSED)), closing, 999), "final"),
    ("somebody objected → people close it",
     ask(ticketed(problem(recovered=5), told=replace(two_solved, closed=frozenset({"101"})), seen=seen(SOLVED)),
         closing, 999), "somebody wrote since"),
    ("GLPI took the closing and left it solved → confirm",
     ask(ticketed(problem(recovered=5), told=replace(two_solved, closed=frozenset({"101"}), unclosed=True),
                  seen=seen(SOLVED)), closing, 999), (CONFIRM, "101")),
    ("it flapped → not closed before it is calm", ask(ticketed(*flaps_ended, seen=seen(SOLVED)),
                                                     replace(flapping, close_after=minutes(1)), 5), 19.5),
    ("back after it was closed and over again → closed with that recovery",
     ask(ticketed(problem(recovered=5), problem("102", 25, 40), seen=seen(SOLVED),
                  told=told(solved=frozenset({"101", "102"}), closed=frozenset({"101"}))), closing, 999),
     (CLOSE, "102")),
    ("removed → not closed",
     ask(ticketed(problem(recovered=5), seen=seen(SOLVED, is_deleted=True)), closing, 999), "removed by hand"),
    ("a person closed it while the problem lives, by setting → reopened once",
     ask(ticketed(problem(), seen=closed_by_a_person), Policy(reopen_after_person=minutes(0), flap_count=0)),
     (REOPEN, "101")),
    ("and after they closed it again → respected",
     ask(ticketed(problem(), seen=closed_by_a_person, told=told(reopened=frozenset({"101"}))),
         Policy(reopen_after_person=minutes(0), flap_count=0)), "closed by a person"),
    ("a new event after a person closed it → reopen",
     ask(ticketed(problem(), problem("102", 25), seen=closed_by_a_person)), (REOPEN, "102")),
    ("an event that was there before the person closed it → respected",
     ask(ticketed(problem(), problem("102", 15), seen=closed_by_a_person, told=noted)), "closed by a person"),
    # -- handing over
    ("nobody has taken it for the time → hand over",
     ask(ticketed(problem(), told=since), handing), (HAND_OVER, "1 Second")),
    ("before the time → wait for it", ask(ticketed(problem(), told=since), handing, 29), 30),
    ("handed over → a note that says why", ask(ticketed(problem(), told=handed), handing, 31), (NOTE, "handed-1")),
    ("handed over and said → wait for the next level",
     ask(ticketed(problem(), told=replace(handed, notes=frozenset({"handed-1"}))), handing, 31), 120),
    ("still nobody → the next group",
     ask(ticketed(problem(), told=replace(handed, notes=frozenset({"handed-1"}))), handing, 120),
     (HAND_OVER, "2 Third")),
    ("the last group has it → nothing more",
     ask(ticketed(problem(), told=replace(handed, handed=("1 Second", "2 Third"),
                                          notes=frozenset({"handed-1", "handed-2"}))), handing, 9999),
     "open in Zabbix and in GLPI"),
    ("a person took or assigned it → never",
     ask(ticketed(problem(), told=replace(since, owned=True)), handing, 9999), "open in Zabbix and in GLPI"),
    ("pending → never while it is",
     ask(ticketed(problem(), told=since, seen=seen(PENDING)), handing), "open in Zabbix"),
    ("planned → never while it is",
     ask(ticketed(problem(), told=since, seen=seen(TicketStatus.PLANNED)), handing), "open in Zabbix"),
    ("assigned to its group alone → handed over",
     ask(ticketed(problem(), told=since, seen=seen(ASSIGNED)), handing), (HAND_OVER, "1 Second")),
    ("a message comes first", ask(ticketed(problem(notes=(note("n1"),)), told=since), handing), (NOTE, "n1")),
    ("recovered → solved, not handed over", ask(ticketed(problem(recovered=5), told=since), handing), (SOLVE, "101")),
    ("recovered, and a person's to solve → handed over",
     ask(ticketed(problem(recovered=5), told=replace(since, notes=frozenset({"recovered-101"}))),
         replace(handing, solve=False)), (HAND_OVER, "1 Second")),
    ("solved → not handed over",
     ask(ticketed(problem(recovered=5), told=since, seen=seen(SOLVED)), handing), "final"),
    ("one of a storm's → the storm's is handed over", ask(ticketed(problem(), told=since, parent=9), handing),
     "open in Zabbix and in GLPI"),
    ("a storm's ticket that nobody takes → hand over",
     ask(raging(5, 5, 5, told=since), replace(handing, storm=storms.storm)), (HAND_OVER, "1 Second")),
    ("a ticket of before → not handed over, as nobody knows since when it waits",
     ask(ticketed(problem()), handing, 9999), "open in Zabbix and in GLPI"),
    ("removed → not handed over", ask(ticketed(problem(), told=since, seen=seen(is_deleted=True)), handing),
     "removed by hand"),
    # -- removed
    ("in the trash → nothing, while it lives", ask(ticketed(problem(), seen=seen(is_deleted=True))), "removed by hand"),
    ("in the trash and recovered → nothing more", ask(ticketed(problem(recovered=5), seen=seen(is_deleted=True))),
     "final"),
    ("purged → nothing is sent to it", ask(ticketed(problem(recovered=5, notes=(note("n"),)), seen=seen(is_gone=True))),
     "removed by hand"),
    ("joined while nobody knew that the ticket was purged → it parts from that ticket",
     ask(ticketed(problem(), problem("102", 25), told=told(members=frozenset({"101"})), seen=seen(is_gone=True))),
     (PART, "")),
    ("joined and over while nobody knew that the ticket was in the trash → it parts from that ticket",
     ask(ticketed(problem(recovered=5), problem("102", 25, 26), told=told(members=frozenset({"101"})),
                  seen=seen(SOLVED, is_deleted=True))), (PART, "")),
    ("removed when it was both events' ticket, as GLPI was told → nothing",
     ask(ticketed(problem(), problem("102", 25), told=told(members=frozenset({"101", "102"})),
                  seen=seen(is_gone=True))), "removed by hand"),
    ("removed when it was both events' ticket, as Zabbix was told → nothing",
     ask(ticketed(problem(), problem("102", 25), told=told(members=frozenset({"101"})), seen=seen(is_gone=True),
                  acknowledged=frozenset({"102"}))), "removed by hand"),
    ("removed, and whose it was is not known → nothing",
     ask(ticketed(problem(), problem("102", 25), seen=seen(is_gone=True))), "removed by hand"),
    # -- flapping
    ("flapping before there is a ticket → create at once", ask(incident(*flaps_open), flapping, 5), (CREATE, "")),
    ("flapping and open → its state is not told", ask(ticketed(*flaps_open, seen=seen(SOLVED)), flapping, 5), 19),
    ("flapping and recovered → its state is not told", ask(ticketed(*flaps_ended), flapping, 5), 19.5),
    ("calm again → one note that sums up", ask(ticketed(*flaps_ended), flapping, 20),
     (NOTE, f"flap-{int(at(4.5).timestamp())}")),
    ("calm, summed up, recovered → solve", ask(ticketed(*flaps_ended, told=flap_told), flapping, 20), (SOLVE, "104")),
    ("calm, summed up, still open → reopen what was solved",
     ask(ticketed(*flaps_open, seen=seen(SOLVED), told=told(notes=frozenset({f"flap-{int(at(4).timestamp())}"}))),
         flapping, 20), (REOPEN, "104")),
    ("as many changes but slowly → no flapping",
     ask(ticketed(*(problem(f"10{i}", i * 30, i * 30 + 10) for i in range(5))), flapping, 131), (SOLVE, "104")),
    ("flap handling switched off → told at once", ask(ticketed(*flaps_ended), calm, 5), (SOLVE, "104")),
    ("a message while it flaps → told at once",
     ask(ticketed(*flaps_ended[:-1], replace(flaps_ended[-1], notes=(note("n1"),))), flapping, 5), (NOTE, "n1")),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_is_due(asked: Asked, expected: Any) -> None:
    answer = asked()
    if isinstance(expected, tuple):
        assert isinstance(answer, Step), answer
        assert (answer.kind, answer.subject) == expected
        assert answer.reason
    else:
        assert isinstance(answer, Wait), answer
        if expected == "final":
            assert answer.is_final
        elif isinstance(expected, str):
            assert expected in answer.reason
        else:
            assert answer.until == at(expected)


def test_only_finished_incidents_may_leave_the_store() -> None:
    """What is to be closed yet has its time, and stays until then."""
    for sentence, asked, _ in ROWS:
        answer = asked()
        if isinstance(answer, Wait) and answer.is_final and not answer.reason.endswith("closed if it stays so"):
            assert answer.until is None, sentence


def latest(status: TicketStatus = SOLVED, *events: Event, **more: Any) -> Incident:
    return ticketed(*(events or (problem(recovered=60),)), seen=seen(status, **more), told=told())


hour, never, always = Policy(reopen_window=minutes(60)), Policy(reopen_window=timedelta(0)), Policy(reopen_window=None)
kept_closed = Policy(reopen_closed=False)

# sentence, new event opened at minute, the latest incident, policy, joins it
JOINS: list[tuple[str, float, Incident, Policy, bool]] = [
    ("window 1h, again after 30 min → the same ticket", 90, latest(), hour, True),
    ("window 1h, again after 2 h → a new one", 180, latest(), hour, False),
    ("window 1h, again after exactly 1 h → a new one", 120, latest(), hour, False),
    ("window 0, again after 30 min → a new one", 90, latest(), never, False),
    ("window 0, again in the same second → a new one", 60, latest(), never, False),
    ("window always, again after a month → the same ticket", 43200, latest(), always, True),
    ("an older event that arrives late → the same ticket", 30, latest(), never, True),
    ("another event is still open → the same ticket", 600, latest(NEW, problem()), never, True),
    ("the window counts from the last recovery of all", 150,
     latest(SOLVED, problem(recovered=10), problem("102", 5, 100)), hour, True),
    ("closed and reopening is allowed → the same ticket", 90, latest(CLOSED), hour, True),
    ("closed stays closed → a new one", 90, latest(CLOSED), kept_closed, False),
    ("closed stays closed, though another event lives → a new one that is seen", 90,
     latest(CLOSED, problem()), kept_closed, False),
    ("in the trash → a new one", 90, latest(is_deleted=True), hour, False),
    ("in the trash, though another event lives → a new one", 90, latest(NEW, problem(), is_deleted=True), hour, False),
    ("purged → a new one", 90, latest(is_gone=True), always, False),
]  # fmt: skip


@pytest.mark.field("F90")
@pytest.mark.parametrize(("opened", "before", "policy", "joins"), [row[1:] for row in JOINS], ids=[r[0] for r in JOINS])
def test_which_ticket_a_new_event_belongs_to(opened: float, before: Incident, policy: Policy, joins: bool) -> None:
    assert plan.joins(problem("200", opened), before, policy) is joins


@pytest.mark.field("F98")
@pytest.mark.parametrize("ends_open", [True, False], ids=["ending in problem", "ending OK"])
def test_flapping_ends_in_the_state_that_zabbix_has_with_one_note(ends_open: bool) -> None:
    one = ticketed(*(flaps_open if ends_open else flaps_ended), seen=seen(SOLVED if ends_open else NEW))
    notes = []
    while isinstance(step := due(one, flapping, 60), Step) and step.kind is NOTE:
        notes.append(step.subject)
        one = replace(one, told=replace(one.told, notes=one.told.notes | {step.subject}))
    assert len(notes) == 1
    assert isinstance(step, Step)
    assert step.kind is (REOPEN if ends_open else SOLVE)


@pytest.mark.field("F05")
def test_five_occurrences_within_the_window_are_one_incident() -> None:
    one = ticketed(problem(recovered=1), seen=seen(SOLVED))
    for count in range(1, 5):
        fresh = problem(f"10{count + 1}", 2 * count, 2 * count + 1)
        assert plan.joins(fresh, one, Policy())
        one = replace(one, events=(*one.events, fresh))
    assert len(one.events) == 5


@pytest.mark.field("F27")
def test_a_ticket_closed_by_hand_is_left_alone_however_often_it_is_looked_at() -> None:
    one = ticketed(problem(), seen=closed_by_a_person, told=noted)
    answers = {due(one, calm, minute) for minute in (30, 60, 600)}
    assert answers == {Wait("open in Zabbix; closed by a person")}


@pytest.mark.field("F82")
def test_of_two_problems_of_a_host_only_the_suppressed_one_is_held() -> None:
    held, free = incident(problem(suppressed=True)), incident(problem("102"))
    assert isinstance(due(held, calm), Wait)
    assert due(free, calm) == Step(CREATE, "a new problem")
    assert due(incident(problem(suppressed=False)), calm) == Step(CREATE, "a new problem")


@pytest.mark.field("F23")
def test_the_problem_alert_that_comes_after_its_recovery_makes_a_ticket_that_gets_solved() -> None:
    alone = incident(problem(recovered=5, announced=False))
    assert isinstance(due(alone, calm), Wait)
    assert due(incident(problem(recovered=5)), calm).reason == (
        "a problem that recovered before its ticket could be made"
    )
    assert due(ticketed(problem(recovered=5)), calm) == Step(SOLVE, "recovered", "101")


def test_the_gravest_open_event_speaks_for_the_incident() -> None:
    low, high = problem(severity=Severity.WARNING), problem("102", 5, severity=Severity.DISASTER)
    assert plan.lead(incident(low, high)) is high
    assert plan.lead(incident(low, replace(high, recovered_at=at(9)))) is low


def test_of_equally_grave_events_the_oldest_speaks() -> None:
    assert plan.lead(incident(problem("102", 5), problem("101", 1))).eventid == "101"


def test_when_all_are_over_the_last_to_recover_speaks() -> None:
    assert plan.lead(incident(problem(recovered=9), problem("102", 5, 7))).eventid == "101"


# sentence, incident, policy, the event to be told its number
ACKNOWLEDGED: list[tuple[str, Incident, Policy, str | None]] = [
    ("no ticket yet → nothing", incident(problem()), Policy(), None),
    ("a ticket → its event is told", ticketed(problem()), Policy(), "101"),
    ("told → nothing", ticketed(problem(), acknowledged=frozenset({"101"})), Policy(), None),
    ("a second event joined → that one only",
     ticketed(problem(), problem("102"), acknowledged=frozenset({"101"})), Policy(), "102"),
    ("a recovery that nobody announced → nothing", ticketed(problem(announced=False, recovered=1)), Policy(), None),
    ("switched off → nothing", ticketed(problem()), Policy(acknowledge=False), None),
    ("a purged ticket → its number leads nowhere", ticketed(problem(), seen=seen(is_gone=True)), Policy(), None),
    ("a ticket in the trash → told all the same", ticketed(problem(), seen=seen(is_deleted=True)), Policy(), "101"),
]  # fmt: skip


def test_an_event_that_zabbix_refuses_does_not_keep_the_number_from_the_others() -> None:
    one = ticketed(problem(), problem("102"))
    turns = [plan.acknowledgement(one, Policy(), tries) for tries in range(3)]
    assert [step.subject for step in turns if step] == ["101", "102", "101"]


def test_a_storm_is_told_to_no_event_of_zabbix_as_its_ticket() -> None:
    assert plan.acknowledgement(raging(5, 5, 5, told=told()), storms) is None


# sentence, when each began in minutes, which are the storm's
STORMS: list[tuple[str, list[float], set[int]]] = [
    ("as many as the count → none", [0, 1], set()),
    ("one more → all", [0, 1, 2], {0, 1, 2}),
    ("one more, but beyond the window → none", [0, 1, 5], set()),
    ("the window is open at its end", [0, 1, 4.99], {0, 1, 2}),
    ("in one second", [3, 3, 3, 3], {0, 1, 2, 3}),
    ("a stray before and after → not they", [0, 10, 11, 12, 30], {1, 2, 3}),
    ("two storms far apart → each", [0, 1, 2, 60, 61, 62, 63], {0, 1, 2, 3, 4, 5, 6}),
    ("one after the other without a pause → all", [0, 2, 4, 6, 8, 10], {0, 1, 2, 3, 4, 5}),
    ("in any order", [2, 0, 30, 1], {0, 1, 3}),
]


@pytest.mark.parametrize(("begins", "which"), [row[1:] for row in STORMS], ids=[row[0] for row in STORMS])
def test_which_problems_are_a_storm(begins: list[float], which: set[int]) -> None:
    found = storm.gathered(((60 * began, number) for number, began in enumerate(begins)), Storm(("host",), 2))
    assert sorted(found) == sorted(which)


UNSAID: list[tuple[str, Incident, set[str]]] = [
    ("our solution said it → nothing", ticketed(problem(recovered=5), told=two_solved, seen=seen(SOLVED)), set()),
    ("came and went while the ticket was solved → that one",
     ticketed(problem(recovered=5), problem("102", 25, 26), told=two_solved, seen=seen(SOLVED)), {"102"}),
    ("ended after a person had solved the ticket", ticketed(problem(recovered=25), seen=solved_by_a_person), {"101"}),
    ("one lives → nothing", ticketed(problem(recovered=5), problem("102", 25), seen=seen(SOLVED)), set()),
    ("the ticket is open → the recovery is still to be said", ticketed(problem(recovered=5)), set()),
    ("a storm that a person had solved → its end", raging(5, 5, 0, told=told(), seen=solved_by_a_person), {"1"}),
    ("a storm that we solved → nothing",
     raging(5, 5, 0, told=told(solved=frozenset("1")), seen=seen(SOLVED)), set()),
    ("removed → nothing", ticketed(problem(recovered=5), seen=seen(SOLVED, is_gone=True)), set()),
]  # fmt: skip


@pytest.mark.parametrize(("one", "eventids"), [r[1:] for r in UNSAID], ids=[r[0] for r in UNSAID])
def test_which_ends_a_finished_ticket_says_by_itself(one: Incident, eventids: set[str]) -> None:
    assert plan.ended_unsaid(one) == eventids


@pytest.mark.parametrize(("one", "policy", "eventid"), [r[1:] for r in ACKNOWLEDGED], ids=[r[0] for r in ACKNOWLEDGED])
def test_which_event_learns_its_ticket(one: Incident, policy: Policy, eventid: str | None) -> None:
    step = plan.acknowledgement(one, policy)
    assert (None if step is None else step.subject) == eventid


def test_an_event_hears_the_number_of_its_ticket_before_the_news_of_it_and_these_in_their_order() -> None:
    words = tuple(Word(id_, eventid, "text") for id_, eventid in ((5, "101"), (5, "102"), (6, "101")))
    one = incident(problem("101"), problem("102"), told=told(), acknowledged=frozenset({"102"}), words=words)
    turns = [plan.acknowledgement(one, Policy(), tries) for tries in range(3)]
    assert [step.subject for step in turns if step is not None] == ["101", "102 5", "101"]
    told_all = replace(one, acknowledged=frozenset({"101", "102"}))
    step = plan.acknowledgement(told_all, Policy())
    assert step is not None
    assert step.subject == "101 5"


def test_news_are_told_where_the_number_is_not_wanted_and_of_a_ticket_that_is_gone() -> None:
    one = incident(problem("101"), told=told(), words=(Word(5, "101", "text"),))
    for incident_, policy in ((one, Policy(acknowledge=False)), (replace(one, seen=Seen(is_gone=True)), Policy())):
        step = plan.acknowledgement(incident_, policy)
        assert step is not None
        assert step.subject == "101 5"


WANTED = Draft("", "", urgency=Level.HIGH, impact=Level.MEDIUM)


@pytest.mark.parametrize(
    ("action", "message", "kinds"),
    [
        ("commented", "x", {NoteKind.MESSAGE}),
        ("acknowledged, commented", "x", {NoteKind.MESSAGE, NoteKind.ACKNOWLEDGEMENT}),
        ("unacknowledged", "", {NoteKind.ACKNOWLEDGEMENT}),
        ("changed severity from Warning to High", "", {NoteKind.SEVERITY}),
        ("suppressed until 2026.11.25 10:00:00", "", {NoteKind.SUPPRESSION}),
        ("unsuppressed", "", {NoteKind.SUPPRESSION}),
        ("closed", "", {NoteKind.CLOSE}),
        ("changed rank to symptom", "", {NoteKind.RANK}),
        ("something new", "", set()),
    ],
)
def test_a_note_is_told_if_any_of_what_it_tells_is_wanted(action: str, message: str, kinds: set[NoteKind]) -> None:
    one = Note(at(1), "abc", "Ann", action, message)
    assert plan.kinds_of(one) == kinds
    event = problem(notes=(one,))
    for wanted in (frozenset(NoteKind), *(frozenset({kind}) for kind in NoteKind), frozenset[NoteKind]()):
        step = plan.plan(
            incident(event, told=told(), seen=Seen(urgency=4, impact=3)),
            Route("default", "7", WANTED, Policy(notes=wanted)),
            at(2),
        )
        assert (isinstance(step, Step) and step.kind is StepKind.NOTE) is (not kinds or bool(kinds & wanted))


def test_urgency_stays_where_severity_is_not_to_be_followed() -> None:
    one = incident(problem(), told=told(urgency=2, impact=2), seen=Seen(urgency=2, impact=2))
    followed = plan.plan(one, Route("default", "7", WANTED), at(2))
    assert isinstance(followed, Step)
    assert followed.kind is StepKind.RAISE
    assert isinstance(plan.plan(one, Route("default", "7", WANTED, Policy(follow_severity=False)), at(2)), Wait)
