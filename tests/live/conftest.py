"""The same journeys against a real GLPI, through the project's own script, store and delivery.

    GLPI_URL               https://glpi.example/apirest.php   (without it everything here is skipped)
    GLPI_APP_TOKEN_FILE    file with the API client's App-Token
    GLPI_USER_TOKEN_FILE   file with the api_token of the bridge's account (profile as in the docs)
    GLPI_ADMIN_TOKEN_FILE  file with the api_token of a Super-Admin, who plays the people (else skipped)

The GLPI needs the category `Monitoring` with CPU, Memory, Disk, Network, Temperature below it, the request source
`Zabbix`, the group `Systems`, the user `enduser` and the computer `web01`. Each test uses a source name of its own, so
that nothing which was there before is touched. Tickets made here stay: never point this at a GLPI that people use.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from glpi_bridge import http
from glpi_bridge.glpi import Credentials, Glpi
from tests.live.bridge import Bridge
from tests.live.way import Way

NEEDED = ("GLPI_URL", "GLPI_APP_TOKEN_FILE", "GLPI_USER_TOKEN_FILE")


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        pytest.skip(f"NOT RUN against a real GLPI: {', '.join(missing)} not set (tests/live/conftest.py says how)")


class Account:
    """Somebody's own session with the real GLPI: reads the truth and plays the people, without the project's client."""

    def __init__(self, url: str, app_token_file: str, token_file: str) -> None:
        self.url = url.rstrip("/")
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["App-Token"] = Path(app_token_file).read_text().strip()
        self._http.headers["X-GLPI-Sanitized-Content"] = "false"
        self._token = Path(token_file).read_text().strip()
        self.sign_in()

    def sign_in(self) -> None:
        """Begin a session, a new one where there is one."""
        if self._http.headers.pop("Session-Token", None) is not None:
            self.close()
        sign = {"Authorization": f"user_token {self._token}"}
        answer = self._http.get(f"{self.url}/initSession", headers=sign, timeout=30)
        assert answer.status_code == 200, f"no session with the real GLPI at {self.url}: {answer.text[:200]}"
        self._session = str(answer.json()["session_token"])
        self._http.headers["Session-Token"] = self._session

    def close(self) -> None:
        self._http.get(f"{self.url}/killSession", headers={"Session-Token": self._session}, timeout=30)
        self._http.close()

    def call(self, method: str, path: str, *, json: Any = None, **query: Any) -> Any:
        answer = self._http.request(method, f"{self.url}/{path}", params=query, json=json, timeout=120)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, **query)

    def add(self, kind: str, **fields: Any) -> int:
        return int(self.call("POST", kind, json={"input": fields})["id"])

    def change(self, ticket: int, **fields: Any) -> None:
        self.call("PUT", f"Ticket/{ticket}", json={"input": fields})

    def rows(self, itemtype: str, text: str, **query: Any) -> list[dict[str, Any]]:
        """List the rows whose content holds `text`, oldest first."""
        found = self.get(
            itemtype, **{"searchText[content]": text, "sort": "id", "order": "ASC", "range": "0-4999"}, **query
        )
        return list(found)

    def tickets(self, source: str) -> list[dict[str, Any]]:
        """List every ticket that carries a marker of this source, those in the trash too."""
        mark = f"zabbix {source}/"
        return self.rows("Ticket", mark) + self.rows("Ticket", mark, is_deleted="true")

    def timeline(self, itemtype: str, ticket: int) -> list[dict[str, Any]]:
        """List the ITILFollowup or ITILSolution rows of a ticket, oldest first."""
        return list(self.get(f"Ticket/{ticket}/{itemtype}", sort="id", order="ASC", range="0-999"))


@pytest.fixture(scope="session")
def reader() -> Iterator[Account]:
    """The bridge's account, seen from outside the bridge."""
    account = Account(*(os.environ[name] for name in NEEDED))
    yield account
    account.close()


@pytest.fixture(scope="session")
def person() -> Iterator[Account]:
    """Somebody who may do everything in GLPI."""
    token_file = os.environ.get("GLPI_ADMIN_TOKEN_FILE")
    if not token_file:
        pytest.skip("GLPI_ADMIN_TOKEN_FILE is not set: nobody plays the people")
    account = Account(os.environ["GLPI_URL"], os.environ["GLPI_APP_TOKEN_FILE"], token_file)
    yield account
    account.close()


@pytest.fixture
def source() -> str:
    return f"live-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def new_glpi() -> Iterator[Callable[..., Glpi]]:
    """Makes clients of the project itself, each with a session of its own; the bridge's, or of another token's user."""
    made: list[Glpi] = []

    def make(token_file: Path | None = None) -> Glpi:
        url, app, user = (os.environ[name] for name in NEEDED)
        token = (token_file or Path(user)).read_text().strip()
        credentials = Credentials(user_token=token, app_token=Path(app).read_text().strip())
        made.append(Glpi(url.rstrip("/"), lambda: credentials, http.session(total_timeout=120, target="GLPI")))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def glpi(new_glpi: Callable[..., Glpi]) -> Glpi:
    client = new_glpi()
    client.login()
    return client


@pytest.fixture
def bridge(tmp_path: Path, source: str) -> Bridge:
    """One installation of the bridge, new for this test."""
    return Bridge(tmp_path, source)


@pytest.fixture
def way() -> Iterator[Way]:
    """A way to GLPI that a test can close, or that loses answers."""
    made = Way(os.environ["GLPI_URL"])
    yield made
    made.close()
