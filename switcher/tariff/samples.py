"""What a bill is computed from, and what may not be in it (tariffs.md, What counts and Samples)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

import msgspec
from msgspec.structs import replace as replaced

from switcher.errors import Problem, quoted


class Sample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bytes that a physical network carried in one direction in [start, end).

    ``file`` and ``line`` are for messages. A struct, because a month has millions of them.
    """

    start: datetime
    end: datetime
    network: str
    direction: str
    """``in`` or ``out``."""
    bytes: Decimal
    destination: str | None = None
    node: str | None = None
    nodes: frozenset[str] | None = None
    """Of a sum over nodes some of them: the rows of a billing period name each between them. None: no sum."""
    file: str = "samples"
    line: int = 0

    def problem(self, path: str, text: str) -> Problem:
        """A problem with this row."""
        return Problem(self.file, self.line, path, text)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Rows with one key may not overlap."""
        return self.network, self.node or "", self.direction, self.destination or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """An attachment was on a physical network in [start, end)."""

    attachment: str
    network: str
    start: datetime
    end: datetime
    file: str = "attachments"
    line: int = 0

    def problem(self, path: str, text: str) -> Problem:
        """A problem with this row."""
        return Problem(self.file, self.line, path, text)


R = TypeVar("R", bound=Sample | Stay)


def in_time_order(samples: Iterable[Sample]) -> list[Sample]:
    """The rows in an order that does not depend on how they were given."""
    return sorted(samples, key=_order)


def _order(row: Sample) -> tuple[object, ...]:
    """Its times, :attr:`Sample.key` and bytes."""
    return row.start, row.end, row.network, row.node or "", row.direction, row.destination or "", row.bytes


def over_nodes(samples: Sequence[Sample]) -> list[Sample]:
    """Rows that differ only in node and bytes as one, in the place of the first: prices on what flows need no nodes."""
    groups: dict[tuple[datetime, datetime, str, str, str | None], list[Sample]] = {}
    for row in samples:
        groups.setdefault((row.start, row.end, row.network, row.direction, row.destination), []).append(row)
    return [
        rows[0] if len(rows) == 1 else replaced(rows[0], bytes=sum((row.bytes for row in rows), Decimal(0)), node=None)
        for rows in groups.values()
    ]


def by_network(samples: Iterable[R]) -> dict[str, list[R]]:
    """The rows of each network, in their order."""
    found: dict[str, list[R]] = {}
    for row in samples:
        found.setdefault(row.network, []).append(row)
    return found


@dataclass(frozen=True, slots=True)
class Touching:
    """Rows by their start, to be asked which touch a time."""

    rows: Sequence[Sample]
    starts: Sequence[datetime]
    longest: timedelta

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[Sample]], networks: Iterable[str]) -> Touching:
        """Those of some networks."""
        mine = sorted((row for name in sorted(networks) for row in rows.get(name, ())), key=attrgetter("start"))
        longest = max((row.end - row.start for row in mine), default=timedelta(0))
        return cls(mine, [row.start for row in mine], longest)

    def during(self, start: datetime, end: datetime) -> list[Sample]:
        """Those that touch [start, end)."""
        first, last = bisect_left(self.starts, start - self.longest), bisect_left(self.starts, end)
        return [row for row in self.rows[first:last] if row.end > start]


def overlaps(samples: Sequence[Sample]) -> Iterator[Problem]:
    """Rows, given in time order, of the same network, node, direction and destination that overlap in time."""
    last: dict[tuple[str, str, str, str], Sample] = {}
    for row in samples:
        key = row.key
        latest = last.get(key)
        if latest is not None and row.start < latest.end:
            what = f"network {quoted(key[0])}, direction {key[2]}" + (f", node {quoted(key[1])}" if key[1] else "")
            text = f"{row.start.isoformat()} overlaps line {latest.line}, which ends at {latest.end.isoformat()}"
            yield row.problem("start", f"{text} ({what})")
        if latest is None or row.end > latest.end:
            last[key] = row


def stays_overlap(stays: Sequence[Stay]) -> Iterator[Problem]:
    """Rows that say twice that one attachment was on one network."""
    ordered = sorted(stays, key=lambda row: (row.attachment, row.network, row.start))
    for _, rows in groupby(ordered, key=lambda row: (row.attachment, row.network)):
        latest: Stay | None = None
        for row in rows:
            if latest is not None and row.start < latest.end:
                text = f"{row.start.isoformat()} overlaps line {latest.line}, which ends at {latest.end.isoformat()}"
                yield row.problem(
                    "start", f"{text} (attachment {quoted(row.attachment)}, network {quoted(row.network)})"
                )
            if latest is None or row.end > latest.end:
                latest = row
