"""Whether this Zabbix and this administrator will do: told before the first write."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from glpi_bridge.admin.change import ProvisionError
from glpi_bridge.admin.zabbix.rights import examine

NEEDED = ("action.create", "action.get", "token.generate")


def zabbix(version: tuple[int, ...] = (7, 0, 22), type_: int = 3, auth: str = "0" * 32, **rules: Any) -> Any:
    """What `examine` asks, answered."""
    given = {"api.access": "1", "api.mode": "0", "api": [], "actions": []} | rules
    asked: list[tuple[str, Any]] = []
    answers = {
        "user.checkAuthentication": {"username": "Admin", "type": type_, "roleid": "3"},
        "role.get": [{"roleid": "3", "rules": given}],
    }

    def call(method: str, params: Any) -> Any:
        asked.append((method, params))
        return answers[method]

    return SimpleNamespace(version=lambda: version, call=call, api=SimpleNamespace(auth=auth), asked=asked)


@pytest.mark.parametrize("version", [(7, 0, 0), (7, 2, 9), (7, 4, 5)])
def test_a_tested_version_and_a_super_admin_will_do(version: tuple[int, ...]) -> None:
    examine(zabbix(version), NEEDED)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "too old": ({"version": (6, 4, 21)}, "6.4.21, older than the tested 7.0 to 7.4: nothing is done"),
    "too new": ({"version": (8, 0, 0)}, "8.0.0, newer than the tested 7.0 to 7.4: nothing is done"),
    "an admin": ({"type_": 2}, "the role of Admin is no super admin's"),
    "no API": ({"api.access": "0"}, "does not allow access to the API"),
    "not in the allow list": ({"api.mode": "1", "api": ["*.get", "token.*"]}, "does not allow action.create:"),
    "in the deny list": ({"api": ["action.*"]}, "does not allow action.create, action.get:"),
    "no tokens": ({"actions": [{"name": "manage_api_tokens", "status": "0"}]}, "`manage_api_tokens`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_will_not_do_is_said_in_a_sentence(case: str) -> None:
    given, said = REFUSED[case]
    with pytest.raises(ProvisionError) as caught:
        examine(zabbix(**given), NEEDED)
    assert said in str(caught.value)


@pytest.mark.parametrize(("auth", "name"), [("0" * 32, "sessionid"), ("a1" * 32, "token")])
def test_a_session_and_a_token_are_shown_under_their_names(auth: str, name: str) -> None:
    server = zabbix(auth=auth)
    examine(server, NEEDED)
    assert server.asked[0] == ("user.checkAuthentication", {name: auth})
