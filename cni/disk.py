"""Waiting until what was written is on the disk: one wait for all that are waiting, and a wait that began early.

What SQLite does after every commit (``synchronous=FULL``) is done here, with the same call, for several at once:
whoever comes first asks the disk, and those who come meanwhile share the next answer.
"""

from __future__ import annotations

import errno
import queue
import threading
from collections.abc import Callable


class Disk:
    """The state of one file on its disk. Safe for threads. ``sync`` returns when all that was written is on the disk.

    Once the disk has refused, every later wait fails: nobody knows what became of what it was given before.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._changed = threading.Condition()
        self._written = 0
        self._safe = 0
        self._asking = False
        self._refusal: OSError | None = None
        self._early: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._helper: threading.Thread | None = None

    def written(self) -> int:
        """Something has been written; the number to wait for."""
        with self._changed:
            self._written += 1
            return self._written

    def wait(self, number: int) -> None:
        """Until that and all before it is on the disk. Raises OSError when the disk refuses."""
        with self._changed:
            while self._safe < number:
                if self._refusal is not None:
                    raise OSError(self._refusal.errno or errno.EIO, f"the disk refused: {self._refusal}")
                if self._asking:
                    self._changed.wait()
                else:
                    self._ask()

    def begin(self, number: int) -> None:
        """The disk is asked from now on, by another thread: a later ``wait`` is shorter by what is done meanwhile."""
        with self._changed:
            if self._helper is None:
                self._helper = threading.Thread(target=self._help, name="disk", daemon=True)
                self._helper.start()
        self._early.put(number)

    def close(self) -> None:
        """The helper ends."""
        with self._changed:
            helper, self._helper = self._helper, None
        if helper is not None:
            self._early.put(None)
            helper.join()

    def _ask(self) -> None:
        """Called, and left, with the lock; without it meanwhile."""
        number = self._written
        self._asking = True
        self._changed.release()
        refusal: OSError | None = None
        try:
            self._sync()
        except OSError as error:
            refusal = error
        finally:
            self._changed.acquire()
            self._asking = False
            self._refusal = refusal or self._refusal
            if refusal is None:
                self._safe = max(self._safe, number)
            self._changed.notify_all()

    def _help(self) -> None:
        while (number := self._early.get()) is not None:
            with self._changed:
                if self._safe < number and not self._asking and self._refusal is None:
                    self._ask()
