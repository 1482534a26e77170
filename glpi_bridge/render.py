"""Texts for people from Jinja templates: titles, HTML for GLPI, plain text for Zabbix.

A broken template never loses a ticket: the built-in text takes its place and a warning says why. What Zabbix said is
escaped here, as GLPI 11 stores what it is given. Decides nothing, asks nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, timedelta, tzinfo
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, Template
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from glpi_bridge.model import Event, Severity, Tag
from glpi_bridge.text import (
    clean,
    html,
    is_seen,
    lines,
    link,
    markers,
    spoken,
    title,
    when,
    with_marker,
    without_astral,
)

# what is done to a text once it is rendered comes along, so that its users need no second import
__all__ = [
    "MORE_NAMES",
    "NAMES",
    "Rendered",
    "Renderer",
    "Text",
    "clean",
    "is_file",
    "markers",
    "names_of",
    "reason",
    "title",
    "with_marker",
    "without_astral",
]

MESSAGE_LIMIT = 2048  # characters of a message in event.acknowledge
_DEFAULT = PrefixLoader({"default": FileSystemLoader(Path(__file__).parent / "texts")})


class Text(StrEnum):
    """The texts that a rule can replace; the values are the names of the built-in templates and of the rule's keys."""

    TITLE = "title"
    CONTENT = "content"
    NOTE = "note"
    SOLUTION = "solution"
    REOPEN = "reopen"
    FLAPPING = "flap_summary"
    STORM_TITLE = "storm_title"
    STORM_CONTENT = "storm_content"
    STORM_SOLUTION = "storm_solution"
    STORM_REOPEN = "storm_reopen"
    ACKNOWLEDGEMENT = "acknowledgement"
    NEWS = "news"
    PROBLEM = "problem"

    @property
    def is_html(self) -> bool:
        """All but titles and what Zabbix is told."""
        return self not in {Text.TITLE, Text.STORM_TITLE, Text.ACKNOWLEDGEMENT, Text.NEWS}


MORE_NAMES: Mapping[Text, frozenset[str]] = {
    Text.NOTE: frozenset({"note"}),
    Text.FLAPPING: frozenset({"changes", "since", "until"}),
    Text.STORM_TITLE: frozenset({"group", "number"}),
    Text.STORM_CONTENT: frozenset({"group", "number"}),
    Text.STORM_SOLUTION: frozenset({"group", "number"}),
    Text.STORM_REOPEN: frozenset({"group", "number", "unfinished"}),
    Text.ACKNOWLEDGEMENT: frozenset({"ticket_id", "ticket_link"}),
    Text.NEWS: frozenset({"ticket_id", "ticket_link", "news"}),
    Text.PROBLEM: frozenset({"occurrences", "same"}),
}
"""The names that a text knows beyond those of every template."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, ready to be sent, and what had to be replaced in it."""

    text: str
    warnings: tuple[str, ...] = ()


class TagView:
    """The event's tags for templates: `tags.team` is the first value of that tag; iterating gives tag and value."""

    __slots__ = ("_tags",)

    def __init__(self, tags: tuple[Tag, ...]) -> None:
        self._tags = tags

    def __getitem__(self, name: str) -> str:
        for tag in self._tags:
            if tag.tag == name:
                return tag.value
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(tag.tag == name for tag in self._tags)

    def __iter__(self) -> Iterator[Tag]:
        return iter(self._tags)

    def __len__(self) -> int:
        return len(self._tags)


class FieldView:
    """The alert's arguments for templates: `fields.event_opdata`; a name like `fields.items` is an argument too."""

    __slots__ = ("_fields",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._fields = values

    def __getitem__(self, name: str) -> str:
        return self._fields[name]

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)


_EVENT_NAMES = tuple(field.name for field in fields(Event))
NAMES = frozenset(_EVENT_NAMES) | {"event", "host_label", "severity_number", "is_open", "duration", "link"}
"""What every template knows: the facts of the event, and what follows from them."""


def names_of(event: Event, link: str = "") -> dict[str, object]:
    """Return what a template may speak of; `link` is the event's address in Zabbix, or empty."""
    names: dict[str, object] = {name: getattr(event, name) for name in _EVENT_NAMES}
    lasted = event.recovered_at - event.opened_at if event.recovered_at and event.opened_at else None
    return names | {
        "event": event,
        "name": event.name if is_seen(event.name) else "",
        "origin": str(event.origin),
        "severity": severity_name(event.severity),
        "severity_number": int(event.severity),
        "tags": TagView(event.tags),
        "fields": FieldView(event.fields),
        "host_label": event.host_name if is_seen(event.host_name) else event.host,
        "is_open": event.is_open,
        "duration": spoken(lasted) if lasted is not None and lasted > timedelta(0) else "",
        "link": link,
    }


def severity_name(severity: Severity) -> str:
    """Return the name that Zabbix shows, as in `Not classified`."""
    return severity.name.replace("_", " ").capitalize()


class _Undefined(StrictUndefined):
    """A name that is not there is an error, said in our words."""

    @property
    def _undefined_message(self) -> str:
        if isinstance(self._undefined_obj, TagView):
            return f"the event has no tag {self._undefined_name}"
        if isinstance(self._undefined_obj, FieldView):
            return f"the alert had no argument {self._undefined_name}"
        return super()._undefined_message


class Renderer:
    """Two sandboxed Jinja environments, for HTML and for plain text, over the built-in texts and a directory of own.

    `directory` holds the administrator's `*.j2` (they may extend `default/content.j2`); times are shown in `zone`.
    """

    def __init__(self, directory: Path | None = None, zone: tzinfo = UTC) -> None:
        self._built_in_html, self._built_in_plain = _built_in(zone, autoescape=True), _built_in(zone, autoescape=False)
        self._html, self._plain = self._built_in_html, self._built_in_plain
        if directory is not None:
            loader = ChoiceLoader([FileSystemLoader(directory), _DEFAULT])
            self._html = _environment(loader, zone, autoescape=True)
            self._plain = _environment(loader, zone, autoescape=False)

    def _environment(self, text: Text | None) -> Environment:
        return self._html if text is not None and text.is_html else self._plain

    def compile(self, source: str, text: Text | None = None) -> Template:
        """Compile `source` (a template, or the name of a `.j2` file) for `text`, or as a plain value for None.

        Raises jinja2.TemplateError, also for a name that no template knows.
        """
        environment = self._environment(text)
        if not is_file(source):
            _refuse_unknown_names(environment, source, text)
            return environment.from_string(source)
        assert environment.loader is not None  # noqa: S101  (each environment is made with one)
        _refuse_unknown_names(environment, environment.loader.get_source(environment, source)[0], text)
        return environment.get_template(source)

    def render(self, text: Text, template: Template | None, names: Mapping[str, object]) -> Rendered:
        """Render `text` by `template`; by the built-in one, with a warning, where that fails."""
        if template is None:
            return Rendered(self._default(text, names))
        try:
            return Rendered(_finished(text, template.render(names)))
        except Exception as error:  # noqa: BLE001 (a template is a program of the administrator's: it may raise anything)
            warning = f"the {text} template failed ({reason(error)}); the built-in text was used"
            return Rendered(self._default(text, names), (warning,))

    def file(self, name: str, names: Mapping[str, object]) -> str:
        """Render the administrator's HTML file of this name, or the built-in one where there is none or it fails."""
        built_in = self._built_in_html.get_template(f"default/{name}.j2")
        try:
            return html(clean(self._html.select_template([f"{name}.j2", built_in]).render(names)).strip())
        except Exception:  # noqa: BLE001 (a template is a program of the administrator's: it may raise anything)
            return html(clean(built_in.render(names)).strip())

    def _default(self, text: Text, names: Mapping[str, object]) -> str:
        environment = self._built_in_html if text.is_html else self._built_in_plain
        return _finished(text, environment.get_template(f"default/{text}.j2").render(names))


def _refuse_unknown_names(environment: Environment, source: str, text: Text | None) -> None:
    known = (
        NAMES | environment.globals.keys() | (MORE_NAMES.get(text, frozenset()) if text is not None else frozenset())
    )
    for name in sorted(find_undeclared_variables(environment.parse(source)) - known):
        near = get_close_matches(name, known, 1)
        raise UndefinedError(
            f"it speaks of {name}, which is not known" + (f"; did you mean {near[0]}?" if near else "")
        )


def is_file(source: str) -> bool:
    """Tell the name of a template's file from a template."""
    return source.endswith(".j2") and not re.search(r"[\s{}]", source)


def reason(error: Exception) -> str:
    """Say in one line why a template failed."""
    if isinstance(error, JinjaError):
        return (error.message or type(error).__name__).splitlines()[0]
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


@lru_cache(maxsize=8)
def _built_in(zone: tzinfo, *, autoescape: bool) -> Environment:
    """Return the environment of the built-in texts alone, whose templates are compiled once for all renderers."""
    return _environment(_DEFAULT, zone, autoescape=autoescape)


def _environment(loader: BaseLoader, zone: tzinfo, *, autoescape: bool) -> Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=autoescape,
        undefined=_Undefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["lines"] = lines
    environment.filters["link"] = link
    environment.filters["when"] = lambda moment: when(moment, zone)
    return environment


def _finished(text: Text, rendered: str) -> str:
    rendered = clean(rendered).strip()
    if text is Text.NEWS:
        return rendered  # the client cuts it where Zabbix would refuse it, and shows that
    return html(rendered) if text.is_html else rendered[:MESSAGE_LIMIT]
