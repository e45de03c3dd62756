"""How the networks of each node stand for a workload that starts there: by the decision's own money and rooms. Pure.

Such a workload is on no network yet and has no policy: it counts at the default horizon, with the demand that is
expected of it, in whichever direction is charged. Whatever bars a network for those that move bars it here too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

import numpy as np

from cni.wire import RankedNetwork, Ranking
from switcher.decide.board import Floats
from switcher.decide.budgets import Budgets
from switcher.decide.choose import Chosen
from switcher.decide.eligibility import GAP_REASON
from switcher.decide.explain import GB_PER_HOUR, plain
from switcher.decide.quotes import Load, Quote, quote_of
from switcher.decide.rooms import Rooms
from switcher.decide.settings import Settings
from switcher.decide.tick import Tick
from switcher.model import StayReason
from switcher.objects.model import Book, PolicySpec

DEFAULT_HORIZON: timedelta = PolicySpec().horizon


@dataclass(frozen=True, kw_only=True, eq=False)
class Afterwards:
    """A tick that has been decided."""

    tick: Tick
    surcharge: Floats
    """By uplink: money per hour of one more bit per second of room."""
    chosen: Chosen
    budgets: Budgets
    """What is left of them."""

    @property
    def rooms(self) -> Rooms:
        """With the moves of the decision in it."""
        return self.chosen.rooms

    @cached_property
    def headroom(self) -> Sequence[float]:
        """By uplink: bits per second that arrivals may add, both before and after the moves: some may fail."""
        before: list[float] = self.tick.projection.headroom.tolist()
        return [min(now, self.rooms.left(uplink)) for uplink, now in enumerate(before)]

    @cached_property
    def quotes(self) -> Mapping[str, Quote]:
        """By physical network: the prices of a workload without a class of destination, at the default horizon."""
        prices, found = self.tick.prices, dict[str, Quote]()
        for name in {uplink.physical_network for uplink in self.tick.board.uplinks}:
            known = prices.quotes.get((name, None, DEFAULT_HORIZON))
            found[name] = known or quote_of(prices.lists, name, None, DEFAULT_HORIZON)
        return found

    @cached_property
    def written(self) -> Mapping[str, tuple[str, str] | None]:
        """By physical network: its price per hour and per GB as agents are told; None: not known."""
        return {
            name: None
            if quote.bps is None
            else (f"{plain(quote.attachment):f}", f"{plain(_per_bps(quote) / GB_PER_HOUR):f}")
            for name, quote in self.quotes.items()
        }

    @cached_property
    def congestion(self) -> Sequence[Decimal]:
        """By uplink: money per hour per bit per second."""
        return [Decimal(max(0.0, each)) for each in self.surcharge.tolist()]


def rankings(after: Afterwards, book: Book, settings: Settings, currency: str) -> Sequence[Ranking]:
    """One for every node, by name."""
    board = after.tick.board
    slas = {network.name: str(network.spec.sla) for network in book.physical_networks if network.spec.sla is not None}
    demands = _demands(after.tick, settings)
    by_node: dict[str, list[int]] = defaultdict(list)
    for number, state in enumerate(board.networks):
        if state.node is not None:
            by_node[state.node].append(number)
    return [
        Ranking(
            node=node,
            computed_at=board.seen.now.timestamp(),
            demand_bps=(demand := demands.get(node, settings.new_demand_bps)),
            currency=currency,
            networks=tuple(_ranked(after, numbers, demand, slas)),
        )
        for node, numbers in sorted(by_node.items())
    ]


def _demands(tick: Tick, settings: Settings) -> Mapping[str, float]:
    """By node: the mean of what its workloads were measured to carry, and no less than the settings say."""
    workloads, node = tick.board.workloads, tick.board.workloads.node
    measured = ~np.isnan(workloads.in_bps)
    # Added up one after the other in the order of names, as whoever does it again would.
    sums = np.bincount(node.at[measured], weights=tick.board.demand[measured], minlength=len(node.values)).tolist()
    counts = np.bincount(node.at[measured], minlength=len(node.values)).tolist()
    means = zip(node.values, sums, counts, strict=True)
    return {
        name: max(total / count, settings.new_demand_bps) for name, total, count in means if name is not None and count
    }


def _ranked(
    after: Afterwards, numbers: Sequence[int], demand: float, slas: Mapping[str, str]
) -> Iterator[RankedNetwork]:
    """Cheapest first, ties by name; then those that are not eligible, by name."""
    networks = after.tick.board.networks
    standing = [(networks[number].name, _why_not(after, number, demand), number) for number in numbers]
    eligible = [(_cost(after, number, demand), name, number) for name, why, number in standing if why is None]
    for rank, (_, _, number) in enumerate(sorted(eligible), start=1):
        yield _entry(after, number, slas, rank, None)
    for _, why, number in sorted(standing, key=lambda one: one[0]):
        if why is not None:
            yield _entry(after, number, slas, None, why)


def _why_not(after: Afterwards, number: int, demand: float) -> StayReason | None:
    """What bars the network, most pressing first, in the order of :data:`switcher.decide.eligibility.BLOCKS`."""
    tick, state = after.tick, after.tick.board.networks[number]
    uplink, quote = tick.board.uplinks_of_networks[number], after.quotes[state.physical_network]
    left = after.rooms.addresses(number)
    if tick.projection.stale[uplink]:
        return StayReason.STALE_SAMPLES
    if quote.gap is not None:
        return GAP_REASON[quote.gap]
    if state.quarantined:
        return StayReason.QUARANTINED
    if left is not None and left <= 0:
        return StayReason.NO_ADDRESS
    return StayReason.NO_CAPACITY if after.headroom[uplink] < demand else None


def _cost(after: Afterwards, number: int, demand: float) -> Decimal:
    """Money per hour of a workload there, what its room is worth to others included."""
    quote = after.quotes[after.tick.board.networks[number].physical_network]
    congestion = after.congestion[after.tick.board.uplinks_of_networks[number]]
    return quote.attachment + (_per_bps(quote) + congestion) * Decimal(demand)


def _per_bps(quote: Quote) -> Decimal:
    return (quote.bps or {}).get(Load.BOTH, Decimal(0))


def _entry(
    after: Afterwards, number: int, slas: Mapping[str, str], rank: int | None, why: StayReason | None
) -> RankedNetwork:
    state, uplink = after.tick.board.networks[number], after.tick.board.uplinks_of_networks[number]
    per_hour, per_gb = after.written[state.physical_network] or (None, None)
    return RankedNetwork(
        network=state.name,
        physical_network=state.physical_network,
        rank=rank,
        reason="" if why is None else why.value,
        price_per_hour=per_hour,
        price_per_gb=per_gb,
        congestion_per_gb=f"{plain(after.congestion[uplink] / GB_PER_HOUR):f}",
        room_bps=float(round(after.headroom[uplink])),
        free_addresses=after.rooms.addresses(number),
        sampled_at=None if why is StayReason.STALE_SAMPLES else state.sampled_at.timestamp(),
        latency_ms=state.latency_ms,
        sla=slas.get(state.physical_network),
    )
