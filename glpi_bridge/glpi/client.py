"""A session with GLPI's REST API (apirest.php), of 10.0 and 11.0 alike.

Reads may log in again once; writes never do, are sent once, hold the session's lock (`session_write=true`) and give one
Outcome for each item. `kill` is the fence: GLPI answers it only after the write that holds the session has ended.
At most one request is in flight: another thread's waits until it is answered.
"""

from __future__ import annotations

import logging
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, NoReturn, Self, cast

import glpi_api
import requests

from glpi_bridge.errors import BridgeError, Held, NotConnected, Refused, SessionLost, TargetError, UnclearAnswer
from glpi_bridge.glpi.answers import TARGET, Answer, error_of, outcome_of, outcomes, outcomes_by_id, value
from glpi_bridge.model import Outcome, Verdict

log = logging.getLogger(__name__)

Params = Mapping[str, str | int]
_PAGE = 500
_HEADER_LIMIT = 3000
_LONGEST_PATH = len("/ITILFollowup/12345678,")
_BULK_MOST = 50
_ADDRESS_MOST = 3000


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to sign in: a user token, or a name and a password. Read anew at each log-in; never shown."""

    user_token: str = ""
    login: str = ""
    password: str = ""
    app_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.login or 'user token'})"

    def header(self) -> str:
        """Return the Authorization header for initSession."""
        if self.user_token:
            return f"user_token {self.user_token}"
        return "Basic " + b64encode(f"{self.login}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Account:
    """Who the session belongs to and what it acts as; `clock_offset` is GLPI's local time minus UTC."""

    user_id: int
    name: str
    profile: str
    profile_id: int
    entity_id: int
    rights: Mapping[str, Any]
    clock_offset: timedelta | None


@dataclass(frozen=True, slots=True)
class Search:
    """A page of search results: rows by search option number, and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int


class Glpi:
    """A client of one GLPI. `url` ends in apirest.php (or api.php/v1); `credentials` is asked at each log-in.

    `http` is a session of `glpi_bridge.http`. `profile` and `entity` are names to switch to; without them the
    account's defaults stay. `api` is the `glpi_api.GLPI` of the open session, for everything this class has not.
    """

    def __init__(
        self,
        url: str,
        credentials: Callable[[], Credentials],
        http: requests.Session,
        *,
        profile: str | None = None,
        entity: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.url = url.rstrip("/")
        self._credentials = credentials
        self._http = http
        self._profile, self._entity = profile, entity
        self._now = now
        self._app_token = ""
        self._in_flight = threading.Lock()
        self.token: str | None = None
        self.read_at: datetime | None = None
        self.account: Account | None = None
        self.version: tuple[int, ...] = ()
        self._matrix: Mapping[str, Mapping[str, int]] = {}
        self.logins = 0
        self.answered_in: float | None = None  # seconds that GLPI's last answer took

    def __enter__(self) -> Self:
        """Open a session."""
        self.login()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the session, whatever happened."""
        self.close()

    # -- session ------------------------------------------------------------------------------------------------------

    def login(self) -> Account:
        """Open a session (initSession), find out the version, switch to the profile and entity asked for.

        Raises Held for everything that a person has to mend, UnclearAnswer or NotConnected for a GLPI that is down.
        """
        credentials = self._credentials()
        self._app_token = credentials.app_token
        answer = self._send("GET", "initSession", {"get_full_session": "true"}, {"Authorization": credentials.header()})
        data = _held_if_refused(value, answer)
        token = data.get("session_token") if isinstance(data, dict) else None
        if not token or not isinstance(data.get("session"), dict):
            raise UnclearAnswer(f"GLPI opened no session: {answer.url} gave no session_token", target=TARGET)
        self.token, self.read_at = str(token), self._now()
        self.logins += 1
        self.account = _account(data["session"], answer, self.read_at)
        try:
            if not self.version:
                config = self._get("getGlpiConfig", {})
                self.version, self._matrix = _version(config), _matrix(config)
            if self._profile and self._profile != self.account.profile:
                self._switch_profile(self._profile)
            if self._entity:
                self._switch_entity(self._entity)
        except BridgeError:
            self.close()
            raise
        return self.account

    def computed_priority(self, urgency: int, impact: int) -> int:
        """Return the priority that GLPI's matrix gives, as of the first log-in; 0 where it tells none."""
        return int(self._matrix.get(str(urgency), {}).get(str(impact), 0))

    def close(self) -> None:
        """End the session in GLPI; a GLPI that cannot be reached forgets it by itself."""
        token, self.token = self.token, None
        if token is not None:
            try:
                self._send("GET", "killSession", {}, {"Session-Token": token})
            except TargetError as error:
                log.debug("the session was left for GLPI to collect: %s", error)

    def drop(self, token: str) -> None:
        """Forget a session, if it still is this client's, without ending it: it is in doubt, or ended."""
        if self.token == token:
            self.token = None

    def kill(self, token: str) -> Answer:
        """Send killSession for any session; the answer comes when the write that holds its lock has ended."""
        if not self._app_token:
            self._app_token = self._credentials().app_token
        return self._send("GET", "killSession", {}, {"Session-Token": token})

    def is_alive(self, token: str) -> bool:
        """Tell whether GLPI still knows a session. Raises when the answer is neither yes nor no."""
        if not self._app_token:
            self._app_token = self._credentials().app_token
        try:
            value(self._send("GET", "getMyProfiles", {}, {"Session-Token": token}))
        except SessionLost:
            return False
        return True

    @property
    def app_token(self) -> str:
        """The App-Token of the last log-in, "" without one: for other sessions beside this one."""
        return self._app_token

    def go_on_with_app_token(self, token: str) -> None:
        """Send this App-Token from now on: GLPI asks for it in sessions too that were opened before there was one."""
        self._app_token = token

    @property
    def is_10(self) -> bool:
        """Up to GLPI 10 `& < >` are encoded in what is stored; from 11 on they are not."""
        return () < self.version < (11,)

    @property
    def bulk_size(self) -> int:
        """How many items a POST may hold: GLPI lists all of them in a Link header, which front servers bound."""
        return min(_BULK_MOST, _HEADER_LIMIT // (len(self.url) + _LONGEST_PATH))

    @property
    def api(self) -> glpi_api.GLPI:
        """The open session as a `glpi_api.GLPI`, with this client's time-outs, CA and proxy."""
        if self.token is None:
            self.login()
        wrapped = _Api(self.url, self._http)
        wrapped.session.headers.update(self._headers({"Session-Token": str(self.token)}))
        return wrapped

    def to_utc(self, text: str | None) -> datetime | None:
        """Read a date of GLPI (`2026-11-25 07:30:16`, its server's zone)."""
        if not text:
            return None
        local = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return local - self._offset

    def from_utc(self, time: datetime) -> str:
        """Write a date as GLPI wants it, in its server's zone."""
        return (time.astimezone(UTC) + self._offset).strftime("%Y-%m-%d %H:%M:%S")

    @property
    def _offset(self) -> timedelta:
        offset = self.account.clock_offset if self.account else None
        return timedelta(0) if offset is None else offset

    # -- reads --------------------------------------------------------------------------------------------------------

    def get(self, path: str, params: Params | None = None) -> Any:
        """GET a path and return its JSON; logs in when there is no session, and again once when it is lost.

        Raises Refused with GLPI's code (ERROR_ITEM_NOT_FOUND, ERROR_RIGHT_MISSING, …), Held or NoAnswer.
        """
        return value(self._read(path, params or {}))

    def post_read(self, path: str, body: Mapping[str, Any]) -> Any:
        """Read by POST what is too long for a URL (`search/…`); otherwise as `get`."""
        return value(self._read(path, {}, body))

    def rows(self, path: str, params: Params | None = None, *, page: int = _PAGE) -> list[dict[str, Any]]:
        """GET every row of a list, page by page; each comes once, also while others come and go."""
        return list(self._listed(path, {"sort": "id", "order": "ASC", **(params or {})}, page))

    def newest(self, path: str, params: Params, *, by: str = "id", page: int = _PAGE) -> Iterator[dict[str, Any]]:
        """GET the rows of a list one after the other, the highest `by` first, page by page as far as they are taken.

        To read many rows of people's items, this is 20 times cheaper than a search, which renders each for a browser.
        """
        return self._listed(path, {**params, "sort": by, "order": "DESC"}, page)

    def _listed(self, path: str, params: Params, page: int) -> Iterator[dict[str, Any]]:
        """Each page begins with the last row of the one before; where it does not, rows have left while paging.

        What stood behind them has then moved into the part that was read already: it is read again from further up.
        """
        seen = _Seen()
        start, head = 0, None
        while True:
            answer = self._read(path, {**params, "range": f"{start}-{start + page - 1}"})
            try:
                data = value(answer)
            except Refused as error:
                if error.code != "ERROR_RANGE_EXCEED_TOTAL":
                    raise
                data = []
            if not isinstance(data, list):
                raise UnclearAnswer(f"{answer.url} gave no list", target=TARGET)
            if start and (not data or data[0].get("id") not in seen):
                start = max(0, start - page // 2)
                continue
            fresh = [row for row in data if row.get("id") not in seen]
            yield from fresh
            seen.add(row.get("id") for row in fresh)
            end = start + len(data)
            if len(data) != page or (answer.total is not None and end >= answer.total):
                return
            if not fresh and data[0].get("id") == head:
                return  # the range is ignored
            start, head = end - 1, data[0].get("id")

    def search(
        self,
        itemtype: str,
        criteria: Sequence[Mapping[str, Any]],
        show: Sequence[int],
        *,
        limit: int = _BULK_MOST,
        start: int = 0,
        newest_first: bool = False,
        trash: bool = False,
    ) -> Search:
        """Search (apirest.md, "Search items"), sorted by id; texts come decoded on GLPI 10 too.

        `criteria` are maps of field, searchtype, value, link or nested criteria. Every hit still has to be compared
        exactly: GLPI ignores case, accents and unknown criteria.
        """
        body: dict[str, Any] = {
            "criteria": list(criteria),
            "forcedisplay": list(show),
            "range": f"{start}-{start + limit - 1}",
            "sort": 2,
            "order": "DESC" if newest_first else "ASC",
        }
        if trash:
            body["is_deleted"] = 1
        flat = _flat(body)
        # a long address is refused by web servers (414); JSON in a POST is read the same
        in_body = sum(len(name) + 12 for name in flat) > _ADDRESS_MOST
        try:
            path = f"search/{itemtype}"
            data = value(self._read(path, {}, body) if in_body else self._read(path, flat))
        except Refused as error:
            if error.code == "ERROR_RANGE_EXCEED_TOTAL":
                return Search([], start)
            raise
        if not isinstance(data, dict) or "totalcount" not in data:
            raise UnclearAnswer(f"search/{itemtype} of GLPI gave no result list", target=TARGET)
        rows = [cast(dict[str, Any], self._decoded(row)) for row in data.get("data", [])]
        return Search(rows, int(data["totalcount"]))

    # -- writes -------------------------------------------------------------------------------------------------------

    def add(self, itemtype: str, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """POST items, once, under the session's lock; one Outcome each. Never logs in, never repeats."""
        return self._write("POST", itemtype, items, lambda answer: outcomes(answer, len(items)))

    def update(self, itemtype: str, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """PUT items (each with its `id`), once, under the session's lock; one Outcome each."""
        ids = [int(item["id"]) for item in items]
        return self._write("PUT", itemtype, items, lambda answer: outcomes_by_id(answer, ids))

    def update_one(self, itemtype: str, item: Mapping[str, Any]) -> Outcome:
        """PUT one item (with its `id`) by its own path: GLPI 10 takes no list of entities."""
        id_ = int(item["id"])
        [outcome] = self._write(
            "PUT", f"{itemtype}/{id_}", [item], lambda answer: outcomes_by_id(answer, [id_]), is_alone=True
        )
        return outcome

    def delete(self, itemtype: str, ids: Sequence[int], *, purge: bool = False) -> list[Outcome]:
        """DELETE items into the trash, or for good, once, under the session's lock; one Outcome each."""
        items = [{"id": id_} for id_ in ids]
        extra: dict[str, str | int] = {"force_purge": "true"} if purge else {}
        return self._write("DELETE", itemtype, items, lambda answer: outcomes_by_id(answer, ids), extra)

    def put_unknown(self, ids: Iterable[int], *, session_write: bool) -> Answer:
        """PUT tickets that do not exist, for the trial of the session's lock (`locks`): changes nothing, is refused."""
        params: dict[str, str | int] = {"session_write": "true"} if session_write else {}
        headers = {"Session-Token": str(self.token)}
        return self._send("PUT", "Ticket", params, headers, {"input": [{"id": id_} for id_ in ids]})

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _write(
        self,
        method: str,
        itemtype: str,
        items: Sequence[Mapping[str, Any]],
        read: Callable[[Answer], list[Outcome]],
        params: Params | None = None,
        *,
        is_alone: bool = False,
    ) -> list[Outcome]:
        if self.token is None:
            return [Outcome(Verdict.SESSION_LOST, text="no session is open")] * len(items)
        headers = {"Session-Token": self.token}
        body = {"input": items[0] if is_alone else list(items)}
        try:
            answer = self._send(method, itemtype, {"session_write": "true", **(params or {})}, headers, body)
        except NotConnected as error:
            return [Outcome(Verdict.TRANSIENT, text=str(error), code="NOT_SENT")] * len(items)
        except TargetError as error:
            return [outcome_of(error)] * len(items)
        return [_unproven(outcome) for outcome in read(answer)]

    def _read(self, path: str, params: Params, body: Mapping[str, Any] | None = None) -> Answer:
        fresh = self.token is None
        if fresh:
            self.login()
        answer = self._ask(path, params, body)
        if answer.status == 401 and isinstance(error_of(answer), SessionLost) and not fresh:
            log.info("GLPI has ended the session, logging in again")
            self.token = None
            self.login()
            answer = self._ask(path, params, body)
        if answer.status == 401 and isinstance(error_of(answer), SessionLost):
            # a fresh session that GLPI does not know: logging in again and again would only fill its session folder
            self.token = None
            raise UnclearAnswer(f"GLPI gave a session and does not know it: {answer.shown()}", target=TARGET)
        return answer

    def _ask(self, path: str, params: Params, body: Mapping[str, Any] | None) -> Answer:
        sent_at = self._now()
        answer = self._send("GET" if body is None else "POST", path, params, {"Session-Token": str(self.token)}, body)
        self.read_at = sent_at
        return answer

    def _get(self, path: str, params: Params) -> Any:
        return value(self._ask(path, params, None))

    def _send(
        self,
        method: str,
        path: str,
        params: Params,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        url = f"{self.url}/{path}"
        try:
            with self._in_flight:
                response = self._http.request(
                    method, url, params=dict(params), headers=self._headers(headers), json=body
                )
        except requests.RequestException as error:
            raise Held(f"{url} cannot be asked: {type(error).__name__}: {error}", target=TARGET) from error
        self.answered_in = response.elapsed.total_seconds()
        lower = {name.lower(): text for name, text in response.headers.items()}
        return Answer(response.status_code, lower, response.content, url)

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        always = {"Content-Type": "application/json", "X-GLPI-Sanitized-Content": "false"}
        if self._app_token:
            always["App-Token"] = self._app_token
        return {**always, **headers}

    def _decoded(self, row: Any) -> Any:
        """Undo what GLPI 10 does to `& < >` in search results, whatever the header; 11 shows what it stores."""
        if not self.is_10:
            return row
        if isinstance(row, str):
            return row.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
        if isinstance(row, dict):
            return {name: self._decoded(one) for name, one in row.items()}
        return [self._decoded(one) for one in row] if isinstance(row, list) else row

    def _switch_profile(self, name: str) -> None:
        profiles = self._get("getMyProfiles", {})["myprofiles"]
        found = [row for row in profiles if row["name"] == name]
        if not found:
            have = ", ".join(sorted(str(row["name"]) for row in profiles))
            raise Held(f'glpi.profile: the account has no profile "{name}"; it has {have}', target=TARGET)
        body = {"profiles_id": found[0]["id"]}
        value(self._send("POST", "changeActiveProfile", {}, {"Session-Token": str(self.token)}, body))
        self._reread()

    def _switch_entity(self, path: str) -> None:
        entities = self._get("getMyEntities", {"is_recursive": "true"})["myentities"]
        found = [
            row for row in entities if path in (self._decoded(row.get("completename")), self._decoded(row["name"]))
        ]
        if not found:
            have = ", ".join(sorted(str(self._decoded(row.get("completename") or row["name"])) for row in entities))
            raise Held(f'glpi.entity: the account sees no entity "{path}"; it sees {have}', target=TARGET)
        body = {"entities_id": found[0]["id"], "is_recursive": True}
        value(self._send("POST", "changeActiveEntities", {}, {"Session-Token": str(self.token)}, body))
        self._reread()

    def _reread(self) -> None:
        answer = self._ask("getFullSession", {}, None)
        before = self.account.clock_offset if self.account else None
        read = _account(value(answer)["session"], answer, self._now())
        self.account = Account(
            read.user_id, read.name, read.profile, read.profile_id, read.entity_id, read.rights, before
        )


def _unproven(outcome: Outcome) -> Outcome:
    """The session was alive a moment ago: where its write is answered 401, it may have arrived twice."""
    if outcome.verdict is not Verdict.SESSION_LOST:
        return outcome
    return Outcome(Verdict.UNKNOWN, text=outcome.text, code="SESSION_LOST")


class _Api(glpi_api.GLPI):  # type: ignore[misc]  # glpi_api has no types
    """glpi_api's client on a session that is already open; its constructor would log in again, without a time-out."""

    def __init__(self, url: str, http: requests.Session) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.adapters = http.adapters
        self._fields: dict[str, Any] = {}


def _held_if_refused(read: Callable[[Answer], Any], answer: Answer) -> Any:
    """A log-in that is refused is a matter for a person, whatever its code."""
    try:
        return read(answer)
    except SessionLost as error:
        _hold(error)
    except Refused as error:
        _hold(error)


def _hold(error: TargetError) -> NoReturn:
    raise Held(f"GLPI refuses the log-in: {error}", target=TARGET) from error


def _account(session: Mapping[str, Any], answer: Answer, now: datetime) -> Account:
    profile = session.get("glpiactiveprofile") or {}
    return Account(
        user_id=int(session.get("glpiID") or 0),
        name=str(session.get("glpiname") or ""),
        profile=str(profile.get("name", "")),
        profile_id=int(profile.get("id") or 0),
        entity_id=int(session.get("glpiactive_entity") or 0),
        rights=profile,
        clock_offset=_clock_offset(session.get("glpi_currenttime"), answer.headers.get("date"), now),
    )


def _clock_offset(local: Any, date: str | None, now: datetime) -> timedelta | None:
    """GLPI's clock at log-in against the Date header of the same answer, to the quarter of an hour that zones have.

    Without a Date (a proxy may take it away) our own clock stands for it.
    """
    try:
        here = datetime.strptime(str(local), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        there = now if date is None else parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return None
    quarters = round((here - there).total_seconds() / 900)
    return timedelta(seconds=900 * quarters)


def _version(config: Any) -> tuple[int, ...]:
    text = str(config.get("cfg_glpi", {}).get("version", "")) if isinstance(config, dict) else ""
    numbers = [int(part) for part in text.split("-")[0].split(".") if part.isdigit()]
    if not numbers:
        raise UnclearAnswer("GLPI does not tell its version (getGlpiConfig)", target=TARGET)
    return tuple(numbers)


def _matrix(config: Any) -> Mapping[str, Mapping[str, int]]:
    """Read {urgency: {impact: priority}} of getGlpiConfig, texts as keys on both versions."""
    matrix = config["cfg_glpi"].get("priority_matrix")
    return matrix if isinstance(matrix, dict) else {}


class _Seen:
    """Numbers of rows, a bit each: a list of 100,000 rows then costs no more to read than a short one."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, ids: Iterable[Any]) -> None:
        for place in map(int, ids):
            self._bits.extend(bytes(max(0, place // 8 + 1 - len(self._bits))))
            self._bits[place // 8] |= 1 << place % 8

    def __contains__(self, id_: Any) -> bool:
        place = int(id_)
        return place // 8 < len(self._bits) and bool(self._bits[place // 8] & 1 << place % 8)


def _flat(body: Mapping[str, Any], prefix: str = "") -> dict[str, str | int]:
    """Write nested values as PHP reads them from a query: criteria[0][field]=2."""
    flat: dict[str, str | int] = {}
    for name, part in body.items():
        key = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(part, Mapping):
            flat |= _flat(part, key)
        elif isinstance(part, list | tuple):
            flat |= _flat({str(i): one for i, one in enumerate(part)}, key)
        else:
            flat[key] = part
    return flat
