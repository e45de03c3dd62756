"""Which containers the runtime has forgotten: never one of a living pod, never on stale information."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cni.cluster import Pod
from cni.forgotten import Forgotten
from cni.model import Attachment, AttachmentState
from cni.store import Store
from tests.support.fake_cluster import FakeCluster

POD = Pod(namespace="shop", name="web-0", uid="u1", node="n1")
GRACE = 60.0


def attached(netns: Path, **fields: object) -> Attachment:
    made = Attachment(
        container_id="c1",
        name="eth0",
        generation=0,
        workload="shop/web-0",
        netns=str(netns),
        ifname="eth0",
        network="cni:a",
        physical_network=None,
        delegate_id="c1",
        config=b"{}",
        cni_args="",
        capabilities=b"{}",
        result=b"{}",
        state=AttachmentState.READY,
        table=1000,
        position=0,
        created_at=1.0,
        started_at=1.0,
        runtime_ifname="eth0",
        pod_uid="u1",
    )
    return replace(made, **fields)


@dataclass
class Node:
    """One whose namespaces are files, and whose clock is set."""

    path: Path
    cluster: FakeCluster = field(default_factory=FakeCluster)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.netns = self.path / "netns"
        self.netns.mkdir()
        self.store = Store(self.path / "store.db")
        self.forgotten = Forgotten(self.store, self.cluster, lambda path: Path(path).exists(), GRACE, lambda: self.now)

    def attach(self, name: str, *, alive: bool, **fields: object) -> None:
        """A container of that name with one attachment."""
        if alive:
            (self.netns / name).touch()
        self.store.put(attached(self.netns / name, container_id=name, **fields))

    def due(self, after: float = 0.0) -> list[str]:
        self.now += after
        return self.forgotten.due()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_what_a_pod_had_that_is_gone_is_due_after_the_grace(node: Node) -> None:
    node.attach("c1", alive=False)
    assert node.due() == []
    assert node.due(after=GRACE - 1) == []
    assert node.due(after=1) == ["c1"]


def test_the_grace_begins_anew_when_the_namespace_is_seen_again(node: Node) -> None:
    node.attach("c1", alive=False)
    node.due()
    (node.netns / "c1").touch()
    assert node.due(after=GRACE) == []
    (node.netns / "c1").unlink()
    assert node.due() == []
    assert node.due(after=GRACE) == ["c1"]


def test_a_living_pod_keeps_what_it_has_though_its_namespace_is_not_seen(node: Node) -> None:
    node.cluster.put(POD)
    node.attach("c1", alive=False)
    node.due()
    assert node.due(after=GRACE) == []


def test_a_pod_that_lives_by_another_sandbox_does_not_need_the_former(node: Node) -> None:
    node.cluster.put(POD)
    node.attach("c1", alive=False)
    node.attach("c2", alive=True, started_at=2.0)
    node.due()
    assert node.due(after=GRACE) == ["c1"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"alive": False}, id="dead too"),
        pytest.param({"alive": True, "pod_uid": "u2"}, id="another pod's"),
        pytest.param({"alive": True, "started_at": 0.5}, id="older"),
        pytest.param({"alive": True, "state": AttachmentState.ADDING}, id="not attached yet"),
    ],
)
def test_it_needs_it_when_the_other_is_no_successor(node: Node, other: dict[str, object]) -> None:
    node.cluster.put(POD)
    node.attach("c1", alive=False)
    node.attach("c2", **{"started_at": 2.0, **other})
    node.due()
    assert "c1" not in node.due(after=GRACE)


def test_a_pod_made_anew_under_the_name_is_another_one(node: Node) -> None:
    node.cluster.put(replace(POD, uid="u2"))
    node.attach("c1", alive=False)
    node.due()
    assert node.due(after=GRACE) == ["c1"]


def test_nothing_is_due_while_nobody_can_say(node: Node) -> None:
    node.attach("c1", alive=False)
    node.due()
    node.cluster.away = True
    assert node.due(after=GRACE) == []
    node.cluster.away = False
    node.cluster.refused = "forbidden: get pods"
    assert node.due() == []
    node.cluster.refused = ""
    assert node.due() == ["c1"]


@pytest.mark.parametrize("fields", [{"pod_uid": ""}, {"netns": "/nowhere/netns/c1"}], ids=["no pod", "no directory"])
def test_what_is_no_pods_and_what_cannot_be_seen_is_left(node: Node, fields: dict[str, object]) -> None:
    node.store.put(replace(attached(node.netns / "c1"), **fields))
    node.due()
    assert node.due(after=GRACE) == []
