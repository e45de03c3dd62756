"""What whoever reads the result of a case should know of its objects."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from switcher.backtest.coverage import Coverage
from switcher.backtest.editions import Editions
from switcher.backtest.record import Span
from switcher.objects.model import Book, Tariff, Volume
from switcher.tariff import metered_periods

MOST_TIMES = 5
"""That a note names."""


def changes(editions: Editions) -> Iterator[str]:
    """That other objects came into force."""
    times = [since.isoformat() for since in editions.changes()]
    if times:
        shown = ", ".join(times[:MOST_TIMES]) + (", ..." if len(times) > MOST_TIMES else "")
        yield f"objects changed {len(times)} times: each version counts from the slot after it was known ({shown})"
    if len(editions.all) > 1 and not editions.all[0].book.items:
        yield f"no object was known before {times[0]}: until then no policy of the configuration moves anything"


def absences(covered: Coverage, reachable: AbstractSet[str], span: Span) -> Iterator[str]:
    """Contracts that were not in force all the time, and networks that were closed for it."""
    for tariff in covered.stand_ins:
        start, end = tariff.spec.valid_from, tariff.spec.valid_to or span.end
        times = f"from {start.isoformat()} to {end.isoformat()}"
        yield f"contract {tariff.contract!r} was not in force {times}: it costs nothing then"
    for name, shut in covered.closed.items():
        if name in reachable:
            times = ", ".join(f"from {start.isoformat()} to {end.isoformat()}" for start, end in span.stretches(shut))
            yield f"nobody is on {name} {times}: no contract on it was in force"


def begun(book: Book, reachable: AbstractSet[str], span: Span) -> Iterator[str]:
    """Billing periods that had begun when the period did, of contracts whose prices depend on what flowed before."""
    counting = {tariff.contract for tariff in book.tariffs if _counts(tariff)}
    for running in metered_periods(book, span.start):
        matters = running.contract in counting and not reachable.isdisjoint(running.physical_networks)
        if running.start < span.start and matters:
            since = running.start.isoformat()
            yield f"the billing period of {running.contract} runs since {since}: its counters begin with --period here"


def _counts(tariff: Tariff) -> bool:
    metered = tariff.spec.metered
    steps = any(not isinstance(charge, Volume) or len(charge.tiers) > 1 or charge.minimum for charge in metered)
    return steps or tariff.spec.minimum is not None or tariff.spec.maximum is not None
