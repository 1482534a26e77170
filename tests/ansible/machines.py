"""Two bare Debian 13 machines, thrown away afterwards: real systemd under systemd-nspawn, each in a network of its own.

By hand, until Ctrl-C (the base tree and the packages are kept, as those of tests/e2e/tree.py are):

    python -m tests.ansible.machines

They see each other, this machine, and a mirror of Debian on it, and nothing else. Several pairs may run side by side.
What a killed run leaves behind (a bridge, network namespaces) is taken away by the next one; its machines and mounts
end with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

from tests.ansible.apt_mirror import apt_mirror
from tests.e2e.tree import APART, mirror

SUITE = "trixie"
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "python3", "python3-apt", "openssh-server", "iproute2", "ca-certificates"),
    *("sudo", "procps", "curl", "locales"),
)
"""What a freshly installed server has."""
BUILDER = (
    *("mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
    *("--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/man/*"),
    '--aptopt=Acquire::Check-Valid-Until "false"',  # a mirror may be a snapshot
)
NAMES = {"a": ("glpi.test", "help.test"), "b": ("zabbix.test",)}
NEEDED = ("systemd-nspawn", "mmdebstrap", "ssh", "ssh-keygen", "ip")

_DIGEST = hashlib.sha256("\n".join((SUITE, *BUILDER)).encode()).hexdigest()[:12]
_BOOT_SECONDS = 60.0
_STOP_SECONDS = 30.0
_BOOT = """
set -eu
name=$1 base=$2 place=$3
for hierarchy in $(if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo .; else echo unified systemd; fi); do
    # a group of its own: both machines would share one else
    mkdir -p "/sys/fs/cgroup/$hierarchy/$name"
    echo $$ >"/sys/fs/cgroup/$hierarchy/$name/cgroup.procs"
done
mount -t overlay "$name" -o "lowerdir=$base,upperdir=$place/up,workdir=$place/work" "$place/root"
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --boot --directory="$place/root" --machine="$name" --hostname="$4" --uuid="$5" \
    --register=no --keep-unit --network-namespace-path="/run/netns/$name" --capability=CAP_NET_ADMIN \
    --resolv-conf=off --timezone=off --link-journal=no --console=pipe
"""


class CannotBoot(Exception):
    """No machine can be booted here; the sentence says why and what helps."""


@dataclass(frozen=True)
class Done:
    """How a command on a machine went."""

    code: int
    output: str


@dataclass
class Machine:
    """One of the two. `name` is a, b; `place` its directory on this machine."""

    name: str
    address: str
    key: Path
    place: Path
    base: Path
    namespace: str
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    _process: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Start it; returns before it is up."""
        for part in ("up", "work", "root"):
            (self.place / part).mkdir(parents=True, exist_ok=True)
        command = [*APART[:3], "unshare", "--mount", "bash", "-c", _BOOT, "boot"]
        command += [self.namespace, str(self.base), str(self.place), self.name, self.uuid]
        with (self.place / "console").open("ab") as console:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)

    def wait(self) -> None:
        """Wait until one can log in. Raises CannotBoot."""
        end = time.monotonic() + _BOOT_SECONDS
        while self.try_to("true").code:
            if self._process is None or self._process.poll() is not None or time.monotonic() > end:
                said = (self.place / "console").read_text(errors="replace")[-3000:]
                raise CannotBoot(f"the machine {self.name} does not come up:\n{said}")
            time.sleep(0.1)

    def try_to(self, command: str, *, stdin: str | None = None) -> Done:
        """Run a shell command as root."""
        done = subprocess.run(
            ["ssh", *ssh_options(self.key), f"root@{self.address}", command],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def run(self, command: str, *, stdin: str | None = None) -> str:
        """Run a shell command as root that is to succeed; gives what it said."""
        done = self.try_to(command, stdin=stdin)
        assert done.code == 0, f"{self.name}: {command}\nexit code {done.code}\n{done.output}"
        return done.output

    def reboot(self) -> None:
        """Shut it down in good order, and start it again."""
        self.stop()
        self.boot()
        self.wait()

    def stop(self) -> None:
        """Shut it down; what does not end in time is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def cut_off(self) -> None:
        """Kill it, as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        # what ran in it outlives systemd-nspawn, and would write to its disk beside the next boot
        while left := _processes(self.namespace):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def wipe(self) -> None:
        """Put a bare machine with the same address in its place; it has to be booted."""
        self.cut_off()
        shutil.rmtree(self.place)
        self.place.mkdir()


@dataclass
class Pair:
    """Machines a and b, and a third address that is neither."""

    number: int
    key: Path
    place: Path
    a: Machine
    b: Machine
    mirror: str = ""

    @property
    def machines(self) -> tuple[Machine, Machine]:
        """Both."""
        return self.a, self.b

    def address(self, last: int) -> str:
        """An address in this pair's network."""
        return f"10.77.{self.number}.{last}"

    def elsewhere(self, *command: str) -> Done:
        """Run a command of this machine from the third address."""
        return _run("ip", "netns", "exec", f"gb{self.number}-c", *command)

    def up(self, *machines: Machine) -> None:
        """Boot machines (both by default) and wait until they are up."""
        for machine in machines or self.machines:
            self._furnish(machine)
            machine.boot()
        for machine in machines or self.machines:
            machine.wait()

    def _furnish(self, machine: Machine) -> None:
        """Put in what a hoster or an installer would: a key, a name, where packages come from."""
        etc = machine.place / "up/etc"
        (etc / "apt").mkdir(parents=True, exist_ok=True)
        if not (etc / "hosts").exists():
            known = [f"{one.address} {' '.join(NAMES[one.name])} {one.name}" for one in self.machines]
            (etc / "hosts").write_text("\n".join(["127.0.0.1 localhost", *known, ""]))
        (etc / "hostname").write_text(f"{machine.name}\n")
        (etc / "apt/sources.list").write_text(f"deb {self.mirror} {SUITE} main\n")
        keys = machine.place / "up" / "root" / ".ssh"
        keys.mkdir(parents=True, exist_ok=True)
        keys.chmod(0o700)
        (keys.parent).chmod(0o700)
        shutil.copy(self.key.with_suffix(".pub"), keys / "authorized_keys")


def ssh_options(key: Path) -> list[str]:
    """How to log in: with this key only, no questions, one connection for many commands."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "5",
        "ControlMaster": "auto",
        "ControlPath": f"{key.parent}/%h",
        "ControlPersist": "60",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
    }
    return ["-i", str(key), "-F", "none", *(f"-o{name}={value}" for name, value in options.items())]


def cache_directory() -> Path:
    """Where the base tree and the packages are kept."""
    return Path(os.environ.get("GLPI_BRIDGE_TEST_CACHE", "~/.cache/glpi-bridge-tests")).expanduser()


@contextmanager
def pair() -> Iterator[Pair]:
    """Boot two bare machines; they and all they wrote are gone afterwards. Raises CannotBoot."""
    whether_possible()
    base = _base_tree()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glpi-bridge-pair-")))
        number = stack.enter_context(_network())
        key = place / "key"
        _must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        made = Pair(number, key, place, *(_machine(name, number, key, place, base) for name in NAMES))
        made.mirror = stack.enter_context(
            apt_mirror(made.address(1), mirror(), cache_directory() / "debian"),
        )
        for machine in made.machines:
            stack.callback(_forget, machine)
        made.up()
        yield made


def _machine(name: str, number: int, key: Path, place: Path, base: Path) -> Machine:
    last = 11 + list(NAMES).index(name)
    return Machine(name, f"10.77.{number}.{last}", key, place / name, base, f"gb{number}-{name}")


def _forget(machine: Machine) -> None:
    _run("ssh", *ssh_options(machine.key), "-O", "exit", f"root@{machine.address}")
    machine.cut_off()
    for group in _groups(machine.namespace):
        for directory in sorted((group, *(d for d in group.rglob("*") if d.is_dir())), reverse=True):
            with contextlib.suppress(OSError):  # one still in use goes with the next run
                directory.rmdir()


def _groups(name: str) -> list[Path]:
    """The control groups of a machine, one in each hierarchy."""
    return [group for place in (".", "unified", "systemd") if (group := Path("/sys/fs/cgroup", place, name)).is_dir()]


def _processes(name: str) -> list[int]:
    """What runs on a machine."""
    files = [file for group in _groups(name) for file in group.rglob("cgroup.procs")]
    return [int(pid) for file in files for pid in file.read_text().split()]


# -- whether this machine can -----------------------------------------------------------------------------------------


@cache
def whether_possible() -> None:
    """Try what is needed in the small. Raises CannotBoot."""
    if os.geteuid() != 0:
        raise CannotBoot("machines need root, for mounts and network namespaces")
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        raise CannotBoot(
            f"{', '.join(missing)} missing: apt install systemd-container mmdebstrap debian-archive-keyring "
            "openssh-client iproute2"
        )
    script = """
        set -e
        mkdir "$1/low" "$1/up" "$1/work" "$1/root"
        mount -t overlay try -o "lowerdir=$1/low,upperdir=$1/up,workdir=$1/work" "$1/root"
        ip link add gbtry type veth peer name gbtry2
        ip link del gbtry
    """
    with tempfile.TemporaryDirectory() as scratch:
        done = _run("unshare", "--mount", "--net", "sh", "-c", script, "sh", scratch)
    if done.code:
        raise CannotBoot(f"this machine allows no overlay mounts or network namespaces: {done.output.strip()}")


# -- the tree of a bare machine ---------------------------------------------------------------------------------------


def _base_tree() -> Path:
    cache_directory().mkdir(parents=True, exist_ok=True)
    place = cache_directory() / f"bare-{_DIGEST}"
    with (cache_directory() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _build(place)
    return place


def _build(place: Path) -> None:
    unfinished = place.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    done = _run(*APART, *BUILDER, SUITE, str(unfinished), mirror())
    if done.code:
        raise CannotBoot(f"mmdebstrap failed, exit code {done.code}:\n{done.output[-3000:]}")
    (unfinished / "etc/machine-id").write_text("")
    (unfinished / "etc/apt/apt.conf.d/01test").write_text(
        'Acquire::Check-Valid-Until "false";\nDPkg::Options { "--force-unsafe-io"; };\n'
    )
    for keys in (unfinished / "etc/ssh").glob("ssh_host_*"):
        keys.chmod(0o600)
    os.utime(unfinished / "var/lib/apt/lists", (0, 0))  # no lists yet, whatever apt's cache_valid_time makes of it
    unfinished.rename(place)


# -- the network ------------------------------------------------------------------------------------------------------


@contextmanager
def _network() -> Iterator[int]:
    """Make a bridge and three network namespaces; gives the third part of their addresses."""
    with _free_number() as number:
        _take_away(number)
        bridge = f"gb{number}"
        _must("ip", "link", "add", bridge, "type", "bridge")
        _must("ip", "address", "add", f"10.77.{number}.1/24", "dev", bridge)
        _must("ip", "link", "set", bridge, "up")
        for last, name in enumerate("abc", start=11):
            inside, outside = f"{bridge}-{name}", f"{bridge}v{name}"
            _must("ip", "netns", "add", inside)
            _must("ip", "link", "add", outside, "type", "veth", "peer", "name", "host0", "netns", inside)
            _must("ip", "link", "set", outside, "master", bridge, "up")
            _must("ip", "-n", inside, "link", "set", "lo", "up")
            _must("ip", "-n", inside, "address", "add", f"10.77.{number}.{last}/24", "dev", "host0")
            _must("ip", "-n", inside, "link", "set", "host0", "up")
        try:
            yield number
        finally:
            _take_away(number)


@contextmanager
def _free_number() -> Iterator[int]:
    for number in range(1, 60):
        with Path(f"/run/lock/glpi-bridge-pair-{number}").open("w") as lock:
            if _is_locked(lock):
                yield number
                return
    raise CannotBoot("sixty pairs of machines run already")


def _is_locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _take_away(number: int) -> None:
    for name in "abc":
        _run("ip", "netns", "delete", f"gb{number}-{name}")
        _run("ip", "link", "delete", f"gb{number}v{name}")
    _run("ip", "link", "delete", f"gb{number}")


def _must(*command: str) -> None:
    done = _run(*command)
    if done.code:
        raise CannotBoot(f"{' '.join(command)}: {done.output.strip()}")


def _run(*command: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Done:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=None if env is None else {**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Done(done.returncode, done.stdout)


if __name__ == "__main__":
    with pair() as running:
        for one in running.machines:
            print(f"ssh -i {running.key} root@{one.address}    # {one.name}, {', '.join(NAMES[one.name])}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
