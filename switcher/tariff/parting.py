"""Turns a contract's price lists into the part of a quote that they are in one billing period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, partial

from switcher.objects.tariffs import Charge, Fixed, Quota, Schedule, Tariff, Tier, Tiers, Volume
from switcher.objects.words import Each, Mode, Per
from switcher.tariff.counter import Counter, Step
from switcher.tariff.flow import Gauge
from switcher.tariff.graduated import unit_price
from switcher.tariff.ledger import Level
from switcher.tariff.lists import Stretch, networks_of
from switcher.tariff.part import Bounds, Due, Flat, Part
from switcher.tariff.periods import Span, length_in, micros, seconds
from switcher.tariff.schedule import slots
from switcher.tariff.total import Total, at_once, blocks, lacking


def has_price(stretches: Sequence[Stretch]) -> bool:
    """Whether a placement has a marginal price in a billing period with these lists.

    Quotas of one name must go beyond it in the same way, and of the lists with a maximum every one must have it.
    """
    lists = _lists(stretches)
    if any(tariff.spec.maximum is not None for tariff in lists) and any(t.spec.maximum is None for t in lists):
        return False
    ways: dict[str, object] = {}
    for charge in (charge for tariff in lists for charge in tariff.spec.charges):
        if charge.quota is not None:
            way = _way(charge.quota)
            if ways.setdefault(charge.name, way) != way:
                return False
    return True


def _goes_on(quota: Quota) -> bool:
    return quota.beyond.block is not None or quota.beyond.overage is not None


def _way(quota: Quota) -> object:
    """What must be the same in all lists; a price per unit may change."""
    beyond = quota.beyond
    block = None if beyond.block is None else (beyond.block, beyond.price)
    return quota.unit, quota.direction, quota.destination, block, beyond.throttle, beyond.stop


def _lists(stretches: Sequence[Stretch]) -> list[Tariff]:
    """The lists that count at some time, oldest first."""
    found: list[Tariff] = []
    for stretch in stretches:
        if stretch.tariff is not None and not any(stretch.tariff is one for one in found):
            found.append(stretch.tariff)
    return found


def counts(network: str, stretches: Sequence[Stretch], window: Span) -> bool:
    """Whether a list that has the network counts at some time of the window."""
    lists = _lists([each for each in stretches if each.start < window[1] and each.end > window[0]])
    return any(_prices(tariff, network) for tariff in lists)


def _prices(tariff: Tariff, network: str | None) -> bool:
    return network is None or network in tariff.spec.physical_networks


def parted(contract: str, rate: Decimal, network: str | None, window: Span, stretches: tuple[Stretch, ...]) -> Part:
    """The part of a network, or with None of all that the contract names; ``stretches`` fill the billing period."""
    maker = _Maker(network, (stretches[0].start, stretches[-1].end), window, stretches)
    lists = _lists(stretches)
    return Part(
        contract=contract,
        rate=rate,
        lists=tuple(tariff for tariff in lists if _prices(tariff, network)),
        networks=networks_of(maker.counting(window) or lists),
        due=tuple(maker.due(window)),
        counters=tuple(maker.counters()),
        bounds=maker.bounds(),
        flat=cache(maker.flat),
        valid=maker.valid(),
        levels=tuple(maker.levels()),
        capped=maker.capped(),
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    """One contract in one billing period."""

    network: str | None
    whole: Span
    window: Span
    stretches: tuple[Stretch, ...]

    def counting(self, span: Span) -> Sequence[Tariff]:
        """The lists that count at some time of the span."""
        return _lists([each for each in self.stretches if each.start < span[1] and each.end > span[0]])

    def _tariffs(self, span: Span) -> Iterator[Tariff]:
        """Those of them that price the network."""
        yield from (tariff for tariff in self.counting(span) if _prices(tariff, self.network))

    def _length(self, tariff: Tariff) -> Decimal:
        """The seconds in which a list is valid, as a part of the period's."""
        valid = sum(micros(each.end - each.start) for each in self.stretches if each.tariff is tariff)
        return Decimal(valid) / micros(self.whole[1] - self.whole[0])

    def bounds(self) -> Bounds | None:
        """The minimum and maximum, each list's in proportion of its seconds; None: there are none."""
        lists = _lists(self.stretches)
        if all(tariff.spec.minimum is None and tariff.spec.maximum is None for tariff in lists):
            return None
        limits = [self._length(tariff) * tariff.spec.maximum for tariff in lists if tariff.spec.maximum is not None]
        return Bounds(
            least=sum((self._length(tariff) * (tariff.spec.minimum or 0) for tariff in lists), Decimal(0)),
            most=sum(limits, Decimal(0)) if limits else None,
        )

    def flat(self) -> Flat:
        """What the whole period costs for time alone; cutting a year by a schedule takes a while."""
        lists = _lists(self.stretches)
        quotas = [(tariff, charge.quota) for tariff in lists for charge in tariff.spec.charges if charge.quota]
        return Flat(
            due=tuple(self.due(self.whole)),
            quotas=sum((self._length(tariff) * quota.price for tariff, quota in quotas), Decimal(0)),
        )

    def valid(self) -> Decimal:
        """The window's part of the time of the period in which any list is valid."""
        spans = [(each.start, each.end) for each in self.stretches if each.tariff is not None]
        inside = [(max(start, self.window[0]), min(end, self.window[1])) for start, end in spans]
        whole = sum(micros(end - start) for start, end in spans)
        return Decimal(sum(micros(end - start) for start, end in inside if start < end)) / max(whole, 1)

    def due(self, span: Span) -> Iterator[Due]:
        """What is due for time in a span."""
        for tariff in self._tariffs(span):
            for charge in tariff.spec.charges:
                if charge.fixed is not None:
                    weight = self._weight(tariff, charge.fixed, span)
                    yield Due(charge.fixed.each, weight, charge.fixed.nth, len(tariff.spec.physical_networks))

    def _weight(self, tariff: Tariff, charge: Fixed, asked: Span) -> Decimal:
        """What one attachment costs over the span; a new node is due for the rest of the period."""
        until = self.whole[1] if charge.each is Each.NODE else min(asked[1], self.whole[1])
        total = Decimal(0)
        for stretch in self.stretches:
            span = max(stretch.start, asked[0]), min(stretch.end, until)
            if stretch.tariff is tariff and span[0] < span[1]:
                if charge.per is Per.HOUR:
                    for start, end, window in slots(charge.schedule, tariff.spec.timezone, *span):
                        total += seconds(end - start) / 3600 * unit_price(charge.price, window)
                else:
                    share = Decimal(micros(span[1] - span[0])) / micros(self.whole[1] - self.whole[0])
                    total += length_in(charge.per, tariff, self.whole) * share * charge.price
        return total

    @property
    def _rest(self) -> Span:
        return max(self.whole[0], self.window[0]), self.whole[1]

    def _has(self, stretch: Stretch) -> bool:
        """Whether the contract counts the network in a stretch: one that its list has dropped it does not."""
        return stretch.tariff is None or _prices(stretch.tariff, self.network)

    @property
    def counted_seconds(self) -> Decimal:
        """Of the window that lie in the period, and in which the contract has the network."""
        first, until = self._rest[0], min(self.window[1], self.whole[1])
        spans = [(max(each.start, first), min(each.end, until)) for each in self.stretches if self._has(each)]
        return sum((seconds(end - start) for start, end in spans if start < end), Decimal(0))

    def counters(self) -> Iterator[Counter | Total]:
        """Charges on what flows; those on the period's total also of lists that are over.

        Also of lists that have not the network: there is one counter, which what flows on it advances.
        """
        for tariff in self.counting(self._rest):
            for charge in tariff.spec.charges:
                yield from self._running(tariff, charge)
        for tariff in self.counting(self.whole):
            for charge in tariff.spec.charges:
                if charge.volume is not None:
                    yield from self._volume_total(charge.volume, self._length(tariff))
        now = {charge.name for tariff in self.counting(self.window) for charge in tariff.spec.charges if charge.quota}
        for name, charge in self._quotas().items():
            if charge.quota is not None and charge.quota.beyond.block is not None:
                price = blocks(charge.quota, self._included(charge))
                yield Total(self._gauge(charge.quota), price, grows=name in now)

    def _quotas(self) -> Mapping[str, Charge]:
        """Of all lists of the period, one of each name: they go beyond it in the same way."""
        lists = self.counting(self.whole)
        return {charge.name: charge for tariff in lists for charge in tariff.spec.charges if charge.quota}

    def levels(self) -> Iterator[Level]:
        """Percentiles of all lists of the period: each prices all of its samples, for its share of the time."""
        for tariff in self.counting(self.whole):
            for charge in tariff.spec.charges:
                if charge.percentile is not None:
                    yield Level(
                        name=charge.name,
                        charge=charge.percentile,
                        weight=self._length(tariff),
                        seconds=self.counted_seconds,
                    )

    def capped(self) -> bool:
        """Whether a quota throttles or stops."""
        quotas = [charge.quota for tariff in self._tariffs(self._rest) for charge in tariff.spec.charges]
        return any(quota is not None and not _goes_on(quota) for quota in quotas)

    def _running(self, tariff: Tariff, charge: Charge) -> Iterator[Counter]:
        volume, quota = charge.volume, charge.quota
        if volume is not None and volume.mode is Mode.GRADUATED:
            yield self._counter(tariff, volume, volume.tiers, most=volume.maximum)
        if quota is not None and quota.beyond.overage is not None:
            tiers = (Tier(price=quota.beyond.overage),)
            yield self._counter(tariff, quota, tiers, least=self._included(charge))

    def _volume_total(self, charge: Volume, weight: Decimal) -> Iterator[Total]:
        if charge.mode is not Mode.GRADUATED:
            yield Total(self._gauge(charge), at_once(charge, weight))
        elif charge.minimum:
            yield Total(self._gauge(charge), lacking(charge, weight))

    def _included(self, charge: Charge) -> Decimal:
        """Units that all lists of the period include in a quota, each in proportion of its seconds."""
        named = [
            (self._length(tariff), other.quota)
            for tariff in _lists(self.stretches)
            for other in tariff.spec.charges
            if other.name == charge.name and other.quota is not None
        ]
        return sum((length * quota.included for length, quota in named), Decimal(0))

    def _gauge(self, charge: Volume | Quota) -> Gauge:
        first = self._rest[0]
        return Gauge(
            charge=charge,
            fresh=self.whole[0] >= self.window[0],
            window_seconds=self.counted_seconds,
            rest_seconds=seconds(self.whole[1] - first),
        )

    def _counter(
        self,
        tariff: Tariff,
        charge: Volume | Quota,
        tiers: Tiers,
        least: Decimal = Decimal(0),
        most: Decimal | None = None,
    ) -> Counter:
        first, until = self._rest[0], min(self.window[1], self.whole[1])
        return Counter(
            gauge=self._gauge(charge),
            tiers=tiers,
            least=least,
            most=most,
            now=tuple(self._steps(tariff, charge.schedule, first, until)),
            all_steps=partial(self._to_end, tariff, charge.schedule),
        )

    def _to_end(self, tariff: Tariff, schedule: Schedule) -> tuple[Step, ...]:
        first, until = self._rest[0], min(self.window[1], self.whole[1])
        return (*self._steps(tariff, schedule, first, until), *self._steps(tariff, schedule, until, self.whole[1]))

    def _steps(self, tariff: Tariff, schedule: Schedule, start: datetime, end: datetime) -> Iterator[Step]:
        for stretch in self.stretches:
            span = max(start, stretch.start), min(end, stretch.end)
            if span[0] < span[1]:
                active = stretch.tariff is tariff
                for begin, finish, window in slots(schedule if active else (), tariff.spec.timezone, *span):
                    yield seconds(finish - begin), begin < self.window[1] and self._has(stretch), active, window
