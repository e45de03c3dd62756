"""Turns a contract's price lists into the part of a quote that they are in one billing period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache, partial

from switcher.objects.charges import Fixed, Quota
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Each, Per
from switcher.tariff.graduated import unit_price
from switcher.tariff.in_force import InForce, lists_of
from switcher.tariff.lists import Stretch, networks_of
from switcher.tariff.metering import capped, counters, levels
from switcher.tariff.part import Bounds, Due, Flat, Part
from switcher.tariff.periods import Span, length_in, micros, seconds
from switcher.tariff.schedule import slots


def has_price(stretches: Sequence[Stretch]) -> bool:
    """Whether a placement has a marginal price in a billing period with these lists.

    Quotas of one name must go beyond it in the same way, and of the lists with a maximum every one must have it.
    """
    lists = lists_of(stretches)
    if any(tariff.spec.maximum is not None for tariff in lists) and any(t.spec.maximum is None for t in lists):
        return False
    ways: dict[str, object] = {}
    for charge in (charge for tariff in lists for charge in tariff.spec.charges):
        if charge.quota is not None:
            way = _way(charge.quota)
            if ways.setdefault(charge.name, way) != way:
                return False
    return True


def _way(quota: Quota) -> object:
    """What must be the same in all lists; a price per unit may change."""
    beyond = quota.beyond
    block = None if beyond.block is None else (beyond.block, beyond.price)
    return quota.unit, quota.direction, quota.destination, block, beyond.throttle, beyond.stop


def parted(contract: str, rate: Decimal, network: str | None, window: Span, stretches: tuple[Stretch, ...]) -> Part:
    """The part of a network, or with None of all that the contract names; ``stretches`` fill the billing period."""
    lists = InForce(network, (stretches[0].start, stretches[-1].end), window, stretches)
    return Part(
        contract=contract,
        rate=rate,
        lists=tuple(lists.pricing(lists.whole)),
        networks=networks_of(lists.counting(window) or lists.counting(lists.whole)),
        due=tuple(_due(lists, window)),
        counters=tuple(counters(lists)),
        bounds=_bounds(lists),
        flat=cache(partial(_flat, lists)),
        valid=lists.valid,
        levels=tuple(levels(lists)),
        capped=capped(lists),
    )


def _bounds(lists: InForce) -> Bounds | None:
    """The minimum and maximum, each list's in proportion of its seconds; None: there are none."""
    least = [(tariff, tariff.spec.minimum) for tariff in lists.counting(lists.whole) if tariff.spec.minimum is not None]
    most = [(tariff, tariff.spec.maximum) for tariff in lists.counting(lists.whole) if tariff.spec.maximum is not None]
    if not least and not most:
        return None
    return Bounds(
        least=sum((lists.length(tariff) * minimum for tariff, minimum in least), Decimal(0)),
        most=sum((lists.length(tariff) * maximum for tariff, maximum in most), Decimal(0)) if most else None,
    )


def _flat(lists: InForce) -> Flat:
    """What the whole period costs for time alone; cutting a year by a schedule takes a while."""
    every = lists.counting(lists.whole)
    quotas = [(tariff, charge.quota) for tariff in every for charge in tariff.spec.charges if charge.quota]
    return Flat(
        due=tuple(_due(lists, lists.whole)),
        quotas=sum((lists.length(tariff) * quota.price for tariff, quota in quotas), Decimal(0)),
    )


def _due(lists: InForce, span: Span) -> Iterator[Due]:
    """What is due for time in a span."""
    for tariff in lists.pricing(span):
        for charge in tariff.spec.charges:
            if charge.fixed is not None:
                weight = _weight(lists, tariff, charge.fixed, span)
                yield Due(charge.fixed.each, weight, charge.fixed.nth, len(tariff.spec.physical_networks))


def _weight(lists: InForce, tariff: Tariff, charge: Fixed, asked: Span) -> Decimal:
    """What one attachment costs over the span; a new node is due for the rest of the period."""
    whole, total = lists.whole, Decimal(0)
    until = whole[1] if charge.each is Each.NODE else min(asked[1], whole[1])
    for stretch in lists.stretches:
        span = max(stretch.start, asked[0]), min(stretch.end, until)
        if stretch.tariff is tariff and span[0] < span[1]:
            if charge.per is Per.HOUR:
                for start, end, window in slots(charge.schedule, tariff.spec.timezone, *span):
                    total += seconds(end - start) / 3600 * unit_price(charge.price, window)
            else:
                share = Decimal(micros(span[1] - span[0])) / micros(whole[1] - whole[0])
                total += length_in(charge.per, tariff, whole) * share * charge.price
    return total
