"""user, role, group: by name, twice the same, and never the last one who manages profiles taken away."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.installation import Installation, installation


@pytest.fixture(params=["10.0.19", "11.0.6"])
def bridge(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with installation(tmp_path, request.param) as made:
        made.secret("admin.password", "glpi")
        yield made
        assert made.glpi.sessions() == []


def as_admin(bridge: Installation, *words: str) -> list[str]:
    return [*words, "--admin", "glpi", "--admin-password-file", str(bridge.home / "admin.password")]


def say(bridge: Installation, *words: str, stdin: str | None = None) -> Any:
    return json.loads(bridge.ok(*as_admin(bridge, *words, "--json"), stdin=stdin))


def refused(bridge: Installation, *words: str) -> str:
    result = bridge.run(*as_admin(bridge, *words))
    assert result.exit_code == 1, result.output
    return result.output


def test_a_user_is_added_once_with_mail_role_and_a_password_from_standard_input(bridge: Installation) -> None:
    words = ("user", "add", "jdoe", "--email", "j@example.org", "--realname", "Doe", "--profile", "Technician",
             "--password-file", "-")  # fmt: skip
    assert say(bridge, *words, stdin="Jane-lab-1\n")["changed"]
    assert say(bridge, *words, stdin="Jane-lab-1\n") == {"changed": False, "changes": []}
    shown = say(bridge, "user", "show", "jdoe")
    assert (shown["realname"], shown["emails"], shown["active"]) == ("Doe", ["j@example.org"], True)
    assert {"user": "jdoe", "profile": "Technician", "entity": "Root entity", "recursive": True} in shown["roles"]


def test_check_says_what_would_be_done_and_does_nothing(bridge: Installation) -> None:
    assert say(bridge, "user", "add", "jdoe", "--email", "j@example.org", "--check")["changed"]
    assert "jdoe" not in [one["name"] for one in say(bridge, "user", "list")]


def test_a_disabled_user_stays_and_is_disabled_once(bridge: Installation) -> None:
    assert say(bridge, "user", "disable", "enduser2")["changed"]
    assert say(bridge, "user", "disable", "enduser2")["changed"] is False
    assert say(bridge, "user", "show", "enduser2")["active"] is False


def test_a_new_token_goes_to_a_private_file_and_nowhere_else(bridge: Installation) -> None:
    path = bridge.home / "new.token"
    said = bridge.ok(*as_admin(bridge, "user", "token", "bridge", "--file", str(path)))
    token = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token not in said
    assert bridge.glpi.world.user_tokens[7] == token
    assert "is there already" in refused(bridge, "user", "token", "bridge", "--file", str(path))


def test_a_role_is_granted_once_narrowed_and_revoked_once(bridge: Installation) -> None:
    grant = ("role", "grant", "enduser", "Technician", "--entity", "Operations")
    assert say(bridge, *grant)["changed"]
    assert say(bridge, *grant)["changed"] is False
    [change] = say(bridge, *grant, "--no-recursive")["changes"]
    assert change["action"] == "update"
    mine = say(bridge, "role", "list", "--user", "enduser")
    held = {"user": "enduser", "profile": "Technician", "entity": "Root entity > Operations", "recursive": False}
    assert held in mine
    assert held in say(bridge, "role", "show", "Technician")["held"]
    revoke = ("role", "revoke", "enduser", "Technician", "--entity", "Operations")
    assert say(bridge, *revoke)["changed"]
    assert say(bridge, *revoke)["changed"] is False


def test_the_last_one_who_manages_profiles_keeps_that(bridge: Installation) -> None:
    assert "the last one who may manage profiles" in refused(bridge, "role", "revoke", "glpi", "Super-Admin")
    assert "the last one" in refused(bridge, "role", "grant", "glpi", "Super-Admin", "--no-recursive")
    assert "the last one" in refused(bridge, "user", "disable", "glpi")
    say(bridge, "role", "grant", "technician", "Super-Admin")
    assert say(bridge, "role", "revoke", "glpi", "Super-Admin", "--check")["changed"]


def test_nobody_changes_their_own_rights(bridge: Installation) -> None:
    assert "nobody changes their own rights" in refused(bridge, "role", "grant", "glpi", "Admin")
    assert say(bridge, "role", "list", "--user", "glpi") == [
        {"user": "glpi", "profile": "Super-Admin", "entity": "Root entity", "recursive": True}
    ]


def test_a_member_is_added_and_removed_once(bridge: Installation) -> None:
    assert say(bridge, "group", "add-member", "Networks", "enduser")["changed"]
    assert say(bridge, "group", "add-member", "Networks", "enduser")["changed"] is False
    assert {"group": "Networks", "members": ["enduser"]} in say(bridge, "group", "list")
    assert say(bridge, "group", "remove-member", "Networks", "enduser")["changed"]
    assert say(bridge, "group", "remove-member", "Networks", "enduser")["changed"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("user", "show", "technican"), 'user "technican" is not in GLPI; did you mean "technician"?'),
        (("role", "grant", "enduser", "Techncian"), 'did you mean "Technician"?'),
        (("role", "grant", "enduser", "Technician", "--entity", "Operatons"), 'did you mean "Operations"?'),
        (("group", "add-member", "Netwoks", "enduser"), 'did you mean "Networks"?'),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(bridge: Installation, words: tuple[str, ...], said: str) -> None:
    assert said in refused(bridge, *words)


def test_who_may_not_is_told_so_before_anything_is_sent(bridge: Installation) -> None:
    bridge.secret("enduser.password", "End-lab-1")
    result = bridge.run(
        "user", "add", "jdoe", "--email", "j@example.org", "--admin", "enduser", "--admin-password-file",
        str(bridge.home / "enduser.password"),
    )  # fmt: skip
    assert result.exit_code == 1
    assert "sign in as a Super-Admin" in result.output


def test_the_password_is_asked_for_and_not_shown(bridge: Installation) -> None:
    said = bridge.ok("user", "list", stdin="glpi\nglpi\n")
    assert "technician" in said
