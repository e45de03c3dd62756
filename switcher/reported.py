"""What exists and what it carries, as columns: what a tick reads of a hundred thousand attachments.

Reports hardly change between two ticks, so each node's are made into columns once (adapters/store/present.py keeps
them), and joined here. Only what rides on a physical network is in it: nothing else costs or fills up.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from operator import lt
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from switcher.columns import Column, key_of
from switcher.model import workload_id
from switcher.objects.naming import namespace_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Report(Protocol):
    """What is read of a cni.wire.AttachmentReport."""

    @property
    def workload(self) -> str: ...
    @property
    def attachment(self) -> str: ...
    @property
    def network(self) -> str: ...
    @property
    def physical_network(self) -> str | None: ...
    @property
    def since(self) -> float: ...
    @property
    def started(self) -> float: ...
    @property
    def primary(self) -> bool: ...
    @property
    def do_not_move(self) -> str | None: ...
    @property
    def labels(self) -> Any:
        """A mapping, or the JSON of one (msgspec.Raw)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reported:
    """Attachments on physical networks."""

    id: Sequence[str]
    """``workload:attachment``."""
    key: Sequence[str]
    """What tells each from all others: its node, a line's end and its id."""
    node: Column[str]
    network: Column[str]
    attachment: Column[str]
    namespace: Column[str]
    do_not_move: Column[str | None]
    primary: Column[bool]
    written_labels: Column[bytes]
    """As JSON."""
    started: Floats
    since: Floats
    """Seconds since 1970 UTC, as in the reports."""

    @cached_property
    def labels(self) -> Column[Mapping[str, str]]:
        """By row: its labels."""
        found = Column.of([msgspec.json.decode(text) for text in self.written_labels.values], key_of)
        return Column(found.values, found.at[self.written_labels.at])

    @cached_property
    def born(self) -> Column[datetime]:
        """By row: when it started."""
        seconds, at = np.unique(self.started, return_inverse=True)
        return Column([datetime.fromtimestamp(each, UTC) for each in seconds.tolist()], at.astype(np.int32))

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The row of each attachment by its key."""
        return dict(zip(self.key, range(len(self.key)), strict=True))

    def rows_of(self, name: str) -> range:
        """The rows with this id: one, or none; more while two nodes claim it."""
        return range(bisect_left(self.id, name), bisect_right(self.id, name))

    def take(self, rows: Ints) -> Reported:
        """These rows alone, in this order."""
        taken: dict[str, Any] = {name: list(map(getattr(self, name).__getitem__, rows.tolist())) for name in TEXTS}
        for name in NAMES:
            column = getattr(self, name)
            taken[name] = column.take(rows) if isinstance(column, Column) else column[rows]
        return Reported(**taken)

    @cached_property
    def once(self) -> tuple[Reported, Ints] | None:
        """Each id where it started last, and the rows of those; None: as it is, no id is claimed twice.

        A node that is gone for good leaves its last report behind, and the pods that it had are made again elsewhere,
        some under the same names. Two nodes never have one at the same time.
        """
        if all(map(lt, self.id, self.id[1:])):
            return None  # not itself: it would then hold itself, and outlive its ticks
        newest = {self.id[row]: row for row in np.argsort(self.started, kind="stable").tolist()}
        rows = np.array(sorted(newest.values()), dtype=np.int64)
        return self.take(rows), rows


TEXTS = ("id", "key")
NAMES = [each.name for each in fields(Reported) if each.name not in TEXTS]


@dataclass(frozen=True, eq=False, kw_only=True)
class Attached:
    """What exists now and its newest load in bits per second; not a number where it was never sampled."""

    reported: Reported
    in_bps: Floats
    out_bps: Floats

    def once(self) -> Attached:
        """Each workload's attachment once, where it started last."""
        latest = self.reported.once
        if latest is None:
            return self
        reported, rows = latest
        return Attached(reported=reported, in_bps=self.in_bps[rows], out_bps=self.out_bps[rows])


def of_node(node: str, reports: Sequence[Report]) -> Reported:
    """What one node reported, in its order."""
    riding = [report for report in reports if report.physical_network is not None]
    names = [workload_id(report.workload, report.attachment) for report in riding]
    return Reported(
        id=names,
        key=[f"{node}\n{name}" for name in names],
        node=Column.same(node, len(riding)),
        network=Column.of([report.network for report in riding]),
        attachment=Column.of([report.attachment for report in riding]),
        namespace=Column.of([namespace_of(report.workload) for report in riding]),
        do_not_move=Column.of([report.do_not_move for report in riding]),
        primary=Column.of([report.primary for report in riding]),
        written_labels=Column.of(_written([report.labels for report in riding])),
        started=np.array([report.started for report in riding], dtype=np.float64),
        since=np.array([report.since for report in riding], dtype=np.float64),
    )


def _written(labels: Sequence[Any]) -> Sequence[bytes]:
    """As JSON."""
    return [bytes(each) if isinstance(each, msgspec.Raw) else msgspec.json.encode(each) for each in labels]


def joined(parts: Sequence[Reported], order: Callable[[Sequence[str]], Ints]) -> Reported:
    """The reports of all nodes. ``order``: which row comes first, and so on, so that ids ascend."""
    parts = parts or [of_node("", [])]
    names = list(chain.from_iterable(part.id for part in parts))
    rows = order(names)
    columns = {name: [getattr(part, name) for part in parts] for name in NAMES}
    whole: dict[str, Any] = {
        name: Column.chain(pieces) if isinstance(pieces[0], Column) else np.concatenate(pieces)
        for name, pieces in columns.items()
    }
    return Reported(id=names, key=list(chain.from_iterable(part.key for part in parts)), **whole).take(rows)


def ascending(names: Sequence[str]) -> Ints:
    """The order in which these names ascend; equal ones as they come."""
    return np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
