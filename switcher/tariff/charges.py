"""What each kind of charge comes to in an account."""

from __future__ import annotations

from switcher.objects.charges import Charge
from switcher.objects.tariffs import Tariff
from switcher.tariff.account import Account
from switcher.tariff.fixed import fixed_line
from switcher.tariff.invoice import Line
from switcher.tariff.percentile import percentile_line
from switcher.tariff.quota import quota_line
from switcher.tariff.volume import volume_line


def line(account: Account, tariff: Tariff, charge: Charge) -> Line:
    """The charge's line for the time that its list counts."""
    if charge.fixed is not None:
        return fixed_line(account, tariff, charge.name, charge.fixed)
    if charge.volume is not None:
        return volume_line(account, tariff, charge.name, charge.volume)
    if charge.percentile is not None:
        return percentile_line(account, tariff, charge.name, charge.percentile)
    if charge.quota is not None:
        return quota_line(account, tariff, charge.name, charge.quota)
    raise ValueError(f"charge {charge.name!r} is of no kind")  # the model has exactly one
