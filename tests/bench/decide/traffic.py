"""Traffic: a modulated gravity model, and foreign load. All of it by seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How traffic varies."""

    spread: float = 0.8
    """Sigma of the logarithm of the mass of a place; a workload's mean is the product of two masses."""
    places: int = 40
    daily: float = 0.45
    """Amplitude of the daily wave, of the mean."""
    noise: float = 0.25
    """Sigma of the logarithm of each workload's own noise."""
    memory: timedelta = timedelta(minutes=30)
    """Time constant of the noise."""


def gravity(rng: np.random.Generator, count: int, slots: int, slot: timedelta, shape: Shape) -> Floats:
    """count x slots, mean about 1: between two places each, with a daily wave whose phase is the source's."""
    mass = rng.lognormal(0, shape.spread / np.sqrt(2), shape.places)
    phase = rng.normal(0, 0.08, shape.places)
    source, target = rng.integers(0, shape.places, (2, count))
    mean = mass[source] * mass[target]
    days = np.arange(slots) * (slot / DAY)
    wave = 1 + shape.daily * np.sin(2 * np.pi * (days[None, :] - phase[source][:, None] - 0.3))
    rates = mean[:, None] * wave * np.exp(wander(rng, count, slots, slot, shape))
    return np.asarray(rates / rates.mean(), dtype=np.float64)


def wander(rng: np.random.Generator, count: int, slots: int, slot: timedelta, shape: Shape) -> Floats:
    """count x slots: noise that forgets with the shape's memory, of the shape's sigma (AR(1))."""
    keep = float(np.exp(-(slot / shape.memory)))
    fresh = rng.normal(0, shape.noise * np.sqrt(1 - keep * keep), (count, slots))
    noise = np.empty((count, slots))
    level = rng.normal(0, shape.noise, count)
    for number in range(slots):
        level = keep * level + fresh[:, number]
        noise[:, number] = level
    return noise


def background(rng: np.random.Generator, capacity: Floats, slots: int, slot: timedelta, level: float) -> Floats:
    """uplinks x slots: foreign load of about ``level`` of each capacity, with a daily wave and slow noise."""
    days = np.arange(slots) * (slot / DAY)
    phase = rng.uniform(0, 1, len(capacity))
    wave = 1 + 0.4 * np.sin(2 * np.pi * (days[None, :] - phase[:, None]))
    noise = wander(rng, len(capacity), slots, slot, Shape(noise=0.10, memory=timedelta(hours=2)))
    load: Floats = capacity[:, None] * level * wave * np.exp(noise)
    return np.minimum(load, 0.6 * capacity[:, None])
