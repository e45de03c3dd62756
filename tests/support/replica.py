"""A controller's replica: its HTTP application, really served, on a history of the test's."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from switcher.meters import Meters
from switcher.ports import History
from switcher.web.app import Doors, application
from switcher.web.rankings import Deliveries

STARTS_WITHIN_SECONDS = 10.0


@contextlib.contextmanager
def replica(path: Path, history: History, token: str, clock: Callable[[], float] = time.time) -> Iterator[str]:
    """Serves on a unix socket at ``path``; the URL for agents."""
    doors = Doors(
        ledger=history,
        meters=Meters(),
        ready=lambda: None,
        token=token,
        rankings=Deliveries(history.ranking, clock),
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        config = uvicorn.Config(application(doors), log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not server.started:
            assert time.monotonic() < deadline, "the replica does not start"
            time.sleep(0.01)
        try:
            yield f"unix:{path}"
        finally:
            server.should_exit = True
            thread.join(STARTS_WITHIN_SECONDS)
