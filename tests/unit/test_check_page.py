"""docs/reference/check.md names every line that check can print."""

from __future__ import annotations

import re
from pathlib import Path

from glpi_bridge.admin.check_rights import OF_PROBLEMS, RIGHTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/check.md").read_text()
LINE = re.compile(r"(?:ok|warning|fault|unknown)\(\s*\"([A-Za-z -]+)\"|(?:thing|_THING) = \"([A-Za-z -]+)\"")


def test_each_line_of_check_is_on_its_page() -> None:
    sources = [path.read_text() for path in sorted((ROOT / "glpi_bridge/admin").glob("check*.py"))]
    found = {first or second for text in sources for first, second in LINE.findall(text)}
    assert len(found) > 15
    assert [name for name in sorted(found) if f"| `{name}` |" not in PAGE] == []


def test_each_right_that_is_asked_for_is_on_its_page() -> None:
    for right in (*RIGHTS, *OF_PROBLEMS):
        name, _, deed = right.shown.partition(": ")
        assert any(f"{name}: " in line and deed in line for line in PAGE.splitlines()), right.shown
