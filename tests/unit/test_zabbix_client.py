"""The Zabbix client against the stand-in: what it asks, what it makes of answers, and what it never does."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glpi_bridge.errors import (
    DeadlineExceeded,
    Held,
    NoAnswer,
    NotConnected,
    Refused,
    SettingsError,
    TargetError,
    UnclearAnswer,
)
from glpi_bridge.http import TlsFault
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.sandbox.zabbix.faults import FaultKind
from glpi_bridge.sandbox.zabbix.server import BRIDGE_METHODS
from glpi_bridge.zabbix import Gone, NoRight, UserType, Visible, Zabbix, is_tested, message_cut
from tests.unit.test_http import TLS, Server, says


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(threads=False) as running:
        yield running


@pytest.fixture
def zabbix(standin: Standin) -> Iterator[Zabbix]:
    with Zabbix(standin.url, token=standin.token, total_timeout=10) as client:
        yield client


# asking


@pytest.mark.field("F73")
@pytest.mark.parametrize(("version", "found"), [("7.0", (7, 0, 22)), ("7.2", (7, 2, 10)), ("7.4", (7, 4, 5))])
def test_each_tested_version_is_found_and_takes_the_token_in_the_header(version, found):
    with Standin(threads=False, version=version) as running, Zabbix(running.url, token=running.token) as client:
        eventid = running.raise_problem("web01", "CPU is high")
        assert client.version() == found
        assert is_tested(client.version())
        assert client.events([eventid])[eventid].name == "CPU is high"


@pytest.mark.field("F73")
def test_the_token_is_never_in_the_body_even_before_a_version_is_known(standin):
    with Standin(threads=False, version="7.2") as running:
        plain = Zabbix(running.url, token=running.token)
        plain.api.version = None  # as pyzabbix does without a version: `auth` in the body
        with pytest.raises(Refused, match="unexpected parameter"):
            plain.open_states()
        plain.close()
        with Zabbix(running.url, token=running.token) as client:
            assert client.open_states() == {}
            assert client.api.hostgroup  # any attribute exists


@pytest.mark.parametrize(
    ("version", "tested"),
    [((6, 4, 0), False), ((7, 0, 0), True), ((7, 2, 99), True), ((7, 4, 5), True), ((7, 5, 0), False), ((8, 0), False)],
)
def test_versions_outside_the_range_are_said_to_be_untested(version, tested):
    assert is_tested(version) is tested


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/api_jsonrpc.php"),
        ("/", "/api_jsonrpc.php"),
        ("/zabbix", "/zabbix/api_jsonrpc.php"),
        ("/zabbix/", "/zabbix/api_jsonrpc.php"),
        ("/zabbix/api_jsonrpc.php", "/zabbix/api_jsonrpc.php"),
        ("/zabbix/index.php?request=1#top", "/zabbix/api_jsonrpc.php"),
        ("/zabbix/zabbix.php?action=problem.view", "/zabbix/api_jsonrpc.php"),
    ],
)
def test_every_way_to_write_the_front_ends_address_is_brought_into_one(standin, path, asked):
    with Zabbix(standin.url + path, token=standin.token) as client:
        assert client.api.url == standin.url + asked
        assert client.version() == (7, 0, 22)


@pytest.mark.field("F81")
def test_what_the_account_sees_is_counted_and_nothing_is_zero(standin, zabbix):
    for number in range(3):
        standin.raise_problem(f"host{number}", "down", group=f"group{number}")
    standin.set_rights({"group0": 2})
    assert zabbix.visible() == Visible(host_groups=1, hosts=1)
    standin.set_role(methods=[*BRIDGE_METHODS, "hostgroup.get"])
    assert zabbix.visible() == Visible(host_groups=1, hosts=1)
    standin.set_rights({})
    assert zabbix.visible() == Visible(host_groups=0, hosts=0)


def test_the_account_behind_the_token_is_told(zabbix):
    assert (zabbix.me().username, zabbix.me().type) == ("bridge", UserType.USER)


def test_whether_it_may_acknowledge_is_found_without_an_event(standin, zabbix):
    assert zabbix.can_acknowledge()
    standin.set_role(actions=["close_problems"])
    assert not zabbix.can_acknowledge()
    standin.set_role(methods=["event.get"])
    assert not zabbix.can_acknowledge()


@pytest.mark.field("F72")
def test_media_type_and_action_are_read_where_the_role_allows_it(standin, zabbix):
    with pytest.raises(NoRight, match=r"allow mediatype\.get"):
        zabbix.media_types()
    standin.set_role(methods=["mediatype.get", "action.get"])
    (media,), (action,) = zabbix.media_types(), zabbix.actions()
    assert (media.is_script, media.is_enabled, media.parameters) == (True, True, None)
    assert (action.is_enabled, action.tells_updates) == (False, True)
    standin.set_action(tells_updates=False)
    assert not zabbix.actions()[0].tells_updates


# events


@pytest.mark.field("F25")
def test_what_zabbix_does_not_show_is_absent_and_never_closed(standin, zabbix):
    gone = [standin.raise_problem(f"web{number:02d}", "down") for number in range(20)]
    assert set(zabbix.events(gone)) == set(gone)
    standin.set_rights({})
    assert zabbix.events(gone) == {}
    assert zabbix.open_states() == {}
    assert list(zabbix.open_problems()) == []
    assert zabbix.recoveries("0") == []


@pytest.mark.parametrize("deed", ["housekeep", "delete_trigger", "delete_host", "move_host"])
def test_an_event_that_vanishes_is_absent_and_the_others_stay(standin, zabbix, deed):
    stays, goes = standin.raise_problem("web01", "down"), standin.raise_problem("web02", "down")
    deeds: dict[str, Callable[[], None]] = {
        "housekeep": lambda: standin.housekeep(goes),
        "delete_trigger": lambda: standin.delete_trigger(goes),
        "delete_host": lambda: standin.delete_host("web02"),
        "move_host": lambda: standin.move_host("web02", "Other"),
    }
    deeds[deed]()
    assert set(zabbix.events([stays, goes])) == {stays}


def test_a_recovery_is_told_with_its_time_and_a_close_with_its_author(standin, zabbix):
    ended = standin.raise_problem("web01", "Disk is {ITEM.LASTVALUE} full", value="97", item={"units": "%"})
    closed = standin.raise_problem("web02", "down", manual_close=True)
    r_eventid = standin.recover(ended, value="5")
    zabbix.acknowledge(closed, "not needed any more", close=True)
    standin.run_alerts()
    events = zabbix.events([ended, closed])
    assert (events[ended].r_eventid, events[ended].r_name) == (r_eventid, "Disk is 5 % full")
    assert events[ended].name == "Disk is 97 % full"
    assert events[ended].closed_by == ""
    assert events[closed].closed_by == "bridge"
    for event in events.values():
        assert event.r_clock is not None
        assert event.r_clock >= event.clock
        assert not event.is_open


def test_updates_are_told_with_their_author_unless_zabbix_hides_him(standin, zabbix):
    eventid = standin.raise_problem("web01", "down", severity=2)
    standin.update(eventid, message="On it", acknowledge=True, severity=4)
    event = zabbix.events([eventid])[eventid]
    (update,) = event.acknowledges
    assert (event.acknowledged, event.severity) == (True, 4)
    assert (update.message, update.author, update.old_severity, update.new_severity) == ("On it", "", 2, 4)


def test_one_recovery_event_may_end_many_problems(standin, zabbix):
    many = [standin.raise_problem("web01", "down") for _ in range(3)]
    watermark = zabbix.newest_eventid()
    r_eventid = standin.recover(*many)
    (recovery,) = zabbix.recoveries(watermark)
    assert recovery.eventid == r_eventid
    assert {one.r_eventid for one in zabbix.events(many).values()} == {r_eventid}
    assert {one.objectid for one in zabbix.events(many).values()} == {recovery.objectid}
    assert zabbix.recoveries(r_eventid) == []


@pytest.mark.field("F38")
@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (1000, 1), (1001, 2)])
def test_events_are_asked_in_chunks_and_each_once(standin, zabbix, count, calls):
    eventids = standin.raise_problems(count, hosts=10) if count else []
    assert list(zabbix.events(eventids)) == eventids
    assert standin.counts()["calls"].get("event.get", 0) == calls


@pytest.mark.field("F38")
@pytest.mark.parametrize("count", [0, 1, 50, 51, 101])
def test_open_problems_come_newest_first_and_each_once(standin, zabbix, count):
    eventids = standin.raise_problems(count, hosts=7) if count else []
    assert [one.eventid for one in zabbix.open_problems(page=50)] == eventids[::-1]
    assert len(zabbix.open_states()) == count


@pytest.mark.field("F38")
def test_a_problem_that_ends_while_paging_costs_no_other(standin, zabbix):
    eventids = standin.raise_problems(30, hosts=3)
    walk = zabbix.open_problems(page=10)
    seen = [next(walk).eventid for _ in range(5)]
    standin.recover(eventids[15])
    newer = standin.raise_problem("late", "newer")
    seen += [one.eventid for one in walk]
    assert sorted(seen, key=int) == [one for one in eventids if one != eventids[15]]
    assert newer not in seen


def test_open_problems_may_be_cut_off_by_time_and_by_id(standin, zabbix):
    now = int(datetime.now(UTC).timestamp())
    old, new = (standin.raise_problem("web01", name, clock=now - age) for name, age in (("old", 7200), ("new", 60)))
    since = datetime.fromtimestamp(now, UTC) - timedelta(hours=1)
    assert [one.eventid for one in zabbix.open_problems(since=since)] == [new]
    assert [one.eventid for one in zabbix.open_problems(eventid_from=new)] == [new]
    assert [one.eventid for one in zabbix.open_problems(eventid_from=old)] == [new, old]


def test_open_states_take_one_call_however_many_there_are(standin, zabbix):
    standin.raise_problems(2500, hosts=50)
    assert len(zabbix.open_states()) == 2500
    assert standin.counts()["calls"] == {"problem.get": 1}


@pytest.mark.field("F22")
def test_a_host_or_trigger_that_is_switched_off_is_stated(standin, zabbix):
    eventid = standin.raise_problem("web01", "down")
    event = zabbix.events([eventid])[eventid]
    assert event.hosts[0].is_enabled
    assert zabbix.triggers([event.objectid])[event.objectid].is_enabled
    standin.disable_host("web01")
    standin.disable_trigger(eventid)
    event = zabbix.events([eventid])[eventid]
    assert not event.hosts[0].is_enabled
    assert not zabbix.triggers([event.objectid])[event.objectid].is_enabled
    assert event.is_open


@pytest.mark.field("F82")
def test_a_problem_in_maintenance_is_told_apart(standin, zabbix):
    held = standin.raise_problem("web01", "service down", tags={"component": "svc"})
    told = standin.raise_problem("web01", "link down", tags={"component": "link"})
    maintenanceid = standin.start_maintenance("web01", tags={"component": "svc"})
    assert {one: state.suppressed for one, state in zabbix.open_states().items()} == {held: True, told: False}
    (hostid,) = {one.hosts[0].hostid for one in zabbix.events([held, told]).values()}
    assert zabbix.hosts([hostid])[hostid].in_maintenance
    standin.end_maintenance(maintenanceid)
    assert not any(state.suppressed for state in zabbix.open_states().values())


def test_a_trigger_and_a_host_are_told_with_what_rules_match(standin, zabbix):
    item = {"name": "Disk used", "key": "vfs.fs[/]", "units": "%"}
    eventid = standin.raise_problem(
        "db01",
        "Disk of {HOST.NAME} is full",
        value="97",
        item=item,
        comments="look",
        manual_close=True,
        group="Databases",
    )
    standin.set_rights({"Databases": 2})
    event = zabbix.events([eventid])[eventid]
    trigger = zabbix.triggers([event.objectid])[event.objectid]
    assert (trigger.description, trigger.comments, trigger.manual_close) == ("Disk of db01 is full", "look", True)
    assert (trigger.host_groups, trigger.templates) == (("Databases",), ())
    assert [(one.key, one.lastvalue) for one in trigger.items] == [("vfs.fs[/]", "97")]
    host = zabbix.hosts([event.hosts[0].hostid])[event.hosts[0].hostid]
    assert (host.host, host.groups, host.ip, host.is_enabled) == ("db01", ("Databases",), "127.0.0.1", True)


# telling


@pytest.mark.field("F84")
def test_a_message_reaches_its_own_event_only_and_once(standin, zabbix):
    ours, other = (standin.raise_problem(host, "Disk full") for host in ("db01", "db02"))
    zabbix.acknowledge(ours, "Ticket 5")
    assert zabbix.has_message(ours, "Ticket 5")
    assert not zabbix.has_message(other, "Ticket 5")
    assert [one["message"] for one in standin.event(ours)["acknowledges"]] == ["Ticket 5"]
    assert (standin.event(ours)["acknowledged"], standin.event(other)["acknowledged"]) == ("1", "0")


def test_a_message_alone_does_not_acknowledge(standin, zabbix):
    eventid = standin.raise_problem("db01", "Disk full")
    zabbix.acknowledge(eventid, "noted", acknowledge=False)
    assert standin.event(eventid)["acknowledged"] == "0"


@pytest.mark.parametrize("length", [2047, 2048, 2049, 5000])
def test_a_long_message_is_cut_to_what_zabbix_takes_and_found_again(standin, zabbix, length):
    eventid = standin.raise_problem("db01", "Disk full")
    zabbix.acknowledge(eventid, "é" * length)
    assert len(standin.event(eventid)["acknowledges"][0]["message"]) == min(length, 2048)
    assert zabbix.has_message(eventid, "é" * length)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("e\u0301", id="combining accent"),
        pytest.param("👩\u200d🚒", id="emoji of two joined"),
        pytest.param("☀\ufe0f", id="variation selector"),
    ],
)
@pytest.mark.parametrize("offset", range(4))
def test_a_cut_never_tears_a_character(end, offset):
    text = "a" * (2047 - offset) + end + "b" * 50
    cut = message_cut(text)
    assert len(cut) <= 2048
    assert cut.endswith("…")
    kept = cut[:-1]
    assert text.startswith(kept)
    assert kept.strip("a") in {"", end, *(end + "b" * n for n in range(5))}


def test_a_message_to_what_is_gone_or_forbidden_is_refused_for_this_call_only(standin, zabbix):
    eventid = standin.raise_problem("db01", "Disk full")
    with pytest.raises(Gone):
        zabbix.acknowledge("999", "x")
    with pytest.raises(Gone):
        zabbix.has_message("999", "x")
    with pytest.raises(Refused, match="does not allow manual closing"):
        zabbix.acknowledge(eventid, "x", close=True)
    standin.set_role(actions=[])
    with pytest.raises(NoRight) as caught:
        zabbix.acknowledge(eventid, "x")
    assert not caught.value.transient
    assert standin.event(eventid)["acknowledges"] == []


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.ERROR_500_AFTER])
def test_a_message_without_an_answer_is_read_back_before_it_is_repeated(standin, zabbix, kind):
    eventid = standin.raise_problem("db01", "Disk full")
    standin.fault(kind, method="event.acknowledge")
    with pytest.raises(NoAnswer):
        zabbix.acknowledge(eventid, "Ticket 5")
    assert zabbix.has_message(eventid, "Ticket 5")


def test_a_message_without_an_answer_or_an_effect_is_not_found(standin, zabbix):
    eventid = standin.raise_problem("db01", "Disk full")
    standin.fault(FaultKind.RESET, method="event.acknowledge")
    with pytest.raises(NoAnswer):
        zabbix.acknowledge(eventid, "Ticket 5")
    assert not zabbix.has_message(eventid, "Ticket 5")


# faults


@pytest.mark.parametrize(
    ("kind", "error", "transient"),
    [
        (FaultKind.ERROR_500, UnclearAnswer, True),
        (FaultKind.ERROR_503, UnclearAnswer, True),
        (FaultKind.HTML, UnclearAnswer, True),
        (FaultKind.EMPTY, UnclearAnswer, True),
        (FaultKind.RESET, NoAnswer, True),
        (FaultKind.REDIRECT, Held, True),
        (FaultKind.WRONG_TOKEN, Held, True),
        (FaultKind.NO_RIGHTS, NoRight, False),
    ],
)
def test_each_fault_has_its_error_and_the_next_call_goes_well(standin, zabbix, kind, error, transient):
    standin.fault(kind)
    with pytest.raises(TargetError) as caught:
        zabbix.open_states()
    assert type(caught.value) is error
    assert (caught.value.transient, caught.value.target) == (transient, "Zabbix")
    assert "127.0.0.1" in str(caught.value)
    assert zabbix.open_states() == {}


def test_the_pause_that_a_503_asks_for_is_carried(standin, zabbix):
    standin.fault(FaultKind.ERROR_503)
    with pytest.raises(UnclearAnswer) as caught:
        zabbix.open_states()
    assert caught.value.retry_after == 30


@pytest.mark.field("F33")
@pytest.mark.parametrize("kind", [FaultKind.BLACK_HOLE, FaultKind.SLOW])
def test_a_call_ends_at_its_total_time(standin, kind):
    with Zabbix(standin.url, token=standin.token, total_timeout=0.3) as client:
        standin.fault(kind)
        with pytest.raises(DeadlineExceeded, match=r"within 0\.3 s"):
            client.open_states()
        standin.heal()


def test_a_zabbix_that_is_away_has_been_sent_nothing(standin, zabbix):
    standin.close()
    with pytest.raises(NotConnected, match="connection refused"):
        zabbix.version()


def test_an_empty_result_where_something_must_be_is_unclear(standin, zabbix):
    standin.fault(FaultKind.EMPTY_RESULT, times=2)
    with pytest.raises(UnclearAnswer):
        zabbix.version()
    with pytest.raises(UnclearAnswer):
        zabbix.acknowledge("1", "x")


def test_the_wrapped_object_has_the_same_errors_and_deadline(standin, zabbix):
    eventid = standin.raise_problem("web01", "down")
    assert zabbix.api.event.get(eventids=[eventid], output=["eventid"]) == [{"eventid": eventid}]
    with pytest.raises(NoRight):
        zabbix.api.item.get(output=["itemid"])
    standin.fault(FaultKind.HTML)
    with pytest.raises(UnclearAnswer):
        zabbix.api.event.get(eventids=[eventid])


def test_leaving_the_client_swallows_no_error(standin):
    with pytest.raises(NoRight), Zabbix(standin.url, token=standin.token) as client:
        client.media_types()


# token, secrets, settings


@pytest.mark.field("F101")
def test_a_token_that_was_replaced_is_read_anew_and_the_call_goes_on(standin, tmp_path):
    file = tmp_path / "token"
    file.write_text(standin.token + "\n")
    with Zabbix(standin.url, token_file=file) as client:
        assert client.open_states() == {}
        standin.set_token("b" * 64)
        with pytest.raises(Held, match="put a good one in place"):
            client.open_states()
        file.write_text("b" * 64)
        assert client.open_states() == {}
    assert standin.counts()["calls"]["problem.get"] == 4


@pytest.mark.field("F77")
def test_no_password_or_token_is_in_log_error_or_name(standin, tmp_path, caplog):
    for logger in (None, "pyzabbix", "pyzabbix.api", "urllib3"):
        caplog.set_level(logging.DEBUG, logger)
    shown = []
    with Zabbix(standin.url, token=standin.token) as client:
        client.me()
        standin.fault(FaultKind.WRONG_TOKEN)
        try:
            client.open_states()
        except Held as error:
            shown += [str(error), repr(error), *traceback.format_exception(error)]
        try:
            client.api.user.login(username="Admin", password="secret-word")
        except TargetError as error:
            shown += [str(error), *traceback.format_exception(error)]
        shown += [repr(client), str(client)]
    text = caplog.text + "".join(shown)
    assert "problem.get" not in caplog.text  # no payload at all
    assert standin.token not in text
    assert "secret-word" not in text.replace('password="secret-word"', "")  # the line of this test in the traceback


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"url": "zabbix.example", "token": "a"}, "is no address"),
        ({"url": "ftp://zabbix.example", "token": "a"}, "is no address"),
        ({"url": "http://me:secret@zabbix.example", "token": "a"}, "user name before @zabbix.example"),
        ({"url": "http://zabbix.example"}, "either a token file or a token"),
        ({"url": "http://zabbix.example", "token": "a", "token_file": "/x"}, "either a token file or a token"),
        ({"url": "http://zabbix.example", "token": " "}, "no API token"),
        ({"url": "http://zabbix.example", "token": "secret\nword"}, "11 characters that are no API token"),
        ({"url": "http://zabbix.example", "token_file": "/nonexistent/token"}, "/nonexistent/token: the API token"),
        ({"url": "http://zabbix.example", "token": "a", "ca_file": "/nonexistent/ca"}, "/nonexistent/ca: ca_file"),
    ],
)
def test_settings_that_cannot_work_are_told_at_once_and_without_the_secret(arguments, words):
    with pytest.raises(SettingsError, match=words) as caught:
        Zabbix(**arguments)
    assert "secret" not in str(caught.value)


@pytest.mark.field("F80")
def test_the_ca_file_counts_from_the_first_call_and_without_it_its_setting_is_named():
    body = json.dumps({"jsonrpc": "2.0", "result": "7.4.5", "id": 0}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    server = Server(says(head + body), certificate="server.pem")
    url = server.url.removesuffix("/path")
    try:
        with Zabbix(url, token="a", ca_file=TLS / "ca.pem") as client:
            assert client.version() == (7, 4, 5)
        with Zabbix(url, token="a") as client, pytest.raises(TlsFault, match=r"127\.0\.0\.1:\d+.*set ca_file"):
            client.version()
    finally:
        server.close()
    assert b"Authorization" not in server.requests[0]


@pytest.mark.field("F09")
def test_the_proxy_is_used_and_an_excepted_host_goes_direct(standin, tmp_path: Path):
    proxy = Server(says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))
    try:
        how = {"token": standin.token, "proxy": f"http://127.0.0.1:{proxy.port}"}
        with Zabbix(standin.url, **how) as client, pytest.raises(UnclearAnswer, match="HTTP 502"):
            client.open_states()
        with Zabbix(standin.url, no_proxy=["127.0.0.1"], **how) as client:
            assert client.open_states() == {}
    finally:
        proxy.close()
    assert len(proxy.requests) == 1
