"""What must hold between Zabbix and GLPI once the bridge has come to rest, whatever happened before.

`check` takes plain views of both sides and returns what is wrong, in words; an empty list is a pass. Simulation, crash
tests, end-to-end tests and the demo all call it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

MAJOR = 6
_MARKER = re.compile(r"zabbix (?P<source>[A-Za-z0-9.-]+)/(?P<eventid>[^\s/]+)(?: (?P<kind>\w+) ?(?P<subject>\S*))?")


class Wanted(Enum):
    """Whether a problem is to have a ticket: the rules want one, want none, or either is right."""

    YES = "yes"
    NO = "no"
    EITHER = "either"


class Hold(Enum):
    """What a person did to a ticket last, and wants to find again."""

    NOBODY = "nobody"
    OPEN = "open"
    FINISHED = "finished"
    PENDING = "pending"
    ANY = "any"


@dataclass(frozen=True)
class Problem:
    """A problem as Zabbix knows it. `key` says which problems may share a ticket (source and dedup key, say).

    `told` holds the ticket numbers that Zabbix was told, one each time. `notes` are words, unique among all notes, in
    the order said; those in `late` were handed over when a later one had been told. `news` are the messages about what
    people did to its ticket.
    """

    source: str
    eventid: str
    key: str
    recovered: bool
    wanted: Wanted = Wanted.YES
    told: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    late: frozenset[str] = frozenset()
    news: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name it as a marker does."""
        return f"{self.source}/{self.eventid}"


@dataclass(frozen=True)
class Ticket:
    """A ticket of ours in GLPI. `marker` is its last line; `solutions` and `followups` are whole texts, in order.

    `urgency_set` is the urgency that a person gave it, `priority_set` the priority; `marked`: the bridge marked it as a
    major incident and no person rated it since. `hold` is what a person did to its status. `deeds` are words of
    people's followups, unique among all, that Zabbix must have been told; those in `secrets` must not be told.
    """

    id: int
    marker: str
    status: int
    urgency: int = 3
    solutions: tuple[str, ...] = ()
    followups: tuple[str, ...] = ()
    hold: Hold = Hold.NOBODY
    urgency_set: int | None = None
    priority: int = 3
    priority_set: int | None = None
    marked: bool = False
    deeds: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    @property
    def is_finished(self) -> bool:
        """Solved or closed."""
        return self.status in (5, 6)


def check(
    problems: Sequence[Problem],
    tickets: Sequence[Ticket],
    *,
    removed: Collection[int] = (),
    acknowledges: bool = True,
    repeats: bool = False,
) -> list[str]:
    """Return every violation, one sentence each.

    `removed`: tickets that a person put into the trash or purged (not among `tickets`). `acknowledges`: Zabbix is told
    ticket numbers. `repeats`: something between the bridge and GLPI sent calls twice, so finished twins are right.
    """
    by_name = {problem.name: problem for problem in problems}
    real = _without_twins(problems, tickets) if repeats else list(tickets)
    wrong = [
        *_one_each(real, by_name),
        *_in_their_place(tickets),
        *_notes(problems, real, removed),
        *_solutions(real, by_name),
        *(() if repeats else _said_once(real)),
        *_news(problems, tickets),
    ]
    members = _members(problems, real, removed, wrong) if acknowledges else _own(problems, real, removed, wrong)
    wrong += _states(real, members)
    wrong += _people(real)
    return wrong


def _without_twins(problems: Iterable[Problem], tickets: Iterable[Ticket]) -> list[Ticket]:
    """Leave out second tickets of a marker that are finished (or a person's): the one that Zabbix was told is real."""
    told = {number for problem in problems for number in problem.told}
    ranked = sorted(tickets, key=lambda ticket: (ticket.id not in told, ticket.id))
    real: dict[str, Ticket] = {}
    left = []
    for ticket in ranked:
        is_twin = ticket.marker in real and (ticket.is_finished or ticket.hold is not Hold.NOBODY)
        real.setdefault(ticket.marker, ticket)
        if not is_twin:
            left.append(ticket)
    return sorted(left, key=lambda ticket: ticket.id)


def parse(marker: str) -> re.Match[str] | None:
    """Read a marker line."""
    return _MARKER.fullmatch(marker)


def _one_each(tickets: Sequence[Ticket], problems: Mapping[str, Problem]) -> Iterable[str]:
    """One ticket for a marker; none that no problem asked for."""
    seen: dict[str, int] = {}
    for ticket in tickets:
        if ticket.marker in seen:
            yield f"two tickets for {ticket.marker}: {seen[ticket.marker]} and {ticket.id}"
        seen[ticket.marker] = ticket.id
        problem = problems.get(ticket.marker.removeprefix("zabbix "))
        if problem is None:
            yield f"ticket {ticket.id} is for {ticket.marker!r}, which nobody told"
        elif problem.wanted is Wanted.NO:
            yield f"ticket {ticket.id} was made for {problem.name}, which is to have none"


def _in_their_place(tickets: Iterable[Ticket]) -> Iterable[str]:
    """What we wrote on a ticket was meant for it."""
    for ticket in tickets:
        for text in (*ticket.followups, *ticket.solutions):
            line = _last_line(text)
            if line and not line.startswith(f"{ticket.marker} "):
                yield f"ticket {ticket.id} ({ticket.marker}) holds {line!r}"


def _members(
    problems: Sequence[Problem], tickets: Sequence[Ticket], removed: Collection[int], wrong: list[str]
) -> dict[int, list[Problem]]:
    """Which problems each ticket stands for, by what Zabbix was told."""
    by_id = {ticket.id: ticket for ticket in tickets}
    keys = {problem.name: problem.key for problem in problems}
    members: dict[int, list[Problem]] = defaultdict(list)
    for problem in problems:
        if not problem.told:
            if problem.wanted is Wanted.YES:
                wrong.append(f"{problem.name} was never told a ticket")
            continue
        numbers = sorted(set(problem.told))
        if len(numbers) > 1:
            wrong.append(f"{problem.name} was told several tickets: {numbers}")
        ticket = by_id.get(numbers[-1])
        if ticket is None:
            if numbers[-1] not in removed:
                wrong.append(f"{problem.name} was told ticket {numbers[-1]}, which is not there")
            continue
        if keys.get(ticket.marker.removeprefix("zabbix ")) != problem.key:
            wrong.append(f"{problem.name} was told ticket {ticket.id}, which is that of {ticket.marker}")
        members[ticket.id].append(problem)
    return members


def _own(
    problems: Sequence[Problem], tickets: Sequence[Ticket], removed: Collection[int], wrong: list[str]
) -> dict[int, list[Problem]]:
    """Without acknowledgements each problem is looked for by its own marker: no problem shares a ticket."""
    by_marker = {ticket.marker: ticket for ticket in tickets}
    members: dict[int, list[Problem]] = {}
    for problem in problems:
        ticket = by_marker.get(f"zabbix {problem.name}")
        if ticket is not None:
            members[ticket.id] = [problem]
        elif problem.wanted is Wanted.YES and not removed:
            wrong.append(f"{problem.name} has no ticket")
    return members


def _states(tickets: Iterable[Ticket], members: Mapping[int, Sequence[Problem]]) -> Iterable[str]:
    """Solved when all recovered, not before; but a person's word stands."""
    for ticket in tickets:
        if ticket.hold is not Hold.NOBODY or ticket.id not in members:
            continue
        still_open = [problem.name for problem in members[ticket.id] if not problem.recovered]
        if ticket.is_finished and still_open:
            yield f"ticket {ticket.id} is finished while {', '.join(still_open)} is open"
        if not ticket.is_finished and not still_open:
            yield f"ticket {ticket.id} is open (status {ticket.status}) though all of its problems recovered"


def _solutions(tickets: Iterable[Ticket], problems: Mapping[str, Problem]) -> Iterable[str]:
    """Each solution of ours names a problem that recovered, and is there once."""
    for ticket in tickets:
        said = [line for text in ticket.solutions if (line := _last_line(text)) and not line.endswith(" twin")]
        for marker in sorted({one for one in said if said.count(one) > 1}):
            yield f"ticket {ticket.id} has the solution {marker} {said.count(marker)} times"
        for marker in said:
            found = parse(marker)
            if found is None or found["kind"] != "solution":
                continue
            problem = problems.get(f"{found['source']}/{found['subject']}")
            if problem is None or not problem.recovered:
                yield f"ticket {ticket.id} was solved by {marker}, which has not recovered"


def _said_once(tickets: Iterable[Ticket]) -> Iterable[str]:
    """That a ticket was closed, handed over, marked as major, or finished too early is said once each."""
    for ticket in tickets:
        lines = [line for text in ticket.followups if (line := _last_line(text))]
        for marker in sorted({one for one in lines if lines.count(one) > 1}):
            found = parse(marker)
            if found and (found["kind"] == "close" or found["subject"].startswith(("still-", "handed-", "major-"))):
                yield f"ticket {ticket.id} has the word {marker} {lines.count(marker)} times"


def _notes(problems: Iterable[Problem], tickets: Iterable[Ticket], removed: Collection[int]) -> Iterable[str]:
    """Each note once, in the order said."""
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    told = {problem.name: problem for problem in problems}
    every = {note for problem in told.values() for note in problem.notes}
    for ticket in tickets:
        for position, text in enumerate(ticket.followups):
            for word in set(re.findall(r"[\w.-]+", text)) & every:
                places[word].append((ticket.id, position))
    for problem in told.values():
        if not problem.told or set(problem.told) & set(removed):
            continue
        for note in problem.notes:
            if len(places[note]) != 1:
                yield f"the note {note} of {problem.name} was told {len(places[note])} times"
        order = [places[note][0] for note in problem.notes if note not in problem.late and len(places[note]) == 1]
        if order != sorted(order):
            yield f"the notes of {problem.name} are out of order: {order}"


def _news(problems: Sequence[Problem], tickets: Sequence[Ticket]) -> Iterable[str]:
    """What people wrote in GLPI was told in Zabbix, at least once; what the bridge wrote itself never came back."""
    heard = "\n".join(text for problem in problems for text in problem.news)
    words = set(re.findall(r"[\w.-]+", heard))
    for note in (note for problem in problems for note in problem.notes):
        if note in words:
            yield f"the note {note}, said in Zabbix, came back there as news"
    for ticket in tickets:
        for deed in ticket.deeds:
            if deed not in words:
                yield f"{deed}, said on ticket {ticket.id}, was never told in Zabbix"
        for deed in ticket.secrets:
            if deed in words:
                yield f"{deed}, said privately on ticket {ticket.id}, was told in Zabbix"
        for text in ticket.followups:
            for deed in set(re.findall(r"[\w.-]+", text)) & {*ticket.deeds, *ticket.secrets}:
                yield f"{deed}, said by a person on ticket {ticket.id}, came back there as a followup"


def _people(tickets: Iterable[Ticket]) -> Iterable[str]:
    """What a person set stays."""
    for ticket in tickets:
        if ticket.urgency_set is not None and ticket.urgency != ticket.urgency_set:
            yield f"ticket {ticket.id}: a person set urgency {ticket.urgency_set}, now it is {ticket.urgency}"
        if ticket.priority_set is not None and ticket.priority != ticket.priority_set:
            yield f"ticket {ticket.id}: a person set priority {ticket.priority_set}, now it is {ticket.priority}"
        if ticket.marked and ticket.priority != MAJOR:
            yield f"ticket {ticket.id} was marked as a major incident, and its priority is {ticket.priority}"
        if ticket.hold is Hold.OPEN and ticket.is_finished:
            yield f"ticket {ticket.id}: a person reopened it, now its status is {ticket.status}"
        if ticket.hold is Hold.FINISHED and not ticket.is_finished:
            yield f"ticket {ticket.id}: a person finished it, now its status is {ticket.status}"
        if ticket.hold is Hold.PENDING and ticket.status != 4:
            yield f"ticket {ticket.id}: a person set it pending, now its status is {ticket.status}"


def _last_line(text: str) -> str:
    plain = [line.strip() for line in re.sub(r"<[^>]*>", "\n", text).split("\n") if line.strip()]
    return plain[-1] if plain and parse(plain[-1]) else ""


def is_storm(ticket: Ticket | Kin) -> bool:
    """Tell a ticket above those of many problems by its marker."""
    return " storm " in ticket.marker


@dataclass(frozen=True)
class Kin:
    """A ticket of ours as one that may have sons: whether a problem of its own lives, what a person did to it."""

    id: int
    marker: str
    is_finished: bool
    lives: bool
    hold: Hold = Hold.NOBODY


def check_kin(
    tickets: Sequence[Kin],
    links: Sequence[tuple[int, int]],
    owed: Collection[tuple[int, int]],
    *,
    removed: Collection[int] = (),
    repeats: bool = False,
) -> list[str]:
    """Return every violation among tickets that belong together (`links`, `owed`: son and father).

    Each link that is owed is there, once; a storm's ticket is finished when the last of its sons is, and not while a
    problem lives; one that a person finished stays so. `repeats`: something sent calls twice, so twins are right.
    """
    by_id = {ticket.id: ticket for ticket in tickets}
    wrong = [f"ticket {son} is the son of {father} twice" for son, father in {*links} if links.count((son, father)) > 1]
    wrong += [f"ticket {son} should be the son of {father}" for son, father in sorted({*owed} - {*links})]
    for son, father in sorted({*links}):
        if not {son, father} <= by_id.keys() | {*removed}:
            wrong.append(f"ticket {son} is the son of {father}: not both are ours")
    seen: dict[str, int] = {}
    for storm in (ticket for ticket in tickets if is_storm(ticket)):
        if storm.marker in seen and not repeats:
            wrong.append(f"two tickets for {storm.marker}: {seen[storm.marker]} and {storm.id}")
        seen[storm.marker] = storm.id
        sons = [by_id[son] for son, father in links if father == storm.id and son in by_id]
        if storm.hold is Hold.NOBODY and storm.is_finished and any(son.lives for son in sons):
            wrong.append(f"storm {storm.id} is finished while one of its problems lives")
        if (
            storm.hold is Hold.NOBODY
            and not storm.is_finished
            and all(son.is_finished and not son.lives for son in sons)
        ):
            wrong.append(f"storm {storm.id} is open though all of its problems are over")
        if storm.hold is Hold.FINISHED and not storm.is_finished:
            wrong.append(f"storm {storm.id}: a person finished it, now it is open")
    return wrong


@dataclass(frozen=True)
class Itil:
    """A Problem or Change of ours in GLPI: its marker, whether it is over, what is linked to it."""

    id: int
    marker: str
    is_over: bool
    linked: tuple[int, ...] = ()

    @property
    def cause(self) -> str:
        """What there may be only one open of: the marker's words, whichever generation."""
        return self.marker.split(" ", 2)[-1].partition("/")[0]


def check_itil(found: Sequence[Itil], tickets: Collection[int]) -> list[str]:
    """Return every violation among the Problems (or among the Changes): one open for a cause, each link once."""
    wrong = []
    open_: dict[str, int] = {}
    markers: dict[str, int] = {}
    for one in found:
        if one.marker in markers:
            wrong.append(f"{markers[one.marker]} and {one.id} are both {one.marker}")
        markers[one.marker] = one.id
        if not one.is_over and one.cause in open_:
            wrong.append(f"{open_[one.cause]} and {one.id} are both open for {one.cause}")
        if not one.is_over:
            open_[one.cause] = one.id
        wrong += [f"{one.id} is linked to {id_} twice" for id_ in {*one.linked} if one.linked.count(id_) > 1]
        wrong += [f"{one.id} is linked to {id_}, which is none of ours" for id_ in {*one.linked} - {*tickets}]
    return wrong
