"""itil.yml: its reference is that of the code, and the rights are objects of bits."""

from __future__ import annotations

from pathlib import Path

from glpi_bridge.admin.bridge_rights import PROFILE_RIGHTS, as_bits, wanted
from glpi_bridge.admin.check_rights import RIGHTS
from glpi_bridge.admin.itil_settings import load
from tests import itil_reference

EXAMPLE = Path(__file__).parents[2] / "config" / "itil.yml"


def test_the_reference_is_what_the_code_says() -> None:
    assert itil_reference.DOCUMENT.read_text("utf-8") == itil_reference.document(), "python -m tests.itil_reference"


def test_the_example_is_taken_with_every_key_named_in_it() -> None:
    itil, _ = load(EXAMPLE)
    assert itil.profile == "Bridge"
    assert all(f"{name}:" in EXAMPLE.read_text("utf-8") for name in type(itil).model_fields)


def test_the_profile_has_every_right_that_check_asks_for() -> None:
    assert {(right.name, right.bit) for right in RIGHTS} <= {(right.name, right.bit) for right in PROFILE_RIGHTS}


def test_a_right_is_written_as_bits_and_a_lost_one_as_zero() -> None:
    assert as_bits(1029) == {"1": 1, "4": 1, "1024": 1}
    assert as_bits(1, held=5) == {"1": 1, "4": 0}
    assert as_bits(0) == {"1": 0}
    assert wanted()["problem"] == 1030
