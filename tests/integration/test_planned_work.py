"""The planned work of a Change becomes maintenance in Zabbix: made, followed, ended, left to people, noted in GLPI."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from glpi_bridge import deliver
from glpi_bridge.sandbox.zabbix.faults import Fault, FaultKind
from glpi_bridge.sandbox.zabbix.model import Maintenance
from tests.house import MAINTAINER, VERSIONS, let_maintain
from tests.integration.installation import Installation, installation

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC).timestamp()
HOUR = 3600.0
ACCEPTED, APPLIED, CANCELLED, WAITING, REFUSED = 7, 5, 14, 2, 4
DONE = 2
BROKEN = (FaultKind.RESET_AFTER, FaultKind.RESET)


@dataclass
class Desk:
    """An installation whose clocks the test turns: GLPI's, Zabbix's and the bridge's are one."""

    house: Installation
    now: float = NOON

    def __post_init__(self) -> None:
        world = self.house.zabbix.world
        world.clock = self.house.glpi.world.clock = self.house.glpi.world.sessions.clock = lambda: self.now
        self.house.secret("maintenance.token", let_maintain(self.house.zabbix))
        for name in ("web01", "db01"):
            world.add_host(name)
        self.house.zabbix.set_rights({"Lab servers": 2, "Other": 2})
        self.settings()

    def settings(self, **more: Any) -> None:
        """Write `maintenance` into the settings."""
        self.house.write()
        read = yaml.safe_load(self.house.path.read_text())
        read["zabbix"]["maintenance"] = {"token_file": "./maintenance.token", **more}
        read["glpi"]["timezone"] = "UTC"
        read["delivery"]["settle_after"] = "30s"
        self.house.path.write_text(yaml.safe_dump(read))

    # -- people ---------------------------------------------------------------------------------------------------

    def change(self, *assets: str, **fields: Any) -> int:
        """Make a Change about computers of these names."""
        people = self.house.glpi.people
        made = people.create(itemtype="Change", user=9, name="Replace the disk", content="<p>x</p>", **fields)
        for name in assets:
            self.link(made, name)
        return made

    def link(self, change: int, name: str) -> None:
        """Link a computer to a Change."""
        fields = {"changes_id": change, "itemtype": "Computer", "items_id": self.computer(name)}
        self.house.glpi.world.writers["Change_Item"].add(self.house.glpi.people.act(9), fields)

    def computer(self, name: str) -> int:
        table = self.house.glpi.world.db["Computer"]
        found = [id_ for id_ in table.ids if table.value(id_, "name") == name]
        return found[0] if found else table.insert({"name": name, "entities_id": 0, "is_recursive": 1})

    def task(self, change: int, at: float, hours: float = 1.0, **fields: Any) -> int:
        """Plan a task, its begin in hours after noon."""
        since = NOON + at * HOUR
        planned = {"begin": stamp(since), "end": stamp(since + hours * HOUR), "state": 1, "content": "<p>do it</p>"}
        given = {"changes_id": change, **planned, **fields}
        return self.house.glpi.people.create(itemtype="ChangeTask", user=9, **given)

    def edit(self, itemtype: str, id_: int, **fields: Any) -> None:
        self.house.glpi.people.edit(id_, itemtype=itemtype, **fields)

    # -- the bridge -----------------------------------------------------------------------------------------------

    def turn(self, seconds: float = 61.0, passes: int = 2) -> None:
        """Turn the clock, then let the bridge do its passes."""
        self.now += seconds
        with self.house.context() as context:
            context.now = lambda: self.now
            context.chance = lambda: 0.5
            for _ in range(passes):
                deliver.one_pass(context)

    def maintenances(self) -> list[Maintenance]:
        return list(self.house.zabbix.world.maintenances.values())

    def only(self) -> Maintenance:
        (one,) = self.maintenances()
        return one

    def hosts(self) -> list[str]:
        world = self.house.zabbix.world
        return sorted(world.hosts[hostid].host for hostid in self.only().hostids)

    def notes(self, change: int) -> list[str]:
        """The bridge's notes on a Change, as plain text."""
        table = self.house.glpi.world.db["ITILFollowup"]
        rows = [table.full(id_) for id_ in table.ids]
        mine = [row for row in rows if (row["itemtype"], row["items_id"]) == ("Change", change)]
        assert all(row["is_private"] for row in mine)
        return [re.sub("<[^>]*>|&#60;.*?&#62;", "", row["content"]) for row in mine]

    def state(self) -> str:
        (one,) = self.house.json("itil", "change", "list")
        return str(one["maintenance"])


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def span(begin: float, hours: float = 1.0) -> tuple[int, int]:
    """A period as Zabbix has it."""
    return int(NOON + begin * HOUR), int(hours * HOUR)


both = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def version() -> str:
    """GLPI's version; what hangs on it is tried with `both`."""
    return VERSIONS[1]


@pytest.fixture
def desk(version: str, tmp_path: Path) -> Iterator[Desk]:
    with installation(tmp_path, version) as made:
        made.glpi.world.db["Profile"].update(9, {"networking": 1, "internet": 1, "task": 8193})
        yield Desk(made)


@both
def test_a_planned_task_puts_the_hosts_of_the_change_into_maintenance_and_says_so(desk: Desk) -> None:
    change = desk.change("web01", "db01")
    desk.task(change, 2)
    desk.turn()
    one = desk.only()
    assert (one.name, desk.hosts(), one.periods, one.type) == (
        f"GLPI change {change}",
        ["db01", "web01"],
        (span(2),),
        0,
    )
    assert f"change.form.php?id={change}" in one.description
    assert "Replace the disk" in one.description
    (note,) = desk.notes(change)
    assert "was made by the bridge (nobody was to approve it)" in note
    assert "db01, web01" in note or "web01, db01" in note
    assert "2026-12-01 14:00 to 15:00 UTC" in note
    desk.turn()
    assert desk.maintenances() == [one]
    assert len(desk.notes(change)) == 1


def test_nothing_is_done_where_nobody_asked_for_it(desk: Desk) -> None:
    desk.house.write()
    desk.task(desk.change("web01"), 2)
    desk.turn()
    assert desk.maintenances() == []


def test_several_tasks_are_several_periods_and_those_that_touch_are_one(desk: Desk) -> None:
    change = desk.change("web01")
    for at in (2, 2.5, 6):
        desk.task(change, at)
    desk.task(change, 9, state=DONE)
    desk.task(change, 12, begin=None, end=None)
    desk.turn()
    assert desk.only().periods == (span(2, 1.5), span(6))


@both
def test_a_task_planned_with_a_duration_alone_counts(desk: Desk) -> None:
    desk.task(desk.change("web01"), 2, end=None, actiontime=1800)
    desk.turn()
    assert desk.only().periods == (span(2, 0.5),)


@both
def test_changed_times_and_assets_are_followed(desk: Desk) -> None:
    change = desk.change("web01")
    task = desk.task(change, 2)
    desk.turn()
    desk.edit("ChangeTask", task, begin=stamp(NOON + 4 * HOUR), end=stamp(NOON + 6 * HOUR))
    desk.turn()
    assert desk.only().periods == (span(4, 2),)
    desk.link(change, "db01")
    desk.turn(400)
    assert desk.hosts() == ["db01", "web01"]
    assert len(desk.notes(change)) == 3


def test_an_asset_that_is_taken_away_leaves_the_maintenance(desk: Desk) -> None:
    change = desk.change("web01", "db01")
    desk.task(change, 2)
    desk.turn()
    table = desk.house.glpi.world.db["Change_Item"]
    link = next(id_ for id_ in table.ids if table.value(id_, "items_id") == desk.computer("db01"))
    people = desk.house.glpi.people
    desk.house.glpi.world.writers["Change_Item"].delete(people.act(2), link, purge=True)
    desk.turn(400)
    assert desk.hosts() == ["web01"]


@pytest.mark.parametrize("status", [APPLIED, 13, CANCELLED])
def test_a_change_that_ends_before_its_work_takes_the_maintenance_away(desk: Desk, status: int) -> None:
    change = desk.change("web01")
    desk.task(change, 2)
    desk.turn()
    desk.edit("Change", change, status=status)
    desk.turn()
    assert desk.maintenances() == []
    assert "was taken away before it began by the bridge (the change is" in desk.notes(change)[-1]
    desk.turn(400)
    assert len(desk.notes(change)) == 2


def test_a_change_that_ends_during_its_work_ends_the_maintenance_now(desk: Desk) -> None:
    change = desk.change("web01")
    desk.task(change, 0.5, 4)
    desk.turn()
    desk.turn(HOUR)
    event = desk.house.zabbix.raise_problem("web01", "CPU is high")
    assert desk.house.zabbix.event(event)["suppressed"] == "1"
    desk.edit("Change", change, status=APPLIED)
    desk.turn()
    assert desk.now <= desk.only().till <= desk.now + 60
    desk.turn(120)
    desk.house.zabbix.run_alerts()
    assert desk.house.zabbix.event(event)["suppressed"] == "0"
    assert "was ended early by the bridge (the change is applied)" in desk.notes(change)[-1]
    assert "over" in desk.state()


@both
def test_a_change_in_the_trash_and_one_that_is_purged_have_none(desk: Desk) -> None:
    for purge in (False, True):
        change = desk.change("web01")
        desk.task(change, 2)
        desk.turn()
        assert len(desk.maintenances()) == 1
        world = desk.house.glpi.world
        world.writers["Change"].delete(desk.house.glpi.people.act(2), change, purge=purge)
        desk.turn(400)
        assert desk.maintenances() == []


def test_a_task_that_is_done_early_ends_its_period(desk: Desk) -> None:
    change = desk.change("web01")
    first, _ = desk.task(change, 0.5, 2), desk.task(change, 6)
    desk.turn()
    desk.turn(HOUR)
    desk.edit("ChangeTask", first, state=DONE)
    desk.turn()
    assert desk.only().periods == (span(6),)


def test_work_that_is_over_stays_in_zabbix_as_it_was_and_can_be_planned_anew(desk: Desk) -> None:
    change = desk.change("web01")
    desk.task(change, 1)
    desk.turn()
    before = desk.only().periods
    desk.turn(3 * HOUR)
    assert desk.only().periods == before
    assert len(desk.notes(change)) == 1
    desk.task(change, 8)
    desk.turn()
    assert desk.only().periods == (span(8),)


# -- what people have agreed to ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "fields", "is_made"),
    [
        ("approved", {}, True),
        ("approved", {"global_validation": WAITING}, False),
        ("approved", {"global_validation": REFUSED}, False),
        ("approved", {"global_validation": 3}, True),
        ("accepted", {"global_validation": 3}, False),
        ("accepted", {"status": ACCEPTED}, True),
        ("accepted", {"status": ACCEPTED, "global_validation": WAITING}, False),
        ("planned", {"global_validation": WAITING}, True),
        ("planned", {"global_validation": REFUSED}, False),
    ],
)
def test_only_what_people_agreed_to_is_maintained(desk: Desk, when: str, fields: dict[str, int], is_made: bool) -> None:
    desk.settings(when=when)
    change = desk.change("web01")
    desk.task(change, 2)
    desk.house.glpi.world.db["Change"].update(change, fields)
    desk.turn()
    assert len(desk.maintenances()) == int(is_made)


def test_an_approval_that_is_given_later_makes_it_and_one_that_is_refused_takes_it_away(desk: Desk) -> None:
    change = desk.change("web01")
    desk.task(change, 2)
    table = desk.house.glpi.world.db["Change"]
    table.update(change, {"global_validation": WAITING})
    desk.turn()
    assert desk.maintenances() == []
    assert desk.notes(change) == []
    table.update(change, {"global_validation": 3})
    desk.turn(400)
    assert len(desk.maintenances()) == 1
    table.update(change, {"global_validation": REFUSED})
    desk.turn(400)
    assert desk.maintenances() == []
    assert "its approval was refused" in desk.notes(change)[-1]


# -- never a wrong host -----------------------------------------------------------------------------------------------


def test_an_asset_without_host_and_one_with_several_are_said_once_and_the_others_are_maintained(desk: Desk) -> None:
    for name in ("mail.a.example", "mail.b.example"):
        desk.house.zabbix.world.add_host(name)
    change = desk.change("web01", "mail", "printer7")
    desk.task(change, 2)
    desk.turn()
    desk.turn(400)
    assert desk.hosts() == ["web01"]
    said, made = sorted(desk.notes(change), key=lambda note: "was made" in note)
    assert "several hosts of Zabbix zabbix would be it: mail.a.example, mail.b.example" in said
    assert "printer7" in said
    assert "no host of Zabbix is it" in said
    assert "was made" in made
    (notice,) = [one for one in desk.house.json("status")["notices"] if one["kind"] == "maintenance"]
    assert "printer7" in notice["text"]


def test_hosts_that_each_name_the_asset_outright_are_all_of_it(desk: Desk) -> None:
    world = desk.house.zabbix.world
    world.add_host("d-17", tags=[("asset", "db-cluster")])
    world.add_host("d-18", tags=[("asset", "Computer: db-cluster")])
    desk.task(desk.change("db-cluster"), 2)
    desk.turn()
    assert desk.hosts() == ["d-17", "d-18"]


@pytest.mark.parametrize(
    ("asset", "host"),
    [
        ({"name": "srv", "serial": "SN-9"}, {"inventory": {"serialno_a": "sn-9"}, "inventory_mode": 0}),
        ({"name": "srv", "otherserial": "INV-9"}, {"inventory": {"asset_tag": "INV-9"}, "inventory_mode": 0}),
        ({"name": "srv.lab.example"}, {"dns": "srv.lab.example", "ip": "10.9.8.7"}),
        ({"name": "srv", "ip": "10.9.8.7"}, {"ip": "10.9.8.7"}),
    ],
)
def test_a_host_is_found_by_what_tells_assets(desk: Desk, asset: dict[str, str], host: dict[str, Any]) -> None:
    db = desk.house.glpi.world.db
    fields = {name: value for name, value in asset.items() if name != "ip"}
    number = db["Computer"].insert({"entities_id": 0, "is_recursive": 1, **fields})
    if "ip" in asset:
        db["IPAddress"].insert({"name": asset["ip"], "mainitemtype": "Computer", "mainitems_id": number})
    desk.house.zabbix.world.add_host("h-4711", **host)
    desk.task(desk.change(asset["name"]), 2)
    desk.turn()
    assert desk.hosts() == ["h-4711"]


def test_only_hosts_of_the_groups_that_are_allowed_and_that_the_token_may_write(desk: Desk) -> None:
    world = desk.house.zabbix.world
    world.add_host("foreign", groups=["Other"])
    world.add_host("kept", groups=["Lab servers", "Lab servers/Test"])
    change = desk.change("web01", "foreign", "kept")
    desk.task(change, 2)
    desk.settings(host_groups=["Lab servers/Test", "Other"])
    desk.turn()
    assert desk.hosts() == ["kept"]
    said = " ".join(desk.notes(change))
    assert "foreign of Zabbix zabbix may not be put into maintenance" in said
    assert "web01 of Zabbix zabbix may not be put into maintenance" in said


@both
def test_a_change_without_assets_is_about_the_hosts_of_its_incidents(desk: Desk) -> None:
    host = desk.house.zabbix.world.host_named("db01")
    desk.house.alert("101", host_host="db01", host_id=str(host.hostid))
    desk.house.ok("deliver")
    (ticket,) = desk.house.glpi.world.db["Ticket"].ids
    change = desk.change()
    desk.house.glpi.people.create(itemtype="Change_Ticket", user=9, changes_id=change, tickets_id=ticket)
    desk.task(change, 2)
    desk.turn()
    assert desk.hosts() == ["db01"]


def test_no_data_is_collected_where_the_settings_say_so(desk: Desk) -> None:
    desk.settings(collect_data=False)
    change = desk.change("web01")
    desk.task(change, 2)
    desk.turn()
    assert desk.only().type == 1
    assert "No values are collected" in desk.notes(change)[0]


def test_times_are_those_of_glpis_zone_also_behind_a_change_of_the_clocks(desk: Desk) -> None:
    """In summer Paris is two hours ahead, in winter, when this is planned, one."""
    read = yaml.safe_load(desk.house.path.read_text())
    read["glpi"]["timezone"] = "Europe/Paris"
    desk.house.path.write_text(yaml.safe_dump(read))
    desk.now = datetime(2027, 3, 26, 12, 0, tzinfo=UTC).timestamp()
    desk.house.glpi.world.timezone = ZoneInfo("Europe/Paris")
    desk.task(desk.change("web01"), 0, begin="2027-03-30 22:00:00", end="2027-03-30 23:00:00")
    desk.turn()
    ((start, _),) = desk.only().periods
    assert datetime.fromtimestamp(start, UTC) == datetime(2027, 3, 30, 20, 0, tzinfo=UTC)


# -- people win -------------------------------------------------------------------------------------------------------


def test_a_maintenance_that_a_person_deleted_is_not_made_again(desk: Desk) -> None:
    change = desk.change("web01")
    task = desk.task(change, 2)
    desk.turn()
    desk.house.zabbix.world.maintenances.clear()
    desk.turn()
    desk.edit("ChangeTask", task, end=stamp(NOON + 9 * HOUR))
    desk.turn(400)
    assert desk.maintenances() == []
    assert "a person deleted it" in desk.notes(change)[-1]
    assert len(desk.notes(change)) == 2
    assert "a person deleted it" in desk.state()
    assert any("a person deleted it" in one["text"] for one in desk.house.json("status")["notices"])


def test_a_maintenance_that_a_person_changed_is_left_so(desk: Desk) -> None:
    change = desk.change("web01")
    desk.task(change, 2)
    desk.turn()
    one = desk.only()
    one.periods = (span(2, 5),)
    one.till = int(NOON + 7 * HOUR)
    desk.turn()
    desk.edit("Change", change, status=CANCELLED)
    desk.turn(400)
    assert desk.only().periods == (span(2, 5),)
    assert "a person changed it in Zabbix. It is left so." in desk.notes(change)[-1]


def test_another_name_and_description_are_peoples_and_do_not_stop_anything(desk: Desk) -> None:
    change = desk.change("web01")
    task = desk.task(change, 2)
    desk.turn()
    one = desk.only()
    one.name, one.description = "Disk of web01", "by Ann"
    desk.edit("ChangeTask", task, end=stamp(NOON + 9 * HOUR))
    desk.turn()
    assert (desk.only().name, desk.only().description, desk.only().periods) == (
        "Disk of web01",
        "by Ann",
        (span(2, 7),),
    )


def test_a_foreign_maintenance_of_the_same_name_is_not_touched(desk: Desk) -> None:
    world = desk.house.zabbix.world
    change = desk.change("web01")
    theirs = world.start_maintenance([world.host_named("db01")])
    theirs.name = f"GLPI change {change}"
    desk.task(change, 2)
    desk.turn()
    assert desk.hosts() == ["db01"]
    assert "is not the bridge" in desk.notes(change)[-1]


# -- whatever breaks off ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [FaultKind.RESET_AFTER, FaultKind.RESET, FaultKind.ERROR_500_AFTER, FaultKind.ERROR_503]
)
@pytest.mark.parametrize("deed", ["create", "update", "delete"])
def test_an_answer_that_is_lost_leaves_one_maintenance_and_one_note(desk: Desk, kind: FaultKind, deed: str) -> None:
    change = desk.change("web01")
    task = desk.task(change, 2)
    if deed != "create":
        desk.turn()
    if deed == "update":
        desk.edit("ChangeTask", task, end=stamp(NOON + 9 * HOUR))
    if deed == "delete":
        desk.edit("Change", change, status=CANCELLED)
    desk.house.zabbix.faults.order(Fault(kind, 1, f"maintenance.{deed}"))
    for _ in range(3):
        desk.turn()
    assert [one.periods for one in desk.maintenances()] == {
        "create": [(span(2),)],
        "update": [(span(2, 7),)],
        "delete": [],
    }[deed]
    assert len(desk.notes(change)) == (1 if deed == "create" else 2)


def test_a_lost_store_adopts_what_is_there_and_makes_no_second_one(desk: Desk) -> None:
    change = desk.change("web01")
    task = desk.task(change, 2)
    desk.turn()
    for left in desk.house.home.glob("bridge.db*"):
        left.unlink()
    desk.turn()
    desk.edit("ChangeTask", task, end=stamp(NOON + 4 * HOUR))
    desk.turn()
    assert desk.only().periods == (span(2, 2),)


def test_what_zabbix_refuses_again_and_again_waits_for_a_person_and_another_plan(desk: Desk) -> None:
    change = desk.change("web01")
    task = desk.task(change, 2)
    role = desk.house.zabbix.world.roles[MAINTAINER]
    role.actions = frozenset()
    for _ in range(4):
        desk.turn()
    assert "No permissions to call" in desk.notes(change)[-1]
    assert "waits for a person" in desk.state()
    role.actions = None
    desk.edit("ChangeTask", task, end=stamp(NOON + 4 * HOUR))
    desk.turn()
    assert desk.only().periods == (span(2, 2),)


def test_a_token_that_zabbix_does_not_take_holds_maintenance_only(desk: Desk) -> None:
    desk.house.zabbix.world.tokens[MAINTAINER].status = 1
    desk.task(desk.change("web01"), 2)
    desk.house.alert("101")
    desk.turn()
    assert desk.maintenances() == []
    assert len(desk.house.glpi.world.db["Ticket"].ids) == 1
    (trouble,) = desk.house.json("status", code=1)["troubles"]
    assert trouble["target"] == "Zabbix zabbix (maintenance)"
    desk.house.zabbix.world.tokens[MAINTAINER].status = 0
    desk.turn()
    assert len(desk.maintenances()) == 1
    assert desk.house.json("status")["troubles"] == []


@both
def test_a_right_that_the_profile_lacks_is_said_and_nothing_is_ended(desk: Desk) -> None:
    change = desk.change("web01")
    desk.task(change, 2)
    desk.turn()
    desk.house.glpi.world.db["Profile"].update(9, {"change": 0, "task": 0})
    desk.turn(400)
    desk.turn(400)
    assert len(desk.maintenances()) == 1
    assert any("planned work" in one["text"] for one in desk.house.json("status")["notices"])


def test_what_is_asked_for_is_shown_and_what_is_not_there_is_said(desk: Desk) -> None:
    change = desk.change("web01")
    desk.task(change, 2)
    assert "no maintenance in Zabbix" in desk.house.ok("itil", "change", "show", str(change))
    desk.turn()
    said = desk.house.ok("itil", "change", "show", str(change))
    assert f"Zabbix zabbix, GLPI change {change}: as planned; web01; 2026-12-01 14:00+00:00 to" in said
    (one,) = desk.house.json("itil", "change", "show", str(change))["maintenance"]
    assert (one["zabbix"], one["hosts"], one["state"]) == ("zabbix", ["web01"], "as planned")
    assert "; maintenance in zabbix: as planned" in desk.house.ok("itil", "change", "list")
    missing = desk.house.run("itil", "change", "show", "4711")
    assert missing.exit_code == 1
    assert "GLPI shows no change 4711" in missing.output
