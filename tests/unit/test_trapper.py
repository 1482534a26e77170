"""zabbix_sender's protocol: what is sent, and what of an answer is believed."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from glpi_bridge import trapper
from glpi_bridge.admin.health import KEY, Reporter, values
from glpi_bridge.admin.status import Spooled, Status
from glpi_bridge.config import Settings
from glpi_bridge.errors import DeadlineExceeded, NotConnected, TargetError, UnclearAnswer
from glpi_bridge.trapper import Taken, Value

GOOD = b'{"response":"success","info":"processed: 2; failed: 1; total: 3; seconds spent: 0.000055"}'


def framed(body: bytes, magic: bytes = b"ZBXD", flags: int = 1) -> bytes:
    return struct.pack("<4sBII", magic, flags, len(body), 0) + body


@contextmanager
def server(answer: bytes | None) -> Iterator[tuple[tuple[str, int], list[bytes]]]:
    """A server that takes one message and gives this answer, or none until the client goes."""
    got: list[bytes] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            got.append(connection.recv(65536))
            if answer is not None:
                connection.sendall(answer)
            else:
                connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname(), got
        thread.join(10)


def test_values_go_out_with_header_and_length_and_the_answer_is_counted() -> None:
    with server(framed(GOOD)) as (address, got):
        assert trapper.send(address, [Value("a", "k", "é")]) == Taken(2, 1)
    [message] = got
    assert message[:5] == b"ZBXD\x01"
    body = json.loads(message[13:])
    assert struct.unpack("<II", message[5:13]) == (len(message) - 13, 0)
    assert body == {"request": "sender data", "data": [{"host": "a", "key": "k", "value": "é"}]}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        framed(GOOD)[:20],
        framed(b"not json"),
        framed(b'{"response":"failed","info":"no"}'),
        framed(b'{"response":"success"}'),
        framed(b"[]"),
        framed(GOOD, flags=3),
        struct.pack("<4sBII", b"ZBXD", 1, 2**31, 0),
    ],
)
def test_whatever_is_no_answer_of_a_zabbix_server_is_unclear(answer: bytes) -> None:
    with server(answer) as (address, _), pytest.raises(UnclearAnswer):
        trapper.send(address, [Value("a", "k", "1")])


def test_a_server_that_says_nothing_ends_with_the_deadline() -> None:
    with server(None) as (address, _), pytest.raises(DeadlineExceeded, match="did not answer within"):
        trapper.send(address, [Value("a", "k", "1")], seconds=0.2)


def test_a_closed_port_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    with pytest.raises(NotConnected, match="no connection"):
        trapper.send(address, [Value("a", "k", "1")])


def test_what_is_not_known_is_left_out_and_nothing_waiting_is_zero() -> None:
    told = values(Status(at=1000.0, spool=Spooled(0, 0, None)))
    assert told == {"oldest": 0.0, "queue": 0, "in_doubt": 0, "drift": 0, "needs_person": 0}
    assert values(Status(at=1000.0, spool=Spooled(3, 0, 940.0), last_sync=990.0))["oldest"] == 60.0


def settings(tmp_path) -> Settings:
    health = {"server": "zabbix.example:10052", "host": "me"}
    zabbix = {"url": "https://z.example", "token_file": "./z", "health": health}
    data = {
        "glpi": {"url": "https://g.example", "user_token_file": "./g"},
        "zabbix": zabbix,
        "spool": str(tmp_path / "spool"),
        "store": str(tmp_path / "bridge.db"),
    }
    return Settings.from_mapping(data, directory=tmp_path, secrets=False)


def test_trouble_with_telling_is_logged_once_and_so_is_its_end(tmp_path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "spool" / "new").mkdir(parents=True)
    answers: list[Taken | TargetError] = [NotConnected("away"), NotConnected("away"), Taken(0, 1), Taken(1, 0)]
    sent = []

    def send(address, what):
        sent.append((address, what))
        answer = answers.pop(0)
        if isinstance(answer, TargetError):
            raise answer
        return answer

    reporter = Reporter(send)
    with caplog.at_level("INFO", logger="glpi_bridge.admin.health"):
        for _ in range(4):
            reporter.report(settings(tmp_path), 1000.0)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]
    address, [value] = sent[0]
    assert (address, value.host, value.key) == (("zabbix.example", 10052), "me", KEY)
    assert json.loads(value.value)["needs_person"] >= 1  # there is no store yet
