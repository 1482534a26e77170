"""Puts the ES modules of a site into one file: few requests, and no build chain.

The modules keep to a plain form, so that this is a concatenation: `import {…} from "./x.js";` at the top, `export`
before a declaration, and no name at the top level twice (the tests run node over the result). rjsmin then takes out
comments and blanks; names stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from rjsmin import jsmin

_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)


def bundle(entry: Path) -> str:
    """Return an entry module and all it imports, what is imported first, without comments and blanks."""
    order: list[Path] = []
    _visit(entry.resolve(), order, [])
    return small("".join(_EXPORT.sub("", _IMPORT.sub("", path.read_text("utf-8"))) for path in order))


def small(script: str) -> str:
    """Return a script without comments and blanks."""
    return f"{jsmin(script)}\n"


def _visit(path: Path, order: list[Path], above: list[Path]) -> None:
    if path in order or path in above:
        return
    for name in _IMPORT.findall(path.read_text("utf-8")):
        _visit((path.parent / name).resolve(), order, [*above, path])
    order.append(path)
