"""An event and the rules give the route: which rule, who shares a ticket, the ticket wanted, how it is followed.

Pure once loaded: first match wins, `default:` gives what the rule leaves open, zero rules work. The same event always
gets the same answer: a time of day in a rule is compared with the event's beginning, not with the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import cast
from urllib.parse import quote

from glpi_bridge.compiled import Named, Rule, compile_rules
from glpi_bridge.document import Document, parse, read
from glpi_bridge.model import Draft, Event, Origin, Route, TicketType
from glpi_bridge.render import Rendered, Renderer, Text, names_of
from glpi_bridge.rulefile import RulesFile
from glpi_bridge.section import check
from glpi_bridge.text import is_seen, one_line, title, when
from glpi_bridge.units import system_zone
from glpi_bridge.wishes import Values, extra_of, group_of, key_of, levels_of, policy_of

_ACTORS = {
    "group": "groups",
    "technician": "technicians",
    "requester": "requesters",
    "observer": "observers",
    "observer_group": "observer_groups",
}
_SINGLE = ("category", "entity", "location", "request_source")


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that was looked at; `why_not` is the first reason why it did not match, None if it did."""

    rule: str
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The route of an event and the rules that were tried for it, in their order."""

    route: Route
    tried: tuple[Tried, ...]


class Rules:
    """The rules of one file.

    `faults` are its broken templates, whose places are taken by the built-in texts.
    """

    def __init__(
        self,
        document: Document,
        templates: Path | None = None,
        links: Mapping[str, str] | None = None,
        *,
        link_assets: bool = False,
    ) -> None:
        parsed = check(RulesFile, document)
        zone: tzinfo = parsed.timezone or system_zone()
        self._zone = zone
        self._renderer = Renderer(templates, zone)
        self._links = dict(links or {})
        self._link_assets = link_assets
        compiled = compile_rules(document, parsed, zone, self._renderer)
        self._rules, self._default = compiled.rules, compiled.default
        self._named, self.faults = compiled.named, compiled.faults

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        templates: Path | None = None,
        links: Mapping[str, str] | None = None,
        link_assets: bool = False,
    ) -> Rules:
        """Read the file at `path` (None: no rules at all); raise SettingsError with every fault and its line.

        `templates` is the directory of own `.j2` files, by default `templates` beside the rules. `links` gives for a
        source the address of an event in Zabbix, with `{triggerid}` and `{eventid}` in it. Without `link_assets` no
        ticket is linked to an asset, whatever a rule says.
        """
        if path is None:
            return cls(Document("rules", {}), templates, links, link_assets=link_assets)
        return cls(read(path), templates or path.parent / "templates", links, link_assets=link_assets)

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        templates: Path | None = None,
        links: Mapping[str, str] | None = None,
        link_assets: bool = False,
    ) -> Rules:
        """Read rules from a text, as `load` does from a file."""
        return cls(parse(text, "rules.yml"), templates, links, link_assets=link_assets)

    def route(self, event: Event, now: datetime | None = None, *, texts: bool = True) -> Route:
        """Return what the rules say about the event; `now` stands for its beginning where that is not known.

        Without `texts` the draft has neither title nor content, which cost more than all the rest.
        """
        event = _begun(event, now)
        return self._route(self._first(event), event, texts=texts)

    def storm(self, event: Event, number: int, now: datetime | None = None, *, texts: bool = True) -> Route:
        """Return the route of a storm of so many problems, for which its first event speaks."""
        route = self.route(event, now, texts=False)
        policy = replace(route.policy, link_asset=False)
        if not texts:
            return replace(route, policy=policy)
        more = {"group": route.group, "number": number}
        name, content = (self.text(text, event, now, **more) for text in (Text.STORM_TITLE, Text.STORM_CONTENT))
        draft = replace(route.draft, title=title(name.text, fallback="Storm"), content=content.text)
        warnings = (*route.warnings, *name.warnings, *content.warnings)
        return replace(route, policy=policy, draft=draft, warnings=warnings)

    def explain(self, event: Event, now: datetime | None = None) -> Explanation:
        """Return the route and, for each rule up to the one that matched, why it did not."""
        event, tried = _begun(event, now), []
        for rule in self._rules:
            tried.append(Tried(rule.place, rule.condition.why_not(event)))
            if tried[-1].why_not is None:
                return Explanation(self._route(rule, event), tuple(tried))
        return Explanation(self._route(self._default, event), tuple(tried))

    def text(self, text: Text, event: Event, now: datetime | None = None, **more: object) -> Rendered:
        """Render one of the texts of the event's rule; `more` are the names beyond the event's own (MORE_NAMES)."""
        event = _begun(event, now)
        return self._text(text, self._values(self._first(event), event, more))

    def file(self, file: str, /, **names: object) -> str:
        """Render a text that belongs to no event: `templates/FILE.j2`, or the built-in one."""
        return self._renderer.file(file, names)

    def when(self, moment: datetime) -> str:
        """Write an instant in the zone of the rules, as the filter `when` does."""
        return when(moment, self._zone)

    @property
    def opens_problems(self) -> bool:
        """Whether a rule asks for Problems of what recurs."""
        return any(rule.wishes.problem_after is not None for rule in (*self._rules, self._default))

    def types(self) -> tuple[TicketType, ...]:
        """Return the types of ticket that these rules may make."""
        set_ = {rule.wishes.type for rule in (*self._rules, self._default)} - {None}
        return tuple(kind for kind in TicketType if kind in set_ or kind is TicketType.INCIDENT)

    @property
    def sets_priority(self) -> bool:
        """Whether a rule sets a priority: that of a major incident, or one of its own (`extra`)."""
        wishes = [rule.wishes for rule in (*self._rules, self._default)]
        return any(one.major or "priority" in (one.extra or {}) for one in wishes)

    def names(self) -> tuple[Named, ...]:
        """Return all that the rules name in GLPI, with its place; values made by a template are not known here."""
        return self._named

    def _first(self, event: Event) -> Rule:
        return next((rule for rule in self._rules if rule.condition.why_not(event) is None), self._default)

    def _values(self, rule: Rule, event: Event, more: Mapping[str, object] | None = None) -> Values:
        levels = (rule,) if rule is self._default else (rule, self._default)
        return Values(levels, names_of(event, self._link(event)) | dict(more or {}))

    def _link(self, event: Event) -> str:
        pattern = self._links.get(event.source, "")
        if "{triggerid}" in pattern and not event.triggerid:
            return ""
        triggerid, eventid = (quote(one_line(text)) for text in (event.triggerid, event.eventid))
        return pattern.replace("{triggerid}", triggerid).replace("{eventid}", eventid)

    def _route(self, rule: Rule, event: Event, *, texts: bool = True) -> Route:
        values = self._values(rule, event)
        draft, key = self._draft(values, event), key_of(values, event)
        if texts:
            draft = self._written(draft, values, event)
        # a reason to ignore is the rule's own: the default's must not silence what a rule has chosen
        ignore = rule.wishes.ignore
        policy = policy_of(values, links_assets=self._link_assets)
        group = group_of(policy, event)
        return Route(rule.place, key, draft, policy, ignore, tuple(dict.fromkeys(values.warnings)), group)

    def _written(self, draft: Draft, values: Values, event: Event) -> Draft:
        name, content = self._text(Text.TITLE, values), self._text(Text.CONTENT, values)
        values.warnings += [*name.warnings, *content.warnings]
        return replace(draft, title=title(name.text, fallback=_fallback(event)), content=content.text)

    def _draft(self, values: Values, event: Event) -> Draft:
        urgency, impact = levels_of(values, event)
        single = {key: values.text(key) for key in _SINGLE}
        own = next((rule for rule, _ in values.given("category")), self._default)
        if event.origin is Origin.CRON and own is self._default:
            single["category"] = (
                one_line(event.fields.get("category", "")) or single["category"]
            )  # cron-glpi --category
        return Draft(
            title="",
            content="",
            type=cast(TicketType, values.value("type", TicketType.INCIDENT)),
            urgency=urgency,
            impact=impact,
            notify=bool(values.value("notify", otherwise=True)),
            major=bool(values.value("major", otherwise=False)),
            extra=extra_of(values),
            category=single["category"],
            entity=single["entity"],
            location=single["location"],
            request_source=single["request_source"],
            **{name: values.texts(key) for key, name in _ACTORS.items()},
        )

    def _text(self, text: Text, values: Values) -> Rendered:
        for rule, source in values.given(text.value):
            template = rule.templates.get((text.value, str(source)))
            if template is None:
                warning = f"{rule.place}: the {text.value} template is broken; the built-in text was used"
                return replace(self._renderer.render(text, None, values.names), warnings=(warning,))
            rendered = self._renderer.render(text, template, values.names)
            return replace(rendered, warnings=tuple(f"{rule.place}: {warning}" for warning in rendered.warnings))
        return self._renderer.render(text, None, values.names)


def _begun(event: Event, now: datetime | None) -> Event:
    return event if event.opened_at or now is None else replace(event, opened_at=now)


def _fallback(event: Event) -> str:
    problem = event.trigger_name if is_seen(event.trigger_name) else "problem"
    host = event.host_name if is_seen(event.host_name) else event.host
    return f"{host}: {problem}" if host else problem.capitalize()
