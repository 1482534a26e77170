"""A real Apache of the tests' own, on 127.0.0.1, with the shipped configuration of the sites."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glpi_bridge.site.apache import FILE, MODULES
from tests.suite import MUST_RUN

_DEADLINE_SECONDS = 20.0
EXAMPLE = FILE.with_name("vhost.conf")
_LOG = "/var/log/apache2/glpi-sites-sign-in.log"


def program() -> str:
    """Return the path of Apache; skip where there is none, fail where `--all` should have installed it."""
    found = shutil.which("apache2", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        if os.environ.get(MUST_RUN):
            pytest.fail("apache2 is not installed")
        pytest.skip("apache2 is not installed")
    return found


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def apache(root: Path, glpi: str, app_token: str, port: int = 0, log: Path | None = None) -> Iterator[str]:
    """Serve the folder `root` as the sites, with the GLPI at an address behind; yield the address.

    `log` is where sign-ins are written, as the example of a virtual host has it.
    """
    command = program()
    port = port or free_port()
    place = Path(tempfile.mkdtemp(prefix="glpi-bridge-apache-"))
    place.chmod(0o755)
    modules = "\n".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        for name in (*MODULES, "mpm_event", "setenvif")
    )
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    logged = "" if log is None else _of_the_example().replace(_LOG, str(log))
    config = place / "apache.conf"
    config.write_text(
        f"""{modules}
{user}
ServerRoot {place}
PidFile {place}/pid
DefaultRuntimeDir {place}
Mutex sem
Listen 127.0.0.1:{port}
ServerName 127.0.0.1
ErrorLog {place}/error.log
LogLevel warn
StartServers 1
ServerLimit 2
ThreadsPerChild 25
MaxRequestWorkers 50
TypesConfig /etc/mime.types
Define SITE_ROOT {root}
Define SITE_GLPI {glpi}
Define SITE_APP_TOKEN {app_token}
<VirtualHost 127.0.0.1:{port}>
Include {FILE}
{logged}
</VirtualHost>
"""
    )
    config.chmod(0o600)
    words = place / "said"
    with words.open("wb") as said:
        server = subprocess.Popen([command, "-DFOREGROUND", "-f", config], stdout=said, stderr=said)
    try:
        end = time.monotonic() + _DEADLINE_SECONDS
        while not _listens(port):
            if server.poll() is not None or time.monotonic() > end:
                errors = place / "error.log"
                more = errors.read_text() if errors.exists() else ""
                raise RuntimeError(f"apache2 did not start: {words.read_text()}{more}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(_DEADLINE_SECONDS)
        shutil.rmtree(place, ignore_errors=True)


def _of_the_example() -> str:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    kept = [line for line in lines if line.strip().startswith(("SetEnvIf", "CustomLog"))]
    return "\n".join(['LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined', *kept])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
