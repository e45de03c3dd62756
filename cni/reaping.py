"""Takes ended processes out of the kernel's table, a moment after their end.

Every CNI plugin looks into ``/proc/self`` to find its namespaces, and has threads. Whoever reaps such a process at once
spins in the kernel until its last threads have let go of what they looked at (``proc_flush_pid``): up to 10 ms of a
core for every plugin that was run. A few milliseconds later it costs next to nothing.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time

PAUSE_SECONDS = 0.02


class Reaper:
    """Reaps children that have ended, in a thread of its own from the first one on. Safe for threads."""

    def __init__(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._pause = pause_seconds
        self._ended: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def take(self, pid: int) -> None:
        """The child has ended and its status is known; until it is reaped nobody else gets its number."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._reap, name="reaper", daemon=True)
                self._thread.start()
        self._ended.put((pid, time.monotonic() + self._pause))

    def _reap(self) -> None:
        while True:
            pid, due = self._ended.get()
            time.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(ChildProcessError):  # reaped by somebody else: as well
                os.waitpid(pid, 0)
