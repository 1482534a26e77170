"""The values of macros in one alert, with Zabbix's three kinds of nothing [contract Z04].

A macro that means nothing where it stands is left as it is written; one that could have a value but has none becomes
`*UNKNOWN*`; some are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from glpi_bridge.sandbox.zabbix import texts
from glpi_bridge.sandbox.zabbix.model import Acknowledge, Action, Event, Trigger, User
from glpi_bridge.sandbox.zabbix.world import World
from glpi_bridge.zabbix_answers import AckAction

PROBLEM, RECOVERY, UPDATE = 0, 1, 2

_WORDS = (
    (AckAction.ACKNOWLEDGE, "acknowledged"),
    (AckAction.UNACKNOWLEDGE, "unacknowledged"),
    (AckAction.MESSAGE, "commented"),
    (AckAction.SEVERITY, "changed severity from {old} to {new}"),
    (AckAction.CLOSE, "closed"),
    (AckAction.SUPPRESS, "suppressed {until}"),
    (AckAction.UNSUPPRESS, "unsuppressed"),
)


@dataclass(frozen=True)
class Elsewhere:
    """One alert about an event that is not a trigger's: what has no meaning there stays as it is written."""

    world: World
    event: Event
    known: Mapping[str, str]

    def fill(self, text: str) -> str:
        """Replace the macros of a text."""
        return texts.replace(text, self.value)

    def value(self, macro: str) -> str:
        """Give the value of one macro, or the macro."""
        general = {
            "{EVENT.ID}": str(self.event.eventid),
            "{EVENT.SOURCE}": str(self.event.source),
            "{EVENT.OBJECT}": str(self.event.object),
            "{EVENT.DATE}": texts.date(self.world, self.event.clock),
            "{EVENT.TIME}": texts.hour(self.world, self.event.clock),
            "{EVENT.AGE}": texts.age(self.world.now() - self.event.clock),
            "{DATE}": texts.date(self.world, self.world.now()),
            "{TIME}": texts.hour(self.world, self.world.now()),
        }
        return self.known.get(macro, general.get(macro, macro))


@dataclass(frozen=True)
class Telling:
    """One alert to one account about one trigger's problem."""

    world: World
    event: Event
    trigger: Trigger
    recipient: User
    action: Action
    kind: int = PROBLEM
    update: Acknowledge | None = None

    def fill(self, text: str) -> str:
        """Replace the macros of a text."""
        return texts.replace(text, self.value)

    def value(self, macro: str) -> str:
        """Give the value of one macro, `{EVENT.ID}`; of one that is not known here, the macro."""
        if macro.startswith("{EVENT.TAGS."):
            return dict(self.event.tags).get(macro[12:-1], texts.UNKNOWN)
        if macro.startswith("{$"):
            known_macro = self.world.hosts[self.trigger.hostid].macros.get(macro)
            return macro if known_macro is None else known_macro.value
        for known in (_EVENT, _HOST, _TRIGGER, _ITEM, _OTHER):
            if macro in known:
                return known[macro](self)
        if self.event.r_eventid and self.kind != PROBLEM and macro in _RECOVERY:
            return _RECOVERY[macro](self, self.world.events[self.event.r_eventid])
        if self.update is not None and macro in _UPDATE:
            return _UPDATE[macro](self, self.update)
        return macro

    @property
    def has_recovery(self) -> bool:
        """Whether the problem is over."""
        return bool(self.event.r_eventid)

    def item_value(self) -> str:
        """Give the item's value at the event that is told: the recovery in a recovery."""
        event = self.world.events[self.event.r_eventid] if self.kind == RECOVERY else self.event
        return self.world.items[self.trigger.itemid].with_units(event.item_value)

    def interface(self, field: str) -> str:
        """Give a part of the host's interface."""
        host = self.world.hosts[self.trigger.hostid]
        return texts.UNKNOWN if host.ip is None else str(getattr(host, field))

    def inventory(self, field: str) -> str:
        """Give an inventory field."""
        inventory = self.world.hosts[self.trigger.hostid].inventory
        return texts.UNKNOWN if inventory is None else inventory.get(field, "")

    def end(self) -> int:
        """Give the moment up to which the problem lasts."""
        return self.world.events[self.event.r_eventid].clock if self.has_recovery else self.world.now()

    def cause(self) -> str:
        """Give the id of the cause."""
        return str(self.event.cause_eventid) if self.event.cause_eventid else texts.UNKNOWN

    def symptoms(self) -> str:
        """Write the symptoms of a cause, a line each."""
        found = [one for one in self.world.events.values() if one.cause_eventid == self.event.eventid]
        lines = (
            f"Host: {self.world.hosts[self.world.triggers[one.objectid].hostid].name}\nProblem name: {one.name}"
            for one in found
            if one.objectid in self.world.triggers
        )
        return "\n\n".join(lines) or texts.UNKNOWN

    def author(self, userid: int) -> str:
        """Name who made an update, if the recipient may see it: itself, or one of its user groups."""
        user = self.world.users.get(userid)
        if user is None or not self.world.knows(self.recipient, user):
            return "Inaccessible user"
        return f"{user.name} {user.surname} ({user.username})"

    def history(self) -> str:
        """Write all updates so far."""
        return "\n\n".join(self._history_entry(one) for one in self.event.acknowledges)

    def _history_entry(self, update: Acknowledge) -> str:
        when = f"{texts.date(self.world, update.clock)} {texts.hour(self.world, update.clock)}"
        lines = [f'{when} "{self.author(update.userid)}"']
        words = self.action_words(update, without=AckAction.MESSAGE)
        if words:
            lines.append(f"Actions: {words}.")
        if update.message:
            lines.append(update.message)
        return "\n".join(lines)

    def action_words(self, update: Acknowledge, without: int = 0) -> str:
        """Write what an update did, as {EVENT.UPDATE.ACTION}."""
        until = update.suppress_until
        shown = f"until {texts.date(self.world, until)} {texts.hour(self.world, until)}" if until else "indefinitely"
        old, new = texts.SEVERITIES[update.old_severity], texts.SEVERITIES[update.new_severity]
        words = [
            word.format(old=old, new=new, until=shown)
            for bit, word in _WORDS
            if update.action & bit and not without & bit
        ]
        return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


_OneValue = Callable[[Telling], str]

_EVENT: Mapping[str, _OneValue] = {
    "{EVENT.ID}": lambda t: str(t.event.eventid),
    "{EVENT.NAME}": lambda t: t.event.name,
    "{EVENT.SEVERITY}": lambda t: texts.SEVERITIES[t.event.severity],
    "{EVENT.NSEVERITY}": lambda t: str(t.event.severity),
    "{EVENT.SOURCE}": lambda t: str(t.event.source),
    "{EVENT.OBJECT}": lambda t: str(t.event.object),
    "{EVENT.TAGS}": lambda t: texts.tags(t.event.tags),
    "{EVENT.TAGSJSON}": lambda t: texts.tags_json(t.event.tags),
    "{EVENT.VALUE}": lambda t: "0" if t.has_recovery and t.kind != PROBLEM else "1",
    "{EVENT.STATUS}": lambda t: "RESOLVED" if t.has_recovery and t.kind != PROBLEM else "PROBLEM",
    "{EVENT.UPDATE.STATUS}": lambda t: "0" if t.update is None else "1",
    "{EVENT.UPDATE.HISTORY}": Telling.history,
    "{EVENT.ACK.STATUS}": lambda t: "Yes" if t.event.acknowledged else "No",
    "{EVENT.DATE}": lambda t: texts.date(t.world, t.event.clock),
    "{EVENT.TIME}": lambda t: texts.hour(t.world, t.event.clock),
    "{EVENT.AGE}": lambda t: texts.age(t.world.now() - t.event.clock),
    "{EVENT.DURATION}": lambda t: texts.age(t.end() - t.event.clock),
    "{EVENT.OPDATA}": lambda t: texts.opdata(t.world, t.trigger),
    "{EVENT.CAUSE.ID}": Telling.cause,
    "{EVENT.SYMPTOMS}": Telling.symptoms,
}

_RECOVERY: Mapping[str, Callable[[Telling, Event], str]] = {
    "{EVENT.RECOVERY.ID}": lambda _, r: str(r.eventid),
    "{EVENT.RECOVERY.NAME}": lambda _, r: r.name,
    "{EVENT.RECOVERY.DATE}": lambda t, r: texts.date(t.world, r.clock),
    "{EVENT.RECOVERY.TIME}": lambda t, r: texts.hour(t.world, r.clock),
    "{EVENT.RECOVERY.VALUE}": lambda _, r: str(r.value),
    "{EVENT.RECOVERY.STATUS}": lambda *_: "RESOLVED",
    "{EVENT.RECOVERY.TAGS}": lambda _, r: texts.tags(r.tags),
    "{EVENT.RECOVERY.TAGSJSON}": lambda _, r: texts.tags_json(r.tags),
}

_UPDATE: Mapping[str, Callable[[Telling, Acknowledge], str]] = {
    "{EVENT.UPDATE.ACTION}": lambda t, u: t.action_words(u),
    "{EVENT.UPDATE.MESSAGE}": lambda _, u: u.message,
    "{EVENT.UPDATE.DATE}": lambda t, u: texts.date(t.world, u.clock),
    "{EVENT.UPDATE.TIME}": lambda t, u: texts.hour(t.world, u.clock),
    "{USER.FULLNAME}": lambda t, u: t.author(u.userid),
}

_HOST: Mapping[str, _OneValue] = {
    "{HOST.NAME}": lambda t: t.world.hosts[t.trigger.hostid].name,
    "{HOST.HOST}": lambda t: t.world.hosts[t.trigger.hostid].host,
    "{HOST.ID}": lambda t: str(t.trigger.hostid),
    "{HOST.IP}": lambda t: t.interface("ip"),
    "{HOST.DNS}": lambda t: t.interface("dns"),
    "{HOST.CONN}": lambda t: t.interface("ip"),
    "{HOST.PORT}": lambda t: t.interface("port"),
    "{HOST.DESCRIPTION}": lambda _: "",
    "{INVENTORY.LOCATION}": lambda t: t.inventory("location"),
    "{INVENTORY.ASSET.TAG}": lambda t: t.inventory("asset_tag"),
    "{INVENTORY.CONTACT}": lambda t: t.inventory("contact"),
    "{INVENTORY.SERIALNO.A}": lambda t: t.inventory("serialno_a"),
    "{INVENTORY.MACADDRESS.A}": lambda t: t.inventory("macaddress_a"),
    "{INVENTORY.OS}": lambda t: t.inventory("os"),
}


def _group_names(telling: Telling) -> str:
    groups = telling.world.hosts[telling.trigger.hostid].groupids
    return ", ".join(sorted(telling.world.groups[one].name for one in groups))


def _unacknowledged(telling: Telling) -> str:
    return str(sum(not one.acknowledged for one in telling.world.events_of(telling.trigger.triggerid)))


_TRIGGER: Mapping[str, _OneValue] = {
    "{TRIGGER.ID}": lambda t: str(t.trigger.triggerid),
    "{TRIGGER.NAME}": lambda t: texts.expand(t.world, t.trigger, t.trigger.description),
    "{TRIGGER.NAME.ORIG}": lambda t: t.trigger.description,
    "{TRIGGER.DESCRIPTION}": lambda t: t.trigger.comments,
    "{TRIGGER.URL}": lambda t: texts.expand(t.world, t.trigger, t.trigger.url),
    "{TRIGGER.URL.NAME}": lambda t: t.trigger.url_name,
    "{TRIGGER.HOSTGROUP.NAME}": _group_names,
    "{TRIGGER.SEVERITY}": lambda t: texts.SEVERITIES[t.trigger.priority],
    "{TRIGGER.NSEVERITY}": lambda t: str(t.trigger.priority),
    "{TRIGGER.STATUS}": lambda t: "PROBLEM" if t.trigger.value else "OK",
    "{TRIGGER.VALUE}": lambda t: str(t.trigger.value),
    "{TRIGGER.EXPRESSION}": lambda t: t.trigger.expression,
    "{TRIGGER.TEMPLATE.NAME}": lambda t: t.trigger.template or texts.UNKNOWN,
    "{TRIGGER.EVENTS.UNACK}": _unacknowledged,
}

_ITEM: Mapping[str, _OneValue] = {
    "{ITEM.ID}": lambda t: str(t.trigger.itemid),
    "{ITEM.KEY}": lambda t: t.world.items[t.trigger.itemid].key,
    "{ITEM.NAME}": lambda t: t.world.items[t.trigger.itemid].name,
    "{ITEM.VALUE}": Telling.item_value,
    "{ITEM.VALUE1}": Telling.item_value,
    "{ITEM.VALUE2}": lambda _: texts.UNKNOWN,
    "{ITEM.LASTVALUE}": lambda t: t.world.items[t.trigger.itemid].shown,
    "{ITEM.LASTVALUE1}": lambda t: t.world.items[t.trigger.itemid].shown,
}

_OTHER: Mapping[str, _OneValue] = {
    "{ACTION.NAME}": lambda t: t.action.name,
    "{ACTION.ID}": lambda t: str(t.action.actionid),
    "{DATE}": lambda t: texts.date(t.world, t.world.now()),
    "{TIME}": lambda t: texts.hour(t.world, t.world.now()),
    "{PROXY.NAME}": lambda _: "",
}
