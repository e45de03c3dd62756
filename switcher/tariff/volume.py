"""What a price per unit comes to in an account (tariffs.md, Periods and Volume)."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from switcher.objects.charges import Volume
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Mode
from switcher.tariff.account import Account, counted, flows
from switcher.tariff.graduated import portions, unit_price
from switcher.tariff.invoice import Line, Tally
from switcher.tariff.whole import whole_line


def volume_line(account: Account, tariff: Tariff, name: str, charge: Volume) -> Line:
    """The charge's line; ``minimum`` and ``maximum`` bound the quantity of the part that is billed."""
    if charge.mode is Mode.GRADUATED:
        return _graduated(account, tariff, name, charge)
    return _at_once(account, tariff, name, charge)


def _graduated(account: Account, tariff: Tariff, name: str, charge: Volume) -> Line:
    """Every unit at its tier's price: the counter runs from the start of the billing period through all lists."""
    slots = list(account.slots(tariff, charge.schedule))
    edges = account.edges(*(at for start, end, _ in slots for at in (start, end)))
    amounts = flows(charge, counted(account, charge, edges))
    windows = {start: window for start, _, window in slots}
    most = None if charge.maximum is None else charge.maximum * account.part
    tally, reading, billed, last = Tally(), Decimal(0), Decimal(0), Decimal(0)
    for (start, _), amount in zip(pairwise(edges), amounts, strict=True):
        flowed = amount / charge.unit.bytes
        if account.is_billed(start):
            allowed = flowed if most is None else max(min(flowed, most - billed), Decimal(0))
            if start in windows:
                for number, quantity in portions(charge.tiers, reading, reading + allowed):
                    tally.add(number, unit_price(charge.tiers[number].price, windows[start]), quantity)
            billed, last = billed + flowed, reading + flowed
        reading += flowed
    lacking = (charge.minimum or Decimal(0)) * account.part - billed
    for number, quantity in portions(charge.tiers, last, last + lacking):
        tally.add(number, charge.tiers[number].price, quantity * account.share(tariff))
    if len(charge.tiers) > 1:
        for number, tier in enumerate(charge.tiers):
            tally.add(number, tier.price, Decimal(0))  # so that every tier is shown
    tops = [tier.up_to for tier in charge.tiers]
    return tally.line(name, tariff.name, charge.unit.value, tops, charge.tiers[0].price)


def _at_once(account: Account, tariff: Tariff, name: str, charge: Volume) -> Line:
    """All at the price, or for the fee, of the tier that the whole billing period's usage reaches."""
    edges = account.edges()
    amounts = flows(charge, counted(account, charge, edges))
    quantities = [amount / charge.unit.bytes for amount in amounts]
    total = sum(quantities, Decimal(0))
    billed = sum(
        (each for (start, _), each in zip(pairwise(edges), quantities, strict=True) if account.is_billed(start)),
        Decimal(0),
    )
    bounded = max(billed, (charge.minimum or Decimal(0)) * account.part)
    if charge.maximum is not None:
        bounded = min(bounded, charge.maximum * account.part)
    line = whole_line(charge.mode, charge.tiers, bounded, total + bounded - billed, account.share(tariff))
    return line.named(name, tariff.name, charge.unit.value)
