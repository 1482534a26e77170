"""The register of field cases is true."""

from __future__ import annotations

from tests import field_cases


def test_every_id_that_a_test_carries_is_in_the_register() -> None:
    known = {id_ for cases in field_cases.CASES.values() for id_, _, _ in cases}
    assert field_cases.carried().keys() <= known


def test_no_id_stands_in_the_register_twice() -> None:
    ids = [id_ for cases in field_cases.CASES.values() for id_, _, _ in cases]
    assert len(ids) == len(set(ids))


def test_the_page_says_which_tests_carry_which_case() -> None:
    page = field_cases.DOCUMENT.read_text("utf-8")
    assert page == field_cases.document(), "write the page anew: .venv/bin/python -m tests.field_cases"
