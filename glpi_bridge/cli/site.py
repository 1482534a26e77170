"""site build, site data: the portal and the panel for a web server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from glpi_bridge.cli.common import in_words, json_option, print_json


@click.group()
def site() -> None:
    """Make the portal and the panel that people use in a browser."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    where = click.Path(path_type=Path, dir_okay=False, exists=True)
    command = click.option("--site", "path", type=where, help="The settings (site.yml). Default: the defaults.")(
        command
    )
    folder = click.Path(path_type=Path, file_okay=False)
    return click.option("--out", type=folder, help="The web server's folder. Default: `out` of site.yml.")(command)


@site.command()
@_options
@json_option
def build(path: Path | None, out: Path | None, as_json: bool) -> None:
    """Write the files that a web server hands out.

    The same input gives the same bytes. What an earlier build left goes; data/ stays.
    """
    from glpi_bridge.site.build import build as write
    from glpi_bridge.site.settings import load

    with in_words():
        settings = load(path)
        place = out or settings.out
        manifest = write(settings, place)
    if as_json:
        print_json({"out": str(place), "files": dict(manifest)})
    else:
        click.echo(f"{len(manifest)} files in {place}")


@site.command()
@_options
@json_option
def data(path: Path | None, out: Path | None, as_json: bool) -> None:
    """Read categories and titles of articles from GLPI into public files.

    Calls GLPI with the accounts that `reader` in site.yml names; changes nothing there. For a timer.
    """
    from glpi_bridge.errors import Fault, SettingsError
    from glpi_bridge.site.data import refresh
    from glpi_bridge.site.settings import load

    with in_words():
        settings = load(path)
        if settings.reader is None:
            raise SettingsError([Fault(str(path or "site.yml"), 0, "there is no `reader`", "say where GLPI is")])
        counts = refresh(settings.reader, out or settings.out)
    if as_json:
        print_json(counts)
    else:
        click.echo(f"{counts['categories']} categories, {counts['articles']} articles")
