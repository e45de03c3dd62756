"""Rounding of money: once per entry, half up, to the currency's minor unit (tariffs.md, Rounding; ISO 4217)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN)
"""All arithmetic of a bill: wide enough for the largest prices, factors and quantities that are accepted together, and
that what thirds leave over stays far below :data:`GUARD`."""
GUARD = Decimal("1e-24")
MINOR_DIGITS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(),  # noqa: SIM905 # a table of codes reads best as a line
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole minor units.

    Digits below :data:`GUARD` are dropped first, so that three thirds of half a cent are half a cent.
    """
    minor = Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))
    return tidy(amount).quantize(minor, rounding=ROUND_HALF_UP, context=EXACT)


def tidy(amount: Decimal) -> Decimal:
    """The amount without what inexact divisions left far behind the point."""
    return amount.quantize(GUARD, rounding=ROUND_HALF_EVEN, context=EXACT)


def plain(amount: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros behind the point."""
    text = f"{tidy(amount):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
