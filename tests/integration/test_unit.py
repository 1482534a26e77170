"""The systemd unit: systemd understands it, and it locks the service in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / "config" / "systemd" / "glpi-bridge.service"
systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


@pytest.fixture(params=["glpi-bridge.service", "glpi-bridge-report.service"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit with a program that is there, in the form for every systemd."""
    text = UNIT.with_name(request.param).read_text("utf-8").replace("Type=notify-reload", "Type=notify")
    path = tmp_path / str(request.param)
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    return path


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, words)]
    environment = os.environ | {"SYSTEMD_LOG_LEVEL": "warning"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@systemd
def test_systemd_finds_nothing_to_say(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []


@systemd
def test_the_service_is_locked_in(unit: Path) -> None:
    done = analyze("security", "--offline=true", unit)
    [exposure] = re.findall(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(exposure) < (2 if unit.name == UNIT.name else 4)  # the report's library compiles as it runs


@systemd
def test_the_report_s_timer_starts_its_service(tmp_path: Path) -> None:
    timer = shutil.copy(UNIT.with_name("glpi-bridge-report.timer"), tmp_path)
    text = UNIT.with_name("glpi-bridge-report.service").read_text("utf-8")
    (tmp_path / "glpi-bridge-report.service").write_text(
        re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    )
    done = analyze("verify", "--man=no", timer)
    assert [line for line in done.stderr.splitlines() if "glpi-bridge-report" in line] == []


def test_it_tells_systemd_how_it_goes_and_is_restarted() -> None:
    lines = UNIT.read_text("utf-8").splitlines()
    assert {"Type=notify-reload", "Restart=always", "User=glpi-bridge"} <= set(lines)
    assert any(line.startswith("WatchdogSec=") for line in lines)
