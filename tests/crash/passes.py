"""A server of workers: imports everything once and forks a process for each, which starts in no time.

Reads lines on stdin, writes lines on stdout. `pass PATH` and `run PATH` start a process for the settings at PATH, which
is answered with its pid; it waits for `go`. Then it does one delivery pass, or what `glpi-bridge run` does. `wait`
waits for its end and is answered with its exit code (negative: the signal that killed it).

A call that a pass lets leave in a thread is made in the pass's own thread here, so that strace, which counts calls by
thread, finds it; a `run` is as it always is.
"""

from __future__ import annotations

import ctypes
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from glpi_bridge import build, config, deliver, run
from glpi_bridge.model import Outcome

_PTRACER, _ANYBODY = 0x59616D61, -1  # prctl(PR_SET_PTRACER): Yama lets a stranger trace only where it was allowed to


def at_once(call: Callable[[], list[Outcome]]) -> Callable[[], list[Outcome]]:
    """Make a call now."""
    outcomes = call()
    return lambda: outcomes


def start(word: str, path: str) -> tuple[int, int]:
    """Fork a process that waits for a byte on a pipe; give its pid and the pipe's other end."""
    inner, outer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(inner)
        return pid, outer
    os.close(outer)
    ctypes.CDLL(None).prctl(_PTRACER, _ANYBODY, 0, 0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.read(inner, 1)
    try:
        _WORK[word](Path(path))
    except Exception:  # noqa: BLE001 - a full disk may end it anywhere
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def one_pass(path: Path) -> None:
    """Do one pass, others beside it or not."""
    with build.bridge(config.load(path)) as context:
        context.launch = at_once
        deliver.one_pass(context)


def daemon(path: Path) -> None:
    """Do what `glpi-bridge run` does."""
    run.run(path, config.load(path))


_WORK: dict[str, Callable[[Path], None]] = {"pass": one_pass, "run": daemon}


def serve() -> None:
    """Serve until stdin ends."""
    pid, pipe = 0, 0
    for line in sys.stdin:
        word, _, path = line.strip().partition(" ")
        if word in _WORK:
            pid, pipe = start(word, path)
            print(pid, flush=True)
        elif word == "go":
            os.write(pipe, b"g")
            os.close(pipe)
        else:
            _, status = os.waitpid(pid, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
