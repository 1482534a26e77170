"""status, queue, pause, resume: what waits is shown in words, and a person's word is obeyed."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from glpi_bridge import facts, intake
from glpi_bridge.context import Context
from glpi_bridge.model import StepKind
from glpi_bridge.sandbox.glpi import Fault, FaultKind, Match
from glpi_bridge.store import events, meta
from glpi_bridge.store.attempts import Attempt, Item
from tests.integration.installation import Installation, installation


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path) as made:
        yield made


def refuse(bridge: Installation, text: str) -> int:
    """Let GLPI refuse every ticket that holds this text, as if for good."""
    return bridge.glpi.order(Fault(FaultKind.POISON, Match("POST", "Ticket"), times=None, text=text))


def park(bridge: Installation) -> None:
    """Refuse event 2's ticket until it is parked."""
    refuse(bridge, "poison")
    bridge.alert("2", event_name="poison")
    bridge.ok("deliver")
    while (row := bridge.json("queue", "list")["incidents"][-1])["standing"] != "parked":
        bridge.ok("queue", "retry", str(row["id"]))
        bridge.ok("deliver")


def test_status_before_the_first_pass_says_that_nothing_has_run_and_makes_no_store(bridge: Installation) -> None:
    told = bridge.json("status", code=1)
    assert "not there yet" in told["needs_person"][0]
    assert not (bridge.home / "bridge.db").exists()


def test_status_after_a_good_pass_is_well(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.ok("deliver")
    told = bridge.json("status")
    assert told["ok"]
    assert told["counters"] == {"alerts": 1, "tickets": 1, "incidents": 1, "unfinished": 1}
    assert told["oldest_undelivered_seconds"] is None
    assert told["versions"]["glpi"] == "10.0.19"
    assert "nothing" in bridge.ok("status").splitlines()[0]


def test_status_counts_what_lies_in_the_spool_and_how_old_it_is(bridge: Installation) -> None:
    bridge.ok("deliver")
    bridge.alert("1")
    for file in (bridge.spool / "new").iterdir():
        os.utime(file, (time.time() - 600, time.time() - 600))
    told = bridge.json("status")
    assert told["spool"]["waiting"] == 1
    assert 590 < told["oldest_undelivered_seconds"] < 700


def test_alerts_that_nobody_takes_need_a_person(bridge: Installation) -> None:
    bridge.ok("deliver")
    with bridge.context() as context:
        context.store.write(meta.put, "last pass", time.time() - 3600)
    bridge.alert("1")
    for file in (bridge.spool / "new").iterdir():
        os.utime(file, (time.time() - 3600, time.time() - 3600))
    assert "alive?" in bridge.json("status", code=1)["needs_person"][0]


def test_a_glpi_that_is_down_is_a_trouble_and_its_tickets_wait_in_the_queue(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.glpi.refuse(0)
    bridge.ok("deliver")
    told = bridge.json("status")
    (trouble,) = told["troubles"]
    assert trouble["target"] == "GLPI"
    assert "refused" in trouble["text"]
    assert told["queue"]["unsorted"] + told["queue"]["due"] == 1
    assert told["oldest_undelivered_seconds"] >= 0
    assert "refused" in bridge.ok("status")
    bridge.glpi.accept_again()


@pytest.mark.field("F101")
def test_a_refused_token_needs_a_person_and_nothing_is_parked(bridge: Installation) -> None:
    bridge.secret("user.token", "0" * 40)
    bridge.alert("1")
    bridge.ok("deliver")
    told = bridge.json("status", code=1)
    assert "token" in told["needs_person"][0]
    assert told["queue"]["parked"] == 0


@pytest.mark.field("F93")
def test_a_poisoned_ticket_is_parked_shown_with_glpis_words_and_tried_again_on_a_persons_word(
    bridge: Installation,
) -> None:
    bridge.alert("1")
    park(bridge)
    bridge.glpi.cancel()
    listed = bridge.json("queue", "list")
    (row,) = listed["incidents"]
    assert row["standing"] == "parked"
    assert row["marker"] == "zabbix zabbix/2"
    assert "refuses" in row["why"]
    assert "parked" in bridge.ok("queue", "list")
    shown = bridge.json("queue", "show", str(row["id"]))
    assert shown["title"] == "web01: poison"
    assert shown["refusals"] >= 2
    assert "poison" in bridge.ok("queue", "show", "zabbix/2")
    bridge.ok("queue", "retry", "all")
    bridge.ok("deliver")
    assert [ticket["name"] for ticket in bridge.glpi.tickets()] == ["web01: CPU is high", "web01: poison"]
    assert bridge.json("status")["queue"]["parked"] == 0
    assert bridge.ok("queue", "list") == "nothing waits\n"


def test_a_dropped_incident_is_never_written_again_and_its_trigger_still_gets_tickets(bridge: Installation) -> None:
    park(bridge)
    bridge.glpi.cancel()
    (row,) = bridge.json("queue", "list")["incidents"]
    refused = bridge.run("queue", "drop", str(row["id"]), stdin="n\n")
    assert refused.exit_code == 1
    assert "gets no ticket" in refused.output
    assert bridge.json("queue", "list")["incidents"]
    bridge.ok("queue", "drop", str(row["id"]), "--yes")
    assert bridge.ok("queue", "list") == "nothing waits\n"
    bridge.alert("2", event_name="poison", event_nseverity="5")
    bridge.recovery("2")
    bridge.ok("deliver")
    assert bridge.glpi.tickets() == []
    bridge.alert("3", trigger_id="2", event_name="again")
    bridge.ok("deliver")
    assert [ticket["name"] for ticket in bridge.glpi.tickets()] == ["web01: again"]
    assert bridge.run("queue", "retry", str(row["id"])).exit_code == 1
    bridge.json("status")


def test_what_is_in_flight_cannot_be_dropped(bridge: Installation) -> None:
    bridge.alert("1")
    with bridge.context() as context:
        intake.take_in(context)
        intake.sort_events(context)
        in_doubt(bridge, context, note=None)
    result = bridge.run("queue", "drop", "1", "--yes")
    assert result.exit_code == 1
    assert "in flight" in result.output


def in_doubt(bridge: Installation, context: Context, *, note: str | None) -> None:
    """Leave a create of incident 1 in doubt, as a worker that died."""
    attempt = Attempt(
        id="a" * 36, worker="dead", operation=StepKind.CREATE, token="SECRETSESSION", watermark=0, read_at=1.0,
        started_at=time.time() - 100, lease_until=1.0, items=(Item(1, StepKind.CREATE, "zabbix zabbix/1"),),
        doubt="no answer within 10 s", note=note,
    )  # fmt: skip
    bridge.claim(context, attempt)


@pytest.mark.field("F87")
def test_a_write_in_doubt_is_shown_with_its_reason_and_what_is_next_but_never_its_token(bridge: Installation) -> None:
    bridge.alert("1")
    with bridge.context() as context:
        intake.take_in(context)
        intake.sort_events(context)
        in_doubt(bridge, context, note="unmatched")
    told = bridge.json("status", code=1)
    (doubt,) = told["in_doubt"]
    assert doubt["items"] == ["zabbix zabbix/1"]
    assert doubt["why"] == "no answer within 10 s"
    assert "adopt --ticket" in doubt["next"]
    assert doubt["needs_person"]
    assert bridge.json("queue", "list")["incidents"][0]["standing"] == "in doubt"
    for command in (["status"], ["status", "--json"], ["queue", "list"], ["queue", "show", "1"]):
        assert "SECRETSESSION" not in bridge.run(*command).output


def test_an_unreadable_alert_is_listed_read_again_and_dropped(bridge: Installation) -> None:
    (bridge.spool / "new" / "rubbish").write_bytes(b"no end")
    bridge.ok("deliver")
    assert bridge.json("status", code=1)["spool"]["bad"] == 1
    assert bridge.json("queue", "list")["bad"][0]["name"] == "rubbish"
    assert "NUL" in bridge.ok("queue", "show", "rubbish")
    bridge.ok("queue", "retry", "rubbish")
    assert (bridge.spool / "new" / "rubbish").exists()
    bridge.ok("deliver")
    assert "deleted for good" in bridge.ok("queue", "drop", "rubbish", "--yes")
    assert bridge.json("status")["spool"]["bad"] == 0


def test_what_is_not_in_the_queue_is_said(bridge: Installation) -> None:
    bridge.ok("deliver")
    for name in ("77", "zabbix/77", "nothing"):
        result = bridge.run("queue", "show", name)
        assert result.exit_code == 1
        assert "queue list" in result.output


def test_pause_holds_writing_while_alerts_arrive_and_resume_goes_on(bridge: Installation) -> None:
    bridge.ok("pause", "moving the database")
    bridge.alert("1")
    bridge.ok("deliver")
    assert bridge.glpi.tickets() == []
    told = bridge.json("status", code=1)
    assert told["paused"]["why"] == "moving the database"
    assert told["counters"]["alerts"] == 1
    assert "moving the database" in bridge.ok("resume")
    bridge.ok("deliver")
    assert len(bridge.glpi.tickets()) == 1
    assert "neither" in bridge.ok("resume")


def test_resume_ends_a_stop_and_the_wait_for_a_server_that_was_down(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.glpi.refuse(0)
    bridge.ok("deliver")
    bridge.glpi.accept_again()
    with bridge.context() as context:
        context.stop("GLPI's sessions do not lock")
    assert "do not lock" in bridge.json("status", code=1)["needs_person"][0]
    assert bridge.json("resume")["was"] == {"stopped": "GLPI's sessions do not lock"}
    bridge.ok("deliver")
    assert len(bridge.glpi.tickets()) == 1


def test_drift_is_counted_when_a_person_closes_the_ticket_of_a_live_problem(bridge: Installation) -> None:
    bridge.alert("1")
    bridge.ok("deliver")
    bridge.ok("sync")
    bridge.glpi.people.set_status(1, 6)
    bridge.ok("sync")
    assert bridge.json("status", code=bridge.run("status").exit_code)["drift"] == {
        "open in Zabbix, closed by a person in GLPI": 1
    }


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["queue", "list"],
        ["queue", "retry", "all"],
        ["pause"],
        ["resume"],
        ["explain", "1"],
        ["deliver"],
        ["sync"],
        ["adopt"],
        ["run"],
    ],
    ids=" ".join,
)
def test_a_store_of_another_user_is_refused_by_each_command_that_opens_it(
    bridge: Installation, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge.ok("deliver")
    owner = pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr("glpi_bridge.store.engine.os.geteuid", lambda: 4711)
    result = bridge.run(*command)
    assert result.exit_code == 1
    assert f"belongs to {owner}; run this command as that user: sudo -u {owner}" in result.output


def test_status_of_a_hundred_thousand_incidents_reads_only_what_waits(bridge: Installation) -> None:
    from sqlalchemy import event, insert

    from glpi_bridge.store.tables import incidents

    row = {
        "source": "zabbix", "generation": 1, "told": "{}", "seen": None, "version": 1, "created_at": 1.0,
        "state": "recovered and solved", "finished_at": 2.0, "due_at": None,
    }  # fmt: skip
    with bridge.context() as context:
        for start in range(0, 100_000, 10_000):
            rows = [
                {**row, "key": str(n), "marker": f"zabbix zabbix/{n}", "ticket_id": n + 1}
                for n in range(start, start + 10_000)
            ]
            context.store.write(lambda connection, rows: connection.execute(insert(incidents), rows), rows)
        plans: list[str] = []
        with context.store.engine.connect() as connection:
            asked: list[tuple[str, tuple[object, ...]]] = []
            event.listen(
                context.store.engine,
                "before_cursor_execute",
                lambda _c, _cu, sql, values, *_: asked.append((sql, values)),
            )
            from glpi_bridge.admin.status import DRIFT
            from glpi_bridge.store import overview

            overview.queue(connection, 3.0)
            overview.counts(connection, 3.0)
            overview.resting(connection, DRIFT)
            for sql, values in [one for one in asked if one[0].startswith("SELECT")]:
                steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
                plans += [step[3] for step in steps]
    scans = [step for step in plans if step.startswith("SCAN")]
    assert plans
    assert all("COVERING INDEX" in step for step in scans), scans
    told = bridge.json("status", code=bridge.run("status").exit_code)
    assert told["counters"]["incidents"] == 100_000


def test_notices_and_duplicates_are_shown(bridge: Installation) -> None:
    with bridge.context() as context:
        context.notice("rules", "x", "the title template failed")
        context.store.write(meta.put, "duplicates", {"9": [3, "zabbix zabbix/1"]})
    told = bridge.json("status")
    assert told["duplicates"] == {"9": 3}
    assert told["notices"][0]["text"] == "the title template failed"
    assert "ticket 9 repeats ticket 3" in bridge.ok("status")


def test_problems_that_were_not_adopted_are_counted_until_an_alert_tells_of_them(bridge: Installation) -> None:
    with bridge.context() as context:
        context.store.write(meta.put, "not adopted zabbix", ["1", "2", "3"])
        known = facts.Facts({"announced": (0, 0.0, True)})
        context.store.write(events.intake, [("zabbix", "2", known)], time.time())
    assert bridge.json("status")["not_adopted"] == 2


def test_sync_leaves_old_problems_alone_and_counts_them_once(bridge: Installation) -> None:
    bridge.zabbix.raise_problem("db1", "old", alert=False)
    told = bridge.zabbix.raise_problem("db1", "told by an alert", alert=False)
    bridge.alert(told)
    bridge.ok("deliver")
    assert bridge.json("sync")["not_adopted"] == 1
    bridge.zabbix.raise_problem("db1", "older", alert=False)
    assert bridge.json("sync")["not_adopted"] == 1
    bridge.json("sync")
    assert bridge.json("status")["not_adopted"] == 2
    assert "2 problems that no alert told about" in bridge.ok("status")
    assert len(bridge.glpi.tickets()) == 1
