"""One contract in one billing period, cut into equal steps: which list counts in each, and what flowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any

from switcher.tariff import Sample, Stay
from tests.oracle import clock

Spec = Mapping[str, Any]
Span = tuple[datetime, datetime]
UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def ratio(part: timedelta, whole: timedelta) -> Fraction:
    """One length of time in another."""
    microsecond = timedelta(microseconds=1)
    return Fraction(part // microsecond, whole // microsecond)


@dataclass(frozen=True, kw_only=True)
class Account:
    """``lists`` are the contract's price lists (their ``spec``); every edge of anything lies on a step's."""

    lists: Sequence[Spec]
    whole: Span
    billed: Span
    step: timedelta
    rows: Sequence[Sample]
    stays: Sequence[Stay]

    @cached_property
    def steps(self) -> list[datetime]:
        """The beginnings of all steps of the billing period."""
        count = (self.whole[1] - self.whole[0]) // self.step
        return [self.whole[0] + number * self.step for number in range(count)]

    @cached_property
    def counting(self) -> list[Spec | None]:
        """The list that counts in each step."""
        return [winner(self.lists, at) for at in self.steps]

    @cached_property
    def is_billed(self) -> list[bool]:
        """Whether a step is asked for."""
        return [self.billed[0] <= at < self.billed[1] for at in self.steps]

    @cached_property
    def used(self) -> list[Spec]:
        """The lists that count in some step that is billed."""
        found: list[Spec] = []
        for spec, billed in zip(self.counting, self.is_billed, strict=True):
            if billed and spec is not None and all(spec is not one for one in found):
                found.append(spec)
        return found

    def mine(self, spec: Spec) -> list[int]:
        """The steps that this list bills."""
        pairs = zip(self.counting, self.is_billed, strict=True)
        return [number for number, (one, billed) in enumerate(pairs) if one is spec and billed]

    def of_period(self, spec: Spec) -> Fraction:
        """The time that this list bills, in the billing period's."""
        return Fraction(len(self.mine(spec)), len(self.steps))

    @cached_property
    def part(self) -> Fraction:
        """The time that is billed, in the billing period's."""
        return Fraction(sum(self.is_billed), len(self.steps))

    def share(self, spec: Spec) -> Fraction:
        """The time that this list bills, in all that is billed."""
        return self.of_period(spec) / self.part

    @cached_property
    def parts(self) -> list[list[tuple[Sample, Fraction]]]:
        """The same as ``all_parts``, of the networks that the list that counts then has; without one, of all."""
        return [
            [(row, bytes_) for row, bytes_ in parts if spec is None or row.network in spec["physicalNetworks"]]
            for spec, parts in zip(self.counting, self.all_parts, strict=True)
        ]

    @cached_property
    def all_parts(self) -> list[list[tuple[Sample, Fraction]]]:
        """In each step the rows that it has a part of, with their bytes there; use inside a row is even."""
        found: list[list[tuple[Sample, Fraction]]] = [[] for _ in self.steps]
        networks = {name for spec in self.lists for name in spec["physicalNetworks"]}
        for row in self.rows:
            for number, at in enumerate(self.steps) if row.network in networks else ():
                inside = min(row.end, at + self.step) - max(row.start, at)
                if inside > timedelta(0):
                    found[number].append((row, Fraction(row.bytes) * ratio(inside, row.end - row.start)))
        return found

    def flow(self, charge: Spec, direction: str) -> list[Fraction]:
        """Bytes of one direction in each step that the charge counts."""
        return [
            sum((bytes_ for row, bytes_ in parts if row.direction == direction and _of_class(charge, row)), Fraction(0))
            for parts in self.parts
        ]

    def units(self, charge: Spec) -> list[Fraction]:
        """What the charge counts in each step, in its unit."""
        into, out = self.flow(charge, "in"), self.flow(charge, "out")
        flows = {"in": into, "out": out, "sum": [a + b for a, b in zip(into, out, strict=True)]}
        flows["max"] = into if sum(into) > sum(out) else out
        return [bytes_ / UNITS[charge["unit"]] for bytes_ in flows[charge["direction"]]]

    def window(self, spec: Spec, charge: Spec, number: int) -> Spec | None:
        """The entry of the charge's schedule that a step lies in."""
        return clock.open_window(charge.get("schedule", []), spec.get("timezone", "UTC"), self.steps[number])


def _of_class(charge: Spec, row: Sample) -> bool:
    return charge.get("destination") in (None, row.destination)


def winner(lists: Sequence[Spec], at: datetime) -> Spec | None:
    """Of the lists valid at a moment the one recorded last, then the one valid from last."""
    valid = [
        spec
        for spec in lists
        if moment(spec["validFrom"]) <= at and ("validTo" not in spec or at < moment(spec["validTo"]))
    ]
    return max(valid, key=lambda spec: (_recorded(spec), moment(spec["validFrom"])), default=None)


def _recorded(spec: Spec) -> float:
    return moment(spec["recordedAt"]).timestamp() if "recordedAt" in spec else float("-inf")


def moment(text: str) -> datetime:
    """A time of a document."""
    return datetime.fromisoformat(text.upper())


def edges(account: Account) -> Iterator[datetime]:
    """Every moment that must lie on a step's edge."""
    for spec in account.lists:
        yield moment(spec["validFrom"])
        if "validTo" in spec:
            yield moment(spec["validTo"])
    yield from account.billed
