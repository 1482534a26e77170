"""GLPI's sessions as PHP keeps them: one file each, locked while a request works with it [12/001-042].

A call with `session_write` holds its session's lock to its end and touches the file only then; any other call
touches it at its start
and lets go at once. `killSession` waits for the lock. A file older than `gc_maxlifetime` may be collected while it
is in use: its
holder works on, everybody else is told 401. Sessions in a store that does not lock (redis by default) are a switch.
"""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

_ALPHABET = string.ascii_lowercase + string.digits


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
    language: str = "en_GB"


class Sessions:
    """The session folder."""

    def __init__(self, clock: Callable[[], float], *, gc_maxlifetime: float, locks: bool, collects: bool) -> None:
        self.clock = clock
        self.gc_maxlifetime = gc_maxlifetime
        self.locks = locks
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

    def enter(self, token: str) -> Session | None:
        """Open a session's file and wait for its lock; None when there is no such session, or it was killed
        meanwhile.
        """
        with self._folder:
            session = self.files.get(token)
        if session is None:
            return None
        if self.locks:
            session.lock.acquire()
            if session.killed:
                session.lock.release()
                return None
        if (
            self.collects
        ):  # PHP's own collector runs after the file was opened, so it may take the opener's own [12/036]
            self.collect()
        return session

    def leave(self, session: Session, *, wrote: bool = False) -> None:
        """Write the session back and let go of its lock; a store that does not lock revives a killed token [12/266]."""
        with self._folder:
            session.touched = self.clock()
            if wrote and not self.locks and session.killed:
                session.killed = False
                self.files[session.token] = session
        if self.locks:
            session.lock.release()

    def die(self, session: Session) -> None:
        """Let go of a session whose PHP process was killed: the system frees the lock, nobody touches the file
        [12/042].
        """
        if self.locks:
            session.lock.release()

    def kill(self, session: Session) -> None:
        """Destroy an entered session: later calls with its token are told 401."""
        with self._folder:
            session.killed = True
            self.files.pop(session.token, None)
        if self.locks:
            session.lock.release()

    def collect(self) -> int:
        """Remove every file that is too old, in use or not, and return how many (GLPI's action `session`) [12/032]."""
        oldest = self.clock() - self.gc_maxlifetime
        with self._folder:
            dead = [token for token, session in self.files.items() if session.touched < oldest]
            for token in dead:
                del self.files[token]
        return len(dead)
