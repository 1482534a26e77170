"""A service desk's plausible days, laid into a stand-in GLPI and a store: what a report can be shown and measured on.

The same seed gives the same days. Written straight into tables, as they would be after the days are over: the bridge
would need hours to live through them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from random import Random
from typing import Any, Final

from glpi_bridge import http
from glpi_bridge.facts import PROBLEM, UPDATE, Facts
from glpi_bridge.glpi import Credentials, Glpi
from glpi_bridge.model import Seen, TicketStatus, Told
from glpi_bridge.sandbox.glpi.server import GlpiServer
from glpi_bridge.store import Connection, Store
from glpi_bridge.store.incidents import seen_text, told_text
from glpi_bridge.store.tables import events, incidents

FIRST, LAST, SEED = date(2026, 10, 1), date(2026, 10, 31), 5
"""The days of the demo."""
NOW: Final = datetime(2026, 11, 1, 8, tzinfo=UTC)
"""When it is looked at."""
_SOURCE: Final = "demo"
_CHUNK: Final = 2000
_CATEGORIES: Final = (
    "Workplace > Printing", "Workplace > Mail", "Accounts", "Applications > ERP", "Applications > Web shop",
    "Telephony",
)  # fmt: skip
_FIRST_CATEGORY: Final = 101
_MONITORING: Final = {"CPU": 2, "Memory": 3, "Disk": 4, "Network": 5, "Temperature": 6}


@dataclass(frozen=True, slots=True)
class Habit:
    """What goes wrong now and then: `often` tickets a day; `heals` and `flaps` are shares; `hours` says when."""

    host: str
    trigger: str
    area: str
    severity: int
    often: float
    heals: float
    flaps: float
    hours: str = "any"


_HABITS: Final = (
    Habit("web01", "CPU is high", "CPU", 3, 1.1, 0.75, 0.30, "office"),
    Habit("web02", "CPU is high", "CPU", 3, 0.8, 0.75, 0.25, "office"),
    Habit("web03", "CPU is high", "CPU", 2, 0.5, 0.8, 0.2, "office"),
    Habit("shop01", "Response time above 2 s", "CPU", 4, 0.9, 0.6, 0.35, "office"),
    Habit("erp01", "Memory is running out", "Memory", 4, 0.45, 0.3, 0.1, "office"),
    Habit("db01", "Memory is running out", "Memory", 3, 0.6, 0.45, 0.15),
    Habit("db01", "Disk /srv is full", "Disk", 5, 0.16, 0.05, 0.0),
    Habit("db02", "Replication lags", "Disk", 4, 0.5, 0.7, 0.4, "night"),
    Habit("files01", "Disk /home is nearly full", "Disk", 2, 0.7, 0.15, 0.05),
    Habit("backup01", "The nightly backup failed", "Disk", 3, 0.35, 0.1, 0.0, "night"),
    Habit("mail01", "Mail queue is long", "CPU", 3, 0.5, 0.6, 0.2, "office"),
    Habit("switch03", "Link of port 12 is down", "Network", 4, 1.3, 0.9, 0.65),
    Habit("switch01", "Port errors above 1 %", "Network", 2, 0.6, 0.85, 0.5),
    Habit("vpn01", "Tunnel to the branch is down", "Network", 4, 0.55, 0.8, 0.45),
    Habit("router01", "Packet loss above 5 %", "Network", 3, 0.5, 0.9, 0.3),
    Habit("rack07", "Intake air is too warm", "Temperature", 1, 0.5, 0.9, 0.2, "office"),
    Habit("ups02", "Runs on battery", "Temperature", 5, 0.08, 0.7, 0.1),
)
_PEOPLE: Final = (
    ("The printer does not print", 0), ("No mail since this morning", 1), ("Password forgotten", 2),
    ("The ERP shows an error when saving", 3), ("The web shop does not take the order", 4), ("No dial tone", 5),
    ("The computer does not start", None),
)  # fmt: skip
_TROUBLE_DAY: Final = 13
"""A day of each month on which much fails at once."""


_RARE: Final = tuple(
    Habit(host, trigger, area, severity, 0.035, heals, 0.1)
    for host in ("app01", "app02", "dns01", "ldap01", "proxy01", "cache01", "ci01", "wiki01")
    for trigger, area, severity, heals in (
        ("Service does not answer", "CPU", 4, 0.5),
        ("Certificate ends in 14 days", "Network", 2, 0.0),
        ("Too many processes", "CPU", 2, 0.7),
        ("Disk / is nearly full", "Disk", 3, 0.2),
        ("Clock is wrong", "CPU", 1, 0.6),
        ("Was restarted", "CPU", 1, 0.9),
    )
)
"""What goes wrong once in a while, each for itself."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One incident from beginning to end; times are UTC. `habit` is None where a person reported it."""

    opened_at: datetime
    name: str
    category: int
    habit: Habit | None
    problems: int
    by_itself: bool
    taken_after: timedelta
    solved_after: timedelta
    agreed: tuple[timedelta, timedelta] | None


def happenings(seed: int, first: date, last: date, often: float = 1.0) -> Iterator[Happening]:
    """Give the incidents of these days in order; `often` multiplies how many there are."""
    chance = Random(seed)  # noqa: S311  # a story, no secret
    day = first
    while day <= last:
        yield from sorted(_day(chance, day, often), key=lambda one: one.opened_at)
        day += timedelta(days=1)


def _day(chance: Random, day: date, often: float) -> Iterator[Happening]:
    busy = 1.0 if day.weekday() < 5 else 0.55
    storm = 2.3 if day.day == _TROUBLE_DAY else 1.0
    for habit in (*_HABITS, *_RARE):
        quiet = 0.3 if habit.hours == "office" and day.weekday() >= 5 else 1.0
        for _ in range(_some(chance, habit.often * often * busy * quiet * storm)):
            yield _monitored(chance, day, habit, slow=storm > 1)
    if day.weekday() < 5:
        for _ in range(_some(chance, 6.5 * often)):
            yield _reported(chance, day)


def _some(chance: Random, mean: float) -> int:
    """How many, around a mean, as rare things come (Poisson)."""
    limit, count, product = math.exp(-min(mean, 600.0)), 0, chance.random()
    while product > limit:
        count, product = count + 1, product * chance.random()
    return count


def _monitored(chance: Random, day: date, habit: Habit, *, slow: bool) -> Happening:
    opened = _at(chance, day, habit.hours)
    by_itself = chance.random() < habit.heals
    problems = 1
    while problems < 14 and chance.random() < habit.flaps * (0.9 if problems == 1 else 0.72):
        problems += 1
    is_awake = 7 <= opened.hour < 19 and day.weekday() < 5
    taken = _lasting(chance, 4 if is_awake and habit.severity >= 4 else 9 if is_awake else 31, 0.8)
    solved = _lasting(chance, 24 if by_itself else 55 + 60 * (5 - habit.severity), 0.8 if by_itself else 1.0)
    solved = solved * (2.2 if slow else 1.0) * (0.5 + problems / 2)
    agreed = {5: (15, 120), 4: (30, 240), 3: (60, 480)}.get(habit.severity)
    return Happening(
        opened_at=opened,
        name=f"{habit.host}: {habit.trigger}",
        category=_MONITORING[habit.area],
        habit=habit,
        problems=problems,
        by_itself=by_itself,
        taken_after=min(taken, solved),
        solved_after=solved,
        agreed=None if agreed is None else (timedelta(minutes=agreed[0]), timedelta(minutes=agreed[1])),
    )


def _reported(chance: Random, day: date) -> Happening:
    name, category = chance.choices(_PEOPLE, weights=(8, 5, 9, 4, 3, 2, 3))[0]
    taken = _lasting(chance, 22, 0.9)
    stuck = 40.0 if chance.random() < 0.05 else 1.0
    return Happening(
        opened_at=_at(chance, day, "desk"),
        name=name,
        category=7 if category is None else _FIRST_CATEGORY + category,
        habit=None,
        problems=0,
        by_itself=False,
        taken_after=taken,
        solved_after=taken + stuck * _lasting(chance, 190, 1.1),
        agreed=(timedelta(hours=2), timedelta(hours=24)),
    )


def _at(chance: Random, day: date, hours: str) -> datetime:
    if hours == "desk":
        hour = chance.choice((8.2, 9.4, 10.6, 11.3, 13.5, 14.6, 15.7)) + chance.gauss(0, 0.6)
    elif hours == "office":
        hour = chance.choice((9.6, 10.8, 14.3, 15.5, chance.uniform(6, 20))) + chance.gauss(0, 0.8)
    elif hours == "night":
        hour = chance.gauss(2.3, 1.1) % 24
    else:
        hour = chance.uniform(0, 24)
    start = datetime.combine(day, time(), UTC)
    return start + timedelta(seconds=round(min(max(hour, 0.0), 23.99) * 3600))


def _lasting(chance: Random, minutes: float, sigma: float) -> timedelta:
    return timedelta(seconds=round(60 * chance.lognormvariate(math.log(minutes), sigma)) + 20)


@contextmanager
def standin(store: Store) -> Iterator[Glpi]:
    """Give a client of a stand-in that has the demo's days; `store` gets what the bridge would know of them."""
    with GlpiServer() as server:
        found = list(happenings(SEED, FIRST, LAST))
        undertake(server, found, lay(server, store, found, NOW))
        who = Credentials(user_token=server.user_token, app_token=server.app_token)
        with Glpi(server.url, lambda: who, http.session(target="GLPI")) as glpi:
            yield glpi


def lay(glpi: GlpiServer, store: Store, found: Iterable[Happening], now: datetime) -> range:
    """Put them into GLPI's tables and the store as they stand `now`; return the numbers of their tickets."""
    with glpi.world.db.lock:
        _categories(glpi)
    causes: dict[str, int] = {}
    first, count = glpi.world.db["Ticket"].next_id, 0
    rest = iter(found)
    while some := list(islice(rest, _CHUNK)):
        with glpi.world.db.lock:
            tickets = [glpi.world.db["Ticket"].insert(_ticket(one, now)) for one in some]
        pairs = [(one, ticket) for one, ticket in zip(some, tickets, strict=True) if one.habit is not None]
        store.write(_remember, pairs, causes, now)
        count += len(some)
    return range(first, first + count)


def _categories(glpi: GlpiServer) -> None:
    table = glpi.world.db["ITILCategory"]
    for number, path in enumerate(_CATEGORIES):
        row = {"name": path.split(" > ")[-1], "completename": path, "is_recursive": 1, "level": path.count(">") + 1}
        table.insert(row, _FIRST_CATEGORY + number)


def _ticket(one: Happening, now: datetime) -> dict[str, Any]:
    taken, solved = one.opened_at + one.taken_after, one.opened_at + one.solved_after
    row: dict[str, Any] = {
        "name": one.name,
        "content": f"<p>{one.name}.</p>",
        "type": 1,
        "itilcategories_id": one.category,
        "date": _written(one.opened_at),
        "date_creation": _written(one.opened_at),
        "date_mod": _written(min(solved, now)),
        "status": int(TicketStatus.NEW),
    }
    if one.agreed is not None:
        row |= {"slas_id_tto": 1, "time_to_own": _written(one.opened_at + one.agreed[0])}
        row |= {"slas_id_ttr": 2, "time_to_resolve": _written(one.opened_at + one.agreed[1])}
    if taken <= now:
        spent = int(one.taken_after.total_seconds())
        row |= {"takeintoaccountdate": _written(taken), "takeintoaccount_delay_stat": spent}
        row["status"] = int(TicketStatus.ASSIGNED)
    if solved <= now:
        spent = int(one.solved_after.total_seconds())
        row |= {"solvedate": _written(solved), "solve_delay_stat": spent}
        row["status"] = int(TicketStatus.SOLVED if now - solved < timedelta(days=3) else TicketStatus.CLOSED)
    return row


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _remember(
    connection: Connection, pairs: Sequence[tuple[Happening, int]], causes: dict[str, int], now: datetime
) -> None:
    rows = [_incident(one, ticket, causes, now) for one, ticket in pairs]
    connection.execute(incidents.insert(), rows)
    connection.execute(events.insert(), [row for one, ticket in pairs for row in _events(one, ticket)])


def _incident(one: Happening, ticket: int, causes: dict[str, int], now: datetime) -> dict[str, Any]:
    solved = one.opened_at + one.solved_after
    is_over = solved <= now
    causes[one.name] = generation = causes.get(one.name, 0) + 1
    status = TicketStatus.SOLVED if is_over else TicketStatus.ASSIGNED
    seen = Seen(status=status, finished_at=solved if is_over else None, by_us=is_over and one.by_itself)
    return {
        "id": ticket,
        "source": _SOURCE,
        "key": one.name,
        "generation": generation,
        "marker": f"zabbix {_SOURCE}/{ticket * 100}",
        "ticket_id": ticket,
        "told": told_text(Told(ticket_id=ticket)),
        "seen": seen_text(seen),
        "created_at": one.opened_at.timestamp(),
        "finished_at": solved.timestamp() if is_over else None,
        "acknowledged": json.dumps([]),
    }


def _events(one: Happening, ticket: int) -> Iterator[dict[str, Any]]:
    step = one.solved_after / one.problems
    for number in range(one.problems):
        opened = one.opened_at + step * number
        is_last = number == one.problems - 1
        facts = _facts(one, opened, None if is_last and not one.by_itself else opened + step * 0.6)
        yield {
            "source": _SOURCE,
            "eventid": str(ticket * 100 + number),
            "facts": facts.to_json(),
            "is_open": False,
            "unsorted": False,
            "incident_id": ticket,
            "changed_at": opened.timestamp(),
        }


def _facts(one: Happening, opened: datetime, recovered: datetime | None) -> Facts:
    habit = one.habit
    assert habit is not None  # noqa: S101  # only monitored ones have events
    registers: Mapping[str, Any] = {
        "host": (PROBLEM, 0.0, habit.host),
        "name": (PROBLEM, 0.0, habit.trigger),
        "trigger_name": (PROBLEM, 0.0, habit.trigger),
        "severity": (0, opened.timestamp(), habit.severity),
        "announced": (0, 0.0, True),
        "is_alerted": (0, 0.0, True),
        "opened_at": (UPDATE, -opened.timestamp(), opened.timestamp()),
    }
    if recovered is not None:
        registers = {**registers, "recovered_at": (UPDATE, -recovered.timestamp(), recovered.timestamp())}
    return Facts(registers)


def undertake(glpi: GlpiServer, found: Sequence[Happening], tickets: range) -> None:
    """Open Problems for what recurred most, Changes for some of them, and one of either that no incident asked for."""
    by_name: dict[str, list[int]] = {}
    for number, one in enumerate(found):
        by_name.setdefault(one.name, []).append(number)
    often = sorted((name for name, all_ in by_name.items() if found[all_[0]].habit), key=lambda one: -len(by_name[one]))
    db = glpi.world.db
    with db.lock:
        for number, name in enumerate(often[:6]):
            members = by_name[name][2 * number : 3 * number + 5]
            opened = found[members[-1]].opened_at + timedelta(minutes=5)
            problem = db["Problem"].insert(_undertaking(f"Recurring: {name}", opened))
            for member in members:
                db["Problem_Ticket"].insert({"problems_id": problem, "tickets_id": tickets[member]})
            if number % 2 == 0:
                change = db["Change"].insert(_undertaking(f"Change for problem {problem}", opened + timedelta(days=1)))
                db["Change_Problem"].insert({"changes_id": change, "problems_id": problem})
        noon = found[0].opened_at.replace(hour=12, minute=0, second=0)
        db["Change"].insert(_undertaking("New version of the ERP", noon + timedelta(days=17)))


def _undertaking(name: str, opened: datetime) -> dict[str, Any]:
    written = _written(opened)
    return {"name": name, "status": 1, "date": written, "date_creation": written, "date_mod": written}
