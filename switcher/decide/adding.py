"""Sums of money as they are shown: the parts that a reader sees add up to the total that stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

CENTS = 2
"""Digits behind the point at least."""
SMALL = -1
"""Sums below this power of ten are small."""
MOST = 10
"""As exact as the decision's own figures (:func:`plain`)."""
UNITS = tuple(Decimal(1).scaleb(-places) for places in range(MOST + 1))
"""Of the last place, by the number of places."""


def digits(parts: Iterable[Decimal]) -> int:
    """Behind the point, so that of the smallest part that is not zero two digits can be read."""
    least = min((part.adjusted() for part in parts if part), default=0)
    return min(max(CENTS, 1 - least), MOST)


def shown(parts: Sequence[Decimal], places: int) -> list[Decimal]:
    """The parts to so many places. They add up to their sum, rounded; the first is rounded itself, zero stays zero.

    What is rounded is the running total, and a part is its step: at most one unit of the last place off.
    """
    unit, total, before, steps = UNITS[places], Decimal(0), Decimal(0), []
    for part in parts:
        total += part
        now = total.quantize(unit, ROUND_HALF_UP)
        steps.append(now - before)
        before = now
    return steps


def written(amount: Decimal) -> str:
    """To the cent, small sums to its hundredth; more digits only where they are not zero."""
    text = str(amount)  # three times as quick as a format, but the smallest get an exponent
    whole, _, rest = (f"{amount:f}" if "E" in text else text).partition(".")
    least = 2 * CENTS if amount and amount.adjusted() < SMALL else CENTS
    return f"{whole}.{rest.rstrip('0').ljust(least, '0')}"


def plain(amount: Decimal) -> Decimal:
    """To ten places, without an exponent or trailing zeros when written."""
    rounded = amount.quantize(UNITS[MOST]).normalize()
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded
