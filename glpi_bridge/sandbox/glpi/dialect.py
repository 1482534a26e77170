"""How a GLPI version keeps and shows text: 10 encodes three characters when it stores, 11 keeps text raw."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_ENCODED = (("&", "&#38;"), ("<", "&#60;"), (">", "&#62;"))
_RAW = re.compile(r"<|>|&(?!#?[a-zA-Z0-9]+;)")
_ENTITY = re.compile(r"&#38;|&#60;|&#62;|&lt;|&gt;")


def encode(text: str) -> str:
    """Encode `& < >` as GLPI 10 does before storing; text that looks encoded already stays as it is [02/055]."""
    if _ENTITY.search(text) and not _RAW.search(text):
        return text
    for raw, entity in _ENCODED:
        text = text.replace(raw, entity)
    return text


def decode(text: str) -> str:
    """Undo `encode`; old `&lt;` is only decoded where none of the new entities is there [02/055]."""
    if "&#38;" in text or "&#60;" in text or "&#62;" in text:
        return text.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
    return text.replace("&lt;", "<").replace("&gt;", ">")


@dataclass(frozen=True)
class Dialect:
    """The text habits of one version; `path` is the address GLPI writes into links."""

    version: str
    upgraded: bool = False
    """An 11 that was upgraded from 10: text without a raw `<` or `>` is decoded whenever it is read."""

    @property
    def encodes(self) -> bool:
        """Whether text is stored encoded (10) or raw (11)."""
        return self.version.startswith("10.")

    @property
    def link_path(self) -> str:
        """Return the path in `location`, `link`, hrefs and error texts, whichever path was called."""
        return "/apirest.php" if self.encodes else "/api.php/v1"

    def stored(self, text: str) -> str:
        """Return what the database keeps of a text that was sent; CR LF becomes LF [02/054]."""
        text = text.replace("\r\n", "\n")
        return encode(text) if self.encodes else text

    def shown(self, text: str, *, sanitized: bool) -> str:
        """Return what get-item shows of a stored text; the header that asks for raw text counts on 10 only."""
        if self.upgraded and not self.encodes:
            return text if "<" in text or ">" in text else decode(text)
        return text if sanitized or not self.encodes else decode(text)

    def said(self, text: str, *, sanitized: bool) -> str:
        """Return a message about an item or a refusal: 10 drops backslashes [02/054], 11 escapes HTML."""
        if not self.encodes:
            return html.escape(text, quote=True).replace("&#x27;", "&#039;")
        return self.shown(re.sub(r"\\(.?)", r"\1", text), sanitized=sanitized)
