"""What each kind of charge of one list comes to, from tariffs.md's sentences, in fractions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

from tests.oracle import clock
from tests.oracle.account import UNITS, Account, Spec, ratio

ZERO = Fraction(0)
HOUR = timedelta(hours=1)
RATES = {"kbps": 10**3, "Mbps": 10**6, "Gbps": 10**9}
DURATIONS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def amount(account: Account, spec: Spec, charge: Spec) -> Fraction:
    """The charge's amount for the time that its list bills."""
    if "fixed" in charge:
        return _fixed(account, spec, charge["fixed"])
    if "volume" in charge:
        return _volume(account, spec, charge["volume"])
    if "percentile" in charge:
        return account.share(spec) * _percentile(account, charge["percentile"])
    return _quota(account, spec, charge["name"], charge["quota"])


def _unit(price: Any, window: Spec | None) -> Fraction:
    if window is None:
        return Fraction(price)
    return Fraction(window["price"]) if "price" in window else Fraction(price) * Fraction(window["multiply"])


# --- fixed ---------------------------------------------------------------------------------------


def _fixed(account: Account, spec: Spec, charge: Spec) -> Fraction:
    each = charge.get("each", "network")
    zone = spec.get("timezone", "UTC")
    total = ZERO
    for number in account.mine(spec):
        at = account.steps[number]
        if charge["per"] == "hour":
            length = ratio(account.step, HOUR)
        else:
            length = clock.amount_of(charge["per"], spec["billingPeriod"], zone, account.whole) / len(account.steps)
        price = _unit(charge["price"], account.window(spec, charge, number))
        if each == "attachment":
            total += price * length * _attached(account, spec, charge, at)
        else:
            count = len(spec["physicalNetworks"]) if each == "network" else len(_nodes(account, spec))
            total += price * length * _multiples(charge, count)
    return total


def _nodes(account: Account, spec: Spec) -> set[str | None]:
    parts = (part for parts in account.all_parts for part in parts)
    return {row.node for row, _ in parts if row.network in spec["physicalNetworks"]}


def _attached(account: Account, spec: Spec, charge: Spec, at: Any) -> Fraction:
    """The attachments there in a step, cut where their number changes."""
    until = at + account.step
    here = [stay for stay in account.stays if stay.network in spec["physicalNetworks"]]
    cuts = {at, until, *(t for stay in here for t in (stay.start, stay.end) if at < t < until)}
    total = ZERO
    for begin, end in pairwise(sorted(cuts)):
        count = sum(stay.start <= begin and stay.end >= end for stay in here)
        total += _multiples(charge, count) * ratio(end - begin, account.step)
    return total


def _multiples(charge: Spec, count: int) -> Fraction:
    total = ZERO
    for number in range(1, count + 1):
        factor = Fraction(1)
        for step in charge.get("nth", []):
            if number >= int(step["from"]):
                factor = Fraction(step["multiply"])
        total += factor
    return total


# --- volume --------------------------------------------------------------------------------------


def to_here(tiers: Sequence[Spec], reading: Fraction) -> list[Fraction]:
    """How many of the first ``reading`` units each tier takes."""
    found, before = [], ZERO
    for tier in tiers:
        top = reading if "upTo" not in tier else min(Fraction(tier["upTo"]), reading)
        found.append(max(top - before, ZERO))
        before = max(top, before)
    return found


def price_of(tiers: Sequence[Spec], start: Fraction, end: Fraction, window: Spec | None = None) -> Fraction:
    """The units between two readings, each at its tier's price."""
    parts = zip(tiers, to_here(tiers, start), to_here(tiers, end), strict=True)
    return sum((_unit(tier["price"], window) * (after - before) for tier, before, after in parts), ZERO)


def whole_price(mode: str, tiers: Sequence[Spec], quantity: Fraction, reading: Fraction) -> Fraction:
    """What a quantity comes to where the tier is decided by a reading."""
    if mode == "graduated":
        return price_of(tiers, reading - quantity, reading)
    reached = next(tier for tier in tiers if "upTo" not in tier or reading <= Fraction(tier["upTo"]))
    return Fraction(reached["price"]) * (quantity if mode == "allUnits" else 1)


def _volume(account: Account, spec: Spec, charge: Spec) -> Fraction:
    flow = account.units(charge)
    billed = sum((units for units, asked in zip(flow, account.is_billed, strict=True) if asked), ZERO)
    least = Fraction(charge.get("minimum", 0)) * account.part
    most = Fraction(charge["maximum"]) * account.part if "maximum" in charge else None
    mode = charge.get("mode", "graduated")
    if mode != "graduated":
        quantity = max(billed, least) if most is None else min(max(billed, least), most)
        return whole_price(mode, charge["tiers"], quantity, sum(flow) + quantity - billed) * account.share(spec)
    total, reading, taken, end = ZERO, ZERO, ZERO, ZERO
    mine = set(account.mine(spec))
    for number, units in enumerate(flow):
        if account.is_billed[number]:
            free = units if most is None else max(min(units, most - taken), ZERO)
            if number in mine:
                window = account.window(spec, charge, number)
                total += price_of(charge["tiers"], reading, reading + free, window)
            taken, end = taken + units, reading + units
        reading += units
    if least > taken:
        total += price_of(charge["tiers"], end, end + least - taken) * account.share(spec)
    return total


# --- percentile ----------------------------------------------------------------------------------


def _percentile(account: Account, charge: Spec) -> Fraction:
    level = _level(account, charge)
    commit = Fraction(charge.get("commit", 0))
    tiers = charge.get("tiers") or [{"price": charge["price"]}]
    mode = charge.get("mode", "graduated")
    if "overage" in charge and level > commit:
        return whole_price(mode, tiers, commit, commit) + (level - commit) * Fraction(charge["overage"])
    return whole_price(mode, tiers, max(level, commit), max(level, commit))


def _level(account: Account, charge: Spec) -> Fraction:
    number, unit = int(charge["sample"][:-1]), charge["sample"][-1]
    sample = timedelta(seconds=number * DURATIONS[unit])
    into, out = account.flow(charge, "in"), account.flow(charge, "out")
    slots: dict[int, list[int]] = {}
    for step, at in enumerate(account.steps):
        if account.is_billed[step]:
            slots.setdefault((at - account.whole[0]) // sample, []).append(step)
    pairs: list[tuple[Fraction, Fraction]] = []
    for steps in slots.values():
        if charge.get("missing", "zero") == "zero" or any(account.parts[step] for step in steps):
            bits = 8 / (ratio(account.step, timedelta(seconds=1)) * len(steps))
            pairs.append((bits * sum(into[step] for step in steps), bits * sum(out[step] for step in steps)))
    seen = {
        "in": [[a for a, _ in pairs]],
        "out": [[b for _, b in pairs]],
        "sum": [[a + b for a, b in pairs]],
        "max": [[max(pair) for pair in pairs]],
        "maxOfPercentiles": [[a for a, _ in pairs], [b for _, b in pairs]],
    }[charge["direction"]]
    return max(_billable(values, Fraction(charge["q"])) for values in seen) / RATES[charge["unit"]]


def _billable(values: list[Fraction], q: Fraction) -> Fraction:
    left = sorted(values)
    for _ in range(floor(len(values) * (100 - q) / 100)):
        left.pop()
    return left[-1] if left else ZERO


# --- quota ---------------------------------------------------------------------------------------


def _named(spec: Spec | None, name: str) -> Spec | None:
    charges = [] if spec is None else spec["charges"]
    return next((charge.get("quota") for charge in charges if charge["name"] == name), None)


def _quota(account: Account, spec: Spec, name: str, charge: Spec) -> Fraction:
    """Step by step: what is paid for is what is included, and every block that was started."""
    paid = ZERO
    for each in account.used:
        quota = _named(each, name)
        if quota is not None:
            paid += account.of_period(each) * Fraction(quota["included"]) * UNITS[quota["unit"]]
    total = account.of_period(spec) * Fraction(charge["price"])
    mine = set(account.mine(spec))
    reading = ZERO
    for number, units in enumerate(account.units(charge)):
        reading += units * UNITS[charge["unit"]]
        over = reading - paid
        current = _named(account.counting[number], name)
        if over <= 0:
            continue
        cost, covered = _beyond(current, over, account.window(spec, charge, number))
        paid += covered
        total += cost if number in mine else 0
    return total


def _beyond(quota: Spec | None, over: Fraction, window: Spec | None) -> tuple[Fraction, Fraction]:
    """What bytes beyond all that is paid for cost, and how many bytes are paid for by it."""
    beyond = {} if quota is None else quota["beyond"]
    unit = 1 if quota is None else UNITS[quota["unit"]]
    if "block" in beyond:
        size = Fraction(beyond["block"]) * unit
        blocks = ceil(over / size)
        return blocks * Fraction(beyond["price"]), blocks * size
    if "overage" in beyond:
        return over / unit * _unit(beyond["overage"], window), over
    return ZERO, over
