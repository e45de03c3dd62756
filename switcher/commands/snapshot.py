"""A snapshot as ``switcher decide`` reads it: one JSON object per line, checked whole (api.md, decide)."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from switcher.errors import BadInputError, Problem
from switcher.model import NetworkState, Snapshot, WorkloadState
from switcher.objects.complaints import complaints
from switcher.objects.naming import namespace_of
from switcher.objects.values import Flag, Money, Name, Time, duration
from switcher.objects.yamltree import Document, Mark

ABSURD = 1e18
"""An exabit per second, of which no network has one."""
Number = Annotated[float, Strict(), Field(ge=0, le=ABSURD, allow_inf_nan=False)]
Whole = Annotated[int, Strict(), Field(ge=0)]


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
    sampled_at: Time
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
    since: Time | None = None
    do_not_move: Flag | Name = Field(default=False, alias="doNotMove")
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
            do_not_move=self._held(now),
            namespace=namespace_of(workload),
            attachment=attachment or None,
        )

    def _held(self, now: datetime) -> bool:
        """true, or a duration since the workload's start; without a start the duration has no end."""
        if isinstance(self.do_not_move, bool):
            return self.do_not_move
        if self.do_not_move in ("true", "false"):
            return self.do_not_move == "true"
        return self.since is None or now < self.since + duration(self.do_not_move)


class SnapshotLine(_Part):
    """All that one line says."""

    now: Time
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
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        raise BadInputError([Problem(file, number, "", f"no valid JSON: {error}")]) from error
    if not isinstance(data, dict):
        raise BadInputError([Problem(file, number, "", "a snapshot must be a JSON object")])
    document = Document(data=data, file=file, marks={(): Mark(number)})
    try:
        line = SnapshotLine.model_validate(data)
    except ValidationError as error:
        raise BadInputError(complaints(error, SnapshotLine, document)) from error
    problems = list(_between(line, document))
    if problems:
        raise BadInputError(problems)
    return line


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _between(line: SnapshotLine, document: Document) -> Iterator[Problem]:
    for number in _repeated((network.name, network.node) for network in line.networks):
        name = line.networks[number].name
        yield document.problem(("networks", number, "name"), f"{name!r} is there twice on the same node")
    for number in _repeated(workload.id for workload in line.workloads):
        yield document.problem(("workloads", number, "id"), f"{line.workloads[number].id!r} is there twice")
    for number, workload in enumerate(line.workloads):
        if isinstance(workload.do_not_move, str) and workload.do_not_move not in ("true", "false"):
            try:
                duration(workload.do_not_move)
            except ValueError:
                text = f'{workload.do_not_move!r} must be true, false or a duration like "1h"'
                yield document.problem(("workloads", number, "doNotMove"), text)


def _repeated(keys: Iterable[Hashable]) -> list[int]:
    seen: set[Hashable] = set()
    again = []
    for number, key in enumerate(keys):
        if key in seen:
            again.append(number)
        seen.add(key)
    return again
