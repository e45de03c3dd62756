"""A small controller for tests: takes batches on a unix socket or loopback, each exactly once, or fails as told."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from cni.wire import Batch, Ingested, decode, encode


@dataclass
class Ingest:
    """What came in. ``failures`` are statuses for the next requests; 0 closes the connection after storing."""

    url: str = ""
    token: str = "secret"
    batches: dict[int, Batch] = field(default_factory=dict)
    requests: int = 0
    failures: list[int] = field(default_factory=list)
    claims: list[int] = field(default_factory=list)
    """Sequence numbers to answer instead of the true one."""
    ranking: Any = None
    """What to send along, as a message or as plain JSON."""

    def take(self, body: bytes, authorization: str | None) -> tuple[int, bytes]:
        """Status and body of the reply; status 0: none."""
        self.requests += 1
        if authorization != f"Bearer {self.token}":
            return 401, b"token"
        failure = self.failures.pop(0) if self.failures else 200
        if failure not in (0, 200):
            return failure, b"as told"
        batch: Batch = decode(body, Batch)
        self.batches.setdefault(batch.sequence, batch)
        held = self.claims.pop(0) if self.claims else max(self.batches)
        if self.ranking is None:
            return failure, encode(Ingested(sequence=held))
        return failure, msgspec.json.encode({"sequence": held, "ranking": self.ranking})


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[Any, Any]:
        connection, _ = self.socket.accept()
        return connection, ("unix", 0)


@contextlib.contextmanager
def ingest(path: Path | None = None) -> Iterator[Ingest]:
    """Serves on ``path``, or on loopback."""
    state = Ingest()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = state.take(body, self.headers.get("Authorization"))
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server: socketserver.BaseServer
    if path is None:
        tcp = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tcp.daemon_threads = True
        server, state.url = tcp, f"http://127.0.0.1:{tcp.server_address[1]}"
    else:
        path.unlink(missing_ok=True)
        server, state.url = _UnixServer(str(path), Handler), f"unix:{path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
