"""Counts one numbered stream exactly: what came, what came twice, what is missing and when it was sent, the gaps."""

from __future__ import annotations

Missing = tuple[int, int, float, float]
"""First and last number missing, and between which times they were sent."""


class Sequence:
    """The receiver's view of a stream numbered from 0. Numbers may come late or twice; times are seconds."""

    def __init__(self, interval: float) -> None:
        self.received = 0
        """Distinct numbers."""
        self.duplicated = 0
        self.highest = -1
        self.last_sent = 0.0
        self.missing: list[Missing] = []
        self._interval = interval
        self._last_arrival = 0.0

    def arrived(self, number: int, sent: float, now: float) -> float:
        """Note an arrival. Returns the gap before it: the time since the last, less what the sender itself paused."""
        if number <= self.highest:
            self._late(number)
            return 0.0
        gap = self._gap(number, sent, now)
        if number > self.highest + 1:
            self.missing.append((self.highest + 1, number - 1, self.last_sent or sent, sent))
        self.received += 1
        self.highest, self.last_sent, self._last_arrival = number, sent, now
        return gap

    def _gap(self, number: int, sent: float, now: float) -> float:
        if self.highest < 0:
            return 0.0
        paused = (sent - self.last_sent) - self._interval * (number - self.highest)
        return max(0.0, now - self._last_arrival - max(0.0, paused))

    def _late(self, number: int) -> None:
        for position in range(len(self.missing) - 1, -1, -1):
            first, last, before, after = self.missing[position]
            if first <= number <= last:
                left = [(first, number - 1, before, after)] if first < number else []
                right = [(number + 1, last, before, after)] if number < last else []
                self.missing[position : position + 1] = left + right
                self.received += 1
                return
        self.duplicated += 1
