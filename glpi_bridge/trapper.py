"""Values for a Zabbix server (or proxy), by zabbix_sender's protocol: one connection, one message, one answer.

A message is `ZBXD`, a flag byte, the length and a reserved number (little-endian), then JSON (Zabbix manual, "Header").
"""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from glpi_bridge.errors import DeadlineExceeded, NoAnswer, NotConnected, UnclearAnswer

_HEADER = struct.Struct("<4sBII")
_MAGIC, _PLAIN = b"ZBXD", 1
_LONGEST_ANSWER = 65536
_INFO = re.compile(r"processed: (\d+); failed: (\d+)")
_ZABBIX = "Zabbix"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of an item of type trapper."""

    host: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Taken:
    """How many values the server took, and how many it has no item for (it knows new ones after a minute)."""

    processed: int
    failed: int


def packed(values: Sequence[Value]) -> bytes:
    """Return the message for values."""
    data = [{"host": one.host, "key": one.key, "value": one.value} for one in values]
    body = json.dumps({"request": "sender data", "data": data}).encode()
    return _HEADER.pack(_MAGIC, _PLAIN, len(body), 0) + body


def length_of(header: bytes) -> int:
    """Return how long the rest of an answer is; UnclearAnswer when this is not Zabbix."""
    try:
        magic, flags, length, _ = _HEADER.unpack(header)
    except struct.error:
        raise UnclearAnswer(f"an answer of {len(header)} bytes is too short", target=_ZABBIX) from None
    if magic != _MAGIC or flags != _PLAIN or length > _LONGEST_ANSWER:
        raise UnclearAnswer(f"an answer beginning {header[:8]!r} is not of a Zabbix server", target=_ZABBIX)
    return int(length)


def read(body: bytes) -> Taken:
    """Read the server's answer."""
    try:
        told = json.loads(body)
        info = _INFO.search(str(told["info"])) if told["response"] == "success" else None
    except (ValueError, KeyError, TypeError):
        info = None
    if info is None:
        raise UnclearAnswer(f"Zabbix answers {body[:200]!r} to values", target=_ZABBIX)
    return Taken(int(info[1]), int(info[2]))


def send(address: tuple[str, int], values: Sequence[Value], *, seconds: float = 3.0) -> Taken:
    """Send values and return what became of them; all of it ends within `seconds`, name look-up excepted."""
    place, end = f"{address[0]}:{address[1]}", time.monotonic() + seconds
    try:
        connection = socket.create_connection(address, timeout=seconds)
    except OSError as error:
        raise NotConnected(f"no connection to {place}: {error.strerror or error}", target=_ZABBIX) from error
    with connection:
        try:
            connection.sendall(packed(values))
            header = _received(connection, _HEADER.size, end)
            return read(_received(connection, length_of(header), end))
        except TimeoutError:
            raise DeadlineExceeded(f"{place} did not answer within {seconds:g} s", target=_ZABBIX) from None
        except OSError as error:
            raise NoAnswer(f"{place} broke the connection: {error.strerror or error}", target=_ZABBIX) from error


def _received(connection: socket.socket, wanted: int, end: float) -> bytes:
    """Read so many bytes, or what there is until the other side closes."""
    parts = b""
    while len(parts) < wanted:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        more = connection.recv(wanted - len(parts))
        if not more:
            break
        parts += more
    return parts
