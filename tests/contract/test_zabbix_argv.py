"""What the stand-in passes to the media script, against the recorded parameters, macro by macro and in order."""

from __future__ import annotations

import pytest

from glpi_bridge.alert import ALERT_FIELDS
from glpi_bridge.sandbox.zabbix.alerts import Escalator
from glpi_bridge.sandbox.zabbix.model import Alert
from glpi_bridge.sandbox.zabbix.world import World
from tests.contract import recorded_alerts
from tests.contract.zabbix_lab import Clock, first_server, macros_of, raise_as, recording, recover_as

MIDNIGHT = 1795564800  # 2026-11-25 00:00:00 UTC

NOT_KEPT = {
    "ESC.HISTORY": "the steps of the escalation are not kept",
    "TRIGGER.EVENTS.UNACK": "counts events of the whole day",
    "ITEM.VALUE2": "triggers here have one item",
}
HOSTILE = "06-acknowledge/007-message-hostile"
LONG = "06-acknowledge/008-message-long"


def at(time: str) -> int:
    hours, minutes, seconds = (int(part) for part in time.split(":"))
    return MIDNIGHT + hours * 3600 + minutes * 60 + seconds


def message(name: str) -> str:
    return str(recording(name)["request"]["json"]["params"]["message"])


class Server:
    """The recorded server; `told` compares what it tells now with recordings, in this order."""

    def __init__(self) -> None:
        self.clock = Clock(at("02:10:00"))
        self.world: World = first_server(self.clock)
        self.escalator = Escalator(self.world)
        self.compared: list[str] = []

    def problem(self, time: str, eventid: int, triggerid: int, value: str) -> None:
        self.clock.seconds = at(time)
        raise_as(self.world, eventid, triggerid, value)

    def recovery(self, time: str, r_eventid: int, eventid: int, value: str | None) -> None:
        self.clock.seconds = at(time)
        recover_as(self.world, r_eventid, eventid, value=value)

    def update(self, time: str, *eventids: int, user: int = 1, text: str = "", **bits: int) -> None:
        self.clock.seconds = at(time)
        action = bits.pop("action")
        for eventid in eventids:
            self.world.update(self.world.events[eventid], self.world.users[user], action, message=text, **bits)

    def told(self, time: str, *names: str) -> None:
        self.clock.seconds = at(time)
        made = self.escalator.round()
        assert [recorded_alerts.argv(name)[1] for name in names] == [alert.subject for alert in made]
        for name, alert in zip(names, made, strict=True):
            self.compare(name, alert)

    def compare(self, name: str, alert: Alert) -> None:
        self.compared.append(name)
        wanted = recorded_alerts.argv(name)
        assert (wanted[0], wanted[1], *wanted[3:]) == (
            alert.parameters[0],
            alert.parameters[1],
            *alert.parameters[3:],
        )
        got = macros_of(alert.parameters[2])
        assert got.keys() == recorded_alerts.macros(name).keys()
        differing = {
            macro: (got[macro], value)
            for macro, value in recorded_alerts.macros(name).items()
            if macro not in NOT_KEPT and got[macro] != value
        }
        assert differing == {}, name


def first_day(server: Server) -> None:
    """Five problems, what the bridge itself did to them, their ends; then a bare host and hostile values."""
    problems = (
        ("02:15:39", 70, "9.25", "02:15:40", "001-problem-cpu"),
        ("02:15:41", 71, "95.5", "02:15:42", "002-problem-memory"),
        ("02:15:44", 72, "97.5", "02:15:44", "003-problem-disk"),
        ("02:15:45", 73, "1", "02:15:46", "004-problem-network"),
        ("02:15:47", 75, "91", "02:15:48", "005-problem-temperature"),
    )
    for number, (raised, eventid, value, told, name) in enumerate(problems):
        server.problem(raised, eventid, 25212 + number, value)
        server.told(told, name)
    server.update("02:15:50", 70, user=3, action=4, text=message("06-acknowledge/001-message"))
    server.update("02:15:52", 70, user=3, action=6, text="We look at it")
    server.update("02:16:11", 70, user=3, action=8, severity=5)
    server.update("02:16:32", 70, user=3, action=16)
    server.update("02:16:50", 70, user=3, action=32, suppress_until=at("02:17:50"))
    server.update("02:17:11", 70, user=3, action=64)
    server.update("02:17:32", 72, user=3, action=4, text=message(HOSTILE))
    server.update("02:17:50", 72, user=3, action=4, text=message(LONG))
    server.update("02:18:11", 72, user=3, action=2)
    server.update("02:18:29", 72, 75, user=3, action=4, text="both")
    server.told("02:18:30")
    server.update("02:18:32", 70, user=3, action=5, text="closed by hand")
    server.world.set_next_id("event", 96)
    server.told("02:18:35", "030-recovery-by-manual-close")
    ends = (
        ("02:18:56", 99, 71, "5.5", "031-recovery-memory"),
        ("02:18:58", 100, 72, "7.5", "032-recovery-disk"),
        ("02:19:00", 101, 73, "0", "033-recovery-network"),
        ("02:19:02", 103, 75, "41", "034-recovery-temperature"),
    )
    for time, r_eventid, eventid, value, name in ends:
        server.recovery(time, r_eventid, eventid, value)
        server.told(time, name)
    server.problem("02:19:04", 104, 25219, "9")
    server.told("02:19:04", "040-problem-bare-host")
    server.recovery("02:19:06", 105, 104, "1")
    server.told("02:19:06", "041-recovery-bare-host")


def test_problems_and_recoveries_are_told_as_recorded():
    first_day(Server())


VALUES = {
    "050-problem-value-quotes": ("02:19:07", 106, "02:19:08"),
    "051-problem-value-newline": ("02:19:11", 110, "02:19:12"),
    "052-problem-value-emoji": ("02:19:15", 112, "02:19:16"),
    "053-problem-value-control": ("02:19:20", 114, "02:19:20"),
    "054-problem-value-bad-utf8": ("02:19:23", 116, "02:19:24"),
    "055-problem-value-long": ("02:19:28", 120, "02:19:28"),
    "056-problem-value-macro": ("02:19:32", 122, "02:19:32"),
    "057-problem-value-dash": ("02:19:36", 124, "02:19:36"),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_come_through_as_recorded(name):
    server, (raised, eventid, told) = Server(), VALUES[name]
    server.problem(raised, eventid, 25217, recorded_alerts.macros(name)["ITEM.VALUE"])
    server.told(told, name)


def updates(server: Server) -> None:
    """Another user's updates; on a close the recovery arrives before the update."""
    server.problem("03:24:10", 562, 25212, "9")
    server.problem("03:24:10", 563, 25214, "97.5")
    server.clock.seconds = at("03:24:10")
    assert [one.eventid for one in server.escalator.round()] == [562, 563]
    server.update("03:24:17", 562, user=3, action=4, text="by the bridge user")
    server.told("03:24:20")
    server.update("03:24:31", 562, action=4, text="Looking into it")
    server.told("03:24:37", "010-update-message")
    server.update("03:24:38", 562, action=6, text="We look at it")
    server.told("03:24:43", "011-update-ack-and-message")
    server.update("03:24:45", 562, action=8, severity=5)
    server.told("03:24:46", "012-update-severity")
    server.update("03:24:48", 562, action=16)
    server.told("03:24:52", "013-update-unacknowledge")
    server.update("03:24:54", 562, action=32, suppress_until=at("03:34:54"))
    server.told("03:24:58", "014-update-suppress")
    server.update("03:25:00", 562, action=64)
    server.told("03:25:01", "015-update-unsuppress")
    server.update("03:25:03", 563, action=4, text=message(HOSTILE))
    server.told("03:25:07", "016-update-message-hostile")
    server.update("03:25:09", 563, action=4, text=message(LONG))
    server.told("03:25:13", "017-update-message-long")
    server.update("03:25:15", 563, action=14, text="all in one", severity=2)
    server.told("03:25:16", "018-update-all-in-one")
    server.update("03:25:18", 562, 563, action=4, text="both")
    server.told("03:25:22", "019-update-two-events-1", "019-update-two-events-2")
    server.update("03:25:24", 562, action=5, text="closed by hand")
    server.world.set_next_id("event", 564)
    server.clock.seconds = at("03:25:25")
    recovery, update = server.escalator.round()
    server.compare("020-update-close-1", recovery)
    assert update.subject == "SRC0 REC2 562"
    server.update("03:25:30", 562, action=4, text="late word")
    server.told("03:25:31", "021-update-after-resolve")


def test_updates_are_told_as_recorded_and_a_close_tells_the_recovery_first():
    updates(Server())


def test_flapping_tells_both_problems_before_both_recoveries():
    server = Server()
    server.problem("03:26:13", 570, 25216, "95")
    server.recovery("03:26:13", 571, 570, "40")
    server.problem("03:26:13", 572, 25216, "96")
    server.recovery("03:26:13", 573, 572, "41")
    kinds = [alert.subject for alert in server.escalator.round()]
    server.clock.seconds = at("03:26:16")
    ends = server.escalator.round()
    assert kinds == ["SRC0 REC0 570", "SRC0 REC0 572"]
    for name, alert in zip(("080-flapping-3", "080-flapping-4"), ends, strict=True):
        server.compare(name, alert)


DISCOVERED = {
    "060-discovery-up1": (69, 1, 1, "02:15:23", "02:15:29"),
    "060-discovery-up2": (68, 1, 2, "02:15:23", "02:15:29"),
    "061-autoregistration": (61, 2, 3, "02:15:22", "02:15:23"),
}


@pytest.mark.parametrize("name", DISCOVERED)
def test_events_of_other_sources_leave_most_macros_as_they_are_written(name):
    server, (eventid, source, object_, raised, told) = Server(), DISCOVERED[name]
    values = recorded_alerts.macros(name)
    own = ("ACTION", "DISCOVERY", "HOST", "PROXY")
    known = {
        f"{{{macro}}}": value for macro, value in values.items() if macro.split(".")[0] in own and "{" not in value
    }
    known["{EVENT.AGE}"] = values["EVENT.AGE"]
    server.world.set_next_id("event", eventid)
    server.clock.seconds = at(raised)
    server.world.raise_elsewhere(source, object_, known)
    server.told(told, name)


def test_every_accepted_field_is_compared_with_the_recordings():
    """No field of the bridge is among the macros that the stand-in does not keep; those never recorded are few."""
    recorded = recorded_alerts.macros("001-problem-cpu").keys()
    fields = {macro.strip("{}") for macro in ALERT_FIELDS.values()}
    assert not fields & NOT_KEPT.keys()
    assert fields - recorded == {"INVENTORY.MACADDRESS.A"}
