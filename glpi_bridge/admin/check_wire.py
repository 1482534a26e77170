"""The way to GLPI: the layer at fault, whether it is the API, whether it wants our App-Token, which version it is."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import requests

from glpi_bridge import build, http
from glpi_bridge.admin.finding import Line, fault, ok, warning
from glpi_bridge.config import Settings, Target
from glpi_bridge.errors import Held, NotConnected, Refused, TargetError, UnclearAnswer
from glpi_bridge.glpi import Credentials, Glpi

TESTED = ((10, 0), (11, 0))
"""The versions of GLPI (major, minor) that the bridge was tried on."""

_ALIASES = ("/apirest.php", "/glpi/apirest.php", "/public/apirest.php", "/glpi/public/apirest.php", "/api.php/v1")


def way(thing: str, target: Target, url: str) -> Line:
    """Say by which way a server is reached."""
    proxy = http.proxy_for(url, target.proxy, target.no_proxy)
    trust = "" if target.ca_file is None else f", certificates of {target.ca_file}"
    if proxy is not None:
        return ok(f"{thing} way", f"{url} through the proxy {proxy}{trust}")
    excepted = " (its host is in no_proxy)" if target.proxy is not None else ""
    return ok(f"{thing} way", f"{url} directly{excepted}{trust}")


def unreachable(settings: Settings, error: TargetError) -> Line:
    """Name the layer at fault."""
    text = str(error)
    if isinstance(error, http.TlsFault):
        return fault("GLPI TLS", text)
    if isinstance(error, NotConnected):
        return fault("GLPI name" if "name is not known" in text else "GLPI connection", text)
    if isinstance(error, Held):
        layer = "GLPI address" if " redirects to " in text else "GLPI log-in"
        return fault(layer, text)
    if isinstance(error, UnclearAnswer | Refused) and (place := _elsewhere(settings)) is not None:
        return fault("GLPI address", text, f"GLPI's API answers at {place}: set glpi.url to that")
    return fault("GLPI answer", text)


def _elsewhere(settings: Settings) -> str | None:
    """Look for the API at the usual places of that host; no token is sent there."""
    parts = urlsplit(settings.glpi.url)
    wire = build.wire(settings.glpi, "GLPI")
    for path in _ALIASES:
        url = f"{parts.scheme}://{parts.netloc}{path}"
        if url != settings.glpi.url and _is_api(wire, url):
            return url
    return None


def _is_api(wire: requests.Session, url: str) -> bool:
    """Without a log-in GLPI's API answers with one of its codes."""
    try:
        answer = wire.get(f"{url}/initSession")
        told = answer.json()
    except (TargetError, ValueError, requests.RequestException):
        return False
    return isinstance(told, list) and bool(told) and str(told[0]).startswith("ERROR")


def with_app_token(settings: Settings) -> str:
    """Say that the App-Token was taken too, where there is one."""
    return "" if settings.glpi.app_token_file is None else " and App-Token"


def check_app_token(settings: Settings) -> Iterator[Line]:
    """Where an App-Token is set, a call without it must be refused, else it protects nothing."""
    if settings.glpi.app_token_file is None:
        yield ok("GLPI App-Token", "none is set, and GLPI asks for none")
        return
    token = settings.glpi.user_token()
    bare = Glpi(settings.glpi.url, lambda: Credentials(user_token=token), build.wire(settings.glpi, "GLPI"))
    try:
        bare.login()
    except Held:
        yield ok("GLPI App-Token", "a call without it is refused")
        return
    finally:
        bare.close()
    yield fault(
        "GLPI App-Token",
        "GLPI lets calls in without it although glpi.app_token_file is set",
        "in Setup > General > API look for another API client that covers our address without an App-Token, and renew "
        "the App-Token of ours",
    )


def check_version(client: Glpi) -> Iterator[Line]:
    """Tell the version, and whether it was tried."""
    shown = ".".join(str(number) for number in client.version)
    if client.version[:2] in TESTED:
        yield ok("GLPI version", f"{shown}, a tested one")
    else:
        tested = ", ".join(f"{major}.{minor}" for major, minor in TESTED)
        yield warning("GLPI version", f"{shown} was not tried; tested are {tested}", "try `glpi-bridge check --ticket`")
