"""A server of delivery passes: imports everything once and forks a process for each pass, which strace can be put on.

Reads lines on stdin, writes lines on stdout: `new PATH` starts a process for the settings at PATH, answered with its
pid; it waits. `go` lets it do what `glpi-bridge deliver` does, answered with its exit code at its end (negative: the
signal).
A call that a pass lets leave in a thread is made in the pass's own thread here: strace counts calls by thread.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

from glpi_bridge import build, config, deliver
from glpi_bridge.model import Outcome

_PTRACER, _ANYBODY = 0x59616D61, -1  # prctl(PR_SET_PTRACER): Yama lets a stranger trace only where it was allowed to


def at_once(call: Callable[[], list[Outcome]]) -> Callable[[], list[Outcome]]:
    """Make a call now."""
    outcomes = call()
    return lambda: outcomes


def start(path: str) -> tuple[int, int]:
    """Fork a process that waits for a byte on a pipe; give its pid and the pipe's other end."""
    inner, outer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(inner)
        return pid, outer
    os.close(outer)
    ctypes.CDLL(None).prctl(_PTRACER, _ANYBODY, 0, 0, 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.read(inner, 1)
    os._exit(_deliver(path))


def _deliver(path: str) -> int:
    try:
        with build.bridge(config.load(Path(path))) as context:
            context.launch = at_once
            context.spool.pass_alone(lambda: deliver.one_pass(context))
    except Exception:  # noqa: BLE001 - a full disk may end it anywhere
        return 1
    return 0


def serve() -> None:
    """Serve until stdin ends."""
    pid, pipe = 0, 0
    for line in sys.stdin:
        word, _, path = line.strip().partition(" ")
        if word == "new":
            pid, pipe = start(path)
            print(pid, flush=True)
            continue
        os.write(pipe, b"g")
        os.close(pipe)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
