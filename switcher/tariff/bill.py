"""The exact bill (tariffs.md): pure, the same for every order of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from switcher.errors import BadInputError
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Each
from switcher.tariff import refusals
from switcher.tariff.account import Account
from switcher.tariff.bounds import bounded
from switcher.tariff.charges import line
from switcher.tariff.exchange import Exchange, last_day
from switcher.tariff.invoice import Entry, Gap, Invoice
from switcher.tariff.limits import too_large
from switcher.tariff.lists import by_contract, known_by, networks_of, timeline
from switcher.tariff.money import EXACT, rounded
from switcher.tariff.periods import Span, billing_periods, joined
from switcher.tariff.samples import Sample, Stay, Touching, by_network, in_time_order, over_nodes


def bill(  # noqa: PLR0913, PLR0917 # one question with all its inputs, of which three are required
    tariffs: Sequence[Tariff],
    samples: Sequence[Sample],
    period: Span,
    attachments: Sequence[Stay] | None = None,
    known_at: datetime | None = None,
    exchange: Exchange | None = None,
) -> Invoice:
    """What [start, end) costs by the price lists known at ``known_at`` (None: all).

    Raises BadInputError with every problem: rows that overlap or that nothing prices, times without a price list,
    attachments or nodes that a charge needs and that are missing, currencies without a rate; or a period that is
    absurdly long.
    """
    change = exchange or Exchange()
    contracts = by_contract(known_by(tariffs, known_at))
    excess = list(too_large(contracts, period))
    if excess:
        raise BadInputError(excess)
    rows = in_time_order(samples)
    stays = sorted(attachments or (), key=lambda stay: (stay.start, stay.end, stay.attachment, stay.network))
    with localcontext(EXACT):
        of_networks = _Rows(by_network(rows), by_network(over_nodes(rows)))
        accounts = [
            account
            for contract, lists in contracts.items()
            for account in _accounts(contract, lists, period, of_networks, stays)
        ]
        problems = [
            *refusals.of_inputs(contracts, rows, attachments),
            *(problem for account in accounts for problem in refusals.of_account(account, attachments is not None)),
            *refusals.of_currencies(accounts, change),
            *refusals.unlisted(contracts, [*rows, *stays], period),
            *refusals.unpriced_rows(contracts, rows, _widest(accounts, period)),
        ]
        if problems:
            raise BadInputError(list(dict.fromkeys(problems)))
        currency = _currency(contracts, accounts, change)
        entries = [_entry(account, currency, change) for account in accounts if any(account.tariffs())]
        total = sum((entry.total for entry in entries), Decimal(0))
    named = networks_of(tariff for lists in contracts.values() for tariff in lists)
    return Invoice(
        currency=currency,
        total=total,
        start=period[0],
        end=period[1],
        entries=tuple(entries),
        gaps=tuple(_gaps(accounts)),
        unpriced=tuple(sorted({row.network for row in rows} - named)),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of each network, in time order: as given, and summed over nodes."""

    each: Mapping[str, Sequence[Sample]]
    summed: Mapping[str, Sequence[Sample]]


def _counts_nodes(lists: Sequence[Tariff]) -> bool:
    return any(charge.fixed and charge.fixed.each is Each.NODE for tariff in lists for charge in tariff.spec.charges)


def _accounts(
    contract: str, lists: tuple[Tariff, ...], period: Span, rows: _Rows, stays: Sequence[Stay]
) -> Iterator[Account]:
    networks = networks_of(lists)
    mine = Touching.of(rows.summed, networks)
    each = Touching.of(rows.each if _counts_nodes(lists) else {}, networks)
    for whole in billing_periods(lists[0], *period):
        yield Account(
            contract=contract,
            whole=whole,
            billed=(max(whole[0], period[0]), min(whole[1], period[1])),
            stretches=timeline(lists, *whole),
            networks=networks,
            samples=mine.during(*whole),
            of_nodes=each.during(*whole),
            stays=[stay for stay in stays if stay.network in networks],
        )


def _widest(accounts: Sequence[Account], period: Span) -> Span:
    """The billing periods that the period touches, whole: what flowed outside advances their counters."""
    spans = [period, *(account.whole for account in accounts)]
    return min(start for start, _ in spans), max(end for _, end in spans)


def _currency(contracts: refusals.Contracts, accounts: Sequence[Account], exchange: Exchange) -> str:
    """The currency of the total; refusals saw to it that there is one. Where nothing is billed any will do."""
    billed = {tariff.spec.currency for account in accounts for tariff in account.tariffs()}
    return exchange.settlement_of(billed or {next(iter(contracts.values()))[0].spec.currency}) or ""


def _entry(account: Account, settlement: str, exchange: Exchange) -> Entry:
    by_list = [
        (tariff, [line(account, tariff, charge) for charge in tariff.spec.charges]) for tariff in account.tariffs()
    ]
    amounts = [(tariff, sum((item.amount for item in lines), Decimal(0))) for tariff, lines in by_list]
    due, adjustment = bounded(account, amounts)
    spec = by_list[0][0].spec
    rate = exchange.rate(spec.currency, settlement, last_day(account.whole[1], spec.timezone)) or Decimal(0)
    return Entry(
        contract=account.contract,
        start=account.billed[0],
        end=account.billed[1],
        total=rounded(due * rate, settlement),
        lines=tuple(item for _, lines in by_list for item in lines),
        adjustment=adjustment,
        currency=spec.currency,
        rate=rate,
    )


def _gaps(accounts: Sequence[Account]) -> Iterator[Gap]:
    """Times without a row of a network whose traffic is priced then; neighbouring ones joined."""
    found: dict[str, list[Span]] = {}
    for account in accounts:
        for tariff in account.tariffs():
            if tariff.spec.metered:
                for network in tariff.spec.physical_networks:
                    for span in account.spans(tariff):
                        found.setdefault(network, []).extend(_uncovered(account.samples, network, span))
    for network in sorted(found):
        for start, end in joined(found[network]):
            yield Gap(network=network, start=start, end=end)


def _uncovered(rows: Sequence[Sample], network: str, span: Span) -> Iterator[Span]:
    at = span[0]
    for row in rows:
        if row.network == network and row.end > at:
            if row.start >= span[1]:
                break
            if row.start > at:
                yield at, row.start
            at = row.end
    if at < span[1]:
        yield at, span[1]
