"""Figures for people. Pure."""

from __future__ import annotations

from decimal import Decimal


def rate(bps: float) -> str:
    """A rate, in the unit that suits it."""
    for size, unit in ((1e9, "Gbps"), (1e6, "Mbps"), (1e3, "kbps")):
        if bps >= size:
            return f"{bps / size:.4g} {unit}"
    return f"{bps:.4g} bps"


def money(amount: Decimal) -> str:
    """An amount, without an exponent: cents, or three digits that count where it is less than ten of them."""
    if amount == 0 or abs(amount) >= Decimal("0.1"):
        return f"{amount:.2f}"
    return f"{Decimal(f'{amount:.3g}'):f}"


def age(seconds: float) -> str:
    """An age in whole seconds, or minutes from two on."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
