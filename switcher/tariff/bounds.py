"""The least and the most that a contract costs in a billing period (tariffs.md, Periods and Rounding)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from switcher.objects.tariffs import Tariff
from switcher.tariff.account import Account
from switcher.tariff.money import tidy

Adjustment = Literal["minimum", "maximum"] | None


def bounded(account: Account, amounts: Sequence[tuple[Tariff, Decimal]]) -> tuple[Decimal, Adjustment]:
    """The sum of what the lists charge, not below their minimum and then not above their maximum.

    Each list's bounds count in proportion of the seconds that it is billed. What a list without a maximum charges is
    not limited by the others' maximum.
    """
    due = sum((amount for _, amount in amounts), Decimal(0))
    least = sum((account.weight(tariff) * (tariff.spec.minimum or 0) for tariff, _ in amounts), Decimal(0))
    limits = [
        amount if tariff.spec.maximum is None else account.weight(tariff) * tariff.spec.maximum
        for tariff, amount in amounts
    ]
    most = sum(limits, Decimal(0)) if any(tariff.spec.maximum is not None for tariff, _ in amounts) else None
    adjustment: Adjustment = None
    if tidy(due) < tidy(least):
        due, adjustment = least, "minimum"
    if most is not None and tidy(due) > tidy(most):
        due, adjustment = most, "maximum"
    return due, adjustment
