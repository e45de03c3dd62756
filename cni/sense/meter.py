"""From counters that only grow to bytes in an interval: contiguous, never overlapping, across restarts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far something has been accounted: until ``end``, with the counters that its link had then."""

    end: float
    index: int
    in_bytes: int
    out_bytes: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A link's counters now. ``index`` tells a new link under an old name from the old one."""

    index: int
    in_bytes: int
    out_bytes: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Bytes in ``[start, start + seconds)``."""

    start: float
    seconds: float
    in_bytes: int
    out_bytes: int
    again: bool = field(default=False, compare=False)
    """The counters began again within it: what they show may be older than it, so it is no measure of a rate."""


class Meter:
    """Accounts readings by key. Its state can be kept: after a restart an interval begins where the last ended."""

    def __init__(self, state: bytes | None = None) -> None:
        self._marks: dict[str, Mark] = msgspec.json.decode(state, type=dict[str, Mark]) if state else {}

    def state(self) -> bytes:
        """What the constructor takes."""
        return msgspec.json.encode(self._marks)

    def index_of(self, key: str) -> int | None:
        """The number of the link that was last accounted under the key."""
        mark = self._marks.get(key)
        return None if mark is None else mark.index

    def account(self, key: str, now: float, reading: Reading, born: float | None = None) -> Interval | None:
        """The interval since the key was last accounted, None when there is none.

        ``born``: when a key that is not known yet came to be, with counters at zero; None: its past is not ours. A link
        with another number, or counters that went back, began again from zero meanwhile. Should the clock have been set
        back, nothing is accounted until it is past the last interval: no two intervals overlap, and no byte is lost.
        """
        mark = self._marks.get(key)
        if mark is None:
            if born is None or born >= now:
                if born is None:
                    self._marks[key] = Mark(now, reading.index, reading.in_bytes, reading.out_bytes)
                return None
            mark = Mark(born, reading.index, 0, 0)
        if now <= mark.end:
            return None
        self._marks[key] = Mark(now, reading.index, reading.in_bytes, reading.out_bytes)
        again = reading.index != mark.index or reading.in_bytes < mark.in_bytes or reading.out_bytes < mark.out_bytes
        return Interval(
            start=mark.end,
            seconds=now - mark.end,
            in_bytes=reading.in_bytes - (0 if again else mark.in_bytes),
            out_bytes=reading.out_bytes - (0 if again else mark.out_bytes),
            again=again,
        )

    def keep_only(self, keys: set[str]) -> None:
        """Forget what is not among ``keys``."""
        self._marks = {key: mark for key, mark in self._marks.items() if key in keys}
