"""What every workload costs on every network: money per hour, averaged over its policy's horizon.

A price is the marginal one: the difference of two bills (``switcher.tariff.marginal``). It is asked once per physical
network, horizon and class of destination, for an attachment, a byte in and a byte out, and is then linear in each
workload's own load, so that announced lists, schedules, unspent tiers and prices per attachment need no special case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache, cached_property

import numpy as np

from switcher.columns import Column
from switcher.decide.board import GB_PER_HOUR_PER_BPS, NOWHERE, Board, Floats, Ints
from switcher.decide.marks import at_network, marks
from switcher.decide.projection import Projection
from switcher.decide.rules import Rules
from switcher.model import Memory, Usage
from switcher.objects.model import Book
from switcher.tariff.marginal import Flow, Marks, PriceGap, quote
from switcher.tariff.undirected import undirected

AT_ONCE = timedelta(minutes=1)
"""The price of now is the mean over this time: about one tick, within which a move can be decided again."""


class Load(StrEnum):
    """How the load of a workload is known. ``BOTH``: its demand counts in full in whichever direction is charged."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


Asked = tuple[str, str | None, timedelta]
"""Physical network, class of destination, horizon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Money per hour of one attachment, and per bit per second of each load; or why there is no price."""

    attachment: Decimal = Decimal(0)
    bps: Mapping[Load, Decimal] | None = None
    gap: PriceGap | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lists:
    """The price lists as they are now, ready to be asked: what all quotes of a tick have in common."""

    book: Book
    undirected: Book
    currency: str | None
    now: datetime
    usage: Mapping[str, Mapping[str, Usage]]
    base: Callable[[str, str | None], Flow]
    marks: Callable[[str], Marks]
    """Where percentile charges stand, as a physical network has it."""
    probe: float
    """Bits per second: about what one workload brings."""
    crowds: Mapping[str, float]
    """What is asked for instead, by physical network, where many are to come together."""

    def per_hour(self, name: str, horizon: timedelta, base: Flow, extra: Flow) -> Decimal | None:
        """What a load adds to the bill per hour on top of another, averaged over the horizon; None: no price."""
        asked = quote(self.book, name, self.now, self.now + horizon, self.currency)
        if isinstance(asked, PriceGap):
            return None
        answer = asked.marginal(self.usage.get(name, {}), base, extra, self.marks(name))
        return None if isinstance(answer, PriceGap) else answer / hours_of(horizon)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prices:
    """W x C, money per hour in the settlement currency; not a number where there is no price."""

    price: Floats
    now: Floats
    """The price of the next minute."""
    penalty: Floats
    """What the network's latency and loss are worth to the workload."""
    gap: Ints
    """Index into :data:`GAPS`; 0 where there is a price."""
    arriving: Floats
    """W: the price where it is, were it to arrive there; where a level is priced, who is there pays less."""
    quotes: Mapping[Asked, Quote]
    leaving: Mapping[Asked, Quote]
    """Of those who are there, where it is not the same."""
    lists: Lists

    @property
    def probe(self) -> float:
        """Bits per second over which a quote is the mean: about what one workload brings."""
        return self.lists.probe

    @cached_property
    def cost(self) -> Floats:
        """Price and penalty."""
        return self.price + self.penalty

    def quote(self, asked: Asked, *, at_home: bool) -> Quote:
        """The quote of a physical network as a workload counts it."""
        return self.leaving.get(asked, self.quotes[asked]) if at_home else self.quotes[asked]


GAPS: tuple[PriceGap | None, ...] = (None, PriceGap.UNKNOWN, PriceGap.STALE)


Terms = tuple[Book, str | None]
"""The price lists and the settlement currency."""


def prices(  # noqa: PLR0913, PLR0917 # the tables of a tick, and what they are priced by
    board: Board, rules: Rules, projection: Projection, memory: Memory, terms: Terms, crowds: Mapping[str, float]
) -> Prices:
    """All prices of a tick. ``crowds``: bits per second that a physical network is quoted for, where not for one."""
    book, currency = terms
    bases = _bases(board, projection)
    market = Lists(
        book=book,
        undirected=undirected(book),
        currency=currency,
        now=board.seen.now,
        usage=_usage(memory),
        base=bases,
        marks=_marks(board, projection, memory, bases),
        probe=float(board.demand.mean()) if len(board.demand) and board.demand.any() else 1e6,
        crowds=crowds,
    )
    groups, group_of = _groups(board, rules)
    names = sorted({uplink.physical_network for uplink in board.uplinks})
    keys = [(name, destination, horizon) for destination, horizon in groups for name in names]
    quotes = {key: quote_of(market, *key) for key in keys}
    # A crowd earns its discount over the horizon only, and that it begins at once is not asked of it.
    at_once = {
        key: quotes[key] if key[0] in crowds else quote_of(market, *key[:2], min(key[2], AT_ONCE)) for key in keys
    }
    price, gap = _spread(board, groups, group_of, quotes)
    now, _ = _spread(board, groups, group_of, at_once)
    arriving = price[np.arange(len(price)), np.maximum(board.here, 0)] if price.size else np.zeros(len(price))
    in_ledger = {name for ledger in memory.ledgers.values() for name in ledger.networks}
    levelled = [key for key in keys if key[0] in in_ledger]
    leaving = {key: quote_of(market, *key, leaving=True) for key in levelled}
    if leaving:
        soon = {key: quote_of(market, *key[:2], min(key[2], AT_ONCE), leaving=True) for key in levelled}
        _at_home(board, price, _spread(board, groups, group_of, {**quotes, **leaving})[0])
        _at_home(board, now, _spread(board, groups, group_of, {**at_once, **soon})[0])
    return Prices(
        price=price,
        now=now,
        penalty=_penalties(board, rules),
        gap=gap,
        arriving=arriving,
        quotes=quotes,
        leaving=leaving,
        lists=market,
    )


def _at_home(board: Board, price: Floats, leaving: Floats) -> None:
    """Put what a workload pays where it is: what the bill would be less by without it."""
    placed = np.flatnonzero(board.here != NOWHERE)
    price[placed, board.here[placed]] = leaving[placed, board.here[placed]]


def hours_of(span: timedelta) -> Decimal:
    """A length of time in hours, exactly."""
    return Decimal(span // timedelta(microseconds=1)) / 3_600_000_000


def quote_of(market: Lists, name: str, destination: str | None, horizon: timedelta, *, leaving: bool = False) -> Quote:
    """The unit prices of a physical network for the next ``horizon``, of one who comes or of one who is there."""
    window = market.now, market.now + horizon
    base, usage, standing = market.base(name, destination), market.usage.get(name, {}), market.marks(name)
    directed = quote(market.book, name, *window, market.currency)
    undirected = quote(market.undirected, name, *window, market.currency)
    if isinstance(directed, PriceGap) or isinstance(undirected, PriceGap):
        return Quote(gap=directed if isinstance(directed, PriceGap) else PriceGap.UNKNOWN)

    probe = market.probe if leaving else market.crowds.get(name, market.probe)

    def ask(load: Load | None) -> Decimal | PriceGap:
        into = probe if load in (Load.IN, Load.BOTH) else 0.0
        out = probe if load in (Load.OUT, Load.BOTH) else 0.0
        extra = Flow(attachments=1, in_bps=into, out_bps=out, destination=destination)
        asked = undirected if load is Load.BOTH else directed
        return asked.marginal(usage, base.without(extra) if leaving else base, extra, standing)

    alone, loaded = ask(None), {load: ask(load) for load in Load}
    hours, rate = hours_of(horizon), Decimal(probe)
    if isinstance(alone, PriceGap):
        return Quote(gap=alone)
    per_bps: dict[Load, Decimal] = {}
    for load, answer in loaded.items():
        if isinstance(answer, PriceGap):
            return Quote(gap=answer)
        per_bps[load] = (answer - alone) / hours / rate
    return Quote(attachment=alone / hours, bps=per_bps)


def loads_of(board: Board, workload: int) -> Mapping[Load, float]:
    """The load of a workload as its prices count it, bits per second."""
    if not board.directed[workload]:
        return {Load.BOTH: float(board.demand_given[workload])}
    into, out = (np.nan_to_num(rates[workload]) for rates in (board.workloads.in_bps, board.workloads.out_bps))
    return {Load.IN: float(into), Load.OUT: float(out)}


def _usage(memory: Memory) -> Mapping[str, Mapping[str, Usage]]:
    by_network: dict[str, dict[str, Usage]] = defaultdict(dict)
    for (network, contract), usage in memory.usage.items():
        by_network[network][contract] = usage
    return by_network


def _marks(
    board: Board, projection: Projection, memory: Memory, base: Callable[[str, str | None], Flow]
) -> Callable[[str], Marks]:
    found = marks(board, projection, memory.ledgers)
    return cache(lambda name: at_network(found, memory.ledgers, name, lambda other: base(other, None)))


def _bases(board: Board, projection: Projection) -> Callable[[str, str | None], Flow]:
    """The forecast of what is on a physical network, all nodes together; of one class only what is ours is known."""
    placed = np.flatnonzero(board.home_uplink != NOWHERE)
    names = sorted({uplink.physical_network for uplink in board.uplinks})
    number_of = {name: number for number, name in enumerate(names)}
    physical = np.array([number_of[uplink.physical_network] for uplink in board.uplinks], dtype=np.int64)
    present = physical[board.home_uplink[placed]]
    attachments = dict(zip(names, np.bincount(present, minlength=len(names)).tolist(), strict=True))
    ours = _ours_by_class(board, placed, present, names)
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for number, place in enumerate(board.uplinks):
        loads = (projection.into[number], projection.out[number])
        for index, value in enumerate((*loads, 1.0 if max(loads) > 0 else 0.0)):
            totals[place.physical_network][index] += float(value)

    def base(name: str, destination: str | None) -> Flow:
        into, out = totals[name][:2] if destination is None else ours.get((name, destination), (0.0, 0.0))
        return Flow(
            attachments=attachments.get(name, 0),
            in_bps=float(into),
            out_bps=float(out),
            destination=destination,
            nodes=int(totals[name][2]),
        )

    return base


def _ours_by_class(
    board: Board, placed: Ints, present: Ints, names: Sequence[str]
) -> Mapping[tuple[str, str | None], tuple[float, float]]:
    """(in, out) of our workloads on each physical network, by class of destination; nothing where none is named."""
    destinations = board.workloads.destination
    classes = sorted(name for name in destinations.present if name is not None)
    if not classes:
        return {}
    number: dict[str | None, int] = {None: NOWHERE} | {name: index for index, name in enumerate(classes)}
    of_class = destinations.take(placed).each(lambda name: number.get(name, NOWHERE), np.int64)
    found: dict[tuple[str, str | None], tuple[float, float]] = {}
    for index, destination in enumerate(classes):
        rows, on = placed[of_class == index], present[of_class == index]
        into = np.bincount(on, weights=board.into[rows], minlength=len(names)).tolist()
        out = np.bincount(on, weights=board.out[rows], minlength=len(names)).tolist()
        found |= {(name, destination): (into[place], out[place]) for place, name in enumerate(names)}
    return found


def _groups(board: Board, rules: Rules) -> tuple[Sequence[tuple[str | None, timedelta]], Ints]:
    """The distinct (destination, horizon) and each workload's index into them."""
    horizons = [*(policy.spec.horizon for policy in rules.policies), timedelta(hours=1)]
    destination = board.workloads.destination
    kinds, kind_of = np.unique(destination.at * len(horizons) + rules.number % len(horizons), return_inverse=True)
    of_kind = [(destination.values[kind // len(horizons)], horizons[kind % len(horizons)]) for kind in kinds.tolist()]
    groups = sorted(set(of_kind), key=lambda key: (key[0] or "", key[1]))
    return groups, np.array([groups.index(group) for group in of_kind], dtype=np.int64)[kind_of]


def _spread(
    board: Board,
    groups: Sequence[tuple[str | None, timedelta]],
    group_of: Ints,
    quotes: Mapping[Asked, Quote],
) -> tuple[Floats, Ints]:
    """Quotes of physical networks as money per hour of each workload under each name, and where they are missing."""
    if not board.networks or not groups:
        empty = np.full(board.network.shape, np.nan)
        return empty, np.zeros(board.network.shape, dtype=np.int64)
    names = Column.of([net.physical_network for net in board.networks])
    table = np.array([[_row(quotes[name, *group]) for name in names.values] for group in groups])[:, names.at]
    network = np.maximum(board.network, 0)
    rates = _rates(board)
    price = table[group_of[:, None], network, 0]
    for kind in range(3):
        if rates[:, kind].any():
            price += table[group_of[:, None], network, 1 + kind] * rates[:, None, kind]
    gap = np.where(board.network >= 0, table[group_of[:, None], network, 4], 0).astype(np.int64)
    return np.where((gap == 0) & (board.network >= 0), price, np.nan), gap


def _row(quote: Quote) -> list[float]:
    if quote.bps is None:
        return [0.0, 0.0, 0.0, 0.0, float(GAPS.index(quote.gap))]
    return [float(quote.attachment), *(float(quote.bps[load]) for load in Load), 0.0]


def _rates(board: Board) -> Floats:
    """W x 3: bits per second of each kind of load."""
    into, out = np.nan_to_num(board.workloads.in_bps), np.nan_to_num(board.workloads.out_bps)
    return np.stack([into, out, np.where(board.directed, 0.0, board.demand_given)], axis=1)


def _penalties(board: Board, rules: Rules) -> Floats:
    """W x C: money per hour that latency and loss are worth. What is not measured is no advantage to anyone."""
    per_gb = np.zeros(board.network.shape)
    measured = [network.latency_ms for network in board.networks], [network.loss for network in board.networks]
    latency = rules.figures(lambda policy: float(policy.spec.penalties.latency), 0.0)
    loss = rules.figures(lambda policy: float(policy.spec.penalties.loss), 0.0)
    for weight, values in zip((latency, loss), measured, strict=True):
        if weight.any():
            per_gb += weight[:, None] * _compared(board, np.array([_measured(value) for value in values], np.float64))
    own = board.workloads.penalties
    for row in np.flatnonzero(own.each(lambda penalties: penalties is not None, np.bool_)).tolist():
        per_gb[row] = [float(_named(own[row] or {}, name)) for name in board.names]
    volume: Floats = board.demand_given * GB_PER_HOUR_PER_BPS
    return per_gb * volume[:, None]


def _measured(value: float | None) -> float:
    return np.nan if value is None else value


def _named(penalties: Mapping[str, Decimal], name: str) -> Decimal:
    """The penalty of a network by its full or its bare name."""
    return penalties.get(name, penalties.get(name.rpartition(":")[2], Decimal(0)))


def _compared(board: Board, measured: Floats) -> Floats:
    """W x C: a quality under each name; unmeasured there counts as here, unmeasured here as no difference at all."""
    if not len(measured):
        return np.zeros(board.network.shape)
    quality = np.where(board.network >= 0, measured[np.maximum(board.network, 0)], np.nan)
    here = quality[np.arange(len(board.here)), np.maximum(board.here, 0)]
    here = np.where(board.here == NOWHERE, np.nan, here)[:, None]
    return np.where(np.isnan(here), 0.0, np.where(np.isnan(quality), here, quality))
