"""Requests and what becomes of them, judged alike by Apache and by the demo's check: None is let through to GLPI.

`TOKEN` stands for a well-formed session token.
"""

from __future__ import annotations

from dataclasses import dataclass, field

T = "a" * 32
SAME = {"Sec-Fetch-Site": "same-origin", "Session-Token": T}
JSON = {**SAME, "Content-Type": "application/json"}
FILES = {**SAME, "Content-Type": "multipart/form-data; boundary=x"}


@dataclass(frozen=True)
class Case:
    status: int | None
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=lambda: dict(SAME))
    body: bytes = b""

    def __str__(self) -> str:
        kept = ", ".join(f"{k}: {v}" for k, v in self.headers.items() if (k, v) not in SAME.items())
        return f"{self.method} {self.target}{f' + {kept}' if kept else ''} → {self.status or 'GLPI'}"


def without(name: str, headers: dict[str, str] = SAME) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k != name}


GOES = [
    *(
        f"/portal/api/Ticket/4{rest}"
        for rest in (
            "",
            "/ITILFollowup",
            "/ITILSolution",
            "/Ticket_User",
            "/Group_Ticket",
            "/TicketSatisfaction",
            "?with_documents=true",
            "?range=0-1",
            "?range=0-1%26debug=2",
        )
    ),
    *(
        f"/panel/api/Ticket/4/{kind}"
        for kind in ("TicketTask", "Group_Ticket", "Problem_Ticket", "Change_Ticket", "Item_Ticket")
    ),
    "/portal/api/search/Ticket?criteria[0][field]=12&criteria%5B0%5D%5Bvalue%5D=notold&forcedisplay[0]=2&sort=19&order=DESC&range=0-49",
    "/portal/api/getFullSession",
    "/panel/api/getFullSession",
    "/panel/api/search/User?range=0-9",
    "/panel/api/search/Problem",
    "/panel/api/Profile_User?range=0-999&add_keys_names[]=users_id",
    "/portal/api/KnowbaseItem/3",
    "/panel/api/Problem/1",
    "/panel/api/Change/1",
    "/portal/file?docid=1&itemtype=Ticket&items_id=4",
    "/panel/file?docid=1&itemtype=Ticket&items_id=4",
    "/portal/api/Ticket/9999999999",
]
NOT_A_ROUTE = [
    *(
        f"/portal/api/{rest}"
        for rest in (
            "Document",
            "Document/7",
            "Document/7?alt=media",
            "%44ocument/7",
            "Ticket/4/Document/7",
            "Ticket/4/Document",
            "Ticket/4/Document_Item",
            "Ticket/4/../../Document/7",
            "Ticket/4/%2e%2e/%2e%2e/Document/7",
            "../api/User",
            "%2e%2e/front/central.php",
            "/Document/7",
            "Ticket//4",
            "Ticket%2f4",
            "./Ticket/4",
            "Ticket/4/",
            "Ticket/4;x",
            "Ticket/4%00",
            "",
            "User",
            "getGlpiConfig",
            "getMultipleItems",
            "listSearchOptions/Ticket",
            "search/User",
            "search/Problem",
            "Ticket/",
            "Ticket",
            "api/Ticket/4",
            "Ticket/04",
            "Ticket/0",
            "Ticket/-1",
            "Ticket/abc",
            "Ticket/10000000000",
            "KnowbaseItem",
            "KnowbaseItem/",
            "search/KnowbaseItem",
            "Config",
            "APIClient",
            "lostPassword",
            "initSession",
            "Ticket/4/TicketTask",
            "Profile_User",
            "ticket/4",
            "search/ticket",
            "Ticket/4/ITILFollowup/1",
        )
    ),
    *(
        f"/panel/api/{rest}"
        for rest in (
            "Document",
            "Config",
            "getGlpiConfig",
            "KnowbaseItem",
            "User",
            "User/2",
            "Ticket/4/User",
            "Profile_User/1",
            "Profile",
        )
    ),
    "/portal/file",
    "/portal/file?docid=7",
    "/portal/file?docid=7&tickets_id=4",
    "/portal/file?file=_pictures/x.png",
    "/portal/file?docid=6&itemtype=Ticket&items_id=4&context=x",
    "/portal/file?docid=6&itemtype=User&items_id=4",
    "/portal/file/x?docid=6&itemtype=Ticket&items_id=4",
    "/portal/fileX?docid=6&itemtype=Ticket&items_id=4",
    "//portal/api/Ticket/4",
    "/portal//api/Ticket/4",
    "/portal/api",
    "/apirest.php/Ticket/4",
    "/apirest.php",
    "/front/document.send.php?docid=6",
    "/front/central.php",
    "/api.php/v1/Ticket/4",
    "/portal/../apirest.php/",
    "/portal/x.html",
    "/portal/de/",
    "/assets/",
    "/assets/0123456789ab/",
    "/assets/0123456789ab/../../x.js",
    "/data/other.json",
    "/manifest.json",
    "/index.php",
    "/.htaccess",
    "/refused/404.json",
]
BAD_QUERY = [
    "session_token=x",
    "app_token=x",
    "debug=2",
    "DEBUG=2",
    "%64ebug=2",
    "user.token=x",
    "session%5ftoken=x",
    "range=0-1;debug=2",
    "range=0-1&debug=2",
    "session_write=true",
    "login=a&password=b",
    "user_token=x",
    "giveItems=true",
    "rawdata=1",
    "only_id=1",
    "x",
    "criteria[0][meta]=1",
]
OWN = "/portal/api/Ticket/4"
CASES = [
    *(Case(None, "GET", target) for target in GOES),
    *(Case(404, "GET", target) for target in NOT_A_ROUTE),
    *(Case(400, "GET", f"{OWN}?{query}") for query in BAD_QUERY),
    *(Case(404, method, OWN) for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "LOCK")),
    Case(None, "PUT", "/panel/api/Ticket/4", JSON, b"{}"),
    Case(404, "PUT", "/panel/api/Ticket", JSON, b"{}"),
    Case(404, "DELETE", "/panel/api/Ticket/4"),
    Case(None, "DELETE", "/panel/api/Ticket_User/4"),
    Case(415, "DELETE", "/panel/api/Ticket_User/4", JSON, b'{"input": {"id": 5}}'),
    Case(None, "DELETE", "/panel/api/Ticket_User", JSON, b'{"input": [{"id": 4}]}'),
    Case(415, "DELETE", "/panel/api/Ticket_User", {**SAME, "Content-Type": "text/plain"}, b"x"),
    Case(404, "DELETE", "/panel/api/Ticket", JSON, b'{"input": [{"id": 4}]}'),
    Case(404, "DELETE", "/portal/api/Ticket_User", JSON, b'{"input": [{"id": 4}]}'),
    Case(404, "POST", "/portal/api/Ticket_User", JSON, b"{}"),
    Case(404, "POST", "/portal/api/Profile_User", JSON, b"{}"),
    Case(None, "POST", "/panel/api/Profile_User", JSON, b"{}"),
    Case(404, "POST", "/portal/api/Document", FILES, b"x"),
    Case(404, "POST", "/panel/api/Document", FILES, b"x"),
    Case(None, "GET", OWN, {**SAME, "Sec-Fetch-Site": "none"}),
    Case(None, "GET", OWN, without("Sec-Fetch-Site")),
    Case(403, "GET", OWN, {**SAME, "Sec-Fetch-Site": "cross-site"}),
    Case(403, "GET", OWN, {**SAME, "Sec-Fetch-Site": "same-site"}),
    Case(403, "GET", OWN, {**SAME, "Sec-Fetch-Site": "SAME-ORIGIN"}),
    Case(403, "GET", OWN, {**SAME, "Sec-Fetch-Site": "same-origin, cross-site"}),
    Case(
        403,
        "POST",
        "/portal/api/initSession",
        {**without("Session-Token", JSON), "Sec-Fetch-Site": "cross-site"},
        b"{}",
    ),
    Case(401, "GET", OWN, without("Session-Token")),
    Case(401, "GET", OWN, {**SAME, "Session-Token": "short"}),
    Case(401, "GET", OWN, {**SAME, "Session-Token": "a" * 21 + "/"}),
    Case(401, "GET", "/portal/file?docid=1&itemtype=Ticket&items_id=4", without("Session-Token")),
    Case(None, "GET", OWN, {**SAME, "App-Token": "wrong"}),
    Case(400, "GET", OWN, {**SAME, "Connection": "App-Token"}),
    Case(400, "GET", OWN, {**SAME, "Connection": "keep-alive, Session-Token"}),
    Case(None, "POST", "/portal/api/initSession", without("Session-Token", JSON), b"{}"),
    Case(415, "POST", "/portal/api/initSession", without("Session-Token"), b"{}"),
    Case(415, "POST", "/portal/api/initSession", without("Session-Token", FILES), b"x"),
    Case(None, "POST", "/portal/api/Ticket", JSON, b"{}"),
    Case(415, "POST", "/portal/api/Ticket", FILES, b"x"),
    Case(415, "POST", "/portal/api/Ticket", {**SAME, "Content-Type": "text/plain"}, b"{}"),
    Case(415, "POST", "/portal/api/Ticket", {**SAME, "Content-Type": "application/x-www-form-urlencoded"}, b"a=b"),
    Case(415, "POST", "/portal/api/Ticket", SAME, b"{}"),
    Case(None, "POST", "/portal/api/ITILFollowup", FILES, b"x"),
    Case(None, "POST", "/portal/api/ITILFollowup", JSON, b"{}"),
    Case(401, "POST", "/portal/api/ITILFollowup", without("Session-Token", FILES), b"x"),
    Case(413, "POST", "/portal/api/ITILFollowup", {**FILES, "Content-Length": "21000000"}),
    Case(413, "POST", "/portal/api/Ticket", {**JSON, "Content-Length": "999999999999"}),
    Case(411, "POST", "/portal/api/Ticket", {**JSON, "Transfer-Encoding": "chunked"}, b"2\r\n{}\r\n0\r\n\r\n"),
]
