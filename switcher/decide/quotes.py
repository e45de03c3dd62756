"""The unit prices of a physical network: of an attachment, and of a bit per second of each kind of load.

Each is asked of the price lists as they are now, on top of what is there already; a workload's own price is linear in
its load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from math import isnan

from switcher.decide.board import Board
from switcher.model import Usage
from switcher.objects.model import Book
from switcher.tariff.flow import NOTHING
from switcher.tariff.marginal import Beside, Flow, Marks, PriceGap, quote


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


@dataclass(frozen=True, slots=True)
class Crowd:
    """What is to come to a network together: so many bits per second, in so many attachments."""

    bps: float
    heads: int = 1


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
    crowds: Mapping[str, Crowd]
    """What is asked for instead, by physical network, where many are to come together."""

    def per_hour(self, name: str, horizon: timedelta, base: Flow, extra: Flow) -> Decimal | None:
        """What a load adds to the bill per hour on top of another, averaged over the horizon; None: no price."""
        asked = quote(self.book, name, self.now, self.now + horizon, self.currency)
        if isinstance(asked, PriceGap):
            return None
        beside = self.beside(name, extra.destination)
        answer = asked.marginal(self.usage.get(name, {}), base, extra, self.marks(name), beside)
        return None if isinstance(answer, PriceGap) else answer / hours_of(horizon)

    def beside(self, name: str, destination: str | None) -> Beside:
        """What is on the other networks of a contract: its tiers and discounts count them too."""

        def others(networks: frozenset[str]) -> Flow:
            found = NOTHING
            for each in sorted(networks - {name}):
                found = found.beside(self.base(each, destination))
            return found

        return others


def hours_of(span: timedelta) -> Decimal:
    """A length of time in hours, exactly."""
    return Decimal(span // timedelta(microseconds=1)) / 3_600_000_000


def quote_of(market: Lists, name: str, destination: str | None, horizon: timedelta, *, leaving: bool = False) -> Quote:
    """The unit prices of a physical network for the next ``horizon``, of one who comes or of one who is there."""
    window = market.now, market.now + horizon
    base, usage, standing = market.base(name, destination), market.usage.get(name, {}), market.marks(name)
    beside = market.beside(name, destination)
    directed = quote(market.book, name, *window, market.currency)
    undirected = quote(market.undirected, name, *window, market.currency)
    if isinstance(directed, PriceGap) or isinstance(undirected, PriceGap):
        return Quote(gap=directed if isinstance(directed, PriceGap) else PriceGap.UNKNOWN)

    one = Crowd(market.probe)
    crowd = one if leaving else market.crowds.get(name, one)

    def ask(load: Load | None) -> Decimal | PriceGap:
        into = crowd.bps if load in (Load.IN, Load.BOTH) else 0.0
        out = crowd.bps if load in (Load.OUT, Load.BOTH) else 0.0
        extra = Flow(attachments=crowd.heads, in_bps=into, out_bps=out, destination=destination)
        asked = undirected if load is Load.BOTH else directed
        return asked.marginal(usage, base.without(extra) if leaving else base, extra, standing, beside)

    alone, loaded = ask(None), {load: ask(load) for load in Load}
    hours, rate = hours_of(horizon), Decimal(crowd.bps)
    if isinstance(alone, PriceGap):
        return Quote(gap=alone)
    per_bps: dict[Load, Decimal] = {}
    for load, answer in loaded.items():
        if isinstance(answer, PriceGap):
            return Quote(gap=answer)
        per_bps[load] = (answer - alone) / hours / rate
    return Quote(attachment=alone / hours / crowd.heads, bps=per_bps)


def loads_of(board: Board, workload: int) -> Mapping[Load, float]:
    """The load of a workload as its prices count it, bits per second."""
    if not board.directed[workload]:
        return {Load.BOTH: float(board.demand_given[workload])}
    into, out = (float(rates[workload]) for rates in (board.workloads.in_bps, board.workloads.out_bps))
    return {Load.IN: 0.0 if isnan(into) else into, Load.OUT: 0.0 if isnan(out) else out}
