"""Workers in processes of their own, started in no time, under strace where wanted (the other end: passes.py)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Self

from tests.crash.apart import ROOT


@contextmanager
def one_of(servers: SimpleQueue[Workers]) -> Iterator[Workers]:
    """Take a server of workers, and put it back."""
    taken = servers.get()
    try:
        yield taken
    finally:
        servers.put(taken)


class Workers:
    """Starts one worker after the other; the next when the one before has ended. Its stderr goes to `log`."""

    def __init__(self, log: Path | None = None) -> None:
        command = [sys.executable, "-m", "tests.crash.passes"]
        file: IO[bytes] | None = None if log is None else log.open("ab")
        self._server = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True
        )
        if file is not None:
            file.close()
        self.pid: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill what still runs and end."""
        if self.pid is not None:
            self.kill()
        self._server.communicate(timeout=60)

    def do_pass(self, settings: Path, *tracer: str) -> int:
        """Do a pass, under strace where its arguments are given; returns its exit code, negative when killed."""
        watching = self.start_pass(settings, *tracer)
        code = self.wait()
        if watching is not None:
            watching.communicate(timeout=60)
        return code

    def start_pass(self, settings: Path, *tracer: str) -> subprocess.Popen[str] | None:
        """Start a pass, and strace on it where its arguments are given."""
        pid = self._start(f"pass {settings}")
        watching = None
        if tracer:
            watching = subprocess.Popen(["strace", *tracer, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
            assert watching.stderr is not None
            said = watching.stderr.readline()
            assert "attached" in said, said
        self._say("go")
        return watching

    def start_daemon(self, settings: Path) -> int:
        """Start a daemon; returns its pid."""
        pid = self._start(f"run {settings}")
        self._say("go")
        return pid

    def wait(self) -> int:
        """Wait for the end of the worker; returns its exit code, negative when killed."""
        self._say("wait")
        self.pid = None
        return self._heard()

    def signal(self, number: signal.Signals) -> None:
        """Send the worker a signal."""
        assert self.pid is not None
        os.kill(self.pid, number)

    def kill(self) -> int:
        """Kill the worker (-9) and wait for its end."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def stop(self) -> int:
        """Let the worker end in order."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def _start(self, line: str) -> int:
        self._say(line)
        self.pid = self._heard()
        return self.pid

    def _say(self, line: str) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()

    def _heard(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())
