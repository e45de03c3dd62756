"""Shares of samples, exact: an interval's bytes are spread evenly over it and never lost or doubled by rounding.

All times are whole microseconds; intervals are ``[start, until)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cni.wire import AttachmentSample, UplinkSample
from switcher.adapters.store.instants import PER_SECOND

Interval = tuple[int, int]
MAX_INSTANT = 7_289_654_400 * PER_SECOND
MAX_COUNT = 10**15
"""A petabyte in one sample is a broken counter, and would one day overflow the sums."""


def share(amount: int, whole: Interval, part: Interval) -> int:
    """What of ``amount``, spread evenly over ``whole``, falls into ``part`` of it.

    Parts that follow one another add up to the sum exactly: each is a difference of running totals.
    """
    start, until = whole
    if part[0] <= start and until <= part[1]:
        return amount
    low, high = max(start, part[0]), min(until, part[1])
    if low >= high:
        return 0
    return amount * (high - start) // (until - start) - amount * (low - start) // (until - start)


def uncovered(new: Interval, stored: Sequence[Interval]) -> list[Interval]:
    """The parts of ``new`` that no interval of ``stored`` covers, in order; ``stored`` is in order of time."""
    parts: list[Interval] = []
    start, until = new
    for low, high in stored:
        if high <= start:
            continue
        if low >= until:
            break
        if low > start:
            parts.append((start, low))
        start = high
    if start < until:
        parts.append((start, until))
    return parts


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in as few intervals as it takes, in order."""
    found: list[Interval] = []
    for start, until in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((start, until))
    return found


def length(intervals: Iterable[Interval]) -> int:
    """The time that the intervals cover together; what several cover counts once."""
    total = reached = 0
    for start, until in sorted(intervals):
        total += max(0, until - max(start, reached))
        reached = max(reached, until)
    return total


def interval_of(sample: UplinkSample | AttachmentSample) -> Interval | None:
    """When a sample was taken; None: it makes no sense (no real interval, or counts that are none).

    Its end is rounded as the start of the next one is: no microsecond is between samples that follow one another.
    """
    try:
        start = round(sample.start * PER_SECOND)
        until = round((sample.start + sample.seconds) * PER_SECOND)
    except (ValueError, OverflowError):  # no number, or infinite
        return None
    counts = 0 <= sample.in_bytes <= MAX_COUNT and 0 <= sample.out_bytes <= MAX_COUNT
    return (start, until) if counts and 0 <= start < until <= MAX_INSTANT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A period in slots of ``step`` microseconds, which begin at whole steps after ``origin``."""

    period: Interval
    step: int
    origin: int = 0

    def before(self, until: Any) -> Any:
        """The start of the slot that what ends at ``until`` ends in; of a number, or of a column of them."""
        return until - 1 - (until - 1 - self.origin) % self.step

    def slots(self, interval: Interval) -> Iterator[tuple[int, Interval]]:
        """The parts of an interval that lie in the period, each with the start of its slot."""
        start, until = max(interval[0], self.period[0]), min(interval[1], self.period[1])
        while start < until:
            slot = start - (start - self.origin) % self.step
            yield slot, (start, min(slot + self.step, until))
            start = slot + self.step
