"""A tick's inputs as JSON and back, for the decision log: the same bytes for the same inputs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from switcher.model import Memory, PastMove, Placement, Snapshot, Uplink, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """:class:`switcher.model.Memory` with its mappings as sorted lists of pairs: JSON keys are text only."""

    moves: tuple[PastMove, ...]
    placements: list[tuple[str, tuple[Placement, ...]]]
    over_shed: list[tuple[Uplink, tuple[tuple[datetime, bool], ...]]]
    usage: list[tuple[tuple[str, str], Usage]]
    first_seen: list[tuple[str, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    snapshot: Snapshot
    memory: _Memory


def to_json(snapshot: Snapshot, memory: Memory) -> bytes:
    """The inputs of a tick as one JSON object; keys and rows in a fixed order."""
    inputs = _Inputs(
        snapshot=snapshot,
        memory=_Memory(
            moves=memory.moves,
            placements=sorted(memory.placements.items(), key=lambda item: item[0]),
            over_shed=sorted(memory.over_shed.items(), key=lambda item: (item[0].physical_network, item[0].node or "")),
            usage=sorted(memory.usage.items(), key=lambda item: item[0]),
            first_seen=sorted(memory.first_seen.items()),
        ),
    )
    return msgspec.json.encode(inputs, order="deterministic")


def from_json(data: bytes) -> tuple[Snapshot, Memory]:
    """What :func:`to_json` wrote. Raises msgspec.MsgspecError when it is something else."""
    inputs = msgspec.json.decode(data, type=_Inputs)
    memory = inputs.memory
    return inputs.snapshot, Memory(
        moves=memory.moves,
        placements=dict(memory.placements),
        over_shed=dict(memory.over_shed),
        usage=dict(memory.usage),
        first_seen=dict(memory.first_seen),
    )
