"""What was spent follows the shifts; the clairvoyant's assignment is the cheapest there is."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from pathlib import Path

from cni.wire import MoveReason, Outcome, Phase, SwitchStatus
from switcher.lab.blueprint import BY_NAME, PHYSICAL_NETWORKS, Kind, Workload, draw
from switcher.lab.invoice import amount, find_intervals
from switcher.lab.money import UNIT_BPS, Span, cheapest, clairvoyant_spans, spent_spans, unmoved_spans
from switcher.lab.shaper import Counters, UplinkPoint
from switcher.lab.story import NEW_PRICE, Story, foreign_bps, write_objects
from switcher.objects.load import load

PRICES = {network.name: network.price for network in PHYSICAL_NETWORKS}
START = 1_800_000_000.0


def switch(target: str, shifted_at: float | None, outcome: Outcome, finished_at: float) -> SwitchStatus:
    return SwitchStatus(
        id=target, workload="lab/w01", attachment="net1", source="cni:phynet2", target=f"cni:{target}",
        reason=MoveReason.SAVINGS, phase=Phase.DONE, outcome=outcome, shifted_at=shifted_at, finished_at=finished_at,
    )  # fmt: skip


def stays(*switches: SwitchStatus) -> list[tuple[str, float, float]]:
    spans = spent_spans(draw(1, 1), switches, 0.0, 100.0)
    return [(span.physical_network, span.start, span.end) for span in spans]


def test_a_move_counts_from_its_shift() -> None:
    assert stays(switch("phynet0", 40.0, Outcome.MOVED, 45.0)) == [("phynet2", 0.0, 40.0), ("phynet0", 40.0, 100.0)]


def test_a_move_that_was_undone_counts_nothing() -> None:
    assert stays(switch("phynet0", None, Outcome.UNDONE, 45.0)) == [("phynet2", 0.0, 100.0)]


def test_a_move_that_returned_counts_both_ways() -> None:
    assert stays(switch("phynet0", 40.0, Outcome.RETURNED, 45.0)) == [
        ("phynet2", 0.0, 40.0),
        ("phynet0", 40.0, 45.0),
        ("phynet2", 45.0, 100.0),
    ]


def test_a_move_after_the_end_counts_nothing() -> None:
    assert stays(switch("phynet0", 120.0, Outcome.MOVED, 125.0)) == [("phynet2", 0.0, 100.0)]


def workloads(count: int, *marked: int) -> list[Workload]:
    return [
        Workload(name=f"w{n:02}", number=n, node="n1", kind=Kind.UDP_OUT, do_not_move=n in marked)
        for n in range(1, count + 1)
    ]


def cost(assigned: dict[str, str]) -> Decimal:
    return sum((PRICES[network] for network in assigned.values()), Decimal(0))


def test_the_cheapest_assignment_is_what_trying_all_finds() -> None:
    chance = random.Random(3)
    for _ in range(25):
        who = workloads(6, 2)
        demand = {w.name: chance.randrange(1, 60) * float(UNIT_BPS) for w in who}
        room = {"phynet0": 6e6, "phynet1": 9e6, "phynet2": 1e9}
        found = cheapest(who, demand, room, PRICES)
        best = min(
            cost(dict(zip(demand, choice, strict=True)))
            for choice in itertools.product(PRICES, repeat=len(who))
            if choice[1] == "phynet2"
            and all(
                sum(demand[n] for n, c in zip(demand, choice, strict=True) if c == name) <= room[name] for name in room
            )
        )
        assert cost(found) == best
        assert found["w02"] == "phynet2"


def test_many_workloads_are_assigned_in_no_time() -> None:
    who = workloads(60)
    demand = {w.name: 19e6 + w.number * 1e4 for w in who}
    assigned = cheapest(who, demand, {"phynet0": 85e6, "phynet1": 850e6, "phynet2": 8.5e9}, PRICES)
    counts = [sum(network == name for network in assigned.values()) for name in ("phynet0", "phynet1", "phynet2")]
    assert counts == [4, 44, 12]


def test_foreign_load_brings_the_uplink_above_shed_and_one_leaving_brings_it_below_fill() -> None:
    plan = draw(3, 12)
    capacity = BY_NAME["phynet0"].capacity_bps
    for node in plan.nodes:
        ours = min(3, sum(not w.do_not_move for w in plan.on(node.name))) * 20e6
        load = foreign_bps(plan, node.name)
        assert 0.85 * capacity < ours + load < 0.95 * capacity
        assert ours - 20e6 + load < 0.70 * capacity
    assert foreign_bps(draw(3, 1), "n2") == 0.0  # nobody there


def test_bills_are_those_of_the_users_tariffs(tmp_path: Path) -> None:
    story, plan = Story(start=START, seconds=90.0), draw(1, 2)
    write_objects(story, tmp_path)
    tariffs = load([tmp_path]).tariffs
    end = START + 3600
    assert amount(tariffs, unmoved_spans(plan, START, end), START, end) == Decimal("23.60")
    assert story.price_at == START + 58
    on_dearer = [Span(workload="w01", physical_network="phynet1", start=START, end=end)]
    exact = (58 * Decimal("6.90") + 3542 * NEW_PRICE) / 3600
    assert amount(tariffs, on_dearer, START, end) == exact.quantize(Decimal("0.01"))


def test_the_clairvoyant_knows_prices_and_foreign_load() -> None:
    story, plan = Story(start=START, seconds=100.0), draw(1, 4)
    loaded = UplinkPoint(
        at=START + 50, seconds=1.0, node="n1", physical_network="phynet0",
        out=Counters(foreign=int(30e6 / 8)), into=Counters(),
    )  # fmt: skip
    intervals = find_intervals(plan, story, [loaded], START + 100)
    assert [(i.start - START, i.end - START) for i in intervals] == [(0, 35), (35, 65), (65, 100)]
    assert intervals[1].room_bps["n1", "phynet0"] == 55e6
    spans = clairvoyant_spans(plan, intervals, {w.name: 20e6 for w in plan.workloads})
    there = [sorted(s.physical_network for s in spans if s.start == i.start) for i in intervals]
    assert there == [
        ["phynet0", "phynet0", "phynet0", "phynet2"],  # the third may not move
        ["phynet0", "phynet0", "phynet1", "phynet2"],
        ["phynet0", "phynet0", "phynet0", "phynet2"],  # no foreign load was seen then
    ]
