"""A server that answers as an API server should not, or seldom does: a real one cannot be made to."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = Callable[["Exchange"], None]


@dataclass
class Exchange:
    """One request, and the means to answer it."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    handler: BaseHTTPRequestHandler

    @property
    def watches(self) -> bool:
        """Whether it asks for a watch."""
        return self.query.get("watch") == "true"

    def reply(self, code: int, body: bytes | dict[str, Any], kind: str = "application/json") -> None:
        """A whole answer."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.handler.send_response(code)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(content)))
        self.handler.end_headers()
        self.handler.wfile.write(content)

    def hang_up(self) -> None:
        """No answer: the connection ends."""
        self.handler.close_connection = True
        self.handler.connection.shutdown(socket.SHUT_RDWR)

    def fail(self, code: int, message: str = "", **details: Any) -> None:
        """Kubernetes' Status."""
        self.reply(code, {"kind": "Status", "code": code, "message": message, "details": details})

    def list(self, *items: dict[str, Any], version: str = "10", rest: str = "") -> None:
        """A page of a list."""
        metadata = {"resourceVersion": version, **({"continue": rest} if rest else {})}
        self.reply(200, {"kind": "List", "metadata": metadata, "items": list(items)})

    def stream(self, *lines: bytes | dict[str, Any], then: float = 0.0) -> None:
        """A watch that says these lines, each in two pieces, and after so many seconds ends in good order."""
        handler = self.handler
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for line in lines:
            content = line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()
            middle = len(content) // 2
            for piece in (content[:middle], content[middle:] + b"\n"):
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                handler.wfile.flush()
        time.sleep(then)
        handler.wfile.write(b"0\r\n\r\n")


@dataclass
class ScriptedServer:
    """``answer`` is asked for every request; ``asked`` remembers all of them."""

    answer: Answer
    url: str = ""
    asked: list[Exchange] = field(default_factory=list)

    def about(self, plural: str) -> list[Exchange]:
        """The requests about that kind."""
        return [each for each in self.asked if plural in each.path]


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients may go in the middle of an answer, and answers may close the connection."""


@contextmanager
def scripted_server(answer: Answer) -> Iterator[ScriptedServer]:
    """Serves plain HTTP on a loopback port until the end of the block."""
    made = ScriptedServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            exchange = Exchange(parts.path, query, dict(self.headers), self)
            made.asked.append(exchange)
            made.answer(exchange)

        def log_message(self, *_: object) -> None:
            """Requests are remembered, not logged."""

    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
