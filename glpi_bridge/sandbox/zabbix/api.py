"""The stand-in's API: who asks, what the role allows, and which method answers, with Zabbix's errors.

A method or parameter that exists in Zabbix and is not served here raises `NotServed`; it is never answered by guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from glpi_bridge.sandbox.zabbix import texts, vocabulary
from glpi_bridge.sandbox.zabbix.accounts import Accounts, user_row
from glpi_bridge.sandbox.zabbix.actions import Actions
from glpi_bridge.sandbox.zabbix.events import Events
from glpi_bridge.sandbox.zabbix.hosts import Hosts
from glpi_bridge.sandbox.zabbix.imports import Imports
from glpi_bridge.sandbox.zabbix.maintenance import Maintenances
from glpi_bridge.sandbox.zabbix.mediatypes import MediaTypes
from glpi_bridge.sandbox.zabbix.model import Refusal, User
from glpi_bridge.sandbox.zabbix.objects import Objects
from glpi_bridge.sandbox.zabbix.roles import Roles
from glpi_bridge.sandbox.zabbix.scripts import Scripts
from glpi_bridge.sandbox.zabbix.settings import Settings
from glpi_bridge.sandbox.zabbix.shapes import NotServed, Params, bad_params
from glpi_bridge.sandbox.zabbix.world import World

_ANONYMOUS = {"apiinfo.version", "user.login", "user.checkAuthentication"}


class Api:
    """The API of one server; `version` as numbers, (7, 0, 22)."""

    def __init__(self, world: World, version: tuple[int, int, int] = (7, 0, 22)) -> None:
        self.world, self.version = world, version
        events, objects, settings = Events(world, version), Objects(world), Settings(world)
        media_types, accounts = MediaTypes(world, version), Accounts(world, version)
        imports, maintenances = Imports(world, version), Maintenances(world)
        self.methods: dict[str, Callable[[User, Any], Any]] = {
            "problem.get": events.problem_get,
            "event.get": events.event_get,
            "event.acknowledge": events.event_acknowledge,
            "trigger.get": objects.trigger_get,
            "host.get": objects.host_get,
            "hostgroup.get": objects.hostgroup_get,
            "alert.get": settings.alert_get,
            "settings.get": settings.settings_get,
            "token.generate": accounts.token_generate,
            "configuration.import": imports.import_,
            "configuration.importcompare": imports.importcompare,
            "maintenance.get": maintenances.get,
            "maintenance.create": maintenances.create,
            "maintenance.update": maintenances.update,
            "maintenance.delete": maintenances.delete,
        }
        tables = {
            "mediatype": media_types,
            "action": Actions(world),
            "role": Roles(world),
            "usergroup": accounts,
            "user": accounts,
            "token": accounts,
            "script": Scripts(world),
            "template": imports,
            "templategroup": imports,
            "host": Hosts(world),
        }
        for kind, table in tables.items():
            for verb in ("get", "create", "update", "delete"):
                if method := getattr(table, f"{kind}_{verb}", None):
                    self.methods[f"{kind}.{verb}"] = method

    def call(self, method: str, params: Any, token: str | None) -> Any:
        """Give the result of a call, or raise Refusal (Zabbix's own error) or NotServed (ours)."""
        with self.world.lock:
            if method in _ANONYMOUS:
                return self._anonymous(method, params, token)
            user = self._user_of(token)
            if method == "user.logout":
                return self._logout(token)
            self._check_method(user, method)
            if method not in self.methods:
                raise NotServed(f"method {method}")
            if method.endswith(".get") and not isinstance(params, dict):
                raise NotServed(f"{method} with parameters that are no object")
            return self.methods[method](user, params)

    # who asks

    def _anonymous(self, method: str, params: Any, token: str | None) -> Any:
        if token is not None:
            raise bad_params(f'The "{method}" method must be called without authorization header.')
        if method == "apiinfo.version":
            return ".".join(str(one) for one in self.version)
        return self._login(params) if method == "user.login" else self._check_authentication(params)

    def _login(self, params: Params) -> Any:
        for name in params:
            if name not in {"username", "password", "userData"}:
                raise bad_params(f'Invalid parameter "/": unexpected parameter "{name}".')
        user = next((one for one in self.world.users.values() if one.username == params.get("username")), None)
        if user is None or not user.password or user.password != params.get("password"):
            if user:
                user.attempt_failed += 1
            raise Refusal(-32500, "Incorrect user name or password or account is temporarily blocked.")
        session = f"{self.world.next_id('session'):032x}"
        self.world.sessions[session] = user.userid
        data = self._user_data(user, session)
        user.attempt_failed = 0
        return data if params.get("userData") else session

    def _check_authentication(self, params: Params) -> Any:
        asked = params.get("sessionid") or params.get("token")
        return self._user_data(self._user_of(str(asked)), str(params.get("sessionid", "")))

    def _logout(self, token: str | None) -> bool:
        if self.world.sessions.pop(str(token), None) is None:
            raise bad_params("Session terminated, re-login, please.")
        return True

    def _user_of(self, token: str | None) -> User:
        if token is None:
            raise bad_params("Not authorized.")
        known = next((one for one in self.world.tokens.values() if one.value == token and not one.status), None)
        if known:
            known.lastaccess = self.world.now()
            return self.world.users[known.userid]
        if token in self.world.sessions:
            return self.world.users[self.world.sessions[token]]
        is_token = re.fullmatch(r"[0-9a-f]{64}", token)
        raise bad_params("Not authorized." if is_token else "Session terminated, re-login, please.")

    def _check_method(self, user: User, method: str) -> None:
        role = self.world.roles[user.roleid]
        kind, _, verb = method.partition(".")
        if kind not in vocabulary.OBJECTS or verb not in vocabulary.VERBS:
            raise Refusal(-32601, f'Incorrect method "{method}".')
        needed = 1
        if verb in {"create", "update", "delete"} and kind not in {"token", "dashboard"}:
            needed = texts.SUPER_ADMIN if kind in vocabulary.SUPER_ADMINS_ONLY else 2
        is_of_tokens = kind == "token" and verb != "get"
        if not role.may_call(method) or role.type < needed or (is_of_tokens and not role.may("manage_api_tokens")):
            raise Refusal(-32500, f'No permissions to call "{method}".')

    def _user_data(self, user: User, session: str) -> dict[str, Any]:
        row = {name: value for name, value in user_row(user).items() if name != "provisioned"}
        return row | {
            "attempt_ip": "127.0.0.1",
            "attempt_clock": str(self.world.now()),
            "timezone": "system",
            "debug_mode": 0,
            "deprovisioned": False,
            "gui_access": "1",
            "mfaid": 0,
            "auth_type": 0,
            "type": self.world.roles[user.roleid].type,
            "userip": "127.0.0.1",
            "sessionid": session,
            "secret": f"{user.userid:032x}",
        }
