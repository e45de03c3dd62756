"""When each physical network had a price: contracts may be added and taken away in the period.

While no contract on a network is in force it is closed: nobody is on it, and nothing is due for it. What was on it
even so is refused, for an unknown price is never zero; so is a time for which a contract that was in force has no list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from switcher.backtest.editions import Editions, respecified
from switcher.backtest.past import Past
from switcher.backtest.record import Span
from switcher.decide.board import Bools
from switcher.errors import Problem
from switcher.objects.model import Tariff
from switcher.tariff.lists import Stretch, by_contract, networks_of, timeline, valid_at
from switcher.tariff.periods import MICROSECOND

REMEDY = "lay a price list over it with --what-if, or play a part of the period"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What has a price when, in whole slots."""

    tariffs: tuple[Tariff, ...]
    """The price lists of bills, stand-ins too."""
    stand_ins: tuple[Tariff, ...]
    """Lists without any charge, each for a time in which its contract was not in force."""
    closed: Mapping[str, Bools]
    """T, by physical network: no contract on it is in force. Of those only for which that is so at some time."""


def coverage(past: Past, editions: Editions) -> Coverage:
    """The coverage of a period by the price lists of its editions."""
    span, lists = past.span, list[Tariff]()
    stand_ins = list[Tariff]()
    for contract, own in by_contract(editions.billed.tariffs).items():
        listed = list(own)
        for stretch in timeline(own, span.start, span.end):
            if stretch.tariff is None and not editions.had(contract, stretch.start, stretch.end):
                listed, meanwhile = _shortened(listed, stretch, span)
                stand_ins += meanwhile
        lists += listed
    open_ = _open(lists, span)
    closed = {name: ~there for name, there in open_.items() if not there.all()}
    return Coverage(tariffs=(*lists, *stand_ins), stand_ins=tuple(stand_ins), closed=closed)


def _shortened(lists: Sequence[Tariff], gap: Stretch, span: Span) -> tuple[list[Tariff], list[Tariff]]:
    """The lists, with a gap of whole slots between those before and after it; what stands in for them meanwhile."""
    first, last = -((span.start - gap.start) // span.slot), (gap.end - span.start) // span.slot
    start, end = span.start + first * span.slot, span.start + max(first, last) * span.slot
    before = valid_at(lists, gap.start - MICROSECOND)
    after = valid_at(lists, gap.end) if gap.end < span.end else None
    edges = {id(before): {"valid_to": start}, id(after): {"valid_from": min(end, gap.end)}}
    widened = [respecified(one, **edges[id(one)]) if id(one) in edges else one for one in lists]
    if start >= end:
        return widened, []
    terms = {"charges": (), "minimum": None, "maximum": None, "valid_from": start, "valid_to": end}
    return widened, [respecified(before or after or lists[0], **terms)]


def _open(lists: Sequence[Tariff], span: Span) -> dict[str, Bools]:
    """T, by physical network: whether any list counts in some part of the slot."""
    found = {name: np.zeros(span.slots, dtype=np.bool_) for name in sorted(networks_of(lists))}
    for own in by_contract(lists).values():
        for stretch in timeline(own, span.start, span.end):
            first, end = (stretch.start - span.start) // span.slot, -((span.start - stretch.end) // span.slot)
            for name in stretch.tariff.spec.physical_networks if stretch.tariff else ():
                found[name][first:end] = True
    return found


def price_gaps(past: Past, editions: Editions, reachable: Collection[str]) -> Iterator[Problem]:
    """Times without a valid list of a contract that was in force, on a network that something may be on."""
    for contract, lists in by_contract(editions.billed.tariffs).items():
        named = sorted(networks_of(lists) & set(reachable))
        for stretch in timeline(lists, past.span.start, past.span.end) if named else ():
            if stretch.tariff is None and editions.had(contract, stretch.start, stretch.end):
                times = f"from {stretch.start.isoformat()} to {stretch.end.isoformat()}"
                text = f"contract {contract!r} has no valid price list {times}, for {', '.join(named)}"
                yield Problem("tariffs", 0, "", text)


def used_while_closed(past: Past, closed: Mapping[str, Bools]) -> Iterator[Problem]:
    """Closed networks that something was on."""
    for name, shut in closed.items():
        for start, end in past.span.stretches(shut):
            stays = any(stay.network == name and stay.start < end and stay.end > start for stay in past.stays)
            rows = (row for row in past.record.samples if row.network == name and row.bytes)
            if stays or any(row.start < end and row.end > start for row in rows):
                times = f"from {start.isoformat()} to {end.isoformat()}"
                text = f"no contract on {name!r} was in force {times}, but something was on it: {REMEDY}"
                yield Problem("tariffs", 0, "", text)
