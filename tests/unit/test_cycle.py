"""A tick from batches to orders: what it sees, what it decides on it, and what it does when something is away."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cni.wire import Outcome, Phase, SwitchOrder, SwitchStatus
from switcher.cycle import Cycle, Parts
from switcher.decide import Settings
from switcher.errors import RefusedError, TryLaterError
from switcher.meters import Meters
from switcher.model import Decision, StayReason
from switcher.objects.load import book_from_documents
from switcher.objects.model import Book
from switcher.observe import Sight, observe
from switcher.ports import History
from switcher.snapshots import from_json
from tests.support.batches import batch, uplink
from tests.support.memory_history import MemoryHistory
from tests.unit.ticking import BOOK, NOW, POLICY, history, price, recorded_move, status


@dataclass
class Node:
    """A node that takes orders, or is away, or refuses."""

    away: bool = False
    refuses: bool = False
    orders: list[SwitchOrder] = field(default_factory=list)

    def order(self, _node: str, order: SwitchOrder) -> None:
        if self.away:
            raise TryLaterError("away")
        if self.refuses:
            raise RefusedError("a listener on the old address", "BoundSocket")
        self.orders.append(order)

    def switches(self, _node: str) -> Sequence[SwitchStatus]:
        if self.away:
            raise TryLaterError("away")
        return [status(order, Phase.ATTACH) for order in self.orders]


class Clock:
    """The time, moved by hand."""

    def __init__(self) -> None:
        self.now = NOW


def cycle(
    past: History, node: Node, clock: Clock | None = None, book: Book = BOOK, meters: Meters | None = None
) -> Cycle:
    clock = clock or Clock()
    return Cycle(
        Parts(
            history=past,
            hands=node,
            book=lambda: book,
            clock=lambda: clock.now,
            stopwatch=lambda: 0.0,
            sight=Sight(window=timedelta(seconds=30)),
            settings=Settings(),
            meters=meters or Meters(),
        )
    )


def ticked(past: MemoryHistory, node: Node) -> Decision:
    decision = cycle(past, node).tick()
    assert decision is not None
    return decision


def test_a_dear_workload_is_ordered_to_the_cheap_network_with_its_policys_terms() -> None:
    past, node = history(), Node()
    ticked(past, node)
    (order,) = node.orders
    assert (order.workload, order.attachment) == ("lab/w01", "net1")
    assert (order.source, order.target, order.reason.value) == ("cni:dear", "cni:cheap", "Savings")
    assert (order.verify.targets, order.verify.settle_seconds) == (("ping://203.0.113.1",), 9.0)
    assert (order.drain.deadline_seconds, order.drain.then.value) == (50.0, "wait")
    assert order.accept == ("BoundSocket",)


def test_the_decision_is_recorded_with_inputs_that_can_be_read_again() -> None:
    past, node, clock = history(), Node(), Clock()
    ticks = cycle(past, node, clock)
    ticks.tick()
    clock.now = NOW + timedelta(seconds=5)
    decision = ticks.tick()
    recorded = past.decision()
    assert recorded is not None
    snapshot, memory = from_json(recorded.inputs)
    assert (recorded.decision, snapshot.now) == (decision, clock.now)
    assert [(workload.id, workload.network) for workload in snapshot.workloads] == [("lab/w01:net1", "cni:cheap")]
    assert [one.network for one in memory.placements["lab/w01:net1"]] == ["cni:dear"]
    assert [(move.workload, move.at) for move in memory.moves] == [("lab/w01:net1", NOW)]


def test_after_the_clock_was_set_back_a_tick_goes_on_from_the_last_one() -> None:
    past, node, clock = history(), Node(), Clock()
    clock.now = NOW + timedelta(minutes=5)
    ticks = cycle(past, node, clock)
    ticks.tick()
    clock.now = NOW
    ticks.tick()
    recorded = past.decision()
    assert recorded is not None
    assert recorded.at == NOW
    memory = from_json(recorded.inputs)[1]
    assert [move.at for move in memory.moves] == [NOW - timedelta(minutes=5)]


def test_the_ranking_for_new_workloads_is_recorded_with_the_decision() -> None:
    past = history()
    ticked(past, Node())
    ranking = past.ranking("n1")
    assert ranking is not None
    assert (ranking.computed_at, ranking.demand_bps) == (NOW.timestamp(), 10e6)
    assert [(entry.network, entry.rank) for entry in ranking.networks] == [("cni:cheap", 1), ("cni:dear", 2)]
    assert [entry.free_addresses for entry in ranking.networks] == [99, 100], "one is on its way"


def test_a_move_in_flight_is_not_decided_again() -> None:
    past, node, clock = history(), Node(), Clock()
    ticks = cycle(past, node, clock)
    ticks.tick()
    clock.now = NOW + timedelta(seconds=5)
    again = ticks.tick()
    assert again is not None
    assert len(node.orders) == 1
    assert [stay.reason for stay in again.stays] == [StayReason.ALREADY_MOVING]


def test_a_move_that_drains_for_days_is_still_in_flight() -> None:
    """With ``then: wait`` an old connection may keep its path for as long as it likes."""
    past, node = history(), Node()
    move = recorded_move("0", "lab/w01", NOW - timedelta(days=2))
    past.record_move(move)
    past.advance_move(status(move.order, Phase.DRAIN))
    node.orders.append(move.order)
    decision = ticked(past, node)
    assert [stay.reason for stay in decision.stays] == [StayReason.ALREADY_MOVING]
    assert node.orders == [move.order]


def test_what_a_node_that_is_gone_never_ended_is_forgotten_in_a_day() -> None:
    """It would count against a budget for good. So is what it had: nobody can move that."""
    past, clock = history(), Clock()
    move = recorded_move("0", "lab/w01", NOW)
    past.record_move(move)
    past.advance_move(status(move.order, Phase.DRAIN))
    stays, remembered = {}, {}
    for hours in (1, 25):
        clock.now = NOW + timedelta(hours=hours)
        decision = cycle(past, Node(away=True), clock).tick()
        recorded = past.decision()
        assert decision is not None
        assert recorded is not None
        stays[hours] = [stay.reason for stay in decision.stays]
        remembered[hours] = [move.workload for move in from_json(recorded.inputs)[1].moves]
    assert stays == {1: [StayReason.ALREADY_MOVING], 25: []}
    assert remembered == {1: ["lab/w01:net1"], 25: []}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"cooldown": "3d"}, StayReason.COOLDOWN, id="a cooldown"),
        pytest.param({"budgets": [{"moves": "1", "per": "3d"}]}, StayReason.BUDGET_SPENT, id="a budget"),
    ],
)
def test_a_policy_may_look_back_longer_than_a_day(spec: dict[str, object], reason: StayReason) -> None:
    policy = {**POLICY, "spec": {**POLICY["spec"], **spec}}
    book = book_from_documents([price("phynet2", "11.80"), price("phynet0", "3.47"), policy], "test")
    past = history()
    move = recorded_move("0", "lab/w01", NOW - timedelta(days=2))
    past.record_move(move)
    past.advance_move(status(move.order, Phase.DONE, Outcome.MOVED))
    decision = cycle(past, Node(), book=book).tick()
    assert decision is not None
    assert [stay.reason for stay in decision.stays] == [reason]


def test_the_node_being_away_keeps_the_move_for_the_next_tick() -> None:
    past, node, clock = history(), Node(away=True), Clock()
    ticks = cycle(past, node, clock)
    ticks.tick()
    node.away, clock.now = False, NOW + timedelta(seconds=5)
    ticks.tick()
    assert [order.target for order in node.orders] == ["cni:cheap"]


@pytest.mark.parametrize("candidates", [["cni:dear", "cni:cheap"], ["dear", "cheap"], None])
def test_a_target_that_the_node_refused_is_not_offered_again_soon(candidates: list[str] | None) -> None:
    spec = {name: value for name, value in POLICY["spec"].items() if name != "candidates"}
    spec |= {} if candidates is None else {"candidates": candidates}
    book = book_from_documents([price("phynet2", "11.80"), price("phynet0", "3.47"), {**POLICY, "spec": spec}], "test")
    past, node, clock = history(), Node(refuses=True), Clock()
    ticks = cycle(past, node, clock, book)
    first = ticks.tick()
    assert first is not None
    assert [move.target for move in first.moves] == ["cni:cheap"]
    node.refuses, clock.now = False, NOW + timedelta(seconds=61)  # the budget counts by the minute
    again = ticks.tick()
    assert again is not None
    assert [stay.reason for stay in again.stays] == [StayReason.NO_CANDIDATE]


def test_do_not_move_stays_with_that_reason() -> None:
    decision = ticked(history(annotated="true"), Node())
    assert [stay.reason for stay in decision.stays] == [StayReason.DO_NOT_MOVE]


@pytest.mark.parametrize(
    ("annotation", "held"),
    [
        pytest.param("10m", True, id="not yet over"),
        pytest.param("1m", False, id="over"),
        pytest.param("false", False, id="false"),
        pytest.param("soon", True, id="unreadable holds"),
    ],
)
def test_do_not_move_for_a_time_counts_from_the_start(annotation: str, held: bool) -> None:
    snapshot, _ = observe(history(annotated=annotation), BOOK, NOW, Sight(window=timedelta(seconds=30)))
    assert [workload.do_not_move for workload in snapshot.workloads] == [held]


def test_a_database_that_is_away_skips_the_tick() -> None:
    class Away(MemoryHistory):
        def open_moves(self) -> Sequence[object]:  # type: ignore[override] # it never returns
            raise TryLaterError("the database is away")

    node = Node()
    assert cycle(Away(), node).tick() is None
    assert node.orders == []


def test_what_cannot_be_recorded_is_not_ordered() -> None:
    class Full(MemoryHistory):
        def record_decision(self, *_: object) -> None:
            raise TryLaterError("disk full")

    past, node = Full(), Node()
    source = history()
    past.__dict__.update(source.__dict__)
    assert cycle(past, node).tick() is None
    assert node.orders == []


def test_what_was_learned_at_a_tick_that_could_not_be_recorded_is_learned_again() -> None:
    """So that a controller that goes on decides as one that starts anew on the same history."""

    class FullOnce(MemoryHistory):
        full = False

        def record_decision(self, *args: Any) -> None:
            if self.full:
                raise TryLaterError("disk full")
            super().record_decision(*args)

    past, clock = FullOnce(), Clock()
    past.__dict__.update(history(annotated="true").__dict__)
    ticks = cycle(past, Node(), clock)
    for seconds, past.full in ((0, False), (30, True), (60, False)):
        clock.now = NOW + timedelta(seconds=seconds)
        load = uplink(370 + seconds, 30, 0, 10**8 + 10**6 * seconds, physical_network="phynet2", capacity_bps=1e9)
        past.ingest(batch(2 + seconds, sent=400.0 + seconds, uplinks=(load,)))
        successor, before = cycle(past, Node(), clock), past.decision()
        assert (ticks.tick() is None) is past.full
    recorded = past.decision()
    assert recorded is not None
    assert before is not None
    past._held.decisions[:] = [before]
    successor.tick()
    again = past.decision()
    assert again is not None
    learned = from_json(again.inputs)[1].drift
    assert learned == from_json(recorded.inputs)[1].drift
    assert {drift.every for drift in learned.values()} == {0.0, 60.0}


def test_old_samples_move_nothing() -> None:
    past, node, clock = history(), Node(), Clock()
    clock.now = NOW + timedelta(hours=1)
    decision = cycle(past, node, clock).tick()
    assert decision is not None
    assert {stay.reason for stay in decision.stays} == {StayReason.STALE_SAMPLES}
    assert node.orders == []


def test_a_network_without_a_price_is_no_bargain() -> None:
    book = book_from_documents([price("phynet2", "11.80"), POLICY], "test")
    past, node = history(), Node()
    cycle(past, node, book=book).tick()
    assert node.orders == []


def test_a_move_that_ended_is_counted_once() -> None:
    past, node, clock, meters = history(), Node(), Clock(), Meters()
    ticks = cycle(past, node, clock, meters=meters)
    ticks.tick()
    past.advance_move(status(node.orders[0], Phase.DONE, Outcome.MOVED))
    for second in (5, 10):
        clock.now = NOW + timedelta(seconds=second)
        ticks.tick()
    assert b'switcher_moves_total{outcome="Moved",reason="Savings"} 1.0' in meters.exposition()


def test_nothing_of_a_tick_outlives_it() -> None:
    """Whatever held itself would stay until a search for cycles, which no tick makes: at scale 200 MB and more."""
    ticks = cycle(history(), Node())
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        ticks.tick()
        gc.collect()
        left = {kind for kind in map(type, gc.garbage) if kind.__module__.startswith("switcher.")}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert left == set()
