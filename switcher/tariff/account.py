"""One contract in one billing period: what its charges are computed from."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from switcher.objects.charges import Percentile, Quota, Volume
from switcher.objects.prices import Schedule
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Direction
from switcher.tariff.lists import Stretch
from switcher.tariff.periods import Span, micros
from switcher.tariff.samples import Sample, Stay
from switcher.tariff.schedule import Slot, slots


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Account:
    """``whole`` is the billing period, ``billed`` the part of it that is asked for; ``stretches`` fill ``whole``."""

    contract: str
    whole: Span
    billed: Span
    stretches: tuple[Stretch, ...]
    networks: frozenset[str]
    """Of all lists of the contract: what flows while no list is valid still counts."""
    samples: Sequence[Sample]
    """In time order, all networks, those that touch ``whole``, summed over nodes."""
    of_nodes: Sequence[Sample]
    """The same with their nodes, where a price asks for them."""
    stays: Sequence[Stay]

    def tariffs(self) -> Iterator[Tariff]:
        """The lists that count at some time that is billed, oldest first."""
        seen: list[Tariff] = []
        for stretch in self.stretches:
            tariff = stretch.tariff
            if tariff is not None and self.clip(stretch) is not None and not any(tariff is one for one in seen):
                seen.append(tariff)
        yield from seen

    def clip(self, stretch: Stretch) -> Span | None:
        """The part of a stretch that is billed."""
        start, end = max(stretch.start, self.billed[0]), min(stretch.end, self.billed[1])
        return (start, end) if start < end else None

    def spans(self, tariff: Tariff) -> Iterator[Span]:
        """The times that are billed by this list."""
        for stretch in self.stretches:
            span = self.clip(stretch)
            if stretch.tariff is tariff and span is not None:
                yield span

    def slots(self, tariff: Tariff, schedule: Schedule) -> Iterator[Slot]:
        """The times that are billed by this list, cut by a schedule."""
        for start, end in self.spans(tariff):
            yield from slots(schedule, tariff.spec.timezone, start, end)

    def network_counts(self, network: str, at: datetime) -> bool:
        """Whether a network's traffic counts at a moment of the billing period."""
        return self.covers(self._stretch_at(at), network)

    def _stretch_at(self, at: datetime) -> Stretch:
        return self.stretches[bisect_right(self.stretches, at, key=lambda stretch: stretch.start) - 1]

    def covers(self, stretch: Stretch, network: str) -> bool:
        """Whether a network's traffic counts in a stretch."""
        if stretch.tariff is None:
            return network in self.networks
        return network in stretch.tariff.spec.physical_networks

    @property
    def part(self) -> Decimal:
        """How much of the billing period is billed."""
        return Decimal(micros(self.billed[1] - self.billed[0])) / micros(self.whole[1] - self.whole[0])

    def weight(self, tariff: Tariff) -> Decimal:
        """The seconds billed by this list, as a part of the whole billing period's."""
        return Decimal(self._micros(tariff)) / micros(self.whole[1] - self.whole[0])

    def share(self, tariff: Tariff) -> Decimal:
        """The seconds billed by this list, as a part of all that are billed."""
        return Decimal(self._micros(tariff)) / micros(self.billed[1] - self.billed[0])

    def _micros(self, tariff: Tariff) -> int:
        return sum(micros(end - start) for start, end in self.spans(tariff))

    def edges(self, *more: datetime) -> list[datetime]:
        """All moments at which what is billed, or by which list, may change, and the given ones."""
        return sorted({*self.whole, *self.billed, *(stretch.start for stretch in self.stretches), *more})

    def is_billed(self, at: datetime) -> bool:
        """Whether a moment is in the part that is billed."""
        return self.billed[0] <= at < self.billed[1]

    def list_at(self, at: datetime) -> Tariff | None:
        """The list that counts at a moment of the billing period."""
        return self._stretch_at(at).tariff


def counted(
    account: Account, charge: Volume | Quota | Percentile, edges: Sequence[datetime]
) -> dict[str, list[Decimal]]:
    """Bytes by direction between neighbouring edges; rows that straddle an edge are split in proportion."""
    sums = {"in": [Decimal(0)] * (len(edges) - 1), "out": [Decimal(0)] * (len(edges) - 1)}
    starts = [stretch.start for stretch in account.stretches]
    stretch_of = [account.stretches[bisect_right(starts, edge) - 1] for edge in edges[:-1]]
    for row in account.samples:
        if charge.destination is not None and row.destination != charge.destination:
            continue
        whole = micros(row.end - row.start)
        first = max(bisect_right(edges, row.start) - 1, 0)
        for slot in range(first, min(bisect_left(edges, row.end), len(edges) - 1)):
            part = micros(min(row.end, edges[slot + 1]) - max(row.start, edges[slot]))
            if part > 0 and account.covers(stretch_of[slot], row.network):
                sums[row.direction][slot] += row.bytes if part == whole else row.bytes * part / whole
    return sums


def flows(charge: Volume | Quota, sums: dict[str, list[Decimal]]) -> list[Decimal]:
    """The bytes that the charge counts between neighbouring edges."""
    match charge.direction:
        case Direction.IN:
            return sums["in"]
        case Direction.OUT:
            return sums["out"]
        case Direction.SUM:
            return [into + out for into, out in zip(sums["in"], sums["out"], strict=True)]
        case _:
            return sums["in"] if sum(sums["in"]) > sum(sums["out"]) else sums["out"]
