"""HTTP calls that end in time and say whether anything was sent; both API clients stand on this.

`session()` gives an ordinary `requests.Session`; every call through it has a total deadline, follows no redirect, reads
nothing from the environment (no proxy, no netrc) and fails with NotConnected, TlsFault, NoAnswer or DeadlineExceeded.
An answer of any status is returned as it is: what it means is the reader's business.
"""

import http.client
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from glpi_bridge.errors import DeadlineExceeded, NoAnswer, NotConnected, TargetError

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED (openssl/x509_vfy.h)
_OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


class TlsFault(NotConnected):
    """The other side's certificate or its TLS was not accepted: nothing was sent."""


def session(
    *,
    ca_file: str | os.PathLike[str] | None = None,
    proxy: str | None = None,
    no_proxy: Sequence[str] = (),
    connect_timeout: float = 5.0,
    total_timeout: float = 30.0,
    user_agent: str = "glpi-bridge",
    target: str = "",
) -> requests.Session:
    """Give a session whose calls end within `total_timeout` seconds, name look-up excepted.

    A call's own `timeout=` (seconds) replaces the total. `ca_file` is trusted instead of the system's CAs. `proxy` is a
    URL; `no_proxy` lists what goes direct: a host or domain, an address, a network, `*`. `target` ("GLPI", "Zabbix")
    goes into the errors. OSError or ssl.SSLError when `ca_file` cannot be read. One session for each thread.
    """
    made = _Session()
    made.trust_env = False  # else a ~/.netrc replaces the Authorization header, and the environment picks the proxy
    made.headers["User-Agent"] = user_agent
    adapter = _Adapter(
        target=target,
        ca_file=ca_file,
        proxy=proxy,
        no_proxy=no_proxy,
        connect_timeout=connect_timeout,
        total_timeout=total_timeout,
    )
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def proxy_for(url: str, proxy: str | None, no_proxy: Sequence[str] = ()) -> str | None:
    """Tell the proxy a call to `url` goes through, or None when it goes direct."""
    host = (urlsplit(url).hostname or "").lower()
    return None if proxy is None or any(_covers(entry.strip().lower(), host) for entry in no_proxy) else proxy


def _covers(entry: str, host: str) -> bool:
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        domain = entry.removeprefix("*").lstrip(".")
        return bool(domain) and (host == domain or host.endswith("." + domain))


class _Call:
    """One call under its deadline: whether it sent anything, and the socket to shut when the time is up.

    A read time-out restarts with every byte, so only a clock outside the reading ends a server that dribbles.
    """

    def __init__(self, total_seconds: float) -> None:
        self.sent = False
        self.expired = False
        self.watching = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(total_seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._release()

    def watch(self, connected: Any) -> None:
        """Keep a duplicate of this socket: TLS takes the original over, `Connection: close` closes it early."""
        with self._lock:
            self._release()
            self._socket = socket.socket(fileno=os.dup(connected.fileno()))
            self.watching = True
            if self.expired:
                self._shut()

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the other side closed it already
                self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


_current: ContextVar[_Call] = ContextVar("_current")
_when_sent: ContextVar[Callable[[], None]] = ContextVar("_when_sent", default=lambda: None)


def when_sent(tell: Callable[[], None]) -> None:
    """Have `tell` called whenever a call of this thread has sent its whole request and waits for the answer."""
    _when_sent.set(tell)


class _Connection(HTTPConnection):
    """A connection that shows its socket to the current call, and marks the first byte of a request."""

    _connecting = False

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        _current.get().watch(made)
        return made

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not self._connecting:  # what goes out while connecting is only the CONNECT to a proxy
            call = _current.get()
            if not call.watching:
                call.watch(self.sock)
            call.sent = True
        super().send(data)

    def getresponse(self) -> Any:
        _when_sent.get()()
        return super().getresponse()


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Session(requests.Session):
    """A session that hands redirects to its caller: a POST that follows one arrives as a GET."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  # the signature is requests'
        return None


class _Adapter(HTTPAdapter):
    """The deadline, the proxy's exceptions, the CA file and the typed errors."""

    def __init__(
        self,
        *,
        target: str,
        ca_file: str | os.PathLike[str] | None,
        proxy: str | None,
        no_proxy: Sequence[str],
        connect_timeout: float,
        total_timeout: float,
    ) -> None:
        self._target = target
        self._ca_file = None if ca_file is None else os.fspath(ca_file)
        self._tls = None if ca_file is None else _context(self._ca_file)
        self._proxy, self._no_proxy = proxy, tuple(no_proxy)
        self._connect, self._total = connect_timeout, total_timeout
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **kwargs)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            _watch_pools(manager)
        return manager

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        where, how = super().build_connection_pool_key_attributes(request, verify, cert)
        if where["scheme"] == "https":
            if self._tls is None:  # loading the system's CAs takes a while: only when they are needed
                self._tls = _context(None)
            how["ssl_context"] = self._tls
        return where, how

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the CAs to the context made here; requests would add certifi's to them."""

    def send(  # the signature is requests'; what this adapter decides itself is not asked of the caller
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: Any = None,
        verify: Any = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Any = None,  # noqa: ARG002
    ) -> requests.Response:
        """Send, and read the whole answer, within the deadline; a TargetError when there is none."""
        total = float(timeout) if isinstance(timeout, int | float) else self._total
        connect = min(self._connect, total)
        url = str(request.url)
        proxy = proxy_for(url, self._proxy, self._no_proxy)
        via = None if proxy is None else {"http": proxy, "https": proxy}
        call = _Call(total)
        token = _current.set(call)
        fault: Exception | None = None
        try:
            with call:
                answer = super().send(request, True, (connect, total), True, None, via)
                answer.content  # noqa: B018  # the body is part of the call: its bytes count against the deadline
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            fault = error
        finally:
            _current.reset(token)
        if fault is not None or call.expired:  # shut by us, an answer without a length looks complete
            raise self._told(fault, call, url=url, proxy=proxy, connect=connect, total=total) from fault
        return answer

    def _told(
        self, fault: Exception | None, call: _Call, *, url: str, proxy: str | None, connect: float, total: float
    ) -> TargetError:
        host = _place(url)
        way = host if proxy is None else f"{host} (through the proxy {_place(proxy)})"
        chain = list(_causes(fault))
        late = call.expired or any(isinstance(one, urllib3.exceptions.ReadTimeoutError) for one in chain)
        if call.sent and late:
            return DeadlineExceeded(f"{way} gave no whole answer within {total:g} s", target=self._target)
        if call.sent:
            return NoAnswer(f"{way} broke off without a whole answer: {_last_words(chain)}", target=self._target)
        if late:
            return NotConnected(f"{way} could not be reached within {total:g} s", target=self._target)
        for one in chain:
            if isinstance(one, ssl.SSLError):
                return TlsFault(_tls_words(one, way, self._ca_file), target=self._target)
        return NotConnected(f"{way} cannot be reached: {_connect_words(chain, connect)}", target=self._target)


def _watch_pools(manager: Any) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def _context(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if ca_file is None:
        context.load_verify_locations(certifi.where())  # a slim system has no CAs of its own
    return context


def _place(url: str) -> str:
    """Name host and port only: a proxy's URL holds its password."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    name = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else (parts.hostname or "?")
    try:
        port = parts.port
    except ValueError:
        return name
    return f"{name}:{port or {'https': 443}.get(parts.scheme, 80)}"


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """Walk what requests and urllib3 wrapped, outermost first."""
    seen: set[int] = set()
    waiting = [fault]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def _last_words(chain: Sequence[BaseException]) -> str:
    plain = [one for one in chain if isinstance(one, OSError | http.client.HTTPException) and not _wrapped(one)]
    return f"{type(plain[0]).__name__}: {plain[0]}" if plain else str(chain[0])


def _wrapped(one: BaseException) -> bool:
    return isinstance(one, requests.RequestException | urllib3.exceptions.HTTPError)


def _connect_words(chain: Sequence[BaseException], connect: float) -> str:
    for one in chain:
        if isinstance(one, socket.gaierror):
            return f"its name is not known here ({one.strerror or one})"
        if isinstance(one, ConnectionRefusedError):
            return "connection refused; is the service running there, and the port right?"
        if isinstance(one, TimeoutError) or type(one) is urllib3.exceptions.ConnectTimeoutError:
            return f"no connection within {connect:g} s; is a firewall between?"
    return _last_words(chain)


def _tls_words(fault: ssl.SSLError, way: str, ca_file: str | None) -> str:
    if not isinstance(fault, ssl.SSLCertVerificationError):
        return f"{way} and we do not agree on TLS ({fault.reason or fault}); does that port speak https at all?"
    if fault.verify_code == _EXPIRED:
        return f"the certificate of {way} has expired; renew it there"
    if fault.verify_code in _OTHER_NAME:
        return f"the certificate of {way} is for another name ({fault.verify_message}); write that name in its url"
    trusted = (
        "set ca_file to the CA that signed it" if ca_file is None else f"ca_file is {ca_file}: is it the right CA?"
    )
    return f"the certificate of {way} is not trusted ({fault.verify_message}); {trusted}"
