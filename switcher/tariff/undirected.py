"""Prices for a load whose direction is not known: it counts in full in whichever direction a charge names."""

from __future__ import annotations

from dataclasses import replace

from switcher.objects.book import Book
from switcher.objects.tariffs import Charge, Percentile, Quota, Tariff, Volume
from switcher.objects.words import Direction


def undirected(book: Book) -> Book:
    """The same prices for a load that is given as in and as out at once: a charge on the sum counts it once."""
    if not any(_on_sum(charge) for tariff in book.tariffs for charge in tariff.spec.charges):
        return book
    return replace(book, tariffs=tuple(_once(tariff) for tariff in book.tariffs))


def _on_sum(charge: Charge) -> bool:
    metered = charge.volume or charge.percentile or charge.quota
    return metered is not None and metered.direction is Direction.SUM


def _once(tariff: Tariff) -> Tariff:
    charges = tuple(_larger(charge) if _on_sum(charge) else charge for charge in tariff.spec.charges)
    return tariff.model_copy(update={"spec": tariff.spec.model_copy(update={"charges": charges})})


def _larger(charge: Charge) -> Charge:
    changed: dict[str, Volume | Percentile | Quota] = {}
    if charge.volume is not None:
        changed["volume"] = charge.volume.model_copy(update={"direction": Direction.MAX})
    if charge.percentile is not None:
        changed["percentile"] = charge.percentile.model_copy(update={"direction": Direction.MAX})
    if charge.quota is not None:
        changed["quota"] = charge.quota.model_copy(update={"direction": Direction.MAX})
    return charge.model_copy(update=changed)
