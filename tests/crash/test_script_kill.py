"""The alert script, killed or failed at every system call: what is in new/ is whole, and exit 0 means it is there."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glpi_bridge.spool import STALE_SECONDS, Spool
from tests.crash import strace
from tests.crash.strace import EIO, ENOSPC, KILL, Call, Point

SCRIPT = Path(__file__).parents[2] / "alert_scripts" / "zabbix-glpi"
ITEMS = (
    b"event_id=101",
    b"trigger_id=7",
    b"event_name=two\nlines, \xff and 'quotes'",
    b"event_opdata=" + b"x" * 20_000,
)
ALERT = b"".join(item + b"\0" for item in ITEMS)
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
# between fork and exec a child of the shell only arranges its descriptors, its limit and looks for the program
HARMLESS = frozenset(
    {"set_robust_list", "set_tid_address", "rseq", "close", "dup2", "dup3", "fcntl", "execve", "newfstatat", "stat"}
    | {"prlimit64", "setrlimit", "getrlimit", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "getpid", "gettid"}
)

pytestmark = pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace")


@pytest.fixture
def new_spool(tmp_path: Path) -> Callable[[], Spool]:
    numbers = itertools.count()
    return lambda: Spool.create(tmp_path / f"{next(numbers)}" / "spool")


@pytest.fixture(autouse=True, params=["plain", "starts a pass"])
def scripts(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The script alone, and with settings that make it start a delivery pass."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    if request.param != "plain":
        (tmp_path / "scripts" / "zabbix-glpi.conf").write_text("SPOOL=/none\nDELIVER=true\n")


def command(spool: Spool) -> list[str | bytes]:
    return ["/bin/sh", str(spool.path.parents[1] / "scripts" / "zabbix-glpi"), str(spool.path), *ITEMS]


def stored(spool: Spool) -> list[bytes]:
    return [path.read_bytes() for path in spool.new.iterdir()]


def check_promise(spool: Spool, result: subprocess.CompletedProcess[bytes], where: str) -> None:
    """Nothing in new/ is broken, and exit 0 means stored."""
    found = stored(spool)
    assert all(content == ALERT for content in found), f"a broken file is in new/ after {where}"
    assert len(found) <= 1, where
    if result.returncode == 0:
        assert len(found) == 1, f"exit 0 without the alert after {where}"


def check_words(result: subprocess.CompletedProcess[bytes], point: Point, where: str) -> None:
    """A failure is told; one that concerns the spool in a single line of ours with the system's reason."""
    if result.returncode <= 0:
        return
    assert result.stderr, f"no word about {where}"
    if "/spool/" in point.line:
        assert result.stderr.startswith(b"zabbix-glpi: "), f"{where}: {result.stderr!r}"
        assert result.stderr.count(b"\n") == 1, f"{where}: {result.stderr!r}"


def check_retry(spool: Spool, where: str) -> None:
    """Zabbix tries again, and the retry is whole whatever the first try left behind."""
    before = len(stored(spool))
    retry = subprocess.run(command(spool), capture_output=True, env=ENVIRONMENT, check=False)
    assert retry.returncode == 0, f"the retry failed after {where}: {retry.stderr!r}"
    after = stored(spool)
    assert set(after) == {ALERT}, where
    assert len(after) - before in (1, 2), where  # 2: a child of the killed shell went on and finished the first try
    spool.clean(now=time.time() + STALE_SECONDS + 1)
    assert os.listdir(spool.tmp) == [], f"leftovers stay after {where}"


def run_all(points: list[Point], effects: tuple[str, ...], new_spool: Callable[[], Spool]) -> Iterator[str]:
    def one(job: tuple[int, Point, str]) -> str:
        number, point, effect = job
        where = f"{effect} at {point}"
        spool = spools[number]
        result = strace.run_at(point, effect, command(spool), spool.path.parent, ENVIRONMENT)
        check_promise(spool, result, where)
        if effect != KILL:
            check_words(result, point, where)
        if result.returncode:
            check_retry(spool, where)
        shutil.rmtree(spool.path.parent, ignore_errors=True)  # such a child may still be at it
        return f"{result.returncode}"

    jobs = [(number, *job) for number, job in enumerate(itertools.product(points, effects))]
    spools = [new_spool() for _ in jobs]
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(one, jobs)


@pytest.fixture
def calls(new_spool: Callable[[], Spool], tmp_path: Path) -> tuple[Call, ...]:
    spool = new_spool()
    seen = strace.trace(command(spool), tmp_path, env=ENVIRONMENT)
    assert seen.returncode == 0
    assert stored(spool) == [ALERT]
    return seen.calls


def test_killed_at_any_system_call_the_alert_is_whole_or_not_there(
    calls: tuple[Call, ...], new_spool: Callable[[], Spool]
) -> None:
    points = strace.points(calls, lambda call: call.program not in ("setsid", "true"))  # the pass, which only follows
    assert {point.program for point in points} == {"", "sync", "mv"}
    outcomes = list(run_all(points, (KILL,), new_spool))
    assert len(outcomes) == len(points)
    assert sum(outcome != "0" for outcome in outcomes) > len(points) * 9 // 10, "the kills did not reach the script"


def test_a_failing_disk_is_told_and_leaves_no_broken_alert(
    calls: tuple[Call, ...], new_spool: Callable[[], Spool]
) -> None:
    points = strace.points(calls, lambda call: call.has_effect or call.name in ("openat", "open"))
    kinds = {point.name for point in points}
    assert {"openat", "write", "fsync"} <= kinds
    assert any(name.startswith("rename") for name in kinds)
    outcomes = list(run_all(points, (EIO, ENOSPC), new_spool))
    assert "1" in outcomes


def test_the_file_is_safe_before_its_name_and_the_name_before_exit(calls: tuple[Call, ...]) -> None:
    def place(name: str, path: str) -> int:
        found = [number for number, call in enumerate(calls) if call.name.startswith(name) and path in call.line]
        assert len(found) == 1, (name, path, found)
        return found[0]

    writes = [number for number, call in enumerate(calls) if call.name == "write" and "/spool/tmp/" in call.line]
    exits = [number for number, call in enumerate(calls) if call.name == "exit_group" and not call.program]
    order = [
        writes[-1],
        place("fsync", "/spool/tmp/"),
        place("rename", "/spool/new/"),
        place("fsync", "/spool/new>"),
        *exits,
    ]
    assert order == sorted(order)


def test_between_fork_and_exec_nothing_touches_the_spool(new_spool: Callable[[], Spool], tmp_path: Path) -> None:
    seen = strace.trace(command(new_spool()), tmp_path, env=ENVIRONMENT)
    assert {call.name for call in seen.before_exec if '"/dev/null"' not in call.line} <= HARMLESS
