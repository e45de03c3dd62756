"""Samples as the history in memory holds them, added up the slow and plain way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from cni.wire import AttachmentSample, UplinkSample
from switcher.adapters.store.carried import Slots, slot_bytes
from switcher.adapters.store.instants import MICROSECOND, PER_SECOND, micros
from switcher.adapters.store.intervals import Interval, interval_of, share, uncovered
from switcher.ports import SlotBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stored sample, or the part of one that was new."""

    start: int
    until: int
    into: int
    out: int
    capacity_bps: float = 0.0
    latency_ms: float | None = None
    loss: float | None = None


def new_pieces(sample: UplinkSample | AttachmentSample, stored: Sequence[Piece]) -> list[Piece]:
    """What of a sample is new beside those that are stored."""
    if (whole := interval_of(sample)) is None:
        return []
    base = Piece(start=0, until=0, into=0, out=0)
    if isinstance(sample, UplinkSample):
        base = replace(base, capacity_bps=sample.capacity_bps, latency_ms=sample.latency_ms, loss=sample.loss)
    covered = sorted((piece.start, piece.until) for piece in stored)
    return [_cut(base, sample, whole, part) for part in uncovered(whole, covered)]


def _cut(base: Piece, sample: UplinkSample | AttachmentSample, whole: Interval, part: Interval) -> Piece:
    return replace(
        base,
        start=part[0],
        until=part[1],
        into=share(sample.in_bytes, whole, part),
        out=share(sample.out_bytes, whole, part),
    )


def seen(pieces: Sequence[Piece], now: datetime, window: timedelta) -> tuple[int, list[Piece]] | None:
    """The end of the newest sample that ended by ``now``, and the samples of the window before it."""
    past = [piece for piece in pieces if piece.until <= micros(now)]
    if not past:
        return None
    newest = max(piece.until for piece in past)
    return newest, [piece for piece in past if piece.until > newest - window // MICROSECOND]


def rates(pieces: Sequence[Piece], newest: int, window: timedelta) -> tuple[float, float]:
    """Means in and out of the window that ends at ``newest``, in bits a second of time with samples, exact."""
    edge = newest - window // MICROSECOND
    reached = covered = 0
    into = out = Fraction(0)
    for piece in sorted(pieces, key=lambda piece: (max(piece.start, edge), piece.until)):
        start = max(piece.start, edge)
        inside = Fraction(piece.until - start, piece.until - piece.start)
        into, out = into + piece.into * inside, out + piece.out * inside
        covered += max(0, piece.until - max(start, reached))
        reached = max(reached, piece.until)
    bits = Fraction(8 * PER_SECOND, covered)
    return float(into * bits), float(out * bits)


def mean(values: Iterable[float | None]) -> float | None:
    """Of what is known; None: nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def in_slots(pieces: Iterable[Piece], slots: Slots) -> SlotBytes:
    """Sums in a period's equal slots."""
    sums: dict[int, list[int]] = {}
    for piece in pieces:
        whole = (piece.start, piece.until)
        for number, part in slots.parts(whole):
            total = sums.setdefault(number, [0, 0])
            total[0] += share(piece.into, whole, part)
            total[1] += share(piece.out, whole, part)
    return slot_bytes(sums)
