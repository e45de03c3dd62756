"""What exists and what it carries, as columns: the same as the reports and loads one by one, at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from math import isnan
from typing import Any

import pytest

from switcher.decide import Settings, decide
from switcher.objects.load import book_from_documents
from switcher.objects.model import Book
from switcher.observe import Sight, observe
from switcher.reported import Attached
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at, attachment, batch, move, traffic, uplink, wire_time
from tests.unit.ticking import NETWORKS, POLICY, price

WINDOW = timedelta(seconds=10)
DAY = 86_400


def _rows(found: Attached) -> list[tuple[Any, ...]]:
    known = found.reported
    columns = (known.node, known.network, known.attachment, known.namespace, known.do_not_move, known.primary)
    rates = [[None if isnan(rate) else rate for rate in each.tolist()] for each in (found.in_bps, found.out_bps)]
    times = [known.born, known.since.tolist()]
    return list(zip(known.id, *columns, known.labels, *times, *rates, strict=True))


def _one_by_one(history: AnyHistory, loads: Mapping[str, tuple[float, float]]) -> list[tuple[Any, ...]]:
    """``loads``: what is known, by workload."""
    rows = []
    for known in history.attachments():
        report = known.report
        if report.physical_network is None:
            continue
        rows.append(
            (
                f"{report.workload}:{report.attachment}",
                known.node,
                report.network,
                report.attachment,
                report.workload.split("/")[0] if "/" in report.workload else "default",
                report.do_not_move,
                report.primary,
                report.labels,
                at(report.started - at(0).timestamp()),
                report.since,
                *loads.get(report.workload, (None, None)),
            )
        )
    return sorted(rows, key=lambda row: (row[0], row[1]))


def test_nothing_is_attached(history: AnyHistory) -> None:
    assert _rows(history.attached(at(60), WINDOW)) == []


def test_columns_say_what_reports_and_loads_say(history: AnyHistory) -> None:
    history.ingest(
        batch(
            1,
            attachments=(
                attachment(workload="lab/b", labels={"app": "b", "tier": "x"}, primary=True),
                attachment(workload="lab/a", do_not_move="true"),
                attachment(workload="plain", physical_network=None),
                attachment(workload="bare", network="cni:other", labels={"tier": "x", "app": "b"}),
            ),
            traffic=(traffic(0, 4, 400, 40, workload="lab/b"), traffic(5, 4, 800, 80, workload="plain")),
        )
    )
    history.ingest(batch(1, node="n2", agent="n2/a", attachments=(attachment(workload="lab/c"),)))
    rows = _rows(history.attached(at(60), WINDOW))
    assert rows == _one_by_one(history, {"lab/b": (800.0, 80.0)})
    assert [row[0] for row in rows] == ["bare:net1", "lab/a:net1", "lab/b:net1", "lab/c:net1"]


def test_what_a_node_reports_next_is_seen(history: AnyHistory) -> None:
    history.ingest(batch(1, attachments=(attachment(workload="lab/a"), attachment(workload="lab/b"))))
    first = history.attached(at(60), WINDOW)
    history.ingest(
        batch(2, attachments=(attachment(workload="lab/a", network="cni:other"), attachment(workload="lab/b")))
    )
    second = history.attached(at(60), WINDOW)
    history.ingest(batch(3, attachments=(attachment(workload="lab/c"), attachment(workload="lab/b"))))
    history.ingest(batch(1, node="n0", agent="n0/a", attachments=(attachment(workload="lab/bb"),)))
    third = history.attached(at(60), WINDOW)
    assert list(first.reported.network) == ["cni:a", "cni:a"]
    assert list(second.reported.network) == ["cni:other", "cni:a"]
    assert (third.reported.id, list(third.reported.node)) == (
        ["lab/b:net1", "lab/bb:net1", "lab/c:net1"],
        ["n1", "n0", "n1"],
    )
    assert _rows(third) == _one_by_one(history, {})


def test_two_nodes_that_claim_one_workload_each_have_their_own_load(history: AnyHistory) -> None:
    for node, amount in (("n1", 1000), ("n2", 3000)):
        history.ingest(
            batch(1, node=node, agent=f"{node}/a", attachments=(attachment(),), traffic=(traffic(0, 8, amount, 0),))
        )
    found = history.attached(at(60), WINDOW)
    assert list(found.reported.node) == ["n1", "n2"]
    assert found.in_bps.tolist() == [pytest.approx(1000), pytest.approx(3000)]
    assert len(found.reported.rows_of(found.reported.id[0])) == 2


def test_what_a_node_had_that_has_sent_nothing_for_a_day_is_not_there(history: AnyHistory) -> None:
    for node in ("n1", "n2"):
        for number, name in enumerate(("before", "after")):
            agent = f"{node}/{name}"
            history.ingest(batch(1, number, node=node, agent=agent, attachments=(attachment(workload=f"lab/{node}"),)))
    history.ingest(batch(2, DAY, node="n2", agent="n2/after"))
    for seconds, nodes in ((DAY, ["n1", "n2"]), (DAY + 1, ["n1", "n2"]), (DAY + 2, ["n2"]), (DAY + 1, ["n1", "n2"])):
        assert list(history.attached(at(seconds), WINDOW).reported.node) == nodes
    history.ingest(batch(2, DAY + 2, node="n1", agent="n1/after"))
    assert list(history.attached(at(DAY + 2), WINDOW).reported.node) == ["n1", "n2"]


def test_a_budget_in_percent_is_of_what_is_there(history: AnyHistory) -> None:
    """Eleven on a node that is gone would let two move at once, and not one."""
    reports = tuple(
        attachment(workload=f"lab/{number}", network="cni:dear", physical_network="phynet2") for number in range(9)
    )
    gone = tuple(attachment(workload=f"gone/{number}", physical_network="phynet2") for number in range(11))
    history.ingest(batch(1, node="gone", agent="gone/a", attachments=gone))
    loads = [uplink(DAY - 10, 10, 0, 0, physical_network=name, capacity_bps=1e9) for name in ("phynet2", "phynet0")]
    history.ingest(batch(1, DAY + 1, attachments=reports, uplinks=tuple(loads), networks=NETWORKS))
    policy = {**POLICY, "spec": {"moveCost": "0", "minimumAge": "0s"}}
    objects = book_from_documents([price("phynet2", "9"), price("phynet0", "1"), policy], "test")
    seen, memory = observe(history, objects, at(DAY + 1), Sight(window=WINDOW))
    assert len(decide(seen, memory, objects, Settings()).moves) == 1


@pytest.mark.parametrize(("older", "newer"), [("n1", "n2"), ("n2", "n1")])
def test_a_tick_sees_a_workload_where_it_started_last(history: AnyHistory, older: str, newer: str) -> None:
    """A node is gone, and what it reported last stays; its pods are made again elsewhere, under the same names."""
    for node, started, rate in ((older, 0.0, 1000), (newer, 30.0, 3000)):
        reports = (attachment(started=wire_time(started)), attachment(workload=f"lab/{node}"))
        sample = traffic(50, 8, rate * 8, 0)
        history.ingest(batch(1, node=node, agent=f"{node}/a", attachments=reports, traffic=(sample,)))
    for _ in range(2):
        seen, _ = observe(history, Book(), at(60), Sight(window=WINDOW))
        found = [(state.id, state.node) for state in seen.workloads]
        assert sorted(found) == [("lab/n1:net1", "n1"), ("lab/n2:net1", "n2"), ("lab/w01:net1", newer)]
        assert [state.in_bps for state in seen.workloads if state.id == "lab/w01:net1"] == [pytest.approx(24_000)]


@pytest.mark.parametrize(("node", "moves"), [("n1", False), ("n2", True)])
def test_what_a_node_that_is_gone_was_told_is_no_order_to_others(history: AnyHistory, node: str, moves: bool) -> None:
    """n1 was gone before it could say how the move ended; the pod was made again on n2."""
    for number, (name, started) in enumerate((("n1", 0.0), ("n2", 30.0))):
        reports = (attachment(network="cni:a", physical_network="phynet0", started=wire_time(started)),)
        history.ingest(
            batch(1, node=name, agent=f"{name}/a", attachments=reports, traffic=(traffic(50, 8, number, 0),))
        )
    history.record_move(move("m1", 20, node=node))
    seen, _ = observe(history, Book(), at(60), Sight(window=WINDOW))
    assert [(state.node, state.network, state.moving) for state in seen.workloads] == [
        ("n2", "cni:b" if moves else "cni:a", moves)
    ]
