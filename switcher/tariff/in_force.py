"""Which price lists of a contract count when in a billing period, as a placement on one of its networks sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from switcher.objects.tariffs import Tariff
from switcher.tariff.lists import Stretch
from switcher.tariff.periods import Span, micros, seconds


def lists_of(stretches: Sequence[Stretch]) -> list[Tariff]:
    """The lists that count at some time, oldest first."""
    found: list[Tariff] = []
    for stretch in stretches:
        if stretch.tariff is not None and not any(stretch.tariff is one for one in found):
            found.append(stretch.tariff)
    return found


def lists_during(stretches: Sequence[Stretch], span: Span) -> list[Tariff]:
    """Those that count at some time of the span."""
    return lists_of([each for each in stretches if each.start < span[1] and each.end > span[0]])


def has_network(tariff: Tariff, network: str | None) -> bool:
    """Whether a list is for the network; None: any will do."""
    return network is None or network in tariff.spec.physical_networks


def counts(network: str, stretches: Sequence[Stretch], window: Span) -> bool:
    """Whether a list that has the network counts at some time of the window."""
    return any(has_network(tariff, network) for tariff in lists_during(stretches, window))


@dataclass(frozen=True, slots=True)
class InForce:
    """The lists of one contract in one billing period, ``whole``, which the ``stretches`` fill.

    They are asked about from the start of the ``window``, for a network, or with None for all that the contract names.
    """

    network: str | None
    whole: Span
    window: Span
    stretches: tuple[Stretch, ...]

    def counting(self, span: Span) -> Sequence[Tariff]:
        """The lists that count at some time of the span."""
        return lists_during(self.stretches, span)

    def pricing(self, span: Span) -> Iterator[Tariff]:
        """Those of them that have the network."""
        yield from (tariff for tariff in self.counting(span) if has_network(tariff, self.network))

    def counts_in(self, stretch: Stretch) -> bool:
        """Whether the contract counts the network in a stretch: one that its list has dropped it does not."""
        return stretch.tariff is None or has_network(stretch.tariff, self.network)

    def length(self, tariff: Tariff) -> Decimal:
        """The seconds in which a list is valid, as a part of the period's."""
        valid = sum(micros(each.end - each.start) for each in self.stretches if each.tariff is tariff)
        return Decimal(valid) / micros(self.whole[1] - self.whole[0])

    @property
    def rest(self) -> Span:
        """The period from the start of the window on."""
        return max(self.whole[0], self.window[0]), self.whole[1]

    @property
    def inside(self) -> Span:
        """What of the window lies in the period."""
        return self.rest[0], min(self.window[1], self.whole[1])

    @property
    def counted_seconds(self) -> Decimal:
        """Of the window that lie in the period, and in which the contract has the network."""
        first, until = self.inside
        spans = [(max(each.start, first), min(each.end, until)) for each in self.stretches if self.counts_in(each)]
        return sum((seconds(end - start) for start, end in spans if start < end), Decimal(0))

    @property
    def valid(self) -> Decimal:
        """The window's part of the time of the period in which any list is valid."""
        spans = [(each.start, each.end) for each in self.stretches if each.tariff is not None]
        inside = [(max(start, self.window[0]), min(end, self.window[1])) for start, end in spans]
        whole = sum(micros(end - start) for start, end in spans)
        return Decimal(sum(micros(end - start) for start, end in inside if start < end)) / max(whole, 1)
