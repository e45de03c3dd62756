"""Prices as a price list shows them: money per GB of the next moments, without regard to what else flows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from switcher.decide.board import GB_PER_HOUR_PER_BPS, Bools, Floats
from switcher.model import Usage
from switcher.objects.model import Book
from switcher.objects.words import Each
from switcher.simulate.world import Site, World
from switcher.tariff import Flow, PriceGap, quote

PROBE_BPS = 8e6
"""A megabyte per second."""
MOMENT = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NO_USAGE: Mapping[str, Usage] = {}


def shown(site: Site, at: datetime, span: timedelta = MOMENT) -> tuple[Floats, Floats, Floats]:
    """Money per GB in and per GB out (K x P), and per hour of an attachment (P), by class and physical network.

    The mean over ``span``; infinite where there is no price. What a list charges by percentile is not in it.
    """
    rows = [[_per_gb(site, (name, kind), at, span) for name in site.physical_networks] for kind in site.classes]
    table = np.array(rows, dtype=np.float64).reshape(len(site.classes), -1, 2)
    attached = per_attachment(site, at, span) if charges_attachments(site.book) else np.zeros(table.shape[1])
    return table[:, :, 0], table[:, :, 1], attached


def _per_gb(site: Site, of: tuple[str, str | None], at: datetime, span: timedelta) -> tuple[float, float]:
    """In and out; ``of``: a physical network and a class of destination."""
    asked = quote(site.book, of[0], at, at + span)
    if isinstance(asked, PriceGap):
        return np.inf, np.inf
    gigabytes = Decimal(str(PROBE_BPS * span.total_seconds() / 8e9))
    found = []
    for flow in (Flow(in_bps=PROBE_BPS, destination=of[1]), Flow(out_bps=PROBE_BPS, destination=of[1])):
        answer = asked.marginal(NO_USAGE, Flow(), flow)
        found.append(np.inf if isinstance(answer, PriceGap) else float(answer / gigabytes))
    return found[0], found[1]


def charges_attachments(book: Book) -> bool:
    """Whether any price list has a price per attachment."""
    charges = (charge.fixed for tariff in book.tariffs for charge in tariff.spec.charges)
    return any(fixed is not None and fixed.each is Each.ATTACHMENT for fixed in charges)


def per_attachment(site: Site, at: datetime, span: timedelta) -> Floats:
    """P: money per hour of one attachment that carries nothing, the mean over ``span``; infinite without a price."""
    found = []
    for name in site.physical_networks:
        asked = quote(site.book, name, at, at + span)
        answer = asked if isinstance(asked, PriceGap) else asked.marginal(NO_USAGE, Flow(), Flow(attachments=1))
        found.append(np.inf if isinstance(answer, PriceGap) else float(answer) / (span / HOUR))
    return np.array(found, dtype=np.float64)


def over_time(world: World) -> tuple[Floats, Floats]:
    """K x P x T: money per GB in and out, the mean over each slot."""
    columns = [shown(world.site, world.time(slot), world.slot) for slot in range(world.slots)]
    return np.stack([each[0] for each in columns], axis=2), np.stack([each[1] for each in columns], axis=2)


def densities(site: Site, prices: tuple[Floats, ...], into: Floats, out: Floats) -> Floats:
    """W x C: money per hour of each workload's traffic under each name, by prices per GB in and out (K x P).

    A third of the prices, where there is one, is per hour of an attachment (P). Infinite where a price is unknown, also
    for those who send nothing.
    """
    physical, kind = site.physical[np.maximum(site.uplink, 0)], site.kind[:, None]
    per_in, per_out = (table[kind, physical] for table in prices[:2])
    known = (site.uplink >= 0) & np.isfinite(per_in) & np.isfinite(per_out)
    per_in, per_out = np.where(known, per_in, 0.0), np.where(known, per_out, 0.0)
    cost: Floats = (per_in * into[:, None] + per_out * out[:, None]) * GB_PER_HOUR_PER_BPS
    if len(prices) > 2:
        cost += prices[2][physical]
    return np.where(known, cost, np.inf)


def mean_cost(world: World) -> Floats:
    """W x C: mean money per hour under each name over the whole world; infinite where some time has no price."""
    site, prices = world.site, over_time(world)
    unknown: Bools = ~np.logical_and.reduce(np.isfinite(prices[0] + prices[1]), axis=2)
    into, out = (np.where(np.isfinite(table), table, 0.0) for table in prices)
    physical = site.physical[np.maximum(site.uplink, 0)]
    money = np.empty((len(site.workloads), len(site.physical_networks)))
    for kind in range(len(site.classes)):
        rows = site.kind == kind
        money[rows] = world.into[rows] @ into[kind].T + world.out[rows] @ out[kind].T
        money[np.ix_(rows, unknown[kind])] = np.inf
    money *= GB_PER_HOUR_PER_BPS / world.slots
    cost: Floats = np.where(site.uplink >= 0, np.take_along_axis(money, physical, axis=1), np.inf)
    return cost


def latency_cost(site: Site, demand: Floats) -> Floats:
    """W x C: money per hour that latency is worth by the policy object of the book; zero where it says nothing."""
    per_gb_ms = max((float(policy.spec.penalties.latency) for policy in site.book.policies), default=0.0)
    if site.latency_ms is None or not per_gb_ms:
        return np.zeros(site.uplink.shape)
    latency: Floats = site.latency_ms[np.maximum(site.uplink, 0)]
    return latency * per_gb_ms * (demand * GB_PER_HOUR_PER_BPS)[:, None]
