"""How the networks of each node stand for a workload that starts there: by the decision's own money and rooms. Pure.

Such a workload is on no network yet, and nobody knows its policy: it is expected to be like those of its node, with
their demand, in whichever direction is charged, and the horizon that most of them have. Whatever bars a network for
those that move bars it here too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cache, cached_property

import numpy as np

from cni.wire import RankedNetwork, Ranking
from switcher.decide.adding import plain
from switcher.decide.board import NOWHERE, Floats
from switcher.decide.budgets import Budgets
from switcher.decide.choose import Chosen
from switcher.decide.eligibility import GAP_REASON
from switcher.decide.explain import GB_PER_HOUR
from switcher.decide.present import flows, landed
from switcher.decide.quotes import Load, Quote
from switcher.decide.rooms import Rooms
from switcher.decide.settings import Settings
from switcher.decide.tick import Tick
from switcher.model import StayReason
from switcher.objects.model import Book, PolicySpec


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
    def quote(self) -> Callable[[str, timedelta], Quote]:
        """The prices of a physical network over a horizon, of a workload without a class of destination.

        On top of what is there once the moves have landed: what they fill up of a tier or commit is not there twice.
        """
        prices, board = self.tick.prices, self.tick.board
        if not self.rooms.moved:
            return cache(lambda name, horizon: prices.ask((name, None, horizon)))
        rows, columns = self.rooms.planned()
        base = landed(prices.lists.base, flows(board, rows, board.here[rows]), flows(board, rows, columns))
        after = replace(prices, lists=replace(prices.lists, base=base, crowds={}), quotes={})
        return cache(lambda name, horizon: after.ask((name, None, horizon)))

    @cached_property
    def written(self) -> Callable[[str, timedelta], tuple[str | None, str | None]]:
        """The same as agents are told: per hour and per GB; None: not known."""
        quoted = self.quote  # not the whole, which would then hold itself, and be there until a search for cycles

        def text(name: str, horizon: timedelta) -> tuple[str | None, str | None]:
            quote = quoted(name, horizon)
            if quote.bps is None:
                return None, None
            return f"{plain(quote.attachment):f}", f"{plain(_per_bps(quote) / GB_PER_HOUR):f}"

        return cache(text)

    @cached_property
    def congestion(self) -> Sequence[Decimal]:
        """By uplink: money per hour per bit per second."""
        return [Decimal(max(0.0, each)) for each in self.surcharge.tolist()]


def rankings(after: Afterwards, book: Book, settings: Settings, currency: str) -> Sequence[Ranking]:
    """One for every node, by name."""
    board = after.tick.board
    slas = {network.name: str(network.spec.sla) for network in book.physical_networks if network.spec.sla is not None}
    demands, horizons = _demands(after.tick, settings), _horizons(after.tick)
    usual = _usual(after.tick, book)
    by_node: dict[str, list[int]] = defaultdict(list)
    for number, state in enumerate(board.networks):
        if state.node is not None:
            by_node[state.node].append(number)
    found = []
    for node, numbers in sorted(by_node.items()):
        demand = demands.get(node, settings.new_demand_bps)
        fresh = _Fresh(after=after, demand=demand, horizon=horizons.get(node, usual), slas=slas)
        found.append(
            Ranking(
                node=node,
                computed_at=board.seen.now.timestamp(),
                demand_bps=demand,
                currency=currency,
                networks=tuple(fresh.ranked(numbers)),
            )
        )
    return found


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


def _horizons(tick: Tick) -> Mapping[str, timedelta]:
    """By node: the horizon that most of its workloads have by their policies, of several the shortest."""
    node, number, policies = tick.board.workloads.node, tick.rules.number, tick.rules.policies
    ruled = number != NOWHERE
    counts = np.bincount(node.at[ruled].astype(np.int64) * len(policies) + number[ruled])
    votes: dict[str | None, dict[timedelta, int]] = defaultdict(lambda: defaultdict(int))
    for pair in np.flatnonzero(counts).tolist():
        place, policy = divmod(pair, len(policies))
        votes[node.values[place]][policies[policy].spec.horizon] += int(counts[pair])
    return {name: _most(each) for name, each in votes.items() if name is not None}


def _usual(tick: Tick, book: Book) -> timedelta:
    """What most workloads of the site have; where none has a policy, that of one of which nothing is known."""
    votes: dict[timedelta, int] = defaultdict(int)
    for policy, count in zip(tick.rules.policies, tick.rules.sizes(), strict=True):
        votes[policy.spec.horizon] += count
    if votes:
        return _most(votes)
    any_one = book.policy_for("", {}, None, primary=False)
    return (PolicySpec() if any_one is None else any_one.spec).horizon


def _most(votes: Mapping[timedelta, int]) -> timedelta:
    return min(votes, key=lambda horizon: (-votes[horizon], horizon))


def _per_bps(quote: Quote) -> Decimal:
    return (quote.bps or {}).get(Load.BOTH, Decimal(0))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fresh:
    """A workload that starts on a node."""

    after: Afterwards
    demand: float
    """Bits per second."""
    horizon: timedelta
    slas: Mapping[str, str]

    def ranked(self, numbers: Sequence[int]) -> Iterator[RankedNetwork]:
        """Cheapest first, ties by name; then those that are not eligible, by name."""
        networks = self.after.tick.board.networks
        standing = [(networks[number].name, self._why_not(number), number) for number in numbers]
        eligible = [(self._cost(number), name, number) for name, why, number in standing if why is None]
        for rank, (_, _, number) in enumerate(sorted(eligible), start=1):
            yield self._entry(number, rank, None)
        for _, why, number in sorted(standing, key=lambda one: one[0]):
            if why is not None:
                yield self._entry(number, None, why)

    def _why_not(self, number: int) -> StayReason | None:
        """What bars the network, most pressing first, in the order of :data:`switcher.decide.eligibility.BLOCKS`."""
        tick, state = self.after.tick, self.after.tick.board.networks[number]
        uplink, quote = tick.board.uplinks_of_networks[number], self._quote(number)
        left = self.after.rooms.addresses(number)
        if tick.projection.stale[uplink]:
            return StayReason.STALE_SAMPLES
        if quote.gap is not None:
            return GAP_REASON[quote.gap]
        if state.quarantined:
            return StayReason.QUARANTINED
        if left is not None and left <= 0:
            return StayReason.NO_ADDRESS
        return StayReason.NO_CAPACITY if self.after.headroom[uplink] < self.demand else None

    def _quote(self, number: int) -> Quote:
        return self.after.quote(self.after.tick.board.networks[number].physical_network, self.horizon)

    def _cost(self, number: int) -> Decimal:
        """Money per hour of it there, what its room is worth to others included."""
        congestion = self.after.congestion[self.after.tick.board.uplinks_of_networks[number]]
        quote = self._quote(number)
        return quote.attachment + (_per_bps(quote) + congestion) * Decimal(self.demand)

    def _entry(self, number: int, rank: int | None, why: StayReason | None) -> RankedNetwork:
        after = self.after
        state, uplink = after.tick.board.networks[number], after.tick.board.uplinks_of_networks[number]
        per_hour, per_gb = after.written(state.physical_network, self.horizon)
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
            sla=self.slas.get(state.physical_network),
        )
