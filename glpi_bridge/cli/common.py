"""What commands share: settings, logging, errors in words, `--json`."""

from __future__ import annotations

import functools
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from glpi_bridge.errors import BridgeError

if TYPE_CHECKING:
    from glpi_bridge.config import Settings

P = ParamSpec("P")
T = TypeVar("T")
_LOUD = ("urllib3", "alembic", "pyzabbix", "requests")


def with_settings(command: Callable[Concatenate[Settings, P], T]) -> Callable[P, T]:
    """Hand the settings to a command, set up the log as they say, and end with words instead of a traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        from glpi_bridge.config import load

        path: Path = click.get_current_context().obj
        with in_words():
            settings = load(path)
            set_up_log(settings.log.level, settings.log.format)
            return command(settings, *args, **kwargs)

    return wrapped


def with_calm_settings(command: Callable[Concatenate[Settings, P], T]) -> Callable[P, T]:
    """Hand over the settings to a command that calls nobody: secrets are left alone, and need not be readable."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        from glpi_bridge.config import load

        path: Path = click.get_current_context().obj
        with in_words():
            settings = load(path, secrets=False)
            set_up_log(settings.log.level, settings.log.format)
            return command(settings, *args, **kwargs)

    return wrapped


class in_words:  # noqa: N801 - used as a statement
    """Turn the bridge's errors into a line on stderr and exit code 1."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        if isinstance(error, BridgeError):
            click.echo(f"glpi-bridge: {error}", err=True)
            raise SystemExit(1) from error


def set_up_log(level: str, form: str) -> None:
    """Log to stderr; libraries that would log requests are kept quiet, as their lines hold tokens."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done, on a terminal; elsewhere it shows nothing."""
    if not sys.stderr.isatty():
        yield lambda _doing: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as shown:
        yield shown.update


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
