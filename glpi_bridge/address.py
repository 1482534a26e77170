"""Addresses in bridge.yml: what people copy from a browser, made into the one form that the clients use. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from glpi_bridge.units import Mistake, shown


def address(value: object, schemes: tuple[str, ...] = ("http", "https"), *, hostless: bool = False) -> SplitResult:
    """Take an address apart; what is wrong is told without repeating a password in it."""
    if not isinstance(value, str):
        raise Mistake(f"{shown(value)} is not an address", "write it as https://host.example.org/path")
    try:
        parts = urlsplit(value.strip())
        has_password, host, _port = parts.password is not None, parts.hostname, parts.port
    except ValueError as error:
        raise Mistake(f"the address is broken: {error}", "write it as https://host.example.org/path") from None
    if parts.scheme not in schemes or not (host or hostless):
        named = "the address" if "@" in value else shown(value)
        raise Mistake(f"{named} is not an address of {' or '.join(schemes)}", f"write it as {schemes[-1]}://host/path")
    if has_password:
        raise Mistake("the address holds a password", "take it out: secrets are read from files")
    if re.search(r"\s", value.strip()):
        raise Mistake("the address holds a blank", "remove it")
    return parts


def front(value: object, ends: tuple[str, ...]) -> str:
    """Return the address without what people copy along: the page, the query, end slashes."""
    parts = address(value)
    if parts.username is not None:
        raise Mistake("the address holds a user name", "take it out: the bridge signs in with its token")
    path = re.sub(r"/+", "/", parts.path).rstrip("/")
    for end in ends:
        if path.endswith("/" + end):
            path = path.removesuffix("/" + end)
            break
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}"


def glpi_url(value: object) -> str:
    """Normalise the address of GLPI's API: with or without `apirest.php`, `api.php/v1`, end slashes."""
    base = front(value, ("apirest.php", "api.php/v1", "api.php", "index.php"))
    is_new_door = re.search(r"/api\.php(/v1)?/*$", urlsplit(str(value).strip()).path)
    return f"{base}/api.php/v1" if is_new_door else f"{base}/apirest.php"


def zabbix_url(value: object) -> str:
    """Normalise the address of Zabbix's front end: with or without `api_jsonrpc.php`, `index.php`, end slashes."""
    return front(value, ("api_jsonrpc.php", "index.php", "zabbix.php"))


def proxy_url(value: object) -> str:
    """Read the address of a proxy."""
    parts = address(value, ("http", "https", "socks5", "socks5h"))
    return f"{parts.scheme}://{parts.netloc}"


def database_url(value: object) -> str:
    """Read the address of a MariaDB or MySQL database; its password is not part of it."""
    parts = address(value, ("mysql+pymysql", "mariadb+pymysql"), hostless=True)
    if not parts.path.strip("/"):
        raise Mistake("the address names no database", "write it as mysql+pymysql://user@host/database")
    return parts.geturl()


def pattern_of(*names: str) -> Callable[[object], str]:
    """Return the reader of an address that has places for these names, as in `{id}`."""

    def read_pattern(value: object) -> str:
        pattern = address(value).geturl()
        if unknown := set(re.findall(r"{(\w*)}", pattern)) - set(names):
            raise Mistake(f"{{{min(unknown)}}} is unknown in it", "use " + ", ".join(f"{{{n}}}" for n in names))
        return pattern

    return read_pattern


def trapper_address(value: object) -> tuple[str, int]:
    """Read where a Zabbix server takes values: `host`, `host:port` or `[IPv6]:port`; the port is 10051 if left out."""
    text = str(value).strip() if isinstance(value, str) else ""
    mistake = Mistake(f"{shown(value)} is not the address of a Zabbix server", "write it as 127.0.0.1 or host:10051")
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise mistake from None
    if not host or re.search(r"[\s/?#@]", text):
        raise mistake
    return host, port or 10051
