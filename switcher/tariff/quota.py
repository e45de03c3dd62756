"""What a quota comes to in an account (tariffs.md, Periods and Quota)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from switcher.objects.charges import Quota
from switcher.objects.prices import Window
from switcher.objects.tariffs import Tariff
from switcher.tariff.account import Account, counted, flows
from switcher.tariff.graduated import unit_price
from switcher.tariff.invoice import Line, Portion
from switcher.tariff.money import tidy


@dataclass(frozen=True, slots=True)
class Beyond:
    """What one stretch of time took beyond the quota: this many units or blocks at this price."""

    price: Decimal
    count: Decimal
    units: Decimal


@dataclass(slots=True)
class Meter:
    """Bytes that are paid for so far: what is included, and every block that was started."""

    paid: Decimal
    reading: Decimal = field(default=Decimal(0))

    def take(self, bytes_: Decimal, quota: Quota | None, window: Window | None = None) -> Beyond | None:
        """Let bytes flow; what of them is beyond what was paid for is priced by the list of the moment."""
        before, self.reading = max(self.reading, self.paid), self.reading + bytes_
        over = self.reading - before
        if tidy(over) <= 0 or quota is None:
            self.paid = max(self.paid, self.reading)
            return None
        unit, beyond = quota.unit.bytes, quota.beyond
        if beyond.block is not None and beyond.price is not None:
            blocks = tidy(over / (beyond.block * unit)).to_integral_value(ROUND_CEILING)
            self.paid += blocks * beyond.block * unit
            return Beyond(beyond.price, blocks, over / unit)
        self.paid = self.reading
        price = Decimal(0) if beyond.overage is None else unit_price(beyond.overage, window)
        return Beyond(price, over / unit, over / unit)


def quota_line(account: Account, tariff: Tariff, name: str, charge: Quota) -> Line:
    """The charge's line: the price, due whether used or not, and what is beyond, in the order in which it flowed."""
    slots = list(account.slots(tariff, charge.schedule))
    edges = account.edges(*(at for start, end, _ in slots for at in (start, end)))
    amounts = flows(charge, counted(account, charge, edges))
    windows = {start: window for start, _, window in slots}
    included = included_bytes(account, name)
    meter, used, extra = Meter(included), Decimal(0), dict[Decimal, Beyond]()
    for (start, _), amount in zip(pairwise(edges), amounts, strict=True):
        taken = meter.take(amount, _quota(account.list_at(start), name), windows.get(start))
        if start in windows:
            used += amount / charge.unit.bytes
            if taken is not None:
                before = extra.get(taken.price, Beyond(taken.price, Decimal(0), Decimal(0)))
                extra[taken.price] = Beyond(taken.price, before.count + taken.count, before.units + taken.units)
    flat = Portion(
        price=charge.price,
        quantity=used - sum((each.units for each in extra.values()), Decimal(0)),
        amount=charge.price * account.weight(tariff),
        up_to=included / charge.unit.bytes,
    )
    more = [Portion(price=each.price, quantity=each.units, amount=each.price * each.count) for each in extra.values()]
    portions = (flat, *sorted(more, key=lambda part: part.price))
    return Line(
        charge=name,
        tariff=tariff.name,
        quantity=used,
        unit=charge.unit.value,
        amount=sum((part.amount for part in portions), Decimal(0)),
        portions=portions,
    )


def included_bytes(account: Account, name: str) -> Decimal:
    """What all lists that are billed include in this charge, each in proportion of its seconds."""
    quotas = [(account.weight(tariff), _quota(tariff, name)) for tariff in account.tariffs()]
    return sum((weight * quota.included * quota.unit.bytes for weight, quota in quotas if quota), Decimal(0))


def _quota(tariff: Tariff | None, name: str) -> Quota | None:
    """The quota of this name in a list."""
    return next((charge.quota for charge in tariff.spec.charges if charge.name == name), None) if tariff else None
