"""What can be done to the stand-in: the same methods in this process (`Deeds`) and over HTTP (`Control`).

Arguments and results are plain JSON values; ids are texts, as in the API.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from glpi_bridge.sandbox.zabbix.faults import FaultKind

Row = dict[str, Any]


class Control:
    """A stand-in in another process: `Control("http://127.0.0.1:8080").raise_problem("web01", "CPU is high")`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def do(self, deed: str, **arguments: Any) -> Any:
        """Do something by its name. ValueError with the stand-in's words when it cannot be done."""
        request = urllib.request.Request(  # noqa: S310  # the address is the stand-in's own
            f"{self.url}/_sandbox/{deed}",
            data=json.dumps(arguments).encode(),
            headers={"Content-Type": "application/json"},
        )
        with _DIRECT.open(request, timeout=60) as answer:
            told = json.load(answer)
        if "error" in told:
            raise ValueError(told["error"])
        return told["result"]

    def raise_problem(
        self,
        host: str,
        name: str,
        *,
        severity: int = 3,
        tags: Mapping[str, str] | None = None,
        value: str | None = None,
        item: Mapping[str, str] | None = None,
        opdata: str = "",
        comments: str = "",
        trigger_url: str = "",
        manual_close: bool = False,
        group: str = "Lab servers",
        clock: int | None = None,
        alert: bool = True,
    ) -> str:
        """Raise a problem and give its event id. Host, item and trigger are made when there are none of that name.

        `name` may hold macros ({HOST.NAME}, {ITEM.LASTVALUE1}); `item` has name, key, units; `alert` False: no action.
        """
        return str(self.do("raise_problem", **_given(locals())))

    def raise_problems(self, count: int, *, hosts: int = 100, alert: bool = False) -> list[str]:
        """Raise many problems at once, spread over some hosts."""
        return list(self.do("raise_problems", count=count, hosts=hosts, alert=alert))

    def raise_elsewhere(self, source: int, object_: int, macros: Mapping[str, str], clock: int | None = None) -> str:
        """Raise an event that is not a trigger's (source 1 discovery, 2 autoregistration, 3 internal); gives its id.

        `macros` are those that have a value there, `{EVENT.NAME}`; the others stay as they are written.
        """
        return str(self.do("raise_elsewhere", source=source, object_=object_, macros=macros, clock=clock))

    def recover(self, *eventids: str, value: str | None = None) -> str:
        """End problems of one trigger with one recovery event; gives its id."""
        return str(self.do("recover", eventids=eventids, value=value))

    def update(
        self,
        eventid: str,
        *,
        message: str = "",
        acknowledge: bool | None = None,
        severity: int | None = None,
        suppress_until: int | None = None,
        unsuppress: bool = False,
        close: bool = False,
        cause: str | None = None,
        user: str = "Admin",
    ) -> None:
        """Update an event as a person does. `suppress_until` 0: for ever; `cause` "0": no symptom any more."""
        self.do("update", **_given(locals()))

    def housekeep(self, *eventids: str) -> None:
        """Let events vanish, as the housekeeper does."""
        self.do("housekeep", eventids=eventids)

    def disable_trigger(self, eventid: str, *, disabled: bool = True) -> None:
        """Switch the trigger of an event off or on."""
        self.do("disable_trigger", eventid=eventid, disabled=disabled)

    def delete_trigger(self, eventid: str) -> None:
        """Delete the trigger of an event: the event is not shown any more, nobody is told."""
        self.do("delete_trigger", eventid=eventid)

    def disable_host(self, host: str, *, disabled: bool = True) -> None:
        """Switch a host off or on."""
        self.do("disable_host", host=host, disabled=disabled)

    def delete_host(self, host: str) -> None:
        """Delete a host with all under it."""
        self.do("delete_host", host=host)

    def move_host(self, host: str, group: str) -> None:
        """Put a host into one group only; a new group is one that the bridge has no right on."""
        self.do("move_host", host=host, group=group)

    def start_maintenance(self, *hosts: str, tags: Mapping[str, str] | None = None) -> str:
        """Put hosts into maintenance; with `tags` only the problems that carry one of them. Gives its id."""
        return str(self.do("start_maintenance", hosts=hosts, tags=tags))

    def end_maintenance(self, maintenanceid: str) -> None:
        """End a maintenance."""
        self.do("end_maintenance", maintenanceid=maintenanceid)

    def event(self, eventid: str) -> Row:
        """Give an event with all there is, as event.get shows it to a super admin; {} if there is none."""
        return dict(self.do("event", eventid=eventid))

    def problems(self) -> list[Row]:
        """List the open problems, with their updates."""
        return list(self.do("problems"))

    def alerts(self, eventid: str | None = None) -> list[Row]:
        """List the alerts as alert.get shows them to a super admin, all or those about one problem."""
        return list(self.do("alerts", eventid=eventid))

    def counts(self) -> Row:
        """Give how often each method was called, and what was asked that is not served."""
        return dict(self.do("counts"))

    def fault(self, kind: FaultKind | str, *, times: int = 1, method: str = "") -> None:
        """Order a fault for the next calls, of one method or of any."""
        self.do("fault", kind=str(FaultKind(kind)), times=times, method=method)

    def heal(self) -> None:
        """Drop all ordered faults."""
        self.do("heal")

    def refuse(self, seconds: float) -> None:
        """Close the port for some seconds: connections are refused; this control too is away meanwhile."""
        self.do("refuse", seconds=seconds)

    def set_role(self, *, methods: Sequence[str] | None = None, actions: Sequence[str] | None = None) -> None:
        """Change what the bridge's role may call and do."""
        self.do("set_role", methods=methods, actions=actions)

    def set_rights(self, groups: Mapping[str, int]) -> None:
        """Change the bridge's rights on host groups, by name: 2 read, 3 read-write."""
        self.do("set_rights", groups=groups)

    def set_token(self, value: str) -> None:
        """Replace the bridge's API token; the old one is worth nothing any more."""
        self.do("set_token", value=value)

    def set_action(self, **changes: Any) -> None:
        """Change fields of the action (`world.Action`), as status=1 or tells_updates=False."""
        self.do("set_action", **changes)

    def set_media_type(self, **changes: Any) -> None:
        """Change fields of the media type (`world.MediaType`), as status=1 or attempt_interval=0.1."""
        self.do("set_media_type", **changes)

    def is_idle(self) -> bool:
        """Tell whether every alert that is due has been handed to the script."""
        return bool(self.do("is_idle"))

    def wait_idle(self, seconds: float = 30.0) -> None:
        """Wait until `is_idle`; TimeoutError if that takes too long."""
        end = time.monotonic() + seconds
        while not self.is_idle():
            if time.monotonic() > end:
                raise TimeoutError(f"the stand-in still has alerts to run after {seconds:g} s")
            time.sleep(0.02)


def _given(local: Mapping[str, Any]) -> Row:
    return {name: value for name, value in local.items() if name != "self"}


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
