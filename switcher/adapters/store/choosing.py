"""Which table answers for which part of a period: the coarsest that is exact there (pure).

A level serves whole slots only, between what retention has left of it and what is rolled up; the rest of a period is
for finer levels, down to the samples. Where those are deleted, the finest level that is left gives a share of its
slot: the only case in which a sum is not exact, and :func:`choose` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from switcher.adapters.store.intervals import Interval
from switcher.adapters.store.reach import Reach

FOREVER = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table of samples (``step`` 1) or of sums, and how far it reaches."""

    table: str
    step: int
    reach: Reach

    def whole(self, period: Interval) -> Interval:
        """The part of the period that it serves exactly; may be empty."""
        start = max(period[0], self.reach.kept_from)
        until = min(period[1], self.reach.rolled_until)
        return -(-start // self.step) * self.step, until // self.step * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``source`` answers for ``period``; not ``exact``: by shares of its slots, taken as even."""

    source: Source
    period: Interval
    exact: bool = True


def choose(period: Interval, sources: Sequence[Source], others: Sequence[Source] = ()) -> list[Choice]:
    """Who answers for what; ``sources`` from coarse to fine. What nobody has any more is in no choice.

    ``others``, from coarse to fine too, can give shares only: their slots do not lie in what is asked for.
    """
    found: list[Choice] = []
    missing = _fill(period, list(sources), found)
    for source in sorted((*sources, *others), key=lambda source: source.step):
        missing = [part for gap in missing for part in _share(gap, source, found)]
    return sorted(found, key=lambda choice: choice.period)


def _fill(period: Interval, sources: Sequence[Source], found: list[Choice]) -> list[Interval]:
    """Adds choices of the period, each exact; what is left over."""
    if period[0] >= period[1]:
        return []
    if not sources:
        return [period]
    source, finer = sources[0], sources[1:]
    start, until = source.whole(period)
    if start >= until:
        return _fill(period, finer, found)
    found.append(Choice(source=source, period=(start, until)))
    return _fill((period[0], start), finer, found) + _fill((until, period[1]), finer, found)


def _share(gap: Interval, source: Source, found: list[Choice]) -> list[Interval]:
    """Adds what the source's slots have of the gap; what is left over."""
    start, until = max(gap[0], source.reach.kept_from), min(gap[1], source.reach.rolled_until)
    if start >= until:
        return [gap]
    found.append(Choice(source=source, period=(start, until), exact=source.step == 1))
    return [part for part in ((gap[0], start), (until, gap[1])) if part[0] < part[1]]
