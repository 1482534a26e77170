"""The tutorials, command by command on the demo's stage."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from glpi_bridge.sandbox.demo import change, play, stage

ROOT = Path(__file__).parents[2]
PAGES = ("a-first-hour", "a-week-at-the-service-desk")
DEADLINE_SECONDS = 60.0
LOOKS = ("glpi-bridge status", "glpi-bridge ticket list", "glpi-bridge explain", "glpi-bridge itil")
"""What may be asked again: looks, and deeds of which the second is none (the daemon may be at the first just now)."""


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Each `$ command` of the page with the lines that it shows."""
    text = (ROOT / "docs" / "tutorial" / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"^    \$ (.+)\n((?:    (?!\$ ).+\n)*)", text, re.MULTILINE)
    return [(command, [line[4:] for line in shown.splitlines()]) for command, shown in blocks]


def is_as_shown(output: str, shown: list[str]) -> bool:
    """A line `…` stands for any lines, `…` within one for any text."""
    pattern = "\n".join(re.sub(r"([\[\]*?])", r"[\1]", line).replace("…", "*") for line in shown)
    return fnmatchcase(output.rstrip("\n"), pattern)


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_the_tutorial_shows_what_the_page_shows(page: str) -> None:
    found = commands(page)
    assert len(found) >= 8
    with stage() as on:
        play(on, lambda _: None)
        change(on, lambda _: None)
        env = os.environ | {
            "CHECKOUT": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GLPI_BRIDGE_CONFIG": "bridge.yml",
        }
        for command, shown in found:
            end = time.monotonic() + DEADLINE_SECONDS
            while not is_as_shown(output := said(command, on.directory, env), shown):
                # a look is repeated, as a reader would: the daemon works beside it
                is_in_time = command.startswith(LOOKS) and time.monotonic() < end
                assert is_in_time, f"$ {command}\n{output}\ninstead of\n" + "\n".join(shown)
                time.sleep(0.2)


def said(command: str, directory: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(["sh", "-c", command], cwd=directory, env=env, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
