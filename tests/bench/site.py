"""The sites' budgets: what a first view weighs and asks for; where Apache and Chromium are, how fast it is too."""

from __future__ import annotations

import gzip
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.site.build import build, contents
from glpi_bridge.site.settings import SiteSettings
from tests.bench.ratio import Ratio

FILES: Final = {"portal.js": 20_480, "panel.js": 30_720, "site.css": 6_144, "purify.js": 12_288}
FIRST_VIEW: Final = {"portal": 61_440, "panel": 81_920}
REQUESTS: Final = 10
FIRST_PAINT_MS: Final = 300.0
DATA_SHOWN_MS: Final = 800.0
BOARD_SCRIPT_MS: Final = 150.0
DELTA_SCRIPT_MS: Final = 16.0
BOARD_ROWS: Final = 500
POLL_MS: Final = 16_000
PATIENCE_MS: Final = 120_000.0


def measure(quick: bool) -> Iterator[Ratio]:
    """Weigh the built sites, the same each time; then time them in Chromium through Apache, on loopback."""
    yield from _weights()
    if shutil.which("chromium") and shutil.which("apache2", path="/usr/sbin:/usr/bin"):
        yield from _times(1 if quick else 7)


def _weights() -> Iterator[Ratio]:
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


WATCH: Final = """new MutationObserver(() => {
  window.shownAt ??= document.querySelector(".tickets li, .board tbody tr") ? performance.now() : undefined;
}).observe(document, { childList: true, subtree: true });"""


def _times(runs: int) -> Iterator[Ratio]:
    from tests.browser.apache import apache
    from tests.browser.conftest import ENDUSER, TECHNICIAN
    from tests.browser.visits import Visits, chromium

    with tempfile.TemporaryDirectory() as scratch, GlpiServer() as glpi, chromium() as browser:
        root = Path(scratch)
        root.chmod(0o755)
        build(SiteSettings(), root)
        for n in range(5):
            glpi.people.create(name=f"Mine {n}", content="<p>x</p>", user=8)
        glpi.fill(BOARD_ROWS - 5)
        with apache(root, glpi.root, glpi.app_token) as address:
            visits = Visits(address, browser)
            page = visits.signed_in(ENDUSER)
            page.add_init_script(WATCH)
            paints, shown = [], []
            for _ in range(runs):
                page.reload()
                page.locator(".tickets li").first.wait_for()
                paints.append(_ask(page, "performance.getEntriesByName('first-contentful-paint')[0].startTime"))
                shown.append(_ask(page, "window.shownAt"))
            yield _ratio("portal, first paint", paints, FIRST_PAINT_MS)
            yield _ratio("portal, data shown", shown, DATA_SHOWN_MS)
            page = visits.signed_in(TECHNICIAN, "panel")
            page.set_default_timeout(PATIENCE_MS)
            page.clock.install()
            counts = page.context.new_cdp_session(page)
            counts.send("Performance.enable")
            boards, deltas = [], []
            for n in range(runs):
                before = _script(counts)
                page.reload()
                page.locator(".board tbody tr").first.wait_for()
                page.wait_for_load_state("networkidle")
                boards.append(_script(counts) - before)
                number = glpi.people.create(name=f"Newer {n}", content="<p>x</p>", user=8)
                before = _script(counts)
                page.clock.fast_forward(POLL_MS)
                page.locator(f"a[data-row='{number}']").wait_for()
                deltas.append(_script(counts) - before)
            yield _ratio(f"board of {BOARD_ROWS} rows, script", boards, BOARD_SCRIPT_MS)
            yield _ratio("board, one change, script", deltas, DELTA_SCRIPT_MS)
            visits.leave()


def _ratio(what: str, found: list[float], limit: float) -> Ratio:
    middle = statistics.median(found)
    return Ratio("site", f"{what}, of {limit:.0f} ms", middle / limit, 1.0, f"{middle:.0f} ms, median of {len(found)}")


def _ask(page: Any, expression: str) -> float:
    asked = {"expression": expression, "returnByValue": True}
    return float(page.context.new_cdp_session(page).send("Runtime.evaluate", asked)["result"]["value"])


def _script(counts: Any) -> float:
    """Milliseconds of script so far."""
    found = {one["name"]: one["value"] for one in counts.send("Performance.getMetrics")["metrics"]}
    return float(found["ScriptDuration"]) * 1000
