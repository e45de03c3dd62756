"""Sums of money as they are shown: the parts that a reader sees add up to the total that stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

CENTS = 2
"""Digits behind the point at least."""
SMALL = Decimal("0.1")
MOST = 10
"""As exact as the decision's own figures (:func:`switcher.decide.explain.plain`)."""


def digits(parts: Iterable[Decimal]) -> int:
    """Behind the point, so that of the smallest part that is not zero two digits can be read."""
    least = min((abs(part) for part in parts if part), default=Decimal(1))
    return min(max(CENTS, 1 - least.adjusted()), MOST)


def shown(parts: Sequence[Decimal], places: int) -> list[Decimal]:
    """The parts to so many places. They add up to their sum, rounded; the first is rounded itself, zero stays zero.

    What is rounded is the running total, and a part is its step: at most one unit of the last place off.
    """
    unit, total, before, steps = Decimal(1).scaleb(-places), Decimal(0), Decimal(0), []
    for part in parts:
        total += part
        now = total.quantize(unit, ROUND_HALF_UP)
        steps.append(now - before)
        before = now
    return steps


def written(amount: Decimal) -> str:
    """To the cent, small sums to its hundredth; more digits only where they are not zero."""
    whole, _, rest = f"{amount:f}".partition(".")
    least = 2 * CENTS if 0 < abs(amount) < SMALL else CENTS
    return f"{whole}.{rest.rstrip('0').ljust(least, '0')}"
