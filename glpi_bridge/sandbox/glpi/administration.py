"""Users, profiles and entities: the little that differs from any other item [09]."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

from . import access
from .answers import Refused
from .recorded import Row
from .values import integer
from .writing import Act, Writer

SELF_SERVICE: Final = 1
NO_RIGHTS: Final = frozenset(
    {"id", "is_default", "helpdesk_hardware", "create_ticket_on_login", "use_mentions", "2fa_enforced"}
)
"""Numbers on a profile that are no rights."""


class UserWriter(Writer):
    """Users: unique names, passwords twice, a default profile, tokens that are never shown."""

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Refuse a name that is taken; keep the password as a digest."""
        if any(self.table.value(i, "name") == data.get("name") for i in self.table.ids):
            raise Refused("Unable to add. The user already exists.")
        self.check_password(data)
        row = super().prepare_add(act, data)
        if data.get("password"):
            row["password_last_update"] = act.now
        return row

    @staticmethod
    def check_password(data: Row) -> None:
        """Refuse two different passwords [09/084]."""
        if data.get("password") and data["password"] != data.get("password2", data["password"]):
            raise Refused("Error: the two passwords do not match")

    def after_add(self, act: Act, row_id: int, data: Row) -> None:
        """Keep secrets apart from the table; give the default profile."""
        self.keep_secrets(act, row_id, data)
        row = {"users_id": row_id, "profiles_id": SELF_SERVICE, "is_dynamic": 1, "is_default_profile": 1}
        self.world.db["Profile_User"].insert(row)
        for mail in data.get("_useremails") or []:
            self.world.db["UserEmail"].insert({"users_id": row_id, "email": str(mail), "is_default": 1})

    def keep_secrets(self, act: Act, row_id: int, data: Row) -> None:
        """Store password and API token where no answer shows them."""
        if data.get("password"):
            self.world.passwords[row_id] = digest(str(data["password"]))
        if data.get("_reset_api_token"):
            data = {**data, "api_token": secrets.token_hex(20)}
        if data.get("api_token"):
            self.world.user_tokens[row_id] = str(data["api_token"])
            self.table.update(row_id, {"api_token_date": act.now})

    def prepare_update(self, act: Act, row_id: int, data: Row) -> Row:
        """Check a new password; 11 refuses the present one."""
        self.check_password(data)
        same = data.get("password") and self.world.passwords.get(row_id) == digest(str(data["password"]))
        if same and not self.world.dialect.encodes:
            raise Refused("Password was used too recently.")
        return super().prepare_update(act, row_id, data)

    def after_update(self, act: Act, row_id: int, data: Row, old: Row) -> None:  # noqa: ARG002  # every hook has this shape
        """Store new secrets."""
        self.keep_secrets(act, row_id, data)

    def named(self, row_id: int) -> str:
        """Return "Surname Firstname", or the login where there is neither."""
        return self.world.friendly_name(row_id)


class ProfileWriter(Writer):
    """Profiles: rights are set by PUT as an object of bits [09/050-056]."""

    def columns(self, data: Row) -> Row:
        """Keep plain columns; rights as numbers count on create of 11 only."""
        kept = super().columns({k: v for k, v in data.items() if not isinstance(v, dict)})
        for name in self.rights() & kept.keys():
            del kept[name]
        return kept

    def rights(self) -> set[str]:
        """Return the names of all rights."""
        bridge = self.world.recorded.profiles["Bridge"]
        return {k for k, v in bridge.items() if isinstance(v, int) and k not in NO_RIGHTS and not k.endswith("_id")}

    def after_add(self, act: Act, row_id: int, data: Row) -> None:  # noqa: ARG002
        """Give the new profile its rights (11) and their rows."""
        for name in sorted(self.rights()):
            value = 0 if self.world.dialect.encodes else integer(data.get(name) or 0)
            self.set_right(row_id, name, value)

    def after_update(self, act: Act, row_id: int, data: Row, old: Row) -> None:  # noqa: ARG002
        """Set the rights sent as `_name: {bit: 1}`; a plain number is misread as bit 1."""
        for key, bits in data.items():
            if key.startswith("_") and key[1:] in self.rights():
                value = (
                    sum(int(bit.removesuffix("_0")) for bit, on in bits.items() if integer(on))
                    if isinstance(bits, dict)
                    else 1
                )
                self.set_right(row_id, key[1:], value)

    def set_right(self, row_id: int, name: str, value: int) -> None:
        """Write one right to the profile and to its row."""
        self.table.update(row_id, {name: value, "last_rights_update": self.world.now()})
        rights = self.world.db["ProfileRight"]
        for right in rights.children("profiles_id", row_id):
            if rights.value(right, "name") == name:
                rights.update(right, {"rights": value})
                return
        rights.insert({"profiles_id": row_id, "name": name, "rights": value})


class ProfileRightWriter(Writer):
    """One right of one profile as a row."""

    def after_update(self, act: Act, row_id: int, data: Row, old: Row) -> None:  # noqa: ARG002
        """Carry it to the profile."""
        row = self.table.full(row_id)
        self.world.db["Profile"].update(row["profiles_id"], {row["name"]: row["rights"]})


class TemplateFieldWriter(Writer):
    """Fields of a ticket template: GLPI names the field [09/073 074]."""

    def named(self, row_id: int) -> str:
        """Return the name of the search option that the field stands for."""
        options = self.world.recorded.search_options["Ticket"]
        return str(options.get(str(self.table.value(row_id, "num")), {}).get("name", ""))


class ConfigWriter(Writer):
    """Config is changed by GLPI itself only [09/092]."""

    def may_update(self, act: Act, row_id: int, data: Row) -> bool:  # noqa: ARG002
        """Refuse without words."""
        raise Refused("")


class ApiClientWriter(Writer):
    """APIClient: addresses are kept as numbers, the App-Token where no answer shows it."""

    def may_add(self, act: Act, data: Row) -> bool:  # noqa: ARG002  # every hook has this shape
        """Ask for the right to change the configuration."""
        return act.caller.has(self.type.right, access.UPDATE)

    def may_delete(self, act: Act, row_id: int, *, purge: bool) -> bool:  # noqa: ARG002
        """Ask for the right to change the configuration."""
        return act.caller.has(self.type.right, access.UPDATE)

    def stored(self, column: str, value: Any) -> Any:
        """Turn an IPv4 address into its number."""
        if column.startswith("ipv4") and isinstance(value, str) and value.count(".") == 3:
            a, b, c, d = (int(part) for part in value.split("."))
            return (a << 24) + (b << 16) + (c << 8) + d
        return super().stored(column, value)

    def after_add(self, act: Act, row_id: int, data: Row) -> None:  # noqa: ARG002
        """Let the new client's App-Token in."""
        if data.get("app_token"):
            self.world.client_tokens[row_id] = str(data["app_token"])

    def after_update(self, act: Act, row_id: int, data: Row, old: Row) -> None:  # noqa: ARG002
        """Let the new App-Token in, and the old one no more."""
        self.after_add(act, row_id, data)


def digest(password: str) -> str:
    """Return what is kept of a password: nobody reads it back."""
    return hashlib.sha256(password.encode()).hexdigest()
