"""The spool's reader and parser: no input can stop it, cost another alert, or be taken for what it is not."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glpi_bridge.alert import ALERT_FIELDS, ALIASES, BadAlert, Reason, is_resolved, parse
from glpi_bridge.errors import SpoolError
from glpi_bridge.model import Alert, AlertKind
from glpi_bridge.spool import MAX_BYTES, STALE_SECONDS, Entry, Spool, hand_off
from tests.contract import recorded_alerts

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
IDS = (b"event_id=101", b"trigger_id=7")


def read(*items: bytes) -> Alert:
    return parse(b"".join(item + b"\0" for item in items), NOW)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.create(tmp_path / "spool")


def put(spool: Spool, name: str, *items: bytes, age: float = 0) -> None:
    path = spool.new / name
    path.write_bytes(b"".join(item + b"\0" for item in items))
    then = NOW.timestamp() - age
    os.utime(path, (then, then))


class TestParse:
    @pytest.mark.parametrize(
        ("items", "kind"),
        [
            ((b"event_value=1",), AlertKind.PROBLEM),
            ((), AlertKind.PROBLEM),
            ((b"event_value={EVENT.VALUE}", b"event_recovery_id={EVENT.RECOVERY.ID}"), AlertKind.PROBLEM),
            ((b"event_value=0",), AlertKind.RECOVERY),
            ((b"event_recovery_id=99",), AlertKind.RECOVERY),
            ((b"event_update_status=1", b"event_value=1"), AlertKind.UPDATE),
            ((b"event_update_status=1", b"event_value=0", b"event_recovery_id=99"), AlertKind.UPDATE),
            ((b"event_update_status=0", b"event_value=0"), AlertKind.RECOVERY),
        ],
    )
    def test_the_kind_follows_from_update_status_and_value(self, items: tuple[bytes, ...], kind: AlertKind) -> None:
        assert read(*IDS, *items).kind is kind

    @pytest.mark.field("F67")
    def test_an_item_is_split_at_its_first_equals_sign_and_keeps_its_lines(self) -> None:
        alert = read(*IDS, b"event_opdata=a=b:c\nd\n\ne=f\n")
        assert alert.fields["event_opdata"] == "a=b:c\nd\n\ne=f\n"
        assert alert.warnings == ()

    @pytest.mark.field("F69")
    @pytest.mark.parametrize(
        "tags",
        [
            b'[{"tag":"a","value":"x"y"}]',
            b"a:b, c:d",
            b'{"tag":"a"}',
            b'[{"value":"a"}]',
            b'[{"tag":5}]',
            b'["a"]',
            b"1",
            b"[" * 100_000,
            rb'[{"tag":"\ud800","value":""}]',
            b"\xff\xfe",
        ],
    )
    def test_broken_tags_cost_only_the_tags(self, tags: bytes) -> None:
        alert = read(*IDS, b"event_tagsjson=" + tags, b"event_name=Disk full")
        assert alert.fields == {"event_id": "101", "trigger_id": "7", "event_name": "Disk full"}
        assert any("event_tagsjson was left out" in warning for warning in alert.warnings)
        assert all("\n" not in warning and len(warning) < 300 for warning in alert.warnings)

    @pytest.mark.parametrize(
        "nothing", ["", "*UNKNOWN*", "{EVENT.NAME}", "{$ZABBIX.URL}", "{EVENT.TAGS.category}", "{#X}"]
    )
    def test_an_unresolved_macro_is_no_value(self, nothing: str) -> None:
        assert not is_resolved(nothing)
        alert = read(*IDS, b"event_name=" + nothing.encode())
        assert "event_name" not in alert.fields
        assert alert.warnings == ()

    @pytest.mark.parametrize("text", ["{HOST.IP} {$LAB} {#X}", "{", "{}", "*", "{a}", "0", " ", "-rf --help"])
    def test_text_that_only_looks_like_a_macro_is_a_value(self, text: str) -> None:
        assert read(*IDS, b"event_name=" + text.encode()).fields["event_name"] == text

    @pytest.mark.field("F67", "F69")
    @pytest.mark.parametrize("field", [name for name in ALERT_FIELDS if name != "event_id"])
    @pytest.mark.parametrize("value", [b"", b"*UNKNOWN*", b"\xff\x00", b"{NOT.A.MACRO}", b"=", b"\n"])
    def test_any_field_may_be_odd_and_the_alert_stays(self, field: str, value: bytes) -> None:
        alert = read(b"event_id=101", field.encode() + b"=" + value, b"item_id=5")
        assert alert.eventid == "101"
        assert field == "item_id" or alert.fields["item_id"] == "5"

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", Reason.EMPTY),
            (b"event_id=101", Reason.CUT_SHORT),
            (b"event_id=101\0event_na", Reason.CUT_SHORT),
            (b"event_name=x\0", Reason.NO_EVENT_ID),
            (b"event_id=\0", Reason.NO_EVENT_ID),
            (b"event_id={EVENT.ID}\0", Reason.NO_EVENT_ID),
            (b"event_id=1 2\0", Reason.NO_EVENT_ID),
            (b"event_id=1/../2\0", Reason.NO_EVENT_ID),
            ("event_id=１\0".encode(), Reason.NO_EVENT_ID),
            (b"\0", Reason.NO_EVENT_ID),
            (os.urandom(4096) + b"\0", Reason.NO_EVENT_ID),
        ],
    )
    def test_what_names_no_event_or_has_no_end_is_no_alert(self, data: bytes, reason: Reason) -> None:
        with pytest.raises(BadAlert) as caught:
            parse(data, NOW)
        assert caught.value.reason is reason
        assert "\n" not in str(caught.value)

    def test_of_a_name_given_twice_the_first_value_that_says_something_counts(self) -> None:
        alert = read(*IDS, b"event_name=*UNKNOWN*", b"event_name=one", b"name=two", b"event_name=one")
        assert alert.fields["event_name"] == "one"
        assert alert.warnings == ("event_name was given more than once; the first value counts",)

    def test_unknown_names_are_kept_and_items_without_a_name_are_left_out_with_a_warning(self) -> None:
        alert = read(*IDS, b"colour=red", b"no equals sign", b"=x", b"")
        assert alert.fields == {"event_id": "101", "trigger_id": "7", "colour": "red"}
        assert len(alert.warnings) == 4

    def test_broken_utf8_is_replaced_with_a_warning(self) -> None:
        alert = read(*IDS, b"event_name=caf\xe9", "event_opdata=\N{REPLACEMENT CHARACTER}".encode())
        assert alert.fields["event_name"] == "caf\N{REPLACEMENT CHARACTER}"
        assert alert.warnings == ("event_name: bytes that are no UTF-8 were replaced",)

    @pytest.mark.parametrize(
        ("argument", "source"),
        [
            (b"source=zbx-2.example", "zbx-2.example"),
            (b"source=", "zabbix"),
            (b"source={$SOURCE}", "zabbix"),
            (b"source=My Zabbix", "My-Zabbix"),
            (b"x=y", "zabbix"),
        ],
    )
    def test_the_source_is_the_zabbix_servers_name(self, argument: bytes, source: str) -> None:
        alert = read(*IDS, argument)
        assert alert.source == source
        assert "source" not in alert.fields

    @pytest.mark.field("F06")
    def test_a_source_that_is_a_number_is_the_kind_of_event(self) -> None:
        alert = read(*IDS, b"source=3")
        assert (alert.source, alert.fields["event_source"]) == ("zabbix", "3")

    def test_short_names_stand_for_the_long_ones(self) -> None:
        alert = read(*(f"{alias}={'[]' if alias == 'tags' else 1}".encode() for alias in ALIASES))
        assert set(alert.fields) == set(ALIASES.values())
        assert alert.warnings == ()

    def test_every_accepted_name_is_its_macro_in_lower_case(self) -> None:
        assert all(macro == "{" + name.upper().replace("_", ".") + "}" for name, macro in ALERT_FIELDS.items())
        assert set(ALIASES.values()) < set(ALERT_FIELDS)
        assert next(iter(ALERT_FIELDS)) == "event_id"

    @pytest.mark.parametrize("name", recorded_alerts.names())
    def test_recorded_alerts_are_read_without_a_warning(self, name: str) -> None:
        alert = parse(b"".join(item.encode() + b"\0" for item in recorded_alerts.arguments(name)), NOW)
        macros = recorded_alerts.macros(name)
        expected = "problem" if "-problem-" in name else "update" if "-update-" in name else "recovery"
        if name.startswith(("020-update-close-1", "080-flapping-3", "080-flapping-4")):
            expected = "recovery"
        elif name.startswith(("060", "061", "080")):
            expected = "problem"
        assert (alert.eventid, alert.kind) == (macros["EVENT.ID"], expected)
        assert alert.warnings == ()
        for field, macro in ALERT_FIELDS.items():
            value = macros.get(macro.strip("{}"), macro)
            assert alert.fields.get(field) == (value if is_resolved(value) else None)

    @given(st.lists(st.binary(max_size=60).map(lambda item: item.replace(b"\0", b""))))
    def test_no_bytes_beside_an_event_id_lose_the_alert(self, items: list[bytes]) -> None:
        alert = read(*IDS, *items)
        assert alert.eventid == "101"
        json.dumps(dict(alert.fields), ensure_ascii=False).encode()  # what the store does with it

    @given(st.binary())
    def test_no_bytes_at_all_raise_anything_but_bad_alert(self, data: bytes) -> None:
        try:
            parse(data, NOW)
        except BadAlert as error:
            assert error.reason in Reason  # noqa: PT017 - both endings are fine


class TestEntries:
    def test_entries_come_oldest_first_and_in_bounded_batches(self, spool: Spool) -> None:
        for number in range(5):
            put(spool, f"{number}", *IDS, age=number)
        assert [entry.name for entry in spool.entries(limit=3)] == ["4", "3", "2"]
        assert spool.entries()[-1] == Entry("0", NOW)

    def test_an_alert_that_is_done_is_gone_and_done_twice_is_harmless(self, spool: Spool) -> None:
        put(spool, "a", *IDS)
        [entry] = spool.entries()
        assert spool.read(entry).received_at == NOW
        spool.done(entry)
        spool.done(entry)
        assert spool.entries() == []
        with pytest.raises(FileNotFoundError):
            spool.read(entry)

    @pytest.fixture
    def foreign(self, spool: Spool) -> dict[str, Reason]:
        """All that should not lie there, beside one good alert."""
        (spool.new / "directory").mkdir()
        (spool.new / "directory" / "file").write_bytes(b"x")
        (spool.new / "link").symlink_to("/etc/passwd")
        (spool.new / "dangling").symlink_to("nowhere")
        (spool.new / "loop").symlink_to("loop")
        os.mkfifo(spool.new / "pipe")
        with socket.socket(socket.AF_UNIX) as listening:
            here = os.getcwd()
            os.chdir(spool.new)  # a socket's path may not be longer than 107 bytes
            listening.bind("socket")
            os.chdir(here)
        put(spool, "empty")
        (spool.new / "half").write_bytes(b"event_id=101\0event_name=Di")
        (spool.new / "notes.txt").write_bytes(b"remember the milk\n")
        (spool.new / ".hidden").write_bytes(b"\0")
        (spool.new / "a b\n").write_bytes(b"\0")
        Path(os.fsdecode(os.fsencode(spool.new) + b"/\xff")).write_bytes(b"\0")
        with (spool.new / "large").open("wb") as file:
            file.truncate(MAX_BYTES + 1)
        put(spool, "good", *IDS)
        return {
            "directory": Reason.NOT_A_FILE,
            "link": Reason.NOT_A_FILE,
            "dangling": Reason.NOT_A_FILE,
            "loop": Reason.NOT_A_FILE,
            "pipe": Reason.NOT_A_FILE,
            "socket": Reason.NOT_A_FILE,
            "empty": Reason.EMPTY,
            "half": Reason.CUT_SHORT,
            "notes.txt": Reason.CUT_SHORT,
            ".hidden": Reason.NO_EVENT_ID,
            "a_b_": Reason.NO_EVENT_ID,
            "_": Reason.NO_EVENT_ID,
            "large": Reason.TOO_LARGE,
        }

    def test_whatever_else_lies_there_goes_to_bad_with_its_reason_and_blocks_nothing(
        self, spool: Spool, foreign: dict[str, Reason]
    ) -> None:
        good = []
        for entry in spool.entries():
            try:
                good.append(spool.read(entry).eventid)
            except BadAlert as error:
                spool.reject(entry, str(error))
            else:
                spool.done(entry)
        assert good == ["101"]
        assert os.listdir(spool.new) == []
        assert {item.name: item.reason.split(":")[0] for item in spool.rejected()} == foreign

    def test_what_cannot_be_moved_to_bad_is_reported_and_not_listed_again(self, spool: Spool) -> None:
        spool.bad.rmdir()
        put(spool, "broken")
        put(spool, "good", *IDS)
        [entry] = [entry for entry in spool.entries() if entry.name == "broken"]
        assert spool.reject(entry, "it is empty") is None
        assert [entry.name for entry in spool.entries()] == ["good"]
        spool.bad.mkdir()
        assert any("broken is stuck: it is empty" in finding.text for finding in spool.check() if not finding.ok)

    def test_bad_things_of_one_name_do_not_overwrite_each_other_and_can_be_tried_again(self, spool: Spool) -> None:
        for content in (b"first", b"second"):
            (spool.new / "same").write_bytes(content)
            [entry] = spool.entries()
            spool.reject(entry, f"reason of {content.decode()}")
        names = [item.name for item in spool.rejected()]
        assert sorted((spool.bad / name).read_bytes() for name in names) == [b"first", b"second"]
        for name in names:
            spool.retry_bad(name)
        assert spool.rejected() == []
        assert {entry.name for entry in spool.entries()} == set(names)

    @pytest.mark.parametrize("name", ["", ".", "..", "../new/x", "nothing"])
    def test_only_what_is_in_bad_can_be_tried_again(self, spool: Spool, name: str) -> None:
        with pytest.raises(SpoolError):
            spool.retry_bad(name)

    def test_a_spool_that_is_not_there_says_so(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "nothing")
        for use in (spool.entries, spool.clean, spool.rejected, lambda: spool.pass_alone(lambda: None)):
            with pytest.raises(SpoolError, match="nothing"):
                use()
        [finding] = spool.check()
        assert not finding.ok
        assert "install -d" in finding.advice

    def test_leftovers_of_killed_writers_leave_tmp_only_when_they_are_old(self, spool: Spool) -> None:
        for name, age in (("old", STALE_SECONDS + 1), ("young", STALE_SECONDS - 1)):
            (spool.tmp / name).write_bytes(b"event_id=")
            os.utime(spool.tmp / name, (NOW.timestamp() - age,) * 2)
        (spool.tmp / "directory").mkdir()
        assert spool.clean(now=NOW.timestamp()) == 1
        assert sorted(os.listdir(spool.tmp)) == ["directory", "young"]

    def test_a_file_time_that_no_date_can_have_does_not_stop_the_reader(self, spool: Spool) -> None:
        put(spool, "a", *IDS)
        os.utime(spool.new / "a", (2**33, 2**33))
        assert len(spool.entries()) == 1


class TestWait:
    def test_waiting_ends_with_the_alert_that_comes(self, spool: Spool) -> None:
        put(spool, "known", *IDS)
        spool.entries()
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                put(spool, "new", *IDS)

        assert spool.wait(60, sleep)
        assert len(pauses) == 3

    def test_waiting_ends_after_its_time_although_a_known_alert_still_lies_there(self, spool: Spool) -> None:
        put(spool, "known", *IDS)
        spool.entries()
        pauses: list[float] = []
        assert not spool.wait(1.1, pauses.append)
        assert sum(pauses) == pytest.approx(1.1)

    def test_what_a_batch_left_over_is_not_waited_for(self, spool: Spool) -> None:
        for name in "ab":
            put(spool, name, *IDS)
        spool.entries(limit=1)
        assert spool.wait(60, lambda seconds: pytest.fail("it slept"))

    def test_a_set_event_ends_the_wait(self, spool: Spool) -> None:
        stop = threading.Event()
        stop.set()
        assert not spool.wait(60, stop.wait)


class TestPassAlone:
    def test_only_one_pass_runs_and_the_other_knows(self, spool: Spool) -> None:
        inner: list[bool] = []
        assert spool.pass_alone(lambda: inner.append(Spool(spool.path).pass_alone(lambda: None)))
        assert inner == [False]

    def test_an_alert_that_comes_while_a_pass_ends_gets_another_pass(self, spool: Spool) -> None:
        """The second caller finds the lock taken and leaves; the first must look again after giving it back."""
        passes: list[int] = []

        def one_pass() -> None:
            passes.append(len(spool.entries()))
            for entry in spool.entries():
                spool.done(entry)
            if len(passes) == 1:
                put(spool, "late", *IDS)
                assert not Spool(spool.path).pass_alone(lambda: None)

        put(spool, "first", *IDS)
        assert spool.pass_alone(one_pass)
        assert passes == [1, 1]

    def test_an_alert_that_no_pass_can_take_does_not_make_it_run_for_ever(self, spool: Spool) -> None:
        put(spool, "stays", *IDS)
        passes: list[None] = []
        assert spool.pass_alone(lambda: passes.append(None))
        assert len(passes) == 1

    def test_a_failing_pass_gives_the_lock_back(self, spool: Spool) -> None:
        with pytest.raises(BlockingIOError):
            spool.pass_alone(lambda: (_ for _ in ()).throw(BlockingIOError()))
        with (spool.path / "pass.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


class TestHandOff:
    def test_what_is_handed_off_is_read_back(self, spool: Spool) -> None:
        name = hand_off(spool.path, {"event_id": "5", "event_name": "a=b\nc é", "source": "lab"})
        [entry] = spool.entries()
        alert = spool.read(entry)
        assert (entry.name, alert.source, alert.eventid, alert.fields["event_name"]) == (name, "lab", "5", "a=b\nc é")
        assert datetime.now(UTC) - alert.received_at < timedelta(minutes=5)
        assert (spool.new / name).stat().st_mode & 0o777 == 0o640
        assert os.listdir(spool.tmp) == []

    @pytest.mark.parametrize(
        "fields", [{}, {"event_id": ""}, {"event_id": "1", "a=b": ""}, {"event_id": "1", "a": "\0"}]
    )
    def test_what_cannot_be_written_down_is_refused(self, spool: Spool, fields: dict[str, str]) -> None:
        with pytest.raises(SpoolError):
            hand_off(spool.path, fields)
        assert os.listdir(spool.new) == []

    @pytest.mark.parametrize("missing", ["tmp", "new"])
    def test_a_spool_that_cannot_take_it_is_named(self, spool: Spool, missing: str) -> None:
        (spool.path / missing).rmdir()
        with pytest.raises(SpoolError, match=str(spool.path)):
            hand_off(spool.path, {"event_id": "1"})
        assert not spool.tmp.is_dir() or os.listdir(spool.tmp) == []


class TestCheck:
    def test_a_new_spool_is_well(self, spool: Spool) -> None:
        assert [finding.text for finding in spool.check(min_free_bytes=0) if not finding.ok] == []
        assert all(part.stat().st_mode & 0o7777 == 0o2770 for part in (spool.path, spool.new, spool.tmp, spool.bad))

    def test_trouble_is_named_with_what_to_do(self, spool: Spool) -> None:
        spool.new.chmod(0o2777)
        spool.tmp.chmod(0o770)
        (spool.bad / "x").write_bytes(b"")
        troubles = [finding for finding in spool.check(min_free_bytes=1 << 62) if not finding.ok]
        texts = " ".join(finding.text for finding in troubles)
        assert all(finding.advice for finding in troubles)
        for words in ("any user may write", "do not get its group", "MiB free", "1 in "):
            assert words in texts
