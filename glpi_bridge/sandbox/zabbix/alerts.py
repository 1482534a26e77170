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
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from glpi_bridge.sandbox.zabbix import texts
from glpi_bridge.sandbox.zabbix.macros import PROBLEM, RECOVERY, UPDATE, Elsewhere, Telling
from glpi_bridge.sandbox.zabbix.model import (
    Acknowledge,
    Action,
    Alert,
    Escalation,
    Event,
    Media,
    MediaType,
    User,
    seconds,
)
from glpi_bridge.sandbox.zabbix.world import World

SENT, FAILED = 1, 2
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "PWD": "/",
}
ERROR_CHARACTERS = 2048
FULL_ROUND_SECONDS = 1.0
ALERTERS = 3
"""As Zabbix starts; a media type's `maxsessions` lets fewer of them run its scripts."""


Recipients = list[tuple[User, Media]]


class Escalator:
    """Turns what happened into alerts, a round at a time. Of an action's steps only the first is carried out."""

    def __init__(self, world: World) -> None:
        self.world = world

    def round(self, *, full: bool = True) -> list[Alert]:
        """Go round once; gives the alerts that were made, in order. Only a full round sees what time has brought."""
        world = self.world
        with world.lock:
            world.run_tasks()
            if full:
                world.end_suppressions()
            due, world.due = world.due, set()
            keys = sorted(one for one in world.escalations if full or one[0] in due)
            made = [alert for key in keys for alert in self._escalate(world.escalations[key])]
            updates, world.updates = world.updates, []
            made += [alert for eventid, update in updates for alert in self._tell_update(eventid, update)]
            others, world.elsewhere = world.elsewhere, []
            made += [self._tell_elsewhere(event, Elsewhere(world, event, known)) for event, known in others]
            return made

    def _escalate(self, owed: Escalation) -> list[Alert]:
        world = self.world
        event, action = world.events.get(owed.eventid), world.actions.get(owed.actionid)
        told = [] if event is None or action is None else self._recipients(owed, action, event)
        if event is None or action is None or not told:
            return self._drop(owed)
        if not owed.is_told:
            return self._tell_problem(owed, action, event, told)
        if event.r_eventid:
            self._drop(owed)
            return self._tell_end(action, event, told)
        if world.is_disabled(world.triggers[event.objectid]) and self._is_step_over(action, event):
            self._drop(owed)
            return self._tell_canceled(action, event, told)
        return []

    def _drop(self, owed: Escalation) -> list[Alert]:
        del self.world.escalations[owed.eventid, owed.actionid]
        return []

    def _recipients(self, owed: Escalation, action: Action, event: Event) -> Recipients:
        """Give who is to be told, or was: those who see the event at this moment."""
        world = self.world
        found = world.told[owed.eventid, owed.actionid] if owed.is_told else list(_wanted(world, action, event))
        return [(user, media) for user, media in found if world.sees_event(user, event)]

    def _tell_problem(self, owed: Escalation, action: Action, event: Event, told: Recipients) -> list[Alert]:
        if event.is_suppressed and action.pause_suppressed:
            # over before it could be told: never told [contract Z09/036]
            return self._drop(owed) if event.r_eventid else []
        owed.is_told = True
        self.world.told[owed.eventid, owed.actionid] = told
        if event.r_eventid:
            self.world.due.add(event.eventid)
        return self._tell(action, event, PROBLEM, told)

    def _tell_end(self, action: Action, event: Event, told: Recipients) -> list[Alert]:
        if self.world.is_disabled(self.world.triggers[event.objectid]):
            return self._tell_canceled(action, event, told)  # [contract Z11/063]
        return self._tell(action, event, RECOVERY, told) if action.tells_recovery else []

    def _tell_canceled(self, action: Action, event: Event, told: Recipients) -> list[Alert]:
        """Tell the problem again with a note in front; its parameters are those of a problem [contract Z11/061]."""
        if not action.notify_if_canceled:
            return []
        return self._tell(
            action, event, PROBLEM, told, note="NOTE: Escalation canceled: disabled.\nLast message sent:\n"
        )

    def _is_step_over(self, action: Action, event: Event) -> bool:
        return self.world.clock() >= event.clock + seconds(action.esc_period)

    def _tell_update(self, eventid: int, update: Acknowledge) -> list[Alert]:
        world = self.world
        event = world.events.get(eventid)
        if event is None or event.objectid not in world.triggers or world.is_disabled(world.triggers[event.objectid]):
            return []
        made = []
        for actionid, action in world.actions.items():
            # nobody is told what he did himself [contract Z06/030]
            told = [
                (user, media)
                for user, media in world.told.get((eventid, actionid), ())
                if user.userid != update.userid and world.sees_event(user, event)
            ]
            if action.tells_updates and not action.status:
                made += self._tell(action, event, UPDATE, told, update)
        return made

    def _tell(
        self,
        action: Action,
        event: Event,
        kind: int,
        told: Recipients,
        update: Acknowledge | None = None,
        note: str = "",
    ) -> list[Alert]:
        trigger = self.world.triggers[event.objectid]
        return [
            self._alert(
                action,
                event,
                kind,
                (user, media),
                Telling(self.world, event, trigger, user, action, kind, update),
                note,
            )
            for user, media in told
        ]

    def _tell_elsewhere(self, event: Event, telling: Elsewhere) -> Alert:
        world = self.world
        return self._alert(world.action, event, PROBLEM, (world.bridge, world.bridge.medias[0]), telling)

    def _alert(
        self,
        action: Action,
        event: Event,
        kind: int,
        told: tuple[User, Media],
        telling: Telling | Elsewhere,
        note: str = "",
    ) -> Alert:
        world, (user, media), update = self.world, told, getattr(telling, "update", None)
        media_type = world.media_types[media.mediatypeid]
        template = media_type.templates.get((event.source, kind))
        subject, message = (telling.fill(one) for one in template or ("", ""))
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
                texts.replace(one, lambda m: own[m] if m in own else telling.value(m)) for one in media_type.parameters
            ),
            actionid=action.actionid,
            userid=user.userid,
            mediatypeid=media_type.mediatypeid,
            sendto=media.sendto,
        )
        if media_type.status:
            alert.status, alert.error = FAILED, "Media type disabled."
        elif template is None:
            alert.status, alert.error = FAILED, "No message defined for media type."
        world.alerts[alert.alertid] = alert
        return alert


def _wanted(world: World, action: Action, event: Event) -> Iterator[tuple[User, Media]]:
    """Go through whom the first step of an action is for, and by which of their media."""
    for operation in action.operations:
        if operation["esc_step_from"] != "1":
            continue
        users = [int(one["userid"]) for one in operation["opmessage_usr"]]
        groups = {int(one["usrgrpid"]) for one in operation["opmessage_grp"]}
        users += [one.userid for one in world.users.values() if one.usergroups & groups and one.userid not in users]
        asked = int(operation["opmessage"]["mediatypeid"])
        for user in (world.users[one] for one in users if one in world.users):
            for media in user.medias:
                is_on = not media.active and media.severity >> event.severity & 1
                if is_on and asked in {0, media.mediatypeid} and media.mediatypeid in world.media_types:
                    yield user, media


class Alerter:
    """Runs the media script for alerts, as many at a time as the media type allows, and tries again what failed."""

    def __init__(self, world: World, scripts: Path) -> None:
        self.world, self.scripts = world, scripts
        self.escalator = Escalator(world)
        self._due: list[tuple[float, int]] = []
        self._running = Counter[int]()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Run in the background until `stop`."""
        kinds = [self._escalate] + [self._deliver] * ALERTERS
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
            return not (owed or world.updates or world.tasks or world.elsewhere or self._due or self._running.total())

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
        """Tell whether the first alert may run now: its time has come, and its media type has a session free."""
        if not self._due or self._due[0][0] > self.world.clock():
            return False
        alert = self.world.alerts.get(self._due[0][1])
        media = self.world.media_types.get(alert.mediatypeid) if alert else None
        return media is None or not media.maxsessions or self._running[media.mediatypeid] < media.maxsessions

    def _step(self) -> bool:
        """Run one alert that is due; tells whether there was one."""
        with self.world.lock:
            if not self._is_due():
                return False
            alert = self.world.alerts.get(heapq.heappop(self._due)[1])
            media = self.world.media_types.get(alert.mediatypeid) if alert else None
            if alert is None or media is None:
                return True
            self._running[media.mediatypeid] += 1
            command = [str(self.scripts / media.exec_path), *alert.parameters]
            timeout = media.timeout
        status, words = _execute(command, timeout)
        with self.world.lock:
            self._running[media.mediatypeid] -= 1
            self._record(alert, media, status, words)
            self.world.wake()
        return True

    def _record(self, alert: Alert, media: MediaType, status: int | None, words: str) -> None:
        """Keep the outcome: a time-out ends after one try, a missing script after none [contract Z03/014, 015]."""
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
            heapq.heappush(self._due, (self.world.clock() + seconds(media.attempt_interval), alert.alertid))


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
