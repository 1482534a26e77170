"""The directory where alerts wait on the machine that raised them: tmp, new and bad, as in a maildir.

A writer makes tmp/NAME, syncs it, renames it to new/NAME and syncs the directory; `alert_scripts/zabbix-glpi` does it
in shell, `hand_off` here. What lies in new/ is whole. The reader merges it into the store and only then removes it;
what it cannot read goes to bad/ with a reason beside it and blocks nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import os
import pwd
import re
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from glpi_bridge.alert import ALERT_FIELDS, ALIASES, BadAlert, Reason, parse
from glpi_bridge.errors import SpoolError
from glpi_bridge.model import Alert

__all__ = [
    "ALERT_FIELDS",
    "ALIASES",
    "BadAlert",
    "Entry",
    "Finding",
    "Reason",
    "Rejected",
    "Spool",
    "hand_off",
    "parse",
]

MAX_BYTES = 4 << 20
"""Linux passes at most 2 MiB of arguments, so no alert is larger."""

STALE_SECONDS = 3600
"""Age at which a file in tmp is a leftover. A writer that still lived would fail at its rename, and say so."""

DIRECTORY_MODE = 0o2770
FILE_MODE = 0o640
PARTS = ("tmp", "new", "bad")
_REASON_SUFFIX = ".reason"
_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that lies in new/; `received_at` is its modification time."""

    name: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something in bad/ and why it is there."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check: whether it is well, what was found, what to do if not."""

    ok: bool
    text: str
    advice: str = ""


class Spool:
    """The reading side of a spool directory."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.new, self.tmp, self.bad = self.path / "new", self.path / "tmp", self.path / "bad"
        self._listed: frozenset[str] = frozenset()
        self._stuck: dict[str, str] = {}

    @classmethod
    def create(cls, path: Path | str, group: int = -1) -> Spool:
        """Make the directories that are missing, with the modes writers and reader need; `group` is a group id."""
        spool = cls(path)
        for directory in (spool.path, spool.tmp, spool.new, spool.bad):
            if not directory.is_dir():
                directory.mkdir(parents=True)
                os.chown(directory, -1, group)
                directory.chmod(DIRECTORY_MODE)
        return spool

    def names(self) -> frozenset[str]:
        """List what lies in new/, whatever it is. Raises SpoolError when the directory cannot be read."""
        with _spool_errors(f"list {self.new}"):
            return frozenset(name for name in os.listdir(self.new) if name not in self._stuck)

    def entries(self, limit: int = 500) -> list[Entry]:
        """List what waits, oldest first, at most `limit`; what could not be moved away is not named again."""
        self._listed = self.names()
        entries = [entry for name in self._listed if (entry := self._entry(name))]
        entries.sort(key=lambda entry: (entry.received_at, entry.name))
        if len(entries) > limit:
            self._listed = frozenset(entry.name for entry in entries[:limit])
        return entries[:limit]

    def _entry(self, name: str) -> Entry | None:
        try:
            seconds = os.lstat(self.new / name).st_mtime
        except FileNotFoundError:  # another reader was faster
            return None
        except OSError as error:
            self._stuck[name] = _words(error)
            return None
        return Entry(name, _time(seconds))

    def read(self, entry: Entry) -> Alert:
        """Read an alert. Raises BadAlert if it is none, FileNotFoundError if it is gone, else SpoolError."""
        return parse(self._bytes(self.new / entry.name), entry.received_at)

    @staticmethod
    def _bytes(path: Path) -> bytes:
        try:
            # neither follow a link nor wait for a writer of a pipe
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                _check_file(os.fstat(descriptor))
                with open(descriptor, "rb", closefd=False) as file:
                    return file.read(MAX_BYTES + 1)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _not_read(path, error) from error

    def done(self, entry: Entry) -> None:
        """Remove an alert whose facts are committed; it does not matter if it is gone already."""
        with _spool_errors(f"remove {self.new / entry.name}"), contextlib.suppress(FileNotFoundError):
            os.unlink(self.new / entry.name)

    def reject(self, entry: Entry, reason: str) -> Rejected | None:
        """Move what is no alert to bad/ and put the reason beside it; None if it is gone or cannot be moved.

        What cannot be moved stays, is not listed again by this object and is named by `check`.
        """
        name = self._free_name(entry.name)
        try:
            os.rename(self.new / entry.name, self.bad / name)
        except FileNotFoundError:
            if not self.bad.is_dir():
                self._stuck[entry.name] = f"{reason}; and it cannot be moved: {self.bad} is missing"
            return None
        except OSError as error:
            self._stuck[entry.name] = f"{reason}; and it cannot be moved to {self.bad}: {_words(error)}"
            return None
        with contextlib.suppress(OSError):  # a full disk costs the reason, not the move
            self._write_reason(name, reason)
        return Rejected(name, reason)

    def _free_name(self, name: str) -> str:
        """Never write over what is in bad/ already, and give foreign files names that every terminal can show."""
        name = re.sub(r"[^A-Za-z0-9._-]", "_", name)
        taken = os.path.lexists(self.bad / name) or os.path.lexists(self.bad / (name + _REASON_SUFFIX))
        return f"{name[:180]}-{uuid.uuid4().hex[:8]}" if taken or name.endswith(_REASON_SUFFIX) else name

    def _write_reason(self, name: str, reason: str) -> None:
        path = self.bad / (name + _REASON_SUFFIX)
        path.write_text(reason + "\n", encoding="utf-8", errors="replace")

    def rejected(self) -> list[Rejected]:
        """List what lies in bad/ with its reason."""
        with _spool_errors(f"list {self.bad}"):
            names = sorted(name for name in os.listdir(self.bad) if not name.endswith(_REASON_SUFFIX))
        return [Rejected(name, self._reason(name)) for name in names]

    def _reason(self, name: str) -> str:
        try:
            return (self.bad / (name + _REASON_SUFFIX)).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return "no reason is recorded"

    def retry_bad(self, name: str) -> None:
        """Put something from bad/ back into new/. Raises SpoolError if it is not there."""
        if "/" in name or name in ("", ".", ".."):
            raise SpoolError(f"{name!r} is not the name of anything in {self.bad}")
        with _spool_errors(f"move {self.bad / name} to {self.new}"):
            os.rename(self.bad / name, self.new / name)
        with contextlib.suppress(OSError):
            os.unlink(self.bad / (name + _REASON_SUFFIX))
        self._stuck.pop(name, None)

    def drop_bad(self, name: str) -> None:
        """Delete something from bad/ with its reason. Raises SpoolError if it is not there or is a directory."""
        if "/" in name or name in ("", ".", ".."):
            raise SpoolError(f"{name!r} is not the name of anything in {self.bad}")
        with _spool_errors(f"delete {self.bad / name}"):
            os.unlink(self.bad / name)
        with contextlib.suppress(OSError):
            os.unlink(self.bad / (name + _REASON_SUFFIX))

    def clean(self, now: float | None = None) -> int:
        """Remove leftovers of killed writers from tmp/ and count them; `now` is in epoch seconds."""
        oldest = (time.time() if now is None else now) - STALE_SECONDS
        removed = 0
        with _spool_errors(f"list {self.tmp}"):
            found = list(os.scandir(self.tmp))
        for item in found:
            with contextlib.suppress(OSError):  # gone meanwhile, a directory, not ours: `check` names it
                if item.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(item.path)
                    removed += 1
        return removed

    def wait(self, timeout: float, sleep: Callable[[float], object] = time.sleep) -> bool:
        """Wait until something lies in new/ that the last `entries` did not list; False after `timeout` seconds.

        `sleep` may return something true to end the wait early (`threading.Event.wait` does when the event is set).
        """
        rest = timeout
        while not self.names() - self._listed:
            pause = min(_POLL_SECONDS, rest)
            if pause <= 0 or sleep(pause):
                return False
            rest -= pause
        return True

    def pass_alone(self, one_pass: Callable[[], None]) -> bool:
        """Run a pass unless another process runs one; False then, and the other one sees what is in new/ now.

        A caller has put its alert into new/ before it comes here. If it finds the lock taken, the holder has not yet
        given it back; and a holder looks into new/ once more after giving it back. So no alert is left without a
        pass, without any further sign between them.
        """
        ran = False
        while True:
            with self._lock() as held:
                if not held:
                    return ran
                before = self.names()
                one_pass()
                ran = True
            if not self.names() - before:
                return ran

    @contextlib.contextmanager
    def _lock(self) -> Iterator[bool]:
        """Try the lock of delivery passes; the kernel gives it back however its holder ends."""
        path = self.path / "pass.lock"
        with _spool_errors(f"open {path}"):
            descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        try:
            yield _flock(descriptor)
        finally:
            os.close(descriptor)

    def check(self, min_free_bytes: int = 64 << 20) -> list[Finding]:
        """Say whether writers and reader can work here, one finding a thing; changes nothing."""
        missing = [part for part in (self.path, self.tmp, self.new, self.bad) if not part.is_dir()]
        if missing:
            owners = "install -d -o zabbix -g glpi-bridge -m 2770"
            names = " ".join(str(part) for part in missing)
            return [Finding(False, f"spool: {names}: not there, or not visible to this user", f"{owners} {names}")]
        findings = [finding for part in (self.tmp, self.new, self.bad) for finding in self._check_directory(part)]
        return [*findings, self._check_device(), self._check_room(min_free_bytes), *self._check_contents()]

    def _check_directory(self, path: Path) -> Iterator[Finding]:
        what = f"spool: {path} is {_owner_and_mode(path)}"
        mode = path.stat().st_mode
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield Finding(False, f"{what}: not writable for this user", "chown zabbix:glpi-bridge and chmod 2770 it")
        elif mode & stat.S_IWOTH:
            yield Finding(False, f"{what}: any user may write alerts", f"chmod 2770 {path}")
        elif not mode & stat.S_ISGID and path != self.bad:
            yield Finding(False, f"{what}: new files do not get its group", f"chmod 2770 {path}")
        else:
            yield Finding(True, what)

    def _check_device(self) -> Finding:
        if len({part.stat().st_dev for part in (self.tmp, self.new, self.bad)}) > 1:
            return Finding(
                False,
                f"spool: tmp, new and bad of {self.path} are on different file systems",
                "make them one: files are renamed between them",
            )
        return Finding(True, "spool: tmp, new and bad are on one file system")

    def _check_room(self, min_free_bytes: int) -> Finding:
        found = os.statvfs(self.new)
        free, nodes = found.f_bavail * found.f_frsize, found.f_favail
        text = f"spool: {free >> 20} MiB free for alerts"
        if found.f_flag & os.ST_RDONLY:
            return Finding(
                False, f"spool: {self.path} is on a file system that is mounted read-only", "mount it read-write"
            )
        if free < min_free_bytes:
            return Finding(False, text, f"make room on the file system of {self.path}: a full one refuses alerts")
        if found.f_files and nodes < 1000:
            return Finding(
                False, f"spool: {nodes} files (inodes) can still be made", "remove files from its file system"
            )
        return Finding(True, text)

    def _check_contents(self) -> Iterator[Finding]:
        bad = self.rejected()
        if bad:
            yield Finding(
                False,
                f"spool: {len(bad)} in {self.bad}, the first {bad[0].name}: {bad[0].reason}",
                "glpi-bridge queue list",
            )
        for name, reason in sorted(self._stuck.items()):
            yield Finding(False, f"spool: {self.new / name} is stuck: {reason}", "move it away by hand")


def hand_off(path: Path | str, fields: Mapping[str, str]) -> str:
    """Put an alert into a spool as the script does and return its name; on return it is safe on disk.

    `fields` needs `event_id`; names as in ALERT_FIELDS. Raises SpoolError: then nothing was accepted.
    """
    if not fields.get("event_id"):
        raise SpoolError("an alert needs event_id, the id of the event that it is about")
    if any("\0" in text for item in fields.items() for text in item) or any("=" in name for name in fields):
        raise SpoolError("an alert's names and values cannot contain a NUL byte, nor its names a =")
    data = b"".join(f"{name}={value}\0".encode(errors="replace") for name, value in fields.items())
    name = str(uuid.uuid4())
    tmp, new = Path(path) / "tmp" / name, Path(path) / "new"
    try:
        with _spool_errors(f"store the alert in {path}"):
            _write_synced(tmp, data)
            os.rename(tmp, new / name)
            _sync_directory(new)
    except SpoolError:
        with contextlib.suppress(OSError):
            os.unlink(tmp)
        raise
    return name


def _check_file(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise BadAlert(Reason.NOT_A_FILE, _kind_of(found.st_mode))
    if found.st_size > MAX_BYTES:
        raise BadAlert(Reason.TOO_LARGE, f"{found.st_size} bytes, the limit is {MAX_BYTES}")


def _not_read(path: Path, error: OSError) -> SpoolError:
    """Sort what belongs to this one entry (a BadAlert) from what is the machine's trouble and passes."""
    if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):
        return BadAlert(Reason.NOT_A_FILE, _kind_of(path.lstat().st_mode))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EIO):
        return BadAlert(Reason.NOT_READABLE, f"{_words(error)}; it is {_owner_and_mode(path)}")
    return SpoolError(f"cannot read {path}: {_words(error)}")


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _spool_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise SpoolError(
            f"cannot {doing}: {_words(error)} ({error.filename}); glpi-bridge check says how a spool is made"
        ) from error
    except OSError as error:
        raise SpoolError(f"cannot {doing}: {_words(error)}") from error


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _time(seconds: float) -> datetime:
    """Read a file's time; one that no date can have (a damaged inode) is taken for the epoch."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _kind_of(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a directory",
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")


def _owner_and_mode(path: Path) -> str:
    found = path.lstat()
    return f"{_name(pwd.getpwuid, found.st_uid)}:{_name(grp.getgrgid, found.st_gid)} {stat.S_IMODE(found.st_mode):04o}"


def _name(look_up: Callable[[int], tuple[object, ...]], number: int) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)
