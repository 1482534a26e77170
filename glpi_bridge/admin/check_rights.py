"""Each right that the bridge needs, tried by a call that changes nothing.

A right is asked for before the input is looked at, so a write with a date that is none is refused in either case, and
GLPI's words tell which: for the date where we may, for the right where we may not. The latter's words, in whatever
language, are those for an entity that does not exist. Tried on 10.0.19 and 11.0.6. Where no call is refused without
a right (GLPI leaves rows or a value out), or where there is no ticket yet to try it on, the profile's word counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from glpi_bridge.admin.check_account import entity_name, other_profiles
from glpi_bridge.admin.finding import Line, State, ok, warning
from glpi_bridge.config import Settings
from glpi_bridge.errors import Refused
from glpi_bridge.glpi import Account, Glpi
from glpi_bridge.model import Outcome, TicketStatus, Verdict
from glpi_bridge.rules import Rules

_NO_DATE = {"name": "glpi-bridge check", "content": "glpi-bridge check", "date": "yesterday"}
_NO_ENTITY = 4294967295
_SOME = 20
_LOOK_UPS = {
    "category": "itilcategory",
    "entity": "entity",
    "group": "group",
    "user": "user",
    "location": "location",
    "request_source": "dropdown",
}


@dataclass(frozen=True, slots=True)
class Right:
    """A right the profile needs: its name and bit in GLPI, and what fails without it."""

    name: str
    bit: int
    shown: str
    purpose: str
    state: State = State.FAULT


RIGHTS = (
    Right("ticket", 1024, "ticket: see all", "no ticket can be found again"),
    Right("ticket", 4, "ticket: create", "no ticket can be made"),
    Right("ticket", 2, "ticket: update", "no ticket can be solved or raised"),
    Right("followup", 4096, "followup: add to all", "no note can be written and no ticket reopened"),
    Right("followup", 1, "followup: see public", "a note whose answer was lost cannot be looked for"),
    Right("followup", 8192, "followup: see private", "private notes cannot be looked for", State.WARNING),
    Right("followup", 4, "followup: add to own", "closed tickets cannot be reopened", State.WARNING),
)
"""What delivery does with each; tried bit by bit on 10.0.19 and 11.0.6."""

OF_PROBLEMS = (
    Right("problem", 1024, "problem: see all", "recurring incidents become no Problem"),
    Right("problem", 4, "problem: create", "recurring incidents become no Problem"),
    Right("problem", 2, "problem: update", "no Problem can be solved from here", State.WARNING),
)
"""What `problem_after` in a rule needs besides."""

_OF_PRIORITY = Right("ticket", 65536, "ticket: change priority", "the priority of a rule is dropped", State.WARNING)
_OF_ACTORS = Right(
    "ticket", 8192, "ticket: assign", "GLPI may drop the group and people that the rules give tickets to", State.WARNING
)
_OF_NEWS = Right("logs", 1, "logs: read", "Zabbix is not told what people do to tickets", State.WARNING)


def check_rights(settings: Settings, rules: Rules, client: Glpi, account: Account) -> Iterator[Line]:
    """Name each right that is missing or that GLPI refuses, with what fails without it; count those that were tried."""
    trials = Trials(client, account)
    tried, told = 0, 0
    missing = False
    for right in needed(settings, rules):
        if not int(account.rights.get(right.name) or 0) & right.bit:
            missing = True
            yield _lacks(right, client, account)
            continue
        words = trials.refused(right)
        if words:
            missing = True
            yield _refuses(right, words, client, account)
        elif words is None:
            told += 1
        else:
            tried += 1
    for itemtype, id_ in trials.made:
        yield warning(
            "GLPI rights",
            f"GLPI took a {itemtype} without a right date: {itemtype} {id_} was made",
            "remove it by hand",
        )
    if not missing:
        rest = f", {told} as the profile says (no call tells, or there is no ticket yet to try it on)" if told else ""
        yield ok("GLPI rights", f'profile "{account.profile}" has every right that is needed: {tried} tried{rest}')


def needed(settings: Settings, rules: Rules) -> tuple[Right, ...]:
    """Return the rights that these settings and rules make use of."""
    kinds = sorted({named.kind for named in rules.names()})
    found = [*RIGHTS, *(OF_PROBLEMS if rules.opens_problems else ())]
    if rules.sets_priority:
        found.append(_OF_PRIORITY)
    if {"group", "user"} & set(kinds):
        found.append(_OF_ACTORS)
    if any(one.write_back.news.kinds for one in settings.zabbix.values()):
        found.append(_OF_NEWS)
    return (*found, *(_look_up(kind) for kind in kinds))


def _look_up(kind: str) -> Right:
    right = _LOOK_UPS[kind]
    return Right(right, 1, f"{right}: read", f"a {kind.replace('_', ' ')} in the rules cannot be found")


def _where(client: Glpi, account: Account) -> str:
    return f'profile "{account.profile}" in {entity_name(client, account.entity_id)}'


def _lacks(right: Right, client: Glpi, account: Account) -> Line:
    fix = (
        f"grant it in Administration > Profiles > {account.profile}, or set glpi.profile to one that has it"
        f"{other_profiles(client, account)}"
    )
    return Line(right.state, "GLPI right", f"{_where(client, account)} lacks `{right.shown}`: {right.purpose}", fix)


def _refuses(right: Right, words: str, client: Glpi, account: Account) -> Line:
    text = (
        f"{_where(client, account)} has `{right.shown}`, yet GLPI refuses what it stands for ({words}): {right.purpose}"
    )
    return Line(right.state, "GLPI right", text, "look for a plugin of GLPI, or something before GLPI, that refuses it")


# -- trials -----------------------------------------------------------------------------------------------------------


class Trials:
    """Calls that change nothing, each telling whether GLPI lets us do what a right stands for."""

    def __init__(self, client: Glpi, account: Account) -> None:
        self._client, self._account = client, account
        self.made: list[tuple[str, int]] = []
        """What came of a trial all the same, by itemtype and id."""
        self._denial: str | None = None

    def refused(self, right: Right) -> str | None:
        """Return GLPI's words of refusal, "" where it lets us; None where no call tells."""
        trial = _TRIALS.get((right.name, right.bit))
        return None if trial is None else trial(self)

    def reads(self, path: str) -> str:
        """Read one row of a list."""
        try:
            self._client.get(path, {"range": "0-0"})
        except Refused as error:
            if error.code == "ERROR_RIGHT_MISSING":
                return str(error)
            raise
        return ""

    def reads_below(self, itemtype: str, child: str = "") -> str | None:
        """Read our newest item of a kind, or one row of what belongs to it."""
        id_ = self.newest(itemtype)
        return None if id_ is None else self.reads(f"{itemtype}/{id_}/{child}" if child else f"{itemtype}/{id_}")

    def adds(self, itemtype: str) -> str | None:
        """Add an item with a date that is none: refused for its date where we may add."""
        outcomes = self._client.add(itemtype, [_NO_DATE])
        self.made += [(itemtype, one.id) for one in outcomes if one.verdict is Verdict.DONE and one.id is not None]
        return self._judged(outcomes)

    def changes(self, itemtype: str, id_: int | None) -> str | None:
        """Change the date of an item to none."""
        if id_ is None:
            return None
        return self._judged(self._client.update(itemtype, [{"id": id_, "date": _NO_DATE["date"]}]))

    def follows_up(self, id_: int | None) -> str | None:
        """Write a followup without a text to a ticket: refused for want of a text."""
        if id_ is None:
            return None
        return self._judged(self._client.add("ITILFollowup", [{"itemtype": "Ticket", "items_id": id_, "content": ""}]))

    def newest(self, itemtype: str, status: TicketStatus | None = None) -> int | None:
        """Return the newest item that our account wrote."""
        rows = self._rows(itemtype, f"^{self._account.user_id}$", status)
        return next((int(row["id"]) for row in rows), None)

    def newest_of_others(self) -> int | None:
        """Return the newest ticket, among some, that our account did not write: to its own it may do more."""
        rows = islice(self._rows("Ticket", None, None), _SOME)
        return next((int(row["id"]) for row in rows if row["users_id_recipient"] != self._account.user_id), None)

    def _rows(self, itemtype: str, writer: str | None, status: TicketStatus | None) -> Iterator[Mapping[str, Any]]:
        wanted = {} if writer is None else {"searchText[users_id_recipient]": writer}
        if status is not None:
            wanted["searchText[status]"] = f"^{int(status)}$"
        try:
            yield from self._client.newest(itemtype, wanted, page=_SOME)
        except Refused as error:
            if error.code != "ERROR_RIGHT_MISSING":
                raise

    def _judged(self, outcomes: Sequence[Outcome]) -> str | None:
        [outcome] = outcomes
        if outcome.verdict is not Verdict.REFUSED:
            return None
        return outcome.text if outcome.text == self._denied() else ""

    def _denied(self) -> str:
        """Return GLPI's words for a right that is missing: those for an entity that it does not have."""
        if self._denial is None:
            [outcome] = self._client.add("Ticket", [{**_NO_DATE, "entities_id": _NO_ENTITY}])
            self._denial = outcome.text
        return self._denial


_Trial: TypeAlias = Callable[[Trials], str | None]


def _list(itemtype: str) -> _Trial:
    return lambda trials: trials.reads(itemtype)


_TRIALS: Mapping[tuple[str, int], _Trial] = {
    ("ticket", 1024): lambda trials: trials.reads_below("Ticket"),
    ("ticket", 4): lambda trials: trials.adds("Ticket"),
    ("ticket", 2): lambda trials: trials.changes("Ticket", trials.newest_of_others()),
    ("followup", 4096): lambda trials: trials.follows_up(trials.newest_of_others()),
    ("followup", 4): lambda trials: trials.follows_up(trials.newest("Ticket", TicketStatus.CLOSED)),
    ("problem", 1024): _list("Problem"),
    ("problem", 4): lambda trials: trials.adds("Problem"),
    ("problem", 2): lambda trials: trials.changes("Problem", trials.newest("Problem")),
    ("logs", 1): lambda trials: trials.reads_below("Ticket", "Log"),
    ("itilcategory", 1): _list("ITILCategory"),
    ("entity", 1): _list("Entity"),
    ("group", 1): _list("Group"),
    ("user", 1): _list("User"),
    ("location", 1): _list("Location"),
    ("dropdown", 1): _list("RequestType"),
}
