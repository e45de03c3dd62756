"""A snapshot as ``switcher decide`` reads it: one JSON object per line, checked whole (api.md, decide)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, Strict, ValidationError
from pydantic_core import PydanticCustomError

from switcher.errors import BadInputError, Problem, quoted
from switcher.model import NetworkState, Snapshot, WorkloadState
from switcher.objects.complaints import complaints
from switcher.objects.naming import namespace_of
from switcher.objects.values import Flag, Instant, Money, Name, duration, wrong
from switcher.objects.wholes import listed, part, repeated
from switcher.objects.yamltree import Document, Mark

ABSURD = 1e18
"""An exabit per second, of which no network has one."""
Number = Annotated[float, Strict(), Field(ge=0, le=ABSURD, allow_inf_nan=False)]
Whole = Annotated[int, Strict(), Field(ge=0)]


def _held(value: Any) -> bool | timedelta:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    try:
        return duration(value)
    except PydanticCustomError as error:
        raise wrong("held", 'must be true, false or a duration like "1h"') from error


class _Part(BaseModel):
    """Strict and frozen; the field names are api.md's."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkLine(_Part):
    """A network and the load of its uplink."""

    name: Name
    physical_network: Name = Field(alias="physicalNetwork")
    node: Name | None = None
    capacity_bps: Number
    used_bps: Number
    in_bps: Number | None = None
    out_bps: Number | None = None
    free_addresses: Whole | None = None
    latency_ms: Number | None = None
    loss: Annotated[float, Strict(), Field(ge=0, le=1)] | None = None
    sampled_at: Instant
    quarantined: Flag = False

    def state(self) -> NetworkState:
        """As the decision sees it."""
        return NetworkState(**self.model_dump())


class WorkloadLine(_Part):
    """One attachment of a workload."""

    id: Name
    node: Name | None = None
    network: Name
    demand_bps: Number
    in_bps: Number | None = None
    out_bps: Number | None = None
    destination: Name | None = None
    candidates: tuple[Name, ...] | None = None
    policy: Name | None = None
    since: Instant | None = None
    do_not_move: Annotated[bool | timedelta, PlainValidator(_held)] = Field(default=False, alias="doNotMove")
    move_cost: Money | None = None
    penalties: dict[str, Money] | None = None
    moving: Flag = False
    labels: dict[str, str] = Field(default_factory=dict)

    def state(self, now: datetime) -> WorkloadState:
        """As the decision sees it; the id is ``namespace/name:attachment``, of which only the name is required."""
        workload, _, attachment = self.id.partition(":")
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "do_not_move"}
        return WorkloadState(
            **fields,
            do_not_move=self._is_held(now),
            namespace=namespace_of(workload),
            attachment=attachment or None,
        )

    def _is_held(self, now: datetime) -> bool:
        """true, or a duration since the workload's start; without a start the duration has no end."""
        if isinstance(self.do_not_move, bool):
            return self.do_not_move
        return self.since is None or now < self.since + self.do_not_move


class SnapshotLine(_Part):
    """All that one line says."""

    now: Instant
    networks: tuple[NetworkLine, ...]
    workloads: tuple[WorkloadLine, ...]
    objects: tuple[dict[str, Any], ...] = ()

    def snapshot(self) -> Snapshot:
        """As the decision sees it."""
        return Snapshot(
            now=self.now,
            networks=tuple(line.state() for line in self.networks),
            workloads=tuple(line.state(self.now) for line in self.workloads),
        )


def read_line(text: str, file: str, number: int) -> SnapshotLine:
    """Parse and check one line. Raises BadInputError with everything that is wrong with it."""
    keys: list[str] = []
    try:
        data = json.loads(text, parse_constant=_no_constant, object_pairs_hook=partial(_mapping, keys))
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else error
        raise BadInputError([Problem(file, number, "", f"no valid JSON: {reason}")]) from error
    if not isinstance(data, dict):
        raise BadInputError([Problem(file, number, "", "a snapshot must be a JSON object")])
    document = Document(data=data, file=file, marks={(): Mark(number)})
    problems = [Problem(file, number, key, f"{quoted(key)} is given twice") for key in keys]
    problems += _twice(data, document)
    try:
        line = SnapshotLine.model_validate(data)
    except ValidationError as error:
        raise BadInputError(problems + complaints(error, SnapshotLine, document)) from error
    if problems:
        raise BadInputError(problems)
    return line


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _mapping(again: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; ``again`` collects keys that come twice, of which JSON would take the last in silence."""
    found = dict(pairs)
    if len(found) < len(pairs):
        again += repeated(key for key, _ in pairs)
    return found


def _twice(data: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    """Also where something else is wrong with them."""
    for kind, fields in (("networks", ("name", "node")), ("workloads", ("id",))):
        parts = listed(data.get(kind))
        seen: set[tuple[str, ...]] = set()
        for number, one in enumerate(parts):
            key = tuple(str(part(one, field)) for field in fields)
            if key in seen and part(one, fields[0]) is not None:
                where = " on the same node" if "node" in fields else ""
                yield document.problem((kind, number, fields[0]), f"{quoted(key[0])} is there twice{where}")
            seen.add(key)
