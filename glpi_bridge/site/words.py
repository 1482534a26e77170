"""The sites' texts: English in templates and modules, Spanish and French in gettext catalogs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from glpi_bridge import share

_STRING: Final = r'"((?:[^"\\]|\\.)*)"'
_ONE: Final = re.compile(rf"(?<![\w.])t\({_STRING}")
_MANY: Final = re.compile(rf"(?<![\w.])nt\({_STRING}, {_STRING}")
_TEMPLATE: Final = re.compile(rf"_\({_STRING}\)")
Message = str | tuple[str, str]
"""A text, or its forms for one and many."""


def frontend(*parts: str) -> Path:
    """Return the place of a file of the sites."""
    return share.path("frontend", *parts)


def of_modules() -> set[Message]:
    """Return the texts that scripts show."""
    found: set[Message] = set()
    for path in sorted(frontend("js").rglob("*.js")):
        text = path.read_text("utf-8")
        found |= {_plain(one) for one in _ONE.findall(text)}
        found |= {(_plain(one), _plain(many)) for one, many in _MANY.findall(text)}
    return found


def of_templates() -> set[Message]:
    """Return the texts of the pages."""
    paths = sorted(frontend("templates").glob("*.j2"))
    return {_plain(one) for path in paths for one in _TEMPLATE.findall(path.read_text("utf-8"))}


def _plain(text: str) -> str:
    return text.replace('\\"', '"')


@cache
def catalog(language: str) -> Mapping[Message, Message]:
    """Return a language's translations; English has none of its own."""
    if language == "en":
        return {}
    with frontend("locales", f"{language}.po").open("rb") as file:
        return dict(_messages(read_po(file, locale=language)))


def _messages(found: Catalog) -> Iterator[tuple[Message, Message]]:
    for one in found:
        if not one.id:
            continue
        key: Message = one.id if isinstance(one.id, str) else (one.id[0], one.id[1])
        told = one.string or ""
        value: Message = told if isinstance(told, str) else (told[0], told[1])
        yield key, value


def for_scripts(language: str) -> dict[str, str | list[str]]:
    """Return what the scripts' words file holds: a text, or the forms for one and many, by the English."""
    known = catalog(language)
    shown: dict[str, str | list[str]] = {}
    for one in sorted(of_modules(), key=str):
        told = known.get(one)
        if isinstance(one, tuple):
            shown[one[0]] = list(told or one)
        elif isinstance(told, str):
            shown[one] = told
    return shown


def translate(language: str, text: str) -> str:
    """Return a page's text in a language."""
    told = catalog(language).get(text, text)
    return told if isinstance(told, str) else text
