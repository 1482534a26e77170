"""Texts for people from Jinja templates: titles, HTML for GLPI, plain text for Zabbix; and the marker in them.

A broken template never loses a ticket: the built-in text takes its place and a warning says why. What Zabbix said is
escaped here, as GLPI 11 stores what it is given. Decides nothing, asks nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, urlsplit

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, Template
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from glpi_bridge.model import Event, Severity, Tag

TITLE_LIMIT = 255
ELLIPSIS = "…"
MESSAGE_LIMIT = 2048  # characters of a message in event.acknowledge
_BUILT_IN = Path(__file__).parent / "texts"


class Text(StrEnum):
    """The texts that a rule can replace; the values are the names of the built-in templates and of the rule's keys."""

    TITLE = "title"
    CONTENT = "content"
    NOTE = "note"
    SOLUTION = "solution"
    REOPEN = "reopen"
    FLAPPING = "flap_summary"
    ACKNOWLEDGEMENT = "acknowledgement"

    @property
    def is_html(self) -> bool:
        """All but the title and what Zabbix is told."""
        return self not in {Text.TITLE, Text.ACKNOWLEDGEMENT}


MORE_NAMES: Mapping[Text, frozenset[str]] = {
    Text.NOTE: frozenset({"note"}),
    Text.FLAPPING: frozenset({"changes", "since", "until"}),
    Text.ACKNOWLEDGEMENT: frozenset({"ticket_id", "ticket_link"}),
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
        "origin": str(event.origin),
        "severity": severity_name(event.severity),
        "severity_number": int(event.severity),
        "tags": TagView(event.tags),
        "fields": FieldView(event.fields),
        "host_label": event.host_name or event.host,
        "is_open": event.is_open,
        "duration": spoken(lasted) if lasted is not None and lasted > timedelta(0) else "",
        "link": link,
    }


def severity_name(severity: Severity) -> str:
    """Return the name that Zabbix shows, as in `Not classified`."""
    return severity.name.replace("_", " ").capitalize()


def spoken(lasted: timedelta) -> str:
    """Write a duration with its two largest units, as Zabbix does: `2d 3h`, `5m 10s`."""
    seconds = int(lasted.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


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
        loaders: list[BaseLoader] = [PrefixLoader({"default": FileSystemLoader(_BUILT_IN)})]
        if directory is not None:
            loaders.insert(0, FileSystemLoader(directory))
        self._html = _environment(ChoiceLoader(loaders), zone, autoescape=True)
        self._plain = _environment(ChoiceLoader(loaders), zone, autoescape=False)
        self.built_in = {text: self._environment(text).get_template(f"default/{text}.j2") for text in Text}

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
        if template is not None:
            try:
                return Rendered(_finished(text, template.render(names)))
            except Exception as error:  # noqa: BLE001 (a template is a program of the administrator's: it may raise anything)
                warning = f"the {text} template failed ({reason(error)}); the built-in text was used"
                return Rendered(_finished(text, self.built_in[text].render(names)), (warning,))
        return Rendered(_finished(text, self.built_in[text].render(names)))


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


def when(moment: datetime, zone: tzinfo = UTC) -> str:
    """Write an instant in `zone`, with the zone's abbreviation."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def lines(value: object) -> Markup:
    """Keep the line ends of a text in HTML."""
    return Markup("<br>").join(escape(line) for line in clean(str(value)).split("\n"))


def link(address: str, label: str = "") -> Markup:
    """Make a web address clickable; anything but http and https stays text."""
    address = clean(str(address)).strip()
    if not is_web(address):
        return escape(address)
    href = quote(address, safe="%/:?#[]@!$&'()*+,;=~-._")
    return Markup('<a href="{}">{}</a>').format(href, label or address)


def is_web(address: str) -> bool:
    """Say whether the address is http or https, with a host and without blanks."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", address)


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Take out control characters but line ends and tabs; every line end becomes a line feed."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _SURROGATE.sub("\ufffd", text)


def without_astral(text: str) -> str:
    """Take out the characters that an old three-byte table of GLPI refuses (emoji, for one)."""
    return re.sub("[\U00010000-\U0010ffff]", "", text)


def _finished(text: Text, rendered: str) -> str:
    rendered = clean(rendered).strip()
    return html(rendered) if text.is_html else rendered[:MESSAGE_LIMIT]


def html(text: str) -> str:
    """Return `text` as HTML inside a tag, as GLPI 11 decodes bare text once more on upgraded servers.

    Quotes outside of tags are themselves, not entities, so that GLPI's search finds `l'accès`.
    """
    if not re.match(r"<[a-zA-Z]", text):
        text = "<p>" + text.replace("\n", "<br>\n") + "</p>"
    parts = re.split(r"(<[^<>]*>)", text)
    parts[::2] = [part.replace("&#39;", "'").replace("&#34;", '"') for part in parts[::2]]
    return "".join(parts)


_ENCODED_COST = {"&": 5, "<": 5, ">": 5}  # GLPI 10 stores &#38; &#60; &#62; and cuts what it stores


def title(text: str, *, encoded_limit: bool = False, fallback: str = "") -> str:
    """Return a ticket's name of one line and at most 255 characters, cut with an ellipsis; blank becomes `fallback`.

    `encoded_limit`: for GLPI 10, where `&`, `<` and `>` count five each and the cut may fall into one of them.
    """
    text = " ".join(clean(text).split("\n")).replace("\t", " ").strip() or fallback or "Problem"
    cost = _ENCODED_COST if encoded_limit else {}
    if sum(cost.get(character, 1) for character in text) <= TITLE_LIMIT:
        return text
    room = TITLE_LIMIT - 1
    for position, character in enumerate(text):
        room -= cost.get(character, 1)
        if room < 0:
            return text[:position].rstrip() + ELLIPSIS
    return text


_MARKER = re.compile(r"zabbix [A-Za-z0-9.-]+/[^\s/<>&]+(?: [^\n<>&]+)?")
_BLOCK = re.compile(r"</?(?:p|br|div|li|ul|ol|tr|td|th|table|h[1-6]|pre|blockquote|hr)\b[^>]*>", re.IGNORECASE)


def with_marker(content: str, marker: str) -> str:
    """Append the marker as the last line, in small print."""
    return f"{content}\n<p><small>{escape(marker)}</small></p>"


def markers(text: str, *, encoded: bool = False) -> frozenset[str]:
    """Return the marker that content as GLPI gave it ends with, if there is one, for an exact comparison.

    `encoded` for GLPI 10's stored form. Only the last line of that shape counts: what Zabbix or a person wrote above
    may look like one.
    """
    if encoded:
        text = decoded(text)
    plain = re.sub(r"<[^>]*>", "", _BLOCK.sub("\n", text))
    found = [line.strip() for line in plain.split("\n") if _MARKER.fullmatch(line.strip())]
    return frozenset(found[-1:])


def decoded(text: str) -> str:
    """Undo GLPI 10's encoding, once."""
    return text.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
