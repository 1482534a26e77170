"""`report`: what a bridge has lived through comes out right; a page is written; what cannot be is said in a line."""

from __future__ import annotations

import gc
import json
import os
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from glpi_bridge import http
from glpi_bridge.cli import main
from glpi_bridge.glpi import Credentials, Glpi
from glpi_bridge.report import read
from glpi_bridge.report.figures import Figures
from glpi_bridge.report.period import Period
from glpi_bridge.sandbox import month
from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.store import Store
from tests.house import VERSIONS
from tests.integration.installation import RULES, Installation, installation

TODAY = datetime.now(UTC).date()
DAYS = ("--from", str(TODAY - timedelta(days=1)), "--to", str(TODAY), "--timezone", "UTC")


@pytest.fixture(params=VERSIONS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, request.param) as made:
        made.write(rules=RULES + "  reopen_window: never\n")
        yield made


def fail(house: Installation, event: int, **fields: Any) -> None:
    """One problem from beginning to end."""
    house.alert(str(event), **fields)
    house.ok("deliver")
    house.alert(str(event), event_value="0", **fields)
    house.ok("deliver")


def test_what_the_bridge_has_lived_through_is_counted(house: Installation) -> None:
    fail(house, 1, trigger_id="7", host_host="web01", trigger_name="CPU is high", event_nseverity="4")
    fail(house, 2, trigger_id="7", host_host="web01", trigger_name="CPU is high", event_nseverity="4")
    house.alert("3", trigger_id="8", host_host="db01", trigger_name="Disk is full", event_nseverity="5")
    house.ok("deliver")
    by_hand = house.glpi.people.create(name="Printer", content="<p>x</p>", itilcategories_id=7)
    house.glpi.people.take(by_hand)
    house.glpi.people.solve(by_hand)
    house.glpi.people.create(name="A laptop", content="<p>x</p>", type=2)
    binned = house.glpi.people.create(name="A mistake", content="<p>x</p>")
    house.glpi.people.delete(binned)
    problem = house.glpi.people.create(itemtype="Problem", name="Why", content="<p>x</p>", user=2)
    house.glpi.world.db["Problem_Ticket"].insert({"problems_id": problem, "tickets_id": 1})

    found = house.json("report", *DAYS)

    assert (found["incidents"], found["monitored"], found["open"]) == (4, 3, 1)
    totals = {name: sum(counts) for name, counts in found["by_severity"].items() if any(counts)}
    assert totals == {"4": 2, "5": 1, "people": 1}
    assert [(one["host"], one["tickets"]) for one in found["hosts"]] == [("web01", 2), ("db01", 1)]
    assert found["triggers"][0]["trigger"] == "CPU is high"
    assert (sum(found["by_itself"]), sum(found["by_people"])) == (2, 1)
    assert (sum(found["anew"]), sum(found["again"])) == (2, 1)
    assert (found["alerts"], found["problems"]) == (5, 3)
    assert {one["name"]: sum(one["counts"]) for one in found["by_category"]} == {"Monitoring": 3, "Workstation": 1}
    assert found["undertaken"]["Problem"] == {"from_incidents": [0, 1], "others": [0, 0], "incidents": 1}
    assert found["to_resolve"]["all"]["count"] == 3


def test_a_page_is_written_for_its_owner_and_group_only(house: Installation) -> None:
    fail(house, 1, host_host="web01")
    out = house.home / "reports"
    out.mkdir()
    told = house.ok("report", *DAYS, "--out", str(out), "--csv", "--language", "fr")
    assert sorted(Path(line).suffix for line in told.split()) == [".csv", ".html"]
    for path in out.iterdir():
        assert path.stat().st_mode & 0o777 == 0o640
    page = next(out.glob("*.html")).read_text("utf-8")
    assert '<html lang="fr">' in page
    assert "web01" in page
    assert "127.0.0.1" in page  # whose incidents they are
    before = sorted(out.iterdir())
    house.ok("report", *DAYS, "--out", str(out), "--csv")
    assert sorted(out.iterdir()) == before


def test_what_the_account_may_not_read_is_left_out_and_said(house: Installation) -> None:
    fail(house, 1)
    house.glpi.people.set_rights(9, {"problem": 0, "itilcategory": 0})
    found = house.json("report", *DAYS)
    assert list(found["undertaken"]) == ["Change"]
    assert found["by_category"][0]["name"].startswith("#")


def tables(house: Installation) -> dict[str, Any]:
    """All that GLPI holds but when its users last signed in."""
    return {name: rows for name, rows in house.glpi.world.db.snapshot().items() if name != "User"}


def test_sessions_are_ended_and_nothing_is_written(house: Installation) -> None:
    fail(house, 1)
    before, sessions = tables(house), len(house.glpi.world.sessions.files)
    house.json("report", *DAYS)
    assert tables(house) == before
    assert len(house.glpi.world.sessions.files) == sessions


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--json", "--from", "2026-11-05", "--to", "2026-11-01"], 2, "--from 2026-11-05 is after --to 2026-11-01"),
        (["--json", "--from", "soon"], 2, '--from "soon" is not a day; write it as 2026-11-01'),
        (["--json", "--last", "3h"], 2, '--last "3h" is not a number of whole days'),
        (["--json", "--timezone", "Mars/Base"], 2, '"Mars/Base" is not a time zone of this machine'),
        (["--json", "--language", "de"], 2, "'de' is not one of 'en', 'es', 'fr'"),
        ([], 1, "bridge.yml: cannot be read"),
        (["--csv", "--json"], 2, "--csv writes beside the page"),
        (["--demo", "--json", "--last", "7d"], 2, "--demo has a month of its own"),
        (["--demo", "--out", "nowhere"], 1, "--out nowhere is not there; make it, as in: install -d -m 750 nowhere"),
        (["--demo", "--out", "file"], 1, "--out file is not a directory"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    result = CliRunner().invoke(main, ["-c", str(tmp_path / "bridge.yml"), "report", *arguments])
    assert result.exit_code == code, result.output
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_directory_that_may_not_be_written_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    result = CliRunner().invoke(main, ["report", "--demo", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert f"--out {tmp_path}: Permission denied; name a directory that this user may write in" in result.stderr


def test_without_the_extra_a_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    result = CliRunner().invoke(main, ["report", "--demo", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "pip install 'glpi-bridge[report]'" in result.stderr


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with installation(tmp_path, VERSIONS[0]) as made:
        made.write(rules=RULES)
        result = made.run("report", "--json")
        assert result.exit_code == 1
        assert "bridge.db is not there yet" in result.stderr
        assert not (tmp_path / "bridge.db").exists()


def test_the_demo_s_month_is_lively_and_always_the_same() -> None:
    first, again = (CliRunner().invoke(main, ["report", "--demo", "--json"]) for _ in range(2))
    assert first.exit_code == 0, first.output
    assert first.stdout == again.stdout
    found = json.loads(first.stdout)
    assert found["incidents"] > 300
    for name in ("by_itself", "by_people", "again", "anew", "still_open"):
        assert any(found[name]), name
    assert len(found["hosts"]) == len(found["triggers"]) == 10
    assert all(any(counts) for counts in found["by_severity"].values() if counts is not found["by_severity"]["0"])
    assert any(found["undertaken"]["Problem"]["from_incidents"])
    assert any(found["undertaken"]["Change"]["others"])


def test_without_a_page_the_main_numbers_are_told() -> None:
    told = CliRunner().invoke(main, ["report", "--demo", "--language", "fr"])
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert len(lines) == 8
    assert re.fullmatch(r"Incidents +\d+ \([\d,]+ par jour\)", lines[0])


def test_each_ticket_of_many_pages_is_counted_once(tmp_path: Path) -> None:
    period = Period(date(2026, 8, 1), date(2026, 10, 31))
    stories = list(month.happenings(3, date(2026, 7, 20), period.last, often=2.0))
    expected = sum(one.opened_at >= period.start for one in stories)
    with GlpiServer() as server, closing(Store(f"sqlite:///{tmp_path}/bridge.db")) as store:
        month.lay(server, store, stories, month.NOW)
        with closing(client(server)) as glpi:
            found = read.figures(glpi, store, period, month.NOW, lambda _part, _count: None)
    assert expected > 2 * 1000
    assert found.incidents == expected
    assert found.monitored == sum(one.opened_at >= period.start and one.habit is not None for one in stories)


def client(server: GlpiServer) -> Glpi:
    who = Credentials(user_token=server.user_token, app_token=server.app_token)
    return Glpi(server.url, lambda: who, http.session(target="GLPI"))


class _Endless:
    """A GLPI of so many tickets, made as they are asked for."""

    account = object()

    def __init__(self, count: int) -> None:
        self.count = count

    def from_utc(self, moment: datetime) -> str:
        return f"{moment:%Y-%m-%d %H:%M:%S}"

    def rows(self, _path: str, _params: object = None) -> list[dict[str, Any]]:
        return []

    def newest(self, path: str, _params: object, **_how: object) -> Iterator[dict[str, Any]]:
        for number in range(self.count if path == "Ticket" else 0, 0, -1):
            opened = f"2026-10-{1 + number % 28:02} 08:00:00"
            yield {
                "id": number, "type": 1, "status": 5, "date": opened, "date_creation": opened, "itilcategories_id": 1,
                "takeintoaccountdate": opened, "takeintoaccount_delay_stat": 60, "solvedate": opened, "closedate": None,
                "solve_delay_stat": 600, "time_to_own": None, "time_to_resolve": None, "content": "x" * 2000,
            }  # fmt: skip


def _peak(store: Store, count: int) -> tuple[int, Figures]:
    def sweep(_part: float, _count: int) -> None:
        gc.collect()  # what only waits for the collector is not what is measured

    tracemalloc.start()
    try:
        glpi: Any = _Endless(count)
        found = read.figures(glpi, store, Period(month.FIRST, month.LAST), month.NOW, sweep)
        return tracemalloc.get_traced_memory()[1], found
    finally:
        tracemalloc.stop()


def test_many_tickets_need_no_more_memory_than_a_few_numbers_each(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path}/bridge.db")) as store:
        _peak(store, 2000)  # what is loaded once
        few, _ = _peak(store, 2000)
        many, found = _peak(store, 20_000)
    assert found.incidents == 20_000
    assert many - few < 18_000 * 64  # two times of eight bytes each, held twice while they are sorted
