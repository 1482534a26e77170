"""GLPI's sessions as PHP keeps them: one file each, locked while a request works with it [12/001-042].

A call with `session_write` holds its session's lock to its end and touches the file only then; any other call
touches it
at its start and lets go at once. `killSession` waits for the lock. A file older than `gc_maxlifetime` may be collected
while it is in use: its holder works on, everybody else is told 401. Other handlers than files are a switch
[12/260-266].
"""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_ALPHABET: Final = string.ascii_lowercase + string.digits


class Handler(StrEnum):
    """Where PHP keeps sessions."""

    FILES = "files"
    REDIS = "redis"  # no lock: killSession acts at once, a write that ends later revives the token
    REDIS_LOCKING = "redis-locking"  # tries 20 ms for the lock, then goes on without it; killSession does not act
    MEMCACHED = "memcached"  # tries 0.75 s for the lock, then the call is a 500


PATIENCE: Final = {Handler.FILES: -1.0, Handler.REDIS_LOCKING: 0.02, Handler.MEMCACHED: 0.75}
"""How many seconds a call waits for a session's lock; -1 is for ever."""


class LockTimeout(Exception):
    """PHP could not start the session: the call ends with 500."""


@dataclass(eq=False)
class Session:
    """One session file: who is signed in, as what, where; its lock; when it was touched."""

    token: str
    users_id: int
    profiles_id: int
    entities_id: int
    is_recursive: bool | int
    touched: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    killed: bool = False
    by_token: bool = True


@dataclass(frozen=True)
class Entered:
    """A session a call has opened, and whether the call holds its lock."""

    session: Session
    locked: bool


class Sessions:
    """The session folder (or what stands for it)."""

    def __init__(self, clock: Callable[[], float], *, gc_maxlifetime: float, handler: Handler, collects: bool) -> None:
        self.clock = clock
        self.gc_maxlifetime = gc_maxlifetime
        self.handler = handler
        self.collects = collects
        self.files: dict[str, Session] = {}
        self._folder = threading.Lock()

    def start(self, users_id: int, profiles_id: int, entities_id: int, *, is_recursive: bool | int) -> Session:
        """Sign a user in under a new token."""
        token = "".join(secrets.choice(_ALPHABET) for _ in range(26))
        session = Session(token, users_id, profiles_id, entities_id, is_recursive, self.clock())
        with self._folder:
            self.files[token] = session
        return session

    def enter(self, token: str) -> Entered | None:
        """Open a session and wait for its lock; None when there is no such session, or it was killed meanwhile."""
        with self._folder:
            session = self.files.get(token)
        if session is None:
            return None
        locked = self._lock(session)
        if session.killed and self.handler is not Handler.REDIS:
            if locked:
                session.lock.release()
            return None
        if (
            self.collects
        ):  # PHP's own collector runs after the file was opened, so it may take the opener's own [12/036]
            self.collect()
        return Entered(session, locked)

    def _lock(self, session: Session) -> bool:
        if self.handler is Handler.REDIS:
            return False
        locked = session.lock.acquire(timeout=PATIENCE[self.handler])
        if not locked and self.handler is Handler.MEMCACHED:
            raise LockTimeout
        return locked

    def leave(self, entered: Entered, *, wrote: bool = False) -> None:
        """Write the session back and let go; a store that does not lock revives a killed token [12/266]."""
        session = entered.session
        with self._folder:
            session.touched = self.clock()
            if wrote and session.killed and self.handler is Handler.REDIS:
                session.killed = False
                self.files[session.token] = session
        if entered.locked:
            session.lock.release()

    def die(self, entered: Entered) -> None:
        """Let go of a session whose PHP process was killed: the lock is freed, nobody touches the file [12/042]."""
        if entered.locked:
            entered.session.lock.release()

    def kill(self, entered: Entered) -> None:
        """Destroy an entered session, so that its token is told 401; without its lock nothing happens [12/261]."""
        if not entered.locked and self.handler is not Handler.REDIS:
            return
        with self._folder:
            entered.session.killed = True
            self.files.pop(entered.session.token, None)
        if entered.locked:
            entered.session.lock.release()

    def collect(self) -> int:
        """Remove every file that is too old, in use or not; returns how many (GLPI's action `session`) [12/032]."""
        oldest = self.clock() - self.gc_maxlifetime
        with self._folder:
            dead = [token for token, session in self.files.items() if session.touched < oldest]
            for token in dead:
                del self.files[token]
        return len(dead)
