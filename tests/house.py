"""A bridge over a stand-in GLPI (and Zabbix), with a clock that the test turns: what integration tests live in."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glpi_bridge import deliver, http
from glpi_bridge.context import Context, Source, Terms
from glpi_bridge.glpi import Credentials, Glpi, Names
from glpi_bridge.model import TicketStatus
from glpi_bridge.render import markers
from glpi_bridge.rules import Rules
from glpi_bridge.sandbox.glpi import Call, GlpiServer, Match
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.sandbox.zabbix.model import Role, Token, User, UserGroup
from glpi_bridge.spool import Spool, hand_off
from glpi_bridge.store import Store, attempts, events, incidents, meta
from glpi_bridge.zabbix import Zabbix
from tests.stores import lay

VERSIONS = ("10.0.19", "11.0.6")
SOLVED, CLOSED, PENDING = TicketStatus.SOLVED, TicketStatus.CLOSED, TicketStatus.PENDING
CREATE = Match(method="POST", path="^/?Ticket$")
SOLVE = Match(method="POST", path="ITILSolution")
NOTE = Match(method="POST", path="ITILFollowup")


MAINTAINER = 55


def let_maintain(standin: Standin, **groups: int) -> str:
    """Make an account that may put hosts into maintenance; return its token. `groups` are its rights, by name."""
    world, number = standin.world, MAINTAINER
    rights = {world.add_group(name): right for name, right in (groups or {"Lab servers": 3}).items()}
    world.roles[number] = Role(number, "maintenance", 2)
    world.usergroups[number] = UserGroup(number, "maintenance", rights)
    world.users[number] = User(number, "maintenance", number, usergroups=frozenset({number}))
    world.tokens[number] = Token(number, "maintenance", number, f"{number:064x}")
    return world.tokens[number].value


class House:
    """One bridge. `turn` does a pass; `until_calm` turns the clock to whatever is due next until nothing is."""

    def __init__(
        self, directory: Path, glpi: GlpiServer, *, rules: str = "", total_timeout: float = 20.0, store_url: str = ""
    ) -> None:
        self.directory = directory
        self.glpi = glpi
        self.ahead = 0.0
        self._numbers = itertools.count(1)
        self._total_timeout = total_timeout
        self.rules = Rules.parse(rules or "rules: []\n")
        self.terms = Terms()
        self.sources: dict[str, Source] = {}
        self.store_url = store_url or f"sqlite:///{lay(directory / 'bridge.db')}"
        Spool.create(directory / "spool")
        self.context = self.worker()

    def now(self) -> float:
        """The house's clock: the real one, turned ahead."""
        return time.time() + self.ahead

    def one_clock(self) -> None:
        """Let GLPI live by the house's clock too, so that what is dated there agrees when it is turned."""
        self.glpi.world.clock = self.glpi.world.sessions.clock = self.now

    def worker(self, name: str = "") -> Context:
        """Another worker on the same store and spool."""
        client = Glpi(
            self.glpi.url,
            lambda: Credentials(user_token=self.glpi.user_token, app_token=self.glpi.app_token),
            http.session(target="GLPI", total_timeout=self._total_timeout, connect_timeout=2.0),
        )
        return Context(
            store=Store(self.store_url),
            spool=Spool(self.directory / "spool"),
            rules=self.rules,
            glpi=client,
            names=Names(client),
            sources=self.sources,
            worker=name or f"worker-{next(self._numbers)}",
            ticket_link="https://glpi.example/front/ticket.form.php?id={id}",
            terms=self.terms,
            now=self.now,
            chance=lambda: 0.5,
        )

    def close(self) -> None:
        """End the session and the store."""
        self.context.glpi.close()
        self.context.store.close()
        for source in self.sources.values():
            if source.zabbix is not None:
                source.zabbix.close()

    def lose_the_store(self) -> None:
        """Go on with an empty store, as after a disk that died."""
        self.context.glpi.close()
        self.context.store.close()
        self.store_url = f"sqlite:///{lay(self.directory / f'bridge-{next(self._numbers)}.db')}"
        self.context = self.worker()

    def ask_zabbix(self, standin: Standin, name: str = "zabbix", **how: Any) -> Zabbix:
        """Let this Zabbix be a source of the house; `how` is what Source takes. The house closes its client."""
        client = Zabbix(standin.url, token=standin.token, connect_timeout=1.0, total_timeout=2.0)
        self.sources[name] = Source(name, zabbix=client, **how)
        return client

    def alert(self, eventid: int | str, **fields: Any) -> None:
        """Hand an alert off, with an ordinary problem's fields where none are given."""
        given = {
            "event_id": eventid,
            "trigger_id": eventid,
            "event_value": 1,
            "event_nseverity": 4,
            "host_host": "web01",
            "event_name": "CPU is high",
        }
        hand_off(self.directory / "spool", {name: str(value) for name, value in {**given, **fields}.items()})

    def recover(self, eventid: int | str, **fields: Any) -> None:
        """Hand the recovery off."""
        self.alert(eventid, event_value=0, **fields)

    def update(self, eventid: int | str, action: str = "commented", message: str = "", **fields: Any) -> None:
        """Hand an update off, each at a second of its own."""
        second = next(self._numbers)
        given = {"event_update_message": message} if message else {}
        self.alert(
            eventid,
            event_update_status=1,
            event_update_action=action,
            event_update_date="2026.11.25",
            event_update_time=f"10:{second // 60:02}:{second % 60:02}",
            **given,
            **fields,
        )

    def turn(self) -> int:
        """One delivery pass."""
        return deliver.one_pass(self.context)

    def until_calm(self, rounds: int = 60) -> None:
        """Pass after pass, the clock turned to what is due next; fails if it never becomes calm."""
        for _ in range(rounds):
            self.turn()
            if not self.restless():
                return
            self.skip()
        raise AssertionError(f"never calm: {self.restless()}")

    def skip(self) -> None:
        """Turn the clock to what is due next. Before that late rows appear: later than a look, never too late."""
        self.glpi.release_late()
        wake = self.context.next_wake()
        if wake is not None:
            self.ahead += max(0.0, wake - self.now()) + 0.01

    def restless(self) -> list[str]:
        """What still moves by itself: attempts in doubt, due or backing-off incidents that are not parked."""
        flight = [f"attempt {one.operation}: {one.doubt}" for one in self.context.store.read(attempts.in_flight)]
        due = self.context.store.read(incidents.due, self.now() + 1e9, 1000)
        loose = [f"event {one.eventid}" for one in self.context.store.read(events.unsorted, 1000)]
        held = [name for name in self.context.targets() if self.context.store.read(meta.get, f"trouble {name}")]
        return flight + [one.incident.marker for one in due] + loose + held

    def tickets(self) -> list[dict[str, Any]]:
        """All tickets in GLPI, trash included."""
        return [dict(row) for row in self.glpi.tickets()]

    def writes(self) -> list[Call]:
        """All calls that asked GLPI to change something, in order; a log-in is none."""
        changing = ("POST", "PUT", "DELETE", "PATCH")
        return [call for call in list(self.glpi.log) if call.method in changing and "search" not in call.path]

    def notices(self, kind: str = "") -> list[str]:
        """What `status` tells of oddities."""
        return [one.text for one in self.context.store.read(meta.all_notices) if kind in ("", one.kind)]

    def parked(self) -> list[str]:
        """Why incidents wait for a person."""
        return [str(one.why) for one in self.context.store.read(incidents.parked)]

    def by_marker(self) -> dict[str, list[dict[str, Any]]]:
        """Tickets by the marker that they carry."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.tickets():
            for marker in markers(row["content"]):
                found.setdefault(marker, []).append(row)
        return found

    def ticket(self, eventid: int | str) -> dict[str, Any]:
        """The one ticket of an event."""
        rows = self.by_marker().get(f"zabbix zabbix/{eventid}", [])
        assert len(rows) == 1, rows
        return rows[0]


@contextmanager
def house(directory: Path, version: str = VERSIONS[0], **how: Any) -> Iterator[House]:
    """A house with a stand-in of its own."""
    traits: Mapping[str, Any] = how.pop("traits", {})
    with GlpiServer(version, **traits) as glpi:
        made = House(directory, glpi, **how)
        try:
            yield made
        finally:
            made.close()
