"""The sites' modules, by node's own test runner."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from glpi_bridge.site.build import contents
from glpi_bridge.site.settings import SiteSettings
from tests.suite import MUST_RUN

FOLDER = Path(__file__).parent / "frontend"


@pytest.fixture
def node() -> str:
    found = shutil.which("node")
    if found is None:
        if os.environ.get(MUST_RUN):
            pytest.fail("node is not installed")
        pytest.skip("node is not installed")
    return found


def test_the_modules_pass_their_own_tests(node: str) -> None:
    done = subprocess.run([node, "--test", *sorted(FOLDER.glob("*.mjs"))], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["portal.js", "panel.js", "html.js", "language.js", "theme.js"])
def test_what_is_put_together_is_a_module(node: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "one.mjs"
    file.write_bytes(next(data for path, data in contents(SiteSettings()).items() if path.endswith(f"/{name}")))
    done = subprocess.run([node, "--check", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
