"""The deadline, the typed errors, the proxy and the CA file of `glpi_bridge.http`, against real sockets."""

import contextlib
import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glpi_bridge import context
from glpi_bridge.errors import DeadlineExceeded, NoAnswer, NotConnected
from glpi_bridge.http import TlsFault, proxy_for, session, when_sent

TLS = Path(__file__).parent / "tls"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
Answer = Callable[[socket.socket, threading.Event], None]


class Server:
    """One scripted answer for each request; `requests` holds what arrived."""

    def __init__(self, answer: Answer, *, certificate: str | None = None) -> None:
        self.answer, self.requests, self.over = answer, [], threading.Event()
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(TLS / certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}/path"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connected,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connected: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connected):
            talk = self._context.wrap_socket(connected, server_side=True) if self._context else connected
            with contextlib.closing(talk):
                while request := self._read(talk):
                    self.requests.append(request)
                    self.answer(talk, self.over)

    @staticmethod
    def _read(talk: socket.socket) -> bytes:
        got, length = b"", 0
        while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < length:
            more = talk.recv(65536)
            if not more:
                return b""
            got += more
            found = re.search(rb"content-length: (\d+)", got.lower())
            length = int(found[1]) if found else 0
        return got

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(answer: Answer, **how: str) -> Server:
        running.append(Server(answer, **how))
        return running[-1]

    yield start
    for server in running:
        server.close()


def says(text: bytes) -> Answer:
    return lambda talk, over: talk.sendall(text)


def dribbles(first: bytes) -> Answer:
    def answer(talk: socket.socket, over: threading.Event) -> None:
        talk.sendall(first)
        while not over.wait(0.02):
            talk.sendall(b"x")

    return answer


def says_and_closes(text: bytes) -> Answer:
    def answer(talk: socket.socket, over: threading.Event) -> None:
        talk.sendall(text)
        talk.shutdown(socket.SHUT_RDWR)

    return answer


def test_an_answer_comes_back_whole_whatever_its_status(serve):
    server = serve(says(b"HTTP/1.1 418 Odd\r\nContent-Length: 2\r\n\r\nno"))
    with session() as calls:
        answer = calls.get(server.url)
    assert (answer.status_code, answer.content) == (418, b"no")


@pytest.mark.field("F33")
@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", id="header that never ends"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", id="long body byte by byte"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", id="body without a length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n", id="chunk byte by byte"),
    ],
)
@pytest.mark.parametrize("certificate", [None, "server.pem"])
def test_a_server_that_sends_byte_by_byte_ends_at_the_total_deadline(serve, first, certificate):
    server = serve(dribbles(first), certificate=certificate)
    with (
        session(ca_file=TLS / "ca.pem", total_timeout=0.3) as calls,
        pytest.raises(DeadlineExceeded, match=r"127\.0\.0\.1:\d+ gave no whole answer within 0.3 s"),
    ):
        calls.post(server.url)


@pytest.mark.field("F33")
def test_a_server_that_never_answers_ends_at_the_total_deadline(serve):
    server = serve(lambda talk, over: over.wait(60))
    with session(total_timeout=0.2) as calls, pytest.raises(DeadlineExceeded):
        calls.post(server.url)


def test_the_deadline_holds_on_a_connection_that_is_used_again(serve):
    turns = iter([says(OK), dribbles(b"HTTP/1.1 200 OK\r\nX-Slow: ")])

    def in_turn(talk: socket.socket, over: threading.Event) -> None:
        next(turns)(talk, over)

    server = serve(in_turn)
    with session(total_timeout=5) as calls:
        assert calls.get(server.url).text == "ok"
        with pytest.raises(DeadlineExceeded):
            calls.get(server.url, timeout=0.2)
    assert len(server.requests) == 2


def test_a_call_may_bring_its_own_total(serve):
    server = serve(lambda talk, over: over.wait(60))
    with session(total_timeout=60) as calls, pytest.raises(DeadlineExceeded, match=r"within 0\.1 s"):
        calls.get(server.url, timeout=0.1)


def test_a_handshake_that_never_ends_has_sent_nothing():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        session(total_timeout=0.2) as calls,
        pytest.raises(NotConnected, match=r"could not be reached within 0\.2 s"),
    ):
        calls.get(f"https://127.0.0.1:{silent.getsockname()[1]}/")


def test_a_refused_connection_has_sent_nothing():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with session(target="GLPI") as calls, pytest.raises(NotConnected, match="connection refused") as caught:
        calls.get(f"http://127.0.0.1:{port}/")
    assert caught.value.target == "GLPI"
    assert caught.value.transient


def test_a_name_that_is_not_known_has_sent_nothing(monkeypatch):
    def unknown(*asked: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with session() as calls, pytest.raises(NotConnected, match=r"glpi\.example:443 cannot be reached: its name"):
        calls.get("https://glpi.example/")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", id="less than announced"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", id="half a chunk"),
        pytest.param(b"no http\r\n\r\n", id="not HTTP"),
    ],
)
def test_an_answer_that_breaks_off_may_have_had_its_effect(serve, text):
    server = serve(says_and_closes(text))
    with session() as calls, pytest.raises(NoAnswer, match="broke off without a whole answer") as caught:
        calls.post(server.url)
    assert not isinstance(caught.value, DeadlineExceeded)


def test_a_reset_after_the_request_may_have_had_its_effect(serve):
    def reset(talk: socket.socket, over: threading.Event) -> None:
        talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        talk.close()

    with session() as calls, pytest.raises(NoAnswer, match="ConnectionResetError"):
        calls.post(serve(reset).url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_handed_back_and_not_followed(serve, status):
    server = serve(says(b"HTTP/1.1 %d Moved\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n" % status))
    with session() as calls:
        answer = calls.post(server.url)
    assert (answer.status_code, answer.headers["Location"], len(server.requests)) == (status, "/else", 1)


def test_nothing_is_taken_from_the_environment(serve, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = serve(says(OK))
    with session() as calls:
        calls.get(server.url, headers={"Authorization": "Bearer ours"})
    assert b"Authorization: Bearer ours" in server.requests[0]


@pytest.mark.field("F09")
def test_calls_go_through_the_proxy_and_the_excepted_host_goes_direct(serve):
    proxy, server = serve(says(OK)), serve(says(OK))
    with session(proxy=f"http://127.0.0.1:{proxy.port}", no_proxy=["127.0.0.0/8"]) as calls:
        calls.get("http://glpi.example/apirest.php")
        calls.get(server.url)
    assert proxy.requests[0].startswith(b"GET http://glpi.example/apirest.php ")
    assert (len(proxy.requests), len(server.requests)) == (1, 1)


@pytest.mark.field("F09")
@pytest.mark.parametrize(
    ("entry", "url", "direct"),
    [
        ("glpi.example", "https://glpi.example/x", True),
        ("glpi.example", "https://GLPI.example:8443/x", True),
        ("example", "https://glpi.example/", True),
        (".example", "https://glpi.example/", True),
        ("*.example", "https://glpi.example/", True),
        ("*", "https://any.where/", True),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("::1", "http://[::1]:80/", True),
        ("lpi.example", "https://glpi.example/", False),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("", "https://glpi.example/", False),
        (".", "https://glpi.example/", False),
    ],
)
def test_the_exceptions_of_the_proxy_are_hosts_domains_and_networks(entry, url, direct):
    assert (proxy_for(url, "http://proxy:3128", [entry]) is None) is direct


@pytest.mark.field("F77")
def test_a_proxy_that_refuses_is_named_without_its_password(serve):
    proxy = serve(says_and_closes(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"))
    with (
        session(proxy=f"http://me:secret@127.0.0.1:{proxy.port}") as calls,
        pytest.raises(NotConnected, match=rf"through the proxy 127\.0\.0\.1:{proxy.port}.*407") as caught,
    ):
        calls.get("https://glpi.example/")
    assert "secret" not in "".join(str(one) for one in (caught.value, caught.value.__cause__))


def test_tls_through_a_proxy_checks_the_far_certificate(serve):
    server = serve(says(OK), certificate="server.pem")

    def tunnel(talk: socket.socket, over: threading.Event) -> None:
        talk.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with socket.create_connection(("127.0.0.1", server.port)) as far:
            back = threading.Thread(target=_pump, args=(far, talk))
            back.start()
            _pump(talk, far)
            back.join(10)

    proxy = serve(tunnel)
    with session(proxy=f"http://127.0.0.1:{proxy.port}", ca_file=TLS / "ca.pem") as calls:
        assert calls.get(server.url).text == "ok"
    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:")


def _pump(here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := here.recv(65536):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)


@pytest.mark.field("F80")
def test_a_private_ca_serves_from_the_first_call_and_without_it_the_setting_is_named(serve):
    server = serve(says(OK), certificate="server.pem")
    with session(ca_file=TLS / "ca.pem") as calls:
        assert calls.get(server.url).text == "ok"
    with session() as calls, pytest.raises(TlsFault, match=r"127\.0\.0\.1:\d+ is not trusted .*set ca_file"):
        calls.get(server.url)


@pytest.mark.field("F80")
@pytest.mark.parametrize(
    ("certificate", "words"), [("expired.pem", "has expired"), ("other-name.pem", "is for another name")]
)
def test_what_is_wrong_with_a_certificate_is_said(serve, certificate, words):
    server = serve(says(OK), certificate=certificate)
    with session(ca_file=TLS / "ca.pem") as calls, pytest.raises(TlsFault, match=words):
        calls.get(server.url)
    assert server.requests == []


def test_https_towards_a_plain_port_is_said(serve):
    server = serve(says(OK))
    with session(total_timeout=2) as calls, pytest.raises(NotConnected):
        calls.get(server.url.replace("http:", "https:"))


def test_a_ca_file_that_is_none_is_refused_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        session(ca_file=tmp_path / "missing.pem")
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ssl.SSLError):
        session(ca_file=tmp_path / "empty.pem")


def test_calls_leave_no_descriptor_behind(serve):
    server = serve(says(OK))
    with session() as calls:
        calls.get(server.url)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            calls.get(server.url)
        assert len(os.listdir("/proc/self/fd")) == before


def test_it_is_told_when_a_request_has_been_sent_and_waits_for_its_answer(serve):
    sent = threading.Event()

    def answer(talk: socket.socket, over: threading.Event) -> None:
        if sent.wait(30):
            talk.sendall(OK)

    server = serve(answer)

    def call() -> str:
        when_sent(sent.set)
        with session(total_timeout=20) as calls:
            return calls.post(server.url, data="x").text

    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(call).result() == "ok"


def test_what_starts_a_call_goes_on_when_the_request_has_left(serve, monkeypatch):
    monkeypatch.setattr(context, "_UNTIL_SENT", 600.0)  # else a call that never tells would do as well
    answered = threading.Event()

    def answer(talk: socket.socket, over: threading.Event) -> None:
        if answered.wait(30):
            talk.sendall(OK)

    server = serve(answer)
    with session(total_timeout=20) as calls:
        result = context.in_thread(lambda: [calls.post(server.url).text])
        answered.set()
        assert result() == ["ok"]


def test_what_starts_a_call_that_cannot_be_sent_hears_so(monkeypatch):
    monkeypatch.setattr(context, "_UNTIL_SENT", 600.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with session() as calls:
        result = context.in_thread(lambda: [calls.post(url)])
        with pytest.raises(NotConnected):
            result()
