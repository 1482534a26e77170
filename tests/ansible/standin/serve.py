"""serve.py RELEASE CONFIG PLACE: the sandbox's GLPI, with its tables, accounts and API clients in MariaDB.

What another process changed there (the role's SQL, an import of a dump) is read anew before the next request. Secrets
are kept under the key in CONFIG, as GLPI keeps them: with another key they are worth nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any
from urllib.parse import unquote

RELEASE, CONFIG, PLACE = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
sys.path.insert(0, str(RELEASE / "standin"))
sys.modules.setdefault("requests", types.ModuleType("requests"))  # only the tests' own client of the sandbox uses it

import pymysql  # noqa: E402  # found by the path above

from glpi_bridge.sandbox.glpi import GlpiServer  # noqa: E402  # found by the path above
from glpi_bridge.sandbox.glpi.answers import Answer, Failed  # noqa: E402  # found by the path above
from glpi_bridge.sandbox.glpi.http import Request  # noqa: E402  # found by the path above

ENABLED = ("enable_api", "enable_api_login_credentials", "enable_api_login_external_token", "url_base")


class Mariadb:
    """The database that config_db.php names."""

    def __init__(self) -> None:
        text = (CONFIG / "config_db.php").read_text()
        found = dict(re.findall(r"public \$(db\w+) = '([^']*)'", text))
        self.connection = pymysql.connect(
            unix_socket="/run/mysqld/mysqld.sock",
            user=found["dbuser"],
            password=unquote(found["dbpassword"]),
            database=found["dbdefault"],
            charset="utf8mb4",
            autocommit=True,
        )

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement."""
        self.connection.ping(reconnect=True)
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())


class Standin(GlpiServer):
    """The sandbox, its state kept after every request that may write."""

    def __init__(self, version: str) -> None:
        self.mariadb = Mariadb()
        self.turn = threading.RLock()
        self.seen: object = None
        self.hashes: dict[int, str] = {}
        super().__init__(version, stock=True, upgraded=version.startswith("11"))
        world = self.world
        world.db["Profile"].update(8, {"itilcategory": 1})  # Read-Only may read categories, as measured on 10 and 11
        self.delivered = json.dumps(self.state())
        self.api.check_client = self.check_client
        self.api.check_app_token = self.check_app_token
        by_password = self.api.signin.by_password

        def checked(login: str, password: str) -> int:
            for user in world.db["User"].ids:
                if world.db["User"].value(user, "name") == login and self.is_password(user, password):
                    world.passwords[user] = hashlib.sha256(password.encode()).hexdigest()
            return by_password(login, password)

        self.api.signin.by_password = checked

    # -- what MariaDB has --

    def state(self) -> dict[str, Any]:
        world = self.world
        return {
            "tables": self.snapshot(),
            "user_tokens": {str(user): self.sealed(token) for user, token in world.user_tokens.items()},
            "client_tokens": {str(row): self.sealed(token) for row, token in world.client_tokens.items()},
            "passwords": {str(user): digest for user, digest in world.passwords.items()},
        }

    @staticmethod
    def sealed(token: str) -> str:
        """Seal or open with the key in CONFIG."""
        key = (CONFIG / "glpicrypt.key").read_bytes()
        stream = itertools.chain.from_iterable(hashlib.sha256(key + bytes([n])).digest() for n in range(8))
        return "".join(chr(ord(letter) ^ (number & 15)) for letter, number in zip(token, stream, strict=False))

    def load(self, *_: Any) -> None:
        """Read everything, if anything there is new."""
        checks = self.mariadb.rows("CHECKSUM TABLE glpi_standin, glpi_users, glpi_apiclients, glpi_configs")
        if checks == self.seen:
            return
        world = self.world
        kept = self.mariadb.rows("SELECT state FROM glpi_standin")[0][0]
        state = json.loads(kept or self.delivered)
        self.restore_backup(state["tables"])
        world.user_tokens = {int(user): self.sealed(token) for user, token in state["user_tokens"].items()}
        world.client_tokens = {int(row): self.sealed(token) for row, token in state["client_tokens"].items()}
        world.passwords = {int(user): digest for user, digest in state["passwords"].items()}
        self.hashes = {}
        for user, name, password, active in self.mariadb.rows("SELECT id, name, password, is_active FROM glpi_users"):
            if user in world.db["User"].rows:
                world.db["User"].update(user, {"is_active": active, "name": name})
            self.hashes[user] = password or ""
            world.passwords.pop(user, None) if password else None
        table = world.db["APIClient"]
        for row in list(table.ids):
            table.remove(row)
        columns = ("name", "is_active", "ipv4_range_start", "ipv4_range_end", "is_recursive")
        asked = f"SELECT id, app_token, {', '.join(columns)} FROM glpi_apiclients ORDER BY id"
        for row, token, *values in self.mariadb.rows(asked):
            table.insert(dict(zip(columns, values, strict=True)), row)
            if token is None:
                world.client_tokens.pop(int(row), None)
        core = dict(self.mariadb.rows("SELECT name, value FROM glpi_configs WHERE context = 'core'"))
        settings = world.settings
        settings.api_enabled, settings.login_with_credentials, settings.login_with_token = (
            core.get(name) == "1" for name in ENABLED[:3]
        )
        settings.url_base = core.get("url_base") or ""
        self.seen = checks

    def save(self, *_: Any) -> None:
        """Write everything."""
        world = self.world
        with world.db.lock:
            state = json.dumps(self.state())
            users = [world.db["User"].full(user) for user in world.db["User"].ids]
            clients = [world.db["APIClient"].full(row) for row in world.db["APIClient"].ids]
        for user in users:
            if int(user["id"]) >= 2:
                self.mariadb.rows(
                    "INSERT INTO glpi_users (id, name, password, is_active) VALUES (%s, %s, '', %s)"
                    " ON DUPLICATE KEY UPDATE is_active = VALUES(is_active)",
                    *(user["id"], user["name"], user["is_active"]),
                )
        for row in clients:
            token = world.client_tokens.get(int(row["id"]))
            self.mariadb.rows(
                "REPLACE INTO glpi_apiclients (id, name, is_active, ipv4_range_start, ipv4_range_end, is_recursive,"
                " app_token) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                *(row["id"], row["name"], row["is_active"], row["ipv4_range_start"], row["ipv4_range_end"]),
                *(row["is_recursive"], "sealed" if token else None),
            )
        self.mariadb.rows("UPDATE glpi_standin SET revision = revision + 1, state = %s", state)
        self.seen = self.mariadb.rows("CHECKSUM TABLE glpi_standin, glpi_users, glpi_apiclients, glpi_configs")

    # -- who may come in --

    def is_password(self, user: int, password: str) -> bool:
        """Ask PHP, which hashed it."""
        kept = self.hashes.get(user)
        if not kept:
            return False
        code = "[$p, $h] = json_decode(stream_get_contents(STDIN)); exit(password_verify($p, $h) ? 0 : 1);"
        given = json.dumps([password, kept])
        return subprocess.run(["php", "-r", code], input=given, text=True, check=False).returncode == 0

    def matching(self, request: Request) -> list[int]:
        """Return the active API clients of an address."""
        table, address = self.world.db["APIClient"], int(ipaddress.ip_address(request.client_ip))
        found = []
        for row in table.ids:
            first, last = table.value(row, "ipv4_range_start"), table.value(row, "ipv4_range_end")
            if table.value(row, "is_active") and (first is None or int(first) <= address <= int(last)):
                found.append(row)
        return found

    def check_client(self, request: Request) -> None:
        if not self.world.settings.api_enabled:
            raise Failed(400, "ERROR", "API disabled")
        if not self.matching(request):
            text = (
                f"There isn't an active API client matching your IP address in the configuration ({request.client_ip})"
            )
            raise Failed(400, "ERROR_NOT_ALLOWED_IP", text)

    def check_app_token(self, request: Request, parameters: dict[str, Any]) -> None:
        tokens = [self.world.client_tokens.get(row) for row in self.matching(request)]
        if None in tokens:
            return
        sent = request.headers.get("app-token") or parameters.get("app_token")
        if not sent:
            raise Failed(400, "ERROR_APP_TOKEN_PARAMETERS_MISSING", "missing parameter app_token", documented=True)
        if sent not in tokens:
            raise Failed(400, "ERROR_WRONG_APP_TOKEN_PARAMETER", "parameter app_token seems wrong", documented=True)

    def _serve(self, request: Request) -> Answer | None:
        request = dataclasses.replace(request, client_ip=request.headers.get("x-standin-address", request.client_ip))
        with self.turn:
            self.load()
            answer = super()._serve(request)
            if request.method != "GET":
                self.save()
        return answer


def main() -> None:
    """Serve until Apache ends, under whose service this runs."""
    with Standin((RELEASE / "standin" / "speaks").read_text().strip()) as server:
        unfinished = PLACE.with_suffix(".new")
        unfinished.write_text(f"{RELEASE} {server.port}")
        unfinished.rename(PLACE)
        threading.Event().wait()


if __name__ == "__main__":
    os.umask(0o077)
    main()
