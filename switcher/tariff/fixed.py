"""What a sum for time comes to in an account (tariffs.md, Fixed)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from switcher.objects.charges import Fixed, Nth
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Each, Per
from switcher.tariff.account import Account
from switcher.tariff.graduated import unit_price
from switcher.tariff.invoice import Line, Tally
from switcher.tariff.periods import Span, length_in, micros, seconds


def fixed_line(account: Account, tariff: Tariff, name: str, charge: Fixed) -> Line:
    tally = Tally()
    nodes = _nodes(account, tariff) if charge.each is Each.NODE else 0
    for start, end, window in account.slots(tariff, charge.schedule):
        price = unit_price(charge.price, window)
        for span, count in _due(account, tariff, charge, (start, end), nodes):
            length = _length(account, tariff, charge.per, span)
            for factor, many in _discounted(charge.nth, count):
                tally.add(0, price * factor, length * many)
    return tally.line(name, tariff.name, f"{charge.each.value}-{charge.per.value}", [None], charge.price)


def _length(account: Account, tariff: Tariff, per: Per, span: Span) -> Decimal:
    """Hours are real hours; days and months are the whole period's, in proportion of the seconds."""
    if per is Per.HOUR:
        return seconds(span[1] - span[0]) / 3600
    whole = length_in(per, tariff, account.whole)
    return whole * micros(span[1] - span[0]) / micros(account.whole[1] - account.whole[0])


def _nodes(account: Account, tariff: Tariff) -> int:
    """How many nodes have a row on one of the list's networks in the billing period."""
    names = frozenset(tariff.spec.physical_networks)
    rows = [row for row in account.of_nodes if row.network in names]
    return len({node for row in rows for node in ((row.node,) if row.nodes is None else row.nodes)})


def _due(account: Account, tariff: Tariff, charge: Fixed, span: Span, nodes: int) -> Iterator[tuple[Span, int]]:
    """For how many of what the price is for it is due, and when."""
    names = tariff.spec.physical_networks
    match charge.each:
        case Each.NETWORK:
            yield span, len(names)
        case Each.NODE:
            yield span, nodes
        case Each.ATTACHMENT:
            yield from _together(
                [
                    (max(stay.start, span[0]), min(stay.end, span[1]))
                    for stay in account.stays
                    if stay.network in names and stay.start < span[1] and stay.end > span[0]
                ]
            )


def _together(spans: Sequence[Span]) -> Iterator[tuple[Span, int]]:
    """How many spans cover each moment, for every time in which that number is above zero."""
    changes: dict[object, int] = {}
    for start, end in spans:
        changes[start] = changes.get(start, 0) + 1
        changes[end] = changes.get(end, 0) - 1
    count = 0
    for begin, finish in pairwise(sorted({at for span in spans for at in span})):
        count += changes[begin]
        if count:
            yield (begin, finish), count


def _discounted(nth: Sequence[Nth], count: int) -> Iterator[tuple[Decimal, int]]:
    """How many of ``count`` are due at which multiple of the price; each step holds from its number on."""
    starts = [1, *(step.start for step in nth), count + 1]
    factors = [Decimal(1), *(step.multiply for step in nth)]
    for factor, (start, following) in zip(factors, pairwise(starts), strict=True):
        many = min(following, count + 1) - min(start, count + 1)
        if many > 0:
            yield factor, many


def in_prices(nth: Sequence[Nth], count: int) -> Decimal:
    """What ``count`` of what a fixed price is for cost together, as a multiple of the price."""
    return sum((factor * many for factor, many in _discounted(nth, count)), Decimal(0))
