"""Run a program under strace: watch its system calls, or kill it (or fail the call) at exactly one of them.

strace counts calls per process and per name, so a `Point` is: this process, the nth call of that name. Other programs
that the first one starts are told apart by their name and by which start of that name it is; each is given a strace
of its own by a small stand-in early in PATH. What a child does between its fork and its exec is not reached in this
way: `Trace.before_exec` lists it, for a test to say that it matters to nobody.

Count first, then go through the points:

    seen = trace([program, …])
    for point in points(seen.calls):
        result = run_at(point, KILL, [program, …], scratch)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KILL = "signal=SIGKILL"
EIO = "error=EIO"
ENOSPC = "error=ENOSPC"
DEADLINE_SECONDS = 60

_LINE = re.compile(r"(\d+)\s+([a-z]\w*)\(")
_EXEC = re.compile(r"(\d+)\s+execve\(\"([^\"]+)\"")
_EXEC_DONE = re.compile(r"(\d+)\s+(?:execve\(|<\.\.\. execve resumed>).*\) += 0$")
_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")
_EFFECTS = frozenset(
    {"write", "pwrite64", "writev", "pwritev", "sendto", "sendmsg", "connect", "ftruncate", "truncate"}
    | {"fsync", "fdatasync", "sync", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"}
    | {"unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"}
)
_OPENS = frozenset({"open", "openat", "creat"})


@dataclass(frozen=True)
class Call:
    """One system call: the program that made it, which start of that program, its name and strace's whole line.

    `program` is empty for the program that was asked for itself.
    """

    program: str
    start: int
    name: str
    line: str

    @property
    def has_effect(self) -> bool:
        """Tell whether the call can change what others see: files, names, connections."""
        return self.name in _EFFECTS or (self.name in _OPENS and any(flag in self.line for flag in _WRITING))


@dataclass(frozen=True)
class Point:
    """The nth call of a name in one process; `line` is how strace showed it when the calls were counted."""

    program: str
    start: int
    name: str
    nth: int
    line: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.program or 'program'}#{self.start} {self.name} {self.nth}: {self.line}"


@dataclass(frozen=True)
class Trace:
    """What strace saw of a whole process tree, in order of time."""

    returncode: int
    stdout: bytes
    stderr: bytes
    calls: tuple[Call, ...]
    before_exec: tuple[Call, ...] = field(default=())


def is_available() -> bool:
    """Tell whether strace is here and may trace (some containers forbid it)."""
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


def trace(
    argv: Sequence[str | bytes], scratch: Path, names: str = "all", env: Mapping[str, str] | None = None
) -> Trace:
    """Run a program and list the calls of its whole process tree; `names` is strace's own trace= expression."""
    log = scratch / "strace.log"
    command = ["strace", "-f", "-y", "-s", "200", "-o", str(log), "-e", f"trace={names}", "--", *argv]
    result = subprocess.run(command, capture_output=True, env=env, timeout=DEADLINE_SECONDS, check=False)
    calls, before_exec = _read(log.read_text(errors="replace").splitlines())
    return Trace(result.returncode, result.stdout, result.stderr, calls, before_exec)


def _read(lines: Iterable[str]) -> tuple[tuple[Call, ...], tuple[Call, ...]]:
    """Sort strace's lines by process; a process is nameless until its exec succeeds."""
    processes: dict[str, tuple[str, int]] = {}
    asked: dict[str, str] = {}
    starts: Counter[str] = Counter()
    calls: list[Call] = []
    before_exec: list[Call] = []
    for line in lines:
        if asks := _EXEC.match(line):
            asked[asks[1]] = asks[2]
        if done := _EXEC_DONE.match(line):  # perhaps lines later: two processes run at once
            program = Path(asked[done[1]]).name if processes else ""
            starts[program] += 1
            processes[done[1]] = (program, starts[program])
        if found := _LINE.match(line):
            pid, name = found.groups()
            if pid in processes:
                calls.append(Call(*processes[pid], name, line))
            else:
                before_exec.append(Call("", 0, name, line))
    return tuple(calls), tuple(before_exec)


def points(calls: Iterable[Call], wanted: Callable[[Call], bool] = lambda call: True) -> list[Point]:
    """Give the points of those calls that are wanted; all calls are needed, for they are counted."""
    counts: Counter[tuple[str, int, str]] = Counter()
    found = []
    for call in calls:
        key = call.program, call.start, call.name
        counts[key] += 1
        if wanted(call):
            found.append(Point(*key, counts[key], call.line))
    return found


def run_at(
    point: Point,
    effect: str,
    argv: Sequence[str | bytes],
    scratch: Path,
    env: Mapping[str, str] | None = None,
    *,
    follow: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program with an effect (KILL, EIO, ENOSPC or another of strace's) at one point of it.

    A program that is killed makes strace end by the same signal, so the return code is the program's. `follow` traces
    the threads (and children) of the program too, each counted for itself. `scratch` is a directory for this run only.
    """
    environment = dict(os.environ if env is None else env)
    tracer = [
        "strace",
        "-o",
        os.devnull,
        "-e",
        f"trace={point.name}",
        "-e",
        f"inject={point.name}:{effect}:when={point.nth}",
    ]
    if follow:
        tracer.insert(1, "-f")
    if not point.program:
        return _run([*tracer, "--", *argv], environment)
    stand_ins = _stand_in(point, tracer, scratch, environment)
    return _run(argv, environment | {"PATH": f"{stand_ins}:{environment.get('PATH', os.defpath)}"})


def _stand_in(point: Point, tracer: Sequence[str], scratch: Path, environment: Mapping[str, str]) -> Path:
    """Make a program of the same name that traces the wanted start of the real one and passes on the others."""
    real = shutil.which(point.program, path=environment.get("PATH", os.defpath))
    directory = scratch / "bin"
    directory.mkdir(parents=True)
    script = directory / point.program
    script.write_text(
        "#!/bin/sh\nn=1\n"
        f"while ! mkdir {directory}/start.$n 2>/dev/null; do\n"
        f"    [ -d {directory} ] || exit 1\n"  # a detached start that comes when the test is over
        "    n=$((n + 1))\ndone\n"
        f'[ $n = {point.start} ] || exec {real} "$@"\n'
        f'exec {" ".join(tracer)} -- {real} "$@"\n'
    )
    script.chmod(0o755)
    return directory


def _run(argv: Sequence[str | bytes], env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, capture_output=True, env=env, timeout=DEADLINE_SECONDS, check=False)
