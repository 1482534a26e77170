"""itil.yml brought about in the real GLPI by an administrator: once, and then unchanged."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.bridge import Bridge

TEXT = """\
calendars:
  - name: {name} hours
    hours: {{mon-fri: "08:00-12:00, 13:00-18:00", sun: 10:00-11:30}}
service_levels:
  - {{name: {name}, calendar: {name} hours, own: 30m, resolve: 2d, internal_own: 10m, internal_resolve: 90m}}
ticket_templates:
  - name: {name} template
    mandatory: [category, location]
    hidden: request source
    predefined: {{urgency: high, impact: low}}
categories:
  - {{name: {name}, template: {name} template, below: [CPU]}}
groups: ["{name} desk"]
locations:
  - {{name: {name} building, below: [Room & co]}}
"""
MADE = ("ITILCategory", "SLA", "OLA", "SLM", "Calendar", "TicketTemplate", "Group", "Location")


@pytest.fixture
def name(person: Any) -> Iterator[str]:
    """A name that all of it begins with; what has it is gone afterwards."""
    made = f"prov-{uuid.uuid4().hex[:8]}"
    yield made
    for itemtype in MADE:
        rows = person.get(itemtype, range="0-999", sort="id", order="DESC")
        for row in rows:  # children before their parents: they were made later
            if str(row.get("completename") or row["name"]).startswith(made):
                person.call("DELETE", f"{itemtype}/{row['id']}", force_purge="true")


def provision(bridge: Bridge, token_file: Path, *more: str) -> dict[str, Any]:
    arguments = ["provision", "glpi", "--admin-token-file", str(token_file), "--json", *more]
    app = ["--app-token-file", str(bridge.directory / "glpi_app_token_file")]
    ran = bridge.run(*arguments, *app)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


def test_itil_yml_is_brought_about_once(bridge: Bridge, person: Any, name: str, tmp_path: Path) -> None:
    (bridge.directory / "itil.yml").write_text(TEXT.format(name=name))
    token = tmp_path / "admin_token"
    token.write_text(Path(os.environ["GLPI_ADMIN_TOKEN_FILE"]).read_text())
    token.chmod(0o600)
    assert provision(bridge, token, "--check")["changed"] is True
    assert not [row for row in person.get("Calendar", range="0-999") if row["name"].startswith(name)]
    assert provision(bridge, token)["changed"] is True
    assert provision(bridge, token)["changed"] is False
    assert provision(bridge, token, "--check")["changed"] is False
    agreed = {row["name"]: (row["number_time"], row["definition_time"])
              for kind in ("SLA", "OLA") for row in person.get(kind, range="0-999")
              if row["name"].startswith(name)}  # fmt: skip
    assert agreed == {
        f"{name}, time to own": (30, "minute"),
        f"{name}, time to resolve": (2, "day"),
        f"{name}, internal time to own": (10, "minute"),
        f"{name}, internal time to resolve": (90, "minute"),
    }
