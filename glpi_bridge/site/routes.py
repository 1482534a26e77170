"""Which requests the sites' web server passes on: one list, judged here and, the same, in Apache (`apache`).

Both judge the request line as it was sent, not decoded and not normalised: plain names and digits only, so that a path
in any other spelling is none of the list's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

import yaml

from glpi_bridge import share

SITES: Final = ("portal", "panel")
NUMBER: Final = "[1-9][0-9]{0,9}"
LARGEST_BODY: Final = 20_999_999
"""Bytes; what `LENGTH` lets through."""

_LANGUAGES: Final = "es|en|fr"
PAGES: Final = (
    f"(?:GET|HEAD) /(?:(?:portal|panel)/(?:(?:{_LANGUAGES})/)?|portal|panel)?(?:\\?[^ ]*)?",
    r"(?:GET|HEAD) /assets/[0-9a-f]{12}/[a-z0-9-]+\.(?:js|css|svg|json)",
    r"(?:GET|HEAD) /data/(?:catalog|kb)\.json",
    r"(?:GET|HEAD) /panel/health\.json",
    r"(?:GET|HEAD) /favicon\.ico",
)
FILE: Final = f"GET /(?:portal|panel)/file\\?docid={NUMBER}&itemtype=(?:Ticket|Problem|Change)&items_id={NUMBER}"
_INDEX: Final = r"(?:\[|%5[Bb])[0-9]{0,3}(?:\]|%5[Dd])"
_PART: Final = r"(?:\[|%5[Bb])(?:field|searchtype|value|link)(?:\]|%5[Dd])"
_KEYS: Final = (
    "range", "sort", "order", "is_deleted", "expand_dropdowns", "with_documents", "get_hateoas", "docid", "itemtype",
    "items_id", f"add_keys_names{_INDEX}", f"forcedisplay{_INDEX}", f"criteria{_INDEX}{_PART}",
)  # fmt: skip
QUERY: Final = f"^(?:(?:{'|'.join(_KEYS)})=[^&;]*(?:&|$))*$"
SAME_SITE: Final = "^(?:same-origin|none)?$"
TOKEN: Final = "^[a-zA-Z0-9,-]{22,128}$"  # noqa: S105  # its form
CONNECTION: Final = "^(?:[Kk]eep-[Aa]live|[Cc]lose)?$"
LENGTH: Final = "^(?:[0-9]{0,7}|1[0-9]{7}|20[0-9]{6})$"
WITH_BODY: Final = "^(?:(?:POST|PUT):|DELETE:[1-9])"
"""Method and length of what must say what it sends."""
JSON: Final = "application/json(?:;|$)"
FILES: Final = "multipart/form-data; ?boundary="

REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("SITE_BAD_REQUEST", "This request is not in a form that the site sends."),
    401: ("ERROR_SESSION_TOKEN_MISSING", "Nobody is signed in."),
    403: ("SITE_OTHER_PAGE", "Only the site's own pages may ask this."),
    404: ("SITE_NO_ROUTE", "This address is not among those the site uses."),
    411: ("SITE_NO_LENGTH", "The length of the request is missing."),
    413: ("SITE_TOO_LARGE", "More than 20 MB cannot be sent at once."),
    415: ("SITE_BODY", "This kind of content is not taken here."),
    502: ("SITE_GLPI_AWAY", "GLPI does not answer."),
    503: ("SITE_GLPI_AWAY", "GLPI does not answer."),
    504: ("SITE_GLPI_LATE", "GLPI did not answer in time."),
}
"""What a refused request is answered, as GLPI writes its errors: a code, a sentence."""


class Body(Enum):
    """What a route may be sent."""

    JSON = "json"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of request: who may send it, to which address below `api/`, with what."""

    sites: tuple[str, ...]
    method: str
    path: str
    bodies: tuple[Body, ...] = ()
    session: bool = True

    @property
    def pattern(self) -> str:
        """The path below `api/` as a regular expression."""
        return re.sub(r"\bID\b", NUMBER, self.path)


@cache
def routes() -> tuple[Route, ...]:
    """Read config/apache/routes.yml."""
    rows = yaml.safe_load(share.path("config", "apache", "routes.yml").read_text("utf-8"))
    return tuple(
        Route(
            SITES if row["sites"] == "both" else (row["sites"],),
            row["method"],
            row["path"],
            tuple(Body(name) for name in row.get("body", ())),
            row.get("session", True),
        )
        for row in rows
    )


def request_lines(all_routes: Sequence[Route]) -> list[str]:
    """Return the patterns of which a request's method and target must match one whole."""
    lines = [*PAGES, FILE]
    for site in SITES:
        for method in ("GET", "POST", "PUT", "DELETE"):
            paths = [one.pattern for one in all_routes if site in one.sites and one.method == method]
            query = r"(?:\?[^ ]*)?" if method == "GET" else ""
            lines += [f"{method} /{site}/api/(?:{'|'.join(paths)}){query}"] if paths else []
    return lines


def paths_that_take(body: Body, all_routes: Sequence[Route]) -> list[str]:
    """Return patterns `METHOD:/site/api/path` of the routes that may be sent this."""
    return [f"{one.method}:/(?:{'|'.join(one.sites)})/api/{one.pattern}" for one in all_routes if body in one.bodies]


def verdict(method: str, target: str, headers: Mapping[str, str]) -> int | None:
    """Return the status a request is refused with, None where it is let through.

    `headers` have lower-case names. The order is that of Apache's rules.
    """
    if not any(re.fullmatch(one, f"{method} {target}") for one in request_lines(routes())):
        return 404
    path, _, query = target.partition("?")
    if not re.match(r"/(?:portal|panel)/(?:api/|file)", path):
        return None
    name = path.removeprefix("/portal/api/").removeprefix("/panel/api/")
    is_open = any(one.path == name and not one.session for one in routes())
    kind = f"{method}:{path}:{headers.get('content-type', '')}"
    length = headers.get("content-length", "")
    checks = (
        (400, re.search(QUERY, query)),
        (403, re.search(SAME_SITE, headers.get("sec-fetch-site", ""))),
        (401, is_open or re.search(TOKEN, headers.get("session-token", ""))),
        (400, re.search(CONNECTION, headers.get("connection", ""))),
        (411, "transfer-encoding" not in headers),
        (413, re.search(LENGTH, length)),
        (415, not re.search(WITH_BODY, f"{method}:{length}") or any(re.match(k, kind) for k in body_kinds(routes()))),
    )
    return next((status for status, is_fine in checks if not is_fine), None)


def body_kinds(all_routes: Sequence[Route]) -> list[str]:
    """Return patterns of `METHOD:path:content type` that may be sent."""
    pairs = ((Body.JSON, JSON), (Body.FILES, FILES))
    return [f"^(?:{'|'.join(paths_that_take(body, all_routes))}):{kind}" for body, kind in pairs]


def refusal(status: int) -> str:
    """Return the JSON a refused request is answered with."""
    return json.dumps(list(REFUSALS[status]))
