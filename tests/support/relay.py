"""A relay in front of a server on the loopback: what is between them can be cut, and fall silent."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterator

CHUNK = 1 << 16

Place = Callable[[], contextlib.AbstractContextManager[None]]


class Relay:
    """Passes TCP connections on to ``target``; ``port`` is its own. Use :func:`relay`."""

    def __init__(self, target: tuple[str, int], place: Place) -> None:
        self._target = target
        self._place = place
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._silent = threading.Event()

    def cut(self) -> None:
        """End every connection, and accept none."""
        self._close(self._listener)
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                self._close(end)

    def mend(self) -> None:
        """Accept connections again."""
        self._listener = self._listen(self.port)

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Meanwhile nothing comes through, and nobody is told so."""
        self._silent.set()
        yield
        self._silent.clear()

    def _listen(self, port: int) -> socket.socket:
        with self._place():
            listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection(self._target)
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    self._pairs.append((near, far))
                threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in selector.select():
                    chunk = key.fileobj.recv(CHUNK)  # type: ignore[union-attr] # both are sockets
                    if not chunk:
                        raise OSError("one side has ended")
                    while self._silent.is_set():
                        self._silent.wait(0.05)
                    key.data.sendall(chunk)
        with self._lock:
            if (near, far) in self._pairs:
                self._pairs.remove((near, far))
        self._close(near)
        self._close(far)

    @staticmethod
    def _close(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextlib.contextmanager
def relay(target: tuple[str, int], place: Place = contextlib.nullcontext) -> Iterator[Relay]:
    """A relay until the end of the block. ``place``: where it listens, such as another network namespace."""
    made = Relay(target, place)
    try:
        yield made
    finally:
        made.cut()
