"""A small event loop: sockets that become readable and things to do at intervals. Lighter than asyncio, one thread."""

from __future__ import annotations

import heapq
import itertools
import selectors
import signal
import socket
import time
from collections.abc import Callable


class Loop:
    """Runs until ``stop`` or SIGTERM. Callbacks must not block."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, float, Callable[[], None]]] = []
        self._order = itertools.count()
        self._running = True

    def stop(self) -> None:
        """End after the present callback."""
        self._running = False

    def stop_on_sigterm(self) -> None:
        """SIGTERM ends the loop; SIGINT is for the lab, which then sends SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def on_readable(self, sock: socket.socket, callback: Callable[[], None]) -> None:
        """Call back whenever the socket can be read."""
        self._selector.register(sock, selectors.EVENT_READ, callback)

    def forget(self, sock: socket.socket) -> None:
        """No longer watch the socket."""
        self._selector.unregister(sock)

    def every(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back at that interval. A loop that was late does not make up for the missed calls."""
        self._push(time.monotonic() + seconds, seconds, callback)

    def run(self) -> None:
        """Until stopped."""
        while self._running:
            self._fire_due()
            wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else 0.2
            for key, _ in self._selector.select(min(wait, 0.2)):
                key.data()

    def _fire_due(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            due, _, seconds, callback = heapq.heappop(self._timers)
            callback()
            self._push(due + seconds if now - due < seconds else now + seconds, seconds, callback)

    def _push(self, due: float, seconds: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (due, next(self._order), seconds, callback))
