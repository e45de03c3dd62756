"""How long a namespace heard nothing: its links' packet counters, read often and cheaply."""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Self

from cni.kernel.spaces import open_proc


class Listener:
    """Watches the packets received by some links from ``start`` to ``stop``, every ``every`` seconds.

    ``largest_gap`` is the longest time in seconds between two packets heard, as exact as ``every`` allows; None when
    fewer than two were heard. Reading ``/proc/net/dev`` takes no lock of the kernel's.
    """

    def __init__(self, netns: str, names: tuple[str, ...], every: float = 0.005) -> None:
        """Raises OSError when the namespace is gone."""
        self._file = open_proc(netns, "dev")
        self._names = names
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="heard", daemon=True)
        self.largest_gap: float | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the watch; twice is harmless."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            os.close(self._file)

    def _watch(self) -> None:
        count = self._packets()
        since: float | None = None
        while not self._ended.wait(self._every):
            now, found = time.monotonic(), self._packets()
            if found == count:
                continue
            if since is not None:
                self.largest_gap = max(self.largest_gap or 0.0, now - since)
            count, since = found, now

    def _packets(self) -> int:
        """The packets received by the links together; one that is gone counts no more."""
        total = 0
        try:
            text = os.pread(self._file, 1 << 16, 0).decode()
        except OSError:
            return 0
        for line in text.splitlines()[2:]:
            name, _, figures = line.partition(":")
            if name.strip() in self._names:
                total += int(figures.split()[1])
        return total
