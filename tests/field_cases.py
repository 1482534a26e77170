"""The register of field cases: situations people met in public, each with the tests that carry its id.

`python -m tests.field_cases` writes docs/reference/field-cases.md; a test compares it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "reference" / "field-cases.md"

CORE, ZABBIX, ITIL, SITES, PLAYBOOK = 4, 5, 6, 7, 8
"""The issues that bring the tests that are not there yet."""

CASES: dict[str, list[tuple[str, str, int]]] = {
    "Lost alerts": [
        ("F02", "GLPI is away for longer than one call lasts", CORE),
        ("F16", "the script says that all is well and has stored nothing", CORE),
        ("F93", "one message that is always refused holds up the others", CORE),
        ("F96", "only some kinds of failure are tried again", CORE),
    ],
    "Duplicates": [
        ("F01", "the answer to a create never came, so it is created again", CORE),
        ("F03", "one of the two writes of a recovery fails", CORE),
        ("F18", "a number is found inside a longer number", CORE),
        ("F19", "the ticket looked for is older than the newest few", CORE),
        ("F21", "each step of an escalation opens a ticket", CORE),
        ("F40", "text with & or < is stored otherwise and not found again", CORE),
        ("F86", "several senders look at once, find nothing, and all create", CORE),
        ("F87", "a rule of GLPI replaces the text that named the event", CORE),
        ("F94", "a key made from the problem's name merges hosts", CORE),
    ],
    "Text and encoding": [
        ("F07", "markup in a problem's name", CORE),
        ("F56", "titles that are too long, or blank", CORE),
        ("F57", "emoji on tables that cannot hold them", CORE),
        ("F58", "apostrophes, backslashes and line ends come back changed", CORE),
        ("F59", "scripts and control bytes in an alert", CORE),
    ],
    "Macros and arguments": [
        ("F67", "values with line ends, or with the separator in them", CORE),
        ("F69", "the Test button's raw macros, and tags that are not JSON", CORE),
        ("F70", "the media type has no parameters", CORE),
    ],
    "Severity, category, time": [
        ("F06", "the urgency of internal events", CORE),
        ("F08", "a severity's number taken for an urgency", CORE),
        ("F24", "the time of an event read in the wrong zone", CORE),
    ],
    "Recovery and closing": [
        ("F22", "the host or trigger is switched off, so that no recovery comes", CORE),
        ("F23", "the recovery of a problem nobody told about", CORE),
        ("F25", "an empty list taken for a recovery", CORE),
        ("F89", "several tickets of one trigger, and which of them is solved", CORE),
    ],
    "Reopening, flapping, maintenance": [
        ("F05", "a trigger that fires again and again", CORE),
        ("F52", "an entity where a solution closes at once", CORE),
        ("F82", "maintenance of one problem, not of its host", CORE),
        ("F90", "the reopen window means what it says", CORE),
        ("F98", "flapping ends in the true state", CORE),
    ],
    "Both sides in step": [
        ("F27", "a person closes the ticket while the problem lives", CORE),
        ("F72", "severity, message and acknowledgement cross", CORE),
        ("F84", "acknowledging one problem leaves its namesakes alone", CORE),
    ],
    "Sessions, tokens, permissions": [
        ("F12", "the session runs under another profile or entity", CORE),
        ("F32", "a token that stays invalid after a new log-in", CORE),
        ("F42", "an entity is not readable in the session that made it", ITIL),
        ("F44", "sessions pile up", CORE),
        ("F77", "secrets in logs, errors and arguments", CORE),
        ("F81", "a Zabbix account that sees no host", CORE),
        ("F101", "a token is revoked, and put back later", CORE),
    ],
    "Time-outs, network, TLS, proxy": [
        ("F09", "the proxy setting, and hosts excepted from it", CORE),
        ("F14", "an answer without a body", CORE),
        ("F15", "a ticket number read from a refusal", CORE),
        ("F28", "Apache takes the Authorization header away", CORE),
        ("F30", "GLPI under /, /glpi or another name", CORE),
        ("F31", "the API client does not allow the address it sees", CORE),
        ("F33", "no answer, or a session that ends in mid-pass", CORE),
        ("F60", "PHP's notices in front of the JSON", CORE),
        ("F80", "a private CA, from the first call on", CORE),
    ],
    "Versions": [
        ("F46", "the same settings on GLPI 10 and 11", CORE),
        ("F47", "actors that a create drops without a word", CORE),
        ("F73", "Zabbix 7.2 takes the token in the header only", CORE),
    ],
    "Bulk and scale": [
        ("F35", "an answer that is partly a refusal", CORE),
        ("F38", "lists that are cut without a word", CORE),
        ("F39", "search criteria that are ignored", CORE),
        ("F62", "dead locks under several writers", CORE),
        ("F63", "a storm of mails", CORE),
    ],
    "Configuration errors": [
        ("F13", "an entity that does not exist", CORE),
        ("F48", "a category that does not exist, or not there", CORE),
        ("F64", "a template that demands more than is sent", CORE),
    ],
    "ITIL objects": [
        ("F04", "solved by a solution, not by a status", CORE),
        ("F51", "a second solution is refused", CORE),
        ("F54", "what solving a parent does to its children", ZABBIX),
        ("F55", "tickets in the trash, and purged ones", CORE),
    ],
    "Sites": [
        ("F61", "uploads that are refused, doubled, or of equal names", SITES),
        ("F111", "pages from another origin", SITES),
        ("F112", "who has my ticket", SITES),
        ("F114", "a sign-in that ends nowhere", SITES),
        ("F117", "typed text is kept over an error", SITES),
        ("F118", "private notes stay private", SITES),
        ("F119", "long lists", SITES),
    ],
    "Installation": [
        ("F102", "a second run of the playbook changes nothing", PLAYBOOK),
        ("F103", "the action names our media type alone", PLAYBOOK),
        ("F104", "an API user without the role", PLAYBOOK),
        ("F105", "a database import that broke off", PLAYBOOK),
        ("F107", "Debian 13", PLAYBOOK),
        ("F109", "time zones and vhost of a new GLPI", PLAYBOOK),
    ],
}

_CARRIED = re.compile(r"mark\.field\(([^)]*)\)")
_ID = re.compile(r"\bF\d+\b")


def carried() -> dict[str, list[str]]:
    """Read from the tests' files which ids each of them carries: id → paths below tests/."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text("utf-8")
        for id_ in sorted({id_ for marks in _CARRIED.findall(text) for id_ in _ID.findall(marks)}):
            found.setdefault(id_, []).append(str(path.relative_to(ROOT / "tests")))
    return found


def document() -> str:
    """Write the page."""
    return "\n".join(_lines(carried())) + "\n"


def _lines(found: dict[str, list[str]]) -> Iterator[str]:
    ids = [id_ for cases in CASES.values() for id_, _, _ in cases]
    yield "# Field cases"
    yield ""
    yield "Situations that people who do this job met in public, with bridges from monitoring to tickets, GLPI, Zabbix."
    yield "Each has tests that carry its id (`pytest -m field` runs them all). This page is written by"
    yield "`python -m tests.field_cases` from the tests' files, and a test compares it."
    yield ""
    yield f"{len(found.keys() & set(ids))} of {len(ids)} have tests."
    for kind, cases in CASES.items():
        yield from ("", f"## {kind}", "", "| id | situation | tests |", "|---|---|---|")
        for id_, situation, issue in cases:
            where = ", ".join(f"`{path}`" for path in found.get(id_, [])) or f"not yet; issue {issue} brings them"
            yield f"| {id_} | {situation} | {where} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
