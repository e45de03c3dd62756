"""Shares of samples, exact: an interval's bytes are spread evenly over it and never lost or doubled by rounding.

All times are whole microseconds; intervals are ``[start, until)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cni.wire import AttachmentSample, UplinkSample
from switcher.adapters.store.instants import HOUR, micros_of

Interval = tuple[int, int]
MAX_INSTANT = 2**62
MAX_COUNT = 10**15
"""A petabyte in one sample is a broken counter, and would one day overflow the sums."""


def share(amount: int, whole: Interval, part: Interval) -> int:
    """What of ``amount``, spread evenly over ``whole``, falls into ``part`` of it.

    Parts that follow one another add up to the sum exactly: each is a difference of running totals.
    """
    start, until = whole
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


def hours(interval: Interval) -> Iterator[Interval]:
    """The parts of an interval in each hour that it touches."""
    start, until = interval
    while start < until:
        edge = min((start // HOUR + 1) * HOUR, until)
        yield start, edge
        start = edge


def interval_of(sample: UplinkSample | AttachmentSample) -> Interval:
    """When a sample was taken."""
    start = micros_of(sample.start)
    return start, start + micros_of(sample.seconds)


def usable(sample: UplinkSample | AttachmentSample) -> bool:
    """Whether a sample can be stored at all: a real interval, and counts that are counts."""
    if not (math.isfinite(sample.start) and math.isfinite(sample.seconds)):
        return False
    start, until = interval_of(sample)
    counts = (sample.in_bytes, sample.out_bytes)
    return 0 <= start < until <= MAX_INSTANT and all(0 <= count <= MAX_COUNT for count in counts)
