"""How problems, updates and recoveries become executions of the media script, in Zabbix's order.

The escalator goes round; in one round it first tells new problems and recoveries of problems told before, then updates.
So a problem that was over at once comes as problem, and its recovery a round later; on a close by hand the recovery
comes before the update [contract Z04/020, 080].
"""

from __future__ import annotations

import heapq
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from glpi_bridge.sandbox.zabbix import texts
from glpi_bridge.sandbox.zabbix.macros import PROBLEM, RECOVERY, UPDATE, Elsewhere, Telling
from glpi_bridge.sandbox.zabbix.model import Acknowledge, Alert, Escalation, Event
from glpi_bridge.sandbox.zabbix.world import World

SENT, FAILED = 1, 2
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "PWD": "/",
}
ERROR_CHARACTERS = 2048
FULL_ROUND_SECONDS = 1.0


class Escalator:
    """Turns what happened into alerts, a round at a time."""

    def __init__(self, world: World) -> None:
        self.world = world

    def round(self, *, full: bool = True) -> list[Alert]:
        """Go round once; gives the alerts that were made, in order. Only a full round sees what time has brought."""
        world = self.world
        with world.lock:
            world.run_tasks()
            if full:
                world.end_suppressions()
            eventids, world.due = sorted(world.escalations if full else world.due), set()
            owed = [world.escalations[one] for one in eventids if one in world.escalations]
            made = [alert for one in owed if (alert := self._escalate(one))]
            updates, world.updates = world.updates, []
            made += [alert for eventid, update in updates if (alert := self._tell_update(eventid, update))]
            others, world.elsewhere = world.elsewhere, []
            made += [self._alert(event, PROBLEM, Elsewhere(world, event, known)) for event, known in others]
            return made

    def _escalate(self, owed: Escalation) -> Alert | None:
        world = self.world
        event = world.events.get(owed.eventid)
        if event is None or not world.sees_event(world.users[world.media_userid], event):
            del world.escalations[owed.eventid]
            return None
        if not owed.is_told:
            return self._tell_problem(owed, event)
        if event.r_eventid:
            del world.escalations[owed.eventid]
            return self._tell_end(event)
        if world.is_disabled(world.triggers[event.objectid]) and self._is_step_over(event):
            del world.escalations[owed.eventid]
            return self._tell_canceled(event)
        return None

    def _tell_problem(self, owed: Escalation, event: Event) -> Alert | None:
        if event.is_suppressed and self.world.action.pause_suppressed:
            if event.r_eventid:  # over before it could be told: never told [contract Z09/036]
                del self.world.escalations[owed.eventid]
            return None
        owed.is_told = True
        self.world.told.add(event.eventid)
        if event.r_eventid:
            self.world.due.add(event.eventid)
        return self._tell(event, PROBLEM)

    def _tell_end(self, event: Event) -> Alert | None:
        if self.world.is_disabled(self.world.triggers[event.objectid]):
            return self._tell_canceled(event)  # [contract Z11/063]
        return self._tell(event, RECOVERY) if self.world.action.tells_recovery else None

    def _tell_canceled(self, event: Event) -> Alert | None:
        """Tell the problem again with a note in front; its parameters are those of a problem [contract Z11/061]."""
        if not self.world.action.notify_if_canceled:
            return None
        return self._tell(event, PROBLEM, note="NOTE: Escalation canceled: disabled.\nLast message sent:\n")

    def _is_step_over(self, event: Event) -> bool:
        return self.world.clock() >= event.clock + self.world.action.esc_period

    def _tell_update(self, eventid: int, update: Acknowledge) -> Alert | None:
        world = self.world
        event = world.events.get(eventid)
        if event is None or eventid not in world.told or not world.action.tells_updates:
            return None
        recipient = world.users[world.media_userid]
        if update.userid == recipient.userid or not world.sees_event(recipient, event):
            return None  # nobody is told what he did himself [contract Z06/030]
        if world.is_disabled(world.triggers[event.objectid]):
            return None
        return self._tell(event, UPDATE, update)

    def _tell(self, event: Event, kind: int, update: Acknowledge | None = None, note: str = "") -> Alert:
        telling = Telling(self.world, event, self.world.triggers[event.objectid], kind, update)
        return self._alert(event, kind, telling, update, note)

    def _alert(
        self, event: Event, kind: int, telling: Telling | Elsewhere, update: Acknowledge | None = None, note: str = ""
    ) -> Alert:
        world, media = self.world, self.world.media_type
        subject, message = (telling.fill(one) for one in media.templates[kind])
        own = {"{ALERT.SENDTO}": media.sendto, "{ALERT.SUBJECT}": subject, "{ALERT.MESSAGE}": note + message}
        alert = Alert(
            alertid=world.next_id("alert"),
            eventid=event.r_eventid if kind == RECOVERY else event.eventid,
            p_eventid=event.eventid if kind == RECOVERY else 0,
            acknowledgeid=update.acknowledgeid if update else 0,
            clock=world.now(),
            subject=subject,
            message=own["{ALERT.MESSAGE}"],
            parameters=tuple(
                texts.replace(one, lambda m: own[m] if m in own else telling.value(m)) for one in media.parameters
            ),
            actionid=world.action.actionid,
            userid=world.media_userid,
            mediatypeid=media.mediatypeid,
            sendto=media.sendto,
        )
        if media.status:
            alert.status, alert.error = FAILED, "Media type disabled."
        world.alerts[alert.alertid] = alert
        return alert


class Alerter:
    """Runs the media script for alerts, as many at a time as the media type allows, and tries again what failed."""

    def __init__(self, world: World, scripts: Path) -> None:
        self.world, self.scripts = world, scripts
        self.escalator = Escalator(world)
        self._due: list[tuple[float, int]] = []
        self._running = 0
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Run in the background until `stop`."""
        kinds = [self._escalate] + [self._deliver] * self.world.media_type.maxsessions
        self._threads = [threading.Thread(target=one, daemon=True) for one in kinds]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the executions that are under way."""
        with self.world.lock:
            self._stopping = True
            self.world.wake()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def run(self) -> None:
        """Do all that is due now and return, for tests without threads; what is to be tried again later stays."""
        while self._go_round() or self._step():
            pass

    def is_idle(self) -> bool:
        """Tell whether nothing is owed or under way but what waits for maintenance or has been switched off."""
        with self.world.lock:
            world = self.world
            owed = any(
                (not one.is_told and not world.events[one.eventid].is_suppressed) or world.events[one.eventid].r_eventid
                for one in world.escalations.values()
            )
            return not (owed or world.updates or world.tasks or world.elsewhere or self._due or self._running)

    def _escalate(self) -> None:
        last_full = -1.0
        while not self._stopping:
            full = time.monotonic() - last_full > FULL_ROUND_SECONDS
            last_full = time.monotonic() if full else last_full
            if not self._go_round(full=full):
                with self.world.lock:
                    if not (self._stopping or self._is_owed()):
                        self.world.changed.wait(0.2)

    def _is_owed(self) -> bool:
        return bool(self.world.due or self.world.updates or self.world.tasks or self.world.elsewhere)

    def _go_round(self, *, full: bool = True) -> bool:
        with self.world.lock:
            made = self.escalator.round(full=full)
            for alert in made:
                if alert.status != FAILED:
                    heapq.heappush(self._due, (self.world.clock(), alert.alertid))
            if made:
                self.world.wake()
            return bool(made)

    def _deliver(self) -> None:
        while True:
            with self.world.lock:
                if self._stopping:
                    return
                if not self._is_due():
                    self.world.changed.wait(0.2)
            self._step()

    def _is_due(self) -> bool:
        return bool(self._due) and self._due[0][0] <= self.world.clock()

    def _step(self) -> bool:
        """Run one alert that is due; tells whether there was one."""
        with self.world.lock:
            if not self._is_due():
                return False
            alert = self.world.alerts.get(heapq.heappop(self._due)[1])
            if alert is None:
                return True
            self._running += 1
            media = self.world.media_type
            command = [str(self.scripts / media.exec_path), *alert.parameters]
            timeout = media.timeout
        status, words = _execute(command, timeout)
        with self.world.lock:
            self._running -= 1
            self._record(alert, status, words)
            self.world.wake()
        return True

    def _record(self, alert: Alert, status: int | None, words: str) -> None:
        """Keep the outcome: a time-out ends after one try, a missing script after none [contract Z03/014, 015]."""
        media = self.world.media_type
        if status == 0:
            alert.status, alert.error = SENT, ""
            return
        alert.error = words[:ERROR_CHARACTERS]
        if status is None:
            alert.status = FAILED
            alert.retries += 0 if words.startswith("Cannot execute") else 1
            return
        alert.retries += 1
        if alert.retries >= media.maxattempts:
            alert.status = FAILED
        else:
            heapq.heappush(self._due, (self.world.clock() + media.attempt_interval, alert.alertid))


def _execute(command: list[str], timeout: float) -> tuple[int | None, str]:
    """Run a script as the server does: bare environment, in /, no input; waits until nobody holds its output open.

    Gives exit status and output, or None and Zabbix's words. NUL bytes cannot be passed; Zabbix has none either.
    """
    arguments = [os.fsencode(one.encode("utf-8", "surrogateescape")) for one in command]
    try:
        process = subprocess.Popen(  # noqa: S603  # the script and its arguments are what this stand-in is for
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            umask=0o002,
        )
    except OSError as error:
        return None, f'Cannot execute command "{command[0]}": [{error.errno}] {error.strerror}'
    with process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, "Timeout while executing a shell script."
    words = output.decode(errors="replace")
    if process.returncode < 0:  # Zabbix starts it through a shell, which says so
        words += f"{signal.strsignal(-process.returncode)}\n"
    return process.returncode, words


def parameters(spool: str, fields: dict[str, str], source: str = "") -> tuple[str, ...]:
    """Write the media type's parameters: spool directory, source, and a `name={MACRO}` pair for each field."""
    head = (spool, f"source={source}") if source else (spool,)
    return (*head, *(f"{name}={macro}" for name, macro in fields.items()))
