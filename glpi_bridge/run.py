"""The daemon: a delivery pass whenever something is new or due, a sync now and then, until SIGTERM.

SIGTERM and SIGINT end it after the step at hand. SIGHUP rereads the settings and keeps the old ones when the new are
wrong. Told to systemd, where it asks: READY, RELOADING, STOPPING, WATCHDOG (sd_notify(3)).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from glpi_bridge import build, config, deliver
from glpi_bridge.config import Settings
from glpi_bridge.context import Context
from glpi_bridge.errors import BridgeError, SettingsError
from glpi_bridge.sync import sync

log = logging.getLogger(__name__)
_LONGEST_WAIT = 30.0
_SHORTEST_WAIT = 0.2
_PAUSE_AFTER_ERROR = 5.0


Report = Callable[[Settings, float], None]
"""Tells the servers that want it how the bridge is doing."""


class Daemon:
    """Runs passes until `stop` is called; `reload` takes the settings anew before the next pass."""

    def __init__(
        self, path: Path, settings: Settings, *, now: Callable[[], float] = time.time, report: Report | None = None
    ) -> None:
        self.path = path
        self._settings = settings
        self._now = now
        self._stopping = threading.Event()
        self._reloading = False
        self._synced_at = 0.0
        self._report = report
        self._reported_at = 0.0

    def stop(self) -> None:
        """End after the step at hand."""
        self._stopping.set()

    def reload(self) -> None:
        """Reread the settings before the next pass."""
        self._reloading = True

    def run(self) -> None:
        """Run until stopped."""
        notify("READY=1")
        while not self._stopping.is_set():
            with build.bridge(self._settings) as context:
                context.stopping, context.heartbeat = self._stopping, watchdog
                self._reloading = False
                log.info(
                    "running: spool %s, store %s, GLPI %s", context.spool.path, context.store.place, context.glpi.url
                )
                self._passes(context)
            if self._reloading:
                self._reread()
        notify("STOPPING=1")
        log.info("stopped")

    def _passes(self, context: Context) -> None:
        while not self._stopping.is_set() and not self._reloading:
            watchdog()
            try:
                deliver.one_pass(context)
                self._sync(context)
                self._tell()
                wait = self._wait(context)
            except BridgeError as error:  # the store or the spool: what is accepted waits on the disk
                log.error("%s", error)
                wait = _PAUSE_AFTER_ERROR
            except Exception:  # one broken pass must not end the service; the next begins from the store
                log.exception("a pass broke off")
                wait = _PAUSE_AFTER_ERROR
            self._idle(context, wait)

    def _sync(self, context: Context) -> None:
        interval = self._settings.sync.interval.total_seconds()
        if interval and self._now() - self._synced_at >= interval:
            self._synced_at = self._now()
            sync(context)

    def _tell(self) -> None:
        """Report how the bridge is doing, as often as that is wanted; it never raises."""
        interval = self._settings.health_interval
        if self._report is not None and interval is not None and self._now() - self._reported_at >= interval:
            self._reported_at = self._now()
            self._report(self._settings, self._now())

    def _wait(self, context: Context) -> float:
        """Return how long nothing is due: no delivery, no retry, no sync."""
        now, interval = self._now(), self._settings.sync.interval.total_seconds()
        ends = [now + _LONGEST_WAIT]
        ends += [due] if (due := context.next_wake()) is not None else []
        ends += [self._synced_at + interval] if interval else []
        if self._report is not None and (often := self._settings.health_interval) is not None:
            ends.append(self._reported_at + often)
        return max(_SHORTEST_WAIT, min(ends) - now)

    def _idle(self, context: Context, seconds: float) -> None:
        try:
            context.spool.wait(seconds, lambda pause: self._stopping.wait(pause) or self._reloading)
        except BridgeError as error:
            log.error("%s", error)
            self._stopping.wait(_PAUSE_AFTER_ERROR)

    def _reread(self) -> None:
        notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            fresh = config.load(self.path)
            build.rules(fresh)
            self._settings = fresh
            log.info("settings reread from %s", self.path)
        except SettingsError as error:
            log.error("the settings are wrong, the old ones stay:\n%s", error)
        notify("READY=1")


def run(path: Path, settings: Settings, report: Report | None = None) -> None:
    """Run the daemon in this process, with its signals."""
    daemon = Daemon(path, settings, report=report)
    signal.signal(signal.SIGTERM, lambda *_: daemon.stop())
    signal.signal(signal.SIGINT, lambda *_: daemon.stop())
    signal.signal(signal.SIGHUP, lambda *_: daemon.reload())
    daemon.run()


def watchdog() -> None:
    """Tell systemd that we are alive."""
    notify("WATCHDOG=1")


def notify(state: str) -> None:
    """Send a state to systemd (sd_notify(3)); nothing happens where nobody asked for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.sendall(state.encode())
