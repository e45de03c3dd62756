"""One contract in one hour: what our workloads pay of it, what the other traffic does, and what is due anyway. Pure.

Discounts, tiers, minimum and maximum are the contract's, on all its networks together, as in its bill. So what an hour
costs is asked for all of them at once and then shared out: what attachments cost by head, what traffic costs by load,
in and out by their prices. (Marginal prices would not add up: with tiers, not everyone can be the last to come.) Under
a minimum or above a maximum everything counts by the part that the billing period will be billed, if what is carried
now goes on.

A percentile charge has no price by the hour. It counts as what its billing period will be billed beyond the commit if
the rest of it is like what has been so far, spread evenly over the period, by the part of the load.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from switcher.flows import Flows, together
from switcher.model import Usage
from switcher.objects.words import Direction
from switcher.tariff import Flow, Quote
from switcher.tariff.flow import NOTHING
from switcher.tariff.ledger import Mark
from switcher.tariff.part import Marks, Part


class Rates(NamedTuple):
    """Money per hour of an attachment, and of a bit per second in and out."""

    head: Decimal = Decimal(0)
    into: Decimal = Decimal(0)
    out: Decimal = Decimal(0)

    def plus(self, more: Rates) -> Rates:
        """Both together."""
        return Rates(self.head + more.head, self.into + more.into, self.out + more.out)

    def of(self, flow: Flow) -> Decimal:
        """What a load pays."""
        return self.head * flow.attachments + self.into * Decimal(flow.in_bps) + self.out * Decimal(flow.out_bps)


@dataclass(frozen=True, slots=True)
class Pool:
    """Networks of a contract on which the same of its price lists count."""

    networks: tuple[str, ...]
    parts: tuple[Part, ...]
    """By billing period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A percentile charge: what its billing period heads for, and the networks that it counts."""

    mark: Mark
    networks: tuple[str, ...]


def pools_of(quotes: Mapping[str, Quote]) -> Mapping[str, Sequence[Pool]]:
    """By contract. Nearly always there is one, of all its networks."""
    found: defaultdict[str, list[Pool]] = defaultdict(list)
    for name, asked in sorted(quotes.items()):
        parts: defaultdict[str, list[Part]] = defaultdict(list)
        for part in asked.parts:
            parts[part.contract].append(part)
        for contract, mine in parts.items():
            pools, lists = found[contract], [part.lists for part in mine]
            alike = next((at for at, pool in enumerate(pools) if [part.lists for part in pool.parts] == lists), None)
            if alike is None:
                pools.append(Pool((name,), tuple(mine)))
            else:
                pools[alike] = Pool((*pools[alike].networks, name), pools[alike].parts)
    return dict(found)


@dataclass(frozen=True, kw_only=True)
class Hour:
    """``whole`` and the pools' parts: the same billing periods. ``ours`` and ``carried`` by physical network."""

    whole: Sequence[Part]
    """All networks of the contract together."""
    pools: Sequence[Pool]
    usage: Usage
    """What the contract has counted so far."""
    ours: Flows
    carried: Flows
    """Ours and the foreign load."""
    nodes: int
    """That have the contract's networks."""
    expected: Mapping[str, Expected]
    """By percentile charge."""

    @property
    def has_price(self) -> bool:
        """Whether what is known is enough for a price."""
        return all(level.name in self.expected for part in self.whole for level in part.levels)

    @cached_property
    def rates(self) -> Mapping[str, Rates]:
        """By network that some of ours are on. What all of them pay is what the hour costs."""
        found: dict[str, Rates] = {}
        before: frozenset[str] = frozenset()
        for pool in self.pools:
            ours = together(pool.networks, self.ours)
            if ours.attachments:
                first = together(before & networks_in(pool.parts), self.ours)
                found |= dict.fromkeys(pool.networks, self._rates(pool, first, ours))
            before |= {*pool.networks}
        for networks, _, rates in self._levels:
            found |= {name: found[name].plus(rates) for name in found.keys() & networks}
        return found

    def one_more(self, network: str) -> Decimal:
        """What an idle attachment that comes to a network would cost."""
        pool = next(pool for pool in self.pools if network in pool.networks)
        return self._spent(pool, together(networks_in(pool.parts), self.ours), Flow(attachments=1))

    def traffic(self) -> Decimal:
        """What all that is carried costs, ours and the rest."""
        load = replace(self._all, nodes=0)
        charged = sum(
            (
                part.charged(self.usage, NOTHING, load) * part.rate * billed
                for part, billed in zip(self.whole, self._billed, strict=True)
            ),
            Decimal(0),
        )
        return sum((money for _, money, _ in self._levels), charged)

    def _rates(self, pool: Pool, before: Flow, ours: Flow) -> Rates:
        heads = self._spent(pool, before, Flow(attachments=ours.attachments))
        into = self._spent(pool, before, replace(ours, out_bps=0.0))
        out = self._spent(pool, before, replace(ours, in_bps=0.0))
        more = self._spent(pool, before, ours) - heads
        return Rates(heads / ours.attachments).plus(_shared(more, (into - heads, out - heads), ours))

    def _spent(self, pool: Pool, before: Flow, extra: Flow) -> Decimal:
        """What a load costs on top of what is counted before it, percentiles apart."""
        total = Decimal(0)
        for part, billed in zip(pool.parts, self._billed, strict=True):
            money = part.charged(self.usage, NOTHING, before.beside(extra))
            total += (money - part.charged(self.usage, NOTHING, before)) * part.rate * billed
        return total

    @cached_property
    def _all(self) -> Flow:
        return replace(together(networks_in(self.whole), self.carried), nodes=self.nodes)

    @cached_property
    def _billed(self) -> Sequence[Decimal]:
        """By billing period, how much of what traffic is charged is on the bill."""
        marks = {(part.contract, name): each.mark for part in self.whole for name, each in self.expected.items()}
        return [_billed(part, self.usage, self._all, marks) for part in self.whole]

    @cached_property
    def _levels(self) -> Sequence[tuple[frozenset[str], Decimal, Rates]]:
        """Of each percentile: the networks that it counts, what all on them pays beyond the commit, and by the load."""
        found = []
        for part, billed in zip(self.whole, self._billed, strict=True):
            for level in part.levels:
                each = self.expected[level.name]
                load = together(each.networks, self.carried)
                money = (level.forecast(each.mark, NOTHING) - level.anyway) * part.rate * part.valid * billed
                rates = _shared(money, _counted(level.charge.direction, load), load)
                found.append((frozenset(each.networks), money, rates))
        return found


def networks_in(parts: Sequence[Part]) -> frozenset[str]:
    """All physical networks of a contract."""
    return frozenset[str]().union(*(part.networks for part in parts))


def anyway(parts: Sequence[Part], nodes: int) -> Decimal:
    """What is due by the hour without any traffic, spread evenly over the time in which there are prices."""
    due = [(part, part.anyway(nodes)) for part in parts]
    bounded = ((part, money if part.bounds is None else part.bounds.clip(money)) for part, money in due)
    return sum((money * part.rate * part.valid for part, money in bounded), Decimal(0))


def _billed(part: Part, usage: Usage, load: Flow, marks: Marks) -> Decimal:
    if part.bounds is None:
        return Decimal(1)
    idle, whole = part.anyway(load.nodes), part.expected(usage, load, marks)
    return (part.bounds.clip(whole) - part.bounds.clip(idle)) / (whole - idle) if whole != idle else Decimal(1)


def _counted(direction: Direction, load: Flow) -> tuple[Decimal, Decimal]:
    """What a charge counts of a load, in and out."""
    into, out = Decimal(load.in_bps), Decimal(load.out_bps)
    match direction:
        case Direction.IN:
            return into, Decimal(0)
        case Direction.OUT:
            return Decimal(0), out
        case Direction.SUM:
            return into, out
        case _:
            return (into, Decimal(0)) if into > out else (Decimal(0), out)


def _shared(money: Decimal, parts: tuple[Decimal, Decimal], load: Flow) -> Rates:
    """Money in proportion of two parts; where they are nothing, as below a tier that only both reach, by the load."""
    loads = Decimal(load.in_bps), Decimal(load.out_bps)
    for into, out in (parts, loads):
        if total := into + out:
            return Rates(into=_each(money * into / total, loads[0]), out=_each(money * out / total, loads[1]))
    return Rates()


def _each(money: Decimal, bps: Decimal) -> Decimal:
    return money / bps if bps else Decimal(0)
