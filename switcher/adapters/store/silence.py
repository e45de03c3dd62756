"""When no uplink of a physical network was sampled, to the microsecond, also where only sums are left.

A full slot says that its uplink was sampled all the time; of one that is not full the parts are kept (``covering.py``).
Only the slots in which no uplink of a network was sampled all the time are looked at by their parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, func, select

from switcher.adapters.store.instants import PER_SECOND
from switcher.adapters.store.intervals import Interval, length, merged, uncovered
from switcher.adapters.store.reach import reaches
from switcher.adapters.store.sampled import Series, ending_in, over
from switcher.adapters.store.schema import uplink_samples, uplinks
from switcher.adapters.store.slots import UPLINK_LEVELS, Level, uplink_parts

LEAST = PER_SECOND
"""Shorter silences are left out: a clock was set, or an agent began anew."""
Heard = defaultdict[str, list[Interval]]
"""By physical network, when any of its uplinks was sampled."""


def silences(connection: Connection, period: Interval) -> Mapping[str, Sequence[Interval]]:
    """By physical network, in order; nothing of time whose hours of uplinks are deleted."""
    reach, heard = reaches(connection), Heard(list)
    start = edge = max(period[0], reach[UPLINK_LEVELS[-1].name].kept_from)
    names = {row.id: row.physical_network for row in connection.execute(select(uplinks))}
    for level in reversed(UPLINK_LEVELS):
        until = min(period[1], reach[level.name].rolled_until)
        if edge < until:
            _hear(connection, level, (edge, until), names, heard)
            edge = until
    for number, interval in _samples(connection, (edge, period[1])):
        heard[names[number]].append(interval)
    return {
        name: [one for one in uncovered((start, period[1]), merged(heard[name])) if one[1] - one[0] >= LEAST]
        for name in sorted(set(names.values()))
        if start < period[1]
    }


def _samples(connection: Connection, period: Interval) -> Iterator[tuple[int, Interval]]:
    """Those that are not rolled up yet, by uplink."""
    series = Series(samples=uplink_samples)
    inside = select(*series.what(ending_in(connection, series, period)))
    for query in (inside, over(connection, series, period[1])):
        for number, start, until, *_ in connection.execute(query):
            yield number, (start, until)


def _hear(connection: Connection, level: Level, period: Interval, names: Mapping[int, str], heard: Heard) -> None:
    """What a level knows of its part of the period."""
    owner, slot = level.table.primary_key.columns
    longest = func.max(level.table.c.covered)
    query = (
        select(uplinks.c.physical_network, slot, longest)
        .join_from(level.table, uplinks, uplinks.c.id == owner)
        .where(slot > period[0] - level.step, slot < period[1])
        .group_by(uplinks.c.physical_network, slot)
    )
    open_: defaultdict[str, set[int]] = defaultdict(set)
    for name, begins, covered in connection.execute(query):
        if covered > level.step - LEAST:
            heard[name].append((begins, begins + level.step))
        else:
            open_[name].add(begins)
    for name, begins_of in open_.items():
        numbers = [number for number, each in names.items() if each == name]
        for number in numbers:
            heard[name] += _in_parts(connection, level, number, begins_of)


def _in_parts(connection: Connection, level: Level, number: int, slots: set[int]) -> Iterator[Interval]:
    """When an uplink was sampled in some slots; all of one of which the parts are not known (before migration 0006)."""
    owner, until = uplink_parts.primary_key.columns
    first, last = min(slots), max(slots) + level.step
    query = select(uplink_parts.c.start, until).where(owner == number, until > first, uplink_parts.c.start < last)
    parts = [(start, end) for start, end in connection.execute(query)]
    yield from parts
    owner, slot = level.table.primary_key.columns
    sums = select(slot, level.table.c.covered).where(owner == number, slot >= first, slot < last)
    for begins, covered in connection.execute(sums):
        if begins in slots:
            end = begins + level.step
            known = length(
                (max(start, begins), min(stop, end)) for start, stop in parts if start < end and stop > begins
            )
            if known < covered:
                yield begins, end
