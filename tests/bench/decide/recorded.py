"""Recorded traffic: two traces of a cloud's machines, from which many workloads are made (data/README.md)."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import numpy as np

from tests.bench.decide.traffic import Floats, Shape, wander

DATA = Path(__file__).with_name("data")
TRACES = ("ec2_network_in_257a54.csv", "ec2_network_in_5abac7.csv")
SAMPLE = timedelta(minutes=5)
MILD = Shape(noise=0.15)


def traces() -> list[Floats]:
    """Bytes per five minutes, scaled to a mean of 1; a burst is at most twenty times the mean."""
    found = []
    for name in TRACES:
        with (DATA / name).open(encoding="utf-8") as file:
            values = np.array([float(row["value"]) for row in csv.DictReader(file)])
        found.append(np.minimum(values / values.mean(), 20.0))
    return found


def workloads(rng: np.random.Generator, count: int, slots: int) -> Floats:
    """count x slots, mean about 1: a trace each, shifted, scaled, with noise; traces repeat when they end."""
    known = traces()
    rows = []
    for _ in range(count):
        trace = known[int(rng.integers(len(known)))]
        shifted = np.roll(trace, int(rng.integers(len(trace))))
        rows.append(np.resize(shifted, slots) * rng.lognormal(0, 0.8))
    rates = np.stack(rows) * np.exp(wander(rng, count, slots, SAMPLE, MILD))
    return np.asarray(rates / rates.mean(), dtype=np.float64)


def internet_prices() -> list[float]:
    """The distinct list prices of transfer to the internet, USD per GB, cheapest first."""
    with (DATA / "aws_transfer_costs.csv").open(encoding="utf-8") as file:
        return sorted({float(row["cost"]) for row in csv.DictReader(file) if row["dst"] == "internet"})
