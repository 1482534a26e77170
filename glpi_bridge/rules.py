"""An event and the rules give the route: which rule, who shares a ticket, the ticket wanted, how it is followed.

Pure once loaded: first match wins, `default:` gives what the rule leaves open, zero rules work. The same event always
gets the same answer: a time of day in a rule is compared with the event's beginning, not with the clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import cast
from urllib.parse import quote

from jinja2 import Template, TemplateError

from glpi_bridge.document import Document, check, parse, read
from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.match import Both, covers
from glpi_bridge.model import Draft, Event, Level, Origin, Policy, Route, Severity, TicketType
from glpi_bridge.render import Rendered, Renderer, Text, clean, names_of, reason, title
from glpi_bridge.rulefile import RulesFile, Wishes, is_template, level
from glpi_bridge.units import Mistake, system_zone

KEY_LIMIT = 200
SEVERITY_MAP: Mapping[Severity, Level] = {severity: Level(max(1, severity)) for severity in Severity}
"""not classified and information → very low, warning → low, average → medium, high → high, disaster → very high."""

_ACTORS = {
    "group": "groups",
    "technician": "technicians",
    "requester": "requesters",
    "observer": "observers",
    "observer_group": "observer_groups",
}
_SINGLE = ("category", "entity", "location", "request_source")
_KINDS = {"technician": "user", "requester": "user", "observer": "user", "observer_group": "group"}
_POLICIES = (
    "hold_off",
    "reopen_window",
    "reopen_closed",
    "private_notes",
    "solve",
    "solve_pending",
    "create_recovered",
    "create_unannounced",
    "hold_suppressed",
    "reopen_after_person",
    "acknowledge",
)


@dataclass(frozen=True, slots=True)
class Named:
    """Something of GLPI that the rules name: a category, entity, group, user, location or request source."""

    kind: str
    name: str
    file: str
    line: int


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


@dataclass(frozen=True, slots=True)
class _Rule:
    place: str
    line: int
    condition: Both
    wishes: Wishes
    templates: Mapping[str, Template | None]


@dataclass
class _Tries:
    """Values of one event, from the rule that matched, else from `default:`; keeps what failed on the way."""

    levels: tuple[_Rule, ...]
    names: Mapping[str, object]
    warnings: list[str] = field(default_factory=list)

    def given(self, key: str) -> Iterator[tuple[_Rule, object]]:
        for rule in self.levels:
            if key in rule.wishes.model_fields_set:
                yield rule, getattr(rule.wishes, key)

    def value(self, key: str, otherwise: object = None) -> object:
        return next((value for _, value in self.given(key)), otherwise)

    def text(self, key: str) -> str | None:
        return next((text for rule, value in self.given(key) if (text := self.filled(rule, key, str(value)))), None)

    def texts(self, key: str) -> tuple[str, ...]:
        for rule, values in self.given(key):
            found = [self.filled(rule, key, value) for value in cast(tuple[str, ...], values)]
            if texts := tuple(dict.fromkeys(text for text in found if text)):
                return texts
        return ()

    def level(self, key: str) -> Level | None:
        for rule, value in self.given(key):
            if isinstance(value, Level):
                return value
            try:
                if text := self.filled(rule, key, str(value)):
                    return level(text)
            except Mistake as mistake:
                self.warnings.append(f"{rule.place}: {key}: {mistake.found}")
        return None

    def filled(self, rule: _Rule, key: str, source: str) -> str:
        """Return the value, filled in if it is a template; empty, with a warning, where that fails."""
        if not is_template(source):
            return source
        template = rule.templates.get(source)
        if template is None:
            self.warnings.append(f"{rule.place}: the template of {key} is broken; see `check`")
            return ""
        try:
            return " ".join(clean(template.render(self.names)).split())
        except Exception as error:  # noqa: BLE001  (a template is a program of the administrator's)
            self.warnings.append(f"{rule.place}: {key} was left out: {reason(error)}")
            return ""


class Rules:
    """The rules of one file, compiled. `faults` are broken templates: their places are taken by the built-in texts."""

    def __init__(
        self, document: Document, templates: Path | None = None, links: Mapping[str, str] | None = None
    ) -> None:
        parsed = check(RulesFile, document)
        self.file = document.file
        self._zone: tzinfo = parsed.timezone or system_zone()
        self._renderer = Renderer(templates, self._zone)
        self._links = dict(links or {})
        self._names: list[Named] = []
        self.faults: tuple[Fault, ...] = ()
        self._rules = tuple(
            self._rule(document, index, section.match.condition(self._zone), section, section.name)
            for index, section in enumerate(parsed.rules)
        )
        self._default = self._rule(document, None, Both(), parsed.default, None)
        self._refuse_unreachable()

    @classmethod
    def load(
        cls, path: Path | None = None, *, templates: Path | None = None, links: Mapping[str, str] | None = None
    ) -> Rules:
        """Read the file at `path` (None: no rules at all); raise SettingsError with every fault and its line.

        `templates` is the directory of own `.j2` files, by default `templates` beside the rules. `links` gives for a
        source the address of an event in Zabbix, with `{triggerid}` and `{eventid}` in it.
        """
        if path is None:
            return cls(Document("rules", {}), templates, links)
        return cls(read(path), templates or path.parent / "templates", links)

    @classmethod
    def parse(cls, text: str, *, templates: Path | None = None, links: Mapping[str, str] | None = None) -> Rules:
        """Read rules from a text, as `load` does from a file."""
        return cls(parse(text, "rules.yml"), templates, links)

    def route(self, event: Event, now: datetime | None = None) -> Route:
        """Return what the rules say about the event; `now` stands for its beginning where that is not known."""
        event = _begun(event, now)
        return self._route(self._first(event), event)

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
        return self._text(text, self._tries(self._first(event), event, more))

    def names(self) -> tuple[Named, ...]:
        """Return all that the rules name in GLPI, with its place; values made by a template are not known here."""
        return tuple(self._names)

    def _first(self, event: Event) -> _Rule:
        return next((rule for rule in self._rules if rule.condition.why_not(event) is None), self._default)

    def _tries(self, rule: _Rule, event: Event, more: Mapping[str, object] | None = None) -> _Tries:
        levels = (rule,) if rule is self._default else (rule, self._default)
        return _Tries(levels, names_of(event, self._link(event)) | dict(more or {}))

    def _link(self, event: Event) -> str:
        pattern = self._links.get(event.source, "")
        if "{triggerid}" in pattern and not event.triggerid:
            return ""
        return pattern.replace("{triggerid}", quote(event.triggerid)).replace("{eventid}", quote(event.eventid))

    def _route(self, rule: _Rule, event: Event) -> Route:
        tries = self._tries(rule, event)
        draft, key = self._draft(tries, event), _key(tries, event)
        # a reason to ignore is the rule's own: the default's must not silence what a rule has chosen
        ignore = rule.wishes.ignore
        return Route(rule.place, key, draft, _policy(tries), ignore, tuple(dict.fromkeys(tries.warnings)))

    def _draft(self, tries: _Tries, event: Event) -> Draft:
        name, content = self._text(Text.TITLE, tries), self._text(Text.CONTENT, tries)
        tries.warnings += [*name.warnings, *content.warnings]
        urgency, impact = _levels(tries, event)
        single = {key: tries.text(key) for key in _SINGLE}
        own = next((rule for rule, _ in tries.given("category")), self._default)
        if event.origin is Origin.CRON and own is self._default:
            single["category"] = event.fields.get("category") or single["category"]  # cron-glpi --category
        return Draft(
            title=title(name.text, fallback=_fallback(event)),
            content=content.text,
            type=cast(TicketType, tries.value("type", TicketType.INCIDENT)),
            urgency=urgency,
            impact=impact,
            notify=bool(tries.value("notify", otherwise=True)),
            extra=_extra(tries),
            category=single["category"],
            entity=single["entity"],
            location=single["location"],
            request_source=single["request_source"],
            **{name: tries.texts(key) for key, name in _ACTORS.items()},
        )

    def _text(self, text: Text, tries: _Tries) -> Rendered:
        for rule, source in tries.given(text.value):
            template = rule.templates.get(str(source))
            if template is None:
                warning = f"{rule.place}: the {text.value} template is broken; the built-in text was used"
                return replace(self._renderer.render(text, None, tries.names), warnings=(warning,))
            rendered = self._renderer.render(text, template, tries.names)
            return replace(rendered, warnings=tuple(f"{rule.place}: {warning}" for warning in rendered.warnings))
        return self._renderer.render(text, None, tries.names)

    def _rule(self, document: Document, index: int | None, condition: Both, wishes: Wishes, name: str | None) -> _Rule:
        path = ("default",) if index is None else ("rules", index)
        line = document.line(path)
        file = Path(document.file).name
        place = "default" if index is None else f'{file}:{line} "{name}"' if name else f"{file}:{line} rule {index + 1}"
        templates: dict[str, Template | None] = {}
        for key in sorted(wishes.model_fields_set):
            value = getattr(wishes, key)
            for source in _sources(key, value):
                templates[source] = self._compiled(source, key, document.line((*path, key)))
            if key in _ACTORS or key in _SINGLE:
                for one in value if isinstance(value, tuple) else (value,):
                    if not is_template(one):
                        self._names.append(Named(_KINDS.get(key, key), one, document.file, document.line((*path, key))))
        return _Rule(place, line, condition, wishes, templates)

    def _compiled(self, source: str, key: str, line: int) -> Template | None:
        text = Text(key) if key in set(Text) else None
        try:
            return self._renderer.compile(source, text)
        except TemplateError as error:
            found = f"the template of `{key}` is broken: {reason(error)}"
            self.faults += (Fault(self.file, line, found, "until it is corrected, the built-in text is used"),)
            return None

    def _refuse_unreachable(self) -> None:
        faults = []
        for later, rule in enumerate(self._rules):
            for earlier in self._rules[:later]:
                if covers(earlier.condition, rule.condition):
                    found = f"this rule is never reached: {earlier.place} already matches all that it matches"
                    faults.append(Fault(self.file, rule.line, found, "put it above that one, or take one of them out"))
                    break
        if faults:
            raise SettingsError(faults)


def _begun(event: Event, now: datetime | None) -> Event:
    return event if event.opened_at or now is None else replace(event, opened_at=now)


def _fallback(event: Event) -> str:
    problem = event.trigger_name or "problem"
    host = event.host_name or event.host
    return f"{host}: {problem}" if host else problem.capitalize()


def _sources(key: str, value: object) -> Iterator[str]:
    """Yield the templates in a value of a rule."""
    if key in set(Text):
        yield str(value)
        return
    values = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
    yield from (one for one in values if isinstance(one, str) and is_template(one))


def _levels(tries: _Tries, event: Event) -> tuple[Level, Level]:
    mapped = cast(Mapping[Severity, tuple[Level, Level]], tries.value("severity_map", {}))
    otherwise = SEVERITY_MAP[event.severity]
    urgency, impact = mapped.get(event.severity, (otherwise, otherwise))
    if event.origin is Origin.INTERNAL:  # these have no severity
        urgency = tries.level("internal_urgency") or Level.MEDIUM
        impact = tries.level("internal_impact") or Level.MEDIUM
    return tries.level("urgency") or urgency, tries.level("impact") or impact


def _extra(tries: _Tries) -> Mapping[str, str | int | float | bool]:
    extra: dict[str, str | int | float | bool] = {}
    for rule, given in reversed(list(tries.given("extra"))):
        for name, value in cast(Mapping[str, str | int | float | bool], given).items():
            filled = tries.filled(rule, f"extra.{name}", value) if isinstance(value, str) else value
            if filled != "" or value == "":
                extra[name] = filled
    return extra


def _policy(tries: _Tries) -> Policy:
    given = {name: tries.value(name) for name in _POLICIES if any(True for _ in tries.given(name))}
    flapping = tries.value("flapping")
    if flapping is not None:
        given |= {f"flap_{name}": getattr(flapping, name) for name in ("count", "window", "calm")}
    return Policy(**given)  # type: ignore[arg-type]  # the file's model has checked each value's type


def _key(tries: _Tries, event: Event) -> str:
    """Return the dedup key: the rule's, else what stands for the trigger; never longer than KEY_LIMIT."""
    for rule, wish in tries.given("key"):
        key = _listed_key(wish, event) if isinstance(wish, tuple) else tries.filled(rule, "key", str(wish))
        if key:
            return key if len(key) <= KEY_LIMIT else key[:120] + "…" + hashlib.sha256(key.encode()).hexdigest()
    # an internal event about a trigger is another trouble than the trigger's own problem
    prefix = "" if event.origin in {Origin.TRIGGER, Origin.CRON} else f"{event.origin}:"
    return f"{prefix}{event.triggerid}" if event.triggerid else f"event:{event.eventid}"


def _listed_key(wish: tuple[str, ...], event: Event) -> str:
    tags: dict[str, list[str]] = {}
    for tag in event.tags:
        tags.setdefault(tag.tag, []).append(tag.value)
    parts = [tags.get(name[5:], []) if name.startswith("tags.") else getattr(event, name) for name in wish]
    return json.dumps(parts, ensure_ascii=False, default=str)  # as JSON, so that no two lists look alike
