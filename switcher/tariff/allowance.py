"""Quotas that throttle or stop: how much may flow before, and what is left of the network then (tariffs.md, Quota)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from switcher.model import Usage
from switcher.objects.book import Book
from switcher.objects.charges import Quota
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Direction
from switcher.tariff.flow import counted_bytes
from switcher.tariff.lists import by_contract, known_by, metered_periods, timeline, valid_at
from switcher.tariff.periods import micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a contract includes in its running billing period."""

    contract: str
    physical_networks: tuple[str, ...]
    """They share it (a pool)."""
    included_bytes: Decimal
    direction: Direction
    beyond_bps: float
    """The rate beyond it; 0: nothing flows any more."""
    end: datetime
    """Of the billing period."""

    def left_bytes(self, usage: Usage) -> float:
        """Bytes that may still flow."""
        return max(float(self.included_bytes - counted_bytes(self.direction, usage)), 0.0)


def allowances(book: Book, now: datetime) -> Iterator[Allowance]:
    """Of every contract whose list that is valid now has a quota that throttles or stops."""
    contracts = by_contract(known_by(book.tariffs, now))
    for running in metered_periods(book, now):
        lists = contracts[running.contract]
        current = valid_at(lists, now)
        for charge in current.spec.charges if current else ():
            quota = charge.quota
            if quota is not None and (quota.beyond.throttle is not None or quota.beyond.stop):
                yield Allowance(
                    contract=running.contract,
                    physical_networks=running.physical_networks,
                    included_bytes=_included(lists, charge.name, (running.start, running.end)),
                    direction=quota.direction,
                    beyond_bps=float(quota.beyond.throttle or 0),
                    end=running.end,
                )


def _included(lists: tuple[Tariff, ...], name: str, period: tuple[datetime, datetime]) -> Decimal:
    """What all lists of the period include, each in proportion of its seconds."""
    whole, total = micros(period[1] - period[0]), Decimal(0)
    for stretch in timeline(lists, *period):
        quota = _quota(stretch.tariff, name)
        if quota is not None:
            total += quota.included * quota.unit.bytes * micros(stretch.end - stretch.start) / whole
    return total


def _quota(tariff: Tariff | None, name: str) -> Quota | None:
    return next((each.quota for each in tariff.spec.charges if each.name == name), None) if tariff else None
