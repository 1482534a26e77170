"""What crosses between Zabbix and GLPI, row by row, each with its journey from a real Zabbix.

`python -m tests.both_ways` writes docs/reference/both-ways.md; a test compares it, and that each journey is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "reference" / "both-ways.md"


class Row(NamedTuple):
    """What happens on one side, what it makes on the other, by which setting, and `file::test` of its journey."""

    here: str
    there: str
    setting: str
    journey: str


_COURSE = "test_who_took_a_ticket_whom_it_was_assigned_to_and_what_was_written_is_told"
_END = "test_the_end_of_a_ticket_is_told_and_the_problem_gets_no_second_one"
FROM_ZABBIX = (
    Row(
        "a problem",
        "a ticket",
        "`ignore`, `hold_off`",
        "test_journeys.py::test_a_value_in_each_of_five_areas_becomes_a_right_ticket_and_the_event_names_it",
    ),
    Row(
        "it recovers",
        "a solution",
        "`solve`, `solve_pending`",
        "test_journeys.py::test_a_recovery_solves_the_ticket_of_its_own_problem",
    ),
    Row(
        "its severity is changed; a message",
        "urgency and impact, unless a person set them; a followup with the author's name",
        "`follow_severity`, `severity_map`; `notes`, `private_notes`, `note`",
        "test_journeys.py::test_a_changed_severity_changes_the_urgency_and_a_message_becomes_a_note",
    ),
    Row(
        "closed by hand",
        "a solution",
        "`solve`",
        "test_journeys.py::test_a_problem_closed_by_hand_in_zabbix_is_solved_in_glpi",
    ),
    Row(
        "suppressed, unsuppressed",
        "a followup each; no ticket yet where there is none",
        "`notes`, `hold_suppressed`",
        "test_turns.py::test_a_problem_suppressed_by_hand_keeps_its_ticket_and_is_told_of_both_words",
    ),
    Row(
        "a maintenance with data",
        "a ticket when it ends and the problem stays; none where it ended inside",
        "`hold_suppressed`",
        "test_turns.py::test_a_problem_of_a_maintenance_gets_its_ticket_when_that_ends",
    ),
    Row(
        "a maintenance without data",
        "nothing, as nothing is measured; a ticket for what holds after it",
        "",
        "test_turns.py::test_a_maintenance_without_data_makes_no_ticket_and_what_holds_after_it_does",
    ),
    Row(
        "its trigger depends on one that is a problem",
        "nothing, as Zabbix raises nothing; a ticket if it still holds afterwards",
        "",
        "test_turns.py::test_what_depends_on_a_problem_has_no_ticket_while_that_lasts",
    ),
    Row(
        "it comes back",
        "the same ticket is reopened, or a new one is linked to it",
        "`reopen_window`, `reopen_closed`",
        "test_turns.py::test_a_problem_that_comes_back_reopens_its_ticket",
    ),
    Row(
        "it flaps",
        "one ticket, one word about it, its true state afterwards",
        "`flapping`",
        "test_turns.py::test_a_flapping_problem_is_one_ticket_with_one_word_about_it",
    ),
    Row(
        "marked as the symptom of a cause",
        "its ticket is linked to the cause's as its son; each has its own recovery",
        "",
        "test_turns.py::test_a_symptom_recovers_by_itself_and_so_does_its_cause",
    ),
    Row(
        "its trigger is switched off",
        "a private followup and a line in `status`; it stays open, or is solved by setting",
        "`notes`, `solve_unwatched` (off)",
        "test_trouble.py::test_a_trigger_that_is_switched_off_leaves_its_ticket_open_with_a_note_and_no_second_one",
    ),
    Row(
        "its host is deleted",
        "nothing: silence closes no ticket",
        "",
        "test_trouble.py::test_a_host_that_is_deleted_closes_nothing",
    ),
    Row(
        "a storm",
        "a ticket for each problem, in bulk",
        "`key`, `notify`",
        "test_trouble.py::test_a_storm_of_300_problems_becomes_300_tickets",
    ),
    Row(
        "more than so many problems of one group in a time",
        "one ticket above theirs, which are its sons; solved with the last of them; mails of the sons off",
        "`storm` (off)",
        "test_turns.py::test_a_storm_has_one_ticket_above_those_of_its_problems_which_ends_with_the_last_of_them",
    ),
)
FROM_GLPI = (
    Row(
        "the ticket is made",
        "number and link as a message, the event acknowledged",
        "`acknowledge`, `write_back: acknowledge`, `acknowledgement`",
        "test_journeys.py::test_a_value_in_each_of_five_areas_becomes_a_right_ticket_and_the_event_names_it",
    ),
    Row(
        "it is taken",
        "a message with the person's name",
        "`write_back: taken`, `news`",
        f"test_news.py::{_COURSE}",
    ),
    Row(
        "it is assigned to a person or a group",
        "a message: to whom, by whom",
        "`write_back: assigned`, `news`",
        f"test_news.py::{_COURSE}",
    ),
    Row(
        "a followup of a person",
        "a message with the name and the text; private ones by setting only",
        "`write_back: followups`, `news`",
        f"test_news.py::{_COURSE}",
    ),
    Row(
        "a person solves it",
        "a message with the name and the text, the event acknowledged",
        "`write_back: solved`, `acknowledge_solved`, `news`",
        f"test_news.py::{_END}",
    ),
    Row(
        "a person solves it, and Zabbix is to follow",
        "the event is closed where manual close is allowed",
        "`write_back: close_solved` (off)",
        "test_news.py::test_a_ticket_that_is_solved_closes_the_problem_by_setting_where_that_is_allowed",
    ),
    Row(
        "it is reopened",
        "a message with the person's name",
        "`write_back: reopened`, `news`",
        f"test_news.py::{_END}",
    ),
    Row(
        "it is closed",
        "a message with the person's name",
        "`write_back: closed`, `news`",
        f"test_news.py::{_END}",
    ),
    Row(
        "it is moved to the trash",
        "a message with the person's name; that problem gets no second ticket",
        "`write_back: deleted`, `news`",
        f"test_news.py::{_END}",
    ),
    Row(
        "it is in the trash and the problem goes on",
        "nothing more is written to it, and there is no second ticket",
        "",
        "test_turns.py::test_a_ticket_in_the_trash_gets_no_second_one_and_no_words",
    ),
    Row(
        "a person solved it and the problem recovers",
        "nothing is added",
        "`close_after` (off)",
        "test_turns.py::test_a_person_who_solved_the_ticket_wins_and_the_recovery_adds_nothing",
    ),
    Row(
        "a person solves it while the problem lives",
        "in GLPI: a private note at once; it stays so, or is reopened at once or after a time",
        "`notes`, `reopen_after_person` (off)",
        "test_turns.py::test_who_solves_while_the_problem_lives_gets_one_private_note",
    ),
    Row(
        "what the bridge wrote in Zabbix",
        "no echo: it never comes back as a followup",
        "",
        "test_journeys.py::test_what_the_bridge_writes_to_an_event_never_comes_back_as_a_note",
    ),
    Row(
        "what the bridge wrote in GLPI",
        "no echo: it never comes back as a message",
        "",
        f"test_news.py::{_COURSE}",
    ),
    Row(
        "each of these, switched off",
        "nothing",
        "all of these",
        "test_news.py::test_what_is_switched_off_is_not_told_on_either_side",
    ),
)


def document() -> str:
    """Write the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Both ways: what crosses, and its journey"
    yield ""
    yield "Each row has a journey in `tests/e2e` from a real Zabbix 7.0. This page is written by"
    yield "`python -m tests.both_ways`, and a test holds it to what is there. Settings are those of"
    yield "[rules.yml](rules.md), `write_back` of [bridge.yml](settings.md)."
    yield from _table("Zabbix", "GLPI", FROM_ZABBIX)
    yield from _table("GLPI", "Zabbix", FROM_GLPI)


def _table(here: str, there: str, rows: Sequence[Row]) -> Iterator[str]:
    yield from ("", f"## From {here} to {there}", "")
    yield f"| in {here} | in {there} | setting | journey |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {row.here} | {row.there} | {row.setting} | `{row.journey}` |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
