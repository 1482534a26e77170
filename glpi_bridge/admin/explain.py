"""Why an event gets the ticket it gets: from facts given by hand, from the store, or of Zabbix. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from glpi_bridge import build, facts, plan
from glpi_bridge.config import CRON_SOURCE, Settings
from glpi_bridge.errors import BridgeError
from glpi_bridge.model import Event, Origin, Policy, Severity, Step, Tag
from glpi_bridge.rules import Explanation, Rules
from glpi_bridge.store import Store, overview
from glpi_bridge.store.incidents import Owed
from glpi_bridge.sync import facts_of
from glpi_bridge.text import spoken

# stand for the ids of an event that is only imagined; the same words mean them in Zabbix
EVENT_ID, TRIGGER_ID = "{EVENT.ID}", "{TRIGGER.ID}"


class UnknownEvent(BridgeError):
    """An event that neither the store nor Zabbix knows."""


@dataclass(frozen=True, slots=True)
class Known:
    """An event and where it is known from; `owed` is its incident, `verdict` what became of it, as the store tells."""

    event: Event
    origin: str
    owed: Owed | None = None
    verdict: str = ""


def imagined(
    *,
    host: str = "",
    name: str = "",
    severity: Severity = Severity.NOT_CLASSIFIED,
    tags: Iterable[Tag] = (),
    groups: Iterable[str] = (),
    templates: Iterable[str] = (),
    trigger: str = "",
    item: str = "",
    origin: Origin = Origin.TRIGGER,
    source: str = "zabbix",
    at: datetime | None = None,
) -> Event:
    """Return an event with these facts; it is announced and open, and has no ids."""
    return Event(
        source=source,
        eventid=EVENT_ID,
        origin=origin,
        name=name or trigger or "Problem",
        host=host,
        host_name=host,
        host_groups=tuple(groups),
        templates=tuple(templates),
        triggerid=TRIGGER_ID,
        trigger_name=trigger,
        item_key=item,
        tags=tuple(tags),
        severity=severity,
        opened_at=at or datetime.now(UTC),
        announced=True,
        is_alerted=True,
    )


def known(settings: Settings, eventid: str, source: str | None) -> Known:
    """Find an event in the store, else ask Zabbix. Raises UnknownEvent, or the error of the Zabbix that was asked."""
    names = [source] if source else [*settings.zabbix, CRON_SOURCE]
    if source and source not in settings.zabbix and source != CRON_SOURCE:
        raise UnknownEvent(f'there is no source "{source}"; the settings name {", ".join([*settings.zabbix, "cron"])}')
    return _in_store(settings, names, eventid) or _in_zabbix(settings, names, eventid)


def _in_store(settings: Settings, names: Iterable[str], eventid: str) -> Known | None:
    if settings.store.url is None and not settings.store.path.exists():
        return None
    with closing(Store(build.store_url(settings))) as store:
        for name in names:
            row = store.read(overview.event, name, eventid)
            if row is not None:
                event = facts.event(name, eventid, row.facts)
                return Known(event, f"the store {store.place}", row.owed, row.verdict)
    return None


def _in_zabbix(settings: Settings, names: Iterable[str], eventid: str) -> Known:
    asked = [name for name in names if name in settings.zabbix]
    for name in asked if eventid.isdigit() else []:
        zabbix = build.source(name, settings.zabbix[name]).zabbix
        if zabbix is None:
            continue
        with zabbix:
            found = zabbix.events([eventid]).get(eventid)
            if found is not None:
                trigger = zabbix.triggers([found.objectid]).get(found.objectid)
                told = facts_of(found, trigger, datetime.now(UTC).timestamp(), announced=True)
                return Known(facts.event(name, eventid, told), f"Zabbix {name}")
    where = ", ".join(["the store", *(f"Zabbix {name}" for name in asked)])
    raise UnknownEvent(
        f"event {eventid} is not known to {where}: is the id right, and may the bridge's account see its host? "
        "An imagined event is explained by its facts: --host, --severity, --tag …"
    )


def due(one: Known, rules: Rules, now: datetime) -> str:
    """Say what is next for the event's incident, or why there is none."""
    if one.owed is None:
        return one.verdict or "not taken into an incident yet"
    incident = one.owed.incident
    ticket = f"ticket {incident.told.ticket_id}" if incident.told.ticket_id is not None else "no ticket yet"
    step = plan.plan(incident, rules.route(plan.lead(incident), now), now)
    words = f"{step.kind}: {step.reason}" if isinstance(step, Step) else step.reason
    return f"incident {incident.id}, {ticket}; next: {words}"


def rules_of(path: Path | None, settings: Settings | None) -> Rules:
    """Return the rules of a file, else those of the settings."""
    if path is not None:
        links = settings.links if settings is not None else {}
        return Rules.load(path, links=links, link_assets=settings is not None and bool(settings.assets.types))
    return Rules.load(None) if settings is None else build.rules(settings)


def key_in_words(event: Event, explanation: Explanation) -> str:
    """Say who shares a ticket with the event."""
    key = explanation.route.key
    if event.triggerid and key == event.triggerid:
        known = "" if key == TRIGGER_ID else f" ({key})"
        return f"the trigger's id{known}: problems of one trigger share a ticket"
    return key


def reopening_in_words(policy: Policy) -> str:
    """Say what a problem that comes back does to a ticket that was solved."""
    closed = "" if policy.reopen_closed else "; a closed ticket stays closed"
    linked = "a new ticket, linked to the old one"
    if policy.reopen_window is None:
        return f"always: the same ticket is reopened whenever the problem comes back{closed}"
    if policy.reopen_window <= timedelta(0):
        return f"never: each time the problem comes back it gets {linked}"
    window = spoken(policy.reopen_window)
    return f"within {window} of its end the same ticket is reopened, later it gets {linked}{closed}"


def following_in_words(policy: Policy) -> list[str]:
    """Say what else is special about how the incident is followed; nothing for what goes without saying."""
    said = []
    if policy.hold_off:
        said.append(f"held off: no ticket before it has lived for {spoken(policy.hold_off)}")
    if not policy.flap_count:
        said.append("flapping is told each time")
    if not policy.solve:
        said.append("its recovery is only noted; a person solves the ticket")
    if not policy.create_recovered:
        said.append("no ticket if it is over before one could be made")
    if not policy.hold_suppressed:
        said.append("gets a ticket even while suppressed in Zabbix")
    if (grace := policy.reopen_after_person) is not None:
        when = f", {spoken(grace)} later" if grace else ""
        said.append(f"reopened once if a person closes the ticket while the problem lives{when}")
    said += [
        f"handed over to the group {level.to} if nobody has taken it after {spoken(level.after)}"
        for level in policy.hand_over
    ]
    if policy.close_after is not None:
        said.append(f"closed once it has stayed recovered for {spoken(policy.close_after)} and nobody objected")
    if policy.problem_after:
        said.append(f"a Problem is opened once the same {policy.problem_same} recurred {policy.problem_after}")
    if not policy.acknowledge:
        said.append("Zabbix is not told the ticket's number")
    return said
