"""The agent's temperature script on fake trees of hwmon: whatever stands there, it prints a JSON list."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[2] / "config" / "zabbix" / "agent" / "glpi-bridge-temperature"


def sensors(root: Path) -> Any:
    done = subprocess.run(["sh", str(SCRIPT), str(root)], capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr == ""
    return json.loads(done.stdout)


def chip(root: Path, number: int, **files: str) -> Path:
    directory = root / f"hwmon{number}"
    directory.mkdir(parents=True)
    for name, text in files.items():
        (directory / name).write_text(f"{text}\n")
    return directory


def test_no_tree_and_an_empty_one_have_no_sensors(tmp_path: Path) -> None:
    assert sensors(tmp_path / "nowhere") == []
    assert sensors(tmp_path) == []
    chip(tmp_path, 0, name="acpitz")
    assert sensors(tmp_path) == []


def test_a_sensor_is_named_by_its_device_as_numbers_change_from_boot_to_boot(tmp_path: Path) -> None:
    root = tmp_path / "class"
    first = chip(root, 3, name="nvme", temp1_input="38850", temp1_label="Composite")
    (first / "device").symlink_to("../../devices/nvme0")
    chip(root, 4, name="coretemp", temp2_input="-5000")
    assert sensors(root) == [
        {"sensor": "nvme0/temp1", "chip": "nvme", "label": "nvme Composite", "value": 38850},
        {"sensor": "hwmon4/temp2", "chip": "coretemp", "label": "coretemp temp2", "value": -5000},
    ]


def test_what_gives_no_number_is_left_out(tmp_path: Path) -> None:
    chip(tmp_path, 0, name="x", temp1_input="", temp2_input="N/A", temp3_input="1-2", temp4_input="-", temp5_input="7")
    (tmp_path / "hwmon0" / "temp6_input").mkdir()
    assert [one["sensor"] for one in sensors(tmp_path)] == ["hwmon0/temp5"]


def test_names_cannot_break_the_list(tmp_path: Path) -> None:
    chip(tmp_path, 0, name='a"},{\\', temp1_input="1", temp1_label='"$(id)`]\tß')
    [sensor] = sensors(tmp_path)
    assert (sensor["chip"], sensor["label"]) == ("a", "a id")
