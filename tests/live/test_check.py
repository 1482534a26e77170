"""What `glpi-bridge check` says of a right, a half-wrong and a wrong GLPI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.crash.apart import wait_until
from tests.live.bridge import Bridge


def check(bridge: Bridge, *words: str) -> list[dict[str, str]]:
    """Return the lines about GLPI and the rules."""
    ran = bridge.run("check", "--json", *words)
    assert ran.returncode in {0, 1}, ran.stderr
    lines = json.loads(ran.stdout)["lines"]
    return [line for line in lines if line["thing"].startswith(("GLPI", "rules", "trial", "settings", "secrets"))]


def faults(bridge: Bridge) -> str:
    return "\n".join(f"{line['text']} {line['fix']}" for line in check(bridge) if line["state"] == "fault")


def change(bridge: Bridge, before: str, after: str) -> None:
    text = bridge.settings.read_text()
    assert before in text
    bridge.settings.write_text(text.replace(before, after))


def test_a_right_glpi_has_no_fault_and_its_sessions_lock(bridge: Bridge) -> None:
    """A GLPI that is busy cannot tell whether sessions lock: then `check` says to ask again, which is done here."""

    def told() -> list[str]:
        lines = check(bridge)
        assert [line for line in lines if line["state"] == "fault"] == []
        return [line["state"] for line in lines if "lock" in line["text"]]

    wait_until(lambda: told() == ["ok"], 120, lambda: check(bridge))


def test_a_trial_ticket_is_made_and_closed_again(bridge: Bridge) -> None:
    said = check(bridge, "--ticket")
    trial = [line for line in said if line["thing"].startswith("trial")]
    assert len(trial) > 2
    assert {line["state"] for line in trial} == {"ok"}


@pytest.mark.field("F101")
@pytest.mark.parametrize("which", ["glpi_app_token_file", "glpi_user_token_file"])
def test_a_wrong_token_is_named(bridge: Bridge, which: str) -> None:
    (bridge.directory / which).write_text("0" * 40)
    assert which.removesuffix("_file").removeprefix("glpi_").split("_")[0] in faults(bridge).lower()


@pytest.mark.field("F30")
def test_an_address_without_an_api_is_named(bridge: Bridge) -> None:
    change(bridge, "apirest.php", "nowhere/apirest.php")
    assert "nowhere" in faults(bridge)


@pytest.mark.field("F30")
def test_the_address_is_taken_without_apirest_php_too(bridge: Bridge) -> None:
    change(bridge, "/apirest.php", "/")
    assert faults(bridge) == ""


@pytest.mark.field("F46")
def test_the_new_door_of_glpi_11_is_taken_too(bridge: Bridge, glpi: Any) -> None:
    if glpi.is_10:
        pytest.skip("GLPI 10 has one door")
    change(bridge, "apirest.php", "api.php/v1")
    assert faults(bridge) == ""


@pytest.mark.field("F13")
@pytest.mark.field("F48")
def test_names_that_glpi_lacks_are_named_with_near_ones(tmp_path: Path, source: str) -> None:
    bridge = Bridge(tmp_path, source, rules="default:\n  category: Monitoring > Dsk\n  entity: Root > Custmers\n")
    said = faults(bridge)
    assert "Monitoring > Dsk" in said
    assert "Monitoring > Disk" in said
    assert "Custmers" in said


@contextmanager
def without_right(person: Any, profile: int, right: str, bit: int) -> Iterator[None]:
    """Take a bit of a right away from the bridge's profile, and give it back."""
    [row] = person.get(f"Profile/{profile}/ProfileRight", **{"searchText[name]": f"^{right}$", "range": "0-9"})
    before = int(row["rights"])
    assert before & bit
    person.call("PUT", f"ProfileRight/{row['id']}", json={"input": {"rights": before & ~bit}})
    try:
        yield
    finally:
        person.call("PUT", f"ProfileRight/{row['id']}", json={"input": {"rights": before}})


@pytest.mark.field("F12")
@pytest.mark.parametrize(("right", "bit"), [("ticket", 4), ("ticket", 1024), ("followup", 4096), ("itilcategory", 1)])
def test_a_missing_right_is_named(bridge: Bridge, glpi: Any, person: Any, right: str, bit: int) -> None:
    with without_right(person, glpi.account.profile_id, right, bit):
        said = faults(bridge)
    assert right in said.lower().replace("itil category", "itilcategory")
    assert glpi.account.profile in said
