"""Do GLPI's sessions lock? The fence stands on that, so it is tried; nothing in GLPI is changed.

A PUT of tickets that do not exist keeps GLPI busy for some tenths of a second and ends in a 400. Meanwhile a read on
the same session must wait where the PUT came with `session_write`, and must not where it came without. Then killSession
must wait for such a PUT, and end the session. Tried on PHP's handlers for files, redis and memcached (glpi-11.0.6/12).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from glpi_bridge.errors import NoAnswer, TargetError
from glpi_bridge.glpi.answers import Answer
from glpi_bridge.glpi.client import Glpi

_UNKNOWN_IDS = range(2_000_000_000, 2_000_002_000)  # no GLPI counts so far; its ids end at 2,147,483,647
_HEAD_STARTS = (0.06, 0.1, 0.15)  # a busy GLPI may take up the read before the write: only several tries tell "no"
_SHORTEST = 0.15
_NOISE = 0.03
_KILLS = 20
_KILL_PAUSE = 0.1


class Verdict(StrEnum):
    """What the test says."""

    LOCKS = "locks"
    DOES_NOT_LOCK = "does not lock"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Tried:
    """The verdict, and in words what was seen."""

    verdict: Verdict
    seen: str


class _Busy:
    """A PUT under way in a thread of its own."""

    def __init__(self, client: Glpi, *, session_write: bool, head_start: float = _HEAD_STARTS[0]) -> None:
        self._client = client
        self._head_start = head_start
        self._session_write = session_write
        self.answer: Answer | None = None
        self.seconds = 0.0
        self.ended_at = 0.0
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()
        time.sleep(self._head_start)

    def end(self) -> bool:
        """Wait for its end; tell whether it was refused as it should be, and took long enough to be waited for."""
        self._thread.join()
        return self.answer is not None and self.answer.status == 400 and self.seconds >= self._head_start + _SHORTEST

    def _work(self) -> None:
        started = time.monotonic()
        with suppress(TargetError):
            self.answer = self._client.put_unknown(_UNKNOWN_IDS, session_write=self._session_write)
        self.ended_at = time.monotonic()
        self.seconds = self.ended_at - started


def try_locks(make: Callable[[], Glpi]) -> Tried:
    """Try it with clients from `make` (one for each connection); their sessions are ended. Raises TargetError."""
    locked, free, other = make(), make(), make()
    try:
        locked.login()
        free.login()
        return _tried(locked, free, other)
    except NoAnswer as error:  # as from memcached, which gives up waiting and answers 500
        return Tried(Verdict.CANNOT_TELL, f"a call had no clear answer while another held its session: {error}")
    finally:
        locked.close()
        free.close()


def _tried(locked: Glpi, free: Glpi, other: Glpi) -> Tried:
    token = str(locked.token)
    for head_start in _HEAD_STARTS:
        waits, long_enough = _read_waits(locked, other, session_write=True, head_start=head_start)
        if waits or not long_enough:
            break
    if not long_enough:
        return Tried(Verdict.CANNOT_TELL, "GLPI refused the trial write too quickly, or not as expected")
    free_waits, long_enough = _read_waits(free, other, session_write=False)
    if not long_enough or free_waits:
        return Tried(Verdict.CANNOT_TELL, "a read waits even where no session is locked: GLPI has too few free workers")
    if not waits:
        return Tried(Verdict.DOES_NOT_LOCK, "a read does not wait for a write on the same session")
    busy = _Busy(locked, session_write=True)
    busy.start()
    dead_at = _killed(other, token)
    if not busy.end():
        return Tried(Verdict.CANNOT_TELL, "GLPI refused the trial write too quickly, or not as expected")
    if dead_at is None:
        return Tried(Verdict.DOES_NOT_LOCK, "killSession is answered and the session lives on")
    if dead_at < busy.ended_at - _NOISE:
        return Tried(Verdict.DOES_NOT_LOCK, "killSession does not wait for a write on its session")
    locked.drop(token)  # it is ended already
    return Tried(Verdict.LOCKS, "reads and killSession wait for a write on their session")


def _read_waits(
    client: Glpi, other: Glpi, *, session_write: bool, head_start: float = _HEAD_STARTS[0]
) -> tuple[bool, bool]:
    """Tell whether a read waited for the write, and whether the write was long enough to tell."""
    busy = _Busy(client, session_write=session_write, head_start=head_start)
    busy.start()
    other.is_alive(str(client.token))
    read_at = time.monotonic()
    long_enough = busy.end()
    return read_at >= busy.ended_at - _NOISE, long_enough


def _killed(other: Glpi, token: str) -> float | None:
    """End the session as the fence does: kill until a read is answered 401; return when that was."""
    for _ in range(_KILLS):
        other.kill(token)
        if not other.is_alive(token):
            return time.monotonic()
        time.sleep(_KILL_PAUSE)
    return None
