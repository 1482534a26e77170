"""The demo: both stand-ins, the real alert script, the real daemon, and a day's story in a few seconds.

Everything lives in one temporary directory and on 127.0.0.1, and goes when the demo ends.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from glpi_bridge import share
from glpi_bridge.errors import BridgeError
from glpi_bridge.glpi.client import Credentials, Glpi
from glpi_bridge.http import session
from glpi_bridge.sandbox.glpi.documents import TAKEN
from glpi_bridge.sandbox.glpi.fixture import PASSWORDS
from glpi_bridge.sandbox.glpi.people import ADMINISTRATOR, ENDUSER, TECHNICIAN
from glpi_bridge.sandbox.glpi.server import GlpiServer
from glpi_bridge.sandbox.site import SiteServer
from glpi_bridge.sandbox.tally import Problem as Opened
from glpi_bridge.sandbox.tally import Tally, count
from glpi_bridge.sandbox.zabbix.server import Standin
from glpi_bridge.site.build import build, put
from glpi_bridge.site.data import read_articles, read_catalog
from glpi_bridge.site.settings import SiteSettings
from glpi_bridge.spool import Spool

SOURCE: Final = "demo"
VERSIONS: Final = {"10": "10.0.19", "11": "11.0.6"}
_AREAS: Final = ("CPU", "Memory", "Disk", "Network", "Temperature")
_DEADLINE_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of the story; `severity` is Zabbix's number, `value` is the item's last value."""

    area: str
    host: str
    name: str
    severity: int
    item: Mapping[str, str]
    value: str


CLOSED: Final = 6
WORKSTATION: Final = 7
"""A category of the stand-in."""
REPORTS: Final = (
    ("The printer on the second floor does not print", "It says paper jam, but there is none.", 2, "Which one is it?"),
    ("I cannot open the shared folder", "Access denied since this morning.", 4, ""),
    ("New laptop for Ana", "She starts on Monday.", 3, "It is on your desk."),
    ("My password has expired", "I cannot sign in at the time clock.", 3, "You can choose a new one now."),
)
NOTICE: Final = {
    "en": "This is the demo: nothing you do here reaches anybody.",
    "es": "Esto es la demostración: nada de lo que haga aquí llega a nadie.",
    "fr": "Ceci est la démonstration : rien de ce que vous faites ici n’atteint personne.",
}
PEOPLE: Final = (
    ("end user", "enduser", PASSWORDS[8], "portal"),
    ("technician", "technician", PASSWORDS[9], "panel"),
    ("administrator", "glpi", PASSWORDS[2], "panel"),
)
"""Who may sign in: what they are, name, password, site."""

STORY: Final = (
    Problem("CPU", "web01", "CPU is high", 3, {"name": "CPU in use", "key": "system.cpu.util", "units": "%"}, "97"),
    Problem(
        "Memory", "db01", "Memory is running out", 2,
        {"name": "Memory available", "key": "vm.memory.size[available]", "units": "GB"}, "1",
    ),
    Problem(
        "Disk", "db01", "Disk /srv is full", 5,
        {"name": "/srv used", "key": "vfs.fs.size[/srv,pused]", "units": "%"}, "99",
    ),
    Problem(
        "Network", "switch03", "Link of port 12 is down", 4,
        {"name": "Port 12 status", "key": "net.if.status[12]", "units": ""}, "down",
    ),
    Problem(
        "Temperature", "rack07", "Intake air is too warm", 1,
        {"name": "Intake temperature", "key": "sensor.temp[intake]", "units": "°C"}, "34",
    ),
)  # fmt: skip


class DemoFailed(BridgeError):
    """The story did not come to its end."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs while the demo does."""

    directory: Path
    glpi: GlpiServer
    zabbix: Standin
    daemon: subprocess.Popen[bytes]
    sites: SiteServer

    @property
    def log(self) -> Path:
        """The daemon's log."""
        return self.directory / "daemon.log"

    def tally(self) -> Tally:
        """Count alerts against tickets."""
        return count(self.glpi, self.zabbix, SOURCE)


@contextmanager
def stage(version: str = "10", health: Callable[[Path], Mapping[str, Any]] | None = None) -> Iterator[Stage]:
    """Start everything, GLPI as version 10 or 11; stop and remove it at the end, whatever happened.

    `health` gives the bridge's state for the panel from the path of bridge.yml.
    """
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="glpi-bridge-demo-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        spool = Spool.create(directory / "spool")
        glpi = stack.enter_context(GlpiServer(VERSIONS[version]))
        script = share.path("alert_scripts", "zabbix-glpi")
        zabbix = stack.enter_context(Standin(script=script, spool=spool.path, source=SOURCE))
        settings = write_settings(directory, glpi, zabbix)
        state = None if health is None else partial(health, settings)
        sites = stack.enter_context(serve_sites(directory / "sites", glpi, state))
        daemon = start_daemon(settings, directory / "daemon.log")
        stack.callback(_stop, daemon)
        yield Stage(directory, glpi, zabbix, daemon, sites)


def serve_sites(root: Path, glpi: GlpiServer, health: Callable[[], Mapping[str, Any]] | None = None) -> SiteServer:
    """Build portal and panel and serve them, with GLPI's categories and what people asked for meanwhile."""
    build(SiteSettings(notices=(NOTICE,)), root)
    with glpi_client(glpi) as client:
        catalog = read_catalog(client)
        articles = read_articles(client)
    catalog["upload"]["extensions"] = sorted(TAKEN)
    for name, value in (("catalog", catalog), ("kb", {"articles": articles})):
        put(root / "data" / f"{name}.json", json.dumps(value).encode())
    return SiteServer(root, glpi.root, glpi.app_token, health=health)


def glpi_client(glpi: GlpiServer) -> Glpi:
    """Return a client of the stand-in as its administrator."""
    return Glpi(
        glpi.url,
        lambda: Credentials(login="glpi", password=PASSWORDS[2], app_token=glpi.app_token),
        session(),
    )


def people_ask(glpi: GlpiServer) -> None:
    """Let an end user and a technician leave a few tickets, as a morning would; closed ones are to be rated."""
    glpi.people.edit(0, user=ADMINISTRATOR, itemtype="Entity", inquest_config=1, inquest_rate=100)
    for title, text, urgency, deed in REPORTS:
        ticket = glpi.people.create(
            name=title, content=f"<p>{text}</p>", itilcategories_id=WORKSTATION, urgency=urgency, user=ENDUSER
        )
        if deed:
            glpi.people.take(ticket)
            glpi.people.reply(ticket, f"<p>{deed}</p>", user=TECHNICIAN)
        if deed.startswith(("It is", "You can")):
            glpi.people.solve(ticket, f"<p>{deed}</p>")
        if deed.startswith("You can"):
            glpi.people.set_status(ticket, CLOSED)


def write_settings(directory: Path, glpi: GlpiServer, zabbix: Standin) -> Path:
    """Write bridge.yml, rules.yml and the secrets, as an administrator would; return the path of bridge.yml."""
    for name, secret in (("glpi", glpi.user_token), ("glpi-app", glpi.app_token), ("zabbix", zabbix.token)):
        file = directory / f"{name}.token"
        file.touch(mode=0o600)
        file.write_text(f"{secret}\n")
    settings: dict[str, Any] = {
        "glpi": {
            "url": glpi.url,
            "user_token_file": "./glpi.token",
            "app_token_file": "./glpi-app.token",
        },
        "zabbix": {SOURCE: {"url": zabbix.url, "token_file": "./zabbix.token", "timezone": "UTC"}},
        "spool": "./spool",
        "store": "./bridge.db",
        "sync": {"interval": "5s"},
    }
    # JSON is YAML too, and cannot be written wrongly by hand
    (directory / "rules.yml").write_text(json.dumps(_rules(), indent=2))
    path = directory / "bridge.yml"
    path.write_text(json.dumps(settings, indent=2))
    return path


def _rules() -> dict[str, Any]:
    """One category for each area; the urgency follows the severity by itself."""
    return {
        "rules": [
            {"match": {"tag": {"component": area.lower()}}, "category": f"Monitoring > {area}"} for area in _AREAS
        ],
        "default": {"category": "Monitoring", "problem_after": "2 in 1 day", "problem_same": "host"},
        "timezone": "UTC",
    }


def start_daemon(settings: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start `glpi-bridge run` as a process of its own, its log in a file."""
    command = [sys.executable, "-m", "glpi_bridge", "--config", str(settings), "run"]
    with log.open("wb") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)  # noqa: S603  # ours


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def play(on: Stage, tell: Callable[[str], None]) -> Tally:
    """Let the five problems, an update and a recovery happen; return the count once GLPI has all of it.

    `tell` gets a line for each thing that happens. Raises DemoFailed with the daemon's words where it does not end.
    """
    events = {}
    for problem in STORY:
        events[problem.area] = _raise(on, problem)
        tell(f"Zabbix: {problem.host}: {problem.name}")
    _wait(on, lambda tally: len(tally.tickets) == len(STORY))
    tell("GLPI: five tickets")
    on.zabbix.update(events["Memory"], message="Two workers swap; I look into it.", severity=4)
    tell("Zabbix: somebody raises the memory problem's severity and writes a message")
    on.zabbix.recover(events["CPU"], value="12")
    tell("Zabbix: the CPU problem is over")
    _wait(on, lambda tally: _is_told(on, tally, events))
    tell("GLPI: a note, a higher urgency, a solution")
    return on.tally()


def change(on: Stage, tell: Callable[[str], None]) -> Tally:
    """Wait for the Problem of the host that fails twice, and begin a Change from it, as a person would."""
    _wait(on, lambda tally: any(len(problem.tickets) > 1 for problem in tally.problems))
    [problem] = on.tally().problems
    tell(f"GLPI: a Problem of the host that fails again, with both its tickets, {_both(problem)}")
    command = ["-m", "glpi_bridge", "--config", str(on.directory / "bridge.yml"), "itil", "change", "from-problem"]
    ran = subprocess.run(  # noqa: S603  # ours
        [sys.executable, *command, str(problem.id)], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise DemoFailed(f"no Change was begun: {ran.stderr}")
    tell("GLPI: a Change that is to end it")
    _wait(on, lambda tally: not tally.lost)
    return on.tally()


def _both(problem: Opened) -> str:
    return " and ".join(map(str, problem.tickets))


def _raise(on: Stage, problem: Problem) -> str:
    return on.zabbix.raise_problem(
        problem.host,
        problem.name,
        severity=problem.severity,
        tags={"component": problem.area.lower()},
        item=problem.item,
        value=problem.value,
        opdata="{ITEM.LASTVALUE1}",
    )


def _is_told(on: Stage, tally: Tally, events: Mapping[str, str]) -> bool:
    """Tell whether GLPI shows the update and the recovery, and Zabbix the ticket of every event."""
    tickets = {ticket.event: ticket for ticket in tally.tickets}
    solved, raised = tickets[events["CPU"]], tickets[events["Memory"]]
    in_zabbix = all(event["acknowledged"] == "1" for event in map(on.zabbix.event, events.values()))
    return not tally.lost and solved.status == "solved" and raised.urgency == "high" and in_zabbix


def _wait(on: Stage, is_reached: Callable[[Tally], bool]) -> None:
    end = time.monotonic() + _DEADLINE_SECONDS
    while not is_reached(tally := on.tally()):
        if on.daemon.poll() is not None:
            raise DemoFailed(f"the daemon ended by itself, exit code {on.daemon.returncode}:\n{_tail(on)}")
        if time.monotonic() > end:
            raise DemoFailed(
                f"after {_DEADLINE_SECONDS:g} s GLPI has {len(tally.tickets)} tickets for {tally.alerts} alerts, "
                f"{tally.lost} are lost. The daemon says:\n{_tail(on)}"
            )
        time.sleep(0.1)


def _tail(on: Stage) -> str:
    return "\n".join(on.log.read_text("utf-8", "replace").splitlines()[-20:])
