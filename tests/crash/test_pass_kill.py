"""A delivery pass, killed or failed at every third call with an effect: afterwards nothing is lost, nothing twice."""

from __future__ import annotations

import itertools
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pytest

from glpi_bridge.sandbox.glpi.control import Control
from tests.crash import strace
from tests.crash.apart import ROOT, Bridge, standin, views, wait_until
from tests.crash.strace import EIO, ENOSPC, KILL, Call
from tests.invariants import Problem, check

EVENTS = ("101", "102", "103", "104", "105")
NOTE = "the-shop-is-slow"
EVERY = 3
WORKERS = 4
# a kill at these comes while GLPI works on what was sent
WAITS = frozenset({"recvfrom"})
FAILS = frozenset({"openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "unlinkat"})
_LINE = re.compile(r"(?:\d+\s+)?([a-z]\w*)\(")

pytestmark = [
    pytest.mark.skipif(not strace.is_available(), reason="strace is not installed or may not trace"),
    pytest.mark.timeout(600),
]


@dataclass(frozen=True)
class Point:
    """The nth call of a name in a pass."""

    name: str
    nth: int
    line: str


class Passes:
    """Processes that do one pass each (see passes.py)."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.crash.passes"]
        self._server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        self._server.communicate(timeout=60)

    def run(self, settings: Path, *tracer: str) -> int:
        """Do a pass, under strace where its arguments are given; returns its exit code, negative when killed."""
        pid = self._ask(f"new {settings}")
        if not tracer:
            return self._ask("go")
        with subprocess.Popen(["strace", *tracer, "-p", str(pid)], stderr=subprocess.PIPE, text=True) as watching:
            assert watching.stderr is not None
            said = watching.stderr.readline()
            assert "attached" in said, said
            code = self._ask("go")
            watching.communicate(timeout=60)
        return code

    def _ask(self, line: str) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


@pytest.fixture(scope="module")
def glpi() -> Iterator[Control]:
    with standin() as control:
        yield control


@pytest.fixture(scope="module")
def servers() -> Iterator[SimpleQueue[Passes]]:
    """Servers of passes, one for each thread that wants one."""
    free: SimpleQueue[Passes] = SimpleQueue()
    for _ in range(WORKERS):
        free.put(Passes())
    yield free
    while not free.empty():
        free.get().close()


@contextmanager
def one_of(servers: SimpleQueue[Passes]) -> Iterator[Passes]:
    taken = servers.get()
    try:
        yield taken
    finally:
        servers.put(taken)


@pytest.fixture(scope="module")
def store(glpi: Control, servers: SimpleQueue[Passes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of today's schema, in which nothing is known yet."""
    bridge = Bridge(tmp_path_factory.mktemp("new"), glpi, "none")
    bridge.write()
    with one_of(servers) as passes:
        assert passes.run(bridge.settings) == 0
    return bridge.home / "bridge.db"


def prepared(home: Path, glpi: Control, store: Path, source: str) -> Bridge:
    """A bridge that has never delivered, with alerts of five problems, one message and one recovery in its spool."""
    home.mkdir()
    bridge = Bridge(home, glpi, source)
    bridge.write(lease="1s")
    shutil.copy(store, home)
    for event in EVENTS:
        bridge.alert(event)
    bridge.update("101", NOTE)
    bridge.recover("102")
    return bridge


def is_calm(bridge: Bridge) -> bool:
    """Tell whether all alerts were taken and nothing is owed or in flight."""
    if any((bridge.home / "spool" / "new").iterdir()):
        return False
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        (events,) = store.execute("SELECT count(*) FROM events WHERE NOT unsorted").fetchone()
        (owed,) = store.execute("SELECT count(*) FROM incidents WHERE due_at IS NOT NULL").fetchone()
        (flight,) = store.execute("SELECT count(*) FROM attempts").fetchone()
    store.close()
    return bool(events == len(EVENTS) and not owed and not flight)


def check_consistent(bridge: Bridge, where: object) -> None:
    """What was told is in the commit that ends the attempt, and a claim in the one that begins it."""
    with sqlite3.connect(bridge.home / "bridge.db") as store:
        told = store.execute(
            "SELECT count(*) FROM incidents AS i JOIN attempts AS a ON i.attempt_id = a.id "
            "WHERE a.operation = 'create' AND i.ticket_id IS NOT NULL"
        ).fetchone()
        loose = store.execute(
            "SELECT count(*) FROM incidents WHERE attempt_id NOT IN (SELECT id FROM attempts)"
        ).fetchone()
        empty = store.execute(
            "SELECT count(*) FROM attempts WHERE id NOT IN (SELECT attempt_id FROM incidents WHERE attempt_id <> '')"
        ).fetchone()
    store.close()
    assert (told, loose, empty) == ((0,), (0,), (0,)), where


def deliver_until_calm(bridge: Bridge, passes: Passes, where: object) -> None:
    def calm() -> bool:
        code = passes.run(bridge.settings)
        assert code == 0, f"a clean pass ended with {code} after {where}"
        return is_calm(bridge)

    wait_until(calm, 60, lambda: where)


def problems(bridge: Bridge, tickets: dict[str, int]) -> list[Problem]:
    return [
        Problem(
            bridge.source,
            event,
            event,
            recovered=event == "102",
            told=(tickets.get(f"zabbix {bridge.source}/{event}", 0),),
            notes=(NOTE,) if event == "101" else (),
        )
        for event in EVENTS
    ]


def wrong_with(bridges: list[Bridge], glpi: Control) -> dict[str, list[str]]:
    """What is wrong with each source."""
    found = {bridge.source: bridge for bridge in bridges}
    wrong = {}
    for source, tickets in views(found, glpi).items():
        ids = {ticket.marker: ticket.id for ticket in tickets}
        wrong[source] = check(problems(found[source], ids), tickets, acknowledges=False)
    return {source: sentences for source, sentences in wrong.items() if sentences}


def counted(bridge: Bridge, passes: Passes) -> list[Point]:
    """The calls with an effect of a whole pass, in order of time."""
    log = bridge.home / "trace"
    assert passes.run(bridge.settings, "-y", "-s", "60", "-o", str(log)) == 0
    counts: Counter[str] = Counter()
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if call := _LINE.match(line):
            name = call[1]
            counts[name] += 1
            if Call("", 0, name, line).has_effect or name in WAITS:
                found.append(Point(name, counts[name], line))
    return found


@pytest.mark.parametrize("effect", [KILL, EIO, ENOSPC])
def test_a_pass_that_dies_or_fails_anywhere_leaves_each_problem_one_ticket(
    effect: str, glpi: Control, servers: SimpleQueue[Passes], store: Path, tmp_path: Path
) -> None:
    kind = effect.partition("=")[2].lower()
    numbers = itertools.count()

    def one(point: Point) -> tuple[Bridge, Point, int]:
        bridge = prepared(tmp_path / f"{next(numbers)}", glpi, store, f"{kind}-{point.name}-{point.nth}")
        inject = f"inject={point.name}:{effect}:when={point.nth}"
        with one_of(servers) as passes:
            code = passes.run(bridge.settings, "-o", "/dev/null", "-e", f"trace={point.name}", "-e", inject)
            check_consistent(bridge, point)
            deliver_until_calm(bridge, passes, point)
        return bridge, point, code

    first = prepared(tmp_path / "first", glpi, store, f"{kind}-first")
    with one_of(servers) as passes:
        points = counted(first, passes)
        deliver_until_calm(first, passes, "nothing")
    wanted = [point for point in points if effect == KILL or point.name in FAILS]
    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = list(pool.map(one, wanted[::EVERY]))
    assert wrong_with([first, *(bridge for bridge, _, _ in outcomes)], glpi) == {}
    assert len(outcomes) > 30
    if effect == KILL:
        missed = [str(point) for _, point, code in outcomes if code != -9]
        assert len(missed) < len(outcomes) // 4, f"these kills did not reach the pass: {missed}"
