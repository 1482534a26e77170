"""Rights that the recordings do not show, given one by one to an account of its own: what each opens, nothing more."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import requests

from glpi_bridge.admin.bridge_rights import as_bits, wanted
from glpi_bridge.admin.check_rights import OF_PROBLEMS, RIGHTS, Right, Trials
from glpi_bridge.glpi import Glpi
from tests.live.conftest import Account

READ = 1
BASE = {"ticket": 1024, "entity": READ}


SEEING = {"ticket: see all", "followup: see public", "followup: see private"}
"""Without them GLPI leaves rows out, and refuses nothing."""
TOLD = [right for right in (*RIGHTS, *OF_PROBLEMS) if right.shown not in SEEING]
LISTS_READ = [
    Right(name, READ, name, "nothing")
    for name in ("logs", "itilcategory", "entity", "group", "user", "location", "dropdown")
]


class Trial:
    """An account whose profile has the rights that a test gives it."""

    def __init__(self, person: Account, directory: Path) -> None:
        self.person, self.token_file = person, directory / "trial_token"
        token = secrets.token_hex(20)
        self.token_file.write_text(token)
        self.name = f"trial-{token[:8]}"
        self.profile = person.add("Profile", name=self.name, interface="central")
        self.user = person.add("User", name=self.name, _profiles_id=self.profile, _entities_id=0, _is_recursive=1)
        person.call("PUT", f"User/{self.user}", json={"input": {"api_token": token}})

    def statuses(self, *paths: str, **rights: int) -> list[int]:
        """Give the profile these rights, sign in, and return how GLPI answers each path."""
        for right in ("networking", "internet", "itiltemplate", "computer", *BASE):
            bits = {str(1 << place): (rights | BASE).get(right, 0) >> place & 1 for place in range(17)}
            self.person.call("PUT", f"Profile/{self.profile}", json={"input": {f"_{right}": bits}})
        account = Account(os.environ["GLPI_URL"], os.environ["GLPI_APP_TOKEN_FILE"], str(self.token_file))
        try:
            return [account._http.get(f"{account.url}/{path}", timeout=60).status_code for path in paths]
        finally:
            account.close()

    def give(self, rights: Mapping[str, int]) -> None:
        """Set these rights, and no others of theirs."""
        sent = {f"_{name}": as_bits(total, (1 << 17) - 1) for name, total in rights.items()}
        self.person.call("PUT", f"Profile/{self.profile}", json={"input": sent})

    def clear(self) -> None:
        self.person.call("DELETE", f"User/{self.user}", force_purge="true")
        self.person.call("DELETE", f"Profile/{self.profile}", force_purge="true")


@pytest.fixture
def trial(person: Account, tmp_path: Path) -> Iterator[Trial]:
    made = Trial(person, tmp_path)
    yield made
    made.clear()


LISTS = (
    "NetworkEquipment?range=0-0",
    "IPAddress?range=0-0",
    "TicketTemplate?range=0-0",
    "TicketTemplateMandatoryField?range=0-0",
)
OPENS = {"networking": (0,), "internet": (1,), "itiltemplate": (2, 3), "computer": ()}


def test_without_them_the_lists_are_refused(trial: Trial) -> None:
    assert trial.statuses(*LISTS) == [403] * len(LISTS)


@pytest.mark.parametrize("right", OPENS)
def test_each_right_opens_what_it_is_there_for_and_nothing_else(trial: Trial, right: str) -> None:
    found = trial.statuses(*LISTS, **{right: READ})
    refused = [place for place, status in enumerate(found) if status == requests.codes.forbidden]
    assert refused == [place for place in range(len(LISTS)) if place not in OPENS[right]]


def test_a_port_is_found_by_its_mac_with_networking(trial: Trial) -> None:
    [status] = trial.statuses("NetworkPort?range=0-0", networking=READ)
    assert status in {200, 206}


def test_these_rights_are_what_provision_gives() -> None:
    assert {right: wanted()[right] for right in ("networking", "internet", "itiltemplate", "computer")} == {
        "networking": READ, "internet": READ, "itiltemplate": READ, "computer": READ,
    }  # fmt: skip


@pytest.mark.field("F12")
def test_check_tells_each_right_by_a_call_that_changes_nothing(
    trial: Trial, person: Account, new_glpi: Callable[..., Glpi]
) -> None:
    """All rights, then each taken away alone; the tickets and the Problem it is tried on stay as they are."""
    total = wanted()
    trial.give(total)
    made = _own_items(trial, person)
    before = [_with_history(person, itemtype, id_) for itemtype, id_ in made]
    missed = []
    for right in (*TOLD, *LISTS_READ):
        for rights, is_told in ((total, ""), (total | {right.name: total[right.name] & ~right.bit}, "permission")):
            trial.give(rights)
            client = new_glpi(trial.token_file)
            words = Trials(client, client.login()).refused(right)
            client.close()
            if words is None or (is_told not in words if is_told else words != ""):
                missed.append((right.shown, is_told, words))
    assert missed == []
    assert [_with_history(person, itemtype, id_) for itemtype, id_ in made] == before


def _own_items(trial: Trial, person: Account) -> list[tuple[str, int]]:
    own = Account(os.environ["GLPI_URL"], os.environ["GLPI_APP_TOKEN_FILE"], str(trial.token_file))
    try:
        made = [("Ticket", own.add("Ticket", name=trial.name, content="closed", status=6))]
        made += [(itemtype, own.add(itemtype, name=trial.name, content="open")) for itemtype in ("Ticket", "Problem")]
    finally:
        own.close()
    made.append(("Ticket", person.add("Ticket", name=trial.name, content="somebody else's")))
    return made


def _with_history(person: Account, itemtype: str, id_: int) -> tuple[object, ...]:
    row = person.get(f"{itemtype}/{id_}", get_hateoas="false")
    return (
        row,
        len(person.get(f"{itemtype}/{id_}/Log", range="0-99")),
        len(person.get(f"{itemtype}/{id_}/ITILFollowup")),
    )
