"""A tick's inputs as JSON and back, for the decision log: the same bytes for the same inputs.

Workloads and networks are written as columns (switcher/columns.py). What versions before columns wrote, every workload
as an object of its own, is still read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import numpy as np

from switcher.columns import columns, columns_of, columns_type, rows, values_of
from switcher.model import Memory, NetworkState, Snapshot, Uplink, WorkloadState
from switcher.workloads import Workloads

FORMAT = 2


class _Marked(msgspec.Struct, frozen=True):
    """Of any version's inputs: which they are."""

    format: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plain:
    """Inputs of the first format."""

    snapshot: Snapshot
    memory: Any


def to_json(snapshot: Snapshot, memory: Memory) -> bytes:
    """The inputs of a tick as one JSON object; keys in a fixed order, rows as the snapshot has them."""
    inputs = {
        "format": FORMAT,
        "now": snapshot.now,
        "networks": columns_of(NetworkState, snapshot.networks),
        "workloads": _workloads(snapshot.workloads),
        "memory": {field.name: _pairs(getattr(memory, field.name)) for field in fields(Memory)},
    }
    return msgspec.json.encode(inputs, order="deterministic")


def from_json(data: bytes) -> tuple[Snapshot, Memory]:
    """What :func:`to_json` wrote, in this version or an earlier one.

    Raises msgspec.MsgspecError when it is something else, or of a later version.
    """
    known = msgspec.json.decode(data, type=_Marked).format
    if known == 1:
        plain = msgspec.json.decode(data, type=_Plain)
        read = plain.snapshot
        return replace(read, workloads=tuple(read.workloads)), _memory(plain.memory)
    if known != FORMAT:
        raise msgspec.ValidationError(f"the inputs have format {known}; this version reads up to {FORMAT}")
    raw = msgspec.json.decode(data, type=_Columnar)
    if not raw.workloads.demand_bps:
        raw.workloads.demand_bps = _derived(raw.workloads.in_bps, raw.workloads.out_bps)
    snapshot = Snapshot(
        now=raw.now, networks=rows(NetworkState, raw.networks), workloads=rows(WorkloadState, raw.workloads)
    )
    return snapshot, _memory(raw.memory)


def _workloads(states: Sequence[WorkloadState]) -> Any:
    """Without the demands where each is the larger of its two directions, as in a history: a third of the size."""
    table = Workloads.of(states)
    made = columns(WorkloadState, table.columns)
    if np.array_equal(table.demand_bps, np.maximum(table.in_bps, table.out_bps)):
        made.demand_bps = []
    return made


def _derived(into: Any, out: Any) -> list[float | None]:
    """The larger of both; None where they are not both known."""
    pairs = zip(values_of(into), values_of(out), strict=True)
    return [None if one is None or other is None else max(one, other) for one, other in pairs]


class _Columnar(msgspec.Struct, frozen=True):
    now: datetime
    networks: columns_type(NetworkState)  # type: ignore[valid-type] # made of the dataclass when this is read
    workloads: columns_type(WorkloadState)  # type: ignore[valid-type] # the same
    memory: dict[str, Any]


def _pairs(value: Any) -> Any:
    """A mapping as a sorted list of pairs: JSON keys are text only."""
    return sorted(value.items(), key=_order) if isinstance(value, Mapping) else value


def _order(item: tuple[Any, Any]) -> tuple[str, str]:
    key = item[0]
    return (key.physical_network, key.node or "") if isinstance(key, Uplink) else (str(key), "")


def _memory(plain: Mapping[str, Any]) -> Memory:
    """A field that the record does not have is as it is without memory."""
    hints = get_type_hints(Memory)
    return Memory(**{name: _field(value, hints[name]) for name, value in plain.items()})


def _field(value: Any, hint: Any) -> Any:
    if get_origin(hint) is not Mapping:
        return msgspec.convert(value, hint, strict=False)
    return dict(msgspec.convert(value, list[tuple[get_args(hint)]], strict=False))  # type: ignore[misc] # a hint's parts
