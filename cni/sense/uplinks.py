"""How much of each uplink is in use now, by the node's own samples: for choices that cannot wait for the controller."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cni.wire import UplinkSample

WINDOW_SECONDS = 10.0
"""A load is the mean of the samples that end within this time before the newest: one busy second is no load."""
BELIEVED_SECONDS = 30.0
"""Samples are believed for this long, or for twice their own length where they are taken rarely."""
LONGEST_BELIEVED_SECONDS = 150.0
"""But no longer: the first sample of a restarted agent is as long as that was away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkLoad:
    """The load of an uplink, as the larger of its two directions."""

    used_bps: float
    capacity_bps: float
    sampled_at: float
    """End of the newest sample, seconds since the epoch."""


class UplinkLoads:
    """Remembers the last samples. An uplink that was never sampled, or not lately, has no load: never zero."""

    def __init__(self) -> None:
        self._samples: dict[str, tuple[UplinkSample, ...]] = {}
        self._lock = threading.Lock()

    def add(self, samples: Iterable[UplinkSample]) -> None:
        """New samples, of any uplinks."""
        with self._lock:
            for sample in samples:
                past = self._samples.get(sample.physical_network, ())
                kept = (one for one in past if _end(sample) - WINDOW_SECONDS <= one.start < sample.start)
                self._samples[sample.physical_network] = (*kept, sample)

    def loads(self, now: float) -> Mapping[str, UplinkLoad]:
        """By physical network, what is believed at ``now``, seconds since the epoch."""
        with self._lock:
            samples = dict(self._samples)
        return {name: _load(past) for name, past in sorted(samples.items()) if _believed(past[-1], now)}


def _load(samples: tuple[UplinkSample, ...]) -> UplinkLoad:
    seconds = sum(sample.seconds for sample in samples)
    into, out = sum(sample.in_bytes for sample in samples), sum(sample.out_bytes for sample in samples)
    return UplinkLoad(
        used_bps=max(into, out) * 8 / seconds, capacity_bps=samples[-1].capacity_bps, sampled_at=_end(samples[-1])
    )


def _believed(sample: UplinkSample, now: float) -> bool:
    return abs(now - _end(sample)) <= max(BELIEVED_SECONDS, min(2 * sample.seconds, LONGEST_BELIEVED_SECONDS))


def _end(sample: UplinkSample) -> float:
    return sample.start + sample.seconds
