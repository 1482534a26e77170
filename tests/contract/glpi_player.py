"""Plays the recorded requests of one GLPI version against the stand-in, in their order, and compares the answers.

The recordings were made in one go on one lab, so they are played in one go too: what a record needs and nobody
recorded (tickets that were
prepared by hand, sessions that were collected, settings that were switched) is done by `glpi_lab` before it. Ids are
mapped at their first appearance, dates, tokens and totals are normalised as contract/README says.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from glpi_bridge.sandbox.glpi import GlpiServer
from glpi_bridge.site.headers import TAKEN_OFF
from tests.contract import glpi_lab

RECORDINGS = Path(__file__).parent / "recordings"
DATE = re.compile(r"\d{4}-\d\d-\d\d(?: |T)\d\d:\d\d(?::\d\d)?")
CUT = re.compile(r"^(.*?)<\.\.\. (\d+) characters in all>$", re.DOTALL)
BOUNDARY = "of-the-player"
DROPPED_KEYS = {"links", "_links"}
FREE_KEYS = {
    "valid_id",
    "itils_validationsteps_id",  # of a table that nobody recorded
    "uuid",
    "tag",
    "glpicrontimer",
    "glpi_currenttime",
    "session_token",
    "dbversion",
    "ancestors_cache",
    "sons_cache",
    "glpilist_limit",  # a person's own choice
    "glpiactiveentities",  # in the order of a cache, which makes an object of a list; 01/054 compares them
    "glpiactiveentities_string",
}
COMPARED_HEADERS = ("accept-range", "access-control-allow-origin", "access-control-allow-methods",
                    "access-control-allow-headers", "access-control-expose-headers")  # fmt: skip
PRESENT_HEADERS = ("location", "link", "content-range")


@dataclass(frozen=True)
class Record:
    """One recorded exchange; `name` is folder/file without the ending."""

    name: str
    request: dict[str, Any]
    response: dict[str, Any]


def names(version: str) -> list[str]:
    """Return every recording of a version that is in the project, calls lists included."""
    root = RECORDINGS / f"glpi-{version}"
    return [str(path.relative_to(root).with_suffix("")) for path in sorted(root.glob("*/*.json"))]


def in_order(found: list[str]) -> list[str]:
    """Return names in the order they were sent: a record before its companions."""

    def key(name: str) -> tuple[str, int, str]:
        folder, _, rest = name.partition("/")
        base, _, companion = rest.partition(".")
        return f"{folder}/{base}", int(bool(companion)), companion

    return sorted(found, key=key)


def load(version: str, name: str) -> Record:
    """Read one recording."""
    data = json.loads((RECORDINGS / f"glpi-{version}" / f"{name}.json").read_text(encoding="utf-8"))
    return Record(name, data["request"], data["response"])


def is_call_list(version: str, name: str) -> bool:
    """Tell whether a recording is a list of calls with times, which the fence's own tests play."""
    data = json.loads((RECORDINGS / f"glpi-{version}" / f"{name}.json").read_text(encoding="utf-8"))
    return "calls" in data or "rows" in data


@dataclass
class Player:
    """Sends recorded requests; `differences` is what each record's answer had wrong, [] when it was right."""

    server: GlpiServer
    version: str
    clock: glpi_lab.Clock
    ids: dict[tuple[str, int], int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    differences: dict[str, list[str]] = field(default_factory=dict)
    prepared: dict[str, int] = field(default_factory=dict)
    dump: dict[str, Any] = field(default_factory=dict)
    front: int = 0
    """The port of the sites' web server, where requests go through it."""

    def play(self, wanted: list[str], skipped: dict[str, str]) -> None:
        """Play records in order; those skipped are left out, what the lab prepares for them is still done."""
        for name in in_order(wanted):
            traits = glpi_lab.prepare(self, name)
            if name not in skipped:
                self.differences[name] = self.play_one(load(self.version, name), traits)
            glpi_lab.tidy(self, name)

    def play_one(self, record: Record, traits: glpi_lab.Traits) -> list[str]:
        """Send one request and compare the answer."""
        status, headers, body = self.send(record, traits)
        compare = Comparison(self, record)
        compare.answer(status, headers, body)
        return compare.found

    # -- sending --

    def send(self, record: Record, traits: glpi_lab.Traits) -> tuple[int, dict[str, str], Any]:
        """Send a recorded request from its address and return status, headers and body (JSON or text)."""
        request = record.request
        headers = {k: self.filled(v) for k, v in request["headers"].items()}
        if self.front:
            headers = {k: v for k, v in headers.items() if k != "App-Token"} | {"Sec-Fetch-Site": "same-origin"}
        body = self.body(request)
        if "multipart" in request:
            headers["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        connection = http.client.HTTPConnection(
            "127.0.0.1",
            self.front or self.server.port,
            timeout=60,
            source_address=(traits.source, 0) if traits.source else None,
        )
        query = urlencode(self.query(request))
        path = quote(self.fronted(record)) + (f"?{query}" if query else "")
        connection.request(request["method"], path, body=body, headers=headers)
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        found = {k.lower(): v for k, v in response.getheaders()}
        if found.get("content-type", "").startswith("application/json"):
            return response.status, found, json.loads(raw)
        return response.status, found, raw.decode("utf-8", "replace")

    def fronted(self, record: Record) -> str:
        """Return the path that a request goes to; through the web server it is that of the sender's site."""
        path = self.mapped_path(record.request["path"])
        if not self.front:
            return path
        site = "portal" if "enduser" in json.dumps(record.request) else "panel"
        return path.replace("/apirest.php/", f"/{site}/api/").replace("/front/document.send.php", f"/{site}/file")

    def query(self, request: dict[str, Any]) -> list[tuple[str, str]]:
        """Return the recorded query with placeholders filled and the ids it asks for mapped."""
        told = request.get("query") or {}
        told = dict(parse_qsl(told)) if isinstance(told, str) else told
        sent = {k: self.filled(str(v)) for k, v in told.items()}
        itemtype = request["path"].split("/search/")[-1]
        for key, value in sent.items():
            about_id = sent.get(key.replace("[value]", "[field]")) == "2" and "/search/" in request["path"]
            text = re.match(r"searchText\[(\w+)\]$", key)
            kind = itemtype if about_id else glpi_lab.FOREIGN.get(text[1], "") if text else ""
            if request["path"].endswith(("/document.send.php", "/file")):
                kind = {"docid": "Document", "items_id": sent.get("itemtype", "")}.get(key, "")
            number = re.match(r"^(\^?[<>]?)(\d+)(\$?)$", value)
            if kind and number:
                sent[key] = f"{number[1]}{self.ours(kind, int(number[2]))}{number[3]}"
        return list(sent.items())

    def body(self, request: dict[str, Any]) -> bytes | None:
        """Return the recorded body with texts made whole and ids mapped."""
        if "text" in request:
            text = str(request["text"])
            return text.replace("\ufffd", "\udce9").encode("utf-8", "surrogateescape") if text else None
        if "multipart" in request:
            return self.multipart(request["multipart"])
        if "json" not in request:
            return None
        parts = [part for part in request["path"].split("/") if part[:1].isupper()]
        own = parts[-1] if parts and request["method"] in {"PUT", "DELETE"} else ""
        return json.dumps(self.mapped(self.whole(request["json"]), own)).encode()

    def multipart(self, parts: dict[str, dict[str, str | None]]) -> bytes:
        """Return a multipart body; the ids in its manifest are mapped, a file's characters are its bytes."""
        body = b""
        for field_name, part in parts.items():
            content = str(part["content"]).encode("latin-1")
            if field_name == "uploadManifest":
                with suppress(ValueError):  # one record sends a broken manifest
                    content = json.dumps(self.mapped(json.loads(content))).encode()
            named = "" if part["filename"] is None else f'; filename="{part["filename"]}"'
            head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field_name}"{named}\r\n'
            body += f"{head}Content-Type: {part['content_type']}\r\n\r\n".encode() + content + b"\r\n"
        return body + f"--{BOUNDARY}--\r\n".encode()

    def whole(self, value: Any) -> Any:
        """Return a value whose cut texts are whole again."""
        if isinstance(value, dict):
            return {k: self.whole(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.whole(v) for v in value]
        cut = CUT.match(value) if isinstance(value, str) else None
        if cut is not None:
            if not self.version.startswith("10."):
                return value  # the requests to 11 were sent with the cut texts of 10's records
            return cut[1] + cut[1][-1] * (int(cut[2]) - len(cut[1]))
        return self.filled(value) if isinstance(value, str) else value

    def mapped(self, value: Any, own: str = "") -> Any:
        """Return a body with the recorded ids of items replaced by ours; `own` is the type that "id" is of."""
        if isinstance(value, list):
            return [self.mapped(v, own) for v in value]
        if not isinstance(value, dict):
            return value
        result = {}
        for key, inner in value.items():
            itemtype = glpi_lab.FOREIGN.get(key) or (value.get("itemtype") if key == "items_id" else None)
            itemtype = own if key == "id" and own else itemtype
            known = isinstance(inner, int) and isinstance(itemtype, str)
            result[key] = self.ours(itemtype, inner) if known and isinstance(itemtype, str) else self.mapped(inner, own)
        return result

    def mapped_path(self, path: str) -> str:
        """Return a path with the recorded id replaced by ours."""
        parts = path.split("/")
        for i, part in enumerate(parts[:-1]):
            if part[:1].isupper() and parts[i + 1].isdigit():
                parts[i + 1] = str(self.ours(part, int(parts[i + 1])))
        return "/".join(parts)

    def ours(self, itemtype: str, recorded: int) -> int:
        """Return our id for a recorded one."""
        return self.ids.get((glpi_lab.renamed(itemtype), recorded), recorded)

    # -- placeholders --

    def filled(self, text: str) -> str:
        """Replace placeholders: tokens, credentials, sessions."""
        text = text.replace("<app_token>", self.server.app_token).replace("<user_token>", self.server.user_token)
        text = re.sub(
            r"<base64 of ([^>]*)>", lambda match: base64.b64encode(glpi_lab.login(match[1]).encode()).decode(), text
        )
        return re.sub(r"<session_token(?::(\w+))?>", lambda match: self.session(match[1] or "bridge"), text)

    def session(self, who: str) -> str:
        """Return the token of a person's session, opened at its first use."""
        if who not in self.tokens:
            user = glpi_lab.USERS.get(who, 7)
            self.tokens[who] = self.server.api.signin.open(user).token
        return self.tokens[who]


@dataclass
class Comparison:
    """Compares one answer with its record, learning ids on the way."""

    player: Player
    record: Record
    found: list[str] = field(default_factory=list)

    def answer(self, status: int, headers: dict[str, str], body: Any) -> None:
        """Compare status, headers and body."""
        expected = self.record.response
        if status != expected["status"]:
            self.found.append(f"status {status} for {expected['status']}, body {str(body)[:300]}")
            return
        gone = {name.lower() for name in TAKEN_OFF} if self.player.front else set()
        self.headers(headers, {k: v for k, v in expected["headers"].items() if k not in gone})
        if "json" in expected:
            self.learn_token(expected["json"], body)
            self.value(expected["json"], body, "$", self.itemtype(), None)
        else:
            self.page(str(expected.get("text", "")), body)

    def itemtype(self) -> str:
        """Return the itemtype a record's rows are of."""
        parts = [part for part in self.record.request["path"].split("/") if part]
        parts = parts[1:] if parts and parts[0].endswith(".php") else parts
        parts = parts[1:] if parts and parts[0] in {"v1", "search"} else parts
        capital = [part for part in parts if part[:1].isupper()]
        return glpi_lab.renamed(capital[-1]) if capital else ""

    def headers(self, ours: dict[str, str], recorded: dict[str, str]) -> None:
        """Compare the headers that count."""
        kind = [h.get("content-type", "").split(";")[0] for h in (ours, recorded)]
        if kind[0] != kind[1]:
            self.found.append(f"content-type {kind[0]} for {kind[1]}")
        self.found += [
            f"{name}: {ours.get(name)!r} for {recorded.get(name)!r}"
            for name in COMPARED_HEADERS
            if ours.get(name) != recorded.get(name)
        ]
        self.found += [
            f"{name}: {ours.get(name)!r} for {recorded.get(name)!r}"
            for name in PRESENT_HEADERS
            if (name in ours) != (name in recorded)
        ]
        for name in ("location", "link"):
            paths = [re.sub(r"https?://[^/]+|\d+", "", h.get(name, "")).split("<")[0] for h in (ours, recorded)]
            if not paths[0].startswith(paths[1]):
                self.found.append(f"{name}: {ours.get(name)!r} for {recorded.get(name)!r}")

    def learn_token(self, recorded: Any, ours: Any) -> None:
        """Note the token behind a placeholder."""
        if isinstance(recorded, dict) and isinstance(ours, dict) and "session_token" in recorded:
            name = re.match(r"<session_token:(\w+)>", str(recorded["session_token"]))
            if name is not None:
                self.player.tokens[name[1]] = ours["session_token"]

    def page(self, recorded: str, ours: Any) -> None:
        """Compare pages: both empty, or both with the same title."""
        title = re.compile(r"<title>(.*?)</title>", re.DOTALL)
        expected, got = title.search(recorded), title.search(str(ours))
        if "html" not in self.record.response["headers"].get("content-type", ""):
            if recorded != ours:
                self.found.append(f"file {str(ours)[:80]!r} for {recorded[:80]!r}")
        elif (recorded == "") != (ours == ""):
            self.found.append(f"text {str(ours)[:80]!r} for {recorded[:80]!r}")
        elif expected is not None and (got is None or got[1] != expected[1]):
            self.found.append(f"page {str(ours)[:120]!r} for one titled {expected[1]!r}")

    def value(self, recorded: Any, ours: Any, where: str, itemtype: str, key: str | None) -> None:
        """Compare two values of a body."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            self.objects(recorded, ours, where, itemtype)
        elif isinstance(recorded, list) and isinstance(ours, list):
            self.lists(recorded, ours, where, itemtype, key)
        elif isinstance(recorded, str) and isinstance(ours, str):
            self.texts(recorded, ours, where, key)
        elif isinstance(recorded, int) and not isinstance(recorded, bool) and type(ours) is int:
            self.numbers(recorded, ours, where, itemtype, key)
        elif recorded != ours or type(recorded) is not type(ours):
            self.found.append(f"{where}: {ours!r} for {recorded!r}")

    def objects(self, recorded: dict[str, Any], ours: dict[str, Any], where: str, itemtype: str) -> None:
        """Compare two objects key by key; keys that are ids are mapped."""
        if where.endswith("._logs"):
            self.lists(list(recorded.values()), list(ours.values()), where, "Log", None)
            return
        left = {self.map_key(k, itemtype): v for k, v in recorded.items() if k not in DROPPED_KEYS}
        right = {k: v for k, v in ours.items() if k not in DROPPED_KEYS}
        if "..." in left:
            right = {k: v for k, v in right.items() if k in left}
            del left["..."]
        if left.keys() != right.keys():
            self.found.append(
                f"{where}: keys more {sorted(right.keys() - left.keys())}, less {sorted(left.keys() - right.keys())}"
            )
        inner = str(recorded.get("itemtype") or "")
        for name in left.keys() & right.keys():
            if name in FREE_KEYS or name.endswith(("_delay_stat", "_duration")):
                continue
            kind = inner if name == "items_id" and inner else itemtype
            kind = {"_documents": "Document", "assocID": "Document_Item"}.get(name, kind)
            self.value(left[name], right[name], f"{where}.{name}", kind, name)

    def map_key(self, key: str, itemtype: str) -> str:
        """Return a key of a result such as {"67": true} with our id."""
        results = self.record.request["method"] in {"PUT", "DELETE", "PATCH"} and key.isdigit()
        return str(self.player.ours(itemtype, int(key))) if results else key

    def lists(self, recorded: list[Any], ours: list[Any], where: str, itemtype: str, key: str | None) -> None:
        """Compare two lists; what was left out of a record is left out here too."""
        cut = next((i for i, v in enumerate(recorded) if isinstance(v, str) and re.search(r"items in all>$", v)), None)
        if cut is not None:
            ours = [*ours[:cut], *ours[len(ours) - (len(recorded) - cut - 1) :]]
            recorded = [*recorded[:cut], *recorded[cut + 1 :]]
        if len(recorded) != len(ours):
            self.found.append(f"{where}: {len(ours)} elements for {len(recorded)}: {str(ours)[:300]}")
            return
        if self.unordered(recorded, ours):
            recorded, ours = sorted(recorded, key=_row_key), sorted(ours, key=_row_key)
        for i, (left, right) in enumerate(zip(recorded, ours, strict=True)):
            self.value(left, right, f"{where}[{i}]", itemtype, key)

    def unordered(self, recorded: list[Any], ours: list[Any]) -> bool:
        """Tell whether rows were sorted by something that many share: then they come in no fixed order [04/028]."""
        rows = all(isinstance(v, dict) and "2" in v for v in (*recorded, *ours))
        return rows and "/search/" in self.record.request["path"] and bool(recorded)

    def texts(self, recorded: str, ours: str, where: str, key: str | None) -> None:
        """Compare two texts without dates, hosts, tokens and ids."""
        cut = CUT.match(recorded)
        if cut is not None and not recorded.startswith("MySQL query error"):
            if len(ours) != int(cut[2]) or not ours.startswith(cut[1]):
                self.found.append(f"{where}: {ours[:80]!r} ({len(ours)} characters) for {recorded[:80]!r}")
            return
        left, right = (self.normal(text, key) for text in (recorded, ours))
        if left != right:
            self.found.append(f"{where}: {right!r} for {left!r}")

    def normal(self, text: str, key: str | None) -> str:
        """Return a text without what depends on time and place."""
        text = DATE.sub("<date>", text)
        text = re.sub(r"https?://(glpi\.example|127\.0\.0\.1:\d+)", "<glpi>", text)
        text = re.sub(r"<session_token(:\w+)?>|\b[a-z0-9]{26}\b", "<token>", text)
        text = re.sub(r"[0-9a-f]{14}\.\d{8}", "<prefix>", text)
        text = re.sub(r"^docfile\w*$", "<docfile>", text)
        text = text.replace("<app_token>", "<app>").replace(self.player.server.app_token, "<app>")
        if key == "content-range" or "exceed total" in text:
            text = re.sub(r"\d+(?=;|$)", "#", text)
        if key in {"message", "new_value"} or where_is_message(text):
            text = re.sub(r"\(\d+\)$", "(#)", text)
            text = re.sub(r"(: |ID |^)\d+$", r"\1#", text)
            text = re.sub(r"^(MySQL query error: [^(]*\(\d+\)) .*$", r"\1", text, flags=re.DOTALL)
            text = re.sub(r"'\d+-\d+'", "'#'", text)
        if re.fullmatch(r"[0-9a-f]{40}", text):
            return "<sha1>"
        return text

    def numbers(self, recorded: int, ours: int, where: str, itemtype: str, key: str | None) -> None:
        """Compare numbers; ids by their mapping, learned at first sight."""
        if key == "totalcount":
            return
        kind = itemtype if key in {"id", "items_id", "assocID"} else glpi_lab.FOREIGN.get(key or "")
        if key == "2" and "/search/" in self.record.request["path"]:
            kind = itemtype
        if kind and recorded > 0 and kind not in glpi_lab.FIXED:
            known = self.player.ids.setdefault((glpi_lab.renamed(kind), recorded), ours)
            recorded = known
        if recorded != ours:
            self.found.append(f"{where}: {ours} for {recorded}")


def where_is_message(text: str) -> bool:
    """Tell whether a text is one of GLPI's messages outside a `message` key."""
    return text.startswith(("Item successfully added", "MySQL query error", "Duplicate entry"))


def _row_key(row: dict[str, Any]) -> tuple[int, str]:
    return int(row["2"]) if isinstance(row["2"], int) else 0, json.dumps(row, sort_keys=True, default=str)


def replayable(version: str) -> Iterator[str]:
    """Yield the names of all single exchanges."""
    return (name for name in names(version) if not is_call_list(version, name))
