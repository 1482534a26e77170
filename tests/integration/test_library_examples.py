"""The examples of docs/how-to/use-as-a-library.md, run from top to bottom against the stand-ins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from glpi_bridge.errors import Held, NotConnected, SettingsError
from glpi_bridge.glpi import Credentials, connect
from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.sandbox.glpi.fixture import PASSWORDS
from glpi_bridge.sandbox.zabbix import Standin
from glpi_bridge.spool import Spool

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "use-as-a-library.md"


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("version", ["10.0.19", "11.0.6"])
def test_each_example_runs_and_does_what_it_says(
    version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    spool = Spool.create(tmp_path / "spool")
    with GlpiServer(version) as glpi, Standin(threads=False) as zabbix:
        eventid = zabbix.raise_problem("web01", "CPU is high", severity=4, alert=False)
        places = {
            "https://glpi.example.org/": glpi.root,
            "https://zabbix.example.org/": zabbix.url,
            "/var/spool/glpi-bridge": str(spool.path),
            "USER_TOKEN": glpi.user_token,
            "ADMIN_TOKEN": glpi.world.user_tokens[2],
            "APP_TOKEN": glpi.app_token,
            "PASSWORD": PASSWORDS[8],
            "ZABBIX_TOKEN": zabbix.token,
        }
        names: dict[str, Any] = {}
        for number, example in enumerate(examples(), 1):
            code = example
            for word, value in places.items():
                code = code.replace(word, value)
            exec(compile(code, f"example {number}", "exec"), names)  # the page is ours

        said = capsys.readouterr().out
        assert glpi.sessions() == []
        (ticket,) = glpi.tickets()
        assert ticket["name"] == "The printer is on fire"
        assert ticket["status"] == 5
        assert "1 ASSIGNED []" in said
        assert "SOLVED" in said
        assert "enduser Self-Service" in said
        assert "GLPI refuses" in said
        assert "['Self-Service', 'Technician']" in said
        assert f"{eventid} HIGH CPU is high" in said
        assert zabbix.event(eventid)["acknowledges"][0]["message"] == "Ticket 17: somebody looks at it"
        assert len(spool.entries()) == 2
        assert 'rules.yml:6 "storage" Monitoring > Disk HIGH' in said
        for token in (glpi.user_token, glpi.app_token, zabbix.token, PASSWORDS[8]):
            assert token not in said


def test_there_are_examples_for_all_that_a_program_needs() -> None:
    page = "\n".join(examples())
    for word in (
        "Names(glpi).ticket",
        "password=",
        "Profile_User",
        "open_problems",
        "acknowledge",
        "hand_off",
        "Rules.load",
    ):
        assert word in page


def test_a_log_in_that_is_refused_names_the_reason_and_leaves_no_session() -> None:
    with GlpiServer() as glpi:
        for login, password in (("enduser", "wrong"), ("inactive", PASSWORDS[11])):
            with pytest.raises(Held) as error:
                connect(glpi.root, Credentials(login=login, password=password, app_token=glpi.app_token)).login()
            assert password not in str(error.value)
        assert glpi.sessions() == []


def test_an_address_that_is_none_and_a_server_that_is_away_are_told() -> None:
    with pytest.raises(SettingsError, match="is not an address"):
        connect("glpi.example.org", Credentials(user_token="x"))
    with pytest.raises(NotConnected, match="refused"):
        connect("http://127.0.0.1:9/", Credentials(user_token="x")).login()
