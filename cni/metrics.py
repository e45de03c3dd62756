"""The agent's metrics, in Prometheus' text format, on a loopback port or a unix socket."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cni.protocol import Code

VERB_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 90)
PHASE_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
KNOWN_VERBS = frozenset({"ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"})
KNOWN_CODES = frozenset({*range(100), Code.FAILED, Code.INTERNAL})
"""The specification's and ours. A plugin may say any number, and each would be kept for ever."""


class Metrics:
    """All metrics of one agent; methods are safe for threads."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._verb_seconds = Histogram(
            "genie_verb_seconds", "CNI calls by verb and code (0: success).", ["verb", "code"],
            buckets=VERB_SECONDS, registry=registry,
        )  # fmt: skip
        self._delegate_seconds = Histogram(
            "genie_delegate_seconds", "Runs of delegates by plugin and command.", ["plugin", "command"],
            buckets=VERB_SECONDS, registry=registry,
        )  # fmt: skip
        self._phase_seconds = Histogram(
            "genie_switch_phase_seconds", "Phases of live switches.", ["phase"],
            buckets=PHASE_SECONDS, registry=registry,
        )  # fmt: skip
        self._batches = Counter("genie_batches", "Batches pushed to the controller.", ["result"], registry=registry)
        self._replayed = Counter("genie_replayed_dels", "Spooled DELs replayed.", ["result"], registry=registry)
        self._drift = Counter("genie_drift_repaired", "Leftovers and drift put right.", ["what"], registry=registry)

    def verb(self, verb: str, code: int, seconds: float) -> None:
        """A CNI call has been answered."""
        known = verb if verb in KNOWN_VERBS else "other"
        self._verb_seconds.labels(known, str(code) if code in KNOWN_CODES else "other").observe(seconds)

    def delegate(self, plugin: str, command: str, seconds: float) -> None:
        """A delegate has been run."""
        self._delegate_seconds.labels(plugin, command).observe(seconds)

    def phase(self, phase: str, seconds: float) -> None:
        """A switch has left a phase."""
        self._phase_seconds.labels(phase).observe(seconds)

    def batch(self, result: str) -> None:
        """A batch was ``stored``, ``refused`` or is to be sent ``later``."""
        self._batches.labels(result).inc()

    def replayed(self, result: str) -> None:
        """A spooled DEL was ``done``, ``failed`` (tried again later) or ``unreadable``."""
        self._replayed.labels(result).inc()

    def repaired(self, what: str) -> None:
        """Something was put right that a crash or somebody else had left wrong."""
        self._drift.labels(what).inc()

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that is read when asked for."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """All of them in the text format."""
        return generate_latest(self.registry)


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[Any, Any]:
        """The handler wants a pair as its peer's address; on a unix socket there is none."""
        connection, _ = self.socket.accept()
        return connection, ("unix", 0)


def serve(metrics: Metrics, listen: str) -> Callable[[], None]:
    """Serve ``/metrics`` on ``unix:/path`` or ``127.0.0.1:PORT``; returns what stops it. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.split("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = metrics.text()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are not logged."""

    server: socketserver.BaseServer
    path: Path | None = None
    if listen.startswith("unix:"):
        path = Path(listen.removeprefix("unix:"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        server = _UnixServer(str(path), Handler)
    else:
        host, _, port = listen.rpartition(":")
        server = ThreadingHTTPServer((host.strip("[]"), int(port)), Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        if path is not None:
            path.unlink(missing_ok=True)

    return stop
