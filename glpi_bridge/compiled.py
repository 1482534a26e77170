"""Rules made ready for events: conditions, templates, the names they use, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from jinja2 import Template, TemplateError

from glpi_bridge.document import Document, Key
from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.match import Both
from glpi_bridge.reach import covers
from glpi_bridge.render import Renderer, Text, reason
from glpi_bridge.rulefile import RulesFile, Wishes, is_template

_KINDS = {
    "category": "category",
    "entity": "entity",
    "group": "group",
    "observer_group": "group",
    "technician": "user",
    "requester": "user",
    "observer": "user",
    "location": "location",
    "request_source": "request_source",
}
_TEXTS = frozenset(text.value for text in Text)


@dataclass(frozen=True, slots=True)
class Named:
    """Something of GLPI that the rules name: a category, entity, group, user, location or request source."""

    kind: str
    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, or `default:`. `templates` has for each key and source the template, None for a broken one."""

    place: str
    line: int
    condition: Both
    wishes: Wishes
    templates: Mapping[tuple[str, str], Template | None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A file of rules, ready; `faults` are its broken templates."""

    rules: tuple[Rule, ...]
    default: Rule
    named: tuple[Named, ...]
    faults: tuple[Fault, ...]


def compile_rules(document: Document, parsed: RulesFile, zone: tzinfo, renderer: Renderer) -> Compiled:
    """Make the rules ready; raise SettingsError where one can never be reached."""
    file = Path(document.file).name
    sections: list[tuple[tuple[Key, ...], str, Both, Wishes]] = []
    for index, section in enumerate(parsed.rules):
        path = ("rules", index)
        name = f'"{section.name}"' if section.name else f"rule {index + 1}"
        sections.append((path, f"{file}:{document.line(path)} {name}", section.match.condition(zone), section))
    sections.append((("default",), "default", Both(), parsed.default))
    faults: list[Fault] = []
    rules = [
        Rule(place, document.line(path), condition, wishes, _templates(document, path, wishes, renderer, faults))
        for path, place, condition, wishes in sections
    ]
    _refuse_unreachable(document.file, rules[:-1])
    named = (one for path, _, _, wishes in sections for one in _named(document, path, wishes))
    return Compiled(tuple(rules[:-1]), rules[-1], tuple(named), tuple(faults))


def _templates(
    document: Document, path: tuple[Key, ...], wishes: Wishes, renderer: Renderer, faults: list[Fault]
) -> dict[tuple[str, str], Template | None]:
    templates: dict[tuple[str, str], Template | None] = {}
    for key in sorted(wishes.model_fields_set):
        for source in _sources(key, getattr(wishes, key)):
            try:
                templates[key, source] = renderer.compile(source, Text(key) if key in _TEXTS else None)
            except TemplateError as error:
                templates[key, source] = None
                found = f"the template of `{key}` is broken: {reason(error)}"
                advice = (
                    "until it is corrected, the built-in text is used" if key in _TEXTS else "until then it is left out"
                )
                faults.append(Fault(document.file, document.line((*path, key)), found, advice))
    return templates


def _sources(key: str, value: object) -> Iterator[str]:
    """Yield the templates in a value of a rule."""
    if key in _TEXTS:
        yield str(value)
        return
    values = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
    yield from (one for one in values if isinstance(one, str) and is_template(one))


def _named(document: Document, path: tuple[Key, ...], wishes: Wishes) -> Iterator[Named]:
    for key, kind in _KINDS.items():
        value = getattr(wishes, key)
        for name in value if isinstance(value, tuple) else (value,):
            if name is not None and not is_template(name):
                yield Named(kind, name, document.file, document.line((*path, key)))
    for place, level in enumerate(wishes.hand_over or ()):
        yield Named("group", level.to, document.file, document.line((*path, "hand_over", place, "to")))


def _refuse_unreachable(file: str, rules: list[Rule]) -> None:
    faults = []
    for later, rule in enumerate(rules):
        earlier = next((one for one in rules[:later] if covers(one.condition, rule.condition)), None)
        if earlier is not None:
            found = f"this rule is never reached: {earlier.place} already matches all that it matches"
            faults.append(Fault(file, rule.line, found, "put it above that one, or take one of them out"))
    if faults:
        raise SettingsError(faults)
