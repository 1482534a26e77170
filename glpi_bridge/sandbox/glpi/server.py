"""The stand-in as an object: start it, look at it, order faults, let people do things."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from . import access
from .answers import Answer, Crashed
from .api import Api
from .control import answer_control
from .documents import send
from .faults import Fault, FaultKind
from .http import HttpServer, Request, Reset
from .pages import answer_page
from .people import People
from .query import split_target
from .recorded import Row
from .sessions import Handler
from .tls import Tls, context
from .world import Call, Cost, Mail, Settings, World

BRIDGE_USER = 7


class GlpiServer:
    """A GLPI of version 10.0.19 or 11.0.6 on 127.0.0.1, with a real socket, in this process.

    Use it as a context manager. `url` is the API's address, `app_token` and `user_token` let the user "bridge" in.
    `sessions_lock=False` keeps sessions where nothing locks, `sessions_in` names a handler; `workers` is how many
    requests PHP serves at a time, the others queue. `tls` serves https with a certificate of that kind; clients may
    trust `ca_file`. `stock`: freshly installed, without the lab's people,
    categories, groups (sign in as glpi/glpi to provision it).
    `upgraded`: an 11 whose database came from 10.
    """

    def __init__(  # each is one trait of the server
        self,
        version: str = "10.0.19",
        port: int = 0,
        *,
        cost: Cost = Cost(),  # noqa: B008  # frozen
        gc_maxlifetime: float = 1440.0,
        sessions_lock: bool = True,
        sessions_in: Handler | str = Handler.FILES,
        workers: int | None = None,
        sessions_collect: bool = True,
        keepalive_seconds: float = 5.0,
        clock: Callable[[], float] = time.time,
        timezone: tzinfo = UTC,
        tls: Tls | str | None = None,
        stock: bool = False,
        upgraded: bool = False,
        app_token: str | None = None,
        user_token: str | None = None,
    ) -> None:
        self.world = World(
            version=version,
            clock=clock,
            timezone=timezone,
            cost=cost,
            gc_maxlifetime=gc_maxlifetime,
            sessions_in=Handler(sessions_in) if sessions_lock else Handler.REDIS,
            workers=workers,
            sessions_collect=sessions_collect,
            stock=stock,
            upgraded=upgraded,
        )
        if app_token is not None:
            self.world.app_token = app_token
        if user_token is not None:
            self.world.user_tokens[BRIDGE_USER] = user_token
        self.api = Api(self.world)
        self.people = People(self.world)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.ca_file: Path | None = None
        served = None
        if tls is not None:
            self._folder = tempfile.TemporaryDirectory()
            served, self.ca_file = context(tls, Path(self._folder.name))
        self.http = HttpServer(self._serve, port=port, keepalive_seconds=keepalive_seconds, tls=served)
        self.root = f"http{'s' if tls else ''}://127.0.0.1:{self.http.port}"
        self.world.settings.url_base = self.root

    # -- life --

    def __enter__(self) -> GlpiServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop; raises what went wrong inside the stand-in itself, so that no test passes on its bugs."""
        self.world.close()
        self.http.close()
        if self._folder is not None:
            self._folder.cleanup()
        if self.world.errors:
            errors, self.world.errors = self.world.errors, []
            raise ExceptionGroup("the GLPI stand-in itself failed", [e for e in errors if isinstance(e, Exception)])

    def _serve(self, request: Request) -> Answer | None:
        path, query = split_target(request.target)
        try:
            if path is not None:
                return self.api.serve(request, path, query)
            plain = request.target.split("?")[0]
            if plain.startswith("/_sandbox/"):
                return answer_control(self, request, plain.removeprefix("/_sandbox/"), query)
            with self.world.db.lock:
                if plain == "/front/document.send.php":
                    return send(self.world, request, query)
                return answer_page(self.world, plain, query)
        except Reset:
            raise
        except Crashed:
            return Answer.html("", 500)
        except Exception as error:  # noqa: BLE001  # kept and raised by close()
            self.world.errors.append(error)
            return Answer.json(["SANDBOX_FAILED", repr(error)], 500)

    # -- what a client needs --

    @property
    def url(self) -> str:
        """The API's address, valid on every version."""
        return f"{self.root}/apirest.php"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.http.port

    @property
    def app_token(self) -> str:
        """The API client's token."""
        return self.world.app_token

    @property
    def user_token(self) -> str:
        """The API token of the user "bridge"."""
        return self.world.user_tokens.get(BRIDGE_USER, "")

    def about(self) -> Row:
        """Return version, tokens and counts."""
        return {
            "version": self.world.version,
            "url": self.url,
            "app_token": self.app_token,
            "user_token": self.user_token,
            "tickets": len(self.world.db["Ticket"].ids),
            "requests": len(self.world.log),
            "late_rows": self.world.late_rows(),
            "pid": os.getpid(),
        }

    # -- what a test asks --

    @property
    def log(self) -> list[Call]:
        """Every API request so far."""
        return self.world.log

    def forget_log(self) -> None:
        """Empty the request log."""
        self.world.log.clear()

    @property
    def mails(self) -> list[Mail]:
        """Every notification that would have been queued."""
        return self.world.mails

    @property
    def unserved(self) -> dict[str, int]:
        """What was asked for and is not served, with counts."""
        return self.world.unserved

    def rows(self, itemtype: str) -> list[Row]:
        """Return all rows of a type, decoded (as the header X-GLPI-Sanitized-Content: false shows them)."""
        with self.world.db.lock:
            table = self.world.db[itemtype]
            return [self._decoded(table.full(i)) for i in table.ids]

    def _decoded(self, row: Row) -> Row:
        shown = self.world.dialect.shown
        return {k: shown(v, sanitized=False) if isinstance(v, str) else v for k, v in row.items()}

    def tickets(self, *, deleted: bool = False) -> list[Row]:
        """Return the tickets outside the trash, or those in it, decoded."""
        return [row for row in self.rows("Ticket") if bool(row["is_deleted"]) == deleted]

    def ticket(self, ticket: int) -> Row:
        """Return one ticket, decoded; KeyError when there is none."""
        with self.world.db.lock:
            return self._decoded(self.world.db["Ticket"].full(ticket))

    def followups(self, ticket: int) -> list[Row]:
        """Return the followups of a ticket in order."""
        return self._children("ITILFollowup", ticket)

    def solutions(self, ticket: int) -> list[Row]:
        """Return the solutions of a ticket in order."""
        return self._children("ITILSolution", ticket)

    def _children(self, itemtype: str, ticket: int) -> list[Row]:
        with self.world.db.lock:
            table = self.world.db[itemtype]
            return [self._decoded(table.full(i)) for i in table.children("parent", ("Ticket", ticket))]

    def links(self, ticket: int) -> list[Row]:
        """Return the links of a ticket to other tickets."""
        return [row for row in self.rows("Ticket_Ticket") if ticket in {row["tickets_id_1"], row["tickets_id_2"]}]

    def actors(self, ticket: int) -> list[tuple[str, int, int]]:
        """Return the actors as (user or group, id, role); roles: 1 requester, 2 assigned, 3 observer."""
        with self.world.db.lock:
            return sorted(access.actors(self.world.db, "Ticket", ticket))

    def sessions(self) -> list[Row]:
        """Return the sessions that are alive, with their age and whether someone holds them."""
        now = self.world.clock()
        return [
            {"token": s.token, "users_id": s.users_id, "age": now - s.touched, "held": s.lock.locked()}
            for s in list(self.world.sessions.files.values())
        ]

    # -- what a test does --

    def order(self, fault: Fault) -> int:
        """Order a fault and return its number; a closed listener starts at once and opens by itself."""
        if FaultKind(fault.kind) is FaultKind.REFUSED:
            self.refuse(fault.seconds)
            return 0
        return self.world.orders.add(fault)

    def cancel(self, number: int | None = None) -> None:
        """Forget an order, or all."""
        self.world.orders.cancel(number)

    def pending(self) -> list[Row]:
        """Return the faults still to happen."""
        return self.world.orders.pending()

    def refuse(self, seconds: float) -> None:
        """Close the listener; it opens again after some seconds, or by `accept_again` if 0."""
        self.http.stop_listening()
        if seconds > 0:
            timer = threading.Timer(seconds, self.accept_again)
            timer.daemon = True
            timer.start()

    def accept_again(self) -> None:
        """Open the listener again."""
        if not self.world.closing.is_set():
            self.http.open()

    def drop_connections(self) -> None:
        """Reset every open connection; requests at work go on."""
        self.http.drop_connections()

    def set(self, **settings: Any) -> None:
        """Change what `Settings` and `Cost` name, `gc_maxlifetime`, `sessions_lock` or `sessions_in`."""
        known = {f.name for f in fields(Settings)}
        costs = {f.name for f in fields(Cost)}
        for name, value in settings.items():
            if name in known:
                setattr(self.world.settings, name, value)
            elif name in costs:
                self.world.cost = Cost(**{**{c: getattr(self.world.cost, c) for c in costs}, name: value})
            elif name == "gc_maxlifetime":
                self.world.sessions.gc_maxlifetime = float(value)
            elif name == "sessions_lock":
                self.world.sessions.handler = Handler.FILES if value else Handler.REDIS
            elif name == "sessions_in":
                self.world.sessions.handler = Handler(value)
            else:
                raise ValueError(
                    f"no setting {name!r}; there are {', '.join(sorted(known | costs))}, gc_maxlifetime, sessions_lock"
                )

    def age_session(self, token: str, seconds: float) -> None:
        """Make a session file older."""
        self.world.sessions.files[token].touched -= seconds

    def collect_sessions(self) -> int:
        """Run GLPI's action `session`; returns how many files went."""
        return self.world.sessions.collect()

    def held(self) -> int:
        """Return how many requests wait in the middle of their work (fault `held`)."""
        return self.world.held.waiting

    def go_on(self) -> None:
        """Let the requests that were held go on."""
        self.world.held.go_on()

    def release_late(self) -> list[int]:
        """Let the rows of dead workers appear now; returns their ids."""
        return self.world.release_late()

    def snapshot(self) -> Row:
        """Return a backup of all tables (sessions are files and are not in it)."""
        return self.world.db.snapshot()

    def restore_backup(self, snapshot: Row) -> None:
        """Put a backup back: later ids are given out again, sessions live on [14]."""
        self.world.db.restore(snapshot)

    def save(self, path: Path) -> None:
        """Write a backup to a file."""
        path.write_text(json.dumps(self.snapshot()), encoding="utf-8")

    def load(self, path: Path) -> None:
        """Put a backup from a file back."""
        self.restore_backup(json.loads(path.read_text(encoding="utf-8")))

    def fill(self, tickets: int, name: str = "filler") -> None:
        """Add many plain tickets of other people at once."""
        with self.world.db.lock:
            now = self.world.now()
            for i in range(tickets):
                row = {
                    "name": f"{name} {i}",
                    "content": "<p>filler</p>",
                    "date": now,
                    "date_mod": now,
                    "date_creation": now,
                }
                self.world.db["Ticket"].insert({**row, "users_id_recipient": 2, "users_id_lastupdater": 2})
