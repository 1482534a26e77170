"""Every recorded request of the served routes, played against the stand-in of its version."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.recorded import VERSIONS
from tests.contract.glpi_lab import Clock
from tests.contract.glpi_player import Player, is_call_list, names

LEFT_OUT: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "glpi_not_replayed.json").read_text(encoding="utf-8")
)


DOCUMENTS, END_USER, PROVISIONING, FENCE, FACADE, RESTORE, SITES = "07", "08", "09", "12", "13", "14", "15"
ASSETS, LEVELS, CHANGES, MAJOR = "16", "17", "19", "20"
LABS = ("", DOCUMENTS, END_USER, PROVISIONING, FENCE, RESTORE, SITES, ASSETS, LEVELS, CHANGES, MAJOR)


def lab_of(name: str) -> str:
    """Return the lab a record was made on: provisioning began on a fresh GLPI, others had copies."""
    return name[:2] if name[:2] in LABS else ""


def left_out(version: str) -> dict[str, str]:
    """Return the records of a version that are not replayed, each with its reason."""
    return {**LEFT_OUT["both"], **LEFT_OUT[version]}


def single_exchanges(version: str) -> list[str]:
    """Return the records of one request and its answer."""
    return [name for name in names(version) if not is_call_list(version, name)]


@cache
def played(version: str) -> dict[str, list[str]]:
    """Play all records of a version once, each on the lab it was made on, and return what each answer had wrong."""
    differences: dict[str, list[str]] = {}
    single = [name for name in single_exchanges(version) if not name.startswith(FACADE)]
    for lab in LABS:
        clock = Clock()
        with GlpiServer(version=version, stock=lab == PROVISIONING, clock=clock) as server:
            player = Player(server, version, clock)
            player.play([name for name in single if lab_of(name) == lab], left_out(version))
            differences |= player.differences
    return differences


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (v, n)
        for v in VERSIONS
        for n in single_exchanges(v)
        if n not in left_out(v) and not n.startswith(FACADE)  # test_facade_replay.py plays those
    ],
)
def test_the_stand_in_answers_as_the_recording(version: str, name: str) -> None:
    assert played(version)[name] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_list_of_calls_says_what_shows_the_same(version: str) -> None:
    lists = [name for name in names(version) if is_call_list(version, name)]
    assert [name for name in lists if not any(fnmatch(name, pattern) for pattern in LEFT_OUT["calls"])] == []


def test_nothing_is_left_out_that_is_not_there() -> None:
    here = {version: set(names(version)) for version in VERSIONS}
    everywhere = set.union(*here.values())
    assert set(LEFT_OUT["both"]) <= everywhere
    assert all(set(LEFT_OUT[version]) <= here[version] for version in VERSIONS)
    assert all(any(fnmatch(name, pattern) for name in everywhere) for pattern in LEFT_OUT["calls"])
    assert all(reason.strip() for reasons in LEFT_OUT.values() for reason in reasons.values())
