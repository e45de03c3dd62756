"""What a traffic process knows of its streams, kept in one JSON file that is rewritten every other second."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from switcher.lab.traffic.sequence import Sequence

MOST_BINS = 900
SAVE_SECONDS = 2.0


class Stream:
    """Counts of one stream at one end. ``bins``: by second since the epoch: sent, received, bytes received, gap."""

    def __init__(self, name: str, interval: float | None = None) -> None:
        self.name = name
        self.sent = 0
        self.resets: list[tuple[float, str]] = []
        """When a connection broke, or could not be made, and why."""
        self.largest_gap = 0.0
        self.lost_at: list[float] = []
        """When the requests were sent that never got an answer (TCP)."""
        self.answered = 0
        self.sequence = None if interval is None else Sequence(interval)
        self._bins: dict[int, list[float]] = {}

    def note_sent(self, now: float) -> None:
        """One more was sent."""
        self.sent += 1
        self._bin(now)[0] += 1

    def note_received(self, number: int, sent: float, now: float, size: int) -> None:
        """One arrived; ``now`` is when the kernel had it."""
        if self.sequence is not None:
            self._gap(now, self.sequence.arrived(number, sent, now), size)

    def note_reset(self, now: float, why: str) -> None:
        """A connection broke."""
        self.resets.append((now, why))

    def note_answer(self, waited: float, now: float, size: int) -> None:
        """A request over a connection was answered after ``waited`` seconds."""
        self.answered += 1
        self._gap(now, waited, size)

    def document(self) -> dict[str, Any]:
        """As JSON; the lab's accounting reads it."""
        sequence = self.sequence
        return {
            "name": self.name,
            "sent": self.sent,
            "received": self.answered if sequence is None else sequence.received,
            "duplicated": 0 if sequence is None else sequence.duplicated,
            "resets": self.resets,
            "largest_gap": self.largest_gap,
            "lost_at": self.lost_at,
            "missing": [] if sequence is None else sequence.missing,
            "highest": None if sequence is None else sequence.highest,
            "last_sent": None if sequence is None else sequence.last_sent,
            "bins": self._bins,
        }

    def _gap(self, now: float, gap: float, size: int) -> None:
        bin_ = self._bin(now)
        bin_[1] += 1
        bin_[2] += size
        bin_[3] = max(bin_[3], gap)
        self.largest_gap = max(self.largest_gap, gap)

    def _bin(self, now: float) -> list[float]:
        second = int(now)
        bin_ = self._bins.get(second)
        if bin_ is None:
            bin_ = self._bins[second] = [0, 0, 0, 0.0]
            if len(self._bins) > MOST_BINS:
                del self._bins[next(iter(self._bins))]
        return bin_


class Ledger:
    """All streams of a process, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._streams: list[Stream] = []

    def open(self, name: str, interval: float | None = None) -> Stream:
        """A new stream; with ``interval`` (seconds between numbers) it is counted by sequence number."""
        stream = Stream(name, interval)
        self._streams.append(stream)
        return stream

    def save(self) -> None:
        """Replace the file; a reader sees the old or the new one, whole."""
        document = {"saved_at": time.time(), "streams": [stream.document() for stream in self._streams]}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(document))
        fresh.replace(self._path)
