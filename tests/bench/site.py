"""The sites' budgets: what a first view weighs as gzip packs it, and how many files it asks for."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Final

from glpi_bridge.site.build import contents
from glpi_bridge.site.settings import SiteSettings
from tests.bench.ratio import Ratio

FILES: Final = {"portal.js": 20_480, "panel.js": 30_720, "site.css": 6_144, "purify.js": 12_288}
FIRST_VIEW: Final = {"portal": 61_440, "panel": 81_920}
REQUESTS: Final = 10


def measure(quick: bool) -> Iterator[Ratio]:
    """Weigh the built sites; the same each time."""
    packed = {path: len(gzip.compress(data, 9)) for path, data in contents(SiteSettings()).items()}
    for name, limit in FILES.items():
        size = next(size for path, size in packed.items() if path.endswith(f"/{name}"))
        yield Ratio("site", f"{name}, of {limit / 1024:.0f} KB", size / limit, 1.0, f"{size / 1024:.1f} KB")
    for site, limit in FIRST_VIEW.items():
        names = {"site.css", "theme.js", f"{site}.js", "logo.svg", "words-es.json", "html.js", "purify.js"}
        paths = [f"{site}/es/index.html", *(path for path in packed if path.rpartition("/")[2] in names)]
        size, count = sum(packed[path] for path in paths), len(paths) + 2  # catalog and articles too
        yield Ratio(
            "site", f"{site}, first ticket, of {limit / 1024:.0f} KB", size / limit, 1.0, f"{size / 1024:.1f} KB"
        )
        yield Ratio("site", f"{site}, files asked for, of {REQUESTS}", count / REQUESTS, 1.0, str(count))
