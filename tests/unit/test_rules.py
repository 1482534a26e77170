"""Which rule an event gets, what the ticket is then, and what is wrong in a file of rules."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glpi_bridge.compiled import Named
from glpi_bridge.errors import SettingsError
from glpi_bridge.match import Both, Condition, Either, Not, Pattern, Severe, Tagged, Words
from glpi_bridge.model import (
    Event,
    HandOver,
    Level,
    Note,
    NoteKind,
    Often,
    Origin,
    Policy,
    Sameness,
    Severity,
    Storm,
    Tag,
    TicketType,
)
from glpi_bridge.reach import covers
from glpi_bridge.render import Text
from glpi_bridge.rulefile import Match, Wishes
from glpi_bridge.rules import Rules
from glpi_bridge.spans import during
from glpi_bridge.units import Mistake
from glpi_bridge.wishes import KEY_LIMIT, SEVERITY_MAP

ROOT = Path(__file__).parents[2]
# a Wednesday, half past eight in the morning in UTC
OPENED = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
EVENT = Event(
    "main",
    "101",
    name="Disk / is 97 % full",
    host="db1",
    host_name="Database 1",
    host_groups=("Linux servers", "Paris/Databases"),
    templates=("Linux by Zabbix agent",),
    triggerid="7",
    trigger_name="Disk {#FSNAME} is full",
    item_key="vfs.fs.size[/,pused]",
    tags=(Tag("component", "storage"), Tag("team", "Storage team"), Tag("urgent")),
    severity=Severity.HIGH,
    opened_at=OPENED,
)


def rules(text: str, **options: object) -> Rules:
    return Rules.parse(dedent(text), **options)  # type: ignore[arg-type]  # options are handed on


def matches(match: str, event: Event = EVENT) -> bool:
    route = rules(f"timezone: UTC\nrules: [{{match: {match}, category: yes it matches}}]").route(event)
    return route.draft.category == "yes it matches"


def faults(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        rules(text)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "match",
    [
        "{}",
        "{host: db1}",
        "{host: Database 1}",
        "{host: [web1, 'db*']}",
        "{host: 'db?'}",
        "{host: '/^d.\\d$/'}",
        "{host: '/^DATABASE/i'}",
        "{host_group: Linux servers}",
        "{host_group: 'Paris/*'}",
        "{template: 'Linux*'}",
        "{trigger: 'Disk / is*'}",
        "{trigger: 'Disk {#FSNAME} is full'}",
        "{severity: high}",
        "{severity: 4}",
        "{severity: warning+}",
        "{severity: average..disaster}",
        "{severity: ..high}",
        "{severity: [information, High]}",
        "{tag: component}",
        "{tag: component=storage}",
        "{tag: {component: storage}}",
        "{tag: {component: [disk, 'stor*'], team: '/team$/'}}",
        "{tag: {urgent: ''}}",
        "{tag: {component: }}",
        "{item: 'vfs.fs.size[/,pused]'}",
        "{item: 'vfs.fs.size[*'}",
        "{source: main}",
        "{origin: trigger}",
        "{origin: [cron, trigger]}",
        "{time: '08:00-09:00'}",
        "{time: 'wed 08:30-08:31'}",
        "{time: 'mon-fri'}",
        "{time: ['sat,sun', 'wed']}",
        "{time: '22:00-09:00'}",
        "{time: 'tue 22:00-09:00'}",
        "{time: '09:00-10:00 Europe/Paris'}",
        "{not: {host: web1}}",
        "{not: {host: db1, severity: disaster}}",
        "{any: [{host: web1}, {severity: high}]}",
        "{all: [{host: db1}, {any: [{tag: nope}, {not: {tag: nope}}]}]}",
    ],
)
def test_a_match_holds(match: str) -> None:
    assert matches(match)


@pytest.mark.parametrize(
    "match",
    [
        "{host: db}",
        "{host: DB1}",
        "{host: db11}",
        "{host: 'db'}",
        "{host: 'db??'}",
        "{host: '/^b/'}",
        "{host: '/DATABASE/'}",
        "{host_group: Databases}",
        "{template: Linux}",
        "{trigger: Disk}",
        "{severity: disaster}",
        "{severity: ..average}",
        "{tag: nope}",
        "{tag: {component: storage, nope: x}}",
        "{tag: {component: stor}}",
        "{item: 'vfs.fs.size[p]'}",
        "{source: ma}",
        "{origin: internal}",
        "{time: '08:31-24:00'}",
        "{time: 'wed 22:00-09:00'}",
        "{time: 'sat,sun'}",
        "{time: '08:00-09:00 Europe/Paris'}",
        "{not: {host: 'db*'}}",
        "{any: [{host: web1}, {severity: average}]}",
        "{all: [{host: db1}, {severity: average}]}",
        "{host: db1, severity: average}",
        "{any: [{host: web1}], host: db1}",
    ],
)
def test_a_match_does_not_hold(match: str) -> None:
    assert not matches(match)


@pytest.mark.parametrize("key", ["host", "host_group", "template", "trigger", "item"])
def test_what_is_not_known_is_no_text_to_match(key: str) -> None:
    assert not matches(f"{{{key}: '*'}}", Event("main", "1"))


def test_a_time_of_day_is_the_beginning_of_the_problem_and_now_only_without_one() -> None:
    night = rules("timezone: UTC\nrules: [{match: {time: '22:00-06:00'}, category: night}]")
    late = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)
    assert night.route(EVENT, late).draft.category is None
    assert night.route(replace(EVENT, opened_at=None), late).draft.category == "night"
    assert night.route(replace(EVENT, opened_at=None)).draft.category is None


def test_the_first_rule_that_matches_wins() -> None:
    route = rules(
        """
        rules:
          - {match: {host: web1}, category: A}
          - {name: storage, match: {tag: component}, category: B}
          - {match: {host: db1}, category: C}
        """
    ).route(EVENT)
    assert route.draft.category == "B"
    assert route.rule == 'rules.yml:4 "storage"'


def test_default_gives_what_the_rule_leaves_open() -> None:
    given = rules(
        """
        rules:
          - {match: {host: db1}, category: A, hold_off: 5m, extra: {a: 1}}
        default: {category: D, group: [G, H], hold_off: 1m, private_notes: true, extra: {a: 2, b: 3}}
        """
    )
    route, other = given.route(EVENT), given.route(replace(EVENT, host="web1"))
    assert (route.draft.category, route.draft.groups, route.draft.extra) == ("A", ("G", "H"), {"a": 1, "b": 3})
    assert route.policy == Policy(hold_off=timedelta(minutes=5), private_notes=True)
    assert (other.rule, other.draft.category, other.policy.hold_off) == ("default", "D", timedelta(minutes=1))


def test_zero_rules_make_a_sensible_ticket() -> None:
    route = Rules.load(None).route(EVENT)
    assert (route.rule, route.key, route.ignore, route.warnings) == ("default", "7", None, ())
    assert route.policy == Policy()
    assert (route.draft.title, route.draft.type) == ("Database 1: Disk / is 97 % full", TicketType.INCIDENT)
    assert (route.draft.urgency, route.draft.impact) == (Level.HIGH, Level.HIGH)


@pytest.mark.parametrize("text", ["", "# nothing\n", "rules:\ndefault:\n", "{}"])
def test_an_empty_file_is_zero_rules(text: str) -> None:
    assert rules(text).route(EVENT) == Rules.load(None).route(EVENT)


def test_a_rule_sets_each_thing_of_a_ticket() -> None:
    draft = (
        rules(
            """
            rules:
              - match: {host: db1}
                category: Monitoring > Disk
                type: request
                urgency: very low
                impact: 2
                entity: Root entity > Operations
                group: Storage team
                technician: [jdoe, asmith]
                requester: monitor
                observer: boss
                observer_group: [Managers, Boss's team]
                location: Paris > Rack 1
                request_source: Monitoring
                notify: no
                extra: {externalid: "{{ eventid }}", actiontime: 60, urgent: true}
                title: "{{ host }} & co"
                content: "<p>{{ name }}</p>"
            """
        )
        .route(EVENT)
        .draft
    )
    assert draft.title == "db1 & co"
    assert draft.content == "<p>Disk / is 97 % full</p>"
    assert (draft.category, draft.type) == ("Monitoring > Disk", TicketType.REQUEST)
    assert (draft.urgency, draft.impact) == (Level.VERY_LOW, Level.LOW)
    assert (draft.entity, draft.location, draft.request_source) == (
        "Root entity > Operations",
        "Paris > Rack 1",
        "Monitoring",
    )
    assert (draft.groups, draft.technicians, draft.requesters) == (("Storage team",), ("jdoe", "asmith"), ("monitor",))
    assert (draft.observers, draft.observer_groups) == (("boss",), ("Managers", "Boss's team"))
    assert (draft.notify, dict(draft.extra)) == (False, {"externalid": "101", "actiontime": 60, "urgent": True})


def test_each_policy_can_be_set() -> None:
    policy = (
        rules(
            """
            default:
              hold_off: 30s
              reopen_window: 2h
              reopen_closed: off
              flapping: {count: 3, window: 5m, calm: 10m}
              private_notes: on
              solve: false
              solve_pending: true
              create_recovered: false
              create_unannounced: true
              hold_suppressed: false
              reopen_after_person: 30m
              close_after: 1d
              acknowledge: false
              notes: [message, close]
              follow_severity: false
              problem_after: 5 in 7 days
              problem_same: host
              solve_unwatched: true
              hand_over: [{after: 30m, to: Second line}, {after: 2h, to: Third line}]
              storm: {by: [host, tags.site], count: 3, window: 2m, notify: yes}
            """,
            link_assets=True,
        )
        .route(EVENT)
        .policy
    )
    assert policy == Policy(
        hold_off=timedelta(seconds=30),
        reopen_window=timedelta(hours=2),
        reopen_closed=False,
        flap_count=3,
        flap_window=timedelta(minutes=5),
        flap_calm=timedelta(minutes=10),
        private_notes=True,
        solve=False,
        solve_pending=True,
        create_recovered=False,
        create_unannounced=True,
        hold_suppressed=False,
        reopen_after_person=timedelta(minutes=30),
        close_after=timedelta(days=1),
        acknowledge=False,
        notes=frozenset({NoteKind.MESSAGE, NoteKind.CLOSE}),
        follow_severity=False,
        link_asset=True,
        problem_after=Often(5, timedelta(days=7)),
        problem_same=Sameness.HOST,
        solve_unwatched=True,
        hand_over=(HandOver(timedelta(minutes=30), "Second line"), HandOver(timedelta(hours=2), "Third line")),
        storm=Storm(("host", "tags.site"), 3, timedelta(minutes=2), notify=True),
    )
    assert all(getattr(policy, field.name) != field.default for field in fields(Policy))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("5 in 7 days", Often(5, timedelta(days=7))),
        ("2 in 1 day", Often(2, timedelta(days=1))),
        ("3  IN 12h", Often(3, timedelta(hours=12))),
        ("4 in 2 weeks", Often(4, timedelta(weeks=2))),
        ("never", None),
        ("off", None),
    ],
)
def test_how_often_something_recurs_is_written_in_words(written: str, expected: Often | None) -> None:
    assert rules(f"default: {{problem_after: {written}}}").route(EVENT).policy.problem_after == expected


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("close_after: 0", "leaves no time"),
        ("close_after: true", "is not a duration"),
        ("reopen_after_person: soon", "is not a duration"),
        ("hand_over: {after: 30m}", "hand_over[1].to` is missing"),
        ("hand_over: {after: 30, to: Second line}", "is not a duration"),
        ("hand_over: {after: 0, to: Second line}", "the times do not grow"),
        ("hand_over: [{after: 2h, to: A}, {after: 30m, to: B}]", "the times do not grow"),
        ("hand_over: {after: 30m, two: Second line}", "two"),
        ("hand_over: Second line", "hand_over"),
    ],
)
def test_a_course_that_cannot_be_meant_is_told_with_its_line(written: str, fault: str) -> None:
    with pytest.raises(SettingsError) as told:
        rules(f"default:\n  {written}")
    assert {one.line for one in told.value.faults} == {2}
    assert fault in str(told.value)


def test_no_closing_no_grace_and_no_handing_over_can_be_written() -> None:
    policy = rules("default: {close_after: off, reopen_after_person: no, hand_over: off}").route(EVENT).policy
    assert (policy.close_after, policy.reopen_after_person, policy.hand_over) == (None, None, ())
    assert rules("default: {reopen_after_person: yes}").route(EVENT).policy.reopen_after_person == timedelta(0)


def test_the_groups_to_hand_over_to_are_looked_up_by_check_with_their_lines() -> None:
    named = rules("default:\n  hand_over:\n  - {after: 30m, to: Second line}").names()
    assert [(one.kind, one.name, one.line) for one in named] == [("group", "Second line", 3)]


@pytest.mark.parametrize("wrong", ["5", "often", "1 in 7 days", "5 in 0", "5 in 7 moons", "0 in 1h", "-2 in 1h"])
def test_what_is_no_recurrence_is_told_with_its_line_and_what_to_write(wrong: str) -> None:
    with pytest.raises(SettingsError) as told:
        rules(f"default:\n  problem_after: {wrong}")
    (fault,) = told.value.faults
    assert fault.line == 2
    assert fault.advice


@pytest.mark.field("F90")
@pytest.mark.parametrize(
    ("written", "expected"),
    [("0", timedelta(0)), ("never", timedelta(0)), ("1h", timedelta(hours=1)), ("always", None)],
)
def test_a_reopen_window_means_what_it_says(written: str, expected: timedelta | None) -> None:
    assert rules(f"default: {{reopen_window: {written}}}").route(EVENT).policy.reopen_window == expected


def test_a_storm_is_watched_for_only_where_a_rule_asks_for_it() -> None:
    assert rules("").route(EVENT).group == ""
    assert rules("default: {storm: {by: host}}").route(EVENT).policy.storm == Storm(("host",))
    off = rules("rules: [{match: {host: '*'}, storm: off}]\ndefault: {storm: {by: host}}")
    assert off.route(EVENT).policy.storm is None


@pytest.mark.parametrize(
    ("by", "group"),
    [
        ("host", "web01"),
        ("host_group", "Linux, Web"),
        ("tags.site", "Lyon"),
        ("[host, tags.site]", "web01 / Lyon"),
        ("tags.room", ""),
        ("[host, tags.room]", ""),
    ],
)
def test_the_group_of_a_storm_is_what_its_problems_share(by: str, group: str) -> None:
    event = Event("zabbix", "1", host="web01", host_groups=("Linux", "Web"), tags=(Tag("site", "Lyon"),))
    assert rules(f"default: {{storm: {{by: {by}}}}}").route(event).group == group


def test_the_texts_of_a_storm_can_be_replaced() -> None:
    one = rules("default: {storm: {by: host}, storm_title: '{{ number }} times {{ group }}', link_asset: yes}")
    route = one.storm(Event("zabbix", "1", host="web01", name="CPU is high"), 21)
    assert route.draft.title == "21 times web01"
    assert "21 problems of web01" in route.draft.content
    assert not route.policy.link_asset


def test_flapping_can_be_switched_off() -> None:
    assert rules("default: {flapping: off}").route(EVENT).policy.flap_count == 0
    assert rules("default: {flapping: on}").route(EVENT).policy == Policy()


@pytest.mark.field("F08")
@pytest.mark.parametrize(
    ("severity", "urgency"),
    [
        (0, Level.VERY_LOW),
        (1, Level.VERY_LOW),
        (2, Level.LOW),
        (3, Level.MEDIUM),
        (4, Level.HIGH),
        (5, Level.VERY_HIGH),
    ],
)
def test_a_severity_has_its_urgency_and_impact(severity: int, urgency: Level) -> None:
    draft = Rules.load(None).route(replace(EVENT, severity=Severity(severity))).draft
    assert (draft.urgency, draft.impact, draft.type) == (urgency, urgency, TicketType.INCIDENT)


@pytest.mark.field("F72")
def test_a_changed_severity_changes_the_urgency_by_the_rule() -> None:
    given = rules("default: {severity_map: {warning: {urgency: low, impact: high}, high+: very high}}")
    before, after = (given.route(replace(EVENT, severity=Severity(n))).draft for n in (2, 4))
    assert (before.urgency, before.impact) == (Level.LOW, Level.HIGH)
    assert (after.urgency, after.impact) == (Level.VERY_HIGH, Level.VERY_HIGH)
    assert given.route(replace(EVENT, severity=Severity.AVERAGE)).draft.urgency == SEVERITY_MAP[Severity.AVERAGE]


@pytest.mark.field("F06")
def test_internal_events_have_an_urgency_of_their_own() -> None:
    internal = replace(EVENT, origin=Origin.INTERNAL, severity=Severity.NOT_CLASSIFIED)
    assert rules("default: {internal_urgency: high}").route(internal).draft.urgency == Level.HIGH
    assert rules("default: {internal_urgency: high}").route(EVENT).draft.urgency == SEVERITY_MAP[EVENT.severity]
    assert Rules.load(None).route(internal).draft.urgency == Level.MEDIUM
    stricter = rules("rules: [{match: {origin: internal}, urgency: low}]\ndefault: {internal_urgency: high}")
    assert stricter.route(internal).draft.urgency == Level.LOW


@pytest.mark.field("F94")
def test_one_name_on_fifty_hosts_is_fifty_keys() -> None:
    given = Rules.load(None)
    events = [replace(EVENT, eventid=str(n), triggerid=str(n + 500), host=f"h{n}", name="High CPU") for n in range(50)]
    assert len({given.route(event).key for event in events}) == 50
    grouped = rules("default: {key: '{{ name }}'}")
    assert {grouped.route(event).key for event in events} == {"High CPU"}


@pytest.mark.field("F18")
def test_keys_are_equal_only_when_they_are_the_same() -> None:
    given = Rules.load(None)
    keys = [given.route(replace(EVENT, triggerid=trigger)).key for trigger in ("123", "11234", "1123")]
    assert keys == ["123", "11234", "1123"]
    listed = rules("default: {key: [host, name]}")
    assert (
        listed.route(replace(EVENT, host="a", name="b c")).key != listed.route(replace(EVENT, host="a b", name="c")).key
    )


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (EVENT, "7"),
        (replace(EVENT, triggerid=""), "event:101"),
        (replace(EVENT, origin=Origin.INTERNAL), "internal:7"),
        (replace(EVENT, origin=Origin.INTERNAL, triggerid=""), "event:101"),
        (replace(EVENT, origin=Origin.CRON, triggerid="web01:backup"), "web01:backup"),
    ],
)
def test_without_a_wish_the_trigger_decides_who_shares_a_ticket(event: Event, key: str) -> None:
    assert Rules.load(None).route(event).key == key


@pytest.mark.parametrize(
    ("wish", "key"),
    [
        ('"{{ host }}/{{ tags.component }}"', "db1/storage"),
        ("[tags.component, host, severity, tags.nope]", '[["storage"], "db1", 4, []]'),
        ('"{{ tags.nope }}"', "7"),
        ('"  "', None),
    ],
)
def test_a_key_may_be_a_template_or_a_list_of_fields(wish: str, key: str | None) -> None:
    if key is None:
        assert "is not a text" in faults(f"default: {{key: {wish}}}")[0]
    else:
        assert rules(f"default: {{key: {wish}}}").route(EVENT).key == key


def test_a_long_key_is_shortened_without_meeting_another() -> None:
    given = rules("default: {key: '{{ name }}'}")
    one, other = (given.route(replace(EVENT, name="x" * 3000 + end)).key for end in "ab")
    assert one != other
    assert len(one) <= KEY_LIMIT


def test_values_may_come_from_the_event() -> None:
    draft = (
        rules(
            """
            default:
              group: "{{ tags.team }}"
              urgency: "{{ tags.component | length - 4 }}"
              entity: "{{ host }} > x"
            """
        )
        .route(EVENT)
        .draft
    )
    assert (draft.groups, draft.urgency, draft.entity) == (("Storage team",), Level.LOW + 1, "db1 > x")


def test_a_value_that_cannot_be_filled_in_falls_back_and_is_said() -> None:
    route = rules(
        """
        rules:
          - match: {host: db1}
            group: ["{{ tags.nope }}"]
            urgency: "{{ tags.team }}"
            category: "{{ tags.nope | default('') }}"
        default: {group: Fallback, category: Monitoring}
        """
    ).route(EVENT)
    assert (route.draft.groups, route.draft.category, route.draft.urgency) == (("Fallback",), "Monitoring", Level.HIGH)
    assert set(route.warnings) == {
        'rules.yml:3 rule 1: urgency: "Storage team" is not a level of GLPI',
        "rules.yml:3 rule 1: group was left out: the event has no tag nope",
    }


def test_a_failing_template_gives_the_built_in_text_and_a_warning() -> None:
    route = rules("default: {title: '{{ tags.nope }}', content: '{{ 1 / 0 }}'}").route(EVENT)
    assert (route.draft.title, route.draft.content) == (
        Rules.load(None).route(EVENT).draft.title,
        Rules.load(None).route(EVENT).draft.content,
    )
    assert len(route.warnings) == 2


@pytest.mark.parametrize("broken", ["{{ name", "{% if %}", "{{ hots }}", "missing.j2", "{{ name | nofilter }}"])
def test_a_broken_template_is_a_fault_with_its_line_and_costs_no_ticket(broken: str) -> None:
    given = rules(f"rules:\n- match: {{host: db1}}\n  content: '{broken}'\n")
    (fault,) = given.faults
    assert fault.line == 3
    route = given.route(EVENT)
    assert route.draft == Rules.load(None).route(EVENT).draft
    assert len(route.warnings) == 1


@pytest.mark.field("F07")
def test_the_same_template_as_title_and_content_is_escaped_only_in_the_content() -> None:
    draft = rules("default: {title: '{{ name }}', content: '{{ name }}'}").route(replace(EVENT, name="a & <b>")).draft
    assert (draft.title, draft.content) == ("a & <b>", "<p>a &amp; &lt;b&gt;</p>")


def test_a_broken_template_of_a_value_is_a_fault_too() -> None:
    given = rules("default: {group: '{{ tags.', category: Monitoring}")
    assert "the template of `group` is broken" in given.faults[0].found
    assert given.route(EVENT).draft.groups == ()


@pytest.mark.field("F56")
@pytest.mark.parametrize("nothing", ["", " ", "\t\n", "\u200b", "\u2060\ufeff", "\u200f \u00ad", "\x01"])
def test_a_blank_name_becomes_host_and_problem(nothing: str) -> None:
    unnamed = replace(EVENT, name=nothing, host_name=nothing)
    assert Rules.load(None).route(unnamed).draft.title == "db1: Disk {#FSNAME} is full"
    assert Rules.load(None).route(replace(unnamed, trigger_name=nothing)).draft.title == "db1: problem"
    assert Rules.load(None).route(Event("z", "1", host="web01")).draft.title == "web01: problem"
    assert (
        rules("default: {title: '{{ opdata }}'}").route(Event("z", "1", host="web01")).draft.title == "web01: problem"
    )


def test_ignore_gives_its_reason_and_only_for_the_rule_itself() -> None:
    given = rules(
        "rules: [{match: {host: db1}, ignore: a test machine}, {match: {host: db2}}]\ndefault: {ignore: unknown}"
    )
    assert given.route(EVENT).ignore == "a test machine"
    assert given.route(replace(EVENT, host="db2")).ignore is None
    assert given.route(replace(EVENT, host="db3")).ignore == "unknown"


def test_a_cron_job_may_name_its_category() -> None:
    job = Event("cron", "backup-1", origin=Origin.CRON, fields={"category": "Scheduled jobs"})
    assert rules("default: {category: Monitoring}").route(job).draft.category == "Scheduled jobs"
    assert rules("rules: [{match: {origin: cron}, category: Jobs}]").route(job).draft.category == "Jobs"
    assert rules("default: {category: Monitoring}").route(replace(job, fields={})).draft.category == "Monitoring"


def test_texts_beyond_the_ticket_come_from_the_rule_as_well() -> None:
    given = rules(
        """
        rules:
          - match: {host: db1}
            note: "<p>{{ note.message }}</p>"
            acknowledgement: "see {{ ticket_link }}"
        default: {solution: "<p>over: {{ name }}</p>"}
        """
    )
    note = Note(OPENED, "n", "Ann", "commented", "a & b")
    assert given.text(Text.NOTE, EVENT, note=note).text == "<p>a &amp; b</p>"
    assert given.text(Text.SOLUTION, EVENT).text == "<p>over: Disk / is 97 % full</p>"
    assert given.text(Text.ACKNOWLEDGEMENT, EVENT, ticket_id=1, ticket_link="http://g/1").text == "see http://g/1"
    assert "commented" in given.text(Text.NOTE, replace(EVENT, host="x"), note=note).text


def test_a_link_leads_to_the_event_of_its_own_server() -> None:
    links = {"main": "https://z/tr_events.php?triggerid={triggerid}&eventid={eventid}"}
    given = rules("default: {title: '{{ link or 1 }}'}", links=links)
    assert given.route(EVENT).draft.title == "https://z/tr_events.php?triggerid=7&eventid=101"
    assert given.route(replace(EVENT, source="other")).draft.title == "1"
    assert given.route(replace(EVENT, triggerid="")).draft.title == "1"


def test_explain_tells_why_each_rule_before_did_not_match() -> None:
    explanation = rules(
        """
        timezone: UTC
        rules:
          - {match: {tag: nope}}
          - {match: {host: "web*", severity: disaster}}
          - {match: {severity: average}}
          - {match: {time: "sat,sun"}}
          - {match: {not: {host: db1}}}
          - {match: {any: [{host: a}, {item: b}]}}
          - {match: {tag: {component: cpu}}}
          - {match: {host: db1}}
          - {match: {host: db2}}
        """
    ).explain(EVENT)
    assert [tried.why_not for tried in explanation.tried] == [
        "there is no tag nope",
        "host is db1 / Database 1, not web*",
        "severity is high, not average",
        "none of these holds: it began wed 08:30, not sat,sun",
        "it is excluded: host db1",
        "none of these holds: host is db1 / Database 1, not a; item is vfs.fs.size[/,pused], not b",
        "tag component is storage, not cpu",
        None,
    ]
    assert explanation.route.rule == "rules.yml:11 rule 8"


def test_all_that_the_rules_name_is_listed_with_its_line() -> None:
    given = rules(
        """\
        rules:
          - match: {host: db1}
            category: Disk
            group: [A, "{{ tags.team }}"]
            technician: jdoe
        default:
          entity: Root
          observer_group: B
          location: Paris
          request_source: Monitoring
          requester: r
        """
    )
    named = {(one.kind, one.name, one.line) for one in given.names()}
    assert named == {
        ("category", "Disk", 3),
        ("group", "A", 4),
        ("user", "jdoe", 5),
        ("entity", "Root", 7),
        ("group", "B", 8),
        ("location", "Paris", 9),
        ("request_source", "Monitoring", 10),
        ("user", "r", 11),
    }
    assert Named("category", "Disk", "rules.yml", 3) in given.names()


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{}", "{host: db1}"),
        ("{host: '*'}", "{host: db1}"),
        ("{host: db1}", "{host: db1}"),
        ("{host: [a, b]}", "{host: [b, a]}"),
        ("{host: 'db*'}", "{host: 'db1*', severity: high}"),
        ("{severity: warning+}", "{severity: high..disaster}"),
        ("{tag: component}", "{tag: {component: [cpu, disk]}}"),
        ("{tag: {a: x}}", "{tag: {a: x, b: y}}"),
        ("{any: [{host: a}, {host: b}]}", "{host: b}"),
        ("{not: {host: a}}", "{not: {host: [a, b]}}"),
        ("{all: [{host: a}]}", "{host: a, severity: high}"),
        ("{severity: high+}", "{any: [{severity: high}, {severity: disaster}]}"),
        ("{host: '/^db/'}", "{host: db1}"),
    ],
)
def test_a_rule_that_is_never_reached_is_a_fault_with_both_lines(earlier: str, later: str) -> None:
    (fault,) = faults(f"rules:\n- match: {earlier}\n- match: {later}\n")
    assert fault.startswith("rules.yml:3: this rule is never reached: rules.yml:2 rule 1 already matches")


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{host: db1}", "{}"),
        ("{host: 'db1*'}", "{host: 'db*'}"),
        ("{host: '*'}", "{severity: high}"),
        ("{host: 'a?'}", "{host: 'a*'}"),
        ("{host: a}", "{host_group: a}"),
        ("{tag: {a: x, b: y}}", "{tag: {a: x}}"),
        ("{host: '/^db/'}", "{host: 'db*'}"),
        ("{not: {host: [a, b]}}", "{not: {host: a}}"),
        ("{time: mon}", "{time: mon-fri}"),
        ("{severity: high+}", "{severity: warning+}"),
    ],
)
def test_a_rule_that_can_be_reached_is_none(earlier: str, later: str) -> None:
    rules(f"rules:\n- match: {earlier}\n- match: {later}\n")


GLOBS = st.text(alphabet="ab*?", max_size=5)


@given(GLOBS, GLOBS, st.text(alphabet="abc*?", max_size=6))
def test_what_a_covered_pattern_matches_the_covering_one_matches(general: str, special: str, text: str) -> None:
    if Pattern(general).covers(Pattern(special)) and Pattern(special).matches(text):
        assert Pattern(general).matches(text)


LEAVES = st.one_of(
    st.builds(lambda p: Words("host", (Pattern(p),)), GLOBS),
    st.builds(lambda p, q: Words("host_group", (Pattern(p), Pattern(q))), GLOBS, GLOBS),
    st.builds(lambda n, p: Tagged(n, (Pattern(p),)), st.sampled_from("xy"), GLOBS),
    st.builds(Severe, st.frozensets(st.sampled_from(Severity), min_size=1)),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda parts: Either(tuple(parts)), st.lists(inner, max_size=3)),
        st.builds(lambda parts: Both(tuple(parts)), st.lists(inner, max_size=3)),
    ),
    max_leaves=5,
)
WORDS = st.text(alphabet="ab", max_size=3)
EVENTS = st.builds(
    lambda host, groups, tags, severity: Event("z", "1", host=host, host_groups=groups, tags=tags, severity=severity),
    WORDS,
    st.lists(WORDS, max_size=2).map(tuple),
    st.lists(st.builds(Tag, st.sampled_from("xy"), WORDS), max_size=2).map(tuple),
    st.sampled_from(Severity),
)


@given(CONDITIONS, CONDITIONS, st.lists(EVENTS, min_size=1, max_size=20))
def test_no_reachable_rule_is_called_unreachable(general: Condition, special: Condition, events: list[Event]) -> None:
    if covers(general, special):
        for event in events:
            if special.why_not(event) is None:
                assert general.why_not(event) is None


@given(CONDITIONS)
def test_a_condition_covers_itself(condition: Condition) -> None:
    assert covers(condition, condition)
    assert covers(Both(), condition)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rulez: []", "rules.yml:1: `rulez` is not a setting; did you mean `rules`?"),
        ("rules: 5", 'rules.yml:1: `rules` is "5"; write a list (the first that matches wins)'),
        ("- a", "rules.yml:1: the file holds a list, not a mapping"),
        ("rules:\n- mach: {host: a}", "rules.yml:2: `rules[1].mach` is not a setting; did you mean `match`?"),
        ("rules:\n- match: {hots: a}", "rules.yml:2: `rules[1].match.hots` is not a setting; did you mean `host`?"),
        ("rules:\n- match: {host: {a: b}}", "`rules[1].match.host`: a mapping is not a text to compare with"),
        ("rules:\n- match: {host: []}", "`rules[1].match.host`: the list is empty"),
        ("rules:\n- match: {host: '/(/'}", '"/(/" is not a regular expression'),
        ("rules:\n- match: {severity: hgh}", '"hgh" is not a severity; write one of not classified, information,'),
        ("rules:\n- match: {severity: high..low}", '"low" is not a severity'),
        ("rules:\n- match: {severity: high..warning}", '"high..warning" begins above its end; write "warning..high"'),
        ("rules:\n- match: {severity: 9}", '"9" is not a severity'),
        ("rules:\n- match: {tag: [a, b]}", "a list of tags leaves open whether all or any are meant"),
        ("rules:\n- match: {origin: crn}", '"crn" is not an origin of events; write one of trigger,'),
        ("rules:\n- match: {time: '8-9'}", '"8-9" is not a time of day'),
        ("rules:\n- match: {time: '25:00-26:00'}", "holds a time that no clock shows"),
        ("rules:\n- match: {time: '09:00-09:00'}", "is no span of time"),
        ("rules:\n- match: {time: 'mo-fr'}", "is not a"),
        ("rules:\n- match: {time: 'wed-xyz'}", '"wed-xyz" is not a day'),
        ("rules:\n- match: {time: '08:00-09:00 Mars/X'}", '"Mars/X" is not a time zone of this machine'),
        ("rules:\n- match: {any: {host: a}}", "`rules[1].match.any` is a mapping; write a list"),
        ("rules:\n- match: {any: [{hst: a}]}", "`rules[1].match.any[1].hst` is not a setting; did you mean `host`?"),
        ("default: {category: 5}", '`default.category`: "5" is not a name; write names as GLPI shows them, never ids'),
        ("default: {category: ' '}", "`default.category`: the text is blank"),
        ("default: {group: [A, 7]}", '`default.group`: "7" is not a name'),
        (
            "default: {urgency: urgent}",
            '"urgent" is not a level of GLPI; write one of very low, low, medium, high, very high',
        ),
        ("default: {urgency: 6}", '"6" is not a level of GLPI'),
        ("default: {type: problem}", '"problem" is not a type of ticket; write one of incident, request'),
        ("default: {hold_off: 5}", '`default.hold_off`: "5" is not a duration; write a number with its unit'),
        ("default: {hold_off: always}", '"always" is not a duration'),
        ("default: {reopen_window: sometimes}", "as in 30s, 10m, 1h, 90d, or 0, `never`, `always`"),
        (
            "default: {flapping: {count: -1}}",
            '`default.flapping.count` is "-1"; write a number greater than or equal to 0',
        ),
        ("default: {flapping: {windw: 1m}}", "`default.flapping.windw` is not a setting; did you mean `window`?"),
        ("default: {storm: {count: 3}}", "`default.storm.by` is missing"),
        ("default: {storm: {by: hostname}}", '`default.storm.by`: "hostname" is no group of problems; take tags.NAME'),
        ("default: {storm: {by: [host, 'tags.']}}", '"tags." is no group of problems'),
        ("default: {storm: {by: host, count: -1}}", "write a number greater than or equal to 0"),
        ("default: {storm: {by: host, window: 5}}", '"5" is not a duration'),
        ("default: {storm: on}", "write storm: {by: host, count: 20}"),
        ("default: {notify: maybe}", '"maybe" is neither true nor false'),
        ("default: {extra: [a]}", "`default.extra`: a list is not a mapping"),
        ("default: {extra: {id: 3}}", "id is set by the bridge itself"),
        ("default: {extra: {a: [1]}}", "a is a list; write a text, a number, true or false"),
        ("default: {key: [hst]}", '"hst" is no field of an event'),
        ("default: {title: 5}", '`default.title`: "5" is not a text'),
        ("default: {severity_map: {hgh: low}}", '"hgh" is not a severity'),
        ("default: {severity_map: {high: {urgency: low}}}", "high: impact is unknown or missing"),
        ("default: {severity_map: high}", '"high" is not a mapping'),
        ("default: {match: {host: a}}", "`default.match` is not a setting"),
        ("default: {ignore: true}", '`default.ignore`: "true" is not a name'),
        ("timezone: Mars/X", '`timezone`: "Mars/X" is not a time zone of this machine'),
    ],
)
def test_a_wrong_rule_is_said_in_words(text: str, expected: str) -> None:
    (fault,) = faults(text)
    assert expected in fault


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    said = faults(
        """\
        rules:
          - match: {hots: a}
            categry: A
          - match: {severity: hgh}
            hold_off: 5
        default: {urgency: urgent}
        """
    )
    assert [fault.split(":")[1] for fault in said] == ["2", "3", "4", "5", "6"]


def test_the_examples_load_and_explain_the_ticket_of_the_documents() -> None:
    given = Rules.load(Path(ROOT, "config/rules.yml"))
    event = Event("zabbix", "1", host="db1", severity=Severity.HIGH, tags=(Tag("component", "storage"),))
    route = given.route(event)
    assert given.faults == ()
    assert route.rule.endswith('"storage"')
    assert (route.draft.category, route.draft.groups) == ("Monitoring > Disk", ("Storage team",))
    assert given.route(replace(event, tags=())).draft.urgency == Level.VERY_HIGH


def test_the_example_shows_the_real_defaults() -> None:
    text = Path(ROOT, "config/rules.yml").read_text()
    head, _, tail = text.partition("  # with their defaults")
    shown = "default:\n" + tail.partition("\n")[2].replace("#", "").partition("\n the zone")[0]
    example = rules(shown)
    assert example.route(EVENT) == replace(Rules.load(None).route(EVENT), rule="default")
    for severity in Severity:
        assert example.route(replace(EVENT, severity=severity)) == Rules.load(None).route(
            replace(EVENT, severity=severity)
        )
    assert head


def test_the_commented_rules_of_the_example_are_right() -> None:
    text = Path(ROOT, "config/rules.yml").read_text()
    more = text.partition("# More to choose from:\n  #\n")[2].partition("\ndefault:")[0]
    commented = "rules:\n" + "\n".join(line.removeprefix("  # ").removeprefix("  #") for line in more.splitlines())
    given = Rules.parse(commented, templates=Path(ROOT, "config/templates"))
    assert given.faults == ()
    rack = replace(EVENT, tags=(Tag("rack", "R1"),), host="web1")
    route = given.route(rack)
    assert (route.key, route.draft.title) == ('[["R1"]]', "Rack R1: Disk / is 97 % full")
    assert "R1" in route.draft.content
    assert route.warnings == ()


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.joinpath("config/templates").glob("*.j2")))
def test_each_example_template_works_with_and_without_facts(name: str) -> None:
    given = rules(f"default: {{content: {name}}}", templates=Path(ROOT, "config/templates"))
    assert given.faults == ()
    for event in (EVENT, Event("z", "1")):
        assert given.route(event).warnings == ()


def test_own_templates_lie_beside_the_rules_by_default(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "own.j2").write_text("<p>mine</p>")
    (tmp_path / "rules.yml").write_text("default: {content: own.j2}")
    assert Rules.load(tmp_path / "rules.yml").route(EVENT).draft.content == "<p>mine</p>"


def test_a_missing_file_of_rules_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nope\.yml: cannot be read: No such file or directory; create it"):
        Rules.load(tmp_path / "nope.yml")


def test_every_key_of_a_rule_has_a_meaning() -> None:
    for section in (Match, Wishes):
        assert all(info.description for info in section.model_fields.values())


def test_windows_past_midnight_belong_to_the_day_on_which_they_began() -> None:
    window = during("fri 22:00-06:00", UTC)
    saturday = datetime(2026, 11, 28, 5, 59, tzinfo=UTC)
    assert window.why_not(replace(EVENT, opened_at=saturday)) is None
    assert window.why_not(replace(EVENT, opened_at=saturday + timedelta(minutes=1))) is not None
    assert window.why_not(replace(EVENT, opened_at=saturday + timedelta(hours=17))) is not None


def test_days_may_go_over_the_end_of_the_week() -> None:
    assert during("sat-mon", UTC).days == {5, 6, 0}
    assert during("mon,wed-thu", UTC).days == {0, 2, 3}


@pytest.mark.parametrize("name", ["UTC", "GMT"])  # not all systems have more of three letters
def test_a_zone_of_three_letters_is_no_day(name: str) -> None:
    window = during(f"MON-fri 08:00-18:00 {name}", ZoneInfo("Asia/Tokyo"))
    assert (window.zone, window.days) == (ZoneInfo(name), {0, 1, 2, 3, 4})


@pytest.mark.parametrize(("text", "said"), [("XYZ 08:00-18:00", "time zone"), ("xyz 08:00-18:00", "not a day")])
def test_three_letters_that_are_neither_are_refused(text: str, said: str) -> None:
    with pytest.raises(Mistake, match=said):
        during(text, UTC)


ANY_TEXT = st.text(alphabet=st.characters(), max_size=40) | st.sampled_from(
    ["{{ name }}", "{% raw %}", "x" * 300, "&" * 90, "\ud800", "zabbix main/1", "</p><script>", "http://h/'\"<>"]
)
ANY_EVENTS = st.builds(
    Event,
    source=st.sampled_from(["main", "cron"]),
    eventid=st.sampled_from(["1", "a-1"]),
    origin=st.sampled_from(Origin),
    name=ANY_TEXT,
    host=ANY_TEXT,
    host_name=ANY_TEXT,
    triggerid=ANY_TEXT,
    trigger_name=ANY_TEXT,
    trigger_description=ANY_TEXT,
    trigger_url=ANY_TEXT,
    opdata=ANY_TEXT,
    host_groups=st.lists(ANY_TEXT, max_size=2).map(tuple),
    tags=st.lists(st.builds(Tag, ANY_TEXT | st.just("rack"), ANY_TEXT), max_size=3).map(tuple),
    severity=st.sampled_from(Severity),
    opened_at=st.none() | st.just(OPENED),
    recovered_at=st.none() | st.just(OPENED + timedelta(minutes=1)),
    fields=st.dictionaries(st.just("category"), ANY_TEXT),
)
ALL_KINDS = rules(
    """
    rules:
      - match: {tag: rack}
        key: [tags.rack, name]
        title: "{{ tags.rack }} {{ name }}"
        content: rack.j2
        group: ["{{ tags.rack }}", "{{ host }}"]
        urgency: "{{ name }}"
        extra: {a: "{{ opdata }}"}
      - match: {trigger: "/a/", not: {host: "*b*"}}
        key: "{{ name }}"
        content: short.j2
    """,
    templates=Path(ROOT, "config/templates"),
    links={"main": "https://z/tr_events.php?triggerid={triggerid}&eventid={eventid}"},
)


@given(ANY_EVENTS)
def test_whatever_an_event_says_it_gets_a_ticket_that_can_be_sent(event: Event) -> None:
    route = ALL_KINDS.route(event)
    assert 0 < len(route.draft.title) <= 255
    assert route.draft.content.startswith("<p>")
    assert "<script" not in route.draft.content
    assert 0 < len(route.key) <= KEY_LIMIT
    solution = ALL_KINDS.text(Text.SOLUTION, event).text
    for text in (route.key, route.draft.title, route.draft.content, solution, *route.draft.groups):
        text.encode()
        assert not any(ord(character) < 32 and character not in "\n\t" for character in text)
