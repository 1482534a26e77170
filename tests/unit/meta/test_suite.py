"""The runner of the tests itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.suite import ROOT

HOW = "import signal; from tests import suite; suite.hear_signals(); print(int(signal.getsignal(signal.{})))"


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT"])
def test_signals_that_whoever_started_it_ignores_are_taken_as_usual(name: str) -> None:
    ignoring = ["sh", "-c", f'trap "" {name.removeprefix("SIG")}; exec "$@"', "sh"]
    said = subprocess.run(
        [*ignoring, sys.executable, "-c", HOW.format(name)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout == "0\n"
