"""Everything a first-time user needs to know: what works on this machine and on both servers, and what to do else.

Goes on after each fault as far as it can. Writes nothing, but for the one ticket that `--ticket` asks for.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from glpi_bridge import build, share
from glpi_bridge.admin.check_glpi import check_glpi
from glpi_bridge.admin.check_maintenance import check_zabbix_maintenance
from glpi_bridge.admin.check_ticket import check_ticket
from glpi_bridge.admin.check_zabbix import check_zabbix
from glpi_bridge.admin.finding import Line, fault, ok, unknown, warning
from glpi_bridge.config import Settings, load
from glpi_bridge.errors import SettingsError, StoreError
from glpi_bridge.rules import Rules
from glpi_bridge.secret import Secret
from glpi_bridge.spool import Spool
from glpi_bridge.store import Store, meta
from glpi_bridge.store.examine import examine
from glpi_bridge.text import counted

SCRIPT = "zabbix-glpi"
SCRIPT_PLACES = (
    Path("/usr/lib/zabbix/alertscripts"),
    Path("/usr/share/zabbix/alertscripts"),
    Path("/usr/local/share/zabbix/alertscripts"),
    Path("/etc/zabbix/alert.d"),  # Debian 13
)
"""AlertScriptsPath of Zabbix's packages, of distributions' and of its source."""

_SECONDS = 20
_TEST = ("event_id={EVENT.ID}", "trigger_id={TRIGGER.ID}")
_TEST_CODE = 3
_NO_SPOOL_SET = 2


def check(path: Path, *, script: Path | None = None, with_ticket: bool = False) -> Iterator[Line]:
    """Yield what was found, thing by thing. `script` is where the alert script lies, if not at a usual place."""
    settings, lines = _settings(path)
    yield from lines
    if settings is None:
        return
    yield from _secrets(settings)
    try:
        rules = build.rules(settings)
        yield from _rules(rules, settings)
    except SettingsError as error:
        yield from (fault("rules", str(one)) for one in error.faults)
        rules = Rules.load(None)
    yield from _spool(settings)
    yield from check_script(script, settings.spool)
    yield from _store(settings)
    yield from _glpi(settings, rules)
    yield from _rewritten(settings)
    for name, one in settings.zabbix.items():
        if one.token_file.trouble() is None:
            yield from check_zabbix(name, one)
        yield from check_zabbix_maintenance(f"Zabbix {name}", one)
    if with_ticket and _is_usable(settings):
        yield from check_ticket(settings, rules)


def _settings(path: Path) -> tuple[Settings | None, list[Line]]:
    try:
        settings = load(path, secrets=False)
    except SettingsError as error:
        return None, [fault("settings", str(one)) for one in error.faults]
    return settings, [ok("settings", f"{path}, {counted(len(settings.zabbix), 'Zabbix server')}")]


def _secrets(settings: Settings) -> Iterator[Line]:
    secrets: dict[str, Secret | None] = {
        "glpi.user_token_file": settings.glpi.user_token_file,
        "glpi.app_token_file": settings.glpi.app_token_file,
        "store.password_file": settings.store.password_file,
    }
    secrets |= {f"zabbix.{name}.token_file": one.token_file for name, one in settings.zabbix.items()}
    secrets |= {
        f"zabbix.{name}.maintenance.token_file": one.maintenance.token_file
        for name, one in settings.zabbix.items()
        if one.maintenance is not None
    }
    wrong = 0
    for name, secret in secrets.items():
        if secret is not None and (mistake := secret.trouble()) is not None:
            wrong += 1
            yield fault("secrets", f"{name}: {mistake.found}", mistake.advice)
    if not wrong:
        yield ok("secrets", "each is there and readable for this user alone")


def _is_usable(settings: Settings) -> bool:
    one = settings.glpi
    return all(secret is None or secret.trouble() is None for secret in (one.user_token_file, one.app_token_file))


def _rules(rules: Rules, settings: Settings) -> Iterator[Line]:
    yield from (fault("rules", str(one)) for one in rules.faults)
    if not rules.faults:
        none = "none: every problem gets a ticket in GLPI's default category"
        yield ok("rules", none if settings.rules is None else str(settings.rules))


def _spool(settings: Settings) -> Iterator[Line]:
    for finding in Spool(settings.spool).check():
        text = finding.text.removeprefix("spool: ")
        yield ok("spool", text) if finding.ok else fault("spool", text, finding.advice)


def _store(settings: Settings) -> Iterator[Line]:
    secret = settings.store.password_file
    if secret is not None and secret.trouble() is not None:
        return
    try:
        for words in examine(build.store_url(settings)):
            yield ok("store", words)
    except StoreError as error:
        yield fault("store", str(error))


def _rewritten(settings: Settings) -> Iterator[Line]:
    """Tell what GLPI's rules have made of tickets so far, as delivery found it when it read them back."""
    secret = settings.store.password_file
    if (secret is not None and secret.trouble() is not None) or _is_new(settings):
        return
    try:
        with closing(Store(build.store_url(settings), migrating=False)) as store:
            notices = store.read(meta.all_notices)
    except StoreError:
        return  # told already
    for one in notices:
        if one.kind == "rewritten":
            text = f"{one.text} ({counted(one.count, 'ticket')})"
            yield warning(
                "GLPI rules", text, "see Administration > Rules > Rules for tickets in GLPI, if it should not"
            )


def _is_new(settings: Settings) -> bool:
    return settings.store.url is None and not settings.store.path.exists()


def _glpi(settings: Settings, rules: Rules) -> Iterator[Line]:
    if not _is_usable(settings):
        return
    try:
        yield from check_glpi(settings, rules)
    except SettingsError as error:
        yield fault("GLPI", str(error))


# -- the alert script -------------------------------------------------------------------------------------------------


def check_script(place: Path | None, spool: Path) -> Iterator[Line]:
    """Check that the script is there, is ours, runs, and finds the spool; it is run as Zabbix's Test does."""
    found = place if place is not None else _usual_place()
    if found is None:
        where = ", ".join(str(one) for one in SCRIPT_PLACES)
        yield warning(
            "alert script",
            f"{SCRIPT} is in none of {where}",
            f"copy {share.path('alert_scripts', SCRIPT)} to Zabbix's AlertScriptsPath, or say --script PATH",
        )
        return
    if not found.is_file():
        yield fault("alert script", f"{found} is not there", f"copy {share.path('alert_scripts', SCRIPT)} there")
        return
    if not os.access(found, os.X_OK):
        yield fault("alert script", f"{found} cannot be run", f"chmod 755 {found}")
        return
    if found.read_bytes() != share.path("alert_scripts", SCRIPT).read_bytes():
        yield warning(
            "alert script",
            f"{found} is another version than this package's",
            f"copy {share.path('alert_scripts', SCRIPT)} over it",
        )
    yield _tried(found, spool)


def _usual_place() -> Path | None:
    return next((place / SCRIPT for place in SCRIPT_PLACES if (place / SCRIPT).exists()), None)


def _tried(script: Path, spool: Path) -> Line:
    """Run it with the spool of its own settings (`-`), else with ours."""
    code, said = _run(script, "-")
    if code == _TEST_CODE and not re.search(rf"its spool {re.escape(str(spool))}[;.]", said):
        return fault(
            "alert script", f"{script}: {said}", f"that is not the spool of bridge.yml: set SPOOL={spool} beside it"
        )
    if code == _NO_SPOOL_SET:  # the media type then names it
        code, said = _run(script, str(spool))
    if code == _TEST_CODE:
        return ok("alert script", f"{script} runs and finds {spool}")
    if code is None:
        return unknown("alert script", f"{script}: {said}")
    return fault("alert script", said)


def _run(script: Path, spool: str) -> tuple[int | None, str]:
    try:
        done = subprocess.run(  # noqa: S603 - the administrator's own script, with fixed arguments
            [str(script), spool, *_TEST],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None, f"it did not end within {_SECONDS} s"
    except OSError as error:
        return 126, f"{script} cannot be run: {error.strerror}"
    return done.returncode, done.stderr.decode(errors="replace").strip()
