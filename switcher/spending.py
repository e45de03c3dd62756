"""What the workloads cost by the hour, where they are and where they would be had nothing moved. Pure.

Counted is what they add to the bills. What is due without any traffic (a price per network or node, an unused minimum,
a commit) is nobody's and stands by itself, by contract: moving cannot save it. What the rest of the traffic costs
stands there too, so that hours of a steady load add up to the bill. How one is told from the other: ``apportion.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property, reduce

from switcher.apportion import Expected, Hour, Pool, Rates, networks_in, pools_of
from switcher.decide.projection import total_bps
from switcher.flows import Flows, flows_of, together
from switcher.model import Memory, Snapshot, Usage, usage_by_network
from switcher.objects.model import Book
from switcher.standings import Standing, standings
from switcher.tariff import Flow, PriceGap, Quote, by_contract, contract_parts, quote
from switcher.tariff.flow import NOTHING
from switcher.tariff.ledger import Mark
from switcher.tariff.lists import networks_of
from switcher.tariff.part import Part
from switcher.workloads import Workloads

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Money per hour in the settlement currency; None where a price that is needed is unknown."""

    attachment: Mapping[str, Decimal | None]
    """What one more idle attachment would cost, by physical network."""
    now: Decimal | None
    unmoved: Decimal | None
    """Had the moves of the last day not been made."""
    networks: Mapping[str, Decimal | None] = field(default_factory=dict)
    """What our workloads on it cost together now, by physical network."""
    standings: Sequence[Standing] = ()
    """Where the percentile charges stand."""


class Market:
    """Prices of a moment, on top of the volume used so far; made once for all that is asked of a snapshot."""

    def __init__(self, seen: Snapshot, memory: Memory, book: Book, currency: str | None) -> None:
        self.seen, self.memory = seen, memory
        self.workloads = Workloads.of(seen.workloads)
        self.flows = flows_of(seen, self.workloads)
        self.standings = standings(book, seen.now, memory.ledgers, currency)
        rates: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self._nodes: defaultdict[str, set[str | None]] = defaultdict(set)
        for uplink, state in seen.newest.items():
            rates[uplink.physical_network].append(total_bps(state))
            self._nodes[uplink.physical_network].add(uplink.node)
        self.carried: Mapping[str, Flow] = {
            name: Flow(in_bps=sum(into for into, _ in found), out_bps=sum(out for _, out in found))
            for name, found in rates.items()
        }
        """On the uplinks of each physical network, foreign load included."""
        self._book, self._currency, self._usage = book, currency, usage_by_network(memory.usage)

    @cached_property
    def here(self) -> Flows | None:
        """What the workloads are where they are; None: one is on a network that nobody reports."""
        return self.flows(self.workloads.network)

    @property
    def now(self) -> Placed | None:
        """What they cost where they are; None: one is on a network that nobody reports.

        Made anew each time: kept here, it would hold what holds it, and a tick searches for no such cycles.
        """
        return None if self.here is None else Placed(self, self.here, self.here)

    @cached_property
    def quotes(self) -> Mapping[str, Quote]:
        """The prices of the physical networks in the next hour; of those that have any."""
        span = self.seen.now, self.seen.now + HOUR
        names = sorted({network.physical_network for network in self.seen.networks})
        asked = {name: quote(self._book, name, *span, self._currency) for name in names}
        return {name: answer for name, answer in asked.items() if not isinstance(answer, PriceGap)}

    @cached_property
    def contracts(self) -> Mapping[str, Sequence[Part] | None]:
        """All networks of each contract together, by billing period; None: it has no price."""
        return contract_parts(self._book, (self.seen.now, self.seen.now + HOUR), self._currency)

    @cached_property
    def pools(self) -> Mapping[str, Sequence[Pool]]:
        """By contract, its networks that have prices."""
        return pools_of(self.quotes)

    def usage(self, contract: str) -> Usage:
        """What a contract has counted so far: its networks have the same counter."""
        names = sorted(name for pool in self.pools.get(contract, ()) for name in pool.networks)
        return next((found[contract] for name in names if contract in (found := self._usage.get(name, {}))), Usage())

    @cached_property
    def named(self) -> Mapping[str, frozenset[str]]:
        """By contract, every physical network that a list of it names, valid or not."""
        return {contract: networks_of(lists) for contract, lists in by_contract(self._book.tariffs).items()}

    def nodes(self, parts: Sequence[Part]) -> int:
        """How many nodes have a network of a contract."""
        return len(set().union(*(self._nodes[name] for name in networks_in(parts) & self._nodes.keys())))


class Placed:
    """What our workloads cost by the hour, were they ``there`` instead of ``here``. Answers are kept."""

    def __init__(self, market: Market, here: Flows, there: Flows) -> None:
        self._market, self.there = market, there
        names = sorted({*market.carried, *here, *there})
        foreign = {name: market.carried.get(name, NOTHING).without(here.get(name, NOTHING)) for name in names}
        self._before, self._carried = (
            {name: foreign[name].beside(ours.get(name, NOTHING)) for name in names} for ours in (here, there)
        )
        self._hours: dict[str, Hour | None] = {}

    def networks(self) -> Mapping[str, Decimal | None]:
        """By physical network that some of them are on."""
        found = {name: (self.rates(name), flow) for name, flow in sorted(self.there.items())}
        return {name: None if rates is None else rates.of(flow) for name, (rates, flow) in found.items()}

    def rates(self, name: str) -> Rates | None:
        """What each of them on a physical network pays; None: unknown, which is never zero."""
        hours = self._on(name, self.there[name])
        return None if hours is None else reduce(Rates.plus, (hour.rates[name] for hour in hours), Rates())

    def one_more(self, name: str) -> Decimal | None:
        """What an idle attachment that comes to a physical network would cost."""
        hours = self._on(name, Flow(attachments=1))
        return None if hours is None else sum((hour.one_more(name) for hour in hours), Decimal(0))

    def hour(self, contract: str) -> Hour | None:
        """The next hour of a contract; None: it has no price."""
        if contract not in self._hours:
            self._hours[contract] = self._hour(contract)
        return self._hours[contract]

    def _on(self, name: str, load: Flow) -> Sequence[Hour] | None:
        """The hours of all contracts on a physical network; None: the load has no price there."""
        asked = self._market.quotes.get(name)
        if asked is None or not asked.prices(load):
            return None
        hours = [self.hour(contract) for contract in dict.fromkeys(part.contract for part in asked.parts)]
        known = [hour for hour in hours if hour is not None]
        return known if len(known) == len(hours) else None

    def _hour(self, contract: str) -> Hour | None:
        whole, market = self._market.contracts.get(contract), self._market
        if whole is None:
            return None
        hour = Hour(
            whole=whole,
            pools=market.pools.get(contract, ()),
            usage=market.usage(contract),
            ours=self.there,
            carried=self._carried,
            nodes=market.nodes(whole),
            expected={each.charge: self._expected(each) for each in market.standings if each.contract == contract},
        )
        return hour if hour.has_price else None

    def _expected(self, standing: Standing) -> Expected:
        """The level that the billing period heads for: as much higher or lower as the load is."""
        ledger = standing.ledger
        before, after = (
            together(ledger.networks, flows).counted(ledger.direction) for flows in (self._before, self._carried)
        )
        heading = max(ledger.heading + after - before, 0.0)
        return Expected(mark=Mark(free_bps=heading, expected_bps=heading), networks=tuple(ledger.networks))


def spending(market: Market, origins: Mapping[str, str] = {}) -> Spending:
    """The spending at the time of a snapshot, at its loads and the present tiers.

    ``origins``: by workload id, where those who moved in the last day would be, had they not.
    """
    workloads, now = market.workloads, market.now
    idle = now or Placed(market, {}, {})
    placed = [(workloads.row_of.get(name), network) for name, network in origins.items()]
    first = {row: network for row, network in placed if row is not None}
    before = market.flows(workloads.network.patched(first))
    costs = None if now is None else now.networks()
    unmoved = None if before is None or market.here is None else Placed(market, market.here, before).networks()
    return Spending(
        attachment={
            name: idle.one_more(name) for name in sorted({one.physical_network for one in market.seen.networks})
        },
        now=None if costs is None else added(costs.values()),
        unmoved=None if unmoved is None else added(unmoved.values()),
        networks=costs or {},
        standings=market.standings,
    )


def added(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown where one of them is."""
    all_ = list(costs)
    known = [cost for cost in all_ if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(all_) else None
