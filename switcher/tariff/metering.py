"""What a contract's price lists charge for what flows in one billing period, as the part of a quote counts it on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial

from switcher.objects.charges import Charge, Quota, Volume
from switcher.objects.prices import Schedule, Tier, Tiers
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Mode
from switcher.tariff.counter import Counter, Step
from switcher.tariff.flow import Gauge
from switcher.tariff.in_force import InForce
from switcher.tariff.ledger import Level
from switcher.tariff.periods import Span, seconds
from switcher.tariff.schedule import slots
from switcher.tariff.total import Total, at_once, blocks, lacking


def counters(lists: InForce) -> Iterator[Counter | Total]:
    """Charges on what flows; those on the period's total also of lists that are over.

    Also of lists that have not the network: there is one counter, which what flows on it advances.
    """
    for tariff in lists.counting(lists.rest):
        for charge in tariff.spec.charges:
            yield from _running(lists, tariff, charge)
    for tariff in lists.counting(lists.whole):
        for charge in tariff.spec.charges:
            if charge.volume is not None:
                yield from _volume_total(lists, charge.volume, lists.length(tariff))
    now = {charge.name for tariff in lists.counting(lists.window) for charge in tariff.spec.charges if charge.quota}
    for name, charge in _quotas(lists).items():
        if charge.quota is not None and charge.quota.beyond.block is not None:
            price = blocks(charge.quota, _included(lists, charge))
            yield Total(_gauge(lists, charge.quota), price, grows=name in now)


def levels(lists: InForce) -> Iterator[Level]:
    """Percentiles of all lists of the period: each prices all of its samples, for its share of the time."""
    for tariff in lists.counting(lists.whole):
        for charge in tariff.spec.charges:
            if charge.percentile is not None:
                yield Level(
                    name=charge.name,
                    charge=charge.percentile,
                    weight=lists.length(tariff),
                    seconds=lists.counted_seconds,
                )


def capped(lists: InForce) -> bool:
    """Whether a quota throttles or stops."""
    quotas = [charge.quota for tariff in lists.pricing(lists.rest) for charge in tariff.spec.charges]
    return any(quota is not None and not _goes_on(quota) for quota in quotas)


def _goes_on(quota: Quota) -> bool:
    return quota.beyond.block is not None or quota.beyond.overage is not None


def _quotas(lists: InForce) -> Mapping[str, Charge]:
    """Of all lists of the period, one of each name: they go beyond it in the same way."""
    every = lists.counting(lists.whole)
    return {charge.name: charge for tariff in every for charge in tariff.spec.charges if charge.quota}


def _running(lists: InForce, tariff: Tariff, charge: Charge) -> Iterator[Counter]:
    volume, quota = charge.volume, charge.quota
    if volume is not None and volume.mode is Mode.GRADUATED:
        yield _counter(lists, tariff, volume, volume.tiers)
    if quota is not None and quota.beyond.overage is not None:
        tiers = (Tier(price=quota.beyond.overage),)
        yield _counter(lists, tariff, quota, tiers, least=_included(lists, charge))


def _volume_total(lists: InForce, charge: Volume, weight: Decimal) -> Iterator[Total]:
    if charge.mode is not Mode.GRADUATED:
        yield Total(_gauge(lists, charge), at_once(charge, weight))
    elif charge.minimum:
        yield Total(_gauge(lists, charge), lacking(charge, weight))


def _included(lists: InForce, charge: Charge) -> Decimal:
    """Units that all lists of the period include in a quota, each in proportion of its seconds."""
    named = [
        (lists.length(tariff), other.quota)
        for tariff in lists.counting(lists.whole)
        for other in tariff.spec.charges
        if other.name == charge.name and other.quota is not None
    ]
    return sum((length * quota.included for length, quota in named), Decimal(0))


def _gauge(lists: InForce, charge: Volume | Quota) -> Gauge:
    start, end = lists.rest
    return Gauge(
        charge=charge,
        fresh=lists.whole[0] >= lists.window[0],
        window_seconds=lists.counted_seconds,
        rest_seconds=seconds(end - start),
    )


def _counter(
    lists: InForce, tariff: Tariff, charge: Volume | Quota, tiers: Tiers, least: Decimal = Decimal(0)
) -> Counter:
    return Counter(
        gauge=_gauge(lists, charge),
        tiers=tiers,
        least=least,
        most=charge.maximum if isinstance(charge, Volume) else None,
        now=tuple(_steps(lists, tariff, charge.schedule, lists.inside)),
        all_steps=partial(_to_end, lists, tariff, charge.schedule),
    )


def _to_end(lists: InForce, tariff: Tariff, schedule: Schedule) -> tuple[Step, ...]:
    beyond = lists.inside[1], lists.whole[1]
    return (*_steps(lists, tariff, schedule, lists.inside), *_steps(lists, tariff, schedule, beyond))


def _steps(lists: InForce, tariff: Tariff, schedule: Schedule, asked: Span) -> Iterator[Step]:
    for stretch in lists.stretches:
        span = max(asked[0], stretch.start), min(asked[1], stretch.end)
        if span[0] < span[1]:
            active, has = stretch.tariff is tariff, lists.counts_in(stretch)
            for begin, finish, window in slots(schedule if active else (), tariff.spec.timezone, *span):
                yield seconds(finish - begin), begin < lists.window[1] and has, active, window
