"""Why a bill cannot be computed: everything at once (tariffs.md: What counts, Price lists, Fixed, Currencies)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice, pairwise

from switcher.errors import Problem, quoted
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Each
from switcher.tariff.account import Account
from switcher.tariff.exchange import Exchange, in_bill
from switcher.tariff.lists import networks_of, timeline
from switcher.tariff.periods import Span
from switcher.tariff.samples import Sample, Stay, by_network, overlaps, stays_overlap

Contracts = Mapping[str, tuple[Tariff, ...]]
ON = "--attachments has who was on which network when"


def of_inputs(contracts: Contracts, rows: Sequence[Sample], stays: Sequence[Stay] | None) -> Iterator[Problem]:
    """What is wrong whatever the period: no tariff, rows that overlap."""
    if not contracts:
        yield Problem("tariffs", 0, "", "no tariff is given, or none was known at that time")
    yield from overlaps(rows)
    yield from stays_overlap(stays or ())


def of_currencies(accounts: Sequence[Account], exchange: Exchange) -> Iterator[Problem]:
    """Currencies of the price lists that cannot be added for want of a rate."""
    yield from exchange.contradictions()
    first = [(tariff, account.whole[1]) for account in accounts for tariff in islice(account.tariffs(), 1)]
    yield from exchange.missing([in_bill(tariff, end) for tariff, end in first])


def of_account(account: Account, has_stays: bool) -> Iterator[Problem]:
    """What the charges of a contract lack in a billing period."""
    for tariff in account.tariffs():
        for each, name in {charge.fixed.each: charge.name for charge in tariff.spec.charges if charge.fixed}.items():
            if each is Each.ATTACHMENT and not has_stays:
                text = f"needed by charge {name!r} of {tariff.name!r}, but not given: {ON}"
                yield Problem("attachments", 0, "", text)
            if each is Each.NODE:
                for row in account.of_nodes:
                    if row.node is None and row.nodes is None and row.network in tariff.spec.physical_networks:
                        yield row.problem("node", f"missing, but charge {name!r} of {tariff.name!r} needs it")


def unlisted(contracts: Contracts, used: Sequence[Sample | Stay], period: Span) -> Iterator[Problem]:
    """Times in which a price is needed, because something flowed or was attached, and no list is valid."""
    for network, rows in sorted(by_network(row for row in used if not isinstance(row, Sample) or row.bytes).items()):
        for start, end, tariffs in _valid(contracts, network, period):
            covered = any(network in tariff.spec.physical_networks for tariff in tariffs.values() if tariff)
            missing = [name for name, tariff in tariffs.items() if tariff is None] or ([] if covered else [*tariffs])
            first = next((row for row in rows if row.start < end and row.end > start), None)
            if first is not None and missing:
                times = f"from {start.isoformat()} to {end.isoformat()}"
                text = f"contract {', '.join(map(repr, missing))} has no valid price list {times}"
                yield first.problem("network", f"{quoted(network)}: {text}")


def _valid(
    contracts: Contracts, network: str, period: Span
) -> Iterator[tuple[datetime, datetime, dict[str, Tariff | None]]]:
    """By time, the list that counts of each contract that ever names the network."""
    lines = {name: timeline(lists, *period) for name, lists in contracts.items() if network in networks_of(lists)}
    edges = sorted({at for line in lines.values() for stretch in line for at in (stretch.start, stretch.end)})
    for start, end in pairwise(edges):
        at_start = {name: next(s.tariff for s in line if s.start <= start < s.end) for name, line in lines.items()}
        yield start, end, at_start


def unpriced_rows(contracts: Contracts, rows: Sequence[Sample], period: Span) -> Iterator[Problem]:
    """Rows whose class of destination is unknown to their network, or missing where a charge needs it."""
    without: dict[tuple[str, str | None], list[tuple[datetime, datetime, frozenset[str | None]]]] = {}
    for row in rows:
        kind = row.network, row.destination
        if kind not in without:
            over = classes_over(contracts, row.network, period)
            without[kind] = [each for each in over if not is_priced(row.destination, each[2])]
        for start, end, classes in without[kind]:
            if row.start < end and row.end > start:
                if row.destination is None:
                    named = ", ".join(sorted(name for name in classes if name))
                    yield row.problem(
                        "destination", f"missing, but charges of {quoted(row.network)} need it: one of {named}"
                    )
                else:
                    text = f"{quoted(row.destination)} is counted by no charge of {quoted(row.network)}"
                    yield row.problem("destination", f'{text}: list it with price "0" to say that it is free')
                break


def is_priced(destination: str | None, classes: frozenset[str | None]) -> bool:
    """Whether traffic of a class (None: of no stated one) has a price where these are counted."""
    if not classes:
        return True
    if destination is None:
        return classes == {None}
    return destination in classes or None in classes


def classes_over(
    contracts: Contracts, network: str, period: Span
) -> Iterator[tuple[datetime, datetime, frozenset[str | None]]]:
    """By time, the classes that the charges on a network count; None stands for all traffic."""
    for start, end, tariffs in _valid(contracts, network, period):
        naming = [tariff for tariff in tariffs.values() if tariff and network in tariff.spec.physical_networks]
        yield start, end, classes_of(naming)


def classes_of(tariffs: Iterable[Tariff]) -> frozenset[str | None]:
    """The classes of destination whose traffic is counted; None stands for all."""
    return frozenset(charge.destination for tariff in tariffs for charge in tariff.spec.metered)
