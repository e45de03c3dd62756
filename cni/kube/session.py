"""Requests to one API server: bounded in time, streamed where they watch, every failure in the port's words."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import httpx2

from cni.cluster import ClusterAway, ClusterRefused
from cni.kube import tls
from cni.kube.connection import Connection, refused
from cni.kube.failures import failure

LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=4, keepalive_expiry=60.0)
# A peer that has vanished without a word is noticed within half a minute, by the kernel.
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
)
MERGE_PATCH = "application/merge-patch+json"
AGENT = "genie-agent"
CLOSED = "the agent stops, or has found another way to its cluster"
BROKEN = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. ``patch``: the body of a merge patch."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    patch: bytes = b""


class Session:
    """The requests over one connection. Safe for threads."""

    def __init__(self, connection: Connection, deadline: float, silence: float) -> None:
        """``deadline``: seconds that an answer may take; ``silence``: that a watch may be silent.

        Raises ClusterRefused.
        """
        self.connection = connection
        self._deadline = deadline
        self._silence = silence
        self._lock = threading.Lock()
        self._watching: set[socket.socket] = set()
        self._in_use = 0
        self._closed = False
        transport = httpx2.HTTPTransport(
            verify=tls.context(connection), trust_env=False, limits=LIMITS, socket_options=KEEPALIVE
        )
        try:
            self._http = httpx2.Client(
                base_url=connection.server, transport=transport, trust_env=False, headers={"User-Agent": AGENT}
            )
        except httpx2.InvalidURL as error:
            raise refused(connection.source, f"the server {connection.server!r} cannot be: {error}") from error

    def ask(self, request: Request) -> bytes:
        """The answer. Raises ClusterAway, ClusterRefused, and what ``cni.kube.failures`` has."""
        until = time.monotonic() + self._deadline
        with self._used(), self._translated(self._deadline):
            try:
                return self._answer(request, until)
            except BROKEN:
                # Mostly an idle connection that the server had closed. All that is asked here may be asked twice.
                return self._answer(request, until)

    @contextmanager
    def watch(self, request: Request) -> Iterator[Iterator[bytes]]:
        """The lines of an answer that goes on, from when it has begun. Raises as :meth:`ask`, also while it goes on."""
        with self._used(), self._translated(self._silence):
            timeout = httpx2.Timeout(self._deadline, read=self._silence)
            sent = self._http.send(self._built(request, timeout, {"Accept-Encoding": "identity"}), stream=True)
            with closing(sent) as answer:
                if not answer.is_success:
                    raise failure(self.connection, answer.status_code, answer.read())
                with self._held(answer.extensions["network_stream"].get_extra_info("socket")):
                    yield _lines(answer.iter_raw())

    def close(self) -> None:
        """Ends every watch, also one that waits in another thread. What is being asked is still answered."""
        with self._lock:
            self._closed = True
            for held in self._watching:
                # Not SSLSocket's own: that takes the TLS state away under the thread that reads.
                with suppress(OSError):
                    socket.socket.shutdown(held, socket.SHUT_RDWR)
            unused = self._in_use == 0
        if unused:
            self._http.close()

    def _answer(self, request: Request, until: float) -> bytes:
        timeout = httpx2.Timeout(max(until - time.monotonic(), 0.001))
        with closing(self._http.send(self._built(request, timeout, {}), stream=True)) as answer:
            body = bytearray()
            for chunk in answer.iter_bytes():
                body += chunk
                if time.monotonic() > until:
                    raise httpx2.ReadTimeout("the end of the answer is late")
            if not answer.is_success:
                raise failure(self.connection, answer.status_code, bytes(body))
            return bytes(body)

    def _built(self, request: Request, timeout: httpx2.Timeout, headers: dict[str, str]) -> httpx2.Request:
        connection = self.connection
        token = self._token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if request.patch:
            headers["Content-Type"] = MERGE_PATCH
        extensions = {"sni_hostname": connection.server_name} if connection.server_name else {}
        return self._http.build_request(
            "PATCH" if request.patch else "GET",
            request.path,
            params=dict(request.params),
            content=request.patch or None,
            headers=headers,
            timeout=timeout,
            extensions=extensions,
        )

    def _token(self) -> str:
        file = self.connection.token_file
        if file is None:
            return self.connection.token
        try:
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise refused(self.connection.source, f"the token cannot be read: {error}") from error

    @contextmanager
    def _used(self) -> Iterator[None]:
        """The last one out closes the door: the library's client must not be closed under somebody's hands."""
        with self._lock:
            if self._closed:
                raise ClusterAway(CLOSED)
            self._in_use += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_use -= 1
                last = self._closed and self._in_use == 0
            if last:
                self._http.close()

    @contextmanager
    def _held(self, watching: socket.socket) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise ClusterAway(CLOSED)
            self._watching.add(watching)
        try:
            yield
        finally:
            with self._lock:
                self._watching.discard(watching)

    @contextmanager
    def _translated(self, seconds: float) -> Iterator[None]:
        server = self.connection.server
        try:
            yield
        except httpx2.TimeoutException as error:
            raise ClusterAway(f"{server} did not answer within {seconds:g} s") from error
        except httpx2.HTTPError as error:
            why = tls.distrust(error)
            if why:
                text = f"the certificate of {server} is not to be trusted: {why}: name the right certificate-authority"
                raise refused(self.connection.source, text) from error
            raise ClusterAway(f"{server} cannot be reached: {error}") from error
        except (httpx2.InvalidURL, UnicodeError) as error:
            raise ClusterRefused(f"{server} cannot be asked: {error}") from error


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines. Only the line feed ends one: JSON texts may hold what Unicode calls line ends too."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, whole)
