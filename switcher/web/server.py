"""Serves the controller's HTTP by uvicorn until SIGTERM or SIGINT, on a unix socket or a TCP address."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

UNIX = "unix:"


def serve(app: Starlette, listen: str) -> None:
    """``listen``: ``unix:/path`` (its owner alone may use it) or ``host:port``. Returns when told to end.

    Raises OSError when the address cannot be bound.
    """
    with _bound(listen) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        with _ended_by_signals(server):
            server.run(sockets=[listener])


@contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """uvicorn raises the signal that ended it once more: to die of it would cut off a tick that is under way."""
    before = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bound(listen: str) -> socket.socket:
    if listen.startswith(UNIX):
        return _bound_unix(Path(listen.removeprefix(UNIX)))
    host, port = listen.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host.strip("[]"), int(port)), family=family)


def _bound_unix(path: Path) -> socket.socket:
    """uvicorn would open its own unix socket to everybody; this one is bound under a umask that does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener
