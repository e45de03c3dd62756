"""A quantity priced as a whole: volume with allUnits and stepFee, and percentiles (tariffs.md, Volume)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

from switcher.objects.prices import Tiers
from switcher.objects.words import Mode
from switcher.tariff.graduated import portions
from switcher.tariff.invoice import Line, Portion
from switcher.tariff.money import tidy


@dataclass(frozen=True, slots=True)
class Priced:
    """A quantity and what its parts cost; ``several``: more than one price is possible."""

    quantity: Decimal
    portions: tuple[Portion, ...]
    several: bool

    def named(self, charge: str, tariff: str, unit: str) -> Line:
        """As a line of a bill."""
        one = len(self.portions) == 1 and not self.several
        return Line(
            charge=charge,
            tariff=tariff,
            quantity=self.quantity,
            unit=unit,
            amount=sum((portion.amount for portion in self.portions), Decimal(0)),
            rate=self.portions[0].price if one else None,
            portions=() if one else self.portions,
        )


def reached(tiers: Tiers, quantity: Decimal) -> int:
    """The number of the tier that a quantity reaches; ``upTo`` is inclusive, and nothing reaches the first."""
    exact = tidy(quantity)
    return next(number for number, tier in enumerate(tiers) if tier.up_to is None or exact <= tier.up_to)


def amount(mode: Mode, tiers: Tiers, quantity: Decimal, reading: Decimal) -> Decimal:
    """What a quantity costs when the period's counter ends at ``reading``, which decides the tier."""
    match mode:
        case Mode.GRADUATED:
            parts = portions(tiers, reading - quantity, reading)
            return sum((many * tiers[number].price for number, many in parts), Decimal(0))
        case Mode.ALL_UNITS:
            return quantity * tiers[reached(tiers, reading)].price
        case Mode.STEP_FEE:
            return tiers[reached(tiers, reading)].price
        case _:
            assert_never(mode)


def whole_line(mode: Mode, tiers: Tiers, quantity: Decimal, reading: Decimal, share: Decimal) -> Priced:
    """The quantity by tiers with what each costs; ``share`` of it, because the list counts only so long."""
    found = dict.fromkeys(range(len(tiers)), Decimal(0))
    if mode is Mode.GRADUATED:
        found |= dict(portions(tiers, reading - quantity, reading))
    else:
        found[reached(tiers, reading)] = quantity
    fee = reached(tiers, reading) if mode is Mode.STEP_FEE else None
    parts = []
    for number, tier in enumerate(tiers):
        cost = tier.price * (int(number == fee) if mode is Mode.STEP_FEE else found[number])
        part = Portion(price=tier.price, quantity=found[number] * share, amount=cost * share, up_to=tier.up_to)
        parts.append(part)
    return Priced(quantity * share, tuple(parts), several=len(tiers) > 1)
