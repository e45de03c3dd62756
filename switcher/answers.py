"""A decision as JSON and back, for the decision log: moves in full; stays as columns, without what follows from them.

A stay's explanation is a sum over inputs that are in the record too, so it is not stored a hundred thousand times a
tick: ``switcher explain`` makes it again from the record. Until then a stay says its reason in words. What versions
before stored, every stay with its text, is still read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from switcher.columns import Coded, Same, coded, values_of
from switcher.decide.explain import WHY
from switcher.model import Decision, Move, Stay, StayReason, Stays


class _Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision of either format."""

    now: datetime
    moves: tuple[Move, ...]
    surcharge: Mapping[str, Decimal]
    stays: tuple[Stay, ...] = ()
    """With their texts; of the first format, and of decisions that were made elsewhere."""
    workloads: list[str] = []
    networks: Same[str] | Coded[str] | list[str] = []
    reasons: Same[StayReason] | Coded[StayReason] | list[StayReason] = []
    """Of stays without texts."""


def to_json(decision: Decision) -> bytes:
    """One JSON object; the same bytes for the same decision."""
    stays = decision.stays
    plain = _Told(now=decision.now, moves=decision.moves, surcharge=decision.surcharge)
    if isinstance(stays, Stays):
        columns = {"networks": coded(stays.networks), "reasons": coded(stays.reasons)}
        told = msgspec.structs.replace(plain, workloads=list(stays.workloads), **columns)
    else:
        told = msgspec.structs.replace(plain, stays=tuple(stays))
    return msgspec.json.encode(told, order="deterministic")


def from_json(data: bytes) -> Decision:
    """What :func:`to_json` wrote, now or in an earlier version. Raises msgspec.MsgspecError when it is not that."""
    told = msgspec.json.decode(data, type=_Told)
    stays = _columns(told) if told.workloads else told.stays
    return Decision(now=told.now, moves=told.moves, stays=stays, surcharge=told.surcharge)


def _columns(told: _Told) -> Stays:
    reasons = values_of(told.reasons)
    return Stays(told.workloads, values_of(told.networks), reasons, lambda number: WHY[reasons[number]])
