"""`site build`: everything a web server needs for the two sites, the same bytes for the same input."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from glpi_bridge import __version__

from . import modules, words
from .icons import ICONS
from .routes import REFUSALS, SITES, refusal
from .settings import LANGUAGES, SiteSettings

_PACKED: Final = (".css", ".html", ".js", ".json", ".svg")
_MANIFEST: Final = "manifest.json"
_UNTIL_PUBLISHED: Final = {
    "data/catalog.json": b'{"categories": [], "upload": null}\n',
    "data/kb.json": b'{"articles": []}\n',
    "panel/health.json": b"null\n",
}
"""What stands in the place of files that others write later."""


def build(settings: SiteSettings, out: Path) -> dict[str, str]:
    """Write the sites below `out` and return the manifest: path → sha256.

    Files of an earlier build that are no longer needed go, `data/` and anything else stays. Each file is put in its
    place whole.
    """
    files = contents(settings)
    manifest = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())}
    before = _old(out)
    packed = {f"{path}.gz": gzip.compress(data, 9, mtime=0) for path, data in files.items() if path.endswith(_PACKED)}
    for path, data in {**files, **packed}.items():
        put(out / path, data)
    for path, empty in _UNTIL_PUBLISHED.items():
        if not (out / path).exists():
            put(out / path, empty)
    put(out / _MANIFEST, f"{json.dumps(manifest, indent=1)}\n".encode())
    for path in before - manifest.keys():
        for name in (path, f"{path}.gz"):
            (out / name).unlink(missing_ok=True)
    for folder in (out / "assets").iterdir():
        if folder.is_dir() and not any(folder.iterdir()):
            shutil.rmtree(folder)
    return manifest


def _old(out: Path) -> set[str]:
    try:
        found = json.loads((out / _MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return set()
    return {path for path in found if isinstance(path, str) and ".." not in path and not path.startswith("/")}


def put(path: Path, data: bytes) -> None:
    """Put a file in its place whole, readable by the web server."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(number, "wb") as file:
        file.write(data)
    Path(name).chmod(0o644)
    Path(name).replace(path)


def contents(settings: SiteSettings) -> dict[str, bytes]:
    """Return every file of the sites by its path."""
    static = {name: data.encode() if isinstance(data, str) else data for name, data in _static(settings).items()}
    digest = hashlib.sha256()
    for name, data in sorted(static.items()):
        digest.update(f"{name} {len(data)} ".encode() + data)
    folder = f"assets/{digest.hexdigest()[:12]}"
    files = {f"{folder}/{name}": data for name, data in static.items()}
    for site in SITES:
        files[f"{site}/index.html"] = _chooser(settings, folder).encode()
        for language in settings.languages:
            files[f"{site}/{language}/index.html"] = _page(settings, site, language, folder).encode()
    for status in REFUSALS:
        files[f"refused/{status}.json"] = refusal(status).encode()
    return files


def _static(settings: SiteSettings) -> dict[str, str | bytes]:
    js = words.frontend("js")
    logo = settings.logo or words.frontend("icons", "logo.svg")
    return {
        "portal.js": modules.bundle(js / "portal" / "portal.js"),
        "panel.js": modules.bundle(js / "panel" / "panel.js"),
        "html.js": modules.small((js / "html.js").read_text("utf-8")),
        "language.js": modules.bundle(js / "language.js"),
        "theme.js": modules.bundle(js / "theme.js"),
        "purify.js": words.frontend("vendor", "purify.min.js").read_bytes(),
        "logo.svg": logo.read_bytes(),
        "site.css": _css(settings),
        **{
            f"words-{code}.json": json.dumps(words.for_scripts(code), ensure_ascii=False, separators=(",", ":"))
            for code in settings.languages
        },
    }


def _environment(*, escape: bool = True) -> Environment:
    loader = FileSystemLoader([words.frontend("templates"), words.frontend("css")])
    return Environment(loader=loader, autoescape=escape, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701  # for style sheets


def _css(settings: SiteSettings) -> str:
    template = _environment(escape=False).get_template("site.css")
    panel = words.frontend("css", "panel.css").read_text("utf-8")
    return template.render(brand=settings.brand, brand_dark=settings.brand_dark, panel_css=panel)


def _chooser(settings: SiteSettings, folder: str) -> str:
    template = _environment().get_template("chooser.html.j2")
    return template.render(
        name=settings.name, languages=settings.languages, language_names=LANGUAGES, assets=f"/{folder}"
    )


def _page(settings: SiteSettings, site: str, language: str, folder: str) -> str:
    environment = _environment()
    environment.globals["_"] = lambda text: words.translate(language, text)
    return environment.get_template(f"{site}.html.j2").render(
        site=site,
        language=language,
        name=settings.name,
        contact=settings.contact,
        assets=f"/{folder}",
        icons=ICONS,
        features=settings.features,
        sign_in=settings.sign_in,
        glpi_url=settings.glpi_url,
        settings=_embedded(for_scripts(settings, site, language, folder)),
    )


def for_scripts(settings: SiteSettings, site: str, language: str, folder: str) -> Mapping[str, object]:
    """Return what a page's script is told."""
    return {
        "site": site,
        "language": language,
        "languages": [[code, LANGUAGES[code]] for code in settings.languages],
        "name": settings.name,
        "words": f"/{folder}/words-{language}.json",
        "features": settings.features.model_dump(),
        "notices": [text for one in settings.notices if (text := one.get(language) or one.get("all"))],
        "glpi": settings.glpi_url,
        "idleMinutes": settings.idle_minutes,
        "version": __version__,
    }


def _embedded(value: Mapping[str, object]) -> object:
    """Return JSON that may stand inside a page: no sign of it ends the element."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704  # nothing in it is markup
