"""Facts are merged: any order of what was said, repeated any number of times, gives the same event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glpi_bridge import facts
from glpi_bridge.facts import Facts, merge
from glpi_bridge.model import Alert, AlertKind, Event, Origin, Severity, Tag
from glpi_bridge.sync import facts_of
from glpi_bridge.zabbix_answers import HostName, ZabbixEvent

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
PROBLEM, UPDATE, RECOVERY = AlertKind.PROBLEM, AlertKind.UPDATE, AlertKind.RECOVERY


def alert(kind: AlertKind = PROBLEM, received: datetime = NOW, **fields: str) -> Alert:
    return Alert("prod", "101", kind, fields, received)


def shown(*alerts: Alert | Facts, zone: Any = UTC) -> Event:
    said = [one if isinstance(one, Facts) else facts.from_alert(one, zone) for one in alerts]
    return facts.event("prod", "101", merge(*said))


def asked(**more: Any) -> ZabbixEvent:
    """What event.get says."""
    known: dict[str, Any] = {
        "eventid": "101", "source": 0, "object": 0, "objectid": "7", "clock": NOW, "value": 1, "name": "CPU is high",
        "severity": Severity.HIGH, "acknowledged": False, "suppressed": False, "tags": (Tag("component", "cpu"),),
        "hosts": (HostName("10", "web01", "Web server 1"),),
    }  # fmt: skip
    return ZabbixEvent(**known | more)


# -- laws -------------------------------------------------------------------------------------------------------------

texts = st.sampled_from(["", "a", "b", "CPU is high", "é🔥", "<b>", "1"])
days = st.sampled_from(["2026.11.25", "2026.11.26", "yesterday"])
clocks = st.sampled_from(["08:00:00", "08:00:01", "23:59:59", "*UNKNOWN*"])
FIELDS: dict[str, st.SearchStrategy[str]] = {
    "event_name": texts,
    "host_host": texts,
    "trigger_hostgroup_name": st.sampled_from(["A", "A, B", "B,A", ""]),
    "event_tagsjson": st.sampled_from(['[{"tag":"a","value":"1"}]', "[]", "no json", '[{"tag":"b"}]', "{}"]),
    "event_nseverity": st.sampled_from(["0", "3", "5", "9", "high"]),
    "event_source": st.sampled_from(["0", "3", "7"]),
    "event_ack_status": st.sampled_from(["Yes", "No", "?"]),
    "event_cause_id": st.sampled_from(["", "55"]),
    "event_date": days, "event_time": clocks, "date": days, "time": clocks,
    "event_recovery_date": days, "event_recovery_time": clocks,
    "event_recovery_name": texts, "event_update_message": texts,
    "event_update_action": st.sampled_from(["commented", "suppressed until 1", "unsuppressed", "acknowledged"]),
    "event_update_date": days, "event_update_time": clocks, "user_fullname": texts, "odd_field": texts,
}  # fmt: skip
moments = st.integers(0, 3).map(lambda seconds: NOW + timedelta(seconds=seconds))
alerts = st.builds(
    lambda kind, fields, received: Alert("prod", "101", kind, fields, received),
    st.sampled_from(AlertKind),
    st.fixed_dictionaries({}, optional=FIELDS),
    moments,
)
said = alerts.map(lambda one: facts.from_alert(one, UTC))
read = st.builds(
    lambda severity, acknowledged, r_clock, at, announced: facts_of(
        asked(severity=severity, acknowledged=acknowledged, r_eventid="9" if r_clock else "", r_clock=r_clock),
        None, at.timestamp(), announced=announced,
    ),
    st.sampled_from(Severity), st.booleans(), st.none() | moments, moments, st.booleans(),
)  # fmt: skip
witnesses = said | read


@given(witnesses, witnesses, witnesses)
def test_merging_is_associative(one: Facts, two: Facts, three: Facts) -> None:
    assert merge(merge(one, two), three).to_json() == merge(one, merge(two, three)).to_json()


@given(witnesses, witnesses)
def test_merging_is_commutative(one: Facts, two: Facts) -> None:
    assert merge(one, two).to_json() == merge(two, one).to_json()


@given(witnesses)
def test_merging_is_idempotent_and_nothing_is_its_neutral(one: Facts) -> None:
    assert merge(one, one).to_json() == merge(one).to_json() == merge(Facts(), one).to_json() == one.to_json()


@given(st.lists(witnesses, min_size=1, max_size=6), st.data())
def test_any_order_and_repetition_gives_the_same_event(told: list[Facts], data: st.DataObject) -> None:
    again = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=4))))
    piecemeal = Facts()
    for one in again:
        piecemeal = Facts.from_json(merge(piecemeal, one).to_json())
    assert piecemeal.to_json() == merge(*told).to_json()
    assert facts.event("prod", "101", piecemeal) == facts.event("prod", "101", merge(*told))


@given(st.lists(witnesses, min_size=1, max_size=4), witnesses)
def test_what_is_recovered_stays_recovered_and_what_was_announced_stays_announced(
    told: list[Facts], more: Facts
) -> None:
    before, after = (facts.event("prod", "101", merge(*some)) for some in (told, [*told, more]))
    assert before.is_open or not after.is_open
    assert after.announced or not before.announced
    assert {note.id for note in before.notes} <= {note.id for note in after.notes}


# -- what each word means ---------------------------------------------------------------------------------------------


def test_a_recovery_that_comes_before_its_problem_leaves_the_problem_s_texts() -> None:
    late = alert(event_name="CPU is high", event_tagsjson='[{"tag":"component","value":"cpu"}]')
    early = alert(RECOVERY, event_name="CPU is high", event_tagsjson="[]", event_recovery_name="CPU is fine")
    event = shown(early, late)
    assert (event.name, event.tags, event.recovery_name) == ("CPU is high", (Tag("component", "cpu"),), "CPU is fine")
    assert not event.is_open


@pytest.mark.field("F23")
def test_a_recovery_alone_announces_nothing() -> None:
    assert not shown(alert(RECOVERY)).announced
    assert shown(alert(UPDATE)).announced
    assert shown(alert()).announced


def test_an_update_that_is_composed_later_changes_the_severity_whatever_arrives_first() -> None:
    first = alert(event_nseverity="2", date="2026.11.25", time="08:00:00")
    second = alert(UPDATE, event_nseverity="5", date="2026.11.25", time="08:05:00")
    assert shown(second, first).severity is Severity.DISASTER
    assert shown(first, second).severity is Severity.DISASTER


def test_a_repeated_update_is_one_note_and_equal_words_at_another_time_are_another() -> None:
    told = {"event_update_message": "on it", "event_update_action": "commented", "user_fullname": "Ann"}
    one = alert(UPDATE, event_update_date="2026.11.25", event_update_time="08:01:00", **told)
    again = alert(UPDATE, NOW + timedelta(minutes=5), **one.fields)
    other = alert(UPDATE, event_update_date="2026.11.25", event_update_time="08:02:00", **told)
    assert len(shown(one, again).notes) == 1
    assert [note.message for note in shown(other, one, again).notes] == ["on it", "on it"]


def test_an_update_that_says_nothing_is_no_note() -> None:
    assert shown(alert(UPDATE, event_nseverity="4")).notes == ()


@pytest.mark.field("F24")
def test_times_are_read_in_the_zone_of_the_server_that_wrote_them() -> None:
    event = shown(alert(event_date="2026.11.25", event_time="23:30:00"), zone=ZoneInfo("America/Sao_Paulo"))
    assert event.opened_at == datetime(2026, 11, 26, 2, 30, tzinfo=UTC)


def test_without_a_stated_time_the_first_hand_over_counts() -> None:
    late, early = alert(received=NOW + timedelta(minutes=9)), alert(received=NOW)
    assert shown(late, early).opened_at == shown(early, late).opened_at == NOW


def test_a_stated_time_beats_a_guess() -> None:
    guess = alert(UPDATE, NOW - timedelta(hours=1))
    stated = alert(event_date="2026.11.25", event_time="08:00:00")
    assert shown(guess, stated).opened_at == NOW


def test_what_zabbix_is_asked_beats_what_alerts_said_of_the_times() -> None:
    event = shown(alert(RECOVERY), facts_of(asked(clock=NOW - timedelta(minutes=3)), None, 0.0, announced=False))
    assert event.opened_at == NOW - timedelta(minutes=3)


@pytest.mark.field("F69")
def test_broken_tags_cost_only_the_tags() -> None:
    event = shown(alert(event_name="x", event_tagsjson='[{"tag":"a","value":"x"y"}]'))
    assert (event.name, event.tags) == ("x", ())


@pytest.mark.field("F06")
def test_an_internal_event_is_known_as_one() -> None:
    assert shown(alert(event_source="3")).origin is Origin.INTERNAL


@pytest.mark.field("F82")
def test_suppression_follows_the_last_word() -> None:
    on = alert(UPDATE, event_update_action="suppressed until 10:00", date="2026.11.25", time="08:01:00")
    off = alert(UPDATE, event_update_action="unsuppressed", date="2026.11.25", time="08:02:00")
    assert shown(on).suppressed
    assert not shown(off, on).suppressed


def test_being_asked_about_neither_announces_nor_claims_an_alert() -> None:
    event = shown(facts_of(asked(), None, 0.0, announced=False))
    assert (event.announced, event.is_alerted, event.is_open) == (False, False, True)


def test_host_groups_are_a_list() -> None:
    assert shown(alert(trigger_hostgroup_name="Linux, Lab servers")).host_groups == ("Linux", "Lab servers")


def test_arguments_that_nobody_named_are_kept_for_templates() -> None:
    assert shown(alert(cron_command="backup")).fields["cron_command"] == "backup"


def test_the_value_at_recovery_is_the_item_s_and_never_the_0_that_every_recovery_event_has() -> None:
    told = shown(
        alert(item_value="97 %"),
        alert(RECOVERY, event_value="0", event_recovery_value="0", item_value="12 %"),
    )
    assert (told.item_value, told.recovery_value) == ("97 %", "12 %")
    assert shown(alert(RECOVERY, event_recovery_value="0")).recovery_value == ""


def test_who_closed_a_problem_is_told_by_the_update_that_follows_the_recovery() -> None:
    closing = alert(
        UPDATE, event_update_status="1", event_update_action="commented and closed", user_fullname="Ann Lee"
    )
    assert shown(alert(), alert(RECOVERY), closing).closed_by == "Ann Lee"


def test_a_person_whom_zabbix_does_not_show_has_no_name() -> None:
    hidden = {"event_update_action": "commented and closed", "user_fullname": "Inaccessible user"}
    told = shown(alert(), alert(UPDATE, **hidden))
    assert told.closed_by == ""
    assert [note.author for note in told.notes] == [""]
