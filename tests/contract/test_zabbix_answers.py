"""Every recorded answer of Zabbix through the reader: a result, or a typed error, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glpi_bridge import zabbix_answers as answers
from glpi_bridge.errors import Held, NoAnswer, Refused, TargetError, UnclearAnswer
from glpi_bridge.zabbix_answers import AckAction, Gone, NoRight, read
from tests.contract.zabbix_lab import recording, recordings

URL = "http://zabbix.example/api_jsonrpc.php"
JSON = {"content-type": "application/json"}


def answer(name: str) -> tuple[int, dict[str, str], bytes]:
    got = recording(name)["response"]
    body = json.dumps(got["json"]) if "json" in got else got["text"]
    return got["status"], got["headers"], body.encode()


def outcome(name: str) -> Any:
    try:
        return read(*answer(name), url=URL)
    except TargetError as error:
        return error


EXPECTED = {
    "01-session/003-user-login-old-form": Refused,
    "01-session/004-user-login-wrong-password": Refused,
    "01-session/008-call-without-auth": Held,
    "01-session/009-call-with-wrong-token": Held,
    "01-session/010-call-with-malformed-token": Held,
    "01-session/011-apiinfo-version-with-auth-header": Refused,
    "01-session/020-unknown-method": Refused,
    "01-session/023-bad-json": Refused,
    "01-session/024-no-method": Refused,
    "01-session/025-batch": UnclearAnswer,
    "01-session/026-wrong-content-type": Held,
    "01-session/029-call-after-logout": Held,
    "05-problem/007-problem-get-has-no-select-hosts": Refused,
    "05-problem/017-method-not-allowed-by-role": NoRight,
    "05-problem/018-write-not-allowed-by-role": NoRight,
    "06-acknowledge/009-message-too-long": Refused,
    "06-acknowledge/010-close-not-allowed": Refused,
    "06-acknowledge/011-missing-event": Gone,
    "06-acknowledge/012-empty-message": Refused,
    "06-acknowledge/017-partly-missing": Gone,
    "08-rank/003-to-symptom-role-without-ranking": NoRight,
    "08-rank/005-to-symptom-without-cause-eventid": Refused,
    "08-rank/028-to-symptom-of-missing": Gone,
    "08-rank/061-to-symptom-no-right-on-cause": Gone,
    "08-rank/065-both-ranks-at-once": Refused,
    "08-rank/066-close-and-to-symptom": Refused,
    "10-provision/042-call-with-regenerated-old-value": Held,
    "09-maintenance/010-maintenance-create-user-w": NoRight,
    "09-maintenance/011-maintenance-create-admin-r": Gone,
    "09-maintenance/012-maintenance-create-admin-wn": NoRight,
    "09-maintenance/013-maintenance-create-admin-n": Gone,
    "09-maintenance/018-maintenance-create-again": Refused,
    "09-maintenance/019-maintenance-create-till-before-since": Refused,
    "09-maintenance/021-maintenance-create-without-hosts": Refused,
    "09-maintenance/022-maintenance-create-host-without-right": Gone,
    "09-maintenance/023-maintenance-create-without-timeperiods": Refused,
    "09-maintenance/044-maintenance-delete-admin-r": Gone,
    "09-maintenance/046-maintenance-delete-again": Gone,
    "10-provision/004-mediatype-create-again": Refused,
    "10-provision/013-role-create-again": Refused,
    "10-provision/023-usergroup-create-again": Refused,
    "10-provision/024-usergroup-create-unknown-hostgroup": Refused,
    "10-provision/034-user-create-unknown-mediatype": Refused,
    "10-provision/035-user-create-unknown-role": Refused,
    "10-provision/036-user-create-again": Refused,
    "10-provision/037-user-create-unknown-usergroup": Refused,
    "10-provision/045-token-create-same-name": Refused,
    "10-provision/046-token-create-unknown-user": Refused,
    "10-provision/054-action-create-again": Refused,
    "10-provision/056-action-create-unknown-mediatype": UnclearAnswer,
    "10-provision/057-action-create-unknown-user": Refused,
    "10-provision/058-action-create-unknown-hostgroup": Refused,
    "10-provision/059-action-create-formula-misses-a-condition": Refused,
    "10-provision/061-script-create-url-scope-1": Refused,
    "10-provision/065-script-create-again": Refused,
    "10-provision/074-script-create-url-javascript": Refused,
    "10-provision/085b-host-update-interface-without-id-in-use": Refused,
    "10-provision/086-host-create-same-identity-other-key": Refused,
    "10-provision/087-host-create-unknown-group": NoRight,
    "10-provision/088-host-update-unknown": Gone,
    "10-provision/089-host-create-again": Refused,
    "10-provision/127-configuration-import-newer-version": Refused,
    "10-provision/128-configuration-import-bad": Refused,
    "10-provision/141-mediatype-create-parameter-without-sortorder": Refused,
    "10-provision/144-mediatype-create-limits": Refused,
    "10-provision/145-mediatype-create-timeout-of-script": Refused,
    "10-provision/147-role-create-api-twice": Refused,
    "10-provision/148-role-create-unknown-method": Refused,
    "10-provision/152-script-create-same-path-other-spelling": Refused,
    "10-provision/160-mediatype-update-unknown-id": Gone,
    "10-provision/161-action-update-unknown-id": Gone,
    "10-provision/162-user-update-unknown-id": Gone,
    "10-provision/163-usergroup-update-unknown-id": Gone,
    "10-provision/164-role-update-unknown-id": Gone,
    "10-provision/165-script-update-unknown-id": Gone,
    "10-provision/166-token-update-unknown-id": Gone,
    "10-provision/167-mediatype-delete-unknown-id": Gone,
    "10-provision/168-token-generate-unknown-id": Gone,
    "10-provision/172-mediatype-delete-in-use": Refused,
    "10-provision/173-user-delete-in-use": Refused,
    "10-provision/174-role-delete-in-use": Refused,
    "11-adopt/011-alert-get-eventids.8-bridge": NoRight,
    "11-adopt/015-alert-get-filter-p-eventid": Refused,
    "11-adopt/031-event-get-filter-r-eventid": Refused,
    "11-adopt/032-event-get-filter-c-eventid": Refused,
    "11-adopt/035f-settings-get-bridge": NoRight,
    "11-adopt/036-problem-get-recent-filter-r-clock": Refused,
    "11-adopt/067-message-trigger-deleted-and-good": Gone,
    "11-adopt/068-message-host-left-group": Gone,
    "11-adopt/072-message-on-housekept": Gone,
}


@pytest.mark.parametrize("name", recordings())
def test_a_recorded_answer_is_its_result_or_the_error_it_was(name):
    got = outcome(name)
    if name in EXPECTED:
        assert type(got) is EXPECTED[name]
        assert got.target == "Zabbix"
        assert URL in str(got)
    else:
        assert got == recording(name)["response"]["json"]["result"]


@pytest.mark.field("F25")
def test_an_empty_list_is_read_as_nothing_shown_and_not_as_an_error():
    assert answers.rows("event.get", outcome("11-adopt/069-event-get-user-without-right")) == []


@pytest.mark.field("F14")
@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "words"),
    [
        (200, JSON, b"", UnclearAnswer, "the answer is empty"),
        (200, {"content-type": "text/html"}, b"<html>log in</html>", UnclearAnswer, "this is not JSON"),
        (200, JSON, b"<div>Notice</div>" + b'{"result": []}', UnclearAnswer, "this is not JSON"),
        (200, JSON, b"[]", UnclearAnswer, "not an answer of the API"),
        (200, JSON, b"null", UnclearAnswer, "not an answer of the API"),
        (200, JSON, b'{"jsonrpc": "2.0", "id": 1}', UnclearAnswer, "neither result nor error"),
        (200, JSON, b'{"error": {}}', Refused, "no reason given"),
        (200, JSON, b'{"error": "x", "id": 1}', UnclearAnswer, "neither result nor error"),
        (200, JSON, b'{"error": {"code": -32603, "data": "x"}}', UnclearAnswer, "-32603"),
        (200, JSON, b'{"error": {"code": -32500, "data": "SQL statement execution failed"}}', UnclearAnswer, "SQL"),
        (200, JSON, b'{"error": {"code": -32602, "data": "API token expired."}}', Held, "put a good one in place"),
        (
            200,
            JSON,
            b'{"error": {"code": -32600, "data": "unexpected parameter \\"auth\\"."}}',
            Refused,
            "another place",
        ),
        (301, {"location": "https://z.example/"}, b"", Held, "it points to https://z.example/"),
        (302, {}, b"", Held, "nowhere"),
        (401, {}, b"", Held, "the web server itself wants a log-in"),
        (403, {}, b"<h1>Forbidden</h1>", Held, "the web server itself"),
        (404, {}, b"<h1>Not Found</h1>", Held, "no API there"),
        (412, {}, b"", Held, "Content-Type"),
        (429, {"retry-after": "30"}, b"", UnclearAnswer, "HTTP 429"),
        (500, {}, b"", UnclearAnswer, "HTTP 500"),
        (502, {"content-type": "text/html"}, b"<h1>Bad Gateway</h1>", UnclearAnswer, "Bad Gateway"),
        (503, {"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT"}, b"", UnclearAnswer, "HTTP 503"),
        (504, {"retry-after": "soon"}, b"", UnclearAnswer, "HTTP 504"),
    ],
)
def test_what_is_no_answer_of_the_api_is_never_taken_for_one(status, headers, body, error, words):
    with pytest.raises(TargetError, match=words) as caught:
        read(status, headers, body, url=URL)
    assert type(caught.value) is error
    assert URL in str(caught.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("0", 0.0), ("soon", None), ("", None), ("Thu, 01 Jan 2026 00:00:00 GMT", 0.0)],
)
def test_the_pause_that_zabbix_asks_for_is_carried(header, seconds):
    with pytest.raises(NoAnswer) as caught:
        read(503, {"retry-after": header}, b"", url=URL)
    assert caught.value.retry_after == seconds


def test_an_event_is_read_with_its_updates_oldest_first():
    (row,) = answers.rows("event.get", outcome("05-problem/022-event-get-acknowledges"))
    updates = [answers.acknowledge(one) for one in row.rows("acknowledges")]
    assert [one.action for one in updates] == [
        AckAction.UNSUPPRESS,
        AckAction.SUPPRESS,
        AckAction.UNACKNOWLEDGE,
        AckAction.SEVERITY,
        AckAction.ACKNOWLEDGE | AckAction.MESSAGE,
        AckAction.MESSAGE,
    ]
    assert updates[3].old_severity == 3
    assert updates[3].new_severity == 5
    assert updates[1].suppress_until is not None
    assert {one.author for one in updates} == {"bridge"}


def test_a_whole_event_is_read():
    (row,) = answers.rows("event.get", outcome("05-problem/010-event-get"))
    event = answers.event(row)
    assert (event.eventid, event.objectid, event.name) == ("70", "25212", "CPU load is high on Web server 1")
    assert (event.severity, event.is_open, event.opdata) == (3, True, "Load: 9.25")
    assert event.clock.isoformat() == "2026-11-25T02:15:39+00:00"
    assert [(one.host, one.name) for one in event.hosts] == [("web01", "Web server 1")]
    assert ("category", "cpu") in [(one.tag, one.value) for one in event.tags]


def test_the_user_who_closed_is_in_the_updates_as_the_event_names_nobody():
    (row,) = answers.rows("event.get", outcome("05-problem/023-event-get-closed-by-hand"))
    event = answers.event(row)
    assert (event.r_eventid, event.r_clock, event.closed_by) == ("96", None, "")


def test_a_trigger_a_host_a_media_type_and_an_action_are_read():
    trigger = answers.trigger(answers.rows("trigger.get", outcome("05-problem/013-trigger-get"))[0])
    assert (trigger.is_enabled, trigger.manual_close, trigger.items[0].key) == (True, False, "disk.pused[/]")
    host = answers.host(answers.rows("host.get", outcome("05-problem/015-host-get"))[0])
    assert (host.ip, host.groups) == ("127.0.0.1", ("Lab servers",))
    assert host.inventory == {
        "serialno_a": "SN-0001",
        "asset_tag": "GLPI-1",
        "contact": "Paul Durand",
        "location": "Room 1",
    }
    media = answers.media_type(answers.rows("mediatype.get", outcome("02-configuration/023-mediatype-get"))[0])
    assert (media.is_script, media.is_enabled, media.exec_path) == (True, False, "dump.py")
    assert (0, 2) in (media.templates or ())
    bare = answers.media_type(answers.rows("mediatype.get", outcome("10-provision/006-mediatype-get-user-type"))[0])
    assert (bare.name, bare.exec_path, bare.parameters, bare.templates) == ("GLPI bridge", None, None, None)


@pytest.mark.field("F72")
def test_an_action_without_update_operations_is_seen():
    (row,) = outcome("10-provision/051-action-get")
    action = answers.action(answers.Row("action.get", row))
    assert (action.tells_recovery, action.tells_updates, action.mediatypeids) == (True, True, {"70"})
    without = answers.action(answers.Row("action.get", {**row, "update_operations": []}))
    assert not without.tells_updates


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({}, id="no field at all"),
        pytest.param({"eventid": None}, id="null"),
        pytest.param({"eventid": True}, id="boolean"),
        pytest.param("eventid", id="no object"),
    ],
)
def test_a_row_of_the_wrong_shape_is_unclear_and_not_a_crash(row):
    with pytest.raises(UnclearAnswer):
        answers.event(answers.Row("event.get", row))


@pytest.mark.parametrize(
    ("field", "value"), [("clock", "soon"), ("clock", "9" * 30), ("severity", "9"), ("tags", {}), ("value", "")]
)
def test_a_field_of_the_wrong_kind_is_unclear_and_not_a_crash(field, value):
    (row,) = outcome("05-problem/010-event-get")
    with pytest.raises(UnclearAnswer):
        answers.event(answers.Row("event.get", {**row, field: value}))
