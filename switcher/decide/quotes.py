"""The unit prices of a physical network: of an attachment, and of a bit per second of each kind of load.

Each is asked of the price lists as they are now, on top of what is there already; a workload's own price is linear in
its load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import numpy as np

from switcher.decide.board import Board, Floats, Ints
from switcher.decide.present import Base
from switcher.model import Usage
from switcher.objects.model import Book
from switcher.tariff.flow import NOTHING, together
from switcher.tariff.marginal import Beside, Flow, Marks, PriceGap, quote


class Load(StrEnum):
    """How the load of a workload is known. ``BOTH``: its demand counts in full in whichever direction is charged."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


ONE = {
    Load.IN: Flow(in_bps=1.0),
    Load.OUT: Flow(out_bps=1.0),
    Load.BOTH: Flow(in_bps=1.0, out_bps=1.0, both_bps=1.0),
}
"""One bit per second of each."""
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
    currency: str | None
    now: datetime
    usage: Mapping[str, Mapping[str, Usage]]
    base: Base
    marks: Callable[[str, Base], Marks]
    """Where percentile charges stand, as a physical network has it beside what is on the others."""
    probe: float
    """Bits per second: about what one workload brings."""
    crowds: Mapping[str, Crowd]
    """What is asked for instead, by physical network, where many are to come together."""

    def per_hour(self, name: str, horizon: timedelta, base: Flow, extra: Flow) -> Decimal | None:
        """What a load adds to the bill per hour on top of another, averaged over the horizon; None: no price."""
        asked = quote(self.book, name, self.now, self.now + horizon, self.currency)
        if isinstance(asked, PriceGap):
            return None
        beside, standing = self.beside(name, extra.destination), self.marks(name, self.base)
        answer = asked.marginal(self.usage.get(name, {}), base, extra, standing, beside)
        return None if isinstance(answer, PriceGap) else answer / hours_of(horizon)

    def beside(self, name: str, destination: str | None) -> Beside:
        """What is on the other networks of a contract: its tiers and discounts count them too."""

        def others(networks: frozenset[str]) -> Flow:
            return together(self.base(each, destination) for each in sorted(networks - {name}))

        return others


def hours_of(span: timedelta) -> Decimal:
    """A length of time in hours, exactly."""
    return Decimal(span // timedelta(microseconds=1)) / 3_600_000_000


def quote_of(market: Lists, name: str, destination: str | None, horizon: timedelta, *, leaving: bool = False) -> Quote:
    """The unit prices of a physical network for the next ``horizon``, of one who comes or of one who is there."""
    window = market.now, market.now + horizon
    base, usage, standing = market.base(name, destination), market.usage.get(name, {}), market.marks(name, market.base)
    beside = market.beside(name, destination)
    asked = quote(market.book, name, *window, market.currency)
    if isinstance(asked, PriceGap):
        return Quote(gap=asked)

    one = Crowd(market.probe)
    crowd = one if leaving else market.crowds.get(name, one)

    def ask(load: Load | None) -> Decimal | PriceGap:
        one = NOTHING if load is None else ONE[load].times(crowd.bps)
        extra = replace(one, attachments=crowd.heads, destination=destination)
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


def rates(board: Board) -> Floats:
    """W x 3: the load of each workload as its prices count it, bits per second, a column for each kind."""
    into, out = np.nan_to_num(board.workloads.in_bps), np.nan_to_num(board.workloads.out_bps)
    return np.stack([into, out, np.where(board.directed, 0.0, board.demand_given)], axis=1)


def mixture(board: Board, rows: Ints) -> Flow:
    """What one bit per second of the demand of these workloads is together."""
    loads: Floats = rates(board)[rows].sum(axis=0) / max(float(board.demand[rows].sum()), 1e-9)
    into, out, both = loads.tolist()
    return Flow(in_bps=into + both, out_bps=out + both, both_bps=both)
