"""Annotations are written until the API server has them, and again when a pod's networks change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cni.cluster import Pod
from cni.model import Attachment, AttachmentState
from cni.publish import Notice, Publisher
from cni.store import Store
from cni.wire import MoveReason, Phase, SwitchStatus
from tests.support.fake_cluster import FakeCluster

POD = Pod(namespace="shop", name="web-0", uid="u1", node="n1")
STATUS = "k8s.v1.cni.cncf.io/network-status"


@dataclass(frozen=True)
class Link:
    mac: str = "02:00:00:00:00:01"
    mtu: int = 1450


class Kernel:
    def links(self, netns: str) -> Mapping[str, Link]:
        if netns == "/run/netns/gone":
            raise OSError("no such namespace")
        return {"eth0": Link()}


def attached(network: str = "cni:a", **fields: object) -> Attachment:
    made = Attachment(
        container_id="c1",
        name="eth0",
        generation=0,
        workload="shop/web-0",
        netns="/run/netns/c1",
        ifname="eth0",
        network=network,
        physical_network=None,
        delegate_id="c1",
        config=json.dumps({"name": network.removeprefix("cni:"), "plugins": [{"type": "bridge"}]}).encode(),
        cni_args="",
        capabilities=b"{}",
        result=b'{"ips":[{"address":"10.1.0.2/24"}]}',
        state=AttachmentState.READY,
        table=1000,
        position=0,
        created_at=0,
        started_at=0,
        pod_uid="u1",
    )
    return replace(made, **fields)


class Bench:
    """A publisher with a clock that is set, and what it wrote."""

    def __init__(self, path: Path, *rows: Attachment, own: FakeCluster | None = None) -> None:
        self.now = 100.0
        self.store = Store(path / "store.db")
        for row in rows:
            self.store.put(row)
        self.cluster = own or FakeCluster("n1", POD)
        self.statuses: list[SwitchStatus] = []
        self.publisher = Publisher(self.store, Kernel(), lambda: self.statuses, own, lambda: self.now)

    def notice(self, **extra: str) -> Notice:
        return Notice(container_id="c1", cluster=self.cluster, pod=POD, extra=extra)

    def turn(self, after: float = 0.0) -> None:
        self.now += after
        self.publisher.stop()  # a turn does not wait
        self.publisher.turn()

    @property
    def written(self) -> list[str]:
        """The networks of each status written."""
        return [json.loads(pod.annotations[STATUS])[0]["name"] for pod in self.cluster.patches]


def test_what_the_server_does_not_take_now_is_written_later_as_it_is_then(tmp_path: Path) -> None:
    bench = Bench(tmp_path, attached("cni:a"))
    bench.cluster.away = True
    bench.publisher.now(bench.notice(choice="a"))
    assert bench.publisher.depth() == 1
    bench.turn(after=0.5)
    assert bench.written == []
    bench.turn(after=1.0)
    bench.cluster.away = False
    bench.store.put(attached("cni:b"))
    bench.turn(after=1.0)
    assert bench.written == [], "pauses grow"
    bench.turn(after=2.0)
    assert bench.written == ["b"]
    assert bench.cluster.patches[0].annotations["choice"] == "a"
    assert bench.publisher.depth() == 0


def test_a_change_of_networks_is_written_without_being_asked_for_by_the_runtime(tmp_path: Path) -> None:
    bench = Bench(tmp_path, attached("cni:a"), own=FakeCluster("n1", POD))
    bench.publisher.changed("c1")
    bench.turn()
    assert bench.written == ["a"], "also by an agent that was started after the ADD"


def test_what_an_agent_did_not_come_to_write_is_written_by_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path, attached("cni:a"), own=FakeCluster("n1", POD))
    bench.publisher.resume()
    bench.turn(after=1.0)
    assert bench.written == [], "the watch is given time to tell of the pods"
    bench.cluster.away = True
    bench.turn(after=5.0)
    bench.cluster.away = False
    bench.turn(after=2.0)
    assert bench.written == ["a"]
    bench.publisher.resume()
    bench.turn(after=6.0)
    assert bench.written == ["a"], "what a pod says already is not written again"
    bench.publisher.changed("c1")
    bench.turn()
    assert bench.written == ["a", "a"], "after a change what the watch told may be old"


def test_a_change_does_not_lose_what_else_was_to_be_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path, attached("cni:a"))
    bench.publisher.soon(bench.notice(choice="a"))
    bench.publisher.changed("c1")
    bench.turn()
    assert bench.cluster.patches[0].annotations["choice"] == "a"


@pytest.mark.parametrize(
    ("phase", "shifted_at", "expected"),
    [(Phase.VERIFY, None, "a"), (Phase.DRAIN, 5.0, "b"), (Phase.RETURNING, 5.0, "a"), (Phase.RETURNING, None, "a")],
)
def test_during_a_switch_the_network_that_carries_the_traffic_is_told(
    tmp_path: Path, phase: Phase, shifted_at: float | None, expected: str
) -> None:
    bench = Bench(tmp_path, attached("cni:a", ifname="old1000"), attached("cni:b", generation=1, table=1001))
    bench.statuses = [
        SwitchStatus(
            id="1",
            workload="shop/web-0",
            attachment="eth0",
            source="cni:a",
            target="cni:b",
            reason=MoveReason.MANUAL,
            phase=phase,
            shifted_at=shifted_at,
        )
    ]
    bench.publisher.now(bench.notice())
    assert bench.written == [expected]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(attached(state=AttachmentState.DELETING), id="being deleted"),
        pytest.param(attached(netns="/run/netns/gone"), id="its namespace is gone"),
        pytest.param(attached(pod_uid=""), id="no pod"),
    ],
)
def test_nothing_is_said_of_what_is_going_or_no_pod(tmp_path: Path, row: Attachment) -> None:
    bench = Bench(tmp_path, row, own=FakeCluster("n1", POD))
    bench.publisher.changed("c1")
    bench.turn()
    assert bench.cluster.patches == []
    assert bench.publisher.depth() == 0


def test_a_pod_that_is_gone_or_another_now_is_dropped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, attached(), own=FakeCluster("n1", replace(POD, uid="u2")))
    bench.publisher.changed("c1")
    bench.publisher.now(bench.notice())
    bench.turn()
    assert bench.cluster.patches == []
    assert bench.publisher.depth() == 0


def test_without_the_right_it_is_tried_rarely(tmp_path: Path) -> None:
    bench = Bench(tmp_path, attached())
    bench.cluster.refused = "pods/status may not be patched"
    bench.publisher.now(bench.notice())
    bench.cluster.refused = ""
    bench.turn(after=7.0)
    assert bench.written == []
    bench.turn(after=2.0)
    assert bench.written == ["a"]
