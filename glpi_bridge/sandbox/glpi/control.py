"""The control address /_sandbox/: orders, deeds, state; and the client that speaks with it from another process."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import requests

from .answers import Answer, Refused
from .faults import Fault, FaultKind
from .people import DEEDS
from .world import Call, Mail

if TYPE_CHECKING:
    from .http import Request
    from .server import GlpiServer

TIMEOUT_SECONDS = 60


def answer_control(server: GlpiServer, request: Request, name: str, query: dict[str, Any]) -> Answer:
    """Answer one control call: GET reads, POST does; 400 with the reason when it cannot."""
    data: Any = json.loads(request.body) if request.body else {}
    try:
        result = _READ[name](server, query) if name in _READ else _do(server, name, data)
    except (KeyError, TypeError, ValueError, Refused) as error:
        return Answer.json({"error": f"{type(error).__name__}: {error}"}, 400)
    return Answer.json(result)


def _do(server: GlpiServer, name: str, data: dict[str, Any]) -> Any:
    if name.startswith("people/"):
        deed = name.removeprefix("people/")
        if deed not in DEEDS:
            raise ValueError(f"people do not {deed!r}; they do {', '.join(DEEDS)}")
        return getattr(server.people, deed)(*data.get("args", []), **data.get("kwargs", {}))
    match name:
        case "order":
            return server.order(Fault.from_json(data))
        case "cancel":
            return server.cancel(data.get("number"))
        case "set":
            return server.set(**data)
        case "restore_backup":
            return server.restore_backup(data)
        case "release_late":
            return server.release_late()
        case "collect_sessions":
            return server.collect_sessions()
        case "drop_connections":
            return server.drop_connections()
        case "go_on":
            return server.go_on()
        case "refuse":
            return server.refuse(float(data["seconds"]))
        case "age_session":
            return server.age_session(data["token"], float(data["seconds"]))
        case "forget_log":
            return server.forget_log()
        case "fill":
            return server.fill(**data)
        case _:
            raise ValueError(f"no control call {name!r}")


_READ: dict[str, Any] = {
    "about": lambda s, _: s.about(),
    "tickets": lambda s, q: s.tickets(deleted=q.get("deleted") == "1"),
    "rows": lambda s, q: s.rows(q["itemtype"]),
    "actors": lambda s, q: s.actors(int(q["ticket"])),
    "log": lambda s, q: [c.as_json() for c in list(s.log) if c.number > int(q.get("after", 0))],
    "ticket": lambda s, q: s.ticket(int(q["ticket"])),
    "followups": lambda s, q: s.followups(int(q["ticket"])),
    "solutions": lambda s, q: s.solutions(int(q["ticket"])),
    "links": lambda s, q: s.links(int(q["ticket"])),
    "mails": lambda s, _: [dataclasses.asdict(m) for m in s.mails],
    "unserved": lambda s, _: dict(s.unserved),
    "sessions": lambda s, _: s.sessions(),
    "held": lambda s, _: s.held(),
    "pending": lambda s, _: s.pending(),
    "snapshot": lambda s, _: s.snapshot(),
}


class _PeopleFromAfar:
    """People's deeds through the control address; names as in `People`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def __getattr__(self, deed: str) -> Any:
        if deed not in DEEDS:
            raise AttributeError(deed)
        return lambda *args, **kwargs: self._control.do(f"people/{deed}", {"args": args, "kwargs": kwargs})


class Control:
    """The same methods as `GlpiServer`, for a stand-in in another process.

    `url` is the stand-in's address, with or without /apirest.php.
    """

    def __init__(self, url: str) -> None:
        self.root = url.removesuffix("/").removesuffix("/apirest.php")
        self._http = requests.Session()
        self._http.trust_env = False
        self.people = _PeopleFromAfar(self)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def do(self, name: str, data: Any) -> Any:
        """Do something; ValueError with the stand-in's reason when it refuses."""
        return self._result(self._http.post(f"{self.root}/_sandbox/{name}", json=data, timeout=TIMEOUT_SECONDS))

    def get(self, name: str, **query: Any) -> Any:
        """Read something."""
        return self._result(self._http.get(f"{self.root}/_sandbox/{name}", params=query, timeout=TIMEOUT_SECONDS))

    @staticmethod
    def _result(response: requests.Response) -> Any:
        if response.status_code != requests.codes.ok:
            raise ValueError(response.json()["error"])
        return response.json()

    @property
    def url(self) -> str:
        """The API's address."""
        return f"{self.root}/apirest.php"

    def about(self) -> dict[str, Any]:
        """Return version, tokens, counts."""
        return dict(self.get("about"))

    @property
    def app_token(self) -> str:
        """The API client's token."""
        return str(self.about()["app_token"])

    @property
    def user_token(self) -> str:
        """The token of the user "bridge"."""
        return str(self.about()["user_token"])

    def order(self, fault: Fault) -> int:
        """Order a fault; returns its number."""
        if FaultKind(fault.kind) is FaultKind.REFUSED:
            self.refuse(fault.seconds)
            return 0
        return int(self.do("order", fault.as_json()))

    def cancel(self, number: int | None = None) -> None:
        """Forget an order, or all."""
        self.do("cancel", {"number": number})

    def set(self, **settings: Any) -> None:
        """Change settings, cost or session rules."""
        self.do("set", settings)

    def tickets(self, *, deleted: bool = False) -> list[dict[str, Any]]:
        """Return all tickets, in the trash or not."""
        return list(self.get("tickets", deleted=int(deleted)))

    def rows(self, itemtype: str) -> list[dict[str, Any]]:
        """Return all rows of a type, texts as GLPI stores them."""
        return list(self.get("rows", itemtype=itemtype))

    def ticket(self, ticket: int) -> dict[str, Any]:
        """Return one ticket, decoded; ValueError when there is none."""
        return dict(self.get("ticket", ticket=ticket))

    def followups(self, ticket: int) -> list[dict[str, Any]]:
        """Return the followups of a ticket in order."""
        return list(self.get("followups", ticket=ticket))

    def solutions(self, ticket: int) -> list[dict[str, Any]]:
        """Return the solutions of a ticket in order."""
        return list(self.get("solutions", ticket=ticket))

    def links(self, ticket: int) -> list[dict[str, Any]]:
        """Return the links of a ticket to other tickets."""
        return list(self.get("links", ticket=ticket))

    def actors(self, ticket: int) -> list[tuple[str, int, int]]:
        """Return the actors as (user or group, id, role); roles: 1 requester, 2 assigned, 3 observer."""
        return [(str(kind), int(who), int(role)) for kind, who, role in self.get("actors", ticket=ticket)]

    @property
    def log(self) -> list[Call]:
        """Every API request so far."""
        return self.log_after(0)

    def log_after(self, number: int) -> list[Call]:
        """Return the requests after the given number."""
        return [Call(**{**told, "faults": tuple(told["faults"])}) for told in self.get("log", after=number)]

    def forget_log(self) -> None:
        """Empty the request log."""
        self.do("forget_log", {})

    @property
    def mails(self) -> list[Mail]:
        """Every notification that would have been queued."""
        return [Mail(**told) for told in self.get("mails")]

    @property
    def unserved(self) -> dict[str, int]:
        """What was asked for and is not served, with counts."""
        return dict(self.get("unserved"))

    def sessions(self) -> list[dict[str, Any]]:
        """Return the sessions that are alive."""
        return list(self.get("sessions"))

    def pending(self) -> list[dict[str, Any]]:
        """Return the faults still to happen."""
        return list(self.get("pending"))

    def snapshot(self) -> dict[str, Any]:
        """Return a backup of all tables."""
        return dict(self.get("snapshot"))

    def restore_backup(self, snapshot: dict[str, Any]) -> None:
        """Put a backup back."""
        self.do("restore_backup", snapshot)

    def held(self) -> int:
        """Return how many requests wait in the middle of their work (fault `held`)."""
        return int(self.get("held"))

    def go_on(self) -> None:
        """Let the requests that were held go on."""
        self.do("go_on", {})

    def release_late(self) -> list[int]:
        """Let waiting rows appear now."""
        return list(self.do("release_late", {}))

    def collect_sessions(self) -> int:
        """Run the collector of old sessions."""
        return int(self.do("collect_sessions", {}))

    def age_session(self, token: str, seconds: float) -> None:
        """Make a session file older."""
        self.do("age_session", {"token": token, "seconds": seconds})

    def refuse(self, seconds: float) -> None:
        """Close the listener for some seconds (the answer to this very call is lost)."""
        if seconds <= 0:
            raise ValueError("from afar a listener is closed for some seconds only: nobody could open it again")
        self._lossy("refuse", {"seconds": seconds})

    def drop_connections(self) -> None:
        """Reset every open connection (this one too, after its answer is lost)."""
        self._lossy("drop_connections", {})

    def _lossy(self, name: str, data: Any) -> None:
        try:
            self.do(name, data)
        except requests.ConnectionError:
            self._http.close()

    def fill(self, tickets: int, name: str = "filler") -> None:
        """Add many plain tickets at once."""
        self.do("fill", {"tickets": tickets, "name": name})
