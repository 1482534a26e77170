"""A Debian 13 with Zabbix 7.0, MariaDB and Apache in a directory, and its database as it is after the first import.

Made once on a machine (about 90 s) and kept in a cache directory, under a name that changes with the recipe:

    GLPI_BRIDGE_TEST_CACHE      where it is kept; default: ~/.cache/glpi-bridge-tests
    GLPI_BRIDGE_DEBIAN_MIRROR   where its packages come from; default: this machine's own mirror, else deb.debian.org
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
PACKAGES = (
    *("zabbix-server-mysql", "zabbix-frontend-php", "zabbix-agent", "zabbix-sender", "mariadb-server"),
    *("apache2", "libapache2-mod-php", "php-mysql", "php-ldap"),
)
BUILDER = (
    *("mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
    *(
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
    ),
    '--aptopt=Acquire::Check-Valid-Until "false"',  # a mirror may be a snapshot
)
APART = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")
"""Runs a command with processes and mounts of its own, which all end when the one who asked for it does."""
DATABASE = """
set -eu
mkdir -m 0777 /run/import
mariadb-install-db --no-defaults --datadir="$1" --user=mysql --auth-root-authentication-method=normal \
    --skip-test-db >/dev/null
mariadbd --no-defaults --datadir="$1" --user=mysql --socket=/run/import/socket --skip-networking --skip-log-bin \
    --innodb-flush-log-at-trx-commit=0 --skip-innodb-doublewrite --log-bin-trust-function-creators=1 \
    --innodb-log-file-size=32M &
server=$!
sql() { mariadb --no-defaults --user=root --socket=/run/import/socket "$@"; }
for _ in $(seq 300); do
    sql -e 'SELECT 1' >/dev/null 2>&1 && break
    sleep 0.1
done
sql -e "CREATE DATABASE zabbix CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
        CREATE USER zabbix@localhost IDENTIFIED BY 'zabbix'; GRANT ALL ON zabbix.* TO zabbix@localhost;"
for part in schema images data; do
    zcat "/usr/share/zabbix-server-mysql/$part.sql.gz" | sql zabbix
done
# the host that Zabbix comes with watches ports that nothing listens on here
sql zabbix -e "UPDATE hosts SET status = 1 WHERE host = 'Zabbix server';"
kill "$server"
wait "$server"
"""
"""Makes the database in the directory $1; runs inside of the tree."""

_DIGEST = hashlib.sha256("\n".join((SUITE, *BUILDER, DATABASE)).encode()).hexdigest()[:12]
_FALLBACK = "http://deb.debian.org/debian"


class CannotBuild(Exception):
    """There is no such tree and none can be made here; the sentence says why and what helps."""


@dataclass(frozen=True)
class Tree:
    """`root` is to be changed into, and never written to; `database` is to be copied."""

    root: Path
    database: Path


def tree() -> Tree:
    """Give the tree, made now if this machine has none yet. Raises CannotBuild."""
    if os.geteuid() != 0:
        raise CannotBuild("a real Zabbix needs root, for a change of root and namespaces")
    cache = Path(os.environ.get("GLPI_BRIDGE_TEST_CACHE", "~/.cache/glpi-bridge-tests")).expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / f"zabbix-{_DIGEST}"
    with _locked(cache / "lock"):
        if not place.exists():
            _build(place)
    return Tree(place / "root", place / "database")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time build; two test workers come here at once."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(place: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise CannotBuild("a real Zabbix needs mmdebstrap: apt install mmdebstrap debian-archive-keyring")
    unfinished = place.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    root = unfinished / "root"
    _run([*APART, *BUILDER, SUITE, str(root), mirror()])
    (root / "etc/zabbix/zabbix.conf.php").touch()  # each run mounts its own over it
    # beside the root in the end, but made in it: the database server's user cannot see anything else
    _run([*APART, "chroot", str(root), "sh", "-c", DATABASE, "sh", "/srv/db"])
    (root / "srv/db").rename(unfinished / "database")
    shutil.rmtree(root / "run/import", ignore_errors=True)
    unfinished.rename(place)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise CannotBuild(f"{' '.join(command[:12])} … failed, exit code {done.returncode}:\n{done.stdout[-3000:]}")


def mirror() -> str:
    """Name the mirror: as ordered, else the one this machine's apt has Debian from, else Debian's own."""
    ordered = os.environ.get("GLPI_BRIDGE_DEBIAN_MIRROR")
    if ordered:
        return ordered
    fields = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        said = ""
    ours = [line.split()[2] for line in said.splitlines() if line.startswith("Debian Debian ")]
    return next((url for url in ours if url.startswith("http")), _FALLBACK)
