"""A real Zabbix 7.0 on this machine: MariaDB, server, agent and front end, on loopback ports, from a tree of its own.

By hand, until Ctrl-C:

    python -m tests.e2e.zabbix_server [DIRECTORY]

Everything runs in namespaces of processes and of mounts whose first process dies with ours, however ours dies; so do
all the others then, and no mount stays. The run's own directory has the same path inside and outside.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.e2e.tree import APART, CannotBuild, Tree, tree

ADMIN, PASSWORD = "Admin", "zabbix"
_DEADLINE_SECONDS = 60.0
_ASK_AGAIN_SECONDS = 5.0
_MOUNTS = """
set -eu
root=$1 place=$2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount --bind "$place/etc/zabbix.conf.php" "$root/etc/zabbix/zabbix.conf.php"
mkdir -p "$root$place"
mount --bind "$place" "$root$place"
exec chroot "$root" sh -c 'sleep infinity & echo ready >"$1/run/ready"; wait' sh "$place"
"""
_SERVER = """\
ListenIP=127.0.0.1
ListenPort={server_port}
LogFile={place}/log/server.log
LogFileSize=0
PidFile={place}/run/server.pid
SocketDir={place}/run
DBHost=localhost
DBSocket={place}/run/db.sock
DBName=zabbix
DBUser=zabbix
DBPassword=zabbix
AlertScriptsPath={place}/alert.d
ExternalScripts={place}/alert.d
StatsAllowedIP=127.0.0.1
CacheUpdateFrequency=1
CacheSize=16M
TrendCacheSize=1M
HistoryCacheSize=4M
HistoryIndexCacheSize=2M
ValueCacheSize=4M
StartPollers=1
StartAgentPollers=1
StartHTTPAgentPollers=1
StartSNMPPollers=0
StartPollersUnreachable=1
StartPingers=0
StartDiscoverers=0
StartHTTPPollers=0
StartODBCPollers=0
StartPreprocessors=1
StartConnectors=0
StartTrappers=3
StartAlerters=3
StartDBSyncers=2
StartLLDProcessors=1
StartReportWriters=0
"""
_AGENT = """\
Hostname=agent
ListenIP=127.0.0.1
ListenPort={agent_port}
Server=127.0.0.1
ServerActive=127.0.0.1:{server_port}
LogFile={place}/log/agent.log
LogFileSize=0
PidFile={place}/run/agent.pid
StartAgents=2
Timeout=10
Include={place}/etc/agent.d/*.conf
"""
_DATABASE = """\
[mariadbd]
datadir={place}/db
socket={place}/run/db.sock
pid-file={place}/run/db.pid
log-error={place}/log/db.log
user=mysql
skip-networking
skip-log-bin
innodb-flush-log-at-trx-commit=0
innodb-buffer-pool-size=128M
innodb-log-file-size=32M
max-connections=100
"""
_PAGES = """\
<?php
$DB['TYPE'] = 'MYSQL';
$DB['SERVER'] = 'localhost';
$DB['PORT'] = '0';
$DB['DATABASE'] = 'zabbix';
$DB['USER'] = 'zabbix';
$DB['PASSWORD'] = 'zabbix';
$DB['SCHEMA'] = '';
$DB['ENCRYPTION'] = false;
$DB['DOUBLE_IEEE754'] = true;
$ZBX_SERVER = '127.0.0.1';
$ZBX_SERVER_PORT = '{server_port}';
$ZBX_SERVER_NAME = 'glpi-bridge tests';
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
"""
_APACHE = """\
ServerRoot /etc/apache2
ServerName 127.0.0.1
Listen 127.0.0.1:{web_port}
PidFile {place}/run/apache.pid
DefaultRuntimeDir {place}/run
ErrorLog {place}/log/apache.log
User www-data
Group www-data
IncludeOptional mods-enabled/*.load
Include mods-enabled/mime.conf
Include mods-enabled/dir.conf
Include mods-enabled/php*.conf
KeepAlive On
KeepAliveTimeout 5
StartServers 2
MinSpareServers 1
MaxRequestWorkers 12
DocumentRoot /usr/share/zabbix
<Directory /usr/share/zabbix>
    Require all granted
</Directory>
php_admin_value mysqli.default_socket {place}/run/db.sock
php_admin_value post_max_size 16M
php_admin_value max_execution_time 300
php_admin_value max_input_time 300
php_admin_value memory_limit 256M
php_admin_value date.timezone UTC
"""
_FILES = {
    "server.conf": _SERVER,
    "agent.conf": _AGENT,
    "db.conf": _DATABASE,
    "zabbix.conf.php": _PAGES,
    "apache.conf": _APACHE,
}


class DidNotStart(Exception):
    """A part of Zabbix has not come up; the words are its log's."""


@dataclass
class ZabbixServer:
    """One running Zabbix and its own directory.

    alert.d (scripts), log, spool and agent.d (more settings of the agent) are there for the tests.
    """

    place: Path
    inside: int
    """The process whose root and namespaces all of this Zabbix has."""
    server_port: int
    agent_port: int
    web_port: int
    user: str = ADMIN
    password: str = PASSWORD
    _session: str = field(default="", repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    @property
    def url(self) -> str:
        """The front end's address; the API is api_jsonrpc.php there."""
        return f"http://127.0.0.1:{self.web_port}/"

    @property
    def alert_scripts(self) -> Path:
        """AlertScriptsPath."""
        return self.place / "alert.d"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.place / "log" / "server.log"

    # -- the API, as the administrator --------------------------------------------------------------------------------

    def call(self, method: str, params: Any = None) -> Any:
        """Call the API and give its result; an error is an AssertionError with Zabbix's words."""
        if method == "apiinfo.version":  # the only one that wants no session
            return self.call_as("", method, params)
        if not self._session:
            self._session = self.login(self.user, self.password)
        return self.call_as(self._session, method, params)

    def login(self, user: str, password: str) -> str:
        """Begin a session of the API."""
        return str(self.call_as("", "user.login", {"username": user, "password": password}))

    def call_as(self, token: str, method: str, params: Any = None) -> Any:
        """Call the API with a token or session of somebody else; empty for none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        asked = {"jsonrpc": "2.0", "method": method, "params": {} if params is None else params, "id": 1}
        with requests.Session() as http:
            http.trust_env = False
            answer = http.post(f"{self.url}api_jsonrpc.php", json=asked, headers=headers, timeout=60)
        assert answer.status_code == 200, f"{method}: {answer.status_code} {answer.text[:300]}"
        said = answer.json()
        assert "error" not in said, f"{method}: {said['error']}"
        return said["result"]

    # -- what happens to it -------------------------------------------------------------------------------------------

    def send(self, host: str, key: str, value: Any) -> None:
        """Give an item of type trapper a value, by zabbix_sender."""
        self.send_all([(host, key, value)])

    def send_all(self, values: Iterable[tuple[str, str, Any]]) -> None:
        """Give values in one go; those that the server does not know yet are sent again until it takes them all."""
        lines = "".join(f'"{host}" {key} "{value}"\n' for host, key, value in values)
        command = ["zabbix_sender", "-z", "127.0.0.1", "-p", str(self.server_port), "-i", "-"]
        end = time.monotonic() + _DEADLINE_SECONDS
        while (ran := self.run(command, given=lines)).returncode:
            assert time.monotonic() < end, f"zabbix_sender: {ran.stdout}{ran.stderr}"
            time.sleep(0.3)
            self.reload()

    def reload(self) -> None:
        """Make the server read its configuration now, and wait until it has.

        Else a reading that began by itself may know an item and not yet its trigger: a value then raises nothing.
        """
        before = self._reloads()
        asked_at, end = float("-inf"), time.monotonic() + _DEADLINE_SECONDS
        while self._reloads() == before:
            now = time.monotonic()
            assert now < end, f"the server does not read its configuration: {self.log.read_text()[-3000:]}"
            if now - asked_at > _ASK_AGAIN_SECONDS:  # a server that has just started may not hear it
                self.run(["zabbix_server", "-c", f"{self.place}/etc/server.conf", "-R", "config_cache_reload"])
                asked_at = now
            time.sleep(0.02)

    def _reloads(self) -> int:
        return self.log.read_text(errors="replace").count("finished forced reloading of the configuration cache")

    def restart(self) -> None:
        """Stop the server and start it again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop the server, and only that, and wait for its end."""
        self._end("server")

    def start(self) -> None:
        """Start the server; give back once it takes values."""
        self._daemon(["zabbix_server", "-c", f"{self.place}/etc/server.conf"])
        wait(lambda: _answers(self.server_port), "the Zabbix server", self.log)

    def restart_agent(self) -> None:
        """Make the agent read its settings."""
        self._end("agent")
        self._start_agent()

    def _end(self, part: str) -> None:
        script = 'pid=$(cat "$1") && kill "$pid" && while [ -d "/proc/$pid" ]; do sleep 0.1; done'
        ended = self.run(["sh", "-c", script, "sh", f"{self.place}/run/{part}.pid"])
        assert ended.returncode == 0, f"{part} does not end: {ended.stderr}"

    def run(self, command: Sequence[str], *, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command where this Zabbix runs, as root."""
        return subprocess.run(
            self._inside(command), input=given, capture_output=True, text=True, check=False, timeout=120
        )

    # -- its start ----------------------------------------------------------------------------------------------------

    def _inside(self, command: Sequence[str]) -> list[str]:
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", "--target", str(self.inside), "--mount", "--pid", "--root", "--wd", "--"]
        return [*enter, "env", "-i", path, "LC_ALL=C.UTF-8", *command]

    def _daemon(self, command: Sequence[str]) -> None:
        """Run something that goes into the background by itself."""
        log = self.place / "log" / "start.log"
        with log.open("ab") as file:
            done = subprocess.run(
                self._inside(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                check=False,
                timeout=60,
            )
        if done.returncode:
            said = log.read_text(errors="replace")
            raise DidNotStart(f"{' '.join(command)}: exit code {done.returncode}\n{said[-2000:]}")

    def _start_agent(self) -> None:
        self._daemon(["zabbix_agentd", "-c", f"{self.place}/etc/agent.conf"])
        wait(lambda: _answers(self.agent_port), "the Zabbix agent", self.place / "log" / "agent.log")

    def start_all(self) -> None:
        """Start the database, the server, the agent and the front end."""
        self._daemon(["sh", "-c", f"setsid mariadbd --defaults-file={self.place}/etc/db.conf >/dev/null 2>&1 &"])
        wait((self.place / "run" / "db.sock").exists, "MariaDB", self.place / "log" / "db.log")
        self._daemon(["apache2", "-f", f"{self.place}/etc/apache.conf", "-k", "start"])
        self._start_agent()
        self.start()
        wait(self._serves, "the front end", self.place / "log" / "apache.log")

    def _serves(self) -> bool:
        try:
            return bool(self.call("apiinfo.version"))
        except (requests.RequestException, AssertionError):
            return False


@contextlib.contextmanager
def zabbix_server(place: Path) -> Iterator[ZabbixServer]:
    """Run a Zabbix in a directory that is empty or does not exist yet; end it with everything that it started.

    Raises CannotBuild where this machine cannot have one.
    """
    base = tree()
    ports = _free_ports(3)
    _furnish(place, base, dict(zip(("server_port", "agent_port", "web_port"), ports, strict=True)))
    with (place / "log" / "start.log").open("wb") as log:
        unshare = subprocess.Popen(
            [*APART, "sh", "-c", _MOUNTS, "sh", str(base.root), str(place)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    first = None
    try:
        wait((place / "run" / "ready").exists, "the tree of Zabbix", place / "log" / "start.log", unshare)
        first = int(Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text())
        running = ZabbixServer(place, first, ports[0], ports[1], ports[2])
        running.start_all()
        yield running
    finally:
        # the end of the first process is the end of all, and it is only over once they are
        os.kill(unshare.pid if first is None else first, signal.SIGKILL)
        unshare.wait()


def _furnish(place: Path, base: Tree, ports: dict[str, int]) -> None:
    """Lay out the run's directory: settings, a copy of the database, room for logs and alerts."""
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    for name, mode in (("etc", 0o755), ("etc/agent.d", 0o755), ("log", 0o777), ("run", 0o777), ("alert.d", 0o755)):
        (place / name).mkdir()
        (place / name).chmod(mode)
    for name, text in _FILES.items():
        values = {"place": place, **ports}
        for key, value in values.items():
            text = text.replace(f"{{{key}}}", str(value))  # noqa: PLW2901 - no str.format: Apache and PHP use braces too
        (place / "etc" / name).write_text(text)
    subprocess.run(["cp", "-a", "--reflink=auto", str(base.database), str(place / "db")], check=True)


def _free_ports(count: int) -> list[int]:
    """Give ports that Zabbix accepts: the system's own choice may be above 32767."""
    with contextlib.ExitStack() as stack:
        free: list[int] = []
        while len(free) < count:
            probe, port = stack.enter_context(socket.socket()), random.randrange(20_000, 32_000)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                free.append(port)
        return free


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait(is_up: Callable[[], bool], what: str, log: Path, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for a part to be up; its log is the message where it is not."""
    end = time.monotonic() + _DEADLINE_SECONDS
    while not is_up():
        if time.monotonic() > end or (process is not None and process.poll() is not None):
            said = log.read_text(errors="replace")[-3000:] if log.exists() else "(no log)"
            raise DidNotStart(f"{what} does not come up: {said}")
        time.sleep(0.05)


def main(arguments: Sequence[str]) -> int:
    """Run one until Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    place = Path(arguments[0]).absolute() if arguments else Path(tempfile.mkdtemp(prefix="bridge-zabbix-"))
    try:
        with zabbix_server(place) as running:
            print(f"Zabbix    {running.url}  user {running.user}, password {running.password}")
            print(f"API       {running.url}api_jsonrpc.php")
            print(f"values    zabbix_sender -z 127.0.0.1 -p {running.server_port}; agent on port {running.agent_port}")
            print(f"scripts   {running.alert_scripts}")
            print(f"logs      {place}/log\nCtrl-C ends and removes it", flush=True)
            threading.Event().wait()
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        if not arguments:
            shutil.rmtree(place, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
