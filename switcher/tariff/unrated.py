"""Price lists in currencies that lack an exchange rate, told before anything is computed (tariffs.md, Currencies)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from switcher.errors import BadInputError, Problem
from switcher.objects.book import Book
from switcher.objects.tariffs import Tariff
from switcher.tariff.exchange import Exchange, Needed, in_bill
from switcher.tariff.limits import too_large
from switcher.tariff.lists import by_contract, known_by, timeline, valid_at
from switcher.tariff.periods import Span, billing_periods


def refuse_unrated(tariffs: Sequence[Tariff], period: Span, known_at: datetime | None, exchange: Exchange) -> None:
    """Raises BadInputError with every rate that the bill of [start, end) would lack: other inputs may be wrong too."""
    contracts = by_contract(known_by(tariffs, known_at))
    if any(too_large(contracts, period)):
        return  # of such a period the bill says that it is too long
    needed = [each for lists in contracts.values() for each in _needed(lists, period)]
    problems = [*exchange.contradictions(), *exchange.missing(needed)]
    if problems:
        raise BadInputError(problems)


def _needed(lists: Sequence[Tariff], period: Span) -> Iterator[Needed]:
    for start, end in billing_periods(lists[0], *period):
        billed = timeline(lists, max(start, period[0]), min(end, period[1]))
        first = next((stretch.tariff for stretch in billed if stretch.tariff is not None), None)
        if first is not None:
            yield in_bill(first, end)


def unrated_now(book: Book, now: datetime, settlement: str | None) -> Iterator[Problem]:
    """The rates for want of which prices are unknown now: decisions take the latest of today or before."""
    exchange = Exchange.of(book, settlement)
    current = (valid_at(lists, now) for lists in by_contract(known_by(book.tariffs, now)).values())
    valid = [tariff for tariff in current if tariff is not None]
    yield from exchange.missing([_today(tariff, now) for tariff in valid])


def _today(tariff: Tariff, now: datetime) -> Needed:
    today = now.astimezone(ZoneInfo(tariff.spec.timezone)).date()
    return tariff, today, f"for what contract {tariff.contract!r} costs now"
