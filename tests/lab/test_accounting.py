"""Losses are joined from both ends, explained by drops where drops explain them, and blamed on moves otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from switcher.lab.accounting import DropBudget, Loss, StreamTotals, Window, join, lost_while_moving, overload_percent
from switcher.lab.blueprint import draw
from switcher.lab.shaper import Counters, UplinkPoint, parse_counters

PLAN = draw(nodes=2, workloads=2)  # w01 on n1, w02 on n2


def stream(workload: str, *losses: Loss) -> StreamTotals:
    return StreamTotals(
        workload=workload, protocol="udp-bulk", sent=100, received=90, duplicated=0, resets=(), largest_gap=0.1,
        losses=losses, gaps={10: 0.2, 20: 0.5},
    )  # fmt: skip


def point(at: float, *, node: str = "n1", ours: int = 0, foreign: int = 0, drops: int = 0) -> UplinkPoint:
    return UplinkPoint(
        at=at, seconds=1.0, node=node, physical_network="phynet0",
        out=Counters(ours=ours, foreign=foreign, drops=drops), into=Counters(),
    )  # fmt: skip


def half(**known: Any) -> dict[str, Any]:
    """One end's document; a sender's unless more is known."""
    empty = {"name": "w01/udp-out", "sent": 0, "received": 0, "duplicated": 0, "resets": [], "largest_gap": 0.0,
             "lost_at": [], "missing": [], "highest": None, "last_sent": None, "bins": {}}  # fmt: skip
    return {**empty, **known}


def test_both_ends_of_a_stream_make_one_row() -> None:
    sender = half(sent=100)
    receiver = half(received=95, missing=[[10, 11, 1.0, 1.3]], highest=96, last_sent=9.6, bins={"9": [0, 5, 50, 0.25]})
    (row,) = join([sender, receiver], end=10.0)
    assert (row.sent, row.received, row.lost) == (100, 95, 5)
    assert row.losses == (Loss(2, 1.0, 1.3), Loss(3, 9.6, 10.0))  # the last three never came either
    assert row.gap_within(9.0, 9.5) == 0.25


def test_requests_without_an_answer_are_lost_when_they_were_sent() -> None:
    (row,) = join([half(name="w01/tcp-out", sent=7, received=6, resets=[(3.6, "timed out")], lost_at=[3.5])], end=10.0)
    assert (row.lost, row.resets, row.losses) == (1, ((3.6, "timed out"),), (Loss(1, 3.5, 3.5),))


@pytest.mark.parametrize(
    ("start", "counted"),
    [
        pytest.param(4.0, 0, id="before the move"),
        pytest.param(10.2, 4, id="during the move"),
        pytest.param(15.5, 4, id="just after it"),
        pytest.param(17.0, 0, id="long after it"),
    ],
)
def test_only_losses_near_a_move_are_its_doing(start: float, counted: int) -> None:
    windows = [Window(workload="w01", start=10.0, end=15.0)]
    lost = lost_while_moving([stream("w01", Loss(4, start, start + 0.1))], windows, DropBudget([]), PLAN)
    assert lost.get(("w01", "udp-bulk"), 0) == counted


def test_another_workloads_move_is_not_blamed() -> None:
    windows = [Window(workload="w02", start=10.0, end=15.0)]
    assert lost_while_moving([stream("w01", Loss(4, 11.0, 11.1))], windows, DropBudget([]), PLAN) == {}


def test_a_drop_explains_one_loss_only() -> None:
    windows = [Window(workload="w01", start=10.0, end=15.0)]
    budget = DropBudget([point(12.0, drops=5)])
    streams = [stream("w01", Loss(4, 11.0, 11.1), Loss(3, 11.5, 11.6))]
    assert lost_while_moving(streams, windows, budget, PLAN) == {("w01", "udp-bulk"): 2}


@pytest.mark.parametrize(
    "drops",
    [
        pytest.param(point(12.0, node="n2", drops=9), id="on another node"),
        pytest.param(point(30.0, drops=9), id="at another time"),
    ],
)
def test_a_drop_elsewhere_explains_nothing(drops: UplinkPoint) -> None:
    windows = [Window(workload="w01", start=10.0, end=15.0)]
    lost = lost_while_moving([stream("w01", Loss(4, 11.0, 11.1))], windows, DropBudget([drops]), PLAN)
    assert lost == {("w01", "udp-bulk"): 4}


def test_overload_is_the_share_of_our_bytes_above_shed() -> None:
    full, half_full = 12_500_000, 6_250_000  # bytes a second at 100 Mbps
    points = [point(1.0, ours=half_full), point(2.0, ours=half_full, foreign=half_full), point(3.0, foreign=full)]
    assert overload_percent(points, {"phynet0": 100e6}, 0.85) == 50.0
    assert overload_percent([], {}, 0.85) == 0.0


def test_counters_are_read_by_class_from_what_tc_prints() -> None:
    text = """[{"kind":"htb","handle":"1:","dev":"eth2","bytes":90,"drops":0},
      {"kind":"bfifo","handle":"10:","dev":"eth2","parent":"1:10","bytes":70,"drops":3},
      {"kind":"bfifo","handle":"20:","dev":"eth2","parent":"1:20","bytes":20,"drops":8},
      {"kind":"noqueue","handle":"0:","dev":"lo","bytes":0,"drops":0}]"""
    assert parse_counters(text) == {"eth2": Counters(ours=70, foreign=20, drops=3)}
