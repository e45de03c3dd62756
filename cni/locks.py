"""One lock per container: what kubelet asks for and what the live switch does to a container never overlap.

Locks exist only while somebody holds or awaits them. A lock is held for a verb or for one step of a switch, never while
waiting for the world (design: Locks), so a bounded wait is enough.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class LockTimeout(Exception):  # noqa: N818 - the word that callers read best
    """Another operation on the container did not end in time; the caller may try again later."""

    def __init__(self, container_id: str, seconds: float) -> None:
        self.container_id = container_id
        super().__init__(f"container {container_id} is busy with another operation for more than {seconds:g} s")


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


class ContainerLocks:
    """Locks by container id. Different containers never wait for each other. Not re-entrant."""

    def __init__(self, wait_seconds: float = 60.0) -> None:
        self._wait = wait_seconds
        self._guard = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    @contextmanager
    def hold(self, container_id: str, wait_seconds: float | None = None) -> Iterator[None]:
        """Hold the container's lock. Raises LockTimeout after ``wait_seconds`` (default: the constructor's)."""
        wait = self._wait if wait_seconds is None else wait_seconds
        with self._guard:
            entry = self._entries.setdefault(container_id, _Entry())
            entry.users += 1
        try:
            if not entry.lock.acquire(timeout=wait):
                raise LockTimeout(container_id, wait)
            try:
                yield
            finally:
                entry.lock.release()
        finally:
            with self._guard:
                entry.users -= 1
                if entry.users == 0:
                    del self._entries[container_id]
