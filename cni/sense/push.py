"""Pushes batches to the controller, oldest first, each until it is taken; its number makes that exactly once."""

from __future__ import annotations

import http.client
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from cni.sense.spool import Spool
from cni.settings import Controller
from cni.wire import Ingested, Ranking, WireError, decode

PATH = "/v1/ingest"
TIMEOUT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
REFUSED_FOR_EVER = (400, 413, 422)

log = logging.getLogger(__name__)


class PushError(Exception):
    """The controller did not take the batch; it may take it later."""


class _RefusedError(PushError):
    """The controller will never take this batch."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """See ``HTTPConnection.connect``."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Pusher:
    """Sends what the spool holds; used by one thread.

    ``lost`` is called when the controller does not hold what it should: the next batch must tell everything.
    ``observe`` is told how each push ended: ``stored``, ``later`` or ``refused``. ``ranked`` is given what came back.
    """

    def __init__(
        self,
        controller: Controller,
        spool: Spool,
        lost: Callable[[], None],
        observe: Callable[[str], None] = lambda _: None,
        ranked: Callable[[Ranking], None] = lambda _: None,
    ) -> None:
        self._controller = controller
        self._spool = spool
        self._lost = lost
        self._observe = observe
        self._ranked = ranked
        self._connection: http.client.HTTPConnection | None = None
        self._pause = 0.0
        self._was_dropped = 0

    def push_all(self) -> float:
        """Send batches until none waits or one is not taken; the seconds to wait before the next call (0: none)."""
        if self._spool.dropped != self._was_dropped:
            self._was_dropped = self._spool.dropped
            self._lost()
        while (waiting := self._spool.oldest()) is not None:
            sequence, body = waiting
            try:
                self._settle(sequence, self._post(body))
            except _RefusedError as error:
                log.error("batch refused for ever, it is dropped", extra={"sequence": sequence, "error": str(error)})
                self._observe("refused")
                self._spool.acknowledge(sequence)
                self._lost()
            except PushError as error:
                return self._later(sequence, error)
        self._pause = 0.0
        return 0.0

    def close(self) -> None:
        """Close the connection; the next push opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _settle(self, sequence: int, answer: Ingested) -> None:
        held = answer.sequence
        if held < sequence:
            self._lost()
            raise PushError(f"the controller holds batches up to {held} only, after it was sent {sequence}")
        self._observe("stored")
        if self._pause:
            log.info("the controller takes batches again", extra={"sequence": sequence})
            self._pause = 0.0
        if held > self._spool.last():
            log.warning("the controller holds later batches than this store knows", extra={"held": held})
            self._spool.skip_to(held)
            self._lost()
        self._spool.acknowledge(sequence)
        if answer.ranking is not None:
            self._ranked(answer.ranking)

    def _later(self, sequence: int, error: PushError) -> float:
        if not self._pause:
            log.warning("the controller does not take batches", extra={"sequence": sequence, "error": str(error)})
        self._observe("later")
        self._pause = min(max(FIRST_PAUSE_SECONDS, self._pause * 2), LONGEST_PAUSE_SECONDS)
        return self._pause

    def _post(self, body: bytes) -> Ingested:
        """What the controller answers: the highest number that it holds. Raises PushError."""
        try:
            status, answer = self._exchange(body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise PushError(f"{type(error).__name__}: {error}") from error
        if status in REFUSED_FOR_EVER:
            raise _RefusedError(f"{status}: {_words(answer)}")
        if status != http.client.OK:
            raise PushError(f"{status}: {_words(answer)}")
        try:
            ingested: Ingested = decode(answer, Ingested)
        except WireError as error:
            raise PushError(str(error)) from error
        return ingested

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        if self._connection is not None:
            try:
                return self._request(self._connection, body)
            except (ConnectionError, http.client.HTTPException):
                self.close()  # servers close idle connections: a fresh one tells whether more is wrong
        self._connection = _connection(self._controller.url)
        return self._request(self._connection, body)

    def _request(self, connection: http.client.HTTPConnection, body: bytes) -> tuple[int, bytes]:
        connection.request("POST", PATH, body, self._headers())
        response = connection.getresponse()
        return response.status, response.read()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._controller.token_file is not None:
            headers["Authorization"] = f"Bearer {_token(self._controller.token_file)}"
        return headers


def _token(file: Path) -> str:
    """Read each time: tokens are renewed."""
    return file.read_text().strip()


def _connection(url: str) -> http.client.HTTPConnection:
    if url.startswith("unix:"):
        return UnixConnection(url.removeprefix("unix:"), TIMEOUT_SECONDS)
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_SECONDS)


def _words(answer: bytes) -> str:
    return answer.decode("utf-8", "replace").strip()[:500]
