"""The controller's metrics. Labels come from closed sets or are objects' names, never pods' (api.md, Metrics)."""

from __future__ import annotations

import math
from collections import Counter as Counted
from collections import defaultdict
from decimal import Decimal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from cni.wire import MoveReason, Outcome
from switcher.model import Decision, Snapshot, StayReason, stay_counts
from switcher.spending import Spending

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Meters:
    """All of the controller's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decided = Histogram("switcher_decision_seconds", "Time to decide one tick.", registry=self.registry)
        self._ticks = Counter("switcher_ticks", "Ticks by result.", ["result"], registry=self.registry)
        self._moves = Counter("switcher_moves_decided", "Moves decided.", ["reason"], registry=self.registry)
        self._outcomes = Counter("switcher_moves", "Moves that ended.", ["reason", "outcome"], registry=self.registry)
        self._stays = Gauge(
            "switcher_stays", "Attachments that stay at the last tick.", ["reason"], registry=self.registry
        )
        self._age = Gauge(
            "switcher_snapshot_age_seconds", "Age of the oldest sample of the last tick.", registry=self.registry
        )
        self._utilisation = Gauge(
            "switcher_uplink_utilisation_ratio",
            "Load over capacity of a physical network's busiest uplink.",
            ["physical_network"],
            registry=self.registry,
        )
        self._price = Gauge(
            "switcher_price_per_hour",
            "Money that one more idle attachment would cost by the hour; NaN where it is unknown.",
            ["physical_network"],
            registry=self.registry,
        )
        self._money = Gauge(
            "switcher_money_per_hour",
            "Money that the workloads cost by the hour, now and had the last day's moves not been made.",
            ["case"],
            registry=self.registry,
        )
        self._level = Gauge(
            "switcher_percentile_bps",
            "A percentile charge: the level billed so far, the aim, and what the period is billed if it goes on so.",
            ["contract", "charge", "level"],
            registry=self.registry,
        )
        self._free = Gauge(
            "switcher_percentile_free_samples",
            "Samples that may yet be above the aim of a percentile charge without being billed.",
            ["contract", "charge"],
            registry=self.registry,
        )
        self._batches = Counter(
            "switcher_ingest_batches", "Batches of samples by result.", ["result"], registry=self.registry
        )
        self._upkeep = Histogram(
            "switcher_history_upkeep_seconds",
            "Time of a round of the history's upkeep.",
            ["result"],
            registry=self.registry,
        )
        self._objects = Gauge(
            "switcher_objects_valid",
            "1 when the users' objects in the files are in force, 0 when they were refused and older ones are.",
            registry=self.registry,
        )

    def decided(self, seconds: float) -> None:
        """A decision took this long."""
        self._decided.observe(seconds)

    def looked_after(self, result: str, seconds: float) -> None:
        """A round of the history's upkeep is over: ``done``, or ``later`` when some of it was put off."""
        self._upkeep.labels(result).observe(seconds)

    def skipped(self) -> None:
        """A tick could not decide."""
        self._ticks.labels("skipped").inc()

    def ticked(self, seen: Snapshot, decision: Decision) -> None:
        """A tick is over."""
        self._ticks.labels("decided").inc()
        for why, count in Counted(move.reason for move in decision.moves).items():
            self._moves.labels(why.value).inc(count)
        stays = stay_counts(decision.stays)
        for reason in StayReason:
            self._stays.labels(reason.value).set(stays[reason])
        if seen.networks:
            oldest = min(network.sampled_at for network in seen.networks)
            self._age.set((seen.now - oldest).total_seconds())
        busiest: dict[str, float] = defaultdict(float)
        for network in seen.networks:
            if network.capacity_bps > 0:
                load = network.used_bps / network.capacity_bps
                busiest[network.physical_network] = max(busiest[network.physical_network], load)
        for name, load in busiest.items():
            self._utilisation.labels(name).set(load)

    def spent(self, spending: Spending) -> None:
        """What everything costs at this tick. An unknown price is NaN, never zero."""
        for name, price in spending.attachment.items():
            self._price.labels(name).set(_number(price))
        self._money.labels("now").set(_number(spending.now))
        self._money.labels("if_nothing_had_moved").set(_number(spending.unmoved))
        for each in spending.standings:
            ledger = each.ledger
            for level, bps in (("billed", ledger.level), ("aim", ledger.aim), ("heading", ledger.heading)):
                self._level.labels(each.contract, each.charge, level).set(bps)
            self._free.labels(each.contract, each.charge).set(ledger.free)

    def moved(self, reason: MoveReason, outcome: Outcome | None) -> None:
        """A move ended; one without an outcome has not."""
        if outcome is not None:
            self._outcomes.labels(reason.value, outcome.value).inc()

    def ingested(self, result: str) -> None:
        """A batch was ``stored``, ``refused`` or must be sent again ``later``."""
        self._batches.labels(result).inc()

    def objects_valid(self, valid: bool) -> None:
        """Whether the files' objects are in force."""
        self._objects.set(1 if valid else 0)

    def exposition(self) -> bytes:
        """The text format that Prometheus scrapes."""
        return generate_latest(self.registry)


def _number(money: Decimal | None) -> float:
    return math.nan if money is None else float(money)
