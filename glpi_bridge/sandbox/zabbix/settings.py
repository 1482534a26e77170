"""The stand-in's alerts, media type, action, tokens, users, roles and the one setting it has."""

from __future__ import annotations

from typing import Any

from glpi_bridge.sandbox.zabbix import vocabulary
from glpi_bridge.sandbox.zabbix.model import Alert, Token, User
from glpi_bridge.sandbox.zabbix.shapes import Params, Rows, as_texts, bad_params, expect, expect_known, ids, shaped
from glpi_bridge.sandbox.zabbix.world import World


class Settings:
    """What a world is set up with, as one version of Zabbix shows it."""

    def __init__(self, world: World, version: tuple[int, int, int]) -> None:
        self.world, self.version = world, version

    def alert_get(self, user: User, params: Params) -> Any:
        """Alerts; an account that is no super admin sees those to users of its own user groups [contract Z11/011]."""
        expect(params, vocabulary.ALERT_PARAMS)
        for name in params.get("filter") or {}:
            if name not in {"alertid", "status", "alerttype", "mediatypeid", "userid"}:
                raise bad_params(f'Invalid parameter "/filter": unexpected parameter "{name}".')
        found = [one for one in self.world.alerts.values() if self.world.sees_alert(user, one)]
        found = [one for one in found if _alert_matches(one, params)]
        if params.get("countOutput"):
            return str(len(found))
        found.sort(key=lambda one: one.alertid, reverse=params.get("sortorder") == "DESC")
        limit = int(params.get("limit") or 0)
        shown = found[:limit] if limit else found
        return [shaped(alert_row(one), params.get("output", "extend")) for one in shown]

    def mediatype_get(self, user: User, params: Params) -> Any:
        """The media type; six fields of it for all but super admins [contract Z10/006, 007]."""
        expect_known(params, {"output", "mediatypeids", "filter", "selectMessageTemplates"}, "mediatype.get")
        media = self.world.media_type
        full: dict[str, Any] = {
            "mediatypeid": str(media.mediatypeid),
            "type": "1",
            "name": media.name,
            "status": str(media.status),
            "description": media.description,
            "maxattempts": str(media.maxattempts),
        }
        if self.world.is_super(user):
            full |= vocabulary.MEDIA_CONSTANTS | {
                "exec_path": media.exec_path,
                "maxsessions": str(media.maxsessions),
                "attempt_interval": f"{media.attempt_interval:g}s",
                "timeout": f"{media.timeout:g}s",
                "parameters": [{"sortorder": str(i), "value": one} for i, one in enumerate(media.parameters)],
            }
        if "mediatypeids" in params and media.mediatypeid not in ids(params["mediatypeids"]):
            return []
        row = shaped(full, params.get("output", "extend"), "mediatypeid")
        if "selectMessageTemplates" in params and self.world.is_super(user):
            templates = [
                {"eventsource": "0", "recovery": str(kind), "subject": subject, "message": message}
                for kind, (subject, message) in enumerate(media.templates)
            ]
            row["message_templates"] = [shaped(one, params["selectMessageTemplates"]) for one in templates]
        return [row]

    def action_get(self, _user: User, params: Params) -> Any:
        """The trigger action."""
        expect_known(params, vocabulary.ACTION_PARAMS, "action.get")
        action = self.world.action
        if "actionids" in params and action.actionid not in ids(params["actionids"]):
            return []
        names = (params.get("filter") or {}).get("name")
        if names is not None and action.name not in ([names] if isinstance(names, str) else names):
            return []
        full = {
            "actionid": str(action.actionid),
            "name": action.name,
            "eventsource": "0",
            "status": str(action.status),
            "esc_period": f"{action.esc_period:g}s" if action.esc_period % 3600 else f"{action.esc_period // 3600:g}h",
            "pause_suppressed": str(int(action.pause_suppressed)),
            "notify_if_canceled": str(int(action.notify_if_canceled)),
            "pause_symptoms": "1",
        }
        row = shaped(full, params.get("output", "extend"), "actionid")
        for select, (name, rows) in self._operations().items():
            if select in params:
                row[name] = rows
        return [row]

    def _operations(self) -> dict[str, tuple[str, Rows]]:
        action, media = self.world.action, str(self.world.media_type.mediatypeid)
        text = {"default_msg": "1", "subject": "", "message": ""}
        conditions = [
            {"conditiontype": "0", "operator": "0", "value": str(one), "value2": "", "formulaid": chr(65 + i)}
            for i, one in enumerate(sorted(action.groupids))
        ]
        told = {
            "operationid": "11",
            "actionid": str(action.actionid),
            "operationtype": "0",
            "esc_period": "0",
            "esc_step_from": "1",
            "esc_step_to": "1",
            "evaltype": "0",
            "opconditions": [],
            "opmessage": text | {"mediatypeid": media},
            "opmessage_grp": [],
            "opmessage_usr": [{"userid": str(self.world.media_userid)}],
        }
        later = {"evaltype": "0", "opmessage": text | {"mediatypeid": "0"}}
        ended = {
            "operationid": "12",
            "actionid": str(action.actionid),
            "operationtype": "11",
            "opconditions": [],
        } | later
        updated = {"operationid": "13", "operationtype": "12"} | later
        formula = " or ".join(one["formulaid"] for one in conditions)
        condition = {"evaltype": "0", "formula": "", "eval_formula": formula, "conditions": conditions}
        return {
            "selectFilter": ("filter", condition),  # type: ignore[dict-item]  # one object, not rows
            "selectOperations": ("operations", [told]),
            "selectRecoveryOperations": ("recovery_operations", [ended] if action.tells_recovery else []),
            "selectUpdateOperations": ("update_operations", [updated] if action.tells_updates else []),
        }

    def token_get(self, user: User, params: Params) -> Any:
        """API tokens, never their values; an account that is no super admin sees its own."""
        expect_known(params, {"output", "tokenids"}, "token.get")
        pool = [one for one in self.world.tokens.values() if self.world.is_super(user) or one.userid == user.userid]
        if "tokenids" in params:
            pool = [one for one in pool if one.tokenid in ids(params["tokenids"])]
        return [shaped(_token_row(one), params.get("output", "extend"), "tokenid") for one in pool]

    def user_get(self, user: User, params: Params) -> Any:
        """Accounts; one that is no super admin sees itself. 7.4 gives `userid` only when it is asked for."""
        expect_known(params, {"output", "userids", "filter", "selectRole"}, "user.get")
        pool = [one for one in self.world.users.values() if self.world.is_super(user) or one.userid == user.userid]
        if "userids" in params:
            pool = [one for one in pool if one.userid in ids(params["userids"])]
        always = () if self.version >= (7, 4) else ("userid",)
        rows = []
        for one in pool:
            row = shaped(user_row(one), params.get("output", "extend"), *always)
            if "selectRole" in params:
                row["role"] = shaped(_role_row(self.world, one.roleid), params["selectRole"], "roleid")
            rows.append(row)
        return rows

    def role_get(self, user: User, params: Params) -> Any:
        """Roles."""
        expect_known(params, {"output", "roleids", "selectRules"}, "role.get")
        wanted = ids(params["roleids"]) if "roleids" in params else list(self.world.roles)
        pool = [one for one in wanted if one in self.world.roles and (self.world.is_super(user) or one == user.roleid)]
        rows = []
        for one in pool:
            row = shaped(_role_row(self.world, one), params.get("output", "extend"), "roleid")
            if "selectRules" in params:
                role = self.world.roles[one]
                row["rules"] = {
                    "api.access": "1",
                    "api.mode": "0" if role.methods is None else "1",
                    "api": sorted(role.methods or ()),
                }
            rows.append(row)
        return rows

    def settings_get(self, _user: User, params: Params) -> Any:
        """The one setting that the bridge may want to know."""
        expect_known(params, {"output"}, "settings.get")
        shown = (
            f"{self.world.ok_period // 60}m" if self.world.ok_period < 86400 else f"{self.world.ok_period // 86400}d"
        )
        return shaped({"ok_period": shown}, params.get("output", "extend"))


def _alert_matches(alert: Alert, params: Params) -> bool:
    """An alert of a recovery hangs on the recovery event, not on the problem [contract Z11/014, 071]."""
    named = {"mediatypeids": alert.mediatypeid, "actionids": alert.actionid, "userids": alert.userid}
    if any(name in params and number not in ids(params[name]) for name, number in named.items()):
        return False
    if "eventids" in params and alert.eventid not in ids(params["eventids"]):
        return False
    if alert.clock < int(params.get("time_from") or 0):
        return False
    return all(str(getattr(alert, name)) in as_texts(one) for name, one in (params.get("filter") or {}).items())


def alert_row(alert: Alert) -> dict[str, Any]:
    """Give the fields of an alert."""
    return {
        "alertid": str(alert.alertid),
        "actionid": str(alert.actionid),
        "eventid": str(alert.eventid),
        "userid": str(alert.userid),
        "clock": str(alert.clock),
        "mediatypeid": str(alert.mediatypeid),
        "sendto": alert.sendto,
        "subject": alert.subject,
        "message": alert.message,
        "status": str(alert.status),
        "retries": str(alert.retries),
        "error": alert.error,
        "esc_step": "1",
        "alerttype": "0",
        "p_eventid": str(alert.p_eventid),
        "acknowledgeid": str(alert.acknowledgeid),
    }


def _token_row(token: Token) -> dict[str, Any]:
    return {
        "tokenid": str(token.tokenid),
        "name": token.name,
        "description": token.description,
        "userid": str(token.userid),
        "lastaccess": str(token.lastaccess),
        "status": str(token.status),
        "expires_at": "0",
        "created_at": str(token.created_at),
        "creator_userid": "1",
    }


def user_row(user: User) -> dict[str, Any]:
    """Give the fields of a user."""
    return {
        "userid": str(user.userid),
        "username": user.username,
        "name": user.name,
        "surname": user.surname,
        "url": "",
        "autologin": "1" if user.userid == 1 else "0",
        "autologout": "0" if user.userid == 1 else "15m",
        "lang": "en_US" if user.userid == 1 else "default",
        "refresh": "30s",
        "theme": "default",
        "attempt_failed": str(user.attempt_failed),
        "attempt_ip": "",
        "attempt_clock": "0",
        "rows_per_page": "50",
        "timezone": "default",
        "roleid": str(user.roleid),
        "userdirectoryid": "0",
        "ts_provisioned": "0",
        "provisioned": "0",
    }


def _role_row(world: World, roleid: int) -> dict[str, Any]:
    role = world.roles[roleid]
    return {"roleid": str(roleid), "name": role.name, "type": str(role.type), "readonly": "0"}
