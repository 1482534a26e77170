"""A MariaDB of the tests' own, from the binaries of Debian's mariadb-server-core: own data, own socket, own port."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

MUST_RUN = "GLPI_BRIDGE_TEST_ALL"
_START_SECONDS = 60
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class MariaDB:
    """A running server on 127.0.0.1; `url` gives the address of a fresh database for the store."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._made = 0

    def connect(self, database: str | None = None) -> pymysql.connections.Connection[pymysql.cursors.Cursor]:
        """Open a connection as its administrator."""
        return pymysql.connect(host="127.0.0.1", port=self.port, user="bridge", password="", database=database)

    def new(self) -> str:
        """Make an empty database and give its address."""
        self._made += 1
        name = f"bridge_{self._made}"
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return f"mysql+pymysql://bridge@127.0.0.1:{self.port}/{name}"


@contextlib.contextmanager
def mariadb() -> Iterator[MariaDB]:
    """Start a server and remove it afterwards; the test is skipped, or fails in CI, where there are no binaries."""
    server, install = shutil.which("mariadbd", path=_PATH), shutil.which("mariadb-install-db", path=_PATH)
    if server is None or install is None:
        _missing("MariaDB is not tested: mariadbd is not installed (apt install mariadb-server-core)")
    with tempfile.TemporaryDirectory(prefix="bridge-mariadb-") as directory:
        place = Path(directory)
        user = getpass.getuser()
        common = ["--no-defaults", f"--datadir={place / 'data'}", f"--user={user}"]
        made = subprocess.run(
            [str(install), *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        allow = place / "allow.sql"
        allow.write_text("CREATE USER bridge@'%' IDENTIFIED BY '';\nGRANT ALL ON *.* TO bridge@'%';\n")
        port = _free_port()
        command = [
            *[str(server), *common, f"--socket={place / 'socket'}", f"--port={port}", "--bind-address=127.0.0.1"],
            *[f"--init-file={allow}", f"--log-error={place / 'log'}", f"--pid-file={place / 'pid'}"],
            *["--skip-name-resolve", "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=2"],
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            running = MariaDB(port)
            _wait_for(running, process, place / "log")
            yield running
        finally:
            process.terminate()
            process.wait(60)


def _missing(why: str) -> None:
    if os.environ.get(MUST_RUN):
        pytest.fail(why)
    pytest.skip(why)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(running: MariaDB, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not _answers(running):
        said = log.read_text(errors="replace")[-3000:] if log.exists() else ""
        assert process.poll() is None, f"MariaDB has ended: {said}"
        assert time.monotonic() < end, f"MariaDB does not answer: {said}"
        time.sleep(0.1)


def _answers(running: MariaDB) -> bool:
    try:
        running.connect().close()
    except pymysql.OperationalError:
        return False
    return True
