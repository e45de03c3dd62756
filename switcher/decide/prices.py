"""What every workload costs on every network: money per hour, averaged over its policy's horizon.

A price is the marginal one: the difference of two bills (``switcher.tariff.marginal``). It is asked once per physical
network, horizon and class of destination, for an attachment, a byte in and a byte out, and is then linear in each
workload's own load, so that announced lists, schedules, unspent tiers and prices per attachment need no special case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property

import numpy as np

from switcher.columns import Column
from switcher.decide.board import NOWHERE, Board, Codes, Floats, Ints
from switcher.decide.marks import at_network, marks
from switcher.decide.outlook import Outlook, outlook
from switcher.decide.penalties import penalties
from switcher.decide.present import Base, bases
from switcher.decide.projection import Projection
from switcher.decide.quotes import Asked, Crowd, Lists, Load, Quote, quote_of, rates
from switcher.decide.rules import Rules
from switcher.model import Memory, usage_by_network
from switcher.objects.model import Book
from switcher.tariff.marginal import Marks, PriceGap

AT_ONCE = timedelta(minutes=1)
"""The price of now is the mean over this time: about one tick, within which a move can be decided again."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prices:
    """W x C, money per hour in the settlement currency; not a number where there is no price."""

    price: Floats
    now: Floats
    """The price of the next minute."""
    penalty: Floats
    """What the network's latency and loss are worth to the workload."""
    gap: Codes
    """Index into :data:`GAPS`; 0 where there is a price."""
    arriving: Floats
    """W: the price where it is, were it to arrive there; where a level is priced, who is there pays less."""
    quotes: Mapping[Asked, Quote]
    leaving: Mapping[Asked, Quote]
    """Of those who are there, where it is not the same."""
    lists: Lists
    outlook: Outlook

    @property
    def probe(self) -> float:
        """Bits per second over which a quote is the mean: about what one workload brings."""
        return self.lists.probe

    @property
    def foreseen(self) -> frozenset[str]:
        """Physical networks that are priced by what the billing period will come to."""
        return frozenset(self.outlook.margins)

    @cached_property
    def cost(self) -> Floats:
        """Price and penalty."""
        return self.price + self.penalty

    @property
    def cost_now(self) -> Floats:
        """The same of the next minute; of most price lists that is the same."""
        return self.cost if self.now is self.price else self.now + self.penalty

    def quote(self, asked: Asked, *, at_home: bool) -> Quote:
        """The quote of a physical network as a workload counts it."""
        return self.leaving.get(asked, self.quotes[asked]) if at_home else self.quotes[asked]

    def ask(self, asked: Asked) -> Quote:
        """The quote of one who comes, also of a horizon or class that no workload has."""
        return self.quotes.get(asked) or self.outlook.quote(asked, quote_of(self.lists, *asked))


GAPS: tuple[PriceGap | None, ...] = (None, PriceGap.UNKNOWN, PriceGap.STALE)


Terms = tuple[Book, str | None]
"""The price lists and the settlement currency."""


def prices(  # noqa: PLR0913, PLR0917 # the tables of a tick, and what they are priced by
    board: Board, rules: Rules, projection: Projection, memory: Memory, terms: Terms, crowds: Mapping[str, Crowd]
) -> Prices:
    """All prices of a tick. ``crowds``: for whom a physical network is quoted, where not for one."""
    book, currency = terms
    market = Lists(
        book=book,
        currency=currency,
        now=board.seen.now,
        usage=usage_by_network(memory.usage),
        base=bases(board, projection),
        marks=_marks(board, projection, memory),
        probe=float(board.demand.mean()) if len(board.demand) and board.demand.any() else 1e6,
        crowds=crowds,
    )
    groups, group_of = _groups(board, rules)
    names = sorted({uplink.physical_network for uplink in board.uplinks})
    keys = [(name, destination, horizon) for destination, horizon in groups for name in names]
    alone = {key: quote_of(market, *key) for key in keys}
    seen = outlook(board, projection, market, alone)
    quotes = {key: seen.quote(key, quote) for key, quote in alone.items()}
    # A crowd earns its discount over the horizon only, and that it begins at once is not asked of it.
    at_once = {key: quotes[key] if key[0] in crowds else _soon(market, seen, key) for key in keys}
    price, gap = _spread(board, groups, group_of, quotes)
    now = price if at_once == quotes else _spread(board, groups, group_of, at_once)[0]
    arriving = price[np.arange(len(price)), np.maximum(board.here, 0)] if price.size else np.zeros(len(price))
    in_ledger = {name for ledger in memory.ledgers.values() for name in ledger.networks}
    levelled = [key for key in keys if key[0] in in_ledger]
    leaving = {key: quote_of(market, *key, leaving=True) for key in levelled}
    if leaving:
        now = now.copy()  # it may have been the same until here
        soon = {key: quote_of(market, *key[:2], min(key[2], AT_ONCE), leaving=True) for key in levelled}
        _at_home(board, price, _spread(board, groups, group_of, {**quotes, **leaving})[0])
        _at_home(board, now, _spread(board, groups, group_of, {**at_once, **soon})[0])
    return Prices(
        price=price,
        now=now,
        penalty=penalties(board, rules),
        gap=gap,
        arriving=arriving,
        quotes=quotes,
        leaving=leaving,
        lists=market,
        outlook=seen,
    )


def _soon(market: Lists, seen: Outlook, asked: Asked) -> Quote:
    """The quote of the next minute."""
    name, destination, horizon = asked
    at_once = name, destination, min(horizon, AT_ONCE)
    return seen.quote(at_once, quote_of(market, *at_once))


def _at_home(board: Board, price: Floats, leaving: Floats) -> None:
    """Put what a workload pays where it is: what the bill would be less by without it."""
    placed = np.flatnonzero(board.here != NOWHERE)
    price[placed, board.here[placed]] = leaving[placed, board.here[placed]]


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
) -> tuple[Floats, Codes]:
    """Quotes of physical networks as money per hour of each workload under each name, and where they are missing."""
    if not board.networks or not groups:
        empty = np.full(board.network.shape, np.nan)
        return empty, np.zeros(board.network.shape, dtype=np.int8)
    names = Column.of([net.physical_network for net in board.networks])
    table = np.array([[_row(quotes[name, *group]) for name in names.values] for group in groups])[:, names.at]
    by_kind = np.moveaxis(table, 2, 0).reshape(table.shape[2], -1)  # each in one piece: it is read a million times
    cell = group_of[:, None] * table.shape[1] + np.maximum(board.network, 0)
    loads = rates(board)
    price = by_kind[0].take(cell)
    for kind in range(3):
        if by_kind[1 + kind].any() and loads[:, kind].any():
            price += by_kind[1 + kind].take(cell) * loads[:, None, kind]
    price[board.network < 0] = np.nan
    gap = np.zeros(cell.shape, dtype=np.int8)
    if by_kind[4].any():
        gap = np.where(board.network >= 0, by_kind[4].astype(np.int8).take(cell), 0)
        price[gap > 0] = np.nan
    return price, gap


def _row(quote: Quote) -> list[float]:
    if quote.bps is None:
        return [0.0, 0.0, 0.0, 0.0, float(GAPS.index(quote.gap))]
    return [float(quote.attachment), *(float(quote.bps[load]) for load in Load), 0.0]


def _marks(board: Board, projection: Projection, memory: Memory) -> Callable[[str, Base], Marks]:
    found = marks(board, projection, memory.ledgers)
    return cache(lambda name, base: at_network(found, memory.ledgers, name, lambda other: base(other, None)))
