"""The workloads of a snapshot as columns: from the history to the record, no value of its own for each of them.

What few distinct values fill (nodes, networks, labels) is a :class:`Column`; rates are arrays. A WorkloadState is made
of a row when somebody reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from operator import attrgetter, le
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from switcher.columns import Column, key_of
from switcher.model import WorkloadState

Floats = npt.NDArray[np.float64]
RATES = ("demand_bps", "in_bps", "out_bps")
"""Fields of a workload that are arrays of numbers; not a number: not known."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Workloads(Sequence[WorkloadState]):
    """Columns by the names of WorkloadState's fields; equal to any sequence of the same workloads."""

    id: Sequence[str]
    node: Column[str | None]
    network: Column[str]
    demand_bps: Floats
    in_bps: Floats
    out_bps: Floats
    destination: Column[str | None]
    candidates: Column[tuple[str, ...] | None]
    policy: Column[str | None]
    since: Column[datetime | None]
    do_not_move: Column[bool]
    move_cost: Column[Decimal | None]
    penalties: Column[Mapping[str, Decimal] | None]
    moving: Column[bool]
    namespace: Column[str]
    labels: Column[Mapping[str, str]]
    attachment: Column[str | None]
    primary: Column[bool]

    @classmethod
    def of(cls, states: Sequence[WorkloadState]) -> Workloads:
        """The columns of these workloads, in their order."""
        if isinstance(states, Workloads):
            return states
        made: dict[str, Any] = {}
        for field in fields(WorkloadState):
            values = list(map(attrgetter(field.name), states))
            if field.name in RATES:
                made[field.name] = np.array(values, dtype=np.float64)  # None is not a number
            elif field.name == "id":
                made[field.name] = values
            else:
                made[field.name] = Column.of(values, key_of if field.name in ("labels", "penalties") else None)
        return cls(**made)

    def __len__(self) -> int:
        return len(self.id)

    @overload
    def __getitem__(self, index: int) -> WorkloadState: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[WorkloadState]: ...

    def __getitem__(self, index: int | slice) -> WorkloadState | Sequence[WorkloadState]:
        if isinstance(index, slice):
            return tuple(self[row] for row in range(*index.indices(len(self))))
        row = range(len(self))[index]
        values = {name: column[row] for name, column in self.columns.items()}
        return WorkloadState(**values | {name: _known(values[name]) for name in RATES})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(WorkloadState.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment] # compared by what they say, like lists

    @cached_property
    def columns(self) -> Mapping[str, Any]:
        """All columns by their names."""
        return {name: getattr(self, name) for name in FIELDS}

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The row of each id; of several with one id the last."""
        return dict(zip(self.id, range(len(self.id)), strict=True))

    def by_id(self) -> Workloads:
        """The same in the order of their ids."""
        if all(map(le, self.id, self.id[1:])):
            return self
        return self.take(np.array(sorted(range(len(self)), key=self.id.__getitem__), dtype=np.int64))

    def take(self, rows: npt.NDArray[np.int64]) -> Workloads:
        """These rows alone, in this order."""
        taken: dict[str, Any] = {"id": list(map(self.id.__getitem__, rows.tolist()))}
        for name, column in self.columns.items():
            if name != "id":
                taken[name] = column.take(rows) if isinstance(column, Column) else column[rows]
        return Workloads(**taken)


FIELDS = tuple(field.name for field in fields(WorkloadState))


def _known(rate: float) -> float | None:
    return None if np.isnan(rate) else float(rate)
