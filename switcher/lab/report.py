"""The report of a run: the values, their JSON (api.md, `lab run --report`), and what makes the run a failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cni.wire import SwitchStatus
from switcher.lab.accounting import StreamTotals, Window
from switcher.lab.blueprint import BULK, CURRENCY, NAMESPACE, Kind
from switcher.lab.leaks import Inventory
from switcher.lab.money import bare
from switcher.ports import RecordedMove

ONE_WAY = (BULK, Kind.UDP_OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """One move; times in seconds since the epoch. ``saving_per_hour`` is None for moves that no tick decided."""

    workload: str
    attachment: str
    source: str
    target: str
    reason: str
    decided_at: float
    shifted_at: float | None
    finished_at: float | None
    outcome: str | None
    saving_per_hour: str | None
    largest_gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """In the settlement currency, rounded as bills are."""

    spent: Decimal
    if_nothing_had_moved: Decimal
    clairvoyant: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a run has shown."""

    moves: tuple[MoveRow, ...]
    streams: tuple[StreamTotals, ...]
    lost_while_moving: Mapping[tuple[str, str], int]
    money: Money
    overload_percent: float
    leaks: Inventory
    unfinished: int
    """Switches that did not end in time."""
    seconds: float

    @property
    def lost(self) -> int:
        """Packets that moves lost."""
        return sum(self.lost_while_moving.values())

    @property
    def resets(self) -> int:
        """Connections that broke."""
        return sum(len(stream.resets) for stream in self.streams)

    @property
    def failures(self) -> list[str]:
        """What makes the run a failure, in words."""
        leaked = len(self.leaks.everything())
        found = [
            (self.lost, f"{self.lost} packets lost while moving"),
            (self.resets, f"{self.resets} connections reset"),
            (leaked, f"{leaked} entries leaked"),
            (self.unfinished, f"{self.unfinished} switches did not end"),
        ]
        return [text for count, text in found if count]

    def document(self) -> dict[str, Any]:
        """As JSON, api.md's fields."""
        return {
            "moves": [_move(move) for move in self.moves],
            "traffic": [
                _traffic(stream, self.lost_while_moving.get((stream.workload, stream.protocol), 0))
                for stream in self.streams
            ],
            "money": {
                "currency": CURRENCY,
                "spent": str(self.money.spent),
                "if_nothing_had_moved": str(self.money.if_nothing_had_moved),
                "clairvoyant": str(self.money.clairvoyant),
            },
            "overload_percent": round(self.overload_percent, 3),
            "leaks": self.leaks.counts(),
            "seconds": round(self.seconds, 1),
        }


def _move(move: MoveRow) -> dict[str, Any]:
    return {
        "workload": move.workload,
        "attachment": move.attachment,
        "from": move.source,
        "to": move.target,
        "reason": move.reason,
        "decided_at": _time(move.decided_at),
        "shifted_at": _time(move.shifted_at),
        "finished_at": _time(move.finished_at),
        "outcome": move.outcome,
        "saving_per_hour": move.saving_per_hour,
        "largest_gap_ms": round(move.largest_gap * 1000, 1),
    }


def _traffic(stream: StreamTotals, lost_while_moving: int) -> dict[str, Any]:
    return {
        "workload": f"{NAMESPACE}/{stream.workload}",
        "protocol": stream.protocol,
        "sent": stream.sent,
        "received": stream.received,
        "duplicated": stream.duplicated,
        "lost": stream.lost,
        "lost_while_moving": lost_while_moving,
        "largest_gap_ms": round(stream.largest_gap * 1000, 1),
        "resets": len(stream.resets),
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def move_rows(
    decided: Mapping[str, RecordedMove], switches: Mapping[str, SwitchStatus], streams: Sequence[StreamTotals]
) -> list[MoveRow]:
    """One row a move, by when it was decided: the controller's record and the node's journal together."""
    rows = []
    for order_id in decided.keys() | switches.keys():
        move, status = decided.get(order_id), switches.get(order_id)
        status = status if status is not None or move is None else move.status
        subject = move.order if move is not None else status
        if subject is None:
            continue
        decided_at = move.decided_at.timestamp() if move is not None else status.started_at if status else 0.0
        finished_at = status.finished_at if status is not None else None
        rows.append(
            MoveRow(
                workload=subject.workload,
                attachment=subject.attachment,
                source=bare(subject.source),
                target=bare(subject.target),
                reason=subject.reason.value,
                decided_at=decided_at,
                shifted_at=status.shifted_at if status is not None else None,
                finished_at=finished_at,
                outcome=status.outcome.value if status is not None and status.outcome is not None else None,
                saving_per_hour=move.saving_per_hour if move is not None else None,
                largest_gap=_gap(subject.workload, decided_at, finished_at, streams),
            )
        )
    return sorted(rows, key=lambda row: (row.decided_at, row.workload))


def _gap(workload: str, start: float, end: float | None, streams: Iterable[StreamTotals]) -> float:
    """The largest gap that the workload's one-way streams saw during the move: no answering process is in them."""
    name = workload.rpartition("/")[2]
    end = start if end is None else end
    mine = [stream for stream in streams if stream.workload == name and stream.protocol in ONE_WAY]
    return max((stream.gap_within(start, end) for stream in mine), default=0.0)


def windows(rows: Iterable[MoveRow], until: float) -> list[Window]:
    """When which workload had a switch in flight; one that never ended lasts ``until``."""
    return [
        Window(
            workload=row.workload.rpartition("/")[2],
            start=row.decided_at,
            end=until if row.finished_at is None else row.finished_at,
        )
        for row in rows
    ]
