"""Zabbix's own webhook for GLPI beside our script: one real Zabbix, one stand-in GLPI, the same problems, one run.

The media type "GLPi" is as Zabbix brings it but for its parameters and being enabled; ours is as `provision zabbix`
makes it, with one session like the other, and the bridge has its default settings. By name only: it takes minutes,
root and the tree of a real Zabbix.
"""

from __future__ import annotations

import contextlib
import html
import json
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from glpi_bridge.sandbox.glpi import Fault, FaultKind, GlpiServer, Match
from glpi_bridge.sandbox.glpi.world import Call, Cost
from glpi_bridge.text import markers
from tests.bench.ratio import Ratio
from tests.e2e import objects
from tests.e2e.journey import SOLVED, Host, Journey, Signal, until
from tests.e2e.objects import SOURCE
from tests.e2e.zabbix_server import ZabbixServer, zabbix_server

WEBHOOK, SCRIPT = "webhook", "zabbix-glpi"
_COST = Cost(single=0.016, bulk_item=0.005, read=0.008)
_LOG_IN_SECONDS = 0.025
"""On top of a read. The figures are the medians of what a real GLPI 10.0.19 took when this webhook was recorded with
it: 33 ms for a log-in, 16 ms for a write."""
_LOG_IN = Fault(FaultKind.SLOW, Match(path="initSession"), times=None, seconds=_LOG_IN_SECONDS)
_CREATE = Match(method="POST", path="^/?(Problem|Ticket)/?$")
_DOWN_SECONDS = 60.0
_SLOW_SECONDS = 20.0
_SLOW = f"each call {_SLOW_SECONDS:.0f} s longer"
_BUSY_SECONDS = 0.1
_BUSY = f"each call {_BUSY_SECONDS * 1e3:.0f} ms longer"
"""A GLPI behind a network, with a large database or with others at work: the stand-in alone answers as one on the same
machine that nobody else uses."""
_DEADLINE_SECONDS = 420.0
_ALERTER = re.compile(r"^\s*(\d+):(\d{8}:\d{6}\.\d{3}) (.*)$")


@dataclass
class _AlerterLog:
    """The alerters' own words at debug level, stamped to the millisecond: from an alert's receipt to its result."""

    path: Path
    _read: int = 0
    _began: dict[str, datetime] = field(default_factory=dict)
    _way: dict[str, str] = field(default_factory=dict)

    def take(self) -> dict[str, list[float]]:
        """Give the seconds that each alert took since the last time, by the way it went."""
        took: dict[str, list[float]] = {WEBHOOK: [], SCRIPT: []}
        with self.path.open(errors="replace") as log:
            log.seek(self._read)
            for found in map(_ALERTER.match, log):
                if found is not None:
                    self._take(*found.groups(), took=took)
            self._read = log.tell()
        return took

    def _take(self, pid: str, stamp: str, said: str, *, took: dict[str, list[float]]) -> None:
        at = datetime.strptime(stamp, "%Y%m%d:%H%M%S.%f")  # noqa: DTZ007 - only differences count
        if said.startswith("End of zbx_ipc_socket_read()"):
            self._began[pid] = at
        elif said.startswith("In zbx_es_execute()"):
            self._way[pid] = WEBHOOK
        elif said.startswith("In zbx_popen()"):
            self._way[pid] = SCRIPT
        elif said.startswith("In zbx_ipc_socket_write()") and pid in self._began and pid in self._way:
            took[self._way.pop(pid)].append((at - self._began.pop(pid)).total_seconds())


@dataclass(frozen=True)
class _Way:
    """How alerts go: a media type, its action, and what they become in GLPI."""

    mediatypeid: str
    actionid: str
    itemtype: str

    def event(self, row: dict[str, Any]) -> str:
        """Name the event that a row of GLPI is about; empty for none."""
        text = html.unescape(str(row["content"]))
        if self.itemtype == "Problem":
            found = re.search(r"Original problem ID:</b> (\d+)", text)
            return found[1] if found else ""
        own = [one for one in markers(text) if one.startswith(f"zabbix {SOURCE}/")]
        return own[0].partition("/")[2] if own else ""


@dataclass(frozen=True)
class Outcome:
    """What became of some problems of which each is to have one row."""

    lost: int
    doubled: int
    still_open: int
    seconds: float
    """The median time in the alerter, problems only."""


class _Peers:
    """Both ways in one Zabbix, to one GLPI."""

    def __init__(self, journey: Journey) -> None:
        self.journey, self.zabbix, self.glpi = journey, journey.zabbix, journey.glpi
        ours = journey.objects
        self.ways = {
            WEBHOOK: self._webhook(),
            SCRIPT: _Way(ours.mediatypeid, ours.actionid, "Ticket"),
        }
        self.zabbix.call("mediatype.update", {"mediatypeid": ours.mediatypeid, "maxsessions": 1})
        config = f"{self.zabbix.place}/etc/server.conf"
        self.zabbix.run(["zabbix_server", "-c", config, "-R", "log_level_increase=alerter"])
        self.alerter = _AlerterLog(self.zabbix.log)

    def _webhook(self) -> _Way:
        call = self.zabbix.call
        [stock] = call("mediatype.get", {"filter": {"name": "GLPi"}, "output": "extend"})
        given = {
            "glpi_url": self.glpi.root,
            "glpi_user_token": self.glpi.user_token,
            "glpi_app_token": self.glpi.app_token,
            "zabbix_url": self.zabbix.url,
        }
        parameters = [one | {"value": given.get(one["name"], one["value"])} for one in stock["parameters"]]
        mediatypeid = str(stock["mediatypeid"])
        call(
            "mediatype.update",
            {"mediatypeid": mediatypeid, "status": 0, "maxsessions": 1, "parameters": parameters},
        )
        person = {"username": "peer", "passwd": "Wm-3-kettle-12", "roleid": "3", "usrgrps": [{"usrgrpid": "7"}]}
        medias = [{"mediatypeid": mediatypeid, "sendto": ["glpi"]}]
        [userid] = call("user.create", {**person, "medias": medias})["userids"]
        operation = {
            "operationtype": 0,
            "opmessage": {"default_msg": 1, "mediatypeid": mediatypeid},
            "opmessage_usr": [{"userid": userid}],
        }
        condition = {"conditiontype": 0, "operator": 0, "value": self.journey.objects.groupid}
        [actionid] = call(
            "action.create",
            {
                "name": "peer",
                "eventsource": 0,
                "esc_period": "1h",
                "filter": {"evaltype": 0, "conditions": [condition]},
                "operations": [operation],
                "recovery_operations": [operation],
            },
        )["actionids"]
        return _Way(mediatypeid, str(actionid), "Problem")

    # -- what is told and waited for ----------------------------------------------------------------------------------

    def enable(self, *names: str) -> None:
        """Let alerts go these ways only; it holds for hosts made after it."""
        for name, way in self.ways.items():
            self.zabbix.call("action.update", {"actionid": way.actionid, "status": int(name not in names)})

    def host(self, count: int) -> Host:
        return self.journey.host(*(Signal(f"s{number}") for number in range(count)))

    def until_told(self, host: Host, count: int, *names: str) -> None:
        """Wait until Zabbix is done with so many alerts of each way, whether they were sent or failed."""
        for name in names:
            asked = {"hostids": [host.hostid], "mediatypeids": [self.ways[name].mediatypeid], "output": ["status"]}

            def is_over(asked: dict[str, Any] = asked) -> bool:
                alerts = self.zabbix.call("alert.get", asked)
                return len(alerts) == count and all(one["status"] in ("1", "2") for one in alerts)

            until(is_over, f"{count} alerts by {name}", seconds=_DEADLINE_SECONDS)

    def rows(self, host: Host, name: str) -> dict[str, list[dict[str, Any]]]:
        """List what GLPI has for each problem of a host."""
        way = self.ways[name]
        found: dict[str, list[dict[str, Any]]] = {str(event["eventid"]): [] for event in host.events()}
        for row in self.glpi.rows(way.itemtype):
            found.get(way.event(row), []).append(row)
        return found

    def until_bridge_has(self, host: Host, status: int) -> None:
        """Wait until all of a host's tickets are in this state or beyond; what is missing in the end is counted."""

        def is_done() -> bool:
            rows = self.rows(host, SCRIPT).values()
            return all(of and all(row["status"] >= status for row in of) for of in rows)

        with contextlib.suppress(AssertionError):
            until(is_done, "the bridge's tickets", seconds=_DEADLINE_SECONDS)
            until(
                lambda: all(event["acknowledged"] == "1" for event in host.events()),
                "the tickets' numbers in Zabbix",
                seconds=_DEADLINE_SECONDS,
            )

    # -- what is measured ---------------------------------------------------------------------------------------------

    def round(self, name: str, count: int) -> tuple[dict[str, list[float]], dict[str, Counter[str]]]:
        """Raise and recover problems one way, with GLPI well: seconds of each alert, calls and log-ins by kind."""
        self.enable(name)
        host = self.host(count)
        took, calls = {}, {}
        for number, (kind, value) in enumerate((("problem", 1), ("recovery", 0)), 1):
            before = len(self.glpi.log)
            self.alerter.take()
            host.send_all(value)
            self.until_told(host, number * count, name)
            if name == SCRIPT:
                self.until_bridge_has(host, 1 if value else SOLVED)
            took[kind] = self.alerter.take()[name]
            calls[kind] = Counter(_counted(self.glpi.log[before:], name))
        return took, calls

    def trouble(self, count: int, begin: Callable[[], object], end: Callable[[Host], object]) -> dict[str, Outcome]:
        """Raise problems both ways in trouble, recover them when it is over; count what became of them."""
        self.enable(WEBHOOK, SCRIPT)
        host = self.host(count)
        begin()
        self.alerter.take()
        host.send_all(1)
        self.until_told(host, count, WEBHOOK, SCRIPT)
        took = self.alerter.take()
        end(host)
        self.until_bridge_has(host, 1)
        host.send_all(0)
        self.until_told(host, 2 * count, WEBHOOK, SCRIPT)
        self.until_bridge_has(host, SOLVED)
        return {name: _outcome(list(self.rows(host, name).values()), took[name]) for name in self.ways}

    def down(self, count: int) -> dict[str, Outcome]:
        """GLPI's listener is closed for a minute; the problems come at its beginning."""
        over = [0.0]

        def begin() -> None:
            self.glpi.refuse(_DOWN_SECONDS)
            over[0] = time.monotonic() + _DOWN_SECONDS

        return self.trouble(count, begin, lambda _: time.sleep(max(0.0, over[0] - time.monotonic())))

    def cut(self, count: int) -> dict[str, Outcome]:
        """The connection breaks once a create is done, again and again until both ways have met it."""

        def end(_: Host) -> None:
            self.journey.until(
                lambda: any(call.faults and call.path.startswith("/Ticket") for call in self.glpi.log),
                "a create of the bridge that is cut",
                seconds=_DEADLINE_SECONDS,
            )
            self.glpi.cancel(number[0])

        number = [0]

        def begin() -> None:
            number[0] = self.glpi.order(Fault(FaultKind.RESET_AFTER, _CREATE, times=None))

        return self.trouble(count, begin, end)

    def nothing(self, count: int) -> float:
        """Give the seconds in the alerter of a script that does nothing at all: Zabbix's own part. Last of all."""
        self.enable(SCRIPT)
        script = self.zabbix.alert_scripts / "zabbix-glpi"
        script.write_text("#!/bin/sh\nexit 0\n")
        host = self.host(count)
        self.alerter.take()
        host.send_all(1)
        self.until_told(host, count, SCRIPT)
        return statistics.median(self.alerter.take()[SCRIPT])

    @contextlib.contextmanager
    def slower(self, seconds: float) -> Iterator[None]:
        """Let each call take longer for a while, log-ins too."""
        self.glpi.cancel()  # of two faults of a kind a request meets the first only, and log-ins have one
        self.glpi.order(replace(_LOG_IN, seconds=_LOG_IN_SECONDS + seconds))
        self.glpi.order(Fault(FaultKind.SLOW, times=None, seconds=seconds))
        try:
            yield
        finally:
            self.glpi.cancel()
            self.glpi.order(_LOG_IN)

    def slow(self, count: int) -> dict[str, Outcome]:
        """Each call takes longer until both ways are done with the problems; then GLPI is well again."""

        def begin() -> None:
            self.glpi.cancel()  # of two faults of a kind a request meets the first only, and log-ins have one
            self.glpi.order(Fault(FaultKind.SLOW, times=None, seconds=_SLOW_SECONDS))

        def end(host: Host) -> None:
            self.until_bridge_has(host, 1)
            self.glpi.cancel()
            self.glpi.order(_LOG_IN)

        return self.trouble(count, begin, end)


def measure(quick: bool) -> Iterator[Ratio]:
    """Print the table, give the goals. Raises CannotBuild where this machine can have no Zabbix."""
    rounds, alerts, few = (1, 10, 3) if quick else (3, 20, 10)
    busy: dict[tuple[str, str], float] = {}
    with contextlib.ExitStack() as stack:
        peers = stack.enter_context(_peers())
        took: dict[tuple[str, str], list[float]] = {}
        calls: dict[tuple[str, str], Counter[str]] = {}
        for name in [WEBHOOK, SCRIPT] * rounds:
            seconds, counted = peers.round(name, alerts)
            for kind in seconds:
                took.setdefault((name, kind), []).extend(seconds[kind])
                calls.setdefault((name, kind), Counter()).update(counted[kind])
        _line("", WEBHOOK, SCRIPT)
        for kind in ("problem", "recovery"):
            medians = [statistics.median(took[name, kind]) for name in peers.ways]
            _line(f"time in the alerter for each {kind}, median", *(_shown(one) for one in medians))
            for what in ("calls", "log-ins"):
                each = [calls[name, kind][what] / (rounds * alerts) for name in peers.ways]
                _line(f"{what} of GLPI for each {kind}", *(f"{one:.2f}" for one in each))
        with peers.slower(_BUSY_SECONDS):
            for name in (WEBHOOK, SCRIPT):
                seconds, _ = peers.round(name, alerts)
                busy |= {(name, kind): statistics.median(one) for kind, one in seconds.items()}
        for kind in ("problem", "recovery"):
            _line(f"{_BUSY}: in the alerter for each {kind}", *(_shown(busy[name, kind]) for name in peers.ways))
        troubles = {
            f"GLPI down for {_DOWN_SECONDS:.0f} s": (few, peers.down),
            "the answer of each create cut": (few, peers.cut),
            _SLOW: (3, peers.slow),
        }
        found: dict[str, dict[str, Outcome]] = {}
        for what, (count, work) in troubles.items():
            found[what] = both = work(count)
            _line(f"{what}, {count} problems:")
            _line("  lost", *(str(both[name].lost) for name in peers.ways))
            _line("  doubled", *(str(both[name].doubled) for name in peers.ways))
            _line("  still open after their recovery", *(str(both[name].still_open) for name in peers.ways))
            _line("  time in the alerter for each problem", *(_shown(both[name].seconds) for name in peers.ways))
        totals = [Counter(_counted(peers.glpi.log, name)) for name in peers.ways]
        for what in ("calls", "log-ins"):
            _line(f"{what} of GLPI in the whole run", *(str(total[what]) for total in totals))
        _line("in the alerter for a script that does nothing", "", _shown(peers.nothing(alerts)))
    for kind in ("problem", "recovery"):
        theirs, ours = (statistics.median(took[name, kind]) for name in (WEBHOOK, SCRIPT))
        shown = f"{_shown(theirs)}, {_shown(ours)}"
        yield Ratio("peer", f"time in the alerter for a {kind}, webhook against script", theirs / ours, 2, shown, True)
        theirs, ours = busy[WEBHOOK, kind], busy[SCRIPT, kind]
        shown = f"{_shown(theirs)}, {_shown(ours)}"
        yield Ratio("peer", f"the same for a {kind}, {_BUSY}", theirs / ours, 20, shown, True)
    slow = found[_SLOW]
    theirs, ours = slow[WEBHOOK].seconds, slow[SCRIPT].seconds
    shown = f"{_shown(theirs)}, {_shown(ours)}"
    yield Ratio("peer", f"time in the alerter, {_SLOW}", theirs / ours, 20, shown, True)
    for what, both in found.items():
        ours_ = both[SCRIPT]
        yield Ratio("peer", f"{what}: lost by the bridge", ours_.lost, 0, f"webhook: {both[WEBHOOK].lost}")
        yield Ratio("peer", f"{what}: doubled by the bridge", ours_.doubled, 0, f"webhook: {both[WEBHOOK].doubled}")


@contextlib.contextmanager
def _peers() -> Iterator[_Peers]:
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-peer-")))
        place.chmod(0o755)  # Zabbix's user goes through it
        zabbix: ZabbixServer = stack.enter_context(zabbix_server(place / "zabbix"))
        glpi = stack.enter_context(GlpiServer("10.0.19", cost=_COST))
        for part in ("provision", "bridge"):
            (place / part).mkdir()
        journey = Journey(zabbix, objects.make(zabbix, place / "provision"), glpi, place / "bridge")
        stack.callback(journey.close)
        settings = json.loads(journey.settings.read_text())
        journey.settings.write_text(json.dumps({k: v for k, v in settings.items() if k not in ("delivery", "sync")}))
        glpi.order(_LOG_IN)
        peers = _Peers(journey)
        journey.start()
        yield peers


def _counted(log: Sequence[Call], name: str) -> Iterator[str]:
    """Name each request of one way: the webhook logs in by POST and works on Problems, the bridge does neither."""
    for call in log:
        is_login = call.path.endswith("initSession")
        is_webhook = call.method == "POST" if is_login else call.path.startswith("/Problem")
        if is_webhook == (name == WEBHOOK):
            yield "calls"
            if is_login:
                yield "log-ins"


def _outcome(rows: Sequence[Sequence[dict[str, Any]]], took: Sequence[float]) -> Outcome:
    return Outcome(
        lost=sum(not of for of in rows),
        doubled=sum(len(of) - 1 for of in rows if of),
        still_open=sum(row["status"] < SOLVED for of in rows for row in of),
        seconds=statistics.median(took),
    )


def _shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.0f} ms"


def _line(what: str, *cells: str) -> None:
    sys.stdout.write(f"{what:52}" + "".join(f"{cell:>13}" for cell in cells) + "\n")
    sys.stdout.flush()
