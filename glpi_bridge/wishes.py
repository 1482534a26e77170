"""The values that an event gets: each from the rule that matched, else from `default:`, else from the bridge. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from glpi_bridge.compiled import Rule
from glpi_bridge.model import Event, HandOver, Level, Origin, Policy, Severity, Storm
from glpi_bridge.render import reason
from glpi_bridge.rulefile import HandOverWish, StormWish, is_template, level
from glpi_bridge.text import clean, one_line
from glpi_bridge.units import Mistake

KEY_LIMIT = 200
SEVERITY_MAP: Mapping[Severity, Level] = {severity: Level(max(1, severity)) for severity in Severity}
"""not classified and information → very low, warning → low, average → medium, high → high, disaster → very high."""

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
    "close_after",
    "acknowledge",
    "notes",
    "follow_severity",
    "problem_after",
    "problem_same",
    "solve_unwatched",
)


@dataclass
class Values:
    """Values of one event, from the rule that matched, else from `default:`; keeps what failed on the way."""

    rules: tuple[Rule, ...]
    names: Mapping[str, object]
    warnings: list[str] = field(default_factory=list)

    def given(self, key: str) -> Iterator[tuple[Rule, object]]:
        """Yield what the rules say for a key, the one that matched first."""
        for rule in self.rules:
            if key in rule.wishes.model_fields_set:
                yield rule, getattr(rule.wishes, key)

    def value(self, key: str, otherwise: object = None) -> object:
        """Return the first value given for a key that takes no templates."""
        return next((value for _, value in self.given(key)), otherwise)

    def text(self, key: str) -> str | None:
        """Return the first text for a key that is not blank once filled in."""
        return next((text for rule, value in self.given(key) if (text := self.filled(rule, key, str(value)))), None)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the first list for a key in which a text is left once filled in."""
        for rule, values in self.given(key):
            found = [self.filled(rule, key, value) for value in cast(tuple[str, ...], values)]
            if texts := tuple(dict.fromkeys(text for text in found if text)):
                return texts
        return ()

    def level(self, key: str) -> Level | None:
        """Return the first level for a key; what a template made and is none is left out with a warning."""
        for rule, value in self.given(key):
            if isinstance(value, Level):
                return value
            try:
                if text := self.filled(rule, key, str(value)):
                    return level(text)
            except Mistake as mistake:
                self.warnings.append(f"{rule.place}: {key}: {mistake.found}")
        return None

    def filled(self, rule: Rule, key: str, source: str) -> str:
        """Return the value, filled in if it is a template; empty, with a warning, where that fails."""
        if not is_template(source):
            return source
        template = rule.templates.get((key.partition(".")[0], source))
        if template is None:
            self.warnings.append(f"{rule.place}: the template of {key} is broken; see `check`")
            return ""
        try:
            return " ".join(clean(template.render(self.names)).split())
        except Exception as error:  # noqa: BLE001  (a template is a program of the administrator's)
            self.warnings.append(f"{rule.place}: {key} was left out: {reason(error)}")
            return ""


def levels_of(values: Values, event: Event) -> tuple[Level, Level]:
    """Return urgency and impact."""
    mapped = cast(Mapping[Severity, tuple[Level, Level]], values.value("severity_map", {}))
    otherwise = SEVERITY_MAP[event.severity]
    urgency, impact = mapped.get(event.severity, (otherwise, otherwise))
    if event.origin is Origin.INTERNAL:  # these have no severity
        urgency = values.level("internal_urgency") or Level.MEDIUM
        impact = values.level("internal_impact") or Level.MEDIUM
    return values.level("urgency") or urgency, values.level("impact") or impact


def extra_of(values: Values) -> Mapping[str, str | int | float | bool]:
    """Return the further fields, those of `default:` with those of the rule over them."""
    extra: dict[str, str | int | float | bool] = {}
    for rule, given in reversed(list(values.given("extra"))):
        for name, value in cast(Mapping[str, str | int | float | bool], given).items():
            filled = values.filled(rule, f"extra.{name}", value) if isinstance(value, str) else value
            if filled != "" or value == "":
                extra[name] = filled
    return extra


def policy_of(values: Values, *, links_assets: bool) -> Policy:
    """Return how the incident is followed; without `links_assets` no rule links an asset."""
    given = {name: values.value(name) for name in _POLICIES if any(True for _ in values.given(name))}
    flapping = values.value("flapping")
    if flapping is not None:
        given |= {f"flap_{name}": getattr(flapping, name) for name in ("count", "window", "calm")}
    wish = cast(StormWish | None, values.value("storm"))
    if wish is not None and wish.count:
        given["storm"] = Storm(wish.by, wish.count, wish.window, wish.notify)
    levels = cast(Iterable[HandOverWish], values.value("hand_over", ()))
    given["hand_over"] = tuple(HandOver(one.after, one.to) for one in levels)
    given["link_asset"] = links_assets and bool(values.value("link_asset", otherwise=True))
    return Policy(**given)  # type: ignore[arg-type]  # the file's model has checked each value's type


def key_of(values: Values, event: Event) -> str:
    """Return the dedup key: the rule's, else what stands for the trigger; never blank or longer than KEY_LIMIT."""
    wished = (
        _listed_key(wish, event) if isinstance(wish, tuple) else values.filled(rule, "key", str(wish))
        for rule, wish in values.given("key")
    )
    key = next((key for key in wished if key), "") or _own_key(event)
    return key if len(key) <= KEY_LIMIT else key[:120] + "…" + hashlib.sha256(key.encode()).hexdigest()


def _own_key(event: Event) -> str:
    # an internal event about a trigger is another trouble than the trigger's own problem
    prefix = "" if event.origin in {Origin.TRIGGER, Origin.CRON} else f"{event.origin}:"
    trigger = one_line(event.triggerid)
    return f"{prefix}{trigger}" if trigger else f"event:{event.eventid}"


def group_of(policy: Policy, event: Event) -> str:
    """Name the group in whose storm the event may be; empty without a storm, or where a field of it is not known."""
    parts = _fields(policy.storm.by, event) if policy.storm is not None else []
    words = [", ".join(part) if isinstance(part, list | tuple) else str(part) for part in parts]
    return one_line(" / ".join(words)) if words and all(words) else ""


def _fields(names: tuple[str, ...], event: Event) -> list[object]:
    tags: dict[str, list[str]] = {}
    for tag in event.tags:
        tags.setdefault(tag.tag, []).append(tag.value)
    return [tags.get(name[5:], []) if name.startswith("tags.") else getattr(event, name) for name in names]


def _listed_key(wish: tuple[str, ...], event: Event) -> str:
    parts = _fields(wish, event)
    return clean(json.dumps(parts, ensure_ascii=False, default=str))  # as JSON, so that no two lists look alike
