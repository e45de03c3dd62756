"""What happens, as events in words: moves as they are decided and as they end, and the story's turns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cni.wire import SwitchStatus
from switcher.lab.blueprint import CURRENCY
from switcher.lab.money import bare
from switcher.lab.watch import Watch
from switcher.ports import RecordedMove


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at ``at`` (seconds since the epoch). ``kind``: story, move, done or trouble."""

    at: float
    kind: str
    text: str


class Feed:
    """Collects events; each is given once."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._decided: set[str] = set()
        self._ended: set[str] = set()

    def fresh(self) -> list[Event]:
        """Moves decided and ended since the last call, in order."""
        events = []
        for order_id, move in list(self._watch.moves.items()):
            if order_id not in self._decided:
                self._decided.add(order_id)
                events.append(Event(move.decided_at.timestamp(), "move", decided_text(move)))
        for order_id, status in list(self._watch.switches.items()):
            if status.outcome is not None and order_id not in self._ended:
                self._ended.add(order_id)
                at = status.finished_at or status.started_at
                events.append(Event(at, "done" if status.outcome == "Moved" else "trouble", ended_text(status)))
        return sorted(events, key=lambda event: event.at)


def decided_text(move: RecordedMove) -> str:
    """The move with its reason in money."""
    order = move.order
    name = order.workload.rpartition("/")[2]
    saving = Decimal(move.saving_per_hour)
    money = f"{'costs' if saving < 0 else 'saves'} {abs(saving):.2f}"
    return f"{name}  {bare(order.source)} -> {bare(order.target)}  {order.reason.value}: {money} {CURRENCY}/h"


def ended_text(status: SwitchStatus) -> str:
    """How it ended."""
    name = status.workload.rpartition("/")[2]
    took = (status.finished_at or status.started_at) - status.started_at
    word = status.outcome.value if status.outcome is not None else ""
    why = f": {status.refusal.value}" if status.refusal is not None else ""
    text = f" ({status.message})" if status.message and word != "Moved" else ""
    return f"{name}  {bare(status.source)} -> {bare(status.target)}  {word}{why} after {took:.1f} s{text}"
