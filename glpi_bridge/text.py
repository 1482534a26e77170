"""Strings as GLPI and people need them: cleaned, cut, escaped, linked; and the marker line that finds a ticket again.

Pure functions; nothing here knows an event or a template.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from html import unescape
from urllib.parse import quote, urlsplit

from markupsafe import Markup, escape

TITLE_LIMIT = 255
ELLIPSIS = "…"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Say how many: `1 fault`, `2 faults`; `many` where it is not the word with an s."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def spoken(lasted: timedelta) -> str:
    """Write a duration with its two largest units, as Zabbix does: `2d 3h`, `5m 10s`."""
    seconds = int(lasted.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


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


def one_line(text: str) -> str:
    """Clean a text and take out its line ends and tabs; "" where nothing of it can be seen."""
    line = re.sub(r"[\n\t]", " ", clean(text)).strip()
    return line if is_seen(line) else ""


def is_seen(text: str) -> bool:
    """Tell whether anything of a text shows: blanks, joiners, marks of direction and the like do not."""
    return any(not character.isspace() and unicodedata.category(character)[0] != "C" for character in text)


def without_astral(text: str) -> str:
    """Take out the characters that an old three-byte table of GLPI refuses (emoji, for one)."""
    return re.sub("[\U00010000-\U0010ffff]", "", text)


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
    text = one_line(text) or one_line(fallback) or "Problem"
    cost = _ENCODED_COST if encoded_limit else {}
    if sum(cost.get(character, 1) for character in text) <= TITLE_LIMIT:
        return text
    room = TITLE_LIMIT - 1
    for position, character in enumerate(text):
        room -= cost.get(character, 1)
        if room < 0:
            return text[:position].rstrip() + ELLIPSIS
    return text


_LOOKS_ENCODED = re.compile(r"&#(38|60|62);")
_LOOKS_RAW = re.compile(r"<|>|&(?!#?[a-z0-9]+;)", re.IGNORECASE)


def as_text(text: str) -> str:
    """Return a text for GLPI 10, which takes one that looks encoded for encoded: then `&` is encoded here."""
    if _LOOKS_ENCODED.search(text) and not _LOOKS_RAW.search(text):
        return text.replace("&", "&#38;")
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


def plain(content: str) -> str:
    """Return what a person reads in a followup's HTML: its lines, without tags and entities, blank ones left out."""
    words = unescape(re.sub(r"<[^>]*>", "", _BLOCK.sub("\n", content)))
    lines_ = (" ".join(line.split()) for line in clean(words).replace("\xa0", " ").split("\n"))
    return "\n".join(line for line in lines_ if line)


def decoded(text: str) -> str:
    """Undo GLPI 10's encoding, once."""
    return text.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
