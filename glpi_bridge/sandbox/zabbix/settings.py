"""alert.get and settings.get of the stand-in."""

from __future__ import annotations

from typing import Any

from glpi_bridge.sandbox.zabbix import vocabulary
from glpi_bridge.sandbox.zabbix.model import Alert, User
from glpi_bridge.sandbox.zabbix.shapes import Params, as_texts, bad_params, expect, expect_known, ids, shaped
from glpi_bridge.sandbox.zabbix.world import World


class Settings:
    """What a world has told, and the one setting that it has."""

    def __init__(self, world: World) -> None:
        self.world = world

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
